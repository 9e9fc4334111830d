//! The data segments of a module: their headers, since their contents may be hundreds of megabytes.

use super::error::{ReadError, count_of, cut_off, malformed};
use super::leb::{leb, push_leb, wide_leb};
use super::read_at::{ReadAt, Window};
use super::{AHEAD, MOST_SEGMENTS};
use std::fmt;
use std::ops::Range;
use wasmparser::{BinaryReader, Operator, OperatorsReader};

/// One data segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// An active segment is written at every instantiation; a passive one by an instruction.
    pub active: bool,
    /// The memory that an active segment is written to, by its number.
    pub memory: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// The data segments, in their order. A byte or two hold one that has next to nothing in it, as they do in the file.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Segments {
    /// Of each its size, four times, and 1 for an active one, and 2 for one of another memory than the first, whose number
    /// follows.
    entries: Vec<u8>,
    count: usize,
}

impl Segments {
    /// Every segment.
    pub fn iter(&self) -> impl Iterator<Item = Segment> {
        let mut rest = &self.entries[..];
        std::iter::from_fn(move || {
            let mut next = || {
                let (number, length) = wide_leb(rest)?;
                rest = &rest[length..];
                Some(number)
            };
            let first = next()?;
            let memory = if first & 2 == 0 { 0 } else { next()? as u32 };
            Some(Segment { active: first & 1 == 1, memory, size: (first >> 2) as u32 })
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The numbers of those that an instruction writes.
    pub fn passive(&self) -> impl Iterator<Item = usize> {
        self.iter().enumerate().filter(|(_, segment)| !segment.active).map(|(index, _)| index)
    }

    fn push(&mut self, Segment { active, memory, size }: Segment) {
        push_leb(&mut self.entries, u64::from(size) << 2 | u64::from(memory > 0) << 1 | u64::from(active));
        if memory > 0 {
            push_leb(&mut self.entries, memory.into());
        }
        self.count += 1;
    }
}

impl FromIterator<Segment> for Segments {
    fn from_iter<T: IntoIterator<Item = Segment>>(segments: T) -> Segments {
        let mut all = Segments::default();
        segments.into_iter().for_each(|segment| all.push(segment));
        all
    }
}

impl fmt::Debug for Segments {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// The segments in the data section that lies in `section`.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R, section: &Range<u64>) -> Result<Segments, ReadError> {
    let mut all = Segments::default();
    headers(source, section, |header| all.push(header.segment))?;
    Ok(all)
}

/// The header of a data segment.
pub(super) struct Header {
    pub segment: Segment,
    /// The address that an active one is written to, where that is a plain number.
    pub address: Option<u64>,
    /// How many bytes the header has.
    length: usize,
}

/// Visits the headers of the data section that lies in `section`.
pub(super) fn headers<R: ReadAt + ?Sized>(
    source: &R,
    section: &Range<u64>,
    mut visit: impl FnMut(Header),
) -> Result<(), ReadError> {
    /// A header of more is none that anybody writes.
    const LONGEST: u64 = 256;
    let mut window = Window::new(source, AHEAD);
    let left = |at: u64| usize::try_from((section.end - at).min(LONGEST)).unwrap_or(LONGEST as usize);
    let head = window.at(section.start, left(section.start))?;
    let (count, bytes) = leb(head).ok_or_else(|| cut_off(section.start))?;
    let mut at = section.start + bytes as u64;
    for _ in 0..count_of("data segments", count, MOST_SEGMENTS, section.start)? {
        let wanted = left(at);
        let held = window.at(at, wanted)?;
        let header = header(&held[..wanted.min(held.len())], at)?;
        at = at + header.length as u64 + u64::from(header.segment.size);
        if at > section.end {
            return Err(cut_off(at));
        }
        visit(header);
    }
    if at != section.end {
        return Err(ReadError::Malformed(format!("unexpected bytes behind the data segments, at byte {at}")));
    }
    Ok(())
}

/// Reads the header that starts `head`.
fn header(head: &[u8], at: u64) -> Result<Header, ReadError> {
    // Not wasmparser's `DataSectionReader`: that wants a segment's contents in memory too.
    let (flags, _) = leb(head).ok_or_else(|| cut_off(at))?;
    let mut reader = BinaryReader::new(head, at);
    reader.read_var_u32().map_err(malformed)?;
    let (active, memory) = match flags {
        1 => (false, 0),
        0 => (true, 0),
        2 => (true, reader.read_var_u32().map_err(malformed)?),
        other => return Err(ReadError::Malformed(format!("a data segment of the unknown kind {other} (at byte {at})"))),
    };
    let mut address = None;
    if active {
        let mut operators = OperatorsReader::new(reader);
        address = constant(&mut operators).map_err(malformed)?;
        reader = operators.get_binary_reader();
    }
    let size = reader.read_var_u32().map_err(malformed)?;
    let length = usize::try_from(reader.original_position() - at).map_err(std::io::Error::other)?;
    Ok(Header { segment: Segment { active, memory, size }, address, length })
}

/// Reads an expression to its end. Its value, where that is one plain number.
pub(super) fn constant(operators: &mut OperatorsReader<'_>) -> wasmparser::Result<Option<u64>> {
    let mut value = None;
    for index in 0.. {
        value = match operators.read()? {
            Operator::End => return Ok(value),
            // An address: its bits, not its sign.
            Operator::I32Const { value } if index == 0 => Some(u64::from(value.cast_unsigned())),
            Operator::I64Const { value } if index == 0 => Some(value.cast_unsigned()),
            _ => None,
        };
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let all = [
            Segment { active: false, memory: 0, size: 0 },
            Segment { active: true, memory: 0, size: u32::MAX },
            Segment { active: true, memory: 300, size: 31 },
            Segment { active: true, memory: 1, size: 32 },
            Segment { active: false, memory: 0, size: 500 },
        ];
        let segments = Segments::from_iter(all);
        assert_eq!(segments.iter().collect::<Vec<_>>(), all);
        assert_eq!(segments.len(), 5);
        assert_eq!(segments.passive().collect::<Vec<_>>(), [0, 4]);
    }
}
