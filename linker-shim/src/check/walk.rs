//! Which modules lie in a folder.

use super::patterns::plain;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Found {
    pub files: BTreeSet<PathBuf>,
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Whether the name is that of a module. What the linker has rejected is none, whoever asks.
pub fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wasm"))
}

fn is_rejected(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("rejected"))
}

/// Adds the files in `folder`, or `folder` itself where it is a file, that are `wanted`. Links are followed; no folder is looked at
/// twice.
pub fn modules(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Found) {
    let mut seen = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if !path.is_dir() {
            // A module that is a link to nowhere is one that cannot be read.
            if !is_rejected(&path) && wanted(&path) && path.symlink_metadata().is_ok() {
                found.files.insert(plain(&path));
            }
            continue;
        }
        match path.canonicalize() {
            Ok(real) if !seen.insert(real.clone()) => continue,
            Ok(_) => {}
            Err(error) => {
                found.unreadable.push((plain(&path), error));
                continue;
            }
        }
        let entries =
            path.read_dir().and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
        match entries {
            Ok(mut entries) => {
                // From the first name on, whatever order the system has them in.
                entries.sort_by(|a, b| b.cmp(a));
                open.extend(entries);
            }
            Err(error) => found.unreadable.push((plain(&path), error)),
        }
    }
}
