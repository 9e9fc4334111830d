//! A linker's command line, understood as the real linker will understand it, and kept as it came.

mod driver;
mod driver_options;
mod forward;
mod opener;
mod option_table;
mod response_file;
mod style;

pub use driver::{Driver, Pthreads};
pub use forward::{Copy, Forward};
pub use response_file::{Quoting, Token, decode, quote, tokenize};
pub use style::Style;

use crate::os_bytes::{bytes, word};
use forward::Words;
use opener::{Level, Opener};
use option_table::{Id, Reading};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Our own options all begin so, and never reach the real linker.
pub const OWN_PREFIX: &str = "--wasm-threads";

/// One command line.
#[derive(Debug)]
pub struct CommandLine {
    /// The word after `-flavor`, where that pair comes first, as the linker demands (`lld/Common/DriverDispatcher.cpp`).
    pub flavor: Option<OsString>,
    /// Whose words these are.
    pub style: Style,
    /// How response files are quoted.
    pub quoting: Quoting,
    /// Our own options, `--wasm-threads…`, as they stand.
    pub own: Vec<OsString>,
    /// What the linker will understand: of a driver's line, those words that it hands to its linker.
    pub options: Options,
    /// A line that cannot be read to its end (a response file names itself, or is not text; the last option lacks its value):
    /// the real linker says why, and with words of ours added it might not.
    pub unreadable: Option<String>,
    /// Words that the real linker adds to the end of the line by itself.
    pub more: Vec<OsString>,
    level: Level,
    words: Words,
}

/// What `wasm-ld` understands of a command line, as far as threads are concerned.
#[derive(Debug, Default)]
pub struct Options {
    /// The files to link, in order.
    pub inputs: Vec<Input>,
    /// `-L`, in order.
    pub search_paths: Vec<PathBuf>,
    /// `-o`; the last one wins.
    pub output: Option<OsString>,
    /// `--shared-memory`. There is no way to take it back.
    pub shared_memory: bool,
    /// `--import-memory`, bare or named.
    pub import_memory: bool,
    /// `--export-memory`, bare or named.
    pub export_memory: bool,
    /// The last `--max-memory=`, as written.
    pub max_memory: Option<OsString>,
    /// The last `--initial-memory=`, in bytes, where it is a number.
    pub initial_memory: Option<u64>,
    /// The last `--initial-heap=`, in bytes, where it is a number.
    pub initial_heap: Option<u64>,
    /// `--no-growable-memory`: the maximum is the initial size on purpose.
    pub no_growable_memory: bool,
    /// Every symbol named by `--export` or `--export-if-defined`.
    pub exports: BTreeSet<Vec<u8>>,
    /// `--export-all`.
    pub export_all: bool,
    /// `--no-check-features`, not taken back by a later `--check-features`.
    pub no_check_features: bool,
    /// The last `--error-limit` is a number: the linker may stop before it has said all. Any other it refuses.
    pub error_limit: bool,
    /// `-m wasm64`, `-mwasm64`.
    pub wasm64: bool,
    /// The linker makes no ordinary module of this line, or none at all: the option that says so.
    pub not_a_module: Option<&'static str>,
    /// `-v`: prints a version, and links only where there are inputs.
    pub version_banner: bool,
    /// The user's own `--reproduce`.
    pub reproduce: Option<OsString>,
    /// The linker writes another file beside its output: a map, what it has to say of archives.
    pub writes_beside: bool,
    /// Options that no row of the table knows.
    pub unknown: Vec<OsString>,
    /// What a driver is told beside the linker's words. Empty on the linker's own lines.
    pub driver: Driver,
}

impl Options {
    /// The words by which the line itself asks for threads.
    pub fn asks_for_threads(&self, style: Style) -> Option<String> {
        if self.shared_memory {
            return Some("--shared-memory".to_owned());
        }
        match style {
            Style::Clang => self.driver.wants_threads(),
            Style::Emcc => match self.driver.pthreads() {
                Pthreads::On(words) => Some(words),
                Pthreads::Off(_) | Pthreads::Unsaid => None,
            },
            Style::WasmLd | Style::Host => None,
        }
    }
}

/// One file to link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub from: From,
    /// Between `--start-lib` and `--end-lib`: linked only when something needs it, like a member of an archive.
    pub lazy: bool,
    /// After `--whole-archive`: every member is linked.
    pub whole_archive: bool,
}

