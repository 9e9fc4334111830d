//! What emcc refuses, and its linker for it.

use super::{Failed, Rows, finding};
use crate::report::Finding;

pub(super) const ROWS: Rows = &[
    // emcc 3.1.6, and the linker of 4.x.
    ("PROXY_TO_PTHREAD proxies main() for you, but no main exists", no_main),
    ("undefined symbol: main", no_main),
    ("STANDALONE_WASM does not support pthreads", standalone),
];

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
