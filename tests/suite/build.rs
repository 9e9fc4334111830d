//! `cargo wasm-threads build`, `run`, `test` and `rustc`, by real toolchains.
//!
//! What is for WASI is built by rustup's stable, whose standard library has threads. What is for javascript compiles a standard
//! library, by Debian's toolchain: once for `+atomics` with this tool as the linker, and once for the fallback.

use crate::support::link::cargo_wasm_threads;
use crate::support::{Facts, Project, Ran, Run, Suite, Tool, built, read, shim, temp_folder, two_workers};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const WASI: &[Tool] = &[Tool::WasiThreads, Tool::Rustc, Tool::Node];
const WEB: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("wasi_program_runs", WASI, wasi_program_runs);
    suite.test("wasi_tests_run", WASI, wasi_tests_run);
    suite.test("fresh_is_judged_too", WASI, fresh_is_judged_too);
    suite.test("workspaces", WASI, workspaces);
    suite.test("cargo_has_the_last_word", WASI, cargo_has_the_last_word);
    suite.test("bad_usage", WASI, bad_usage);
    suite.test("toolchain_without_what_is_needed", &[Tool::Rustc], toolchain_without_what_is_needed);
    suite.test("new_library", WEB, new_library);
    suite.test("recipe_without_a_linker", WEB, recipe_without_a_linker);
    suite.test("variants", WEB, variants);
    suite.test("program_for_javascript", WEB, program_for_javascript);
    suite.test("tests_for_javascript", &[WEB, &[Tool::WasmBindgen]].concat(), tests_for_javascript);
    suite.test("emscripten_program_runs", &[Tool::RustcWeb, Tool::Emcc, Tool::Node], emscripten_program_runs);
}

// ---------------------------------------------------------------------- WASI, on stable

const THREADS: &str = r#"
fn main() {
    let threads: Vec<_> = (0..4u32).map(|n| std::thread::spawn(move || n * 10)).collect();
    let sum: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("{sum} {words:?}");
    std::process::exit(words.len() as i32);
}
"#;

/// A folder whose name tears careless command lines apart, with packages in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: temp_folder() };
        fs::create_dir(place.folder()).expect("a folder");
        place
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().join("an odd 'plätz")
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    /// A package `name` in `folder`.
    fn package(&self, folder: &str, name: &str, file: &str, source: &str) -> &Self {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.write(&format!("{folder}/Cargo.toml"), &manifest).write(&format!("{folder}/src/{file}"), source)
    }

    /// The tool with stable's cargo, as cargo calls it: `cargo wasm-threads …`.
    fn call(&self, words: &[&str]) -> Run {
        let toolchain = Tool::Rustc.path();
        let folders = [toolchain.parent(), cargo_wasm_threads().parent(), Tool::Node.find().as_deref().and_then(Path::parent)]
            .map(|folder| folder.map(Path::to_owned));
        Run::new(toolchain.with_file_name("cargo"))
            .word("wasm-threads")
            .words(words)
            .folder(self.folder())
            .path(folders.into_iter().flatten())
    }

    fn wasi(&self, command: &str, words: &[&str]) -> Run {
        self.call(&[&[command, "--target", "wasm32-wasip1-threads"], words].concat())
    }

    fn module(&self, target_folder: &str, name: &str) -> PathBuf {
        self.folder().join(target_folder).join("wasm32-wasip1-threads/debug").join(name).with_extension("wasm")
    }
}

/// The last line on stderr.
fn last_line(ran: &Ran) -> String {
    ran.stderr_text().lines().last().unwrap_or_default().to_owned()
}

