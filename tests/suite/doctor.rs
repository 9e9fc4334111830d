//! `cargo wasm-threads doctor`: each thing that it can find is provoked, in a project that is healthy without it.

use crate::support::link::cargo_wasm_threads;
use crate::support::recorder::write_program;
use crate::support::{Ran, Run, Suite, Tool, golden, repository, shim, temp_folder};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const CONFIG: &str = ".cargo/config.toml";
const UNKNOWN: &str = "wasm32-unknown-unknown";
const EMSCRIPTEN: &str = "wasm32-unknown-emscripten";
const WASI: &str = "wasm32-wasip1-threads";

pub fn tests(suite: &mut Suite) {
    let cargo = [Tool::Rustc];
    suite.test("healthy", &cargo, healthy);
    suite.test("each_finding_is_provoked", &cargo, each_finding_is_provoked);
    suite.test("beside_each_finding", &cargo, beside_each_finding);
    suite.test("every_finding_is_in_the_list_above", &[], every_finding_is_listed);
    suite.test("text_for_people", &cargo, text_for_people);
    suite.test("json_for_programs", &cargo, json_for_programs);
    suite.test("it_changes_nothing_and_only_asks_for_versions", &cargo, it_changes_nothing);
    suite.test("where_flags_come_from", &cargo, where_flags_come_from);
    suite.test("which_linker", &cargo, which_linker);
    suite.test("workspaces", &cargo, workspaces);
    suite.test("could_not_look", &cargo, could_not_look);
    suite.test("what_init_leaves_is_healthy", &cargo, what_init_leaves_is_healthy);
    suite.test("the_real_compilers", &[Tool::RustcWeb], the_real_compilers);
}

/// A package, and a folder of tools which is all of PATH.
struct Patient {
    folder: TempDir,
    target: &'static str,
    variables: RefCell<Vec<(String, String)>>,
}

impl Patient {
    /// Nothing is wrong with it.
    fn healthy() -> Self {
        Patient::for_target(UNKNOWN)
    }

    fn for_target(target: &'static str) -> Self {
        let patient = Patient { folder: temp_folder(), target, variables: RefCell::default() };
        fs::create_dir(patient.bin()).expect("a folder");
        patient.rustc("1.97.0-nightly", "2026-05-19");
        symlink(shim(), patient.bin().join("wasm-threads-linker")).expect("a link to the shim");
        patient.write("Cargo.toml", "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n");
        patient.write("src/lib.rs", "");
        patient.lock(&[("sample", "0.1.0")]);
        let wl = if target == EMSCRIPTEN { "-Wl," } else { "" };
        let marker = format!("link-arg={wl}--export-if-defined=wasm-threads:threaded");
        let features = if target == WASI { "" } else { "\"-C\", \"target-feature=+atomics\", " };
        patient.write(
            CONFIG,
            &format!(
                "[target.{target}]\nlinker = \"wasm-threads-linker\"\nrustflags = [{features}\"-C\", \"{marker}\"]\n\
                 rustdocflags = [\"-Ctarget-feature=+atomics\"]\n\n[unstable]\nbuild-std = [\"std\", \"panic_abort\"]\n\n\
                 [build]\ntarget = \"{target}\"\n"
            ),
        );
        patient.tool("emcc", "emcc (Emscripten gcc/clang-like replacement) 3.1.69 (abc)");
        patient.tool("clang", "clang version 22.1.8");
        patient
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("the tools")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("päckage").join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Changes a text of a file.
    #[track_caller]
    fn change(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.path(name)).expect("text");
        assert!(text.contains(from), "{name} has no {from}\n{text}");
        self.write(name, &text.replace(from, to))
    }

    fn add(&self, name: &str, text: &str) -> &Self {
        let old = fs::read_to_string(self.path(name)).unwrap_or_default();
        self.write(name, &(old + text))
    }

