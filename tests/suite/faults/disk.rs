//! A disk that is full, cannot be written to, or is another one; files that may not grow. Each in a name space of its own, where
//! whoever runs the tests may mount what they like.

use super::signals::{LLVM_MC, large};
use super::{NEEDS, Scene, assert_no_panic, within};
use crate::support::{Facts, Ran, Run, Suite, Tool, golden};
use std::ffi::OsStr;
use std::fs;

const MOUNTS: Tool = Tool::Mounts;

pub fn tests(suite: &mut Suite) {
    let needs = [Tool::Rustc, Tool::RustLld, MOUNTS, LLVM_MC];
    suite.test("output_on_a_full_disk", &needs, output_on_a_full_disk);
    suite.test("temporary_files_on_a_full_disk", &needs[..3], temporary_files_on_a_full_disk);
    suite.test("packed_link_on_a_full_disk", &needs[..3], packed_link_on_a_full_disk);
    suite.test("folder_that_cannot_be_written_to", &needs[..3], folder_that_cannot_be_written_to);
    suite.test("output_on_another_file_system", &needs[..3], output_on_another_file_system);
    suite.test("files_that_may_not_grow", &[NEEDS[0], NEEDS[1], LLVM_MC, PRLIMIT], files_that_may_not_grow);
    suite.test("percent_in_a_path", &NEEDS, percent_in_a_path);
}

pub(super) const PRLIMIT: Tool = Tool::Program("prlimit", "util-linux");

/// Runs `text` in a name space of its own, in the scene's folder; `"$@"` in it is the link.
fn mounted(text: &str, scene: &Scene, run: &Run) -> Ran {
    let inner = within(text, &[], run);
    let command = inner.command();
    let words = ["--map-root-user", "--mount"].map(OsStr::new).into_iter();
    let outer = Run::new(MOUNTS.path()).words(words).word(command.get_program()).words(command.get_args());
    let outer = command.get_envs().fold(outer, |outer, (name, value)| match value {
        Some(value) => outer.env(name, value),
        None => outer.env_remove(name),
    });
    outer.folder(scene.folder.path()).run()
}

/// Behind the program: its status, and what it left in the folder, in a line of its own.
const THEN: &str = "\"$@\"; echo \"status $?\"; ls -A";

/// lld maps its output, and so is ended by a signal where the disk cannot hold it.
fn output_on_a_full_disk() {
    let scene = Scene::new();
    large(&scene, "large.o", 2 << 20);
    fs::create_dir(scene.path("small")).expect("a folder");
    let before = scene.names();
    for (words, told) in [
        (&["atomic.o", "large.o", "-o", "small/out.wasm"][..], true),
        (&["atomic.bc", "large.o", "-o", "small/out.wasm"], true),
        (&["neutral.o", "large.o", "--import-memory", "-o", "small/out.wasm"], true),
        // The shim has become the linker.
        (&["neutral.o", "large.o", "-o", "small/out.wasm"], false),
    ] {
        let text = format!("mount -t tmpfs -o size=1m none small && {THEN} small");
        let ran = mounted(&text, &scene, &scene.shim().words(words)).expect_success();
        // 128 and the signal's number, which is the same on every Linux but MIPS.
        assert_eq!(ran.stdout_text(), "status 135\n", "{words:?}\n{ran:?}");
        let said = ran.stderr_text();
        let ours = said.find("error[link-failed]: a file ended while the linker had it mapped");
        assert_eq!(ours.is_some(), told, "{words:?}\n{ran:?}");
        if let Some(at) = ours.filter(|_| words[0] == "atomic.o") {
            let text: Vec<&str> = said[at..].lines().filter(|line| !line.contains("Bus error")).collect();
            let text = text.join("\n") + "\n";
            let free = text.split_once("SIGBUS, and ").and_then(|(_, rest)| rest.split_once(' ')).expect("what is free").0;
            assert!(free.parse::<u64>().is_ok_and(|free| free <= 1 << 20), "{text}");
            golden::check("faults/full-disk", &text.replace(&format!("and {free} "), "and FREE "), &[]);
        }
        scene.assert_left(&before, &[]);
    }
}

