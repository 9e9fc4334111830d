//! Which flags make the code threaded, and which the user's own would make of it.

use cargo_platform::Cfg;

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
    codegen_options(flags).filter_map(|(_, option)| option.strip_prefix("linker=")).last().map(str::to_owned)
}

/// Words of a linker's that demand threads.
const THREADED: [&str; 3] = ["--shared-memory", "--import-memory", "-pthread"];
/// Symbols that only a threaded link has.
const SYMBOLS: [&str; 5] = ["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base", "__wasm_init_memory"];

/// The same flags without what makes code threaded.
pub fn without_threads(flags: &[String]) -> Vec<String> {
    let mut kept = flags.to_vec();
    let found: Vec<_> = codegen_options(flags).map(|(at, option)| (at, option.to_owned())).collect();
    // From the end, so that what is still to be looked at stays in its place.
    for (at, option) in found.into_iter().rev() {
        let Some((name, value)) = option.split_once('=') else { continue };
        let list = |separator: char, drop: &dyn Fn(&str) -> bool| -> Option<String> {
            let words: Vec<&str> = value.split(separator).filter(|word| !drop(word)).collect();
            (!words.is_empty()).then(|| format!("{name}={}", words.join(&separator.to_string())))
        };
        let rest = match name {
            "target-feature" => list(',', &|feature| feature == "+atomics"),
            "link-arg" => list('\0', &is_threaded_word),
            "link-args" => list(' ', &is_threaded_word),
            _ => continue,
        };
        match (rest, at) {
            (Some(rest), At::Word(at)) => kept[at] = format!("-C{rest}"),
            (Some(rest), At::Next(at)) => kept[at] = rest,
            (None, At::Word(at)) => drop(kept.remove(at)),
            (None, At::Next(at)) => drop(kept.drain(at - 1..=at)),
        }
    }
    kept
}

fn is_threaded_word(word: &str) -> bool {
    let word = word.strip_prefix("-Wl,").unwrap_or(word);
    let symbol = ["--export=", "--export-if-defined="].iter().find_map(|option| word.strip_prefix(option));
    THREADED.contains(&word)
        || word.starts_with("--wasm-threads")
        || symbol.is_some_and(|symbol| SYMBOLS.contains(&symbol) || symbol == "wasm-threads:threaded")
}

/// Where an option stands.
#[derive(Clone, Copy, Debug)]
enum At {
    /// `-Coption`, one word.
    Word(usize),
    /// `-C option`: here, with `-C` before it.
    Next(usize),
}

/// Each option of `-C` and `--codegen`.
fn codegen_options(flags: &[String]) -> impl Iterator<Item = (At, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < flags.len() {
            let flag = flags[at].as_str();
            at += 1;
            if flag == "-C" || flag == "--codegen" {
                at += 1;
                return flags.get(at - 1).map(|option| (At::Next(at - 1), option.as_str()));
            }
            let together = flag.strip_prefix("--codegen=").or_else(|| flag.strip_prefix("-C"));
            if let Some(option) = together {
                return Some((At::Word(at - 1), option));
            }
        }
        None
    })
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
