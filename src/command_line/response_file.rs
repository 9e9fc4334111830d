//! Response files (`@file`) as LLVM reads and writes them.
//!
//! Source: `llvm/lib/Support/CommandLine.cpp`: `TokenizeGNUCommandLine`, `TokenizeWindowsCommandLine` and
//! `ExpansionContext::expandResponseFile`. Neither is a shell: `#` starts no comment, an unterminated quote is accepted, a
//! backslash inside single quotes still escapes. `tests/suite/differential.rs` holds this file against real linkers. emcc reads its
//! own response files with Python's `shlex.split` (`tools/response_file.py`), which is nearer to a shell.

use std::ops::Range;

/// How a response file quotes. `wasm-ld` takes it from `--rsp-quoting`, else from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// `--rsp-quoting=posix`, the default but on Windows: LLVM's GNU tokenizer.
    Posix,
    /// `--rsp-quoting=windows`, the default on Windows.
    Windows,
    /// emcc's, on every system: Python's `shlex`.
    Shell,
}

impl Quoting {
    /// What the linker uses where the command line does not say.
    pub fn of_host() -> Quoting {
        if cfg!(windows) { Quoting::Windows } else { Quoting::Posix }
    }
}

/// One word of a response file, and the bytes of the (decoded) file that spell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word, unquoted.
    pub text: Vec<u8>,
    /// Where it stands, quotes included.
    pub span: Range<usize>,
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of a response file: UTF-16 with a byte order mark becomes UTF-8, a UTF-8 mark is dropped, all else is left
/// alone. `None` where the linker would refuse the file (broken UTF-16).
pub fn decode(mut file: Vec<u8>) -> Option<Vec<u8>> {
    let unit: fn([u8; 2]) -> u16 = match file.as_slice() {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            if file.starts_with(UTF8_MARK) {
                file.drain(..UTF8_MARK.len());
            }
            return Some(file);
        }
    };
    if !file.len().is_multiple_of(2) {
        return None;
    }
    let characters = || char::decode_utf16(file[2..].chunks_exact(2).map(|two| unit([two[0], two[1]])));
    // Counted first, for no more memory than it takes.
    let size = characters().try_fold(0, |size, character| character.ok().map(|character| size + character.len_utf8()))?;
    let mut text = String::with_capacity(size);
    text.extend(characters().flatten());
    Some(text.into_bytes())
}

/// Puts a mark in front of `text`, where one is needed for [`decode`] to give it back: it begins with what looks like one.
pub(super) fn mark(text: &mut Vec<u8>) {
    if [&b"\xff\xfe"[..], b"\xfe\xff", UTF8_MARK].iter().any(|mark| text.starts_with(mark)) {
        text.splice(..0, UTF8_MARK.iter().copied());
    }
}

/// The words of `text`.
pub fn tokenize(text: &[u8], quoting: Quoting) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut token = match quoting {
            Quoting::Posix => next_posix(text, at)?,
            Quoting::Windows => next_windows(text, at)?,
            Quoting::Shell => next_shell(text, at)?,
        };
        at = token.span.end;
        // LLVM hands words on as C strings: they end at the first NUL.
        if let Some(nul) = token.text.iter().position(|byte| *byte == 0) {
            token.text.truncate(nul);
        }
        Some(token)
    })
}

/// `word`, quoted so that it reads back as one word. The empty word cannot be written in `Posix`: LLVM drops it.
pub fn quote(word: &[u8], quoting: Quoting) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    match quoting {
        Quoting::Shell if word.is_empty() => quoted.extend(b"''"),
        Quoting::Posix | Quoting::Shell => {
            for &byte in word {
                if is_space(byte) || matches!(byte, b'\\' | b'"' | b'\'') {
                    quoted.push(b'\\');
                }
                quoted.push(byte);
            }
        }
        Quoting::Windows => {
            quoted.push(b'"');
            let mut backslashes = 0;
            for &byte in word {
                match byte {
                    b'\\' => backslashes += 1,
                    b'"' => {
                        // Those before a quote count double, and the quote itself needs one.
                        quoted.extend(std::iter::repeat_n(b'\\', backslashes + 1));
                        backslashes = 0;
                    }
                    _ => backslashes = 0,
                }
                quoted.push(byte);
            }
            quoted.extend(std::iter::repeat_n(b'\\', backslashes));
            quoted.push(b'"');
        }
    }
    quoted
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// An empty token at the next word, with room for it where nothing in it is quoted.
fn begin(text: &[u8], at: usize, is_end: impl Fn(u8) -> bool) -> Option<Token> {
    let start = at + text[at..].iter().position(|byte| !is_end(*byte))?;
    let plain = text[start..].iter().position(|byte| is_end(*byte)).unwrap_or(text.len() - start);
    Some(Token { text: Vec::with_capacity(plain), span: start..start })
}

fn next_posix(text: &[u8], at: usize) -> Option<Token> {
    let mut token = begin(text, at, is_space)?;
    let mut at = token.span.start;
    while at < text.len() {
        match text[at] {
            b'\\' if at + 1 < text.len() => {
                token.text.push(text[at + 1]);
                at += 2;
            }
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < text.len() && text[at] != quote {
                    if text[at] == b'\\' && at + 1 < text.len() {
                        at += 1;
                    }
                    token.text.push(text[at]);
                    at += 1;
                }
                at = text.len().min(at + 1);
            }
            byte if is_space(byte) => {
                if !token.text.is_empty() {
                    break;
                }
                // Nothing but empty quotes: no word.
                token = begin(text, at, is_space)?;
                at = token.span.start;
            }
            byte => {
                token.text.push(byte);
                at += 1;
            }
        }
    }
    token.span.end = at;
    (!token.text.is_empty()).then_some(token)
}

