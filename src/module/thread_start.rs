//! Is `wasi_thread_start` the wrapper that the linker puts around every export of a command?
//!
//! Where nobody calls `__wasm_call_ctors`, `wasm-ld` takes a module for a command whose every export is a program of its own, run
//! from its constructors to its destructors (`Writer.cpp`, `createCommandExportWrappers`). Its names may be stripped, so the
//! wrappers are known by what they are: the last functions of the module, all exports and nothing but exports, each of them the
//! same call before, or the same call after, or both, around one call that gets the parameters as they came. And the linker
//! writes their numbers as short as can be: a compiler leaves room in every call for the largest.

use super::bits::Bits;
use super::error::ReadError;
use super::functions;
use super::read_at::ReadAt;
use std::ops::Range;
use wasmparser::{BinaryReader, FunctionBody, Operator};

/// The exported `wasi_thread_start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadStart {
    /// It takes two numbers, the thread's and the address of its argument, and returns nothing.
    pub takes_id_and_address: bool,
    /// It is the wrapper that the linker puts around every export of a command: see [`Wrapped`].
    pub wrapped: Option<Wrapped>,
}

/// What a command's wrapper calls before and after the function that it is around. It calls at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// What runs the static constructors.
    pub before: Option<u32>,
    /// What runs the destructors.
    pub after: Option<u32>,
}

/// The parameters of an export are few; what is longer is no wrapper.
const LONGEST: usize = 4096;

/// What the wrappers call before and after, where they are such. `start` is the number of `wasi_thread_start` among the module's
/// own functions, and `exported` says of each of those whether it is exported.
pub(super) fn wrapper<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: u32,
    exported: &Bits,
) -> Result<Option<Wrapped>, ReadError> {
    let functions = functions::count(source, code)? as usize;
    let Some(first) = functions.checked_sub(exported.count_yes()) else { return Ok(None) };
    if !(first..functions).all(|function| exported.get(function)) {
        return Ok(None);
    }
    let mut around = None;
    functions::each(source, code, |mut body| {
        if body.number == start {
            let offset = body.offset();
            around = Calls::of(body.beginning(LONGEST)?, offset).as_ref().and_then(Calls::around_parameters);
        }
        Ok(body.number < start)
    })?;
    let Some(wrapped) = around else { return Ok(None) };
    let mut all = true;
    functions::each(source, code, |mut body| {
        if body.number as usize >= first {
            let offset = body.offset();
            all = Calls::of(body.beginning(LONGEST)?, offset).is_some_and(|calls| calls.are(wrapped));
        }
        Ok(all)
    })?;
    Ok(around.filter(|_| all))
}

/// A function that does nothing but calls.
struct Calls {
    /// At most three.
    called: Vec<u32>,
    /// How many of them stand before the function's own parameters, which are fetched all at once and in their order. None for a
    /// function without parameters.
    before_parameters: Option<usize>,
}

impl Calls {
    fn of(body: &[u8], offset: u64) -> Option<Calls> {
        let size = body.len();
        let body = FunctionBody::new(BinaryReader::new(body, offset));
        if body.get_locals_reader().ok()?.get_count() > 0 {
            return None;
        }
        let mut calls = Calls { called: Vec::new(), before_parameters: None };
        let mut parameters = 0;
        for operator in body.get_operators_reader().ok()? {
            let made = calls.called.len();
            match operator.ok()? {
                Operator::Call { function_index } if made < 3 => calls.called.push(function_index),
                Operator::LocalGet { local_index }
                    if local_index == parameters && *calls.before_parameters.get_or_insert(made) == made =>
                {
                    parameters += 1;
                }
                Operator::End => {}
                _ => return None,
            }
        }
        // No locals, an instruction for each parameter and each call, the end.
        let shortest = |number: u32| 1 + (number.checked_ilog2().unwrap_or(0) / 7) as usize;
        let of_parameters = (0..parameters).map(|number| 1 + shortest(number));
        let of_calls = calls.called.iter().map(|number| 1 + shortest(*number));
        (of_parameters.chain(of_calls).sum::<usize>() + 2 == size).then_some(calls)
    }

    /// What is called before and after the one that gets the parameters. None where there is nothing of the kind.
    fn around_parameters(&self) -> Option<Wrapped> {
        let (before, rest) = self.called.split_at_checked(self.before_parameters?)?;
        match (before, rest) {
            ([], [_, after]) => Some(Wrapped { before: None, after: Some(*after) }),
            ([before], [_]) => Some(Wrapped { before: Some(*before), after: None }),
            ([before], [_, after]) => Some(Wrapped { before: Some(*before), after: Some(*after) }),
            _ => None,
        }
    }

    /// Whether it is a wrapper like this one.
    fn are(&self, around: Wrapped) -> bool {
        if self.before_parameters.is_some() {
            return self.around_parameters() == Some(around);
        }
        let Wrapped { before, after } = around;
        let wanted = 1 + usize::from(before.is_some()) + usize::from(after.is_some());
        self.called.len() == wanted
            && before.is_none_or(|before| self.called.first() == Some(&before))
            && after.is_none_or(|after| self.called.last() == Some(&after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::functions::made::{code, whole};

    #[test]
    fn wrappers_are_all_alike_and_the_last() {
        const BEFORE: u8 = 0;
        const AFTER: u8 = 1;
        let wrapper_of = |bodies: &[&[u8]], exported: &[usize]| {
            let section = code(bodies);
            let mut bits = Bits::none_of(bodies.len());
            exported.iter().for_each(|function| bits.set(*function));
            wrapper(&section[..], &whole(&section), 2, &bits).expect("code")
        };
        // The parameters, `local.get` of 0 and 1, around which the calls are made.
        let of_start: &[u8] = &[0x10, BEFORE, 0x20, 0, 0x20, 1, 0x10, 7, 0x10, AFTER];
        let alike: &[u8] = &[0x10, BEFORE, 0x10, 8, 0x10, AFTER];
        let both = Wrapped { before: Some(BEFORE.into()), after: Some(AFTER.into()) };
        assert_eq!(wrapper_of(&[&[], &[], of_start, alike], &[2, 3]), Some(both));
        assert_eq!(wrapper_of(&[&[], &[], &of_start[..8], &alike[..4]], &[2, 3]), Some(Wrapped { after: None, ..both }));
        // Another export that is none, one that calls something else, one that stands elsewhere.
        assert_eq!(wrapper_of(&[&[], &[], of_start, &[]], &[2, 3]), None);
        assert_eq!(wrapper_of(&[&[], &[], of_start, &[0x10, 5, 0x10, 8, 0x10, AFTER]], &[2, 3]), None);
        assert_eq!(wrapper_of(&[alike, &[], of_start, alike], &[0, 2, 3]), None);
        assert_eq!(wrapper_of(&[&[], &[], of_start, alike], &[2]), None);
        // A function that calls another is no wrapper of it.
        assert_eq!(wrapper_of(&[&[], &[], &of_start[2..8], alike], &[2, 3]), None);
    }
}
