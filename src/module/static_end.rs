//! Where the static data of a module ends, and so where its heap begins, read off the start function: `wasm-ld` lets it write every
//! passive segment, and zeros where there is nothing else, at addresses that are plain numbers (`Writer.cpp`,
//! `createInitMemoryFunction`).

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies};
use super::{BinaryReader, Operator};
use std::ops::Range;
use wasmparser::FunctionBody;

/// The first address above all that the function numbered `start` in `code` writes. None where that is not plain to see.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R, code: &Range<u64>, start: u32) -> Result<Option<u64>, ReadError> {
    let mut end = None;
    bodies(source, code, |index, range, window| {
        if index < start {
            return Ok(true);
        }
        let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let held = window.at(range.start, size)?;
        end = written(&held[..size.min(held.len())], range.start);
        Ok(false)
    })?;
    Ok(end)
}

fn written(body: &[u8], offset: u64) -> Option<u64> {
    let mut end = 0;
    let mut numbers: Vec<u64> = Vec::new();
    for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
        match operator.ok()? {
            Operator::I32Const { value } => numbers.push(u64::from(value.cast_unsigned())),
            Operator::I64Const { value } => numbers.push(value.cast_unsigned()),
            // The address of the thread-local storage is kept as well.
            Operator::GlobalSet { .. } => drop(numbers.pop()),
            Operator::MemoryInit { .. } | Operator::MemoryFill { .. } => {
                let [.., to, _, size] = numbers.as_slice() else { return None };
                end = end.max(to.checked_add(*size)?);
                numbers.clear();
            }
            _ => numbers.clear(),
        }
    }
    Some(end)
}
