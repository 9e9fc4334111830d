//! Where flags come from, which of them cargo drops, and what is lost with them.

use super::look::{InForce, Look};
use super::report::{Level, Place, Report};
use crate::project::flags::Flags;

pub fn examine(look: &Look, report: &mut Report) {
    fact("rustflags", &look.rustflags, report);
    fact("rustdocflags", &look.rustdocflags, report);
    let triple = look.recipe.triple;
    let flags = look.rustflags.flags();
    dropped(look, "rustflags", &look.rustflags, report);
    dropped(look, "rustdocflags", &look.rustdocflags, report);
    if let Some(features) = look.recipe.features {
        let lost = look.rustflags.dropped.iter().any(|source| Flags::read(&source.words).threaded());
        if !flags.threaded() && !lost {
            let found = match (flags.atomics, flags.bulk_memory) {
                (Some(false), _) => "rustflags switch atomics off",
                (_, Some(false)) => "rustflags switch bulk-memory off, and without it there are no atomics",
                _ => "no rustflags have +atomics",
            };
            report.add(
                Level::Error,
                "atomics-missing",
                format!("{found}: nothing is compiled for threads"),
                look.rustflags.place(),
                format!(
                    "cargo wasm-threads init; or {}",
                    super::in_config(
                        &format!("target.{triple}"),
                        &format!("rustflags = [\"-C\", \"target-feature={features}\"]")
                    )
                ),
            );
        }
        if flags.threaded() && look.project.has_library && !look.rustdocflags.flags().threaded() {
            let message = "rustdocflags have no +atomics: doctests are compiled without, among crates that have them";
            let fix = format!(
                "cargo wasm-threads init; or {}",
                super::in_config(
                    &format!("target.{triple}"),
                    &format!("rustdocflags = [\"-C\", \"target-feature={features}\"]")
                )
            );
            report.add(Level::Warning, "rustdocflags-missing", message, look.rustdocflags.place(), fix);
        }
    }
    if flags.has("--no-check-features") {
        report.add(
            Level::Warning,
            "no-check-features",
            "--no-check-features lets objects without atomics into a shared memory, where they are wrong without a word",
            place_of(look, "--no-check-features"),
            "leave it out, and compile what is then refused with atomics",
        );
    }
    let marked = flags.exports("wasm-threads:threaded") || flags.value("--wasm-threads") == Some("threaded");
    if !marked && look.build_variable("WASM_THREADS").is_none_or(|(value, _)| value != "threaded") {
        report.add(
            Level::Note,
            "need-not-stated",
            "nothing in cargo's configuration says that links must be threaded (a build.rs may): where +atomics gets lost, they pass without a word",
            Place::None,
            format!(
                "a build.rs with wasm_threads::build_script::threaded(), which RUSTFLAGS does not take away; or cargo wasm-threads init; \
                 or in rustflags: \"-C\", \"link-arg={}\"",
                look.recipe.marker
            ),
        );
    }
}

fn fact(name: &'static str, flags: &InForce, report: &mut Report) {
    for source in &flags.sources {
        let words = if source.words.is_empty() { "(set to nothing)".to_owned() } else { source.words.join(" ") };
        report.fact(name, words, source.place.clone());
    }
    if flags.sources.is_empty() {
        report.fact(name, "none", Place::None);
    }
}

/// The sources that cargo does not pass on, for the sake of another.
fn dropped(look: &Look, name: &str, flags: &InForce, report: &mut Report) {
    let Some(winner) = flags.sources.first() else { return };
    let by_variable =
        !winner.name.contains('.') && !winner.name.starts_with("CARGO_TARGET_") && !winner.name.starts_with("CARGO_BUILD_");
    let in_force = flags.words();
    // What is repeated where it counts is not lost.
    let lost = flags.dropped.iter().filter(|source| !in_force.windows(source.words.len()).any(|part| part == source.words));
    for source in lost {
        let atomics = look.recipe.features.is_some() && Flags::read(&source.words).threaded() && !flags.flags().threaded();
        let loses = if atomics { ", and +atomics with them: the module has one thread, without a word" } else { "" };
        let id = match (name, atomics) {
            ("rustflags", true) => "atomics-lost",
            ("rustflags", false) => "rustflags-dropped",
            (_, true) => "rustdocflags-atomics-lost",
            (_, false) => "rustdocflags-dropped",
        };
        let level = if id == "atomics-lost" { Level::Error } else { Level::Warning };
        let repeat = source.words.join(" ");
        let fix = match by_variable {
            true => format!(
                "unset {}; to add flags use CARGO_TARGET_{}_{}, which adds to those of the target; or repeat there: {repeat}",
                winner.name,
                look.in_variables(),
                name.to_ascii_uppercase()
            ),
            false => format!("repeat in {}: {repeat}", winner.name),
        };
        let message = format!("cargo takes {} in place of {} ({repeat}){loses}", winner.name, source.name);
        report.add(level, id, message, source.place.clone(), fix);
    }
}

/// The source that passes a linker's word.
fn place_of(look: &Look, word: &str) -> Place {
    let source = look.rustflags.sources.iter().find(|source| Flags::read(&source.words).has(word));
    source.map_or(Place::None, |source| source.place.clone())
}
