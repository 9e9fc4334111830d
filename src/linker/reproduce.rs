//! A link packed into one file: the real linker's own `--reproduce` archive, with what only we know added to it.

use crate::command_line::Style;
use crate::report::Finding;
use crate::rules;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// A tar archive is made of blocks of this many bytes (POSIX, `pax`).
const BLOCK: u64 = 512;

/// Adds `files`, each a name and its text, to the archive at `path`. The linker wrote it there or, where the line has a
/// `--reproduce` of its own, to that place: then it is copied. All names in the archive begin with the file stem that the linker
/// was given, as lld has it, and so do ours.
pub(crate) fn add(path: &Path, written: &Path, files: &[(&str, String)]) -> Option<Finding> {
    let same = path.canonicalize().ok().is_some_and(|path| written.canonicalize().is_ok_and(|written| written == path));
    let copied = if same { Ok(0) } else { std::fs::copy(written, path) };
    copied.and_then(|_| append(path, written, files)).err().map(|error| failed(path, error.to_string()))
}

/// Why nothing can be packed into `path`, where that is so. The linker would fail the whole link for it.
pub(crate) fn hindrance(path: &Path, style: Style) -> Option<Finding> {
    if style != Style::WasmLd {
        return Some(failed(path, "a command line that is not wasm-ld's own".to_owned()));
    }
    // What an earlier link packed is not lost if this one never gets to run.
    OpenOptions::new().append(true).create(true).open(path).err().map(|error| failed(path, error.to_string()))
}

fn failed(path: &Path, why: String) -> Finding {
    Finding::new(
        &rules::REPRODUCE_FAILED,
        format!("the link could not be packed into {}", path.display()),
        why,
        "a new file in a folder that can be written to, and wasm-ld's own command line",
        "-C link-arg=--wasm-threads-reproduce=/another/place.tar",
    )
}

fn append(path: &Path, written: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let stem = written.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let response_name = format!("{stem}/response.txt");
    let mut response = Vec::new();
    let mut end = 0;
    for entry in tar::Archive::new(&file).entries_with_seek()? {
        let mut entry = entry?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
        if entry.path_bytes().as_ref() == response_name.as_bytes() {
            entry.read_to_end(&mut response)?;
        }
    }
    file.seek(SeekFrom::Start(end))?;
    let mut builder = tar::Builder::new(&file);
    let mut write = |name: &str, contents: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, contents)
    };
    if let Some(response) = std::str::from_utf8(&response).ok().and_then(with_folders_inside) {
        // Whoever unpacks takes the last of two files with one name.
        write(&response_name, response.as_bytes())?;
    }
    for (name, text) in files {
        write(&format!("{stem}/wasm-threads/{name}"), text.as_bytes())?;
    }
    builder.finish()
}

/// lld rewrites the paths of its inputs to those in the archive and leaves the folders of `-L` as they were, where `-l` then
/// finds nothing (`lld/wasm/Driver.cpp`, `createResponseFile`). The same text with those rewritten, too, if there are any.
fn with_folders_inside(response: &str) -> Option<String> {
    let inside = |line: &str| -> Option<String> {
        let folder = line.strip_prefix("-L ")?.trim_matches('"');
        let mut inside: Vec<String> = Vec::new();
        for part in std::path::absolute(folder).ok()?.components() {
            match part {
                // A drive is a folder of that letter in the archive (`lld/Common/Filesystem`, `relativeToRoot`).
                Component::Prefix(prefix) => inside.push(prefix.as_os_str().to_str()?.trim_end_matches(':').to_owned()),
                Component::ParentDir => drop(inside.pop()),
                Component::Normal(name) => inside.push(name.to_str()?.to_owned()),
                Component::RootDir | Component::CurDir => {}
            }
        }
        Some(format!("-L \"{}\"", inside.join("/")))
    };
    let lines: Vec<(&str, Option<String>)> = response.lines().map(|line| (line, inside(line))).collect();
    let any = lines.iter().any(|(_, inside)| inside.is_some());
    any.then(|| lines.into_iter().map(|(line, inside)| inside.unwrap_or_else(|| line.to_owned()) + "\n").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn folders() {
        let text = "-L \"/a b/../c/./d\"\n--export x\n-L /e\n";
        assert_eq!(with_folders_inside(text).as_deref(), Some("-L \"c/d\"\n--export x\n-L \"e\"\n"));
        assert_eq!(with_folders_inside("--export x\n-Lx\n"), None);
    }
}
