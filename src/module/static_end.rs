//! Where the static data of a module ends, and so where its heap begins, read off the function that writes the data.

use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use super::segments::Segments;
use super::writes::Write;
use std::ops::Range;

/// The first address above all that the function numbered `start` in `code` writes, or, where that is not known, above all that
/// any function writes of its own data. None where that is not plain to see.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: Option<u32>,
    segments: &Segments,
) -> Result<Option<u64>, ReadError> {
    let mut end = None;
    // Without data there may be zeros to write, but nobody to be told by it.
    if start.is_none() && segments.passive().next().is_none() {
        return Ok(None);
    }
    functions::each(source, code, |mut body| {
        if start.is_some_and(|start| body.number < start) {
            return Ok(true);
        }
        let (mut written, mut drops) = (Some(0), false);
        let readable = body.writes(|write| match write {
            Write::Init(_, to) => written = above(written, to),
            Write::Fill(fill) => written = above(written, fill.map(|(to, _)| to)),
            Write::Drop(_) => drops = true,
            Write::Agree(_) => {}
        })?;
        let written = written.filter(|_| readable);
        if start.is_some() {
            end = written;
            return Ok(false);
        }
        // A thread's own storage is written by another one, at an address that is no plain number.
        if drops {
            end = end.max(written);
        }
        Ok(true)
    })?;
    Ok(end)
}

/// The first address above what was written before, and above this. None where either is not known.
fn above(written: Option<u64>, to: Option<Range<u64>>) -> Option<u64> {
    Some(written?.max(to?.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Segment;
    use crate::module::functions::made::{UNREADABLE, code, dropped, init, whole};

    #[test]
    fn above_what_is_written() {
        let segments = Segments::from_iter([Segment { active: false, memory: 0, size: 4 }]);
        let end = |start, bodies: &[&[u8]], segments: &Segments| {
            let section = code(bodies);
            read(&section[..], &whole(&section), start, segments).expect("code")
        };
        let zeros = [0x41, 50, 0x41, 0, 0x41, 13, 0xfc, 0x0b, 0];
        let (first, second) = (init(0, 16, 4), [&init(0, 32, 8)[..], &dropped(0)].concat());
        assert_eq!(end(Some(1), &[&second, &first, UNREADABLE], &segments), Some(20));
        assert_eq!(end(Some(0), &[&[&first[..], &zeros].concat()], &segments), Some(63));
        assert_eq!(end(Some(0), &[UNREADABLE], &segments), None);
        // To an address that is no plain number.
        assert_eq!(end(Some(0), &[&[&[0x23, 0], &first[2..]].concat()], &segments), None);
        // Without a start function: those that throw away what they have written.
        assert_eq!(end(None, &[&second, &init(0, 60, 4)], &segments), Some(40));
        assert_eq!(end(None, &[&first, UNREADABLE], &segments), None);
        assert_eq!(end(None, &[&second], &Segments::default()), None);
    }
}