    fn lock(&self, packages: &[(&str, &str)]) -> &Self {
        let packages: Vec<String> = packages
            .iter()
            .map(|(name, version)| format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n"))
            .collect();
        self.write("Cargo.lock", &format!("version = 4\n{}", packages.concat()))
    }

    /// A compiler that says of itself what a real one would; with the sources of a standard library.
    fn rustc(&self, release: &str, date: &str) -> &Self {
        let sysroot = self.folder.path().join("toolchains/nightly-x");
        let library = sysroot.join("lib/rustlib/src/rust/library/std");
        fs::create_dir_all(&library).expect("a folder");
        fs::create_dir_all(sysroot.join("lib/rustlib").join(WASI).join("lib")).expect("a folder");
        fs::write(library.join("Cargo.toml"), "").expect("a file");
        let said = format!("rustc {release}\\ncommit-date: {date}\\nhost: x86_64-unknown-linux-gnu\\nrelease: {release}\\n");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n-vV) printf '{said}' ;;\n*sysroot*) printf '%s\\n' '{}' ;;\n*cfg*) printf '%s\\n' \
             'target_family=\"wasm\"' 'target_arch=\"wasm32\"' ;;\n*) exit 1 ;;\nesac\n",
            sysroot.display()
        );
        write_program(&self.bin().join("rustc"), script.as_bytes());
        self
    }

    /// A tool that answers `--version`, and nothing else.
    fn tool(&self, name: &str, version: &str) -> &Self {
        let script = format!("#!/bin/sh\n[ \"$*\" = --version ] || exit 1\nprintf '%s\\n' '{version}'\n");
        write_program(&self.bin().join(name), script.as_bytes());
        self
    }

    fn remove_tool(&self, name: &str) -> &Self {
        fs::remove_file(self.bin().join(name)).expect("a tool");
        self
    }

    fn env(&self, name: &str, value: &str) -> &Self {
        self.variables.borrow_mut().push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self, words: &[&str]) -> Run {
        let cargo = Tool::Rustc.path().with_file_name("cargo");
        let run = Run::new(cargo_wasm_threads()).words(["wasm-threads", "doctor"]).words(words);
        let run = run.folder(self.path(".")).env("CARGO", cargo).env("CARGO_HOME", self.folder.path().join("home"));
        self.variables.borrow().iter().fold(run.path([self.bin()]), |run, (name, value)| run.env(name, value))
    }

    #[track_caller]
    fn look(&self) -> Seen {
        let ran = self.run(&["--format", "json", "--target", self.target]).run();
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran:?}"));
        let errors = json["errors"].as_u64().expect("a number");
        assert_eq!(ran.code(), Some(i32::from(errors > 0)), "{ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
        Seen { json, ran, root: self.path("") }
    }
}

/// What it said.
struct Seen {
    json: Value,
    ran: Ran,
    root: PathBuf,
}

impl Seen {
    fn ids(&self, level: &str) -> Vec<&str> {
        let findings = self.json["findings"].as_array().expect("a list").iter();
        findings.filter(|finding| finding["level"] == level).map(|finding| finding["id"].as_str().expect("a name")).collect()
    }

    fn has(&self, id: &str) -> bool {
        ["error", "warning", "note"].iter().any(|level| self.ids(level).contains(&id))
    }

    #[track_caller]
    fn finding(&self, id: &str) -> &Value {
        let findings = self.json["findings"].as_array().expect("a list").iter();
        let mut findings = findings.filter(|finding| finding["id"] == id);
        findings.next().unwrap_or_else(|| panic!("no {id}\n{:?}", self.ran))
    }

    /// The place of a finding as `FILE:LINE`, the file within the package, or the variable.
    fn place(&self, id: &str) -> String {
        let place = &self.finding(id)["place"];
        if let Some(name) = place["variable"].as_str() {
            return name.to_owned();
        }
        let Some(file) = place["file"].as_str() else { return String::new() };
        let file = Path::new(file).strip_prefix(&self.root).unwrap_or(Path::new(file)).display().to_string();
        place["line"].as_u64().map_or(file.clone(), |line| format!("{file}:{line}"))
    }

    fn fact(&self, name: &str) -> &str {
        let mut facts = self.json["facts"].as_array().expect("a list").iter();
        facts.find(|fact| fact["name"] == name).and_then(|fact| fact["value"].as_str()).unwrap_or_default()
    }
}

fn healthy() {
    for target in [UNKNOWN, EMSCRIPTEN, WASI] {
        let seen = Patient::for_target(target).look();
        assert!(seen.ids("error").is_empty() && seen.ids("warning").is_empty(), "{:?}", seen.ran);
        let notes: &[&str] = if target == UNKNOWN { &["rustc-1.92", "rustc-1.96", "rustc-1.97"] } else { &[] };
        assert_eq!(seen.ids("note"), notes);
        assert!(seen.fact("linker").starts_with("wasm-threads-linker "), "{:?}", seen.ran);
    }
}

type Harm = fn(&Patient);

