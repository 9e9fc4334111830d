//! Open files, memory and processes at their limits: the link comes out right, or fails and says why.

use super::disk::PRLIMIT;
use super::{NEEDS, Scene, assert_no_panic, within};
use crate::support::archive::Archive;
use crate::support::{Facts, Run, Suite, Tool, objects, read, shim};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

pub fn tests(suite: &mut Suite) {
    suite.test("open_files", &[NEEDS[0], NEEDS[1], PRLIMIT], open_files);
    suite.test("memory", &[NEEDS[0], NEEDS[1], PRLIMIT], memory);
    let needs = [Tool::Rustc, Tool::WasmLd(22), PRLIMIT, Tool::Program("setpriv", "util-linux")];
    suite.test("processes", &needs, processes);
}

/// So many objects of rustc's that several threads read them, while the linker is at work already.
fn many(scene: &Scene) -> String {
    let object = read(objects::atomic());
    scene.write("first.rcgu.o", &object);
    let mut line = "first.rcgu.o".to_owned();
    let other = read(objects::threaded("other", "static mut OTHER: i32 = 0;").object());
    for number in 0..600 {
        scene.write(&format!("o{number:03}.rcgu.o"), &other);
        line += &format!(" o{number:03}.rcgu.o");
    }
    line
}

fn open_files() {
    let scene = Scene::new();
    let all = many(&scene);
    Archive::new().file(objects::atomic()).write(scene.path("libatomic.a"));
    let before = scene.names();
    let (mut good, mut bad) = (0, 0);
    for (line, shared) in [
        ("atomic.o", true),
        ("atomic.bc", true),
        ("@words", true),
        ("neutral.o libatomic.a --export=add_shared", true),
        ("neutral.o libatomic.a --export=neutral", false),
        ("neutral.o", false),
        (all.as_str(), true),
    ] {
        for limit in (3..20).chain([24, 32, 64]) {
            let text = format!("exec prlimit --nofile={limit} \"$@\"");
            let run = scene.shim().words(line.split(' ').filter(|word| !word.is_empty())).words(["-o", "out.wasm"]);
            let ran = within(&text, &[], &run).run();
            assert_no_panic(&ran);
            let line = line.get(..60).unwrap_or(line);
            if ran.success() {
                // Never an unthreaded one for want of a file.
                let facts = Facts::of(&read(scene.path("out.wasm")));
                assert_eq!(facts.memory().shared, shared, "{limit} files, {line}\n{ran:?}");
                fs::remove_file(scene.path("out.wasm")).expect("the output");
                good += 1;
            } else {
                assert!(!ran.stderr.is_empty(), "{limit} files, {line}: not a word\n{ran:?}");
                bad += 1;
            }
            scene.assert_left(&before, &[]);
        }
    }
    assert!(good > 60 && bad > 10, "{good} good, {bad} bad");
}

fn memory() {
    let scene = Scene::new();
    let before = scene.names();
    let (mut good, mut bad) = (0, 0);
    for words in [&["atomic.o"][..], &["atomic.bc"], &["neutral.o"]] {
        // In MiB. The linker alone takes some hundreds, of addresses.
        for limit in [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64, 128, 256, 400, 1024, 4096] {
            let text = format!("ulimit -c 0; exec prlimit --as={} \"$@\"", u64::from(limit as u32) << 20);
            let ran = within(&text, &[], &scene.shim().words(words).words(["--threads=1", "-o", "out.wasm"])).run();
            assert!(!ran.killed && !ran.stderr_text().contains("panicked"), "{limit} MiB\n{ran:?}");
            if ran.success() {
                let facts = Facts::of(&read(scene.path("out.wasm")));
                assert_eq!(facts.memory().shared, words[0] != "neutral.o", "{limit} MiB\n{ran:?}");
                fs::remove_file(scene.path("out.wasm")).expect("the output");
                good += 1;
            } else {
                // Below some size the system does not even start a program.
                let started = limit > 8 || ran.signal().is_none();
                assert!(!ran.stderr.is_empty() || !started, "{limit} MiB: not a word\n{ran:?}");
                bad += 1;
            }
            scene.assert_left(&before, &[]);
        }
    }
    assert!(good > 3 && bad > 10, "{good} good, {bad} bad");
}

/// The system does not count root's processes: as root, the link is another user's.
fn processes() {
    let scene = Scene::with(Tool::WasmLd(22));
    let root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    let all = |path: &std::path::Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("a mode");
    all(scene.folder.path());
    all(scene.temporary.path());
    let program = scene.path("linker");
    fs::copy(shim(), &program).expect("a copy");
    let before = scene.names();
    let (mut good, mut bad) = (0, 0);
    for words in [&["atomic.o"][..], &["atomic.bc"], &["@words"], &["neutral.o"]] {
        for limit in [1, 2, 3, 4, 8, 4096] {
            let user = if root { "setpriv --reuid=54321 --regid=54321 --clear-groups" } else { "" };
            let text = format!("ulimit -c 0; exec {user} prlimit --nproc={limit} \"$@\"");
            let run = scene.here(Run::new(&program)).env("WASM_THREADS_LINKER", &scene.linker);
            let run = run.words(["-flavor", "wasm", "--no-entry", "--export-dynamic", "--threads=1"]).words(words);
            let ran = within(&text, &[], &run.words(["-o", "out.wasm"])).run();
            assert_no_panic(&ran);
            if ran.success() {
                let facts = Facts::of(&read(scene.path("out.wasm")));
                assert_eq!(facts.memory().shared, words[0] != "neutral.o", "{limit} processes\n{ran:?}");
                fs::remove_file(scene.path("out.wasm")).expect("the output");
                good += 1;
            } else {
                let text = ran.stderr_text();
                assert!(text.contains("Resource temporarily unavailable"), "{limit} processes\n{ran:?}");
                bad += 1;
            }
            scene.assert_left(&before, &[]);
        }
    }
    assert!(good >= 8, "{good} good, {bad} bad");
    if root {
        assert!(bad > 0, "a limit of one process holds nobody back");
    }
}
