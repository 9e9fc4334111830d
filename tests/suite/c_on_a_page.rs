//! `examples/c-on-a-page`: C with thread-locals and atomics in a page's build.

use crate::support::browser::CHROMIUM;
use crate::support::link::cargo_wasm_threads;
use crate::support::{Browser, Facts, Project, Ran, Run, Server, Suite, Tool, read, repository, shim};
use std::fs;

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Clang, Tool::LlvmAr, Tool::WasmBindgen, Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("in_node", NEEDS, in_node);
    suite.test("on_a_page", &[NEEDS, CHROMIUM].concat(), on_a_page);
    suite.test("plain_cc_is_explained", NEEDS, plain_cc_is_explained);
}

fn example(name: &str) -> Project {
    Project::new("examples/c-on-a-page", name, shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER")
}

fn build(example: &Project) -> Ran {
    example.cargo(&["build", "--release"]).run()
}

/// Builds it and runs wasm-bindgen over it.
fn bind(example: &Project) {
    build(example).expect_success();
    let module = example.module("release", "c_on_a_page");
    Facts::read(&module).assert_threaded();
    let bindgen = Run::new(Tool::WasmBindgen.path()).words(["--target", "web", "--out-dir", "pkg"]).word(&module);
    bindgen.folder(example.folder()).run().expect_success();
    // C's thread-locals are each thread's own, by running.
    let check = |file: &std::path::Path| Run::new(cargo_wasm_threads()).words(["check", "--run"]).word(file).run();
    for file in [module, example.folder().join("pkg/c_on_a_page_bg.wasm")] {
        check(&file).expect_success();
    }
}

/// What the README says it says.
fn said() -> String {
    let readme = String::from_utf8(read(repository().join("examples/c-on-a-page/README.md"))).expect("text");
    let text = &readme[readme.find("threads: 4 generators").expect("what it says")..];
    text[..text.find("```").expect("the end of it")].to_owned()
}

fn host(example: &Project) -> String {
    Run::new(Tool::Node.path()).word("host.mjs").folder(example.folder()).run().expect_success().stdout_text()
}

fn in_node() {
    let example = example("c-on-a-page");
    bind(&example);
    assert_eq!(host(&example), said());
}

fn on_a_page() {
    let example = example("c-on-a-page-served");
    bind(&example);
    let serve = Run::new(Tool::Node.path()).word("serve.mjs").folder(example.folder()).env("PORT", "0");
    let server = Server::start(&serve);
    let mut browser = Browser::start(Tool::Chromium);
    browser.open(&server.address);
    browser.wait("document.getElementById('status').textContent !== 'Throwing'");
    assert_eq!(browser.text("#status"), "Done", "{:?}", browser.said());
    let rows = ["threads", "darts", "pi"].map(|id| format!("{id}: {}\n", browser.text(&format!("#{id}"))));
    assert_eq!(rows.concat(), said());
    assert_eq!(browser.said(), [""; 0]);
}

/// By `cc` alone the link fails, and its words are followed: by the build script, or by the variable.
fn plain_cc_is_explained() {
    let example = example("c-on-a-page-plain");
    let script = example.folder().join("build.rs");
    let right = fs::read_to_string(&script).expect("text");
    let plain = right.replace("wasm_threads::cc()", "cc::Build::new()");
    assert_ne!(plain, right);
    fs::write(&script, plain).expect("text");
    let refused = build(&example).expect_code(101).expect_stderr("--shared-memory is disallowed by ");
    let refused = refused.expect_stderr("error[link-failed]: the C or C++ object ");
    let refused = refused.expect_stderr("-darts.o of the crate `c-on-a-page` was compiled without atomics\n");
    let refused = refused.expect_stderr("in your own build.rs, wasm_threads::cc()");
    let flags = "CFLAGS_wasm32_unknown_unknown = \"-matomics -mbulk-memory\"\n";
    assert!(!refused.expect_stderr(flags).stderr_text().contains("shuffle.o"), "plain C is right as it is");
    let example = example.env("CFLAGS_wasm32_unknown_unknown", "-matomics -mbulk-memory");
    bind(&example);
    assert_eq!(host(&example), said());
}
