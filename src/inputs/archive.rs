//! The members of an archive: GNU, BSD, COFF or thin.

use super::ar;
use super::object::{self, Look, Object};
use super::read_ahead::ReadAhead;
use crate::module::{OpenFile, Part};
use object::Says;
use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// One member.
pub(crate) struct Member<'a> {
    /// Its name in the archive.
    pub name: Cow<'a, str>,
    /// What it says.
    pub object: Object,
}

/// Visits the members of the archive at `path`, until `visit` breaks. An archive that is none visits what can be: the real linker
/// will complain of the rest. An error says that a file could not be opened.
pub(crate) fn members(path: &Path, look: Look, visit: impl FnMut(Member<'_>) -> ControlFlow<()>) -> io::Result<()> {
    let ended = OpenFile::open(path).and_then(|file| walk(path, &file, look, visit));
    if let Err(error) = &ended {
        log::info!("cannot read the archive {}: {error}", path.display());
    }
    // What is wrong within it is not about opening files.
    ended.or_else(|error| if error.kind() == io::ErrorKind::InvalidData { Ok(()) } else { Err(error) })
}

fn walk(path: &Path, file: &OpenFile, look: Look, mut visit: impl FnMut(Member<'_>) -> ControlFlow<()>) -> io::Result<()> {
    let itself = object::read(file, look);
    if itself.says != Says::Archive {
        // An object under an archive's name: the linker goes by contents, too.
        let _ = visit(Member { name: Cow::Borrowed(""), object: itself });
        return Ok(());
    }
    let ahead = ReadAhead::new(file);
    let folder = path.parent().unwrap_or(Path::new(""));
    ar::members(&ahead, |member| {
        let object = match member.place {
            Some(place) => object::read(&Part::new(&ahead, place.start, place.end - place.start), look),
            // A thin member is a file, named relative to its archive.
            None => match OpenFile::open(&folder.join(PathBuf::from(crate::os_bytes::word(member.name)))) {
                Ok(file) => object::read(&file, look),
                Err(error) if super::open::is_want(&error) => return Err(error),
                Err(_) => return Ok(true),
            },
        };
        let name = String::from_utf8_lossy(member.name);
        Ok(object.says == Says::Archive || visit(Member { name, object }).is_continue())
    })
}
