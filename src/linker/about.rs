//! What the shim says of itself.

/// `--wasm-threads-version`
pub(crate) fn version() -> String {
    format!("wasm-threads-linker {}", env!("CARGO_PKG_VERSION"))
}

/// `--wasm-threads-help`
pub(crate) fn help() -> String {
    format!(
        "{}
Links WebAssembly through rust-lld, wasm-ld, emcc or clang, adds what a threaded module needs
where atomics are used, and fails the link, with the reason and the fix, when the result is not threaded.

Set it in .cargo/config.toml:
    [target.wasm32-unknown-unknown]
    linker = \"wasm-threads-linker\"

Its own options, to be given as -C link-arg=…, and the variables that stand in for them:
  --wasm-threads=MODE                auto, threaded, unthreaded or off
      WASM_THREADS
  --wasm-threads-max-memory=SIZE     the maximum where there is no --max-memory: 1GiB, or 4GiB
                                     for wasm64, unless said otherwise
      WASM_THREADS_MAX_MEMORY
  --wasm-threads-linker=PATH         the real linker
      WASM_THREADS_LINKER
  --wasm-threads-reproduce=FILE.tar  pack the link into one file for a bug report
      WASM_THREADS_REPRODUCE
  --wasm-threads-style=STYLE         whose words these are: wasm-ld, emcc or clang
  --wasm-threads-help, --wasm-threads-version
                                     print, and link nothing
      WASM_THREADS_LOG=info          say what was found, added and checked

All other options are the real linker's, and go through as they are.",
        version()
    )
}
