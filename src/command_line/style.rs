//! Whose words a command line is written in.

use crate::os_bytes::bytes;
use std::ffi::{OsStr, OsString};

/// The program that a command line is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// `wasm-ld`'s own options: from rustc (`-flavor wasm …`), `clang -fuse-ld=`, Make or CMake.
    WasmLd,
    /// `emcc`'s: settings as `-sNAME=VALUE`, or rustc's `-s EXPORTED_FUNCTIONS=[…]`.
    Emcc,
    /// A C compiler's: linker options behind `-Wl,`.
    Clang,
    /// A linker for the machine that builds (`-flavor gnu`, `/OUT:…`): no WebAssembly comes of it.
    Host,
}

impl Style {
    /// The style's name in `--wasm-threads-style=`.
    pub fn from_name(name: &str) -> Option<Style> {
        match name {
            "wasm-ld" => Some(Style::WasmLd),
            "emcc" => Some(Style::Emcc),
            "clang" => Some(Style::Clang),
            _ => None,
        }
    }
}

/// The style of `words`, response files opened. `flavor` is what rustc put behind `-flavor`.
pub(super) fn detect(flavor: Option<&OsString>, words: &[OsString]) -> Style {
    match flavor {
        Some(flavor) if names_wasm(flavor) => return Style::WasmLd,
        Some(_) => return Style::Host,
        None => {}
    }
    let mut style = Style::WasmLd;
    let mut previous: &[u8] = b"";
    for word in words {
        let word = bytes(word);
        let found = if is_emcc(previous, word) || (previous == b"-o" && is_script(word)) {
            Style::Emcc
        } else if is_msvc(word) {
            Style::Host
        } else if is_c_compiler(word) {
            Style::Clang
        } else {
            Style::WasmLd
        };
        // rustc gives emcc a `--target=` and may add `-Wl,` words: what only emcc takes decides.
        if found == Style::Emcc {
            return found;
        }
        style = style.max(found);
        previous = word;
    }
    style
}

/// The names that lld knows it by (`lld/Common/DriverDispatcher.cpp`, `getFlavor`).
fn names_wasm(flavor: &OsStr) -> bool {
    flavor.eq_ignore_ascii_case("wasm") || flavor.eq_ignore_ascii_case("ld-wasm")
}

fn is_emcc(previous: &[u8], word: &[u8]) -> bool {
    let setting = match word.strip_prefix(b"-s") {
        Some(joined) if !joined.is_empty() => joined,
        _ if previous == b"-s" => word,
        _ => return word.starts_with(b"--target=wasm32-unknown-emscripten"),
    };
    // `-s` alone strips; with wasm-ld, an all-capital word after it would be an input of that name: demand the `=` there.
    let name = setting.split(|byte| *byte == b'=').next().unwrap_or_default();
    let is_name = name.len() > 2 && name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_' || byte.is_ascii_digit());
    is_name && (previous != b"-s" || setting.contains(&b'='))
}

/// Only emcc writes a script or a page.
fn is_script(output: &[u8]) -> bool {
    [&b".js"[..], b".mjs", b".cjs", b".html"].iter().any(|ending| output.ends_with(ending))
}

fn is_c_compiler(word: &[u8]) -> bool {
    let starts: [&[u8]; 8] =
        [b"-Wl,", b"--target=", b"--sysroot=", b"-fuse-ld=", b"-nodefaultlibs", b"-nostartfiles", b"-nostdlib", b"-Xlinker"];
    let whole: [&[u8]; 6] = [b"-target", b"-m64", b"-m32", b"-pthread", b"-static-pie", b"-arch"];
    starts.iter().any(|start| word.starts_with(start)) || whole.contains(&word)
}

fn is_msvc(word: &[u8]) -> bool {
    let upper = word.get(..5).map(<[u8]>::to_ascii_uppercase);
    matches!(upper.as_deref(), Some(b"/OUT:" | b"/NOLO"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        let cases: &[(&str, Style)] = &[
            ("a.o -o x.wasm --shared-memory", Style::WasmLd),
            ("-m wasm32 -L/usr/lib crt1.o a.o -lc -o x.wasm", Style::WasmLd),
            ("-s a.o -o x.wasm", Style::WasmLd),
            ("-s EXPORTED_FUNCTIONS=[\"_main\"] a.o --target=wasm32-unknown-emscripten -o x.js", Style::Emcc),
            ("a.o -sPTHREAD_POOL_SIZE=4 -Wl,--no-entry -o x.js", Style::Emcc),
            ("a.o -sEXIT_RUNTIME -o x.js", Style::Emcc),
            ("a.o libb.a -O3 -o x.html", Style::Emcc),
            ("-pthread a.o -o x.mjs", Style::Emcc),
            ("-Wl,--export -Wl,get --target=wasm32-wasip1-threads a.o", Style::Clang),
            ("-m64 /tmp/symbols.o a.o -Wl,--as-needed", Style::Clang),
            ("/NOLOGO a.obj /OUT:x.exe", Style::Host),
        ];
        for (line, want) in cases {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(detect(None, &words), *want, "{line}");
        }
        assert_eq!(detect(Some(&"wasm".into()), &["-Wl,x".into()]), Style::WasmLd);
        for flavor in ["wasm", "WASM", "ld-wasm", "LD-Wasm"] {
            assert_eq!(detect(Some(&flavor.into()), &[]), Style::WasmLd, "{flavor}");
        }
        for flavor in ["gnu", "", "wasm-ld", "wasm32"] {
            assert_eq!(detect(Some(&flavor.into()), &[]), Style::Host, "{flavor}");
        }
    }
}
