//! The page of `examples/web-rayon` in real browsers: with threads, and without them for each of the reasons there are.

use crate::support::browser::{CHROMIUM, FIREFOX, Pixels};
use crate::support::recipe::Server;
use crate::support::{Browser, Facts, Headers, Project, Run, Suite, Tool, assert_same_bytes, lasting_folder, shim};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

// The same picture, computed here.
#[path = "../../examples/web-rayon/src/picture.rs"]
mod picture;

const BUILD: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::WasmBindgen, Tool::Node];
/// More than the machine may have: they are threads all the same.
const THREADS: u64 = 3;

pub fn tests(suite: &mut Suite) {
    let chromium = [BUILD, CHROMIUM].concat();
    let firefox = [BUILD, FIREFOX].concat();
    suite.test("all_threads_in_chromium", &chromium, || all_threads(Tool::Chromium));
    suite.test("all_threads_in_firefox", &firefox, || all_threads(Tool::Firefox));
    suite.test("without_the_linker_in_chromium", &chromium, || without_the_linker(Tool::Chromium));
    suite.test("without_the_linker_in_firefox", &firefox, || without_the_linker(Tool::Firefox));
    suite.test("check_had_said_so", BUILD, check_had_said_so);
    suite.test("its_own_server", &chromium, its_own_server);
}

/// The example as it is, built by its own one command.
fn page() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| build("threaded", shim()))
}

/// The same without its one line: the recipe as it was before.
fn stale_page() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| build("stale", &Tool::WasmLd(22).path()))
}

struct Built {
    /// What a server needs.
    folder: PathBuf,
    /// The module as it was linked; behind wasm-bindgen it is `pkg/web_rayon_bg.wasm`.
    linked: PathBuf,
}

/// Builds the page and copies it to where the next build leaves it alone.
fn build(name: &str, linker: &Path) -> Built {
    // Its own `.cargo/config.toml` names the linker, by the name that `cargo install` gives it.
    let project =
        Project::new("examples/web-rayon", "web-rayon", linker).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    project.touch();
    // Apart from the server, which has to show its address within two minutes.
    project.cargo(&["build", "--release"]).run().expect_success();
    drop(Server::start(&serve(&project, &[])));
    let folder = lasting_folder("web-rayon").join(name);
    let _ = fs::remove_dir_all(&folder);
    copy(project.folder(), &folder);
    let linked = folder.join("linked.wasm");
    fs::copy(project.module("release", "web_rayon"), &linked).expect("the module");
    Built { folder, linked }
}

