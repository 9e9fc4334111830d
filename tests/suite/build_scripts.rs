//! What stands in a package: `build.rs`, `required!`, C objects; with the shim and without it.

use crate::support::{Facts, Project, Run, Suite, THREADED, Tool, shim, temp_folder, two_workers};
use std::path::Path;
use wasm_threads::module::Module;

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22)];
const C_NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Clang, Tool::LlvmAr, Tool::Node];

/// Replaces `rustflags` in the fixture's config: everything is compiled without atomics.
const LOST: (&str, &str) = ("RUSTFLAGS", "--cfg lost");

pub fn tests(suite: &mut Suite) {
    suite.test("threaded_is_right_whoever_links", NEEDS, threaded_is_right_whoever_links);
    suite.test("threaded_without_atomics_is_refused", NEEDS, threaded_without_atomics_is_refused);
    suite.test("unthreaded_and_off", NEEDS, unthreaded_and_off);
    suite.test("a_dependency_cannot_say_it_in_its_build_script", NEEDS, a_dependency_cannot_say_it_in_its_build_script);
    suite.test("required_travels_from_a_dependency", NEEDS, required_travels_from_a_dependency);
    suite.test("required_by_a_wrong_dependent", NEEDS, required_by_a_wrong_dependent);
    suite.test("required_through_lto", NEEDS, required_through_lto);
    suite.test("required_in_bitcode", NEEDS, required_in_bitcode);
    suite.test("required_through_wasm_bindgen", &[NEEDS, &[Tool::WasmBindgen]].concat(), required_through_wasm_bindgen);
    suite.test("cc_links_and_runs", C_NEEDS, cc_links_and_runs);
    suite.test("plain_cc_is_refused_and_explained", C_NEEDS, plain_cc_is_refused_and_explained);
    suite.test("verify_judges_a_linked_module", NEEDS, verify_judges_a_linked_module);
}

fn threaded_is_right_whoever_links() {
    let project = Project::new("tests/fixtures/build-script", "threaded", shim());
    let assert_threaded = |project: &Project, profile: &str| {
        let facts = Facts::read(project.module(profile, "states_its_need"));
        facts.assert_threaded();
        assert_eq!(facts.memory().maximum, Some(512 << 4), "512 MiB in pages");
        assert!(facts.exports("my_symbol"));
    };
    project.build(&[]).expect_success();
    assert_threaded(&project, "debug");
    project.build(&["--profile", "lto"]).expect_success();
    assert_threaded(&project, "lto");
    let project = project.linker(Tool::WasmLd(22).path());
    project.touch().build(&[]).expect_success();
    assert_threaded(&project, "debug");
    project.touch().build(&["--profile", "lto"]).expect_success();
    assert_threaded(&project, "lto");
}

fn threaded_without_atomics_is_refused() {
    let project = Project::new("tests/fixtures/build-script", "threaded-lost", shim()).env(LOST.0, LOST.1);
    // The words for the linker are all there, and so it refuses by itself: nothing was compiled with atomics.
    project.build(&[]).expect_code(101).expect_stderr("RUSTFLAGS in the environment replaces `rustflags`");
}

fn unthreaded_and_off() {
    let project = Project::new("tests/fixtures/build-script", "unthreaded", shim()).env("NEED", "unthreaded");
    let refused = project.build(&[]).expect_code(101).expect_stderr("error[threaded]");
    refused.expect_stderr("the build script of the package");
    let project = project.env("NEED", "off");
    project.build(&[]).expect_success();
    Facts::read(project.module("debug", "states_its_need")).assert_unthreaded();
    // Any linker accepts what they say.
    for need in ["unthreaded", "off"] {
        let project = Project::new("tests/fixtures/build-script", "unthreaded-bare", Tool::WasmLd(22).path());
        project.env("NEED", need).build(&[]).expect_success();
    }
    let project = Project::new("tests/fixtures/build-script", "unthreaded-lost", shim()).env("NEED", "unthreaded");
    project.env(LOST.0, LOST.1).build(&[]).expect_success();
}

fn a_dependency_cannot_say_it_in_its_build_script() {
    let project = Project::new("tests/fixtures/build-script", "in-vain", Tool::WasmLd(22).path());
    project.build(&["--package", "user"]).expect_success();
    Facts::read(project.module("debug", "user")).assert_unthreaded();
}

fn required_travels_from_a_dependency() {
    let project = Project::new("tests/fixtures/required", "required", shim());
    project.build(&[]).expect_success();
    let facts = Facts::read(project.module("debug", "app"));
    facts.assert_threaded();
    // Where the atomics are lost, the crate is named: by the linker's folder of objects, extracted or not.
    let lost = Project::new("tests/fixtures/required", "required-lost", shim()).env(LOST.0, LOST.1);
    let refused = lost.build(&[]).expect_code(101).expect_stderr("error[not-threaded]");
    refused.expect_stderr("must be threaded, says `leaf`");
    // A linker that knows nothing of it links as ever.
    let bare = Project::new("tests/fixtures/required", "required-lost", Tool::WasmLd(22).path()).env(LOST.0, LOST.1);
    bare.build(&[]).expect_success();
}

