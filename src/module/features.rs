//! The `target_features` section: what a compiler says an object uses, and what it forbids.
//!
//! Source: WebAssembly tool-conventions, Linking.md; written by LLVM's `WebAssemblyAsmPrinter`, enforced by `lld/wasm/Writer.cpp`
//! (`calculateTargetFeatures`).

use super::error::ReadError;
use super::leb::{leb, push_leb};
use std::borrow::Cow;
use std::fmt;

/// What the features say about threads.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// As the section has them, behind their number: a prefix (`+`, `-` or, up to LLVM 19, `=`), a length, a name.
    entries: Vec<u8>,
}

impl Features {
    /// The contents of a `target_features` section.
    pub(crate) fn read(mut section: Vec<u8>) -> Result<Features, ReadError> {
        let malformed = || ReadError::Malformed("a malformed target_features section".to_owned());
        let (count, before) = leb(&section).ok_or_else(malformed)?;
        section.drain(..before);
        let mut rest = &section[..];
        for _ in 0..count {
            (_, rest) = split(rest).ok_or_else(malformed)?;
        }
        if !rest.is_empty() {
            return Err(malformed());
        }
        Ok(Features { entries: section })
    }

    /// These: `+atomics`.
    pub fn of<'a>(features: impl IntoIterator<Item = &'a str>) -> Features {
        let mut entries = Vec::new();
        for feature in features {
            let (prefix, name) = feature.as_bytes().split_at(1.min(feature.len()));
            entries.extend(prefix);
            push_leb(&mut entries, name.len() as u64);
            entries.extend(name);
        }
        Features { entries }
    }

    /// Every entry: its prefix and its name.
    pub fn iter(&self) -> impl Iterator<Item = (char, Cow<'_, str>)> {
        self.each().map(|(prefix, name)| (char::from(prefix), String::from_utf8_lossy(name)))
    }

    /// The object uses `name` (`+`, or the `=` of LLVM up to 19).
    pub fn uses(&self, name: &str) -> bool {
        self.each().any(|(prefix, entry)| entry == name.as_bytes() && matches!(prefix, b'+' | b'='))
    }

    /// The object must not be linked into a shared memory: LLVM had to lower its atomics or thread-locals away
    /// (`WebAssemblyTargetMachine.cpp`, `recordFeatures`).
    pub fn refuses_sharing(&self) -> bool {
        self.each().any(|entry| entry == (b'-', b"shared-mem"))
    }

    fn each(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = &self.entries[..];
        std::iter::from_fn(move || {
            let (entry, behind) = split(rest)?;
            rest = behind;
            Some(entry)
        })
    }
}

/// A prefix and a name.
type Entry<'a> = (u8, &'a [u8]);

/// The first entry, and what stands behind it.
fn split(entries: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (prefix, rest) = entries.split_first()?;
    let (length, bytes) = leb(rest)?;
    let (name, rest) = rest[bytes..].split_at_checked(length as usize)?;
    Some(((*prefix, name), rest))
}

impl fmt::Debug for Features {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}
