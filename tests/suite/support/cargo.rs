//! Real projects with a real `std`, built by Debian's cargo with `-Zbuild-std`.
//!
//! All of them share one target folder and one linker by name, so that `std` is compiled once for each set of flags: cargo
//! takes the linker's path into account and would compile it anew for another one. That linker is a script, which becomes the
//! program that the test names.

use super::recorder::write_program;
use super::{Ran, Run, Tool, lasting_folder, repository};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::{LazyLock, Mutex, MutexGuard, Once};
use std::time::{Duration, SystemTime};

/// The variable that tells the script what to become.
const BECOME: &str = "TEST_LINKER";

/// A compile of `std` takes about a minute, and others may wait for their turn before this one.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// A project of `tests/fixtures` or `examples`, copied to where this test alone builds it.
pub struct Project {
    folder: PathBuf,
    variables: Vec<(String, Option<String>)>,
    linker: PathBuf,
    _turn: Rc<MutexGuard<'static, ()>>,
}

/// One test at a time: copies of one fixture have one name in the shared target folder, and so one module.
fn turn() -> Rc<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    thread_local! {
        /// A test may have several projects.
        static MINE: RefCell<Weak<MutexGuard<'static, ()>>> = const { RefCell::new(Weak::new()) };
    }
    MINE.with_borrow_mut(|mine| {
        mine.upgrade().unwrap_or_else(|| {
            let turn = Rc::new(TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
            *mine = Rc::downgrade(&turn);
            turn
        })
    })
}

impl Project {
    /// A fresh copy of `fixture` (a path in the repository), built under `name`, linked by `linker`.
    pub fn new(fixture: &str, name: &str, linker: impl AsRef<Path>) -> Self {
        let project = Project::empty(name, linker);
        copy(&repository().join(fixture), &project.folder);
        project
    }

    /// A folder without anything in it.
    pub fn empty(name: &str, linker: impl AsRef<Path>) -> Self {
        let turn = turn();
        let folder = lasting_folder("projects").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder in cargo's target folder");
        Project { folder, variables: Vec::new(), linker: linker.as_ref().to_owned(), _turn: turn }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.variables.push((name.to_owned(), None));
        self
    }

    /// Links by another program from now on. Cargo does not notice: [`Project::touch`] makes it link again.
    pub fn linker(mut self, linker: impl AsRef<Path>) -> Self {
        self.linker = linker.as_ref().to_owned();
        self
    }

    /// Makes cargo compile the package, and so link it, again.
    pub fn touch(&self) -> &Self {
        for source in ["src/lib.rs", "src/main.rs", "app/src/lib.rs", "user/src/lib.rs"] {
            if let Ok(file) = fs::File::options().append(true).open(self.folder.join(source)) {
                file.set_modified(SystemTime::now()).expect("a file's time can be set");
            }
        }
        self
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cargo in the project's folder.
    pub fn cargo(&self, words: &[&str]) -> Run {
        self.run(Tool::RustcWeb.path().with_file_name("cargo"), &[]).words(words)
    }

    /// Any program in the project's folder, with what cargo needs, and `folders` in front of PATH.
    pub fn run(&self, program: impl Into<PathBuf>, folders: &[PathBuf]) -> Run {
        let mut path = folders.to_vec();
        path.extend([linker_folder(), PathBuf::from("/usr/bin")]);
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut run = Run::new(program)
            .folder(&self.folder)
            .path(path)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target_folder())
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-threads-linker")
            // Debian's emcc looks for acorn where Debian's node has it.
            .env("NODE_PATH", "/usr/share/nodejs")
            .env("CC_wasm32_unknown_unknown", "clang-22")
            .env("AR_wasm32_unknown_unknown", "llvm-ar-22")
            .env(BECOME, &self.linker)
            .timeout(LIMIT);
        for (name, value) in &self.variables {
            run = match value {
                Some(value) => run.env(name, value),
                None => run.env_remove(name),
            };
        }
        run
    }

    /// `cargo build` for the target, with more words.
    pub fn build(&self, words: &[&str]) -> Ran {
        self.cargo(&[&["build", "--target", "wasm32-unknown-unknown"], words].concat()).run()
    }

    /// The module that a build in `profile` wrote.
    pub fn module(&self, profile: &str, name: &str) -> PathBuf {
        target_folder().join("wasm32-unknown-unknown").join(profile).join(name).with_extension("wasm")
    }
}

/// The folder into which cargo builds for `target` in `profile`; for the machine itself where `target` is empty.
pub fn built(target: &str, profile: &str) -> PathBuf {
    target_folder().join(target).join(profile)
}

/// The folder that all projects build into.
pub fn target_folder() -> PathBuf {
    lasting_folder("std")
}

fn linker_folder() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let folder = lasting_folder("linker");
    WRITTEN.call_once(|| {
        let script = format!("#!/bin/sh\nexec \"${BECOME}\" \"$@\"\n");
        write_program(&folder.join("wasm-threads-linker"), script.as_bytes());
    });
    folder
}

/// Runs a module's threads on node, and gives the host's one line of facts.
pub fn two_workers(module: impl AsRef<OsStr>) -> Ran {
    let host = repository().join("tests/fixtures/host/two-workers.mjs");
    Run::new(Tool::Node.path()).word(host).word(module).run()
}

/// Runs `add_shared` and `add_local` of a module in two threads, and gives the host's one line of facts.
pub fn two_adders(module: impl AsRef<OsStr>) -> Ran {
    let host = repository().join("tests/fixtures/host/two-adders.mjs");
    Run::new(Tool::Node.path()).word(host).word(module).run()
}

/// The same on a node of one's choice, with the flag for addresses of 64 bits where it still wants one.
pub fn two_wide_adders(node: &Path, module: impl AsRef<OsStr>) -> Ran {
    const FLAG: &str = "--experimental-wasm-memory64";
    let host = repository().join("tests/fixtures/host/two-adders.mjs");
    // A word that it does not know, node refuses.
    let flag = Run::new(node).words([FLAG, "-e", ""]).run().success().then_some(FLAG);
    Run::new(node).words(flag).word(host).word(module).run()
}

/// Copies a folder without what a build left in it. Paths into the repository become absolute.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in cargo's target folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("a readable folder");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "target" || entry.file_name() == "node_modules" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).expect("a manifest is text");
            let root = format!("path = \"{}\"", repository().display());
            let text = text
                .replace("path = \"../../../..\"", &root)
                .replace("path = \"../../..\"", &root)
                .replace("path = \"../..\"", &root);
            let beside = format!("path = \"{}/", repository().join("tests/fixtures/required").display());
            let text = text.replace("path = \"../required/", &beside);
            fs::write(&target, text).expect("a copy can be written");
        } else {
            fs::copy(&path, &target).expect("a copy can be written");
        }
    }
}
