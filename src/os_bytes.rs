//! Words of a command line as bytes, and back.
//!
//! A linker's words are paths and symbol names in whatever bytes the system allows. They are compared and cut as bytes and
//! never decoded. On Unix both directions are exact. On Windows a word that we cut out of another one goes through UTF-8,
//! so an unpaired surrogate in it would be replaced; whole words are never touched.

use std::ffi::{OsStr, OsString};

/// The bytes of `word`: ASCII is itself on every system.
pub(crate) fn bytes(word: &OsStr) -> &[u8] {
    word.as_encoded_bytes()
}

/// The word that `bytes` spell.
#[cfg(unix)]
pub(crate) fn word(bytes: impl Into<Vec<u8>>) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.into())
}

/// The word that `bytes` spell.
#[cfg(not(unix))]
pub(crate) fn word(bytes: impl Into<Vec<u8>>) -> OsString {
    String::from_utf8_lossy(&bytes.into()).into_owned().into()
}
