//! A cargo project on disk: where it is, which files configure it, and what its flags say. For `init` and `doctor`.

pub mod config_file;
pub mod flags;
pub mod recipe;
pub mod scripts;
pub mod wasm_pack;

use crate::programs;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use wasm_threads::linker::find_program;

/// A workspace, or a package alone, as cargo sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The folder of the manifest that was named, or is nearest: cargo is called here.
    pub folder: PathBuf,
    /// The workspace's folder; the same where there is no workspace.
    pub root: PathBuf,
    /// The manifests of the members, and the workspace's own.
    pub manifests: Vec<PathBuf>,
    /// Whether a member has a library for doctests.
    pub has_library: bool,
}

impl Project {
    /// The project of `manifest`, or of the nearest manifest at or above `folder`.
    ///
    /// # Errors
    ///
    /// Cargo's own words: no manifest there, or one that it cannot read.
    pub fn find(folder: &Path, manifest: Option<&Path>) -> Result<Project, String> {
        let manifest = match manifest {
            Some(named) => folder.join(named),
            None => {
                folder.ancestors().map(|folder| folder.join("Cargo.toml")).find(|file| file.is_file()).ok_or_else(|| {
                    match folder.as_os_str().is_empty() {
                        true => "the current folder is gone, or may not be read".to_owned(),
                        false => format!("there is no Cargo.toml in {} or above", folder.display()),
                    }
                })?
            }
        };
        let own_folder = manifest.parent().unwrap_or(folder).to_owned();
        let words = ["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"];
        let output = programs::command(cargo())
            .and_then(|mut command| command.args(words).arg(&manifest).current_dir(folder).stdin(Stdio::null()).output());
        let output = output.map_err(|error| format!("{} cannot be run: {error}", cargo().display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim();
            return Err(said.strip_prefix("error: ").unwrap_or(said).to_owned());
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("what {} metadata says is not understood: {error}", cargo().display()))?;
        let root = metadata["workspace_root"].as_str().map_or_else(|| own_folder.clone(), PathBuf::from);
        let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut manifests: Vec<PathBuf> =
            packages.iter().filter_map(|package| package["manifest_path"].as_str().map(PathBuf::from)).collect();
        let own = root.join("Cargo.toml");
        if !manifests.contains(&own) {
            manifests.insert(0, own);
        }
        let has_library = packages
            .iter()
            .filter_map(|package| package["targets"].as_array())
            .flatten()
            .any(|target| target["doctest"] == true && has_kind(target, "lib"));
        Ok(Project { folder: own_folder, root, manifests, has_library })
    }

    /// The file that cargo would read first for this project: the one that is there, from the package up to the workspace's folder;
    /// else the workspace's `.cargo/config.toml`, to be written.
    pub fn config_file(&self) -> PathBuf {
        let root = if self.folder.starts_with(&self.root) { &self.root } else { &self.folder };
        let mut between = self.folder.ancestors().take_while(|folder| folder.starts_with(root));
        between.find_map(config_in).unwrap_or_else(|| root.join(".cargo").join("config.toml"))
    }
}

/// A library that doctests are made of: cargo makes none of one that is only a cdylib.
fn has_kind(target: &Value, wanted: &str) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted || kind == "rlib"))
}

/// The configuration in `folder`. Where both are there, cargo reads the one without an extension.
pub fn config_in(folder: &Path) -> Option<PathBuf> {
    ["config", "config.toml"].into_iter().map(|name| folder.join(".cargo").join(name)).find(|file| is_there(file))
}

/// A file, or a link, even one that leads nowhere: nothing may be written over that.
fn is_there(file: &Path) -> bool {
    file.symlink_metadata().is_ok_and(|facts| !facts.is_dir())
}

/// Cargo: the one that runs this command, else `cargo`.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").filter(|name| !name.is_empty()).unwrap_or_else(|| "cargo".into())
}

/// How cargo's configuration is resolved. It may take a compiler for that, which is then the one beside this cargo.
pub fn options() -> cargo_config2::ResolveOptions {
    let options = cargo_config2::ResolveOptions::default();
    match find_program(&cargo()) {
        Some(cargo) => options.cargo(cargo),
        None => options,
    }
}

/// `path` as one would type it in `folder`.
pub fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// The last part of a program's name, without `.exe`: of `C:\bin\wasm-ld.exe` it is `wasm-ld`, on every system, since a
/// configuration may come from another one.
pub fn stem(program: &OsStr) -> String {
    let name = program.to_string_lossy();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let lower = name.to_ascii_lowercase();
    let extension = [".exe", ".bat", ".cmd"].into_iter().find(|extension| lower.ends_with(extension));
    name[..name.len() - extension.map_or(0, str::len)].to_owned()
}

/// Whether a program of this name is the shim, as a linker.
pub fn is_shim(program: &OsStr) -> bool {
    matches!(stem(program).as_str(), "wasm-threads-linker" | "cargo-wasm-threads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs() {
        for (program, wanted) in [
            ("wasm-ld-22", "wasm-ld-22"),
            ("/opt/my tools/wasm-ld", "wasm-ld"),
            (r"C:\Program Files\LLVM\bin\wasm-ld.exe", "wasm-ld"),
            (r"..\tools\EMCC.BAT", "EMCC"),
            ("wasm-threads-linker.EXE", "wasm-threads-linker"),
            ("clang-22.1", "clang-22.1"),
            ("", ""),
        ] {
            assert_eq!(stem(OsStr::new(program)), wanted, "{program}");
        }
        assert!(is_shim(OsStr::new(r"D:\cargo\bin\wasm-threads-linker.exe")));
        assert!(!is_shim(OsStr::new("/wasm-threads-linker/wasm-ld")));
    }

    #[test]
    fn the_nearest_configuration_within_the_workspace() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("wörk space");
        let member = root.join("crates/web");
        std::fs::create_dir_all(&member).unwrap();
        let project =
            |folder: &Path| Project { folder: folder.into(), root: root.clone(), manifests: Vec::new(), has_library: false };
        let put = |folder: &Path, name: &str| {
            std::fs::create_dir_all(folder.join(".cargo")).unwrap();
            std::fs::write(folder.join(".cargo").join(name), "").unwrap();
        };
        // What stands above the workspace is not the workspace's.
        put(place.path(), "config.toml");
        assert_eq!(project(&member).config_file(), root.join(".cargo/config.toml"));
        put(&root, "config");
        assert_eq!(project(&member).config_file(), root.join(".cargo/config"));
        put(&root, "config.toml");
        assert_eq!(project(&member).config_file(), root.join(".cargo/config"));
        put(&member, "config.toml");
        assert_eq!(project(&member).config_file(), member.join(".cargo/config.toml"));
        // A member outside of the workspace's folder never sees the workspace's configuration.
        let outside = place.path().join("outside");
        assert_eq!(project(&outside).config_file(), outside.join(".cargo/config.toml"));
    }
}
