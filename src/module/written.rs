//! Who writes the data of a module without a start function?
//!
//! A host of one's own may do by hand, once, what `wasm-ld` lets the start function do; and a libc may do it from inside, as
//! older linkers had it.

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies};
use super::{BinaryReader, Operator};
use std::collections::BTreeSet;
use std::ops::Range;
use wasmparser::FunctionBody;

/// The data segments that some function writes, by their numbers.
pub(super) struct Written {
    /// Those that a function writes that is exported.
    pub by_exports: BTreeSet<u32>,
    /// Those that any function writes; `None` where a function could not be read.
    pub by_any: Option<BTreeSet<u32>>,
}

/// Reads every function in `code`. Those are exported that are numbered in `exported`.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R, code: &Range<u64>, exported: &BTreeSet<u32>) -> Result<Written, ReadError> {
    let mut written = Written { by_exports: BTreeSet::new(), by_any: Some(BTreeSet::new()) };
    bodies(source, code, |index, range, window| {
        let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let held = window.at(range.start, size)?;
        let inits = inits(&held[..size.min(held.len())], range.start);
        if exported.contains(&index) {
            written.by_exports.extend(inits.iter().flatten());
        }
        match (&mut written.by_any, inits) {
            (Some(any), Some(inits)) => any.extend(inits),
            (any, _) => *any = None,
        }
        Ok(true)
    })?;
    Ok(written)
}

fn inits(body: &[u8], offset: u64) -> Option<BTreeSet<u32>> {
    let mut inits = BTreeSet::new();
    for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
        if let Operator::MemoryInit { data_index, .. } = operator.ok()? {
            inits.insert(data_index);
        }
    }
    Some(inits)
}
