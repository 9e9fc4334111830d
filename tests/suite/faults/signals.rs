//! The linker is killed, stopped or gone; the shim is told to end; nobody reads what is printed.
//!
//! The real linker is caught at work by an input that is a pipe: it waits there until somebody writes.

use super::{NEEDS, Scene, names, within};
use crate::support::recorder::write_program;
use crate::support::{Facts, NoCore, Run, Suite, Tool, assert_same_bytes, objects, read};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub fn tests(suite: &mut Suite) {
    suite.test("linker_killed_by_each_signal", &NEEDS, linker_killed_by_each_signal);
    suite.test("linker_stopped_and_continued", &NEEDS, linker_stopped_and_continued);
    suite.test("linker_missing_after_the_first_link", &NEEDS, linker_missing_after_the_first_link);
    suite.test("megabytes_of_errors", &NEEDS, megabytes_of_errors);
    suite.test("reader_of_the_map_is_gone", &NEEDS, reader_of_the_map_is_gone);
    suite.test("shim_told_to_end", &NEEDS, || told_to_end(false));
    suite.test("ctrl_c", &NEEDS, || told_to_end(true));
    suite.test("ended_at_any_moment", &[Tool::Rustc, Tool::RustLld, LLVM_MC], ended_at_any_moment);
    suite.test("signals_that_were_ignored_stay_so", &NEEDS, signals_that_were_ignored_stay_so);
}

/// It makes objects of any size in no time.
pub(super) const LLVM_MC: Tool = Tool::Program("llvm-mc-22", "llvm-22");

/// No test waits longer than this for what must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// A link that has begun to read its pipe.
struct AtWork {
    shim: Child,
    pipe: File,
}

impl AtWork {
    fn new(scene: &Scene, run: &Run) -> AtWork {
        let pipe = scene.path("pipe");
        let mut shim = run.command().spawn().expect("it starts");
        let pipe = until("the linker reads the pipe", || {
            assert_eq!(shim.try_wait().expect("a child"), None, "it ended before it read its input");
            // Opens only where somebody reads.
            File::options().write(true).custom_flags(O_NONBLOCK).open(&pipe).ok()
        });
        AtWork { shim, pipe }
    }

    /// The linker's number: the shim's only child, or the process itself.
    fn linker(&self) -> Option<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.shim.id());
        fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
    }

    fn ended(mut self) -> (ExitStatus, String) {
        let status = until("it ends", || self.shim.try_wait().expect("a child"));
        drop(self.pipe);
        let output = self.shim.wait_with_output().expect("its output");
        (status, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

const O_NONBLOCK: i32 = 0o4000;

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        sleep(Duration::from_millis(2));
    }
}

