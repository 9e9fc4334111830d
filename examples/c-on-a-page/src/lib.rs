//! Darts thrown by C, for a page.

use wasm_bindgen::prelude::*;

unsafe extern "C" {
    safe fn darts_seed(number: u32);
    safe fn darts_state() -> u32;
    safe fn darts_throw(count: u32);
    safe fn darts_thrown() -> u32;
    safe fn darts_inside() -> u32;
}

/// The memory of all threads, for those that are still to come.
#[wasm_bindgen]
pub fn shared_memory() -> JsValue {
    wasm_bindgen::memory()
}

/// Makes this thread's generator another one than that of other threads.
#[wasm_bindgen]
pub fn seed(number: u32) {
    darts_seed(number);
}

/// Where this thread's generator is.
#[wasm_bindgen]
pub fn state() -> u32 {
    darts_state()
}

/// Throws so many darts.
#[wasm_bindgen]
pub fn throw_darts(count: u32) {
    darts_throw(count);
}

/// How many darts all threads have thrown.
#[wasm_bindgen]
pub fn thrown() -> u32 {
    darts_thrown()
}

/// Four times the share of darts in the circle, which comes near to pi.
#[wasm_bindgen]
pub fn pi() -> f64 {
    4.0 * f64::from(darts_inside()) / f64::from(darts_thrown())
}
