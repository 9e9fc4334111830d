//! One counter for all threads, and one for each.

use std::alloc::Layout;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

static TOTAL: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static MINE: Cell<u32> = const { Cell::new(0) };
}

/// Counts one.
#[unsafe(no_mangle)]
pub extern "C" fn count() {
    TOTAL.fetch_add(1, Ordering::Relaxed);
    MINE.set(MINE.get() + 1);
}

/// What all threads have counted.
#[unsafe(no_mangle)]
pub extern "C" fn total() -> u32 {
    TOTAL.load(Ordering::Relaxed)
}

/// What this thread has counted.
#[unsafe(no_mangle)]
pub extern "C" fn mine() -> u32 {
    MINE.get()
}

/// A block of the heap, for the stack or the thread-locals of a new thread; null when there is none.
#[unsafe(no_mangle)]
pub extern "C" fn block(size: usize, align: usize) -> *mut u8 {
    match Layout::from_size_align(size, align) {
        Ok(layout) if size > 0 => unsafe { std::alloc::alloc(layout) },
        _ => std::ptr::null_mut(),
    }
}
