//! `check`, where more than the module is looked at: the script that comes with it, the script that it is in, and the module as
//! it was before a tool ran over it.

use crate::support::link::cargo_wasm_threads;
use crate::support::{FLAVOR, Link, NoCore, Project, Ran, Run, Suite, Tool, read, shim, temp_folder};
use std::fs;
use std::path::{Path, PathBuf};

pub fn tests(suite: &mut Suite) {
    let rust = [Tool::Rustc, Tool::RustLld];
    let with = |tool: Tool| [Tool::Rustc, Tool::RustLld, tool];
    suite.test("after_wasm_strip", &with(Tool::Wabt), after_wasm_strip);
    suite.test("after_wasm_opt", &with(Tool::Program("wasm-opt", "binaryen")), after_wasm_opt);
    suite.test("after_nothing", &rust, after_nothing);
    suite.test("after_another_program", &rust, after_another_program);
    suite.test("after_what_cannot_be_read", &rust, after_what_cannot_be_read);
    let page = [Tool::RustcWeb, Tool::WasmLd(22), Tool::WasmBindgen];
    suite.test("wasm_bindgen_and_its_script", &page, wasm_bindgen_and_its_script);
    suite.test("emcc_and_its_script", &[Tool::Emcc], emcc_and_its_script);
    suite.test("emcc_in_one_file", &[Tool::Emcc], emcc_in_one_file);
    suite.test("scripts_that_hide", &rust, scripts_that_hide);
    suite.test("scripts_without_a_module", &[], scripts_without_a_module);
    suite.test("in_place_of_a_module", &[], in_place_of_a_module);
}

fn check() -> Run {
    Run::new(cargo_wasm_threads()).word("check")
}

/// Fails where `text` is not in the answer.
#[track_caller]
fn says(ran: &Ran, text: &str) {
    let stdout = ran.stdout_text();
    assert!(stdout.contains(text), "{text:?} is not in:\n{stdout}");
}

/// A threaded module with a thread-local, data, and a function of that name.
fn linked(folder: &Path, function: &str) -> PathBuf {
    let source = format!(
        "static mut SHARED: i32 = 7;\n#[thread_local] static mut LOCAL: i32 = 5;\n#[unsafe(no_mangle)] pub extern \"C\" fn {function}(by: \
         i32) -> i32 {{ unsafe {{ LOCAL = LOCAL + by; atomic_add(&raw mut SHARED, LOCAL) }} }}"
    );
    let object = NoCore::new(&source).threaded().object();
    let output = folder.join(format!("{function}.wasm"));
    let link = Link::shim_with(Tool::RustLld.path()).words(FLAVOR).word(object).word(format!("--export={function}"));
    link.word("-o").word(&output).run().expect_success();
    output
}

fn after_wasm_strip() {
    let folder = temp_folder();
    let before = linked(folder.path(), "work");
    let after = folder.path().join("stripped.wasm");
    fs::copy(&before, &after).expect("a copy");
    Run::new(Tool::Wabt.path().with_file_name("wasm-strip")).word(&after).run().expect_success();
    let ran = check().word("--after").word(&before).word(&after).run().expect_code(0);
    says(&ran, "threaded");
    says(&ran, "warning[lost-in-between]");
    says(&ran, "target features");
    says(&ran, "--enable-threads");
    // Where it is to be noticed, it is.
    let denied = check().words(["--deny", "lost-in-between", "--after"]).word(&before).word(&after).run();
    denied.expect_code(1);
    // Without --after nobody misses it.
    let alone = check().word(&after).run().expect_code(0).stdout_text();
    assert!(!alone.contains("lost-in-between"), "{alone}");
}

fn after_wasm_opt() {
    let folder = temp_folder();
    let before = linked(folder.path(), "work");
    let after = folder.path().join("optimized.wasm");
    let opt = Tool::Program("wasm-opt", "binaryen").path();
    Run::new(opt).words(["-O2", "-o"]).word(&after).word(&before).run().expect_success();
    let text = check().word("--after").word(&before).word(&after).run().expect_code(0).stdout_text();
    assert!(!text.contains("lost-in-between"), "{text}");
}

