//! Nobody else is touched: what needs nothing from the shim goes through as it came, and comes back as it is.

use crate::support::archive::Archive;
use crate::support::recorder::write_program;
use crate::support::{FLAVOR, Facts, Link, Place, Run, assert_same_bytes, golden, objects, read, shim, temp_folder};
use crate::support::{Suite, Tool};
use std::fs;
use std::path::{Path, PathBuf};

// The linkers that are told apart here are scripts.
pub fn tests(suite: &mut Suite) {
    for linker in [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)] {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("without_atomics"), &[Tool::Rustc, linker], move || without_atomics(linker));
        suite.test(&name("left_alone"), &[Tool::Rustc, linker], move || left_alone(linker));
        suite.test(&name("version_banner"), &[Tool::Rustc, linker], move || version_banner(linker));
        suite.test(&name("streams"), &[Tool::Rustc, linker], move || streams(linker));
    }
    suite.test("replaced_by_the_linker", &[Tool::Rustc], replaced_by_the_linker);
    suite.test("waits_where_it_has_something_to_say", &[Tool::Rustc], waits_where_it_has_something_to_say);
    suite.test("exit_status", &[Tool::Rustc], exit_status);
    suite.test("signals", &[Tool::Rustc], signals);
    suite.test("standard_input_and_folder_and_variables", &[Tool::Rustc], surroundings);
    suite.test("streams_that_are_not_text", &[Tool::Rustc], streams_that_are_not_text);
    suite.test("nobody_reads_the_streams", &[Tool::Rustc], nobody_reads_the_streams);
    #[cfg(target_os = "linux")]
    suite.test("nobody_takes_the_map", &[Tool::Rustc, Tool::RustLld], nobody_takes_the_map);
    suite.test("argv0_where_lld_reads_it", &[Tool::Rustc, Tool::RustLld], argv0_where_lld_reads_it);
    suite.test("name_of_the_module", &[Tool::Rustc, Tool::RustLld], name_of_the_module);
    suite.test("other_styles", &[Tool::Rustc], other_styles);
    suite.test("help", &[Tool::RustLld], help);
    suite.test("host_link_by_rustc", &[Tool::Rustc], host_link_by_rustc);
    suite.test("host_link_by_flavor", &[Tool::Rustc], host_link_by_flavor);
    suite.test("host_link_by_object", &[Tool::Rustc], host_link_by_object);
}

/// A folder with an object of each kind and a library.
fn place(linker: Tool) -> Place {
    let place = Place::new(linker);
    put_objects(&place);
    place
}

fn put_objects(place: &Place) {
    place.put("atomic.o", objects::atomic()).put("neutral.o", objects::neutral()).put("refusing.o", objects::refusing());
    Archive::new().file(objects::neutral()).write(place.path("libneutral.a"));
}

/// A linker that is a script: it links nothing and does what it is told.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("wasm-ld");
    write_program(&path, format!("#!/bin/sh\n{text}\n").as_bytes());
    path
}

/// Lines without atomics: the linker gets them once, as they came, and the module is the linker's own, byte by byte.
fn without_atomics(linker: Tool) {
    let place = place(linker);
    place.write("arguments", b"neutral.o --export=neutral");
    for line in [
        "neutral.o --export=neutral",
        "refusing.o --export=refusing_shared",
        "neutral.o --export=neutral libneutral.a",
        "neutral.o --export neutral -L. -lneutral --gc-sections -O3 --strip-debug",
        "neutral.o --export=neutral --initial-memory=1048576 --max-memory=2097152",
        "neutral.o --export=neutral --import-memory",
        "neutral.o --export=neutral -z stack-size=65536 --stack-first -s",
        "--no-entry neutral.o --export=neutral @nothing-in-it",
        "@arguments",
    ] {
        place.write("nothing-in-it", b"");
        let linked = place.link(line);
        linked.as_bare(line, 1);
        let words: Vec<&str> = FLAVOR.into_iter().chain(line.split(' ')).chain(["-o", "out.wasm"]).collect();
        assert_eq!(linked.runs[0], words);
    }
}

