//! One call of cargo: what is found out before it, what is set for it, and what is judged after it.

use super::cargo::{self, Cargo, Metadata};
use super::config::{Config, Flags};
use super::messages::{self, Artifact};
use super::target::{Host, Target};
use super::toolchain::{self, Rustup, Std};
use super::verdict::{self, Verdict};
use super::words::Words;
use super::{BUILD_STD, Failure, code, flags, is_shim, runner, say};
use crate::programs;
use crate::rustc::Rustc;
use crate::tell::tell;
use cargo_platform::Cfg;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use wasm_threads::linker::shell_word;

/// One call of cargo, and all that is set for it.
#[derive(Clone, Debug)]
pub struct Call {
    pub cargo: Cargo,
    /// The user's.
    pub words: Words,
    pub target: Target,
    pub rustc: Rustc,
    /// What is added to them.
    pub options: Vec<OsString>,
    pub variables: Vec<(OsString, OsString)>,
    /// The user's own flags for the compiler.
    pub flags: Vec<String>,
    /// The user's own runner.
    pub runner: Option<Vec<String>>,
    /// This program.
    pub own: String,
}

impl Call {
    /// Our own words are in `ours`: of the line that was typed, `words` has only cargo's.
    pub fn prepare(command: &str, ours: &[&str], words: Words) -> Result<Call, Failure> {
        let cargo = Cargo::of(&words);
        let variable = |name: &str| std::env::var(name).ok();
        let config = Config { files: cargo.config(&words)?, variable: &variable };
        let given: Vec<&str> = words.texts("--target").collect();
        let target = Target::choose(&given, &config.targets()).map_err(|problem| Failure::usage(&problem))?;

        let rustc = compiler(&cargo, &words, &config)?;
        let builds_std = config.builds_std() || words.texts("-Z").any(|word| word.split('=').next() == Some("build-std"));
        let std = if builds_std || target.host != Host::Wasi { Std::Built } else { Std::Installed };
        let said: Vec<String> = words.with(&[]).iter().map(|word| shell_word(word.as_ref())).collect();
        let call = [&["wasm-threads", command], ours].concat().join(" ");
        let call = [&[call], said.as_slice()].concat().join(" ");
        let rustup = || Rustup::ask(words.toolchain.as_deref());
        if let Some(missing) = toolchain::missing(&rustc, &target, std, &call, &rustup) {
            return Err(Failure::new(missing.to_string()));
        }

        // A flag may decide on a `cfg`, and a `cfg` on a flag: like cargo, ask twice.
        let cfgs = cfgs(&rustc, &target, &config.flags(Flags::Rust, &target, &[]))?;
        let flags = config.flags(Flags::Rust, &target, &cfgs);
        let cfgs = self::cfgs(&rustc, &target, &flags)?;

        let own =
            std::env::current_exe().map_err(|error| Failure::new(format!("cannot tell where this program is: {error}")))?;
        let own = cargo::text(own.as_os_str())?.to_owned();
        let mut call =
            Call { cargo, words, target, rustc, options: Vec::new(), variables: Vec::new(), flags, runner: None, own };
        call.add(&config, &cfgs, std == Std::Built && !builds_std, command == "test");
        Ok(call)
    }

    fn add(&mut self, config: &Config, cfgs: &[Cfg], build_std: bool, doctests: bool) {
        if self.words.texts("--target").next().is_none() {
            self.options.extend(["--target".into(), OsString::from(&self.target.word)]);
        }
        self.options.extend(build_std.then(|| BUILD_STD.into()));

        let mut added = Vec::new();
        // All code for WASI with threads is compiled for them; the target says so.
        added.extend(if self.target.host == Host::Wasi { None } else { flags::missing(cfgs) });
        // rustc takes a linker among its flags before the one that cargo passes.
        let among_flags = flags::linker(&self.flags);
        let in_config = config.program(&self.target, cfgs, "linker");
        let linker = among_flags.clone().or_else(|| Some(cargo::program(&self.cargo, &self.words, in_config?).swap_remove(0)));
        if !linker.as_deref().is_some_and(is_shim) {
            let key = cargo::target_key(&self.target.triple, "linker");
            self.options.extend(cargo::setting(&key, &Value::from(self.own.as_str())));
            added.extend(among_flags.map(|_| format!("-Clinker={}", self.own)));
            // The user's linker is the one that links in the end.
            if let Some(linker) = linker.filter(|_| std::env::var_os("WASM_THREADS_LINKER").is_none()) {
                self.variables.push(("WASM_THREADS_LINKER".into(), linker.into()));
            }
        }
        let mut set = |name: &str, mut flags: Vec<String>| {
            if !added.is_empty() {
                flags.extend(added.iter().cloned());
                self.variables.push((name.into(), flags.join("\x1f").into()));
            }
        };
        set("CARGO_ENCODED_RUSTFLAGS", self.flags.clone());
        if doctests {
            // A recipe may have thought of the one, and not of the other.
            let flags = config.flags(Flags::Rustdoc, &self.target, cfgs);
            match self::cfgs(&self.rustc, &self.target, &codegen_only(&flags)).map(|cfgs| flags::missing(&cfgs)) {
                Ok(Some(missing)) if self.target.host != Host::Wasi => {
                    let flags = [flags, vec![missing]].concat();
                    self.variables.push(("CARGO_ENCODED_RUSTDOCFLAGS".into(), flags.join("\x1f").into()));
                }
                _ => {}
            }
        }
        let runner = config.program(&self.target, cfgs, "runner");
        let runner = runner.map(|runner| cargo::program(&self.cargo, &self.words, runner));
        self.runner = runner.filter(|runner| runner.first().is_some_and(|program| !is_shim(program)));
    }

