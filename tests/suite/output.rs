//! What becomes of the file that a link makes: good, rejected, or never made.

use crate::support::{FLAVOR, Facts, Link, Ran, Run, Suite, THREADED, Tool, assert_same_bytes, objects, read, temp_folder};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

const NEEDS: [Tool; 2] = [Tool::Rustc, Tool::RustLld];

pub fn tests(suite: &mut Suite) {
    suite.test("good_module_stays", &NEEDS, good_module_stays);
    suite.test("rejected_module_is_moved_aside", &NEEDS, rejected_module_is_moved_aside);
    suite.test("stale_rejected_module_is_removed", &NEEDS, stale_rejected_module_is_removed);
    suite.test("only_a_file_is_stale", &NEEDS, only_a_file_is_stale);
    suite.test("an_input_by_the_rejected_name", &NEEDS, an_input_by_the_rejected_name);
    suite.test("no_output_named", &NEEDS, no_output_named);
    suite.test("last_output_named_counts", &NEEDS, last_output_named_counts);
    suite.test("failed_link_leaves_the_earlier_output", &NEEDS, failed_link_leaves_the_earlier_output);
    suite.test("failed_question_leaves_the_earlier_output", &NEEDS, failed_question_leaves_the_earlier_output);
    suite.test("refused_before_the_link_leaves_the_earlier_output", &NEEDS, refused_before_the_link);
    suite.test("rejected_name_taken_by_a_folder", &NEEDS, rejected_name_taken_by_a_folder);
    suite.test("output_folder_does_not_exist", &NEEDS, output_folder_does_not_exist);
    suite.test("output_is_a_folder", &NEEDS, output_is_a_folder);
    suite.test("standard_output", &NEEDS, standard_output);
    suite.test("standard_output_in_every_mode", &NEEDS, standard_output_in_every_mode);
    suite.test("standard_output_of_a_mixture", &NEEDS, standard_output_of_a_mixture);
    #[cfg(unix)]
    unix::tests(suite);
}

/// Exports of the objects below: what a link without them would throw away.
const EXPORTS: [&str; 3] = ["--export-if-defined=add_shared", "--export-if-defined=add_local", "--export-if-defined=neutral"];

/// A link through the shim, all but the output.
fn shim(words: &[&str], object: impl AsRef<OsStr>) -> Run {
    Link::shim_with(Tool::RustLld.path()).words(FLAVOR).words(EXPORTS).words(words).word(object)
}

fn good() -> Run {
    shim(&[], objects::atomic())
}

/// The linker is content with it, we are not: it can never grow.
const BAD: &str = "--no-growable-memory";

fn bad() -> Run {
    shim(&[BAD], objects::atomic())
}

/// The linker itself refuses it.
fn failing() -> Run {
    shim(&["--export=no_such_symbol"], objects::atomic())
}

/// The good module, as the linker alone makes it with all our words, under a file name, which is written into it.
fn wanted(name: &str) -> Vec<u8> {
    let folder = temp_folder();
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(EXPORTS).words(THREADED).word(objects::atomic());
    run.word("-o").word(folder.path().join(name)).run().expect_success();
    let bytes = read(folder.path().join(name));
    Facts::of(&bytes).assert_threaded();
    bytes
}

#[track_caller]
fn assert_rejected(ran: Ran) -> Ran {
    let ran = ran.expect_code(1);
    assert_eq!(ran.stderr_text().matches("error[").count(), 1, "{ran:?}");
    assert!(ran.stderr_text().starts_with("error[memory-cannot-grow]: the memory of "), "{ran:?}");
    ran
}

#[track_caller]
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn write(path: impl AsRef<Path>, text: &str) {
    fs::write(path, text).expect("a file can be written");
}

fn good_module_stays() {
    for name in ["out.wasm", "with two  spaces.wasm", "no-extension", "tilde~'quote\".wasm"] {
        let folder = temp_folder();
        let output = folder.path().join(name);
        good().word("-o").word(&output).run().expect_success().expect_silence();
        assert_same_bytes(read(&output), wanted(name));
        assert_eq!(names(folder.path()), [name]);
    }
}

