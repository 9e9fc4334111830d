//! Who writes the data of a module without a start function?
//!
//! A host of one's own may do by hand, once, what `wasm-ld` lets the start function do; and a libc may do it from inside, as
//! older linkers had it.

use super::bits::Bits;
use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use super::writes::Write;
use std::ops::Range;

/// The data segments that some function writes, by their numbers.
pub(super) struct Written {
    /// Those that a function writes that is exported.
    pub by_exports: Bits,
    /// Those that any function writes; `None` where a function could not be read.
    pub by_any: Option<Bits>,
}

/// Reads the functions in `code`, of a module with so many data segments. Those functions are exported that are `exported`.
pub(super) fn read<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    exported: &Bits,
    segments: usize,
) -> Result<Written, ReadError> {
    let (mut by_exports, mut by_any) = (Bits::none_of(segments), Bits::none_of(segments));
    let mut all_readable = true;
    functions::each(source, code, |mut body| {
        let is_exported = exported.get(body.number as usize);
        all_readable &= body.writes(|write| {
            if let Write::Init(segment, _) = write {
                by_any.set(segment as usize);
                if is_exported {
                    by_exports.set(segment as usize);
                }
            }
        })?;
        Ok(true)
    })?;
    Ok(Written { by_exports, by_any: all_readable.then_some(by_any) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::functions::made::{UNREADABLE, code, init, whole};

    #[test]
    fn who_writes_which_segment() {
        let mut exported = Bits::none_of(3);
        exported.set(1);
        let read = |bodies: &[&[u8]]| {
            let section = code(bodies);
            let Written { by_exports, by_any } = read(&section[..], &whole(&section), &exported, 3).expect("code");
            let numbers = |bits: &Bits| (0..3).filter(|segment| bits.get(*segment)).collect::<Vec<_>>();
            (numbers(&by_exports), by_any.as_ref().map(numbers))
        };
        assert_eq!(read(&[&[], &[], &[]]), (vec![], Some(vec![])));
        assert_eq!(read(&[&init(0, 1, 1), &init(2, 1, 1), &init(9, 1, 1)]), (vec![2], Some(vec![0, 2])));
        assert_eq!(read(&[UNREADABLE, &init(2, 1, 1)]), (vec![2], None));
        // What cannot be read and has none of the bytes of such an instruction writes nothing.
        assert_eq!(read(&[&[0xff], &init(2, 1, 1)]), (vec![2], Some(vec![2])));
    }
}
