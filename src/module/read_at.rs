//! Bytes that can be read anywhere: a file on disk or a slice in memory, so that a module of 500 MB is judged through a few
//! small windows and never loaded.

use std::fs::File;
use std::io;

/// A thing with a length, of which any part can be read.
pub trait ReadAt {
    /// How many bytes there are.
    fn size(&self) -> u64;
    /// Fills `buffer` from `offset` on, as far as there are bytes, and says how many it got.
    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A file, and its length shortly before it was opened.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    size: u64,
}

impl OpenFile {
    /// Opens a regular file. Anything else (a pipe would block, a device never ends) is an error.
    pub fn open(path: &std::path::Path) -> io::Result<OpenFile> {
        // Asked before opening: whoever writes to a pipe would take us for the reader, and lose what the linker is to read.
        let facts = std::fs::metadata(path)?;
        if !facts.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(OpenFile { file: open_without_waiting(path)?, size: facts.len() })
    }

    /// Opens a file that is a regular one for sure, and reads its beginning: all of it where that is shorter than `head`, else
    /// there is more, in the file.
    #[cfg(feature = "linker")]
    pub(crate) fn open_at_head(path: &std::path::Path, head: &mut [u8]) -> io::Result<(usize, Option<OpenFile>)> {
        let mut file = OpenFile { file: open_without_waiting(path)?, size: 0 };
        let count = file.read_some(0, head)?;
        if count < head.len() {
            return Ok((count, None));
        }
        file.size = file.file.metadata()?.len();
        Ok((count, Some(file)))
    }
}

/// Opening a pipe waits for its other end, unless it is told not to; a regular file does not notice.
#[cfg(unix)]
fn open_without_waiting(path: &std::path::Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &std::path::Path) -> io::Result<File> {
    File::open(path)
}

impl ReadAt for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_some(&self, mut offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_at(&self.file, &mut buffer[filled..], offset) {
                Ok(0) => break,
                Ok(count) => {
                    filled += count;
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(not(any(unix, windows)))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}

/// A part of something larger, such as a member of an archive.
#[derive(Debug)]
pub struct Part<'a, R: ?Sized> {
    whole: &'a R,
    start: u64,
    size: u64,
}

impl<'a, R: ReadAt + ?Sized> Part<'a, R> {
    /// `size` bytes of `whole` from `start` on, or as many as there are.
    pub fn new(whole: &'a R, start: u64, size: u64) -> Part<'a, R> {
        let start = start.min(whole.size());
        Part { whole, start, size: size.min(whole.size() - start) }
    }
}

impl<R: ReadAt + ?Sized> ReadAt for Part<'_, R> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if count == 0 {
            return Ok(0);
        }
        self.whole.read_some(self.start + offset, &mut buffer[..count])
    }
}

/// A moving window over a [`ReadAt`]: small steps cost no system call.
pub(crate) struct Window<'a, R: ?Sized> {
    source: &'a R,
    buffer: Vec<u8>,
    start: u64,
    ahead: usize,
}

impl<'a, R: ReadAt + ?Sized> Window<'a, R> {
    /// A window that reads `ahead` bytes at a time.
    pub(crate) fn new(source: &'a R, ahead: usize) -> Window<'a, R> {
        Window { source, buffer: Vec::new(), start: 0, ahead }
    }

    /// The bytes from `offset` on: at least `wanted` of them, unless the source ends before.
    pub(crate) fn at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let held = self.start + self.buffer.len() as u64;
        let inside = offset >= self.start && offset <= held;
        if !inside || ((held - offset) < wanted as u64 && held < self.source.size()) {
            let left = self.source.size().saturating_sub(offset);
            let count = (wanted.max(self.ahead) as u64).min(left);
            // `count` is at most the size of a section that was found to lie inside the file.
            self.buffer.resize(usize::try_from(count).map_err(io::Error::other)?, 0);
            let got = self.source.read_some(offset, &mut self.buffer)?;
            self.buffer.truncate(got);
            self.start = offset;
        }
        let skip = usize::try_from(offset - self.start).map_err(io::Error::other)?;
        Ok(&self.buffer[skip..])
    }
}
