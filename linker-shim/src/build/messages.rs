//! Cargo's `--message-format=json`: which modules it has built, or found fresh.

use super::words::Words;
use serde_json::Value;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// One module that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The module.
    pub path: PathBuf,
    /// Its name: that of the binary, the example or the library.
    pub name: String,
    /// Cargo had nothing to do for it.
    pub fresh: bool,
}

/// The format for cargo, and whether the user asked for it: then its messages belong to the user, every byte of them.
pub fn format(words: &Words) -> (Option<&'static str>, bool) {
    let given: Vec<&str> = words.texts("--message-format").flat_map(|value| value.split(',')).collect();
    if given.iter().any(|format| format.starts_with("json")) {
        return (None, true);
    }
    match given.as_slice() {
        // These two say together, to a person, what `short` does.
        ["short"] => (Some("json-diagnostic-short,json-render-diagnostics"), false),
        [] | ["human"] => (Some("json-render-diagnostics"), false),
        // Cargo knows why it does not like it.
        _ => (None, true),
    }
}

/// Reads all messages. Where they are the user's they are passed `on` as they are; else only what is no message is.
pub fn read(mut from: impl BufRead, users: bool, on: &mut impl Write) -> std::io::Result<Vec<Artifact>> {
    let mut artifacts: Vec<Artifact> = Vec::new();
    let mut line = Vec::new();
    let mut listening = true;
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(artifacts);
        }
        let message: Option<Value> = serde_json::from_slice(&line).ok().filter(|value: &Value| value["reason"].is_string());
        if (users || message.is_none()) && listening {
            // Whoever listened may have gone away. Cargo works on, and so do we.
            listening = on.write_all(&line).and_then(|()| on.flush()).is_ok();
        }
        for artifact in message.iter().flat_map(linked) {
            if artifacts.iter().all(|known| known.path != artifact.path) {
                artifacts.push(artifact);
            }
        }
    }
}

fn linked(message: &Value) -> Vec<Artifact> {
    if message["reason"] != "compiler-artifact" {
        return Vec::new();
    }
    let files = || message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(Path::new);
    let mut modules: Vec<PathBuf> = files().filter(|file| is_module(file)).map(Path::to_owned).collect();
    if modules.is_empty() {
        // A script stands for the module that emcc wrote beside it.
        modules.extend(files().filter_map(module_of));
    }
    // What nobody asked for, such as a dependency's own cdylib, stays in `deps`, where tests are too.
    let test = message["profile"]["test"] == true;
    modules.retain(|path| test || path.parent().and_then(Path::file_name).is_none_or(|folder| folder != "deps"));
    let name = message["target"]["name"].as_str().unwrap_or_default();
    let fresh = message["fresh"] == true;
    modules.into_iter().map(|path| Artifact { path, name: name.to_owned(), fresh }).collect()
}

fn is_module(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "wasm")
}

/// The module of a file: itself, or the one beside emcc's script, in whose name cargo leaves rustc's underscores.
pub fn module_of(file: &Path) -> Option<PathBuf> {
    match file.extension()?.to_str()? {
        "wasm" => Some(file.to_owned()),
        "js" | "mjs" => {
            let candidates = [file.with_extension("wasm"), with_underscores(file).with_extension("wasm")];
            candidates.iter().find(|candidate| candidate.is_file()).or(candidates.last()).cloned()
        }
        _ => None,
    }
}

/// The same path, with the file's name as rustc writes it.
pub fn with_underscores(file: &Path) -> PathBuf {
    file.with_file_name(file.file_name().unwrap_or_default().to_string_lossy().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn message(files: &[&str], executable: Option<&str>, test: bool) -> String {
        let value = serde_json::json!({
            "reason": "compiler-artifact", "filenames": files, "executable": executable, "fresh": true,
            "profile": { "test": test }, "target": { "name": "x" },
        });
        format!("{value}\n")
    }

    fn paths(text: &str) -> Vec<String> {
        let artifacts = read(text.as_bytes(), false, &mut Vec::new()).unwrap();
        artifacts.iter().map(|artifact| artifact.path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn which_files_are_modules() {
        assert_eq!(paths(&message(&["/t/libx.rlib", "/t/x.wasm"], None, false)), ["/t/x.wasm"]);
        assert_eq!(paths(&message(&["/t/x-y.js", "/t/x_y.wasm"], Some("/t/x-y.js"), false)), ["/t/x_y.wasm"]);
        assert_eq!(paths(&message(&["/t/x-y.js"], Some("/t/x-y.js"), false)), ["/t/x_y.wasm"]);
        assert_eq!(paths(&message(&["/t/deps/x-1.wasm"], Some("/t/deps/x-1.wasm"), true)), ["/t/deps/x-1.wasm"]);
        assert_eq!(paths(&message(&["/t/deps/x.wasm"], None, false)), [] as [&str; 0]);
        assert_eq!(paths(&message(&["/t/deps/libx.so", "/t/libx.rlib"], None, false)), [] as [&str; 0]);
        let twice = message(&["/t/x.wasm"], None, false).repeat(2);
        assert_eq!(paths(&twice), ["/t/x.wasm"]);
    }

    #[test]
    fn whose_output_it_is() {
        let text = message(&["/t/x.wasm"], None, false) + "{\"reason\":1}\nno message\r\n{\"build-plan\": true}";
        let mut on = Vec::new();
        read(text.as_bytes(), true, &mut on).unwrap();
        assert_eq!(on, text.as_bytes());
        let mut on = Vec::new();
        read(text.as_bytes(), false, &mut on).unwrap();
        assert_eq!(on, b"{\"reason\":1}\nno message\r\n{\"build-plan\": true}");
    }

    #[test]
    fn formats() {
        let format = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            super::format(&Words::read(&words, false))
        };
        assert_eq!(format("-r"), (Some("json-render-diagnostics"), false));
        assert_eq!(format("--message-format human"), (Some("json-render-diagnostics"), false));
        assert_eq!(format("--message-format=short").0, Some("json-diagnostic-short,json-render-diagnostics"));
        assert_eq!(format("--message-format=json"), (None, true));
        assert_eq!(format("--message-format json-render-diagnostics"), (None, true));
        assert_eq!(format("--message-format xml"), (None, true));
    }
}
