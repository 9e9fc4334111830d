//! The globals of a module, as far as somebody asks for them: there may be a million.

use super::bits::Bits;
use super::error::{ReadError, count_of, malformed};
use super::segments::constant;
use super::{Export, Exports, Kind, MOST};
use std::collections::BTreeMap;
use wasmparser::{BinaryReader, GlobalSectionReader, GlobalType, ValType};

/// The names of the globals that somebody asks for.
pub(super) const NAMES: [&str; 11] = [
    "__data_end",
    "__global_base",
    "__heap_base",
    "__heap_end",
    "__stack_alloc",
    "__stack_high",
    "__stack_low",
    "__stack_pointer",
    "__tls_align",
    "__tls_base",
    "__tls_size",
];

/// One global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Whether it can be set.
    pub mutable: bool,
    /// An `i32` or `i64`.
    pub integer: bool,
    /// Its value, where that is a plain constant of this module.
    pub constant: Option<u64>,
}

/// What the globals say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// Those that are exported by a name that somebody asks for: `__heap_base`, `__tls_base`, `__stack_pointer` and their like.
    pub named: BTreeMap<&'static str, Global>,
    /// The first that can be set: its number, imported ones first, and its value. The linker's first is the stack pointer.
    pub first_variable: Option<(u32, Option<u64>)>,
    /// One that can be set is imported.
    pub imports_variable: bool,
    /// One that can be set is exported.
    pub exports_variable: bool,
}

/// The globals, as they are read: imported ones, and then the section.
pub(super) struct Reading {
    globals: Globals,
    asked: Vec<(&'static str, u32)>,
    variables: Bits,
    count: u32,
}

impl Reading {
    /// Of a module with these exports.
    pub(super) fn new(exports: &Exports) -> Reading {
        let asked = NAMES.iter().filter_map(|name| match exports.get(name)? {
            Export { kind: Kind::Global, index } => Some((*name, index)),
            _ => None,
        });
        Reading { globals: Globals::default(), asked: asked.collect(), variables: Bits::default(), count: 0 }
    }

    /// An imported one.
    pub(super) fn import(&mut self, kind: GlobalType) {
        self.globals.imports_variable |= kind.mutable;
        self.add(kind, None);
    }

    pub(super) fn section(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        let globals = GlobalSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)?;
        count_of("globals", globals.count(), MOST, offset)?;
        for global in globals {
            let global = global.map_err(malformed)?;
            let value = constant(&mut global.init_expr.get_operators_reader()).map_err(malformed)?;
            self.add(global.ty, value);
        }
        Ok(())
    }

    fn add(&mut self, GlobalType { content_type, mutable, .. }: GlobalType, constant: Option<u64>) {
        let integer = matches!(content_type, ValType::I32 | ValType::I64);
        for (name, _) in self.asked.iter().filter(|(_, index)| *index == self.count) {
            self.globals.named.insert(name, Global { mutable, integer, constant });
        }
        if mutable && self.globals.first_variable.is_none() {
            self.globals.first_variable = Some((self.count, constant));
        }
        self.variables.push(mutable);
        self.count += 1;
    }

    pub(super) fn end(mut self, exports: &Exports) -> Globals {
        let mut exported = exports.values().filter(|export| export.kind == Kind::Global);
        self.globals.exports_variable = exported.any(|export| self.variables.get(export.index as usize));
        self.globals
    }
}
