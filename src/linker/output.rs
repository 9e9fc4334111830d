//! The file that a link makes: may it be judged, is it good, and what becomes of it when it is not.

use crate::command_line::{Driver, From, Input, Options, Style};
use crate::contract::{Abi, Contract, Stage};
use crate::module::{Module, OpenFile, ReadError};
use crate::report::Finding;
use crate::rules;
use crate::single_file;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The output of a link.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Its path, as the linker was given it.
    pub path: PathBuf,
    /// The file with the module: the same, but for emcc, which writes a script there.
    pub module: PathBuf,
    form: Form,
    /// What stood there before the link.
    before: Option<Stamp>,
    /// An input has the name that a rejected output would get: it is not ours to remove.
    rejected_is_input: bool,
}

/// What an earlier link left, under a second name that goes away with this.
pub(crate) struct Earlier(tempfile::TempPath);

/// How a module is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As a file of its own.
    File,
    /// Within a script, `-sSINGLE_FILE`.
    InScript,
    /// Not at all: as a script that does the same, `-sWASM=0`.
    Script,
}

/// What tells a file from what stood in its place before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let facts = std::fs::metadata(path).ok().filter(|facts| facts.is_file())?;
        Some(Stamp {
            modified: facts.modified().ok(),
            size: facts.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&facts),
        })
    }
}

impl Output {
    /// The output of a line.
    pub(crate) fn of(options: &Options, style: Style) -> Output {
        // What each writes where no `-o` is given. `wasm-ld` refuses such a line.
        let default = match style {
            Style::Emcc if options.driver.is_set("SIDE_MODULE") => "a.out.wasm",
            Style::Emcc => "a.out.js",
            Style::WasmLd | Style::Clang | Style::Host => "a.out",
        };
        let path = PathBuf::from(options.output.as_deref().unwrap_or(OsStr::new(default)));
        let (module, form) = match style {
            Style::Emcc => emcc_module(&path, &options.driver),
            Style::WasmLd | Style::Clang | Style::Host => (path.clone(), Form::File),
        };
        let before = Stamp::of(&module);
        let mut output = Output { path, module, form, before, rejected_is_input: false };
        output.rejected_is_input = is_input(&output.rejected(), options);
        output
    }

    /// Why the output cannot be read back, where it cannot: it is not a file, or is already there as something else.
    /// A link to a file is no hindrance: the linker replaces the link.
    pub(crate) fn not_a_file(&self) -> Option<String> {
        if self.path == Path::new("-") {
            return Some("standard output".to_owned());
        }
        let facts = std::fs::metadata(&self.path).ok()?;
        if facts.is_file() || facts.is_dir() {
            // What is wrong with a folder, the linker says itself.
            return None;
        }
        Some(format!("{} (a device or a pipe)", self.path.display()))
    }

    /// The name that a rejected output gets. No `*.wasm` finds it.
    pub(crate) fn rejected(&self) -> PathBuf {
        let mut name = OsString::from(&self.module);
        name.push(".rejected");
        name.into()
    }

    /// Removes what an earlier link left under that name.
    pub(crate) fn remove_stale(&self) {
        if self.rejected_is_input || self.not_a_file().is_some() {
            return;
        }
        let rejected = self.rejected();
        if std::fs::symlink_metadata(&rejected).is_ok_and(|facts| facts.is_file()) {
            let _ = std::fs::remove_file(rejected);
        }
    }

    /// What a person would call it.
    pub(crate) fn name(&self) -> String {
        if self.path == Path::new("-") { "standard output".to_owned() } else { self.module.display().to_string() }
    }

