//! What a compiler's driver, clang or emcc, makes of its command line: which words it hands to the linker, and what it is told
//! beside them.
//!
//! Sources: clang's `Options.td` for the options whose value is the next word, `clang/lib/Driver/ToolChains/WebAssembly.cpp` for
//! what reaches `wasm-ld`; for emcc its `emcc.py` (3.1.6), which reads its settings as `-sNAME`, `-sNAME=VALUE` or `-s NAME=VALUE`.

use super::Style;
use super::driver_options::{MISPLACED, STOPS, takes_next};
use crate::os_bytes::{bytes, word};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What a driver is told beside the linker's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// The triples of `--target=` and `-target`, in order.
    pub targets: Vec<String>,
    /// `-pthread` or `-no-pthread`, the last of them.
    pub pthread: Option<bool>,
    /// `-matomics`: what is compiled on this line is compiled with atomics.
    pub atomics: bool,
    /// emcc's settings: the last value of each; `1` for a bare name.
    pub settings: BTreeMap<String, String>,
    /// A source file is on the line: it is compiled first, and what becomes of it cannot be read.
    pub compiles: bool,
    /// No module comes of this line: the option that says so.
    pub stops: Option<&'static str>,
    /// emcc's `-r` or `-shared`, the last of them: an object is linked, if all else on the line agrees.
    object: Option<&'static str>,
    /// emcc's `--oformat`, the last of them.
    pub format: Option<String>,
    /// The last option, where it lacks the value that must be the next word.
    pub(super) unfinished: Option<OsString>,
    /// Options of `wasm-ld` that stand bare on the line of a driver. clang refuses them, emcc drops them without a word.
    pub misplaced: Vec<String>,
}

/// Whether emcc links pthreads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pthreads {
    /// Yes, and the words that say so.
    On(String),
    /// No, and the words that say so.
    Off(String),
    /// Nobody says.
    Unsaid,
}

impl Driver {
    /// Whether emcc links pthreads. In 3.1.6 the setting wins over `-pthread`, wherever they stand.
    pub fn pthreads(&self) -> Pthreads {
        // Two names of one setting; the second came with 3.1.21.
        for name in ["USE_PTHREADS", "PTHREADS"] {
            if let Some(value) = self.settings.get(name) {
                let words = format!("-s{name}={value}");
                return if is_on(value) { Pthreads::On(words) } else { Pthreads::Off(words) };
            }
        }
        match self.pthread {
            Some(true) => Pthreads::On("-pthread".to_owned()),
            Some(false) => Pthreads::Off("-no-pthread".to_owned()),
            None => Pthreads::Unsaid,
        }
    }

    /// Whether one of emcc's settings is on.
    pub fn is_set(&self, name: &str) -> bool {
        self.settings.get(name).is_some_and(|value| is_on(value))
    }

    /// Why emcc links an object for a later link and no module, where it does (`emcc.py`, `phase_linker_setup`): `-r` and `-shared`
    /// alone do not say so. A side module, and what is called like a program, are linked all the same.
    pub(super) fn links_object(&self, output: Option<&OsStr>) -> Option<&'static str> {
        match (self.format.as_deref(), self.object) {
            (Some("object"), _) => Some("--oformat=object"),
            (Some(_), _) | (None, None) => None,
            (None, Some("-shared")) if self.is_set("SIDE_MODULE") => None,
            (None, Some(option)) => output.is_some_and(|output| !is_program(bytes(output))).then_some(option),
        }
    }

    /// Whether clang makes a threaded link of this line by itself (`WebAssembly.cpp`, `WantsPthread`).
    pub fn wants_threads(&self) -> Option<String> {
        if self.pthread == Some(true) {
            return Some("-pthread".to_owned());
        }
        self.targets.iter().find(|triple| triple.ends_with("-threads")).map(|triple| format!("--target={triple}"))
    }
}

/// Off is zero, as a number. What is no number is text, which is on in 3.1.6 and refused by later versions.
fn is_on(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    !digits.bytes().all(|digit| digit == b'0')
}

