//! The main job: a recipe of 2023, unchanged, with the shim and without it.

use crate::support::{Facts, Project, Recorder, Run, Suite, Tool, shim, temp_folder, two_workers};
use std::path::Path;

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("stale_recipe_in_debug", NEEDS, || stale_recipe("debug", &[]));
    suite.test("stale_recipe_in_release", NEEDS, || stale_recipe("release", &["--release"]));
    suite.test("binary_and_example_and_test", NEEDS, other_kinds_of_crates);
    suite.test("cargo_does_not_relink_for_a_variable", NEEDS, cargo_does_not_relink_for_a_variable);
    suite.test("flags_lost_to_rustflags", NEEDS, flags_lost_to_rustflags);
    suite.test("prebuilt_std_is_explained", NEEDS, prebuilt_std_is_explained);
    suite.test("doctests", NEEDS, doctests);
}

fn stale_recipe(profile: &str, words: &[&str]) {
    let bare = Tool::WasmLd(22).path();
    let project = Project::new("tests/fixtures/stale-recipe", &format!("stale-recipe-{profile}"), bare);

    // Without the shim it links without a word, and is not threaded.
    project.build(words).expect_success();
    let module = project.module(profile, "stale_recipe");
    Facts::read(&module).assert_unthreaded();
    two_workers(&module).expect_code(1).expect_stderr("not threaded: it has a memory of its own");

    // With it, and nothing else changed, it is.
    let project = project.linker(shim());
    project.touch().build(words).expect_success();
    let facts = Facts::read(&module);
    facts.assert_threaded();
    let memory = facts.memory();
    assert_eq!((memory.import.as_deref(), memory.minimum, memory.maximum), (Some("env.memory"), 17, Some(16_384)));
    for export in ["__heap_base", "__data_end", "__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base"] {
        assert!(facts.exports(export), "{export} is not exported");
    }
    let said = two_workers(&module).expect_success().stdout_text();
    // The counter begins at 100, and each of three threads adds 20 000; each sets its own thread-local.
    assert!(said.contains(r#""counter":[100,60100,60100,60100]"#), "{said}");
    assert!(said.contains(r#""first":[7,7,7],"then":[11,22,33]"#), "{said}");
}

fn other_kinds_of_crates() {
    let project = Project::new("tests/fixtures/stale-recipe", "kinds", shim());
    let write = |path: &str, text: &str| {
        let path = project.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(path, text).expect("a source");
    };
    write("src/main.rs", "fn main() { println!(\"{}\", std::thread::available_parallelism().is_ok()); }\n");
    write("examples/one.rs", "fn main() { std::hint::black_box(vec![1; 10]); }\n");
    project.build(&["--bins", "--examples"]).expect_success();
    Facts::read(project.module("debug", "stale-recipe")).assert_threaded();
    Facts::read(project.module("debug", "examples/one")).assert_threaded();
}

fn cargo_does_not_relink_for_a_variable() {
    let project = Project::new("tests/fixtures/stale-recipe", "relink", shim());
    project.build(&[]).expect_success();
    // The variable alone: cargo calls everything fresh, and the link that would fail does not happen.
    let project = project.env("WASM_THREADS", "unthreaded");
    let fresh = project.build(&["--verbose"]).expect_success();
    fresh.expect_stderr("Fresh stale-recipe");
    // The same after a change of the source: now it is linked, and refused.
    project.touch().build(&[]).expect_code(101).expect_stderr("error[threaded]");
    // The option, in cargo's own words, is linked at once.
    let project = Project::new("tests/fixtures/stale-recipe", "relink", shim());
    project.build(&[]).expect_success();
    let refused = project.cargo(&["rustc", "--target", "wasm32-unknown-unknown", "--", "-Clink-arg=--wasm-threads=unthreaded"]);
    refused.run().expect_code(101).expect_stderr("the option --wasm-threads=");
    // And where a build script asks for it, cargo does notice.
    let project = Project::new("tests/fixtures/build-script", "relink-asked", shim());
    project.build(&[]).expect_success();
    project.build(&["--verbose"]).expect_success().expect_stderr("Fresh states-its-need");
    let refused = project.env("WASM_THREADS", "off").build(&["--verbose"]).expect_success();
    refused.expect_stderr("Dirty states-its-need v0.1.0").expect_stderr("the env variable WASM_THREADS changed");
}

/// `RUSTFLAGS` replaces `rustflags` in cargo's config, `+atomics` with it: silent, unless the need is stated.
fn flags_lost_to_rustflags() {
    let project = Project::new("tests/fixtures/stale-recipe", "lost", shim()).env("RUSTFLAGS", "--cfg lost");
    project.build(&[]).expect_success();
    Facts::read(project.module("debug", "stale_recipe")).assert_unthreaded();
    let project = project.env("WASM_THREADS", "threaded");
    let refused = project.touch().build(&[]).expect_code(101).expect_stderr("error[not-threaded]");
    refused.expect_stderr("RUSTFLAGS in the environment replaces `rustflags`");
}

/// A sysroot with a `std` that was compiled without atomics, as rustup installs it, and a crate with them.
fn prebuilt_std_is_explained() {
    let recorder = Recorder::new(Tool::WasmLd(22).path());
    let project = Project::new("tests/fixtures/stale-recipe", "prebuilt", recorder.linker()).env("RUSTFLAGS", "--cfg lost");
    project.build(&[]).expect_success();
    let sysroot = temp_folder();
    let libraries = sysroot.path().join("lib/rustlib/wasm32-unknown-unknown/lib");
    std::fs::create_dir_all(&libraries).expect("a folder");
    for word in recorder.only_run() {
        let path = Path::new(&word);
        if path.extension().is_some_and(|extension| extension == "rlib") {
            std::fs::copy(path, libraries.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    let rustc = Run::new(Tool::RustcWeb.path()).env("RUSTC_BOOTSTRAP", "1").folder(project.folder());
    let words =
        ["--target", "wasm32-unknown-unknown", "--crate-type", "cdylib", "-Cpanic=abort", "src/lib.rs", "-o", "out.wasm"];
    let build =
        rustc.word("--sysroot").word(sysroot.path()).words(words).words(["-C", &format!("linker={}", shim().display())]);
    // As it is, it links, and is not threaded; with atomics in the crate alone, it must not.
    build.run().expect_success();
    Facts::read(project.folder().join("out.wasm")).assert_unthreaded();
    let refused = build.word("-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals").run().expect_code(1);
    refused
        .expect_stderr("--shared-memory is disallowed by ")
        .expect_stderr("Rust's own `")
        .expect_stderr("-Zbuild-std=std,panic_abort");
}

/// rustdoc takes its flags from elsewhere: without them a doctest is an object without atomics among crates that have them.
/// It passes with a bare linker, and must pass with ours; told that it has to be threaded, it must not.
fn doctests() {
    let recorder = Recorder::new(Tool::WasmLd(22).path());
    let project = Project::new("tests/fixtures/doctests", "doctests", shim())
        .env("WASM_THREADS_LINKER", &recorder.linker().to_string_lossy())
        // They are linked, and not run: no host here knows how to call a doctest's `main`.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "true");
    let test = |project: &Project| project.cargo(&["test", "--doc", "--target", "wasm32-unknown-unknown"]).run();

    test(&project).expect_success();
    let unflagged = recorder.runs();
    assert!(!unflagged.is_empty(), "no doctest was linked");
    assert!(unflagged.iter().flatten().all(|word| word != "--shared-memory"), "{unflagged:?}");

    let project = project.env("WASM_THREADS", "threaded");
    let refused = test(&project).expect_code(101);
    let said = refused.stdout_text() + &refused.stderr_text();
    assert!(said.contains("error[not-threaded]") && said.contains("RUSTDOCFLAGS"), "{said}");

    let flags = "-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals";
    test(&project.env("RUSTDOCFLAGS", flags)).expect_success();
    let flagged = recorder.runs().split_off(unflagged.len());
    assert!(!flagged.is_empty(), "no doctest was linked");
    assert!(flagged.iter().all(|run| run.iter().any(|word| word == "--shared-memory")), "{flagged:?}");
}
