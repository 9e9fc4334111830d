//! Sizes of the memory that a linker does not take.

use super::{Failed, Rows, finding};
use crate::command_line::{Options, Style};
use crate::report::Finding;
use crate::size::PAGE;

pub(super) const ROWS: Rows = &[
    // 20 to 22, then 14 to 19.
    (" must be aligned to the page size", unaligned),
    (" must be 65536-byte aligned", unaligned),
    (" too small, ", too_small),
    (" too large, cannot be greater than ", too_large),
    ("number expected, but got", not_a_number),
    ("--max-memory is incompatible with --no-growable-memory", no_growable),
];

/// Options that take their value behind `=` only, and what one might give them.
pub(super) const JOINED: [&str; 4] = ["--max-memory", "--initial-memory", "--initial-heap", "--global-base"];

/// How the linker calls a size in its messages, the option that sets it, and what was given.
fn size<'a>(message: &str, options: &Options) -> Option<(&'a str, String)> {
    let number = |value: Option<u64>| value.map(|bytes| bytes.to_string()).unwrap_or_default();
    Some(match message.trim_start() {
        text if text.starts_with("maximum memory ") => {
            ("--max-memory", options.max_memory.as_deref().unwrap_or_default().display().to_string())
        }
        text if text.starts_with("initial memory ") => ("--initial-memory", number(options.initial_memory)),
        text if text.starts_with("initial heap ") => ("--initial-heap", number(options.initial_heap)),
        _ => return None,
    })
}

/// The largest memory there can be, in bytes.
fn most(options: &Options) -> u64 {
    if options.wasm64 { 1 << 34 } else { 1 << 32 }
}

fn unaligned(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let (option, given) = size(message, failed.options)?;
    let next = given.parse::<u64>().map_or(1 << 30, |bytes| bytes.div_ceil(PAGE).saturating_mul(PAGE));
    finding(
        format!("{option}={given} is not a whole number of pages"),
        format!("{option}={given}"),
        "a multiple of 65536 bytes",
        format!("-C link-arg={option}={}", next.min(most(failed.options))),
    )
}

fn too_small(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let (option, given) = size(message, failed.options)?;
    let needed: u64 = message.split_whitespace().find_map(|text| text.parse().ok())?;
    let wanted = format!("at least {needed} bytes");
    if option != "--max-memory" {
        return finding(
            "the program needs more memory at its start than it was given",
            format!("{option}={given}"),
            &wanted,
            format!("leave {option} out: the linker counts what is needed, and the memory grows from there"),
        );
    }
    let what = "the program needs more memory at its start than it may ever have";
    let found = match failed.our_max_memory {
        Some(ours) if failed.max_memory_was_set => {
            format!("{} (--wasm-threads-max-memory or WASM_THREADS_MAX_MEMORY)", crate::size::show(ours))
        }
        Some(ours) => format!("{} (what wasm-threads-linker declares where nobody says)", crate::size::show(ours)),
        None => format!("{option}={given}"),
    };
    if needed > most(failed.options) {
        let asked = [failed.options.initial_memory, failed.options.initial_heap];
        if asked.iter().flatten().any(|size| *size >= most(failed.options)) {
            // Another line says that this is too large.
            return None;
        }
        let fix = "ask for less at the start: a smaller --initial-memory, stack (-z stack-size=) or static data";
        return finding(what, found, &format!("{wanted}, and no memory can have as many"), fix);
    }
    let mut enough = 1 << 30;
    while enough < needed.saturating_mul(2) && enough < most(failed.options) {
        enough <<= 1;
    }
    let fix = match failed.our_max_memory {
        Some(_) => format!("-C link-arg=--wasm-threads-max-memory={}", crate::size::show(enough).replace(' ', "")),
        None => format!("-C link-arg={option}={enough}"),
    };
    finding(what, found, &wanted, fix)
}

fn too_large(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let (option, given) = size(message, failed.options)?;
    let most = message.split_whitespace().last().unwrap_or("4294967296").to_owned();
    finding(
        "that is more than a memory of this kind can have",
        format!("{option}={given}"),
        &format!("at most {most} bytes"),
        match option {
            "--max-memory" => format!("-C link-arg={option}={most}"),
            _ => format!("leave {option} out: the memory grows by itself, up to --max-memory"),
        },
    )
}

fn not_a_number(message: &str, _: &Failed<'_>) -> Option<Finding> {
    let (word, _) = message.split_once(": ")?;
    let (option, given) = word.split_once('=')?;
    JOINED.contains(&option).then(|| {
        let size = crate::size::parse(given).unwrap_or(1 << 30);
        let ours = match option {
            "--max-memory" => {
                format!(", or -C link-arg=--wasm-threads-max-memory={}", crate::size::show(size).replace(' ', ""))
            }
            _ => String::new(),
        };
        finding(
            format!("{option} takes plain decimal bytes"),
            word,
            "a number such as 1073741824, which is 1 GiB",
            format!("-C link-arg={option}={size}{ours}"),
        )
    })?
}

fn no_growable(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    if failed.style == Style::Emcc {
        return finding(
            "emcc sets the sizes of the memory itself, by its own settings",
            "--max-memory among the words for its linker",
            "-sMAXIMUM_MEMORY=, in bytes, and -sALLOW_MEMORY_GROWTH",
            "in place of -Wl,--max-memory=N: -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=N",
        );
    }
    finding(
        "a memory that must not grow has no other maximum than its size",
        "--max-memory and --no-growable-memory",
        "one of them",
        "leave --no-growable-memory out",
    )
}
