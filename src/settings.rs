//! What the user told the shim itself: its options, and the variables that stand in for them.

use crate::command_line::{CommandLine, OWN_PREFIX, Style};
use crate::os_bytes::{bytes, word};
use crate::report::Finding;
use crate::rules;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What the shim is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Act when atomics are present.
    Auto,
    /// Also fail when they are not.
    Threaded,
    /// Fail when they are.
    Unthreaded,
    /// Forward, and nothing else.
    Off,
}

impl Mode {
    fn from_name(name: &[u8]) -> Option<Mode> {
        Some(match name {
            b"auto" => Mode::Auto,
            b"threaded" => Mode::Threaded,
            b"unthreaded" => Mode::Unthreaded,
            b"off" => Mode::Off,
            _ => return None,
        })
    }
}

/// The symbol that carries a mode through any linker: `--export-if-defined=wasm-threads:threaded`. No object can define it
/// by accident, and a linker exports nothing for a symbol that is not defined.
pub const MARKER: &str = "wasm-threads:";

/// The settings of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to do.
    pub mode: Mode,
    /// Who said so, in words for a message: an option, a variable, a marker, or nobody.
    pub mode_from: &'static str,
    /// The maximum memory to declare where the command line declares none, in bytes.
    pub max_memory: Option<u64>,
    /// The real linker, by option.
    pub linker: Option<OsString>,
    /// The real linker, by variable: ignored where its style does not fit.
    pub linker_variable: Option<OsString>,
    /// Where to pack the link.
    pub reproduce: Option<PathBuf>,
    /// `--wasm-threads-help` or `--wasm-threads-version`, which print and link nothing.
    pub about: Option<About>,
}

/// What can be asked of the shim instead of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// `--wasm-threads-help`
    Help,
    /// `--wasm-threads-version`
    Version,
}

/// Whose word a marker is.
const BUILD_SCRIPT: &str = "the build script of the package";

impl Settings {
    /// The settings from `line`'s own options, its markers, and `variable`, which looks up an environment variable.
    pub fn new(line: &CommandLine, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Settings, Box<Finding>> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut settings = Settings {
            mode: Mode::Auto,
            mode_from: "the default",
            max_memory: None,
            linker: None,
            linker_variable: set("WASM_THREADS_LINKER"),
            reproduce: set("WASM_THREADS_REPRODUCE").map(PathBuf::from),
            about: None,
        };
        if let Some(value) = set("WASM_THREADS") {
            settings.mode = mode("WASM_THREADS", &value)?;
            settings.mode_from = "the variable WASM_THREADS";
        }
        // Of what is wrong only the first is told, and nothing where the shim is switched off.
        let mut wrong = None;
        if let Some(value) = set("WASM_THREADS_MAX_MEMORY") {
            match max_memory("WASM_THREADS_MAX_MEMORY", &value, line) {
                Ok(size) => settings.max_memory = Some(size),
                Err(finding) => wrong = Some(finding),
            }
        }
        let off_by_variable = settings.mode == Mode::Off;
        settings.take_marker(line);
        for option in &line.own {
            if let Err(finding) = settings.take_option(option, line) {
                wrong.get_or_insert(finding);
            }
        }
        let contradiction = is_marked(line, "threaded") && is_marked(line, "unthreaded") && settings.mode_from == BUILD_SCRIPT;
        // Off is the way out of trouble: nothing but an option on the line itself may take it back.
        if off_by_variable && settings.mode_from != "the option --wasm-threads=" {
            (settings.mode, settings.mode_from) = (Mode::Off, "the variable WASM_THREADS");
        }
        if settings.mode == Mode::Off {
            return Ok(settings);
        }
        if contradiction {
            wrong.get_or_insert(Box::new(contradiction_found()));
        }
        wrong.map_or(Ok(settings), Err)
    }

    /// A marker is the word of a `build.rs` in the package that is being linked.
    fn take_marker(&mut self, line: &CommandLine) {
        let has = |mode: &str| is_marked(line, mode);
        for (name, mode) in [("threaded", Mode::Threaded), ("unthreaded", Mode::Unthreaded), ("off", Mode::Off)] {
            if has(name) {
                self.mode = mode;
                self.mode_from = BUILD_SCRIPT;
            }
        }
    }

