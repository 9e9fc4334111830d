//! A response file, in both quotings: what we write reads back the same, what we read is written in the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::command_line::{Quoting, Token, decode, quote, tokenize};
use wasm_threads_fuzz::within;

/// One word is held at a time, and as it grows, there may be room for twice as much beside it.
const TIMES: usize = 3;

fuzz_target!(|data: &[u8]| {
    let file = data.to_vec();
    let Some(text) = within(2, || data.len(), || decode(file)) else { return };
    for quoting in [Quoting::Posix, Quoting::Windows, Quoting::Shell] {
        within(TIMES, || text.len(), || tokenize(&text, quoting).count());
        let tokens: Vec<Token> = tokenize(&text, quoting).collect();
        let mut at = 0;
        for token in &tokens {
            assert!(at <= token.span.start && token.span.start < token.span.end && token.span.end <= text.len(), "{token:?}");
            assert!(token.text.len() <= token.span.len() && !token.text.contains(&0), "{token:?}");
            at = token.span.end;
        }

        // The words again, each on a line of its own.
        let mut written = Vec::new();
        // LLVM drops an empty word in this quoting.
        let words: Vec<&[u8]> = tokens.iter().map(|token| &token.text[..]).filter(|word| !word.is_empty()).collect();
        for word in &words {
            written.extend(quote(word, quoting));
            written.push(b'\n');
        }
        let read: Vec<Vec<u8>> = tokenize(&written, quoting).map(|token| token.text).collect();
        assert_eq!(read, words, "{quoting:?}");

        // Any bytes at all, as one word.
        let word: Vec<u8> = data.iter().copied().filter(|byte| *byte != 0).collect();
        let mut quoted = quote(&word, quoting);
        quoted.extend(b" next");
        let read: Vec<Token> = tokenize(&quoted, quoting).collect();
        let want: &[&[u8]] = if word.is_empty() && quoting == Quoting::Posix { &[b"next"] } else { &[&word, b"next"] };
        assert_eq!(read.iter().map(|token| &token.text[..]).collect::<Vec<_>>(), want, "{quoting:?}");
    }
});
