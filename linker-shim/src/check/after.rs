//! `--after BEFORE`: what a tool in between took away.

use super::verdict::{Seen, shown, unreadable};
use wasm_threads::compare::{State, compare};
use wasm_threads::contract::{Judgement, Outcome};
use wasm_threads::module::{Module, OpenFile, ReadError};
use wasm_threads::report::Finding;
use wasm_threads::rules;

/// Compares the module with the one that it was made of, where that is named.
pub fn judge(seen: &Seen<'_>) -> Result<Vec<Judgement>, Box<Finding>> {
    let Some(path) = &seen.options.after else { return Ok(Vec::new()) };
    let name = shown(path);
    let read = OpenFile::open(path).map_err(ReadError::Io).and_then(|file| Module::read(&file));
    let before = read.map_err(|error| unreadable(&name, &error))?;
    let after = State { module: seen.module, name: seen.name, contract: seen.contract };
    let findings = compare(State::new(&before, &name), after);
    let outcome = if findings.is_empty() { Outcome::Passed } else { Outcome::Found(findings) };
    Ok(vec![Judgement { rule: &rules::LOST_IN_BETWEEN, outcome }])
}
