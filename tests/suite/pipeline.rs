//! A library of wasm-bindgen on its way to a page, and every file that the tools on that way write: the linker, wasm-bindgen (an
//! older one and the newest, for each kind of host), wasm-opt (Debian's and the newest) before and after it, and what strips.
//!
//! `check` judges each file, and must be right about each; node runs the good ones of wasm-bindgen's in three threads.

use crate::support::link::cargo_wasm_threads;
use crate::support::verdict::{self, Verdict};
use crate::support::{Facts, Project, Run, Suite, Tool, read, repository, shim, temp_folder, tool};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Debian's, of 2022.
const OLD_WASM_OPT: Tool = Tool::Program("wasm-opt", "binaryen");

const NEEDS: &[Tool] =
    &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node, Tool::Wabt, Tool::WasmTools, Tool::WasmOpt, OLD_WASM_OPT];

const TARGETS: [&str; 4] = ["web", "nodejs", "no-modules", "bundler"];

pub fn tests(suite: &mut Suite) {
    for (name, bindgen) in [("newest", Bindgen::Newest), ("older", Bindgen::Older)] {
        for linked in [Linked::Threaded, Linked::Stripped, Linked::Bare] {
            let needs = [NEEDS, &[bindgen.tool()]].concat();
            suite.test(&format!("{}_{name}", linked.name()), &needs, move || every_artifact(bindgen, linked));
        }
    }
    suite.test("what_wasm_opt_needs", &[NEEDS, &[Tool::WasmBindgen]].concat(), what_wasm_opt_needs);
}

// ------------------------------------------------------------------- the tools

/// A wasm-bindgen: the tool, and the crate of the same version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bindgen {
    Older,
    Newest,
}

impl Bindgen {
    fn tool(self) -> Tool {
        match self {
            Bindgen::Older => Tool::OldWasmBindgen,
            Bindgen::Newest => Tool::WasmBindgen,
        }
    }

    fn version(self) -> &'static str {
        tool::pinned(match self {
            Bindgen::Older => "old_wasm_bindgen",
            Bindgen::Newest => "wasm_bindgen",
        })
    }

    /// The kind of script that node can load. The older one's for node has no memory to give to the module.
    fn for_node(self) -> &'static str {
        match self {
            Bindgen::Older => "web",
            Bindgen::Newest => "nodejs",
        }
    }

    /// Writes script and module for a host into a folder.
    fn run(self, module: &Path, target: &str, folder: &Path) {
        let run = Run::new(self.tool().path()).words(["--target", target, "--out-name", "pipeline", "--out-dir"]);
        run.word(folder).word(module).run().expect_success();
        if target == "web" {
            // So that node takes the script for a module.
            fs::write(folder.join("package.json"), r#"{"type":"module"}"#).expect("a file");
        }
    }
}

/// How the library was linked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linked {
    /// By the shim.
    Threaded,
    /// By the shim, told to strip: nothing says which features the module uses.
    Stripped,
    /// By the linker alone: a recipe of before rustc 1.92.
    Bare,
}

impl Linked {
    fn name(self) -> &'static str {
        match self {
            Linked::Threaded => "threaded",
            Linked::Stripped => "stripped",
            Linked::Bare => "bare",
        }
    }

    /// The rules that its module breaks, at any stage.
    fn breaks(self) -> &'static [&'static str] {
        match self {
            Linked::Threaded | Linked::Stripped => &[],
            Linked::Bare => &["memory-not-shared", "active-data-segment"],
        }
    }

    /// Compiles and links the library, into `folder`.
    fn build(self, bindgen: Bindgen, folder: &Path) -> PathBuf {
        let linker = if self == Linked::Bare { Tool::WasmLd(22).path() } else { shim().to_owned() };
        let project = Project::new("tests/fixtures/pipeline", "pipeline", linker);
        if bindgen == Bindgen::Older {
            let manifest = project.folder().join("Cargo.toml");
            let text = fs::read_to_string(&manifest).expect("a manifest is text");
            let older = text.replace(&format!("={}\"", Bindgen::Newest.version()), &format!("={}\"", bindgen.version()));
            assert_ne!(text, older, "the fixture names the version of tests/run");
            fs::write(&manifest, older).expect("a manifest");
            fs::remove_file(project.folder().join("Cargo.lock")).expect("the lock file of the newest");
        }
        let words = ["rustc", "--release", "--target", "wasm32-unknown-unknown", "--"];
        // For this crate alone: std's own profile stays what the other tests have.
        let strip = (self == Linked::Stripped).then_some("-Cstrip=symbols");
        project.touch().cargo(&[&words[..], strip.as_slice()].concat()).run().expect_success();
        let module = folder.join("linked.wasm");
        fs::copy(project.module("release", "pipeline"), &module).expect("the module");
        module
    }
}

