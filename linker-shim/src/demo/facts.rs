//! What a newcomer should look at in a module.

use std::path::Path;
use wasm_threads::TLS_EXPORTS;
use wasm_threads::module::{Module, OpenFile};

/// The facts that tell a threaded module from another.
pub struct Facts {
    /// The memory is imported, so that all workers can be given the same one.
    pub imported: bool,
    /// The memory may be seen by several threads.
    pub shared: bool,
    /// Pages of memory at the start.
    pub minimum: u64,
    /// The most pages it may grow to, where that is said.
    pub maximum: Option<u64>,
    /// Data segments that every new instance writes.
    pub active: usize,
    /// Data segments that are written when the program says so.
    pub passive: usize,
    /// A thread can set up its thread-local storage.
    pub tls: bool,
    /// Something runs when an instance is made.
    pub start: bool,
}

impl Facts {
    /// Reads `file`.
    pub fn read(file: &Path) -> Result<Facts, String> {
        let unreadable = |error: &dyn std::fmt::Display| format!("cannot read the linked module: {error}");
        let source = OpenFile::open(file).map_err(|error| unreadable(&error))?;
        let module = Module::read(&source).map_err(|error| unreadable(&error))?;
        let memory = module.memory().ok_or_else(|| unreadable(&"it has no memory"))?;
        let active = module.segments.iter().filter(|segment| segment.active).count();
        Ok(Facts {
            imported: memory.import.is_some(),
            shared: memory.shared,
            minimum: memory.minimum,
            maximum: memory.maximum,
            active,
            passive: module.segments.len() - active,
            tls: TLS_EXPORTS.iter().all(|name| module.exports.contains_key(name)),
            start: module.start.is_some(),
        })
    }

    /// Whether several workers can run it on one memory. For the sample, which has data and a thread-local.
    pub fn threaded(&self) -> bool {
        let grows = self.maximum.is_some_and(|maximum| maximum > self.minimum);
        self.imported && self.shared && grows && self.active == 0 && self.start && self.tls
    }
}
