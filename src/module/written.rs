//! Does an exported function write the data of a module without a start function?
//!
//! A host of one's own may do by hand, once, what `wasm-ld` lets the start function do.

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies};
use super::{BinaryReader, Operator};
use std::collections::BTreeSet;
use std::ops::Range;
use wasmparser::FunctionBody;

/// Whether one of the functions in `code` that are numbered in `exported` writes a passive segment itself.
pub(super) fn by_export<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    exported: &BTreeSet<u32>,
) -> Result<bool, ReadError> {
    let mut writes = false;
    bodies(source, code, |index, range, window| {
        if exported.contains(&index) {
            let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
            let held = window.at(range.start, size)?;
            writes = has_init(&held[..size.min(held.len())], range.start).unwrap_or(false);
        }
        Ok(!writes)
    })?;
    Ok(writes)
}

fn has_init(body: &[u8], offset: u64) -> Option<bool> {
    for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
        if matches!(operator.ok()?, Operator::MemoryInit { .. }) {
            return Some(true);
        }
    }
    Some(false)
}
