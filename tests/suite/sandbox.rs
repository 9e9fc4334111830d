//! Builds that see little of the machine, and builds through a compiler cache.

use crate::support::{FLAVOR, Facts, Link, Run, Suite, Tool, assert_same_bytes, objects, read, shim, temp_folder};
use std::fs;
use std::path::Path;

pub fn tests(suite: &mut Suite) {
    let needs = [Tool::Rustc, Tool::RustLld, Tool::Mounts];
    suite.test("an_environment_with_path_alone", &needs[..2], an_environment_with_path_alone);
    suite.test("inputs_that_cannot_be_written_to", &needs, inputs_that_cannot_be_written_to);
    // rustup's rust-lld itself does not start without /proc, where it finds its library.
    suite.test("without_proc", &[Tool::Rustc, Tool::WasmLd(22), Tool::Mounts], without_proc);
    suite.test("ccache", &[Tool::Clang, Tool::WasmLd(22), Tool::Program("ccache", "ccache")], ccache);
    suite.test("sccache", &[Tool::Rustc, Tool::RustLld, Tool::Program("sccache", "sccache")], sccache);
}

/// Nothing of the tests' own environment but what is given.
fn bare_environment(run: Run, path: &[&Path]) -> Run {
    let kept = ["HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "USERPROFILE", "TEMP", "TMP"];
    kept.into_iter().fold(run, Run::env_remove).path(path)
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("a file has a folder")
}

/// The linker by its bare name, as the recipe has it, and neither a home nor a temporary folder is named.
fn an_environment_with_path_alone() {
    let folder = temp_folder();
    let here = folder.path();
    let sample = objects::threaded("sample", objects::ATOMIC);
    let run = sample.link("wasm-threads-linker", here).word("--sysroot").word(sysroot(&Tool::Rustc.path()));
    bare_environment(run, &[parent(shim())]).run().expect_success().expect_silence();
    Facts::read(here.join("sample.wasm")).assert_threaded();
    // The same without rustc, and with not even PATH.
    fs::copy(objects::atomic(), here.join("atomic.o")).expect("a copy");
    let run = Link::shim_with(Tool::RustLld.path())
        .words(FLAVOR)
        .words(["--export-dynamic", "atomic.o", "-o", "out.wasm"])
        .folder(here);
    bare_environment(run, &[]).env_remove("PATH").run().expect_success().expect_silence();
    Facts::read(here.join("out.wasm")).assert_threaded();
}

fn sysroot(rustc: &Path) -> std::path::PathBuf {
    parent(parent(rustc)).to_owned()
}

/// A shell's line in name spaces of its own; what is mounted there is gone afterwards.
fn apart(text: &str, folder: &Path, linker: Tool) -> Run {
    let run = Run::new(Tool::Mounts.path()).words(["--map-root-user", "--mount", "/bin/sh", "-euc", text, "sh"]);
    run.word(shim()).env("WASM_THREADS_LINKER", linker.path()).folder(folder)
}

/// Inputs on a file system of their own that is read-only, one folder for outputs, and relative paths between them.
fn inputs_that_cannot_be_written_to() {
    let folder = temp_folder();
    for name in ["in", "out", "tmp"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    for (name, object) in
        [("atomic.o", objects::atomic()), ("neutral.o", objects::neutral()), ("atomic.bc", objects::atomic_bitcode())]
    {
        fs::copy(object, folder.path().join("in").join(name)).expect("a copy");
    }
    fs::write(folder.path().join("in/words"), "../in/atomic.o --wasm-threads=threaded").expect("a file");
    for (words, shared) in [
        ("../in/atomic.o", true),
        ("../in/neutral.o", false),
        ("../in/atomic.bc", true),
        ("@../in/words", true),
        ("../in/atomic.o --no-growable-memory", true),
    ] {
        let text = format!(
            "mount --bind in in; mount -o remount,bind,ro in; ! touch in/x 2>&-; cd in
             TMPDIR=../tmp \"$1\" -flavor wasm --no-entry --export-dynamic {words} -o ../out/out.wasm"
        );
        let ran = apart(&text, folder.path(), Tool::RustLld).run();
        let bad = words.contains("no-growable");
        assert_eq!(ran.code(), Some(i32::from(bad)), "{ran:?}");
        let output = folder.path().join("out").join(if bad { "out.wasm.rejected" } else { "out.wasm" });
        assert_eq!(Facts::read(&output).memory().shared, shared, "{words}");
        fs::remove_file(output).expect("the output");
        for name in ["out", "tmp"] {
            assert_eq!(
                fs::read_dir(folder.path().join(name)).expect("a folder").count(),
                0,
                "{words}: something is left in {name}"
            );
        }
    }
}

/// No /proc, no temporary folder where none is needed, an empty home.
fn without_proc() {
    let folder = temp_folder();
    let sample = objects::threaded("sample", objects::ATOMIC);
    fs::copy(sample.object(), folder.path().join("atomic.o")).expect("a copy");
    fs::copy(objects::atomic_bitcode(), folder.path().join("atomic.bc")).expect("a copy");
    fs::copy(objects::neutral(), folder.path().join("neutral.o")).expect("a copy");
    for (object, temporary, shared) in [("atomic.o", "/none", true), ("neutral.o", "/none", false), ("atomic.bc", "/tmp", true)]
    {
        let text = format!(
            "mount -t tmpfs none /proc; ! test -e /proc/self; export HOME=/none TMPDIR={temporary}
             \"$1\" -flavor wasm --no-entry --export-dynamic {object} -o out.wasm"
        );
        let ran = apart(&text, folder.path(), Tool::WasmLd(22)).run().expect_success();
        // LLVM remarks that it cannot see the processor, where it generates code.
        let said = ran.stderr_text();
        assert!(said.lines().all(|line| line.starts_with("Can't read /proc/cpuinfo")), "{ran:?}");
        assert_eq!(Facts::read(folder.path().join("out.wasm")).memory().shared, shared, "{object}");
    }
}

/// The object of the second build comes out of the cache, byte by byte the first one, and the link is as threaded as that.
fn ccache() {
    let folder = temp_folder();
    fs::write(
        folder.path().join("code.c"),
        "_Thread_local int mine = 3; int shared;\n\
         int add(int by) { mine += by; return __atomic_add_fetch(&shared, mine, __ATOMIC_SEQ_CST); }\n",
    )
    .expect("a source");
    let cached = |words: &[&str]| {
        let run = Run::new(Tool::Program("ccache", "ccache").path()).word(Tool::Clang.path()).words(words);
        run.folder(folder.path()).env("CCACHE_DIR", folder.path().join("cache")).run().expect_success()
    };
    let hits = || {
        let run = Run::new(Tool::Program("ccache", "ccache").path()).word("--print-stats");
        let said = run.env("CCACHE_DIR", folder.path().join("cache")).run().expect_success().stdout_text();
        let hits = said.lines().find_map(|line| line.strip_prefix("direct_cache_hit\t"));
        hits.and_then(|hits| hits.parse::<u32>().ok()).expect("a count of hits")
    };
    let mut modules = Vec::new();
    for build in 0..2 {
        let flags = ["--target=wasm32-unknown-unknown", "-matomics", "-mbulk-memory", "-O2"];
        cached(&[&flags[..], &["-c", "code.c", "-o", "code.o"]].concat());
        assert_eq!(hits(), build, "the second object is the cache's");
        let linker = format!("-fuse-ld={}", shim().display());
        let link = ["-nostdlib", "-Wl,--no-entry", "-Wl,--export=add", &linker, "code.o", "-o", "out.wasm"];
        // A cache hands a link on; so does a compiler of that name without one.
        cached(&[&flags[..1], &link].concat());
        modules.push(read(folder.path().join("out.wasm")));
        fs::remove_file(folder.path().join("code.o")).expect("the object");
    }
    Facts::of(&modules[0]).assert_threaded();
    assert_same_bytes(&modules[0], &modules[1]);
}

/// `RUSTC_WRAPPER=sccache`: a library out of the cache, and the final link, which it hands on to rustc and to us.
fn sccache() {
    let folder = temp_folder();
    let here = folder.path();
    let library = objects::threaded("library", objects::ATOMIC);
    let text = library.write(&here.join("library.rs"));
    let user = objects::threaded("user", "#[unsafe(no_mangle)] pub extern \"C\" fn user(by: i32) -> i32 { by }");
    let user_words = user.write(&here.join("user.rs"));
    let sccache = || {
        let run = Run::new(Tool::Program("sccache", "sccache").path()).folder(here).env("RUSTC_BOOTSTRAP", "1");
        // A server of its own, on a socket of its own or, in versions that have none, a port.
        let port = 20_000 + std::process::id() % 20_000;
        run.env("SCCACHE_DIR", here.join("cache"))
            .env("SCCACHE_SERVER_PORT", port.to_string())
            .env("SCCACHE_IDLE_TIMEOUT", "60")
            .env("WASM_THREADS_LINKER", Tool::RustLld.path())
    };
    sccache().word("--start-server").run().expect_success();
    let stop = Stop(sccache().word("--stop-server"));
    let rustc = Tool::Rustc.path();
    let common = [
        "--edition=2024",
        "--target=wasm32-unknown-unknown",
        "-Cpanic=abort",
        "-Copt-level=2",
        "-Awarnings",
        "-Ccodegen-units=1",
    ];
    let mut modules = Vec::new();
    for _ in 0..2 {
        fs::create_dir(here.join("out")).expect("a folder");
        let run = sccache().word(&rustc).words(["--crate-name", "library", "library.rs", "--crate-type", "lib"]);
        let run = run.words(["--emit=dep-info,metadata,link", "--out-dir", "out", "-Cextra-filename=-1"]);
        run.words(common).words(&text).run().expect_success();
        assert!(here.join("out/liblibrary-1.rlib").is_file());
        let linker = format!("-Clinker={}", shim().display());
        let run = sccache().word(&rustc).words(["--crate-name", "user", "user.rs", "--crate-type", "cdylib", &linker]);
        let run = run.words(["-Clink-arg=out/liblibrary-1.rlib", "-Clink-arg=--export=add_local", "-o", "out/user.wasm"]);
        run.words(common).words(&user_words).run().expect_success();
        modules.push(read(here.join("out/user.wasm")));
        fs::remove_dir_all(here.join("out")).expect("the folder");
    }
    let said = sccache().words(["--show-stats", "--stats-format=json"]).run().expect_success().stdout_text();
    assert!(said.contains("\"cache_hits\":{\"counts\":{\"Rust\":1}"), "the second library is the cache's: {said}");
    Facts::of(&modules[0]).assert_threaded();
    assert_same_bytes(&modules[0], &modules[1]);
    drop(stop);
}

/// The server ends with the test, however that ends.
struct Stop(Run);

impl Drop for Stop {
    fn drop(&mut self) {
        let _ = self.0.run_or_kill();
    }
}
