//! What is asked, and what is answered.

use super::{check, checked, good, stale, wat, write};
use crate::contract::encoded::{Sample, Thing, memory};
use crate::support::link::cargo_wasm_threads;
use crate::support::{Run, Suite, Tool, golden, read, repository, temp_folder};
use std::fs;
use std::path::Path;
use wasm_threads::rules;

pub fn tests(suite: &mut Suite) {
    suite.test("text", &[], text);
    suite.test("worst_of_all_is_the_answer", &[], worst_of_all_is_the_answer);
    suite.test("usage", &[], usage);
    suite.test("explain", &[], explain);
    suite.test("readme_names_every_rule", &[], readme_names_every_rule);
    suite.test("folders", &[], folders);
    suite.test("expectations", &[], expectations);
    suite.test("patterns", &[], patterns);
    suite.test("levels", &[], levels);
    suite.test("abi_and_stage_can_be_stated", &[], abi_and_stage_can_be_stated);
    suite.test("wasi_that_starts_no_thread", &[], wasi_that_starts_no_thread);
    suite.test("what_cannot_be_answered_hides_nothing", &[], what_cannot_be_answered_hides_nothing);
    suite.test("components", &[], components);
    #[cfg(unix)]
    {
        suite.test("the_line_of_the_readme", &[], unix::the_line_of_the_readme);
        suite.test("links", &[], unix::links);
        suite.test("folders_that_cannot_be_read", &[Tool::Program("setpriv", "util-linux")], unix::folders_that_cannot_be_read);
        suite.test("colour", &[Tool::Program("python3", "python3")], unix::colour);
        suite.test("nobody_listens", &[], unix::nobody_listens);
    }
}

fn text() {
    let folder = temp_folder();
    let mut processed = Sample::new();
    processed.after_wasm_bindgen();
    write(folder.path(), "dist/app_bg.wasm", &processed.bytes());
    write(folder.path(), "dist/app.wasm", &good());
    write(folder.path(), "dist/stale.wasm", &stale());
    write(folder.path(), "dist/cut.wasm", &good()[..100]);
    let ran = checked(folder.path(), &["dist"], 2);
    golden::check("check/text", &ran.stdout_text(), &[]);
    let ran = checked(folder.path(), &["dist/app.wasm"], 0);
    assert_eq!(ran.stdout_text(), "dist/app.wasm: threaded (javascript, linked)\n");
    let ran = checked(folder.path(), &["dist/app_bg.wasm"], 0);
    assert_eq!(ran.stdout_text(), "dist/app_bg.wasm: threaded (javascript, after wasm-bindgen)\n");
}

fn worst_of_all_is_the_answer() {
    let folder = temp_folder();
    write(folder.path(), "good.wasm", &good());
    write(folder.path(), "stale.wasm", &stale());
    write(folder.path(), "text.wasm", b"no module");
    for (files, code) in [
        (&["good.wasm"][..], 0),
        (&["stale.wasm"], 1),
        (&["text.wasm"], 2),
        (&["none.wasm"], 2),
        (&["good.wasm", "good.wasm"], 0),
        (&["stale.wasm", "good.wasm"], 1),
        (&["none.wasm", "good.wasm"], 2),
        (&["none.wasm", "stale.wasm"], 2),
        (&["stale.wasm", "text.wasm", "good.wasm"], 2),
    ] {
        for format in ["text", "json", "github", "sarif"] {
            checked(folder.path(), &[&["--format", format], files].concat(), code);
        }
    }
    // Each of them is told, whatever the others are.
    let text = checked(folder.path(), &["none.wasm", "stale.wasm", "good.wasm"], 2).stdout_text();
    for line in ["none.wasm: could not be decided", "stale.wasm: not threaded", "good.wasm: threaded"] {
        assert!(text.lines().any(|said| said.starts_with(line)), "{line}\n{text}");
    }
    assert!(text.contains("\n\n3 files: 1 as expected, 1 not, 1 could not be decided\n"), "{text}");
    assert!(text.ends_with("\nMore about a rule: cargo wasm-threads check --explain unreadable\n"), "{text}");
    // Once, by whatever name.
    let text = checked(folder.path(), &["good.wasm", "./good.wasm"], 0).stdout_text();
    assert_eq!(text, "good.wasm: threaded (javascript, linked)\n");
}

