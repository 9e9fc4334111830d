//! The pages: what they show is what is there, and what they link to is there too.

use crate::support::markdown::Markdown;
use crate::support::{Suite, read, repository};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Examples whose README shows every file, so that one builds them from that page alone.
const RECIPES: &[&str] =
    &["counter", "emscripten-threads", "hosting", "node", "trunk", "vite", "wasi-threads", "wasm-bindgen-cli", "wasm-pack"];

pub fn tests(suite: &mut Suite) {
    suite.test("shown_files_are_the_files", &[], shown_files_are_the_files);
    suite.test("recipes_show_all_of_their_files", &[], recipes_show_all_of_their_files);
    suite.test("every_example_is_in_the_table", &[], every_example_is_in_the_table);
    suite.test("links_lead_somewhere", &[], links_lead_somewhere);
    suite.test("lines_for_a_shell_are_run", &[], lines_for_a_shell_are_run);
}

fn examples() -> PathBuf {
    repository().join("examples")
}

/// Every file below a folder of the repository, what builds leave there aside.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", ".git", "pkg", "dist", "corpus", "artifacts"].contains(&name.as_str()) {
                files.extend(files_below(&path));
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn pages_below(folder: &Path) -> Vec<Markdown> {
    let pages = files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(Markdown::read).collect()
}

fn shown_files_are_the_files() {
    let mut shown = 0;
    for page in pages_below(&examples()) {
        if env::var_os("WASM_THREADS_BLESS").is_some_and(|value| value == "1") {
            page.write_files_anew();
            continue;
        }
        for (file, text) in page.files() {
            let path = page.folder().join(&file);
            let found = String::from_utf8(read(&path)).expect("text");
            let page = page.path.display();
            assert!(found == text, "{page} shows another {file}; WASM_THREADS_BLESS=1 shows it as it is");
            shown += 1;
        }
    }
    assert!(shown > 10 || env::var_os("WASM_THREADS_BLESS").is_some(), "only {shown} files are shown");
}

fn recipes_show_all_of_their_files() {
    for name in RECIPES {
        let folder = examples().join(name);
        let readme = Markdown::read(folder.join("README.md"));
        let shown: BTreeSet<PathBuf> = readme.files().into_iter().map(|(file, _)| folder.join(file)).collect();
        for file in files_below(&folder) {
            let left_out = file.ends_with("README.md") || file.ends_with("Cargo.lock");
            assert!(left_out || shown.contains(&file), "the README of {name} does not show {}", file.display());
        }
    }
}

fn every_example_is_in_the_table() {
    let table = Markdown::read(examples().join("README.md"));
    let links = table.links();
    let mut count = 0;
    for entry in fs::read_dir(examples()).expect("the examples") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let link = if path.is_dir() { format!("{name}/README.md") } else { name };
        assert!(examples().join(&link).is_file(), "{link} is missing");
        assert!(link == "README.md" || links.contains(&link), "examples/README.md does not link to {link}");
        count += 1;
    }
    assert!(count > 5, "only {count} examples");
}

fn links_lead_somewhere() {
    let mut followed = 0;
    for page in pages_below(repository()) {
        for link in page.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { page.path.clone() } else { page.folder().join(path) };
            assert!(target.exists(), "{}: no such file: {link}", page.path.display());
            if let Some(anchor) = anchor {
                let anchors = Markdown::read(&target).anchors();
                assert!(
                    anchors.iter().any(|one| one == anchor),
                    "{}: no such heading: {link}, of {anchors:?}",
                    page.path.display()
                );
            }
            followed += 1;
        }
    }
    assert!(followed > 30, "only {followed} links");
}

/// What stands in a block of the language `sh` is run by the test that makes a project of that README; `Recipe::all_ran` sees to it.
fn lines_for_a_shell_are_run() {
    let recipes: String = ["recipes.rs", "examples.rs", "wasm_pack.rs"]
        .map(|file| String::from_utf8(read(repository().join("tests/suite").join(file))).expect("text"))
        .concat();
    for page in pages_below(&examples()) {
        let name = page.folder().file_name().expect("a name").to_string_lossy().into_owned();
        let file = page.path.file_name().expect("a name").to_string_lossy().into_owned();
        let run = recipes.contains(&format!("Recipe::new(\"{name}\")")) || recipes.contains(&format!("lines_of(\"{file}\""));
        assert!(page.shell().is_empty() || run, "nobody runs the lines of {}", page.path.display());
    }
}
