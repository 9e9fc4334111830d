//! A module or a component: its facts, its details, the modules in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::module::{Details, Module, Part, core_modules};
use wasm_threads_fuzz::{TWICE, within};

/// Details are what is shown: a data segment of two bytes has a place of forty-eight.
const DETAILS: usize = 32;

fuzz_target!(|data: &[u8]| {
    if let Ok(module) = within(TWICE, || data.len(), || Module::read(data)) {
        let _ = within(DETAILS, || data.len(), || Details::read(data, &module));
    }
    let Ok(Some(modules)) = core_modules(data) else { return };
    let _ = within(TWICE, || data.len(), || core_modules(data).map(|modules| modules.into_iter().flatten().count()));
    let mut at = 0;
    for module in modules.map_while(Result::ok) {
        let range = module.range;
        assert!(at <= range.start && range.start <= range.end && range.end <= data.len() as u64, "{range:?}");
        at = range.end;
        let part = Part::new(data, range.start, range.end - range.start);
        if let Ok(module) = within(TWICE, || data.len(), || Module::read(&part)) {
            let _ = within(DETAILS, || data.len(), || Details::read(&part, &module));
        }
    }
});
