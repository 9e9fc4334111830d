//! Programs and libraries of Rust, with a std that is compiled for them.

use super::{assert_threaded, node};
use crate::support::{Facts, NoCore, Project, Ran, Run, Suite, Tool, built, objects, shim};
use std::fs;
use std::path::Path;

const TARGET: &str = "wasm32-unknown-emscripten";

/// The flag that Debian's rustc needs, since it brings no linker of its own; added to those of the project.
const DEBIAN: &str = "target.wasm32-unknown-emscripten.rustflags=[\"-Clink-self-contained=no\"]";

pub fn tests(suite: &mut Suite) {
    let rust = [Tool::RustcWeb, Tool::Emcc, Tool::Node];
    suite.test("example_in_debug", &rust, || example("debug", &[]));
    suite.test("example_in_release", &rust, || example("release", &["--release"]));
    suite.test("proxy_to_pthread", &rust, proxy_to_pthread);
    suite.test("recipe_of_2021", &rust, recipe_of_2021);
    suite.test("rust_and_c", &rust, rust_and_c);
    suite.test("rust_side_module", &rust, rust_side_module);
    suite.test("std_without_atomics", &rust, std_without_atomics);
    suite.test("debian_has_no_self_contained_linker", &[Tool::RustcWeb, Tool::Emcc], debian_has_no_self_contained_linker);
    let all = [Tool::Rustc, Tool::RustLld, Tool::Emcc];
    suite.test("one_setting_for_all_targets", &all, one_setting_for_all_targets);
}

fn project(fixture: &str, name: &str, linker: impl AsRef<Path>) -> Project {
    Project::new(fixture, name, linker).env("WASM_THREADS_LINKER", &Tool::Emcc.path().to_string_lossy())
}

fn build(project: &Project, words: &[&str]) -> Ran {
    project.cargo(&[&["build", "--config", DEBIAN], words].concat()).run()
}

/// `cargo rustc` with more words for the linker of the fixture.
fn rustc(project: &Project, link_args: &[&str]) -> Ran {
    let flags: Vec<String> = link_args.iter().map(|arg| format!("-Clink-arg={arg}")).collect();
    let words = ["rustc", "--config", DEBIAN, "--"].into_iter().chain(flags.iter().map(String::as_str));
    project.cargo(&words.collect::<Vec<_>>()).run()
}

fn example(profile: &str, words: &[&str]) {
    let name = "emscripten-threads";
    // Its own config names the linker, by the name that `cargo install` gives it.
    let project = project("examples/emscripten-threads", &format!("{name}-{profile}"), Tool::Emcc.path());
    let config = fs::read_to_string(project.folder().join(".cargo/config.toml")).expect("a config");
    assert!(config.contains("linker = \"wasm-threads-linker\"") && !config.contains("-pthread"), "{config}");
    let script = built(TARGET, profile).join("deps/emscripten_threads.js");

    // By emcc itself it links without a word, and fails where it starts a thread.
    build(&project, words).expect_success();
    let failed = node(&script).run();
    assert!(!failed.success() && !failed.stdout_text().contains("added"), "{failed:?}");

    let project = project.linker(shim());
    project.touch();
    build(&project, words).expect_success();
    assert_threaded(&script.with_extension("wasm"));
    let said = node(&script).run().expect_success();
    let want = "four threads sent [0, 1, 2, 3] and added up to 10; main's own is still 1\n\
                a thread's panic came back: as it should\n";
    assert_eq!(said.stdout_text(), want);
    let readme = fs::read_to_string(project.folder().join("README.md")).expect("a README");
    assert!(readme.contains(want), "the README shows what it prints");

    // What its README warns of: cargo does not know the third file.
    let twin = built(TARGET, profile).join(name).with_extension("js");
    node(twin).run_or_kill().expect_stderr("emscripten_threads.worker.js");
}

