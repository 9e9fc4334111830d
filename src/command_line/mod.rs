//! A linker's command line, understood as the real linker will understand it, and kept as it came.

mod driver;
mod option_table;
mod response_file;
mod style;

pub use driver::{Driver, Pthreads};
pub use response_file::{Quoting, Token, decode, quote, tokenize};
pub use style::Style;

use crate::os_bytes::{bytes, word};
use driver::Piece;
use option_table::{Id, Reading};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::PathBuf;

/// Our own options all begin so, and never reach the real linker.
pub const OWN_PREFIX: &str = "--wasm-threads";

/// More words than any link has, fewer than would exhaust memory: response files that name each other twice grow without end.
const MOST_WORDS: usize = 4_000_000;

/// More response files than any link has: a few that name each other twice are opened without end, also where no word comes of it.
const MOST_FILES: usize = 10_000;

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
    nodes: Vec<Node>,
    /// The words to be cut out, and what is left of those that also say something to the linker (`-Wl,`).
    own_words: BTreeMap<usize, Option<OsString>>,
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

/// One word to hand on.
#[derive(Debug, PartialEq, Eq)]
pub enum Forward {
    /// As it came.
    Word(OsString),
    /// A response file with one of our own words in it: `@` and the path of a copy without that word.
    Copy(Copy),
}

/// The text of a response file with our own words cut out.
#[derive(Debug, PartialEq, Eq)]
pub struct Copy {
    text: Vec<u8>,
    /// The places where another file that had to be copied was named.
    nested: Vec<(Range<usize>, Copy)>,
}

impl Copy {
    /// The bytes to write. `place` writes a nested copy and answers with its path.
    pub fn render<E>(&self, quoting: Quoting, place: &mut impl FnMut(&Copy) -> Result<OsString, E>) -> Result<Vec<u8>, E> {
        let mut out = Vec::with_capacity(self.text.len());
        let mut at = 0;
        for (span, copy) in &self.nested {
            out.extend(&self.text[at..span.start]);
            let mut reference = OsString::from("@");
            reference.push(place(copy)?);
            out.extend(quote(bytes(&reference), quoting));
            at = span.end;
        }
        out.extend(&self.text[at..]);
        Ok(out)
    }
}

/// A file that was read for a response file.
#[derive(Debug)]
pub struct Loaded {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// It cannot be read twice (a pipe): the real linker must be given a copy.
    pub once: bool,
}

/// A word of the line or of a response file; response files are opened in place.
#[derive(Debug)]
enum Node {
    Word { id: usize, text: OsString },
    File { name: OsString, text: Vec<u8>, parts: Vec<(Range<usize>, Node)>, once: bool },
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
        let quoting = quoting(args);
        let mut opener = Opener { load, quoting, words: Vec::new(), open: Vec::new(), opened: 0, unreadable: None };
        let nodes: Vec<Node> = args.iter().map(|arg| opener.open(arg.clone())).collect();
        let own_style = opener.words.iter().rev().find_map(|word| {
            let name = bytes(word).strip_prefix(b"--wasm-threads-style=")?;
            Style::from_name(std::str::from_utf8(name).ok()?)
        });
        let style = own_style.unwrap_or_else(|| style::detect(flavor.as_ref(), &opener.words));
        let more = if style == Style::Emcc { more } else { &[] };
        for word in more {
            opener.open(word.clone());
        }
        let mut driver = Driver::default();
        // Words that must be written anew, since what they name cannot be read twice.
        let mut read_once = BTreeSet::new();
        let pieces = matches!(style, Style::Clang | Style::Emcc).then(|| {
            let pieces = driver::translate(&opener.words, style, &mut driver);
            pieces.into_iter().flat_map(|piece| opener.open_piece(piece, &mut read_once)).collect::<Vec<_>>()
        });
        let Opener { words, unreadable, .. } = opener;
        let (linker_words, from) = match pieces {
            Some(pieces) => {
                let (texts, from): (Vec<_>, Vec<_>) = pieces.into_iter().map(|piece| (piece.text, piece.from)).unzip();
                (Cow::Owned(texts), Some(from))
            }
            None => (Cow::Borrowed(words.as_slice()), None),
        };
        let (mut options, own_pieces, lacks_value) = interpret(&linker_words);
        options.wasm64 |= driver.targets.iter().any(|triple| triple.starts_with("wasm64"));
        options.not_a_module = options.not_a_module.or_else(|| driver.links_object(options.output.as_deref()));
        let lacks_value = driver.unfinished.as_deref().or(lacks_value);
        let unreadable = unreadable.or_else(|| lacks_value.map(|option| format!("{} lacks its value", option.display())));
        options.driver = driver;
        let own = own_pieces.iter().map(|id| linker_words[*id].clone()).collect();
        let own_words = match from {
            None => own_pieces.into_iter().map(|id| (id, None)).collect(),
            Some(from) => cut_out(&linker_words, &from, &own_pieces, &read_once),
        };
        CommandLine { flavor, style, quoting, own, options, unreadable, more: more.to_vec(), nodes, own_words }
    }

    /// The words to hand on, without `-flavor` and its value: as they came, less our own.
    pub fn forwarded(&self) -> Vec<Forward> {
        let mut words = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            match node {
                Node::Word { id, text } => match self.own_words.get(id) {
                    None => words.push(Forward::Word(text.clone())),
                    Some(left) => words.extend(left.clone().map(Forward::Word)),
                },
                Node::File { name, .. } => words.push(match self.copy(node) {
                    Some(copy) => Forward::Copy(copy),
                    None => Forward::Word(name.clone()),
                }),
            }
        }
        words
    }

    /// The copy of a response file that must be made, where one must.
    fn copy(&self, node: &Node) -> Option<Copy> {
        let Node::File { text, parts, once, .. } = node else { return None };
        let mut copy = Copy { text: Vec::with_capacity(text.len()), nested: Vec::new() };
        let mut changed = *once;
        let mut at = 0;
        for (span, part) in parts {
            let cut = match part {
                Node::Word { id, .. } => self.own_words.get(id),
                Node::File { .. } => None,
            };
            let nested = self.copy(part);
            if cut.is_none() && nested.is_none() {
                continue;
            }
            changed = true;
            copy.text.extend(&text[at..span.start]);
            if let Some(Some(left)) = cut {
                copy.text.extend(quote(bytes(left), self.quoting));
            }
            if let Some(nested) = nested {
                let here = copy.text.len();
                copy.nested.push((here..here, nested));
            }
            at = span.end;
        }
        copy.text.extend(&text[at..]);
        changed.then_some(copy)
    }
}