    fn take_option(&mut self, option: &OsStr, line: &CommandLine) -> Result<(), Box<Finding>> {
        let text = bytes(option);
        let (name, value) = match text.iter().position(|byte| *byte == b'=') {
            Some(at) => (&text[OWN_PREFIX.len()..at], Some(word(&text[at + 1..]))),
            None => (&text[OWN_PREFIX.len()..], None),
        };
        match (name, value) {
            (b"", Some(value)) => {
                let asked = mode(OWN_PREFIX, &value)?;
                // A crate's need is not undone by a general `auto`.
                if !(asked == Mode::Auto && self.mode_from == BUILD_SCRIPT) {
                    (self.mode, self.mode_from) = (asked, "the option --wasm-threads=");
                }
            }
            (b"-max-memory", Some(value)) => self.max_memory = Some(max_memory("--wasm-threads-max-memory", &value, line)?),
            (b"-linker", Some(value)) if !value.is_empty() => self.linker = Some(value),
            (b"-reproduce", Some(value)) if !value.is_empty() => self.reproduce = Some(value.into()),
            (b"-style", Some(value)) if value.to_str().is_some_and(|name| Style::from_name(name).is_some()) => {}
            (b"-help", None) => self.about = Some(About::Help),
            (b"-version", None) => self.about = Some(About::Version),
            _ => return Err(Box::new(bad_option(option))),
        }
        Ok(())
    }
}

fn mode(name: &str, value: &OsStr) -> Result<Mode, Box<Finding>> {
    Mode::from_name(bytes(value)).ok_or_else(|| {
        Box::new(Finding::new(
            &rules::BAD_OPTION,
            format!("{name}={} is not a mode", value.display()),
            format!("\"{}\"", value.display()),
            "auto, threaded, unthreaded or off",
            format!("{name}=threaded where it must be threaded; {name}=auto, or nothing, where it may be"),
        ))
    })
}

fn max_memory(name: &str, value: &OsStr, line: &CommandLine) -> Result<u64, Box<Finding>> {
    let most: u64 = if line.options.wasm64 { 1 << 34 } else { 1 << 32 };
    let size = match value.to_str() {
        Some(text) => crate::size::parse(text),
        None => Err("it is not text".to_owned()),
    };
    let size = size.and_then(|size| {
        let most_shown = crate::size::show(most);
        if size <= most { Ok(size) } else { Err(format!("{size} bytes are more than the {most_shown} that a memory may have")) }
    });
    size.map_err(|problem| {
        Box::new(Finding::new(
            &rules::BAD_OPTION,
            format!("{name}={} is not a size that a memory can have", value.display()),
            problem,
            format!("whole pages of 64 KiB, up to {}", crate::size::show(most)),
            format!("{name}=1GiB"),
        ))
    })
}

fn is_marked(line: &CommandLine, mode: &str) -> bool {
    line.options.exports.contains([MARKER, mode].concat().as_bytes())
}

fn contradiction_found() -> Finding {
    Finding::new(
        &rules::BAD_OPTION,
        "the build script of the package says threaded and unthreaded",
        "--export-if-defined=wasm-threads:threaded and --export-if-defined=wasm-threads:unthreaded",
        "one of them",
        "leave one out of build.rs; until then, -C link-arg=--wasm-threads=threaded, or unthreaded, decides",
    )
}

