//! What a real linker's refusal means here.
//!
//! The linker's own words stay as they are; these stand under them. Each row of [`ROWS`] names the text it goes by, as `lld`
//! 14 to 22 prints it, and `tests/suite/explain.rs` provokes it for real.

use crate::command_line::{Options, Style};
use crate::inputs::Found;
use crate::report::Finding;
use crate::rules;
use crate::size::PAGE;

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
    let listed = messages().any(|message| feature_not_allowed(message, failed).is_some());
    for message in messages() {
        for (text, meaning) in ROWS {
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
    findings.extend(misplaced(errors, failed));
    findings
}

/// The part behind `wasm-ld: error: `, whatever the linker is called. A generic lld has no name yet when it complains of that.
fn message(line: &str) -> Option<&str> {
    let message = line.split_once("error: ").map(|(_, message)| message);
    message.or_else(|| line.starts_with(NO_FLAVOR).then_some(line)).map(str::trim_end)
}

const NO_FLAVOR: &str = "lld is a generic driver";

type Meaning = fn(&str, &Failed<'_>) -> Option<Finding>;

/// The text a message is known by, and what it means. The first that fits a line explains it.
const ROWS: &[(&str, Meaning)] = &[
    ("--shared-memory is disallowed by ", disallowed),
    ("'atomics' feature must be used in order to use shared memory", atomics_lost),
    ("'bulk-memory' feature must be used in order to use shared memory", bulk_memory),
    ("symbol exported via --export not found: __", export_not_found),
    ("R_WASM_MEMORY_ADDR_TLS_SLEB", tls_relocation),
    // 20 to 22, then 14 to 19.
    (" must be aligned to the page size", unaligned),
    (" must be 65536-byte aligned", unaligned),
    (" too small, ", too_small),
    (" too large, cannot be greater than ", too_large),
    ("unknown argument: ", unknown_argument),
    ("invalid target architecture: ", one_dash_m),
    ("number expected, but got", not_a_number),
    ("'mutable-globals' feature not present", mutable_globals),
    ("--max-memory is incompatible with --no-growable-memory", no_growable),
    (" is not allowed.", feature_not_allowed),
    (NO_FLAVOR, no_flavor),
    // emcc 3.1.6, and the linker of 4.x.
    ("PROXY_TO_PTHREAD proxies main() for you, but no main exists", no_main),
    ("undefined symbol: main", no_main),
    ("STANDALONE_WASM does not support pthreads", standalone),
];

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

fn disallowed(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let name = message.split("--shared-memory is disallowed by ").nth(1)?;
    let name = name.split(" because it was not compiled").next()?.trim();
    // Some versions give the path of an object on the line, all of them only the name of a member.
    let short = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let found = [name, short].map(failed.find).into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    let owners: Vec<Owner> = found.iter().map(|found| Owner::of(found, short)).collect();

    if let Some(owner) = owners.iter().find(|owner| owner.is_std()) {
        let whose = match &owner.krate {
            Some(krate) => format!("Rust's own `{krate}`"),
            None => format!("{short}, which came with the toolchain,"),
        };
        return finding(
            format!("{whose} was compiled without atomics"),
            format!("{short}\n{}", owner.place),
            "a standard library compiled with the same target features as your code",
            failed.build_std(),
        );
    }
    let places: Vec<&str> = owners.iter().map(|owner| owner.place.as_str()).collect();
    let found = if places.is_empty() { name.to_owned() } else { format!("{short}\n{}", places.join("\nor ")) };
    let mut named: Vec<String> = Vec::new();
    for krate in owners.iter().filter_map(|owner| owner.krate.clone()) {
        if !named.contains(&krate) {
            named.push(krate);
        }
    }
    let whose = match named.as_slice() {
        [] => String::new(),
        [one] => format!(" of the crate `{one}`"),
        several => {
            format!(
                " of one of the crates {}",
                several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
            )
        }
    };
    if let Some((_, module)) = short.split_once(".lto.") {
        return finding(
            format!("{module}, which the linker compiled from bitcode, has no atomics"),
            name,
            "every crate and every C file compiled with atomics, as bitcode too",
            format!("{}.\nFor C: {}", failed.rust_flags(), failed.c_flags()),
        );
    }
    if short.ends_with(".rcgu.o") {
        return finding(
            format!("the Rust object {short}{whose} was compiled without atomics"),
            found,
            "every crate compiled with +atomics",
            failed.rust_flags(),
        );
    }
    // The name under which the `cc` crate reads them.
    let (target, c_flags) = (failed.triple().replace('-', "_"), failed.c_flags());
    finding(
        format!("the C or C++ object {short}{whose} was compiled without atomics"),
        found,
        "an object whose atomics and thread-locals are real",
        format!(
            "tell its compiler {c_flags}. Where a build script calls it, in .cargo/config.toml:\n[env]\n\
             CFLAGS_{target} = \"{c_flags}\"\nCXXFLAGS_{target} = \"{c_flags}\"\nor, in your own \
             build.rs, wasm_threads::cc() in place of cc::Build::new()"
        ),
    )
}

/// The crate that an object belongs to.
struct Owner {
    krate: Option<String>,
    place: String,
    prebuilt: bool,
}

impl Owner {
    /// From `lib<crate>-<hash>.rlib`, or a folder `build/<crate>-<hash>/out`.
    fn of(found: &Found, name: &str) -> Owner {
        let path = &found.path;
        let parts: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let file = parts.last().map(String::as_str).unwrap_or_default();
        let from_rlib = file.strip_prefix("lib").and_then(|rest| rest.strip_suffix(".rlib")).map(without_hash);
        // The last of them: a whole project may lie in a folder `build`.
        let from_build = parts.windows(3).rev().find_map(|parts| match parts {
            [build, krate, out] if build == "build" && out == "out" && without_hash(krate) != krate => {
                Some(without_hash(krate))
            }
            _ => None,
        });
        let krate = from_rlib.or(from_build).or_else(|| std_crate(name)).map(str::to_owned);
        let place = if found.archive { format!("in {}", path.display()) } else { "on the command line".to_owned() };
        Owner { krate, place, prebuilt: parts.iter().any(|part| part == "rustlib") }
    }

    fn is_std(&self) -> bool {
        self.prebuilt || self.krate.as_deref().is_some_and(|krate| STD.contains(&krate))
    }
}

/// The crates of the standard library.
const STD: [&str; 8] = ["std", "core", "alloc", "panic_abort", "panic_unwind", "compiler_builtins", "dlmalloc", "test"];

/// `name-0123456789abcdef` without the hash.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

/// The crate of the standard library that rustc named this object for: `std-<hash>.std.<hash>-cgu.06.rcgu.o`.
fn std_crate(object: &str) -> Option<&str> {
    let krate = without_hash(object.strip_suffix(".rcgu.o")?.split('.').next()?);
    STD.contains(&krate).then_some(krate)
}

fn atomics_lost(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "a shared memory was asked for, and nothing that is linked was compiled with atomics",
        "--shared-memory, and no object with +atomics",
        "both, or neither",
        both_or_neither(failed, "--shared-memory"),
    )
}

fn both_or_neither(failed: &Failed<'_>, flag: &str) -> String {
    if failed.rustc {
        format!(
            "{}.\nIf it is not meant to be threaded: leave {flag} and its like out. They are added where they are needed",
            failed.rust_flags()
        )
    } else {
        format!("compile with {}, or leave {flag} out", failed.c_flags())
    }
}

fn bulk_memory(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "the objects were compiled with atomics but without bulk-memory",
        "+atomics alone",
        "+bulk-memory too: a shared memory is filled by memory.init",
        format!("-C target-feature=+atomics,+bulk-memory; for C: {}", failed.c_flags()),
    )
}

