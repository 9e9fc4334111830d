//! Texts that a user sees, kept in `tests/golden`. `WASM_THREADS_BLESS=1` writes them anew.

use super::repository;
use std::path::Path;
use std::{env, fs};

/// Compares with `tests/golden/NAME.txt`. Each path is replaced by its placeholder first, longest path first.
#[track_caller]
pub fn check(name: &str, text: &str, paths: &[(&Path, &str)]) {
    let text = replaced(text, paths);
    let file = repository().join("tests").join("golden").join(format!("{name}.txt"));
    if env::var_os("WASM_THREADS_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder of golden texts");
        fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return;
    }
    let Ok(wanted) = fs::read_to_string(&file) else {
        panic!("{} is missing; WASM_THREADS_BLESS=1 writes it:\n{text}", file.display());
    };
    let wanted = wanted.replace("\r\n", "\n");
    if wanted != text {
        let line = wanted.lines().zip(text.lines()).take_while(|(a, b)| a == b).count() + 1;
        panic!(
            "differs from {} at line {line}; WASM_THREADS_BLESS=1 accepts it\n--- wanted\n{wanted}\n--- found\n{text}",
            file.display()
        );
    }
}

/// The text with placeholders for paths, and `/` in place of `\` within those paths' lines on Windows.
pub fn replaced(text: &str, paths: &[(&Path, &str)]) -> String {
    let mut paths: Vec<_> = paths.iter().map(|(path, name)| (path.display().to_string(), *name)).collect();
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut text = text.replace("\r\n", "\n");
    for (path, name) in paths {
        text = text.replace(&path, name);
    }
    text
}
