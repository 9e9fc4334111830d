//! What keeps a file from being read to its end.

use std::fmt;

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

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(out),
            ReadError::Malformed(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for ReadError {}

/// The file ends, or says nonsense, at byte `at`.
pub(crate) fn cut_off(at: u64) -> ReadError {
    ReadError::Malformed(format!("cut off or malformed at byte {at}"))
}

/// What the reader of the contents says.
pub(super) fn malformed(error: wasmparser::BinaryReaderError) -> ReadError {
    ReadError::Malformed(format!("{} (at byte {})", error.message(), error.offset()))
}

/// What is wrong with a section, and where that is.
pub(super) fn in_section(error: ReadError, at: u64) -> ReadError {
    match error {
        ReadError::Malformed(problem) => ReadError::Malformed(format!("{problem} (at byte {at})")),
        io => io,
    }
}

/// `count` of `what`, where that is no more than `most`.
pub(super) fn count_of(what: &str, count: u32, most: u32, at: u64) -> Result<u32, ReadError> {
    if count <= most {
        return Ok(count);
    }
    Err(ReadError::Malformed(format!("{count} {what}; no engine takes more than {most} (in the section at byte {at})")))
}
