//! A folder for what only this link needs. Made when the first file is written, removed when the link ends.

use crate::report::Finding;
use crate::rules;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

/// The folder.
#[derive(Default)]
pub(crate) struct Scratch {
    folder: Option<tempfile::TempDir>,
    /// What is in it, as far as we know: folders before what is in them.
    paths: Vec<PathBuf>,
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
            let folder = tempfile::Builder::new().prefix("wasm-threads-").tempdir()?;
            super::signals::remove_at_the_end(folder.path());
            self.folder = Some(folder);
        }
        let folder = self.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
        let path = folder.join(format!("{}-{name}", self.paths.len() + 1));
        self.paths.push(path.clone());
        Ok(path)
    }

    /// The path of a new file of this very name, in a folder in the folder.
    pub(crate) fn path_in_folder(&mut self, folder: &str, name: &OsStr) -> io::Result<PathBuf> {
        let folder = self.path(folder)?;
        std::fs::create_dir(&folder)?;
        let path = folder.join(name);
        self.paths.push(path.clone());
        Ok(path)
    }

    /// Writes a new file and says where.
    pub(crate) fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(name)?;
        std::fs::write(&path, contents)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // By name: to list a folder takes an open file, of which there may be none left.
        for path in self.paths.iter().rev() {
            let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir(path));
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir(folder.path());
        }
    }
}

/// The finding for a link that needs a temporary file and can have none.
pub(crate) fn no_scratch(error: &io::Error) -> Box<Finding> {
    Box::new(Finding::new(
        &rules::LINKER_DID_NOT_START,
        "no temporary file could be written for this link",
        error.to_string(),
        "room for a few small files",
        match error.raw_os_error() {
            // EMFILE and ENFILE, which have these numbers on every Unix.
            Some(24 | 23) if cfg!(unix) => "allow more open files: ulimit -n",
            _ => "free space in the temporary folder, or name another one in TMPDIR (TEMP on Windows)",
        },
    ))
}
