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

/// The first module in the script or page at `path`. `None` where it is written in another way, as emcc does from 4.x on, or
/// where there is none.
///
/// # Errors
///
/// Where the file cannot be read, is no regular file, or has more than 512 MiB.
pub fn module(path: &Path) -> io::Result<Option<Vec<u8>>> {
    Ok(find(&read(path)?).next())
}

/// Every module in it: a page may have several scripts.
///
/// # Errors
///
/// As [`module`] has them.
pub fn modules(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    Ok(find(&read(path)?).collect())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let facts = std::fs::metadata(path)?;
    if !facts.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut script = Vec::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut script)?;
    if script.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a script of more than 512 MiB, which is not searched"));
    }
    Ok(script)
}

/// What cannot be decoded is passed over.
fn find(script: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let lead = [LEAD, MAGIC].concat();
    let mut rest = script;
    std::iter::from_fn(move || {
        loop {
            let at = rest.windows(lead.len()).position(|window| window == lead)? + LEAD.len();
            let text = &rest[at..];
            let is_end = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte);
            let end = text.iter().position(is_end).unwrap_or(text.len());
            rest = &text[end..];
            if let Ok(module) = STANDARD.decode(&text[..end]) {
                return Some(module);
            }
        }
    })
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
        let found = |script: &str| find(script.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found(&script), [module]);
        assert_eq!(found(&script.repeat(3)), [module; 3]);
        assert_eq!(found(&script[..script.len() - 5]), [[0; 8]; 0]);
        assert_eq!(found("no module here"), [[0; 8]; 0]);
    }

    #[test]
    fn no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(module(folder.path()).is_err());
        assert!(module(&folder.path().join("not there")).is_err());
    }
}
