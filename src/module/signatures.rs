//! The types of the few functions that somebody asks for.

use super::error::{ReadError, count_of, malformed};
use super::{Export, Exports, Kind, MOST};
use wasmparser::{BinaryReader, CompositeInnerType, FunctionSectionReader, SubType, ValType};

/// The kinds of function types that somebody asks for: what they take. None of them returns anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One address.
    Address,
    /// An `i32` and another.
    TwoNumbers,
    /// Something else.
    Other,
}

/// The functions that somebody asks for, by the names they are exported under.
const NAMES: [&str; 3] = ["__wasm_init_tls", "__wbindgen_start", "wasi_thread_start"];

/// What is known of them, in the order of a file that has its exports in front.
#[derive(Default)]
pub(super) struct Signatures {
    asked: Vec<Asked>,
}

struct Asked {
    name: &'static str,
    function: u32,
    /// The number of its type.
    kind: Option<u32>,
    shape: Shape,
}

impl Signatures {
    /// Those among these exports.
    pub(super) fn asked_of(exports: &Exports) -> Signatures {
        let asked = NAMES.iter().filter_map(|name| match exports.get(name)? {
            Export { kind: Kind::Function, index } => Some(Asked { name, function: index, kind: None, shape: Shape::Other }),
            _ => None,
        });
        Signatures { asked: asked.collect() }
    }

    /// The function of that name: its number, and what it takes.
    pub(super) fn get(&self, name: &str) -> Option<(u32, Shape)> {
        self.asked.iter().find(|asked| asked.name == name).map(|asked| (asked.function, asked.shape))
    }

    /// Notes the type of a function.
    pub(super) fn function(&mut self, number: u32, kind: u32) {
        self.asked.iter_mut().filter(|asked| asked.function == number).for_each(|asked| asked.kind = Some(kind));
    }

    /// Reads the function section, whose first function has the number `first`, and says how many it declares.
    pub(super) fn functions(&mut self, section: &[u8], offset: u64, first: u32) -> Result<u32, ReadError> {
        let functions = FunctionSectionReader::new(BinaryReader::new(section, offset)).map_err(malformed)?;
        let count = count_of("functions", functions.count(), MOST, offset)?;
        for (kind, number) in functions.into_iter().zip(first..) {
            self.function(number, kind.map_err(malformed)?);
        }
        Ok(count)
    }

    /// Reads the type section.
    pub(super) fn types(&mut self, section: &[u8], offset: u64) -> Result<(), ReadError> {
        const GROUP: u8 = 0x4e;
        let mut reader = BinaryReader::new(section, offset);
        let mut number = 0;
        for _ in 0..count_of("types", reader.read_var_u32().map_err(malformed)?, MOST, offset)? {
            // Not wasmparser's reader of groups, which believes a group how many types it has.
            let mut ahead = reader.clone();
            let mut types = 1;
            if ahead.read_u8().map_err(malformed)? == GROUP {
                types = ahead.read_var_u32().map_err(malformed)?;
                count_of("types", types, MOST, offset)?;
                reader = ahead;
            }
            for _ in 0..types {
                let kind: SubType = reader.read().map_err(malformed)?;
                let asked = self.asked.iter_mut().filter(|asked| asked.kind == Some(number));
                asked.for_each(|asked| asked.shape = shape_of(&kind));
                number += 1;
            }
        }
        if !reader.eof() {
            let at = reader.original_position();
            return Err(ReadError::Malformed(format!("unexpected bytes behind the types (at byte {at})")));
        }
        Ok(())
    }
}

/// What is of interest of a type.
fn shape_of(kind: &SubType) -> Shape {
    match &kind.composite_type.inner {
        CompositeInnerType::Func(function) if function.results().is_empty() => match function.params() {
            [ValType::I32 | ValType::I64] => Shape::Address,
            [ValType::I32, ValType::I32] => Shape::TwoNumbers,
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}