fn after_nothing() {
    let folder = temp_folder();
    let before = linked(folder.path(), "work");
    let ran = check().words(["--format", "json", "--after"]).word(&before).word(&before).run().expect_code(0);
    says(&ran, "\"lost-in-between\"");
    assert!(!ran.stdout_text().contains("took away"), "{ran:?}");
}

fn after_another_program() {
    let folder = temp_folder();
    let (before, after) = (linked(folder.path(), "work"), linked(folder.path(), "play"));
    let ran = check().word("--after").word(&before).word(&after).run().expect_code(1);
    says(&ran, "error[lost-in-between]");
    says(&ran, "no export in common: work before, play after");
}

fn after_what_cannot_be_read() {
    let folder = temp_folder();
    let module = linked(folder.path(), "work");
    let ran = check().words(["--after", "not-there.wasm"]).word(&module).run().expect_code(2);
    says(&ran, "not-there.wasm cannot be read");
    let two = check().word("--after").word(&module).word(&module).word(linked(folder.path(), "play")).run().expect_code(2);
    two.expect_stderr("--after compares one module with what it was made of; 2 are named");
}

fn wasm_bindgen_and_its_script() {
    let project = Project::new("tests/fixtures/required", "required-page", shim());
    project.build(&["--package", "page"]).expect_success();
    let linked = project.module("debug", "page");
    for target in ["web", "bundler"] {
        let folder = temp_folder();
        let bindgen = Run::new(Tool::WasmBindgen.path()).words(["--target", target, "--out-dir"]).word(folder.path());
        bindgen.word(&linked).run().expect_success();
        let module = folder.path().join("page_bg.wasm");
        let ran = check().word("--after").word(&linked).word(&module).run().expect_code(0);
        says(&ran, "after wasm-bindgen");
        assert!(!ran.stdout_text().contains("took away"), "{ran:?}");
        // The other way round is a slip.
        let swapped = check().word("--after").word(&module).word(&linked).run().expect_code(1);
        says(&swapped, "the first has been through wasm-bindgen, the second has not");

        let script = folder.path().join(if target == "web" { "page.js" } else { "page_bg.js" });
        let text = String::from_utf8(read(&script)).expect("a script is text");
        let made = text.find("new WebAssembly.Memory({").expect("wasm-bindgen's script makes the memory");
        let (before, rest) = text.split_at(made);
        let (limits, after) = rest.split_at(rest.find("})").expect("the limits end"));
        let edited = |from: &str, to: &str| {
            assert!(limits.contains(from), "{limits}");
            fs::write(&script, format!("{before}{}{after}", limits.replace(from, to))).expect("the script is written");
            check().word(&module).run()
        };
        let unshared = edited("shared:true", "shared:false").expect_code(1);
        says(&unshared, "error[glue-memory-not-shared]");
        let larger = edited("maximum:16384", "maximum:65536").expect_code(1);
        says(&larger, "error[glue-memory-mismatch]");
        says(&larger, "maximum: 65536");
        edited("maximum:16384", "maximum:1024").expect_code(0);
        // A page's own memory is the page's business.
        fs::write(&script, format!("{before}makeMemory({{{after}")).expect("the script is written");
        check().word(&module).run().expect_code(0);
        // And without threads no script has to make one.
        edited("shared:true", "shared:false");
        let text = check().words(["--expect", "unthreaded"]).word(&module).run().expect_code(1).stdout_text();
        assert!(text.contains("error[threaded]") && !text.contains("glue-memory"), "{text}");
    }
}

const PROGRAM: &str = "\
#ifdef ALONE
int main(void) { return 0; }
#else
#include <pthread.h>
static void *work(void *number) { ++*(int *)number; return 0; }
int main(void) {
    int number = 0;
    pthread_t thread;
    pthread_create(&thread, 0, work, &number);
    return pthread_join(thread, 0) + number;
}
#endif
";

