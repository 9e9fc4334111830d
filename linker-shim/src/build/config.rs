//! The user's configuration of cargo: what cargo itself says of its files and `--config`, and the variables over that.
//!
//! `cargo config get` reads included files and `--config` as the build will. It is unstable, so it runs with
//! `RUSTC_BOOTSTRAP=1`, for that one question.

use super::target::Target;
use cargo_platform::{Cfg, CfgExpr};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Looks up a variable of the environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The configuration that holds for one call.
pub struct Config<'a> {
    /// All of cargo's files and `--config`, merged.
    pub files: Value,
    /// The environment.
    pub variable: Variables<'a>,
}

/// Which flags are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// `RUSTFLAGS`, `rustflags`.
    Rust,
    /// `RUSTDOCFLAGS`, `rustdocflags`.
    Rustdoc,
}

impl Config<'_> {
    fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(&self.files, |value, key| value.get(key))
    }

    /// The targets of `build.target`.
    pub fn targets(&self) -> Vec<String> {
        match (self.variable)("CARGO_BUILD_TARGET") {
            Some(one) => vec![one],
            None => self.at(&["build", "target"]).map(strings).unwrap_or_default(),
        }
    }

    /// What `-Zbuild-std` is set to, other than by an argument. Cargo takes an empty list for `std`, so it is one, too.
    pub fn builds_std(&self) -> bool {
        (self.variable)("CARGO_UNSTABLE_BUILD_STD").is_some() || self.at(&["unstable", "build-std"]).is_some()
    }

    /// The compiler that cargo would call.
    pub fn rustc(&self) -> String {
        let named =
            ["RUSTC", "CARGO_BUILD_RUSTC"].iter().find_map(|name| (self.variable)(name).filter(|value| !value.is_empty()));
        let named = named.or_else(|| self.at(&["build", "rustc"]).and_then(Value::as_str).map(str::to_owned));
        named.unwrap_or_else(|| "rustc".to_owned())
    }

    /// A program of the target: its `linker` or its `runner`, as words, and the key where it is set in a file.
    /// The target's own table is before one by `cfg`.
    pub fn program(&self, target: &Target, cfgs: &[Cfg], key: &str) -> Option<(Vec<String>, Option<String>)> {
        let words = |value: &Value| match value {
            // A linker is a path, in which a space is a space.
            Value::String(path) if key == "linker" => vec![path.clone()],
            value => strings(value),
        };
        if let Some(value) = (self.variable)(&target.variable(key)) {
            return Some((words(&Value::String(value)), None));
        }
        if let Some(value) = self.at(&["target", &target.triple, key]) {
            return Some((words(value), Some(format!("target.{}.{key}", target.triple))));
        }
        let (table, value) = self.by_cfg(cfgs, key).next()?;
        Some((words(value), Some(format!("target.{table:?}.{key}"))))
    }

    fn by_cfg<'a>(&'a self, cfgs: &'a [Cfg], key: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let tables = self.at(&["target"]).and_then(Value::as_object).into_iter().flatten();
        tables
            .filter(|(name, _)| name.starts_with("cfg(") && CfgExpr::matches_key(name, cfgs))
            .filter_map(move |(name, table)| Some((name.as_str(), table.get(key)?)))
    }

    /// The user's flags for `target`, from the one source that cargo takes them from: `CARGO_ENCODED_…`, else the variable,
    /// else all of `target.*`, else `build.*`.
    pub fn flags(&self, kind: Flags, target: &Target, cfgs: &[Cfg]) -> Vec<String> {
        let (name, key) = match kind {
            Flags::Rust => ("RUSTFLAGS", "rustflags"),
            Flags::Rustdoc => ("RUSTDOCFLAGS", "rustdocflags"),
        };
        if let Some(encoded) = (self.variable)(&format!("CARGO_ENCODED_{name}")) {
            return if encoded.is_empty() { Vec::new() } else { encoded.split('\x1f').map(str::to_owned).collect() };
        }
        if let Some(flags) = (self.variable)(name) {
            return split(&flags);
        }
        let variable = |name: &str| (self.variable)(name).map(|flags| split(&flags)).unwrap_or_default();
        let mut flags = self.at(&["target", &target.triple, key]).map(strings).unwrap_or_default();
        flags.extend(variable(&target.variable(key)));
        flags.extend(self.by_cfg(cfgs, key).flat_map(|(_, value)| strings(value)));
        if flags.is_empty() {
            flags = self.at(&["build", key]).map(strings).unwrap_or_default();
            flags.extend(variable(&format!("CARGO_BUILD_{name}")));
        }
        flags
    }
}

