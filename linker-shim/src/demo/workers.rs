//! Both modules run by node, on two workers.

use super::facts::Facts;
use super::link::Pair;
use super::sample;
use crate::child::Runner;
use crate::programs;
use std::time::Duration;

/// Node starts, runs and ends in a fraction of a second.
const LIMIT: Duration = Duration::from_secs(20);

/// The first node with all that the script uses.
const OLDEST: u32 = 16;

/// What came of it.
pub enum Ran {
    /// Not run, and why.
    Not(String),
    /// Run by this version of node.
    Here {
        /// The version: "v20.20.2".
        node: String,
        /// What was seen of the bare module.
        bare: Vec<String>,
        /// What was seen of the other.
        through: Vec<String>,
        /// The fault showed, and the fix works.
        right: bool,
    },
}

/// Runs both modules where there is a node.
pub fn run(runner: &mut Runner, pair: &Pair, threaded: &Facts) -> Result<Ran, String> {
    let asked = programs::command("node").and_then(|mut node| runner.run(node.arg("--version"), LIMIT));
    let node = match asked {
        Ok(ran) if ran.success() => ran.stdout.trim().to_owned(),
        Ok(_) => {
            return Ok(Ran::Not("the node on PATH does not tell its version".to_owned()));
        }
        Err(_) => return Ok(Ran::Not("no node on PATH".to_owned())),
    };
    let major = node.strip_prefix('v').and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Ok(Ran::Not(format!("node {node} is older than v{OLDEST}")));
    }

    let script = sample::write_two_workers(runner.folder())
        .map_err(|error| format!("cannot write into the temporary folder: {error}"))?;
    let mut command = programs::command("node").map_err(|error| format!("cannot run node: {error}"))?;
    command.arg(script).arg(&pair.bare).arg(&pair.through);
    command.arg(threaded.minimum.to_string()).arg(threaded.maximum.unwrap_or(threaded.minimum).to_string());
    // Options of this shell, such as a debugger's, are not for this child.
    command.env_remove("NODE_OPTIONS");
    let ran = runner.run(&mut command, LIMIT).map_err(|error| format!("cannot run node: {error}"))?;
    let about = |name: &str| -> Vec<String> {
        let lines = ran.stdout.lines().filter_map(|line| line.split_once('\t'));
        lines.filter(|(about, _)| *about == name).map(|(_, what)| what.to_owned()).collect()
    };
    if ran.status.is_none() || !ran.success() && !ran.stderr.is_empty() {
        return Err(format!("node {node} could not run the modules: {}", ran.complaint()));
    }
    Ok(Ran::Here { bare: about("bare"), through: about("threaded"), right: ran.success(), node })
}
