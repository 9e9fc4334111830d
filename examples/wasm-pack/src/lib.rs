//! Counts primes, in all threads that call it at once.

use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen::prelude::*;

const STEP: u32 = 1000;

static NEXT: AtomicU32 = AtomicU32::new(0);
static FOUND: AtomicU32 = AtomicU32::new(0);

/// Takes a thousand numbers after another until none below `limit` are left, and says how many of its own were primes.
#[wasm_bindgen]
pub fn count_primes(limit: u32) -> u32 {
    let mut mine = 0;
    loop {
        let from = NEXT.fetch_add(STEP, Ordering::Relaxed);
        if from >= limit {
            break;
        }
        mine += (from..limit.min(from + STEP)).filter(|number| is_prime(*number)).count() as u32;
    }
    FOUND.fetch_add(mine, Ordering::Relaxed);
    mine
}

fn is_prime(number: u32) -> bool {
    number > 1 && (2..).take_while(|factor| factor * factor <= number).all(|factor| number % factor != 0)
}

/// How many all threads have found.
#[wasm_bindgen]
pub fn found() -> u32 {
    FOUND.load(Ordering::Relaxed)
}

/// What a further thread is given: this module, and the memory of all.
#[cfg(feature = "threads")]
#[wasm_bindgen]
pub fn thread() -> Vec<JsValue> {
    vec![wasm_bindgen::module(), wasm_bindgen::memory()]
}