/// A list, or a text with spaces between its words: cargo takes either.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => split(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Where a program of a configuration file is. A name alone is looked for on PATH, any other path begins where the folder of the
/// file is; `origin` is what `cargo config get --show-origin` says of the key.
pub fn program_path(program: &str, origin: &str, current: &Path) -> PathBuf {
    let is_path = program.contains('/') || (cfg!(windows) && program.contains('\\'));
    if !is_path {
        return program.into();
    }
    let file = origin.lines().next().and_then(|line| line.rsplit_once(" # ")).map(|(_, file)| Path::new(file.trim_end()));
    // The file of `.cargo/config.toml` stands two folders below; what has no file comes from where we are.
    let folder = file.filter(|file| file.is_absolute()).and_then(|file| file.parent()?.parent());
    folder.unwrap_or(current).join(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    const FILES: &str = r#"{
        "build": {"rustflags": "--cfg build", "target": ["wasm32-unknown-unknown"], "rustc": "my-rustc"},
        "target": {
            "cfg(target_arch = \"wasm32\")": {"rustflags": ["--cfg", "by cfg"], "rustdocflags": ["-Dx"], "runner": "a b"},
            "cfg(unix)": {"rustflags": ["--cfg", "unix"]},
            "wasm32-unknown-unknown": {"rustflags": "--cfg triple", "linker": "my tools/lld"}
        }
    }"#;

    fn flags(files: &str, variables: &[(&str, &str)], kind: Flags) -> String {
        let variable = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        let config = Config { files: serde_json::from_str(files).unwrap(), variable: &variable };
        let target = Target::choose(&["wasm32-unknown-unknown"], &[]).unwrap();
        let cfgs = [Cfg::from_str("target_arch = \"wasm32\"").unwrap()];
        config.flags(kind, &target, &cfgs).join("|")
    }

    #[test]
    fn one_source_of_flags_only() {
        let rust = |variables: &[(&str, &str)]| flags(FILES, variables, Flags::Rust);
        assert_eq!(rust(&[]), "--cfg|triple|--cfg|by cfg");
        assert_eq!(rust(&[("RUSTFLAGS", " -Ca  -Cb ")]), "-Ca|-Cb");
        assert_eq!(rust(&[("RUSTFLAGS", "-Ca"), ("CARGO_ENCODED_RUSTFLAGS", "-Cx y\x1f-Cz")]), "-Cx y|-Cz");
        // Set, and empty: also then cargo looks no further.
        assert_eq!(rust(&[("RUSTFLAGS", "")]), "");
        assert_eq!(rust(&[("CARGO_ENCODED_RUSTFLAGS", ""), ("RUSTFLAGS", "-Ca")]), "");
        let triple = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Ct");
        assert_eq!(rust(&[triple, ("CARGO_BUILD_RUSTFLAGS", "-Cb")]), "--cfg|triple|-Ct|--cfg|by cfg");
        let build = r#"{"build": {"rustflags": "--cfg build"}, "target": {"cfg(unix)": {"rustflags": "x"}}}"#;
        assert_eq!(flags(build, &[("CARGO_BUILD_RUSTFLAGS", "-Cb")], Flags::Rust), "--cfg|build|-Cb");
        assert_eq!(flags(FILES, &[("RUSTFLAGS", "-Ca")], Flags::Rustdoc), "-Dx");
        assert_eq!(flags(FILES, &[("RUSTDOCFLAGS", "-Da")], Flags::Rustdoc), "-Da");
    }

    #[test]
    fn programs() {
        let config = Config { files: serde_json::from_str(FILES).unwrap(), variable: &|_| None };
        let target = Target::choose(&[], &config.targets()).unwrap();
        let cfgs = [Cfg::from_str("target_arch = \"wasm32\"").unwrap()];
        let (linker, key) = config.program(&target, &cfgs, "linker").unwrap();
        assert_eq!((linker, key.as_deref()), (vec!["my tools/lld".to_owned()], Some("target.wasm32-unknown-unknown.linker")));
        let (runner, key) = config.program(&target, &cfgs, "runner").unwrap();
        assert_eq!(
            (runner.join("|").as_str(), key.as_deref()),
            ("a|b", Some(r#"target."cfg(target_arch = \"wasm32\")".runner"#))
        );
        assert_eq!(config.program(&target, &[], "runner"), None);
        assert_eq!(config.rustc(), "my-rustc");
        assert!(!config.builds_std());
    }

    #[test]
    fn where_a_program_is() {
        let current = if cfg!(windows) { Path::new(r"C:\here") } else { Path::new("/here") };
        let file = current.join("pro ject").join(".cargo").join("config.toml");
        let origin = format!("target.x.runner = \"a # b\" # {}", file.display());
        assert_eq!(program_path("node", &origin, current), Path::new("node"));
        assert_eq!(program_path("tools/run", &origin, current), current.join("pro ject").join("tools/run"));
        assert_eq!(
            program_path("tools/run", "target.x.runner = \"tools/run\" # --config cli option", current),
            current.join("tools/run")
        );
    }
}
