//! `build --variants`: the threaded module and one for places without shared memory, side by side, with a loader.

use super::messages::Artifact;
use super::target::Host;
use super::verdict::{Verdict, shown, summary};
use super::words::Words;
use super::{Call, Failure, flags, say};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const LOADER: &str = include_str!("loader.mjs");

/// Builds both. `0` where each is what its name says.
pub fn build(call: &Call) -> Result<u8, Failure> {
    if call.target.host == Host::Wasi {
        return Err(Failure::usage("--variants is for javascript: a WASI host has threads or cannot run the program at all"));
    }
    let metadata = call.cargo.metadata(&call.words, false)?;
    let base = call.words.values("--target-dir").last().map_or_else(|| metadata.target_folder(), PathBuf::from);
    let profile = call.words.profile();
    let folder = base.join("wasm-threads").join(if profile == "dev" { "debug" } else { &profile });

    say("Variant", "threaded");
    let (code, artifacts) = call.build("build", &call.words, call.library_alone(&metadata))?;
    if code != 0 {
        return Ok(code);
    }
    let mut threaded = call.verdicts(&artifacts)?;

    say("Variant", "fallback");
    let fallback = fallback(call, &base);
    // What its build script or its crates demand is meant for the other variant.
    let fallback = Call { variables: [fallback.variables, vec![("WASM_THREADS".into(), "off".into())]].concat(), ..fallback };
    let (code, others) = fallback.build("build", &fallback.words, fallback.library_alone(&metadata))?;
    if code != 0 {
        return Ok(code);
    }
    for artifact in &others {
        let verdict = Verdict::of(&artifact.path, Some(call.target.host));
        if verdict.module.as_ref().is_none_or(|module| module.memory().is_some_and(|memory| memory.shared)) {
            return Err(Failure::new(format!(
                "{} was to be the fallback, and shares its memory all the same\n  fix: look for --shared-memory in build.rs, or \
                 among the linker's arguments in .cargo/config.toml",
                shown(&artifact.path)
            )));
        }
    }
    put(&folder.join("threaded"), &artifacts)?;
    put(&folder.join("fallback"), &others)?;
    let extension = if call.target.host == Host::Emscripten { "js" } else { "wasm" };
    write(&folder.join("loader.mjs"), &LOADER.replace("EXTENSION", extension))?;
    if !call.words.has(&["--quiet"]) {
        for verdict in &mut threaded {
            verdict.path = folder.join("threaded").join(verdict.path.file_name().unwrap_or_default());
        }
        say("Threaded", &format!("{}; fallback and loader.mjs beside it", summary(&threaded)));
    }
    Ok(0)
}

/// The same call without threads, built in a folder of its own: in one folder the two would make each other stale.
fn fallback(call: &Call, base: &Path) -> Call {
    let mut words = call.words.clone();
    words.take("--target-dir");
    let mut options = vec![OsString::from("--target-dir"), base.join("wasm-threads").join("build").into()];
    options.extend(call.options.iter().cloned());
    let installed = call.rustc.sysroot.join("lib/rustlib").join(&call.target.triple).join("lib").is_dir();
    if installed {
        // Then the standard library that came with the toolchain is just right.
        options.retain(|option| option != super::BUILD_STD);
    }
    let flags = flags::without_threads(&call.flags);
    let mut variables = call.variables.clone();
    variables.retain(|(name, _)| name != "CARGO_ENCODED_RUSTFLAGS");
    variables.push(("CARGO_ENCODED_RUSTFLAGS".into(), flags.join("\x1f").into()));
    Call { words, options, variables, ..call.clone() }
}

/// Copies the modules, and what emcc wrote beside them, into a folder that holds nothing else.
fn put(folder: &Path, artifacts: &[Artifact]) -> Result<(), Failure> {
    let cannot = |path: &Path, error: std::io::Error| Failure::new(format!("{} cannot be written: {error}", shown(path)));
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| cannot(folder, error))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    for artifact in artifacts {
        // The script is under the name that cargo gives it, and asks for the module under that of rustc.
        let script = artifact.path.with_file_name(&artifact.name).with_extension("js");
        let below = artifact.path.with_file_name("deps").join(artifact.path.file_name().unwrap_or_default());
        let beside = [script, below.with_extension("worker.js")];
        for file in [&artifact.path].into_iter().chain(beside.iter().filter(|file| file.is_file())) {
            let to = folder.join(file.file_name().unwrap_or_default());
            std::fs::copy(file, &to).map_err(|error| cannot(&to, error))?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::new(format!("{} cannot be written: {error}", shown(path))))
}

/// Whether `words` ask for it; they are cargo's without it.
pub fn asked(words: &mut Words) -> bool {
    words.take("--variants")
}
