//! Which functions does anything in a module call, or hold to be called?

use super::bits::Bits;
use super::error::{ReadError, malformed};
use super::functions;
use super::read_at::ReadAt;
use super::writes::instructions;
use std::ops::Range;
use wasmparser::{BinaryReader, ElementItems, ElementSectionReader, Operator};

/// Marks in `used`, which has one place for each of the module's own functions, all that its functions in `code` and its
/// `elements` name. `imported` functions come before them in the numbering. `false` where a function could not be read.
pub(super) fn mark<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    elements: Option<(Vec<u8>, u64)>,
    imported: u32,
    used: &mut Bits,
) -> Result<bool, ReadError> {
    let mut mark = |function: u32| {
        if let Some(own) = function.checked_sub(imported) {
            used.set(own as usize);
        }
    };
    if let Some((bytes, at)) = elements {
        for element in ElementSectionReader::new(BinaryReader::new(&bytes, at)).map_err(malformed)? {
            match element.map_err(malformed)?.items {
                ElementItems::Functions(functions) => {
                    for function in functions {
                        mark(function.map_err(malformed)?);
                    }
                }
                ElementItems::Expressions(_, expressions) => {
                    for expression in expressions {
                        for operator in expression.map_err(malformed)?.get_operators_reader() {
                            if let Operator::RefFunc { function_index } = operator.map_err(malformed)? {
                                mark(function_index);
                            }
                        }
                    }
                }
            }
        }
    }
    let mut readable = true;
    functions::each(source, code, |mut body| {
        let offset = body.offset();
        let read = instructions(body.bytes()?, offset, |operator| {
            if let Operator::Call { function_index }
            | Operator::ReturnCall { function_index }
            | Operator::RefFunc { function_index } = operator
            {
                mark(function_index);
            }
            Some(())
        });
        readable = read.is_some();
        Ok(readable)
    })?;
    Ok(readable)
}
