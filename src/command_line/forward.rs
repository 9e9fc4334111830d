//! What is handed on to the real linker: the words as they came, less our own.

use super::opener::{File, Level, Token};
use super::response_file::{self, Quoting, quote, tokenize};
use super::style::Style;
use crate::os_bytes::{bytes, word};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::Range;

/// What is handed on in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    /// A word, as it came.
    Word(OsString),
    /// A response file with one of our own words in it: `@` and the path of a copy without that word.
    Copy(Copy),
    /// What a driver of this style hands on to its linker, some of it such copies.
    ForLinker(Style, Vec<Forward>),
}

/// The text of a response file with our own words cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    quoting: Quoting,
    text: Vec<u8>,
    /// What is put in the place of what was cut out, by the places in `text`.
    instead: Vec<(usize, Vec<Forward>)>,
}

impl Forward {
    /// Adds the words to `words`. `place` writes a copy and answers with its path.
    pub fn render<E>(self, words: &mut Vec<OsString>, place: &mut impl FnMut(Copy) -> Result<OsString, E>) -> Result<(), E> {
        match self {
            Forward::Word(word) => words.push(word),
            Forward::Copy(copy) => {
                let mut reference = OsString::from("@");
                reference.push(place(copy)?);
                words.push(reference);
            }
            Forward::ForLinker(style, handed_on) => {
                let mut pieces = Vec::new();
                for piece in handed_on {
                    piece.render(&mut pieces, place)?;
                }
                words.extend(for_linker(style, &pieces));
            }
        }
        Ok(())
    }
}

impl Copy {
    /// The bytes to write. `place` writes a copy within and answers with its path.
    pub fn render<E>(self, place: &mut impl FnMut(Copy) -> Result<OsString, E>) -> Result<Vec<u8>, E> {
        let mut out = Vec::with_capacity(self.text.len());
        let mut at = 0;
        for (here, instead) in self.instead {
            out.extend(&self.text[at..here]);
            at = here;
            let mut words = Vec::new();
            for forward in instead {
                forward.render(&mut words, place)?;
            }
            let quoted: Vec<Vec<u8>> = words.iter().map(|word| quote(bytes(word), self.quoting)).collect();
            out.extend(quoted.join(&b' '));
        }
        out.extend(&self.text[at..]);
        response_file::mark(&mut out);
        Ok(out)
    }
}

/// `pieces`, as a driver is told to hand them on to its linker. It divides `-Wl,` at commas: where the path of a copy has one, clang has
/// another way to say it. (emcc has none: its linker will say that there is no such file.)
fn for_linker(style: Style, pieces: &[OsString]) -> Vec<OsString> {
    if pieces.is_empty() {
        return Vec::new();
    }
    let pieces: Vec<&[u8]> = pieces.iter().map(|piece| bytes(piece)).collect();
    if style == Style::Clang && pieces.iter().any(|piece| piece.contains(&b',')) {
        return pieces.iter().map(|piece| word([b"--for-linker=", *piece].concat())).collect();
    }
    vec![word([b"-Wl,", &pieces.join(&b',')[..]].concat())]
}

/// The words of a line, and what is handed on in place of some of them.
#[derive(Debug)]
pub(super) struct Words {
    pub words: Vec<OsString>,
    pub quoting: Quoting,
    /// In place of the word there: nothing, for our own.
    pub instead: BTreeMap<usize, Vec<Forward>>,
}

impl Words {
    /// `words`, less those at `own`.
    pub(super) fn without(own: &BTreeSet<usize>, words: Vec<OsString>, quoting: Quoting) -> Words {
        Words { words, quoting, instead: own.iter().map(|at| (*at, Vec::new())).collect() }
    }

    /// What nothing is handed on for.
    pub(super) fn own(&self) -> Vec<OsString> {
        self.instead.keys().map(|at| self.words[*at].clone()).collect()
    }

    /// What is handed on of `level`.
    pub(super) fn forward(&self, level: &Level) -> Vec<Forward> {
        let mut out = Vec::with_capacity(level.words.len());
        level.tokens().for_each(|token| self.forward_token(token, &mut out));
        out
    }

    fn forward_token(&self, token: Token<'_>, out: &mut Vec<Forward>) {
        match token {
            Token::Word(at) => match self.instead.get(&at) {
                None => out.push(Forward::Word(self.words[at].clone())),
                Some(instead) => out.extend(instead.iter().cloned()),
            },
            Token::File(file) if !self.is_changed(token) => out.push(Forward::Word(file.reference.clone())),
            Token::File(file) if file.for_linker => file.level.tokens().for_each(|token| self.forward_token(token, out)),
            Token::File(file) => out.push(Forward::Copy(self.copy(file))),
        }
    }

    fn is_changed(&self, token: Token<'_>) -> bool {
        match token {
            Token::Word(at) => self.instead.contains_key(&at),
            Token::File(file) => file.once || self.instead.range(file.level.words.clone()).next().is_some(),
        }
    }

    fn copy(&self, file: &File) -> Copy {
        let mut copy = Copy { quoting: self.quoting, text: Vec::with_capacity(file.text.len()), instead: Vec::new() };
        let mut at = 0;
        for (spelled, token) in tokenize(&file.text, self.quoting).zip(file.level.tokens()) {
            if self.is_changed(token) {
                copy.text.extend(&file.text[at..spelled.span.start]);
                at = spelled.span.end;
                let mut instead = Vec::new();
                self.forward_token(token, &mut instead);
                if !instead.is_empty() {
                    copy.instead.push((copy.text.len(), instead));
                }
            }
        }
        copy.text.extend(&file.text[at..]);
        copy
    }
}