/// What is done to a healthy project; then what is found, how bad it is, where, and a part of the line that mends it.
#[rustfmt::skip]
const LIST: &[(&str, Harm, &str, &str, &str, &str)] = &[
    // The compiler.
    (UNKNOWN, |p| { p.remove_tool("rustc"); }, "rustc-missing", "error", "", "rustup toolchain install"),
    (UNKNOWN, |p| { p.rustc("1.97.0", "2026-06-30"); }, "toolchain-is-stable", "error", "", "channel = \"nightly\""),
    (UNKNOWN, |p| { fs::remove_dir_all(p.folder.path().join("toolchains/nightly-x/lib/rustlib/src")).unwrap(); }, "rust-src-missing", "error", "", "rustup component add rust-src --toolchain nightly-x"),
    (WASI, |p| { fs::remove_dir_all(p.folder.path().join("toolchains/nightly-x/lib/rustlib").join(WASI)).unwrap(); }, "target-missing", "error", "", "rustup target add wasm32-wasip1-threads"),
    (UNKNOWN, |_| {}, "rustc-1.92", "note", "", "wasm-threads-linker"),
    (UNKNOWN, |_| {}, "rustc-1.96", "note", "", "wasm-threads-linker"),
    (UNKNOWN, |_| {}, "rustc-1.97", "note", "", "wasm-threads-linker"),
    // The linker.
    (UNKNOWN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", ""); }, "linker-is-not-the-shim", "error", "", "linker = \"wasm-threads-linker\""),
    (UNKNOWN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", "").rustc("1.91.0-nightly", "2025-08-01"); }, "linker-is-not-the-shim", "note", "", "cargo wasm-threads init"),
    (UNKNOWN, |p| { p.tool("wasm-ld-22", "LLD 22").change(CONFIG, "\"wasm-threads-linker\"", "\"wasm-ld-22\""); }, "linker-is-not-the-shim", "error", ".cargo/config.toml:2", "cargo wasm-threads init"),
    (UNKNOWN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", "").change(CONFIG, "\"-C\", \"link-arg", "\"-Clink-args=--shared-memory --import-memory --max-memory=65536 --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base\", \"-C\", \"link-arg"); }, "linker-is-not-the-shim", "warning", "", "cargo wasm-threads init"),
    (EMSCRIPTEN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", ""); }, "linker-is-not-the-shim", "error", "", "cargo wasm-threads init"),
    (EMSCRIPTEN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", "").change(CONFIG, "\"-C\", \"link-arg", "\"-Clink-arg=-pthread\", \"-C\", \"link-arg"); }, "linker-is-not-the-shim", "warning", "", "cargo wasm-threads init"),
    (WASI, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", ""); }, "linker-is-not-the-shim", "note", "", "cargo wasm-threads init"),
    (UNKNOWN, |p| { p.change(CONFIG, "linker = \"wasm-threads-linker\"\n", "").change(CONFIG, "\"-C\", \"link-arg", "\"-Clink-arg=--export=__wasm_init_tls\", \"-C\", \"link-arg"); }, "exports-without-shared-memory", "error", ".cargo/config.toml:2", "--shared-memory"),
    (UNKNOWN, |p| { p.remove_tool("wasm-threads-linker"); }, "linker-missing", "error", ".cargo/config.toml:2", "cargo install wasm-threads-linker"),
    (UNKNOWN, |p| { p.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "tools/none"); }, "linker-missing", "error", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "name one that is there"),
    (UNKNOWN, |p| { p.tool("wasm-ld-22", "LLD 22").change(CONFIG, "\"-C\", \"link-arg", "\"-Clinker=wasm-ld-22\", \"-C\", \"link-arg"); }, "linker-in-rustflags", "error", ".cargo/config.toml:3", "--wasm-threads-linker=wasm-ld-22"),
    // Flags.
    (UNKNOWN, |p| { p.change(CONFIG, "\"-C\", \"target-feature=+atomics\", ", ""); }, "atomics-missing", "error", ".cargo/config.toml:3", "target-feature=+atomics"),
    (UNKNOWN, |p| { p.change(CONFIG, "target-feature=+atomics\", ", "target-feature=+atomics,-bulk-memory\", "); }, "atomics-missing", "error", ".cargo/config.toml:3", "target-feature=+atomics"),
    (UNKNOWN, |p| { p.env("RUSTFLAGS", "-D warnings"); }, "atomics-lost", "error", ".cargo/config.toml:3", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"),
    (UNKNOWN, |p| { p.env("RUSTFLAGS", ""); }, "atomics-lost", "error", ".cargo/config.toml:3", "unset RUSTFLAGS"),
    (UNKNOWN, |p| { p.env("RUSTFLAGS", "-Ctarget-feature=+atomics").env("CARGO_ENCODED_RUSTFLAGS", "-D\u{1f}warnings"); }, "atomics-lost", "error", "RUSTFLAGS", "unset CARGO_ENCODED_RUSTFLAGS"),
    (UNKNOWN, |p| { p.env("RUSTFLAGS", "-Ctarget-feature=+atomics"); }, "rustflags-dropped", "warning", ".cargo/config.toml:3", "unset RUSTFLAGS"),
    (UNKNOWN, |p| { p.add(CONFIG, "rustflags = [\"--cfg\", \"mine\"]\n"); }, "rustflags-dropped", "warning", ".cargo/config.toml:11", "repeat in target.wasm32-unknown-unknown.rustflags: --cfg mine"),
    (UNKNOWN, |p| { p.env("RUSTDOCFLAGS", "-D warnings"); }, "rustdocflags-atomics-lost", "warning", ".cargo/config.toml:4", "unset RUSTDOCFLAGS"),
    (UNKNOWN, |p| { p.add(CONFIG, "rustdocflags = [\"--cfg\", \"mine\"]\n"); }, "rustdocflags-dropped", "warning", ".cargo/config.toml:11", "--cfg mine"),
    (UNKNOWN, |p| { p.change(CONFIG, "rustdocflags = [\"-Ctarget-feature=+atomics\"]\n", ""); }, "rustdocflags-missing", "warning", "", "rustdocflags = "),
    (UNKNOWN, |p| { p.change(CONFIG, "\"-C\", \"link-arg", "\"-Clink-arg=--no-check-features\", \"-C\", \"link-arg"); }, "no-check-features", "warning", ".cargo/config.toml:3", "leave it out"),
    (UNKNOWN, |p| { p.change(CONFIG, "wasm-threads:threaded", "x"); }, "need-not-stated", "note", "", "--export-if-defined=wasm-threads:threaded"),
    // The standard library.
    (UNKNOWN, |p| { p.change(CONFIG, "build-std = ", "other = "); }, "build-std-missing", "warning", "", "-Zbuild-std=std,panic_abort"),
    (UNKNOWN, |p| { p.change(CONFIG, "build-std = [\"std\", \"panic_abort\"]", "build-std = \"std\""); }, "build-std-is-no-array", "error", ".cargo/config.toml:7", "build-std = [\"std\", \"panic_abort\"]"),
    (UNKNOWN, |p| { p.change(CONFIG, "[\"std\", \"panic_abort\"]", "[\"core,alloc\"]"); }, "build-std-without-std", "note", ".cargo/config.toml:7", "build-std = "),
    (UNKNOWN, |p| { p.change(CONFIG, "[build]\ntarget = \"wasm32-unknown-unknown\"\n", ""); }, "build-std-hits-the-host", "warning", ".cargo/config.toml:7", "target = \"wasm32-unknown-unknown\""),
    // wasm-bindgen.
    (UNKNOWN, |p| { fs::remove_file(p.path("Cargo.lock")).unwrap(); }, "lock-missing", "note", "Cargo.lock", "cargo generate-lockfile"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]); }, "wasm-bindgen-cli-missing", "note", "", "--version 0.2.130"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-bindgen", "wasm-bindgen 0.2.100 (2405ec2b4 2025-01-12)"); }, "wasm-bindgen-version", "error", "Cargo.lock:5", "cargo install --force wasm-bindgen-cli --version 0.2.130"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.126")]).change(CONFIG, "linker = \"wasm-threads-linker\"\n", ""); }, "heap-base-missing", "error", "Cargo.lock:5", "0.2.127"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.126")]).change(CONFIG, "\"-C\", \"link-arg", "\"-Clink-arg=--initial-memory=67108864\", \"-C\", \"link-arg"); }, "thread-page-in-the-heap", "warning", "Cargo.lock:5", "0.2.127"),
    // wasm-opt.
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-opt", "wasm-opt version 108 (version_108)"); }, "wasm-opt-is-old", "warning", "", "binaryen"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-opt", "wasm-opt version 132"); }, "wasm-opt-features", "note", "", "none is needed"),
    (UNKNOWN, |p| { p.add("Cargo.toml", "[package.metadata.wasm-pack.profile.release]\nwasm-opt = [\"-O4\"]\n"); }, "wasm-opt-without-threads", "warning", "Cargo.toml:7", "--enable-threads --enable-bulk-memory"),
    (UNKNOWN, |p| { p.add("Cargo.toml", "[package.metadata.wasm-pack.profile.release]\nwasm-opt = [\"-O4\", \"--all-features\"]\n"); }, "wasm-opt-all-features", "error", "Cargo.toml:7", "--enable-threads"),
    (UNKNOWN, |p| { p.add("Cargo.toml", "[profile.release]\nstrip = true\n").lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-opt", "wasm-opt version 132"); }, "wasm-opt-after-strip", "warning", "Cargo.toml:7", "strip = \"debuginfo\""),
    // C.
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0"), ("zstd-sys", "2.0.0")]).remove_tool("clang"); }, "c-compiler-missing", "warning", "", "CC_wasm32_unknown_unknown=clang-22"),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0")]).env("CC_wasm32_unknown_unknown", "my-clang --sysroot=/x"); }, "c-compiler-missing", "warning", "CC_wasm32_unknown_unknown", "CC_wasm32_unknown_unknown"),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0"), ("zstd-sys", "2.0.0")]); }, "cflags-missing", "note", "", "CFLAGS_wasm32_unknown_unknown=\"-matomics -mbulk-memory\""),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0")]).env("CFLAGS_wasm32_unknown_unknown", "-O2"); }, "cflags-without-atomics", "warning", "CFLAGS_wasm32_unknown_unknown", "\"-O2 -matomics -mbulk-memory\""),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0")]).add(CONFIG, "[env]\nCFLAGS_wasm32_unknown_unknown = { value = \"-matomics\" }\n"); }, "cflags-without-atomics", "warning", ".cargo/config.toml:12", "-mbulk-memory"),
    (EMSCRIPTEN, |p| { p.lock(&[("cc", "1.2.0")]).env("TARGET_CFLAGS", "-O2"); }, "cflags-without-atomics", "warning", "TARGET_CFLAGS", "-pthread"),
    // Emscripten.
    (EMSCRIPTEN, |p| { p.remove_tool("emcc"); }, "emcc-missing", "error", "", "emsdk_env.sh"),
    // What stands elsewhere.
    (UNKNOWN, |p| { p.write("build.sh", "#!/bin/sh\nRUSTFLAGS='-D warnings' cargo build\n"); }, "script-loses-atomics", "warning", "build.sh:2", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"),
    (UNKNOWN, |p| { p.write("package.json", "{ \"build\": \"RUSTFLAGS='-Ctarget-feature=+atomics' wasm-pack build\" }\n"); }, "script-sets-rustflags", "note", "package.json:1", "leave it out"),
    (UNKNOWN, |p| { fs::copy(p.path(CONFIG), p.path(".cargo/config")).unwrap(); }, "config-is-shadowed", "warning", ".cargo/config", "config.toml, and remove it"),
];

