//! What `inspect` shows of a file: its facts as JSON, its picture, the line of JavaScript.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::module::core_modules;
use wasm_threads::picture::{File, javascript};
use wasm_threads_fuzz::{ALWAYS, assert_harmless, within};

/// What is shown is kept, up to the name and the place of every data segment.
const READ: usize = 128;

/// A data segment of two bytes has eight lines of JSON, and a list of as many values before it is written.
const WRITTEN: usize = 1024;

fuzz_target!(|data: &[u8]| {
    // The file's name may have any characters in it.
    let name = String::from_utf8_lossy(&data[data.len().saturating_sub(24)..]).into_owned();
    // In a component there may be many modules of next to no bytes, each with findings of its own.
    let modules = core_modules(data).ok().flatten().map_or(0, |modules| modules.flatten().count());
    let read = within(READ, || data.len() + modules * ALWAYS / READ, || File::read(&name, data));
    let Ok(file) = read else { return };
    let json = within(WRITTEN, || data.len(), || file.json());
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    assert!(!json.contains(|character: char| character.is_control() && character != '\n'), "{json:?}");
    if let Some(picture) = within(WRITTEN, || data.len(), || file.svg()) {
        assert_harmless(&picture);
        assert_eq!(picture.matches("<svg").count(), 1, "{picture}");
        assert!(!picture.contains("<script") && !picture.contains("href"), "{picture}");
    }
    for subject in &file.subjects {
        assert_harmless(&subject.verdict());
        for memory in &subject.module.memories {
            if let Ok(line) = javascript::construct(memory) {
                assert_harmless(&line);
            }
            assert_harmless(&javascript::imports(memory).unwrap_or_default());
        }
    }
});
