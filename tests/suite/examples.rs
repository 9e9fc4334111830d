//! Every example, built and run as its README says.

use crate::support::{Facts, Project, Run, Suite, Tool, shim};

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("counter", NEEDS, counter);
}

fn counter() {
    // Its own `.cargo/config.toml` names the linker, by the name that `cargo install` gives it.
    let example = Project::new("examples/counter", "counter", shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    let config = String::from_utf8(crate::support::read(example.folder().join(".cargo/config.toml"))).expect("text");
    assert!(config.contains("linker = \"wasm-threads-linker\""));
    let run = |example: &Project| {
        example.cargo(&["build", "--release"]).run().expect_success();
        let module = example.module("release", "counter");
        let host = Run::new(Tool::Node.path()).word("host.mjs").word(&module).folder(example.folder()).run();
        (Facts::read(&module), host)
    };
    let (facts, host) = run(&example);
    facts.assert_threaded();
    assert_eq!(host.expect_success().stdout_text(), "main counted 1, the workers 1000 and 2000: 3001 in all\n");

    // Without the line it builds, and fails as its README says.
    let example = example.linker(Tool::WasmLd(22).path());
    example.touch();
    let (facts, host) = run(&example);
    facts.assert_unthreaded();
    assert_eq!(host.code(), Some(1));
    host.expect_stderr("TypeError: Cannot read properties of undefined (reading 'value')");
}
