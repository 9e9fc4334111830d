//! Our reading of options and of response files, held against what real linkers do with the same words.
//!
//! A word that names no file is the probe: a linker that takes it for an input complains that it `cannot open` it, one that takes
//! it for an option's value does not.

use crate::support::{Run, Suite, Tool, temp_folder};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use wasm_threads::command_line::{CommandLine, From, Loaded, Quoting};

pub fn tests(suite: &mut Suite) {
    for tool in [Tool::RustLld, Tool::WasmLd(14), Tool::WasmLd(16), Tool::WasmLd(19), Tool::WasmLd(22)] {
        let name = |what: &str| format!("{what}_as_{}", tool.name());
        suite.test(&name("options"), &[tool], move || options(&Linker::new(tool)));
        suite.test(&name("response_files"), &[tool], move || response_files(&Linker::new(tool)));
        suite.test(&name("response_files_that_cannot_be_opened"), &[tool], move || broken_response_files(&Linker::new(tool)));
    }
}

/// A real linker in a folder of its own: some options write files.
struct Linker {
    tool: Tool,
    folder: tempfile::TempDir,
}

/// What a linker said of a line.
struct Said {
    text: Vec<u8>,
}

impl Linker {
    fn new(tool: Tool) -> Linker {
        Linker { tool, folder: temp_folder() }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The words in front of every line.
    fn front(&self) -> impl Iterator<Item = OsString> {
        let flavor = (self.tool == Tool::RustLld).then_some(["-flavor", "wasm"]);
        flavor.into_iter().flatten().map(OsString::from)
    }

    fn ask(&self, words: &[OsString]) -> Said {
        // Last, since the last one wins, and some of the words are just these.
        let last = ["--color-diagnostics=never", "--error-limit=0"];
        let run = Run::new(self.tool.path()).words(self.front()).words(words).words(last);
        let ran = run.folder(self.folder()).run();
        assert!(ran.code().is_some(), "it died\n{ran:?}");
        Said { text: ran.stderr }
    }

    /// The word as the last of the line.
    fn ask_alone(&self, word: &str) -> Said {
        let ran = Run::new(self.tool.path()).words(self.front()).word(word).folder(self.folder()).run();
        Said { text: ran.stderr }
    }

    /// What we take for inputs on the same line.
    fn ours(&self, words: &[OsString]) -> CommandLine {
        let words: Vec<OsString> = self.front().chain(words.iter().cloned()).collect();
        CommandLine::parse(&words, &mut |name| self.load(name))
    }

    fn load(&self, name: &OsStr) -> Option<Loaded> {
        if name.is_empty() {
            return None;
        }
        fs::read(self.folder().join(name)).ok().map(|bytes| Loaded { bytes, once: false })
    }
}

impl Said {
    /// The words it could not open, in order. Words may have line breaks in them: the reason ends each.
    fn cannot_open(&self) -> Vec<Vec<u8>> {
        const BEGIN: &[u8] = b": error: cannot open ";
        const END: &[u8] = b": No such file or directory\n";
        let mut words = Vec::new();
        let mut rest = self.text.as_slice();
        while let Some(begin) = find(rest, BEGIN) {
            rest = &rest[begin + BEGIN.len()..];
            let end = find(rest, END).unwrap_or_else(|| panic!("no end: {}", rest.escape_ascii()));
            words.push(rest[..end].to_vec());
            rest = &rest[end + END.len()..];
        }
        words
    }

    fn has(&self, text: &str) -> bool {
        find(&self.text, text.as_bytes()).is_some()
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The paths among our inputs.
fn paths(line: &CommandLine) -> Vec<Vec<u8>> {
    let path = |from: &From| match from {
        From::Path(path) => Some(path.as_os_str().as_encoded_bytes().to_vec()),
        From::Library(_) => None,
    };
    line.options.inputs.iter().filter_map(|input| path(&input.from)).collect()
}

// ---------------------------------------------------------------- options

/// What becomes of the word after an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Input,
    Library,
    Value,
}

fn probe(index: usize) -> String {
    format!("probe-{index}")
}

/// What a linker made of each word.
#[derive(Default)]
struct Answers {
    next: BTreeMap<String, Next>,
    unknown: BTreeSet<String>,
    /// After these it says nothing of the rest of a line.
    ends: BTreeSet<String>,
}

impl Answers {
    fn of(linker: &Linker, words: &[String]) -> Answers {
        let mut answers = Answers::default();
        // The limit of errors is read after the options, of which 20 may be unknown until then: the fewer of those on a line,
        // the longer it can be.
        let is_unknown = |word: &&String| !linker.ours(&[word.into()]).options.unknown.is_empty();
        let (unknown, known): (Vec<&String>, Vec<&String>) = words.iter().partition(is_unknown);
        for part in unknown.chunks(18).chain(known.chunks(60)) {
            answers.ask(linker, part, 0);
        }
        answers
    }

