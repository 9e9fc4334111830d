//! What `cargo wasm-threads check` writes of a module, with a script beside it, in each format. The input is the module's bytes, and
//! behind the last line `//script` those of the script, if any; the last of them are the files' name, too.
//!
//! JSON and SARIF parse, and all formats carry the same findings: an annotation is one line, which says all of it, and nothing that
//! is printed drives a terminal or a runner.

#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::OnceLock;
use wasm_threads::report::clean;
use wasm_threads_fuzz::{assert_harmless, within};

// The command's own modules: it is a program, and has no library.
#[path = "../../../linker-shim/src/check/mod.rs"]
mod check;
#[path = "../../../linker-shim/src/child.rs"]
mod child;
#[path = "../../../linker-shim/src/colour.rs"]
mod colour;
#[path = "../../../linker-shim/src/help.rs"]
mod help;
#[path = "../../../linker-shim/src/programs.rs"]
mod programs;
#[path = "../../../linker-shim/src/prove/mod.rs"]
mod prove;
#[path = "../../../linker-shim/src/tell.rs"]
mod tell;
#[path = "../../../linker-shim/src/words.rs"]
mod words;

/// A finding may name everything that a module has too few or too many of, and is written with all that is to be said of its rule.
const TIMES: usize = 2048;

const SCRIPT: &[u8] = b"\n//script\n";

fuzz_target!(|data: &[u8]| {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let end = data.windows(SCRIPT.len()).rposition(|window| window == SCRIPT);
    let (module, script) = end.map_or((data, None), |end| (&data[..end], Some(&data[end + SCRIPT.len()..])));
    let ending = data[data.len().saturating_sub(24)..].iter();
    let stem: Vec<u8> = ending.map(|byte| if matches!(byte, 0 | b'/') { b'_' } else { *byte }).collect();
    let file = |ending: &[u8]| folder.join(OsString::from_vec([&b"a"[..], &stem, ending].concat()));

    let files = [(file(b"_bg.wasm"), Some(module)), (file(b".js"), script), (file(b"_bg.js"), script)];
    for (path, bytes) in &files {
        if let Some(bytes) = bytes {
            std::fs::write(path, bytes).expect("room in the folder");
        }
    }
    // A script may have a module in it.
    let mut named: Vec<&Path> =
        files[..2].iter().filter(|(_, bytes)| bytes.is_some()).map(|(path, _)| path.as_path()).collect();
    named.sort();
    // All rules' pages are in SARIF: to write it twice would halve what is tried.
    every_format(if data.len().is_multiple_of(2) { "threaded" } else { "unthreaded" }, &named, data.len());
    for (path, bytes) in &files {
        if bytes.is_some() {
            std::fs::remove_file(path).expect("a file");
        }
    }
});

/// One finding, as JSON has it.
struct Finding<'a>(&'a Value);

impl Finding<'_> {
    fn part(&self, name: &str) -> &str {
        self.0[name].as_str().expect(name)
    }
}

fn every_format(expect: &str, files: &[&Path], size: usize) {
    let answer = |format: &str| {
        let mut args: Vec<OsString> = ["--expect", expect, "--format", format].map(OsString::from).into();
        args.extend(files.iter().map(|file| file.as_os_str().to_owned()));
        let (text, status) = check::answer(&args, colour::Colours::default()).expect("a line as it is to be");
        (text, u64::from(status.code()))
    };
    let (json, status) = within(TIMES, || size, || answer("json"));
    let (text, status_of_text) = within(TIMES, || size, || answer("text"));
    let (annotations, status_of_annotations) = within(TIMES, || size, || answer("github"));
    let (sarif, status_of_sarif) = answer("sarif");
    assert_eq!([status_of_text, status_of_annotations, status_of_sarif], [status; 3]);
    for printed in [&json, &sarif] {
        assert!(!printed.contains(|character: char| character.is_control() && character != '\n'), "{printed:?}");
        assert!(!printed.lines().any(|line| line.trim_start().starts_with("::")) && !printed.contains("##["), "{printed:?}");
    }

    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["exit_status"], status);
    let mut findings: Vec<Finding> = Vec::new();
    for (file, path) in list(&json["files"]).iter().zip(files) {
        assert_eq!(file["path"].as_str(), Some(&*path.to_string_lossy()));
        let of_modules = list(&file["modules"]).iter().flat_map(|module| list(&module["findings"]));
        findings.extend(list(&file["findings"]).iter().chain(of_modules).map(Finding));
    }
    assert_eq!(status == 0, !findings.iter().any(|finding| finding.part("level") == "error"));

    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    let run = &sarif["runs"][0];
    let results = list(&run["results"]);
    assert_eq!(results.len(), findings.len());
    assert_eq!(run["invocations"][0]["exitCode"], status);
    for (result, finding) in results.iter().zip(&findings) {
        let [what, found, wanted, why, fix] = ["what", "found", "wanted", "why", "fix"].map(|name| finding.part(name));
        assert_eq!(result["message"]["text"], format!("{what}\nfound: {found}\nwanted: {wanted}\nwhy: {why}\nfix: {fix}"));
        assert_eq!([&result["ruleId"], &result["level"]], ["rule", "level"].map(|name| finding.part(name)));
        let rule = result["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok()).expect("a number");
        assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
    }

    assert_harmless(&text);
    let heads = text.lines().filter(|line| ["  error[", "  warning["].iter().any(|head| line.starts_with(head)));
    assert_eq!(heads.count(), findings.len(), "{text}");

    let bad = annotations.chars().find(|character| character.is_control() && *character != '\n');
    assert!(bad.is_none() && !annotations.contains("##["), "{annotations:?}");
    let mut lines = annotations.lines();
    for finding in &findings {
        let line = lines.next().expect("a line for each finding");
        let (head, message) = line.strip_prefix("::").and_then(|line| line.split_once("::")).expect("an annotation");
        let rows = ["found", "wanted", "why", "fix"].map(|name| (name, finding.part(name)));
        let rows = rows.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("\n{name}: {text}"));
        assert_eq!(plain(message), clean(&(finding.part("what").to_owned() + &rows.collect::<String>())));
        let start = format!("{} file=", finding.part("level"));
        let title = format!(",title={}", finding.part("rule"));
        assert!(head.starts_with(&start) && head.ends_with(&title) && head.matches(',').count() == 1, "{head}");
    }
    let summary = lines.next().expect("a last line");
    assert!(summary.starts_with(&files.len().to_string()) && lines.next().is_none(), "{annotations}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// As a runner reads what is said in an annotation.
fn plain(escaped: &str) -> String {
    escaped.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}
