//! Where the real linker is.

use super::programs::{find_program, folders_on_path, is_program};
use super::system::System;
use crate::command_line::Style;
use crate::os_bytes::bytes;
use crate::report::Finding;
use crate::rules;
use crate::settings::Settings;
use std::env;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A linker to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RealLinker {
    /// Its path: also its `argv[0]`, in which `lld` looks for the flavor.
    pub path: PathBuf,
    /// It links for every system and must be told `-flavor wasm`.
    pub generic: bool,
}

impl RealLinker {
    fn at(path: PathBuf) -> RealLinker {
        // lld takes its flavor from the first piece of its name that is one (`DriverDispatcher.cpp`); these have none.
        let stem = System::HERE.program_name(path.as_os_str()).unwrap_or_default();
        let name = stem.trim_end_matches(|character: char| character.is_ascii_digit()).trim_end_matches('-');
        let generic = name == "rust-lld" || name == "lld";
        RealLinker { path, generic }
    }
}

/// Finds the linker for `style`: the one that was named, else the places where toolchains put one.
pub(crate) fn find(settings: &Settings, style: Style) -> Result<RealLinker, Box<Finding>> {
    if let Some(named) = &settings.linker {
        return find_named(named, "--wasm-threads-linker=");
    }
    if let Some(named) = &settings.linker_variable {
        match style_of_program(named) {
            Some(other) if other != style => {
                log::info!("WASM_THREADS_LINKER={} is for another style of command line and ignored", named.display());
            }
            _ => return find_named(named, "WASM_THREADS_LINKER="),
        }
    }
    let mut search = Search { looked: Vec::new() };
    let found = match style {
        Style::Emcc => search.in_variable("EMSDK", &["upstream", "emscripten"], "emcc").or_else(|| search.on_path("emcc")),
        Style::Clang => search.in_variable("WASI_SDK_PATH", &["bin"], "clang").or_else(|| search.on_path("clang")),
        Style::WasmLd | Style::Host => {
            search.on_path("rust-lld").or_else(|| search.wasm_ld_on_path()).or_else(|| search.in_sysroot("rust-lld"))
        }
    };
    found.map(RealLinker::at).ok_or_else(|| {
        let (name, wanted, fix) = words_for(style);
        Box::new(not_found(name, &search.looked, wanted, fix))
    })
}

/// Finds the linker that makes a component of a module: rustc's own default for `wasm32-wasip2` and later. It stands among rustc's
/// tools, and is no `wasm-ld`: one that the variable names for all other links is passed over.
pub(crate) fn find_for_components(settings: &Settings) -> Result<RealLinker, Box<Finding>> {
    if let Some(named) = &settings.linker {
        return find_named(named, "--wasm-threads-linker=");
    }
    if let Some(named) = &settings.linker_variable {
        if style_of_program(named).is_none() {
            return find_named(named, "WASM_THREADS_LINKER=");
        }
        log::info!("WASM_THREADS_LINKER={} makes no components and is ignored", named.display());
    }
    let mut search = Search { looked: Vec::new() };
    let found = search
        .on_path(COMPONENT_LINKER)
        .or_else(|| search.in_sysroot(COMPONENT_LINKER))
        .or_else(|| search.in_variable("WASI_SDK_PATH", &["bin"], COMPONENT_LINKER));
    found.map(RealLinker::at).ok_or_else(|| {
        Box::new(not_found(
            COMPONENT_LINKER,
            &search.looked,
            "wasm-component-ld, as rustup installs it with rustc, in a folder that PATH names in full",
            "rustup toolchain install stable, or cargo install wasm-component-ld; or name it: rustflags = \
             [\"-Clink-arg=--wasm-threads-linker=/path/to/wasm-component-ld\"]",
        ))
    })
}

const COMPONENT_LINKER: &str = "wasm-component-ld";

fn find_named(named: &OsStr, by: &str) -> Result<RealLinker, Box<Finding>> {
    let mut search = Search { looked: Vec::new() };
    let path = Path::new(named);
    let found = if System::HERE.names_a_folder(named) {
        let found = find_program(named);
        if found.is_none() {
            search.looked.push(format!("{} ({})", path.display(), why_no_program(path)));
        }
        found
    } else {
        search.on_path_exact(named)
    };
    match found {
        Some(path) if is_myself(&path) => Err(Box::new(Finding::new(
            &rules::LINKER_IS_THE_SHIM,
            format!("{by}{} names wasm-threads-linker itself", named.display()),
            path.display().to_string(),
            "the real linker: rust-lld or wasm-ld",
            format!("leave {} out, or name rust-lld there", by.trim_end_matches('=')),
        ))),
        Some(path) => Ok(RealLinker::at(unwrap_gcc_ld(path))),
        None => Err(Box::new(Finding::new(
            &rules::LINKER_NOT_FOUND,
            format!("the linker that {by}{} names cannot be run", named.display()),
            format!("looked at\n{}", search.looked.join("\n")),
            "a program that can be run",
            format!("leave {} out to have rust-lld or wasm-ld searched, or give its whole path", by.trim_end_matches('=')),
        ))),
    }
}

