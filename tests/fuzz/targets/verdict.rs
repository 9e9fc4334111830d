//! The whole judgement: the contract, and its findings as text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::module::Module;
use wasm_threads_fuzz::{TWICE, assert_harmless, within};

fuzz_target!(|data: &[u8]| {
    // The module's name is a file's: any text at all.
    let name = String::from_utf8_lossy(&data[data.len().saturating_sub(24)..]).into_owned();
    let verdict = within(TWICE, || data.len(), || wasm_threads::verify(data));
    let readable = Module::read(data);
    match verdict {
        Ok(()) => {
            let module = readable.expect("what cannot be read is not called threaded");
            let memory = module.memory().expect("without a memory it is not called threaded");
            assert!(memory.shared && memory.import.is_some());
            assert!(module.segments.iter().all(|segment| !segment.active));
        }
        Err(refused) => {
            assert!(!refused.findings.is_empty());
            assert_harmless(&refused.to_string());
        }
    }
    if let Ok(module) = Module::read(data) {
        for finding in wasm_threads::contract::Contract::of(&module).check(&module, &name) {
            assert_harmless(&finding.to_string());
        }
    }
});
