//! Which flags make the code threaded, and which the user's own would make of it.

use crate::project::flags::{Flags, codegen_options};
use cargo_platform::Cfg;
use wasm_threads::TLS_EXPORTS;

/// Target features that a shared memory needs, `atomics` first. The others are on by default, except where a `target-cpu` or a
/// compiler before LLVM 20 has them off.
const FEATURES: [&str; 3] = ["atomics", "bulk-memory", "mutable-globals"];

/// What is missing behind flags that gave the compiler these `cfgs`: nothing, or one word.
pub fn missing(cfgs: &[Cfg]) -> Option<String> {
    let has = |feature: &str| {
        cfgs.iter().any(|cfg| matches!(cfg, Cfg::KeyPair(key, value) if key.as_str() == "target_feature" && value == feature))
    };
    let missing: Vec<String> = FEATURES.iter().filter(|name| !has(name)).map(|name| format!("+{name}")).collect();
    (!missing.is_empty()).then(|| format!("-Ctarget-feature={}", missing.join(",")))
}

/// The linker that `flags` name: rustc takes it before the one that cargo passes.
pub fn linker(flags: &[String]) -> Option<String> {
    Flags::read(flags).linker
}

/// Words of a linker's that demand threads.
const THREADED: [&str; 3] = ["--shared-memory", "--import-memory", "-pthread"];

/// The same flags without what makes code threaded.
pub fn without_threads(flags: &[String]) -> Vec<String> {
    let mut kept = flags.to_vec();
    // From the end, so that what is still to be looked at stays in its place.
    for option in codegen_options(flags).into_iter().rev() {
        let Some(value) = option.value(flags) else { continue };
        let list = |separator: char, drop: &dyn Fn(&str) -> bool| -> Option<String> {
            let words: Vec<&str> = value.split(separator).filter(|word| !drop(word)).collect();
            (!words.is_empty()).then(|| words.join(&separator.to_string()))
        };
        let rest = match option.name.as_str() {
            "target-feature" => list(',', &|feature| feature == "+atomics"),
            "link-arg" => list('\0', &is_threaded_word),
            "link-args" => list(' ', &is_threaded_word),
            _ => continue,
        };
        match rest {
            Some(rest) => {
                let word = &flags[option.at];
                kept[option.at] = format!("{}{rest}", &word[..word.len() - value.len()]);
            }
            None => drop(kept.drain(option.at - usize::from(option.in_two)..=option.at)),
        }
    }
    kept
}

fn is_threaded_word(word: &str) -> bool {
    let word = word.strip_prefix("-Wl,").unwrap_or(word);
    let symbol = ["--export=", "--export-if-defined="].iter().find_map(|option| word.strip_prefix(option));
    THREADED.contains(&word) || word.starts_with("--wasm-threads") || symbol.is_some_and(is_threaded_symbol)
}

/// Whether only a threaded link has the symbol, or it is the word by which a build script demands one.
fn is_threaded_symbol(symbol: &str) -> bool {
    TLS_EXPORTS.contains(&symbol) || matches!(symbol, "__wasm_init_memory" | "wasm-threads:threaded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_missing() {
        let missing = |features: &[&str]| {
            let cfg = |name: &&str| Cfg::from_str(&format!("target_feature=\"{name}\"")).unwrap();
            super::missing(&features.iter().map(cfg).collect::<Vec<_>>())
        };
        assert_eq!(missing(&["bulk-memory", "mutable-globals"]).as_deref(), Some("-Ctarget-feature=+atomics"));
        // `-Ctarget-cpu=mvp`
        assert_eq!(missing(&[]).as_deref(), Some("-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals"));
        // A recipe that is complete: what was built by it is still fresh.
        assert_eq!(missing(&["atomics", "bulk-memory", "mutable-globals", "simd128"]), None);
    }

    #[test]
    fn linkers() {
        for (flags, found) in [
            ("-Cdebuginfo=1 -Clinker=lld", Some("lld")),
            ("-C linker=a -Clinker=b", Some("b")),
            ("--codegen linker=a", Some("a")),
            ("--codegen=linker=a", Some("a")),
            ("-Clinker_flavor=wasm -C linker=a_b", Some("a_b")),
            ("-Clinker-flavor=wasm --cfg linker=x -C", None),
        ] {
            assert_eq!(linker(&words(flags)).as_deref(), found, "{flags}");
        }
    }

    #[test]
    fn unthreaded() {
        for (flags, left) in [
            ("-C target-feature=+atomics,+bulk-memory -C link-arg=--shared-memory", "-C target-feature=+bulk-memory"),
            ("-Ctarget-feature=+atomics --cfg x", "--cfg x"),
            ("-C target_feature=+atomics,+simd128 -Clink_arg=--import-memory", "-C target_feature=+simd128"),
            ("-C link-arg=--shared-memory -Clink-arg=--max-memory=65536", "-Clink-arg=--max-memory=65536"),
            ("--codegen link-arg=--export=__tls_base -Dwarnings", "-Dwarnings"),
            ("-Clink-arg=--export=__heap_base", "-Clink-arg=--export=__heap_base"),
            ("-Clink-arg=--wasm-threads=threaded -Clink-arg=-pthread", ""),
            ("-Ctarget-feature=+simd128,+atomics,+sign-ext", "-Ctarget-feature=+simd128,+sign-ext"),
        ] {
            assert_eq!(without_threads(&words(flags)), words(left), "{flags}");
        }
        let together = ["-Clink-args=--import-memory --stack-first --shared-memory".to_owned()];
        assert_eq!(without_threads(&together), ["-Clink-args=--stack-first"]);
    }
}
