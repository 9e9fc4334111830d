//! One link by a `wasm-ld`: whether atomics are present, what is added, how often the linker runs, and who has the last word.

use super::End;
use super::output::Output;
use super::process::{Call, Ended, Streams, shell_word, show};
use super::real_linker::RealLinker;
use super::reproduce;
use super::scratch::{Scratch, no_scratch};
use crate::command_line::{CommandLine, Copy, Forward, Options, Pthreads, Style};
use crate::contract::Abi;
use crate::explain::{self, Failed};
use crate::inputs::{self, Atomics, Inputs, Undecided};
use crate::module::{Module, OpenFile};
use crate::plan::Plan;
use crate::report::Finding;
use crate::rules;
use crate::settings::{Mode, Settings};
use crate::target::Target;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

type Outcome = Result<End, Box<Finding>>;

/// lld's word that nothing it linked uses atomics (`Writer.cpp`, `checkTargetFeatures`; the same from 14 to 22).
const VETO: &str = "'atomics' feature must be used in order to use shared memory";

/// lld's word that something it linked must not share memory.
const DISALLOWED: &str = "--shared-memory is disallowed by ";

/// What makes a link threaded.
const RUST_WITH_ATOMICS: &str = "-C target-feature=+atomics and -Zbuild-std=std,panic_abort. If they are in .cargo/config.toml: RUSTFLAGS in the \
     environment replaces `rustflags` there instead of adding to it; and doctests take RUSTDOCFLAGS or `rustdocflags`";

