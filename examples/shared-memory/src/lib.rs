//! What threads are made of, without `std`: a counter, a lock, a sum, all in one memory.

#![no_std]
// `wait` and `notify` are not stable yet; nor is a core with atomics, which `build-std` makes.
#![feature(stdarch_wasm_atomic_wait)]

use core::arch::wasm32::{memory_atomic_notify, memory_atomic_wait32};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// A lock that sleeps: 0 free, 1 taken, 2 taken and somebody may sleep.
struct Lock(AtomicI32);

/// What only the owner of [`LOCK`] touches.
struct Guarded(UnsafeCell<u32>);

unsafe impl Sync for Guarded {}

static COUNTER: AtomicU32 = AtomicU32::new(0);
static LOCK: Lock = Lock(AtomicI32::new(0));
static LOCKED_COUNTER: Guarded = Guarded(UnsafeCell::new(0));
static SUM: AtomicU64 = AtomicU64::new(0);
static WORD: AtomicI32 = AtomicI32::new(0);

/// Sleeps while `word` is `expected`, for so many nanoseconds; a negative number is for ever.
///
/// 0: woken. 1: it was another number, so it did not sleep. 2: the time is over.
///
/// Never inlined: node 20's first compiler (Liftoff) loses local variables over `memory.atomic.wait32`, and a loop around it runs
/// a wrong number of times.
#[inline(never)]
fn sleep(word: &AtomicI32, expected: i32, nanoseconds: i64) -> i32 {
    unsafe { memory_atomic_wait32(word.as_ptr(), expected, nanoseconds) }
}

/// Wakes so many of those that sleep on `word`; says how many there were.
fn wake(word: &AtomicI32, count: u32) -> u32 {
    unsafe { memory_atomic_notify(word.as_ptr(), count) }
}

impl Lock {
    fn lock(&self) {
        if self.0.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
        while self.0.swap(2, Ordering::Acquire) != 0 {
            sleep(&self.0, 2, -1);
        }
    }

    fn unlock(&self) {
        if self.0.swap(0, Ordering::Release) == 2 {
            wake(&self.0, 1);
        }
    }
}

/// Counts so often, all threads in one counter.
#[unsafe(no_mangle)]
pub extern "C" fn count(times: u32) {
    for _ in 0..times {
        COUNTER.fetch_add(1, Ordering::Relaxed);
    }
}

/// What was counted.
#[unsafe(no_mangle)]
pub extern "C" fn counted() -> u32 {
    COUNTER.load(Ordering::Relaxed)
}

/// The same, with a number that is not atomic and a lock around it.
#[unsafe(no_mangle)]
pub extern "C" fn count_locked(times: u32) {
    for _ in 0..times {
        LOCK.lock();
        // Safety: the lock is ours.
        unsafe { *LOCKED_COUNTER.0.get() += 1 };
        LOCK.unlock();
    }
}

/// What was counted behind the lock. On a page's main thread only when nobody holds it: this must not sleep there.
#[unsafe(no_mangle)]
pub extern "C" fn counted_locked() -> u32 {
    LOCK.lock();
    let counted = unsafe { *LOCKED_COUNTER.0.get() };
    LOCK.unlock();
    counted
}

/// Adds so many numbers of the memory to the sum.
///
/// # Safety
///
/// They are there, and nobody writes to them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add(numbers: *const u32, count: usize) {
    let numbers = unsafe { core::slice::from_raw_parts(numbers, count) };
    // One atomic addition for each thread, not for each number.
    let sum = numbers.iter().map(|&number| u64::from(number)).sum();
    SUM.fetch_add(sum, Ordering::Relaxed);
}

/// The sum of all that was added.
#[unsafe(no_mangle)]
pub extern "C" fn sum() -> u64 {
    SUM.load(Ordering::Relaxed)
}

/// The address of a word to sleep on, for `Atomics.waitAsync`.
#[unsafe(no_mangle)]
pub extern "C" fn word() -> *const i32 {
    WORD.as_ptr()
}

/// Sleeps while the word is `expected`, for so many milliseconds at most: the results of `memory.atomic.wait32`.
#[unsafe(no_mangle)]
pub extern "C" fn wait(expected: i32, milliseconds: i32) -> i32 {
    sleep(&WORD, expected, i64::from(milliseconds) * 1_000_000)
}

/// Wakes one that sleeps on the word; says whether there was one. It is asleep only shortly after it said that it will be.
#[unsafe(no_mangle)]
pub extern "C" fn wake_one() -> u32 {
    wake(&WORD, 1)
}

/// Sets the word, and wakes all that sleep on it.
#[unsafe(no_mangle)]
pub extern "C" fn set(value: i32) -> u32 {
    WORD.store(value, Ordering::Release);
    wake(&WORD, u32::MAX)
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
