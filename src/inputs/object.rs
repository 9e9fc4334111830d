//! What one object says about atomics.

use crate::module::sections::{self, id};
use crate::module::{Features, NEED_LEAD, NEED_SECTION, ReadAt, ReadError, Window, add_need};
use std::ops::Range;

/// What an input says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// `+atomics`.
    Atomics,
    /// `-shared-mem`: its atomics or thread-locals were lowered away. It must not be linked into a shared memory.
    Refuses,
    /// Neither: it can be linked into any memory.
    Nothing,
    /// LLVM bitcode: only the linker will know.
    Bitcode,
    /// An archive.
    Archive,
    /// An object of the machine that builds.
    Host,
    /// Something else, or cut off: the real linker will say what.
    Unknown,
}

/// An object, and the crates that said `required!` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub(crate) says: Says,
    /// The crates.
    pub needs: Vec<String>,
}

impl Object {
    /// Reads what `source` says, by its headers and small sections.
    pub fn read<R: ReadAt + ?Sized>(source: &R) -> Object {
        read(source, Look::AtSections)
    }

    /// The same, with the needs in bitcode, all of which has to be read for them.
    pub fn read_whole<R: ReadAt + ?Sized>(source: &R) -> Object {
        read(source, Look::IntoBitcode)
    }

    /// Whether it says `+atomics`, and does not refuse to be linked into a shared memory.
    pub fn uses_atomics(&self) -> bool {
        self.says == Says::Atomics
    }
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// At headers and small sections: cheap, and enough for most.
    AtSections,
    /// Into bitcode too, for the needs in it: its strings are plain bytes, but all of it has to be read.
    IntoBitcode,
}

/// Reads what `source` says: its first bytes, and of a WebAssembly object the section headers and one or two small sections.
pub(crate) fn read<R: ReadAt + ?Sized>(source: &R, look: Look) -> Object {
    let mut window = Window::new(source, 4096);
    let mut object = Object { says: Says::Unknown, needs: Vec::new() };
    object.says = match window.at(0, 20) {
        Err(_) => return object,
        Ok([0, b'a', b's', b'm', ..]) => Says::Nothing,
        Ok([b'B', b'C', 0xc0, 0xde, ..] | [0xde, 0xc0, 0x17, 0x0b, ..]) => Says::Bitcode,
        Ok(head) if head.starts_with(b"!<arch>\n") || head.starts_with(b"!<thin>\n") => Says::Archive,
        Ok(head) if is_host(head) => Says::Host,
        Ok(_) => Says::Unknown,
    };
    if object.says == Says::Bitcode && look == Look::IntoBitcode {
        object.needs = needs_in_bitcode(source);
    }
    if object.says != Says::Nothing {
        return object;
    }
    let (mut features, mut needs) = (None, None);
    let walked = sections::walk(source, &mut window, |section, name| {
        match name {
            Some("target_features") if section.id == id::CUSTOM => features = Some(section.range),
            Some(NEED_SECTION) if section.id == id::CUSTOM => needs = Some(section.range),
            _ => {}
        }
        Ok(true)
    });
    let features = walked.and_then(|()| match features {
        Some(range) => Features::read(contents(&mut window, &range)?.to_vec()),
        None => Ok(Features::default()),
    });
    object.says = match features {
        Err(_) => Says::Unknown,
        // LLVM strips atomics from a module that lacks bulk-memory and still writes `+atomics`: the refusal counts.
        Ok(features) if features.refuses_sharing() => Says::Refuses,
        Ok(features) if features.uses("atomics") => Says::Atomics,
        Ok(_) => Says::Nothing,
    };
    if let Some(Ok(needs)) = needs.map(|range| contents(&mut window, &range)) {
        object.needs = crate::module::needs(needs);
    }
    object
}

/// What stands in a section that was found to lie inside the file. Mostly the window has it already.
fn contents<'w, R: ReadAt + ?Sized>(window: &'w mut Window<'_, R>, range: &Range<u64>) -> Result<&'w [u8], ReadError> {
    let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
    let held = window.at(range.start, size)?;
    Ok(&held[..size.min(held.len())])
}

/// The needs in a file of bitcode. LLVM keeps the contents of a custom section as a string of bytes.
fn needs_in_bitcode<R: ReadAt + ?Sized>(source: &R) -> Vec<String> {
    /// Windows overlap by as much as a need can be long.
    const LONGEST: u64 = 256;
    const STEP: u64 = 32 * 1024;
    let mut needs = Vec::new();
    let mut window = Window::new(source, 0);
    let mut at = 0;
    while at < source.size() {
        let wanted = usize::try_from((source.size() - at).min(STEP + LONGEST)).unwrap_or_default();
        let Ok(bytes) = window.at(at, wanted) else { break };
        let lead = NEED_LEAD.as_bytes();
        let starts = bytes.windows(lead.len()).enumerate().filter(|(_, part)| *part == lead).map(|(start, _)| start);
        for start in starts {
            let rest = &bytes[start..bytes.len().min(start + LONGEST as usize)];
            // Without the end of its line it is some other string.
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                crate::module::needs(&rest[..end]).into_iter().for_each(|need| add_need(&mut needs, need));
            }
        }
        at += STEP;
    }
    needs
}

/// ELF, Mach-O (both byte orders, and universal), or COFF for the machines that build.
fn is_host(head: &[u8]) -> bool {
    let magic = head.get(..4).unwrap_or_default();
    let coff = matches!(head, [0x64, 0x86, ..] | [0x64, 0xaa, ..] | [0x4c, 0x01, ..]) && head.len() >= 20;
    matches!(magic, b"\x7fELF" | b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") || coff
}
