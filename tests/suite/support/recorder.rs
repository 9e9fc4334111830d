//! A linker that writes down how it was called, then becomes the real one.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A script in a folder of its own, under the real linker's file name, since that name is a part of how a linker is called.
pub struct Recorder {
    folder: TempDir,
    linker: PathBuf,
}

impl Recorder {
    #[cfg(unix)]
    pub fn new(real: impl AsRef<Path>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let real = real.as_ref();
        let folder = super::temp_folder();
        let linker = folder.path().join(real.file_name().expect("a linker has a file name"));
        let mut script =
            b"#!/bin/sh\n{\n    printf '%s\\0' \"$#\"\n    for word do printf '%s\\0' \"$word\"; done\n} >>".to_vec();
        script.extend(quoted(folder.path().join("log").as_os_str().as_bytes()));
        script.extend(b"\nexec ");
        script.extend(quoted(real.as_os_str().as_bytes()));
        script.extend(b" \"$@\"\n");
        write_program(&linker, &script);
        Recorder { folder, linker }
    }

    /// The linker to name.
    pub fn linker(&self) -> &Path {
        &self.linker
    }

    /// The words of every run so far, in order.
    #[cfg(unix)]
    pub fn runs(&self) -> Vec<Vec<OsString>> {
        use std::os::unix::ffi::OsStringExt;
        let Ok(log) = fs::read(self.folder.path().join("log")) else {
            return Vec::new();
        };
        let mut words = log.split(|byte| *byte == 0);
        let mut runs = Vec::new();
        while let Some(count) = words.next().filter(|count| !count.is_empty()) {
            let count: usize = String::from_utf8_lossy(count).parse().expect("a run begins with the number of its words");
            runs.push((0..count).map(|_| OsString::from_vec(words.next().expect("all words").to_vec())).collect());
        }
        runs
    }

    /// The words of the only run.
    #[cfg(unix)]
    #[track_caller]
    pub fn only_run(&self) -> Vec<OsString> {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "the real linker ran {} times: {runs:?}", runs.len());
        runs.remove(0)
    }
}

/// Writes a file that can be run. On Linux no thread may hold it open for writing when it starts (`ETXTBSY`), and a thread that
/// forks at the wrong moment does; so another process writes it.
#[cfg(unix)]
pub fn write_program(path: &Path, text: &[u8]) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("/bin/sh")
        .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("/bin/sh starts");
    child.stdin.take().expect("stdin is piped").write_all(text).expect("/bin/sh reads");
    assert!(child.wait().expect("a child can be waited for").success(), "{} cannot be written", path.display());
}

#[cfg(unix)]
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = b"'".to_vec();
    for byte in bytes {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}