fn wasi_program_runs() {
    let place = Place::new();
    place.package(".", "hello", "main.rs", THREADS);
    let ran = place.wasi("run", &["--", "a", "--b c"]).run().expect_code(2);
    assert_eq!(ran.stdout_text(), "60 [\"a\", \"--b c\"]\n");
    let line = "    Threaded target/wasm32-wasip1-threads/debug/hello.wasm, memory up to 1 GiB, run by node and a host for WASI with threads";
    assert_eq!(last_line(&ran), line);
    // It says nothing where cargo is to say nothing; and a program's own word ends cargo's.
    let quiet = place.wasi("run", &["-q", "x", "--target", "y"]).run().expect_code(3);
    assert!(quiet.stderr.is_empty(), "{quiet:?}");
    // It reads what it is given, and when its first thread is done, so are the others.
    let source = "fn main() {\n std::thread::spawn(|| loop {});\n \
                  print!(\"{}\", std::fs::read_to_string(\"src/main.rs\").unwrap().len() + std::io::stdin().lines().count());\n}";
    place.write("src/main.rs", source);
    let ran = place.wasi("run", &["-q"]).run().expect_success();
    assert_eq!(ran.stdout_text(), source.len().to_string());
    // A trap in a thread ends it.
    place.write("src/main.rs", "fn main() { std::thread::spawn(|| std::process::abort()).join().unwrap(); }");
    let trap = place.wasi("run", &["-q"]).run();
    assert_eq!(trap.code(), Some(134), "{trap:?}");
}

fn wasi_tests_run() {
    let source = |sum: u32| {
        format!(
            "/// ```\n/// assert_eq!(std::thread::spawn(sums::two).join().unwrap(), 2);\n/// ```\npub fn two() -> u32 {{ 2 }}\n\
             #[test]\nfn adds() {{ assert_eq!(std::thread::spawn(two).join().unwrap() + 1, {sum}); }}\n"
        )
    };
    let place = Place::new();
    place.package(".", "sums", "lib.rs", &source(3));
    let ran = place.wasi("test", &[]).run().expect_success();
    let said = ran.stdout_text();
    assert!(
        said.contains("test adds ... ok") && said.contains("Doc-tests") | ran.stderr_text().contains("Doc-tests"),
        "{ran:?}"
    );
    assert!(said.matches("1 passed").count() == 2, "the test and the doctest\n{ran:?}");
    assert!(ran.stderr_text().contains("    Threaded target/wasm32-wasip1-threads/debug/deps/sums-"), "{ran:?}");
    place.write("src/lib.rs", &source(4)).wasi("test", &["adds"]).run().expect_code(134).expect_stderr("error: test failed");
    // Nothing runs, and what would is judged.
    let ran = place.wasi("test", &["--no-run", "--lib"]).run().expect_success();
    assert!(last_line(&ran).starts_with("    Threaded target/wasm32-wasip1-threads/debug/deps/sums-"), "{ran:?}");
}

fn fresh_is_judged_too() {
    let place = Place::new();
    place.package(".", "hello", "main.rs", THREADS);
    let line = "    Threaded target/wasm32-wasip1-threads/debug/hello.wasm, memory up to 1 GiB";
    for _ in ["built", "fresh"] {
        assert_eq!(last_line(&place.wasi("build", &[]).run().expect_success()), line);
    }
    // Something came over it since. Cargo has nothing to do, and says nothing.
    let module = place.module("target", "hello");
    fs::write(&module, b"\0asm\x01\0\0\0").expect("a module");
    for command in ["build", "rustc"] {
        let ran = place.wasi(command, &[]).run().expect_code(1);
        let ran = ran
            .expect_stderr("error[memory-missing]: target/")
            .expect_stderr("Finished")
            .expect_stderr("note: cargo had nothing");
        assert_eq!(last_line(&ran), "error: not threaded: target/wasm32-wasip1-threads/debug/hello.wasm");
    }
    let ran = place.wasi("run", &[]).run().expect_code(1).expect_stderr("error[memory-missing]");
    assert!(ran.stdout.is_empty(), "it was not run\n{ran:?}");
}