/// The linker cannot tell us where there is no room for its words, and silence must not be taken for an answer.
fn temporary_files_on_a_full_disk() {
    let scene = Scene::new();
    fs::create_dir(scene.path("full")).expect("a folder");
    let before = scene.names();
    for (words, error) in [
        (&["atomic.o"][..], false),
        (&["neutral.o"], false),
        (&["atomic.bc"], false),
        (&["neutral.bc"], true),
        (&["atomic.bc", "-M"], true),
        (&["atomic.bc", "--export=nowhere"], true),
        (&["@words"], true),
    ] {
        let text = format!(
            "mount -t tmpfs -o size=16k none full && {{ cat /dev/zero >full/zeros 2>&-; rm -f out.wasm; {THEN} full; }}"
        );
        let run = scene.shim().words(words).words(["-o", "out.wasm"]).env("TMPDIR", "full");
        let ran = mounted(&text, &scene, &run).expect_success();
        assert_no_panic(&ran);
        assert_eq!(ran.stdout_text(), format!("status {}\nzeros\n", i32::from(error)), "{words:?}\n{ran:?}");
        if error {
            let text = ran.stderr_text();
            assert!(text.starts_with("error[linker-did-not-start]: no temporary file could be written"), "{words:?}\n{ran:?}");
            assert!(text.contains("found:  No space left on device"), "{words:?}\n{ran:?}");
        } else {
            assert!(ran.stderr.is_empty(), "{words:?}\n{ran:?}");
            assert_eq!(Facts::read(scene.path("out.wasm")).memory().shared, words[0] != "neutral.o");
        }
        let _ = fs::remove_file(scene.path("out.wasm"));
        scene.assert_left(&before, &[]);
    }
}

/// What the linker does with its own `--reproduce` there, it does with ours.
fn packed_link_on_a_full_disk() {
    let scene = Scene::new();
    fs::create_dir(scene.path("small")).expect("a folder");
    let before = scene.names();
    let text = format!("mount -t tmpfs -o size=4k none small && {THEN} small");
    let words = ["atomic.o", "--export=add_shared", "-o", "out.wasm"];
    let bare = scene.bare().words(words).word("--shared-memory").word("--reproduce=small/packed.tar");
    let bare = mounted(&text, &scene, &bare).expect_success();
    let _ = fs::remove_file(scene.path("out.wasm"));
    let ran = mounted(&text, &scene, &scene.shim().words(words).word("--wasm-threads-reproduce=small/packed.tar"));
    assert_no_panic(&ran);
    assert_eq!(ran.stdout_text(), bare.stdout_text(), "{bare:?}\n{ran:?}");
    assert!(ran.stderr_text().contains("No space left on device"), "{ran:?}");
    let _ = fs::remove_file(scene.path("out.wasm"));
    scene.assert_left(&before, &[]);
}

fn folder_that_cannot_be_written_to() {
    let scene = Scene::new();
    fs::create_dir(scene.path("fixed")).expect("a folder");
    scene.write("fixed/out.wasm", b"the earlier one");
    scene.write("fixed/out.wasm.rejected", b"one of before");
    let before = scene.names();
    let text = format!("mount --bind fixed fixed && mount -o remount,bind,ro fixed && {THEN} fixed");
    for words in [&["atomic.o"][..], &["atomic.bc"], &["neutral.o"], &["atomic.o", "--no-growable-memory"]] {
        let ran = mounted(&text, &scene, &scene.shim().words(words).words(["-o", "fixed/out.wasm"])).expect_success();
        assert_eq!(ran.stdout_text(), "status 1\nout.wasm\nout.wasm.rejected\n", "{words:?}\n{ran:?}");
        let text = ran.stderr_text();
        assert!(text.starts_with("rust-lld: error: ") && text.contains("Read-only file system"), "{words:?}\n{ran:?}");
        assert!(!text.contains("error["), "the linker says it: {ran:?}");
        scene.assert_left(&before, &[]);
    }
    assert_eq!(fs::read(scene.path("fixed/out.wasm")).ok().as_deref(), Some(&b"the earlier one"[..]));
}