fn bad_option(option: &OsStr) -> Finding {
    let text = option.display();
    let name = option.to_str().and_then(|text| text.split('=').next()).unwrap_or_default();
    let example = match name {
        "--wasm-threads" => "--wasm-threads=threaded",
        "--wasm-threads-max-memory" => "--wasm-threads-max-memory=1GiB",
        "--wasm-threads-linker" => "--wasm-threads-linker=/path/to/rust-lld",
        "--wasm-threads-reproduce" => "--wasm-threads-reproduce=link.tar",
        "--wasm-threads-style" => "--wasm-threads-style=wasm-ld",
        "--wasm-threads-help" | "--wasm-threads-version" => name,
        _ => {
            return Finding::new(
                &rules::BAD_OPTION,
                format!("{text} is not an option of wasm-threads-linker"),
                text.to_string(),
                "--wasm-threads=MODE, --wasm-threads-max-memory=SIZE, --wasm-threads-linker=PATH, \
                 --wasm-threads-style=STYLE or --wasm-threads-reproduce=FILE.tar, each with its value in the same word",
                "see `wasm-threads-linker --wasm-threads-help`",
            );
        }
    };
    let wanted = match name {
        "--wasm-threads-style" => "wasm-ld, emcc or clang, in the same word, after =",
        "--wasm-threads-help" | "--wasm-threads-version" => "the option alone",
        _ => "a value in the same word, after =",
    };
    Finding::new(
        &rules::BAD_OPTION,
        format!("{name} was not given as it must be"),
        text.to_string(),
        wanted,
        format!("{example}, or see `wasm-threads-linker --wasm-threads-help`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of that line under those variables, or what is wrong with them.
    fn settings(line: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let words: Vec<_> = line.split_whitespace().map(Into::into).collect();
        let line = CommandLine::parse(&words, &mut |_| None);
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        Settings::new(&line, &variable).map_err(|finding| finding.what)
    }

    #[test]
    fn who_decides_the_mode() {
        const THREADED: &str = "--export-if-defined=wasm-threads:threaded";
        const UNTHREADED: &str = "--export-if-defined=wasm-threads:unthreaded";
        let (variable, marker, option) = ("the variable WASM_THREADS", BUILD_SCRIPT, "the option --wasm-threads=");
        let cases = [
            ("", "", Mode::Auto, "the default"),
            ("", "threaded", Mode::Threaded, variable),
            (THREADED, "", Mode::Threaded, marker),
            (THREADED, "unthreaded", Mode::Threaded, marker),
            ("--wasm-threads=unthreaded", "threaded", Mode::Unthreaded, option),
            (&format!("--wasm-threads=unthreaded {THREADED}"), "", Mode::Unthreaded, option),
            (&format!("{THREADED} {UNTHREADED} --wasm-threads=threaded"), "", Mode::Threaded, option),
            // A crate's need is not undone by a general `auto`, but by a later word.
            (&format!("{THREADED} --wasm-threads=auto"), "", Mode::Threaded, marker),
            ("--wasm-threads=auto", "threaded", Mode::Auto, option),
            ("--wasm-threads=threaded --wasm-threads=auto", "", Mode::Auto, option),
            // Off is the way out of trouble.
            (THREADED, "off", Mode::Off, variable),
            (&format!("{THREADED} {UNTHREADED}"), "off", Mode::Off, variable),
            (&format!("{THREADED} --wasm-threads=auto"), "off", Mode::Off, variable),
            ("--wasm-threads=threaded", "off", Mode::Threaded, option),
            ("--wasm-threads=off --wasm-threads-max-memory=1", "", Mode::Off, option),
        ];
        for (line, variable, mode, from) in cases {
            let settings = settings(line, &[("WASM_THREADS", variable)]).expect(line);
            assert_eq!((settings.mode, settings.mode_from), (mode, from), "{line}, and {variable:?}");
        }
        let both = settings(&format!("{THREADED} {UNTHREADED}"), &[]);
        assert!(both.is_err_and(|what| what.contains("says threaded and unthreaded")));
        assert!(settings("", &[("WASM_THREADS", "on")]).is_err_and(|what| what.contains("WASM_THREADS=on")));
    }

    #[test]
    fn sizes_that_a_memory_can_have() {
        let size = |line: &str, variable: &str| {
            settings(line, &[("WASM_THREADS_MAX_MEMORY", variable)]).map(|settings| settings.max_memory)
        };
        assert_eq!(size("", ""), Ok(None));
        assert_eq!(size("", "4GiB"), Ok(Some(1 << 32)));
        assert_eq!(size("--wasm-threads-max-memory=64KiB", "4GiB"), Ok(Some(1 << 16)));
        assert_eq!(size("-mwasm64", "16GiB"), Ok(Some(1 << 34)));
        for (line, variable) in
            [("", "4294901761"), ("", "5GiB"), ("-mwasm64", "17GiB"), ("--wasm-threads-max-memory=8GiB", ""), ("", "0")]
        {
            assert!(size(line, variable).is_err(), "{line} {variable}");
        }
    }
}