    /// Cargo's command, with what is set for it.
    fn command(&self, subcommand: &str, words: &Words, more: &[OsString]) -> Result<Command, Failure> {
        let mut command = self.cargo.with(subcommand, &words.with(&[&self.options, more].concat()))?;
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// `run` and `test`: cargo's streams are the user's, and the runner judges each module before it runs.
    pub fn run(&self, subcommand: &str) -> Result<u8, Failure> {
        let by = match &self.runner {
            Some(runner) => runner.clone(),
            None if subcommand == "test" && self.target.host == Host::Javascript => vec![self.test_runner()?],
            None => Vec::new(),
        };
        let words = runner::words(&self.own, self.words.has(&["--quiet"]), &by);
        let key = cargo::target_key(&self.target.triple, "runner");
        let setting = cargo::setting(&key, &Value::from(words));
        let status = self.cargo.run(&mut self.command(subcommand, &self.words, &setting)?)?;
        Ok(code(status))
    }

    /// What runs tests for javascript, where the crate and the machine are ready for it.
    fn test_runner(&self) -> Result<String, Failure> {
        let metadata = self.cargo.metadata(&self.words, true)?;
        let mut version = None;
        for package in metadata.chosen(&self.words) {
            if metadata.depends(package, "wasm-bindgen-test").is_none() {
                return Err(Failure::new(format!(
                    "the tests of {0} have nothing to run them: for javascript that is wasm-bindgen's runner\n  \
                     found:  {0} does not depend on wasm-bindgen-test\n  \
                     fix:    cargo add --dev wasm-bindgen-test, and #[wasm_bindgen_test] for #[test]; or a runner of your own under \
                     [target.{1}] in .cargo/config.toml; or, where the tests need no javascript: cargo wasm-threads test --target \
                     wasm32-wasip1-threads",
                    package.name(),
                    self.target.triple
                )));
            }
            version = version.or_else(|| metadata.depends(package, "wasm-bindgen"));
        }
        let program = runner::TEST_RUNNER;
        let wanted = version.unwrap_or_default();
        let fix = format!("cargo install wasm-bindgen-cli --version {wanted}");
        let Ok(mut command) = programs::command(program) else {
            return Err(Failure::new(format!("{program} is not on PATH: it runs the tests\n  fix: {fix}")));
        };
        let output = command.arg("--version").stdin(Stdio::null()).output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        match said.split_whitespace().nth(1) {
            Some(found) if !wanted.is_empty() && found != wanted => {
                Err(Failure::new(format!("{program} {found} does not go with wasm-bindgen {wanted}\n  fix: {fix}")))
            }
            _ => Ok(program.to_owned()),
        }
    }

    /// Whether the call is about one package that is only a library. Nothing of it would be linked: for this call it is a cdylib.
    /// For other hosts than javascript a cdylib is a plugin of some kind, which nobody wants by default.
    pub fn library_alone(&self, metadata: &Metadata) -> bool {
        if self.target.host != Host::Javascript {
            return false;
        }
        let words = &self.words;
        let others =
            ["--bin", "--bins", "--example", "--examples", "--test", "--tests", "--bench", "--benches", "--all-targets"];
        let one = matches!(metadata.chosen(words).as_slice(), [package] if package.is_only_a_library());
        // These are not for `cargo rustc`, which alone takes a crate type.
        one && !words.has(&others) && !words.has(&["--workspace", "--all", "--exclude", "--build-plan", "--unit-graph"])
    }

    pub fn build_and_judge(&self, subcommand: &str, alone: bool) -> Result<u8, Failure> {
        let (status, artifacts) = self.build(subcommand, &self.words, alone)?;
        if status != 0 {
            return Ok(status);
        }
        let verdicts = self.verdicts(&artifacts)?;
        if self.words.has(&["--quiet"]) {
            return Ok(0);
        }
        if verdicts.is_empty() {
            say("Nothing", "was linked: no binary, no example and no cdylib was asked for");
        } else {
            say("Threaded", &verdict::summary(&verdicts));
        }
        Ok(0)
    }

    /// Runs cargo, and reads what it has built.
    pub fn build(&self, subcommand: &str, words: &Words, alone: bool) -> Result<(u8, Vec<Artifact>), Failure> {
        let (format, users) = messages::format(words);
        let mut words = words.clone();
        let mut more = Vec::new();
        if let Some(format) = format {
            words.take("--message-format");
            more.push(format!("--message-format={format}").into());
        }
        let mut subcommand = subcommand;
        if alone {
            subcommand = "rustc";
            words.take("--lib");
            more.extend(["--lib", "--crate-type", "cdylib"].map(OsString::from));
        }
        let mut command = self.command(subcommand, &words, &more)?;
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| self.cargo.cannot_run(&error))?;
        let stdout = child.stdout.take().map(BufReader::new);
        let artifacts = stdout.map(|stdout| messages::read(stdout, users, &mut std::io::stdout().lock()));
        let status = child.wait().map_err(|error| Failure::new(format!("cargo was lost: {error}")))?;
        let artifacts = artifacts.transpose().map_err(|error| Failure::new(format!("cargo's messages were lost: {error}")))?;
        if alone && status.success() && !words.has(&["--quiet"]) {
            tell(
                "note: linked as a cdylib for this call; `crate-type = [\"cdylib\", \"rlib\"]` under [lib] in Cargo.toml says it for all",
            );
        }
        Ok((code(status), artifacts.unwrap_or_default()))
    }

