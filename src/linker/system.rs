//! What a system takes for a program and for a path: as a value, so that the rules of Windows are tested everywhere.

use crate::os_bytes::bytes;
use std::ffi::{OsStr, OsString};

/// A kind of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Unix,
    Windows,
}

impl System {
    /// The one that this program was made for.
    pub(crate) const HERE: System = if cfg!(windows) { System::Windows } else { System::Unix };

    /// The files that may be meant by the program `name`, the likeliest first. On Windows a name without an extension stands for
    /// an `.exe`, else for a script: `emcc` is `emcc.bat` there.
    pub(crate) fn programs(self, name: &OsStr) -> Vec<OsString> {
        let with = |extension: &str| {
            let mut file = name.to_owned();
            file.push(extension);
            file
        };
        match self {
            System::Unix => vec![name.to_owned()],
            System::Windows if self.extension(name).is_some() => vec![name.to_owned(), with(".exe")],
            System::Windows => vec![with(".exe"), with(".bat"), with(".cmd")],
        }
    }

    fn is_separator(self, byte: u8) -> bool {
        byte == b'/' || (self == System::Windows && byte == b'\\')
    }

    /// Whether `path` means the same file wherever one stands. On Windows `\x` and `c:x` do not.
    pub(crate) fn is_absolute(self, path: &OsStr) -> bool {
        match (self, bytes(path)) {
            (System::Unix, path) => path.first() == Some(&b'/'),
            // `\\server\share`, `\\?\c:\x`.
            (System::Windows, [one, two, _, ..]) if self.is_separator(*one) && self.is_separator(*two) => true,
            (System::Windows, [drive, b':', separator, ..]) => drive.is_ascii_alphabetic() && self.is_separator(*separator),
            (System::Windows, _) => false,
        }
    }

    /// Whether `program` names a folder too, so that PATH is not asked. On Windows `c:x` does.
    pub(crate) fn names_a_folder(self, program: &OsStr) -> bool {
        let path = bytes(program);
        path.iter().any(|byte| self.is_separator(*byte))
            || (self == System::Windows && path.get(1) == Some(&b':') && path[0].is_ascii_alphabetic())
    }

    fn file_name(self, path: &OsStr) -> &[u8] {
        let path = bytes(path);
        let name = path.rsplit(|byte| self.is_separator(*byte)).next().unwrap_or_default();
        match name {
            [drive, b':', rest @ ..] if self == System::Windows && drive.is_ascii_alphabetic() => rest,
            name => name,
        }
    }

    fn extension(self, path: &OsStr) -> Option<&[u8]> {
        let name = self.file_name(path);
        let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0)?;
        Some(&name[dot + 1..])
    }

    /// The name of a program as one calls it, without folders and extension: on Windows in small letters, since there
    /// `RUST-LLD.EXE` is `rust-lld`. `None` where it is not text.
    pub(crate) fn program_name(self, path: &OsStr) -> Option<String> {
        let name = self.file_name(path);
        let ending = self.extension(path).map_or(0, |extension| extension.len() + 1);
        let name = std::str::from_utf8(&name[..name.len() - ending]).ok()?;
        Some(if self == System::Windows { name.to_ascii_lowercase() } else { name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::System::{self, Unix, Windows};
    use std::ffi::OsStr;

    #[test]
    fn programs() {
        let cases: &[(System, &str, &[&str])] = &[
            (Unix, "emcc", &["emcc"]),
            (Unix, "wasm-ld.sh", &["wasm-ld.sh"]),
            (Windows, "emcc", &["emcc.exe", "emcc.bat", "emcc.cmd"]),
            (Windows, "emcc.bat", &["emcc.bat", "emcc.bat.exe"]),
            (Windows, "rust-lld.exe", &["rust-lld.exe", "rust-lld.exe.exe"]),
            (Windows, "wasm-ld-14.0", &["wasm-ld-14.0", "wasm-ld-14.0.exe"]),
            (Windows, r"c:\dir.d\wasm-ld", &[r"c:\dir.d\wasm-ld.exe", r"c:\dir.d\wasm-ld.bat", r"c:\dir.d\wasm-ld.cmd"]),
            (Windows, ".emcc", &[".emcc.exe", ".emcc.bat", ".emcc.cmd"]),
        ];
        for (system, name, want) in cases {
            assert_eq!(system.programs(OsStr::new(name)), *want, "{name} on {system:?}");
        }
    }

    #[test]
    fn paths() {
        // A path, and for each system whether it is absolute, and whether it names a folder.
        let cases = [
            ("emcc", [(false, false), (false, false)]),
            ("/usr/bin/emcc", [(true, true), (false, true)]),
            ("./emcc", [(false, true), (false, true)]),
            (r"bin\emcc", [(false, false), (false, true)]),
            (r"c:\bin\emcc", [(false, false), (true, true)]),
            ("C:/bin/emcc", [(false, true), (true, true)]),
            ("c:emcc", [(false, false), (false, true)]),
            ("c:", [(false, false), (false, true)]),
            (r"\bin\emcc", [(false, false), (false, true)]),
            (r"\\server\share\emcc", [(false, false), (true, true)]),
            (r"\\?\c:\emcc", [(false, false), (true, true)]),
            ("//server/share", [(true, true), (true, true)]),
            (r"\\", [(false, false), (false, true)]),
            ("é:x", [(false, false), (false, false)]),
            ("", [(false, false), (false, false)]),
        ];
        for (path, want) in cases {
            let found = [Unix, Windows].map(|system| {
                let path = OsStr::new(path);
                (system.is_absolute(path), system.names_a_folder(path))
            });
            assert_eq!(found, want, "{path}");
        }
    }

    #[test]
    fn names() {
        let cases = [
            (Unix, "/usr/bin/wasm-ld-14", "wasm-ld-14"),
            (Unix, r"a\b", r"a\b"),
            (Unix, "rust-lld.exe", "rust-lld"),
            (Windows, r"C:\Rust\bin\RUST-LLD.EXE", "rust-lld"),
            (Windows, r"\\server\emsdk\emcc.bat", "emcc"),
            (Windows, "c:/sdk/clang.exe", "clang"),
            (Windows, "c:lld", "lld"),
            (Windows, "wasm-ld-14.0", "wasm-ld-14"),
            (Windows, ".emcc", ".emcc"),
            (Unix, "/sdk/emcc.py", "emcc"),
        ];
        for (system, path, want) in cases {
            assert_eq!(system.program_name(OsStr::new(path)).as_deref(), Some(want), "{path} on {system:?}");
        }
    }

    #[test]
    fn here() {
        assert!(System::HERE.is_absolute(std::env::current_exe().unwrap().as_os_str()));
    }
}
