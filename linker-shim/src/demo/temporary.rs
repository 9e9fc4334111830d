//! A folder that goes away with its owner, however the demo ends.

use std::io;
use std::path::{Path, PathBuf};

/// One that no other user may read.
#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// The folder for temporary files is the user's own already.
#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// A new, empty folder of this process alone.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one where the system keeps temporary files.
    pub fn new() -> io::Result<Folder> {
        // Absolute, because the names go to tools and into a URL.
        let parent = std::path::absolute(std::env::temp_dir())?;
        let mut attempt = 0;
        loop {
            let path = parent.join(format!("wasm-threads-demo-{}-{attempt}", std::process::id()));
            // Never one that is there already: it may be somebody else's.
            match create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
                made => return made.map(|()| Folder(path)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays where temporary files belong.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