fn each_finding_is_provoked() {
    for (target, harm, id, level, place, fix) in LIST {
        let patient = Patient::for_target(target);
        let before = patient.look();
        harm(&patient);
        let seen = patient.look();
        let finding = seen.finding(id);
        assert!(!before.has(id) || id.starts_with("rustc-1."), "{id} is found in a healthy project");
        assert_eq!(finding["level"], *level, "{id}\n{:?}", seen.ran);
        assert_eq!(seen.place(id), *place, "{id}\n{:?}", seen.ran);
        assert!(finding["fix"].as_str().is_some_and(|text| text.contains(fix)), "{id}: no {fix}\n{:?}", seen.ran);
        assert!(!finding["message"].as_str().unwrap_or_default().is_empty(), "{id}");
    }
}

/// What is not there in the cases just beside those above.
#[rustfmt::skip]
const NOT: &[(&str, Harm, &str)] = &[
    (UNKNOWN, |p| { p.rustc("1.91.0-nightly", "2025-08-01"); }, "rustc-1.92"),
    (UNKNOWN, |p| { p.rustc("1.97.0-nightly", "2026-05-01"); }, "rustc-1.97"),
    (UNKNOWN, |p| { p.rustc("1.97.0", "2026-06-30").env("RUSTC_BOOTSTRAP", "1"); }, "toolchain-is-stable"),
    (WASI, |p| { p.rustc("1.97.0", "2026-06-30"); }, "toolchain-is-stable"),
    (UNKNOWN, |p| { p.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-D warnings"); }, "atomics-lost"),
    (UNKNOWN, |p| { p.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-D warnings"); }, "rustflags-dropped"),
    (UNKNOWN, |p| { p.env("RUSTFLAGS", "-Ctarget-feature=+atomics"); }, "atomics-lost"),
    (UNKNOWN, |p| { p.add(CONFIG, "rustflags = [\"-C\", \"target-feature=+atomics\"]\n"); }, "rustflags-dropped"),
    (UNKNOWN, |p| { p.env("WASM_THREADS", "threaded").change(CONFIG, "wasm-threads:threaded", "x"); }, "need-not-stated"),
    (UNKNOWN, |p| { p.change(CONFIG, "build-std", "x").env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"); }, "build-std-missing"),
    (UNKNOWN, |p| { p.change(CONFIG, "[\"std\", \"panic_abort\"]", "[\"std,panic_abort\"]"); }, "build-std-without-std"),
    (UNKNOWN, |p| { p.change(CONFIG, "[build]\ntarget = \"wasm32-unknown-unknown\"\n", "").env("CARGO_BUILD_TARGET", UNKNOWN); }, "build-std-hits-the-host"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-bindgen", "wasm-bindgen 0.2.130"); }, "wasm-bindgen-version"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.126")]); }, "heap-base-missing"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.127")]).change(CONFIG, "linker = \"wasm-threads-linker\"\n", ""); }, "heap-base-missing"),
    (UNKNOWN, |p| { p.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-opt", "wasm-opt version 132"); }, "wasm-opt-is-old"),
    (UNKNOWN, |p| { p.add("Cargo.toml", "[package.metadata.wasm-pack.profile.release]\nwasm-opt = false\n"); }, "wasm-opt-features"),
    (UNKNOWN, |p| { p.add("Cargo.toml", "[profile.release]\nstrip = \"debuginfo\"\n").lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-opt", "wasm-opt version 132"); }, "wasm-opt-after-strip"),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0")]).env("CC_wasm32_unknown_unknown", "clang --sysroot=/x"); }, "c-compiler-missing"),
    (UNKNOWN, |p| { p.lock(&[("cc", "1.2.0")]).env("CFLAGS_wasm32_unknown_unknown", "-matomics -mbulk-memory"); }, "cflags-without-atomics"),
    (UNKNOWN, |p| { p.write("build.sh", "echo $RUSTFLAGS\n"); }, "script-loses-atomics"),
    (UNKNOWN, |p| { symlink("config.toml", p.path(".cargo/config")).unwrap(); }, "config-is-shadowed"),
];