/// What stands where a program should.
fn why_no_program(path: &Path) -> &'static str {
    match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => "a folder",
        Ok(_) => "a file that may not be run",
        Err(_) => "no program there",
    }
}

/// What a program of this name links, where the name tells.
fn style_of_program(program: &OsStr) -> Option<Style> {
    let name = System::HERE.program_name(program)?;
    let stem = name.trim_end_matches(|character: char| character.is_ascii_digit() || matches!(character, '-' | '.'));
    if stem == "emcc" || stem == "em++" {
        Some(Style::Emcc)
    } else if stem.ends_with("clang") || stem.ends_with("clang++") || stem.ends_with("gcc") || stem == "cc" {
        Some(Style::Clang)
    } else if stem.ends_with("wasm-ld") || stem.ends_with("lld") {
        Some(Style::WasmLd)
    } else {
        None
    }
}

/// The places looked at so far, in words.
struct Search {
    looked: Vec<String>,
}

impl Search {
    fn try_file(&mut self, path: PathBuf) -> Option<PathBuf> {
        if !is_program(&path) {
            return None;
        }
        if is_myself(&path) {
            self.looked.push(format!("{} (is wasm-threads-linker itself)", path.display()));
            return None;
        }
        Some(unwrap_gcc_ld(path))
    }

    fn on_path(&mut self, name: &str) -> Option<PathBuf> {
        self.on_path_exact(OsStr::new(name))
    }

    fn on_path_exact(&mut self, name: &OsStr) -> Option<PathBuf> {
        let files = System::HERE.programs(name);
        let found =
            folders_on_path().into_iter().find_map(|folder| files.iter().find_map(|file| self.try_file(folder.join(file))));
        if found.is_none() {
            self.looked.push(format!("PATH, for {}", files[0].display()));
        }
        found
    }

    /// `wasm-ld`, else the highest `wasm-ld-NN`, as Debian and Ubuntu install it.
    fn wasm_ld_on_path(&mut self) -> Option<PathBuf> {
        if let Some(found) = self.on_path("wasm-ld") {
            return Some(found);
        }
        let mut versions: Vec<(u32, PathBuf)> = Vec::new();
        for folder in folders_on_path() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let version = name
                    .to_str()
                    .and_then(|name| name.strip_prefix("wasm-ld-"))
                    .and_then(|name| name.strip_suffix(env::consts::EXE_SUFFIX).and_then(|digits| digits.parse::<u32>().ok()));
                if let Some(version) = version {
                    versions.push((version, folder.join(&name)));
                }
            }
        }
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let found = versions.into_iter().find_map(|(_, path)| self.try_file(path));
        if found.is_none() {
            self.looked.push("PATH, for wasm-ld-NN of any version".to_owned());
        }
        found
    }

    fn in_variable(&mut self, variable: &str, inside: &[&str], name: &str) -> Option<PathBuf> {
        let Some(root) = env::var_os(variable).filter(|value| !value.is_empty()) else {
            self.looked.push(format!("the variable {variable} (not set)"));
            return None;
        };
        let mut path = PathBuf::from(root);
        path.extend(inside);
        let files = System::HERE.programs(OsStr::new(name));
        let found = files.iter().find_map(|file| self.try_file(path.join(file)));
        if found.is_none() {
            self.looked.push(format!("{} ({variable})", path.join(&files[0]).display()));
        }
        found
    }

    /// The tool of that name that belongs to the `rustc` that would be run here. Only asked where nothing was found without
    /// starting a process.
    fn in_sysroot(&mut self, name: &str) -> Option<PathBuf> {
        let rustc = env::var_os("RUSTC").filter(|value| !value.is_empty()).unwrap_or_else(|| "rustc".into());
        // Not by its name alone: the system would look into the current folder too, where PATH names it.
        let by_its_path = || System::HERE.names_a_folder(&rustc).then(|| PathBuf::from(&rustc));
        let Some(program) = find_program(&rustc).or_else(by_its_path) else {
            self.looked.push(format!("the sysroot of {} (which is not on PATH)", rustc.display()));
            return None;
        };
        let output = Command::new(&program).args(["--print", "sysroot"]).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let sysroot = match output {
            Ok(output) if output.status.success() => String::from_utf8_lossy(output.stdout.trim_ascii_end()).into_owned(),
            _ => {
                self.looked.push(format!("the sysroot of {} (which cannot be run)", rustc.display()));
                return None;
            }
        };
        let targets = Path::new(&sysroot).join("lib").join("rustlib");
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        let found = std::fs::read_dir(&targets)
            .into_iter()
            .flatten()
            .flatten()
            .find_map(|entry| self.try_file(entry.path().join("bin").join(&file)));
        if found.is_none() {
            self.looked.push(format!("{}, for */bin/{file}", targets.display()));
        }
        found
    }
}

