//! What a module is, read by `wasmparser` and by nothing of ours: the library under test must not be its own witness.

use super::read;
use std::collections::BTreeMap;
use std::path::Path;
use wasmparser::{DataKind, Export, ExternalKind, GlobalType, MemoryType, Parser, Payload, TypeRef};

/// The parts of a module that threading is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Each memory: imported ones first.
    pub memories: Vec<Memory>,
    pub exports: BTreeMap<String, ExternalKind>,
    /// Exported globals, and whether they are mutable.
    pub globals: BTreeMap<String, bool>,
    /// `MODULE.NAME` of every import but the memories.
    pub imports: Vec<String>,
    pub passive_segments: usize,
    pub active_segments: usize,
    pub data_count: Option<u32>,
    /// The start function's index.
    pub start: Option<u32>,
    /// As they stand in `target_features`: `+atomics`, `-shared-mem`.
    pub features: Vec<String>,
    pub custom_sections: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Memory {
    /// `MODULE.NAME` where it is imported.
    pub import: Option<String>,
    pub shared: bool,
    pub memory64: bool,
    /// In pages.
    pub minimum: u64,
    pub maximum: Option<u64>,
}

impl Facts {
    #[track_caller]
    pub fn read(path: impl AsRef<Path>) -> Self {
        Facts::of(&read(path))
    }

    /// Fails the test where the bytes are no module.
    #[track_caller]
    pub fn of(module: &[u8]) -> Self {
        Facts::try_of(module).unwrap_or_else(|error| panic!("not a wasm module: {error}"))
    }

    pub fn try_of(module: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut facts = Facts::default();
        let mut globals = Vec::new();
        let mut exported_globals = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        facts.import(format!("{}.{}", import.module, import.name), import.ty, &mut globals);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        facts.memories.push(Memory::new(None, memory?));
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        globals.push(global?.ty);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let Export { name, kind, index } = export?;
                        facts.exports.insert(name.to_owned(), kind);
                        if kind == ExternalKind::Global {
                            exported_globals.push((name.to_owned(), index as usize));
                        }
                    }
                }
                Payload::DataSection(section) => {
                    for segment in section {
                        match segment?.kind {
                            DataKind::Passive => facts.passive_segments += 1,
                            DataKind::Active { .. } => facts.active_segments += 1,
                        }
                    }
                }
                Payload::DataCountSection { count, .. } => facts.data_count = Some(count),
                Payload::StartSection { func, .. } => facts.start = Some(func),
                Payload::CustomSection(section) => {
                    facts.custom_sections.push(section.name().to_owned());
                    if section.name() == "target_features" {
                        facts.features = features(section.data());
                    }
                }
                _ => {}
            }
        }
        let mutable = |(name, index): (String, usize)| Some((name, globals.get(index)?.mutable));
        facts.globals = exported_globals.into_iter().filter_map(mutable).collect();
        Ok(facts)
    }

    fn import(&mut self, name: String, kind: TypeRef, globals: &mut Vec<GlobalType>) {
        match kind {
            TypeRef::Memory(memory) => return self.memories.push(Memory::new(Some(name), memory)),
            TypeRef::Global(global) => globals.push(global),
            _ => {}
        }
        self.imports.push(name);
    }

    /// The only memory.
    #[track_caller]
    pub fn memory(&self) -> &Memory {
        assert_eq!(self.memories.len(), 1, "one memory is expected: {self:?}");
        &self.memories[0]
    }

    pub fn exports(&self, name: &str) -> bool {
        self.exports.contains_key(name)
    }

    pub fn has_feature(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    /// Fails unless it is what a threaded module for JavaScript is, as a linker leaves it, with the data and the thread-local
    /// storage of [`super::objects::ATOMIC`].
    #[track_caller]
    pub fn assert_threaded(&self) -> &Self {
        let memory = self.memory();
        assert!(memory.import.is_some() && memory.shared, "the memory is imported and shared: {self:?}");
        assert!(memory.maximum > Some(memory.minimum), "the memory can grow: {self:?}");
        assert!(self.active_segments == 0 && self.passive_segments > 0, "all data is passive: {self:?}");
        assert!(self.start.is_some(), "a start function fills the memory: {self:?}");
        for (name, kind) in [
            ("__wasm_init_tls", ExternalKind::Func),
            ("__tls_base", ExternalKind::Global),
            ("__tls_size", ExternalKind::Global),
            ("__tls_align", ExternalKind::Global),
            ("__heap_base", ExternalKind::Global),
            ("__data_end", ExternalKind::Global),
        ] {
            assert_eq!(self.exports.get(name), Some(&kind), "{name} is exported: {self:?}");
        }
        assert_eq!(self.globals.get("__tls_base"), Some(&true), "__tls_base is mutable: {self:?}");
        self
    }

    /// Fails unless it has one memory of its own, not shared, and data that is there from the beginning.
    #[track_caller]
    pub fn assert_unthreaded(&self) -> &Self {
        let memory = self.memory();
        assert!(memory.import.is_none() && !memory.shared, "the memory is its own, not shared: {self:?}");
        assert_eq!(self.passive_segments, 0, "all data is active: {self:?}");
        assert!(!self.exports("__wasm_init_tls"), "no thread is expected: {self:?}");
        self
    }
}

impl Memory {
    fn new(import: Option<String>, memory: MemoryType) -> Self {
        let MemoryType { shared, memory64, initial, maximum, .. } = memory;
        Memory { import, shared, memory64, minimum: initial, maximum }
    }
}

/// A count, then for each a prefix byte, a length and a name. Counts and lengths are below 128 in every real module.
fn features(section: &[u8]) -> Vec<String> {
    let mut features = Vec::new();
    let Some((&count, mut rest)) = section.split_first() else {
        return features;
    };
    for _ in 0..count {
        let [prefix, length, after @ ..] = rest else {
            break;
        };
        let Some((name, after)) = after.split_at_checked(*length as usize) else {
            break;
        };
        features.push(format!("{}{}", *prefix as char, String::from_utf8_lossy(name)));
        rest = after;
    }
    features
}
