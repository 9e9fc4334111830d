//! Does a module without the thread-local storage exports need them?
//!
//! `wasm-ld`'s start function writes every passive segment once and drops all but the template of the thread-local storage. A
//! module whose template is written by no other function has lost `__wasm_init_tls`: every thread would use the first one's
//! storage; so has one where nothing calls that function, which is left there under `--no-gc-sections`. A module without a
//! template, or one that writes it itself when it starts a thread (a C program with its own thread entry), needs no export.

use super::bits::Bits;
use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use super::segments::Segments;
use super::writes::Write;
use std::ops::Range;

/// Reads the functions in `code`. `start` is the start function's number among the module's own; `used` finds out which of them
/// something calls, and is asked only where it matters. `None` of it: that is not known.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: Option<u32>,
    segments: &Segments,
    used: impl FnOnce() -> Result<Option<Bits>, ReadError>,
) -> Result<bool, ReadError> {
    let is_inside = |used: Option<&Bits>| {
        let mut inside = Bits::none_of(segments.len());
        let (mut readable, mut by_others) = (true, false);
        functions::each(source, code, |mut body| {
            let starts = Some(body.number) == start;
            let counts = used.is_none_or(|used| used.get(body.number as usize));
            readable = body.writes(|write| match write {
                Write::Drop(segment) if starts => inside.set(segment as usize),
                Write::Init(segment, _) if !starts && counts => {
                    by_others = true;
                    inside.set(segment as usize);
                }
                _ => {}
            })?;
            Ok(readable)
        })?;
        Ok::<_, ReadError>((readable && segments.passive().all(|segment| inside.get(segment)), by_others))
    };
    match is_inside(None)? {
        (true, true) => match used()? {
            Some(used) => Ok(is_inside(Some(&used))?.0),
            None => Ok(true),
        },
        (inside, _) => Ok(inside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Segment;
    use crate::module::functions::made::{UNREADABLE, code, dropped, init, whole};

    #[test]
    fn every_segment_is_dropped_at_the_start_or_written_elsewhere() {
        let passive = Segment { active: false, memory: 0, size: 4 };
        let segments = Segments::from_iter([passive, Segment { active: true, ..passive }, passive]);
        let inside_used = |start: &[u8], other: &[u8], used: Option<&[usize]>| {
            let section = code(&[&[], start, other]);
            let used = used.map(|used| {
                let mut bits = Bits::none_of(3);
                used.iter().for_each(|function| bits.set(*function));
                bits
            });
            read(&section[..], &whole(&section), Some(1), &segments, || Ok(used)).expect("code")
        };
        let inside = |start: &[u8], other: &[u8]| inside_used(start, other, None);
        let both = |one: Vec<u8>, other: Vec<u8>| [one, other].concat();
        assert!(inside(&both(dropped(0), dropped(2)), &[]));
        assert!(inside(&dropped(0), &init(2, 1, 1)));
        assert!(inside(&[], &both(init(0, 1, 1), init(2, 1, 1))));
        // The template that the start function writes for the first thread, and nobody for another.
        assert!(!inside(&both(init(2, 1, 1), dropped(0)), &[]));
        assert!(!inside(&dropped(0), &dropped(2)));
        assert!(!inside(&both(dropped(0), dropped(2)), UNREADABLE));
        // By a function that something calls.
        assert!(inside_used(&dropped(0), &init(2, 1, 1), Some(&[2])));
        assert!(!inside_used(&dropped(0), &init(2, 1, 1), Some(&[0, 1])));
    }
}
