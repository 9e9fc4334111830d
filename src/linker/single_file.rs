//! A module inside a script: what emcc makes of `-sSINGLE_FILE`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::path::Path;

/// In front of the module (`jsifier.js` and `preamble.js`), up to the first letters of its own magic number.
const LEAD: &[u8] = b"data:application/octet-stream;base64,";
const MAGIC: &[u8] = b"AGFzb";

/// The module in the script at `path`. `None` where it is written in another way, as emcc does from 4.x on.
pub(crate) fn module(path: &Path) -> io::Result<Option<Vec<u8>>> {
    Ok(find(&std::fs::read(path)?))
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
}
