//! The input of the benchmark's small link: `std`, a shared value, and a value of each thread's own.

use std::cell::Cell;
use std::sync::Mutex;

static TEXT: Mutex<String> = Mutex::new(String::new());

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Appends one character to the text; how often this thread did.
#[unsafe(no_mangle)]
pub extern "C" fn push(character: u32) -> u32 {
    TEXT.lock().unwrap().extend(char::from_u32(character));
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}
