//! Where the static data of a module ends, and so where its heap begins, read off the function that writes the data: `wasm-ld` lets
//! its start function write every passive segment, and zeros where there is nothing else, at addresses that are plain numbers
//! (`Writer.cpp`, `createInitMemoryFunction`). wasm-bindgen makes it one function among many.

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies};
use super::{BinaryReader, Operator, Segment};
use std::ops::Range;
use wasmparser::FunctionBody;

/// The first address above all that the function numbered `start` in `code` writes, or, where that is not known, above all that
/// any function writes of its own data. None where that is not plain to see.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: Option<u32>,
    segments: &[Segment],
) -> Result<Option<u64>, ReadError> {
    let mut end = None;
    // Without data there may be zeros to write, but nobody to be told by it.
    if start.is_none() && !segments.iter().any(|segment| !segment.active) {
        return Ok(None);
    }
    bodies(source, code, |index, range, window| {
        if start.is_some_and(|start| index < start) {
            return Ok(true);
        }
        let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let held = window.at(range.start, size)?;
        let written = written(&held[..size.min(held.len())], range.start);
        if start.is_some() {
            end = written.map(|written| written.end);
            return Ok(false);
        }
        // A thread's own storage is written by another one, at an address that is no plain number.
        if let Some(written) = written.filter(|written| written.drops) {
            end = end.max(Some(written.end));
        }
        Ok(true)
    })?;
    Ok(end)
}

/// What a function writes.
struct Written {
    end: u64,
    /// It throws segments away.
    drops: bool,
}

fn written(body: &[u8], offset: u64) -> Option<Written> {
    let mut written = Written { end: 0, drops: false };
    let mut numbers: Vec<u64> = Vec::new();
    for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
        match operator.ok()? {
            Operator::I32Const { value } => numbers.push(u64::from(value.cast_unsigned())),
            Operator::I64Const { value } => numbers.push(value.cast_unsigned()),
            // The address of the thread-local storage is kept as well.
            Operator::GlobalSet { .. } => drop(numbers.pop()),
            Operator::MemoryInit { .. } | Operator::MemoryFill { .. } => {
                let [.., to, _, size] = numbers.as_slice() else { return None };
                written.end = written.end.max(to.checked_add(*size)?);
                numbers.clear();
            }
            other => {
                written.drops |= matches!(other, Operator::DataDrop { .. });
                numbers.clear();
            }
        }
    }
    Some(written)
}
