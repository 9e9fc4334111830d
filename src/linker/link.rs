//! One link by a `wasm-ld`: whether atomics are present, what is added, how often the linker runs, and who has the last word.

mod calls;
mod delivery;
mod early;
mod refusals;
mod undecided;

use super::End;
use super::output::Output;
use super::process::{Ended, Streams};
use super::real_linker::RealLinker;
use super::reproduce;
use super::scratch::Scratch;
use crate::command_line::{CommandLine, Options, Pthreads, Style};
use crate::contract::Abi;
use crate::explain::{self, Failed};
use crate::inputs::{self, Atomics, Inputs};
use crate::plan::Plan;
use crate::report::Finding;
use crate::rules;
use crate::settings::{Mode, Settings};
use crate::target::Target;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

type Outcome = Result<End, Box<Finding>>;

/// One link.
pub(super) struct Link<'a> {
    args: &'a [OsString],
    line: &'a CommandLine,
    settings: &'a Settings,
    linker: &'a RealLinker,
    depth: u32,
    scratch: Scratch,
    output: Output,
    /// Where a module goes that cannot be written to its place before it was judged: standard output, a device, a pipe.
    detour: Option<PathBuf>,
    /// Where this link is packed, if it was asked for and can be.
    reproduce: Option<&'a Path>,
}

