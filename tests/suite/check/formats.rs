//! How it is written: JSON in a shape that stays, annotations of GitHub, SARIF as its schema has it.

use super::{checked, good, stale, wat, write};
use crate::contract::encoded::{Sample, memory};
use crate::support::{Suite, Tool, golden, temp_folder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use wasm_threads::rules;

pub fn tests(suite: &mut Suite) {
    suite.test("json", &[], json);
    suite.test("json_keeps_what_does_not_apply_apart", &[], json_keeps_what_does_not_apply_apart);
    suite.test("github", &[], github);
    suite.test("sarif", &[], sarif);
    suite.test("what_a_run_has_shown", &[Tool::Node], what_a_run_has_shown);
}

/// One file of each answer.
fn files(folder: &Path) {
    let mut fixed = Sample::new();
    fixed.memories[0].0 = memory(256, 256);
    write(folder, "good.wasm", &good());
    write(folder, "fixed.wasm", &fixed.bytes());
    write(folder, "stale.wasm", &stale());
    write(folder, "text.wasm", b"no module");
    write(folder, "component.wasm", &wat("(component (core module (memory 1)))"));
}

#[track_caller]
fn read(folder: &Path, words: &[&str], code: i32) -> Value {
    let ran = checked(folder, words, code);
    assert!(ran.stdout.is_ascii(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran:?}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}"))
}

fn shape(value: &Value, path: &str, to: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    to.insert(format!("{path}: {kind}"));
    for member in value.as_array().into_iter().flatten() {
        shape(member, &format!("{path}[]"), to);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        shape(member, &format!("{path}.{name}"), to);
    }
}

fn json() {
    let folder = temp_folder();
    files(folder.path());
    let all = read(folder.path(), &["--format", "json", "."], 2);
    let mut lines = BTreeSet::new();
    shape(&all, "", &mut lines);
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.ends_with(": object")).collect();
    golden::check("check/json-shape", &(lines.join("\n") + "\n"), &[]);
    assert_eq!(all["format"], "wasm-threads-check");
    assert_eq!((&all["version"], &all["exit_status"], &all["status"]), (&1.into(), &2.into(), &"undecided".into()));
    let status: Vec<(&str, &str)> =
        list(&all["files"]).iter().map(|file| (text(&file["path"]), text(&file["status"]))).collect();
    let wanted = [
        ("component.wasm", "broken"),
        ("fixed.wasm", "holds"),
        ("good.wasm", "holds"),
        ("stale.wasm", "broken"),
        ("text.wasm", "undecided"),
    ];
    assert_eq!(status, wanted);
    let module = &all["files"][1]["modules"][0];
    assert_eq!((text(&module["abi"]), text(&module["stage"])), ("javascript", "linked"));
    assert_eq!(module["size"].as_u64(), std::fs::metadata(folder.path().join("fixed.wasm")).ok().map(|facts| facts.len()));
    assert_eq!(module["findings"][0]["level"], "warning");
    // What is said to people is said to machines, and the reverse.
    let said = checked(folder.path(), &["."], 2).stdout_text();
    for file in list(&all["files"]) {
        let findings =
            list(&file["findings"]).iter().chain(list(&file["modules"]).iter().flat_map(|module| list(&module["findings"])));
        for finding in findings {
            let line = format!("  {}[{}]: {}\n", text(&finding["level"]), text(&finding["rule"]), text(&finding["what"]));
            assert!(said.contains(&line), "{line}{said}");
        }
    }
}

/// The rules of one module: their names and what became of them.
fn outcomes(all: &Value) -> Vec<(String, String, bool)> {
    let rules = list(&all["files"][0]["modules"][0]["rules"]).iter();
    let outcome =
        |rule: &Value| (text(&rule["rule"]).to_owned(), text(&rule["outcome"]).to_owned(), rule["reason"].is_string());
    rules.map(outcome).collect()
}

