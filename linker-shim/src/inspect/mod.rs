//! `cargo wasm-threads inspect FILE`: the facts of a module, and a picture of its memory.

mod text;

use crate::help::refusal;
use crate::tell::tell;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use text::Look;
use wasm_threads::module::OpenFile;
use wasm_threads::picture::File;
use wasm_threads::picture::words::{self, Characters};

const HELP: &str = "\
Shows the facts of a WebAssembly module, as far as threads are concerned, and a
picture of its memory.

Usage: cargo wasm-threads inspect [OPTIONS] FILE

FILE is a module, or a component, whose core modules are shown one after the
other.

Options:
  --format FORMAT    text, or json: a documented shape with a version
  --svg PICTURE      also write the picture of the memory to this file
  --ascii            draw with plain ASCII, as is done anyway where the locale
                     is not UTF-8
  -h, --help         print this

Examples:
  cargo wasm-threads inspect target/wasm32-unknown-unknown/release/app.wasm
  cargo wasm-threads inspect --svg memory.svg app.wasm
  cargo wasm-threads inspect --format json app.wasm | jq .modules[0].verdict

Exit status: 0 shown, whether it is threaded or not; 2 it could not be read, or
bad usage.";

#[derive(Default)]
struct Options {
    json: bool,
    ascii: bool,
    svg: Option<PathBuf>,
    file: PathBuf,
}

/// Answers `args`, which stood behind `inspect`.
pub fn main(args: &[OsString]) -> ExitCode {
    let options = match Options::read(args) {
        Ok(Some(options)) => options,
        Ok(None) => {
            // Whoever asked may have gone away, and then wants no more.
            let _ = writeln!(io::stdout(), "{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            tell(refusal(&problem, HELP));
            return ExitCode::from(2);
        }
    };
    match show(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell(format_args!("error: {problem}"));
            ExitCode::from(2)
        }
    }
}

impl Options {
    /// None: only help is asked for.
    fn read(args: &[OsString]) -> Result<Option<Options>, String> {
        let mut options = Options::default();
        let mut files: Vec<&OsStr> = Vec::new();
        let mut args = args.iter();
        let mut only_files = false;
        while let Some(arg) = args.next() {
            let text = arg.to_str().unwrap_or_default();
            let (word, given) = match text.split_once('=') {
                Some((word, value)) if word.starts_with("--") => (word, Some(OsString::from(value))),
                _ => (text, None),
            };
            let mut value = |what: &str| {
                let value = given.clone().or_else(|| args.next().cloned()).filter(|value| !value.is_empty());
                value.ok_or_else(|| format!("{word} wants {what} behind it"))
            };
            match word {
                _ if only_files => files.push(arg),
                "--" => only_files = true,
                "-h" | "--help" => return Ok(None),
                "--ascii" if given.is_none() => options.ascii = true,
                "--format" => match value("text or json")?.to_str() {
                    Some("text") => options.json = false,
                    Some("json") => options.json = true,
                    _ => return Err("--format is text or json".to_owned()),
                },
                "--svg" => options.svg = Some(value("a file to write")?.into()),
                // A file whose name is no text begins with nothing known.
                _ if text.starts_with('-') => return Err(format!("inspect does not take {text:?}")),
                _ => files.push(arg),
            }
        }
        match files.as_slice() {
            [file] => options.file = file.into(),
            [] => return Err("which file? none was named".to_owned()),
            [_, other, ..] => return Err(format!("inspect takes one file; {other:?} is another")),
        }
        Ok(Some(options))
    }
}

fn show(options: &Options) -> Result<(), String> {
    let characters = if options.ascii || !is_utf8() { Characters::Ascii } else { Characters::Unicode };
    let file = read(&options.file)?;
    if let Some(path) = &options.svg {
        write_picture(path, &options.file, &file)?;
    }
    let text = if options.json {
        file.json()
    } else {
        in_text(&file, Look { characters, colour: crate::colour::wanted(&io::stdout()) })
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader went away: nobody is left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| format!("cannot write the output: {error}")),
    }
}

fn read(path: &Path) -> Result<File, String> {
    let shown = words::escaped(&path.to_string_lossy(), Characters::Unicode).replace("\\\\", "\\");
    let unreadable = |problem: String| format!("{shown} cannot be read: {}", one_line(&problem));
    let source = OpenFile::open(path).map_err(|error| unreadable(error.to_string()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    File::read(&name, &source).map_err(|error| unreadable(error.to_string()))
}

/// What is wrong may have bytes of the file in it.
fn one_line(text: &str) -> String {
    words::escaped(text, Characters::Unicode).replace("\\\\", "\\")
}

fn in_text(file: &File, look: Look) -> String {
    let name = words::cut(&words::escaped(&file.name, look.characters), 60);
    let mut lines = Vec::new();
    if file.component {
        let count = words::counted(file.subjects.len() as u128, "core module");
        lines.push(format!("{name}: a component with {count}; a component has no shared memory"));
        lines.extend(file.findings.iter().map(|finding| format!("not threaded: {}", finding.rule.id)));
        for subject in &file.subjects {
            let place = capital(subject.place.as_deref().unwrap_or_default());
            lines.push(String::new());
            lines.push(format!("{place}, {} from byte {} on", words::counted(subject.size.into(), "byte"), subject.offset));
            lines.extend(text::module(subject, look));
        }
    } else {
        lines.push(name);
        lines.extend(file.subjects.iter().flat_map(|subject| text::module(subject, look)));
    }
    lines.join("\n") + "\n"
}

/// The text with a capital letter in front.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn write_picture(path: &Path, module: &Path, file: &File) -> Result<(), String> {
    let shown = path.display();
    let Some(picture) = file.svg() else {
        return Err(format!("there is no memory to draw, so {shown} was not written"));
    };
    // A slip of the hand must not cost the module.
    if let (Ok(written), Ok(module)) = (path.canonicalize(), module.canonicalize())
        && written == module
    {
        return Err(format!("{shown} is the module itself: --svg wants another file to write"));
    }
    std::fs::write(path, picture).map_err(|error| format!("cannot write {shown}: {error}"))
}

/// Whether the locale says so; the first of these variables that is set counts. On Windows the console takes Unicode anyway.
fn is_utf8() -> bool {
    let mut set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os).filter(|value| !value.is_empty());
    let Some(locale) = set.next() else { return cfg!(windows) };
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
