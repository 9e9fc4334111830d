//! What `SECURITY.md` says: which programs a link starts, which files it writes, and what a name may do to who reads it.

use crate::support::link::cargo_wasm_threads;
use crate::support::place::OUTPUT;
use crate::support::recorder::write_program;
use crate::support::{FLAVOR, NoCore, Place, Ran, Run, Suite, Tool, objects, read, repository, shim};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const STRACE: Tool = Tool::Program("strace", "strace");

pub fn tests(suite: &mut Suite) {
    let watched = &[STRACE, Tool::Rustc, Tool::RustLld];
    suite.test("a_link_writes_only_its_output", watched, a_link_writes_only_its_output);
    suite.test("a_refused_link_writes_only_the_rejected_twin", watched, a_refused_link);
    suite.test("an_undecided_link_writes_only_its_output", watched, an_undecided_link);
    suite.test("what_was_asked_for_is_written_too", watched, what_was_asked_for);
    suite.test("a_copy_of_a_response_file_is_temporary", watched, a_copy_of_a_response_file);
    suite.test("a_link_with_path_alone", watched, a_link_with_path_alone);
    suite.test("programs_in_the_current_folder_never_run", watched, programs_in_the_current_folder);
    suite.test("commands_run_no_program_of_the_current_folder", &[Tool::Rustc, Tool::RustLld], commands_in_a_hostile_folder);
    suite.test("no_input_chooses_a_program", watched, no_input_chooses_a_program);
    suite.test("names_of_objects_in_errors_and_in_the_log", &[Tool::Rustc, Tool::RustLld], names_of_objects);
    suite.test("no_unsafe_code", &[], no_unsafe_code);
    suite.test("every_test_that_the_documents_name_is_here", &[], every_test_named);
}

// ---------------------------------------------------------------- watching

/// What a program started, and which files it changed, by `strace`.
#[derive(Debug, Default)]
struct Watched {
    started: BTreeSet<PathBuf>,
    changed: BTreeSet<PathBuf>,
}

/// Runs `run` in `place` under `strace`, with a temporary folder of its own.
#[track_caller]
fn watch(place: &Place, words: &[OsString], variables: &[(&str, &OsStr)]) -> (Ran, Watched) {
    let log = tempfile::NamedTempFile::new().expect("a file for the log");
    let temporary = place.path("tmp");
    fs::create_dir_all(&temporary).expect("a folder");
    const CALLS: &str = "trace=execve,execveat,open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,\
        mkdirat,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat,mknod,mknodat";
    let mut run = Run::new(STRACE.path()).words(["-f", "-qq", "-s", "8192", "-e", CALLS, "-o"]).word(log.path()).word("--");
    run = run.word(shim()).words(words).folder(place.folder()).env("TMPDIR", &temporary);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    let ran = run.run();
    let left: Vec<_> = fs::read_dir(&temporary).expect("the folder").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left in the temporary folder: {left:?}");
    (ran, Watched::read(&String::from_utf8_lossy(&read(log.path())), place.folder()))
}

