//! The crates that say [`required!`](crate::required): a line for each, in a custom section. `wasm-ld` joins the sections of all
//! objects.

/// The custom section by which a crate says that whoever links it must be threaded.
pub const NEED_SECTION: &str = "wasm-threads";

/// How each line of the section begins; the crate's name follows. A phrase of its own, since in bitcode it must be found
/// without the section around it.
pub(crate) const NEED_LEAD: &str = "wasm-threads: required by ";

/// More of them nobody wants to read: one is enough to need threads.
const MOST: usize = 256;

/// A longer name is cut off: that of a crate has 64 letters at most (crates.io).
const LONGEST: usize = 256;

/// The crates in the section's contents, each once.
pub(crate) fn needs(section: &[u8]) -> Vec<String> {
    let mut needs = Vec::new();
    for line in section.split(|byte| matches!(byte, b'\n' | 0)) {
        let line = line.strip_prefix(NEED_LEAD.as_bytes()).unwrap_or(line).trim_ascii();
        if !line.is_empty() {
            // A letter for each byte that is none: no name is longer than it is in the file.
            let name = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line)).replace('\u{fffd}', "?");
            add_need(&mut needs, name);
        }
    }
    needs
}

/// Adds a crate, if it is none of those, nor one too many.
pub(crate) fn add_need(needs: &mut Vec<String>, need: String) {
    if needs.len() < MOST && !needs.contains(&need) {
        needs.push(need);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_told_once_each_in_their_order() {
        assert_eq!(needs(b"wasm-threads: required by b\nwasm-threads: required by a\0b\n\n"), ["b", "a"]);
        assert_eq!(needs(b"wasm-threads: required by \xff\xfe x\r\n"), ["?? x"]);
        // Each compared with all before it would take minutes.
        let many: String = (0..300_000).map(|number| format!("{number}\n")).collect();
        let read = needs(many.as_bytes());
        assert!(read.len() == MOST && read[0] == "0" && read[255] == "255");
        assert_eq!(needs("x".repeat(1000).as_bytes())[0].len(), LONGEST);
    }
}
