//! What the shim itself refuses a link for, in the words of whoever called it.

use super::Link;
use crate::command_line::Style;
use crate::inputs;
use crate::report::Finding;
use crate::rules;
use crate::settings::Mode;
use crate::target::Target;
use std::path::Path;

/// What makes a link threaded.
const RUST_WITH_ATOMICS: &str = "-C target-feature=+atomics and -Zbuild-std=std,panic_abort. If they are in .cargo/config.toml: RUSTFLAGS in the \
     environment replaces `rustflags` there instead of adding to it; and doctests take RUSTDOCFLAGS or `rustdocflags`";

/// The same for WASI, where the target says it all.
const WASI_WITH_THREADS: &str = "build with --target wasm32-wasip1-threads (once: rustup target add wasm32-wasip1-threads)";

impl Link<'_> {
    pub(super) fn must_be_threaded(&self, why: &str, needs: &[String]) -> Option<Finding> {
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

    pub(super) fn not_threaded(&self, why: &str) -> Finding {
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

    pub(super) fn cannot_be_told(&self, path: &Path, needs: &[String]) -> Finding {
        let mut finding = Finding::new(
            &rules::NOT_THREADED,
            format!("whether {} can be threaded cannot be told", self.output.path.display()),
            format!("{}, which is no file: it can be read only once, and by the linker", path.display()),
            "inputs that are files",
            format!("write what comes out of {} to a file, and link that", path.display()),
        );
        finding.why = match needs {
            [need, ..] => format!("it must be threaded, says `{need}`"),
            [] if self.settings.mode == Mode::Threaded => format!("it was to be threaded ({})", self.settings.mode_from),
            [] => "it has atomics, and an object that refuses a shared memory, which --no-check-features hides".to_owned(),
        };
        finding
    }

    /// The linker passed over what is wrong with the line.
    pub(super) fn broken_line(&self, problem: &str) -> Finding {
        Finding::new(
            &rules::BAD_OPTION,
            format!("{} is not threaded: the linker's line cannot be read to its end", self.output.name()),
            problem,
            "a whole line: what makes a link threaded is added behind it",
            "give the option its value or leave it out, or mend the response file",
        )
    }

    pub(super) fn without_pthreads(&self, why: &str, words: &str) -> Finding {
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

    pub(super) fn threaded(&self, why: &str) -> Finding {
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

    /// A finding in the words of whoever called us.
    pub(super) fn addressed(&self, mut finding: Finding) -> Finding {
        finding.fix = handed_on(finding.fix, self.by_rustc(), self.line.style);
        finding
    }

    /// Whether rustc called us, rather than a C compiler or a Makefile.
    pub(super) fn by_rustc(&self) -> bool {
        self.line.flavor.is_some() || inputs::has_rust_objects(self.options())
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
