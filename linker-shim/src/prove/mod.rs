//! Proof by running: a module is started twice on one memory, in two workers of node, with stubs for its imports.
//!
//! It finds what no reading of bytes can: an `__wasm_init_tls` that does nothing, or not for the address that it is given; a
//! start that writes the data again. Nothing of the module runs but what every host runs for every thread, and its imports give
//! it nothing; node is killed when it takes too long.

mod judge;
mod plan;
mod stubs;

use crate::child::Runner;
use crate::programs;
use plan::Plan;
use serde_json::Value;
use std::ffi::OsStr;
use std::io;
use std::process::Command;
use std::time::Duration;
use wasm_threads::contract::Contract;
use wasm_threads::module::Module;
use wasm_threads::report::{Finding, name_of};

/// The first node with all that the script uses.
const OLDEST: u32 = 16;

/// Node tells its version in a fraction of a second.
const SOON: Duration = Duration::from_secs(20);

const NO_NODE: &str = "there is no node on PATH";

/// What was seen.
#[derive(Debug, Default)]
pub struct Proof {
    /// What holds, one sentence each.
    pub proved: Vec<String>,
    /// What does not.
    pub refuted: Vec<Finding>,
    /// Why not all could be seen.
    pub not_run: Option<String>,
}

/// Starts the module in `bytes`, called `name` in the texts, for at most `limit`.
pub fn prove(bytes: &[u8], name: &str, module: &Module, contract: Contract, limit: Duration) -> Proof {
    run(bytes, name, module, contract, limit).unwrap_or_else(|reason| Proof { not_run: Some(reason), ..Proof::default() })
}

fn run(bytes: &[u8], name: &str, module: &Module, contract: Contract, limit: Duration) -> Result<Proof, String> {
    let plan = Plan::new(bytes, module, contract)?;
    let folder = tempfile::Builder::new().prefix("wasm-threads-run-").tempdir();
    let folder = folder.map_err(|error| format!("there is no temporary folder: {error}"))?;
    let path = |file: &str| folder.path().join(file);
    let text = plan.json(&path("module.wasm"), &path("stubs.wasm")).to_string();
    let script: &[u8] = include_bytes!("two-instances.mjs");
    let files = [("module.wasm", bytes), ("stubs.wasm", &plan.stubs), ("plan.json", text.as_bytes()), ("run.mjs", script)];
    for (file, contents) in files {
        std::fs::write(path(file), contents).map_err(|error| format!("cannot write into the temporary folder: {error}"))?;
    }

    let mut runner = Runner::new(folder.path());
    let node = node(&mut runner)?;
    let mut command = bare_node().map_err(|_| NO_NODE.to_owned())?;
    // Node 20 wants to be asked for addresses of 64 bits; later ones do not know the word.
    const WIDE: &str = "--experimental-wasm-memory64";
    let takes_it = |runner: &mut Runner| {
        let asked = bare_node().and_then(|mut node| runner.run(node.args([WIDE, "-e", ""]), SOON));
        asked.is_ok_and(|ran| ran.success())
    };
    if plan.wide && takes_it(&mut runner) {
        command.arg(WIDE);
    }
    command.arg(path("run.mjs")).arg(path("plan.json"));
    let ran = runner.run(&mut command, limit).map_err(|error| format!("cannot run node: {error}"))?;
    let lines: Vec<Value> = ran.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = |name: &str| lines.iter().rev().find_map(|line| line.get(name));
    if let Some(saw) = last("saw") {
        return Ok(judge::judge(saw, &plan, name));
    }
    if let Some(problem) = last("failed").and_then(Value::as_str) {
        return Err(format!("node {node} cannot run it: {}", name_of(problem)));
    }
    let doing = last("phase").and_then(Value::as_str).unwrap_or("beginning");
    Err(match ran.status {
        None => format!("node {node} was still {doing} after {} seconds, and was stopped", limit.as_secs()),
        Some(_) => format!("node {node} ended while {doing}: {}", ran.complaint()),
    })
}

/// Node with nothing of this process's environment that could change what it does, or that a module has any use for.
fn bare_node() -> io::Result<Command> {
    let mut command = programs::command("node")?;
    let kept = |name: &OsStr| matches!(name.to_str(), Some("PATH" | "SystemRoot" | "TEMP" | "TMP" | "TMPDIR"));
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| kept(name)));
    Ok(command)
}

/// The version of the node on PATH.
fn node(runner: &mut Runner) -> Result<String, String> {
    let asked = bare_node().and_then(|mut node| runner.run(node.arg("--version"), SOON));
    let version = match asked {
        Ok(ran) if ran.success() => ran.stdout.trim().to_owned(),
        Ok(_) => return Err("the node on PATH does not tell its version".to_owned()),
        Err(_) => return Err(NO_NODE.to_owned()),
    };
    let major = version.strip_prefix('v').and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(format!("node {version} is older than v{OLDEST}"));
    }
    Ok(version)
}