fn proxy_to_pthread() {
    let project = project("tests/fixtures/emscripten", "emscripten-proxy", shim());
    // emcc's 16 MiB, which never grow, are too few for main's stack as a thread and three more.
    rustc(&project, &["-sPROXY_TO_PTHREAD", "-sEXIT_RUNTIME", "-sINITIAL_MEMORY=67108864"]).expect_success();
    runs_the_fixture();
}

/// As it was written in 2021: everything for threads by hand, for a rustc and an emcc of that time. Nothing is added.
fn recipe_of_2021() {
    let project = project("tests/fixtures/emscripten", "emscripten-2021", shim());
    let config = project.folder().join(".cargo/config.toml");
    let text = fs::read_to_string(&config).expect("a config").replace(
        "rustflags = [\"-Ctarget-feature=+atomics\"]",
        "rustflags = [\"-C\", \"target-feature=+atomics,+bulk-memory\", \"-C\", \"link-args=-pthread -s PROXY_TO_PTHREAD -s EXIT_RUNTIME -s INITIAL_MEMORY=67108864\"]",
    );
    fs::write(&config, text).expect("a config can be written");
    let recorder = crate::support::Recorder::new(Tool::Emcc.path());
    let project = project.env("WASM_THREADS_LINKER", &recorder.linker().to_string_lossy());
    build(&project, &[]).expect_success();
    let words = recorder.only_run();
    assert_eq!(words.iter().filter(|word| *word == "-pthread").count(), 1, "{words:?}");
    assert!(words.windows(2).any(|pair| pair[0] == "-s" && pair[1] == "PROXY_TO_PTHREAD"), "{words:?}");
    runs_the_fixture();
}

fn rust_and_c() {
    let project = project("tests/fixtures/emscripten", "emscripten-c", shim());
    rustc(&project, &["-sPTHREAD_POOL_SIZE=3", "-sEXIT_RUNTIME"]).expect_success();
    runs_the_fixture();
    // C that knows nothing of threads is refused, and named.
    let project = project.env("PLAIN_CC", "1");
    let refused = rustc(&project, &["-sPTHREAD_POOL_SIZE=3", "-sEXIT_RUNTIME"]).expect_code(101);
    refused
        .expect_stderr("the C or C++ object")
        .expect_stderr("of the crate `emscripten` was compiled without atomics")
        .expect_stderr("CFLAGS_wasm32_unknown_emscripten = \"-pthread\"");
}

/// What rustc makes of a `cdylib`: without `-pthread`, it would import a memory that is not shared, in silence.
fn rust_side_module() {
    let project = project("tests/fixtures/emscripten", "emscripten-side", Tool::Emcc.path());
    let source = "use std::sync::atomic::{AtomicU32, Ordering};\nstatic COUNT: AtomicU32 = AtomicU32::new(7);\n\
                  #[unsafe(no_mangle)]\npub extern \"C\" fn side(by: u32) -> u32 { COUNT.fetch_add(by, Ordering::SeqCst) }\n";
    fs::write(project.folder().join("src/lib.rs"), source).expect("a source can be written");
    let manifest = project.folder().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest") + "\n[lib]\nname = \"side\"\ncrate-type = [\"cdylib\"]\n";
    fs::write(&manifest, text).expect("a manifest can be written");
    build(&project, &["--lib"]).expect_success();
    let module = built(TARGET, "debug").join("side.wasm");
    assert!(!Facts::read(&module).memory().shared);
    let project = project.linker(shim());
    project.touch();
    build(&project, &["--lib"]).expect_success();
    assert_threaded(&module);
}

fn runs_the_fixture() {
    let script = built(TARGET, "debug").join("deps/emscripten.js");
    assert_threaded(&script.with_extension("wasm"));
    let said = node(script).run().expect_success().stdout_text();
    assert_eq!(said, "counter 6100, thread-locals [8, 9, 10], main's 7\n");
}

