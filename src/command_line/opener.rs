//! Opens the response files of a command line.

use super::Loaded;
use super::response_file::{self, Quoting};
use crate::os_bytes::{bytes, word};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::ops::Range;

/// More words than any link has, fewer than would exhaust memory: response files that name each other twice grow without end.
const MOST_WORDS: usize = 4_000_000;

/// More response files than any link has: a few that name each other twice are opened without end, also where no word comes of it.
const MOST_FILES: usize = 10_000;

/// How deep one response file may be named in another.
const DEEPEST: usize = 200;

/// The words of a command line or of a response file: each of its tokens is a word, or the name of a file that was opened.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// Its words, and those of the files within, by their places in the list of all.
    pub words: Range<usize>,
    /// The files, each with the number of the token that names it.
    files: Vec<(usize, File)>,
}

/// A response file that was opened.
#[derive(Debug)]
pub(super) struct File {
    /// The word that names it.
    pub reference: OsString,
    /// Its text, decoded.
    pub text: Vec<u8>,
    /// It, or a file within, cannot be read twice.
    pub once: bool,
    /// emcc puts its words in the place of its name, those that begin with a dash behind a `-Wl,`.
    pub for_linker: bool,
    pub level: Level,
}

/// What one token stands for.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    /// The place of a word.
    Word(usize),
    File(&'a File),
}

impl Level {
    /// Its tokens, in order.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        let mut next_word = self.words.start;
        let mut files = self.files.iter().peekable();
        (0..).map_while(move |number| {
            if let Some((_, file)) = files.next_if(|(token, _)| *token == number) {
                next_word = file.level.words.end;
                return Some(Token::File(file));
            }
            let word = next_word;
            next_word += 1;
            (word < self.words.end).then_some(Token::Word(word))
        })
    }

    /// Whether any file was opened.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }
}

/// Opens response files, and collects the words.
pub(super) struct Opener<'a> {
    load: &'a mut dyn FnMut(&OsStr) -> Option<Loaded>,
    /// How the files are quoted.
    pub quoting: Quoting,
    /// The words, in order.
    pub words: Vec<OsString>,
    /// Why the line cannot be read to its end, if so.
    pub unreadable: Option<String>,
    /// The response files that are being opened, to notice one that names itself.
    open: Vec<OsString>,
    /// How many were opened so far.
    opened: usize,
    /// What was read and cannot be read again.
    read_once: VecDeque<(OsString, Vec<u8>)>,
    /// The same, from the reading before this one.
    again: VecDeque<(OsString, Vec<u8>)>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(load: &'a mut dyn FnMut(&OsStr) -> Option<Loaded>, quoting: Quoting) -> Opener<'a> {
        Opener {
            load,
            quoting,
            words: Vec::new(),
            unreadable: None,
            open: Vec::new(),
            opened: 0,
            read_once: VecDeque::new(),
            again: VecDeque::new(),
        }
    }

    /// For another reading of the same line, in emcc's way.
    pub(super) fn afresh(self) -> Opener<'a> {
        Opener { again: self.read_once, ..Opener::new(self.load, Quoting::Shell) }
    }

    /// For the line that a driver makes of this one for its linker. With it, the words of this one.
    pub(super) fn for_the_linker(self, quoting: Quoting) -> (Vec<OsString>, Opener<'a>) {
        let next = Opener { unreadable: self.unreadable, opened: self.opened, ..Opener::new(self.load, quoting) };
        (self.words, next)
    }

    /// Opens what `args` name.
    pub(super) fn open_line(&mut self, args: impl ExactSizeIterator<Item = OsString>) -> Level {
        self.words.reserve_exact(args.len());
        let mut level = Level { words: self.words.len()..0, files: Vec::new() };
        for (number, arg) in args.enumerate() {
            // Within a file emcc leaves the second way of naming one to its linker.
            let by_emcc = if self.quoting == Quoting::Shell { bytes(&arg).strip_prefix(b"-Wl,@") } else { None };
            match by_emcc.and_then(|name| self.open_file(&arg, name, true)) {
                Some(file) => level.files.push((number, file)),
                None => self.open_token(&mut level, number, arg, false),
            }
        }
        level.words.end = self.words.len();
        level
    }

    fn open_token(&mut self, level: &mut Level, number: usize, text: OsString, for_linker: bool) {
        let behind = |text: OsString| if for_linker { word([b"-Wl,", bytes(&text)].concat()) } else { text };
        if let Some(name) = bytes(&text).strip_prefix(b"@")
            && let Some(file) = self.open_file(&behind(text.clone()), name, for_linker)
        {
            level.files.push((number, file));
            return;
        }
        self.words.push(if bytes(&text).starts_with(b"-") { behind(text) } else { text });
    }

    fn open_file(&mut self, reference: &OsStr, name: &[u8], for_linker: bool) -> Option<File> {
        if self.unreadable.is_some() {
            return None;
        }
        let name = word(name);
        if self.open.contains(&name) || self.open.len() > DEEPEST {
            self.unreadable = Some(format!("the response file {} names itself", name.display()));
            return None;
        }
        if self.opened >= MOST_FILES {
            self.unreadable = Some("the response files never end".to_owned());
            return None;
        }
        let Loaded { bytes: file, mut once } = self.load(&name)?;
        self.opened += 1;
        let Some(text) = response_file::decode(file) else {
            self.unreadable = Some(format!("the response file {} is broken UTF-16", name.display()));
            return None;
        };
        self.open.push(name);
        let mut level = Level { words: self.words.len()..0, files: Vec::new() };
        for (number, token) in response_file::tokenize(&text, self.quoting).enumerate() {
            if self.words.len() >= MOST_WORDS {
                self.unreadable = Some("the response files never end".to_owned());
                break;
            }
            self.open_token(&mut level, number, word(token.text), for_linker);
        }
        level.words.end = self.words.len();
        once |= level.files.iter().any(|(_, file)| file.once);
        self.open.pop();
        Some(File { reference: reference.to_owned(), text, once, for_linker, level })
    }

    fn load(&mut self, name: &OsStr) -> Option<Loaded> {
        if let Some(at) = self.again.iter().position(|(read, _)| read == name) {
            return self.again.remove(at).map(|(_, bytes)| Loaded { bytes, once: true });
        }
        let loaded = (self.load)(name)?;
        if loaded.once {
            self.read_once.push_back((name.to_owned(), loaded.bytes.clone()));
        }
        Some(loaded)
    }
}
