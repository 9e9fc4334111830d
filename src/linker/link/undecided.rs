//! A link of which only the linker can tell whether it uses atomics: it is asked.

use super::calls::for_the_linker;
use super::{Link, Outcome};
use crate::command_line::Style;
use crate::inputs::{self, Inputs, Undecided};
use crate::linker::process::{Call, Ended, Streams};
use crate::linker::scratch::no_scratch;
use crate::module::{Module, OpenFile};
use crate::plan::Plan;
use crate::report::Finding;
use crate::rules;
use crate::settings::Mode;
use crate::target::Target;
use std::ffi::OsString;
use std::path::PathBuf;

/// lld's word that nothing it linked uses atomics (`Writer.cpp`, `checkTargetFeatures`; the same from 14 to 22).
const VETO: &str = "'atomics' feature must be used in order to use shared memory";

/// lld's word that something it linked must not share memory.
const DISALLOWED: &str = "--shared-memory is disallowed by ";

impl Link<'_> {
    /// Links with the additions, out of sight, and lets the linker say whether atomics are present.
    pub(super) fn undecided(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
        log::info!("asking the linker: {why}");
        self.take_detour()?;
        if self.options().no_check_features {
            // The linker's veto is switched off: ask a linker in which it is on.
            let said = self.ask_with_veto(plan)?;
            return match refused(&said) {
                _ if said.contains(VETO) => self.proved_without(inputs),
                Some(_) if kind == Undecided::OnDemand && inputs.rustc => self.mixture_on_demand(why, inputs),
                _ if self.settings.mode == Mode::Unthreaded => Err(Box::new(self.threaded(why))),
                Some(finding) => Err(finding),
                None => self.with_additions(plan, inputs, None),
            };
        }
        if self.settings.mode == Mode::Unthreaded {
            let said = self.ask_with_veto(plan)?;
            return if said.is_empty() { Err(Box::new(self.threaded(why))) } else { self.as_asked(inputs) };
        }
        let mut asking = plan.clone();
        if self.options().error_limit {
            // The linker's answer may be its second error.
            asking.last.push("--error-limit=0".into());
        }
        let mut first = self.run_linker(&asking, Streams::Held)?;
        if first.status.success() {
            self.let_out(&mut first)?;
            return self.judge(first);
        }
        let said = String::from_utf8_lossy(&first.errors).into_owned();
        if said.contains(VETO) {
            return self.proved_without(inputs);
        }
        if kind == Undecided::OnDemand && inputs.rustc && said.contains(DISALLOWED) {
            return self.mixture_on_demand(why, inputs);
        }
        // A path without a name (`-o ""`) is for the linker to refuse, in its words.
        if self.detour.is_none() && self.output.path.file_name().is_some() {
            // Whatever comes of it, it is not what was asked for: the output of an earlier link stays.
            self.detour = Some(self.detour()?);
        }
        // It failed for another reason. Would it have, as it was asked for?
        let mut second = self.run_linker(&Plan::default(), Streams::Held)?;
        if !second.status.success() {
            self.let_out(&mut second)?;
            return self.failed(&second, None, inputs);
        }
        self.let_out(&mut first)?;
        self.failed(&first, plan.max_memory, inputs)
    }

    /// emcc's libraries for threads use atomics themselves: with them, its linker has no word to say that the program does not.
    pub(super) fn undecided_by_emcc(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
        log::info!("asking the linker: {why}");
        let Some(present) = self.emcc_links_atomics()? else {
            // It does not link as it was asked for: let it say so.
            return self.as_asked(inputs);
        };
        if !present {
            return self.proved_without(inputs);
        }
        if kind == Undecided::OnDemand && inputs.rustc && self.ask_with_veto(plan)?.contains(DISALLOWED) {
            return self.mixture_on_demand(why, inputs);
        }
        self.with_atomics(why, plan, inputs, None)
    }

    /// Whether what emcc really links, as it was asked for, uses atomics; the output is thrown away. `None` where that link fails.
    pub(super) fn emcc_links_atomics(&mut self) -> Result<Option<bool>, Box<Finding>> {
        // What its linker writes, before anything is taken out of it again. It is done sooner, too.
        let words = ["-Wl,--trace", "--oformat=bare"].map(OsString::from);
        let (mut ended, path) = self.run_aside(Plan { driver: words.into(), ..Plan::default() }, "asked.wasm")?;
        if !ended.status.success() {
            return Ok(None);
        }
        let module = OpenFile::open(&path).ok().and_then(|file| Module::read(&file).ok());
        if let Some(features) = module.and_then(|module| module.features) {
            return Ok(Some(features.uses("atomics")));
        }
        // Objects that say nothing, or `--strip-all`, which leaves only what the objects say.
        ended.printed().map(|trace| Some(inputs::one_says_atomics(&trace))).map_err(|error| no_scratch(&error))
    }

    /// On a target without threads nothing is added that the linker could refuse: it is asked with what another one would get.
    pub(super) fn undecided_without_threads(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
        log::info!("asking the linker: {why}");
        let said = self.ask_with_veto(&Plan::new(self.options(), Target::Javascript, self.settings))?;
        match refused(&said) {
            _ if said.contains(VETO) => self.proved_without(inputs),
            Some(_) if kind == Undecided::OnDemand && inputs.rustc => self.mixture_on_demand(why, inputs),
            // It fails, for a reason that is none of ours; or it does not, as it was asked for.
            None if !said.is_empty() => self.as_asked(inputs),
            _ => self.with_atomics(why, plan, inputs, None),
        }
    }

    /// The linker said that nothing it links uses atomics.
    pub(super) fn proved_without(&mut self, inputs: &Inputs) -> Outcome {
        let needs = inputs::all_needs(self.options());
        let why = "the linker found no atomics in what is really linked";
        if let Some(finding) = self.must_be_threaded(why, &needs) {
            return Err(Box::new(finding));
        }
        self.as_asked(inputs)
    }

    /// Rust without atomics, and a C library with them: a mixture like any other.
    pub(super) fn mixture_on_demand(&mut self, why: &str, inputs: &Inputs) -> Outcome {
        let needs = inputs::all_needs(self.options());
        if let Some(finding) = self.must_be_threaded(why, &needs) {
            return Err(Box::new(finding));
        }
        log::warn!("linked as it is, unthreaded: {why}, and other objects refuse a shared memory");
        self.as_asked(inputs)
    }

    /// Under `--no-check-features` lld lets objects into a shared memory that refuse it, and nothing in the output shows it.
    pub(super) fn refusal_let_in(&mut self, plan: &Plan) -> Result<Option<Box<Finding>>, Box<Finding>> {
        if !self.options().no_check_features || !inputs::any_refuses(self.options()) {
            return Ok(None);
        }
        Ok(refused(&self.ask_with_veto(plan)?))
    }

    /// What the linker says of the line with the additions, its check of features switched on, and the output thrown away.
    /// Nothing where it is content.
    pub(super) fn ask_with_veto(&mut self, plan: &Plan) -> Result<String, Box<Finding>> {
        let mut asking = plan.clone();
        asking.last.extend(["--error-limit=0".into(), "--check-features".into()]);
        let (ended, _) = self.run_aside(asking, if self.line.style == Style::Emcc { "asked.js" } else { "asked.wasm" })?;
        Ok(if ended.status.success() {
            String::new()
        } else {
            // Even a failure without words is not content.
            format!(" {}", String::from_utf8_lossy(&ended.errors))
        })
    }

    /// Links out of sight, and into a file that nobody keeps.
    pub(super) fn run_aside(&mut self, mut words: Plan, name: &str) -> Result<(Ended, PathBuf), Box<Finding>> {
        let path = self.scratch.path(name).map_err(|error| no_scratch(&error))?;
        // Ours have the last word, also before those that emcc itself would add.
        let last = words.last.drain(..).map(|word| for_the_linker(&word, self.line.style));
        words.driver = self.line.more.iter().cloned().chain(last).chain(words.driver).collect();
        words.driver.extend(["-o".into(), path.clone().into_os_string()]);
        let call = Call { complete: true, ..self.call(&words)? };
        Ok((call.run(Streams::Held, &mut self.scratch)?, path))
    }
}

/// The object that lld will not have in a shared memory, where that is what it `said`.
fn refused(said: &str) -> Option<Box<Finding>> {
    let name = said.split(DISALLOWED).nth(1)?.split(" because it was not compiled").next()?;
    Some(Box::new(Finding::new(
        &rules::OBJECT_WITHOUT_ATOMICS,
        format!("{name} must not be linked into a shared memory"),
        format!("{name} was compiled without atomics, and --no-check-features hides it"),
        "every object compiled with atomics",
        "leave --no-check-features out, and follow what the linker then says",
    )))
}
