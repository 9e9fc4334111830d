//! One link, through the shim or by a linker alone.

use super::Run;
use std::path::{Path, PathBuf};

/// The shim under test.
pub fn shim() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wasm-threads-linker"))
}

/// The program for people under test.
pub fn cargo_wasm_threads() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cargo-wasm-threads"))
}

/// Starts a link; the words and the rest are [`Run`]'s.
pub struct Link;

impl Link {
    /// Through the shim, with nothing named: it looks for the real linker itself.
    pub fn shim() -> Run {
        Run::new(shim())
    }

    /// Through the shim, with the real linker named by the option.
    pub fn shim_with(linker: impl AsRef<Path>) -> Run {
        let mut option = std::ffi::OsString::from("--wasm-threads-linker=");
        option.push(linker.as_ref());
        Run::new(shim()).word(option)
    }

    /// By the real linker alone.
    pub fn bare(linker: impl Into<PathBuf>) -> Run {
        Run::new(linker)
    }
}

/// What rustc begins a wasm link with, when the output needs no entry.
pub const FLAVOR: [&str; 3] = ["-flavor", "wasm", "--no-entry"];

/// All that the shim adds for JavaScript, as one would write it by hand.
pub const THREADED: [&str; 9] = [
    "--shared-memory",
    "--import-memory",
    "--max-memory=1073741824",
    "--export=__heap_base",
    "--export=__data_end",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
];
