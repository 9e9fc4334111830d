//! The format of archives: GNU's, BSD's, Microsoft's, and thin ones, whose members are files of their own.
//!
//! Source: `llvm/lib/Object/Archive.cpp`. The readers there are hold each header that was read, which for members of no bytes is
//! several times the size of the file; and a linker's inputs need only be walked through once.

use super::read_ahead::ReadAhead;
use crate::module::{ReadAt, Window};
use std::io;
use std::ops::Range;

/// A member, by its header.
pub(super) struct Member<'a> {
    /// As far as that has 4096 bytes: no path has more.
    pub name: &'a [u8],
    /// Where it lies in the archive; in a thin one it is the file of its name.
    pub place: Option<Range<u64>>,
}

/// In front of everything.
const MAGIC: [u8; 8] = *b"!<arch>\n";
const THIN_MAGIC: [u8; 8] = *b"!<thin>\n";

/// Name, time, owner, group, mode, size, and the end of the header's line.
const HEADER: usize = 60;
const SIZE: Range<usize> = 48..58;
const END: [u8; 2] = *b"`\n";

const LONGEST: usize = 4096;

/// Visits the members of the archive in `source`, in their order, until `visit` answers `false`. The tables that are members by
/// their form only are left out.
pub(super) fn members<R: ReadAt + ?Sized>(
    source: &ReadAhead<'_, R>,
    mut visit: impl FnMut(Member<'_>) -> io::Result<bool>,
) -> io::Result<()> {
    let mut magic = [0; 8];
    source.read_some(0, &mut magic)?;
    let thin = magic == THIN_MAGIC;
    if !thin && magic != MAGIC {
        return Err(malformed("no archive"));
    }
    // The table of long names lies elsewhere than the headers, and is read beside them.
    let mut names = Names { table: 0..0, window: Window::new(source.source(), 4 * LONGEST) };
    let mut at = magic.len() as u64;
    while at < source.size() {
        let mut header = [0; HEADER];
        if source.read_some(at, &mut header)? < HEADER || header[SIZE.end..] != END {
            return Err(malformed("a header of a member that is none"));
        }
        let size = number(&header[SIZE]).ok_or_else(|| malformed("a member without a size"))?;
        let data = at + HEADER as u64;
        let end = data.checked_add(size).ok_or_else(|| malformed("a member without an end"))?;
        let field = &header[..16];
        let mut place = data..end;
        let mut long = [0; LONGEST];
        let name = match field {
            [b'/', b'/', ..] => {
                if end > source.size() {
                    return Err(malformed("a table of names that is cut off"));
                }
                names.table = place.clone();
                None
            }
            [b'/', b'0'..=b'9', ..] => Some(names.at(number(&field[1..]).unwrap_or(u64::MAX))?),
            // Symbols, in one of several forms.
            [b'/', ..] => None,
            [b'#', b'1', b'/', b'0'..=b'9', ..] => {
                let length = number(&field[3..]).filter(|length| *length <= size);
                let length = length.ok_or_else(|| malformed("a name that is longer than its member"))?;
                place.start += length;
                if place.start > source.size() {
                    return Err(malformed("a name that is cut off"));
                }
                let wanted = usize::try_from(length).unwrap_or(LONGEST).min(LONGEST);
                let held = source.read_some(data, &mut long[..wanted])?;
                Some(up_to(&long[..held], |byte| byte == 0))
            }
            // There may be spaces in a name, up to a slash.
            _ if field.contains(&b'/') => Some(up_to(field, |byte| byte == b'/')),
            _ => Some(up_to(field, |byte| byte == b' ')),
        };
        let has_data = !thin || name.is_none();
        // Each begins at an even number.
        at = if has_data { end.saturating_add(size % 2) } else { data };
        if let Some(name) = name
            && !visit(Member { name, place: has_data.then_some(place) })?
        {
            break;
        }
    }
    Ok(())
}

/// The table of the names that are too long for a header.
struct Names<'a, R: ?Sized> {
    table: Range<u64>,
    window: Window<'a, R>,
}

impl<R: ReadAt + ?Sized> Names<'_, R> {
    /// The name that begins so far in the table: up to the end of its line, and a slash in front of that, or up to a NUL.
    fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let start = self.table.start.saturating_add(offset);
        let left = self.table.end.checked_sub(start).filter(|left| *left > 0);
        let left = left.ok_or_else(|| malformed("a name beyond the table of names"))?;
        let wanted = usize::try_from(left).unwrap_or(LONGEST).min(LONGEST);
        let held = self.window.at(start, wanted)?;
        let name = up_to(&held[..wanted.min(held.len())], |byte| matches!(byte, b'\n' | 0));
        Ok(name.strip_suffix(b"/").unwrap_or(name))
    }
}

fn up_to(bytes: &[u8], is_end: impl Fn(u8) -> bool) -> &[u8] {
    &bytes[..bytes.iter().position(|byte| is_end(*byte)).unwrap_or(bytes.len())]
}

/// A decimal number, with spaces behind it.
fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(up_to(field, |byte| byte == b' ')).ok()?.parse().ok()
}

