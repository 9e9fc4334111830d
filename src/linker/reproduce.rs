//! A link packed into one file: the real linker's own `--reproduce` archive, with what only we know added to it.

use crate::command_line::Style;
use crate::report::Finding;
use crate::rules;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

/// A tar archive is made of blocks of this many bytes (POSIX, `pax`).
const BLOCK: u64 = 512;

/// Adds `files`, each a name and its text, to the archive that the linker wrote at `path`. All names in that archive begin with
/// its own file stem, as lld has it, and so do ours.
pub(crate) fn add(path: &Path, files: &[(&str, String)]) -> Option<Finding> {
    append(path, files).err().map(|error| failed(path, error.to_string()))
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

fn append(path: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut end = 0;
    for entry in tar::Archive::new(&file).entries_with_seek()? {
        let entry = entry?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
    }
    file.seek(SeekFrom::Start(end))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut builder = tar::Builder::new(&file);
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{stem}/wasm-threads/{name}"), text.as_bytes())?;
    }
    builder.finish()
}