/// The symbols of thread-local storage: lld makes them where the memory is shared. `__heap_base` and `__data_end` it always makes.
fn export_not_found(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let symbol = message.rsplit(": ").next()?.trim();
    crate::exports::TLS_EXPORTS.contains(&symbol).then(|| {
        finding(
            "the flags for threads are on the command line, and +atomics is not in all of the code",
            format!("--export={symbol}, no --shared-memory, and objects without +atomics"),
            "both, or neither: this symbol exists in a shared memory only",
            both_or_neither(failed, &format!("--export={symbol}")),
        )
    })?
}

fn tls_relocation(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let symbol = message.split('`').nth(1).unwrap_or("a variable");
    finding(
        format!("`{symbol}` is thread-local to one object and an ordinary variable to another"),
        "an object with atomics uses a thread-local that is defined in an object without them",
        "both compiled with atomics",
        format!(
            "compile the one that defines it with atomics: for C, {}; for Rust, -Zbuild-std and -C \
             target-feature=+atomics (not --no-check-features, which hides just this)",
            failed.c_flags()
        ),
    )
}

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

/// Options that take their value behind `=` only, and what one might give them.
const JOINED: [&str; 4] = ["--max-memory", "--initial-memory", "--initial-heap", "--global-base"];

/// Options that take two dashes only, and are often given one.
const TWO_DASHES: [&str; 3] = ["-shared-memory", "-import-memory", "-no-entry"];