fn workspaces() {
    let place = Place::new();
    place.write("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n");
    place.package("one", "one", "main.rs", "fn main() {}").package("two", "two", "lib.rs", "");
    place.write("one/examples/three.rs", "fn main() {}");
    let says = |run: Run, what: &str| assert_eq!(last_line(&run.run().expect_success()), format!("    Threaded {what}"));
    let below = "wasm32-wasip1-threads/debug";
    says(place.wasi("build", &["-p", "one"]), &format!("target/{below}/one.wasm, memory up to 1 GiB"));
    let ran = place.wasi("build", &["-p", "two"]).run().expect_success();
    assert_eq!(last_line(&ran), "     Nothing was linked: no binary, no example and no cdylib was asked for");
    let all = format!("target/{below}/one.wasm, target/{below}/examples/three.wasm, memory up to 1 GiB");
    says(place.wasi("build", &["--bins", "--examples"]), &all);
    // In a member's folder, and from anywhere by its manifest.
    says(
        place.wasi("build", &[]).folder(place.folder().join("one")),
        &format!("{}, memory up to 1 GiB", place.module("target", "one").display()),
    );
    let elsewhere = temp_folder();
    let manifest = place.folder().join("one/Cargo.toml");
    let words = ["--manifest-path", manifest.to_str().expect("text"), "--target-dir", "to here"];
    says(place.wasi("build", &words).folder(elsewhere.path()), &format!("to here/{below}/one.wasm, memory up to 1 GiB"));
    // The other ways to set the folder.
    says(
        place.wasi("build", &["-p", "one"]).env("CARGO_TARGET_DIR", "by variable"),
        &format!("by variable/{below}/one.wasm, memory up to 1 GiB"),
    );
    place.write(".cargo/config.toml", "[build]\ntarget-dir = \"by ü\"\ntarget = \"wasm32-wasip1-threads\"\n");
    says(place.call(&["build", "-p", "one"]), &format!("by ü/{below}/one.wasm, memory up to 1 GiB"));
    says(
        place.call(&["run", "-p", "one"]),
        &format!("by ü/{below}/one.wasm, memory up to 1 GiB, run by node and a host for WASI with threads"),
    );
    assert!(!place.folder().join("Cargo.toml.orig").exists() && place.module("by ü", "one").is_file());
}

fn cargo_has_the_last_word() {
    let place = Place::new();
    place.package(".", "hello", "main.rs", "fn main() { let unused = 1; }");
    // Its messages are the user's, whatever the format.
    let human = place.wasi("build", &[]).run().expect_success();
    assert!(human.stdout.is_empty() && human.stderr_text().contains("warning: unused variable: `unused`\n"), "{human:?}");
    // What is fresh is told as it was before, by cargo itself, too.
    place.write("src/main.rs", "fn main() { let unused = 1; } ");
    let short = place.wasi("build", &["--message-format", "short"]).run().expect_success();
    assert!(short.stdout.is_empty() && short.stderr_text().contains("main.rs:1:17: warning: unused variable"), "{short:?}");
    let json = place.wasi("build", &["--message-format=json"]).run().expect_success();
    assert!(json.stdout_text().starts_with("{\"reason\":\"compiler-"), "{json:?}");
    assert!(json.stdout_text().ends_with("{\"reason\":\"build-finished\",\"success\":true}\n"), "{json:?}");
    assert!(last_line(&json).starts_with("    Threaded "), "{json:?}");
    // Its failures are, too.
    let ran = place.wasi("build", &["--no-such-option"]).run().expect_code(1);
    ran.expect_stderr("error: unexpected argument '--no-such-option' found");
    place.write("src/main.rs", "fn main() { nothing() }");
    let ran = place.wasi("build", &[]).run().expect_code(101).expect_stderr("error[E0425]");
    assert!(!ran.stderr_text().contains("Threaded"), "{ran:?}");
    place.write("Cargo.toml", "[package]\nname = \"\"\n");
    place.wasi("build", &[]).run().expect_code(101).expect_stderr("error: package name cannot be empty");
    place.write(".cargo/config.toml", "no toml");
    place.wasi("build", &[]).run().expect_code(101).expect_stderr("could not parse TOML");
}