/// How a command line names an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// By its path.
    Path(PathBuf),
    /// By `-l NAME`, to be searched in the folders of `-L`.
    Library(OsString),
}

/// A file that was read for a response file.
#[derive(Debug)]
pub struct Loaded {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// It cannot be read twice (a pipe): the real linker must be given a copy.
    pub once: bool,
}

impl CommandLine {
    /// Reads `args` (without the program's name). `load` reads a file, or answers `None` where there is none, or none that
    /// can be read: then `@name` is itself an input, as for the linker.
    pub fn parse(args: &[OsString], load: &mut dyn FnMut(&OsStr) -> Option<Loaded>) -> CommandLine {
        CommandLine::parse_with(args, &[], load)
    }

    /// The same, with `more` words that emcc puts at the end of any line of its own: they are understood, and not handed on.
    pub fn parse_with(args: &[OsString], more: &[OsString], load: &mut dyn FnMut(&OsStr) -> Option<Loaded>) -> CommandLine {
        // Our own words do not stand in the way: without them, the pair is where the linker wants it.
        let ours = args.iter().take_while(|arg| bytes(arg).starts_with(OWN_PREFIX.as_bytes())).count();
        let without_flavor: Vec<OsString>;
        let (flavor, args) = match &args[ours..] {
            [first, flavor, rest @ ..] if first == "-flavor" => {
                without_flavor = [&args[..ours], rest].concat();
                (Some(flavor.clone()), without_flavor.as_slice())
            }
            _ => (None, args),
        };
        let mut opener = Opener::new(load, quoting(args.iter()));
        let mut level = opener.open_line(args.iter().cloned());
        let own_style = opener.words.iter().rev().find_map(|word| {
            let name = bytes(word).strip_prefix(b"--wasm-threads-style=")?;
            Style::from_name(std::str::from_utf8(name).ok()?)
        });
        let style = own_style.unwrap_or_else(|| style::detect(flavor.as_ref(), &opener.words));
        let more = if style == Style::Emcc { more } else { &[] };
        if style == Style::Emcc {
            // It reads response files in its own way, `-Wl,@file` among them.
            if level.has_files() || args.iter().any(|arg| bytes(arg).starts_with(b"-Wl,@")) {
                opener = opener.afresh();
                level = opener.open_line(args.iter().cloned());
            }
            opener.quoting = Quoting::Shell;
            opener.open_line(more.iter().cloned());
        }
        let quoting = opener.quoting;
        let mut driver = Driver::default();
        let (words, own, unreadable, (mut options, _, unfinished)) = if matches!(style, Style::Clang | Style::Emcc) {
            let pieces = driver::translate(&opener.words, style, &mut driver);
            let (words, mut opener) = opener.for_the_linker(self::quoting(pieces.iter().map(|piece| &piece.text)));
            let (texts, from): (Vec<_>, Vec<_>) = pieces.into_iter().map(|piece| (piece.text, piece.from)).unzip();
            let pieces = opener.open_line(texts.into_iter());
            let said = interpret(&opener.words);
            let handed_on = Words::without(&said.1, opener.words, opener.quoting);
            let instead = forward::in_place_of_driver_words(style, &handed_on, &pieces, &from);
            (Words { words, quoting, instead }, handed_on.own(), opener.unreadable, said)
        } else {
            let said = interpret(&opener.words);
            let words = Words::without(&said.1, opener.words, quoting);
            let own = words.own();
            (words, own, opener.unreadable, said)
        };
        options.wasm64 |= driver.targets.iter().any(|triple| triple.starts_with("wasm64"));
        options.not_a_module = options.not_a_module.or_else(|| driver.links_object(options.output.as_deref()));
        let lacks_value = driver.unfinished.as_ref().or(unfinished.as_ref());
        let unreadable = unreadable.or_else(|| lacks_value.map(|option| format!("{} lacks its value", option.display())));
        options.driver = driver;
        CommandLine { flavor, style, quoting, own, options, unreadable, more: more.to_vec(), level, words }
    }

    /// What to hand on, without `-flavor` and its value: the words as they came, less our own.
    pub fn forwarded(&self) -> Vec<Forward> {
        self.words.forward(&self.level)
    }
}

