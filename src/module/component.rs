//! The core modules in a component (component-model, `Binary.md`): where they lie, and nothing else of it.

use super::error::{ReadError, cut_off};
use super::leb::leb;
use super::read_at::{ReadAt, Window};
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

/// The core modules in a component, those of components within it too, in their order in the file. None: the file is no component.
///
/// # Errors
///
/// As [`Module::read`](super::Module::read) has them.
pub fn core_modules<R: ReadAt + ?Sized>(source: &R) -> Result<Option<CoreModules<'_, R>>, ReadError> {
    let mut window = Window::new(source, 64);
    if !is_component(window.at(0, 8)?) {
        return Ok(None);
    }
    let outermost = Open { at: 8, end: source.size(), modules: 0, components: 0 };
    Ok(Some(CoreModules { window, open: vec![outermost], found: 0 }))
}

/// The core modules in a component, as they are found. After an error there are no more.
pub struct CoreModules<'a, R: ?Sized> {
    window: Window<'a, R>,
    /// The component that is being read, and those around it, from the outside to the inside.
    open: Vec<Open>,
    found: usize,
}

/// A component that is being read.
struct Open {
    at: u64,
    end: u64,
    /// How many were found in it.
    modules: u32,
    components: u32,
}

impl<R: ReadAt + ?Sized> Iterator for CoreModules<'_, R> {
    type Item = Result<CoreModule, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_module();
        if next.is_err() {
            self.open.clear();
        }
        next.transpose()
    }
}

impl<R: ReadAt + ?Sized> CoreModules<'_, R> {
    fn next_module(&mut self) -> Result<Option<CoreModule>, ReadError> {
        const MODULE: u8 = 1;
        const COMPONENT: u8 = 4;
        while let Some(component) = self.open.last_mut() {
            let Open { at, end, .. } = *component;
            if at == end {
                self.open.pop();
                continue;
            }
            let header = self.window.at(at, 6)?;
            let (id, size) = (header.first().copied(), leb(header.get(1..).unwrap_or_default()));
            let (Some(id), Some((size, bytes))) = (id, size) else { return Err(cut_off(at)) };
            let start = at + 1 + bytes as u64;
            let next = start + u64::from(size);
            let wrong = |problem: String| Err(ReadError::Malformed(problem));
            if next > end {
                return wrong(format!("cut off: the section at byte {at} ends at {next}, what it is in at {end}"));
            }
            component.at = next;
            match id {
                MODULE => {
                    component.modules += 1;
                    self.found += 1;
                    if self.found > MOST {
                        return wrong(format!("more than {MOST} core modules (at byte {start})"));
                    }
                    // A component is the last one that was counted in the one around it.
                    let (inside, around) = self.open.split_last().ok_or_else(|| cut_off(at))?;
                    let path = around.iter().map(|around| around.components - 1).chain([inside.modules - 1]);
                    return Ok(Some(CoreModule { path: path.collect(), range: start..next }));
                }
                COMPONENT => {
                    component.components += 1;
                    if !is_component(self.window.at(start, 8)?) || size < 8 {
                        return wrong(format!("a component that is none (at byte {start})"));
                    }
                    if self.open.len() >= DEEPEST {
                        return wrong(format!("more than {DEEPEST} components in one another (at byte {start})"));
                    }
                    self.open.push(Open { at: start + 8, end: next, modules: 0, components: 0 });
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

fn is_component(head: &[u8]) -> bool {
    matches!(head.get(..8), Some([0, b'a', b's', b'm', _, _, 1, 0]))
}
