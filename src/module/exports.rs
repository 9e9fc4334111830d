//! The exports of a module, kept as they stand in the file: a map of their names takes many times the memory.

use super::MOST;
use super::error::{ReadError, count_of, malformed};
use super::leb::{leb, push_leb};
use std::fmt;
use wasmparser::{BinaryReader, ExportSectionReader};

/// The exports, in the order of the module.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// As the section has them, behind their number: a name, a kind, an index.
    entries: Vec<u8>,
    count: usize,
}

/// One export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// What is exported.
    pub kind: Kind,
    /// Its index among its kind.
    pub index: u32,
}

/// The kinds of exports that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function,
    /// A global.
    Global,
    /// A memory.
    Memory,
    /// A table.
    Table,
    /// A tag, or what else there may be.
    Other,
}

impl Exports {
    /// The contents of an export section, which begins at byte `offset` of its file.
    pub(super) fn read(mut section: Vec<u8>, offset: u64) -> Result<Exports, ReadError> {
        let exports = ExportSectionReader::new(BinaryReader::new(&section, offset)).map_err(malformed)?;
        let count = count_of("exports", exports.count(), MOST, offset)?;
        for export in exports {
            export.map_err(malformed)?;
        }
        let (_, before) = leb(&section).unwrap_or_default();
        section.drain(..before);
        Ok(Exports { entries: section, count: count as usize })
    }

    /// The first export of that name. No engine takes a module with two.
    pub fn get(&self, name: &str) -> Option<Export> {
        self.each().find(|(known, _)| *known == name.as_bytes()).map(|(_, export)| export)
    }

    /// Whether something is exported by that name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every export, with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Export)> {
        self.each().map(|(name, export)| (std::str::from_utf8(name).unwrap_or_default(), export))
    }

    /// Every name.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// Every export, without its name.
    pub fn values(&self) -> impl Iterator<Item = Export> {
        self.each().map(|(_, export)| export)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn each(&self) -> impl Iterator<Item = (&[u8], Export)> {
        let mut rest = &self.entries[..];
        std::iter::from_fn(move || {
            let (length, bytes) = leb(rest)?;
            let (name, behind) = rest[bytes..].split_at_checked(length as usize)?;
            let (kind, behind) = behind.split_first()?;
            let (index, bytes) = leb(behind)?;
            rest = &behind[bytes..];
            let kind = KINDS.iter().find(|(byte, _)| byte == kind).map_or(Kind::Other, |(_, kind)| *kind);
            Some((name, Export { kind, index }))
        })
    }
}

/// How the section has them (core specification, 5.5.10). The last is a function whose type is exact (custom-descriptors).
const KINDS: [(u8, Kind); 6] =
    [(0, Kind::Function), (1, Kind::Table), (2, Kind::Memory), (3, Kind::Global), (4, Kind::Other), (0x20, Kind::Function)];

impl<'a> FromIterator<(&'a str, Export)> for Exports {
    fn from_iter<T: IntoIterator<Item = (&'a str, Export)>>(exports: T) -> Exports {
        let mut all = Exports::default();
        for (name, export) in exports {
            push_leb(&mut all.entries, name.len() as u64);
            all.entries.extend(name.as_bytes());
            all.entries.extend(KINDS.iter().find(|(_, kind)| *kind == export.kind).map(|(byte, _)| byte));
            push_leb(&mut all.entries, export.index.into());
            all.count += 1;
        }
        all
    }
}

impl fmt::Debug for Exports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found() {
        let of = |kind, index| Export { kind, index };
        let long = "x".repeat(300);
        let all = [
            ("", of(Kind::Function, 0)),
            ("memory", of(Kind::Memory, 127)),
            (&long, of(Kind::Global, 128)),
            ("größe", of(Kind::Table, u32::MAX)),
            ("tag", of(Kind::Other, 1)),
            ("memory", of(Kind::Function, 5)),
        ];
        let exports = Exports::from_iter(all);
        assert_eq!(exports.iter().collect::<Vec<_>>(), all);
        assert_eq!(exports.len(), 6);
        assert_eq!(exports.get("memory"), Some(of(Kind::Memory, 127)));
        assert_eq!(exports.get("memor"), None);
        // As a file has them.
        let section = [&[6][..], &exports.entries].concat();
        assert_eq!(Exports::read(section.clone(), 0).expect("it can be read"), exports);
        assert!(Exports::read([&section[..], &[0]].concat(), 0).is_err());
        assert!(Exports::read(section[..section.len() - 1].to_vec(), 0).is_err());
    }
}