/// Optimizes a module. The flags name the features that it may use, where the module does not say so itself.
fn wasm_opt(tool: Tool, words: &[&str], from: &Path, to: &Path) -> Run {
    // From npm it is a program of node's.
    let run = if tool == Tool::WasmOpt { Run::new(Tool::Node.path()).word(tool.path()) } else { Run::new(tool.path()) };
    run.words(words).word(from).word("-o").word(to)
}

/// wabt's.
fn wasm_strip(from: &Path, to: &Path) {
    let strip = Tool::Wabt.path().with_file_name("wasm-strip");
    Run::new(strip).word(from).word("-o").word(to).run().expect_success();
}

fn wasm_tools_strip(from: &Path, to: &Path) {
    Run::new(Tool::WasmTools.path()).words(["strip", "--all"]).word(from).word("-o").word(to).run().expect_success();
}

/// The words that `inspect` gives to wasm-opt: none where features are recorded.
fn features_of_inspect(file: &Path) -> Vec<String> {
    let ran = Run::new(cargo_wasm_threads()).words(["inspect", "--format", "json"]).word(file).run().expect_success();
    let facts: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran:?}"));
    let words = facts["modules"][0]["wasm_opt"].as_array().unwrap_or_else(|| panic!("a list of words\n{ran:?}"));
    words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The words that the README gives to wasm-opt, where no features are recorded.
fn features_of_the_readme() -> Vec<String> {
    let readme = String::from_utf8(read(repository().join("README.md"))).expect("text");
    let line = readme.lines().find(|line| line.starts_with("wasm-opt ") && line.contains(" --enable-threads "));
    let line = line.expect("the README has a line for wasm-opt");
    line.split(' ').filter(|word| word.starts_with("--enable-")).map(str::to_owned).collect()
}

// ------------------------------------------------------------- what is expected

/// All files of one library.
struct Artifacts {
    folder: TempDir,
    bindgen: Bindgen,
    linked: Linked,
    all: Vec<Verdict>,
    /// What node can load of them.
    scripts: Vec<PathBuf>,
}

