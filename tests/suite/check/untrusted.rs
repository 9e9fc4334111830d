//! Names and files that are made to hurt whoever reads the answer: a terminal, a pipeline, a parser.

use super::{check, checked, good, write};
use crate::contract::encoded::{Sample, Thing};
use crate::contract::hostile::{append_custom, append_section};
use crate::support::link::cargo_wasm_threads;
use crate::support::{Run, Suite, temp_folder};

pub fn tests(suite: &mut Suite) {
    suite.test("hostile_names", &[], hostile_names);
    suite.test("truncated_files", &[], truncated_files);
    suite.test("garbage", &[], garbage);
    suite.test("many_names", &[], many_names);
    suite.test("many_of_everything", &[], many_of_everything);
    #[cfg(unix)]
    {
        suite.test("hostile_paths", &[], unix::hostile_paths);
        suite.test("little_memory", &[], unix::little_memory);
    }
}

/// What could drive a terminal, turn a line around, begin a command of a workflow, or break out of JSON.
const HOSTILE: [&str; 6] = [
    "x\u{1b}[31m\u{7}\u{202e}\u{2066}\u{9b}\"'\\</text>&\r\u{0}\u{200b}é",
    "::error::a\n::set-env name=PATH::/tmp\n  ::stop-commands::x",
    "##[add-mask]x ##[error]y",
    "a,b=c%0A::error::d%\n",
    "\n\n\n",
    "\u{2028}::error::\u{feff}::warning::",
];

/// Nothing of it does anything to who shows or runs it.
#[track_caller]
fn assert_harmless(text: &str, annotations: bool) {
    for character in text.chars() {
        let turns =
            matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        assert!(character == '\n' || !(character.is_control() || turns), "{character:?} in {text}");
    }
    for line in text.lines() {
        let is_ours = |line: &str| line.starts_with("::error file=") || line.starts_with("::warning file=");
        assert!(!line.trim_start().starts_with("::") || (annotations && is_ours(line)), "a command: {line}");
        assert!(!line.contains("##["), "a command: {line}");
        if annotations && line.starts_with("::") {
            // The runner reads to the first `::` behind the properties, of which a name must end none.
            let (properties, message) = line[2..].split_once("::").expect("a message");
            let names: Vec<&str> = properties.split_once(' ').expect("properties").1.split(',').collect();
            assert!(matches!(names[..], [file, title] if file.starts_with("file=") && title.starts_with("title=")), "{line}");
            assert!(!message.is_empty(), "{line}");
        }
    }
}

/// Files that have such a name everywhere where one is shown.
fn hostile_modules(name: &'static str) -> Vec<Vec<u8>> {
    let mut modules = Vec::new();
    let mut unshared = Sample::new();
    unshared.import = (name, name);
    unshared.memories[0].0.shared = false;
    unshared.features = Some(vec![('+', name)]);
    modules.push(unshared.bytes());
    let mut features = Sample::new();
    features.import = (name, name);
    features.features = Some(vec![('+', name), ('\u{7}', name)]);
    features.exports.push((name, Thing::Function(2)));
    let mut bytes = features.bytes();
    append_custom(&mut bytes, "wasm-threads", format!("wasm-threads: required by {name}\n").as_bytes());
    modules.push(bytes);
    let mut two = Sample::new();
    two.import = (name, name);
    two.memories.push(two.memories[0]);
    modules.push(two.bytes());
    modules
}

fn hostile_names() {
    for name in HOSTILE {
        let folder = temp_folder();
        let files: Vec<String> = hostile_modules(name)
            .iter()
            .enumerate()
            .map(|(index, bytes)| {
                let file = format!("m{index}.wasm");
                write(folder.path(), &file, bytes);
                file
            })
            .collect();
        let mut words: Vec<&str> = files.iter().map(String::as_str).collect();
        for expect in ["threaded", "unthreaded"] {
            for format in ["text", "json", "github", "sarif"] {
                let ran =
                    check(folder.path()).words(["--format", format, "--expect", expect]).words(&words).run().expect_code(1);
                assert_harmless(&ran.stdout_text(), format == "github");
                assert!(ran.stderr.is_empty());
                if matches!(format, "json" | "sarif") {
                    serde_json::from_slice::<serde_json::Value>(&ran.stdout).expect("JSON");
                }
            }
        }
        words.truncate(1);
        let json = checked(folder.path(), &[&["--format", "json"], &words[..]].concat(), 1).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["files"][0]["modules"][0]["findings"][0]["rule"], "memory-not-shared");
    }
}

