//! Opens objects, with as few calls of the system as it takes: there may be thousands.

use super::locate::made_by_rustc;
use super::object::{self, Look, Object};
use crate::module::OpenFile;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn object_at(path: &Path, look: Look) -> Option<Object> {
    open_object(path, look, &mut [0; HEAD], false).ok()
}

/// Of an object that is not larger, all is read at once, in bytes.
pub(super) const HEAD: usize = 4096;

/// Opens an object, which is asked before whether it is a file, unless that is sure.
pub(super) fn open_object(path: &Path, look: Look, head: &mut [u8; HEAD], is_file: bool) -> io::Result<Object> {
    if !made_by_rustc(path) {
        return OpenFile::open(path).map(|file| object::read(&file, look));
    }
    if !is_file && !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // There may be thousands of these, and most of the time goes into calls of the system: no more of them than it takes.
    match OpenFile::open_at_head(path, head)? {
        (_, Some(file)) => Ok(object::read(&file, look)),
        (count, None) => Ok(object::read(&head[..count], look)),
    }
}

/// Whether a file cannot be read although it is there and we may: too many are open, or memory is short. The linker may fare
/// better. Of all else it will complain itself.
pub(super) fn is_want(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, NotSeekable, PermissionDenied};
    let of_the_file = [NotFound, PermissionDenied, InvalidInput, NotADirectory, IsADirectory, NotSeekable];
    !of_the_file.contains(&error.kind())
}

/// What each of `objects` says, in their order.
pub(super) fn read_all(objects: &[(PathBuf, bool)], look: Look, beside: bool, files: bool) -> Vec<io::Result<Object>> {
    let read = |part: &[(PathBuf, bool)]| {
        let mut head = [0; HEAD];
        part.iter().map(|(path, _)| open_object(path, look, &mut head, files)).collect::<Vec<_>>()
    };
    // An object takes about five microseconds, and a thread about fifty; to learn how many can run takes longer still.
    const WORTH_A_THREAD: usize = 128;
    if objects.len() < 2 * WORTH_A_THREAD {
        return read(objects);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from) - usize::from(beside);
    let threads = processors.min(objects.len() / WORTH_A_THREAD).min(8);
    if threads < 2 {
        return read(objects);
    }
    let parts = objects.chunks(objects.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let running: Vec<_> =
            parts.map(|part| (part, std::thread::Builder::new().spawn_scoped(scope, move || read(part)))).collect();
        running
            .into_iter()
            // Where no thread can be had, the work is done here.
            .flat_map(|(part, thread)| thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| read(part)))
            .collect()
    })
}
