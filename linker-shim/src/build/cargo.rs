//! Calls of cargo: the questions that are asked before, and the one that does the work.

use super::words::Words;
use super::{Failure, config};
use crate::programs;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Options that decide which configuration, and which versions of what, cargo sees.
const CONFIGURING: &[&str] = &["--config", "-Z"];
const RESOLVING: &[&str] =
    &["--config", "-Z", "--manifest-path", "--locked", "--offline", "--frozen", "--lockfile-path", "--target"];

/// The cargo to call.
#[derive(Clone, Debug)]
pub struct Cargo {
    program: OsString,
    toolchain: Option<String>,
}

impl Cargo {
    /// The cargo that called us, or the one on PATH, which alone may be rustup's and take a `+toolchain`.
    pub fn of(words: &Words) -> Cargo {
        let caller = std::env::var_os("CARGO").filter(|_| words.toolchain.is_none());
        Cargo { program: caller.unwrap_or_else(|| "cargo".into()), toolchain: words.toolchain.clone() }
    }

    /// A call without any words yet.
    pub fn command(&self) -> Result<Command, Failure> {
        let mut command = programs::command(&self.program).map_err(|error| self.cannot_run(&error))?;
        command.args(self.toolchain.iter().map(|name| format!("+{name}")));
        Ok(command)
    }

    /// A call with `subcommand` and its words.
    pub fn with(&self, subcommand: &str, words: &[OsString]) -> Result<Command, Failure> {
        let mut command = self.command()?;
        command.arg(subcommand).args(words);
        Ok(command)
    }

    /// Runs it to its end, its streams being ours.
    pub fn run(&self, command: &mut Command) -> Result<ExitStatus, Failure> {
        command.status().map_err(|error| self.cannot_run(&error))
    }

    /// Why cargo did not even start.
    pub fn cannot_run(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("{} cannot be run: {error}", self.program.display()))
    }

    /// All of its configuration files and `--config`, merged.
    pub fn config(&self, words: &Words) -> Result<Value, Failure> {
        let mut command = self.command()?;
        command.args(["config", "get", "--format=json"]).args(words.only(CONFIGURING));
        // Behind the subcommand: a `-Z` there makes cargo forget those before it.
        self.json(command.arg("-Zunstable-options").env("RUSTC_BOOTSTRAP", "1"))
    }

    /// Where `key` is set, in cargo's words.
    pub fn origin(&self, words: &Words, key: &str) -> String {
        let Ok(mut command) = self.command() else { return String::new() };
        command.args(["config", "get", "--format=toml", "--show-origin", key]);
        command.args(words.only(CONFIGURING)).arg("-Zunstable-options").env("RUSTC_BOOTSTRAP", "1").stdin(Stdio::null());
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    /// The packages of the workspace; with `dependencies`, also all others and who depends on whom.
    pub fn metadata(&self, words: &Words, dependencies: bool) -> Result<Metadata, Failure> {
        let mut command = self.command()?;
        let mut options: Vec<OsString> = words.only(RESOLVING);
        // What `build` calls `--target`, `metadata` calls `--filter-platform`.
        for option in &mut options {
            if let Some(rest) = option.to_str().and_then(|text| text.strip_prefix("--target")) {
                *option = format!("--filter-platform{rest}").into();
            }
        }
        command.args(["metadata", "--format-version=1"]).args(options);
        if !dependencies {
            command.arg("--no-deps");
        }
        self.json(&mut command).map(Metadata)
    }

    fn json(&self, command: &mut Command) -> Result<Value, Failure> {
        let output = command.stdin(Stdio::null()).output().map_err(|error| self.cannot_run(&error))?;
        let said = || String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        if !output.status.success() {
            return Err(Failure::of_cargo(said(), output.status));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            Failure::new(format!("{} answered in a way of its own: {error}\n{}", self.program.display(), said()))
        })
    }
}

/// What `cargo metadata` says.
pub struct Metadata(Value);

/// A package of the workspace.
#[derive(Clone, Copy)]
pub struct Package<'a>(&'a Value);

impl Metadata {
    /// The folder that everything is built into.
    pub fn target_folder(&self) -> PathBuf {
        self.0["target_directory"].as_str().unwrap_or("target").into()
    }

    /// The packages that the call is about.
    pub fn chosen(&self, words: &Words) -> Vec<Package<'_>> {
        let list = |key: &str| self.0[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
        let named: Vec<&str> = words.texts("--package").collect();
        let members = list(if words.has(&["--workspace", "--all"]) || !named.is_empty() {
            "workspace_members"
        } else {
            "workspace_default_members"
        });
        let packages = self.packages().filter(|package| members.contains(&package.id()));
        packages.filter(|package| named.is_empty() || named.iter().any(|spec| package.is_named(spec))).collect()
    }

    fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.0["packages"].as_array().into_iter().flatten().map(Package)
    }

    /// The version of the package `name`, where `from` depends on it, directly or not.
    pub fn depends(&self, from: Package<'_>, name: &str) -> Option<String> {
        let nodes = self.0["resolve"]["nodes"].as_array()?;
        let mut seen = vec![from.id()];
        let mut at = 0;
        while let Some(id) = seen.get(at).copied() {
            at += 1;
            let package = self.packages().find(|package| package.id() == id)?;
            if package.name() == name {
                return package.0["version"].as_str().map(str::to_owned);
            }
            let node = nodes.iter().find(|node| node["id"] == id);
            let next = node.into_iter().flat_map(|node| node["dependencies"].as_array().into_iter().flatten());
            for id in next.filter_map(Value::as_str) {
                if !seen.contains(&id) {
                    seen.push(id);
                }
            }
        }
        None
    }
}