fn truncated_files() {
    let folder = temp_folder();
    let bytes = good();
    // Each as a file of its own, all in one run.
    for cut in 0..bytes.len() {
        write(folder.path(), format!("{cut:04}.wasm"), &bytes[..cut]);
    }
    let ran = checked(folder.path(), &["--format", "json", "."], 2);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let files = json["files"].as_array().expect("files");
    assert_eq!(files.len(), bytes.len());
    let mut decided = 0;
    for file in files {
        if file["status"] == "undecided" {
            let found = file["findings"][0]["found"].as_str().expect("a text");
            let names_the_byte = found.contains("byte ") || found == "an empty file" || found == "not a WebAssembly file";
            assert!(names_the_byte, "{found}");
        } else {
            decided += 1;
        }
    }
    // Between two sections it may be a module, as without its last custom one.
    assert!(decided < 8, "{decided} of {} were decided", bytes.len());
}

/// Of a list that a file can make as long as it likes, the first names are enough.
fn many_names() {
    let folder = temp_folder();
    let imports: String = (0..1000).map(|index| format!("(import \"env\" \"__wasi_{index}\" (func))")).collect();
    let text = format!(
        "(module {imports} (import \"env\" \"memory\" (memory 1 2 shared)) (export \"memory\" (memory 0))
           (func (export \"wasi_thread_start\") (param i32 i32)) (func (export \"_start\")))"
    );
    write(folder.path(), "m.wasm", &super::wat(&text));
    let text = checked(folder.path(), &["m.wasm"], 1).stdout_text();
    assert!(
        text.contains("found:  imported from env: __wasi_0, __wasi_1, ") && text.contains(", __wasi_15, and 984 more\n"),
        "{text}"
    );
}

/// What no engine takes is not read either, and no engine takes more than a million of anything.
fn many_of_everything() {
    let folder = temp_folder();
    for (name, id, one, count) in [
        ("types", 1, &b"\x60\0\0"[..], &b"\xc1\x84\x3d"[..]),
        ("imports", 2, b"\0\0\0\0", b"\xc1\x84\x3d"),
        ("functions", 3, b"\0", b"\xc1\x84\x3d"),
        ("tables", 4, b"\x70\0\0", b"\xa1\x8d\x06"),
        ("memories", 5, b"\0\0", b"\x65"),
        ("globals", 6, b"\x7f\0\x41\0\x0b", b"\xc1\x84\x3d"),
        ("exports", 7, b"\0\0\0", b"\xc1\x84\x3d"),
        ("data segments", 11, b"\x01\0", b"\xa1\x8d\x06"),
    ] {
        let number = count.iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        append_section(&mut bytes, id, &[count, &one.repeat(number)].concat());
        write(folder.path(), "many.wasm", &bytes);
        let text = checked(folder.path(), &["many.wasm"], 2).stdout_text();
        assert!(text.contains("error[unreadable]") && text.contains(name) && text.contains("more than"), "{name}: {text}");
    }
}

fn garbage() {
    let folder = temp_folder();
    let mut longest = b"\0asm\x01\0\0\0".to_vec();
    // A number that goes on for ever, and one that is longer than it may be.
    append_section(&mut longest, 5, &[0x80; 4096]);
    let mut overlong = b"\0asm\x01\0\0\0".to_vec();
    append_section(&mut overlong, 5, b"\x81\x80\x80\x80\x80\x80\0\x03\x01\x02");
    for (name, bytes, says) in [
        ("empty", Vec::new(), "an empty file"),
        ("page", b"<!DOCTYPE html><title>404</title>".to_vec(), "a page, such as one that says 404"),
        ("pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(), "run `git lfs pull`"),
        ("version", b"\0asm\x02\0\0\0".to_vec(), "unknown version"),
        ("longest", longest, "at byte"),
        ("overlong", overlong, "at byte"),
        ("zeros", vec![0; 1 << 20], "not a WebAssembly file"),
        (
            "sections",
            [b"\0asm\x01\0\0\0".to_vec(), vec![0; 1 << 16]].concat(),
            "the custom section at byte 8 has no proper name",
        ),
    ] {
        let file = format!("{name}.wasm");
        write(folder.path(), &file, &bytes);
        let text = checked(folder.path(), &[&file], 2).stdout_text();
        assert!(text.contains("error[unreadable]") && text.contains(says), "{name}: {text}");
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    pub fn hostile_paths() {
        for (index, name) in HOSTILE.iter().enumerate() {
            let folder = temp_folder();
            let name = name.replace('\0', "").replace('/', "|");
            write(folder.path(), format!("{name}.wasm"), &hostile_modules("x")[0]);
            write(folder.path(), format!("{name}{index}.wasm"), b"no module");
            std::fs::create_dir_all(folder.path().join(format!("{name}folder.wasm"))).expect("a folder");
            for format in ["text", "json", "github", "sarif"] {
                let ran = check(folder.path()).words(["--format", format, "."]).run().expect_code(2);
                assert_harmless(&ran.stdout_text(), format == "github");
                let named = check(folder.path()).words(["--format", format, "--"]).word(format!("{name}.wasm")).run();
                assert_harmless(&named.stdout_text(), format == "github");
                named.expect_code(1);
            }
            // What is said of a bad use is harmless as well.
            let ran = check(folder.path()).words(["--threaded", &format!("{name}none")]).run().expect_code(2);
            assert_harmless(ran.stderr_text().split("\n\n").next().unwrap_or_default(), false);
            let ran = check(folder.path()).word(format!("{name}folder.wasm")).run().expect_code(2);
            assert_harmless(&ran.stderr_text(), false);
        }
        // A name that is no text.
        let folder = temp_folder();
        let name = OsStr::from_bytes(b"\xff\xfe::x.wasm");
        write(folder.path(), name, &good());
        for format in ["text", "json", "github", "sarif"] {
            let ran = check(folder.path()).words(["--format", format]).word(name).run().expect_success();
            assert_harmless(&ran.stdout_text(), format == "github");
        }
    }

    /// Counts that lie, and a few bytes that stand for many things: within 32 MiB beside the program itself.
    pub fn little_memory() {
        let folder = temp_folder();
        let mut liars: Vec<(String, Vec<u8>)> =
            crate::contract::hostile::liars().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        let head = b"\0asm\x01\0\0\0";
        let mut add = |name: &str, id: u8, contents: &[u8]| {
            let mut bytes = head.to_vec();
            append_section(&mut bytes, id, contents);
            liars.push((name.to_owned(), bytes));
        };
        // A million types in one group, says a group; it has none of them.
        add("million types", 1, &[1, 0x4e, 0xc0, 0x84, 0x3d]);
        // Two hundred thousand memories, each with a name of fifty thousand bytes, out of 250 kB.
        let mut compact = vec![1, 0xd0, 0x86, 0x03];
        compact.extend(vec![b'm'; 50_000]);
        compact.extend([0, 0x7e, 2, 3, 1, 2]);
        compact.extend([0xc0, 0x9a, 0x0c]);
        compact.extend(vec![0; 200_000]);
        add("memories", 2, &compact);
        // The same of functions.
        let mut compact = vec![1, 0xd0, 0x86, 0x03];
        compact.extend(vec![b'm'; 50_000]);
        compact.extend([0, 0x7e, 0, 0]);
        compact.extend([0xc0, 0x9a, 0x0c]);
        compact.extend(vec![0; 200_000]);
        add("functions", 2, &compact);
        for (name, bytes) in liars {
            write(folder.path(), "liar.wasm", &bytes);
            let script = "ulimit -S -v 65536; exec \"$@\"";
            let run = Run::new("/bin/sh").words(["-c", script, "sh"]).word(cargo_wasm_threads()).folder(folder.path());
            let ran = run.words(["check", "liar.wasm"]).run();
            assert!(matches!(ran.code(), Some(1 | 2)), "{name}: {ran:?}");
            assert!(ran.stdout_text().contains("error["), "{name}: {ran:?}");
        }
    }
}