/// The same for WASI, where the target says it all.
const WASI_WITH_THREADS: &str = "build with --target wasm32-wasip1-threads (once: rustup target add wasm32-wasip1-threads)";

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

    /// The whole way.
    pub(super) fn run(&mut self) -> Outcome {
        let outcome = self.judged();
        let outcome = outcome.map_err(|finding| Box::new(self.addressed(*finding)));
        if let Err(finding) = &outcome {
            self.pack_unlinked(finding);
        }
        outcome
    }

    /// Whether rustc called us, rather than a C compiler or a Makefile.
    fn by_rustc(&self) -> bool {
        self.line.flavor.is_some() || inputs::has_rust_objects(self.options())
    }

    /// A finding in the words of whoever called us.
    fn addressed(&self, mut finding: Finding) -> Finding {
        finding.fix = handed_on(finding.fix, self.by_rustc(), self.line.style);
        finding
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
        match inputs.atomics.clone() {
            Atomics::Yes(why) => self.with_atomics(&why, &plan, &inputs, early),
            Atomics::No(why) => self.without_atomics(&why, &inputs),
            Atomics::Mixed(with, without) => self.mixture(&with, &without, &inputs),
            Atomics::Undecided(kind, why) if target == Target::Emscripten => self.undecided_by_emcc(kind, &why, &plan, &inputs),
            Atomics::Undecided(kind, why) if target == Target::Wasi => {
                self.undecided_without_threads(kind, &why, &plan, &inputs)
            }
            Atomics::Undecided(kind, why) => self.undecided(kind, &why, &plan, &inputs),
        }
    }

    /// Reads the inputs. Where there are many objects, and the first says that it will come to a threaded link, the linker
    /// is already at work meanwhile: then its run is handed on, and counts if the other objects say so, too.
    fn survey(&mut self, plan: &Plan) -> Result<(Inputs, Option<Ended>), Box<Finding>> {
        let (options, style) = (self.options(), self.line.style);
        let one_after_the_other = self.settings.mode == Mode::Unthreaded
            || options.no_check_features
            // Then it is refused, and nothing must have been linked.
            || matches!(options.driver.pthreads(), Pthreads::Off(_))
            || self.output.not_a_file().is_some()
            || !inputs::first_of_many_is_atomic(options, self.line.style)
            // Out of sight means in temporary files: without any, a link that needs none must still do.
            || tempfile::tempfile().is_err();
        if one_after_the_other {
            return Ok((Inputs::survey(options, style), None));
        }
        let call = self.final_call(plan)?;
        let (ended, inputs) = call.run_held(&mut self.scratch, || Inputs::survey(options, style))?;
        if matches!(inputs.atomics, Atomics::Yes(_)) {
            return Ok((inputs, Some(ended)));
        }
        // A mixture after all. What was linked is not what was asked for, and must not be found by anybody.
        if ended.status.success() {
            self.output.remove();
        }
        Ok((inputs, None))
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

    fn without_atomics(&mut self, why: &str, inputs: &Inputs) -> Outcome {
        if let Some(finding) = self.must_be_threaded(why, &inputs.needs) {
            return Err(Box::new(finding));
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

    fn mixture(&mut self, with: &str, without: &str, inputs: &Inputs) -> Outcome {
        let why = format!("{with} uses atomics and {without} does not: one function with a target feature marks its object");
        let needs = inputs::all_needs(self.options());
        if let Some(finding) = self.must_be_threaded(&why, &needs) {
            return Err(Box::new(finding));
        }
        log::warn!("linked as it is, unthreaded: {why}");
        self.as_asked(inputs)
    }

    /// Links with the additions, out of sight, and lets the linker say whether atomics are present.
    fn undecided(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
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
        if self.detour.is_none() {
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
    fn undecided_by_emcc(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
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
    fn emcc_links_atomics(&mut self) -> Result<Option<bool>, Box<Finding>> {
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
    fn undecided_without_threads(&mut self, kind: Undecided, why: &str, plan: &Plan, inputs: &Inputs) -> Outcome {
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
    fn proved_without(&mut self, inputs: &Inputs) -> Outcome {
        let needs = inputs::all_needs(self.options());
        let why = "the linker found no atomics in what is really linked";
        if let Some(finding) = self.must_be_threaded(why, &needs) {
            return Err(Box::new(finding));
        }
        self.as_asked(inputs)
    }

    /// Links without additions, and stays to explain a failure.
    fn as_asked(&mut self, inputs: &Inputs) -> Outcome {
        self.detour = None;
        let ended = self.run_linker(&Plan::default(), Streams::PassedOn)?;
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

    /// Under `--no-check-features` lld lets objects into a shared memory that refuse it, and nothing in the output shows it.
    fn refusal_let_in(&mut self, plan: &Plan) -> Result<Option<Box<Finding>>, Box<Finding>> {
        if !self.options().no_check_features || !inputs::any_refuses(self.options()) {
            return Ok(None);
        }
        Ok(refused(&self.ask_with_veto(plan)?))
    }

    /// What the linker says of the line with the additions, its check of features switched on, and the output thrown away.
    /// Nothing where it is content.
    fn ask_with_veto(&mut self, plan: &Plan) -> Result<String, Box<Finding>> {
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
    fn run_aside(&mut self, mut words: Plan, name: &str) -> Result<(Ended, PathBuf), Box<Finding>> {
        let path = self.scratch.path(name).map_err(|error| no_scratch(&error))?;
        // Ours have the last word, also before those that emcc itself would add.
        let last = words.last.drain(..).map(|word| for_the_linker(&word, self.line.style));
        words.driver = self.line.more.iter().cloned().chain(last).chain(words.driver).collect();
        words.driver.extend(["-o".into(), path.clone().into_os_string()]);
        let call = Call { complete: true, ..self.call(&words)? };
        Ok((call.run(Streams::Held, &mut self.scratch)?, path))
    }

    /// Rust without atomics, and a C library with them: a mixture like any other.
    fn mixture_on_demand(&mut self, why: &str, inputs: &Inputs) -> Outcome {
        let needs = inputs::all_needs(self.options());
        if let Some(finding) = self.must_be_threaded(why, &needs) {
            return Err(Box::new(finding));
        }
        log::warn!("linked as it is, unthreaded: {why}, and other objects refuse a shared memory");
        self.as_asked(inputs)
    }

    fn must_be_threaded(&self, why: &str, needs: &[String]) -> Option<Finding> {
        if self.settings.mode != Mode::Threaded && needs.is_empty() {
            return None;
        }
        let mut finding = self.not_threaded(why);
        if !needs.is_empty() {
            let crates: Vec<String> = needs.iter().map(|name| format!("`{name}`")).collect();
            finding.what = format!("{} must be threaded, says {}, and is not", self.output.path.display(), crates.join(", "));
        }
        Some(finding)
    }

    fn not_threaded(&self, why: &str) -> Finding {
        Finding::new(
            &rules::NOT_THREADED,
            format!("{} was to be threaded ({}) and is not", self.output.path.display(), self.settings.mode_from),
            why,
            "everything compiled with atomics",
            match Target::of(self.options(), self.line.style) {
                Target::Wasi => WASI_WITH_THREADS,
                _ if self.by_rustc() => RUST_WITH_ATOMICS,
                Target::Emscripten => "compile every file with -pthread",
                _ => "compile every file with -matomics -mbulk-memory",
            },
        )
    }

    fn without_pthreads(&self, why: &str, words: &str) -> Finding {
        Finding::new(
            &rules::EMSCRIPTEN_WITHOUT_PTHREADS,
            format!("{} uses atomics, and emcc is to link it without pthreads", self.output.name()),
            format!("{words}, and {why}"),
            "-pthread, which wasm-threads-linker adds where nothing forbids it",
            format!(
                "leave {words} out; if it is meant, leave {} out instead, or switch this check off: -C link-arg=--wasm-threads=off",
                if self.by_rustc() { "-C target-feature=+atomics" } else { "-matomics and -pthread" }
            ),
        )
    }

    fn threaded(&self, why: &str) -> Finding {
        Finding::new(
            &rules::THREADED,
            format!("{} was to be unthreaded ({}) and uses atomics", self.output.path.display(), self.settings.mode_from),
            why,
            "no object with +atomics",
            if self.by_rustc() {
                "leave -C target-feature=+atomics and --shared-memory out of this build. RUSTFLAGS in the environment replaces \
                 `rustflags` in .cargo/config.toml instead of adding to it: look at both"
            } else {
                "leave -matomics, -pthread and --shared-memory out of this build"
            },
        )
    }

    /// Where the output is no file, it is linked into one first and judged there.
    fn take_detour(&mut self) -> Result<(), Box<Finding>> {
        // emcc writes its files beside each other, and none to a pipe.
        let wanted = self.detour.is_none() && self.line.style != Style::Emcc;
        if let Some(what) = self.output.not_a_file().filter(|_| wanted) {
            log::info!("the output is {what}: linked into a file first, to be judged");
            self.detour = Some(self.detour()?);
        }
        Ok(())
    }

    fn detour(&mut self) -> Result<PathBuf, Box<Finding>> {
        // The linker writes the file's name into the module: it stays the same.
        let name = self.output.path.file_name().unwrap_or_default().to_owned();
        self.scratch.path_in_folder("output", &name).map_err(|error| no_scratch(&error))
    }

    fn deliver(&self, from: &PathBuf) -> Result<(), Box<Finding>> {
        let copy = || -> io::Result<u64> {
            let mut module = std::fs::File::open(from)?;
            if self.output.path.as_os_str() == "-" {
                let mut out = io::stdout().lock();
                // What is left in its buffer would be lost in silence where nobody takes it.
                io::copy(&mut module, &mut out).and_then(|count| out.flush().map(|()| count))
            } else {
                io::copy(&mut module, &mut std::fs::OpenOptions::new().write(true).open(&self.output.path)?)
            }
        };
        copy().map(|_| ()).map_err(|error| {
            Box::new(Finding::new(
                &rules::OUTPUT_MISSING,
                format!("the module could not be written to {}", self.output.name()),
                error.to_string(),
                "an output that takes all of it",
                "look at what reads it, or link into a file",
            ))
        })
    }

    fn let_out(&self, ended: &mut Ended) -> Result<(), Box<Finding>> {
        match ended.let_out() {
            // Nobody listens any more, as a linker would not notice either; and a failure stays the linker's own.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe && ended.status.success() => {
                let mut finding = Finding::new(
                    &rules::OUTPUT_MISSING,
                    "what the linker printed could not be written to standard output",
                    error.to_string(),
                    "an output that takes all of it",
                    "look at what reads it, or send it elsewhere",
                );
                finding.why = "a map or a trace that is cut off must not pass for a whole one".to_owned();
                Err(Box::new(finding))
            }
            _ => Ok(()),
        }
    }

    fn run_linker(&mut self, words: &Plan, streams: Streams) -> Result<Ended, Box<Finding>> {
        self.final_call(words)?.run(streams, &mut self.scratch)
    }

    /// A call whose output counts: it goes where it belongs, and into the archive where one was asked for.
    fn final_call(&mut self, words: &Plan) -> Result<Call<'a>, Box<Finding>> {
        let mut words = words.clone();
        if let Some(path) = &self.detour {
            words.driver.extend(["-o".into(), path.clone().into_os_string()]);
        }
        // lld takes the last of several: the line's own stays, and is copied.
        if let Some(path) = self.reproduce.filter(|_| self.options().reproduce.is_none()) {
            let mut word = OsString::from("--reproduce=");
            word.push(path);
            // At the end, an option that lacks its value would take it.
            if self.line.unreadable.is_some() { words.first.push(word) } else { words.last.push(word) }
        }
        self.call(&words)
    }

    /// The real linker's call: the flavor, what goes first, the line as it came, what goes last.
    fn call(&mut self, words: &Plan) -> Result<Call<'a>, Box<Finding>> {
        let mut args: Vec<OsString> = match &self.line.flavor {
            Some(flavor) => vec!["-flavor".into(), flavor.clone()],
            None if self.linker.generic => vec!["-flavor".into(), "wasm".into()],
            None => Vec::new(),
        };
        let style = self.line.style;
        args.extend(words.first.iter().map(|word| for_the_linker(word, style)));
        for word in self.line.forwarded() {
            args.push(match word {
                Forward::Word(word) => word,
                Forward::Copy(copy) => {
                    let mut reference = OsString::from("@");
                    reference.push(self.write_copy(&copy).map_err(|error| no_scratch(&error))?);
                    reference
                }
            });
        }
        let last = words.last.iter().map(|word| for_the_linker(word, style)).chain(words.driver.iter().cloned());
        // Behind `--`, clang takes any word for a file.
        let end = args.iter().position(|word| style == Style::Clang && word == "--").unwrap_or(args.len());
        args.splice(end..end, last);
        Ok(Call { linker: self.linker, args, style, quoting: self.line.quoting, depth: self.depth, complete: false })
    }

    fn write_copy(&mut self, copy: &Copy) -> io::Result<OsString> {
        let text = copy.render(self.line.quoting, &mut |nested| self.write_copy(nested))?;
        self.scratch.write("arguments", &text).map(PathBuf::into_os_string)
    }

    /// Packs a link that we refused before the linker made anything of it, as it was asked for.
    fn pack_unlinked(&mut self, finding: &Finding) {
        let Some(path) = self.reproduce else { return };
        let packed = self.scratch.path("unlinked.wasm").map_err(|error| no_scratch(&error)).and_then(|unlinked| {
            let words = [OsString::from("-o"), unlinked.into(), "--reproduce".into(), path.into()];
            self.call(&Plan { driver: words.into(), ..Plan::default() })?.run(Streams::Held, &mut self.scratch)
        });
        if packed.is_ok() {
            self.add_to_archive(path, path, std::slice::from_ref(finding));
        }
    }

    /// Adds what only we know to the linker's archive of this link.
    fn pack(&self, findings: &[Finding]) {
        if let Some(path) = self.reproduce {
            let written = self.options().reproduce.as_deref().map_or(path, Path::new);
            self.add_to_archive(path, written, findings);
        }
    }

    fn add_to_archive(&self, path: &Path, written: &Path, findings: &[Finding]) {
        let version = Command::new(&self.linker.path).args(["-flavor", "wasm", "--version"]).output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let shim = Call {
            linker: self.linker,
            args: self.args.to_vec(),
            style: self.line.style,
            quoting: self.line.quoting,
            depth: 0,
            complete: false,
        };
        let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let files = [
            (
                "README",
                "Unpack this archive, go into its one folder, and repeat the link with\n    rust-lld -flavor wasm @response.txt\n\
                 (or wasm-ld @response.txt): these are the words the real linker was given, ours included.\n"
                    .to_owned(),
            ),
            ("arguments", show(&shim).replacen(&shell_word(self.linker.path.as_os_str()), "wasm-threads-linker", 1) + "\n"),
            ("settings", format!("{:#?}\n", self.settings)),
            ("versions", format!("{}\n{}: {version}", super::about::version(), self.linker.path.display())),
            ("findings", texts.join("\n") + "\n"),
        ];
        if let Some(finding) = reproduce::add(path, written, &files) {
            super::print_findings(&[finding], "");
        }
    }
}

/// A fix as whoever called us would type it. All are written for rustc and `wasm-ld`, as `-C link-arg=WORD`.
fn handed_on(fix: String, by_rustc: bool, style: Style) -> String {
    const BY_RUSTC: &str = "-C link-arg=";
    match (by_rustc, style) {
        _ if !fix.contains(BY_RUSTC) => fix,
        (true, Style::Clang) => fix.replace("-C link-arg=--", "-C link-arg=-Wl,--"),
        (true, _) => fix,
        (false, Style::Clang) => fix.replace("-C link-arg=--", "-Wl,--").replace(BY_RUSTC, ""),
        (false, Style::Emcc) => fix.replace(BY_RUSTC, ""),
        (false, _) => fix.replace(BY_RUSTC, "") + "\nA C compiler hands a word on to its linker as -Wl,WORD",
    }
}

/// A word for the linker, as its driver wants it. None of ours has a comma, at which a driver would make two words of it.
fn for_the_linker(word: &OsStr, style: Style) -> OsString {
    match style {
        Style::WasmLd | Style::Host => word.to_owned(),
        Style::Clang | Style::Emcc => {
            let mut handed_on = OsString::from("-Wl,");
            handed_on.push(word);
            handed_on
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_for_each_caller() {
        let fix = |by_rustc, style| handed_on("pass -C link-arg=--a=b -C link-arg=-sX".to_owned(), by_rustc, style);
        assert_eq!(fix(true, Style::WasmLd), "pass -C link-arg=--a=b -C link-arg=-sX");
        assert_eq!(fix(true, Style::Clang), "pass -C link-arg=-Wl,--a=b -C link-arg=-sX");
        assert_eq!(fix(true, Style::Emcc), "pass -C link-arg=--a=b -C link-arg=-sX");
        assert_eq!(fix(false, Style::Clang), "pass -Wl,--a=b -sX");
        assert_eq!(fix(false, Style::Emcc), "pass --a=b -sX");
        let own = "pass --a=b -sX\nA C compiler hands a word on to its linker as -Wl,WORD";
        assert_eq!(fix(false, Style::WasmLd), own);
        assert_eq!(handed_on("leave --a out".to_owned(), false, Style::WasmLd), "leave --a out");
    }
}
