//! A file of which small parts are read that lie close together: the headers and members of an archive.

use crate::module::ReadAt;
use std::cell::RefCell;
use std::io;

/// Enough for a header and the first sections of the member behind it, in bytes.
const LEAST: usize = 8 * 1024;

/// Where one part follows another, more is read at a time, up to so many bytes. An archive of small members is read in a few calls
/// of the system then, in place of three a member.
const MOST: usize = 64 * 1024;

/// A source, and the bytes of it that were read last.
pub(super) struct ReadAhead<'a, R: ?Sized> {
    source: &'a R,
    held: RefCell<Held>,
}

struct Held {
    start: u64,
    bytes: Vec<u8>,
    /// How much is read at a time.
    ahead: usize,
}

impl<'a, R: ReadAt + ?Sized> ReadAhead<'a, R> {
    pub(super) fn new(source: &'a R) -> ReadAhead<'a, R> {
        ReadAhead { source, held: RefCell::new(Held { start: 0, bytes: Vec::new(), ahead: LEAST / 2 }) }
    }

    /// What is read.
    pub(super) fn source(&self) -> &'a R {
        self.source
    }
}

impl Held {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// What is held of `wanted` bytes from `offset` on, if it is all of them.
    fn part(&self, offset: u64, wanted: usize) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(at..at.checked_add(wanted)?)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for ReadAhead<'_, R> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.len() > LEAST {
            // Not a small part.
            return self.source.read_some(offset, buffer);
        }
        let wanted = buffer.len().min(usize::try_from(self.size().saturating_sub(offset)).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let mut held = self.held.borrow_mut();
        if held.part(offset, wanted).is_none() {
            let near = offset >= held.start && offset <= held.end() + LEAST as u64;
            held.ahead = if near { (held.ahead * 2).min(MOST) } else { LEAST };
            let ahead = held.ahead;
            held.bytes.resize(ahead, 0);
            let count = self.source.read_some(offset, &mut held.bytes).inspect_err(|_| held.bytes.clear())?;
            held.bytes.truncate(count);
            held.start = offset;
        }
        // A file may have become shorter.
        let part = held.part(offset, wanted.min(held.bytes.len())).unwrap_or_default();
        buffer[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Counts its calls.
    struct Counted<'a>(&'a [u8], Cell<usize>);

    impl ReadAt for Counted<'_> {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.set(self.1.get() + 1);
            self.0.read_some(offset, buffer)
        }
    }

    /// `count` parts of `size` bytes, `step` apart, and how many calls they took.
    fn calls(bytes: &[u8], count: usize, size: usize, step: usize) -> usize {
        let source = Counted(bytes, Cell::new(0));
        let ahead = ReadAhead::new(&source);
        for part in 0..count {
            let at = part * step;
            let mut buffer = vec![0; size];
            let got = ahead.read_some(at as u64, &mut buffer).unwrap();
            let want = &bytes[at.min(bytes.len())..(at + size).min(bytes.len())];
            assert_eq!(&buffer[..got], want, "{size} bytes from {at}");
        }
        source.1.get()
    }

    #[test]
    fn parts_are_what_the_source_has() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect();
        // Next to each other, up to the end and beyond it.
        let next = calls(&bytes, 40_000, 99, 99);
        assert!(next <= 3 + bytes.len().div_ceil(MOST), "{next}");
        assert_eq!(calls(&bytes, 10, 100, 100_000), 10);
        assert_eq!(calls(&bytes, 10, LEAST + 1, 10), 10);
        // Backwards.
        let ahead = ReadAhead::new(&bytes[..]);
        for at in (0..999_990).rev().step_by(997) {
            let mut buffer = [0; 10];
            assert_eq!(ahead.read_some(at as u64, &mut buffer).unwrap(), 10);
            assert_eq!(buffer[..], bytes[at..at + 10]);
        }
        assert_eq!(ahead.read_some(u64::MAX, &mut [0; 10]).unwrap(), 0);
    }
}