    /// Reads the module that the linker wrote to `written`, which is this output, or a file on the way to it.
    fn read(&self, written: &Path) -> Result<Module, Box<Finding>> {
        let name = self.name();
        let read = match self.form {
            Form::File => OpenFile::open(written).map_err(ReadError::Io).and_then(|file| Module::read(&file)),
            Form::InScript => match single_file::module(written) {
                Ok(Some(bytes)) => Module::read(&bytes[..]),
                Ok(None) => return Err(Box::new(self.not_judged("a script in which the module is not written as base64"))),
                Err(error) => Err(ReadError::Io(error)),
            },
            Form::Script => return Err(Box::new(self.not_judged("-sWASM=0: a script in place of a module"))),
        };
        read.map_err(|error| match error {
            ReadError::Io(error) => Box::new(missing(&format!("{name} cannot be read"), &error.to_string())),
            ReadError::Malformed(problem) => Box::new(rules::unreadable(&name, &problem)),
        })
    }

    fn not_judged(&self, found: &str) -> Finding {
        Finding::new(
            &rules::NOT_JUDGED,
            format!("whether {} is threaded could not be judged", self.name()),
            found,
            "a module in a file of its own, or as base64",
            "link once without -sSINGLE_FILE and -sWASM=0 to have it judged; --wasm-threads=off silences this",
        )
    }

    /// Holds the module in `written` against its contract: that of the target, where the line names one.
    pub(crate) fn judge(&self, written: &Path, abi: Option<Abi>) -> Vec<Finding> {
        if written == self.module && self.before.is_some() && self.before == Stamp::of(&self.module) {
            let found = "the file of an earlier link, as it was before";
            return vec![missing(&format!("did not write {}", self.name()), found)];
        }
        match self.read(written) {
            Ok(module) => {
                let contract = abi.map_or_else(|| Contract::of(&module), |abi| Contract::known(abi, &module));
                Contract { stage: Stage::Linked, ..contract }.check(&module, &self.name())
            }
            Err(finding) => vec![*finding],
        }
    }

    /// Keeps hold of what an earlier link left, before a link that may not count: by a second name, which copies nothing. `None`
    /// where there is nothing, or the filesystem knows no second names.
    pub(crate) fn keep_earlier(&self) -> Option<Earlier> {
        self.before.as_ref()?;
        let folder = self.module.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut name = self.module.file_name()?.to_owned();
        name.push(".");
        let mut builder = tempfile::Builder::new();
        // No `*.wasm` finds it.
        let kept = builder.prefix(&name).suffix(".earlier").make_in(folder, |path| std::fs::hard_link(&self.module, path));
        let kept = kept.ok()?.into_temp_path();
        super::signals::remove_at_the_end(&kept);
        Some(Earlier(kept))
    }

    /// Takes away what a link made that does not count. What was kept of an earlier one stands there again.
    pub(crate) fn take_back(&self, earlier: Option<Earlier>) {
        if Stamp::of(&self.module) == self.before {
            // It made nothing.
            return;
        }
        // A linker that writes into the very file, in place of making a new one, has changed it under both names.
        let whole = earlier.filter(|Earlier(kept)| Stamp::of(kept) == self.before);
        let restored = whole.is_some_and(|Earlier(kept)| kept.persist(&self.module).is_ok());
        if !restored {
            let _ = std::fs::remove_file(&self.module);
        }
    }

    /// Takes a bad output away, so that nobody ships it. Says where it is now.
    pub(crate) fn reject(&self) -> String {
        let facts = std::fs::symlink_metadata(&self.module);
        if !facts.is_ok_and(|facts| facts.is_file()) {
            return String::new();
        }
        let rejected = self.rejected();
        let moved = match self.rejected_is_input {
            true => Err(std::io::Error::other("that is one of the inputs")),
            false => std::fs::rename(&self.module, &rejected),
        };
        let Err(error) = moved else {
            return format!("The rejected output is {}.", rejected.display());
        };
        match std::fs::remove_file(&self.module) {
            Ok(()) => format!("The rejected output was removed; it could not be moved to {} ({error}).", rejected.display()),
            Err(_) => format!("{} could not be moved aside ({error}): do not use it.", self.module.display()),
        }
    }
}