fn every_finding_is_listed() {
    let provoked: BTreeSet<&str> = LIST.iter().map(|(_, _, id, ..)| *id).collect();
    let facts = ["build-std", "wasm-bindgen", "wasm-opt", "rust-src", "not-a-finding"];
    let folder = repository().join("linker-shim/src/doctor");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the sources") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("text");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_id = |word: &&str| {
            let letters =
                word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
            letters
                && word.contains('-')
                && word.starts_with(|first: char| first.is_ascii_lowercase())
                && !word.ends_with('-')
                && word.len() > 5
        };
        found.extend(code.split('"').skip(1).step_by(2).filter(is_id).filter(|word| !facts.contains(word)).map(str::to_owned));
    }
    found.retain(|word| !word.starts_with("wasm32-") && !word.starts_with("wasm64-") && word != "wasm-threads-linker");
    let provoked: BTreeSet<String> = provoked.iter().map(|id| (*id).to_owned()).collect();
    let never: Vec<_> = found.difference(&provoked).collect();
    assert!(never.is_empty(), "never provoked: {never:?}");
    let gone: Vec<_> = provoked.difference(&found).collect();
    assert!(gone.is_empty(), "no longer in the sources: {gone:?}");
}

fn beside_each_finding() {
    for (target, harm, id) in NOT {
        let patient = Patient::for_target(target);
        harm(&patient);
        let seen = patient.look();
        assert!(!seen.has(id), "{id}\n{:?}", seen.ran);
    }
}

