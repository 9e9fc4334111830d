//! What breaks around a link: the linker, the disk, the limits of a process, the inputs. Always the right status and a clear
//! text, nothing half-written, and nothing left behind.

mod disk;
mod inputs;
mod limits;
mod signals;

use crate::support::{FLAVOR, Facts, Link, Ran, Run, Suite, Tool, objects, read, temp_folder};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn tests(suite: &mut Suite) {
    signals::tests(suite);
    disk::tests(suite);
    limits::tests(suite);
    inputs::tests(suite);
}

const NEEDS: [Tool; 2] = [Tool::Rustc, Tool::RustLld];

/// A folder with an object of each kind, and one for temporary files, in which nothing may be left.
struct Scene {
    folder: TempDir,
    temporary: TempDir,
    linker: PathBuf,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(Tool::RustLld)
    }

    fn with(linker: Tool) -> Scene {
        let scene = Scene { folder: temp_folder(), temporary: temp_folder(), linker: linker.path() };
        for (name, object) in [
            ("atomic.o", objects::atomic()),
            ("neutral.o", objects::neutral()),
            ("refusing.o", objects::refusing()),
            ("atomic.bc", objects::atomic_bitcode()),
            ("neutral.bc", objects::neutral_bitcode()),
        ] {
            fs::copy(object, scene.path(name)).expect("an object can be copied");
        }
        // With a word of ours in it, so that a copy without that word is made for the linker.
        scene.write("words", b"atomic.o --wasm-threads=threaded");
        scene
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &[u8]) {
        fs::write(self.path(name), contents).expect("a file can be written");
    }

    fn fifo(&self, name: &str) -> PathBuf {
        Run::new("/bin/sh").words(["-c", "mkfifo \"$1\"", "sh"]).word(self.path(name)).run().expect_success();
        self.path(name)
    }

    /// A link through the shim, to which the words are added.
    fn shim(&self) -> Run {
        self.here(Link::shim_with(&self.linker)).words(FLAVOR).word("--export-dynamic")
    }

    /// The same by the linker alone.
    fn bare(&self) -> Run {
        self.here(Link::bare(&self.linker)).words(FLAVOR).word("--export-dynamic")
    }

    fn here(&self, run: Run) -> Run {
        // Where LLVM dies it shows its stack; to find the names in it takes seconds.
        let run = run.env("LLVM_DISABLE_SYMBOLIZATION", "1");
        run.folder(self.folder.path()).env("TMPDIR", self.temporary.path())
    }

    /// What the folder holds.
    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// Nothing is left in the folder for temporary files, and there are these files and no others.
    #[track_caller]
    fn assert_left(&self, before: &[String], new: &[&str]) {
        let mut wanted: Vec<String> = before.iter().cloned().chain(new.iter().map(|name| (*name).to_owned())).collect();
        wanted.sort();
        assert_eq!(self.names(), wanted);
        assert_eq!(names(self.temporary.path()), [""; 0], "left behind");
    }

    /// The output is whole, and threaded.
    #[track_caller]
    fn assert_threaded(&self, name: &str) {
        Facts::of(&read(self.path(name))).assert_threaded();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_no_panic(ran: &Ran) {
    assert!(!ran.stderr_text().contains("panicked") && !ran.killed, "{ran:?}");
}

/// `sh -c TEXT` around a program: `"$@"` in it is the program and its words.
fn within(text: &str, first: &[&OsStr], run: &Run) -> Run {
    let command = run.command();
    let words = ["-c".as_ref(), text.as_ref(), "sh".as_ref()].into_iter().chain(first.iter().copied());
    let mut outer = Run::new("/bin/sh").words(words).word(command.get_program()).words(command.get_args());
    for (name, value) in command.get_envs() {
        outer = match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    match command.get_current_dir() {
        Some(folder) => outer.folder(folder),
        None => outer,
    }
}
