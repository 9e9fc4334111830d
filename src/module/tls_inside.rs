//! Does a module without the thread-local storage exports need them?
//!
//! `wasm-ld`'s start function writes every passive segment once and drops all but the template of the thread-local storage
//! (`Writer.cpp`, `createInitMemoryFunction`). A module whose template is written by no other function has lost
//! `__wasm_init_tls`: every thread would use the first one's storage. A module without a template, or one that writes it
//! itself when it starts a thread (a C program with its own thread entry), needs no export.

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies};
use super::{BinaryReader, Operator, Segment};
use std::collections::BTreeSet;
use std::ops::Range;
use wasmparser::FunctionBody;

/// Reads every function in `code`. `start` is the start function's number among the module's own.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: Option<u32>,
    segments: &[Segment],
) -> Result<bool, ReadError> {
    let mut dropped_at_start = BTreeSet::new();
    let mut written_elsewhere = BTreeSet::new();
    let mut readable = true;
    bodies(source, code, |index, range, window| {
        let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let held = window.at(range.start, size)?;
        let body = FunctionBody::new(BinaryReader::new(&held[..size.min(held.len())], range.start));
        let Ok(operators) = body.get_operators_reader() else {
            readable = false;
            return Ok(false);
        };
        for operator in operators {
            match operator {
                Ok(Operator::DataDrop { data_index }) if Some(index) == start => {
                    dropped_at_start.insert(data_index);
                }
                Ok(Operator::MemoryInit { data_index, .. }) if Some(index) != start => {
                    written_elsewhere.insert(data_index);
                }
                Ok(_) => {}
                Err(_) => {
                    readable = false;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })?;
    let passive = segments.iter().zip(0_u32..).filter(|(segment, _)| !segment.active);
    Ok(readable
        && passive.map(|(_, index)| index).all(|index| dropped_at_start.contains(&index) || written_elsewhere.contains(&index)))
}