/// Options that older linkers lack, and a version of LLVM that has them (`tests/suite/linkers.rs` asks each).
const NEWER: [(&str, u32); 10] = [
    ("--import-memory=", 16),
    ("--export-memory", 16),
    ("--extra-features=", 16),
    ("--why-extract=", 16),
    ("--keep-section", 19),
    ("--initial-heap=", 19),
    ("--no-growable-memory", 19),
    ("--start-lib", 19),
    ("--page-size=", 22),
    ("--no-stack-first", 22),
];

fn unknown_argument(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let word = message.split_once("unknown argument: ")?.1.trim();
    if let Some((_, version)) = NEWER.iter().find(|(option, _)| word.starts_with(option)) {
        // Two that nobody may have asked for by hand: clang's, and the one that we add for WASI.
        let or_else = match word {
            _ if word.starts_with("--keep-section") => {
                "; or leave it out: clang adds it where there is a wasm-opt on PATH, and with --no-wasm-opt it does not"
                    .to_owned()
            }
            "--export-memory" if failed.triple().ends_with("-threads") => {
                "; or leave --wasm-threads-linker and WASM_THREADS_LINKER out, so that rustc's own rust-lld is used".to_owned()
            }
            "--export-memory" if !failed.options.export_memory => String::new(),
            _ => format!("; or leave {word} out"),
        };
        return finding(
            format!("this linker is too old for {word}"),
            format!("an option that LLVM {version} has and this linker has not"),
            &format!("a linker of LLVM {version} or later"),
            format!("name one: -C link-arg=--wasm-threads-linker=/path/to/wasm-ld-{version}{or_else}"),
        );
    }
    if JOINED.contains(&word) {
        return finding(
            format!("{word} takes its value in the same word"),
            format!("{word} N"),
            &format!("{word}=N"),
            format!("-C link-arg={word}=N, with the number in place of N"),
        );
    }
    if TWO_DASHES.contains(&word) {
        return finding(format!("-{word} has two dashes"), word, &format!("-{word}"), format!("-C link-arg=-{word}"));
    }
    match word.split('=').next().unwrap_or(word) {
        "-flavor" => finding(
            "this linker does not take -flavor",
            "-flavor wasm in front, as rustc has it",
            "rust-lld, or a wasm-ld of LLVM's own: rustup's gcc-ld/wasm-ld is for C compilers",
            "leave --wasm-threads-linker and WASM_THREADS_LINKER out, or name the rust-lld one folder up from gcc-ld",
        ),
        "--no-shared-memory" | "--no-import-memory" => finding(
            format!("there is no {word}"),
            word,
            "a link without --shared-memory",
            format!("leave {word} out, and -C target-feature=+atomics too; or -C link-arg=--wasm-threads=off"),
        ),
        _ => None,
    }
}

fn one_dash_m(message: &str, _: &Failed<'_>) -> Option<Finding> {
    let rest = message.rsplit(": ").next()?.trim();
    rest.starts_with("ax-memory").then(|| {
        finding(
            "--max-memory has two dashes: with one, wasm-ld reads -m",
            format!("-m{rest}"),
            "--max-memory=N",
            format!("-C link-arg=--m{rest}"),
        )
    })?
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

fn mutable_globals(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "__tls_base is a mutable global, and no object was compiled for those",
        "no +mutable-globals",
        "+mutable-globals (which -C target-cpu=mvp leaves out)",
        format!("-C target-feature=+atomics,+bulk-memory,+mutable-globals; for C: {} -mmutable-globals", failed.c_flags()),
    )
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

fn feature_not_allowed(message: &str, _: &Failed<'_>) -> Option<Finding> {
    (message.contains("Target feature 'atomics'") || message.contains("Target feature 'bulk-memory'")).then(|| {
        finding(
            "--features= leaves out what the objects use",
            message,
            "a list with all that the objects use in it, or no list",
            "leave --features= out: the linker finds the features by itself",
        )
    })?
}

fn no_flavor(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "this lld was not told what to link",
        "an lld under a name that says nothing, and no -flavor wasm in front",
        "rust-lld or wasm-ld under its own name, or -flavor wasm as the first words",
        "name rust-lld or wasm-ld: -C link-arg=--wasm-threads-linker=/path/to/rust-lld",
    )
}