fn json_keeps_what_does_not_apply_apart() {
    let folder = temp_folder();
    files(folder.path());
    let of = |words: &[&str], code| outcomes(&read(folder.path(), &[&["--format", "json"], words].concat(), code));
    let find = |all: &[(String, String, bool)], id: &str| {
        let found: Vec<_> = all.iter().filter(|(rule, _, _)| rule == id).collect();
        assert_eq!(found.len(), 1, "{id} once in {all:?}");
        found[0].1.clone()
    };
    let good = of(&["good.wasm"], 0);
    for (rule, outcome, reason) in &good {
        assert!(["passed", "not-applicable"].contains(&outcome.as_str()), "{rule}: {outcome}");
        assert_eq!(*reason, outcome == "not-applicable", "{rule}");
    }
    assert_eq!(find(&good, "memory-not-shared"), "passed");
    assert_eq!(find(&good, "libc-mismatch"), "not-applicable");
    assert_eq!(find(&good, "start-in-every-thread"), "not-applicable");
    let stale = of(&["stale.wasm"], 1);
    assert_eq!(find(&stale, "memory-not-shared"), "failed");
    // Nothing is said of what nobody looked at.
    assert_eq!(find(&stale, "memory-not-imported"), "not-applicable");
    assert_eq!(find(&stale, "export-missing"), "not-applicable");
    assert_eq!(find(&of(&["fixed.wasm"], 0), "memory-cannot-grow"), "warned");
    assert_eq!(find(&of(&["--allow", "memory-cannot-grow", "fixed.wasm"], 0), "memory-cannot-grow"), "allowed");
    let unthreaded = of(&["--expect", "unthreaded", "stale.wasm"], 0);
    assert_eq!(find(&unthreaded, "threaded"), "passed");
    assert_eq!(find(&unthreaded, "memory-not-shared"), "not-applicable");
    // The same rules in the same order, whatever the module is.
    let ids = |all: &[(String, String, bool)]| all.iter().map(|(rule, _, _)| rule.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&good), ids(&stale));
}

fn github() {
    let folder = temp_folder();
    files(folder.path());
    let ran = checked(folder.path(), &["--format", "github", "stale.wasm", "fixed.wasm", "text.wasm", "good.wasm"], 2);
    golden::check("check/github", &ran.stdout_text(), &[]);
}

/// Nothing that the schema does not know, or that is not known here.
#[track_caller]
fn only(value: &Value, names: &[&str]) {
    for name in value.as_object().unwrap_or_else(|| panic!("an object: {value}")).keys() {
        assert!(names.contains(&name.as_str()), "{name} is not of the schema, or not known here: {value}");
    }
}

#[track_caller]
fn assert_location(location: &Value) {
    only(location, &["physicalLocation", "logicalLocations"]);
    only(&location["physicalLocation"], &["artifactLocation"]);
    only(&location["physicalLocation"]["artifactLocation"], &["uri"]);
    let uri = text(&location["physicalLocation"]["artifactLocation"]["uri"]);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte);
    assert!(!uri.is_empty() && uri.bytes().all(allowed), "a reference of RFC 3986: {uri}");
    for logical in location.get("logicalLocations").map(list).unwrap_or_default() {
        only(logical, &["fullyQualifiedName", "kind"]);
    }
}

/// What the schema demands (sarif-schema-2.1.0.json), as far as it is about members that are written here.
#[track_caller]
fn assert_sarif(log: &Value) {
    let message = |value: &Value| {
        only(value, &["text"]);
        assert!(!text(&value["text"]).is_empty());
    };
    only(log, &["$schema", "version", "runs"]);
    assert_eq!(log["version"], "2.1.0");
    assert!(text(&log["$schema"]).starts_with("https://") && text(&log["$schema"]).ends_with("sarif-schema-2.1.0.json"));
    let [run] = list(&log["runs"]) else { panic!("one run") };
    only(run, &["tool", "invocations", "columnKind", "results"]);
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&text(&run["columnKind"])));
    only(&run["tool"], &["driver"]);
    let driver = &run["tool"]["driver"];
    only(driver, &["name", "semanticVersion", "informationUri", "rules"]);
    assert!(!text(&driver["name"]).is_empty() && text(&driver["informationUri"]).starts_with("https://"));
    let mut ids = BTreeSet::new();
    for rule in list(&driver["rules"]) {
        only(rule, &["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"]);
        assert!(ids.insert(text(&rule["id"])), "ids are unlike");
        message(&rule["shortDescription"]);
        message(&rule["fullDescription"]);
        only(&rule["help"], &["text", "markdown"]);
        assert!(!text(&rule["help"]["text"]).is_empty());
        only(&rule["defaultConfiguration"], &["level"]);
        assert!(["none", "note", "warning", "error"].contains(&text(&rule["defaultConfiguration"]["level"])));
    }
    for invocation in list(&run["invocations"]) {
        only(invocation, &["executionSuccessful", "exitCode", "toolExecutionNotifications"]);
        assert!(invocation["executionSuccessful"].is_boolean() && invocation["exitCode"].is_i64());
        for notification in list(&invocation["toolExecutionNotifications"]) {
            only(notification, &["level", "message", "locations"]);
            message(&notification["message"]);
            assert!(["none", "note", "warning", "error"].contains(&text(&notification["level"])));
            notification.get("locations").map(list).unwrap_or_default().iter().for_each(assert_location);
        }
    }
    for result in list(&run["results"]) {
        only(result, &["ruleId", "ruleIndex", "kind", "level", "message", "locations"]);
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("an index");
        assert_eq!(driver["rules"][index]["id"], result["ruleId"], "the index is that of the id");
        assert!(["notApplicable", "pass", "fail", "review", "open", "informational"].contains(&text(&result["kind"])));
        // 3.27.10: where the kind is not `fail`, the level is `none`.
        assert!(["warning", "error"].contains(&text(&result["level"])) && result["kind"] == "fail");
        message(&result["message"]);
        list(&result["locations"]).iter().for_each(assert_location);
    }
}

