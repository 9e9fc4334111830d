//! What this machine has: a rustc, and a linker for WebAssembly.

use crate::child::{Runner, TOOL};
use crate::programs;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use wasm_threads::linker::folders_on_path;

/// The tools that the demo found.
pub struct Toolchain {
    /// The user's compiler, where there is one that answers.
    pub rustc: Option<Rustc>,
    /// The linker: `rust-lld` of that compiler, else a `wasm-ld`.
    pub linker: PathBuf,
}

/// A compiler.
pub struct Rustc {
    /// The command: `RUSTC`, else `rustc`.
    pub command: OsString,
    /// Its version: "1.95.0".
    pub release: String,
}

impl Toolchain {
    /// Looks for the tools, in the places where a build would find them.
    pub fn find(runner: &mut Runner) -> Result<Toolchain, String> {
        let mut looked = Vec::new();
        let (rustc, rust_lld) = match ask_rustc(runner) {
            Ok((rustc, rust_lld)) => (Some(rustc), Some(rust_lld)),
            Err(reason) => {
                looked.push(reason);
                (None, None)
            }
        };
        if let Some(rust_lld) = rust_lld {
            if rust_lld.is_file() {
                let linker = rust_lld;
                return Ok(Toolchain { rustc, linker });
            }
            looked.push(format!("{}: no such file", rust_lld.display()));
        }
        let folders = folders_on_path();
        if let Some(linker) = wasm_ld(&folders) {
            return Ok(Toolchain { rustc, linker });
        }
        if folders.is_empty() {
            looked.push("PATH: it names no folder in full".to_owned());
        }
        looked.extend(folders.iter().map(|folder| format!("{}: no wasm-ld, no wasm-ld-NN", folder.display())));
        Err(format!(
            "no linker for WebAssembly was found. Looked at:\n  {}\nfix: rustup toolchain install stable",
            looked.join("\n  ")
        ))
    }
}

/// The compiler, and where its `rust-lld` is if it came with one.
fn ask_rustc(runner: &mut Runner) -> Result<(Rustc, PathBuf), String> {
    let named = std::env::var_os("RUSTC").filter(|name| !name.is_empty());
    let command = named.unwrap_or_else(|| "rustc".into());
    let shown = command.display();
    let mut ask = |question: &[&str]| -> Result<String, String> {
        let ran = programs::command(&command).and_then(|mut rustc| runner.run(rustc.args(question), TOOL));
        let ran = ran.map_err(|error| format!("{shown}: {error}"))?;
        if ran.success() {
            Ok(ran.stdout)
        } else {
            let complaint = ran.complaint().replace('\n', "\n    ");
            Err(format!("{shown} {}: {complaint}", question.join(" ")))
        }
    };
    let version = ask(&["-vV"])?;
    let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (Some(release), Some(host)) = (field("release:"), field("host:")) else {
        return Err(format!("{shown} -vV: says neither release nor host"));
    };
    let sysroot = ask(&["--print", "sysroot"])?;
    let mut rust_lld = PathBuf::from(sysroot.trim_end_matches(['\r', '\n']));
    rust_lld.extend(["lib", "rustlib", host, "bin"]);
    rust_lld.push(format!("rust-lld{}", std::env::consts::EXE_SUFFIX));
    let release = release.to_owned();
    Ok((Rustc { command, release }, rust_lld))
}

/// `wasm-ld` in PATH's folders, else the `wasm-ld-NN` of the highest number.
fn wasm_ld(folders: &[PathBuf]) -> Option<PathBuf> {
    let plain =
        folders.iter().map(|folder| folder.join(format!("wasm-ld{}", std::env::consts::EXE_SUFFIX))).find(|file| usable(file));
    plain.or_else(|| {
        let numbered = folders.iter().flat_map(|folder| numbered_in(folder));
        // The first of equals, as on any PATH.
        numbered.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, file)| file)
    })
}

/// Every `wasm-ld-NN` in `folder`, with its number.
fn numbered_in(folder: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let number = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let number = name.to_str()?.strip_suffix(std::env::consts::EXE_SUFFIX)?.strip_prefix("wasm-ld-")?.parse().ok()?;
        Some((number, entry.path()))
    };
    entries.flatten().filter_map(number).filter(|(_, file)| usable(file)).collect()
}

/// A file, and not this very executable under another name.
fn usable(file: &Path) -> bool {
    let real = |file: &Path| file.canonicalize().ok();
    let own = std::env::current_exe().ok().and_then(|own| real(&own));
    file.is_file() && real(file) != own
}