/// Temporary files here, the output there: nothing is moved from one to the other.
fn output_on_another_file_system() {
    let scene = Scene::new();
    fs::create_dir(scene.path("other")).expect("a folder");
    let before = scene.names();
    let text = format!("mount -t tmpfs none other && {THEN} other; cp other/* .");
    for (words, left) in [
        (&["atomic.o"][..], "status 0\nout.wasm\n"),
        (&["atomic.bc"], "status 0\nout.wasm\n"),
        (&["@words"], "status 0\nout.wasm\n"),
        (&["atomic.o", "--no-growable-memory"], "status 1\nout.wasm.rejected\n"),
        (&["atomic.bc", "--no-growable-memory"], "status 1\nout.wasm.rejected\n"),
    ] {
        let ran = mounted(&text, &scene, &scene.shim().words(words).words(["-o", "other/out.wasm"])).expect_success();
        assert_eq!(ran.stdout_text(), left, "{words:?}\n{ran:?}");
        let name = left.lines().next_back().expect("a name");
        assert!(Facts::read(scene.path(name)).memory().shared, "{words:?}");
        fs::remove_file(scene.path(name)).expect("the output");
        scene.assert_left(&before, &[]);
    }
}

/// `ulimit -f`: the linker is ended by a signal for it. What we write ourselves is an error that we tell.
fn files_that_may_not_grow() {
    let scene = Scene::new();
    large(&scene, "large.o", 2 << 20);
    let before = scene.names();
    let limited = |run: Run, limit: &str| {
        let text = format!("ulimit -c 0; exec prlimit --fsize={limit} \"$@\"");
        within(&text, &[], &run).run()
    };
    for words in [&["atomic.o"][..], &["atomic.bc"]] {
        let words = || words.iter().copied().chain(["large.o"]);
        let bare = limited(scene.bare().words(words()).words(["--shared-memory", "-o", "out.wasm"]), "65536");
        assert!(!bare.success(), "{bare:?}");
        for output in ["out.wasm", "-"] {
            let ran = limited(scene.shim().words(words()).words(["-o", output]), "65536");
            assert_no_panic(&ran);
            assert_eq!(ran.status, bare.status, "{output}\n{ran:?}\n{bare:?}");
            assert!(ran.stdout.is_empty());
            scene.assert_left(&before, &[]);
        }
    }
    // The module fits, the copy of a long response file does not.
    let long = format!("atomic.o --wasm-threads=threaded --export-if-defined={}", "x".repeat(100_000));
    scene.write("long", long.as_bytes());
    let ran = limited(scene.shim().words(["@long", "-o", "out.wasm"]), "65536").expect_code(1);
    assert!(ran.stderr_text().starts_with("error[linker-did-not-start]: no temporary file could be written"), "{ran:?}");
    assert!(ran.stderr_text().contains("File too large"), "{ran:?}");
    fs::remove_file(scene.path("long")).expect("the file");
    scene.assert_left(&before, &[]);
}

/// To lld a `%` in the name of a temporary file stands for any digit: one in a folder's name makes it look for another folder.
fn percent_in_a_path() {
    let scene = Scene::new();
    for folder in ["a%b", "100%"] {
        fs::create_dir(scene.path(folder)).expect("a folder");
    }
    let before = scene.names();
    for object in ["atomic.o", "atomic.bc", "neutral.o"] {
        for name in ["out%20.wasm", "%%%.wasm", "%"] {
            scene.shim().words([object, "-o", name]).run().expect_success().expect_silence();
            assert_eq!(Facts::read(scene.path(name)).memory().shared, object != "neutral.o");
            fs::remove_file(scene.path(name)).expect("the output");
            scene.assert_left(&before, &[]);
        }
        for name in ["a%b/out.wasm", "100%/out.wasm"] {
            let bare = scene.bare().words([object, "-o", name]).run();
            let ran = scene.shim().words([object, "-o", name]).run();
            assert_eq!(ran.status, bare.status, "{ran:?}");
            assert!(ran.stderr_text().starts_with(&bare.stderr_text()), "{ran:?}");
            scene.assert_left(&before, &[]);
        }
    }
}