fn text_for_people() {
    let patient = Patient::healthy();
    patient.lock(&[("wasm-bindgen", "0.2.130")]).tool("wasm-bindgen", "wasm-bindgen 0.2.100").env("RUSTFLAGS", "-D warnings");
    patient.change(CONFIG, "[build]\ntarget = \"wasm32-unknown-unknown\"\n", "");
    let ran = patient.run(&[]).env("TERM", "xterm").run().expect_code(1);
    assert!(ran.stderr.is_empty() && !ran.stdout.contains(&0x1b), "{ran:?}");
    let text = ran.stdout_text();
    let version = format!("wasm-threads-linker {}", env!("CARGO_PKG_VERSION"));
    let text = text.replace(&version, "wasm-threads-linker [VERSION]");
    let package = patient.path("");
    let package = package.to_str().expect("text").trim_end_matches('/');
    golden::check("doctor", &text, &[(Path::new(package), "[PACKAGE]"), (patient.folder.path(), "[FOLDER]")]);
}

fn json_for_programs() {
    let seen = Patient::healthy().look();
    let keys: BTreeSet<&str> = seen.json.as_object().expect("an object").keys().map(String::as_str).collect();
    let wanted = ["errors", "facts", "findings", "notes", "root", "target", "version", "warnings"];
    assert_eq!(keys, BTreeSet::from(wanted));
    assert_eq!((&seen.json["version"], &seen.json["target"]), (&Value::from(1), &Value::from(UNKNOWN)));
    let help = Run::new(cargo_wasm_threads()).words(["doctor", "--help"]).run().expect_success().stdout_text();
    for key in wanted.iter().chain(&["id", "level", "message", "place", "fix", "name", "value"]) {
        assert!(help.contains(key), "the help has no {key}");
    }
    let finding = &seen.json["findings"][0];
    let keys: BTreeSet<&str> = finding.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["fix", "id", "level", "message", "place"]));
}

