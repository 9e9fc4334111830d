//! The script that wasm-bindgen or emcc wrote beside a module: it makes the memory.

use super::options::Expect;
use super::verdict::{Seen, is_script, shown};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wasm_threads::contract::{Judgement, Outcome};
use wasm_threads::glue::{self, Made};
use wasm_threads::report::Finding;
use wasm_threads::rules::{self, Rule};

/// The largest script that is read, in bytes: a tool's script has a few hundred kilobytes.
const LARGEST: u64 = 64 << 20;

/// Holds the memory that the script makes against the one that the module imports.
pub fn judge(seen: &Seen<'_>) -> Result<Vec<Judgement>, Box<Finding>> {
    let memory = seen.module.memory().filter(|memory| memory.shared && memory.import.is_some());
    let (Some(memory), Expect::Threaded) = (memory, seen.expect) else {
        return Ok(both(|_| Outcome::NotApplicable("no script has to make a shared memory for it")));
    };
    let scripts: Vec<(String, Vec<Made>)> = scripts(seen).iter().filter_map(|script| read(script)).collect();
    if scripts.is_empty() {
        return Ok(both(|_| Outcome::NotApplicable("no script beside it makes a memory")));
    }
    let check = |(script, made): &(String, Vec<Made>)| glue::check(script, made, seen.name, memory);
    let found: Vec<Finding> = scripts.iter().filter_map(check).collect();
    Ok(both(|rule| {
        let of_rule: Vec<Finding> = found.iter().filter(|finding| finding.rule == rule).cloned().collect();
        if of_rule.is_empty() { Outcome::Passed } else { Outcome::Found(of_rule) }
    }))
}

fn both(outcome: impl Fn(&Rule) -> Outcome) -> Vec<Judgement> {
    let rules = [&rules::GLUE_MEMORY_NOT_SHARED, &rules::GLUE_MEMORY_MISMATCH];
    rules.map(|rule| Judgement { rule, outcome: outcome(rule) }).into()
}

/// Beside the module, or the very script that the module is in.
fn scripts(seen: &Seen<'_>) -> Vec<PathBuf> {
    let name = seen.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if is_script(seen.path) {
        return vec![seen.path.to_owned()];
    }
    glue::scripts_of(name, seen.contract.abi).iter().map(|script| seen.path.with_file_name(script)).collect()
}

/// A script that makes a memory. One that cannot be read says nothing: the module was asked about.
fn read(path: &Path) -> Option<(String, Vec<Made>)> {
    // A pipe of that name would wait for its writer.
    let facts = std::fs::metadata(path).ok().filter(|facts| facts.is_file() && facts.len() <= LARGEST)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(facts.len()).read_to_end(&mut bytes).ok()?;
    let made = glue::memories(&String::from_utf8_lossy(&bytes));
    (!made.is_empty()).then(|| (shown(path), made))
}
