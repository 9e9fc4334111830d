//! Where a program is: PATH, less its entries that mean the current folder.

use super::system::System;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The program `name`: by the path that it is, else in the folders that PATH names in full. The system would also look where one
/// stands, if PATH has an empty entry or a relative one, and run what lies there.
pub fn find_program(name: &OsStr) -> Option<PathBuf> {
    find_in(&folders_on_path(), name)
}

fn find_in(folders: &[PathBuf], name: &OsStr) -> Option<PathBuf> {
    let files = System::HERE.programs(name);
    if System::HERE.names_a_folder(name) {
        return std::iter::once(name.to_owned()).chain(files).map(PathBuf::from).find(|path| is_program(path));
    }
    folders.iter().find_map(|folder| files.iter().map(|file| folder.join(file)).find(|path| is_program(path)))
}

/// PATH's folders that are named in full.
pub fn folders_on_path() -> Vec<PathBuf> {
    folders_of(&env::var_os("PATH").unwrap_or_default())
}

fn folders_of(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path).filter(|folder| System::HERE.is_absolute(folder.as_os_str())).collect()
}

/// Whether it may be run.
#[cfg(unix)]
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// Whether it may be run.
#[cfg(not(unix))]
pub fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_what_can_be_run_is_found() {
        let place = tempfile::tempdir().expect("a folder");
        let (one, two) = (place.path().join("a b"), place.path().join("ü"));
        for (folder, mode) in [(&one, 0o644), (&two, 0o755)] {
            std::fs::create_dir(folder).expect("a folder");
            std::fs::write(folder.join("tool"), "").expect("a file");
            std::fs::set_permissions(folder.join("tool"), PermissionsExt::from_mode(mode)).expect("its mode");
        }
        let path = env::join_paths([Path::new(""), Path::new("ü"), Path::new("."), &one, &two]).expect("no separator in them");
        assert_eq!(folders_of(&path), [&one, &two].map(PathBuf::from));
        let find = |name: &str| find_in(&folders_of(&path), OsStr::new(name));
        assert_eq!(find("tool"), Some(two.join("tool")));
        assert_eq!(find("other"), None);
        // By its path, whatever PATH is.
        let by_path = |folder: &Path| find_in(&[], folder.join("tool").as_os_str());
        assert_eq!((by_path(&one), by_path(&two)), (None, Some(two.join("tool"))));
    }
}
