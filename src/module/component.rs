//! The core modules in a component (component-model, `Binary.md`): where they lie, and nothing else of it.

use super::read_at::{ReadAt, Window};
use super::sections::{ReadError, cut_off, leb};
use std::ops::Range;

/// How deep components may lie in one another; nobody makes that many.
const DEEPEST: usize = 64;

/// Where the core modules in a component lie, components within it too. None: the file is no component.
///
/// # Errors
///
/// As [`Module::read`](super::Module::read) has them.
pub fn core_modules<R: ReadAt + ?Sized>(source: &R) -> Result<Option<Vec<Range<u64>>>, ReadError> {
    const MODULE: u8 = 1;
    const COMPONENT: u8 = 4;
    let mut window = Window::new(source, 64);
    if !is_component(window.at(0, 8)?) {
        return Ok(None);
    }
    let mut modules = Vec::new();
    // Each with how far it was read.
    let mut open = vec![(8, source.size())];
    while let Some((at, end)) = open.pop() {
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
        open.push((next, end));
        if id == MODULE {
            modules.push(start..next);
        } else if id == COMPONENT {
            if !is_component(window.at(start, 8)?) || size < 8 {
                return Err(ReadError::Malformed(format!("a component that is none (at byte {start})")));
            }
            if open.len() >= DEEPEST {
                return Err(ReadError::Malformed(format!("more than {DEEPEST} components in one another (at byte {start})")));
            }
            open.push((start + 8, next));
        }
    }
    Ok(Some(modules))
}

fn is_component(head: &[u8]) -> bool {
    matches!(head.get(..8), Some([0, b'a', b's', b'm', _, _, 1, 0]))
}
