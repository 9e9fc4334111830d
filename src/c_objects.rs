//! [`cc()`]: C and C++ whose objects may be linked into a shared memory.

/// A [`cc::Build`] whose objects may be linked into a shared memory: their thread-locals and atomics are real.
///
/// Where the target is WebAssembly without a libc, or WASI, it adds `-matomics -mbulk-memory -mmutable-globals`; for Emscripten
/// and for WASI threads also `-pthread`. For every other target it is [`cc::Build::new`]. `cc` itself passes on none of
/// rustc's target features for WebAssembly (rust-lang/cc-rs#268).
///
/// ```no_run
/// // build.rs
/// wasm_threads::cc().file("src/fast.c").compile("fast");
/// ```
///
/// Without it, clang lowers `_Thread_local` and `_Atomic` to plain variables and marks the object `-shared-mem`, which
/// `wasm-ld` refuses; C that has neither links as it is.
pub fn cc() -> cc::Build {
    let mut build = cc::Build::new();
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    for flag in flags(&variable("CARGO_CFG_TARGET_FAMILY"), &variable("CARGO_CFG_TARGET_OS"), &variable("TARGET")) {
        build.flag(flag);
    }
    build
}

fn flags(families: &str, os: &str, triple: &str) -> &'static [&'static str] {
    if !families.split(',').any(|family| family == "wasm") {
        return &[];
    }
    let threads = os == "emscripten" || (os == "wasi" && triple.ends_with("-threads"));
    let all = &["-matomics", "-mbulk-memory", "-mmutable-globals", "-pthread"];
    if threads { all } else { &all[..3] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_by_target() {
        assert!(flags("unix", "linux", "x86_64-unknown-linux-gnu").is_empty());
        assert!(flags("", "", "").is_empty());
        assert_eq!(flags("wasm", "unknown", "wasm32-unknown-unknown").len(), 3);
        assert_eq!(flags("wasm", "wasi", "wasm32-wasip1").len(), 3);
        assert!(flags("wasm", "wasi", "wasm32-wasip1-threads").contains(&"-pthread"));
        assert!(flags("unix,wasm", "emscripten", "wasm32-unknown-emscripten").contains(&"-pthread"));
    }
}