/// Lines of which no ordinary module comes, though there are atomics; and everything with the mode off.
fn left_alone(linker: Tool) {
    let place = place(linker);
    for line in ["-r atomic.o", "--relocatable atomic.o", "-relocatable atomic.o neutral.o", "-pie --no-entry atomic.o"] {
        let words: Vec<&str> = line.split(' ').chain(["-o", "out.wasm"]).collect();
        same_as_bare(&place, &words);
    }
    place.link_with("atomic.o --export=add_shared", &[("WASM_THREADS", "off")]).unthreaded("atomic.o --export=add_shared", 1);
    let off = place.link("atomic.o --export=add_shared --wasm-threads=off");
    off.unthreaded("atomic.o --export=add_shared", 1);
    let marked = "atomic.o --export=add_shared --export-if-defined=wasm-threads:off";
    place.link(marked).unthreaded(marked, 1);
    // What the linker refuses, it refuses in its own words and with its own status.
    for words in [
        &["-shared", "atomic.o", "-o", "out.wasm"][..],
        &["--cooperative-threading", "atomic.o", "-o", "out.wasm"],
        &["--version"],
        &["-version"],
        &["--version", "atomic.o"],
        &["-v"],
        &["-o", "out.wasm"],
        &["--no-entry"],
        &["--shared-memory", "-o", "out.wasm"],
    ] {
        same_as_bare(&place, words);
    }
}

/// Up to LLVM 19 `-v` links nothing, and that is no failure.
fn version_banner(linker: Tool) {
    let place = place(linker);
    let linked = place.link("-v atomic.o --export=add_shared");
    assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{:?}", linked.ran);
    let bare = Run::new(place.linker()).words(&linked.runs[0]).folder(place.folder()).run().expect_success();
    assert_same_bytes(&linked.ran.stdout, &bare.stdout);
    let links = matches!(linker, Tool::RustLld | Tool::WasmLd(22));
    assert_eq!(fs::exists(place.path("out.wasm")).ok(), Some(links));
}

/// The words, by the shim and by the linker alone: the same words to the linker, the same streams and the same status.
#[track_caller]
fn same_as_bare(place: &Place, words: &[&str]) {
    let words: Vec<&str> = ["-flavor", "wasm"].into_iter().chain(words.iter().copied()).collect();
    let linked = place.run(Run::new(shim()).words(&words));
    assert!(linked.runs.len() == 1 && linked.runs[0] == words, "{:?}", linked.runs);
    let output = fs::read(place.path("out.wasm")).ok();
    let _ = fs::remove_file(place.path("out.wasm"));
    let bare = Run::new(place.linker()).words(&words).folder(place.folder()).run();
    assert_eq!(linked.ran.status, bare.status, "{:?}\n{bare:?}", linked.ran);
    assert_same_bytes(&linked.ran.stderr, &bare.stderr);
    assert_same_bytes(&linked.ran.stdout, &bare.stdout);
    match (output, fs::read(place.path("out.wasm")).ok()) {
        (Some(ours), Some(bare)) => assert_same_bytes(ours, bare),
        (ours, bare) => assert_eq!(ours.is_some(), bare.is_some(), "{words:?}"),
    }
}

/// What a linker prints of its own accord, with atomics and without.
fn streams(linker: Tool) {
    let place = place(linker);
    for (object, export) in [("atomic.o", "--export=add_shared"), ("neutral.o", "--export=neutral")] {
        for (option, prints) in [
            ("--print-map", true),
            ("-M", true),
            ("--trace", true),
            ("-t", true),
            ("--verbose", true),
            ("--print-gc-sections", false),
            ("--warn-unresolved-symbols -u nothing", false),
            // A warning, from LLVM 16 on.
            ("-z something", linker != Tool::WasmLd(14)),
        ] {
            // With several threads the lines of `--verbose` come in any order.
            let linked = place.link(&format!("{object} {export} --threads=1 {option}"));
            assert!(linked.ran.success(), "{:?}", linked.ran);
            let bare = Run::new(place.linker()).words(&linked.runs[0]).folder(place.folder()).run().expect_success();
            assert_same_bytes(&linked.ran.stdout, &bare.stdout);
            assert_same_bytes(&linked.ran.stderr, &bare.stderr);
            assert!(!prints || bare.stdout.len() + bare.stderr.len() > 5, "{option} prints something\n{bare:?}");
        }
    }
}