/// The quoting of response files: from the line itself, since a word inside one comes too late (`WasmOptTable::parse`).
fn quoting(args: &[OsString]) -> Quoting {
    let mut quoting = Quoting::of_host();
    let mut args = args.iter();
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

struct Opener<'a> {
    load: &'a mut dyn FnMut(&OsStr) -> Option<Loaded>,
    quoting: Quoting,
    words: Vec<OsString>,
    /// The response files that are being opened, to notice one that names itself.
    open: Vec<OsString>,
    /// How many were opened so far.
    opened: usize,
    unreadable: Option<String>,
}

impl Opener<'_> {
    fn open(&mut self, text: OsString) -> Node {
        if let Some(name) = bytes(&text).strip_prefix(b"@").map(word)
            && let Some(node) = self.open_file(&text, name)
        {
            return node;
        }
        let id = self.words.len();
        self.words.push(text.clone());
        Node::Word { id, text }
    }

    /// A response file that a driver hands on to its linker, `-Wl,@file`, in place of its name.
    fn open_piece(&mut self, piece: Piece, read_once: &mut BTreeSet<usize>) -> Vec<Piece> {
        if !bytes(&piece.text).starts_with(b"@") {
            return vec![piece];
        }
        let here = self.words.len();
        if let Node::File { once: true, .. } = self.open(piece.text) {
            read_once.insert(piece.from.start);
        }
        self.words.drain(here..).map(|text| Piece { text, from: piece.from.clone() }).collect()
    }

    fn open_file(&mut self, reference: &OsStr, name: OsString) -> Option<Node> {
        if self.unreadable.is_some() {
            return None;
        }
        if self.open.contains(&name) || self.open.len() > 200 {
            self.unreadable = Some(format!("the response file {} names itself", name.display()));
            return None;
        }
        if self.opened >= MOST_FILES {
            self.unreadable = Some("the response files never end".to_owned());
            return None;
        }
        let Loaded { bytes: file, once } = (self.load)(&name)?;
        self.opened += 1;
        let Some(text) = response_file::decode(file) else {
            self.unreadable = Some(format!("the response file {} is broken UTF-16", name.display()));
            return None;
        };
        self.open.push(name);
        let mut parts = Vec::new();
        for token in response_file::tokenize(&text, self.quoting) {
            if self.words.len() >= MOST_WORDS {
                self.unreadable = Some("the response files never end".to_owned());
                break;
            }
            parts.push((token.span, self.open(word(&token.text))));
        }
        self.open.pop();
        Some(Node::File { name: reference.to_owned(), text, parts, once })
    }
}

/// What must be cut out of a driver's words, so that nothing of ours is left: `-Wl,--wasm-threads=off,-s` becomes `-Wl,-s`. The
/// words that begin at `read_once` are written anew in the same way.
fn cut_out(
    pieces: &[OsString],
    from: &[Range<usize>],
    own: &BTreeSet<usize>,
    read_once: &BTreeSet<usize>,
) -> BTreeMap<usize, Option<OsString>> {
    let mut cut = BTreeMap::new();
    let changed = |piece: &usize| own.contains(piece) || read_once.contains(&from[*piece].start);
    for place in (0..pieces.len()).filter(changed).map(|piece| &from[piece]) {
        let siblings = pieces.iter().enumerate().filter(|(index, _)| from[*index] == *place && !own.contains(index));
        let mut left = OsString::new();
        for (_, part) in siblings {
            left.push(if left.is_empty() { "-Wl," } else { "," });
            left.push(part);
        }
        cut.extend(place.clone().map(|word| (word, None)));
        cut.insert(place.start, (!left.is_empty()).then_some(left));
    }
    cut
}

/// What the linker's words say, which of them are ours, and the last one where it lacks its value.
fn interpret(words: &[OsString]) -> (Options, BTreeSet<usize>, Option<&OsStr>) {
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
                    return (options, own, Some(&words[at]));
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