/// As `shlex.split`: nothing escapes in single quotes, in double ones a backslash only a quote and itself, and empty quotes are a
/// word. What it refuses, an open quote or a last backslash, is read as LLVM would.
fn next_shell(text: &[u8], at: usize) -> Option<Token> {
    let mut token = begin(text, at, is_space)?;
    let mut at = token.span.start;
    let mut quote = None;
    while at < text.len() && (quote.is_some() || !is_space(text[at])) {
        let next = text.get(at + 1);
        match text[at] {
            b'\\' if quote.is_none() && next.is_some() || quote == Some(b'"') && matches!(next, Some(b'"' | b'\\')) => {
                token.text.extend(next);
                at += 1;
            }
            byte if quote == Some(byte) => quote = None,
            byte @ (b'"' | b'\'') if quote.is_none() => quote = Some(byte),
            byte => token.text.push(byte),
        }
        at += 1;
    }
    token.span.end = at;
    Some(token)
}

fn next_windows(text: &[u8], at: usize) -> Option<Token> {
    let is_end = |byte: u8| is_space(byte) || byte == 0;
    let mut token = begin(text, at, is_end)?;
    let mut at = token.span.start;
    let mut quoted = false;
    while at < text.len() && (quoted || !is_end(text[at])) {
        match text[at] {
            b'\\' => at = windows_backslashes(text, at, &mut token.text),
            b'"' if quoted && text.get(at + 1) == Some(&b'"') => {
                // Two quotes inside quotes are one.
                token.text.push(b'"');
                at += 2;
            }
            b'"' => {
                quoted = !quoted;
                at += 1;
            }
            byte => {
                token.text.push(byte);
                at += 1;
            }
        }
    }
    token.span.end = at;
    Some(token)
}

/// A run of backslashes is itself, unless a double quote follows: then each pair is one, and an odd one escapes the quote.
/// Returns where reading goes on.
fn windows_backslashes(text: &[u8], at: usize, token: &mut Vec<u8>) -> usize {
    let count = text[at..].iter().take_while(|byte| **byte == b'\\').count();
    let after = at + count;
    if text.get(after) != Some(&b'"') {
        token.extend(std::iter::repeat_n(b'\\', count));
        return after;
    }
    token.extend(std::iter::repeat_n(b'\\', count / 2));
    if count % 2 == 0 {
        return after;
    }
    token.push(b'"');
    after + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, quoting: Quoting) -> Vec<String> {
        tokenize(text.as_bytes(), quoting).map(|token| String::from_utf8(token.text).unwrap()).collect()
    }

    #[test]
    fn posix_words() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" a\tb\r\nc ", &["a", "b", "c"]),
            (r"a\ b", &["a b"]),
            (r"'a\b.o'", &["ab.o"]),
            (r#""q\zq.o""#, &["qzq.o"]),
            ("#x.o", &["#x.o"]),
            (r#"out/"o"x"#, &["out/ox"]),
            ("'open to the end", &["open to the end"]),
            ("a '' b", &["a", "b"]),
            (r"tail\", &[r"tail\"]),
            ("a\\\nb", &["a\nb"]),
        ];
        for (text, want) in cases {
            assert_eq!(words(text, Quoting::Posix), *want, "{text:?}");
        }
    }

    #[test]
    fn windows_words() {
        let cases: &[(&str, &[&str])] = &[
            (r#""a b" c"#, &["a b", "c"]),
            (r"c:\dir\x.o", &[r"c:\dir\x.o"]),
            (r#""c:\dir\\" x"#, &[r"c:\dir\", "x"]),
            (r#"a\"b"#, &[r#"a"b"#]),
            (r#""a""b""#, &[r#"a"b"#]),
            (r#""""#, &[""]),
            (r#""" x"#, &["", "x"]),
            ("'a b'", &["'a", "b'"]),
        ];
        for (text, want) in cases {
            assert_eq!(words(text, Quoting::Windows), *want, "{text:?}");
        }
    }

    #[test]
    fn a_quoted_word_reads_back() {
        let hard = ["plain", "a b", "q\"q", "it's", r"c:\x\", "new\nline", r#"\"\\""#, "é", "tab\t"];
        for quoting in [Quoting::Posix, Quoting::Windows, Quoting::Shell] {
            for word in hard {
                let quoted = quote(word.as_bytes(), quoting);
                let text = [&quoted[..], b"\nnext"].concat();
                let tokens: Vec<_> = tokenize(&text, quoting).collect();
                assert_eq!(tokens[0].text, word.as_bytes(), "{word:?} as {quoting:?}");
                assert_eq!(tokens[0].span, 0..quoted.len());
                assert_eq!(tokens[1].text, b"next");
            }
        }
    }

    #[test]
    fn byte_order_marks() {
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec()).unwrap(), b"a");
        assert_eq!(decode(b"\xff\xfea\0\xe9\0".to_vec()).unwrap(), "aé".as_bytes());
        assert_eq!(decode(b"\xfe\xff\0a".to_vec()).unwrap(), b"a");
        assert_eq!(decode(b"\xff\xfea".to_vec()), None);
        assert_eq!(decode(b"\xff".to_vec()).unwrap(), b"\xff");
    }
}
