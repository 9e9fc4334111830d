//! How a function writes the data of its module: the instructions for it, and the plain numbers that they are given.
//!
//! `wasm-ld`'s start function writes every passive segment, and zeros where there is nothing else, at addresses that are plain
//! numbers, and throws away what it has written (`Writer.cpp`, `createInitMemoryFunction`). wasm-bindgen makes it one function
//! among many.

use super::error::ReadError;
use super::functions::Body;
use super::read_at::ReadAt;
use std::ops::Range;
use wasmparser::{BinaryReader, FunctionBody, MemArgTarget, Operator};

/// One of these instructions, on the first memory.
pub(super) enum Write {
    /// Writes from a data segment: its number, and where to, if that is a plain number.
    Init(u32, Option<Range<u64>>),
    /// Writes a byte over and over: where to and which, if those are plain numbers.
    Fill(Option<(Range<u64>, u64)>),
    /// Throws a data segment away.
    Drop(u32),
    /// Sets a word of four bytes, if it has the value that is expected: threads agree by it who writes.
    Agree(Range<u64>),
}

/// The reader keeps a list of the blocks that it is in; a `switch` is made of one for each of its cases.
const DEEPEST: u32 = 32_000;

/// All of them have this byte in front.
const PREFIX: u8 = 0xfc;

impl<R: ReadAt + ?Sized> Body<'_, '_, R> {
    /// Tells `visit` of every such instruction, as far as the body can be read, and says whether that is to its end.
    pub(super) fn writes(&mut self, visit: impl FnMut(Write)) -> Result<bool, ReadError> {
        let offset = self.offset();
        let body = self.bytes()?;
        // Most functions write nothing, and to search is many times faster than to read.
        Ok(!body.contains(&PREFIX) || read(body, offset, visit).is_some())
    }
}

/// Tells `visit` of every instruction of a function's body, until it says `None` or the body cannot be read.
pub(super) fn instructions<'a>(body: &'a [u8], offset: u64, mut visit: impl FnMut(Operator<'a>) -> Option<()>) -> Option<()> {
    let mut depth = 0_u32;
    for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
        let operator = operator.ok()?;
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Try { .. }
            | Operator::TryTable { .. } => depth = Some(depth + 1).filter(|depth| *depth < DEEPEST)?,
            Operator::End | Operator::Delegate { .. } => depth = depth.saturating_sub(1),
            _ => {}
        }
        visit(operator)?;
    }
    Some(())
}

fn read(body: &[u8], offset: u64, mut visit: impl FnMut(Write)) -> Option<()> {
    let mut numbers = Numbers::default();
    let range = |to: u64, size: u64| Some(to..to.checked_add(size)?);
    instructions(body, offset, |operator| {
        match (operator, numbers.last_three()) {
            (Operator::I32Const { value }, _) => {
                numbers.push(u64::from(value.cast_unsigned()));
                return Some(());
            }
            (Operator::I64Const { value }, _) => {
                numbers.push(value.cast_unsigned());
                return Some(());
            }
            // The address of the thread-local storage is kept as well.
            (Operator::GlobalSet { .. }, _) => {
                numbers.pop();
                return Some(());
            }
            (Operator::MemoryInit { data_index, mem }, given) => {
                let to = given.filter(|_| mem == 0).and_then(|[to, _, size]| range(to, size));
                visit(Write::Init(data_index, to));
            }
            (Operator::MemoryFill { mem: 0 }, given) => {
                visit(Write::Fill(given.and_then(|[to, value, size]| Some((range(to, size)?, value)))));
            }
            (Operator::DataDrop { data_index }, _) => visit(Write::Drop(data_index)),
            (Operator::I32AtomicRmwCmpxchg { memarg }, Some([to, ..])) if memarg.target == MemArgTarget::Memory(0) => {
                visit(Write::Agree(range(to.checked_add(memarg.offset)?, 4)?));
            }
            _ => {}
        }
        numbers.clear();
        Some(())
    })
}

/// The numbers on the stack, as far as they are known; no instruction here takes more than three, and one may be set aside.
#[derive(Default)]
struct Numbers {
    last: [u64; 4],
    count: usize,
}

impl Numbers {
    fn push(&mut self, number: u64) {
        if self.count == self.last.len() {
            self.last.rotate_left(1);
            self.count -= 1;
        }
        self.last[self.count] = number;
        self.count += 1;
    }

    fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    fn clear(&mut self) {
        self.count = 0;
    }

    fn last_three(&self) -> Option<[u64; 3]> {
        self.last[..self.count].last_chunk().copied()
    }
}
