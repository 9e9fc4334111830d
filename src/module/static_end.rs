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
