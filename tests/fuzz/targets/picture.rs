//! What `inspect` shows of a file: its facts as JSON, its picture, the line of JavaScript.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::picture::{File, javascript};
use wasm_threads_fuzz::{assert_harmless, within};

/// Each import and export has a few lines of JSON.
const TIMES: usize = 1024;

fuzz_target!(|data: &[u8]| {
    // The file's name may have any characters in it.
    let name = String::from_utf8_lossy(&data[data.len().saturating_sub(24)..]).into_owned();
    let Ok(file) = within(TIMES, || data.len(), || File::read(&name, data)) else { return };
    let json = within(TIMES, || data.len(), || file.json());
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    assert!(!json.contains(|character: char| character.is_control() && character != '\n'), "{json:?}");
    if let Some(picture) = within(TIMES, || data.len(), || file.svg()) {
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