impl Artifacts {
    fn add(&mut self, file: &Path, stage: &'static str, breaks: &[&'static str]) {
        let breaks = [self.linked.breaks(), breaks].concat();
        self.all.push(Verdict { file: file.to_owned(), abi: "javascript", stage, breaks });
    }

    /// A file as a linker left it, or a tool that does not know wasm-bindgen.
    fn linked(&mut self, name: &str) -> PathBuf {
        let file = self.folder.path().join(format!("{name}.wasm"));
        self.add(&file, "linked", &[]);
        file
    }

    /// What wasm-bindgen makes of `module`, in a folder of that name.
    fn bound(&mut self, name: &str, module: &Path, target: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        self.bindgen.run(module, target, &folder);
        self.after(&folder, target, &[])
    }

    /// The same once more, with its module replaced by what `tool` makes of it.
    fn rewritten(&mut self, from: &Path, name: &str, breaks: &[&'static str], tool: impl FnOnce(&Path, &Path)) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        let old = from.parent().expect("a file is in a folder");
        for entry in old.read_dir().expect("a readable folder").map(|entry| entry.expect("a readable folder").path()) {
            if entry.extension().is_some_and(|extension| extension != "wasm" && extension != "ts") {
                fs::copy(&entry, folder.join(entry.file_name().expect("a name"))).expect("a copy");
            }
        }
        tool(from, &folder.join("pipeline_bg.wasm"));
        self.after(&folder, self.bindgen.for_node(), breaks)
    }

    fn after(&mut self, folder: &Path, target: &str, breaks: &[&'static str]) -> PathBuf {
        let file = folder.join("pipeline_bg.wasm");
        self.add(&file, "after-wasm-bindgen", breaks);
        let good = self.linked.breaks().is_empty() && breaks.is_empty();
        if good && (target == "web" || target == self.bindgen.for_node()) {
            self.scripts.push(folder.join("pipeline.js"));
        }
        file
    }
}

fn three_threads(script: &Path) -> Run {
    let host = repository().join("tests/fixtures/host/two-bindgen-workers.mjs");
    Run::new(Tool::Node.path()).word(host).word(script)
}

// --------------------------------------------------------------------- the tests

fn every_artifact(bindgen: Bindgen, linked: Linked) {
    let folder = temp_folder();
    let module = linked.build(bindgen, folder.path());
    let mut files = Artifacts { folder, bindgen, linked, all: Vec::new(), scripts: Vec::new() };
    files.linked("linked");
    assert_eq!(Facts::read(&module).features.is_empty(), linked == Linked::Stripped);
    // What records no features has to be told them; and nobody else.
    let optimize = |tool, words: &[&str], from: &Path, to: &Path| {
        let told = features_of_inspect(from);
        assert_eq!(told.is_empty(), Facts::read(from).has_feature("+atomics"), "{told:?} for {}", from.display());
        wasm_opt(tool, words, from, to).words(told).run().expect_success();
    };
    let wasm_opts = [("108", OLD_WASM_OPT), ("newest", Tool::WasmOpt)];

    // wasm-bindgen, for every kind of host.
    for target in TARGETS {
        files.bound(target, &module, target);
    }
    let bound = files.folder.path().join(bindgen.for_node()).join("pipeline_bg.wasm");

    // wasm-opt after it. Debian's loses the table of javascript's objects, which the older wasm-bindgen makes only where the
    // module says that it may.
    let table_lost = bindgen == Bindgen::Newest || linked != Linked::Stripped;
    for (name, tool) in wasm_opts {
        let breaks: &[_] = if table_lost && tool == OLD_WASM_OPT { &["externref-table-lost"] } else { &[] };
        for level in ["-O2", "-O3", "-Os", "-Oz"] {
            let name = format!("wasm-opt {name} {level}");
            files.rewritten(&bound, &name, breaks, |from, to| optimize(tool, &[level], from, to));
        }
    }
    // Every feature there is: several imports, the memory and what fills the table, are written in a way that no host reads.
    let all = ["-O2", "--all-features"];
    let breaks: &[_] = if linked != Linked::Bare && table_lost { &["compact-imports"] } else { &[] };
    files.rewritten(&bound, "wasm-opt --all-features", breaks, |from, to| {
        wasm_opt(Tool::WasmOpt, &all, from, to).run().expect_success();
    });

    // What strips, and wasm-opt after that.
    for (name, strip) in [("wasm-strip", wasm_strip as fn(&Path, &Path)), ("wasm-tools strip", wasm_tools_strip)] {
        let stripped = files.linked(&format!("linked, {name}"));
        strip(&module, &stripped);
        let stripped = files.rewritten(&bound, name, &[], strip);
        assert_eq!(Facts::read(&stripped).custom_sections, [""; 0], "{name}");
        let name = format!("{name}, wasm-opt");
        files.rewritten(&stripped, &name, &[], |from, to| optimize(Tool::WasmOpt, &["-O2"], from, to));
    }

    // wasm-opt before wasm-bindgen, both versions of it.
    for (name, tool) in wasm_opts {
        let optimized = files.linked(&format!("wasm-opt {name} first"));
        optimize(tool, &["-O2"], &module, &optimized);
        files.bound(&format!("wasm-opt {name}, wasm-bindgen"), &optimized, bindgen.for_node());
    }

    verdict::assert_all(&files.all);
    assert_eq!(files.all.len(), 24);

    // They are what they are said to be.
    for script in &files.scripts {
        let said = three_threads(script).run().expect_success().stdout_text();
        assert_eq!(said, "{\"counted\":[60100,60100,60100],\"first\":[7,7,7],\"then\":[11,22,33]}\n", "{}", script.display());
    }
    let script = |name: &str| files.folder.path().join(name).join("pipeline.js");
    if linked == Linked::Bare {
        let ran = three_threads(&script("web")).run().expect_code(1);
        ran.expect_stderr("not threaded: it has a memory of its own");
    } else {
        assert!(files.scripts.len() > 10);
        if table_lost {
            three_threads(&script("wasm-opt 108 -O2")).run().expect_code(1).expect_stderr("WebAssembly.Table.");
        }
    }
}

/// Where no features are recorded, wasm-opt takes the module for one of 2017, and refuses it in the words that the README quotes.
/// Its line mends that, for the newest and for Debian's, and so do the words of `inspect`.
fn what_wasm_opt_needs() {
    let folder = temp_folder();
    let linked = Linked::Stripped.build(Bindgen::Newest, folder.path());
    Bindgen::Newest.run(&linked, "nodejs", folder.path());
    let bound = folder.path().join("pipeline_bg.wasm");
    let readme = String::from_utf8(read(repository().join("README.md"))).expect("text");
    let all = features_of_the_readme();
    let optimized = folder.path().join("optimized.wasm");
    for tool in [OLD_WASM_OPT, Tool::WasmOpt] {
        for module in [&linked, &bound] {
            let refused = wasm_opt(tool, &["-O2"], module, &optimized).run().expect_code(1).stderr_text();
            let quoted = if tool == OLD_WASM_OPT { "Atomic operation (atomics are disabled)" } else { "--enable-bulk-memory" };
            assert!(refused.contains(quoted) && readme.contains(quoted), "{refused}");
            let of_inspect = features_of_inspect(module);
            assert!(of_inspect.iter().all(|word| all.contains(word)), "{of_inspect:?} are among {all:?}");
            for words in [&all, &of_inspect] {
                wasm_opt(tool, &["-O2"], module, &optimized).words(words).run().expect_success();
                assert!(Facts::read(&optimized).memory().shared);
            }
        }
    }
}