fn serve(project: &Project, words: &[&str]) -> Run {
    let bindgen = Tool::WasmBindgen.path().parent().expect("a folder").to_owned();
    project.run(Tool::Node.path(), &[bindgen]).word("serve.mjs").words(words).env("PORT", "0")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// Opens the page and waits until it has painted.
fn paint(browser: &mut Browser, address: &str) {
    open(browser, address);
    wait_until_painted(browser);
}

fn open(browser: &mut Browser, address: &str) {
    browser.open(&format!("{address}?threads={THREADS}"));
}

fn wait_until_painted(browser: &mut Browser) {
    let ended = "['done', 'failed'].find((state) => state === document.body.dataset.state)";
    let state = browser.wait_for(ended, Duration::from_secs(400));
    assert_eq!(state, "done", "{} {:?}", browser.text("main"), browser.said());
}

/// Opens the page, and gives what it says of threads that did not start.
fn opened(browser: &mut Browser, address: &str) -> String {
    open(browser, address);
    browser.wait("document.querySelector('#why:not([hidden])')?.innerText").as_str().expect("a text").to_owned()
}

/// A browser with the page open, whose threads have started. Under its driver, Firefox now and then never starts the workers of a
/// worker; then another one is tried.
fn started(tool: Tool, folder: &Path) -> Browser {
    let tries = if tool == Tool::Firefox { 3 } else { 1 };
    for _ in 0..tries {
        let mut browser = Browser::start(tool);
        let address = browser.serve(folder, Headers::Isolated);
        open(&mut browser, &address);
        for _ in 0..600 {
            if browser.text("#status") != "Loading" {
                return browser;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
    panic!("the threads do not start");
}

fn all_threads(tool: Tool) {
    let page = page();
    let mut browser = started(tool, &page.folder);
    wait_until_painted(&mut browser);

    // On more than one thread, and at the same time.
    let runs = browser.evaluate("webRayon.runs.map(({ threads, records }) => ({ threads, records }))");
    assert_eq!((&runs[0]["threads"], &runs[1]["threads"]), (&1.into(), &THREADS.into()));
    let (one, all) = (records(&runs[0]), records(&runs[1]));
    assert_eq!(one.iter().map(|record| record.thread).collect::<BTreeSet<_>>(), BTreeSet::from([0]));
    let threads: BTreeSet<u64> = all.iter().map(|record| record.thread).collect();
    assert!(threads.len() > 1 && threads.iter().all(|thread| (1..=THREADS).contains(thread)), "{threads:?}");
    assert!(!at_once(&one) && at_once(&all), "{all:?}");
    assert_eq!(browser.evaluate("webRayon.why"), Value::Array(Vec::new()));

    // The picture is right, and that of all threads is that of one.
    let pixels = browser.pixels("canvas");
    assert_right(&pixels);
    assert_eq!(browser.text("#status"), "Done: both pictures are the same, byte for byte");
    assert!(browser.text("#speed-up").ends_with('×'));
    let said = browser.said();
    assert!(said.iter().all(|line| line.starts_with("warn: ")), "{said:?}");
    for (name, width, height, dark) in [("light", 1280, 900, false), ("dark", 1280, 900, true), ("narrow", 390, 844, false)] {
        browser.look(width, height, dark);
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "{name}: it is too wide");
        browser.screenshot(&format!("web-rayon-{tool:?}-{name}"));
    }

    // The same page from a server that sends no headers: it says so, and paints on one thread.
    let address = browser.serve(&page.folder, Headers::None);
    paint(&mut browser, &address);
    assert_one_thread(&mut browser, &pixels, "The page is not cross-origin isolated.");
    let why = browser.text("#why");
    for part in ["Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp"] {
        assert!(why.contains(part), "{part}\n{why}");
    }
    assert!(!why.contains("linker"), "{why}");
    browser.screenshot(&format!("web-rayon-{tool:?}-no-headers"));
}

fn without_the_linker(tool: Tool) {
    let stale = stale_page();
    let mut browser = Browser::start(tool);
    let address = browser.serve(&stale.folder, Headers::Isolated);
    paint(&mut browser, &address);
    assert_eq!(browser.evaluate("crossOriginIsolated"), true);
    let pixels = browser.pixels("canvas");
    assert_right(&pixels);
    assert_one_thread(&mut browser, &pixels, "The module’s memory is not shared.");
    let why = browser.text("#why");
    assert!(why.contains("linker = \"wasm-threads-linker\""), "{why}");
    assert!(!why.contains("isolated.") && !why.contains("Cross-Origin"), "{why}");
    browser.look(1280, 900, false);
    browser.screenshot(&format!("web-rayon-{tool:?}-no-linker"));

    // Both at once are both said.
    let address = browser.serve(&stale.folder, Headers::None);
    let why = opened(&mut browser, &address);
    assert!(why.contains("is not shared") && why.contains("not cross-origin isolated"), "{why}");
}

/// It says why, in its words and in the browser's, and has painted the same picture on one thread.
fn assert_one_thread(browser: &mut Browser, picture: &Pixels, what: &str) {
    assert_eq!(browser.evaluate("webRayon.runs.map(({ threads }) => threads)"), serde_json::json!([1]));
    let why = browser.text("#why");
    assert!(why.contains(&format!("One thread only. {what}")), "{why}");
    assert!(why.contains("The browser said: DataCloneError"), "{why}");
    assert_eq!(browser.text("#status"), "Done, with one thread");
    assert_same_bytes(&browser.pixels("canvas").bytes, &picture.bytes);
}

struct Record {
    thread: u64,
    begin: f64,
    end: f64,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}..{}", self.thread, self.begin, self.end)
    }
}

/// Who painted each tile, and when.
fn records(run: &Value) -> Vec<Record> {
    let records = run["records"].as_array().expect("records");
    let tiles: BTreeSet<u64> = records.iter().map(|record| record["tile"].as_u64().expect("a tile")).collect();
    assert_eq!((tiles.len(), records.len()), (picture::TILES, picture::TILES), "each tile once");
    let number = |record: &Value, name: &str| record[name].as_f64().expect("a number");
    let read = |record: &Value| Record {
        thread: record["thread"].as_u64().expect("a thread"),
        begin: number(record, "begin"),
        end: number(record, "end"),
    };
    records.iter().map(read).collect()
}

/// Whether two tiles were painted at the same time.
fn at_once(records: &[Record]) -> bool {
    let mut times: Vec<&Record> = records.iter().collect();
    times.sort_by(|a, b| a.begin.total_cmp(&b.begin));
    times.windows(2).any(|pair| pair[1].begin < pair[0].end && pair[0].thread != pair[1].thread)
}

/// Pixels here and there are what this machine computes; its logarithms and cosines may differ in the last bit.
fn assert_right(pixels: &Pixels) {
    assert_eq!((pixels.width, pixels.height), (picture::WIDTH, picture::HEIGHT));
    let mut colours = BTreeSet::new();
    for y in (3..pixels.height).step_by(17) {
        for x in (5..pixels.width).step_by(19) {
            let (found, wanted) = (pixels.at(x, y), picture::pixel(x, y).to_le_bytes());
            assert!(found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 1), "at {x}, {y}: {found:?}, and not {wanted:?}");
            colours.insert(found);
        }
    }
    assert!(colours.len() > 1000, "only {} colours", colours.len());
}

