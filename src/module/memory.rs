//! The memories of a module.

use super::error::ReadError;
use std::sync::Arc;
use wasmparser::MemoryType;

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The module and name it is imported by.
    pub import: Option<(Arc<str>, Arc<str>)>,
    /// Its limits at the start, in pages.
    pub minimum: u64,
    /// The most it may ever have, in pages.
    pub maximum: Option<u64>,
    /// Whether it is shared.
    pub shared: bool,
    /// Whether its addresses have 64 bits.
    pub wide: bool,
    /// The size of a page, in bytes: 65536 unless the module says otherwise.
    pub page: u64,
}

/// What no engine takes more of (WebAssembly JavaScript interface, "Limits").
const MOST: usize = 100;

/// Adds the next memory, of a section that begins at byte `at`.
pub(super) fn add(
    memories: &mut Vec<Memory>,
    memory: MemoryType,
    import: Option<(&str, &str)>,
    at: u64,
) -> Result<(), ReadError> {
    let wrong = |problem: String| Err(ReadError::Malformed(format!("{problem} (in the section at byte {at})")));
    if memories.len() >= MOST {
        return wrong(format!("more than {MOST} memories"));
    }
    let page = match memory.page_size_log2 {
        None => crate::size::PAGE,
        Some(log2 @ 0..=16) => 1 << log2,
        Some(log2) => return wrong(format!("a memory with pages of 2^{log2} bytes")),
    };
    // What no engine takes (core specification, 3.2.1, and the threads proposal), and no rule should have to think of.
    match memory.maximum {
        None if memory.shared => return wrong("a shared memory without a maximum".to_owned()),
        Some(maximum) if maximum < memory.initial => {
            return wrong(format!("a memory of {} pages with a maximum of {maximum}", memory.initial));
        }
        _ => {}
    }
    // A group of imports may have one module's name for all.
    let before = memories.last().and_then(|memory| memory.import.as_ref()).map(|(module, _)| Arc::clone(module));
    let import = import
        .map(|(module, name)| (before.filter(|before| **before == *module).unwrap_or_else(|| module.into()), name.into()));
    let (minimum, maximum) = (memory.initial, memory.maximum);
    memories.push(Memory { import, minimum, maximum, shared: memory.shared, wide: memory.memory64, page });
    Ok(())
}
