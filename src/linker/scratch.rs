//! A folder for what only this link needs. Made when the first file is written, removed when the link ends.

use crate::report::Finding;
use crate::rules;
use std::io;
use std::path::PathBuf;

/// The folder.
#[derive(Default)]
pub(crate) struct Scratch {
    folder: Option<tempfile::TempDir>,
    written: usize,
}

impl Scratch {
    /// Whether there is nothing to remove. Only asked where this process can become the linker.
    #[cfg(unix)]
    pub(crate) fn is_empty(&self) -> bool {
        self.folder.is_none()
    }

    /// The path of a new file in the folder.
    pub(crate) fn path(&mut self, name: &str) -> io::Result<PathBuf> {
        if self.folder.is_none() {
            self.folder = Some(tempfile::Builder::new().prefix("wasm-threads-").tempdir()?);
        }
        let folder = self.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
        self.written += 1;
        Ok(folder.join(format!("{}-{name}", self.written)))
    }

    /// A new folder in the folder.
    pub(crate) fn folder(&mut self, name: &str) -> io::Result<PathBuf> {
        let path = self.path(name)?;
        std::fs::create_dir(&path)?;
        Ok(path)
    }

    /// Writes a new file and says where.
    pub(crate) fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(name)?;
        std::fs::write(&path, contents)?;
        Ok(path)
    }
}

/// The finding for a link that needs a temporary file and can have none.
pub(crate) fn no_scratch(error: &io::Error) -> Box<Finding> {
    Box::new(Finding::new(
        &rules::LINKER_DID_NOT_START,
        "no temporary file could be written for this link",
        error.to_string(),
        "room for a few small files",
        "free space in the temporary folder, or name another one in TMPDIR (TEMP on Windows)",
    ))
}
