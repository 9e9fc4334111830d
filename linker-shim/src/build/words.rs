//! The user's words for cargo, read as cargo reads them: the few that matter here are understood, all of them are handed on.

use std::ffi::{OsStr, OsString};

/// Long options of cargo's that take their value in the next word, too.
const WITH_VALUE: &[&str] = &[
    "--artifact-dir",
    "--bench",
    "--bin",
    "--color",
    "--config",
    "--crate-type",
    "--example",
    "--exclude",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "--message-format",
    "--package",
    "--print",
    "--profile",
    "--target",
    "--target-dir",
    "--test",
];

/// Short options, and the long names under which they are known here. The first ones take a value.
const SHORT: &[(char, &str, bool)] = &[
    ('p', "--package", true),
    ('F', "--features", true),
    ('j', "--jobs", true),
    ('Z', "-Z", true),
    ('C', "-C", true),
    ('r', "--release", false),
    ('q', "--quiet", false),
    ('v', "--verbose", false),
    ('h', "--help", false),
];

/// What was typed behind the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `+nightly`, which rustup's cargo takes as its first word.
    pub toolchain: Option<String>,
    options: Vec<Piece>,
    /// From `--` on; for `run` from the program's first word on.
    tail: Vec<OsString>,
}

/// One word, or an option with the word that is its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    words: Vec<OsString>,
    /// What it says: more than one thing in `-vr`, nothing where it is no option.
    means: Vec<(String, Option<OsString>)>,
}

impl Words {
    /// Reads `words`. With `ends_at_word` the first one that is no option begins another program's words.
    pub fn read(words: &[OsString], ends_at_word: bool) -> Words {
        let mut read = Words::default();
        let mut left = words;
        if let Some(name) = left.first().and_then(|word| word.to_str()).and_then(|word| word.strip_prefix('+')) {
            read.toolchain = Some(name.to_owned());
            left = &left[1..];
        }
        while let Some(word) = left.first() {
            let text = word.to_str().unwrap_or("a word in other bytes");
            let is_option = text.starts_with('-') && text != "-";
            if text == "--" || (ends_at_word && !is_option) {
                read.tail = left.to_vec();
                break;
            }
            let (means, missing) = if is_option { meaning(text) } else { (Vec::new(), false) };
            let mut piece = Piece { words: vec![word.clone()], means };
            left = &left[1..];
            // Where cargo wants a value it takes none that looks like an option.
            let value = left.first().filter(|value| missing && !value.as_encoded_bytes().starts_with(b"-"));
            if let Some(value) = value {
                piece.words.push(value.clone());
                if let Some(last) = piece.means.last_mut() {
                    last.1 = Some(value.clone());
                }
                left = &left[1..];
            }
            read.options.push(piece);
        }
        read
    }

    /// Every value given to `option`.
    pub fn values<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a OsStr> {
        self.means().filter(move |(name, _)| name == option).filter_map(|(_, value)| value.as_deref())
    }

    /// The values that are text.
    pub fn texts<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a str> {
        self.values(option).filter_map(OsStr::to_str)
    }

    /// Whether one of `options` is there, with a value or without.
    pub fn has(&self, options: &[&str]) -> bool {
        self.means().any(|(name, _)| options.contains(&name.as_str()))
    }

    fn means(&self) -> impl Iterator<Item = &(String, Option<OsString>)> {
        self.options.iter().flat_map(|piece| &piece.means)
    }

    /// Takes `option` out, and says whether it was there.
    pub fn take(&mut self, option: &str) -> bool {
        let before = self.options.len();
        self.options.retain(|piece| piece.means.iter().all(|(name, _)| name != option));
        self.options.len() < before
    }

    /// The words as they came, with `more` behind the last option: of two settings cargo takes the later one.
    pub fn with(&self, more: &[OsString]) -> Vec<OsString> {
        let options = self.options.iter().flat_map(|piece| &piece.words);
        options.chain(more).chain(&self.tail).cloned().collect()
    }

