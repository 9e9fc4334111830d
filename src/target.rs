//! Which target a `wasm-ld` line links for. The line does not say; its folders and objects give it away.

use crate::command_line::{From, Options, Style};
use crate::contract::Abi;
use crate::os_bytes::bytes;
use std::ffi::OsStr;

/// A target, as far as it changes what is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// No libc: `*-unknown-unknown`, `wasm32v1-none`, or objects of one's own. For javascript.
    Javascript,
    /// `wasm32-wasip1-threads`, under this or its older name `wasm32-wasi-preview1-threads`, or `wasm32-wasi-threads`.
    WasiThreads,
    /// WASI without threads.
    Wasi,
    /// `wasm32-wasip2` and what comes after it: components, which `wasm-component-ld` makes, and which have no threads.
    WasiComponent,
    /// `wasm32-unknown-emscripten`: emcc's line, or, as `wasm-ld`'s, emcc's own call of its linker, with all it needs.
    Emscripten,
    /// `wasm32-wali-linux-musl`: shares memory in its own way.
    Wali,
}

impl Target {
    /// The target of a line: the one that is named there, else what a libc leaves on a line.
    pub fn of(options: &Options, style: Style) -> Target {
        Target::named(options, style)
            .or_else(|| options.inputs.iter().find_map(|input| from_libc(&input.from)))
            .unwrap_or(Target::Javascript)
    }

    /// The target that a line names: `rustlib/<triple>/` in a `-L`, else a driver's `--target=`, else a triple in a `-L`.
    pub fn named(options: &Options, style: Style) -> Option<Target> {
        if style == Style::Emcc {
            return Some(Target::Emscripten);
        }
        let folders = || options.search_paths.iter().map(|path| path.as_os_str());
        folders()
            .find_map(in_rustlib)
            .or_else(|| named_to_driver(options).and_then(|triple| from_triple(triple.as_bytes())))
            .or_else(|| folders().find_map(in_path))
    }

    /// The contract for its modules, where there is one.
    pub fn abi(self) -> Option<Abi> {
        match self {
            Target::Javascript => Some(Abi::Javascript),
            Target::WasiThreads => Some(Abi::WasiThreads),
            Target::Wasi => Some(Abi::Wasi),
            Target::Emscripten => Some(Abi::Emscripten),
            Target::WasiComponent | Target::Wali => None,
        }
    }
}

/// The triple to name in a message: of `rustlib/<triple>/`, where rustc's own folder is on the line; of a driver's line its own.
pub(crate) fn triple(options: &Options, style: Style) -> String {
    if style == Style::Emcc {
        return "wasm32-unknown-emscripten".to_owned();
    }
    let found = options.search_paths.iter().find_map(|path| {
        let mut parts = parts(path.as_os_str());
        parts.find(|part| *part == b"rustlib")?;
        let triple = String::from_utf8(parts.next()?.to_vec()).ok()?;
        triple.starts_with("wasm").then_some(triple)
    });
    let named = || named_to_driver(options).filter(|triple| from_triple(triple.as_bytes()).is_some()).cloned();
    found.or_else(named).unwrap_or_else(|| "wasm32-unknown-unknown".to_owned())
}

/// Of a driver's triples the last, which it takes itself. But rustc puts the one without threads behind the one with them
/// (rust-lang/rust#131007).
fn named_to_driver(options: &Options) -> Option<&String> {
    let targets = &options.driver.targets;
    targets.iter().find(|triple| triple.ends_with("-threads")).or(targets.last())
}

fn from_triple(triple: &[u8]) -> Option<Target> {
    let text = std::str::from_utf8(triple).ok()?;
    let rest = text.strip_prefix("wasm32").or_else(|| text.strip_prefix("wasm64"))?;
    Some(match rest {
        "-unknown-unknown" | "v1-none" => Target::Javascript,
        "-unknown-emscripten" | "-emscripten" => Target::Emscripten,
        _ if rest.contains("wali") => Target::Wali,
        _ if rest.starts_with("-wasip") && !rest.starts_with("-wasip1") => Target::WasiComponent,
        _ if rest.contains("-wasi") && rest.ends_with("-threads") => Target::WasiThreads,
        _ if rest.contains("-wasi") => Target::Wasi,
        _ => return None,
    })
}

