//! An object, bitcode, or something else that a linker is given.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::inputs::Object;
use wasm_threads::module::Module;
use wasm_threads_fuzz::{TWICE, within};

fuzz_target!(|data: &[u8]| {
    let object = within(TWICE, || data.len(), || Object::read(data));
    let whole = within(TWICE, || data.len(), || Object::read_whole(data));
    assert_eq!(object.uses_atomics(), whole.uses_atomics());
    if let Ok(Module { features: Some(features), .. }) = Module::read(data) {
        assert!(!object.uses_atomics() || features.uses("atomics"));
    }
});
