//! The linker that cargo would really use, and what is missing where that is not the shim.

use super::ask::find;
use super::look::{Look, variable};
use super::report::{Level, Place, Report};
use super::toolchain::Breaks;
use crate::project::flags::Flags;
use std::ffi::OsString;
use std::path::PathBuf;
use wasm_threads::TLS_EXPORTS;

/// What a threaded module takes from a line for wasm-ld, where rustc passes nothing.
const NEEDED: [&str; 3] = ["--shared-memory", "--import-memory", "--max-memory"];

/// Whether it is the shim.
pub fn examine(look: &Look, report: &mut Report) -> bool {
    let flags = look.rustflags.flags();
    let (named, place) = named(look, &flags);
    if flags.linker.is_some() && configured(look).is_some_and(|(linker, _)| Some(linker.as_os_str()) != named.as_deref()) {
        let linker = flags.linker.as_deref().unwrap_or_default();
        if !crate::project::is_shim(linker.as_ref()) {
            report.add(
                Level::Error,
                "linker-in-rustflags",
                format!("-C linker={linker} in rustflags wins over `linker` in cargo's configuration"),
                place.clone(),
                format!("leave it out; where the shim is to call {linker}: -C link-arg=--wasm-threads-linker={linker}"),
            );
        }
    }
    let Some(named) = named else {
        report.fact("linker", "rustc's own choice", Place::None);
        not_the_shim(look, &flags, "no linker is named, so rustc takes its own", Place::None, report);
        return false;
    };
    let Some(program) = find(&named, &look.project.folder) else {
        report.fact("linker", format!("{}, not found", named.display()), place.clone());
        let install =
            if crate::project::is_shim(&named) { "cargo install wasm-threads-linker" } else { "name one that is there" };
        report.add(
            Level::Error,
            "linker-missing",
            format!("the linker {} is not there, or may not be run", named.display()),
            place,
            format!("{install}; PATH is {}", variable("PATH").unwrap_or_default().display()),
        );
        return false;
    };
    let said = look.version(&program, "--wasm-threads-version").filter(|said| said.starts_with("wasm-threads-linker "));
    let shown = said.clone().unwrap_or_else(|| named.display().to_string());
    report.fact("linker", format!("{shown}, {}", program.display()), place.clone());
    match said {
        Some(_) => true,
        None => {
            not_the_shim(look, &flags, &format!("the linker is {}", named.display()), place, report);
            false
        }
    }
}

/// The linker that counts, and where it is named: rustc takes `-C linker` of the flags over cargo's.
fn named(look: &Look, flags: &Flags) -> (Option<OsString>, Place) {
    if let Some(linker) = &flags.linker {
        let names_it = |words: &[String]| Flags::read(words).linker.is_some();
        let source = look.rustflags.sources.iter().rev().find(|source| names_it(&source.words));
        let place = source.map_or_else(|| look.rustflags.place(), |source| source.place.clone());
        return (Some(linker.into()), place);
    }
    match configured(look) {
        Some((linker, place)) => (Some(linker.into()), place),
        None => (None, Place::None),
    }
}

/// What cargo's configuration names.
fn configured(look: &Look) -> Option<(PathBuf, Place)> {
    let linker = look.config.linker(look.recipe.triple).ok().flatten()?;
    let name = format!("CARGO_TARGET_{}_LINKER", look.in_variables());
    if variable(&name).is_some() {
        return Some((linker, Place::Variable(name)));
    }
    let keys = ["target", look.recipe.triple, "linker"];
    let own = look.configured(&keys).map(|(_, place)| place);
    // A table of `cfg(…)`, the first that names this one.
    let for_cfg = || {
        look.files.iter().find_map(|file| {
            let tables = file.names(&["target"]).into_iter().filter(|table| table.starts_with("cfg("));
            let mut tables = tables.filter(|table| file.text(&["target", table, "linker"]).is_some());
            let table = tables.find(|table| linker.ends_with(file.text(&["target", table, "linker"]).unwrap_or_default()))?;
            Some(Place::File(file.path.clone(), file.line(&["target", &table, "linker"])))
        })
    };
    let place = own.or_else(for_cfg).unwrap_or(Place::None);
    Some((linker, place))
}

fn not_the_shim(look: &Look, flags: &Flags, found: &str, place: Place, report: &mut Report) {
    let table = format!("target.{}", look.recipe.triple);
    let fix = format!("cargo wasm-threads init; or {}", super::in_config(&table, "linker = \"wasm-threads-linker\""));
    let breaks = look.rustc.as_ref().map(Breaks::of).unwrap_or_default();
    let (level, message) = match look.recipe.triple {
        "wasm32-unknown-emscripten" => {
            let pthread = ["-pthread", "-sUSE_PTHREADS", "-sUSE_PTHREADS=1", "-sPTHREADS", "-sPTHREADS=1"];
            match flags.link_words.iter().any(|word| pthread.contains(&word.as_str())) {
                true => (Level::Warning, format!("{found}; rustflags pass -pthread by hand, and nobody checks the module")),
                false => {
                    (Level::Error, format!("{found}, and nothing passes -pthread: the module has one thread, without a word"))
                }
            }
        }
        "wasm32-wasip1-threads" => {
            (Level::Note, format!("{found}; rustc passes what threads need, and nobody checks the module"))
        }
        _ if !breaks.shared_memory && look.rustc.is_ok() => {
            (Level::Note, format!("{found}; this rustc passes what threads need by itself, and from 1.92 on it does not"))
        }
        _ => match missing(flags).as_slice() {
            [] => (Level::Warning, format!("{found}; rustflags pass what threads need by hand, and nobody checks the module")),
            missing => {
                let missing = missing.join(" ");
                (Level::Error, format!("{found}, and nothing passes {missing}: the module has one thread, without a word"))
            }
        },
    };
    report.add(level, "linker-is-not-the-shim", message, place.clone(), fix);
    let exports_tls = flags.exports("__wasm_init_tls") || flags.exports("__tls_size");
    if breaks.allow_undefined && exports_tls && !flags.has("--shared-memory") {
        report.add(
            Level::Error,
            "exports-without-shared-memory",
            "rustflags export __wasm_init_tls and pass no --shared-memory: since rustc 1.96 such a link fails, `symbol exported via \
             --export not found`",
            look.rustflags.place(),
            "cargo wasm-threads init; by hand: -C link-arg=--shared-memory",
        );
    }
}

/// What is not passed by hand.
fn missing(flags: &Flags) -> Vec<String> {
    let options = NEEDED.iter().filter(|option| !flags.has(option)).map(|option| (*option).to_owned());
    let exports = TLS_EXPORTS.iter().filter(|symbol| !flags.exports(symbol)).map(|symbol| format!("--export={symbol}"));
    options.chain(exports).collect()
}
