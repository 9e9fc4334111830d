//! What `rustflags` say, in any of the spellings that rustc takes.

/// The facts in a list of rustc's words that matter for threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The last word on `atomics`.
    pub atomics: Option<bool>,
    /// The last word on `bulk-memory`.
    pub bulk_memory: Option<bool>,
    /// The last `-C linker=`.
    pub linker: Option<String>,
    /// All words for the linker, with `-Wl,` taken apart.
    pub link_words: Vec<String>,
}

impl Flags {
    /// Reads words, each as it stands in an array.
    pub fn read<W: AsRef<str>>(words: &[W]) -> Flags {
        let mut flags = Flags::default();
        for option in codegen_options(words) {
            let Some(value) = option.value(words) else { continue };
            match option.name.as_str() {
                "target-feature" => flags.take_features(value),
                "linker" => flags.linker = Some(value.to_owned()),
                "link-arg" => flags.take_link_word(value),
                "link-args" => value.split_whitespace().for_each(|word| flags.take_link_word(word)),
                _ => {}
            }
        }
        flags
    }

    /// Whether the objects will say `+atomics`, and may be linked into a shared memory.
    pub fn threaded(&self) -> bool {
        self.atomics == Some(true) && self.bulk_memory != Some(false)
    }

    /// Whether the linker is given `option`, alone or with a value after `=`.
    pub fn has(&self, option: &str) -> bool {
        self.value(option).is_some()
    }

    /// The last value of a linker's option; empty where it has none.
    pub fn value(&self, option: &str) -> Option<&str> {
        let own = |word: &'_ String| {
            let rest = word.strip_prefix(option)?;
            (rest.is_empty() || rest.starts_with('=')).then(|| word.len() - rest.len())
        };
        let word = self.link_words.iter().rev().find(|word| own(word).is_some())?;
        Some(word[option.len()..].trim_start_matches('='))
    }

    /// Whether the linker is told to export `symbol`.
    pub fn exports(&self, symbol: &str) -> bool {
        let in_one = |word: &String| {
            let word = word.trim_start_matches('-');
            let value = word.strip_prefix("export=").or_else(|| word.strip_prefix("export-if-defined="));
            value == Some(symbol)
        };
        let in_two = |pair: &[String]| pair[0].trim_start_matches('-') == "export" && pair[1] == symbol;
        self.link_words.iter().any(in_one) || self.link_words.windows(2).any(in_two)
    }

    fn take_features(&mut self, list: &str) {
        for feature in list.split(',').map(str::trim) {
            let Some(on) = feature.chars().next().filter(|sign| matches!(sign, '+' | '-')).map(|sign| sign == '+') else {
                continue;
            };
            match &feature[1..] {
                "atomics" => self.atomics = Some(on),
                "bulk-memory" => self.bulk_memory = Some(on),
                _ => {}
            }
        }
    }

    fn take_link_word(&mut self, word: &str) {
        match word.strip_prefix("-Wl,") {
            Some(words) => self.link_words.extend(words.split(',').filter(|word| !word.is_empty()).map(str::to_owned)),
            None => self.link_words.push(word.to_owned()),
        }
    }
}

/// One `-C NAME=VALUE`, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodegenOption {
    /// The word with `NAME=VALUE` in it.
    pub at: usize,
    /// Where NAME begins in that word.
    pub from: usize,
    /// NAME, with `-` in place of `_`, as rustc reads it.
    pub name: String,
    /// `-C` or `--codegen` is a word of its own, before that one.
    pub in_two: bool,
}

impl CodegenOption {
    /// VALUE; none where there is no `=`.
    pub fn value<'a, W: AsRef<str>>(&self, words: &'a [W]) -> Option<&'a str> {
        words[self.at].as_ref()[self.from..].split_once('=').map(|(_, value)| value)
    }
}

/// Every `-C X`, `-CX`, `--codegen X` and `--codegen=X`.
pub fn codegen_options<W: AsRef<str>>(words: &[W]) -> Vec<CodegenOption> {
    let mut found = Vec::new();
    let mut follows = false;
    for (at, word) in words.iter().enumerate() {
        let word = word.as_ref();
        let in_two = std::mem::take(&mut follows);
        let rest = if in_two {
            word
        } else if matches!(word, "-C" | "--codegen") {
            follows = true;
            continue;
        } else if let Some(rest) = word.strip_prefix("--codegen=").or_else(|| word.strip_prefix("-C")) {
            rest
        } else {
            continue;
        };
        // An element "-C name=value" with a space in it is one word to rustc, and a mistake that people make.
        let trimmed = rest.trim_start();
        let name = trimmed.split('=').next().unwrap_or_default().replace('_', "-");
        found.push(CodegenOption { at, from: word.len() - trimmed.len(), name, in_two });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Flags {
        Flags::read(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn every_spelling() {
        for text in [
            "-C target-feature=+atomics",
            "-Ctarget-feature=+bulk-memory,+atomics",
            "--codegen target-feature=+atomics",
            "--codegen=target_feature=+atomics,",
            "-C target-feature=-atomics -C target-feature=+atomics",
            "-C opt-level=3 -C target-feature=+simd128 --cfg x -C target-feature=+atomics",
        ] {
            assert!(read(text).threaded(), "{text}");
        }
        for text in [
            "",
            "-C target-feature=+bulk-memory",
            "-C target-feature=+atomics -Ctarget-feature=-atomics",
            "-C target-feature=+atomics,-bulk-memory",
            "--cfg target-feature=+atomics",
            "-C target-cpu=+atomics",
            "-C",
        ] {
            assert!(!read(text).threaded(), "{text}");
        }
        assert!(Flags::read(&["-C target-feature=+atomics"]).threaded());
    }

    #[test]
    fn words_for_the_linker() {
        let flags = read(
            "-Clinker=wasm-ld -C link-arg=--shared-memory -Clink-args=--max-memory=65536 -C link-arg=-Wl,--export,__tls_base,-zx \
             -Clink-arg=--export=__tls_size",
        );
        assert_eq!(flags.linker.as_deref(), Some("wasm-ld"));
        assert_eq!(flags.value("--shared-memory"), Some(""));
        assert_eq!(flags.value("--max-memory"), Some("65536"));
        assert!(flags.exports("__tls_base") && flags.exports("__tls_size") && !flags.exports("__tls_align"));
        assert!(!flags.has("--shared"));
        let several = Flags::read(&["-Clink-args=--shared-memory --max-memory=1 --max-memory=2"]);
        assert_eq!(several.value("--max-memory"), Some("2"));
        assert!(several.has("--shared-memory"));
    }
}
