//! The sections of a WebAssembly file, by their headers alone (core specification, 5.5.2).

use super::read_at::{ReadAt, Window};
use std::ops::Range;

/// The id of custom sections.
pub(crate) const CUSTOM: u8 = 0;

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The section's id.
    pub id: u8,
    /// The name, of a custom section.
    pub name: Option<String>,
    /// Its contents, behind the name.
    pub range: Range<u64>,
}

/// What keeps a file from being read to its end.
#[derive(Debug)]
pub enum ReadError {
    /// The system could not read it.
    Io(std::io::Error),
    /// It is not what it should be; the text says where and why.
    Malformed(String),
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> ReadError {
        ReadError::Io(error)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(out),
            ReadError::Malformed(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for ReadError {}

/// A header is at most an id, a size of five bytes, a name's length of five bytes; our names are short.
const HEADER: usize = 64;

/// Walks the sections of `window`'s file in order, until `visit` answers `false`.
pub(crate) fn walk<R: ReadAt + ?Sized>(
    source: &R,
    window: &mut Window<'_, R>,
    mut visit: impl FnMut(Section) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    let head = window.at(0, 8)?;
    match head.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {}
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => {
            return Err(ReadError::Malformed("a WebAssembly component, not a core module".to_owned()));
        }
        Some([0, b'a', b's', b'm', version @ ..]) => {
            return Err(ReadError::Malformed(format!("WebAssembly of the unknown version {version:?}")));
        }
        _ if source.size() == 0 => return Err(ReadError::Malformed("an empty file".to_owned())),
        _ => return Err(ReadError::Malformed(format!("not a WebAssembly file{}", guess(head)))),
    }
    let mut at = 8;
    while at < source.size() {
        let header = window.at(at, HEADER)?;
        let (Some(&id), Some((size, size_bytes))) = (header.first(), leb(header.get(1..).unwrap_or_default())) else {
            return Err(ReadError::Malformed(format!("the section at byte {at} has no proper header")));
        };
        let start = at + 1 + size_bytes as u64;
        let end = start + u64::from(size);
        if end > source.size() {
            return Err(ReadError::Malformed(format!(
                "cut off: the section at byte {at} ends at {end}, the file at {}",
                source.size()
            )));
        }
        let mut section = Section { id, name: None, range: start..end };
        if id == CUSTOM {
            let text = &header[1 + size_bytes..];
            let Some((length, length_bytes)) =
                leb(text).filter(|(length, bytes)| u64::from(*length) + *bytes as u64 <= end - start)
            else {
                return Err(ReadError::Malformed(format!("the custom section at byte {at} has no proper name")));
            };
            section.range.start = start + length_bytes as u64 + u64::from(length);
            let held = text.get(length_bytes..length_bytes + length as usize);
            section.name = Some(String::from_utf8_lossy(held.unwrap_or_default()).into_owned());
        }
        if !visit(section)? {
            return Ok(());
        }
        at = end;
    }
    Ok(())
}

/// What a file is that begins so, where people mistake it for a module.
fn guess(head: &[u8]) -> &'static str {
    let begins = |with: &[u8]| head.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    if begins(b"version https://git-lfs") {
        ", but a Git LFS pointer to one: run `git lfs pull`"
    } else if begins(b"<!doctype") || begins(b"<html") {
        ", but a page, such as one that says 404"
    } else if begins(b"\x1f\x8b") {
        ", but compressed by gzip"
    } else if begins(b"(module") || begins(b"(component") {
        ", but its text format: wat2wasm makes a module of it"
    } else {
        ""
    }
}

/// The place of `section` among all sections, of which one stood at `last` before it. Each may stand there once, in this order
/// (core specification, 5.5.17).
pub(crate) fn place_after(last: usize, section: &Section) -> Result<usize, ReadError> {
    // Types, imports, functions, tables, memories, tags, globals, exports, start, elements, data count, code, data.
    const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
    let (id, at) = (section.id, section.range.start);
    match ORDER.iter().position(|known| *known == id) {
        None => Err(ReadError::Malformed(format!("a section of the unknown kind {id} (at byte {at})"))),
        Some(place) if place < last => {
            Err(ReadError::Malformed(format!("a section of the kind {id} out of its place, or twice (at byte {at})")))
        }
        Some(place) => Ok(place + 1),
    }
}

/// Walks the functions of the code section that lies in `code`, without reading them, until `visit` answers `false`. It is
/// told a function's number among the module's own, and where its body lies.
pub(crate) fn bodies<'a, R: ReadAt + ?Sized>(
    source: &'a R,
    code: &Range<u64>,
    mut visit: impl FnMut(u32, Range<u64>, &mut Window<'a, R>) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    if code.is_empty() {
        return Ok(());
    }
    let mut window = Window::new(source, 4096);
    let (count, bytes) = leb(window.at(code.start, 5)?).ok_or_else(|| cut_off(code.start))?;
    let mut at = code.start + bytes as u64;
    for index in 0..count {
        let (size, bytes) = leb(window.at(at, 5)?).ok_or_else(|| cut_off(at))?;
        let start = at + bytes as u64;
        at = start + u64::from(size);
        if at > code.end {
            return Err(cut_off(at));
        }
        if !visit(index, start..at, &mut window)? {
            break;
        }
    }
    Ok(())
}

/// The file ends, or says nonsense, at byte `at`.
pub(crate) fn cut_off(at: u64) -> ReadError {
    ReadError::Malformed(format!("cut off or malformed at byte {at}"))
}

/// An unsigned 32-bit LEB128 number and how many bytes it took.
pub(crate) fn leb(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, index + 1));
        }
    }
    None
}
