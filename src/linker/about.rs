//! What the shim says of itself.

/// `--wasm-threads-version`
pub(crate) fn version() -> String {
    format!("wasm-threads-linker {}", env!("CARGO_PKG_VERSION"))
}

/// `--wasm-threads-help`
pub(crate) fn help() -> String {
    format!(
        "{}
Links WebAssembly through rust-lld or wasm-ld, adds what a threaded module needs where atomics
are used, and fails the link, with the reason and the fix, when the result is not threaded.

Set it in .cargo/config.toml:
    [target.wasm32-unknown-unknown]
    linker = \"wasm-threads-linker\"

Its own options, to be given as -C link-arg=…; each but the style has a variable, too:
  --wasm-threads=MODE             WASM_THREADS             auto, threaded, unthreaded or off
  --wasm-threads-max-memory=SIZE  WASM_THREADS_MAX_MEMORY  where there is no --max-memory; such as 1GiB
  --wasm-threads-linker=PATH      WASM_THREADS_LINKER      the real linker
  --wasm-threads-reproduce=FILE.tar  WASM_THREADS_REPRODUCE  pack the link for a bug report
  --wasm-threads-style=STYLE                               wasm-ld, emcc or clang
  --wasm-threads-help, --wasm-threads-version              print and exit
                                  WASM_THREADS_LOG=info    say what was found, added and checked

All other options are the real linker's, and go through as they are.",
        version()
    )
}