/// The linker runs in the shim's own process.
fn replaced_by_the_linker() {
    let place = place(Tool::Rustc);
    let linker = script(place.folder(), "echo $$");
    for line in [
        "-flavor wasm neutral.o -o out.wasm",
        "neutral.o -o out.wasm",
        "refusing.o -o out.wasm",
        "libneutral.a -o out.wasm",
        "-r atomic.o -o out.wasm",
        "atomic.o -o out.wasm --wasm-threads=off",
        "--version",
        "-o out.wasm",
    ] {
        // `exec` in the shell: this process's number is the shim's.
        let text = format!("echo $$; exec '{}' {line}", shim().display());
        let run = Run::new("/bin/sh").words(["-c", &text]).folder(place.folder()).env("WASM_THREADS_LINKER", &linker);
        let said = run.run().expect_success().stdout_text();
        let numbers: Vec<&str> = said.lines().collect();
        assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{line}: {numbers:?}");
    }
}

/// Where atomics may be present, the shim is there after the linker.
fn waits_where_it_has_something_to_say() {
    let place = place(Tool::Rustc);
    let linker = script(place.folder(), "echo $$; exit 7");
    for line in ["atomic.o -o out.wasm", "neutral.o --shared-memory -o out.wasm", "neutral.o --import-memory -o out.wasm"] {
        let text = format!("echo $$; exec '{}' {line}", shim().display());
        let run = Run::new("/bin/sh").words(["-c", &text]).folder(place.folder()).env("WASM_THREADS_LINKER", &linker);
        let said = run.run().expect_code(7).stdout_text();
        let numbers: Vec<&str> = said.lines().collect();
        assert!(numbers.len() == 2 && numbers[0] != numbers[1], "{line}: {numbers:?}");
    }
}

/// A link for each way through the shim: replaced, waited for, run out of sight, run as asked.
const WAYS: [&str; 4] = ["neutral.o", "atomic.o", "atomic.bc", "neutral.o --import-memory"];

fn with_bitcode(tool: Tool) -> Place {
    let place = place(tool);
    place.put("atomic.bc", objects::atomic_bitcode());
    place
}

fn exit_status() {
    let place = with_bitcode(Tool::Rustc);
    for code in [1, 2, 7, 101, 127, 255] {
        let linker = script(place.folder(), &format!("echo said; echo failed >&2; exit {code}"));
        for line in WAYS {
            let run = Run::new(shim()).words(line.split(' ')).words(["-o", "out.wasm"]).env("WASM_THREADS_LINKER", &linker);
            let ran = run.folder(place.folder()).run().expect_code(code);
            assert_same_bytes(&ran.stdout, b"said\n");
            assert!(ran.stderr_text().starts_with("failed\n"), "{ran:?}");
        }
    }
}

fn signals() {
    let place = with_bitcode(Tool::Rustc);
    // The numbers are the same on every Unix.
    for (name, number) in [("HUP", 1), ("INT", 2), ("ABRT", 6), ("KILL", 9), ("SEGV", 11), ("PIPE", 13), ("TERM", 15)] {
        let linker =
            script(place.folder(), &format!("ulimit -c 0; printf 'in part'; echo before >&2; kill -{name} $$; sleep 5"));
        for line in WAYS {
            let run = Run::new(shim()).words(line.split(' ')).words(["-o", "out.wasm"]).env("WASM_THREADS_LINKER", &linker);
            let ran = run.folder(place.folder()).run();
            assert_eq!((ran.code(), ran.signal()), (None, Some(number)), "{line}, SIG{name}\n{ran:?}");
            assert!(ran.stdout == b"in part" && ran.stderr_text().starts_with("before\n"), "{ran:?}");
        }
    }
}