fn rejected_module_is_moved_aside() {
    for name in ["out.wasm", "with two  spaces.wasm", "no-extension"] {
        let folder = temp_folder();
        let output = folder.path().join(name);
        let ran = assert_rejected(bad().word("-o").word(&output).run());
        let rejected = format!("{name}.rejected");
        assert_eq!(names(folder.path()), [&rejected[..]]);
        let last = format!("The rejected output is {}.", folder.path().join(&rejected).display());
        assert_eq!(ran.stderr_text().lines().last(), Some(&last[..]), "{ran:?}");
        let facts = Facts::read(folder.path().join(&rejected));
        assert_eq!(facts.memory().maximum, Some(facts.memory().minimum), "it is what was linked");
    }
}

fn stale_rejected_module_is_removed() {
    let folder = temp_folder();
    let link = |run: Run| run.words(["-o", "out.wasm"]).folder(folder.path()).run();
    assert_rejected(link(bad()));
    assert_eq!(names(folder.path()), ["out.wasm.rejected"]);
    link(good()).expect_success();
    assert_eq!(names(folder.path()), ["out.wasm"]);
    // An earlier output is not kept when the link that replaces it is rejected: it is not what was asked for either.
    assert_rejected(link(bad()));
    assert_eq!(names(folder.path()), ["out.wasm.rejected"]);
    // The next link removes it, whatever becomes of that.
    link(failing()).expect_code(1);
    assert_eq!(names(folder.path()), [""; 0]);
    // One rejection after another leaves the later.
    write(folder.path().join("out.wasm.rejected"), "an older one");
    assert_rejected(link(bad()));
    assert!(Facts::read(folder.path().join("out.wasm.rejected")).memory().shared);
    // Switched off, we look at nothing.
    link(good().word("--wasm-threads=off")).expect_success();
    assert_eq!(names(folder.path()), ["out.wasm", "out.wasm.rejected"]);
}

fn only_a_file_is_stale() {
    let folder = temp_folder();
    let kept = folder.path().join("out.wasm.rejected");
    fs::create_dir(&kept).expect("a folder can be made");
    write(kept.join("notes.txt"), "mine");
    good().words(["-o", "out.wasm"]).folder(folder.path()).run().expect_success().expect_silence();
    assert_same_bytes(read(kept.join("notes.txt")), "mine");
}

/// It is no stale output of ours, by whatever path it is named.
fn an_input_by_the_rejected_name() {
    for path in ["out.wasm.rejected", "./out.wasm.rejected"] {
        let folder = temp_folder();
        let input = folder.path().join("out.wasm.rejected");
        fs::copy(objects::atomic(), &input).expect("a file can be copied");
        let run = |words: &[&str]| shim(words, path).words(["-o", "out.wasm"]).folder(folder.path()).run();
        run(&[]).expect_success().expect_silence();
        assert_eq!(names(folder.path()), ["out.wasm", "out.wasm.rejected"]);
        let ran = assert_rejected(run(&[BAD]));
        assert!(
            ran.stderr_text().contains("The rejected output was removed; it could not be moved to out.wasm.rejected ("),
            "{ran:?}"
        );
        assert_eq!(names(folder.path()), ["out.wasm.rejected"]);
        assert_same_bytes(read(&input), read(objects::atomic()));
    }
}

fn rejected_name_taken_by_a_folder() {
    let folder = temp_folder();
    let kept = folder.path().join("out.wasm.rejected");
    fs::create_dir(&kept).expect("a folder can be made");
    write(kept.join("notes.txt"), "mine");
    let ran = assert_rejected(bad().words(["-o", "out.wasm"]).folder(folder.path()).run());
    let last = "The rejected output was removed; it could not be moved to out.wasm.rejected (";
    assert!(ran.stderr_text().lines().last().is_some_and(|line| line.starts_with(last)), "{ran:?}");
    assert_eq!(names(folder.path()), ["out.wasm.rejected"]);
    assert_eq!(names(&kept), ["notes.txt"]);
}

