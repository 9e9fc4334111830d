//! What `cargo wasm-threads` makes of a call: the words and variables that cargo gets, and the flags that cargo then gives to rustc.
//!
//! Cargo and rustc are scripts here, which write down how they were called before they become the real ones, or in place of that.

use crate::support::link::cargo_wasm_threads;
use crate::support::recorder::write_program;
use crate::support::{Ran, Run, Suite, Tool, read, temp_folder};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const WEB: &[Tool] = &[Tool::RustcWeb];
const WASI: &[Tool] = &[Tool::WasiThreads, Tool::Rustc];

pub fn tests(suite: &mut Suite) {
    suite.test("flags_are_added_to_those_of_cargo", WEB, flags_are_added_to_those_of_cargo);
    suite.test("words_go_through", WEB, words_go_through);
    suite.test("build_std_once", WEB, build_std_once);
    suite.test("linkers", WEB, linkers);
    suite.test("old_processors", WEB, old_processors);
    suite.test("doctests_too", WEB, doctests_too);
    suite.test("messages_byte_by_byte", WASI, messages_byte_by_byte);
    suite.test("wasmtimes", WASI, wasmtimes);
    suite.test("nothing_to_run_it", WASI, nothing_to_run_it);
}

/// A package in a folder, with a cargo that is a script.
struct Place {
    folder: TempDir,
    toolchain: PathBuf,
}

impl Place {
    /// With the toolchain of that `rustc`.
    fn new(rustc: Tool) -> Place {
        let place = Place { folder: temp_folder(), toolchain: rustc.path().parent().expect("a folder").to_owned() };
        place.write("Cargo.toml", "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        place.write("src/main.rs", "fn main() {}");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        write_program(&path, format!("#!/bin/sh\nPATH=$PATH:/bin:/usr/bin\n{text}\n").as_bytes());
        path
    }

    /// The tool, called by itself, with this toolchain and what else is in `bin`.
    fn call(&self, words: &[&str]) -> Run {
        Run::new(cargo_wasm_threads())
            .words(words)
            .folder(self.folder.path())
            .path([self.path("bin"), self.toolchain.clone()])
            .env("RUSTC_BOOTSTRAP", "1")
    }

    /// What cargo is called with. It is asked, and builds nothing.
    #[track_caller]
    fn asked(&self, words: &[&str], variables: &[(&str, &str)]) -> Asked {
        self.asked_in(".", words, variables)
    }

    #[track_caller]
    fn asked_in(&self, folder: &str, words: &[&str], variables: &[(&str, &str)]) -> Asked {
        let log = self.path("log");
        let _ = fs::remove_file(&log);
        let text = format!(
            "case \" $* \" in *\" config get \"*|*\" metadata \"*) exec '{}/cargo' \"$@\" ;; esac\n\
             {{ printf '%s\\n' \"$@\"; echo '-- variables'; env; }} >'{}'",
            self.toolchain.display(),
            log.display()
        );
        let cargo = self.script("recorder/cargo", &text);
        let run = variables.iter().fold(self.call(words).env("CARGO", &cargo), |run, (name, value)| run.env(name, value));
        let ran = run.folder(self.path(folder)).run().expect_success();
        let text = String::from_utf8(read(log)).expect("text");
        let (words, variables) = text.split_once("\n-- variables\n").expect("words and variables");
        Asked { words: words.lines().map(str::to_owned).collect(), variables: variables.to_owned(), ran }
    }
}

/// What cargo was called with.
struct Asked {
    words: Vec<String>,
    variables: String,
    ran: Ran,
}

impl Asked {
    fn variable(&self, name: &str) -> Option<String> {
        let line = self.variables.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.map(|value| value.replace('\x1f', "|"))
    }

