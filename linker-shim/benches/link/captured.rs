//! Links of real projects: built once, the linker's command line and those inputs that rustc removes again kept, and then
//! only linked.

use super::measure::{Bound, Row};
use super::support::recorder::write_program;
use super::support::{Run, Tool, lasting_folder};
use super::{bound, generated};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a project is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Threaded,
    Unthreaded,
    /// Threaded, and the linker gets bitcode.
    LinkerLto,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Threaded => "threaded",
            Kind::Unthreaded => "unthreaded",
            Kind::LinkerLto => "linker-lto",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        const THREADED: &str = "-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals";
        match self {
            Kind::Threaded => &[THREADED],
            Kind::Unthreaded => &[],
            Kind::LinkerLto => &[THREADED, "-Clinker-plugin-lto"],
        }
    }
}

/// The link of one of the projects in `large`: `large` itself, or its example `small`.
pub fn row(project: &str, kind: Kind) -> Result<Row, String> {
    let target = lasting_folder("bench-projects").join(kind.name());
    let kept = target.join("kept").join(project);
    if !kept.join("words").is_file() {
        build(project, kind, &target, &kept)?;
    }
    let words = fs::read(kept.join("words")).map_err(|error| error.to_string())?;
    let words =
        words.strip_suffix(b"\0").unwrap_or(&words).split(|byte| *byte == 0).map(|word| OsString::from_vec(word.into()));
    let words = without_output(words.collect());
    let threaded = kind != Kind::Unthreaded;
    let (first, last) = if threaded { generated::by_hand() } else { (Vec::new(), Vec::new()) };
    let bound = match kind {
        Kind::LinkerLto => Bound::Undecided,
        Kind::Unthreaded => Bound::PassedThroughArchives,
        Kind::Threaded => bound(true),
    };
    let linker = Tool::WasmLd(22).path();
    let path = vec![linker.parent().map(PathBuf::from).unwrap_or_default()];
    Ok(Row { bound, linker, path, folder: project_folder(), words, first, last, threaded, guard: None })
}

/// Builds it, and `std` with it, with a linker that keeps what it is called with.
fn build(project: &str, kind: Kind, target: &Path, kept: &Path) -> Result<(), String> {
    eprintln!("building {project}, {}, and std: some minutes, once; {}", kind.name(), target.display());
    let _ = fs::remove_dir_all(kept);
    fs::create_dir_all(kept.join("objects")).map_err(|error| error.to_string())?;
    // One for all projects of a kind: cargo compiles everything anew for a linker at another place.
    let linker = target.join("keeping-linker");
    write_program(&linker, KEEPING_LINKER);
    let mut linker_flag = OsString::from("-Clinker=");
    linker_flag.push(&linker);
    let flags: Vec<OsString> = kind.flags().iter().map(OsString::from).chain([linker_flag]).collect();
    // Cargo has to link although it may find the output fresh.
    let outputs = target.join("wasm32-unknown-unknown").join("debug");
    for output in [outputs.join("large.wasm"), outputs.join("examples").join("small.wasm")] {
        let _ = fs::remove_file(output);
    }
    let which: &[&str] = if project == "small" { &["--example=small"] } else { &["--lib"] };
    let ran = Run::new("/usr/bin/cargo")
        .folder(project_folder())
        .env("RUSTC", Tool::RustcWeb.path())
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f".as_ref()))
        .env("CARGO_TARGET_DIR", target)
        .env("KEPT", kept)
        .words(["build", "--locked", "--target=wasm32-unknown-unknown", "-Zbuild-std=panic_abort,std"])
        .words(which)
        .timeout(Duration::from_secs(3600))
        .run();
    if ran.success() && kept.join("words.new").is_file() {
        return fs::rename(kept.join("words.new"), kept.join("words")).map_err(|error| error.to_string());
    }
    Err(format!("{project} is not built:\n{ran:?}"))
}

/// Copies the objects, which are gone after the link; libraries stay where they are.
const KEEPING_LINKER: &[u8] = br#"#!/bin/sh
for word do
    case $word in
    *.o) cp -- "$word" "$KEPT/objects/" && word=$KEPT/objects/${word##*/} ;;
    esac
    printf '%s\0' "$word"
done >"$KEPT/words.new"
exec wasm-ld-22 "$@"
"#;

fn without_output(mut words: Vec<OsString>) -> Vec<OsString> {
    if let Some(at) = words.iter().position(|word| word == "-o") {
        words.drain(at..at + 2);
    }
    words
}

fn project_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join("large")
}
