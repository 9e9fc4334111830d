//! The exports of a threaded module for javascript.

/// What a new thread and wasm-bindgen need. Up to rustc 1.91 the last four came with `+atomics` (rust-lang/rust#147225), up to
/// 1.96 the first two with the target (rust-lang/rust#156174).
pub(crate) const EXPORTS: [&str; 6] =
    ["__heap_base", "__data_end", "__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base"];

/// Those of them that set up a thread's storage: what wasm-bindgen (`transforms/threads`) and every hand-written host call.
#[cfg(feature = "verify")]
pub const TLS_EXPORTS: [&str; 4] = [EXPORTS[2], EXPORTS[3], EXPORTS[4], EXPORTS[5]];
