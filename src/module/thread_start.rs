//! Is `wasi_thread_start` the wrapper that the linker puts around every export of a command?
//!
//! Where nobody calls `__wasm_call_ctors`, `wasm-ld` takes a module for a command whose every export is a program of its own, run
//! from its constructors to its destructors (`Writer.cpp`, `createCommandExportWrappers`). Its names may be stripped, so the
//! wrappers are known by what they are: the last functions of the module, all exports and nothing but exports, each of them the
//! same call before, or the same call after, or both, around one call that gets the parameters as they came. And the linker
//! writes their numbers as short as can be: a compiler leaves room in every call for the largest.

use super::read_at::ReadAt;
use super::sections::{ReadError, bodies, leb};
use super::{BinaryReader, Operator, Wrapped};
use std::collections::BTreeSet;
use std::ops::Range;
use wasmparser::FunctionBody;

/// The parameters of an export are few; what is longer is no wrapper.
const LONGEST: u64 = 4096;

/// What the wrappers call before and after, where they are such. `start` is the number of `wasi_thread_start` among the module's
/// own functions, and `exported` has the numbers of all that are exported.
pub(super) fn wrapper<R: ReadAt + ?Sized>(
    source: &R,
    code: &Range<u64>,
    start: u32,
    exported: &BTreeSet<u32>,
) -> Result<Option<Wrapped>, ReadError> {
    let mut count = [0; 5];
    let held = source.read_some(code.start, &mut count)?;
    let functions = leb(&count[..held]).map_or(0, |(count, _)| count);
    let first = functions.saturating_sub(u32::try_from(exported.len()).unwrap_or(u32::MAX));
    if !(first..functions).eq(exported.iter().copied()) {
        return Ok(None);
    }
    let mut wrappers = Vec::with_capacity(exported.len());
    let mut all = true;
    bodies(source, code, |index, range, window| {
        if index >= first {
            let size = usize::try_from((range.end - range.start).min(LONGEST)).map_err(std::io::Error::other)?;
            let held = window.at(range.start, size)?;
            let calls = Calls::of(&held[..size.min(held.len())], range.start);
            all = calls.is_some();
            wrappers.extend(calls);
        }
        Ok(all)
    })?;
    let of_start = usize::try_from(start - first).ok().and_then(|at| wrappers.get(at)).and_then(Calls::around_parameters);
    Ok(of_start.filter(|around| all && wrappers.iter().all(|calls| calls.are(*around))))
}

/// A function that does nothing but calls.
struct Calls {
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