fn bad_usage() {
    let place = Place::new();
    place.package(".", "hello", "main.rs", THREADS);
    for (words, said) in [
        (&["build", "--target", "wasm32-wasip1"][..], "error: wasm32-wasip1 has no threads"),
        (&["build", "--target=x86_64-unknown-linux-gnu"], "is not WebAssembly"),
        (&["build", "--target", "wasm32-wasip1-threads", "--target", "wasm32v1-none"], "one target at a time"),
        (&["run", "--variants", "--target", "wasm32-wasip1-threads"], "--variants is for build"),
        (&["build", "--variants", "--target", "wasm32-wasip1-threads"], "--variants is for javascript"),
        (&["runner"], "runner was given no module"),
        (&["runner", "a.txt"], "a.txt is neither a module nor a script"),
    ] {
        let ran = place.call(words).run().expect_code(2).expect_stderr(said);
        assert!(!place.folder().join("target").exists(), "nothing was built\n{ran:?}");
    }
    let help = place.call(&["build", "--help"]).run().expect_success().stdout_text();
    assert!(help.contains("Usage: cargo wasm-threads build"), "{help}");
}

fn toolchain_without_what_is_needed() {
    let place = Place::new();
    place.package(".", "hello", "lib.rs", "");
    // No rustup is on PATH.
    let ran = place.call(&["build", "--features", "a b"]).run().expect_code(1);
    let ran = ran
        .expect_stderr("does not build its standard library")
        .expect_stderr("fix: install rustup, from https://rustup.rs")
        .expect_stderr("rustup toolchain install nightly --component rust-src")
        .expect_stderr("cargo +nightly wasm-threads build --features 'a b'\n");
    assert!(!place.folder().join("target").exists(), "nothing was built\n{ran:?}");
    // A word of ours is typed again, too.
    let ran = place.call(&["build", "--release", "--variants"]).run().expect_code(1);
    ran.expect_stderr("cargo +nightly wasm-threads build --variants --release\n");
    // What cargo itself allows is not enough where the sources are missing.
    if !Tool::Rustc
        .path()
        .parent()
        .and_then(Path::parent)
        .is_some_and(|root| root.join("lib/rustlib/src/rust/library").exists())
    {
        let ran = place.call(&["build"]).env("RUSTC_BOOTSTRAP", "1").run().expect_code(1);
        ran.expect_stderr("without the sources of its standard library").expect_stderr("the package rust-src");
    }
    // There is no rustup to understand that.
    place.call(&["+nightly", "build"]).run().expect_code(101).expect_stderr("no such command: `+nightly`");
}

// ---------------------------------------------------------------------- javascript, with a standard library of its own

/// Calls the tool in a project, in a shell with nothing set but what [`Project`] needs.
fn tool(project: &Project, words: &[&str]) -> Run {
    let words = [&["wasm-threads"], words].concat();
    let mut folders = vec![cargo_wasm_threads().parent().expect("a folder").to_owned(), PathBuf::from("/usr/bin")];
    folders.extend(Tool::WasmBindgen.find().and_then(|file| Some(file.parent()?.to_owned())));
    folders.extend(Tool::Node.find().and_then(|file| Some(file.parent()?.to_owned())));
    project.cargo(&words).path(folders)
}

/// A project in which no linker is set.
fn web(fixture: &str, name: &str) -> Project {
    Project::new(fixture, name, shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER")
}

fn new_library() {
    let project = web("tests/fixtures/stale-recipe", "new-library");
    // Below this repository, cargo would make it a member of the workspace.
    let empty = temp_folder();
    project.cargo(&["new", "--lib", "fresh-library", "--vcs", "none"]).folder(empty.path()).run().expect_success();
    let folder = empty.path().join("fresh-library");
    let before = read(folder.join("Cargo.toml"));

    let ran = tool(&project, &["build"]).folder(&folder).run().expect_success();
    assert!(last_line(&ran).ends_with("wasm32-unknown-unknown/debug/fresh_library.wasm, memory up to 1 GiB"), "{ran:?}");
    let ran = ran.expect_stderr("note: linked as a cdylib for this call; `crate-type = [\"cdylib\", \"rlib\"]`");
    assert!(ran.stdout.is_empty(), "{ran:?}");
    let module = project.module("debug", "fresh_library");
    let facts = Facts::read(&module);
    assert!(facts.memory().shared && facts.memory().import.is_some() && facts.exports("__wasm_init_tls"), "{facts:?}");
    // Nothing is written but cargo's own.
    let mut names: Vec<_> =
        fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["Cargo.lock", "Cargo.toml", "src"]);
    assert_eq!(read(folder.join("Cargo.toml")), before);
}

