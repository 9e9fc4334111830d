//! A module or a component: its facts, its details, the modules in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::module::{Details, Module, Part, core_modules};
use wasm_threads_fuzz::within;

/// A global of four bytes, an import without a name, is described by forty.
const TIMES: usize = 64;

fuzz_target!(|data: &[u8]| {
    if let Ok(module) = within(TIMES, || data.len(), || Module::read(data)) {
        let _ = within(TIMES, || data.len(), || Details::read(data, &module));
    }
    let Ok(Some(modules)) = within(TIMES, || data.len(), || core_modules(data)) else { return };
    let mut at = 0;
    for module in modules {
        let range = module.range;
        assert!(at <= range.start && range.start <= range.end && range.end <= data.len() as u64, "{range:?}");
        at = range.end;
        let part = Part::new(data, range.start, range.end - range.start);
        if let Ok(module) = within(TIMES, || data.len(), || Module::read(&part)) {
            let _ = within(TIMES, || data.len(), || Details::read(&part, &module));
        }
    }
});