/// `crt1_proxy_main.o` calls `__main_argc_argv`, which rustc has defined only since rust-lang/rust#158937; up to then, `main`.
fn no_main(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    failed.options.driver.is_set("PROXY_TO_PTHREAD").then(|| {
        finding(
            "-sPROXY_TO_PTHREAD runs `main` in a thread of its own, and no object has the `main` that it calls",
            "no main under the name that this emcc wants: a library, or an older rustc under a newer emcc",
            "a program whose main emcc finds",
            "with Rust: -C link-arg=-sPTHREAD_POOL_SIZE=N and -C link-arg=-sEXIT_RUNTIME in place of -sPROXY_TO_PTHREAD, with as many \
             for N as main ever starts threads; or a newer rustc. A library: leave -sPROXY_TO_PTHREAD out",
        )
    })?
}

fn standalone(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "emcc has no threads in a module that stands alone",
        "-sSTANDALONE_WASM, which -o NAME.wasm means, too",
        "a script beside the module: it starts the threads",
        "-o NAME.js, and no -sSTANDALONE_WASM; for a module without a script, wasm32-wasip1-threads",
    )
}

/// `wasm-ld`'s words for threads without `-Wl,` in front. emcc's own settings are another matter altogether.
fn misplaced(errors: &str, failed: &Failed<'_>) -> Option<Finding> {
    let words = &failed.options.driver.misplaced;
    if !words.iter().any(|word| errors.contains(word.as_str())) {
        return None;
    }
    let (wanted, fix) = match failed.style {
        Style::Emcc => (
            "emcc's own settings, from which it makes the linker's words",
            "leave them out: -pthread brings all that threads need, and wasm-threads-linker adds it; sizes are set by \
             -sINITIAL_MEMORY=, -sALLOW_MEMORY_GROWTH and -sMAXIMUM_MEMORY="
                .to_owned(),
        ),
        _ => (
            "-Wl, in front of each, or none of them: wasm-threads-linker adds them where they are needed",
            words.iter().map(|word| format!("-Wl,{word}")).collect::<Vec<_>>().join(" "),
        ),
    };
    let driver = if failed.style == Style::Emcc { "emcc" } else { "clang" };
    finding(format!("wasm-ld's own words are no words for {driver}"), words.join(" "), wanted, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn owner(path: &str, name: &str) -> Option<String> {
        Owner::of(&Found { path: PathBuf::from(path), archive: true }, name).krate
    }

    #[test]
    fn owners() {
        assert_eq!(owner("/t/deps/libmy_sys-0123456789abcdef.rlib", "a.o").as_deref(), Some("my_sys"));
        assert_eq!(owner("/t/build/lua-sys-0123456789abcdef/out/liblua.a", "ldo.o").as_deref(), Some("lua-sys"));
        assert_eq!(owner("/x/libplain.rlib", "a.o").as_deref(), Some("plain"));
        assert_eq!(owner("/x/y.a", "a.o"), None);
        assert_eq!(owner("/build/mine/target/build/lua-sys-0123456789abcdef/out/liblua.a", "a.o").as_deref(), Some("lua-sys"));
        assert_eq!(owner("/build/mine/libx.a", "a.o"), None);
        assert_eq!(std_crate("std-00c0ffee00c0ffee.std.1234567890abcdef-cgu.06.rcgu.o"), Some("std"));
        assert_eq!(std_crate("app.1234-cgu.0.rcgu.o"), None);
    }

    #[test]
    fn messages() {
        assert_eq!(message("wasm-ld-22: error: x y "), Some("x y"));
        assert_eq!(message("rust-lld: error: a: error: b"), Some("a: error: b"));
        assert_eq!(message("wasm-ld: warning: x"), None);
        assert_eq!(message("lld is a generic driver."), Some("lld is a generic driver."));
    }
}
