//! What to add to a command line: whatever is missing, and never over the user's own value.

use crate::command_line::{Options, Pthreads};
use crate::exports::EXPORTS;
use crate::os_bytes::bytes;
use crate::settings::Settings;
use crate::target::Target;
use std::ffi::OsString;

/// Words to add: `first` and `last` for the linker, which a driver is asked to hand on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Right after `-flavor wasm`: any later word of the user's wins over these.
    pub first: Vec<OsString>,
    /// At the end.
    pub last: Vec<OsString>,
    /// Behind them, in a driver's own words.
    pub driver: Vec<OsString>,
    /// The maximum memory that we declare, in bytes, where the user declared none.
    pub max_memory: Option<u64>,
}

/// What rustc up to 1.91 declared, what most recipes use, and near the most that phones accept, in bytes.
pub const DEFAULT_MAX_MEMORY: u64 = 1 << 30;

/// The same for 64-bit memories.
const DEFAULT_MAX_MEMORY_64: u64 = 4 << 30;

/// The address space of a 32-bit memory, in bytes.
const WHOLE_32: u64 = 1 << 32;

impl Plan {
    /// What is missing of a threaded link for `target`.
    pub fn new(options: &Options, target: Target, settings: &Settings) -> Plan {
        let mut plan = Plan::default();
        let last: &mut Vec<OsString> = &mut plan.last;
        let mut add = |missing: bool, word: &str| {
            if missing {
                last.push(word.into());
            }
        };
        match target {
            Target::Javascript => {
                add(!options.shared_memory, "--shared-memory");
                add(!options.import_memory, "--import-memory");
                for export in EXPORTS {
                    // Unlike `--export`, no linker refuses this where the symbol is absent; the check proves the export.
                    // `--export-all` leaves a mutable global out up to LLVM 19.
                    let among_all = options.export_all && export != "__tls_base";
                    let missing = !among_all && !options.exports.contains(export.as_bytes());
                    add(missing, &format!("--export-if-defined={export}"));
                }
                plan.add_max_memory(options, settings);
            }
            Target::WasiThreads => {
                add(!options.import_memory, "--import-memory");
                add(!options.export_memory, "--export-memory");
                add(!options.shared_memory, "--shared-memory");
                plan.add_max_memory(options, settings);
                // clang takes the last of several, and rustc's last is the wrong one (rust-lang/rust#131007).
                if options.driver.targets.last().is_some_and(|triple| !triple.ends_with("-threads")) {
                    plan.driver.push("--target=wasm32-wasip1-threads".into());
                }
            }
            // All else follows from it: emcc takes none of the linker's own words for threads.
            Target::Emscripten if options.driver.pthreads() == Pthreads::Unsaid => plan.driver.push("-pthread".into()),
            Target::Wasi | Target::WasiComponent | Target::Emscripten | Target::Wali => {}
        }
        plan
    }

    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.last.is_empty() && self.driver.is_empty()
    }

    fn add_max_memory(&mut self, options: &Options, settings: &Settings) {
        // lld takes 0 for "not given" (Writer.cpp), and refuses a maximum next to --no-growable-memory.
        let given = options.max_memory.as_deref();
        let zero = given.is_some_and(|text| !text.is_empty() && bytes(text).iter().all(|digit| *digit == b'0'));
        if options.no_growable_memory || (given.is_some() && !zero) {
            return;
        }
        let size = settings.max_memory.unwrap_or_else(|| default_max_memory(options));
        let word = format!("--max-memory={size}").into();
        self.max_memory = Some(size);
        if zero { self.last.push(word) } else { self.first.push(word) }
    }
}

/// The default, unless the user's own initial size leaves no room under it.
fn default_max_memory(options: &Options) -> u64 {
    let wide = options.wasm64;
    let usual = if wide { DEFAULT_MAX_MEMORY_64 } else { DEFAULT_MAX_MEMORY };
    let initial = options.initial_memory.unwrap_or(0).max(options.initial_heap.unwrap_or(0));
    match initial {
        initial if initial < usual => usual,
        initial if wide => (initial.min(1 << 33) * 2).next_multiple_of(WHOLE_32),
        _ => WHOLE_32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::CommandLine;

    #[test]
    fn what_a_line_lacks() {
        let javascript = "--shared-memory --import-memory --export-if-defined=__heap_base --export-if-defined=__data_end \
                          --export-if-defined=__wasm_init_tls --export-if-defined=__tls_size --export-if-defined=__tls_align \
                          --export-if-defined=__tls_base";
        let exported = "--shared-memory --import-memory --export-if-defined=__tls_base";
        let wasi = "--import-memory --export-memory --shared-memory";
        let js = Target::Javascript;
        let cases = [
            ("a.o", js, "--max-memory=1073741824", javascript, ""),
            ("a.o --max-memory=65536", js, "", javascript, ""),
            ("a.o --no-growable-memory", js, "", javascript, ""),
            // To the linker that is no maximum, and a later word wins.
            ("a.o --max-memory=0", js, "", &format!("{javascript} --max-memory=1073741824"), ""),
            ("a.o --export-all", js, "--max-memory=1073741824", exported, ""),
            ("a.o --export-all --export=__tls_base --shared-memory --import-memory --max-memory=65536", js, "", "", ""),
            ("a.o", Target::WasiThreads, "--max-memory=1073741824", wasi, ""),
            ("a.o --target=wasm32-wasip1-threads", Target::WasiThreads, "--max-memory=1073741824", wasi, ""),
            (
                "a.o --target=wasm32-wasip1-threads --target=wasm32-wasi",
                Target::WasiThreads,
                "--max-memory=1073741824",
                wasi,
                "--target=wasm32-wasip1-threads",
            ),
            ("a.o -o x.js", Target::Emscripten, "", "", "-pthread"),
            ("a.o -o x.js -pthread", Target::Emscripten, "", "", ""),
            ("a.o -o x.js -no-pthread", Target::Emscripten, "", "", ""),
            ("a.o", Target::Wasi, "", "", ""),
        ];
        for (line, target, first, last, driver) in cases {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let read = CommandLine::parse(&words, &mut |_| None);
            let settings = Settings::new(&read, &|_| None).expect("nothing is said to the shim itself");
            let plan = Plan::new(&read.options, target, &settings);
            let text = |words: &[OsString]| words.join(" ".as_ref()).into_string().expect("text");
            assert_eq!([text(&plan.first), text(&plan.last), text(&plan.driver)], [first, last, driver], "{line}");
            assert_eq!(plan.is_empty(), [first, last, driver].concat().is_empty(), "{line}");
        }
    }

    #[test]
    fn default_leaves_room_above_the_initial_size() {
        let cases = [
            (false, None, 1 << 30),
            (false, Some(1 << 20), 1 << 30),
            (false, Some(1 << 30), 1 << 32),
            (false, Some(u64::MAX), 1 << 32),
            (true, None, 4 << 30),
            (true, Some(4 << 30), 8 << 30),
            (true, Some(u64::MAX), 16 << 30),
        ];
        for (wasm64, initial_memory, want) in cases {
            let options = Options { wasm64, initial_memory, ..Options::default() };
            assert_eq!(default_max_memory(&options), want, "{wasm64} {initial_memory:?}");
        }
    }
}