    /// Judges what was built; an error where one of them is not threaded.
    pub fn verdicts(&self, artifacts: &[Artifact]) -> Result<Vec<Verdict>, Failure> {
        let verdicts: Vec<Verdict> =
            artifacts.iter().map(|artifact| Verdict::of(&artifact.path, Some(self.target.host))).collect();
        let bad = |(verdict, artifact): (&Verdict, &Artifact)| !verdict.errors.is_empty() && artifact.fresh;
        if verdicts.iter().all(|verdict| verdict.errors.is_empty()) {
            return Ok(verdicts);
        }
        let note = if verdicts.iter().zip(artifacts).any(bad) {
            "note: cargo had nothing to do for it, so it was linked before, or changed since: `cargo clean` and build again"
        } else {
            ""
        };
        Err(Failure::not_threaded(&verdicts, note))
    }
}

/// The compiler that cargo will call, from here: rustup decides by the folder that cargo is called in.
fn compiler(cargo: &Cargo, words: &Words, config: &Config) -> Result<Rustc, Failure> {
    let mut command = config.rustc();
    if let (Some(toolchain), "rustc") = (&words.toolchain, command.as_str()) {
        let which = ["which", "--toolchain", toolchain, "rustc"];
        match programs::command("rustup").and_then(|mut rustup| rustup.args(which).stdin(Stdio::null()).output()) {
            Ok(output) if output.status.success() => command = String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            Ok(output) => return Err(Failure::new(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())),
            Err(error) => {
                return Err(Failure::usage(&format!("+{toolchain} is for rustup, and rustup cannot be run: {error}")));
            }
        }
    } else if command != "rustc" {
        command = cargo::program(cargo, words, (vec![command], Some("build.rustc".to_owned()))).swap_remove(0);
    }
    Rustc::ask(OsStr::new(&command), Path::new(".")).map_err(Failure::new)
}

/// What the compiler says of `target` under `flags`.
fn cfgs(rustc: &Rustc, target: &Target, flags: &[String]) -> Result<Vec<Cfg>, Failure> {
    let cannot = |error| Failure::new(format!("{} cannot be run: {error}", rustc.command.display()));
    let mut command = programs::command(&rustc.command).map_err(cannot)?;
    command.args(["--print=cfg", "--target", &target.word]).args(flags).stdin(Stdio::null());
    if target.word.ends_with(".json") {
        command.arg("-Zunstable-options");
    }
    let output = command.output().map_err(cannot)?;
    if !output.status.success() {
        return Err(Failure { text: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(), status: 101 });
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| Cfg::from_str(line).ok()).collect())
}

/// rustdoc has flags that rustc has not: only those that decide on target features are asked about.
fn codegen_only(flags: &[String]) -> Vec<String> {
    let mut flags = flags.iter();
    let mut kept = Vec::new();
    while let Some(flag) = flags.next() {
        if flag == "-C" || flag == "--codegen" {
            kept.push(flag.clone());
            kept.extend(flags.next().cloned());
        } else if flag.starts_with("-C") || flag.starts_with("--codegen=") {
            kept.push(flag.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_rustdoc_that_rustc_knows() {
        let flags = ["--cfg", "x", "-Ctarget-cpu=mvp", "-C", "opt-level=1", "--document-private-items"].map(String::from);
        assert_eq!(codegen_only(&flags), ["-Ctarget-cpu=mvp", "-C", "opt-level=1"]);
    }
}