/// Whether emcc takes an output of this name for a program (`emcc.py`, `EXECUTABLE_ENDINGS`): by its ending, version numbers aside.
fn is_program(output: &[u8]) -> bool {
    let mut name = output.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    loop {
        let Some(dot) = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0) else { return true };
        let ending = &name[dot + 1..];
        if ending.is_empty() || !ending.iter().all(u8::is_ascii_digit) {
            return [&b"wasm"[..], b"html", b"js", b"mjs", b"out"].contains(&ending);
        }
        name = &name[..dot];
    }
}

/// A word for the linker, and where it stood on the driver's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: OsString,
    /// The words it came of: `-Xlinker` and its value are two.
    pub from: std::ops::Range<usize>,
}

/// The words that reach the linker; what else is said goes to `driver`.
pub(super) fn translate(words: &[OsString], style: Style, driver: &mut Driver) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let text = bytes(&words[at]);
        let next = words.get(at + 1);
        let here = at;
        at += 1;
        let mut hand_on = |text: &[u8], from| pieces.push(Piece { text: word(text), from });
        if let Some(parts) = text.strip_prefix(b"-Wl,") {
            // clang drops the empty parts, and rustc writes one: `-Wl,--export-memory,`.
            for part in parts.split(|byte| *byte == b',').filter(|part| !part.is_empty()) {
                hand_on(part, here..at);
            }
            continue;
        }
        if text == b"-Xlinker" || text == b"--for-linker" {
            match next {
                Some(next) => {
                    at += 1;
                    hand_on(bytes(next), here..at);
                }
                None => driver.unfinished = Some(words[here].clone()),
            }
            continue;
        }
        if style == Style::Clang {
            // Its long names for what is handed on below by the short ones.
            if text == b"--output"
                && let Some(next) = next
            {
                at += 1;
                hand_on(&[b"-o", bytes(next)].concat(), here..at);
                continue;
            }
            if let Some(output) = text.strip_prefix(b"--output=") {
                hand_on(&[b"-o", output].concat(), here..at);
                continue;
            }
            if let Some(handed_on) = text.strip_prefix(b"--for-linker=") {
                hand_on(handed_on, here..at);
                continue;
            }
            if text == b"--" {
                // Nothing behind it is an option.
                for (index, input) in words.iter().enumerate().skip(at) {
                    driver.compiles |= is_source(bytes(input));
                    hand_on(bytes(input), index..index + 1);
                }
                break;
            }
        }
        if style == Style::Emcc
            && let Some(joined) = text.strip_prefix(b"-s")
        {
            let separate = joined.is_empty().then_some(next).flatten().filter(|next| setting(bytes(next)).is_some());
            at += usize::from(separate.is_some());
            if let Some((name, value)) = setting(separate.map_or(joined, |next| bytes(next))) {
                driver.settings.insert(name, value);
                continue;
            }
        }
        if style == Style::Emcc {
            // It takes what is behind a `=` in any word that begins so.
            if let Some(at_equals) = text.iter().position(|byte| *byte == b'=').filter(|_| text.starts_with(b"-o")) {
                hand_on(&[b"-o", &text[at_equals + 1..]].concat(), here..at);
                continue;
            }
            let format = text
                .strip_prefix(b"--oformat=")
                .or_else(|| (text == b"--oformat").then_some(next).flatten().map(|next| bytes(next)));
            if let Some(format) = format {
                driver.format = Some(String::from_utf8_lossy(format).into_owned());
            }
            if let Some(option) = ["-r", "-shared"].into_iter().find(|option| option.as_bytes() == text) {
                driver.object = Some(option);
                continue;
            }
        }
        let ours = text.starts_with(super::OWN_PREFIX.as_bytes());
        if ours || !text.starts_with(b"-") || text == b"-" {
            driver.compiles |= (is_source(text) && !ours) || text == b"-";
            hand_on(text, here..at);
            continue;
        }
        if let Some(triple) = text.strip_prefix(b"--target=") {
            driver.targets.push(String::from_utf8_lossy(triple).into_owned());
            continue;
        }
        match text {
            b"-target" | b"--target" => driver.targets.extend(next.map(|triple| triple.to_string_lossy().into_owned())),
            b"-pthread" => driver.pthread = Some(true),
            b"-no-pthread" => driver.pthread = Some(false),
            b"-matomics" => driver.atomics = true,
            b"-mno-atomics" => driver.atomics = false,
            // Whatever its name is, what follows is compiled.
            _ if text.starts_with(b"-x") && text != b"-xnone" => driver.compiles |= next.is_none_or(|next| next != "none"),
            _ => {}
        }
        if let Some(stop) = STOPS.iter().find(|stop| stop.as_bytes() == text) {
            driver.stops = Some(stop);
        }
        // emcc has a `--no-entry` of its own.
        let own = style == Style::Emcc && text == b"--no-entry";
        if !own
            && MISPLACED
                .iter()
                .any(|name| text.strip_prefix(name.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'=', ..])))
        {
            driver.misplaced.push(String::from_utf8_lossy(text).into_owned());
        }
        // What both understand alike goes to the linker as it is.
        let shared =
            text != b"-undefined" && [b"-o", b"-L", b"-l", b"-u", b"-z"].iter().any(|option| text.starts_with(*option));
        if shared || text == b"-shared" || text == b"-r" {
            hand_on(text, here..at);
            if text.len() == 2
                && text != b"-r"
                && let Some(next) = next
            {
                at += 1;
                hand_on(bytes(next), here..at);
            }
        } else if takes_next(text, style) {
            at += 1;
            if next.is_none() {
                driver.unfinished = Some(words[here].clone());
            }
        }
    }
    pieces
}