    /// A line that ends too early (`--help`) is halved until its word is alone, which is then asked about in another way.
    fn ask(&mut self, linker: &Linker, words: &[&String], from: usize) {
        let pairs = words.iter().enumerate().flat_map(|(index, word)| [word.into(), probe(from + index).into()]);
        let said = linker.ask(&pairs.chain(["the-end".into()]).collect::<Vec<OsString>>());
        let opened: BTreeSet<Vec<u8>> = said.cannot_open().into_iter().collect();
        if !opened.contains(&b"the-end"[..]) {
            if let [word] = words {
                // The reason names the value it does not like.
                let value = said.has(&format!("'{}'", probe(from)));
                self.next.insert((*word).clone(), if value { Next::Value } else { Next::Input });
                self.ends.insert((*word).clone());
                return;
            }
            let (left, right) = words.split_at(words.len() / 2);
            self.ask(linker, left, from);
            self.ask(linker, right, from + left.len());
            return;
        }
        for (index, word) in words.iter().enumerate() {
            let probe = probe(from + index);
            let answer = if said.has(&format!("unable to find library -l{probe}\n")) {
                Next::Library
            } else if opened.contains(probe.as_bytes()) {
                Next::Input
            } else {
                Next::Value
            };
            self.next.insert((*word).clone(), answer);
            if said.has(&format!("unknown argument: {word}\n")) {
                self.unknown.insert((*word).clone());
            }
        }
    }
}

fn our_reading(linker: &Linker, word: &str) -> Next {
    let line = linker.ours(&[word.into(), "probe".into()]);
    let is_probe = |from: &From| match from {
        From::Path(path) if path == Path::new("probe") => Some(Next::Input),
        From::Library(name) if name == "probe" => Some(Next::Library),
        _ => None,
    };
    line.options.inputs.iter().find_map(|input| is_probe(&input.from)).unwrap_or(Next::Value)
}

/// The names of our table, as they stand in its source, and those of the linker's own help, dashes and values taken off.
fn names(linker: &Linker) -> BTreeSet<String> {
    let table = include_str!("../../src/command_line/option_table.rs");
    let rows = table.lines().filter_map(|line| line.trim_start().strip_prefix("row(")?.split('"').nth(1));
    let mut names: BTreeSet<String> = rows.map(|name| name.trim_end_matches('=').to_owned()).collect();
    assert!(names.len() > 55 && names.contains("shared-memory") && names.contains("o"), "{names:?}");
    let help = Run::new(linker.tool.path()).words(linker.front()).word("--help").run().expect_success().stdout_text();
    let before = names.len();
    for line in help.lines().filter(|line| line.starts_with("  -")) {
        let name = line.trim_start().split([' ', '=', '[', '<']).next().unwrap_or_default();
        names.insert(name.trim_start_matches('-').to_owned());
    }
    assert!(names.len() > before + 30, "the help has many that we have no row for: {help}");
    names
}

/// Every way to write a name, right or wrong.
fn spellings(names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for name in names {
        let cut = &name[..name.len() - 1];
        for dashes in ["-", "--"] {
            for end in ["", "=", "=1", "x"] {
                words.insert(format!("{dashes}{name}{end}"));
            }
            words.insert(format!("{dashes}{cut}"));
        }
        words.insert(format!("--no-{name}"));
        words.insert(name.clone());
    }
    words.retain(|word| !word.is_empty());
    words
}

fn options(linker: &Linker) {
    let words: Vec<String> = spellings(&names(linker)).into_iter().collect();
    let answers = Answers::of(linker, &words);
    // LLVM 14 reads these otherwise than all that came after it: as `-l`, or with one dash, too.
    let other = ["-library", "-library-path", "-reproduce", "-thinlto-cache-policy"];
    let differs = |word: &String| linker.tool == Tool::WasmLd(14) && other.contains(&word.as_str());
    let mut wrong = Vec::new();
    for word in &words {
        let (mine, real) = (our_reading(linker, word), answers.next[word]);
        // A word that this linker does not know ends the link, however it is read.
        if mine == real || answers.unknown.contains(word) {
            continue;
        }
        if differs(word) {
            continue;
        }
        // A value that is opened as a file at once looks like an input.
        if !(mine == Next::Value && linker.ask_alone(word).has(&format!("{word}: missing argument"))) {
            wrong.push(format!("{word}: the linker {real:?}, we {mine:?}"));
        }
    }
    let values = answers.next.values().filter(|next| **next == Next::Value).count();
    assert!(values > 25, "only {values} of {} words take the next one", words.len());
    assert!(wrong.is_empty(), "the next word is read otherwise:\n{}", wrong.join("\n"));
    // Of a line with one of these the linker may say nothing more.
    let ends =
        |word: &String| answers.ends.contains(word) || word.contains("cache-policy") || word.contains("mllvm") || differs(word);
    let usable: Vec<&String> = words.iter().filter(|word| !answers.unknown.contains(*word) && !ends(word)).collect();
    long_lines(linker, &usable);
}

/// The same words in lines of random order: a mistake in one would shift the reading of those after it.
fn long_lines(linker: &Linker, words: &[&String]) {
    let mut random = Random(0x5eed_0001);
    let mut inputs = 0;
    for round in 0..25 {
        let mut line: Vec<OsString> = Vec::new();
        for at in 0..60 {
            line.push(match random.below(4) {
                0 => probe(round * 100 + at).into(),
                1 => ["", "-", "--shared-memory", "--export", "-o"][random.below(5)].into(),
                _ => words[random.below(words.len())].into(),
            });
        }
        // So that the last option has its value.
        line.extend(["the-value".into(), "the-end".into()]);
        // Only the probes: other words may be opened as values, too, such as that of `-allow-undefined-file`.
        let opens_its_value = |at: usize| at > 0 && line[at - 1] == "-allow-undefined-file";
        let opened: BTreeSet<Vec<u8>> =
            (0..line.len()).filter(|at| opens_its_value(*at)).map(|at| line[at].as_encoded_bytes().to_vec()).collect();
        let is_probe = |word: &Vec<u8>| (word.starts_with(b"probe-") || word == b"the-end") && !opened.contains(word);
        let theirs: Vec<Vec<u8>> = linker.ask(&line).cannot_open().into_iter().filter(is_probe).collect();
        let ours: Vec<Vec<u8>> = paths(&linker.ours(&line)).into_iter().filter(is_probe).collect();
        assert_same(&theirs, &ours, &format!("{line:?}"));
        inputs += theirs.len();
    }
    assert!(inputs > 200, "only {inputs} inputs in all lines");
}

#[track_caller]
fn assert_same(theirs: &[Vec<u8>], ours: &[Vec<u8>], what: &str) {
    let text = |words: &[Vec<u8>]| words.iter().map(|word| format!("  {}", word.escape_ascii())).collect::<Vec<_>>().join("\n");
    assert!(theirs == ours, "{what}\nthe linker reads\n{}\nwe read\n{}", text(theirs), text(ours));
}

// ---------------------------------------------------------------- response files

/// Numbers that are the same in every run (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    /// A text with everything in it that a tokenizer may trip over. No `/`, or a word could name a folder that is there.
    fn text(&mut self, nested: &[String]) -> Vec<u8> {
        const PIECES: &[&[u8]] = &[
            b" ",
            b" ",
            b"\t",
            b"\n",
            b"\r\n",
            b"\r",
            b"\"",
            b"\"",
            b"\"\"",
            b"'",
            b"'",
            b"\\",
            b"\\",
            b"\\\\",
            b"\\\"",
            b"\\\\\"",
            b"\\'",
            b"\\ ",
            b"\\\n",
            b"a",
            b"b",
            b"c",
            b"word",
            b"#",
            b"#x",
            b"$x",
            b"`",
            b";",
            b"%A%",
            b"^",
            b"=",
            b"\0",
            b"\xc3\xa9",
            b"\xff",
            b"\xef\xbb\xbf",
            b"@gone",
            b"x\"y\"z",
            b"'it''s'",
            b"\x0b",
            b"\x0c",
            b"\xa0",
        ];
        let mut text = Vec::new();
        if self.below(12) == 0 {
            text.extend(b"\xef\xbb\xbf");
        }
        for _ in 0..self.below(24) {
            match self.below(20) {
                0 if !nested.is_empty() => text.extend(format!(" @{} ", nested[self.below(nested.len())]).bytes()),
                _ => text.extend(PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }

    /// The same text as UTF-16 with a mark, where it is text.
    fn wide(&mut self, text: Vec<u8>) -> Vec<u8> {
        let Ok(narrow) = String::from_utf8(text.clone()) else { return text };
        match self.below(16) {
            0 => [0xff, 0xfe].into_iter().chain(narrow.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
            1 => [0xfe, 0xff].into_iter().chain(narrow.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
            _ => text,
        }
    }
}

fn response_files(linker: &Linker) {
    const FILES: usize = 320;
    let mut random = Random(0x5eed_0002);
    // The first files are named by later ones, so nothing names itself.
    let mut names: Vec<String> = Vec::new();
    for index in 0..FILES {
        let mut text = random.text(&names);
        if linker.tool == Tool::WasmLd(14) && ends_in_quotes(&text) {
            // LLVM 14 drops such a word in Windows quoting.
            text.extend(b"x\"");
        }
        let text = random.wide(text);
        let name = format!("r{index}");
        fs::write(linker.folder().join(&name), text).expect("a response file");
        if index < 40 {
            names.push(name);
        }
    }
    let mut words_seen = 0;
    for (option, quoting) in [("--rsp-quoting=posix", Quoting::Posix), ("--rsp-quoting=windows", Quoting::Windows)] {
        for first in (0..FILES).step_by(40) {
            let mut line: Vec<OsString> = vec![option.into()];
            for index in first..first + 40 {
                line.extend([format!("@r{index}").into(), format!("after-{index}").into()]);
            }
            let (said, ours) = (linker.ask(&line), linker.ours(&line));
            assert_eq!((ours.quoting, &ours.unreadable), (quoting, &None));
            let (theirs, ours) = (said.cannot_open(), paths(&ours));
            for index in first..first + 40 {
                let of = |words: &[Vec<u8>]| between(words, index, first);
                let (theirs, ours) = (of(&theirs), of(&ours));
                words_seen += theirs.len();
                let text = fs::read(linker.folder().join(format!("r{index}"))).expect("it was written");
                assert_same(&theirs, &ours, &format!("r{index}, {quoting:?}: {}", text.escape_ascii()));
            }
        }
    }
    assert!(words_seen > 1500, "only {words_seen} words");
}

/// Whether a word at the end of this text, quoted as on Windows, never ends.
fn ends_in_quotes(text: &[u8]) -> bool {
    let text = [text, b" x"].concat();
    let words = ["--rsp-quoting=windows", "@text"].map(OsString::from);
    let line = CommandLine::parse(&words, &mut |name| (name == "text").then(|| Loaded { bytes: text.clone(), once: false }));
    paths(&line).last().is_none_or(|last| last != b"x")
}

/// The words of one response file: from the marker before it to its own.
fn between(words: &[Vec<u8>], index: usize, first: usize) -> Vec<Vec<u8>> {
    let place = |index: usize| words.iter().position(|word| *word == format!("after-{index}").into_bytes());
    let begin = if index == first { 0 } else { place(index - 1).expect("the marker before") + 1 };
    words[begin..place(index).unwrap_or_else(|| panic!("after-{index} is no word of its own: {words:?}"))].to_vec()
}

/// Where the linker gives up on a response file, so do we: then the line is only handed on.
fn broken_response_files(linker: &Linker) {
    let files: [(&str, &[u8]); 8] = [
        ("itself", b"a @itself b"),
        ("one", b"a @two"),
        ("two", b"@one b"),
        ("odd", b"\xff\xfea\0b"),
        ("half", b"\xff\xfe\x3d\xd8"),
        ("lone", b"\xfe\xff\xdc\x00"),
        ("good", b"a b"),
        ("mark", b"\xff\xfe"),
    ];
    for (name, text) in files {
        fs::write(linker.folder().join(name), text).expect("a response file");
    }
    fs::create_dir(linker.folder().join("folder")).expect("a folder");
    for name in ["itself", "one", "two", "odd", "half", "lone", "good", "mark", "folder", "gone", ""] {
        let line = [OsString::from(format!("@{name}"))];
        let (said, ours) = (linker.ask(&line), linker.ours(&line));
        // A word that is left standing as it was: nothing came of opening it.
        let theirs = said.cannot_open();
        let left = find(&said.text, format!("cannot open @{name}").as_bytes()).is_some();
        match name {
            "good" => assert_same(&theirs, &paths(&ours), name),
            "mark" => assert!(!left && theirs.is_empty() && paths(&ours).is_empty() && ours.unreadable.is_none(), "{ours:?}"),
            "folder" | "gone" | "" => assert!(left && ours.unreadable.is_none() && paths(&ours).len() == 1, "{name}: {ours:?}"),
            _ => {
                assert!(ours.unreadable.is_some(), "{name}: {ours:?}");
                assert!(find(&said.text, b"cannot open @").is_some(), "{name}: {}", said.text.escape_ascii());
            }
        }
    }
}
