//! A command line and the response files it names. The input is a list, divided by NUL: a word each, or a file (byte 1, its name,
//! byte 1, its text).
//!
//! What is handed on is what came, less our own words, and is understood in the same way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use wasm_threads::command_line::{CommandLine, Copy, Loaded};
use wasm_threads::settings::Settings;
use wasm_threads::target::Target;
use wasm_threads_fuzz::{assert_harmless, within};

/// For each byte of input so many of memory, where the words are as short as can be: a word has 24 bytes beside its text, one to be
/// linked 40 more, the name of an empty response file 110, and while a list grows, there is room in it for three times as much. Of words
/// as long as a path is, it is a few times their length.
const TIMES: usize = 128;

/// As the linker's own limits end a line that never ends; such lines are too slow to be tried by the million.
const MOST_LOADED: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let mut words: Vec<OsString> = Vec::new();
    let mut files: BTreeMap<OsString, Vec<u8>> = BTreeMap::new();
    for part in data.split(|byte| *byte == 0) {
        match part.strip_prefix(b"\x01").and_then(|rest| rest.iter().position(|byte| *byte == 1).map(|at| (rest, at))) {
            Some((rest, at)) => drop(files.insert(OsString::from_vec(rest[..at].to_vec()), rest[at + 1..].to_vec())),
            None => words.push(OsString::from_vec(part.to_vec())),
        }
    }
    let loaded = Cell::new(0);
    let mut load = |name: &OsStr| {
        let bytes = files.get(name).filter(|bytes| loaded.get() + bytes.len() < MOST_LOADED)?.clone();
        loaded.set(loaded.get() + bytes.len());
        Some(Loaded { bytes, once: name.as_bytes().first() == Some(&b'|') })
    };
    let line = within(TIMES, || data.len() + loaded.get(), || CommandLine::parse(&words, &mut load));

    if let Err(finding) = Settings::new(&line, &|_| None) {
        assert_harmless(&finding.to_string());
        // Refused: nothing is handed on.
        return;
    }
    let _ = Target::of(&line.options, line.style);

    let mut copies: BTreeMap<OsString, Vec<u8>> = BTreeMap::new();
    let mut forwarded: Vec<OsString> = line.flavor.iter().flat_map(|flavor| ["-flavor".into(), flavor.clone()]).collect();
    for forward in line.forwarded() {
        let Ok(()) = forward.render(&mut forwarded, &mut |copy| write(copy, &mut copies));
    }
    let once = files.keys().any(|name| name.as_bytes().first() == Some(&b'|'));
    if line.own.is_empty() && !once {
        assert!(copies.is_empty());
        assert_eq!(forwarded, words, "nothing of ours is on the line");
    }

    // Read once more: nothing of ours is left, and all else says what it said. A line that cannot be read to its end is handed on
    // for the linker to refuse.
    if line.unreadable.is_some() || loaded.get() * 2 > MOST_LOADED {
        return;
    }
    let again = CommandLine::parse(&forwarded, &mut |name| {
        let bytes = copies.get(name).or_else(|| files.get(name))?.clone();
        Some(Loaded { bytes, once: false })
    });
    if again.style != line.style {
        // A word of ours may have been all that showed whose words they are.
        assert!(!line.own.is_empty());
        return;
    }
    assert!(again.own.is_empty(), "{:?} of {words:?}", again.own);
    assert_eq!(format!("{:?}", again.options), format!("{:?}", line.options), "{words:?} as {forwarded:?}");
});

fn write(copy: Copy, copies: &mut BTreeMap<OsString, Vec<u8>>) -> Result<OsString, Infallible> {
    let text = copy.render(&mut |nested| write(nested, copies))?;
    let name = OsString::from(format!("/copy {}", copies.len()));
    copies.insert(name.clone(), text);
    Ok(name)
}