fn usage() {
    let folder = temp_folder();
    write(folder.path(), "a.wasm", &good());
    let help = check(folder.path()).word("--help").run().expect_success();
    let text = help.stdout_text();
    assert!(text.contains("\nExamples:\n") && text.contains("\nExit status: 0 ") && help.stderr.is_empty(), "{help:?}");
    assert!(text.lines().all(|line| line.len() <= 84), "{text}");
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    write(folder.path(), "other/x.txt", b"");
    for (words, problem) in [
        ("", "which files? none were named"),
        ("a.wasm --format xml", "--format is one of text, json, github, sarif; \"xml\" is none"),
        ("a.wasm --expect", "--expect wants a value"),
        ("a.wasm --frobnicate", "check does not take \"--frobnicate\""),
        ("a.wasm --deny no-such-rule", "there is no rule \"no-such-rule\""),
        ("a.wasm --allow unreadable", "cannot be decided, at any level"),
        ("--explain nothing", "error: there is no rule \"nothing\"; the rules are\n  unreadable "),
        ("--explain memory-not-share", "there is no rule \"memory-not-share\"; near it: memory-not-shared, "),
        ("--deny memory-not-share a.wasm", "--deny: there is no rule \"memory-not-share\"; near it: memory-not-shared, "),
        ("--threaded a[ a.wasm", "is no pattern"),
        ("--abi wasi-threads --stage after-wasm-bindgen a.wasm", "leave --abi or --stage out"),
        // A gate that looks at nothing must not stand open.
        ("empty", "there is no *.wasm in empty"),
        ("other", "there is no *.wasm in other"),
        ("--threaded mt/*.wasm a.wasm", "--threaded \"mt/*.wasm\" is for no module"),
        ("--unthreaded *.st.wasm a.wasm", "--unthreaded \"*.st.wasm\" is for no module"),
        ("--threaded a.* --unthreaded *.wasm a.wasm", "a.wasm is both, by --threaded and by --unthreaded"),
    ] {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let ran = check(folder.path()).words(words).run().expect_code(2).expect_stderr(problem);
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    // A file's name may look like an option.
    write(folder.path(), "--x.wasm", &good());
    checked(folder.path(), &["--", "--x.wasm"], 0);
}

fn explain() {
    let folder = temp_folder();
    for rule in rules::ALL {
        let page = read(repository().join("src/rules").join(format!("{}.md", rule.id)));
        let ran = checked(folder.path(), &["--explain", rule.id], 0);
        assert_eq!(ran.stdout_text(), String::from_utf8_lossy(&page).replace("\r\n", "\n"), "{}", rule.id);
    }
}

/// Those of modules; those of a link say what they are when they are met.
fn readme_names_every_rule() {
    let readme = String::from_utf8(read(repository().join("README.md"))).expect("text");
    for rule in rules::ALL.iter().take_while(|rule| rule.id != "bad-option") {
        assert!(readme.contains(&format!("| `{}` |", rule.id)), "the table of rules has no {}", rule.id);
    }
}

fn folders() {
    let folder = temp_folder();
    for name in ["dist/b.wasm", "dist/a.WASM", "dist/deep/er/c.wasm", "dist/deep/.hidden/d.wasm"] {
        write(folder.path(), name, &good());
    }
    for name in ["dist/bad.wasm.rejected", "dist/bad.rejected", "dist/app.js", "dist/wasm", "dist/deep/x.wasm.map"] {
        write(folder.path(), name, b"nothing to judge");
    }
    fs::create_dir_all(folder.path().join("dist/folder.wasm")).expect("a folder");
    let names = |text: String| -> Vec<String> {
        text.lines().filter_map(|line| line.split_once(": threaded")).map(|(name, _)| name.replace('\\', "/")).collect()
    };
    let all = ["dist/a.WASM", "dist/b.wasm", "dist/deep/.hidden/d.wasm", "dist/deep/er/c.wasm"];
    assert_eq!(names(checked(folder.path(), &["dist"], 0).stdout_text()), all);
    assert_eq!(names(checked(folder.path(), &["dist/", "dist/b.wasm", "./dist/deep"], 0).stdout_text()), all);
    assert_eq!(names(checked(folder.path(), &["."], 0).stdout_text()), all);
    // What is named is judged, whatever its name.
    checked(folder.path(), &["dist/bad.wasm.rejected"], 2);
    write(folder.path(), "side.so", &good());
    checked(folder.path(), &["side.so"], 0);
}

fn expectations() {
    let folder = temp_folder();
    write(folder.path(), "good.wasm", &good());
    write(folder.path(), "stale.wasm", &stale());
    let mut own = Sample::new();
    own.memories[0].1 = false;
    write(folder.path(), "own.wasm", &own.bytes());
    let mut needs = stale();
    crate::contract::hostile::append_custom(&mut needs, "wasm-threads", b"wasm-threads: required by pool\n");
    write(folder.path(), "needs.wasm", &needs);
    checked(folder.path(), &["--expect", "threaded", "good.wasm"], 0);
    let text = checked(folder.path(), &["--expect=unthreaded", "stale.wasm"], 0).stdout_text();
    assert_eq!(text, "stale.wasm: unthreaded, as it is to be (javascript, linked)\n");
    let text = checked(folder.path(), &["--expect", "unthreaded", "good.wasm"], 1).stdout_text();
    golden::check("check/unthreaded", &text, &[]);
    // It cannot run either where no shared memory is to be had, although it is not rightly threaded.
    let text = checked(folder.path(), &["--expect", "unthreaded", "own.wasm"], 1).stdout_text();
    assert!(text.contains("error[threaded]") && !text.contains("memory-not-imported"), "{text}");
    let text = checked(folder.path(), &["--expect", "unthreaded", "needs.wasm"], 1).stdout_text();
    assert!(text.contains("error[not-threaded]") && text.contains("found:  required by pool\n"), "{text}");
    checked(folder.path(), &["--expect", "unthreaded", "none.wasm"], 2);
}

fn patterns() {
    let folder = temp_folder();
    for (name, bytes) in [
        ("dist/mt/a.wasm", good()),
        ("dist/mt/b.wasm", good()),
        ("dist/st/a.wasm", stale()),
        ("dist/names/x.threads.wasm", good()),
        ("dist/names/x.wasm", stale()),
        ("dist/side/plugin.so", good()),
        ("dist/mt/old.wasm.rejected", Vec::new()),
    ] {
        write(folder.path(), name, &bytes);
    }
    let count = |words: &[&str], code, files: usize| {
        let text = checked(folder.path(), words, code).stdout_text();
        let verdicts = text.lines().filter(|line| !line.starts_with(' ') && line.contains('(')).count();
        assert_eq!(verdicts, files, "{words:?}\n{text}");
    };
    // They find their modules by themselves.
    count(&["--threaded", "dist/mt/*.wasm", "--unthreaded", "dist/st/*.wasm"], 0, 3);
    count(&["--threaded", "dist/st/*.wasm", "--unthreaded", "dist/mt/*.wasm"], 1, 3);
    count(&["--threaded", "./dist/mt/*.wasm"], 0, 2);
    count(&["--threaded", "dist/{mt,names}/*.threads.wasm"], 0, 1);
    count(&["--threaded", "dist/**/x.threads.wasm"], 0, 1);
    // A folder stands for all in it.
    count(&["--threaded", "dist/mt", "--unthreaded", "dist/st"], 0, 3);
    count(&["--threaded", "dist/m?"], 0, 2);
    // Another ending is one's own wish.
    count(&["--threaded", "dist/side/*.so"], 0, 1);
    count(&["--threaded", "dist/mt/*"], 0, 2);
    // A dot in the name of a folder is no ending.
    for name in ["v1.2/mt/a.wasm", "v1.2/b.wasm"] {
        write(folder.path(), name, &good());
        write(folder.path(), Path::new(name).with_extension("js"), b"// its script");
    }
    count(&["--threaded", "v1.2/mt"], 0, 1);
    count(&["--threaded", "v1.2"], 0, 2);
    count(&["--threaded", "v?.2"], 0, 2);
    let mt = Path::new("..").join(folder.path().file_name().expect("a name")).join("v1.2/mt");
    count(&["--threaded", mt.to_str().expect("text")], 0, 1);
    // Or they say what those are to be that were named otherwise.
    count(&["dist/names", "--threaded", "*.threads.wasm", "--expect", "unthreaded"], 0, 2);
    count(&["dist", "--threaded", "dist/mt/*", "--threaded", "*.threads.wasm", "--expect", "unthreaded"], 0, 5);
    count(&["dist/mt", "--unthreaded", "dist/st/*.wasm"], 0, 3);
    // A name alone finds its modules from the current folder on.
    count(&["--threaded", "*.threads.wasm"], 0, 1);
    count(&["--unthreaded", "x.wasm"], 0, 1);
    let absolute = folder.path().canonicalize().expect("a folder").join("dist/mt/*.wasm");
    count(&["--threaded", absolute.to_str().expect("text")], 0, 2);
    // A name that looks like a pattern is that of a file, where it stands for one.
    write(folder.path(), "dist/[a].wasm", &good());
    count(&["dist/[a].wasm"], 0, 1);
    count(&["--threaded", "dist/[[]a].wasm"], 0, 1);
}

fn levels() {
    let folder = temp_folder();
    let mut fixed = Sample::new();
    fixed.memories[0].0 = memory(256, 256);
    write(folder.path(), "fixed.wasm", &fixed.bytes());
    write(folder.path(), "stale.wasm", &stale());
    let warned = checked(folder.path(), &["fixed.wasm"], 0).stdout_text();
    assert!(warned.contains("fixed.wasm: threaded (") && warned.contains("  warning[memory-cannot-grow]: "), "{warned}");
    let denied = checked(folder.path(), &["--deny", "memory-cannot-grow", "fixed.wasm"], 1).stdout_text();
    assert!(denied.contains("fixed.wasm: not threaded (") && denied.contains("  error[memory-cannot-grow]: "), "{denied}");
    checked(folder.path(), &["--deny", "warnings", "fixed.wasm"], 1);
    let allowed = checked(folder.path(), &["--allow", "memory-cannot-grow", "fixed.wasm"], 0).stdout_text();
    assert_eq!(allowed, "fixed.wasm: threaded (javascript, linked)\n");
    checked(folder.path(), &["--deny=memory-cannot-grow", "--warn=memory-cannot-grow", "fixed.wasm"], 0);
    checked(folder.path(), &["--warn", "memory-not-shared", "stale.wasm"], 1);
    checked(folder.path(), &["--warn", "memory-not-shared", "--allow", "active-data-segment", "stale.wasm"], 0);
    checked(folder.path(), &["--expect", "unthreaded", "--warn", "threaded", "fixed.wasm"], 0);
}

fn abi_and_stage_can_be_stated() {
    let folder = temp_folder();
    write(folder.path(), "good.wasm", &good());
    let mut processed = Sample::new();
    processed.after_wasm_bindgen();
    write(folder.path(), "bg.wasm", &processed.bytes());
    let mut side = Sample::new();
    side.custom = Some("dylink.0");
    side.exports = vec![("go", Thing::Function(2))];
    write(folder.path(), "side.wasm", &side.bytes());
    for (words, code, says) in [
        (&["--abi", "javascript", "good.wasm"][..], 0, "threaded (javascript, linked)"),
        (&["--abi", "wasi-threads", "good.wasm"], 1, "not threaded (wasi-threads, linked)"),
        (&["--abi", "wasi", "good.wasm"], 1, "not threaded (wasi, linked)"),
        (&["--abi", "emscripten-side", "good.wasm"], 0, "threaded (emscripten, side module, linked)"),
        (&["--stage", "after-wasm-bindgen", "good.wasm"], 1, "not threaded (javascript, after wasm-bindgen)"),
        (&["--stage", "linked", "bg.wasm"], 1, "not threaded (javascript, linked)"),
        (&["--abi", "javascript", "bg.wasm"], 0, "threaded (javascript, after wasm-bindgen)"),
        (&["side.wasm"], 0, "threaded (emscripten, side module, linked)"),
        (&["--abi", "emscripten", "side.wasm"], 0, "threaded (emscripten, side module, linked)"),
    ] {
        let text = checked(folder.path(), words, code).stdout_text();
        assert!(text.contains(says), "{words:?}\n{text}");
    }
}

/// It may be for the target without threads, linked by hand: that is told, where nobody says which it is.
fn wasi_that_starts_no_thread() {
    let folder = temp_folder();
    let module = wat(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (import "env" "memory" (memory 2 200 shared)) (export "memory" (memory 0)) (func (export "_start")))"#);
    write(folder.path(), "app.wasm", &module);
    let text = checked(folder.path(), &["app.wasm"], 0).stdout_text();
    assert!(text.starts_with("app.wasm: threaded (wasi-threads, linked)\n  warning[target-without-threads]: "), "{text}");
    let text = checked(folder.path(), &["--abi", "wasi-threads", "app.wasm"], 0).stdout_text();
    assert_eq!(text, "app.wasm: threaded (wasi-threads, linked)\n");
    checked(folder.path(), &["--deny", "target-without-threads", "app.wasm"], 1);
}

/// One check has no answer, and another one has found something.
fn what_cannot_be_answered_hides_nothing() {
    let folder = temp_folder();
    let mut processed = Sample::new();
    processed.after_wasm_bindgen();
    write(folder.path(), "app_bg.wasm", &processed.bytes());
    write(folder.path(), "app.js", b"new WebAssembly.Memory({ initial: 17, maximum: 16384, shared: false })");
    // What the script says is known: nothing is run, and no node is missing.
    let run = check(folder.path()).words(["--run", "app_bg.wasm"]).path([folder.path()]).run().expect_code(1).stdout_text();
    assert!(run.contains("error[glue-memory-not-shared]") && !run.contains("not-run"), "{run}");
    let text = checked(folder.path(), &["--after", "none.wasm", "app_bg.wasm"], 2).stdout_text();
    assert!(text.contains("error[unreadable]: none.wasm") && text.contains("error[glue-memory-not-shared]"), "{text}");
    // Nor does one module of a component hide another.
    let module =
        |features: &str| format!("(core module (memory (import \"env\" \"memory\") 1 2{features}) (func (export \"go\")))");
    write(folder.path(), "two.wasm", &wat(&format!("(component {} {})", module(" shared"), module(""))));
    let ran = check(folder.path()).words(["--allow", "export-missing", "--allow", "memory-cannot-grow", "--run", "two.wasm"]);
    let text = ran.path([folder.path()]).run().expect_code(2).stdout_text();
    assert!(text.contains("error[not-run]") && text.contains("two.wasm, module 0: could not be decided"), "{text}");
    assert!(text.contains("two.wasm, module 1: not threaded") && text.contains("error[memory-not-shared]"), "{text}");
    // What nobody could run is not called threaded.
    let text = check(folder.path()).words(["--run", "two.wasm", "app_bg.wasm", "--allow", "glue-memory-not-shared"]);
    let text = text.path([folder.path()]).run().expect_code(2).stdout_text();
    assert!(text.contains("app_bg.wasm: could not be decided\n") && !text.contains("app_bg.wasm: threaded"), "{text}");
}

fn components() {
    let folder = temp_folder();
    let shared = "(core module (memory (import \"env\" \"memory\") 1 2 shared) (func (export \"go\")))";
    let plain = "(core module (memory 1))";
    let text = format!("(component {shared} (component {plain} (component {shared} {plain})) {shared} (component {plain}))");
    write(folder.path(), "all.wasm", &wat(&text));
    let said = checked(folder.path(), &["--allow", "export-missing", "all.wasm"], 1).stdout_text();
    golden::check("check/component", &said, &[]);
    let json = checked(folder.path(), &["--format", "json", "all.wasm"], 1).stdout_text();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let modules = json["files"][0]["modules"].as_array().expect("modules");
    let places: Vec<_> = modules.iter().map(|module| module["place"].as_str().expect("a place")).collect();
    let wanted = [
        "module 0",
        "component 0, module 0",
        "component 0, component 0, module 0",
        "component 0, component 0, module 1",
        "module 1",
        "component 1, module 0",
    ];
    assert_eq!(places, wanted);
    for module in modules {
        let offset = module["offset"].as_u64().expect("a number") as usize;
        assert_eq!(&read(folder.path().join("all.wasm"))[offset..offset + 4], b"\0asm");
    }
    write(folder.path(), "none.wasm", &wat("(component)"));
    let said = checked(folder.path(), &["none.wasm"], 1).stdout_text();
    assert!(said.contains("error[not-threaded]: none.wasm is a component without a core module"), "{said}");
    checked(folder.path(), &["--expect", "unthreaded", "none.wasm"], 0);
    let mut cut = wat(&text);
    cut.pop();
    write(folder.path(), "cut.wasm", &cut);
    checked(folder.path(), &["cut.wasm"], 2);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// The step of a workflow, as a runner runs it.
    pub fn the_line_of_the_readme() {
        let readme = String::from_utf8(read(repository().join("README.md"))).expect("text");
        let mut lines = readme.lines().filter_map(|line| line.strip_prefix("- run: cargo wasm-threads check "));
        let line = lines.next().expect("a step that checks");
        let folder = temp_folder();
        let run = |code| {
            let run = Run::new("/bin/sh").words(["-e", "-c", &format!("\"$0\" check {line}")]).word(cargo_wasm_threads());
            run.folder(folder.path()).run().expect_code(code)
        };
        write(folder.path(), "dist/mt/app.wasm", &good());
        run(2).expect_stderr("is for no module");
        write(folder.path(), "dist/st/app.wasm", &stale());
        assert_eq!(run(0).stdout_text(), "2 files: 2 as expected\n");
        write(folder.path(), "dist/mt/other.wasm", &stale());
        assert!(run(1).stdout_text().starts_with("::error file=dist/mt/other.wasm,title=memory-not-shared::"));
        write(folder.path(), "dist/st/other.wasm", &good());
        assert!(run(1).stdout_text().contains("\n::error file=dist/st/other.wasm,title=threaded::"));
    }

    pub fn links() {
        let folder = temp_folder();
        write(folder.path(), "real/a.wasm", &good());
        symlink("../real", folder.path().join("real/loop")).expect("a link");
        symlink("real", folder.path().join("also")).expect("a link");
        symlink("a.wasm", folder.path().join("real/b.wasm")).expect("a link");
        let text = checked(folder.path(), &["."], 0).stdout_text();
        // Each name, since a name is what a variant goes by; no folder twice.
        assert_eq!(text.lines().filter(|line| line.contains(": threaded")).count(), 2, "{text}");
        checked(folder.path(), &["also"], 0);
        checked(folder.path(), &["--threaded", "**/*.wasm"], 0);
        symlink("nowhere", folder.path().join("real/gone.wasm")).expect("a link");
        let text = checked(folder.path(), &["real"], 2).stdout_text();
        assert!(text.contains("real/gone.wasm: could not be decided"), "{text}");
        fs::remove_file(folder.path().join("real/gone.wasm")).expect("a link");
        symlink("self.wasm", folder.path().join("real/self.wasm")).expect("a link");
        checked(folder.path(), &["real"], 2);
        fs::remove_file(folder.path().join("real/self.wasm")).expect("a link");
        // Nobody waits for the other end of a pipe.
        Run::new("mkfifo").word(folder.path().join("real/pipe.wasm")).run().expect_success();
        let text = checked(folder.path(), &["real"], 2).stdout_text();
        assert!(text.contains("found:  not a regular file"), "{text}");
    }

    /// What lies in a folder that nobody can look into is not known, by a pattern or by its name.
    pub fn folders_that_cannot_be_read() {
        let folder = temp_folder();
        let program = folder.path().join("check");
        // By another process: a file that this one has open for writing cannot be run.
        Run::new("cp").word(cargo_wasm_threads()).word(&program).run().expect_success();
        write(folder.path(), "dist/a.wasm", &good());
        write(folder.path(), "dist/closed/b.wasm", &stale());
        let closed = folder.path().join("dist/closed");
        let allow = |mode| fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).expect("permissions");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        allow(0);
        // Root may look into any.
        let nobody = fs::read_dir(&closed).is_ok();
        for words in [&["dist"][..], &["--threaded", "dist/**/*.wasm"], &["dist/a.wasm", "--unthreaded", "dist/closed/*.wasm"]]
        {
            let run = if nobody {
                let setpriv = Run::new(Tool::Program("setpriv", "util-linux").path());
                setpriv.words(["--reuid=65534", "--regid=65534", "--clear-groups"]).word(&program)
            } else {
                Run::new(&program)
            };
            let ran = run.word("check").words(words).folder(folder.path()).run();
            let text = ran.stdout_text();
            assert!(text.contains("dist/closed: could not be decided\n") && text.contains("Permission denied"), "{ran:?}");
            assert!(text.contains("dist/a.wasm: threaded"), "{ran:?}");
            ran.expect_code(2);
        }
        allow(0o755);
    }

    pub fn colour() {
        let folder = temp_folder();
        write(folder.path(), "good.wasm", &good());
        write(folder.path(), "stale.wasm", &stale());
        let plain = checked(folder.path(), &["."], 1).stdout_text();
        let spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
        let in_terminal = |variables: &[(&str, &str)]| {
            let run = Run::new(Tool::Program("python3", "python3").path()).words(["-c", spawn]).word(cargo_wasm_threads());
            let run = run.words(["check", "."]).folder(folder.path()).env("TERM", "xterm");
            let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
            run.run().expect_code(1).stdout_text().replace("\r\n", "\n")
        };
        let coloured = in_terminal(&[]);
        assert!(
            coloured.contains("\u{1b}[32mthreaded\u{1b}[0m") && coloured.contains("\u{1b}[1;31mnot threaded\u{1b}[0m"),
            "{coloured:?}"
        );
        assert!(coloured.contains("  \u{1b}[1;31merror[memory-not-shared]\u{1b}[0m: the memory"), "{coloured:?}");
        for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
            assert_eq!(in_terminal(&variables), plain, "{variables:?}");
        }
        assert!(!plain.contains('\u{1b}'));
    }

    pub fn nobody_listens() {
        let folder = temp_folder();
        write(folder.path(), "stale.wasm", &stale());
        let shell = |text: &str| Run::new("/bin/sh").words(["-c", text]).word(cargo_wasm_threads()).folder(folder.path()).run();
        shell("exec \"$0\" check stale.wasm >/dev/full").expect_code(2).expect_stderr("error: cannot write the output: ");
        // The answer stays the same, whether or not it could be written before the reader went.
        let ran = shell("{ \"$0\" check stale.wasm; echo $? >&2; } | true");
        assert_eq!(ran.stderr_text(), "1\n", "{ran:?}");
    }
}