/// The linker stands where the shim stood: its folder, its variables but for our counter, its standard input.
fn surroundings() {
    let place = with_bitcode(Tool::Rustc);
    let linker = script(place.folder(), "pwd; env | sort; cat; exit 7");
    for line in WAYS {
        let shell = "printf 'from standard input' | \"$0\" \"$@\"; exit 7";
        let run = |program: &Path| {
            let run = Run::new("/bin/sh").words(["-c", shell]).word(program).words(line.split(' ')).words(["-o", "out.wasm"]);
            run.folder(place.folder())
                .env("WASM_THREADS_LINKER", &linker)
                .env("LC_ALL", "C")
                .env("SOME", "thing")
                .run()
                .stdout_text()
        };
        let (through, bare) = (run(shim()), run(&linker));
        assert!(bare.contains("SOME=thing\n") && bare.ends_with("from standard input"), "{bare}");
        let ours = |line: &&str| !line.starts_with("WASM_THREADS_DEPTH=") && !line.starts_with("_=");
        if line == "atomic.bc" {
            // It ran twice, and the second run finds nothing left to read. No linker reads its input from there.
            assert!(!through.contains("from standard input"), "{through}");
            continue;
        }
        assert_eq!(through.lines().filter(ours).collect::<Vec<_>>(), bare.lines().filter(ours).collect::<Vec<_>>(), "{line}");
    }
}

/// Bytes that are no text, and more of them than a pipe holds.
fn streams_that_are_not_text() {
    let place = with_bitcode(Tool::Rustc);
    let many: Vec<u8> = (0..400_000_u32).map(|number| (number % 251) as u8).collect();
    place.write("many", &many);
    let linker = script(place.folder(), "cat many; cat many >&2; exit 3");
    for line in WAYS {
        let run = Run::new(shim()).words(line.split(' ')).words(["-o", "out.wasm"]).env("WASM_THREADS_LINKER", &linker);
        let ran = run.folder(place.folder()).run().expect_code(3);
        assert_same_bytes(&ran.stdout, &many);
        assert_same_bytes(&ran.stderr[..many.len()], &many);
        assert_eq!(ran.stderr.len(), many.len(), "nothing under it");
    }
}

/// The reader of a stream goes away: neither a panic nor another end.
fn nobody_reads_the_streams() {
    let place = with_bitcode(Tool::Rustc);
    let linker = script(place.folder(), "trap '' PIPE; echo said; echo failed >&2; exit 3");
    for line in WAYS {
        let full = ["2>/dev/full", ">/dev/full"].iter().filter(|_| cfg!(target_os = "linux"));
        for closed in ["2>&-", ">&-", ">&- 2>&-"].iter().chain(full) {
            let text = format!("\"$@\" {closed}");
            let run =
                Run::new("/bin/sh").words(["-c", &text, "sh"]).word(shim()).words(line.split(' ')).words(["-o", "out.wasm"]);
            let ran = run.folder(place.folder()).env("WASM_THREADS_LINKER", &linker).run();
            assert!(!ran.stderr_text().contains("panicked"), "{line} {closed}\n{ran:?}");
            assert_eq!(ran.code(), Some(3), "{line} {closed}\n{ran:?}");
        }
    }
}

/// Of a link out of sight, what was printed may not get lost in silence either.
#[cfg(target_os = "linux")]
fn nobody_takes_the_map() {
    let place = with_bitcode(Tool::RustLld);
    let text = "\"$@\" >/dev/full";
    let words = ["--no-entry", "atomic.bc", "--export-dynamic", "-M", "-o", "out.wasm"];
    let run = Run::new("/bin/sh").words(["-c", text, "sh"]).word(shim()).words(words);
    let ran = run.folder(place.folder()).env("WASM_THREADS_LINKER", place.linker()).run().expect_code(1);
    golden::check("bad-use/standard-output-is-full", &ran.stderr_text(), &[]);
}