/// Compiles the program by emcc with these words, into `output`.
fn emcc(folder: &Path, output: &str, words: &[&str]) -> PathBuf {
    fs::write(folder.join("program.c"), PROGRAM).expect("the program is written");
    let emcc = Run::new(Tool::Emcc.path()).folder(folder).env("NODE_PATH", "/usr/share/nodejs");
    emcc.words(words).words(["program.c", "-o", output]).run().expect_success();
    folder.join(output)
}

fn emcc_and_its_script() {
    let folder = temp_folder();
    let script = emcc(folder.path(), "program.js", &["-O2", "-pthread"]);
    let module = script.with_extension("wasm");
    says(&check().word(&module).run().expect_code(0), "emscripten");
    let text = String::from_utf8(read(&script)).expect("a script is text");
    let edited = text.replace("\"shared\":true", "\"shared\":false");
    assert_ne!(text, edited, "emcc's script makes the memory");
    fs::write(&script, edited).expect("the script is written");
    says(&check().word(&module).run().expect_code(1), "error[glue-memory-not-shared]");
}

fn emcc_in_one_file() {
    let folder = temp_folder();
    let threaded = emcc(folder.path(), "threaded.js", &["-O2", "-pthread", "-sSINGLE_FILE"]);
    says(&check().word(&threaded).run().expect_code(0), "emscripten");
    let unthreaded = emcc(folder.path(), "unthreaded.js", &["-O1", "-sSINGLE_FILE", "-DALONE"]);
    says(&check().word(&unthreaded).run().expect_code(1), "error[memory-not-shared]");
    check().words(["--expect", "unthreaded"]).word(&unthreaded).run().expect_code(0);
    // The script around it makes the memory.
    let text = String::from_utf8(read(&threaded)).expect("a script is text");
    fs::write(&threaded, text.replace("\"shared\":true", "\"shared\":false")).expect("the script is written");
    says(&check().word(&threaded).run().expect_code(1), "error[glue-memory-not-shared]");
}

/// Names and texts by which a script hides what it makes, or a module is taken for a script.
fn scripts_that_hide() {
    let folder = temp_folder();
    let module = linked(folder.path(), "work");
    // What is in a module's data is no script.
    let other = folder.path().join("work.so");
    let mut bytes = read(&module);
    let text = b"new WebAssembly.Memory({initial:1})";
    bytes.extend([0, text.len() as u8 + 2, 1, b'x']);
    bytes.extend(text);
    fs::write(&other, bytes).expect("a module");
    check().word(&other).run().expect_code(0);
    // A page may have two scripts, and the second a module that is none.
    let page = folder.path().join("two.html");
    let good = base64(&read(&module));
    let uri = |module: &str| format!("<script>x = 'data:application/octet-stream;base64,{module}'</script>\n");
    fs::write(&page, uri(&good) + &uri("AGFzbQEAAAA=")).expect("a page");
    let ran = check().word(&page).run().expect_code(1);
    says(&ran, "module 1");
    says(&ran, "error[memory-missing]");
    fs::write(&page, uri(&good) + &uri(&good)).expect("a page");
    check().word(&page).run().expect_code(0);
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        let letter = |at: usize| {
            if at <= chunk.len() { char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]) } else { '=' }
        };
        (0..4).map(letter).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn scripts_without_a_module() {
    let folder = temp_folder();
    for name in ["a.js", "a.mjs", "a.html"] {
        let script = folder.path().join(name);
        fs::write(&script, "const x = 'data:application/octet-stream;base64,AGFzb';").expect("a script");
        let ran = check().word(&script).run().expect_code(2);
        says(&ran, "name the *.wasm");
    }
    // A folder is looked through for modules alone.
    let ran = check().word(folder.path()).run().expect_code(2);
    ran.expect_stderr("there is no *.wasm in");
}

fn in_place_of_a_module() {
    let folder = temp_folder();
    let file = folder.path().join("a.wasm");
    for (contents, text) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n"[..], "git lfs pull"),
        (b"<!DOCTYPE html><title>404</title>", "a page"),
        (b"<HTML>", "a page"),
        (b"(module)", "wat2wasm"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"\0asx\x01\0\0\0", "not a WebAssembly file"),
    ] {
        fs::write(&file, contents).expect("a file");
        says(&check().word(&file).run().expect_code(2), text);
    }
}
