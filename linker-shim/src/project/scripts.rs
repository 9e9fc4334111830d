//! Scripts and other files of a project that set `RUSTFLAGS`, and so take the place of `rustflags` in cargo's configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A line that sets the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The variable.
    pub variable: &'static str,
    /// Whether `+atomics` is among what it is set to.
    pub has_atomics: bool,
}

const NAMES: &[&str] = &[
    "package.json",
    "makefile",
    "gnumakefile",
    "justfile",
    ".justfile",
    "makefile.toml",
    "trunk.toml",
    "netlify.toml",
    "vercel.json",
    "dockerfile",
    ".env",
    ".envrc",
    ".gitlab-ci.yml",
    ".travis.yml",
];
const EXTENSIONS: &[&str] = &["sh", "bash", "zsh", "ps1", "cmd", "bat", "js", "mjs", "cjs", "ts", "mk", "py"];
/// Below each folder of a manifest, and not deeper: what builds a package stands near it.
const FOLDERS: &[&str] = &["", "scripts", "script", "tools", "ci", ".github/workflows"];
/// A file that a person wrote is smaller.
const LARGEST: u64 = 512 << 10;

/// All that is found beside these manifests, each file once, in their order.
pub fn find(manifests: &[PathBuf]) -> Vec<Setting> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for folder in manifests.iter().filter_map(|manifest| manifest.parent()) {
        for below in FOLDERS {
            for file in files_in(&folder.join(below), below.ends_with("workflows")) {
                if seen.insert(file.clone())
                    && let Ok(text) = std::fs::read_to_string(&file)
                {
                    found.extend(settings_in(&file, &text));
                }
            }
        }
    }
    found
}

fn files_in(folder: &Path, workflows: bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
        let known = NAMES.contains(&name.as_str()) || EXTENSIONS.contains(&extension);
        let known = known || workflows && matches!(extension, "yml" | "yaml");
        known && path.metadata().is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST)
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(wanted).collect();
    files.sort();
    files
}

/// The lines of `text` that set it.
pub fn settings_in(path: &Path, text: &str) -> Vec<Setting> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some((variable, value)) = setting(line) {
            let has_atomics = value.contains("+atomics") || goes_on(value) && said_below(&lines[at + 1..]);
            found.push(Setting { path: path.to_owned(), line: at + 1, variable, has_atomics });
        }
    }
    found
}

/// The variable that a line sets, and what stands behind it. A shell's `$RUSTFLAGS` only reads it.
fn setting(line: &str) -> Option<(&'static str, &str)> {
    let start = line.trim_start();
    if start.starts_with('#') || start.starts_with("//") || start.to_ascii_lowercase().starts_with("rem ") {
        return None;
    }
    for (at, word) in line.match_indices("RUSTFLAGS") {
        let before = &line[..at];
        let (variable, before) = match before.strip_suffix("CARGO_ENCODED_") {
            Some(before) => ("CARGO_ENCODED_RUSTFLAGS", before),
            None => ("RUSTFLAGS", before),
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        // `$env:RUSTFLAGS = …` is PowerShell's way to set it.
        let reads = before.ends_with('$') || before.ends_with("${") || before.ends_with('%');
        if before.ends_with(is_name) || reads {
            continue;
        }
        let after = line[at + word.len()..].trim_start_matches(['"', '\'', '\\', ']', ' ', '\t']);
        let value = after.strip_prefix("+=").or_else(|| after.strip_prefix(['=', ':']));
        if let Some(value) = value.or_else(|| after.strip_prefix("?=")) {
            // `==` compares.
            if !value.starts_with('=') {
                return Some((variable, value));
            }
        }
    }
    None
}

/// Whether a value may be continued on the next line.
fn goes_on(value: &str) -> bool {
    let value = value.trim();
    let open = |quote: char| value.matches(quote).count() % 2 == 1;
    value.is_empty()
        || value.ends_with(['\\', '|', '>', '`', '^', '[', '(', ','])
        || value.ends_with(">-")
        || value.ends_with("|-")
        || open('"')
        || open('\'')
}

/// Whether the feature is named shortly below; who comes too far finds the next setting.
fn said_below(lines: &[&str]) -> bool {
    lines.iter().take(12).take_while(|line| setting(line).is_none()).any(|line| line.contains("+atomics"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, bool)> {
        settings_in(Path::new("x"), text).iter().map(|setting| (setting.line, setting.has_atomics)).collect()
    }

    #[test]
    fn lines_that_set_it() {
        for (text, wanted) in [
            ("RUSTFLAGS='-C target-feature=+atomics,+bulk-memory' cargo build", vec![(1, true)]),
            ("set -e\nexport RUSTFLAGS=\"-D warnings\"\n", vec![(2, false)]),
            ("RUSTFLAGS=\"-C opt-level=3 \\\n  -C target-feature=+atomics\" cargo build", vec![(1, true)]),
            (r#"    "build": "RUSTFLAGS=\"-C target-feature=+atomics\" wasm-pack build","#, vec![(1, true)]),
            ("env:\n  RUSTFLAGS: -D warnings\n  X: +atomics\n", vec![(2, false)]),
            ("env:\n  RUSTFLAGS: >-\n    -D warnings\n    -Ctarget-feature=+atomics\n", vec![(2, true)]),
            ("$env:RUSTFLAGS = '-Ctarget-feature=+atomics'", vec![(1, true)]),
            ("set RUSTFLAGS=-Dwarnings", vec![(1, false)]),
            ("env: { RUSTFLAGS: '-Dwarnings' }", vec![(1, false)]),
            ("os.environ['RUSTFLAGS'] = '-Dwarnings'", vec![(1, false)]),
            ("CARGO_ENCODED_RUSTFLAGS=-Dwarnings", vec![(1, false)]),
            ("RUSTFLAGS += -Dwarnings", vec![(1, false)]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }

    #[test]
    fn lines_that_do_not() {
        for text in [
            "# RUSTFLAGS=x",
            "// RUSTFLAGS: x",
            "REM RUSTFLAGS=x",
            "echo $RUSTFLAGS",
            "echo ${RUSTFLAGS:-none}",
            "echo %RUSTFLAGS%=x",
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=x",
            "CARGO_BUILD_RUSTFLAGS=x",
            "MY_RUSTFLAGS=x",
            "RUSTFLAGS2=x",
            "if (process.env.RUSTFLAGS == 'x') {",
            "see RUSTFLAGS in the book",
        ] {
            assert_eq!(found(text), vec![], "{text}");
        }
    }
}
