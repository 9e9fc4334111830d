//! The recipes: each project is made of its README's text alone, in an empty folder, and built and run by the README's own lines.

use crate::support::browser::{Browser, CHROMIUM, FIREFOX, Headers};
use crate::support::link::cargo_wasm_threads;
use crate::support::{Facts, Markdown, Recipe, Run, Server, Suite, Tool, repository, temp_folder};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const WEB: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::WasmBindgen, Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("wasm_bindgen_cli", &[WEB, CHROMIUM, FIREFOX].concat(), wasm_bindgen_cli);
    suite.test("node", &[WEB, &[Tool::Deno, Tool::Bun]].concat(), node);
    suite.test("flags_by_hand", WEB, flags_by_hand);
    suite.test("trunk", &[WEB, CHROMIUM].concat(), trunk);
    suite.test("variants", &[WEB, CHROMIUM].concat(), variants);
    suite.test(
        "what_changed_by_version",
        &[Tool::Rustc, Tool::RustLld, Tool::Nightly, Tool::RustcWeb, Tool::WasmLd(22)],
        what_changed,
    );
    suite.test("memory_up_to", &[Tool::Node], memory_up_to);
    suite.test("vite", &[WEB, &[Tool::Vite], CHROMIUM].concat(), vite);
    suite.test("hosting", &[CHROMIUM, FIREFOX].concat(), hosting);
}

const SAID: &str = "4 threads found 148933 primes below 2000000; their own add up to 148933\n";

fn node() {
    let recipe = Recipe::new("node");
    recipe.sh("cargo install wasm-threads-linker", WEB).expect_success();
    recipe.sh("cargo build --release", WEB).expect_success();
    Facts::read(recipe.project.module("release", "node_primes")).assert_threaded();
    for (line, tool) in [
        ("node host.mjs 4", Tool::Node),
        ("deno run --allow-read --allow-env host.mjs 4", Tool::Deno),
        ("bun host.mjs 4", Tool::Bun),
    ] {
        assert_eq!(recipe.sh(line, &[tool]).expect_success().stdout_text(), SAID, "{line}");
    }
    recipe.all_ran();

    // Without the linker's line, and what comes of it.
    let unthreaded = recipe.linker(Tool::WasmLd(22).path());
    unthreaded.sh("cargo build --release", WEB).expect_success();
    let ran = unthreaded.sh("node host.mjs 4", WEB).expect_code(1);
    ran.expect_stderr("#<Memory> could not be cloned.");
}

fn wasm_bindgen_cli() {
    let recipe = Recipe::new("wasm-bindgen-cli");
    recipe.sh("cargo install wasm-threads-linker", WEB).expect_success();
    recipe.sh("cargo build --release", WEB).expect_success();
    let server = recipe.serve("node serve.mjs", WEB);
    for (path, kind) in [("", "text/html"), ("worker.mjs", "text/javascript"), ("pkg/primes_bg.wasm", "application/wasm")] {
        isolated(&server, path, kind);
    }
    let (headers, _) = get(&server, "../Cargo.toml/..%2f..%2f");
    assert!(headers.starts_with("HTTP/1.1 404 "), "{headers}");
    recipe.all_ran();
    for tool in [Tool::Chromium, Tool::Firefox] {
        let mut browser = Browser::start(tool);
        counts_primes(&mut browser, &server.address);
        // From a server that sends no headers, it says so.
        let address = browser.serve(recipe.folder(), Headers::None);
        browser.open(&address);
        assert_eq!(status(&mut browser, "Counting"), "No threads in this page: it was served without COOP and COEP.");
    }
    // Without the linker's line, it says what its README says.
    let recipe = recipe.linker(Tool::WasmLd(22).path());
    recipe.sh("cargo build --release", WEB).expect_success();
    let mut browser = Browser::start(Tool::Chromium);
    browser.open(&server.address);
    let said = status(&mut browser, "Counting");
    assert_eq!(said, "Failed to execute 'postMessage' on 'Worker': #<Memory> could not be cloned.");
}

fn vite() {
    let recipe = Recipe::new("vite").npm(&Tool::Vite.path());
    recipe.sh("cargo install wasm-threads-linker", WEB).expect_success();
    recipe.sh("npm run wasm", WEB).expect_success();
    assert!(Facts::read(recipe.folder().join("pkg/primes_bg.wasm")).memory().shared);
    let server = recipe.serve("npm run dev", WEB);
    isolated(&server, "", "text/html");
    isolated(&server, "pkg/primes_bg.wasm", "application/wasm");
    let mut browser = Browser::start(Tool::Chromium);
    counts_primes(&mut browser, &server.address);
    drop(server);
    let server = recipe.serve("npm run preview", WEB);
    isolated(&server, "", "text/html");
    counts_primes(&mut browser, &server.address);
    recipe.all_ran();
}

