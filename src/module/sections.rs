//! The sections of a WebAssembly file, by their headers alone (core specification, 5.5.2).

use super::error::ReadError;
use super::leb::leb;
use super::read_at::{ReadAt, Window};
use std::ops::Range;

/// The ids of sections (core specification, 5.5.2).
pub(crate) mod id {
    pub(crate) const CUSTOM: u8 = 0;
    pub(crate) const TYPES: u8 = 1;
    pub(crate) const IMPORTS: u8 = 2;
    pub(crate) const FUNCTIONS: u8 = 3;
    pub(crate) const TABLES: u8 = 4;
    pub(crate) const MEMORIES: u8 = 5;
    pub(crate) const GLOBALS: u8 = 6;
    pub(crate) const EXPORTS: u8 = 7;
    pub(crate) const START: u8 = 8;
    pub(crate) const ELEMENTS: u8 = 9;
    pub(crate) const CODE: u8 = 10;
    pub(crate) const DATA: u8 = 11;
    pub(crate) const DATA_COUNT: u8 = 12;
    #[cfg(feature = "picture")]
    pub(crate) const TAGS: u8 = 13;
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The section's id.
    pub id: u8,
    /// Its contents, of a custom section behind its name.
    pub range: Range<u64>,
}

/// A header is at most an id, a size of five bytes, a name's length of five bytes; our names are short.
const HEADER: usize = 64;

/// The contents of a section that was found to lie inside the file.
pub(crate) fn load<R: ReadAt + ?Sized>(source: &R, range: &Range<u64>) -> Result<Vec<u8>, ReadError> {
    let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
    let mut bytes = vec![0; size];
    if source.read_some(range.start, &mut bytes)? < size {
        return Err(ReadError::Malformed(format!("cut off while it was read, at byte {}", range.start)));
    }
    Ok(bytes)
}

/// Walks the sections of `window`'s file in order, until `visit` answers `false`. It is told the name of a custom section.
pub(crate) fn walk<R: ReadAt + ?Sized>(
    source: &R,
    window: &mut Window<'_, R>,
    mut visit: impl FnMut(Section, Option<&str>) -> Result<bool, ReadError>,
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
        let (mut section, mut name) = (Section { id, range: start..end }, None);
        if id == id::CUSTOM {
            let text = &header[1 + size_bytes..];
            let Some((length, length_bytes)) =
                leb(text).filter(|(length, bytes)| u64::from(*length) + *bytes as u64 <= end - start)
            else {
                return Err(ReadError::Malformed(format!("the custom section at byte {at} has no proper name")));
            };
            section.range.start = start + length_bytes as u64 + u64::from(length);
            let held = text.get(length_bytes..length_bytes + length as usize);
            name = Some(String::from_utf8_lossy(held.unwrap_or_default()));
        }
        if !visit(section, name.as_deref())? {
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
