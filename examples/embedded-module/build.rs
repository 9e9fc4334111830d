//! Embeds a module, and refuses one that is not threaded: then the program is not built at all.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=MODULE");
    let module = env::var_os("MODULE").map_or_else(built_beside, PathBuf::from);
    println!("cargo::rerun-if-changed={}", module.display());
    if let Err(problem) = wasm_threads::verify(&module) {
        panic!("{problem}");
    }
    let embedded = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("module.wasm");
    fs::copy(&module, embedded).expect("the module can be copied");
}

/// What `cargo build --release` leaves in the folder of the example `counter`.
fn built_beside() -> PathBuf {
    PathBuf::from("../counter/target/wasm32-unknown-unknown/release/counter.wasm")
}