impl<'a> Link<'a> {
    pub(super) fn new(
        args: &'a [OsString],
        line: &'a CommandLine,
        settings: &'a Settings,
        linker: &'a RealLinker,
        depth: u32,
    ) -> Link<'a> {
        let output = Output::of(&line.options, line.style);
        let mut reproduce = None;
        if let Some(path) = settings.reproduce.as_deref() {
            match reproduce::hindrance(path, line.style) {
                None => reproduce = Some(path),
                Some(finding) => super::print_findings(&[finding], ""),
            }
        }
        Link { args, line, settings, linker, depth, scratch: Scratch::default(), output, detour: None, reproduce }
    }

    fn options(&self) -> &'a Options {
        &self.line.options
    }

    /// Hands the line on as it came. On Unix this process becomes the linker.
    pub(super) fn forward(&mut self) -> Outcome {
        if self.reproduce.is_some() {
            let ended = self.run_linker(&Plan::default(), Streams::PassedOn)?;
            self.pack(&[]);
            return Ok(End::Like(ended.status));
        }
        let call = self.call(&Plan::default())?;
        call.become_linker(&mut self.scratch).map(End::Like)
    }

    /// Hands on a line that cannot be read to its end, so that the linker says why. Up to LLVM 14 it passes over an option that
    /// lacks its value, and links what is left, without what would have made the module threaded.
    pub(super) fn forward_broken(&mut self, problem: &str) -> Outcome {
        let ended = self.run_linker(&Plan::default(), Streams::PassedOn)?;
        let wanted = || {
            let inputs = Inputs::survey(self.options(), self.line.style);
            self.settings.mode == Mode::Threaded || matches!(inputs.atomics, Atomics::Yes(_))
        };
        if ended.status.success() && self.output.module.is_file() && wanted() {
            let findings = self.output.judge(&self.output.module, self.abi());
            if findings.iter().any(Finding::is_error) {
                return Ok(self.refuse(vec![self.broken_line(problem)]));
            }
        }
        self.finish(ended, &[])
    }

    /// The whole way.
    pub(super) fn run(&mut self) -> Outcome {
        let outcome = self.judged();
        let outcome = outcome.map_err(|finding| Box::new(self.addressed(*finding)));
        if let Err(finding) = &outcome {
            self.pack_unlinked(finding);
        }
        outcome
    }

    fn judged(&mut self) -> Outcome {
        self.output.remove_stale();
        let target = Target::of(self.options(), self.line.style);
        log::info!("target {target:?}");
        let emcc_calls = target == Target::Emscripten && self.line.style == Style::WasmLd;
        if emcc_calls || target == Target::Wali {
            return self.forward();
        }
        if target == Target::Emscripten && !self.options().driver.misplaced.is_empty() {
            log::warn!("emcc passes over {}: these are wasm-ld's words", self.options().driver.misplaced.join(" "));
        }
        let plan = Plan::new(self.options(), target, self.settings);
        let (inputs, early) = self.survey(&plan)?;
        // What it would say is known to nobody, and to ask the linker is to read it.
        let open = match &inputs.atomics {
            Atomics::Yes(_) => self.options().no_check_features && inputs::any_refuses(self.options()),
            Atomics::No(_) | Atomics::Undecided(..) => true,
            Atomics::Mixed(..) => false,
        };
        if let Some(path) = open.then(|| inputs::first_to_read_once(self.options())).flatten() {
            return self.unknown(&path, &inputs);
        }
        match inputs.atomics.clone() {
            Atomics::Yes(why) => self.with_atomics(&why, &plan, &inputs, early),
            Atomics::No(why) => self.without_atomics(&why, &inputs, early),
            Atomics::Mixed(with, without) => self.mixture(&with, &without, &inputs),
            Atomics::Undecided(kind, why) if target == Target::Emscripten => self.undecided_by_emcc(kind, &why, &plan, &inputs),
            Atomics::Undecided(kind, why) if target == Target::Wasi => {
                self.undecided_without_threads(kind, &why, &plan, &inputs)
            }
            Atomics::Undecided(kind, why) => self.undecided(kind, &why, &plan, &inputs),
        }
    }

    fn with_atomics(&mut self, why: &str, plan: &Plan, inputs: &Inputs, early: Option<Ended>) -> Outcome {
        if self.settings.mode == Mode::Unthreaded {
            return Err(Box::new(self.threaded(why)));
        }
        if let Some(words) = self.other_than_pthreads(inputs) {
            if self.settings.mode == Mode::Threaded || inputs.rustc {
                return Err(Box::new(self.without_pthreads(why, &words)));
            }
            log::warn!("linked as it is: {words} says that these are not pthreads");
            return self.as_asked(inputs);
        }
        if let Some(finding) = self.refusal_let_in(plan)? {
            return Err(finding);
        }
        self.with_additions(plan, inputs, early)
    }

    /// What keeps emcc from pthreads on this line, where something does. C code may have its reasons; Rust's std knows no
    /// other threads.
    fn other_than_pthreads(&self, inputs: &Inputs) -> Option<String> {
        let driver = &self.options().driver;
        match driver.pthreads() {
            Pthreads::Off(words) => Some(words),
            Pthreads::Unsaid if !inputs.rustc => {
                let others = ["WASM_WORKERS", "SHARED_MEMORY"].into_iter().find(|name| driver.is_set(name));
                others.map(|name| format!("-s{name}"))
            }
            Pthreads::Unsaid | Pthreads::On(_) => None,
        }
    }

    fn with_additions(&mut self, plan: &Plan, inputs: &Inputs, early: Option<Ended>) -> Outcome {
        let ended = match early {
            Some(mut ended) => {
                self.let_out(&mut ended)?;
                ended
            }
            None => {
                self.take_detour()?;
                self.run_linker(plan, Streams::PassedOn)?
            }
        };
        if !ended.status.success() {
            return self.failed(&ended, plan.max_memory, inputs);
        }
        self.judge(ended)
    }

    fn without_atomics(&mut self, why: &str, inputs: &Inputs, early: Option<Ended>) -> Outcome {
        if let Some(finding) = self.must_be_threaded(why, &inputs.needs) {
            return Err(Box::new(finding));
        }
        if let Some(mut ended) = early {
            self.let_out(&mut ended)?;
            return self.linked_as_asked(ended, inputs);
        }
        let options = self.options();
        let threading = options.import_memory
            || options.max_memory.is_some()
            || options.exports.iter().any(|export| export.starts_with(b"__tls_") || export == b"__wasm_init_tls")
            || options.unknown.iter().any(|word| word.to_string_lossy().contains("memory"));
        if threading {
            // Such a line may fail for want of atomics, and then wants an explanation.
            return self.as_asked(inputs);
        }
        self.forward()
    }

    /// Whether there are atomics depends on an input that cannot be looked into.
    fn unknown(&mut self, path: &Path, inputs: &Inputs) -> Outcome {
        let present = matches!(inputs.atomics, Atomics::Yes(_));
        if present || self.settings.mode == Mode::Threaded || !inputs.needs.is_empty() {
            return Err(Box::new(self.cannot_be_told(path, &inputs.needs)));
        }
        log::warn!(
            "forwarded: {} is no file, so it could not be looked into, and nothing else says whether this link uses atomics",
            path.display()
        );
        self.forward()
    }

    fn mixture(&mut self, with: &str, without: &str, inputs: &Inputs) -> Outcome {
        let why = format!("{with} uses atomics and {without} does not: one function with a target feature marks its object");
        let needs = inputs::all_needs(self.options());
        if let Some(finding) = self.must_be_threaded(&why, &needs) {
            return Err(Box::new(finding));
        }
        log::warn!("linked as it is, unthreaded: {why}");
        self.as_asked(inputs)
    }

    /// Links without additions, and stays to explain a failure.
    fn as_asked(&mut self, inputs: &Inputs) -> Outcome {
        self.detour = None;
        let ended = self.run_linker(&Plan::default(), Streams::PassedOn)?;
        self.linked_as_asked(ended, inputs)
    }

    fn linked_as_asked(&mut self, ended: Ended, inputs: &Inputs) -> Outcome {
        if ended.status.success() { self.finish(ended, &[]) } else { self.failed(&ended, None, inputs) }
    }

    /// Reads the output back and holds it against the contract.
    fn judge(&mut self, ended: Ended) -> Outcome {
        let written = self.detour.as_ref().unwrap_or(&self.output.module);
        if self.options().version_banner && !written.exists() {
            // Up to LLVM 19, `-v` prints the version and links nothing, whatever else is on the line.
            self.pack(&[]);
            return Ok(End::Like(ended.status));
        }
        let mut findings = self.output.judge(written, self.abi());
        for finding in &mut findings {
            log::info!("{finding}");
        }
        if findings.iter().any(Finding::is_error) {
            findings.retain(Finding::is_error);
            return Ok(self.refuse(findings));
        }
        // Of the warnings, only that nothing could be judged is said aloud.
        findings.retain(|finding| finding.rule == &rules::NOT_JUDGED);
        if findings.is_empty() {
            log::info!("{} is threaded", self.output.name());
        } else {
            super::print_findings(&findings, "");
        }
        self.finish(ended, &[])
    }

    /// Whose contract the module has to keep, where the line names its target.
    fn abi(&self) -> Option<Abi> {
        let abi = Target::named(self.options(), self.line.style).and_then(Target::abi);
        if abi == Some(Abi::Emscripten) && self.options().driver.is_set("SIDE_MODULE") {
            return Some(Abi::EmscriptenSide);
        }
        abi
    }

    fn finish(&mut self, ended: Ended, findings: &[Finding]) -> Outcome {
        if let Some(path) = &self.detour {
            self.deliver(path)?;
        }
        self.pack(findings);
        Ok(End::Like(ended.status))
    }

    fn refuse(&mut self, findings: Vec<Finding>) -> End {
        let findings: Vec<Finding> = findings.into_iter().map(|finding| self.addressed(finding)).collect();
        self.pack(&findings);
        let last = match self.detour {
            Some(_) => format!("Nothing was written to {}.", self.output.name()),
            // What lies there is of an earlier link, if anything does.
            None if findings.iter().any(|finding| finding.rule == &rules::OUTPUT_MISSING) => String::new(),
            None => self.output.reject(),
        };
        End::Refused(findings, last)
    }

    /// The linker refused. Its words are out already; ours go under them.
    fn failed(&mut self, ended: &Ended, our_max_memory: Option<u64>, inputs: &Inputs) -> Outcome {
        let errors = String::from_utf8_lossy(&ended.errors);
        let find = |name: &str| inputs::find_by_name(self.options(), name);
        let failed = Failed {
            options: self.options(),
            style: self.line.style,
            rustc: inputs.rustc,
            our_max_memory,
            max_memory_was_set: self.settings.max_memory.is_some(),
            find: &find,
        };
        let mut findings = explain::explain(&errors, &failed);
        findings.extend(self.mapped_file_ended(ended.status));
        let findings: Vec<Finding> = findings.into_iter().map(|finding| self.addressed(finding)).collect();
        if !findings.is_empty() {
            super::print_findings(&findings, "");
        }
        self.pack(&findings);
        Ok(End::Like(ended.status))
    }

    /// lld maps the files that it reads and writes. Where the disk cannot hold what it writes, it gets a signal and no error.
    #[cfg(unix)]
    fn mapped_file_ended(&self, status: ExitStatus) -> Option<Finding> {
        use std::os::unix::process::ExitStatusExt;
        if status.signal() != Some(signal_hook::consts::SIGBUS) {
            return None;
        }
        let written = self.detour.as_ref().unwrap_or(&self.output.path);
        let folder = written.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let free = rustix::fs::statvfs(folder).ok().map(|facts| facts.f_bavail.saturating_mul(facts.f_frsize));
        Some(explain::mapped_file_ended(&folder.display().to_string(), free))
    }

    #[cfg(not(unix))]
    fn mapped_file_ended(&self, _: ExitStatus) -> Option<Finding> {
        None
    }
}
