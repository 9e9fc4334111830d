//! A response file, in both quotings: what we write reads back the same, what we read is written in the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::command_line::{Quoting, Token, decode, quote, tokenize};
use wasm_threads_fuzz::within;

/// A word of one byte has an entry of six words, and the list may have room for as many again.
const TIMES: usize = 100;

fuzz_target!(|data: &[u8]| {
    let Some(text) = within(8, || data.len(), || decode(data.to_vec())) else { return };
    for quoting in [Quoting::Posix, Quoting::Windows, Quoting::Shell] {
        let tokens: Vec<Token> = within(TIMES, || text.len(), || tokenize(&text, quoting).collect());
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
