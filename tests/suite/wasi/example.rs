//! The example `wasi-threads`, built and run as its README says.

use super::{example, node, wasmtime};
use crate::support::{Run, Suite, Tool, read, shim, temp_folder};
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    suite.test("example_on_node", &[Tool::WasiThreads, Tool::Node], example_on_node);
    suite.test("example_on_wasmtime", &[Tool::WasiThreads, Tool::Wasmtime], example_on_wasmtime);
}

/// As its README says, with rustup's own cargo, and what it builds elsewhere.
fn build() -> (tempfile::TempDir, PathBuf) {
    let folder = temp_folder();
    let tools = folder.path().join("bin");
    std::fs::create_dir(&tools).expect("a folder");
    // By the name that `cargo install` gives it.
    std::os::unix::fs::symlink(shim(), tools.join("wasm-threads-linker")).expect("a link");
    let cargo = Tool::Rustc.path().with_file_name("cargo");
    let mut path = vec![tools, cargo.parent().expect("a folder").to_owned()];
    path.extend(Tool::Node.find().and_then(|node| node.parent().map(Path::to_owned)));
    path.extend(["/usr/bin".into(), "/bin".into()]);
    let run = |words: &[&str]| {
        let run = Run::new(&cargo).words(words).folder(example("")).path(&path);
        run.env("CARGO_TARGET_DIR", folder.path().join("target")).run().expect_success()
    };
    run(&["build", "--release", "--locked"]);
    if Tool::Node.find().is_some() {
        assert_eq!(run(&["run", "--release", "--quiet"]).stdout_text(), it_says());
    }
    let module = folder.path().join("target/wasm32-wasip1-threads/release/wasi-threads.wasm");
    (folder, module)
}

/// The line that its README promises.
fn it_says() -> String {
    let text = String::from_utf8(read(example("README.md"))).expect("text");
    let line = text.lines().find(|line| line.starts_with("main counted")).expect("the README says what it prints");
    format!("{line}\n")
}

fn example_on_node() {
    let (_folder, module) = build();
    assert_eq!(node(&module).run().expect_success().stdout_text(), it_says());
}

fn example_on_wasmtime() {
    let (_folder, module) = build();
    assert_eq!(wasmtime(&module).run().expect_success().stdout_text(), it_says());
}