fn recipe_without_a_linker() {
    // All of it is there, but for the linker, so that nothing but that is added. The name is one of ours, so it stays: what was
    // built with it is not compiled anew.
    let project = Project::new("tests/fixtures/stale-recipe", "tool-recipe", shim());
    project.build(&[]).expect_success();
    let ran = tool(&project, &["build"]).run().expect_success();
    assert!(!ran.stderr_text().contains("Compiling"), "it was fresh\n{ran:?}");
    assert!(last_line(&ran).contains("stale_recipe.wasm, memory up to 1 GiB"), "{ran:?}");
    two_workers(project.module("debug", "stale_recipe")).expect_success();
    // Switched off, it is what the recipe makes today, and that is no success.
    project.touch();
    let ran = tool(&project, &["build"]).env("WASM_THREADS", "off").run().expect_code(1);
    ran.expect_stderr("error[memory-not-shared]").expect_stderr("error: not threaded: ");
}

fn variants() {
    // The recipe asks for atomics itself: that is for one of the two only.
    let project = Project::new("tests/fixtures/stale-recipe", "variants", shim());
    let ran = tool(&project, &["build", "--variants"]).run().expect_success();
    let line = last_line(&ran);
    assert!(line.ends_with("threaded/stale_recipe.wasm, memory up to 1 GiB; fallback and loader.mjs beside it"), "{ran:?}");
    let folder = built("", "wasm-threads/debug");
    Facts::read(folder.join("threaded/stale_recipe.wasm")).assert_threaded();
    Facts::read(folder.join("fallback/stale_recipe.wasm")).assert_unthreaded();
    two_workers(folder.join("threaded/stale_recipe.wasm")).expect_success();
    two_workers(folder.join("fallback/stale_recipe.wasm")).expect_code(1);

    let picked = |before: &str| {
        let text = format!(
            "{before}; const {{ url }} = await import({:?}); console.log(url('stale_recipe').pathname)",
            folder.join("loader.mjs")
        );
        let words = ["--input-type=module", "--eval", &text];
        Run::new(Tool::Node.path()).words(words).run().expect_success().stdout_text()
    };
    for threaded in ["", "globalThis.crossOriginIsolated = true"] {
        assert!(picked(threaded).ends_with("/threaded/stale_recipe.wasm\n"), "{threaded}");
    }
    for fallback in
        ["globalThis.crossOriginIsolated = false", "delete globalThis.SharedArrayBuffer", "WebAssembly.validate = () => false"]
    {
        assert!(picked(fallback).ends_with("/fallback/stale_recipe.wasm\n"), "{fallback}");
    }
    // Once more, and neither makes the other stale.
    let ran = tool(&project, &["build", "--variants"]).run().expect_success();
    assert!(!ran.stderr_text().contains("Compiling"), "{ran:?}");
}

