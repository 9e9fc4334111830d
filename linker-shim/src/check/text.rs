//! The answer for people.

use super::options::Expect;
use super::verdict::{File, Judged, Status, shown};
use crate::colour::Colours;
use wasm_threads::contract::{Abi, Stage};
use wasm_threads::picture::words::counted;
use wasm_threads::report::Finding;
use wasm_threads::rules::Level;

/// All files, and at the end how many there are of each, where there are several.
pub fn all(files: &[File], colours: Colours) -> String {
    let mut lines = Vec::new();
    for file in files {
        lines.extend(of_file(file, colours));
    }
    if files.len() > 1 {
        lines.push(String::new());
        lines.push(summary(files));
    }
    let errors = files.iter().flat_map(File::findings).filter(|finding| finding.is_error());
    if let Some(first) = errors.map(|finding| finding.rule.id).next() {
        lines.push(String::new());
        lines.push(format!("More about a rule: cargo wasm-threads check --explain {first}"));
    }
    lines.iter().map(|line| line.to_owned() + "\n").collect()
}

fn of_file(file: &File, colours: Colours) -> Vec<String> {
    let name = one_line(&shown(&file.path));
    let mut lines = Vec::new();
    if file.undecided {
        lines.push(format!("{name}: {}", colours.warning("could not be decided")));
    } else if file.component {
        let count = file.modules.len();
        lines.push(format!("{name}: a component with {count} core module{}", if count == 1 { "" } else { "s" }));
    }
    lines.extend(file.findings.iter().flat_map(|finding| of_finding(finding, colours)));
    for module in &file.modules {
        let name = match &module.place {
            Some(place) => format!("{name}, {place}"),
            None => name.clone(),
        };
        // Of a file that is one module, it is said already.
        if module.is_broken() || !module.undecided || module.place.is_some() {
            lines.push(format!("{name}: {} ({})", verdict(file, module, colours), kind(module)));
        }
        lines.extend(module.findings().flat_map(|finding| of_finding(finding, colours)));
        lines.extend(module.notes().map(|note| format!("  {}", one_line(&note))));
    }
    lines
}

fn verdict(file: &File, module: &Judged, colours: Colours) -> String {
    if module.undecided && !module.is_broken() {
        return colours.warning("could not be decided");
    }
    let text = match (file.expect, module.holds()) {
        (Expect::Threaded, true) => "threaded",
        (Expect::Threaded, false) => "not threaded",
        (Expect::Unthreaded, _) if module.shared => "threaded, and is not to be",
        (Expect::Unthreaded, true) => "unthreaded, as it is to be",
        (Expect::Unthreaded, false) => "unthreaded, but not right",
    };
    if module.holds() { colours.good(text) } else { colours.error(text) }
}

/// Who runs it, and how far it has come.
pub fn kind(module: &Judged) -> String {
    let abi = match module.contract.abi {
        Abi::EmscriptenSide => "emscripten, side module",
        abi => abi.id(),
    };
    match module.contract.stage {
        Stage::Linked => format!("{abi}, linked"),
        Stage::AfterWasmBindgen => format!("{abi}, after wasm-bindgen"),
    }
}

fn of_finding(finding: &Finding, colours: Colours) -> Vec<String> {
    let text = finding.to_string();
    let lines = text.lines().enumerate().map(|(index, line)| match line.split_once(": ") {
        Some((head, rest)) if index == 0 => {
            let head = if finding.level == Level::Error { colours.error(head) } else { colours.warning(head) };
            format!("  {head}: {rest}")
        }
        _ => format!("  {line}"),
    });
    lines.collect()
}

/// `5 files: 3 as expected, 1 not, 1 could not be decided`.
pub fn summary(files: &[File]) -> String {
    let count = |status| files.iter().filter(|file| file.status() == status).count();
    let mut parts = vec![format!("{} as expected", count(Status::Holds))];
    match count(Status::Broken) {
        0 => {}
        broken => parts.push(format!("{broken} not")),
    }
    match count(Status::Undecided) {
        0 => {}
        undecided => parts.push(format!("{undecided} could not be decided")),
    }
    format!("{}: {}", counted(files.len() as u128, "file"), parts.join(", "))
}

/// A line that begins with a name: GitHub takes one that begins with `::`, or has `##[` in it, for a command.
pub fn one_line(text: &str) -> String {
    let text = text.replace("##[", "#\\u{23}[");
    match text.strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => text,
    }
}