    fn count(&self, word: &str) -> usize {
        self.words.iter().filter(|found| found.starts_with(word)).count()
    }
}

/// A configuration, variables, and the flags that come of both.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// The flags that a source of cargo's gives, with ours behind them, are those that plain cargo gives, in its order.
fn flags_are_added_to_those_of_cargo() {
    let place = Place::new(Tool::RustcWeb);
    let log = place.path("log");
    // The first crate that is compiled for the target tells; there is no need to compile it.
    let rustc = place.script(
        "recorder/rustc",
        &format!(
            "case \" $* \" in *\" --crate-name ___ \"*) ;; *\" --crate-name \"*\" --target wasm32\"*) \
             printf '%s\\n' \"$@\" >'{}'; exit 1 ;; esac\nexec '{}' \"$@\"",
            log.display(),
            place.toolchain.join("rustc").display()
        ),
    );
    let seen = |run: Run| {
        let _ = fs::remove_file(&log);
        let ran = run.env("RUSTC", &rustc).env("CARGO_BUILD_JOBS", "1").run();
        assert!(log.exists(), "nothing was compiled\n{ran:?}");
        let text = String::from_utf8(read(&log)).expect("text");
        let words: Vec<&str> = text.lines().collect();
        let pairs = words.windows(2).filter(|pair| pair[0] == "--cfg" && pair[1].starts_with("from_"));
        let flags: Vec<&str> = pairs.map(|pair| pair[1]).collect();
        (flags.join(" "), words.contains(&"-Ctarget-feature=+atomics"))
    };
    let cases: &[Case] = &[
        ("", &[], ""),
        ("[build]\nrustflags = [\"--cfg\", \"from_build\"]", &[], "from_build"),
        ("[target.wasm32-unknown-unknown]\nrustflags = \"--cfg from_triple\"", &[], "from_triple"),
        (
            "[target.'cfg(target_family = \"wasm\")']\nrustflags = [\"--cfg\", \"from_cfg\"]\n[target.wasm32-unknown-unknown]\n\
             rustflags = [\"--cfg\", \"from_triple\"]\n[target.'cfg(unix)']\nrustflags = [\"--cfg\", \"from_unix\"]\n\
             [build]\nrustflags = [\"--cfg\", \"from_build\"]",
            &[("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg from_variable")],
            "from_triple from_variable from_cfg",
        ),
        // One that is decided by the flags themselves.
        (
            "[target.wasm32-unknown-unknown]\nrustflags = [\"--cfg\", \"from_triple\"]\n\
             [target.'cfg(from_triple)']\nrustflags = [\"--cfg\", \"from_flag\"]",
            &[],
            "from_triple from_flag",
        ),
        ("[build]\nrustflags = \"--cfg from_build\"", &[("RUSTFLAGS", "--cfg from_rustflags")], "from_rustflags"),
        ("[build]\nrustflags = \"--cfg from_build\"", &[("RUSTFLAGS", "")], ""),
        ("", &[("RUSTFLAGS", "--cfg from_x"), ("CARGO_ENCODED_RUSTFLAGS", "--cfg\x1ffrom_encoded")], "from_encoded"),
        (
            "[build]\nrustflags = \"--cfg from_build\"",
            &[("CARGO_BUILD_RUSTFLAGS", "--cfg from_variable")],
            "from_build from_variable",
        ),
    ];
    for (config, variables, want) in cases {
        place.write(".cargo/config.toml", config);
        let with = |run: Run| variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        let plain = Run::new(place.toolchain.join("cargo"))
            .words(["build", "--target", "wasm32-unknown-unknown"])
            .folder(place.folder.path())
            .env("RUSTC_BOOTSTRAP", "1");
        assert_eq!(seen(with(plain)), ((*want).to_owned(), false), "plain cargo: {config} {variables:?}");
        assert_eq!(seen(with(place.call(&["build"]))), ((*want).to_owned(), true), "{config} {variables:?}");
    }
    // What stands in a file that another one includes, and on the command line.
    place.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"from_build\"]");
    let line = ["build", "--config", "build.rustflags=['--cfg', 'from_line']"];
    assert_eq!(seen(place.call(&line)), ("from_build from_line".to_owned(), true));
}

fn words_go_through() {
    let place = Place::new(Tool::RustcWeb);
    let line =
        "build -vr -p hello --target-dir to --message-format=json --config net.offline=true -Zunstable-options --bin hello";
    let words: Vec<&str> = line.split(' ').collect();
    let asked = place.asked(&words, &[]);
    assert_eq!(asked.words[..words.len()], words, "as they came");
    let added = &asked.words[words.len()..];
    let own = cargo_wasm_threads().display();
    let linker = format!("target.\"wasm32-unknown-unknown\".linker=\"{own}\"");
    assert_eq!(added, ["--target", "wasm32-unknown-unknown", "-Zbuild-std=std,panic_abort", "--config", &linker]);
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTFLAGS").as_deref(), Some("-Ctarget-feature=+atomics"));
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTDOCFLAGS"), None);
    assert!(asked.ran.stdout.is_empty(), "{:?}", asked.ran);
    // Ours stand before words that are not cargo's.
    let asked = place.asked(&["run", "--target=wasm32-unknown-unknown", "a", "--release", "--", "b"], &[]);
    assert_eq!(asked.words[asked.words.len() - 4..], ["a", "--release", "--", "b"]);
    let runner = format!("target.\"wasm32-unknown-unknown\".runner=[\"{own}\",\"runner\"]");
    assert!(asked.words.contains(&runner) && asked.count("--target") == 1, "{:?}", asked.words);
    let asked = place.asked(&["rustc", "--", "--cfg", "x"], &[]);
    assert_eq!(asked.words[asked.words.len() - 3..], ["--", "--cfg", "x"]);
    assert!(asked.words.contains(&"--message-format=json-render-diagnostics".to_owned()));
    // An own target, for once.
    let asked = place.asked(&["build"], &[("CARGO_BUILD_TARGET", "wasm32v1-none")]);
    assert_eq!(asked.words[..3], ["build", "--target", "wasm32v1-none"]);
}

