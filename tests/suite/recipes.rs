//! The recipes: each project is made of its README's text alone, in an empty folder, and built and run by the README's own lines.

use crate::support::{Facts, Markdown, Recipe, Run, Server, Suite, Tool, repository, temp_folder};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const WEB: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::WasmBindgen, Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("wasm_bindgen_cli", WEB, wasm_bindgen_cli);
    suite.test("node", &[WEB, &[Tool::Deno, Tool::Bun]].concat(), node);
    suite.test("flags_by_hand", WEB, flags_by_hand);
    suite.test("memory_up_to", &[Tool::Node], memory_up_to);
    suite.test("vite", &[WEB, &[Tool::Vite]].concat(), vite);
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
}

fn vite() {
    let recipe = Recipe::new("vite").npm(&Tool::Vite.path());
    recipe.sh("cargo install wasm-threads-linker", WEB).expect_success();
    recipe.sh("npm run wasm", WEB).expect_success();
    assert!(Facts::read(recipe.folder().join("pkg/primes_bg.wasm")).memory().shared);
    let server = recipe.serve("npm run dev", WEB);
    isolated(&server, "", "text/html");
    isolated(&server, "pkg/primes_bg.wasm", "application/wasm");
    drop(server);
    let server = recipe.serve("npm run preview", WEB);
    isolated(&server, "", "text/html");
    recipe.all_ran();
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