fn malformed(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::object::read::archive::ArchiveFile;

    fn member(name: &str, contents: &str) -> String {
        let padding = if contents.len() % 2 == 1 { "\n" } else { "" };
        format!("{}{contents}{padding}", header(name, contents.len()))
    }

    fn header(name: &str, size: usize) -> String {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    }

    fn archives() -> [String; 5] {
        let names = "a name that is longer.o/\nfolder/x y.o/\n";
        let gnu = [
            member("/", "\0\0\0\0"),
            member("//", names),
            member("/0", "longer"),
            member("short.o/", "odd"),
            member("/25", "folder"),
        ];
        let coff = [
            member("/", "\0\0\0\0"),
            member("/", "\0\0\0\0"),
            member("//", "first.obj\0second.obj\0"),
            member("/10", "2"),
            member("/0", "1"),
        ];
        let bsd = [
            member("#1/12", "__.SYMDEF\0\0\0table"),
            member("#1/20", "a name with spaces\0\0contents"),
            member("plain.o", "x"),
            member("#1/4", "a.ob"),
        ];
        let thin =
            [member("/", "\0\0\0\0"), member("//", names), header("/0", 500), header("/25", 33), header("short.o/", 1 << 30)];
        let one = [member("a b.o/", "")];
        [
            "!<arch>\n".to_owned() + &gnu.concat(),
            "!<arch>\n".to_owned() + &coff.concat(),
            "!<arch>\n".to_owned() + &bsd.concat(),
            "!<thin>\n".to_owned() + &thin.concat(),
            "!<arch>\n".to_owned() + &one.concat(),
        ]
    }

    type Found = Vec<(Vec<u8>, Option<Range<u64>>)>;

    /// The members, and whether the archive ended as one does.
    fn found(bytes: &[u8]) -> (Found, bool) {
        let mut found = Vec::new();
        let ended = members(&ReadAhead::new(bytes), |member| {
            found.push((member.name.to_owned(), member.place));
            Ok(true)
        });
        found.retain(|(name, _)| !name.starts_with(b"__.SYMDEF"));
        (found, ended.is_ok())
    }

    /// The same by another reader.
    fn by_object(bytes: &[u8]) -> (Found, bool) {
        let Ok(archive) = ArchiveFile::parse(bytes) else { return (Vec::new(), false) };
        let mut found = Vec::new();
        for member in archive.members() {
            let Ok(member) = member else { return (found, false) };
            let (start, size) = member.file_range();
            if !member.name().starts_with(b"/") && !member.name().starts_with(b"__.SYMDEF") {
                found.push((member.name().to_owned(), (!member.is_thin()).then(|| start..start + size)));
            }
        }
        (found, true)
    }

    #[test]
    fn every_format() {
        let names = |bytes: &str| -> Vec<(String, String)> {
            let (members, ended) = found(bytes.as_bytes());
            assert!(ended);
            let text = |place: Range<u64>| bytes[place.start as usize..place.end as usize].to_owned();
            let text = |place: Option<Range<u64>>| place.map_or("a file".to_owned(), text);
            members.into_iter().map(|(name, place)| (String::from_utf8(name).unwrap(), text(place))).collect()
        };
        let of = |all: &[(&str, &str)]| all.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect::<Vec<_>>();
        let [gnu, coff, bsd, thin, one] = archives();
        let long = "a name that is longer.o";
        assert_eq!(names(&gnu), of(&[(long, "longer"), ("short.o", "odd"), ("folder/x y.o", "folder")]));
        assert_eq!(names(&coff), of(&[("second.obj", "2"), ("first.obj", "1")]));
        assert_eq!(names(&bsd), of(&[("a name with spaces", "contents"), ("plain.o", "x"), ("a.ob", "")]));
        assert_eq!(names(&thin), of(&[(long, "a file"), ("folder/x y.o", "a file"), ("short.o", "a file")]));
        assert_eq!(names(&one), of(&[("a b.o", "")]));
    }

    #[test]
    fn as_another_reader_reads_them() {
        for archive in archives() {
            for cut in 0..=archive.len() {
                let bytes = &archive.as_bytes()[..cut];
                assert_eq!(found(bytes), by_object(bytes), "cut off at {cut}: {archive:?}");
            }
        }
    }

    #[test]
    fn what_is_none() {
        for wrong in ["!<arch>\n/5              ", "!<arc", "", "!<arch>\n!"] {
            assert_eq!(found(wrong.as_bytes()), (Vec::new(), false), "{wrong:?}");
        }
        let lies = |name: &str, size: &str| {
            let header = header(name, 0).replacen("0         `", &format!("{size:<10}`"), 1);
            found(format!("!<arch>\n{}{header}", member("//", "x/\n")).as_bytes())
        };
        assert!(lies("a/", "7").1 && lies("/0", "0").1);
        for (name, size) in [("a/", "x"), ("a/", ""), ("/9", "0"), ("/99999999999999", "0"), ("#1/5", "4")] {
            assert_eq!(lies(name, size), (Vec::new(), false), "{name} {size}");
        }
    }
}