/// A server that sends no headers, and the script that does it in its place.
fn hosting() {
    let recipe = Recipe::new("hosting");
    let plain = temp_folder();
    let page = fs::read_to_string(recipe.folder().join("index.html")).expect("a page");
    let without = page.replace("<script src=\"isolate.js\"></script>\n", "");
    assert_ne!(page, without);
    fs::write(plain.path().join("index.html"), without).expect("a page");
    for tool in [Tool::Chromium, Tool::Firefox] {
        let mut browser = Browser::start(tool);
        let address = browser.serve(plain.path(), Headers::None);
        browser.open(&address);
        assert_eq!(browser.text("#status"), "not isolated: no threads");
        // With the headers it is; and with the script in their place, after it has loaded the page once more.
        let address = browser.serve(plain.path(), Headers::Isolated);
        browser.open(&address);
        assert_eq!(browser.text("#status"), "isolated: threads can be had");
        let address = browser.serve(recipe.folder(), Headers::None);
        browser.open(&address);
        browser.wait("document.querySelector('#status')?.textContent === 'isolated: threads can be had'");
    }
    for (file, separator) in [("_headers", ": "), ("nginx.conf", " ")] {
        let text = fs::read_to_string(recipe.folder().join(file)).expect("text");
        for (name, value) in [("Opener", "same-origin"), ("Embedder", "require-corp")] {
            let wanted = format!("Cross-Origin-{name}-Policy{separator}{value}");
            assert!(text.contains(&wanted), "{file}: {wanted}");
        }
    }
}

/// The page's workers find all primes together, each of them some.
#[track_caller]
fn counts_primes(browser: &mut Browser, address: &str) {
    browser.open(address);
    let said = status(browser, "Counting");
    let (workers, each) = said.split_once(" workers found 148933 primes below 2000000: ").unwrap_or_else(|| panic!("{said}"));
    let each: Vec<u32> = each.split(" + ").map(|number| number.parse().expect("a number")).collect();
    assert!(each.len() > 1 && each.len().to_string() == workers && each.iter().sum::<u32>() == 148_933, "{said}");
}

/// What the page says in the end.
#[track_caller]
fn status(browser: &mut Browser, before: &str) -> String {
    browser.wait(&format!("document.querySelector('#status').textContent !== '{before}'"));
    browser.text("#status")
}

/// The block of `examples/PAGE` in that language which contains `text`.
fn block(page: &str, language: &str, text: &str) -> String {
    let blocks = Markdown::read(repository().join("examples").join(page)).blocks();
    let found = blocks.into_iter().find(|block| block.language == language && block.text.contains(text));
    found.unwrap_or_else(|| panic!("{page} has no block of {language} with {text}")).text
}

/// What `what-changed.md` says does the same without this tool, does.
fn flags_by_hand() {
    let recipe = Recipe::new("node").linker(Tool::WasmLd(22).path());
    let build_script = block("what-changed.md", "rust", "--shared-memory");
    fs::write(recipe.folder().join("build.rs"), &build_script).expect("a build script");
    recipe.sh("cargo build --release", WEB).expect_success();
    Facts::read(recipe.project.module("release", "node_primes")).assert_threaded();
    assert_eq!(recipe.sh("node host.mjs 4", &[Tool::Node]).expect_success().stdout_text(), SAID);

    // Those for cargo's configuration are the same ones.
    let config = block("what-changed.md", "toml", "--shared-memory");
    let mut by_config: Vec<_> = config.lines().filter_map(|line| line.split("link-arg=").nth(1)?.split('"').next()).collect();
    let mut by_script: Vec<_> =
        build_script.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
    by_config.sort_unstable();
    by_script.sort_unstable();
    assert_eq!(by_config, by_script);
    assert_eq!(by_config.len(), 8);

    // What is said of flags that are left out.
    let without = |left_out: &str| {
        let lines: String =
            build_script.lines().filter(|line| !line.contains(left_out)).map(|line| format!("{line}\n")).collect();
        assert!(lines.len() < build_script.len(), "{left_out}");
        fs::write(recipe.folder().join("build.rs"), lines).expect("a build script");
        recipe.sh("cargo build --release", WEB)
    };
    without("--import-memory").expect_code(1).expect_stderr("threading requires memory to be imported");
    without("--export=__tls_size").expect_code(1).expect_stderr("failed to find `__tls_size`");
    without("--shared-memory").expect_code(101).expect_stderr("symbol exported via --export not found: __wasm_init_tls");
    without("--max-memory").expect_success();
    recipe.sh("node host.mjs 4", &[Tool::Node]).expect_code(1).expect_stderr("unreachable");
}

