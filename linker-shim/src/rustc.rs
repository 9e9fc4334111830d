//! The compiler that a build would use, and what it can do.

use crate::programs;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A compiler that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rustc {
    /// The command that was asked: `RUSTC`, what cargo's config names, or `rustc`.
    pub command: OsString,
    /// Its version: major, minor, patch.
    pub version: (u32, u32, u32),
    /// The version as it says it itself: "1.97.0-nightly".
    pub release: String,
    /// The day of its last commit, "2026-05-19"; what a distribution built does not always say.
    pub date: Option<String>,
    /// The machine it runs on.
    pub host: String,
    /// Its folder.
    pub sysroot: PathBuf,
}

impl Rustc {
    /// Asks `command`, in `folder`: rustup takes the toolchain from there.
    ///
    /// # Errors
    ///
    /// What it said, or why it could not be asked.
    pub fn ask(command: &OsStr, folder: &Path) -> Result<Rustc, String> {
        let said = |words: &[&str]| -> Result<String, String> {
            let output = programs::command(command)
                .and_then(|mut rustc| rustc.args(words).current_dir(folder).stdin(Stdio::null()).output());
            let output = output.map_err(|error| format!("{} cannot be run: {error}", command.display()))?;
            if !output.status.success() {
                let complaint = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "\n    ");
                return Err(format!("{} {}: {complaint}", command.display(), words.join(" ")));
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let version = said(&["-vV"])?;
        let sysroot = PathBuf::from(said(&["--print", "sysroot"])?.trim_end_matches(['\r', '\n']));
        Rustc::read(command, &version, sysroot)
            .ok_or_else(|| format!("{} -vV says neither release nor host", command.display()))
    }

    fn read(command: &OsStr, version: &str, sysroot: PathBuf) -> Option<Rustc> {
        let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let release = field("release:")?;
        let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
        let version = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let date = field("commit-date:").filter(|date| date != "unknown");
        Some(Rustc { command: command.to_owned(), version, release, date, host: field("host:")?, sysroot })
    }

    /// Whether it accepts `-Z` and unstable features: a nightly, or any with `RUSTC_BOOTSTRAP=1` in the environment.
    pub fn allows_unstable(&self) -> bool {
        let bootstrap =
            std::env::var_os("RUSTC_BOOTSTRAP").is_some_and(|value| !value.is_empty() && value != "0" && value != "-1");
        bootstrap || self.release.contains("-nightly") || self.release.contains("-dev")
    }

    /// Whether the sources of its standard library are there, which `-Zbuild-std` compiles.
    pub fn has_sources(&self) -> bool {
        self.sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: &str) -> Option<Rustc> {
        Rustc::read(OsStr::new("rustc"), version, PathBuf::from("/none"))
    }

    #[test]
    fn what_compilers_say() {
        let nightly = "rustc 1.97.0-nightly (4b0c9d76a 2026-05-19)\nbinary: rustc\ncommit-date: 2026-05-19\n\
                       host: x86_64-unknown-linux-gnu\nrelease: 1.97.0-nightly\nLLVM version: 22.1.4\n";
        let rustc = read(nightly).unwrap();
        assert_eq!((rustc.version, rustc.date.as_deref()), ((1, 97, 0), Some("2026-05-19")));
        assert!(rustc.allows_unstable());
        let debian =
            read("rustc 1.96.0 (built from a source tarball)\ncommit-date: unknown\nhost: h\nrelease: 1.96.0\n").unwrap();
        assert_eq!((debian.version, debian.date), ((1, 96, 0), None));
        assert_eq!(read("rustc\n"), None);
        assert_eq!(read("release: x\nhost: h\n"), None);
    }
}
