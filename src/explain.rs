//! What a real linker's refusal means here.
//!
//! The linker's own words stay as they are; these stand under them. Each row of [`ROWS`] names the text it goes by, as `lld`
//! 14 to 22 prints it, and `tests/suite/explain.rs` provokes it for real.

use crate::command_line::Options;
use crate::inputs::Found;
use crate::report::Finding;
use crate::rules;

/// What is known of a link that failed.
pub(crate) struct Failed<'a> {
    pub options: &'a Options,
    /// rustc made the line.
    pub rustc: bool,
    /// The maximum that we declared for want of the user's.
    pub our_max_memory: Option<u64>,
    /// Where an object of this name is among the inputs.
    pub find: &'a dyn Fn(&str) -> Vec<Found>,
}

/// What the lines of `errors` mean, each once.
pub(crate) fn explain(errors: &str, failed: &Failed<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for line in errors.lines() {
        let Some(message) = message(line) else { continue };
        for (text, meaning) in ROWS {
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
    findings
}

/// The part behind `wasm-ld: error: `, whatever the linker is called.
fn message(line: &str) -> Option<&str> {
    line.split_once("error: ").map(|(_, message)| message.trim_end())
}

type Meaning = fn(&str, &Failed<'_>) -> Option<Finding>;

/// The text a message is known by, and what it means. The first that fits a line explains it.
const ROWS: &[(&str, Meaning)] = &[
    ("--shared-memory is disallowed by ", disallowed),
    ("'atomics' feature must be used in order to use shared memory", atomics_lost),
    ("'bulk-memory' feature must be used in order to use shared memory", bulk_memory),
    ("symbol exported via --export not found: __", export_not_found),
    ("R_WASM_MEMORY_ADDR_TLS_SLEB", tls_relocation),
    ("memory must be aligned to the page size", unaligned),
    ("memory must be 65536-byte aligned", unaligned),
    ("maximum memory too small, ", too_small),
    ("maximum memory too large, ", too_large),
    ("unknown argument: ", unknown_argument),
    ("invalid target architecture: ", one_dash_m),
    ("number expected, but got", not_a_number),
    ("'mutable-globals' feature not present", mutable_globals),
    ("--max-memory is incompatible with --no-growable-memory", no_growable),
    ("' is not allowed", feature_not_allowed),
    ("lld is a generic driver", no_flavor),
];

fn finding(what: impl Into<String>, found: impl Into<String>, wanted: &str, fix: impl Into<String>) -> Option<Finding> {
    let mut finding = Finding::new(&rules::LINK_FAILED, what, found, wanted, fix);
    finding.why = String::new();
    Some(finding)
}

const BUILD_STD: &str = "-Zbuild-std=std,panic_abort (with a nightly toolchain and its rust-src component)";

fn disallowed(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let name = message.split("--shared-memory is disallowed by ").nth(1)?;
    let name = name.split(" because it was not compiled").next()?.trim();
    let owners: Vec<Owner> = (failed.find)(name).iter().map(|found| Owner::of(found, name)).collect();
    let from_name =
        || std_crate(name).map(|krate| Owner { krate: Some(krate.to_owned()), place: name.to_owned(), prebuilt: false });
    let owners = if owners.is_empty() { from_name().into_iter().collect() } else { owners };

    if let Some(owner) = owners.iter().find(|owner| owner.is_std()) {
        let krate = owner.krate.clone().unwrap_or_default();
        return finding(
            format!("Rust's own `{krate}` was compiled without atomics"),
            format!("{name} of {}", owner.place),
            "a standard library compiled with the same target features as your code",
            format!(
                "build it anew: cargo +nightly build --target wasm32-unknown-unknown {BUILD_STD}\nIf you do, it did not reach this \
                 build: a build script or a second cargo may call cargo without it. In .cargo/config.toml:\n[unstable]\nbuild-std = \
                 [\"std\", \"panic_abort\"]"
            ),
        );
    }
    let places: Vec<&str> = owners.iter().map(|owner| owner.place.as_str()).collect();
    let found = if places.is_empty() { name.to_owned() } else { format!("{name} of {}", places.join("\nor of ")) };
    let named: Vec<String> = owners.iter().filter_map(|owner| owner.krate.clone()).collect();
    let whose = match named.as_slice() {
        [] => String::new(),
        [one] => format!(" of the crate `{one}`"),
        several => {
            format!(" of one of the crates {}", several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    if name.ends_with(".rcgu.o") {
        return finding(
            format!("the Rust object {name}{whose} was compiled without atomics"),
            found,
            "every crate compiled with +atomics",
            RUSTFLAGS_FIX,
        );
    }
    finding(
        format!("the C or C++ object {name}{whose} was compiled without atomics"),
        found,
        "an object whose atomics and thread-locals are real",
        "CFLAGS_wasm32_unknown_unknown=\"-matomics -mbulk-memory\" (and CXXFLAGS_… for C++) in the environment, or in the crate's \
         build.rs wasm_threads::cc() in place of cc::Build::new()",
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
        let mut components = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let prebuilt = components.clone().any(|part| part == "rustlib");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let from_rlib = file.strip_prefix("lib").and_then(|rest| rest.strip_suffix(".rlib")).map(without_hash);
        let from_build = components.by_ref().find(|part| part == "build").and_then(|_| components.next());
        let krate = from_rlib.map(str::to_owned).or_else(|| from_build.map(|folder| without_hash(&folder).to_owned()));
        let krate = krate.or_else(|| std_crate(name).map(str::to_owned));
        let place = if found.archive { path.display().to_string() } else { "the command line".to_owned() };
        Owner { krate, place, prebuilt }
    }

    fn is_std(&self) -> bool {
        self.krate.as_deref().is_some_and(|krate| {
            matches!(
                krate,
                "std" | "core" | "alloc" | "panic_abort" | "panic_unwind" | "compiler_builtins" | "dlmalloc" | "test"
            )
        }) || self.prebuilt
    }
}

/// `name-0123456789abcdef` without the hash.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

/// The crate of the standard library that rustc named this object for: `std-<hash>.std.<hash>-cgu.06.rcgu.o`.
fn std_crate(object: &str) -> Option<&str> {
    let krate = object.strip_suffix(".rcgu.o")?.split('.').next()?;
    let krate = without_hash(krate);
    matches!(krate, "std" | "core" | "alloc" | "panic_abort" | "panic_unwind" | "compiler_builtins" | "dlmalloc")
        .then_some(krate)
}

const RUSTFLAGS_FIX: &str = "-C target-feature=+atomics for all of them. RUSTFLAGS in the environment replaces `rustflags` in .cargo/config.toml \
     instead of adding to it: say it in one place. Doctests take RUSTDOCFLAGS or `rustdocflags`";

fn atomics_lost(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "a shared memory was asked for, and nothing that is linked was compiled with atomics",
        if failed.rustc { "--shared-memory, and no object with +atomics" } else { "--shared-memory, and no +atomics" },
        "both, or neither",
        RUSTFLAGS_FIX,
    )
}

fn bulk_memory(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "the objects were compiled with atomics but without bulk-memory",
        "+atomics alone",
        "+bulk-memory too: a shared memory is filled by memory.init",
        "-C target-feature=+atomics,+bulk-memory; for C: -matomics -mbulk-memory",
    )
}

fn export_not_found(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let symbol = message.rsplit(": ").next()?.trim();
    if !crate::exports::EXPORTS.contains(&symbol) {
        return None;
    }
    if failed.options.shared_memory {
        return finding(
            format!("{symbol} does not exist in this kind of link"),
            format!("--export={symbol}"),
            "--export-if-defined, which does not fail",
            format!("-C link-arg=--export-if-defined={symbol}"),
        );
    }
    finding(
        "the flags for threads are on the command line, and +atomics is not",
        "--export=__wasm_init_tls and the like, no --shared-memory, and no object with +atomics",
        "both, or neither: these symbols exist in a shared memory only",
        RUSTFLAGS_FIX,
    )
}

fn tls_relocation(message: &str, _: &Failed<'_>) -> Option<Finding> {
    let symbol = message.split('`').nth(1).unwrap_or("a variable");
    finding(
        format!("`{symbol}` is thread-local to one object and an ordinary variable to another"),
        "an object with atomics uses a thread-local that is defined in an object without them",
        "both compiled with atomics",
        "compile the one that defines it with atomics: for C, -matomics -mbulk-memory; for Rust, -Zbuild-std and -C \
         target-feature=+atomics (not --no-check-features, which hides just this)",
    )
}

fn unaligned(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let which = message.split_whitespace().next().unwrap_or("maximum");
    let given = match which {
        "maximum" => failed.options.max_memory.as_ref().map(|text| text.to_string_lossy().into_owned()),
        "initial" => failed.options.initial_memory.map(|bytes| bytes.to_string()),
        _ => None,
    };
    let next = given
        .as_ref()
        .and_then(|text| text.parse::<u64>().ok())
        .map(|bytes| bytes.div_ceil(crate::size::PAGE) * crate::size::PAGE);
    let option = if which == "initial" { "--initial-memory" } else { "--max-memory" };
    finding(
        "a memory has whole pages of 65536 bytes",
        format!("{option}={}", given.unwrap_or_default()),
        "a multiple of 65536",
        format!("-C link-arg={option}={}", next.unwrap_or(1 << 30)),
    )
}

fn too_small(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let needed: u64 = message.split_whitespace().find_map(|text| text.parse().ok())?;
    let mut enough = 1 << 30;
    while enough < needed.saturating_mul(2) && enough < 1 << 32 {
        enough <<= 1;
    }
    let (found, fix) = match failed.our_max_memory {
        Some(ours) => (
            format!("{} (wasm-threads-linker's own choice)", crate::size::show(ours)),
            format!("-C link-arg=--wasm-threads-max-memory={}", crate::size::show(enough).replace(' ', "")),
        ),
        None => (
            format!("--max-memory={}", failed.options.max_memory.as_deref().unwrap_or_default().display()),
            format!("-C link-arg=--max-memory={enough}"),
        ),
    };
    finding("the program needs more memory at its start than it may ever have", found, &format!("at least {needed} bytes"), fix)
}

fn too_large(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let most = message.split_whitespace().last().unwrap_or("4294967296").to_owned();
    finding(
        "that is more than a memory of this kind can have",
        format!("--max-memory={}", failed.options.max_memory.as_deref().unwrap_or_default().display()),
        &format!("at most {most} bytes"),
        format!("-C link-arg=--max-memory={most}"),
    )
}

/// Options that take their value behind `=` only.
const JOINED: [&str; 5] = ["--max-memory", "--initial-memory", "--initial-heap", "--global-base", "--table-base"];

/// Options that take two dashes only, and are often given one.
const TWO_DASHES: [&str; 4] = ["-shared-memory", "-import-memory", "-no-entry", "-check-features"];

fn unknown_argument(message: &str, _: &Failed<'_>) -> Option<Finding> {
    let word = message.rsplit(": ").next()?.trim();
    if JOINED.contains(&word) {
        return finding(
            format!("{word} takes its value in the same word"),
            format!("{word} N"),
            &format!("{word}=N"),
            format!("-C link-arg={word}=1073741824"),
        );
    }
    if TWO_DASHES.contains(&word) {
        return finding(format!("-{word} has two dashes"), word, &format!("-{word}"), format!("-C link-arg=-{word}"));
    }
    match word {
        "-flavor" => finding(
            "this linker does not take -flavor",
            "rustup's gcc-ld/wasm-ld, which is for C compilers",
            "the rust-lld two folders up from it",
            "leave --wasm-threads-linker out, or name rust-lld",
        ),
        "--no-shared-memory" | "--no-import-memory" => finding(
            format!("there is no {word}"),
            word,
            "a link without --shared-memory",
            "--wasm-threads=off, or leave +atomics out",
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
    let option = message.split(':').next().unwrap_or_default().trim();
    let got = message.rsplit("but got").next().unwrap_or_default().trim();
    option.contains("memory").then(|| {
        finding(
            format!("{option} takes plain decimal bytes"),
            if got.is_empty() { "no number".to_owned() } else { got.to_owned() },
            "such as 1073741824 for 1 GiB",
            "-C link-arg=--max-memory=1073741824, or -C link-arg=--wasm-threads-max-memory=1GiB",
        )
    })?
}

fn mutable_globals(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "__tls_base is a mutable global, and no object was compiled for those",
        "no +mutable-globals",
        "+mutable-globals (which -C target-cpu=mvp leaves out)",
        "-C target-feature=+atomics,+bulk-memory,+mutable-globals",
    )
}

fn no_growable(_: &str, _: &Failed<'_>) -> Option<Finding> {
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
            "a list with atomics and bulk-memory in it, or no list",
            "leave --features= out: the linker finds the features by itself",
        )
    })?
}

fn no_flavor(_: &str, _: &Failed<'_>) -> Option<Finding> {
    finding(
        "this lld was not told what to link",
        "a linker whose name says nothing",
        "-flavor wasm, or a name such as wasm-ld",
        "name rust-lld or wasm-ld in --wasm-threads-linker",
    )
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
        assert_eq!(std_crate("std-00c0ffee00c0ffee.std.1234567890abcdef-cgu.06.rcgu.o"), Some("std"));
        assert_eq!(std_crate("app.1234-cgu.0.rcgu.o"), None);
    }

    #[test]
    fn messages() {
        assert_eq!(message("wasm-ld-22: error: x y "), Some("x y"));
        assert_eq!(message("rust-lld: error: a: error: b"), Some("a: error: b"));
        assert_eq!(message("wasm-ld: warning: x"), None);
    }
}