/// `lld` under whatever name takes its flavor from `argv[0]`; `rust-lld` has to be told.
fn argv0_where_lld_reads_it() {
    let place = place(Tool::RustLld);
    let names = place.path("names");
    fs::create_dir(&names).expect("a folder");
    for name in ["wasm-ld", "wasm-ld-99", "my-wasm-ld", "rust-lld", "rust-lld-22", "lld", "lld-22"] {
        let linker = names.join(name);
        std::os::unix::fs::symlink(Tool::RustLld.path(), &linker).expect("a link");
        for object in ["neutral.o", "atomic.o"] {
            let option = format!("--wasm-threads-linker={}", linker.display());
            let run = Run::new(shim()).words([&option, "--no-entry", object, "-o", "out.wasm"]).folder(place.folder());
            run.run().expect_success().expect_silence();
            let facts = Facts::read(place.path("out.wasm"));
            assert_eq!(facts.memory().shared, object == "atomic.o", "{name}");
        }
    }
    // What the linker is called in its own messages is the path it was named by.
    let ran = Link::shim_with(names.join("wasm-ld-99"))
        .words(["--no-entry", "gone.o", "-o", "out.wasm"])
        .folder(place.folder())
        .run();
    assert!(ran.expect_code(1).stderr_text().starts_with("wasm-ld-99: error: "));
}

/// lld writes the output's file name into the module, and it is not another, wherever the shim links first.
fn name_of_the_module() {
    let place = with_bitcode(Tool::RustLld);
    place.put("neutral.bc", objects::neutral_bitcode());
    for object in ["atomic.o", "neutral.o", "atomic.bc", "neutral.bc"] {
        let ran = place.link(&format!("{object} --export-dynamic"));
        assert!(ran.ran.success(), "{:?}", ran.ran);
        assert_eq!(module_name(&read(place.path("out.wasm"))), "out.wasm", "{object}");
        // To a pipe, by way of a file.
        let run = Run::new(shim()).words(FLAVOR).words([object, "--export-dynamic", "-o", "/dev/stdout"]);
        let ran = run.env("WASM_THREADS_LINKER", place.linker()).folder(place.folder()).run().expect_success();
        assert_eq!(module_name(&ran.stdout), "stdout", "{object}");
    }
}

fn module_name(module: &[u8]) -> String {
    use wasmparser::{KnownCustom, Name, Parser, Payload};
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(section) = payload.expect("a module") else { continue };
        let KnownCustom::Name(names) = section.as_known() else { continue };
        for name in names {
            if let Name::Module { name, .. } = name.expect("a name section") {
                return name.to_owned();
            }
        }
    }
    panic!("no name section with the module's name");
}

/// Lines that are not wasm-ld's own go to their program untouched.
fn other_styles() {
    let place = place(Tool::Rustc);
    for (name, line) in [
        ("emcc", "-s EXPORTED_FUNCTIONS=[\"_main\"] neutral.o --target=wasm32-unknown-emscripten -o out.js -O2"),
        ("emcc", "neutral.o -sEXIT_RUNTIME -Wl,--no-entry -o out.js"),
        ("emcc", "neutral.o -O3 -o out.html"),
        ("emcc", "-c atomic.o -pthread -sSTRICT -o out.o"),
        ("clang", "--target=wasm32-wasip1 -Wl,--export=f neutral.o -o out.wasm"),
        ("clang", "--target=wasm32 -c atomic.o -Wl,--shared-memory -o out.o"),
        ("clang", "-Wl,--import-memory -nostdlib neutral.o -o out.wasm"),
    ] {
        let folder = temp_folder();
        let program = folder.path().join(name);
        write_program(&program, b"#!/bin/sh\necho $$; for word do printf '%s\\n' \"$word\"; done");
        // Found on PATH, named by the option, named by the variable.
        let base = Run::new(shim()).words(line.split(' ')).folder(place.folder());
        let option = format!("--wasm-threads-linker={}", program.display());
        for run in
            [base.clone().path([folder.path()]), base.clone().env("WASM_THREADS_LINKER", &program), base.clone().word(option)]
        {
            let said = run.run().expect_success().stdout_text();
            assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), line.split(' ').collect::<Vec<_>>(), "{name}");
        }
        // A variable that names a linker of another style is not for this line.
        let run = base.path([folder.path()]).env("WASM_THREADS_LINKER", "/usr/bin/wasm-ld");
        assert_eq!(run.run().expect_success().stdout_text().lines().count(), line.split(' ').count() + 1);
    }
}

