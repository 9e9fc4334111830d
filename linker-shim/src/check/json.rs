//! The answer as JSON, in a shape that has a version: a member may be added to it; none changes its meaning or goes.

use super::verdict::{File, Judged, Ruled, Status};
use wasm_threads::contract::Outcome;
use wasm_threads::picture::json::{Value, finding};
use wasm_threads::report::Finding;

/// The version of the shape.
const VERSION: u128 = 1;

/// All files.
pub fn all(files: &[File], status: Status) -> Value {
    Value::Object(vec![
        ("format", Value::text("wasm-threads-check")),
        ("version", Value::Number(VERSION)),
        ("status", Value::text(status.id())),
        ("exit_status", Value::Number(status.code().into())),
        ("files", Value::list(files.iter().map(of_file))),
    ])
}

fn of_file(file: &File) -> Value {
    Value::Object(vec![
        ("path", Value::text(file.path.to_string_lossy())),
        ("expect", Value::text(file.expect.id())),
        ("status", Value::text(file.status().id())),
        ("component", Value::Bool(file.component)),
        ("findings", Value::list(file.findings.iter().map(finding))),
        ("modules", Value::list(file.modules.iter().map(module))),
    ])
}

fn module(module: &Judged) -> Value {
    Value::Object(vec![
        ("place", Value::or_null(module.place.as_deref(), Value::text)),
        ("offset", Value::Number(module.offset.into())),
        ("size", Value::Number(module.size.into())),
        ("abi", Value::text(module.contract.abi.id())),
        ("stage", Value::text(module.contract.stage.id())),
        ("holds", Value::Bool(module.holds())),
        ("shared", Value::Bool(module.shared)),
        ("rules", Value::list(module.rules.iter().map(rule))),
        ("findings", Value::list(module.findings().map(finding))),
        ("notes", Value::list(module.notes.iter().map(|note| Value::text(note.as_str())))),
    ])
}

fn rule(ruled: &Ruled) -> Value {
    let (outcome, reason) = match &ruled.outcome {
        _ if ruled.allowed => ("allowed", None),
        Outcome::Passed => ("passed", None),
        Outcome::NotApplicable(reason) => ("not-applicable", Some(*reason)),
        Outcome::Found(findings) if findings.iter().any(Finding::is_error) => ("failed", None),
        Outcome::Found(_) => ("warned", None),
    };
    Value::Object(vec![
        ("rule", Value::text(ruled.id)),
        ("outcome", Value::text(outcome)),
        ("reason", Value::or_null(reason, Value::text)),
    ])
}