/// The quoting of response files: from the line itself, since a word inside one comes too late (`WasmOptTable::parse`).
fn quoting<'a>(mut args: impl Iterator<Item = &'a OsString>) -> Quoting {
    let mut quoting = Quoting::of_host();
    while let Some(arg) = args.next() {
        let value = match option_table::read(bytes(arg)) {
            Reading::Option(Id::ResponseQuoting, Some(at)) => &bytes(arg)[at..],
            Reading::TakesNext(Id::ResponseQuoting) => args.next().map_or(&b""[..], |next| bytes(next)),
            Reading::TakesNext(_) => {
                args.next();
                continue;
            }
            _ => continue,
        };
        quoting = if value == b"windows" { Quoting::Windows } else { Quoting::Posix };
    }
    quoting
}

/// What the linker's words say, which of them are ours, and the last one where it lacks its value.
fn interpret(words: &[OsString]) -> (Options, BTreeSet<usize>, Option<OsString>) {
    let mut options = Options::default();
    let mut own = BTreeSet::new();
    let (mut lazy, mut whole_archive) = (false, false);
    let input = |from, lazy, whole_archive| Input { from, lazy, whole_archive };
    let mut at = 0;
    while at < words.len() {
        let text = bytes(&words[at]);
        if text.starts_with(OWN_PREFIX.as_bytes()) {
            own.insert(at);
            at += 1;
            continue;
        }
        let (id, value) = match option_table::read(text) {
            Reading::Nothing => {
                at += 1;
                continue;
            }
            Reading::Input => {
                options.inputs.push(input(From::Path(PathBuf::from(&words[at])), lazy, whole_archive));
                at += 1;
                continue;
            }
            Reading::Unknown => {
                options.unknown.push(words[at].clone());
                at += 1;
                continue;
            }
            Reading::Option(id, value) => {
                at += 1;
                (id, value.map(|value| &text[value..]))
            }
            Reading::TakesNext(id) => {
                // Without a next word the linker stops ("missing argument"), and so does our reading.
                let Some(value) = words.get(at + 1) else {
                    return (options, own, Some(words[at].clone()));
                };
                at += 2;
                (id, Some(bytes(value)))
            }
        };
        let value = value.unwrap_or_default();
        match id {
            Id::Other | Id::EndLib | Id::ResponseQuoting | Id::Features => lazy &= id != Id::EndLib,
            Id::ErrorLimit => options.error_limit = std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok()),
            Id::StartLib => lazy = true,
            Id::WholeArchive => whole_archive = true,
            Id::NoWholeArchive => whole_archive = false,
            Id::Library => options.inputs.push(input(From::Library(word(value)), lazy, whole_archive)),
            Id::LibraryPath => options.search_paths.push(word(value).into()),
            Id::Output => options.output = Some(word(value)),
            Id::SharedMemory => options.shared_memory = true,
            Id::ImportMemory => options.import_memory = true,
            Id::ExportMemory => options.export_memory = true,
            Id::MaxMemory => options.max_memory = Some(word(value)),
            Id::InitialMemory => options.initial_memory = number(value),
            Id::InitialHeap => options.initial_heap = number(value),
            Id::NoGrowableMemory => options.no_growable_memory = true,
            Id::Export | Id::ExportIfDefined => {
                options.exports.insert(value.to_vec());
            }
            Id::ExportAll => options.export_all = true,
            Id::CheckFeatures => options.no_check_features = false,
            Id::NoCheckFeatures => options.no_check_features = true,
            Id::Machine => {
                options.wasm64 = value == b"wasm64";
                if value.starts_with(b"ax-memory") {
                    // `-max-memory=N`, of which the linker reads `-m`.
                    options.unknown.push(word(text));
                }
            }
            Id::VersionBanner => options.version_banner = true,
            Id::WritesBeside => options.writes_beside = true,
            Id::Reproduce => options.reproduce = Some(word(value)),
            Id::NoPie => {
                if options.not_a_module == Some("-pie") {
                    options.not_a_module = None;
                }
            }
            Id::Pie => options.not_a_module = options.not_a_module.or(Some("-pie")),
            Id::Relocatable => options.not_a_module = Some("-r"),
            Id::Shared => options.not_a_module = Some("-shared"),
            Id::Help => options.not_a_module = Some("--help"),
            Id::Version => options.not_a_module = Some("--version"),
            Id::CooperativeThreading => options.not_a_module = Some("--cooperative-threading"),
            Id::ThinLtoIndexOnly => options.not_a_module = Some("--thinlto-index-only"),
        }
    }
    (options, own, None)
}

/// lld reads sizes in decimal only, and takes 0 for "not given".
fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