/// What `--run` tells beside its findings is told in every format, and is no result.
fn what_a_run_has_shown() {
    let folder = temp_folder();
    let component =
        format!("(component (core module (memory 1)) (core module {}", crate::check_run::LINKED.replacen("(module", "", 1));
    write(folder.path(), "app.wasm", &wat(crate::check_run::LINKED));
    write(folder.path(), "within.wasm", &wat(&(component + ")")));
    for (file, module, code) in [("app.wasm", 0, 0), ("within.wasm", 1, 1)] {
        let said = |format: &str| checked(folder.path(), &["--run", "--format", format, file], code).stdout_text();
        let json = read(folder.path(), &["--run", "--format", "json", file], code);
        let notes: Vec<&str> = list(&json["files"][0]["modules"][module]["notes"]).iter().map(text).collect();
        assert!(notes.len() > 2 && notes.iter().all(|note| note.starts_with("run: ")), "{notes:?}");
        let plain = said("text");
        assert!(notes.iter().all(|note| plain.contains(&format!("\n  {note}\n"))), "{plain}");

        let annotations = said("github");
        let place = ["", "module 1%0A"][module];
        let wanted = format!("::notice file={file},title=shown by a run::{place}{}\n", notes.join("%0A"));
        assert!(annotations.contains(&wanted) && annotations.matches("::notice").count() == 1, "{wanted}{annotations}");

        let log = read(folder.path(), &["--run", "--format", "sarif", file], code);
        assert_sarif(&log);
        let told = list(&log["runs"][0]["invocations"][0]["toolExecutionNotifications"]);
        assert_eq!(told.iter().map(|told| text(&told["message"]["text"])).collect::<Vec<_>>(), notes);
        for told in told {
            let location = &told["locations"][0];
            assert_eq!((text(&told["level"]), text(&location["physicalLocation"]["artifactLocation"]["uri"])), ("note", file));
            assert_eq!(location.get("logicalLocations").is_some(), module == 1, "{location}");
        }
        assert_eq!(list(&log["runs"][0]["results"]).is_empty(), code == 0, "{log}");
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
    }
}

fn sarif() {
    let folder = temp_folder();
    files(folder.path());
    let log = read(folder.path(), &["--format", "sarif", "."], 2);
    assert_sarif(&log);
    let run = &log["runs"][0];
    assert_eq!(list(&run["tool"]["driver"]["rules"]).len(), rules::ALL.len());
    assert_eq!((&run["invocations"][0]["executionSuccessful"], &run["invocations"][0]["exitCode"]), (&false.into(), &2.into()));
    let found: Vec<(&str, &str, &str)> = list(&run["results"])
        .iter()
        .map(|result| {
            let uri = text(&result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]);
            (uri, text(&result["ruleId"]), text(&result["level"]))
        })
        .collect();
    let wanted = [
        ("component.wasm", "memory-not-shared", "error"),
        ("fixed.wasm", "memory-cannot-grow", "warning"),
        ("stale.wasm", "memory-not-shared", "error"),
        ("stale.wasm", "active-data-segment", "error"),
        ("text.wasm", "unreadable", "error"),
    ];
    assert_eq!(found, wanted);
    assert_eq!(run["results"][0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "module 0");
    let clean = read(folder.path(), &["--format", "sarif", "good.wasm"], 0);
    assert_sarif(&clean);
    assert!(list(&clean["runs"][0]["results"]).is_empty());
    assert_eq!(clean["runs"][0]["invocations"][0]["executionSuccessful"], true);
    #[cfg(unix)]
    {
        let strange = "a b%/%20#?\u{1b}[31m\n::error::größe.wasm";
        write(folder.path(), format!("strange/{strange}"), &stale());
        let log = read(folder.path(), &["--format", "sarif", "strange"], 1);
        assert_sarif(&log);
        let uri = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(text(uri), "strange/a%20b%25/%2520%23%3F%1B%5B31m%0A%3A%3Aerror%3A%3Agr%C3%B6%C3%9Fe.wasm");
    }
}