    /// The words of these options alone, as they came.
    pub fn only(&self, options: &[&str]) -> Vec<OsString> {
        let wanted = |piece: &&Piece| piece.means.iter().any(|(name, _)| options.contains(&name.as_str()));
        self.options.iter().filter(wanted).flat_map(|piece| piece.words.clone()).collect()
    }

    /// `dev`, `release` or another profile's name.
    pub fn profile(&self) -> String {
        match self.texts("--profile").last() {
            Some(name) => name.to_owned(),
            None if self.has(&["--release"]) => "release".to_owned(),
            None => "dev".to_owned(),
        }
    }
}

/// What one word means, and whether the value of its last option is still to come.
fn meaning(text: &str) -> (Vec<(String, Option<OsString>)>, bool) {
    if text.starts_with("--") {
        return match text.split_once('=') {
            Some((name, value)) => (vec![(name.to_owned(), Some(value.into()))], false),
            None => (vec![(text.to_owned(), None)], WITH_VALUE.contains(&text)),
        };
    }
    let mut means = Vec::new();
    let mut letters = text[1..].chars();
    while let Some(letter) = letters.next() {
        let Some((_, name, takes_value)) = SHORT.iter().find(|(short, ..)| *short == letter) else { continue };
        if *takes_value {
            let value = letters.as_str();
            let value = value.strip_prefix('=').unwrap_or(value);
            means.push(((*name).to_owned(), (!value.is_empty()).then(|| value.into())));
            return (means, value.is_empty());
        }
        means.push(((*name).to_owned(), None));
    }
    (means, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str, ends_at_word: bool) -> Words {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let read = Words::read(&words, ends_at_word);
        // Whatever is understood of them, they come out as they went in.
        let out: Vec<OsString> = read.toolchain.iter().map(|name| format!("+{name}").into()).chain(read.with(&[])).collect();
        assert_eq!(out, words, "{line}");
        read
    }

    #[test]
    fn what_is_understood() {
        let read =
            words("+nightly -vr -Zbuild-std=core -Z unstable-options --target=a -pone --package two name -- --target x", false);
        assert_eq!(read.toolchain.as_deref(), Some("nightly"));
        assert_eq!(read.texts("-Z").collect::<Vec<_>>(), ["build-std=core", "unstable-options"]);
        assert_eq!(read.texts("--target").collect::<Vec<_>>(), ["a"]);
        assert_eq!(read.texts("--package").collect::<Vec<_>>(), ["one", "two"]);
        assert!(read.has(&["--release"]) && read.has(&["--verbose"]) && !read.has(&["--quiet"]));
        assert_eq!(read.profile(), "release");
        let read = words("--profile fat -r --bin --example one", false);
        assert_eq!(read.profile(), "fat");
        assert_eq!((read.texts("--bin").count(), read.texts("--example").collect::<Vec<_>>()), (0, vec!["one"]));
    }

    #[test]
    fn where_the_programs_words_begin() {
        for line in ["-r --bin one two --target x", "--bin one -q two --release", "-j 2 -p=a two --bin x"] {
            let read = words(line, true);
            let tail = line.find("two").unwrap_or_default();
            assert_eq!(read.tail.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "), line[tail..]);
            assert!(!read.has(&["--target"]) && read.profile() != "x");
        }
        // A test's name does not end the options.
        assert!(words("name --release", false).has(&["--release"]));
    }

    #[test]
    fn what_is_added_stands_before_the_programs_words() {
        let read = words("--release -- a", false);
        assert_eq!(read.with(&["-Zx".into()]), ["--release", "-Zx", "--", "a"]);
    }

    #[test]
    fn taken_out() {
        let mut read = words("-r --message-format short --variants x", false);
        assert!(read.take("--message-format") && read.take("--variants") && !read.take("--variants"));
        assert_eq!(read.with(&[]), ["-r", "x"]);
    }

    #[cfg(unix)]
    #[test]
    fn other_bytes() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(b"--target-dir=\xff".to_vec());
        assert_eq!(Words::read(std::slice::from_ref(&odd), false).with(&[]), [odd]);
    }
}
