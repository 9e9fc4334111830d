//! The compiler: what it still does by itself, and whether it can compile a standard library.

use super::look::Look;
use super::report::{Level, Place, Report};
use crate::rustc::Rustc;

/// What rustc no longer passes to the linker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaks {
    /// `--shared-memory` and what belongs to it: 1.92 (rust-lang/rust#147225).
    pub shared_memory: bool,
    /// `--allow-undefined`, which also made a missing `--export` silent: 1.96 (rust-lang/rust#149868).
    pub allow_undefined: bool,
    /// `--export=__heap_base`: 1.97 (rust-lang/rust#156174).
    pub heap_base: bool,
}

impl Breaks {
    /// Those of a compiler. A nightly has a version for six weeks, and had each of them from one day on.
    pub fn of(rustc: &Rustc) -> Breaks {
        let since = |minor: u32, day: &str| {
            let version = (rustc.version.0, rustc.version.1);
            let early = rustc.release.contains("-nightly") && rustc.date.as_deref().is_some_and(|date| date < day);
            version > (1, minor) || version == (1, minor) && !early
        };
        Breaks { shared_memory: since(92, "2025-10-02"), allow_undefined: since(96, ""), heap_base: since(97, "2026-05-06") }
    }
}

pub fn examine(look: &Look, report: &mut Report) {
    let rustc = match &look.rustc {
        Ok(rustc) => rustc,
        Err(problem) => {
            report.fact("rustc", "not found", Place::None);
            let fix = "rustup toolchain install nightly --component rust-src";
            report.add(Level::Error, "rustc-missing", problem.clone(), Place::None, fix);
            return;
        }
    };
    let date = rustc.date.as_ref().map(|date| format!(" ({date})")).unwrap_or_default();
    report.fact("rustc", format!("{}{date}, {}", rustc.release, rustc.command.display()), Place::None);
    report.fact("sysroot", super::path(&rustc.sysroot), Place::None);
    breaks(look, rustc, report);
    if look.recipe.build_std.is_empty() {
        let library = rustc.sysroot.join("lib/rustlib").join(look.recipe.triple).join("lib");
        if !library.is_dir() {
            let message = format!("the standard library for {} is not there: {}", look.recipe.triple, library.display());
            let fix = format!("rustup target add {}", look.recipe.triple);
            report.add(Level::Error, "target-missing", message, Place::None, fix);
        }
        return;
    }
    if !rustc.allows_unstable() {
        report.add(
            Level::Error,
            "toolchain-is-stable",
            format!("rustc {} does not accept -Zbuild-std, and the standard library that is there has no atomics", rustc.release),
            Place::None,
            "in rust-toolchain.toml: [toolchain] channel = \"nightly\", components = [\"rust-src\"]; or for one call: cargo +nightly",
        );
    }
    if !rustc.has_sources() {
        let name = rustc.sysroot.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.add(
            Level::Error,
            "rust-src-missing",
            format!("the sources of the standard library, which -Zbuild-std compiles, are not in {}", rustc.sysroot.display()),
            Place::None,
            match rustc.sysroot.parent().is_some_and(|folder| folder.ends_with("toolchains")) {
                true => format!("rustup component add rust-src --toolchain {name}"),
                false => "install the sources that belong to this compiler (Debian: rust-src), or use rustup's".to_owned(),
            },
        );
    }
}

fn breaks(look: &Look, rustc: &Rustc, report: &mut Report) {
    if look.recipe.triple != "wasm32-unknown-unknown" && look.recipe.triple != "wasm64-unknown-unknown" {
        return;
    }
    let breaks = Breaks::of(rustc);
    let all = [
        (breaks.shared_memory, "rustc-1.92", "--shared-memory, --import-memory, --max-memory, and the exports of TLS"),
        (breaks.allow_undefined, "rustc-1.96", "--allow-undefined, so that an --export of what is not there fails the link"),
        (breaks.heap_base, "rustc-1.97", "--export=__heap_base, which wasm-bindgen up to 0.2.126 needs"),
    ];
    for (_, id, what) in all.into_iter().filter(|(broken, _, _)| *broken) {
        let since = id.trim_start_matches("rustc-");
        let message = format!("since {since} rustc no longer passes {what}");
        report.add(
            Level::Note,
            id,
            message,
            Place::None,
            "none is needed with wasm-threads-linker, which passes what is missing",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaks(release: &str, date: Option<&str>) -> [bool; 3] {
        let mut numbers = release.split(['.', '-']).map_while(|number| number.parse().ok());
        let mut next = || numbers.next().unwrap_or(0);
        let rustc = Rustc {
            command: "rustc".into(),
            version: (next(), next(), next()),
            release: release.into(),
            date: date.map(str::to_owned),
            host: String::new(),
            sysroot: "/".into(),
        };
        let breaks = Breaks::of(&rustc);
        [breaks.shared_memory, breaks.allow_undefined, breaks.heap_base]
    }

    #[test]
    fn versions_and_days() {
        for (release, date, wanted) in [
            ("1.91.1", Some("2025-11-07"), [false; 3]),
            ("1.92.0-nightly", Some("2025-10-01"), [false; 3]),
            ("1.92.0-nightly", Some("2025-10-02"), [true, false, false]),
            // Without a day the version decides: a release, or what a distribution built.
            ("1.92.0-nightly", None, [true, false, false]),
            ("1.92.0", Some("2025-12-08"), [true, false, false]),
            ("1.95.0", Some("2026-04-14"), [true, false, false]),
            ("1.96.0", None, [true, true, false]),
            ("1.97.0-nightly", Some("2026-05-05"), [true, true, false]),
            ("1.97.0-nightly", Some("2026-05-19"), [true, true, true]),
            ("1.97.0-beta.1", Some("2026-05-30"), [true, true, true]),
            ("2.0.0", None, [true; 3]),
        ] {
            assert_eq!(breaks(release, date), wanted, "{release} {date:?}");
        }
    }
}
