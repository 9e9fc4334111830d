//! Whether the standard library is compiled anew, and for whom.

use super::look::{Look, variable};
use super::report::{Level, Place, Report};
use crate::project::config_file::words;

pub fn examine(look: &Look, report: &mut Report) {
    if look.recipe.build_std.is_empty() {
        return;
    }
    let keys = ["unstable", "build-std"];
    let triple = look.recipe.triple;
    let by_variable = variable("CARGO_UNSTABLE_BUILD_STD").map(|value| value.to_string_lossy().into_owned());
    let mut crates: Vec<String> = Vec::new();
    let mut place = Place::None;
    for file in look.files.iter().rev() {
        let Some(item) = file.get(&keys) else { continue };
        place = Place::File(file.path.clone(), file.line(&keys));
        match item.as_array().and_then(|_| words(item)) {
            Some(names) => crates.extend(names),
            None => {
                let message = "build-std is no array of strings: cargo takes nothing else here";
                let fix = super::in_config("unstable", &format!("build-std = {:?}", look.recipe.build_std));
                report.add(Level::Error, "build-std-is-no-array", message, place, fix);
                return;
            }
        }
    }
    if let Some(value) = &by_variable {
        crates.extend(value.split_whitespace().map(str::to_owned));
        place = Place::Variable("CARGO_UNSTABLE_BUILD_STD".to_owned());
    }
    if place == Place::None {
        report.fact("build-std", "not configured", Place::None);
        report.add(
            Level::Warning,
            "build-std-missing",
            "the standard library that is there has no atomics, and cargo's configuration does not have it compiled anew",
            Place::None,
            format!(
                "cargo wasm-threads init; or with each call: -Zbuild-std={} --target {triple}",
                look.recipe.build_std.join(",")
            ),
        );
        return;
    }
    report.fact("build-std", crates.join(", "), place.clone());
    let has_std = crates.iter().flat_map(|names| names.split(',')).any(|name| name.trim() == "std");
    if !has_std && !crates.is_empty() {
        report.add(
            Level::Note,
            "build-std-without-std",
            "build-std is without std: right where every package is no_std",
            place.clone(),
            super::in_config("unstable", &format!("build-std = {:?}", look.recipe.build_std)),
        );
    }
    if look.config.build.target.as_ref().is_none_or(Vec::is_empty) {
        report.add(
            Level::Warning,
            "build-std-hits-the-host",
            "without --target, build-std compiles the standard library for this machine, its build scripts and procedural macros too",
            place,
            super::in_config("build", &format!("target = \"{triple}\"")),
        );
    }
}
