//! A module inside a script: what emcc makes of `-sSINGLE_FILE`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Read};
use std::path::Path;

/// In front of the module (`jsifier.js` and `preamble.js`), up to the first letters of its own magic number.
const LEAD: &[u8] = b"data:application/octet-stream;base64,";
const MAGIC: &[u8] = b"AGFzb";

/// The largest script that is searched, in bytes: a module of 380 MB and some, of which no browser would take half.
const LARGEST: u64 = 512 << 20;

/// The module in the script or page at `path`. `None` where it is written in another way, as emcc does from 4.x on, or where
/// there is none.
///
/// # Errors
///
/// Where the file cannot be read, is no regular file, or has more than 512 MiB.
pub fn module(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let facts = std::fs::metadata(path)?;
    if !facts.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut script = Vec::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut script)?;
    if script.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a script of more than 512 MiB, which is not searched"));
    }
    Ok(find(&script))
}

fn find(script: &[u8]) -> Option<Vec<u8>> {
    let lead = [LEAD, MAGIC].concat();
    let at = script.windows(lead.len()).position(|window| window == lead)? + LEAD.len();
    let text = &script[at..];
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte)).unwrap_or(text.len());
    STANDARD.decode(&text[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_or_not() {
        let module = b"\0asm\x01\0\0\0";
        let script = format!(
            "var x=\"data:application/octet-stream;base64,\";y='data:application/octet-stream;base64,{}';",
            STANDARD.encode(module)
        );
        assert_eq!(find(script.as_bytes()).as_deref(), Some(&module[..]));
        assert_eq!(find(&script.as_bytes()[..script.len() - 5]), None);
        assert_eq!(find(b"no module here"), None);
    }

    #[test]
    fn no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(module(folder.path()).is_err());
        assert!(module(&folder.path().join("not there")).is_err());
    }
}