/// rustup's `gcc-ld/wasm-ld` is a wrapper that refuses `-flavor` and calls the `rust-lld` one folder up: call that.
fn unwrap_gcc_ld(path: PathBuf) -> PathBuf {
    let folder = path.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "gcc-ld"));
    let sibling = folder
        .and_then(Path::parent)
        .map(|bin| bin.join(format!("rust-lld{}", env::consts::EXE_SUFFIX)))
        .filter(|candidate| is_program(candidate));
    sibling.unwrap_or(path)
}

/// Whether `path` is this very program, under whatever name or link. A copy or a script that calls us is only noticed by
/// the depth counter.
fn is_myself(path: &Path) -> bool {
    env::current_exe().is_ok_and(|me| is_same_file(&me, path))
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path| std::fs::metadata(path).map(|facts| (facts.dev(), facts.ino())).ok();
    identity(one).is_some_and(|found| Some(found) == identity(other))
}

#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn not_found(name: &str, looked: &[String], wanted: &str, fix: &str) -> Finding {
    let mut found = String::from("looked at");
    for place in looked {
        let _ = write!(found, "\n{place}");
    }
    let _ = write!(found, "\n(PATH is {})", env::var_os("PATH").map_or("not set".into(), |path| path.display().to_string()));
    Finding::new(&rules::LINKER_NOT_FOUND, format!("no {name} was found to link with"), found, wanted, fix)
}

/// What is missing, what was wanted and what mends it, where no linker for `style` was found.
fn words_for(style: Style) -> (&'static str, &'static str, &'static str) {
    match style {
        Style::Emcc => ("emcc", "emcc, of the Emscripten SDK", "activate the Emscripten SDK (EMSDK), or put emcc on PATH"),
        Style::Clang => ("clang", "clang, of the WASI SDK or the system's", "set WASI_SDK_PATH, or put clang on PATH"),
        Style::WasmLd | Style::Host => (
            "rust-lld and no wasm-ld",
            "rust-lld, as rustup installs it, or wasm-ld, in a folder that PATH names in full",
            "rustup toolchain install stable, or install lld; or name one: rustflags = \
             [\"-Clink-arg=--wasm-threads-linker=/path/to/wasm-ld\"]",
        ),
    }
}

/// The variable that counts how often the shim is on its own way, and where it says stop: `clang -fuse-ld=` back to the shim
/// is two, nothing sensible is more.
pub(crate) const DEPTH: &str = "WASM_THREADS_DEPTH";
const MOST_DEPTH: u32 = 4;

/// How deep this process is, to be handed on as one more; an error where that is too deep.
pub(crate) fn depth() -> Result<u32, Box<Finding>> {
    let depth = env::var(DEPTH).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    if depth < MOST_DEPTH {
        return Ok(depth);
    }
    let named = ["WASM_THREADS_LINKER", "PATH"].map(|name| {
        let value = env::var_os(name).unwrap_or_default();
        format!("{name}={}", String::from_utf8_lossy(bytes(&value)))
    });
    Err(Box::new(Finding::new(
        &rules::LINKER_IS_THE_SHIM,
        "the linker that wasm-threads-linker calls is wasm-threads-linker again",
        format!("{MOST_DEPTH} calls inside each other, with\n{}", named.join("\n")),
        "a real linker: rust-lld or wasm-ld",
        "name it: -C link-arg=--wasm-threads-linker=/path/to/rust-lld (a copy of the shim, or a script that calls it, is no linker)",
    )))
}