fn build_std_once() {
    let place = Place::new(Tool::RustcWeb);
    let count = |words: &[&str], variables: &[(&str, &str)]| {
        let asked = place.asked(&[&["build"], words].concat(), variables);
        asked.count("-Zbuild-std")
    };
    assert_eq!(count(&[], &[]), 1);
    assert_eq!(count(&["-Zbuild-std=core"], &[]), 1, "the user's");
    assert_eq!(count(&["-Z", "build-std=core"], &[]), 0);
    assert_eq!(count(&["-Zbuild-std-features=compiler-builtins-mem"], &[]), 2, "that is another option");
    assert_eq!(count(&["--config", "unstable.build-std=['std']"], &[]), 0);
    assert_eq!(count(&[], &[("CARGO_UNSTABLE_BUILD_STD", "std")]), 0);
    place.write(".cargo/config.toml", "[unstable]\nbuild-std = [\"std\", \"panic_abort\"]");
    assert_eq!(count(&[], &[]), 0);
}

fn linkers() {
    let place = Place::new(Tool::RustcWeb);
    let own = cargo_wasm_threads().display().to_string();
    let config =
        |linker: &str| place.write(".cargo/config.toml", &format!("[target.wasm32-unknown-unknown]\nlinker = '{linker}'"));
    // The user's own is the one that links in the end; its path begins where the configuration is.
    config("my tools/lld");
    let asked = place.asked_in("src", &["build"], &[]);
    assert_eq!(asked.variable("WASM_THREADS_LINKER"), Some(place.path("my tools/lld").display().to_string()));
    assert!(asked.words.iter().any(|word| word.ends_with(&format!(".linker=\"{own}\""))), "{:?}", asked.words);
    config("wasm-ld-22");
    let asked = place.asked(&["build"], &[]);
    assert_eq!(asked.variable("WASM_THREADS_LINKER").as_deref(), Some("wasm-ld-22"));
    let asked = place.asked(&["build"], &[("WASM_THREADS_LINKER", "other")]);
    assert_eq!(asked.variable("WASM_THREADS_LINKER").as_deref(), Some("other"));
    // rustc takes the last of several.
    let asked = place.asked(&["build"], &[("RUSTFLAGS", "-C linker=lld --cfg x")]);
    let flags = format!("-C|linker=lld|--cfg|x|-Ctarget-feature=+atomics|-Clinker={own}");
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTFLAGS"), Some(flags));
    assert_eq!(asked.variable("WASM_THREADS_LINKER").as_deref(), Some("lld"));
    // One of ours stays, where it is to be found: all that was built with it is fresh.
    config("wasm-threads-linker");
    assert_eq!(place.asked(&["build"], &[]).count("target."), 1);
    place.script("bin/wasm-threads-linker", "");
    let asked = place.asked(&["build"], &[]);
    assert_eq!((asked.count("target."), asked.variable("WASM_THREADS_LINKER")), (0, None), "{:?}", asked.words);
}

fn old_processors() {
    let place = Place::new(Tool::RustcWeb);
    let flags = |flags: &str| place.asked(&["build"], &[("RUSTFLAGS", flags)]).variable("CARGO_ENCODED_RUSTFLAGS");
    let all = "-Ctarget-cpu=mvp|-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals";
    assert_eq!(flags("-Ctarget-cpu=mvp").as_deref(), Some(all));
    // A whole recipe: nothing is set, so nothing is compiled anew.
    assert_eq!(flags("-C target-feature=+atomics,+bulk-memory"), None);
    // The last word is ours.
    assert_eq!(flags("-Ctarget-feature=-atomics").as_deref(), Some("-Ctarget-feature=-atomics|-Ctarget-feature=+atomics"));
}