/// Whether one of the inputs is this very file, by whatever path.
fn is_input(file: &Path, options: &Options) -> bool {
    let same = |input: &Input| match &input.from {
        From::Path(path) if path.file_name() == file.file_name() => {
            path == file
                || std::fs::canonicalize(path).is_ok_and(|path| std::fs::canonicalize(file).is_ok_and(|file| path == file))
        }
        _ => false,
    };
    options.inputs.iter().any(same)
}

/// Where emcc puts the module of an output (`emcc.py`, `phase_linker_setup`).
fn emcc_module(path: &Path, driver: &Driver) -> (PathBuf, Form) {
    let called_wasm = path.extension().is_some_and(|extension| extension == "wasm");
    let alone = match driver.format.as_deref() {
        Some(format) => format == "wasm" || format == "bare",
        None => called_wasm || driver.is_set("SIDE_MODULE"),
    };
    if alone {
        return (path.to_owned(), Form::File);
    }
    if driver.settings.contains_key("WASM") && !driver.is_set("WASM") {
        return (path.to_owned(), Form::Script);
    }
    if driver.is_set("SINGLE_FILE") {
        return (path.to_owned(), Form::InScript);
    }
    let mut stem = path.with_extension("").into_os_string();
    // A script that is called like a module has the name already.
    stem.push(if called_wasm { "_.wasm" } else { ".wasm" });
    (stem.into(), Form::File)
}

fn missing(what: &str, found: &str) -> Finding {
    Finding::new(
        &rules::OUTPUT_MISSING,
        format!("the linker reported success, and {what}"),
        found,
        "the module that was linked",
        "look at what the linker printed; is a program that is no linker named by --wasm-threads-linker or \
         WASM_THREADS_LINKER, or is another program removing this file?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::CommandLine;

    #[test]
    fn places() {
        let cases = [
            ("a.o -sSTRICT -o out/x.js", "out/x.wasm", Form::File),
            ("a.o -sSTRICT -o x.min.mjs", "x.min.wasm", Form::File),
            ("a.o -sSTRICT -o x.html", "x.wasm", Form::File),
            ("a.o -sSTRICT -o x", "x.wasm", Form::File),
            ("a.o -sSTRICT -o x.wasm", "x.wasm", Form::File),
            ("a.o -sSTRICT", "a.out.wasm", Form::File),
            ("a.o -sSIDE_MODULE=2 -o x.so", "x.so", Form::File),
            ("a.o -s SINGLE_FILE=1 -o x.js", "x.js", Form::InScript),
            ("a.o -sSINGLE_FILE=0 -o x.js", "x.wasm", Form::File),
            ("a.o -sWASM=0 -sSINGLE_FILE -o x.js", "x.js", Form::Script),
            ("a.o -sWASM=2 -o x.js", "x.wasm", Form::File),
            ("a.o -sSIDE_MODULE", "a.out.wasm", Form::File),
            ("a.o -sSTRICT -o=x.js", "x.wasm", Form::File),
            ("a.o -sSTRICT -o x.js.5", "x.js.wasm", Form::File),
            ("a.o -sSTRICT -o .js", ".js.wasm", Form::File),
            ("a.o -sSTRICT --oformat=js -o x.wasm", "x_.wasm", Form::File),
            ("a.o -sSTRICT --oformat html -o x.y", "x.wasm", Form::File),
            ("a.o -sSTRICT --oformat=bare -o x.js", "x.js", Form::File),
            ("-Wl,--no-entry a.o -o x", "x", Form::File),
            ("-Wl,--no-entry a.o", "a.out", Form::File),
        ];
        for (line, module, form) in cases {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let line_read = CommandLine::parse(&words, &mut |_| None);
            let output = Output::of(&line_read.options, line_read.style);
            assert_eq!((output.module.as_path(), output.form), (Path::new(module), form), "{line}");
        }
    }
}