fn check_had_said_so() {
    let check =
        |path: &Path| Run::new(env!("CARGO_BIN_EXE_cargo-wasm-threads")).words(["wasm-threads", "check"]).word(path).run();
    let modules = |built: &Built| [built.linked.clone(), built.folder.join("pkg/web_rayon_bg.wasm")];
    for module in modules(page()) {
        assert!(Facts::read(&module).memory().shared);
        check(&module).expect_success();
    }
    for module in modules(stale_page()) {
        assert!(!Facts::read(&module).memory().shared);
        let ran = check(&module).expect_code(1);
        let said = ran.stdout_text() + &ran.stderr_text();
        assert!(said.contains("error[memory-not-shared]: "), "{ran:?}");
    }
}

fn its_own_server() {
    let page = page();
    let mut browser = Browser::start(Tool::Chromium);
    let start = |words: &[&str]| {
        let run = Run::new(Tool::Node.path()).words(["serve.mjs", "--no-build"]).words(words);
        Server::start(&run.folder(&page.folder).env("PORT", "0"))
    };
    let server = start(&[]);
    paint(&mut browser, &server.address);
    assert_eq!(browser.evaluate("webRayon.runs.map(({ threads }) => threads)"), serde_json::json!([1, THREADS]));
    // Nothing but the page.
    let answers =
        "Promise.all(['Cargo.toml', 'src/lib.rs', 'pkg/../Cargo.toml', 'pkg/%2e%2e/Cargo.toml', 'pkg/..%2fCargo.toml']
        .map(async (name) => (await fetch(name)).status))";
    assert_eq!(browser.evaluate(answers), serde_json::json!([404, 404, 404, 404, 404]));

    // What is no `localhost` for the browser comes by plain HTTP from elsewhere: the headers alone do not help.
    let why_elsewhere = opened(&mut browser, &server.address.replace("localhost", "0.0.0.0"));
    assert_eq!(browser.evaluate("isSecureContext"), false);
    assert!(why_elsewhere.contains("One thread only. The page’s address is not a secure one."), "{why_elsewhere}");
    assert!(!why_elsewhere.contains("isolated.\n") && !why_elsewhere.contains("linker"), "{why_elsewhere}");

    let server = start(&["--no-headers"]);
    assert!(opened(&mut browser, &server.address).contains("The page is not cross-origin isolated."));
    drop(server);

    let run = Run::new(Tool::Node.path()).words(["serve.mjs", "--fast"]).folder(&page.folder).run();
    run.expect_code(1).expect_stderr("serve.mjs knows --no-build and --no-headers, and not --fast");
    // Where a program is missing, it says which, and where to read.
    let run = Run::new(Tool::Node.path()).word("serve.mjs").folder(&page.folder).path(["/nonexistent"]).run();
    run.expect_code(1).expect_stderr("cargo is not on PATH; README.md says how it gets there.");
}
