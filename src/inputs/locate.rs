//! Which file an input names, and whether it is one.

use crate::command_line::{From, Input, Options};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file that an input names.
pub(super) fn locate(input: &Input, options: &Options) -> Option<PathBuf> {
    match &input.from {
        From::Path(path) => Some(path.clone()),
        From::Library(name) => find_library(name, &options.search_paths),
    }
}

/// `-l NAME` as `lld/wasm/Driver.cpp` searches it. A shared library (`libNAME.so`) says nothing about features.
fn find_library(name: &OsStr, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = crate::os_bytes::bytes(name);
    let file = match name.strip_prefix(b":") {
        Some(exact) => crate::os_bytes::word(exact),
        None => crate::os_bytes::word([b"lib", name, b".a"].concat()),
    };
    folders.iter().map(|folder| folder.join(&file)).find(|path| path.exists())
}

/// The first input that is no file: a pipe, a device. Whoever opens it takes what is in it, or sends its writer away, so only
/// the linker may, and only once.
pub(crate) fn first_to_read_once(options: &Options) -> Option<PathBuf> {
    let files = are_files(options.inputs.iter().filter_map(|input| match &input.from {
        From::Path(path) => Some(path.as_path()),
        From::Library(_) => None,
    }));
    let sure = |input: &&Input| files && matches!(&input.from, From::Path(path) if made_by_rustc(path));
    let others = options.inputs.iter().filter(|input| !sure(input));
    others.filter_map(|input| locate(input, options)).find(|path| {
        // What is wrong with a folder, the linker says itself.
        std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir())
    })
}

/// Whether those of these that are named as rustc's objects are files for sure. So many only rustc makes; and to ask each would take a
/// third of the time that reading it takes.
pub(super) fn are_files<'a>(paths: impl Iterator<Item = &'a Path>) -> bool {
    const MANY: usize = 64;
    paths.filter(|path| made_by_rustc(path)).nth(MANY - 1).is_some()
}

pub(super) fn made_by_rustc(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b".rcgu.o")
}
