//! The `target_features` section: what a compiler says an object uses, and what it forbids.
//!
//! Source: WebAssembly tool-conventions, Linking.md; written by LLVM's `WebAssemblyAsmPrinter`, enforced by `lld/wasm/Writer.cpp`
//! (`calculateTargetFeatures`).

use super::sections::{ReadError, leb};

/// What the features say about threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Every entry: its prefix (`+`, `-` or, up to LLVM 19, `=`) and its name.
    pub entries: Vec<(char, String)>,
}

impl Features {
    /// The contents of a `target_features` section.
    pub(crate) fn read(section: &[u8]) -> Result<Features, ReadError> {
        let malformed = || ReadError::Malformed("a malformed target_features section".to_owned());
        let (count, mut at) = leb(section).ok_or_else(malformed)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let prefix = *section.get(at).ok_or_else(malformed)?;
            let (length, bytes) = leb(&section[at + 1..]).ok_or_else(malformed)?;
            let start = at + 1 + bytes;
            let name = section.get(start..start + length as usize).ok_or_else(malformed)?;
            entries.push((char::from(prefix), String::from_utf8_lossy(name).into_owned()));
            at = start + length as usize;
        }
        if at != section.len() {
            return Err(malformed());
        }
        Ok(Features { entries })
    }

    /// The object uses `name` (`+`, or the `=` of LLVM up to 19).
    pub fn uses(&self, name: &str) -> bool {
        self.entries.iter().any(|(prefix, entry)| entry == name && matches!(prefix, '+' | '='))
    }

    /// The object must not be linked into a shared memory: LLVM had to lower its atomics or thread-locals away
    /// (`WebAssemblyTargetMachine.cpp`, `recordFeatures`).
    pub fn refuses_sharing(&self) -> bool {
        self.entries.iter().any(|(prefix, entry)| *prefix == '-' && entry == "shared-mem")
    }
}
