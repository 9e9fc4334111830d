//! What a real linker's refusal means here.
//!
//! The linker's own words stay as they are; these stand under them. Each row in these modules names the text it goes by, as `lld`
//! 14 to 22 prints it, and `tests/suite/explain.rs` provokes it for real.

mod emcc;
mod memory_size;
mod options;
mod owner;
mod without_atomics;

use crate::command_line::{Options, Style};
use crate::inputs::Found;
use crate::report::Finding;
use crate::rules;

/// What is known of a link that failed.
pub(crate) struct Failed<'a> {
    pub options: &'a Options,
    pub style: Style,
    /// rustc made the line.
    pub rustc: bool,
    /// The maximum that we declared for want of the user's.
    pub our_max_memory: Option<u64>,
    /// Somebody told us that maximum.
    pub max_memory_was_set: bool,
    /// Where an object of this name is among the inputs.
    pub find: &'a dyn Fn(&str) -> Vec<Found>,
}

/// What the lines of `errors` mean, each once.
pub(crate) fn explain(errors: &str, failed: &Failed<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let messages = || errors.lines().filter_map(message);
    // With a list of features, lld first misses what the list leaves out.
    let listed = messages().any(|message| without_atomics::feature_not_allowed(message, failed).is_some());
    for message in messages() {
        for (text, meaning) in ROWS.into_iter().flatten() {
            if listed && text.contains("' feature must be used") {
                continue;
            }
            let finding = message.contains(text).then(|| meaning(message, failed)).flatten();
            if let Some(finding) = finding {
                // One cause often makes several lines.
                if !findings.iter().any(|known| known.what == finding.what) {
                    findings.push(finding);
                }
                break;
            }
        }
    }
    findings.extend(options::misplaced(errors, failed));
    findings
}

/// The part behind `wasm-ld: error: `, whatever the linker is called. A generic lld has no name yet when it complains of that.
fn message(line: &str) -> Option<&str> {
    let message = line.split_once("error: ").map(|(_, message)| message);
    message.or_else(|| line.starts_with(options::NO_FLAVOR).then_some(line)).map(str::trim_end)
}

type Meaning = fn(&str, &Failed<'_>) -> Option<Finding>;

/// The text a message is known by, and what it means.
type Rows = &'static [(&'static str, Meaning)];

/// The first row that fits a line explains it.
const ROWS: [Rows; 4] = [without_atomics::ROWS, memory_size::ROWS, options::ROWS, emcc::ROWS];

fn finding(what: impl Into<String>, found: impl Into<String>, wanted: &str, fix: impl Into<String>) -> Option<Finding> {
    let mut finding = Finding::new(&rules::LINK_FAILED, what, found, wanted, fix);
    finding.why = String::new();
    Some(finding)
}

/// The linker was ended by SIGBUS, which only Unix has, while it wrote to `folder`, in whose file system so many bytes are `free`.
#[cfg(unix)]
pub(crate) fn mapped_file_ended(folder: &str, free: Option<u64>) -> Finding {
    Finding {
        why: String::new(),
        ..Finding::new(
            &rules::LINK_FAILED,
            "a file ended while the linker had it mapped into memory: mostly because the disk is full",
            match free {
                Some(free) => format!("signal SIGBUS, and {free} bytes free in the file system of {folder}"),
                None => "signal SIGBUS".to_owned(),
            },
            "room for the whole output",
            format!(
                "free space there, or put the output elsewhere (CARGO_TARGET_DIR; for {folder} in a temporary folder, TMPDIR). If \
                 there is room enough, another program cuts off the inputs while they are linked"
            ),
        )
    }
}

impl Failed<'_> {
    fn triple(&self) -> String {
        crate::target::triple(self.options, self.style)
    }

    fn build_std(&self) -> String {
        format!(
            "build it anew: cargo +nightly build --target {} -Zbuild-std=std,panic_abort (once: rustup component add rust-src \
             --toolchain nightly)\nIf you do, it did not reach this build: a build script or a second cargo may call cargo without it. In \
             .cargo/config.toml it always holds:\n[unstable]\nbuild-std = [\"std\", \"panic_abort\"]",
            self.triple()
        )
    }

    fn rust_flags(&self) -> String {
        format!(
            "in .cargo/config.toml:\n[target.{}]\nrustflags = [\"-C\", \"target-feature=+atomics\"]\nIf it is there already: \
             RUSTFLAGS in the environment replaces `rustflags` instead of adding to it, and doctests take RUSTDOCFLAGS or `rustdocflags`",
            self.triple()
        )
    }

    /// What a C compiler is told: where there is a libc with threads, its own word for them.
    fn c_flags(&self) -> &'static str {
        let triple = self.triple();
        if triple.contains("emscripten") || triple.ends_with("-threads") { "-pthread" } else { "-matomics -mbulk-memory" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        assert_eq!(message("wasm-ld-22: error: x y "), Some("x y"));
        assert_eq!(message("rust-lld: error: a: error: b"), Some("a: error: b"));
        assert_eq!(message("wasm-ld: warning: x"), None);
        assert_eq!(message("lld is a generic driver."), Some("lld is a generic driver."));
    }
}