/// The linker's own help stands under ours when a person asks, and alone when a build does.
fn help() {
    let bare = Run::new(Tool::RustLld.path()).words(["-flavor", "wasm", "--help"]).run().expect_success().stdout_text();
    let ours = Link::shim().word("--wasm-threads-help").run().expect_success().stdout_text();
    let shim = || Link::shim().env("WASM_THREADS_LINKER", Tool::RustLld.path());
    assert_eq!(shim().words(["-flavor", "wasm", "--help"]).run().expect_success().stdout_text(), bare);
    assert_eq!(shim().words(["--help", "a.o"]).run().expect_success().stdout_text(), bare);
    assert_eq!(shim().word("--help").run().expect_success().stdout_text(), format!("{ours}\n{bare}"));
}

// ---------------------------------------------------------------- host links

/// Cargo's `build.linker`, or RUSTFLAGS, without a target: rustc links for this machine with us.
fn host_link_by_rustc() {
    let folder = temp_folder();
    fs::write(folder.path().join("hello.rs"), "fn main() { println!(\"hello\"); }\n").expect("a source");
    let linker = format!("-Clinker={}", shim().display());
    let run = Run::new(Tool::Rustc.path()).words([linker.as_str(), "-Awarnings", "hello.rs"]).folder(folder.path());
    let ran = run.env("WASM_THREADS", "").run().expect_code(1);
    let text = ran.stderr_text();
    assert!(text.contains("error[host-link]: this is a link for the machine that builds, not for WebAssembly"), "{ran:?}");
    assert!(text.contains("[target.wasm32-unknown-unknown]"), "{ran:?}");
    assert!(!folder.path().join("hello").exists());
}

fn host_link_by_flavor() {
    for flavor in ["gnu", "darwin", "link", "ld.lld", "gnu-lld"] {
        let ran = Link::shim().words(["-flavor", flavor, "a.o", "-o", "a.out"]).run().expect_code(1);
        golden::check(
            "bad-use/host-link-flavor",
            &ran.stderr_text().replace(&format!("-flavor {flavor},"), "-flavor FLAVOR,"),
            &[],
        );
    }
    let ran = Link::shim().words(["/NOLOGO", "a.obj", "/OUT:a.exe"]).run().expect_code(1);
    golden::check("bad-use/host-link-msvc", &ran.stderr_text(), &[]);
}

/// A C compiler's words around an object of this machine, as rustc calls `cc`.
fn host_link_by_object() {
    let folder = temp_folder();
    let source = folder.path().join("code.rs");
    fs::write(&source, "#[unsafe(no_mangle)] pub extern \"C\" fn code() {}\n").expect("a source");
    let run = Run::new(Tool::Rustc.path()).words(["--crate-type=lib", "--emit=obj", "-Awarnings", "code.rs", "-o", "code.o"]);
    run.folder(folder.path()).run().expect_success();
    for words in [&["-m64", "code.o", "-Wl,--as-needed", "-lc"][..], &["code.o", "-o", "code"], &["-Wl,x", "@words"]] {
        fs::write(folder.path().join("words"), "-m64 code.o\n").expect("a response file");
        let ran = Link::shim().words(words).folder(folder.path()).run().expect_code(1);
        golden::check("bad-use/host-link-object", &ran.stderr_text(), &[]);
    }
}
