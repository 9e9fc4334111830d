//! wasm-threads
