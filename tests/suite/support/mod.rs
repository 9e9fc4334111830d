//! What the tests share: which tools are here, small wasm objects, a way to run a linker, and to look at what it wrote.

// A test takes from here what it needs; what the tests of today leave unused is not dead.
#![allow(dead_code, unused_imports)]

pub mod archive;
pub mod browser;
pub mod cargo;
pub mod clang;
pub mod facts;
pub mod golden;
pub mod link;
pub mod markdown;
pub mod no_core;
pub mod objects;
pub mod place;
pub mod process;
#[cfg(unix)]
pub mod recipe;
pub mod recorder;
pub mod suite;
pub mod tool;
pub mod verdict;

pub use browser::{Browser, Headers};
pub use cargo::{Project, built, two_adders, two_wide_adders, two_workers};
pub use facts::Facts;
pub use link::{FLAVOR, Link, THREADED, shim};
pub use markdown::Markdown;
pub use no_core::NoCore;
pub use place::Place;
pub use process::{Ran, Run};
#[cfg(unix)]
pub use recipe::{Recipe, Server};
pub use recorder::Recorder;
pub use suite::Suite;
pub use tool::Tool;

use std::fs;
use std::path::{Path, PathBuf};

/// A new folder that goes away with the value.
pub fn temp_folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wasm-threads-").tempdir().expect("a temporary folder")
}

/// A folder in cargo's target folder that lasts from run to run.
pub fn lasting_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder in cargo's target folder");
    folder
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a folder of the repository")
}

/// Reads a file, or fails the test with its name.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with the place of the first difference, not with two walls of bytes.
#[track_caller]
pub fn assert_same_bytes(left: impl AsRef<[u8]>, right: impl AsRef<[u8]>) {
    let (left, right) = (left.as_ref(), right.as_ref());
    if left == right {
        return;
    }
    let at = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let window = |bytes: &[u8]| {
        let from = at.saturating_sub(16);
        let part = &bytes[from..bytes.len().min(at + 32)];
        format!("{} bytes, from {from:#x}: {part:02x?} {:?}", bytes.len(), String::from_utf8_lossy(part))
    };
    panic!("the bytes differ at {at:#x}\n left: {}\nright: {}", window(left), window(right));
}
