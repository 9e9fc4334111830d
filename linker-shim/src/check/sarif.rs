//! The answer as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code scanning services read.

use super::verdict::{File, Judged, Status, level};
use std::path::{Component, Path};
use wasm_threads::picture::json::Value;
use wasm_threads::report::Finding;
use wasm_threads::rules;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// All files, as one run.
pub fn all(files: &[File], status: Status) -> Value {
    let results = files.iter().flat_map(|file| {
        let of_file = file.findings.iter().map(move |finding| result(file, None, finding));
        let of_module = move |module| Judged::findings(module).map(move |finding| result(file, Some(module), finding));
        of_file.chain(file.modules.iter().flat_map(of_module))
    });
    let undecided = files.iter().filter(|file| file.undecided).flat_map(|file| &file.findings);
    let undecided = undecided.map(|finding| {
        Value::Object(vec![
            ("level", Value::text("error")),
            ("message", message(&format!("{}: {}", finding.what, finding.found))),
        ])
    });
    // What holds is no result: a service would raise an alert for each.
    let notes = files.iter().flat_map(|file| {
        let of_module = move |module| Judged::notes(module).map(move |note| notification(file, module, &note));
        file.modules.iter().flat_map(of_module)
    });
    let invocation = Value::Object(vec![
        ("executionSuccessful", Value::Bool(status != Status::Undecided)),
        ("exitCode", Value::Number(status.code().into())),
        ("toolExecutionNotifications", Value::list(undecided.chain(notes))),
    ]);
    let driver = Value::Object(vec![
        ("name", Value::text("wasm-threads")),
        ("semanticVersion", Value::text(env!("CARGO_PKG_VERSION"))),
        ("informationUri", Value::text(env!("CARGO_PKG_REPOSITORY"))),
        ("rules", Value::list(rules::ALL.iter().map(|rule| descriptor(rule)))),
    ]);
    let run = Value::Object(vec![
        ("tool", Value::Object(vec![("driver", driver)])),
        ("invocations", Value::list([invocation])),
        ("columnKind", Value::text("unicodeCodePoints")),
        ("results", Value::list(results)),
    ]);
    Value::Object(vec![("$schema", Value::text(SCHEMA)), ("version", Value::text("2.1.0")), ("runs", Value::list([run]))])
}

fn descriptor(rule: &rules::Rule) -> Value {
    Value::Object(vec![
        ("id", Value::text(rule.id)),
        ("shortDescription", message(&rule.about())),
        ("fullDescription", message(rule.why)),
        ("help", Value::Object(vec![("text", Value::text(rule.page)), ("markdown", Value::text(rule.page))])),
        ("defaultConfiguration", Value::Object(vec![("level", Value::text(level(rule.level)))])),
    ])
}

fn notification(file: &File, module: &Judged, note: &str) -> Value {
    Value::Object(vec![
        ("level", Value::text("note")),
        ("message", message(note)),
        ("locations", Value::list([location(file, Some(module))])),
    ])
}

fn location(file: &File, module: Option<&Judged>) -> Value {
    let uri = Value::Object(vec![("uri", Value::text(uri(&file.path)))]);
    let mut location = vec![("physicalLocation", Value::Object(vec![("artifactLocation", uri)]))];
    if let Some(place) = module.and_then(|module| module.place.as_deref()) {
        let logical = Value::Object(vec![("fullyQualifiedName", Value::text(place)), ("kind", Value::text("module"))]);
        location.push(("logicalLocations", Value::list([logical])));
    }
    Value::Object(location)
}

fn result(file: &File, module: Option<&Judged>, finding: &Finding) -> Value {
    let index = rules::ALL.iter().position(|rule| *rule == finding.rule).unwrap_or_default();
    let text = format!(
        "{}\nfound: {}\nwanted: {}\nwhy: {}\nfix: {}",
        finding.what, finding.found, finding.wanted, finding.why, finding.fix
    );
    Value::Object(vec![
        ("ruleId", Value::text(finding.rule.id)),
        ("ruleIndex", Value::Number(index as u128)),
        ("kind", Value::text("fail")),
        ("level", Value::text(level(finding.level))),
        ("message", message(&text)),
        ("locations", Value::list([location(file, module)])),
    ])
}

fn message(text: &str) -> Value {
    Value::Object(vec![("text", Value::text(text))])
}

/// A path as a reference (RFC 3986): relative ones to where the tool ran, which is what code scanning services take them for.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    if path.is_absolute() {
        uri += "file://";
    }
    for (index, part) in path.components().enumerate() {
        match part {
            Component::RootDir => continue,
            Component::Prefix(_) => uri.push('/'),
            _ if index > 0 => uri.push('/'),
            _ => {}
        }
        for byte in part.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
                _ => uri += &format!("%{byte:02X}"),
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, wanted) in [
            ("dist/app.wasm", "dist/app.wasm"),
            ("a b#c?d%.wasm", "a%20b%23c%3Fd%25.wasm"),
            ("a:b.wasm", "a%3Ab.wasm"),
            ("größe.wasm", "gr%C3%B6%C3%9Fe.wasm"),
            ("../x.wasm", "../x.wasm"),
        ] {
            assert_eq!(uri(Path::new(path)), wanted);
        }
        #[cfg(unix)]
        assert_eq!(uri(Path::new("/dist/app.wasm")), "file:///dist/app.wasm");
    }
}