/// Every file is as it was, and each tool was asked for its version alone.
fn it_changes_nothing() {
    let patient = Patient::healthy();
    let log = patient.folder.path().join("log");
    for name in ["wasm-bindgen", "wasm-opt", "clang", "emcc", "wasm-ld-22"] {
        let script = format!("#!/bin/sh\nprintf '%s %s\\n' {name} \"$*\" >>'{}'\nprintf '{name} 1.2.3\\n'\n", log.display());
        write_program(&patient.bin().join(name), script.as_bytes());
    }
    patient.lock(&[("wasm-bindgen", "0.2.130"), ("cc", "1.2.0")]).change(CONFIG, "\"wasm-threads-linker\"", "\"wasm-ld-22\"");
    let all = || -> Vec<(PathBuf, Vec<u8>)> {
        let mut folders = vec![patient.path("")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files.push((path.clone(), crate::support::read(&path))) }
            }
        }
        files.sort();
        files
    };
    let before = all();
    patient.look();
    assert!(before == all(), "a file was changed");
    let said = fs::read_to_string(&log).expect("a log");
    for line in said.lines() {
        assert!(line.ends_with(" --version") || line == "wasm-ld-22 --wasm-threads-version", "{line}");
    }
    assert!(said.contains("wasm-ld-22 ") && said.contains("wasm-opt "), "{said}");
}

fn where_flags_come_from() {
    // Of `cfg` tables those that hold count, with their line; those that do not are not there.
    let patient = Patient::healthy();
    patient.change(CONFIG, "rustflags = [\"-C\", \"target-feature=+atomics\", ", "rustflags = [");
    patient.add(CONFIG, "[target.'cfg(target_family = \"wasm\")']\nrustflags = [\"-Ctarget-feature=+atomics\"]\n");
    patient.add(CONFIG, "[target.'cfg(unix)']\nrustflags = [\"-Ctarget-feature=-atomics\"]\n");
    let seen = patient.look();
    assert!(!seen.has("atomics-missing") && !seen.has("rustflags-dropped"), "{:?}", seen.ran);
    let facts = seen.json["facts"].as_array().expect("a list").iter().filter(|fact| fact["name"] == "rustflags");
    let lines: Vec<_> = facts.map(|fact| fact["place"]["line"].as_u64()).collect();
    assert_eq!(lines, [Some(3), Some(12)], "{:?}", seen.ran);
    // Files above are joined; of strings the nearest is taken.
    let patient = Patient::healthy();
    let above = patient.folder.path().join(CONFIG);
    fs::create_dir(patient.folder.path().join(".cargo")).expect("a folder");
    fs::write(&above, format!("[target.{UNKNOWN}]\nrustflags = [\"--cfg\", \"above\"]\n")).expect("a file");
    let seen = patient.look();
    assert!(seen.json["facts"].to_string().contains("--cfg above") && !seen.has("rustflags-dropped"), "{:?}", seen.ran);
    let own =
        "rustflags = [\"-C\", \"target-feature=+atomics\", \"-C\", \"link-arg=--export-if-defined=wasm-threads:threaded\"]";
    patient.change(CONFIG, own, "rustflags = \"-Ctarget-feature=+atomics\"");
    fs::write(&above, format!("[target.{UNKNOWN}]\nrustflags = \"--cfg above\"\n")).expect("a file");
    let seen = patient.look();
    assert!(seen.has("rustflags-dropped") && !seen.has("atomics-missing"), "{:?}", seen.ran);
}