/// What is handed on in place of a driver's words, so that nothing of ours is left among the linker's, `handed_on`:
/// `-Wl,--wasm-threads=off,-s` becomes `-Wl,-s`. Each token of `level` is of the driver's words that `from` says.
pub(super) fn in_place_of_driver_words(
    style: Style,
    handed_on: &Words,
    level: &Level,
    from: &[Range<usize>],
) -> BTreeMap<usize, Vec<Forward>> {
    let mut instead = BTreeMap::new();
    let pieces: Vec<_> = level.tokens().zip(from).collect();
    for siblings in pieces.chunk_by(|(_, one), (_, other)| one == other) {
        if !siblings.iter().any(|(token, _)| handed_on.is_changed(*token)) {
            continue;
        }
        let mut left = Vec::new();
        siblings.iter().for_each(|(token, _)| handed_on.forward_token(*token, &mut left));
        let from = siblings[0].1.clone();
        instead.extend(from.clone().map(|word| (word, Vec::new())));
        if !left.is_empty() {
            instead.insert(from.start, vec![Forward::ForLinker(style, left)]);
        }
    }
    instead
}

#[cfg(test)]
mod tests {
    use super::super::{CommandLine, Loaded};
    use super::*;
    use std::convert::Infallible;
    use std::ffi::OsStr;

    /// The words that are handed on, a copy of a response file as `@[TEXT]`.
    fn handed_on(line: &str, files: &[(&str, &str)]) -> Vec<String> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let line = CommandLine::parse(&args, &mut |name| {
            let (_, text) = files.iter().find(|(known, _)| name == *known)?;
            Some(Loaded { bytes: text.as_bytes().to_vec(), once: name.to_string_lossy().starts_with("pipe") })
        });
        let mut words = Vec::new();
        for forward in line.forwarded() {
            let Ok(()) = forward.render(&mut words, &mut show);
        }
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    fn show(copy: Copy) -> Result<OsString, Infallible> {
        let text = String::from_utf8(copy.render(&mut show)?).unwrap();
        Ok(format!("[{text}]").into())
    }

    #[test]
    fn less_our_own() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
        let cases: &[Case] = &[
            ("a.o @f", &[("f", "-s  --gc-sections")], &["a.o", "@f"]),
            ("a.o @f", &[("f", "-s --wasm-threads=off 'b c'\n")], &["a.o", "@[-s  'b c'\n]"]),
            ("@f @g", &[("f", "@g x"), ("g", "--wasm-threads=off")], &["@[@[] x]", "@[]"]),
            ("@f", &[("f", "@pipe\tx"), ("pipe", "y")], &["@[@[y]\tx]"]),
            // A driver's.
            ("-Wl,-s,--wasm-threads=off,-S a.o", &[], &["-Wl,-s,-S", "a.o"]),
            ("-Wl,-s -Xlinker --wasm-threads=off a.o", &[], &["-Wl,-s", "a.o"]),
            ("-Wl,@f,-S a.o", &[("f", "--export=a,b")], &["-Wl,@f,-S", "a.o"]),
            (
                "-Wl,@f,-S a.o",
                &[("f", "--export=a,b --wasm-threads=off")],
                &["--for-linker=@[--export=a,b ]", "--for-linker=-S", "a.o"],
            ),
            ("-Wl,-S,@f a.o", &[("f", "--wasm-threads=off -s")], &["-Wl,-S,@[ -s]", "a.o"]),
            ("@f a.o", &[("f", "-Wl,--wasm-threads=off,-s -Wl,@pipe"), ("pipe", "-S")], &["@[-Wl,-s -Wl,@[-S]]", "a.o"]),
            // emcc's, which opens such a file itself, and only on the line.
            ("x.o -sSTRICT=1 -Wl,@f,g", &[("f,g", "-s x.o")], &["x.o", "-sSTRICT=1", "-Wl,@f,g"]),
            (
                "x.o -sSTRICT=1 -Wl,@f,g",
                &[("f,g", r#"-s,--wasm-threads=off,-S 'a\'b\\c "q\q" ''"#)],
                &["x.o", "-sSTRICT=1", "-Wl,-s,-S", r"a\b\c", r"q\q", ""],
            ),
            ("x.o -sSTRICT=1 -Wl,@pipe", &[("pipe", "-s,-S x.o")], &["x.o", "-sSTRICT=1", "-Wl,-s,-S", "x.o"]),
            ("@f -sSTRICT=1", &[("f", "-Wl,@pipe x.o"), ("pipe", "-S")], &["@[-Wl,@[-S] x.o]", "-sSTRICT=1"]),
        ];
        for (line, files, want) in cases {
            assert_eq!(handed_on(line, files), *want, "{line} {files:?}");
        }
    }

    /// What a copy begins with is read again as it was.
    #[test]
    fn marks_of_byte_order() {
        for (file, want) in [
            (&b"\xff\xfe\xff\xfea\0"[..], &b"\xef\xbb\xbf\xef\xbb\xbfa"[..]),
            (b"\xff\xfea\0", b"a"),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", b"\xef\xbb\xbf\xef\xbb\xbfa"),
            (b"\xef\xbb\xbf\xff\xfea", b"\xef\xbb\xbf\xff\xfea"),
            (b"\xef\xbb\xbfa", b"a"),
        ] {
            let mut load = |_: &OsStr| Some(Loaded { bytes: file.to_vec(), once: true });
            let line = CommandLine::parse(&["@f".into()], &mut load);
            let [Forward::Copy(copy)] = &line.forwarded()[..] else { panic!("{line:?}") };
            let Ok(text) = copy.clone().render(&mut show);
            assert_eq!(text, want, "{}", file.escape_ascii());
            assert_eq!(response_file::decode(text), response_file::decode(file.to_vec()));
        }
    }
}
