//! What stands elsewhere in the project and works against its configuration.

use super::look::Look;
use super::report::{Level, Place, Report};
use crate::project::scripts;

pub fn examine(look: &Look, report: &mut Report) {
    for file in &look.files {
        let other = file.path.with_extension("toml");
        if file.path.extension().is_none() && other.is_file() && !same(&file.path, &other) {
            let message = "cargo reads this file, and not the config.toml beside it";
            let fix = format!("move what is in it to {}, and remove it", other.display());
            report.add(Level::Warning, "config-is-shadowed", message, Place::File(file.path.clone(), None), fix);
        }
    }
    for setting in scripts::find(&look.project.manifests) {
        let place = Place::File(setting.path, Some(setting.line));
        let variable = setting.variable;
        if setting.has_atomics || look.recipe.features.is_none() {
            let message = format!("{variable} takes the place of rustflags in cargo's configuration here; the linker stays");
            report.add(Level::Note, "script-sets-rustflags", message, place, "leave it out where rustflags say the same");
        } else {
            let message = format!("{variable} takes the place of rustflags in cargo's configuration here, and has no +atomics");
            let fix = format!("CARGO_TARGET_{}_RUSTFLAGS in its place, which adds to them", look.in_variables());
            report.add(Level::Warning, "script-loses-atomics", message, place, fix);
        }
    }
}

/// A link from one to the other is what careful people make for old versions of cargo.
fn same(one: &std::path::Path, other: &std::path::Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
