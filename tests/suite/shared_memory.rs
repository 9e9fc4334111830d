//! `examples/shared-memory`: as its README says, in node and on a page.

use crate::support::browser::{CHROMIUM, FIREFOX};
use crate::support::{Browser, Facts, Headers, Project, Ran, Run, Server, Suite, Tool, built, read, repository, shim};
use std::fs;

const NODE: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("in_node", NODE, in_node);
    suite.test("every_result_is_needed", NODE, every_result_is_needed);
    suite.test("on_a_page_in_chromium", &[NODE, CHROMIUM].concat(), on_a_page_in_chromium);
    suite.test("on_a_page_in_firefox", &[NODE, FIREFOX].concat(), on_a_page_in_firefox);
}

/// Its own `.cargo/config.toml` names the linker, and only `core` is compiled.
fn example(name: &str) -> Project {
    let example = Project::new("examples/shared-memory", name, shim());
    let example = example.env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    // The page asks for the module by this name.
    build(&example);
    example
}

fn build(example: &Project) {
    example.cargo(&["build", "--release"]).run().expect_success();
    let module = example.module("release", "shared_memory");
    // It begins as zeros, so there is no data for `assert_threaded` to look at.
    assert!(Facts::read(&module).memory().shared);
    assert_eq!(wasm_threads::verify(module.as_path()), Ok(()));
    fs::copy(module, example.folder().join("shared_memory.wasm")).expect("a copy");
}

fn host(example: &Project) -> Ran {
    Run::new(Tool::Node.path()).words(["host.mjs", "shared_memory.wasm"]).folder(example.folder()).run()
}

/// What the README says it says.
fn said() -> String {
    let readme = String::from_utf8(read(repository().join("examples/shared-memory/README.md"))).expect("text");
    let text = &readme[readme.find("counter:   4 workers").expect("what it says")..];
    text[..text.find("```").expect("the end of it")].to_owned()
}

fn in_node() {
    let example = example("shared-memory");
    assert_eq!(host(&example).expect_success().stdout_text(), said());
    // Nothing but core was compiled for it.
    let names = fs::read_dir(built("wasm32-unknown-unknown", "release").join("deps")).expect("a folder");
    assert!(names.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-")));
    let config = String::from_utf8(read(example.folder().join(".cargo/config.toml"))).expect("text");
    assert!(config.contains("build-std = [\"core\"]"), "{config}");
}

/// A program that is wrong shows it: the lock that is none, and the stack that all share.
fn every_result_is_needed() {
    let example = example("shared-memory-wrong");
    let source = example.folder().join("src/lib.rs");
    let right = fs::read_to_string(&source).expect("text");
    let no_lock = right.replace("        LOCK.lock();\n        // Safety", "        // Safety");
    assert_ne!(no_lock, right);
    fs::write(
        &source,
        no_lock.replace("        unsafe { *LOCKED_COUNTER", "        #[allow(clippy::all)]\n        unsafe { *LOCKED_COUNTER"),
    )
    .expect("text");
    build(&example);
    let lock = |ran: Ran| ran.expect_success().stdout_text().lines().nth(1).map(str::to_owned);
    let right = Some("lock:      the same behind a lock: 400000".to_owned());
    // Threads do not always meet.
    assert!((0..30).any(|_| lock(host(&example)) != right), "the lock can be left out");
}

/// What the page shows in each row, after it has said that it is done.
fn rows(browser: &mut Browser, address: &str) -> Vec<String> {
    browser.open(address);
    browser.wait("document.getElementById('status').textContent !== 'Running'");
    assert_eq!(browser.text("#status"), "Done", "{:?}", browser.said());
    ["counter", "lock", "sum", "not-equal", "timed-out", "woken", "main"].map(|id| browser.text(&format!("#{id}"))).into()
}

/// All but the last, which is of the main thread: as in node.
#[track_caller]
fn assert_as_in_node(rows: &[String]) {
    let said = said();
    let lines: Vec<&str> = said.lines().map(|line| line.split_once(':').map_or(line, |(_, text)| text.trim())).collect();
    assert_eq!(rows[..6], lines[..6]);
}

fn on_a_page_in_chromium() {
    let example = example("shared-memory-chromium");
    let serve = Run::new(Tool::Node.path()).words(["serve.mjs", "shared_memory.wasm"]).folder(example.folder());
    let server = Server::start(&serve.env("PORT", "0"));
    let mut browser = Browser::start(Tool::Chromium);
    let rows = rows(&mut browser, &server.address);
    assert_as_in_node(&rows);
    assert_eq!(rows[6], "wait: Atomics.wait cannot be called in this context; Atomics.waitAsync gives \"ok\" without waiting");
    assert_eq!(browser.said(), [""; 0]);
    browser.screenshot("shared-memory");
    // Without the headers, it says why.
    let address = browser.serve(example.folder(), Headers::None);
    browser.open(&format!("{address}index.html"));
    browser.wait("document.getElementById('status').textContent !== 'Running'");
    assert_eq!(browser.text("#status"), "No shared memory in this page: it was served without COOP and COEP.");
}

fn on_a_page_in_firefox() {
    let example = example("shared-memory-firefox");
    let mut browser = Browser::start(Tool::Firefox);
    let address = browser.serve(example.folder(), Headers::Isolated);
    let rows = rows(&mut browser, &format!("{address}index.html"));
    assert_as_in_node(&rows);
    // It sleeps, as the README says; whether it knows `waitAsync` depends on its version.
    assert!(rows[6].starts_with("wait gives 2: it may sleep here; "), "{rows:?}");
}
