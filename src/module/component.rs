//! The core modules in a component (component-model, `Binary.md`): where they lie, and nothing else of it.

use super::read_at::{ReadAt, Window};
use super::sections::{ReadError, cut_off, leb};
use std::ops::Range;

/// A core module in a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreModule {
    /// The numbers of the components that it is in, from the outside to the inside, and last its own.
    pub path: Vec<u32>,
    /// Where it lies in the file.
    pub range: Range<u64>,
}

impl CoreModule {
    /// Its place in words: `component 0, module 1`.
    pub fn place(&self) -> String {
        let last = self.path.len().saturating_sub(1);
        let word = |at: usize| if at == last { "module" } else { "component" };
        let places: Vec<String> = self.path.iter().enumerate().map(|(at, number)| format!("{} {number}", word(at))).collect();
        places.join(", ")
    }
}

/// What validators take no more of, in one component (`wasmparser`, `limits.rs`).
const MOST: usize = 1000;

/// How deep components may lie in one another; nobody makes that many.
const DEEPEST: usize = 64;

/// Where the core modules in a component lie, components within it too. None: the file is no component.
///
/// # Errors
///
/// As [`Module::read`](super::Module::read) has them.
pub fn core_modules<R: ReadAt + ?Sized>(source: &R) -> Result<Option<Vec<CoreModule>>, ReadError> {
    const MODULE: u8 = 1;
    const COMPONENT: u8 = 4;
    let mut window = Window::new(source, 64);
    if !is_component(window.at(0, 8)?) {
        return Ok(None);
    }
    let mut modules = Vec::new();
    // Each with how far it was read, and how many modules and components were found in it.
    let mut open = vec![Open { at: 8, end: source.size(), modules: 0, components: 0 }];
    while let Some(mut component) = open.pop() {
        let Open { at, end, .. } = component;
        if at == end {
            continue;
        }
        let header = window.at(at, 6)?;
        let (id, size) = (header.first().copied(), leb(header.get(1..).unwrap_or_default()));
        let (Some(id), Some((size, bytes))) = (id, size) else { return Err(cut_off(at)) };
        let start = at + 1 + bytes as u64;
        let next = start + u64::from(size);
        if next > end {
            let problem = format!("cut off: the section at byte {at} ends at {next}, what it is in at {end}");
            return Err(ReadError::Malformed(problem));
        }
        component.at = next;
        if id == MODULE {
            // An open component is the last one that was counted in the one around it.
            let mut path: Vec<u32> = open.iter().map(|around| around.components - 1).collect();
            path.push(component.modules);
            component.modules += 1;
            modules.push(CoreModule { path, range: start..next });
            if modules.len() > MOST {
                return Err(ReadError::Malformed(format!("more than {MOST} core modules (at byte {start})")));
            }
        }
        if id == COMPONENT {
            component.components += 1;
            if !is_component(window.at(start, 8)?) || size < 8 {
                return Err(ReadError::Malformed(format!("a component that is none (at byte {start})")));
            }
            if open.len() + 1 >= DEEPEST {
                return Err(ReadError::Malformed(format!("more than {DEEPEST} components in one another (at byte {start})")));
            }
            open.push(component);
            open.push(Open { at: start + 8, end: next, modules: 0, components: 0 });
        } else {
            open.push(component);
        }
    }
    Ok(Some(modules))
}

/// A component that is being read.
struct Open {
    at: u64,
    end: u64,
    modules: u32,
    components: u32,
}

fn is_component(head: &[u8]) -> bool {
    matches!(head.get(..8), Some([0, b'a', b's', b'm', _, _, 1, 0]))
}