fn doctests_too() {
    let place = Place::new(Tool::RustcWeb);
    // `true` runs them, so that nothing else is needed.
    let test = |variables: &[(&str, &str)]| {
        let runner = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "true --now");
        place.asked(&["test"], &[&[runner], variables].concat())
    };
    let asked = test(&[]);
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTDOCFLAGS").as_deref(), Some("-Ctarget-feature=+atomics"));
    assert!(asked.words.iter().any(|word| word.ends_with("\"runner\",\"--by=2\",\"true\",\"--now\"]")), "{:?}", asked.words);
    let asked = test(&[("RUSTDOCFLAGS", "--document-private-items -Dwarnings")]);
    let want = "--document-private-items|-Dwarnings|-Ctarget-feature=+atomics";
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTDOCFLAGS").as_deref(), Some(want));
    // A recipe that thought of the one, and not of the other.
    let asked = test(&[("RUSTFLAGS", "-Ctarget-feature=+atomics")]);
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTFLAGS"), None);
    assert_eq!(asked.variable("CARGO_ENCODED_RUSTDOCFLAGS").as_deref(), Some("-Ctarget-feature=+atomics"));
}

fn messages_byte_by_byte() {
    let place = Place::new(Tool::Rustc);
    let log = place.path("messages");
    let text =
        format!("'{}/cargo' \"$@\" >'{1}'\nstatus=$?\ncat '{1}'\nexit $status", place.toolchain.display(), log.display());
    let cargo = place.script("recorder/cargo", &text);
    place.write("src/main.rs", "fn main() { let unused = 'ü'; }");
    for format in ["json", "json-render-diagnostics", "json-diagnostic-short,json-diagnostic-rendered-ansi"] {
        let words = ["build", "--target", "wasm32-wasip1-threads", "--message-format", format];
        let ran = place.call(&words).env("CARGO", &cargo).run().expect_success();
        assert!(ran.stdout.ends_with(b"\"build-finished\",\"success\":true}\n"), "{ran:?}");
        crate::support::assert_same_bytes(&ran.stdout, read(&log));
        ran.expect_stderr("    Threaded target/wasm32-wasip1-threads/debug/hello.wasm, memory up to 1 GiB");
    }
    // A reader that goes away takes nothing with it.
    let line =
        format!("'{}' build --target wasm32-wasip1-threads --message-format json >/dev/full", cargo_wasm_threads().display());
    let path = [place.toolchain.clone(), PathBuf::from("/bin"), PathBuf::from("/usr/bin")];
    Run::new("/bin/sh").words(["-c", &line]).folder(place.folder.path()).path(path).run().expect_success();
}

/// Options of wasmtime came and went. What is chosen is said.
fn wasmtimes() {
    let place = Place::new(Tool::Rustc);
    let wasmtime = |wasi: &str, wasm: &str| {
        let text = format!(
            "case \"$*\" in 'run -S help') echo '  -S  cli[=y|n] -- x'; echo '{wasi}' ;; 'run -W help') echo '{wasm}' ;;\n\
             *) printf '%s ' \"$@\"; exit 3 ;; esac"
        );
        place.script("bin/wasmtime", &text);
        place.call(&["run", "--target", "wasm32-wasip1-threads", "--", "-a", "b"]).run()
    };
    let (threads, shared) = ("  -S           threads[=y|n] -- x", "  -W     shared-memory[=y|n] -- x");
    for (wasm, options) in [(shared, "threads=y,shared-memory=y"), ("  -W   threads[=y|n] -- shared-memory", "threads=y")] {
        let ran = wasmtime(threads, wasm).expect_code(3);
        let line = format!("run -W {options} -S threads=y,inherit-env=y --dir=. ");
        let said = ran.stdout_text();
        assert!(said.starts_with(&line) && said.ends_with("/debug/hello.wasm -a b "), "{ran:?}");
        ran.expect_stderr(&format!(", run by wasmtime {}", line.trim_end()));
    }
    // From 47 on it has none, and there is no node here.
    let ran = wasmtime("  -S   tcp[=y|n] -- threads", shared).expect_code(1);
    ran.expect_stderr("nothing on PATH runs a program for wasm32-wasip1-threads").expect_stderr("wasmtime up to 46");
}

fn nothing_to_run_it() {
    let place = Place::new(Tool::Rustc);
    let ran = place.call(&["run", "--target", "wasm32-wasip1-threads"]).run().expect_code(1);
    ran.expect_stderr("wanted: node 20 or later, or wasmtime up to 46").expect_stderr("`runner = …` under [target.<triple>]");
    let own = place.call(&["run", "--target", "wasm32-wasip1-threads"]);
    own.env("CARGO_TARGET_WASM32_WASIP1_THREADS_RUNNER", "no-such-program")
        .run()
        .expect_code(1)
        .expect_stderr("no-such-program cannot be run");
}