fn parts(path: &OsStr) -> impl Iterator<Item = &[u8]> {
    bytes(path).split(|byte| matches!(byte, b'/' | b'\\'))
}

fn in_rustlib(path: &OsStr) -> Option<Target> {
    let mut parts = parts(path);
    parts.find(|part| *part == b"rustlib")?;
    from_triple(parts.next()?)
}

fn in_path(path: &OsStr) -> Option<Target> {
    parts(path).find_map(from_triple)
}

fn from_libc(from: &From) -> Option<Target> {
    let is_libc = match from {
        From::Library(name) => name == "c",
        // There may be thousands of these, of rustc's most of all: `Path::file_name` takes its time.
        From::Path(path) => {
            let path = bytes(path.as_os_str());
            if path.ends_with(b".rcgu.o") {
                return None;
            }
            let name = path.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(path, |at| &path[at + 1..]);
            name.starts_with(b"crt1") && name.ends_with(b".o")
        }
    };
    is_libc.then_some(Target::Wasi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::CommandLine;

    #[test]
    fn targets() {
        let cases = [
            ("a.o", Target::Javascript),
            ("-L /s/lib/rustlib/wasm32-unknown-unknown/lib/self-contained a.o", Target::Javascript),
            ("-L/s/lib/rustlib/wasm32-wasip1-threads/lib a.o -l c", Target::WasiThreads),
            ("-L/s/lib/rustlib/wasm32-wasi-preview1-threads/lib a.o", Target::WasiThreads),
            ("-L/sdk/lib/wasm32-wasi-threads a.o", Target::WasiThreads),
            ("-L/sdk/lib/wasm32-wasip1 a.o", Target::Wasi),
            ("-L/s/lib/rustlib/wasm32-wasi-threads/lib a.o", Target::WasiThreads),
            ("-L/sdk/lib/wasm32-wasi-preview1-threads a.o", Target::WasiThreads),
            (
                "-L/s/lib/rustlib/wasm32-wasi-preview1-threads/lib/self-contained /s/crt1-command.o a.o -l c",
                Target::WasiThreads,
            ),
            ("-L/sdk/lib/wasm32-wasi a.o", Target::Wasi),
            ("-L/s/lib/rustlib/wasm32-wasi/lib a.o", Target::Wasi),
            ("-L/s/lib/rustlib/wasm32-wasip2/lib/self-contained a.o -l c", Target::WasiComponent),
            ("-L/s/lib/rustlib/wasm32-wasip3/lib a.o", Target::WasiComponent),
            ("-L/sdk/lib/wasm32-wasip2 a.o", Target::WasiComponent),
            ("-L/x/wasm32-unknown-unknown/debug -L/s/lib/rustlib/wasm32-wasip1/lib a.o", Target::Wasi),
            ("-L C:\\s\\lib\\rustlib\\wasm64-unknown-unknown\\lib a.o", Target::Javascript),
            ("-L/s/rustlib/wasm32v1-none/lib a.o", Target::Javascript),
            ("-L/s/rustlib/wasm32-wali-linux-musl/lib a.o", Target::Wali),
            ("-L/e/lib/wasm32-emscripten/lto a.o -lc-mt", Target::Emscripten),
            ("/sys/crt1-reactor.o a.o", Target::Wasi),
            ("a.o -lc", Target::Wasi),
            ("--target=wasm32-wasip1-threads a.o --target=wasm32-wasi", Target::WasiThreads),
            ("--target=wasm32-wasi a.o --target=wasm32-wasip1-threads", Target::WasiThreads),
            ("--target=wasm32-unknown-unknown a.o --target=wasm32-wasi", Target::Wasi),
            ("--target=wasm32 -nostdlib a.o", Target::Javascript),
            ("--target=wasm32-wasip1 a.o", Target::Wasi),
            ("--target=wasm32-unknown-emscripten a.o -lc", Target::Emscripten),
            ("a.o -lc -o x.js", Target::Emscripten),
        ];
        for (line, want) in cases {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let line_read = CommandLine::parse(&words, &mut |_| None);
            assert_eq!(Target::of(&line_read.options, line_read.style), want, "{line}");
        }
    }
}