impl Watched {
    fn read(log: &str, folder: &Path) -> Watched {
        let mut watched = Watched::default();
        for line in log.lines() {
            // `PID  call(arguments) = result`; a call that failed changed nothing.
            let call = line.trim_start_matches(|character: char| character.is_ascii_digit()).trim_start();
            let Some((name, arguments)) = call.split_once('(') else { continue };
            let failed = call.rsplit_once(" = ").is_some_and(|(_, result)| result.starts_with('-'));
            // A call that another one interrupts is written in two lines, of which the first has the names.
            let paths = quoted(arguments).into_iter().map(|path| folder.join(path));
            let opens = matches!(name, "open" | "openat" | "openat2");
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| arguments.contains(flag));
            match name {
                _ if failed => {}
                "execve" | "execveat" => watched.started.extend(paths.take(1)),
                _ if opens && writes => watched.changed.extend(paths.take(1)),
                _ if opens => {}
                _ if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) => {
                    watched.changed.extend(paths);
                }
                _ => {}
            }
        }
        assert!(watched.started.contains(shim()), "strace saw nothing: {log}");
        watched
    }

    /// Only the shim and `programs` were started.
    #[track_caller]
    fn started_only(&self, programs: &[&Path]) {
        let wanted: BTreeSet<PathBuf> = programs.iter().copied().chain([shim()]).map(Path::to_owned).collect();
        assert_eq!(self.started, wanted);
    }

    /// Only these files of `place` were changed, others that the linker names after them while it writes, and temporary ones.
    #[track_caller]
    fn changed_only(&self, place: &Place, names: &[&str]) {
        let temporary = place.path("tmp");
        let allowed = |path: &PathBuf| {
            let name = path.strip_prefix(place.folder()).ok().and_then(Path::to_str).unwrap_or_default();
            // `out.wasm.tmp1a2b3c4`, which is renamed to it.
            let named = names.iter().any(|known| {
                name.strip_prefix(known)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(".tmp") || rest.starts_with(".wasm-threads-"))
            });
            named || path.starts_with(&temporary) || path == Path::new("/dev/null") || path == Path::new("/dev/tty")
        };
        let others: Vec<_> = self.changed.iter().filter(|path| !allowed(path)).collect();
        assert!(others.is_empty(), "{others:?}");
        for name in names {
            assert!(self.changed.contains(&place.path(name)), "{name} is not among {:?}", self.changed);
        }
    }
}

/// The strings in a call's arguments. The names in these tests have nothing to escape.
fn quoted(arguments: &str) -> Vec<&str> {
    arguments.split('"').skip(1).step_by(2).collect()
}

fn place() -> Place {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral());
    place
}

fn line(words: &str) -> Vec<OsString> {
    FLAVOR.into_iter().chain(words.split(' ')).chain(["-o", OUTPUT]).map(OsString::from).collect()
}

