//! A folder to link in, through the shim, with a count of how often the real linker ran.

use super::{FLAVOR, Facts, Ran, Recorder, Run, Tool, assert_same_bytes, read, shim, temp_folder};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The output of every link in a [`Place`].
pub const OUTPUT: &str = "out.wasm";

/// A folder with inputs under short names, and the linker to use.
pub struct Place {
    folder: TempDir,
    linker: PathBuf,
}

impl Place {
    pub fn new(linker: Tool) -> Self {
        Place { folder: temp_folder(), linker: linker.path() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The linker that is called in the end.
    pub fn linker(&self) -> &Path {
        &self.linker
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    /// A copy of a file under another name, in folders that are made for it.
    pub fn put(&self, name: &str, file: impl AsRef<Path>) -> &Self {
        self.write(name, &read(file))
    }

    pub fn write(&self, name: &str, contents: &[u8]) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Links `line`, words with spaces between them, into [`OUTPUT`].
    #[track_caller]
    pub fn link(&self, line: &str) -> Linked<'_> {
        self.link_with(line, &[])
    }

    /// The same with variables.
    #[track_caller]
    pub fn link_with(&self, line: &str, variables: &[(&str, &str)]) -> Linked<'_> {
        let run = Run::new(shim()).words(FLAVOR).words(line.split(' ')).words(["-o", OUTPUT]);
        self.run(variables.iter().fold(run, |run, (name, value)| run.env(name, value)))
    }

    /// Starts `run`, which comes to the shim in the end, here and with this place's linker.
    #[track_caller]
    pub fn run(&self, run: Run) -> Linked<'_> {
        let output = self.path(OUTPUT);
        if output.exists() {
            fs::remove_file(&output).expect("the output of an earlier link");
        }
        let recorder = Recorder::new(&self.linker);
        let ran = run.folder(self.folder()).env("WASM_THREADS_LINKER", recorder.linker()).run();
        Linked { place: self, ran, runs: recorder.runs() }
    }

    /// What the linker alone does with `line`.
    #[track_caller]
    pub fn bare(&self, line: &str) -> (Ran, Option<Vec<u8>>) {
        let words = FLAVOR.into_iter().chain(line.split(' ')).chain(["-o", OUTPUT]);
        self.bare_words(&words.map(OsString::from).collect::<Vec<_>>())
    }

    fn bare_words(&self, words: &[OsString]) -> (Ran, Option<Vec<u8>>) {
        let output = self.path(OUTPUT);
        let kept = fs::read(&output).ok();
        let _ = fs::remove_file(&output);
        let ran = Run::new(&self.linker).words(words).folder(self.folder()).run();
        let module = fs::read(&output).ok();
        let _ = fs::remove_file(&output);
        if let Some(kept) = kept {
            fs::write(&output, kept).expect("the output can be put back");
        }
        (ran, module)
    }
}

/// A link that ended.
pub struct Linked<'a> {
    place: &'a Place,
    pub ran: Ran,
    /// The words of each run of the real linker.
    pub runs: Vec<Vec<OsString>>,
}

impl Linked<'_> {
    /// It is threaded, after so many runs and without a word.
    #[track_caller]
    pub fn threaded(&self, runs: usize) -> Facts {
        assert!(self.ran.success() && self.ran.stderr.is_empty(), "a silent success is expected\n{:?}", self.ran);
        assert_eq!(self.runs.len(), runs, "runs of the linker: {:?}", self.runs);
        let facts = Facts::read(self.place.path(OUTPUT));
        facts.assert_threaded();
        facts
    }

    /// It is, byte by byte, what the linker alone makes of `line`, after so many runs and without a word.
    #[track_caller]
    pub fn as_bare(&self, line: &str, runs: usize) {
        assert!(self.ran.success() && self.ran.stderr.is_empty(), "a silent success is expected\n{:?}", self.ran);
        assert_eq!(self.runs.len(), runs, "runs of the linker: {:?}", self.runs);
        let found = read(self.place.path(OUTPUT));
        let (bare, module) = self.place.bare(line);
        assert_same_bytes(found, module.unwrap_or_else(|| panic!("the linker alone fails\n{bare:?}")));
    }

    /// As [`Linked::as_bare`], and it has a memory of its own.
    #[track_caller]
    pub fn unthreaded(&self, line: &str, runs: usize) {
        self.as_bare(line, runs);
        Facts::read(self.place.path(OUTPUT)).assert_unthreaded();
    }

    /// The shim refused it with that rule, and left no output.
    #[track_caller]
    pub fn refused(&self, rule: &str, runs: usize) -> String {
        assert_eq!(self.ran.code(), Some(1), "{:?}", self.ran);
        assert_eq!(self.runs.len(), runs, "runs of the linker: {:?}", self.runs);
        let text = self.ran.stderr_text();
        assert!(text.starts_with(&format!("error[{rule}]: ")), "{:?}", self.ran);
        assert!(!self.place.path(OUTPUT).exists(), "no output is left\n{:?}", self.ran);
        text
    }

    /// The linker refused it: its status and its words first, as they are without the shim. What stands under them is the
    /// answer.
    #[track_caller]
    pub fn failed(&self, runs: usize) -> String {
        assert_eq!(self.runs.len(), runs, "runs of the linker: {:?}", self.runs);
        let again = self.runs.iter().rev().map(|words| self.place.bare_words(&without_detour(words)).0);
        let text = self.ran.stderr_text();
        let above = |bare: &Ran| !bare.success() && !bare.stderr.is_empty() && text.starts_with(&bare.stderr_text());
        let again: Vec<Ran> = again.collect();
        let Some(bare) = again.iter().find(|bare| above(bare)) else {
            panic!("the linker's words are not above\n--- it says\n{again:?}\n--- found\n{:?}", self.ran);
        };
        assert_eq!(self.ran.code(), bare.code(), "{:?}", self.ran);
        assert_same_bytes(&self.ran.stdout, &bare.stdout);
        let (words, ours) = text.split_at(bare.stderr.len());
        assert!(!ours.contains(words.lines().next().unwrap_or_default()), "they stand there once\n{:?}", self.ran);
        ours.to_owned()
    }
}

/// A line that was linked out of sight, linked to its place.
fn without_detour(words: &[OsString]) -> Vec<OsString> {
    let elsewhere = |word: &OsString| Path::new(word).is_absolute() && word.to_string_lossy().ends_with(OUTPUT);
    words.iter().map(|word| if elsewhere(word) { OUTPUT.into() } else { word.clone() }).collect()
}
