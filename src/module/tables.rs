//! The tables of a module: which are for what the host gives (`externref`), and not for functions.

use super::bits::Bits;
use super::error::{ReadError, count_of, malformed};
use super::{Exports, Kind, MOST_SEGMENTS};
use wasmparser::{BinaryReader, TableSectionReader, TableType};

/// What the tables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// One of `externref` is exported.
    pub exports_externref: bool,
    /// What is exported as `__wbindgen_externrefs` is one. `None` without that export.
    pub wbindgen_externrefs: Option<bool>,
}

/// The tables, as they are read: imported ones, and then the section.
#[derive(Default)]
pub(super) struct Reading {
    externref: Bits,
}

impl Reading {
    pub(super) fn add(&mut self, kind: TableType) {
        self.externref.push(kind.element_type.is_extern_ref());
    }

    pub(super) fn section(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        let tables = TableSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)?;
        count_of("tables", tables.count(), MOST_SEGMENTS, offset)?;
        for table in tables {
            self.add(table.map_err(malformed)?.ty);
        }
        Ok(())
    }

    pub(super) fn end(self, exports: &Exports) -> Tables {
        let is_one = |export: super::Export| export.kind == Kind::Table && self.externref.get(export.index as usize);
        Tables {
            exports_externref: exports.values().any(is_one),
            wbindgen_externrefs: exports.get("__wbindgen_externrefs").map(is_one),
        }
    }
}