/// To a process, or with a minus to a group; whether there is one.
fn kill(signal: &str, process: i64) -> bool {
    let text = format!("kill -s {signal} -- {process}");
    Command::new("/bin/sh").args(["-c", &text]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// None of the group is left. The test's own child is no part of it any more once it was waited for.
fn assert_no_orphan(group: u32) {
    until("nobody of the link is left", || (!kill("0", -i64::from(group))).then_some(()));
}

/// Ways through the shim: waited for, run out of sight, and with a copy of a response file to be removed.
const WAYS: [&[&str]; 4] = [
    &["atomic.o", "pipe", "-o", "out.wasm"],
    // An object that is a pipe would not be asked about: it can be read only once.
    &["atomic.bc", "--allow-undefined-file=pipe", "-o", "out.wasm"],
    &["@words", "pipe", "-o", "out.wasm"],
    &["atomic.o", "pipe", "-o", "-"],
];

fn linker_killed_by_each_signal() {
    let scene = Scene::new();
    scene.fifo("pipe");
    let before = scene.names();
    for signal in [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "XCPU",
        "XFSZ", "SYS", "VTALRM",
    ] {
        let no_core = |run: Run| within("ulimit -c 0; exec \"$@\"", &[], &run);
        let bare = AtWork::new(&scene, &no_core(scene.bare().words(WAYS[0])));
        assert!(kill(signal, bare.shim.id().into()));
        let (wanted, _) = bare.ended();
        assert!(!wanted.success(), "{signal}");
        for way in WAYS {
            let mut link = AtWork::new(&scene, &no_core(scene.shim().words(way)));
            let group = link.shim.id();
            // An undecided link may be tried a second time.
            until("it ends", || {
                if let Some(linker) = link.linker() {
                    kill(signal, linker.into());
                }
                link.shim.try_wait().expect("a child")
            });
            let (status, text) = link.ended();
            if signal == "PIPE" && status.code().is_some() {
                // LLVM makes a status of it, once it is set up to.
                assert_eq!(status.code(), Some(74), "{way:?}\n{text}");
            } else {
                assert_eq!(status.signal(), wanted.signal().or(status.signal()), "SIG{signal}, {way:?}\n{text}");
                assert!(status.signal().is_some(), "SIG{signal}, {way:?}\n{text}");
            }
            assert!(!text.contains("panicked"), "{text}");
            assert_no_orphan(group);
            scene.assert_left(&before, &[]);
        }
    }
}

fn linker_stopped_and_continued() {
    let scene = Scene::new();
    scene.fifo("pipe");
    let before = scene.names();
    for way in [WAYS[0], WAYS[2]] {
        let mut link = AtWork::new(&scene, &scene.shim().words(way));
        let linker = link.linker().expect("the linker runs");
        assert!(kill("STOP", linker.into()));
        link.pipe.write_all(&read(objects::neutral())).expect("a pipe takes a few bytes");
        sleep(Duration::from_millis(300));
        assert_eq!(link.shim.try_wait().expect("a child"), None, "it waits as long as the linker is stopped");
        assert!(kill("CONT", linker.into()));
        drop(std::mem::replace(&mut link.pipe, File::open("/dev/null").expect("a file")));
        let (status, text) = link.ended();
        assert!(status.success() && text.is_empty(), "{way:?}: {status}\n{text}");
        assert!(Facts::read(scene.path("out.wasm")).assert_threaded().exports("neutral"));
        fs::remove_file(scene.path("out.wasm")).expect("the output");
        scene.assert_left(&before, &[]);
    }
}

fn linker_missing_after_the_first_link() {
    let scene = Scene::new();
    let linker = scene.path("wasm-ld");
    let real = scene.linker.display();
    let program = format!("#!/bin/sh\n'{real}' \"$@\"\nstatus=$?\nrm -- \"$0\"\nexit $status\n");
    for earlier in [None, Some(b"the earlier one")] {
        if let Some(earlier) = earlier {
            scene.write("out.wasm", earlier);
        }
        let before = scene.names();
        write_program(&linker, program.as_bytes());
        // That nothing uses atomics is known when the linker is there no more.
        let run = scene.here(Run::new(crate::support::shim())).env("WASM_THREADS_LINKER", &linker);
        let ran = run.words(["-flavor", "wasm", "--no-entry", "neutral.bc", "-o", "out.wasm"]).run().expect_code(1);
        assert!(ran.stderr_text().starts_with("error[linker-did-not-start]: "), "{ran:?}");
        assert!(ran.stderr_text().contains("found:  No such file or directory"), "{ran:?}");
        scene.assert_left(&before, &[]);
        assert_eq!(fs::read(scene.path("out.wasm")).ok().as_deref(), earlier.map(|earlier| &earlier[..]));
    }
}

/// All of it comes out, in its order, and memory does not grow with it.
fn megabytes_of_errors() {
    let scene = Scene::new();
    let missing: String = (0..40_000).map(|number| format!("--export=missing_{number}_{}\n", "x".repeat(60))).collect();
    scene.write("missing", missing.as_bytes());
    let before = scene.names();
    for object in ["atomic.o", "atomic.bc", "neutral.o"] {
        let words = ["--error-limit=0", "@missing", object, "-o", "out.wasm"];
        let ran = scene.shim().words(words).run().expect_code(1);
        let bare = scene.bare().words(words).run().expect_code(1);
        assert!(bare.stderr.len() > 4_000_000, "{} bytes", bare.stderr.len());
        assert_same_bytes(&ran.stderr[..bare.stderr.len().min(ran.stderr.len())], &bare.stderr);
        scene.assert_left(&before, &[]);
    }
}

/// As `| head` does it: the linker that writes to the pipe itself ends as it does alone; one whose words we held has done its work.
fn reader_of_the_map_is_gone() {
    let scene = Scene::new();
    let source: String = (0..3000)
        .map(|number| format!("#[unsafe(no_mangle)] pub extern \"C\" fn a_function_{number}() -> i32 {{ {number} }}\n"))
        .collect();
    fs::copy(objects::threaded("many", &source).object(), scene.path("many.o")).expect("a copy");
    // Beside what uses atomics, nobody would ask the linker about bitcode.
    fs::copy(NoCore::new(&source).name("plain").object(), scene.path("plain.o")).expect("a copy");
    let before = scene.names();
    let status = |run: &Run| {
        let mut child = run.command().spawn().expect("it starts");
        drop(child.stdout.take());
        until("it ends", || child.try_wait().expect("a child"))
    };
    let words = ["many.o", "-M", "-o", "out.wasm"];
    let bare = status(&scene.bare().word("--shared-memory").words(words));
    assert!(!bare.success(), "the map is longer than a pipe");
    assert_eq!(status(&scene.shim().words(words)), bare);
    let _ = fs::remove_file(scene.path("out.wasm"));
    let ended = status(&scene.shim().words(["plain.o", "-M", "-o", "out.wasm", "atomic.bc"]));
    assert!(ended.success(), "{ended}");
    scene.assert_threaded("out.wasm");
    scene.assert_left(&before, &["out.wasm"]);
}

/// A signal to the whole group, as a terminal sends it, or to the shim alone: the linker ends, and so does the shim, by that signal.
fn told_to_end(group: bool) {
    let scene = Scene::new();
    scene.fifo("pipe");
    let before = scene.names();
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        for way in WAYS {
            let link = AtWork::new(&scene, &within("ulimit -c 0; exec \"$@\"", &[], &scene.shim().words(way)));
            let shim = link.shim.id();
            assert!(kill(name, if group { -i64::from(shim) } else { shim.into() }));
            let (status, text) = link.ended();
            assert_eq!(status.signal(), Some(number), "{way:?}: {status}\n{text}");
            assert!(!text.contains("panicked") && !text.contains("error["), "{text}");
            assert_no_orphan(shim);
            scene.assert_left(&before, &[]);
        }
    }
}

/// A link of some size is ended after a little while, another one a little later, and so on: whenever it was, the output is whole or
/// is not there, and nothing lies beside it.
fn ended_at_any_moment() {
    let scene = Scene::new();
    large(&scene, "large.o", 24 << 20);
    let before = scene.names();
    let words = ["atomic.o", "large.o", "-o", "out.wasm"];
    let whole_time = scene.shim().words(words).run().expect_success().elapsed;
    let whole = read(scene.path("out.wasm"));
    let (mut ended, mut done) = (0, 0);
    for step in 0..24_u32 {
        let _ = fs::remove_file(scene.path("out.wasm"));
        let mut shim = scene.shim().words(words).command().spawn().expect("it starts");
        let group = shim.id();
        sleep(whole_time * step / 20);
        kill(if step % 2 == 0 { "INT" } else { "TERM" }, if step % 3 == 0 { group.into() } else { -i64::from(group) });
        let status = until("it ends", || shim.try_wait().expect("a child"));
        if status.success() {
            done += 1;
            assert!(scene.path("out.wasm").exists());
        } else {
            ended += 1;
            assert!(matches!(status.signal(), Some(2 | 15)), "{status}");
        }
        if let Ok(output) = fs::read(scene.path("out.wasm")) {
            assert_same_bytes(output, &whole);
            scene.assert_left(&before, &["out.wasm"]);
        } else {
            scene.assert_left(&before, &[]);
        }
        assert_no_orphan(group);
    }
    assert!(ended > 0, "{done} of 24 were done before");
}

/// An object of so many bytes of data that may be linked into any memory.
pub(super) fn large(scene: &Scene, name: &str, size: u32) {
    let text = format!("\t.section .data.large,\"\",@\n\t.globl large\nlarge:\n\t.skip {size}, 65\n\t.size large, {size}\n");
    scene.write("large.s", text.as_bytes());
    let run = Run::new(LLVM_MC.path()).words(["-triple=wasm32-unknown-unknown", "-filetype=obj", "large.s", "-o", name]);
    run.folder(scene.folder.path()).run().expect_success();
    fs::remove_file(scene.path("large.s")).expect("the source");
}

/// `nohup`, and `&` in a script: the link goes on, the linker as well.
fn signals_that_were_ignored_stay_so() {
    let scene = Scene::new();
    scene.fifo("pipe");
    for way in [WAYS[0], WAYS[2]] {
        let run = within("trap '' HUP INT; exec \"$@\"", &[], &scene.shim().words(way));
        let mut link = AtWork::new(&scene, &run);
        let group = i64::from(link.shim.id());
        for signal in ["HUP", "INT"] {
            assert!(kill(signal, -group) && kill(signal, group));
        }
        sleep(Duration::from_millis(500));
        link.pipe.write_all(&read(objects::neutral())).expect("a pipe takes a few bytes");
        drop(std::mem::replace(&mut link.pipe, File::open("/dev/null").expect("a file")));
        let (status, text) = link.ended();
        assert!(status.success(), "{way:?}: {status}\n{text}");
        scene.assert_threaded("out.wasm");
        assert_eq!(names(Path::new(scene.temporary.path())), [""; 0]);
    }
}
