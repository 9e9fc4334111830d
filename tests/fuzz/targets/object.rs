//! An object, bitcode, or something else that a linker is given.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::inputs::Object;
use wasm_threads::module::Module;
use wasm_threads_fuzz::within;

/// The sections of features and of needs are held, and what is in them.
const TIMES: usize = 64;

fuzz_target!(|data: &[u8]| {
    let object = within(TIMES, || data.len(), || Object::read(data));
    // All of bitcode is read for the needs in it, through a window.
    let whole = within(TIMES, || data.len() + 256 * 1024, || Object::read_whole(data));
    assert_eq!(object.uses_atomics(), whole.uses_atomics());
    if let Ok(Module { features: Some(features), .. }) = Module::read(data) {
        assert!(!object.uses_atomics() || features.uses("atomics"));
    }
});
