//! The members of an archive: GNU, BSD, COFF or thin.

use super::object::{self, Look, Object};
use crate::module::{OpenFile, Part};
use ::object::read::ReadCache;
use ::object::read::archive::ArchiveFile;
use object::Says;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// One member.
pub(crate) struct Member {
    /// Its name in the archive.
    pub name: String,
    /// What it says.
    pub object: Object,
}

/// Visits the members of the archive at `path`, until `visit` breaks. An archive that cannot be read visits what can be:
/// the real linker will complain of the rest.
pub(crate) fn members(path: &Path, look: Look, mut visit: impl FnMut(Member) -> ControlFlow<()>) {
    let mut walk = || -> Result<(), Box<dyn std::error::Error>> {
        let file = OpenFile::open(path)?;
        let itself = object::read(&file, look);
        if itself.says != Says::Archive {
            // An object under an archive's name: the linker goes by contents, too.
            let _ = visit(Member { name: String::new(), object: itself });
            return Ok(());
        }
        let cache = ReadCache::new(std::fs::File::open(path)?);
        let archive = ArchiveFile::parse(&cache)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for member in archive.members() {
            let member = member?;
            let name = String::from_utf8_lossy(member.name()).into_owned();
            let object = if member.is_thin() {
                // A thin member is a file, named relative to its archive.
                match OpenFile::open(&folder.join(PathBuf::from(crate::os_bytes::word(member.name())))) {
                    Ok(file) => object::read(&file, look),
                    Err(_) => continue,
                }
            } else {
                let (start, size) = member.file_range();
                object::read(&Part::new(&file, start, size), look)
            };
            if object.says != Says::Archive && visit(Member { name, object }).is_break() {
                break;
            }
        }
        Ok(())
    };
    if let Err(error) = walk() {
        log::info!("cannot read the archive {}: {error}", path.display());
    }
}