/// Another program with the same library, whose own recipe has lost `+atomics`.
fn required_by_a_wrong_dependent() {
    let wrong = Project::new("tests/fixtures/required-wrong", "required-wrong", shim());
    let refused = wrong.build(&[]).expect_code(101).expect_stderr("error[not-threaded]");
    refused.expect_stderr("must be threaded, says `leaf`");
    // Any other linker makes a module of it, which runs on one thread.
    wrong.linker(Tool::WasmLd(22).path()).build(&[]).expect_success();
}

fn required_through_lto() {
    let project = Project::new("tests/fixtures/required", "required-lto", shim());
    project.build(&["--profile", "lto"]).expect_success();
    Facts::read(project.module("lto", "app")).assert_threaded();
    let lost = Project::new("tests/fixtures/required", "required-lto-lost", shim()).env(LOST.0, LOST.1);
    let refused = lost.build(&["--profile", "lto"]).expect_code(101).expect_stderr("error[not-threaded]");
    refused.expect_stderr("must be threaded, says `leaf`");
}

/// The linker has to be asked, and the need has to be found in what only LLVM can read.
fn required_in_bitcode() {
    let project = Project::new("tests/fixtures/required", "required-bitcode", shim());
    let project = project.env("RUSTFLAGS", "--cfg lost -Clinker-plugin-lto");
    let refused = project.build(&[]).expect_code(101).expect_stderr("error[not-threaded]");
    refused.expect_stderr("must be threaded, says `leaf`");
}

/// The need is still in the module that goes to a page, for whoever checks it there.
fn required_through_wasm_bindgen() {
    let project = Project::new("tests/fixtures/required", "required-page", shim());
    project.build(&["--package", "page"]).expect_success();
    let linked = project.module("debug", "page");
    let needs = |path: &Path| Module::read(&std::fs::read(path).expect("a module")[..]).expect("a module").needs;
    assert_eq!(needs(&linked), ["leaf"]);
    let folder = temp_folder();
    let bindgen = Run::new(Tool::WasmBindgen.path()).words(["--target", "web", "--out-dir"]).word(folder.path());
    bindgen.word(&linked).run().expect_success();
    assert_eq!(needs(&folder.path().join("page_bg.wasm")), ["leaf"]);
}

fn cc_links_and_runs() {
    let project = Project::new("tests/fixtures/c-object", "c-object", shim());
    project.build(&[]).expect_success();
    let module = project.module("debug", "c_object");
    Facts::read(&module).assert_threaded();
    let runs = || {
        let said = two_workers(&module).expect_success().stdout_text();
        assert!(said.contains(r#""counter":[100,60100,60100,60100]"#), "{said}");
        assert!(said.contains(r#""first":[7,7,7],"then":[11,22,33]"#), "{said}");
    };
    runs();
    // Without the shim the flags are the user's own affair; the object is right as it is.
    let project = project.linker(Tool::WasmLd(22).path());
    let flags = THREADED.map(|flag| format!("-Clink-arg={flag}"));
    let mut words = vec!["rustc", "--target", "wasm32-unknown-unknown", "--"];
    words.extend(flags.iter().map(String::as_str));
    project.touch().cargo(&words).run().expect_success();
    Facts::read(&module).assert_threaded();
    runs();
}

fn plain_cc_is_refused_and_explained() {
    let project = Project::new("tests/fixtures/c-object", "c-object-plain", shim()).env("PLAIN_CC", "1");
    let refused = project.build(&[]).expect_code(101).expect_stderr("--shared-memory is disallowed by ");
    refused.expect_stderr("of the crate `c-object` was compiled without atomics").expect_stderr("wasm_threads::cc()");
}

fn verify_judges_a_linked_module() {
    let project = Project::new("tests/fixtures/stale-recipe", "verify", shim());
    project.build(&[]).expect_success();
    let module = project.module("debug", "stale_recipe");
    assert_eq!(wasm_threads::verify(module.as_path()), Ok(()));
    let project = project.linker(Tool::WasmLd(22).path());
    project.touch().build(&[]).expect_success();
    let bytes = std::fs::read(&module).expect("a module");
    let refused = wasm_threads::verify(&bytes).expect_err("an unthreaded module");
    let rules: Vec<&str> = refused.findings.iter().map(|finding| finding.rule.id).collect();
    assert_eq!(rules, ["memory-not-shared", "active-data-segment"]);
}