/// Trunk's part is played by hand: the lines of the README, the files that are copied, and the script in the page.
fn trunk() {
    let recipe = Recipe::new("trunk");
    recipe.sh("cargo build --release --target=wasm32-unknown-unknown", WEB).expect_success();
    Facts::read(recipe.project.module("release", "frame-loop")).assert_threaded();
    recipe.all_ran();

    let config = fs::read_to_string(recipe.folder().join("Trunk.toml")).expect("text");
    let config: toml_edit::DocumentMut = config.parse().expect("Trunk.toml is TOML");
    assert_eq!(config["build"]["filehash"].as_bool(), Some(false));
    let headers = &config["serve"]["headers"];
    assert_eq!(headers["Cross-Origin-Opener-Policy"].as_str(), Some("same-origin"));
    assert_eq!(headers["Cross-Origin-Embedder-Policy"].as_str(), Some("require-corp"));

    let dist = recipe.folder().join("dist");
    let page = fs::read_to_string(recipe.folder().join("index.html")).expect("text");
    let mut made = String::new();
    for line in page.lines() {
        let attribute = |name: &str| line.split_once(&format!("{name}=\"")).and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        match attribute("rel").filter(|_| line.contains("data-trunk")) {
            Some("rust") => {
                assert_eq!(attribute("data-bindgen-target"), Some("web"), "{line}");
                made += "<script type=module>
import init from '/frame-loop.js';
await init({ module_or_path: '/frame-loop_bg.wasm' });
</script>
";
            }
            Some("copy-file") => {
                let file = attribute("href").expect("a file to copy");
                fs::copy(recipe.folder().join(file), dist.join(file)).expect("a copy");
            }
            other => {
                assert_eq!(other, None, "{line}");
                made = made + line + "\n";
            }
        }
    }
    fs::write(dist.join("index.html"), made).expect("a page");

    let mut browser = Browser::start(Tool::Chromium);
    let address = browser.serve(&dist, Headers::Isolated);
    browser.open(&address);
    let pictures = "parseInt(document.querySelector('#status').textContent)";
    browser.wait(&format!("{pictures} > 5"));
    let said = browser.text("#status");
    let rows: Vec<u32> =
        said.rsplit(": ").next().expect("rows").split(" + ").map(|rows| rows.parse().expect("a number")).collect();
    assert!(rows.len() > 1 && rows.iter().filter(|rows| **rows > 0).count() > 1, "more than one worker works: {said}");
    // It moves, and it is a picture.
    let first = browser.pixels("canvas");
    browser.wait(&format!("{pictures} > {}", said.split(' ').next().expect("a number").parse::<u32>().expect("a number") + 20));
    let second = browser.pixels("canvas");
    assert_ne!(first.bytes, second.bytes);
    let colours: std::collections::BTreeSet<_> = second.bytes.chunks(4).collect();
    assert!(colours.len() > 1000 && colours.iter().all(|colour| colour[3] == 255), "{} colours", colours.len());
    // That the test reads pixels is warned of; nothing goes wrong.
    let said = browser.said();
    assert!(said.iter().all(|line| line.starts_with("warn: Canvas2D: ")), "{said:?}");

    let address = browser.serve(&dist, Headers::None);
    browser.open(&address);
    assert_eq!(status(&mut browser, "Starting"), "No threads in this page: it was served without COOP and COEP.");
}

/// The two builds and the loader of `memory.md`, for a page with the headers and one without. The profile is the one whose standard
/// libraries other tests have compiled.
fn variants() {
    let recipe = Recipe::new("wasm-bindgen-cli").lines_of("memory.md", &[(" --release", ""), ("/release/", "/debug/")]);
    let programs = temp_folder();
    let tool = cargo_wasm_threads();
    std::os::unix::fs::symlink(tool, programs.path().join("cargo-wasm-threads")).expect("a link");
    recipe.sh_with("cargo wasm-threads build --variants", WEB, &[programs.path()]).expect_success();
    recipe.sh("cp target/wasm-threads/debug/loader.mjs .", WEB).expect_success();
    recipe.all_ran();
    for (variant, shared) in [("threaded", true), ("fallback", false)] {
        let module = recipe.folder().join("pkg").join(variant).join("primes_bg.wasm");
        assert_eq!(Facts::read(module).memory().shared, shared, "{variant}");
    }
    let script = block("memory.md", "js", "await import(")
        + "
module.count_primes(100);
window.took = `${module.shared_memory().buffer.constructor.name} ${module.found()}`;
";
    fs::write(recipe.folder().join("page.mjs"), script).expect("a script");
    let mut browser = Browser::start(Tool::Chromium);
    for (headers, took) in [(Headers::Isolated, "SharedArrayBuffer 25"), (Headers::None, "ArrayBuffer 25")] {
        let address = browser.serve(recipe.folder(), headers);
        browser.open(&address);
        assert_eq!(browser.wait("window.took"), took);
    }
}

