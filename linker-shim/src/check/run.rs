//! `--run`: what a reading of the bytes cannot tell.

use super::options::Expect;
use super::verdict::Seen;
use crate::prove::{Proof, prove};
use wasm_threads::contract::{Judgement, Outcome};
use wasm_threads::report::Finding;
use wasm_threads::rules;

/// Starts the module, where that was asked for.
pub fn run(seen: &Seen<'_>) -> Result<Vec<Judgement>, Box<Finding>> {
    if !seen.options.run {
        return Ok(Vec::new());
    }
    let not = |why| Ok(vec![Judgement { rule: &rules::REFUTED_BY_RUN, outcome: Outcome::NotApplicable(why) }]);
    if seen.expect == Expect::Unthreaded {
        return not("it is not to be threaded");
    }
    if seen.broken {
        return not("it is not threaded already by what it says, so it was not run");
    }
    let Proof { proved, refuted, not_run } = match whole(seen) {
        Ok(bytes) => prove(&bytes, seen.name, seen.module, seen.contract, seen.options.run_limit.0),
        Err(error) => Proof { not_run: Some(error.to_string()), ..Proof::default() },
    };
    if let (true, Some(reason)) = (refuted.is_empty(), not_run) {
        return Err(Box::new(Finding::new(
            &rules::NOT_RUN,
            format!("{} could not be run as far as it takes, and nothing that it says speaks against it", seen.name),
            reason,
            "two instances on one memory, each with its own thread-locals, the second of which writes over nothing",
            "check it without --run, or show by a program of its own that its threads are separate",
        )));
    }
    seen.notes.borrow_mut().extend(proved.iter().map(|what| format!("run: {what}")));
    let outcome = if refuted.is_empty() { Outcome::Passed } else { Outcome::Found(refuted) };
    Ok(vec![Judgement { rule: &rules::REFUTED_BY_RUN, outcome }])
}

fn whole(seen: &Seen<'_>) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(seen.source.size()).map_err(std::io::Error::other)?];
    let count = seen.source.read_some(0, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}