/// `NAME`, `NAME=VALUE`: capital letters, as emcc demands.
fn setting(text: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(text).ok()?;
    let (name, value) = text.split_once('=').unwrap_or((text, "1"));
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = name.bytes().all(capital) && name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

fn is_source(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else { return false };
    let kinds = "c cc cp cpp cxx c++ C CC CPP CXX C++ cppm ixx m mm M mi mii i ii ll s S";
    kinds.split(' ').any(|kind| kind.as_bytes() == &name[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, style: Style) -> (Vec<String>, Driver) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut driver = Driver::default();
        let pieces = translate(&words, style, &mut driver);
        (pieces.into_iter().map(|piece| piece.text.to_string_lossy().into_owned()).collect(), driver)
    }

    #[test]
    fn what_reaches_the_linker() {
        let cases: &[(&str, &str)] = &[
            ("a.o -Wl,--import-memory -o x.wasm", "a.o --import-memory -o x.wasm"),
            ("-Wl,--export-memory, -Wl,-z -Wl,stack-size=1 a.o", "--export-memory -z stack-size=1 a.o"),
            ("-Xlinker --max-memory=65536 -Xlinker -o a.o", "--max-memory=65536 -o a.o"),
            ("-x c -I include -isystem /s -D X=1 -mllvm -y -O2 -g a.o", "a.o"),
            ("-L lib -Llib2 -lm -l c -ofile -z now -u sym", "-L lib -Llib2 -lm -l c -ofile -z now -u sym"),
            ("--target=wasm32 -nostdlib -fuse-ld=lld a.o -r", "a.o -r"),
            ("--output=x.wasm --for-linker=--trace --for-linker -s -undefined b.o a.o", "-ox.wasm --trace -s a.o"),
            ("--config c.o -o x.wasm --output y.wasm -- a.o -pthread", "-o x.wasm -oy.wasm a.o -pthread"),
        ];
        for (line, want) in cases {
            assert_eq!(read(line, Style::Clang).0.join(" "), *want, "{line}");
        }
        let emcc = "-s EXPORTED_FUNCTIONS=[\"_main\"] a.o --pre-js p.js -s -sEXIT_RUNTIME -o x.js";
        assert_eq!(read(emcc, Style::Emcc).0.join(" "), "a.o -o x.js");
    }

    #[test]
    fn pthreads() {
        let on = |words: &str| Pthreads::On(words.to_owned());
        let off = |words: &str| Pthreads::Off(words.to_owned());
        let cases: &[(&str, Pthreads)] = &[
            ("a.o", Pthreads::Unsaid),
            ("-pthread", on("-pthread")),
            ("-pthread -no-pthread", off("-no-pthread")),
            ("-no-pthread -pthread", on("-pthread")),
            ("-pthreads -lpthread", Pthreads::Unsaid),
            ("-sUSE_PTHREADS", on("-sUSE_PTHREADS=1")),
            ("-s USE_PTHREADS=1", on("-sUSE_PTHREADS=1")),
            ("-s USE_PTHREADS", on("-sUSE_PTHREADS=1")),
            ("-sPTHREADS=1", on("-sPTHREADS=1")),
            ("-sUSE_PTHREADS=true", on("-sUSE_PTHREADS=true")),
            ("-sUSE_PTHREADS=1 -sUSE_PTHREADS=0", off("-sUSE_PTHREADS=0")),
            ("-sUSE_PTHREADS=0x0", off("-sUSE_PTHREADS=0x0")),
            ("-sUSE_PTHREADS=false", on("-sUSE_PTHREADS=false")),
            // Measured: the setting wins, before or after.
            ("-sUSE_PTHREADS=0 -pthread", off("-sUSE_PTHREADS=0")),
            ("-sPTHREAD_POOL_SIZE=4", Pthreads::Unsaid),
            ("-DX=-pthread -o -pthread", Pthreads::Unsaid),
        ];
        for (line, want) in cases {
            assert_eq!(read(line, Style::Emcc).1.pthreads(), *want, "{line}");
        }
    }

    #[test]
    fn objects_of_emcc() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("-r a.o", "x.o", Some("-r")),
            ("-shared a.o", "libx.so.1.2", Some("-shared")),
            ("-r a.o", "lib.d/x.wasm.o", Some("-r")),
            // By its name a program, and so it is one.
            ("-r a.o", "x.js", None),
            ("-shared a.o", "x.js.5", None),
            ("-shared a.o", "a.out", None),
            ("-shared a.o", "out.d/x", None),
            ("-shared a.o", "x.WASM", Some("-shared")),
            ("-shared -sSIDE_MODULE=2 a.o", "libx.so", None),
            ("-r -sSIDE_MODULE=2 a.o", "libx.so", Some("-r")),
            ("--oformat=object a.o", "x.js", Some("--oformat=object")),
            ("-r --oformat=object --oformat js a.o", "x.o", None),
            ("a.o", "x.o", None),
        ];
        for (line, output, want) in cases {
            assert_eq!(read(line, Style::Emcc).1.links_object(Some(OsStr::new(output))), *want, "{line} {output}");
        }
        assert_eq!(read("-r a.o", Style::Emcc).1.links_object(None), None);
    }

    #[test]
    fn what_else_is_said() {
        let (_, driver) = read("--target=wasm32-wasip1-threads a.c -target wasm32-wasi -matomics", Style::Clang);
        assert_eq!(driver.targets, ["wasm32-wasip1-threads", "wasm32-wasi"]);
        assert_eq!(driver.wants_threads().as_deref(), Some("--target=wasm32-wasip1-threads"));
        assert!(driver.compiles && driver.atomics && driver.stops.is_none());
        assert_eq!(read("-c a.c", Style::Emcc).1.stops, Some("-c"));
        assert_eq!(read("-x -c a.o", Style::Clang).1.stops, None);
        for (line, compiles) in [
            ("-x c a.inc", true),
            ("-xc++ a", true),
            ("-", true),
            ("-x none a.o", false),
            ("a.CPP", true),
            ("--wasm-threads-linker=/opt/ld.cc a.o", false),
        ] {
            assert_eq!(read(line, Style::Clang).1.compiles, compiles, "{line}");
        }
        for (line, unfinished) in [("a.o -Xlinker", true), ("a.o -D", true), ("a.o -D X", false), ("-Xlinker -D a.o", false)] {
            assert_eq!(read(line, Style::Clang).1.unfinished.is_some(), unfinished, "{line}");
        }
        assert!(read("a.o --no-entry", Style::Emcc).1.misplaced.is_empty());
        let misplaced = read("--max-memory=65536 --shared-memory a.o --exports", Style::Emcc).1.misplaced;
        assert_eq!(misplaced, ["--max-memory=65536", "--shared-memory"]);
    }
}