fn named(place: &Place) -> [(&'static str, &OsStr); 1] {
    [("WASM_THREADS_LINKER", place.linker().as_os_str())]
}

fn a_link_writes_only_its_output() {
    let place = place();
    for words in ["atomic.o", "neutral.o", "atomic.o --wasm-threads=off"] {
        let (ran, watched) = watch(&place, &line(words), &named(&place));
        assert!(ran.success(), "{ran:?}");
        watched.started_only(&[place.linker()]);
        watched.changed_only(&place, &[OUTPUT]);
    }
}

fn a_refused_link() {
    let place = place();
    // Both memories' sizes are one: there is nothing to grow into.
    let (ran, watched) = watch(&place, &line("atomic.o --initial-memory=131072 --max-memory=131072"), &named(&place));
    assert!(ran.stderr_text().starts_with("error[memory-cannot-grow]: "), "{ran:?}");
    watched.started_only(&[place.linker()]);
    watched.changed_only(&place, &[OUTPUT, "out.wasm.rejected"]);

    let (ran, watched) = watch(&place, &line("neutral.o --wasm-threads=threaded"), &named(&place));
    assert!(ran.stderr_text().starts_with("error[not-threaded]: "), "{ran:?}");
    watched.started_only(&[]);
    // An older output, which is not of this link, goes.
    assert!(watched.changed.iter().all(|path| path.starts_with(place.folder())), "{watched:?}");
}

fn an_undecided_link() {
    let place = place();
    place.put("atomic.bc", objects::atomic_bitcode());
    let (ran, watched) = watch(&place, &line("atomic.bc"), &named(&place));
    assert!(ran.success(), "{ran:?}");
    watched.started_only(&[place.linker()]);
    watched.changed_only(&place, &[OUTPUT]);
}

fn what_was_asked_for() {
    let place = place();
    let (ran, watched) = watch(&place, &line("atomic.o --wasm-threads-reproduce=packed.tar --Map=map.txt"), &named(&place));
    assert!(ran.success(), "{ran:?}");
    watched.started_only(&[place.linker()]);
    watched.changed_only(&place, &[OUTPUT, "packed.tar", "map.txt"]);
}

fn a_copy_of_a_response_file() {
    let place = place();
    place.write("words", b"atomic.o --wasm-threads=threaded");
    let before = read(place.path("words"));
    let (ran, watched) = watch(&place, &line("@words"), &named(&place));
    assert!(ran.success(), "{ran:?}");
    watched.started_only(&[place.linker()]);
    watched.changed_only(&place, &[OUTPUT]);
    assert_eq!(read(place.path("words")), before);
}

/// Nothing but PATH: the linker is found in the folder that rustc puts there, and no other program is asked.
fn a_link_with_path_alone() {
    let place = place();
    let folder = place.linker().parent().expect("a linker is in a folder");
    let (ran, watched) = watch(&place, &line("atomic.o"), &[("PATH", folder.as_os_str())]);
    assert!(ran.success(), "{ran:?}");
    watched.started_only(&[place.linker()]);
}

/// Programs by every name that is looked for, which tell when they run.
fn decoys(place: &Place) {
    for name in ["rust-lld", "wasm-ld", "wasm-ld-99", "emcc", "clang", "rustc", "wasm-component-ld", "cargo", "sh"] {
        write_program(&place.path(name), b"#!/bin/sh\necho ran >\"$0.ran\"\n");
    }
}

fn assert_no_decoy_ran(place: &Place) {
    let ran = fs::read_dir(place.folder()).expect("the folder").flatten().map(|entry| entry.file_name());
    let ran: Vec<_> = ran.filter(|name| name.as_bytes().ends_with(b".ran")).collect();
    assert!(ran.is_empty(), "{ran:?}");
}

/// A project whose folder has programs by every name that the commands look for, and a PATH with that folder in front.
fn commands_in_a_hostile_folder() {
    let place = place();
    place.link("atomic.o --export=add_shared --export=add_local").threaded(1);
    fs::create_dir_all(place.path("src")).expect("a folder");
    place.write("src/main.rs", b"fn main() {}");
    place.write("Cargo.toml", b"[package]\nname = \"hostile\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n");
    // A table that only a compiler can tell to be for a target.
    place.write("config", b"[target.'cfg(target_family = \"wasm\")']\nrustflags = [\"-Copt-level=2\"]\n");
    fs::create_dir_all(place.path(".cargo")).expect("a folder");
    fs::rename(place.path("config"), place.path(".cargo/config.toml")).expect("a file");
    let names = [
        "cargo",
        "rustc",
        "rustup",
        "node",
        "wasmtime",
        "wasm-bindgen",
        "wasm-bindgen-test-runner",
        "wasm-opt",
        "emcc",
        "clang",
        "wasm-ld",
        "rust-lld",
        "wasm-threads-linker",
    ];
    for name in names {
        // Whose child it is: what cargo starts, by that PATH, is cargo's own choice.
        write_program(&place.path(name), b"#!/bin/sh\nread -r parent </proc/$PPID/comm\necho \"$parent\" >>\"$0.ran\"\n");
    }
    let tools = Tool::Rustc.path().parent().expect("a compiler is in a folder").to_owned();
    let mut with_tools = OsString::from(".::./:tmp/..:");
    with_tools.push(&tools);
    let commands = [
        "demo",
        "doctor",
        "init --dry-run",
        "check --run out.wasm",
        "inspect out.wasm",
        "build",
        "+nightly build",
        "run",
        "test",
        "build --target wasm32-wasip1-threads",
        "runner out.wasm",
        "runner --by=1 node out.wasm",
    ];
    for path in [with_tools.as_os_str(), OsStr::new(".:")] {
        for words in commands {
            let ran = Run::new(cargo_wasm_threads()).words(words.split(' ')).folder(place.folder()).env("PATH", path).run();
            for name in names {
                let by = fs::read_to_string(place.path(format!("{name}.ran"))).unwrap_or_default();
                assert!(by.lines().all(|parent| parent == "cargo"), "{words} with PATH={path:?}: {name} by {by}: {ran:?}");
            }
            let alone = ["doctor", "inspect out.wasm"].contains(&words);
            assert!(ran.code().is_some_and(|code| code <= 2 || code == 101), "{words}: {ran:?}");
            assert!(alone || path == with_tools.as_os_str() || !ran.success(), "nothing is there to run, {words}: {ran:?}");
        }
    }
}

fn programs_in_the_current_folder() {
    let place = place();
    decoys(&place);
    let folder = place.linker().parent().expect("a linker is in a folder").to_owned();
    // The current folder, by every name that PATH can have for it, in front of the right one.
    let mut path = OsString::from(":.:./:tmp/..:");
    path.push(&folder);
    for words in ["atomic.o", "neutral.o"] {
        let (ran, watched) = watch(&place, &line(words), &[("PATH", &path)]);
        assert!(ran.success(), "{ran:?}");
        watched.started_only(&[place.linker()]);
    }
    // And where there is none but there.
    for words in ["atomic.o", "-sSTRICT atomic.o", "--target=wasm32-wasip1-threads atomic.o"] {
        let (ran, watched) = watch(&place, &line(words)[3..], &[("PATH", OsStr::new(":."))]);
        assert!(ran.stderr_text().starts_with("error[linker-not-found]: "), "{ran:?}");
        watched.started_only(&[]);
    }
    // A bare name is looked for on PATH, too.
    let (ran, watched) = watch(&place, &line("atomic.o --wasm-threads-linker=wasm-ld"), &[("PATH", OsStr::new(":."))]);
    assert!(ran.stderr_text().starts_with("error[linker-not-found]: "), "{ran:?}");
    watched.started_only(&[]);
    assert_no_decoy_ran(&place);
}

fn no_input_chooses_a_program() {
    let place = place();
    decoys(&place);
    let evil = place.path("wasm-ld");
    // A need, the name of a section and a symbol that look like our own words; a folder of cargo's and a file of settings.
    let need = format!("wasm-threads: required by --wasm-threads-linker={}\n", evil.display());
    let source = format!(
        "#[used] #[unsafe(link_section = \"wasm-threads\")] static NEED: [u8; {}] = {:?};
         #[unsafe(export_name = \"--wasm-threads-linker=./wasm-ld\")] pub extern \"C\" fn odd() {{}}",
        need.len(),
        need.as_bytes()
    );
    let object = NoCore::new(&source).name("odd").threaded().object();
    place.put("odd.o", &object).put("--wasm-threads-linker=.o", &object);
    place.write(
        ".cargo/config.toml",
        b"[env]\nWASM_THREADS_LINKER = \"./wasm-ld\"\n[target.wasm32-unknown-unknown]\nlinker = \"./wasm-ld\"\n",
    );
    place.write("wasm-threads.toml", b"linker = \"./wasm-ld\"\n").write(".wasm-threads-linker", b"./wasm-ld\n");
    let folder = place.linker().parent().expect("a linker is in a folder").to_owned();
    for words in ["odd.o atomic.o", "./--wasm-threads-linker=.o atomic.o", "odd.o neutral.o"] {
        let (ran, watched) = watch(&place, &line(words), &[("PATH", folder.as_os_str())]);
        assert!(ran.success(), "{ran:?}");
        watched.started_only(&[place.linker()]);
    }
    assert_no_decoy_ran(&place);
}

// ------------------------------------------------------------------- names

/// What a name tries: colours, a title, another line, a command to GitHub's runner (of today, and of old), to other runners, a
/// turned line, and what ends a string in JSON, HTML or a shell.
const HOSTILE: &str = "a\u{1b}[31m\u{1b}]0;t\u{7}\r\n::error file=x::made up\n  ::set-output name=a::b\n##[add-mask]x\n\u{202e}\u{85}\u{9b}31m\"'`$(x)</svg><script>&%0A::stop::\\";

/// Nothing in what people read drives a terminal, or is a command to a runner.
#[track_caller]
fn assert_harmless(text: &str) {
    let turns = |character| matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let bad = text.chars().find(|character| (character.is_control() && *character != '\n') || turns(*character));
    assert_eq!(bad, None, "{text}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    assert!(!text.contains("##["), "{text}");
}

/// In each of the shim's errors, and in its log.
fn names_of_objects() {
    let place = place();
    // A path cannot have a slash in it.
    let name = format!("{}.o", HOSTILE.replace('/', "|"));
    fs::write(place.path(&name), read(objects::refusing())).expect("the object can be written");
    let need = format!("wasm-threads: required by {HOSTILE}");
    let source = format!(
        "#[used] #[unsafe(link_section = \"wasm-threads\")] static NEED: [u8; {}] = {:?};",
        need.len(),
        need.as_bytes()
    );
    place.put("need.o", NoCore::new(&source).name("need").object());
    let option = |option: &str| OsString::from(format!("--wasm-threads{option}{HOSTILE}"));
    let threaded = || OsString::from("--wasm-threads=threaded");
    let lines = [
        vec![OsString::from(&name), threaded()],
        vec![OsString::from(&name), "need.o".into()],
        vec!["need.o".into()],
        vec!["neutral.o".into(), option("=")],
        vec!["neutral.o".into(), option("-max-memory=")],
        vec!["neutral.o".into(), option("-linker=/")],
        vec!["neutral.o".into(), option("-")],
        vec![OsString::from(&name), "--wasm-threads-linker=/none".into()],
    ];
    for words in lines {
        let line = [line("neutral.o"), words].concat();
        let run = Run::new(shim()).words(&line).folder(place.folder()).env("WASM_THREADS_LOG", "trace");
        let ran = run.env("WASM_THREADS_LINKER", place.linker()).run();
        assert_eq!(ran.code(), Some(1), "{ran:?}");
        let text = ran.stderr_text();
        assert!(text.contains("error["), "{text}");
        assert_harmless(&text);
    }

    // What is linked is told in the log alone.
    let plain = format!("{}.o", HOSTILE.replace('/', ":"));
    fs::write(place.path(&plain), read(objects::neutral())).expect("the object can be written");
    let run = Run::new(shim()).words(line(&plain.replace(' ', "_"))).folder(place.folder());
    fs::rename(place.path(&plain), place.path(plain.replace(' ', "_"))).expect("it can be renamed");
    let ran = run.env("WASM_THREADS_LOG", "trace").env("WASM_THREADS_LINKER", place.linker()).run().expect_success();
    let text = ran.stderr_text();
    assert!(text.contains("[INFO  wasm_threads::") && text.contains("made"), "{text}");
    assert_harmless(&text);
}

// --------------------------------------------------------------- documents

fn no_unsafe_code() {
    let manifest = |path: &str| fs::read_to_string(repository().join(path)).expect("a manifest");
    assert!(manifest("Cargo.toml").contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    for path in ["Cargo.toml", "linker-shim/Cargo.toml"] {
        assert!(manifest(path).contains("[lints]\nworkspace = true\n"), "{path}");
    }
}

/// In the documents that say what holds, `module::test` in backticks is a test of this suite, `src/file.rs::test` one of the
/// library's own, and `fuzz: target` a target of `tests/fuzz`.
fn every_test_named() {
    let this = std::env::current_exe().expect("this binary");
    let listed = Run::new(this).words(["--list"]).run().expect_success().stdout_text();
    let tests: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(|line| line.rsplit("] ").next().unwrap_or(line).trim())
        .collect();
    assert!(tests.contains("security::every_test_that_the_documents_name_is_here"), "{tests:?}");
    let targets = fs::read_to_string(repository().join("tests/fuzz/Cargo.toml")).expect("the fuzz targets");
    for (document, least) in [("SECURITY.md", 12), ("linker-shim/guide/tried.md", 12), ("linker-shim/guide/faults.md", 12)] {
        let text = fs::read_to_string(repository().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        let mut named = 0;
        for name in text.split('`').skip(1).step_by(2) {
            let is_there = if name.ends_with("…") || name == "::" || name == "::error" {
                continue;
            } else if let Some(target) = name.strip_prefix("fuzz: ") {
                targets.contains(&format!("name = \"{target}\"\n"))
            } else if let Some((file, test)) = name.split_once(".rs::") {
                let source = fs::read_to_string(repository().join(format!("{file}.rs"))).unwrap_or_default();
                source.contains(&format!("#[test]\n    fn {test}()"))
            } else if name.contains("::") && !name.starts_with("::") {
                tests.contains(name)
                    || (name.ends_with('*') && tests.iter().any(|test| test.starts_with(name.trim_end_matches('*'))))
            } else {
                continue;
            };
            assert!(is_there, "{document} names {name}, and there is none");
            named += 1;
        }
        assert!(named >= least, "{document} names {named} tests");
    }
}
