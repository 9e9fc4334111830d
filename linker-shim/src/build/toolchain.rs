//! What a toolchain needs for a threaded build, and the commands that give it that.

use super::target::{Host, Target};
use crate::programs;
use crate::rustc::Rustc;
use std::process::Stdio;

/// Where the standard library of a build comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Std {
    /// It is compiled with the program, by `-Zbuild-std`.
    Built,
    /// It came with the toolchain.
    Installed,
}

/// What is missing of a toolchain, and the commands that mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Why it is needed.
    pub why: &'static str,
    /// Commands, in their order; the last one is the user's own.
    pub commands: Vec<String>,
}

const WHY_NIGHTLY: &str = "no toolchain has a standard library with atomics for this target: it is compiled with your program, by \
                           -Zbuild-std, which cargo allows on nightly only";
const WHY_SOURCES: &str = "the standard library is compiled with your program, with atomics";
const WHY_TARGET: &str = "the C library of this target comes with it";

/// What there is to know of rustup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rustup {
    /// It is here.
    pub present: bool,
    /// Its nightly is installed.
    pub nightly: bool,
    /// With the sources of the standard library.
    pub nightly_sources: bool,
    /// The toolchain in use.
    pub active: Option<String>,
    /// The one that plain `cargo` would use here is another: the user named this one.
    pub named: bool,
}

impl Rustup {
    /// Asks it, without installing anything.
    pub fn ask(named: Option<&str>) -> Rustup {
        let said = |words: &[&str], here: bool| {
            let mut command = programs::command("rustup").ok()?;
            command.args(words).env("RUSTUP_AUTO_INSTALL", "0").stdin(Stdio::null());
            if !here {
                // rustup's cargo has set it for us, whatever it was that decided.
                command.env_remove("RUSTUP_TOOLCHAIN");
            }
            let output = command.output().ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let Some(list) = said(&["toolchain", "list"], true) else { return Rustup::default() };
        let nightly = list.lines().any(|line| line.starts_with("nightly"));
        let components = || said(&["component", "list", "--toolchain", "nightly", "--installed"], true);
        let active = |here: bool| Some(said(&["show", "active-toolchain"], here)?.split_whitespace().next()?.to_owned());
        Rustup {
            present: true,
            nightly,
            nightly_sources: nightly && components().is_some_and(|text| text.lines().any(|line| line == "rust-src")),
            active: named.map(str::to_owned).or_else(|| active(true)),
            named: named.is_some() || active(true) != active(false),
        }
    }
}

/// Whether `rustc` can build for `target`; `call` is the user's command behind `cargo`.
pub fn missing(rustc: &Rustc, target: &Target, std: Std, call: &str, rustup: &dyn Fn() -> Rustup) -> Option<Missing> {
    let again = |rustup: &Rustup| match &rustup.active {
        Some(name) if rustup.named => format!("cargo +{name} {call}"),
        _ => format!("cargo {call}"),
    };
    if std == Std::Installed {
        let folder = rustc.sysroot.join("lib/rustlib").join(&target.triple).join("lib");
        if target.host != Host::Wasi || folder.is_dir() {
            return None;
        }
        let rustup = rustup();
        let name = rustup.active.as_ref().map(|name| format!(" --toolchain {name}")).unwrap_or_default();
        let commands = match rustup.present {
            true => vec![format!("rustup target add {}{name}", target.triple), again(&rustup)],
            false => vec![format!("install {} for rustc {}, as rustup would", target.triple, rustc.release)],
        };
        return Some(Missing { what: format!("rustc {} has no {}", rustc.release, target.triple), why: WHY_TARGET, commands });
    }
    if !rustc.allows_unstable() {
        let rustup = rustup();
        let mut commands = Vec::new();
        match (rustup.present, rustup.nightly, rustup.nightly_sources) {
            (false, ..) => commands.push("install rustup, from https://rustup.rs".to_owned()),
            (_, true, true) => {}
            (_, true, false) => commands.push("rustup component add rust-src --toolchain nightly".to_owned()),
            (_, false, _) => {}
        }
        if !rustup.nightly {
            commands.push("rustup toolchain install nightly --component rust-src".to_owned());
        }
        commands.push(format!("cargo +nightly {call}"));
        return Some(Missing {
            what: format!("rustc {} does not build its standard library", rustc.release),
            why: WHY_NIGHTLY,
            commands,
        });
    }
    if rustc.has_sources() {
        return None;
    }
    let rustup = rustup();
    let commands = match &rustup.active {
        Some(name) => vec![format!("rustup component add rust-src --toolchain {name}"), again(&rustup)],
        None => vec![format!("install the sources of the standard library of rustc {}, the package rust-src", rustc.release)],
    };
    let what = format!("rustc {} is here without the sources of its standard library", rustc.release);
    Some(Missing { what, why: WHY_SOURCES, commands })
}

impl std::fmt::Display for Missing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}\n  why: {}", self.what, self.why)?;
        for (index, command) in self.commands.iter().enumerate() {
            write!(out, "\n  {} {command}", if index == 0 { "fix:" } else { "    " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn rustc(release: &str, sysroot: PathBuf) -> Rustc {
        let host = "x86_64-unknown-linux-gnu".to_owned();
        Rustc { command: "rustc".into(), version: (1, 97, 0), release: release.to_owned(), date: None, host, sysroot }
    }

    fn commands(rustc: &Rustc, triple: &str, std: Std, rustup: Rustup) -> Option<Vec<String>> {
        let target = Target::choose(&[triple], &[]).unwrap();
        missing(rustc, &target, std, "wasm-threads build", &|| rustup.clone()).map(|missing| missing.commands)
    }

    #[test]
    fn commands_that_mend_it() {
        let none = PathBuf::from("/none");
        let (web, wasi) = ("wasm32-unknown-unknown", "wasm32-wasip1-threads");
        let rustup = |nightly, nightly_sources| Rustup {
            present: true,
            nightly,
            nightly_sources,
            active: Some("t".into()),
            named: false,
        };
        let again = "cargo +nightly wasm-threads build";
        let stable = rustc("1.95.0", none.clone());
        for (rustup, first) in [
            (Rustup::default(), Some("install rustup, from https://rustup.rs")),
            (rustup(false, false), Some("rustup toolchain install nightly --component rust-src")),
            (rustup(true, false), Some("rustup component add rust-src --toolchain nightly")),
            (rustup(true, true), None),
        ] {
            let commands = commands(&stable, web, Std::Built, rustup.clone()).unwrap();
            assert_eq!(commands.last().map(String::as_str), Some(again));
            assert_eq!(commands.first().map(String::as_str).filter(|command| *command != again), first, "{rustup:?}");
        }
        let nightly = rustc("1.97.0-nightly", none);
        let add = ["rustup component add rust-src --toolchain t", "cargo wasm-threads build"];
        assert_eq!(commands(&nightly, web, Std::Built, rustup(true, false)).unwrap(), add);
        let named = Rustup { named: true, ..rustup(true, false) };
        assert_eq!(commands(&nightly, web, Std::Built, named).unwrap()[1], "cargo +t wasm-threads build");
        let add = ["rustup target add wasm32-wasip1-threads --toolchain t", "cargo wasm-threads build"];
        assert_eq!(commands(&stable, wasi, Std::Installed, rustup(false, false)).unwrap(), add);
        assert!(commands(&stable, wasi, Std::Installed, Rustup::default()).unwrap()[0].starts_with("install wasm32"));
    }
}
