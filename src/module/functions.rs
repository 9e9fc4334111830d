//! The functions of a module, one after another: their bodies are stepped over until somebody looks into one.

use super::AHEAD;
use super::error::{ReadError, cut_off};
use super::leb::leb;
use super::read_at::{ReadAt, Window};
use std::io;
use std::ops::Range;

/// A function's body.
pub(crate) struct Body<'w, 'a, R: ?Sized> {
    /// The function's number among the module's own.
    pub number: u32,
    /// Where it lies.
    range: Range<u64>,
    window: &'w mut Window<'a, R>,
}

impl<R: ReadAt + ?Sized> Body<'_, '_, R> {
    /// Where it begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.range.start
    }

    /// Its bytes.
    pub(crate) fn bytes(&mut self) -> Result<&[u8], ReadError> {
        self.beginning(usize::MAX)
    }

    /// Its first `most` bytes, or all that there are.
    pub(super) fn beginning(&mut self, most: usize) -> Result<&[u8], ReadError> {
        let size = usize::try_from(self.range.end - self.range.start).map_err(io::Error::other)?.min(most);
        let held = self.window.at(self.range.start, size)?;
        Ok(&held[..size.min(held.len())])
    }
}

/// How many functions the code section says it has that lies in `code`.
pub(super) fn count<R: ReadAt + ?Sized>(source: &R, code: &Range<u64>) -> Result<u32, ReadError> {
    let mut head = [0; 5];
    let held = source.read_some(code.start, &mut head)?;
    leb(&head[..held]).map(|(count, _)| count).ok_or_else(|| cut_off(code.start))
}

/// Visits the functions of the code section that lies in `code`, until `visit` answers `false`.
pub(crate) fn each<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    mut visit: impl FnMut(Body<'_, '_, R>) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    if code.is_empty() {
        return Ok(());
    }
    let mut window = Window::new(source, AHEAD);
    let (count, bytes) = leb(window.at(code.start, 5)?).ok_or_else(|| cut_off(code.start))?;
    let mut at = code.start + bytes as u64;
    for number in 0..count {
        let (size, bytes) = leb(window.at(at, 5)?).ok_or_else(|| cut_off(at))?;
        let start = at + bytes as u64;
        at = start + u64::from(size);
        if at > code.end {
            return Err(cut_off(at));
        }
        if !visit(Body { number, range: start..at, window: &mut window })? {
            break;
        }
    }
    Ok(())
}

/// Code sections for tests.
#[cfg(test)]
pub(super) mod made {
    /// A code section with these bodies, each of which has no locals and an end.
    pub(crate) fn code(bodies: &[&[u8]]) -> Vec<u8> {
        let mut section = vec![u8::try_from(bodies.len()).expect("few")];
        for body in bodies {
            section.push(u8::try_from(body.len() + 2).expect("short"));
            section.extend([&[0], *body, &[0x0b]].concat());
        }
        section
    }

    /// `i32.const` three times, `memory.init`.
    pub(crate) fn init(segment: u8, to: u8, size: u8) -> Vec<u8> {
        vec![0x41, to, 0x41, 0, 0x41, size, 0xfc, 8, segment, 0]
    }

    /// `data.drop`.
    pub(crate) fn dropped(segment: u8) -> Vec<u8> {
        vec![0xfc, 9, segment]
    }

    /// An instruction that nobody knows.
    pub(crate) const UNREADABLE: &[u8] = &[0xfc, 0x7f];

    pub(crate) fn whole(section: &[u8]) -> std::ops::Range<u64> {
        0..section.len() as u64
    }
}