fn no_output_named() {
    let folder = temp_folder();
    write(folder.path().join("a.out"), "mine");
    for run in [good(), bad()] {
        let ran = run.folder(folder.path()).run().expect_code(1);
        assert!(ran.stderr_text().contains("rust-lld: error: no output file specified"), "{ran:?}");
        assert!(!ran.stderr_text().contains("memory-cannot-grow"), "there was nothing to judge: {ran:?}");
        assert_eq!(names(folder.path()), ["a.out"]);
    }
    assert_same_bytes(read(folder.path().join("a.out")), "mine");
}

fn last_output_named_counts() {
    let folder = temp_folder();
    write(folder.path().join("first.wasm"), "mine");
    let run = bad().words(["-o", "first.wasm", "-osecond.wasm"]).folder(folder.path());
    assert_rejected(run.run());
    assert_eq!(names(folder.path()), ["first.wasm", "second.wasm.rejected"]);
    assert_same_bytes(read(folder.path().join("first.wasm")), "mine");
}

fn failed_link_leaves_the_earlier_output() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let refusing = shim(&[], objects::refusing()).word(objects::atomic()).word("--shared-memory");
    let missing = shim(&[], "no-such-file.o").word(objects::atomic());
    for before in [&b"not even a module"[..], &wanted("out.wasm")] {
        for run in [failing(), refusing.clone(), missing.clone()] {
            fs::write(&output, before).expect("a file can be written");
            let ran = run.words(["-o", "out.wasm"]).folder(folder.path()).run().expect_code(1);
            assert!(ran.stderr_text().contains("rust-lld: error: "), "the linker says why: {ran:?}");
            assert_same_bytes(read(&output), before);
            assert_eq!(names(folder.path()), ["out.wasm"], "{ran:?}");
        }
    }
}

/// Where only the linker can tell whether atomics are present, it is asked, and may be asked twice.
fn failed_question_leaves_the_earlier_output() {
    use crate::support::archive::Archive;
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let archive = Archive::new().file(objects::atomic()).write(folder.path().join("libatomic.a"));
    // As asked for it links; with what a threaded module needs it does not, as its maximum is below the minimum.
    let line = || {
        let run = shim(&["-z", "stack-size=1048576", "--undefined=add_local"], objects::neutral()).word(&archive);
        run.words(["-o", "out.wasm"]).folder(folder.path())
    };
    line().run().expect_success();
    Facts::read(&output).assert_threaded();
    write(&output, "the earlier one");
    let ran = line().word("--wasm-threads-max-memory=65536").run().expect_code(1);
    assert!(ran.stderr_text().contains("maximum memory too small"), "{ran:?}");
    assert_same_bytes(read(&output), "the earlier one");
    assert_eq!(names(folder.path()), ["libatomic.a", "out.wasm"]);
    line().word("--wasm-threads=off").run().expect_success();
    Facts::read(&output).assert_unthreaded();
}

fn refused_before_the_link() {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    for (run, rule) in [
        (good().word("--wasm-threads=unthreaded"), "threaded"),
        (shim(&["--wasm-threads=threaded"], objects::neutral()), "not-threaded"),
    ] {
        write(&output, "the earlier one");
        let ran = run.word("-o").word(&output).run().expect_code(1);
        assert!(ran.stderr_text().starts_with(&format!("error[{rule}]: ")), "{ran:?}");
        assert_same_bytes(read(&output), "the earlier one");
        assert_eq!(names(folder.path()), ["out.wasm"]);
    }
}