/// `+atomics` for the crate alone: `-Zbuild-std` took its flags from elsewhere.
fn std_without_atomics() {
    let project = project("examples/emscripten-threads", "emscripten-std", shim());
    let config = project.folder().join(".cargo/config.toml");
    let text = fs::read_to_string(&config).expect("a config").replace("rustflags = [\"-Ctarget-feature=+atomics\"]", "");
    fs::write(&config, text).expect("a config can be written");
    let words = ["rustc", "--config", DEBIAN, "--", "-Ctarget-feature=+atomics"];
    let refused = project.cargo(&words).run().expect_code(101);
    refused
        .expect_stderr("--shared-memory is disallowed by ")
        .expect_stderr("Rust's own `")
        .expect_stderr("cargo +nightly build --target wasm32-unknown-emscripten -Zbuild-std=std,panic_abort");
    // Without the shim it links, and nobody is the wiser.
    let project = project.linker(Tool::Emcc.path());
    project.touch().cargo(&words).run().expect_success();
}

/// Debian's rustc looks for a linker that Debian does not ship, before it calls any; the example's README says what to do.
fn debian_has_no_self_contained_linker() {
    let folder = crate::support::temp_folder();
    fs::write(folder.path().join("a.rs"), "#![no_core]\n#![feature(no_core)]\n").expect("a source");
    let rustc = Run::new(Tool::RustcWeb.path()).env("RUSTC_BOOTSTRAP", "1").folder(folder.path());
    let words = ["--target", TARGET, "--crate-type=cdylib", "a.rs", "--print=link-args"];
    let with = |more: &[&str]| rustc.clone().words(words).words(more).word(format!("-Clinker={}", shim().display())).run();
    let refused = with(&[]);
    if refused.stderr_text().contains("requires `sized` lang_item") {
        panic!("the source has to satisfy the compiler first\n{refused:?}");
    }
    let said = refused.expect_code(1).stderr_text();
    assert!(said.contains("the self-contained linker was requested, but it wasn't found"), "{said}");
    let readme = crate::support::read(crate::support::repository().join("examples/emscripten-threads/README.md"));
    assert!(String::from_utf8_lossy(&readme).contains("-Clink-self-contained=no"));
}

/// One line of config for every target of WebAssembly: each goes to the linker that is its own.
fn one_setting_for_all_targets() {
    let folder = crate::support::temp_folder();
    let path = |name: &str| folder.path().join(name);
    for name in ["src", ".cargo"] {
        fs::create_dir(path(name)).expect("a folder");
    }
    let flags = NoCore::new(objects::ATOMIC).threaded().write(&path("src/lib.rs"));
    let manifest = "[workspace]\n[package]\nname = \"all\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
                    [profile.dev]\npanic = \"abort\"\ndebug = false\noverflow-checks = false\n";
    fs::write(path("Cargo.toml"), manifest).expect("a manifest");
    let flags: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    let config = format!(
        "[target.'cfg(target_family = \"wasm\")']\nlinker = {:?}\nrustflags = [{}]\n",
        shim().display().to_string(),
        flags.join(", ")
    );
    fs::write(path(".cargo/config.toml"), config).expect("a config");
    for (target, maximum) in [("wasm32-unknown-unknown", 16_384), (TARGET, 65_536)] {
        let cargo = Run::new(Tool::Rustc.path().with_file_name("cargo")).words(["build", "--target", target]);
        let mut folders = vec![Tool::Rustc.path().with_file_name(""), "/usr/bin".into()];
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let run = cargo.folder(folder.path()).path(folders).env("RUSTC_BOOTSTRAP", "1").env("NODE_PATH", "/usr/share/nodejs");
        run.run().expect_success();
        let module = path("target").join(target).join("debug/all.wasm");
        assert_threaded(&module);
        assert_eq!(Facts::read(&module).memory().maximum, Some(maximum), "{target}");
    }
}
