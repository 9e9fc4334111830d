//! One file, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Puts `text` where `path` is, or where it leads if it is a link; with the permissions and the owner that the file had. Who reads it
/// meanwhile sees the old text or the new one.
///
/// # Errors
///
/// The system's words. The old file is as it was.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let link = path.symlink_metadata().is_ok_and(|facts| facts.is_symlink());
    let real = if link { path.canonicalize()? } else { path.to_owned() };
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let facts = fs::metadata(&real).ok();
    if facts.as_ref().is_some_and(|facts| facts.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".config-").suffix(".tmp");
    #[cfg(unix)]
    // As any new file; the process's mask applies.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    if let Some(facts) = facts {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            // Only root may give a file away; who is not keeps it, as with any editor.
            let _ = chown(new.path(), Some(facts.uid()), Some(facts.gid()));
        }
        fs::set_permissions(new.path(), facts.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(&real).map_err(|error| error.error)?;
    Ok(())
}
