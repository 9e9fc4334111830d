//! Who writes the data of a module without a start function?
//!
//! A host of one's own may do by hand, once, what `wasm-ld` lets the start function do; and a libc may do it from inside, as
//! older linkers had it.

use super::bits::Bits;
use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use super::writes::Write;
use std::ops::Range;

/// The data segments that some function writes, by their numbers.
pub(super) struct Written {
    /// Those that a function writes that is exported.
    pub by_exports: Bits,
    /// Those that any function writes; `None` where a function could not be read.
    pub by_any: Option<Bits>,
}

/// Reads the functions in `code`, of a module with so many data segments. Those functions are exported that are `exported`.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    exported: &Bits,
    segments: usize,
) -> Result<Written, ReadError> {
    let (mut by_exports, mut by_any) = (Bits::none_of(segments), Bits::none_of(segments));
    let mut all_readable = true;
    functions::each(source, code, |mut body| {
        let is_exported = exported.get(body.number as usize);
        all_readable &= body.writes(|write| {
            if let Write::Init(segment, _) = write {
                by_any.set(segment as usize);
                if is_exported {
                    by_exports.set(segment as usize);
                }
            }
        })?;
        Ok(true)
    })?;
    Ok(Written { by_exports, by_any: all_readable.then_some(by_any) })
}