impl<'a> Package<'a> {
    fn id(self) -> &'a str {
        self.0["id"].as_str().unwrap_or_default()
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap_or_default()
    }

    /// The simple ways to name a package: `name`, `name@1.0`.
    fn is_named(self, spec: &str) -> bool {
        spec.split('@').next() == Some(self.name()) || spec == self.id()
    }

    /// It is a library for other crates, and nothing of it is ever linked.
    pub fn is_only_a_library(self) -> bool {
        let kinds: Vec<&str> = self.0["targets"]
            .as_array()
            .into_iter()
            .flatten()
            // Tests, benches, examples and the build script are not what a plain `cargo build` is for.
            .filter(|target| !matches!(target["kind"][0].as_str(), Some("test" | "bench" | "example" | "custom-build")))
            .flat_map(|target| target["kind"].as_array().into_iter().flatten().filter_map(Value::as_str))
            .collect();
        !kinds.is_empty() && kinds.iter().all(|kind| matches!(*kind, "lib" | "rlib"))
    }
}

/// `value` as a word of `--config`.
pub fn setting(key: &str, value: &Value) -> [OsString; 2] {
    // What JSON writes, TOML reads: strings and lists of strings.
    ["--config".into(), format!("{key}={value}").into()]
}

/// `key` of the target's table, quoted, since a target's name may have dots.
pub fn target_key(triple: &str, key: &str) -> String {
    format!("target.{}.{key}", Value::from(triple))
}

/// A path as cargo's configuration can have it.
pub fn text(path: &OsStr) -> Result<&str, Failure> {
    path.to_str()
        .ok_or_else(|| Failure::new(format!("{} is not text, and cargo's configuration can name nothing else", path.display())))
}

/// The user's program under `key`, with its path as it is from here.
pub fn program(cargo: &Cargo, words: &Words, (mut program, key): (Vec<String>, Option<String>)) -> Vec<String> {
    let current = std::env::current_dir().unwrap_or_default();
    if let Some(first) = program.first_mut() {
        let origin = key.map(|key| cargo.origin(words, &key)).unwrap_or_default();
        *first = config::program_path(first, &origin, &current).to_string_lossy().into_owned();
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_setting() {
        let [_, word] = setting(&target_key("wasm32-x", "linker"), &Value::from(r"C:\Program Files\a'ü\tool.exe"));
        assert_eq!(word, r#"target."wasm32-x".linker="C:\\Program Files\\a'ü\\tool.exe""#);
        let [_, word] = setting("runner", &Value::from(vec!["a b", "\"c\""]));
        assert_eq!(word, r#"runner=["a b","\"c\""]"#);
    }

    #[test]
    fn packages() {
        let package = |kinds: &[&[&str]]| {
            let targets: Vec<Value> = kinds.iter().map(|kinds| serde_json::json!({ "kind": kinds })).collect();
            serde_json::json!({ "name": "a", "id": "path+file:///a#0.1.0", "targets": targets })
        };
        for (kinds, only) in [
            (&[&["lib"][..]][..], true),
            (&[&["lib"], &["example"], &["custom-build"]], true),
            (&[&["rlib", "lib"]], true),
            (&[&["lib"], &["bin"]], false),
            (&[&["cdylib", "rlib"]], false),
            (&[&["proc-macro"]], false),
            (&[&["example"]], false),
        ] {
            assert_eq!(Package(&package(kinds)).is_only_a_library(), only, "{kinds:?}");
        }
        let value = package(&[]);
        let named = |spec: &str| Package(&value).is_named(spec);
        assert!(named("a") && named("a@0.1.0") && named("path+file:///a#0.1.0") && !named("b"));
    }

    #[test]
    fn who_depends_on_what() {
        let metadata = Metadata(serde_json::json!({
            "packages": [
                { "id": "a", "name": "a", "version": "1.0.0" }, { "id": "b", "name": "b", "version": "1.0.0" },
                { "id": "c", "name": "wasm-bindgen", "version": "0.2.130" }, { "id": "d", "name": "d", "version": "1.0.0" },
            ],
            "workspace_members": ["a", "d"], "workspace_default_members": ["a"],
            "resolve": { "nodes": [
                { "id": "a", "dependencies": ["b"] }, { "id": "b", "dependencies": ["a", "c"] },
                { "id": "c", "dependencies": [] }, { "id": "d", "dependencies": [] },
            ]},
        }));
        let words = |line: &str| Words::read(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), false);
        let chosen =
            |line: &str| metadata.chosen(&words(line)).iter().map(|package| package.name()).collect::<Vec<_>>().join(" ");
        assert_eq!((chosen("-q").as_str(), chosen("--workspace").as_str(), chosen("-p d").as_str()), ("a", "a d", "d"));
        let depends = |line: &str| metadata.depends(metadata.chosen(&words(line))[0], "wasm-bindgen");
        assert_eq!((depends("-q").as_deref(), depends("-p d")), (Some("0.2.130"), None));
    }
}