const PAGE: &str = r#"#![feature(no_core, lang_items)]
#![no_core]
#![crate_type = "cdylib"]
#[lang = "pointee_sized"] trait PointeeSized {}
#[lang = "meta_sized"] trait MetaSized: PointeeSized {}
#[lang = "sized"] trait Sized: MetaSized {}
#[lang = "copy"] trait Copy {}
extern "C" { fn from_page(); }
#[no_mangle] pub unsafe extern "C" fn go() { from_page() }
"#;

/// What `what-changed.md` says of 1.96 and 1.97, with every toolchain that is here.
fn what_changed() {
    let folder = temp_folder();
    let lld = Tool::WasmLd(22).path();
    for (rustc, linker) in [(Tool::Rustc, None), (Tool::RustcWeb, Some(lld)), (Tool::Nightly, None)] {
        let run = Run::new(rustc.path()).folder(folder.path()).env("RUSTC_BOOTSTRAP", "1");
        let version = run.clone().word("--version").run().expect_success().stdout_text();
        let minor: u32 = version.split('.').nth(1).and_then(|minor| minor.parse().ok()).expect("rustc 1.N");
        let compile = |source: &str| {
            fs::write(folder.path().join("page.rs"), source).expect("a source");
            let run = run.clone().words(["--target", "wasm32-unknown-unknown", "-Cpanic=abort", "page.rs", "-o", "page.wasm"]);
            let linker = linker.as_ref().map(|linker| format!("-Clinker={}", linker.display()));
            run.words(linker).run()
        };
        let ran = compile(PAGE);
        if minor < 96 {
            ran.expect_success();
        } else {
            ran.expect_code(1).expect_stderr("undefined symbol: from_page");
        }
        compile(&PAGE.replace("extern \"C\" { fn", "#[link(wasm_import_module = \"env\")] extern \"C\" { fn")).expect_success();
        let facts = Facts::read(folder.path().join("page.wasm"));
        assert_eq!((facts.exports("__heap_base"), facts.exports("__data_end")), (minor < 97, minor < 97), "{version}");
    }
}

/// `memoryUpTo` of `memory.md` takes what it can get. No machine refuses two pages, and every one refuses more than there are.
fn memory_up_to() {
    let folder = temp_folder();
    let script = folder.path().join("memory.mjs");
    let uses = "
const pages = (initial, maximum) => {
  const memory = memoryUpTo(initial, maximum);
  if (!(memory.buffer instanceof SharedArrayBuffer)) throw new Error('not shared');
  let pages = memory.buffer.byteLength / 65536;
  if (pages !== initial) throw new Error(`${pages} to begin with`);
  if (maximum < 100) for (;;) try { memory.grow(1); pages += 1; } catch { break; }
  return pages;
};
console.log(pages(2, 3), pages(2, 131072), pages(3, 3));
try { memoryUpTo(70000, 80000) } catch (error) { console.log(error.name) }
try { memoryUpTo(2, 'x') } catch (error) { console.log(error.name) }
";
    fs::write(&script, block("memory.md", "js", "memoryUpTo") + uses).expect("a script");
    let said = Run::new(Tool::Node.path()).word(&script).run().expect_success().stdout_text();
    assert_eq!(said, "3 2 3\nRangeError\nTypeError\n");
}

/// The file comes, as `kind`, with the headers that an isolated page needs.
#[track_caller]
fn isolated(server: &Server, path: &str, kind: &str) {
    let (headers, body) = get(server, path);
    let headers = headers.to_lowercase();
    assert!(headers.starts_with("http/1.1 200 ") && !body.is_empty(), "{path}: {headers}");
    for header in [
        "cross-origin-opener-policy: same-origin\r\n",
        "cross-origin-embedder-policy: require-corp\r\n",
        &format!("content-type: {kind}"),
    ] {
        assert!((headers.clone() + "\r\n").contains(header), "{path}: {header}\n{headers}");
    }
}

/// Headers and body.
fn get(server: &Server, path: &str) -> (String, Vec<u8>) {
    let place = server.address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(place).expect("it listens");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}