/// Modes of folders do not hold root back, so a folder that is not there stands for all that cannot be written to.
fn output_folder_does_not_exist() {
    let folder = temp_folder();
    let output = folder.path().join("none").join("out.wasm");
    for run in [good(), bad()] {
        let ran = run.word("-o").word(&output).run().expect_code(1);
        let text = ran.stderr_text();
        assert!(text.contains("rust-lld: error: ") && text.contains("out.wasm"), "{ran:?}");
        assert!(!text.contains("memory-cannot-grow"), "there was nothing to judge: {ran:?}");
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

fn output_is_a_folder() {
    let folder = temp_folder();
    fs::create_dir(folder.path().join("out.wasm")).expect("a folder can be made");
    let ran = good().words(["-o", "out.wasm"]).folder(folder.path()).run().expect_code(1);
    assert!(ran.stderr_text().contains("rust-lld: error: "), "{ran:?}");
    assert_eq!(names(folder.path()), ["out.wasm"]);
}

fn standard_output() {
    let folder = temp_folder();
    write(folder.path().join("-.rejected"), "mine");
    let ran = good().words(["-o", "-"]).folder(folder.path()).run().expect_success();
    assert!(ran.stderr.is_empty(), "{ran:?}");
    assert_same_bytes(&ran.stdout, wanted("-"));
    let ran = assert_rejected(bad().words(["-o", "-"]).folder(folder.path()).run());
    assert!(ran.stdout.is_empty(), "nothing bad goes out: {ran:?}");
    let text = ran.stderr_text();
    assert!(text.contains("the memory of standard output can never grow"), "{ran:?}");
    assert_eq!(text.lines().last(), Some("Nothing was written to standard output."), "{ran:?}");
    let ran = failing().words(["-o", "-"]).folder(folder.path()).run().expect_code(1);
    assert!(ran.stdout.is_empty() && ran.stderr_text().contains("no_such_symbol"), "{ran:?}");
    assert_eq!(names(folder.path()), ["-.rejected"]);
    assert_same_bytes(read(folder.path().join("-.rejected")), "mine");
}

/// The bytes of a good module are the same, however it was found to have atomics, and whether it must.
fn standard_output_in_every_mode() {
    use crate::support::archive::Archive;
    let folder = temp_folder();
    let archive = Archive::new().file(objects::atomic()).write(folder.path().join("libatomic.a"));
    let cases = [
        ("object", good()),
        ("must be threaded", good().word("--wasm-threads=threaded")),
        ("bitcode", shim(&[], objects::atomic_bitcode())),
        ("on demand", shim(&["--undefined=add_shared", "--undefined=add_local"], objects::neutral()).word(&archive)),
        ("without the veto", shim(&["--no-check-features", "--undefined=add_local"], objects::neutral()).word(&archive)),
    ];
    for (name, run) in cases {
        let to_file = folder.path().join("-");
        run.clone().word("-o").word(&to_file).run().expect_success();
        let ran = run.words(["-o", "-"]).run().expect_success();
        assert!(ran.stderr.is_empty(), "{name}: {ran:?}");
        Facts::of(&ran.stdout).assert_threaded();
        assert_same_bytes(&ran.stdout, read(&to_file));
    }
    // Unthreaded modules go straight through.
    let ran = shim(&[], objects::neutral()).words(["-o", "-"]).run().expect_success();
    Facts::of(&ran.stdout).assert_unthreaded();
    let ran = shim(&["--wasm-threads=threaded"], objects::neutral()).words(["-o", "-"]).run().expect_code(1);
    assert!(ran.stdout.is_empty() && ran.stderr_text().starts_with("error[not-threaded]: "), "{ran:?}");
}

/// Rust without atomics and a C library with them is linked as it is, unthreaded, after a first try.
fn standard_output_of_a_mixture() {
    use crate::support::archive::Archive;
    let folder = temp_folder();
    let refusing = folder.path().join("crate.rcgu.o");
    fs::copy(objects::refusing(), &refusing).expect("an object can be copied");
    let neutral = folder.path().join("neutral.rcgu.o");
    fs::copy(objects::neutral(), &neutral).expect("an object can be copied");
    let archive = Archive::new().file(objects::atomic()).file(&refusing).write(folder.path().join("libmixed.a"));
    let words = ["--undefined=add_shared", "--undefined=refusing_shared"];
    let run = shim(&words, &neutral).word(&archive);
    let to_file = folder.path().join("-");
    run.clone().word("-o").word(&to_file).run().expect_success();
    let ran = run.words(["-o", "-"]).run().expect_success();
    Facts::of(&ran.stdout).assert_unthreaded();
    assert_same_bytes(&ran.stdout, read(&to_file));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::support::{Recorder, recorder::write_program};
    use std::fs::File;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{Receiver, TryRecvError, channel};
    use std::thread;
    use std::time::Duration;

    pub fn tests(suite: &mut Suite) {
        suite.test("output_of_any_name", &NEEDS, output_of_any_name);
        suite.test("symlink_is_replaced", &NEEDS, symlink_is_replaced);
        suite.test("dangling_symlink_is_replaced", &NEEDS, dangling_symlink_is_replaced);
        suite.test("pipe_gets_the_whole_module", &NEEDS, pipe_gets_the_whole_module);
        suite.test("pipe_gets_nothing_of_a_bad_module", &NEEDS, pipe_gets_nothing_of_a_bad_module);
        suite.test("pipe_among_the_inputs", &NEEDS, pipe_among_the_inputs);
        suite.test("pipe_that_would_decide", &NEEDS, pipe_that_would_decide);
        suite.test("pipe_with_the_name_of_rustcs_objects", &NEEDS, pipe_with_the_name_of_rustcs_objects);
        suite.test("reader_that_goes_away", &NEEDS, reader_that_goes_away);
        suite.test("private_device_stays_a_device", &NEEDS, private_device_stays_a_device);
        suite.test("full_device", &NEEDS, full_device);
        suite.test("full_standard_output", &NEEDS, full_standard_output);
        suite.test("link_to_standard_output", &NEEDS, link_to_standard_output);
        suite.test("linker_that_writes_nothing", &NEEDS, linker_that_writes_nothing);
        suite.test("good_module_is_linked_once", &NEEDS, good_module_is_linked_once);
    }

    fn output_of_any_name() {
        for name in [&b"new\nline.wasm"[..], b"\xff\xfe.wasm", b"\x1b[31mred.wasm", b" ", b"--out.wasm"] {
            let name = OsStr::from_bytes(name);
            let folder = temp_folder();
            let rejected = folder.path().join(OsStr::from_bytes(&[name.as_bytes(), b".rejected"].concat()));
            let output = folder.path().join(name);
            good().word("-o").word(&output).run().expect_success().expect_silence();
            Facts::read(&output).assert_threaded();
            let ran = assert_rejected(bad().word("-o").word(&output).run());
            assert!(!output.exists() && rejected.is_file(), "{ran:?}");
            assert!(!ran.stderr.contains(&0x1b), "no control character reaches the terminal: {ran:?}");
        }
    }

    fn symlink_is_replaced() {
        let folder = temp_folder();
        let (output, target) = (folder.path().join("out.wasm"), folder.path().join("target"));
        for (run, rejected) in [(good(), false), (bad(), true), (failing(), false)] {
            let _ = fs::remove_file(&output);
            write(&target, "mine");
            symlink("target", &output).expect("a link can be made");
            let ran = run.word("-o").word(&output).run();
            let there = fs::symlink_metadata(&output);
            match (ran.success(), rejected) {
                (true, _) => assert!(there.is_ok_and(|facts| facts.is_file()), "the linker replaces the link"),
                (false, true) => assert!(there.is_err() && folder.path().join("out.wasm.rejected").is_file()),
                (false, false) => assert!(there.is_ok_and(|facts| facts.is_symlink()), "a failed link leaves it"),
            }
            assert_same_bytes(read(&target), "mine");
        }
    }

    fn dangling_symlink_is_replaced() {
        let folder = temp_folder();
        let output = folder.path().join("out.wasm");
        symlink("nowhere", &output).expect("a link can be made");
        assert_rejected(bad().word("-o").word(&output).run());
        assert_eq!(names(folder.path()), ["out.wasm.rejected"]);
    }

    fn pipe(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        Run::new("/bin/sh").words(["-c", "mkfifo \"$1\"", "sh"]).word(&path).run().expect_success();
        path
    }

    /// Does something with the pipe that waits for its other end.
    fn aside<T: Send + 'static>(pipe: &Path, work: impl FnOnce(&Path) -> T + Send + 'static) -> Receiver<T> {
        let (sender, receiver) = channel();
        let pipe = pipe.to_owned();
        thread::spawn(move || sender.send(work(&pipe)));
        receiver
    }

    /// What came of it. Where the other end is never opened, the test fails and does not hang.
    #[track_caller]
    fn ended<T>(work: &Receiver<T>) -> T {
        work.recv_timeout(Duration::from_secs(20)).expect("the other end of the pipe was opened")
    }

    fn pipe_gets_the_whole_module() {
        let folder = temp_folder();
        let pipe = pipe(folder.path());
        let reader = aside(&pipe, |pipe| read(pipe));
        good().word("--wasm-threads=threaded").word("-o").word(&pipe).run().expect_success().expect_silence();
        assert_same_bytes(ended(&reader), wanted("pipe"));
        assert!(fs::metadata(&pipe).is_ok_and(|facts| facts.file_type().is_fifo()));
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    /// It is not even opened, so a reader waits for the next try.
    fn pipe_gets_nothing_of_a_bad_module() {
        let folder = temp_folder();
        let pipe = pipe(folder.path());
        let reader = aside(&pipe, |pipe| read(pipe));
        let ran = assert_rejected(bad().word("-o").word(&pipe).run());
        let last = format!("Nothing was written to {}.", pipe.display());
        assert_eq!(ran.stderr_text().lines().last(), Some(&last[..]), "{ran:?}");
        assert_eq!(reader.try_recv(), Err(TryRecvError::Empty), "the reader still waits");
        good().word("-o").word(&pipe).run().expect_success();
        assert_same_bytes(ended(&reader), wanted("pipe"));
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    /// It can be read only once, and the linker is the one who must.
    fn pipe_among_the_inputs() {
        let folder = temp_folder();
        let pipe = pipe(folder.path());
        let writer = aside(&pipe, |pipe| fs::write(pipe, read(objects::neutral())).map_err(|error| error.to_string()));
        let run = shim(&[], objects::atomic()).word(&pipe).words(["-o", "out.wasm"]).folder(folder.path());
        run.timeout(Duration::from_secs(20)).run().expect_success().expect_silence();
        assert_eq!(ended(&writer), Ok(()), "all of it is taken");
        assert!(Facts::read(folder.path().join("out.wasm")).assert_threaded().exports("neutral"));
    }

    /// Only the linker may read it, and once: nobody can know what it holds.
    fn pipe_that_would_decide() {
        let folder = temp_folder();
        let pipe = pipe(folder.path());
        // With nothing beside it, and with bitcode, of which the linker would have to be asked.
        for beside in [objects::neutral(), objects::neutral_bitcode()] {
            let run = shim(&[], beside).word(&pipe).words(["-o", "out.wasm"]).folder(folder.path());
            let run = run.timeout(Duration::from_secs(20));
            let writer = aside(&pipe, |pipe| fs::write(pipe, read(objects::atomic())).map_err(|error| error.to_string()));
            let ran = run.clone().word("--wasm-threads=threaded").run().expect_code(1);
            let text = ran.stderr_text();
            assert!(text.starts_with("error[not-threaded]: whether out.wasm can be threaded cannot be told\n"), "{text}");
            assert!(text.contains(&format!("write what comes out of {} to a file", pipe.display())), "{text}");
            assert!(!folder.path().join("out.wasm").exists());
            assert_eq!(writer.try_recv(), Err(TryRecvError::Empty), "the writer still waits");
            let ran = run.env("WASM_THREADS_LOG", "warn").run().expect_success();
            let said = format!("forwarded: {} is no file, so it could not be looked into", pipe.display());
            assert!(ran.stderr_text().contains(&said), "{ran:?}");
            assert_eq!(ended(&writer), Ok(()), "all of it is taken");
            assert!(Facts::read(folder.path().join("out.wasm")).assert_unthreaded().exports("add_shared"));
            fs::remove_file(folder.path().join("out.wasm")).expect("the output");
        }
    }

    /// The name alone does not make it a file.
    fn pipe_with_the_name_of_rustcs_objects() {
        let folder = temp_folder();
        let pipe = folder.path().join("a.rcgu.o");
        fs::rename(self::pipe(folder.path()), &pipe).expect("a pipe");
        // rustc's own objects decide, so what stands beside this one tells nothing.
        for beside in [objects::atomic(), objects::refusing()] {
            let run = shim(&[], beside).word(&pipe).words(["-o", "out.wasm"]).folder(folder.path());
            let run = run.timeout(Duration::from_secs(20));
            let writer = aside(&pipe, |pipe| fs::write(pipe, read(objects::neutral())).map_err(|error| error.to_string()));
            let ran = run.clone().word("--wasm-threads=threaded").run().expect_code(1);
            let said = format!("write what comes out of {} to a file", pipe.display());
            assert!(ran.stderr_text().contains(&said), "{ran:?}");
            assert_eq!(writer.try_recv(), Err(TryRecvError::Empty), "the writer still waits");
            let ran = run.run().expect_success().expect_silence();
            assert_eq!(ended(&writer), Ok(()), "all of it is taken: {ran:?}");
            assert!(Facts::read(folder.path().join("out.wasm")).exports("neutral"));
        }
    }

    /// More than a pipe holds, and nobody who takes it.
    fn reader_that_goes_away() {
        let folder = temp_folder();
        let pipe = pipe(folder.path());
        let large = objects::threaded("large", &(objects::ATOMIC.to_owned() + LARGE)).object();
        let reader = aside(&pipe, |pipe| File::open(pipe).is_ok());
        let ran = shim(&["--export=large"], large).word("-o").word(&pipe).run().expect_code(1);
        assert!(ended(&reader));
        assert!(ran.stderr_text().starts_with("error[output-missing]: the module could not be written to "), "{ran:?}");
    }

    /// A piece of data that no pipe holds at once: 2 MiB.
    const LARGE: &str = r#"
static LARGE: [i64; 262144] = [0x0123456789abcdef; 262144];
#[unsafe(no_mangle)] pub extern "C" fn large() -> *const [i64; 262144] { &raw const LARGE }
"#;

    /// The same device as `/dev/null`, where it can do no harm if it is renamed. Making one needs root.
    fn private_device_stays_a_device() {
        let folder = temp_folder();
        let device = folder.path().join("null");
        let made = Run::new("/bin/sh").words(["-c", "mknod \"$1\" c 1 3 && : >\"$1\"", "sh"]).word(&device).run();
        // Without it, the real one: whoever may not make a device may not rename that either.
        let device = if made.success() { device } else { PathBuf::from("/dev/null") };
        for run in [good(), good().word("--wasm-threads=threaded")] {
            run.word("-o").word(&device).run().expect_success().expect_silence();
        }
        let ran = assert_rejected(bad().word("-o").word(&device).run());
        let last = format!("Nothing was written to {}.", device.display());
        assert_eq!(ran.stderr_text().lines().last(), Some(&last[..]), "{ran:?}");
        failing().word("-o").word(&device).run().expect_code(1);
        shim(&[], objects::neutral()).word("-o").word(&device).run().expect_success().expect_silence();
        assert!(fs::symlink_metadata(&device).is_ok_and(|facts| facts.file_type().is_char_device()));
        if made.success() {
            assert_eq!(names(folder.path()), ["null"]);
        }
        // The same behind a link: neither the link nor the device is touched.
        let link = folder.path().join("link.wasm");
        symlink(&device, &link).expect("a link can be made");
        good().word("-o").word(&link).run().expect_success().expect_silence();
        assert_rejected(bad().word("-o").word(&link).run());
        assert!(fs::symlink_metadata(&link).is_ok_and(|facts| facts.is_symlink()));
        assert!(fs::symlink_metadata(&device).is_ok_and(|facts| facts.file_type().is_char_device()));
    }

    fn full_device() {
        let folder = temp_folder();
        let link = folder.path().join("full");
        if !fs::metadata("/dev/full").is_ok_and(|facts| facts.file_type().is_char_device()) {
            // Only Linux and some others have it; there is no other way to be full.
            return;
        }
        symlink("/dev/full", &link).expect("a link can be made");
        let ran = good().word("-o").word(&link).run().expect_code(1);
        let text = ran.stderr_text();
        assert!(text.starts_with("error[output-missing]: the module could not be written to "), "{ran:?}");
        assert!(text.contains("No space left on device"), "{ran:?}");
        assert!(fs::symlink_metadata(&link).is_ok_and(|facts| facts.is_symlink()));
    }

    fn full_standard_output() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let mut command: Command = good().words(["-o", "-"]).command();
        let full = File::options().write(true).open("/dev/full").expect("a device for writing");
        let output = command.stdout(full).stderr(Stdio::piped()).output().expect("the shim starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.starts_with("error[output-missing]: the module could not be written to standard output"), "{text}");
        assert!(text.contains("No space left on device"), "{text}");
    }

    /// As `-o -`, by another name.
    fn link_to_standard_output() {
        if !Path::new("/dev/fd/1").exists() {
            return;
        }
        let ran = good().words(["-o", "/dev/fd/1"]).run().expect_success();
        assert_same_bytes(&ran.stdout, wanted("1"));
        let ran = assert_rejected(bad().words(["-o", "/dev/fd/1"]).run());
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }

    /// It says that all is well, and there is no module, or none that can be read.
    fn linker_that_writes_nothing() {
        let folder = temp_folder();
        let linker = folder.path().join("wasm-ld");
        let link = |run: &str| {
            write_program(&linker, format!("#!/bin/sh\n{run}\n").as_bytes());
            let run = Run::new(crate::support::shim()).word("--wasm-threads-linker=./wasm-ld").words(FLAVOR);
            run.word(objects::atomic()).words(["-o", "out.wasm"]).folder(folder.path()).run().expect_code(1)
        };
        let ran = link("exit 0");
        assert!(ran.stderr_text().starts_with("error[output-missing]: the linker reported success, and out.wasm "), "{ran:?}");
        for (run, found) in [("echo text >out.wasm", "not a WebAssembly file"), (": >out.wasm", "an empty file")] {
            let ran = link(run);
            assert!(ran.stderr_text().starts_with("error[unreadable]: out.wasm cannot be read"), "{ran:?}");
            assert!(ran.stderr_text().contains(&format!("found:  {found}")), "{ran:?}");
            assert_eq!(names(folder.path()), ["out.wasm.rejected", "wasm-ld"]);
        }
    }

    /// The detour of an output that cannot be read back costs no second link.
    fn good_module_is_linked_once() {
        let recorder = Recorder::new(Tool::RustLld.path());
        let run = Link::shim_with(recorder.linker()).words(FLAVOR).words(EXPORTS).word(objects::atomic());
        let ran = run.words(["-o", "-"]).run().expect_success();
        Facts::of(&ran.stdout).assert_threaded();
        let words = recorder.only_run();
        let last = words.iter().rposition(|word| word == "-o").expect("an output");
        let detour = Path::new(&words[last + 1]);
        assert!(detour.is_absolute() && detour.file_name() == Some(OsStr::new("-")), "{words:?}");
        assert!(!detour.parent().expect("a folder").exists(), "nothing of it is left: {words:?}");
    }
}