fn program_for_javascript() {
    let project = web("tests/fixtures/stale-recipe", "program");
    fs::remove_dir_all(project.folder().join(".cargo")).expect("a configuration");
    fs::remove_file(project.folder().join("src/lib.rs")).expect("a library");
    fs::write(
        project.folder().join("Cargo.toml"),
        "[package]\nname = \"program\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    )
    .expect("a file");
    let source = "use std::sync::Mutex;\nstatic N: Mutex<u8> = Mutex::new(4);\n\
                  fn main() -> std::process::ExitCode { *N.lock().unwrap() += 1; (*N.lock().unwrap()).into() }";
    fs::write(project.folder().join("src/main.rs"), source).expect("a source");
    let ran = tool(&project, &["run"]).run().expect_code(5);
    assert!(last_line(&ran).ends_with("program.wasm, memory up to 1 GiB, run by node and a host for javascript"), "{ran:?}");
    // Its tests have nobody to run them, and that is said before anything is built.
    let ran = tool(&project, &["test"]).run().expect_code(1).expect_stderr("the tests of program have nothing to run them");
    let ran = ran.expect_stderr("cargo add --dev wasm-bindgen-test");
    assert!(!ran.stderr_text().contains("Compiling"), "{ran:?}");
    // One's own runner is asked, and told what cargo tells it.
    fs::create_dir_all(project.folder().join("my tools")).expect("a folder");
    #[cfg(unix)]
    {
        let script = b"#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 9\n";
        crate::support::recorder::write_program(&project.folder().join("my tools/run"), script);
        let config = "[target.'cfg(target_arch = \"wasm32\")']\nrunner = [\"my tools/run\", \"--\"]\n";
        fs::create_dir_all(project.folder().join(".cargo")).expect("a folder");
        fs::write(project.folder().join(".cargo/config.toml"), config).expect("a file");
        let ran = tool(&project, &["run", "word"]).run().expect_code(9);
        let module = project.module("debug", "program");
        assert_eq!(ran.stdout_text(), format!("--\n{}\nword\n", module.display()), "{ran:?}");
        assert!(last_line(&ran).ends_with("program.wasm, memory up to 1 GiB"), "{ran:?}");
    }
}

fn tests_for_javascript() {
    let project = web("tests/fixtures/wasm-bindgen-tests", "bindgen");
    let ran = tool(&project, &["test"]).run().expect_success();
    assert!(ran.stdout_text().contains("test tests::memory_is_shared ... ok"), "{ran:?}");
    // wasm-bindgen's runner finds no test in a doctest, and would pass this one, too.
    let source = project.folder().join("src/lib.rs");
    let text = String::from_utf8(read(&source)).expect("text").replace("add(1, 2), 3);\n/// ```", "add(1, 2), 4);\n/// ```");
    fs::write(&source, text).expect("a source");
    let ran = tool(&project, &["test", "--doc"]).run().expect_code(101);
    assert!((ran.stdout_text() + &ran.stderr_text()).contains("unreachable"), "{ran:?}");
    // A program of wasm-bindgen's.
    let ran = tool(&project, &["run", "--example", "hello"]).run().expect_success();
    assert_eq!(ran.stdout_text(), "hello, shared: true\n", "{ran:?}");
    // A runner of another version would stop in the middle.
    #[cfg(unix)]
    {
        let folder = temp_folder();
        let other = b"#!/bin/sh\necho wasm-bindgen-test-runner 0.2.99\n";
        crate::support::recorder::write_program(&folder.path().join("wasm-bindgen-test-runner"), other);
        let ran = tool(&project, &["test"]).path([
            folder.path(),
            cargo_wasm_threads().parent().expect("a folder"),
            Path::new("/usr/bin"),
        ]);
        ran.run()
            .expect_code(1)
            .expect_stderr("wasm-bindgen-test-runner 0.2.99 does not go with wasm-bindgen 0.2.130")
            .expect_stderr("fix: cargo install wasm-bindgen-cli --version 0.2.130");
    }
}

fn emscripten_program_runs() {
    let project = Project::new("examples/emscripten-threads", "tool-emscripten", shim());
    let debian = "target.wasm32-unknown-emscripten.rustflags=['-Clink-self-contained=no']";
    let ran = tool(&project, &["run", "--config", debian]).run().expect_success();
    assert!(ran.stdout_text().starts_with("four threads sent [0, 1, 2, 3] and added up to 10"), "{ran:?}");
    ran.expect_stderr("debug/emscripten_threads.wasm, memory up to ").expect_stderr(", run by node\n");
}
