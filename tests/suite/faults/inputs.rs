//! Inputs that vanish, change, or are cut off, before the linker gets to them or while they are read.

use super::{NEEDS, Scene, assert_no_panic};
use crate::support::archive::Archive;
use crate::support::recorder::write_program;
use crate::support::{Facts, Run, Suite, assert_same_bytes, objects, read, shim};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub fn tests(suite: &mut Suite) {
    suite.test("vanish_before_the_linker_starts", &NEEDS, vanish);
    suite.test("change_before_the_linker_starts", &NEEDS, change);
    suite.test("cut_off_anywhere", &NEEDS, cut_off_anywhere);
    suite.test("written_anew_all_the_time", &NEEDS, written_anew);
}

/// A linker that first does something, then is the real one.
fn after(scene: &Scene, text: &str) -> Run {
    let linker = scene.path("wasm-ld");
    let program = format!("#!/bin/sh\n{text}\nexec '{}' \"$@\"\n", scene.linker.display());
    write_program(&linker, program.as_bytes());
    let run = scene.here(Run::new(shim())).env("WASM_THREADS_LINKER", linker);
    run.words(["-flavor", "wasm", "--no-entry", "--export-dynamic"])
}

fn vanish() {
    let scene = Scene::new();
    Archive::new().file(objects::atomic()).write(scene.path("lib.a"));
    for words in
        [&["atomic.o"][..], &["neutral.o"], &["atomic.bc"], &["neutral.bc"], &["neutral.o", "lib.a", "--undefined=add_local"]]
    {
        let gone = words.iter().rfind(|word| !word.starts_with('-')).expect("a file");
        let kept = read(scene.path(gone));
        let run = after(&scene, &format!("rm -f {gone}")).words(words).words(["-o", "out.wasm"]);
        let mut before = scene.names();
        before.retain(|name| name != gone);
        let ran = run.run().expect_code(1);
        let text = ran.stderr_text();
        assert!(text.contains("error: cannot open ") && text.contains(gone), "{ran:?}");
        assert_eq!(text.matches("cannot open ").count(), 1, "it is said once: {ran:?}");
        scene.assert_left(&before, &[]);
        scene.write(gone, &kept);
    }
}

/// What was read is not what is linked. The module itself shows it, or the linker.
fn change() {
    let scene = Scene::new();
    let link = |from: &str, to: &str| after(&scene, &format!("cp {to} {from}")).words([from, "-o", "out.wasm"]).run();
    let put_back = || {
        fs::copy(objects::atomic(), scene.path("atomic.o")).expect("a copy");
        fs::copy(objects::neutral(), scene.path("neutral.o")).expect("a copy");
    };
    let ran = link("atomic.o", "neutral.o").expect_code(1);
    assert!(ran.stderr_text().contains("'atomics' feature must be used in order to use shared memory"), "{ran:?}");
    put_back();
    let ran = link("atomic.o", "refusing.o").expect_code(1);
    assert!(ran.stderr_text().contains("--shared-memory is disallowed by atomic.o"), "{ran:?}");
    assert!(!scene.path("out.wasm").exists());
    put_back();
    // Handed over as unthreaded before that: then it is what the linker alone makes of it.
    link("neutral.o", "atomic.o").expect_success();
    let ours = read(scene.path("out.wasm"));
    let words = ["-flavor", "wasm", "--no-entry", "--export-dynamic", "atomic.o", "-o", "out.wasm"];
    scene.here(Run::new(&scene.linker)).words(words).run().expect_success();
    assert_same_bytes(ours, read(scene.path("out.wasm")));
}

/// The status and the words are those of the linker alone, wherever it ends.
fn cut_off_anywhere() {
    let scene = Scene::new();
    let whole = read(objects::atomic());
    let mut archive = Archive::new();
    archive = archive.file(objects::atomic());
    let archive = archive.bytes();
    for (name, whole) in [("cut.o", &whole), ("cut.a", &archive)] {
        for length in (0..whole.len()).step_by(whole.len() / 24 + 1) {
            scene.write(name, &whole[..length]);
            let before = scene.names();
            for more in [&[][..], &["atomic.o"], &["neutral.o"]] {
                let words = || more.iter().copied().chain([name, "--export=add_shared", "-o", "out.wasm"]);
                let ran = scene.shim().words(words()).run();
                assert_no_panic(&ran);
                let _ = fs::remove_file(scene.path("out.wasm"));
                let threaded = more.first() == Some(&"atomic.o");
                let bare = scene.bare().words(threaded.then_some("--shared-memory")).words(words()).run();
                let _ = fs::remove_file(scene.path("out.wasm"));
                assert_eq!(ran.status, bare.status, "{name}, {length} bytes\n{ran:?}\n{bare:?}");
                // Where LLVM gives up, a trace of its stack follows, with the line that it was called with.
                let text = bare.stderr_text();
                let said = if bare.signal().is_some() { text.lines().next().unwrap_or_default() } else { &text };
                assert!(ran.stderr_text().starts_with(said), "{name}, {length} bytes\n{ran:?}\n{bare:?}");
                scene.assert_left(&before, &[]);
            }
        }
    }
}

/// Another program writes the objects while they are linked. No end is wrong but a hang, a panic and a module that is not whole; the
/// linker itself, which maps them, may be ended by a signal.
fn written_anew() {
    let scene = Scene::new();
    let (atomic, neutral) = (read(objects::atomic()), read(objects::neutral()));
    scene.write("changing.o", &atomic);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let path = scene.path("changing.o");
            let mut turn = 0;
            while !over.load(Ordering::Relaxed) {
                let bytes = if turn % 2 == 0 { &atomic } else { &neutral };
                fs::write(&path, &bytes[..bytes.len() * (turn % 5) / 4]).expect("a file");
                turn += 1;
            }
        });
        for _ in 0..40 {
            let ran = scene.shim().words(["atomic.o", "changing.o", "-o", "out.wasm"]).run();
            assert_no_panic(&ran);
            if ran.success() {
                Facts::read(scene.path("out.wasm")).assert_threaded();
                fs::remove_file(scene.path("out.wasm")).expect("the output");
            } else {
                assert!(!ran.stderr.is_empty() || ran.signal().is_some(), "not a word\n{ran:?}");
            }
            assert!(!scene.path("out.wasm").exists());
        }
        over.store(true, Ordering::Relaxed);
        writer.join().expect("the writer");
    });
}