fn which_linker() {
    // The variable wins over the file; a table of `cfg` counts where the target has none.
    let patient = Patient::healthy();
    patient.tool("wasm-ld-22", "LLD 22").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-22");
    assert_eq!(patient.look().place("linker-is-not-the-shim"), "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    let patient = Patient::healthy();
    patient.tool("wasm-ld-22", "LLD 22").change(CONFIG, "linker = \"wasm-threads-linker\"\n", "");
    patient.add(CONFIG, "[target.'cfg(target_arch = \"wasm32\")']\nlinker = \"wasm-ld-22\"\n");
    assert_eq!(patient.look().place("linker-is-not-the-shim"), ".cargo/config.toml:11");
    // A relative path is the file's folder's; the name does not make the shim, and a copy by another name is it.
    let patient = Patient::healthy();
    patient.change(CONFIG, "\"wasm-threads-linker\"", "\"own tools/lînker\"").write("own tools/x", "");
    fs::copy(shim(), patient.path("own tools/lînker")).expect("a copy");
    let seen = patient.look();
    assert!(!seen.has("linker-is-not-the-shim") && !seen.has("linker-missing"), "{:?}", seen.ran);
    // It would say yes to anything.
    write_program(&patient.bin().join("other"), b"#!/bin/sh\necho other 1.0\n");
    fs::rename(patient.bin().join("other"), patient.bin().join("wasm-threads-linker")).expect("another program");
    patient.change(CONFIG, "\"own tools/lînker\"", "\"wasm-threads-linker\"");
    assert!(patient.look().has("linker-is-not-the-shim"));
}

fn workspaces() {
    let patient = Patient::healthy();
    patient.write("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n");
    patient.write(
        "crates/web/Cargo.toml",
        "[package]\nname = \"web\"\nversion = \"0.1.0\"\n[package.metadata.wasm-pack.profile.dev]\nwasm-opt = ['-O']\n",
    );
    patient.write("crates/web/src/lib.rs", "").write("crates/web/build.sh", "RUSTFLAGS=x cargo build\n");
    for (folder, words) in [(".", &[][..]), ("crates/web/src", &[]), (".", &["--manifest-path", "crates/web/Cargo.toml"])] {
        let ran = patient.run(words).words(["--format=json"]).folder(patient.path(folder)).run().expect_success();
        let json: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        assert_eq!(json["root"], patient.path("").to_str().expect("text").trim_end_matches('/'));
        let text = ran.stdout_text();
        for wanted in ["crates/web/build.sh", "crates/web/Cargo.toml", "wasm-threads-linker 0"] {
            assert!(text.contains(wanted), "{wanted}\n{ran:?}");
        }
    }
    // Without --target, that of build.target.
    let ran = Patient::for_target(EMSCRIPTEN).run(&[]).run().expect_success();
    assert!(ran.stdout_text().starts_with("wasm32-unknown-emscripten in "), "{ran:?}");
}

fn could_not_look() {
    let patient = Patient::healthy();
    for (words, problem) in [
        (&["--format", "xml"][..], "--format can be text or json, and not \"xml\""),
        (&["--target", "wasm32-wasip2"], "the target with threads is wasm32-wasip1-threads"),
        (&["--target"], "--target wants a value"),
        (&["--fix"], "doctor does not take \"--fix\""),
        (&["--manifest-path", "none/Cargo.toml"], "none/Cargo.toml` does not exist"),
    ] {
        let ran = patient.run(words).run().expect_code(2);
        assert!(
            ran.stderr_text().starts_with("error: ") && ran.stderr_text().contains(problem) && ran.stdout.is_empty(),
            "{ran:?}"
        );
    }
    patient.write(CONFIG, "[target\n");
    patient.run(&[]).run().expect_code(2).expect_stderr(".cargo/config.toml:1:8: ");
    patient.write(CONFIG, "[target.wasm32-unknown-unknown]\nlinker = 3\n");
    patient.run(&[]).run().expect_code(2).expect_stderr("config.toml");
    patient.write(CONFIG, "").write("Cargo.toml", "[package\n");
    patient.run(&[]).run().expect_code(2).expect_stderr("Cargo.toml");
    fs::remove_file(patient.path("Cargo.toml")).expect("a manifest");
    patient.run(&[]).run().expect_code(2).expect_stderr("there is no Cargo.toml in ");
}

fn what_init_leaves_is_healthy() {
    for target in [UNKNOWN, EMSCRIPTEN, WASI, "wasm64-unknown-unknown"] {
        let patient = Patient::for_target(target);
        patient.write(CONFIG, "");
        let cargo = Tool::Rustc.path().with_file_name("cargo");
        let init = Run::new(cargo_wasm_threads()).words(["init", "--target", target]).folder(patient.path("."));
        init.env("CARGO", cargo)
            .env("CARGO_HOME", patient.folder.path().join("home"))
            .path([patient.bin()])
            .run()
            .expect_success();
        // Not even a note that it could be more, but for what the compiler no longer does.
        let seen = patient.look();
        assert!(seen.ids("error").is_empty() && seen.ids("warning").is_empty(), "{:?}", seen.ran);
        assert!(seen.ids("note").iter().all(|id| id.starts_with("rustc-1.")), "{:?}", seen.ran);
    }
}

fn the_real_compilers() {
    for (rustc, stable) in [(Tool::RustcWeb, false), (Tool::Rustc, true)] {
        let Some(rustc) = rustc.find() else { continue };
        let patient = Patient::healthy();
        patient.env("RUSTC", rustc.to_str().expect("text"));
        if !stable {
            patient.env("RUSTC_BOOTSTRAP", "1");
        }
        let seen = patient.look();
        assert_eq!(seen.has("toolchain-is-stable"), stable, "{:?}", seen.ran);
        assert!(seen.has("rustc-1.92") && !seen.has("rustc-missing"), "{:?}", seen.ran);
        assert!(stable || !seen.has("rust-src-missing"), "{:?}", seen.ran);
    }
}
