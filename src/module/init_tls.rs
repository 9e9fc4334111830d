//! Does `__wasm_init_tls` begin with a call?

use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use std::ops::Range;
use wasmparser::{BinaryReader, Operator, OperatorsReader, ValType};

/// The exported `__wasm_init_tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitTls {
    /// It takes one address and returns nothing.
    pub takes_one_address: bool,
    /// The function it calls before anything else. The one that `wasm-ld` makes calls none; only the wrapper that runs
    /// constructors does (`Writer.cpp`, `createCommandExportWrappers`).
    pub calls_first: Option<u32>,
}

/// The function that is called first of all by the one numbered `wanted` in `code`. `wasm-ld` puts the functions it makes first,
/// so few bodies are stepped over.
pub(super) fn first_call<R: ReadAt + ?Sized>(source: &R, code: &Range<u64>, wanted: u32) -> Result<Option<u32>, ReadError> {
    let mut first = None;
    functions::each(source, code, |mut body| {
        if body.number == wanted {
            let offset = body.offset();
            first = first_operator_is_call(body.beginning(64)?, offset);
        }
        Ok(body.number < wanted)
    })?;
    Ok(first)
}

fn first_operator_is_call(body: &[u8], offset: u64) -> Option<u32> {
    let mut reader = BinaryReader::new(body, offset);
    for _ in 0..reader.read_var_u32().ok()? {
        reader.read_var_u32().ok()?;
        reader.read::<ValType>().ok()?;
    }
    match OperatorsReader::new(reader).read().ok()? {
        Operator::Call { function_index } => Some(function_index),
        _ => None,
    }
}
