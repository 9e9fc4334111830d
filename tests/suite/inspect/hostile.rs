//! What may hurt: names that drive a terminal, files that are no modules, pictures over other files, and nobody who listens.

use super::{assert_fits, assert_says, inspect, json, shown, written};
use crate::contract::encoded::{Sample, memory};
use crate::contract::hostile::{append_custom, sections};
use crate::support::link::cargo_wasm_threads;
use crate::support::{Place, Ran, Run, Suite, Tool, golden, objects, read, temp_folder};
use std::fs;

pub fn tests(suite: &mut Suite) {
    suite.test("names_drive_no_terminal", &[Tool::Node, Tool::Program("python3", "python3")], names_drive_no_terminal);
    suite.test("truncated", &[], truncated);
    suite.test("flipped", &[Tool::Rustc, Tool::RustLld], flipped);
    suite.test("not_a_module", &[], not_a_module);
    suite.test("pictures_are_written_with_care", &[Tool::Program("python3", "python3")], pictures_are_written_with_care);
    suite.test("colour_is_for_terminals", &[Tool::Program("python3", "python3")], colour_is_for_terminals);
    suite.test("nobody_listens", &[], nobody_listens);
}

/// What could drive a terminal, turn a line around, or break out of JSON, XML or JavaScript.
const HOSTILE: &str = "x\u{1b}[31m\u{7}\u{202e}\u{2066}\u{9b}\"'\\</text>&\n\r\u{0}\u{200b}é";

fn names_drive_no_terminal() {
    use crate::contract::encoded::Thing;
    let mut sample = Sample::new();
    sample.import = (HOSTILE, HOSTILE);
    sample.exports.push((concat_thread(), Thing::Function(2)));
    sample.exports.push((HOSTILE, Thing::Memory));
    sample.features = Some(vec![('\u{7}', "\u{1b}[2J")]);
    let mut bytes = sample.bytes();
    append_custom(&mut bytes, "wasm-threads", format!("wasm-threads: required by {}\n", HOSTILE.replace('\n', "")).as_bytes());
    append_custom(&mut bytes, "producers", &producers(HOSTILE));
    append_custom(&mut bytes, "name", &names(HOSTILE));
    let folder = temp_folder();
    // The file's own name, too.
    let file = folder.path().join("a\u{1b}[31m\u{202e}.wasm");
    fs::write(&file, &bytes).expect("a file");
    let picture = folder.path().join("picture.svg");
    for locale in ["C.UTF-8", "C"] {
        let ran = inspect().word("--svg").word(&picture).word(&file).env("LC_ALL", locale).run().expect_success();
        assert_harmless(&ran);
        assert_fits(&ran.stdout_text());
        for wanted in ["data x\\u{1b}", "required by", "made by       x\\u{1b}", "\\u{202e}"] {
            assert_says(&ran.stdout_text(), wanted);
        }
    }
    let svg = fs::read_to_string(&picture).expect("a picture");
    assert!(!svg.contains(|character: char| character.is_control() && character != '\n'), "{svg}");
    let parse = "import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1]); assert len(d.getElementsByTagName('title')) > 2";
    Run::new(Tool::Program("python3", "python3").path()).words(["-c", parse]).word(&picture).run().expect_success();

    fs::write(folder.path().join("facts.json"), json(&file)).expect("a file");
    let check = "
        const facts = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
        const [module] = facts.modules, [memory] = module.memories, name = process.env.NAME_IN_HEX;
        const hex = text => Buffer.from(text).toString('hex');
        const same = [memory.import.module, memory.import.name, module.segments[1].name, module.producers[0].name, memory.exported_as[0]];
        if (!same.every(text => hex(text) === name)) throw new Error(same.map(hex).join(' '));
        const made = eval(memory.javascript);
        const imports = Function('memory', `return (${memory.javascript_imports})`)(made);
        if (imports[memory.import.module][memory.import.name] !== made) throw new Error('another memory');
    ";
    let hex: String = HOSTILE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let node = Run::new(Tool::Node.path()).words(["-e", check]).word(folder.path().join("facts.json"));
    node.env("NAME_IN_HEX", hex).run().expect_success();

    // And in what is said of a file that cannot be read.
    fs::write(&file, b"none").expect("a file");
    assert_harmless(&inspect().word(&file).run().expect_code(2));
}

fn concat_thread() -> &'static str {
    "__wbindgen_thread_\u{1b}]0;title\u{7}\u{2028}"
}

/// A producers section of one entry.
fn producers(name: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
    [&[1][..], &text("language"), &[1], &text(name), &text("1")].concat()
}

/// A name section that names the second data segment.
fn names(name: &str) -> Vec<u8> {
    let entry = [&[1, 1, name.len() as u8][..], name.as_bytes()].concat();
    [&[9, entry.len() as u8][..], &entry].concat()
}

#[track_caller]
fn assert_harmless(ran: &Ran) {
    for text in [ran.stdout_text(), ran.stderr_text()] {
        let bad = text.chars().find(|character| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        });
        assert_eq!(bad, None, "{ran:?}");
    }
}

#[track_caller]
pub fn assert_is_shown_or_refused(ran: &Ran, what: &str) {
    assert_harmless(ran);
    match ran.code() {
        Some(0) => assert!(ran.stderr.is_empty(), "{what}: {ran:?}"),
        Some(2) => {
            let text = ran.stderr_text();
            let placed = ["byte ", "an empty file", "not a WebAssembly file", "of the unknown version"];
            assert!(ran.stdout.is_empty() && text.lines().count() == 1, "{what}: {ran:?}");
            assert!(placed.iter().any(|words| text.contains(words)), "it says where: {what}: {ran:?}");
        }
        _ => panic!("{what}: {ran:?}"),
    }
}

fn truncated() {
    let folder = temp_folder();
    let bytes = Sample::new().bytes();
    // Nothing at all, types, and imports are modules, and so is what lacks but the custom section at the end.
    let sections = sections(&bytes);
    let ends = sections.iter().filter(|(id, _)| matches!(id, 0 | 1 | 2 | 11)).map(|(_, range)| range.end);
    let whole: Vec<usize> = ends.chain([8]).collect();
    for cut in 0..bytes.len() {
        let ran = inspect().word(written(folder.path(), &bytes[..cut])).run();
        assert_is_shown_or_refused(&ran, &format!("cut off at {cut}"));
        assert_eq!(ran.code() == Some(0), whole.contains(&cut), "cut off at {cut}");
    }
}

fn flipped() {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic());
    place.link("atomic.o --export=add_shared --export=add_local").threaded(1);
    let mut bytes = read(place.path("out.wasm"));
    let folder = temp_folder();
    for at in 8..bytes.len() {
        let was = bytes[at];
        // A different bit each time.
        bytes[at] ^= 1 << (at % 8);
        let ran = inspect().word(written(folder.path(), &bytes)).run();
        assert_is_shown_or_refused(&ran, &format!("byte {at} flipped"));
        bytes[at] = was;
    }
}

fn not_a_module() {
    let folder = temp_folder();
    for (bytes, problem) in [
        (&b""[..], "an empty file"),
        (b"hello", "not a WebAssembly file"),
        (b"\0asm\x02\0\0\0", "WebAssembly of the unknown version [2, 0, 0, 0]"),
        (b"\0asm\x0d\0\x01\0\x01\x05", "cut off: the section at byte 8 ends at 15, what it is in at 10"),
        (b"\0asm\x0d\0\x01\0\x04\x02ab", "a component that is none (at byte 10)"),
        (b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01", "cut off: the section at byte 8 ends at 14, the file at 13"),
        (b"\0asm\x01\0\0\0\x05\x03\x01\x03\x01", "unexpected end-of-file (at byte 13)"),
        (b"\0asm\x01\0\0\0\x05\x03\x01\x02\x01", "a shared memory without a maximum (in the section at byte 10)"),
    ] {
        let ran = inspect().word(written(folder.path(), bytes)).run().expect_code(2);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        ran.expect_stderr(&format!("module.wasm cannot be read: {problem}"));
    }
    // Components in one another without end.
    let mut deep = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..200 {
        let mut size = Vec::new();
        let mut left = deep.len();
        while left >= 0x80 {
            size.push(left as u8 | 0x80);
            left >>= 7;
        }
        size.push(left as u8);
        deep = [&b"\0asm\x0d\0\x01\0\x04"[..], &size, &deep].concat();
    }
    inspect().word(written(folder.path(), &deep)).run().expect_code(2).expect_stderr("more than 64 components in one another");
    inspect().word(folder.path().join("none")).run().expect_code(2).expect_stderr("none cannot be read: ");
    inspect().word(folder.path()).run().expect_code(2).expect_stderr(" cannot be read: ");
    // An empty module has nothing to draw, and is shown.
    let empty = written(folder.path(), b"\0asm\x01\0\0\0");
    assert_says(&shown(&empty), "not threaded: memory-missing");
    let picture = folder.path().join("picture.svg");
    inspect().word("--svg").word(&picture).word(empty).run().expect_code(2).expect_stderr("there is no memory to draw");
    assert!(!picture.exists());
}

fn pictures_are_written_with_care() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let picture = folder.path().join("picture.svg");
    inspect().word("--svg").word(&picture).word(&file).run().expect_success();
    let svg = fs::read_to_string(&picture).expect("a picture");
    golden::check("inspect/picture", &svg, &[]);
    // By the option in one word, and beside JSON.
    let ran =
        inspect().word(format!("--svg={}", picture.display())).words(["--format=json"]).word(&file).run().expect_success();
    assert!(ran.stdout_text().starts_with("{\n") && fs::read_to_string(&picture).expect("a picture") == svg);
    // For readers who do not see it, from one file, in light and dark.
    for wanted in [
        "role=\"img\"",
        "aria-labelledby=\"title description\"",
        "<title id=\"title\">The memory of module.wasm",
        "<desc ",
        "prefers-color-scheme: dark",
    ] {
        assert_says(&svg, wanted);
    }
    assert!(!svg.contains("href") && !svg.contains("@import") && !svg.contains("http://www.w3.org/1999"), "{svg}");
    // Each text, were every letter as wide as two thirds of its height, ends inside; what stands in a part is inside of it.
    let check = "
import sys, xml.dom.minidom as m
d = m.parse(sys.argv[1]).documentElement
w = int(d.getAttribute('width'))
h = int(d.getAttribute('height'))
n = 0
for t in d.getElementsByTagName('text'):
    x, y, c = int(t.getAttribute('x')), int(t.getAttribute('y')), t.getAttribute('class').split()
    size = 19 if 'name' in c else 13
    wide = len(t.firstChild.data) * size * 0.66
    left = x - wide if 'end' in c else x - wide / 2 if 'letter' in c or 'over' in c else x
    assert 0 <= left and left + wide <= w and 0 < y < h, (t.toxml(), left, wide)
    n += 1
assert n > 10, n
for r in d.getElementsByTagName('rect'):
    if 'part' in r.getAttribute('class'):
        x, rw = int(r.getAttribute('x')), int(r.getAttribute('width'))
        assert rw >= 1 and x + rw <= w, r.toxml()
";
    let mut long = Sample::new();
    long.import = ("a module's very long name that goes on and on and on", "and a name that is no shorter than the first one");
    long.memories[0].0 = wasm_encoder::MemoryType { memory64: true, ..memory(1 << 40, 1 << 48) };
    for sample in [Sample::new(), long] {
        fs::write(&file, sample.bytes()).expect("a file");
        let far = folder.path().join(format!("{}.svg", "long".repeat(20)));
        inspect().word("--svg").word(&far).word(&file).run().expect_success();
        Run::new(Tool::Program("python3", "python3").path()).words(["-c", check]).word(&far).run().expect_success();
    }
    // The module itself is not the place, by whatever name; nor is a folder.
    let before = read(&file);
    let same = folder.path().join(".").join("module.wasm");
    for path in [file.as_path(), &same] {
        inspect().word("--svg").word(path).word(&file).run().expect_code(2).expect_stderr("is the module itself");
    }
    assert_eq!(read(&file), before);
    inspect().word("--svg").word(folder.path()).word(&file).run().expect_code(2).expect_stderr("cannot write ");
}

fn colour_is_for_terminals() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let spawn = "import pty, sys; pty.spawn(sys.argv[1:])";
    let in_terminal = |variables: &[(&str, &str)]| {
        let run = Run::new(Tool::Program("python3", "python3").path()).words(["-c", spawn]).word(cargo_wasm_threads());
        let run = run.word("inspect").word(&file).env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        run.run().expect_success().stdout_text().replace("\r\n", "\n")
    };
    let coloured = in_terminal(&[]);
    assert!(coloured.contains("\x1b[1;32mthreaded\x1b[0m"), "{coloured:?}");
    // The colours are all that differs.
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain += before;
        rest = after.split_once('m').expect("a colour").1;
    }
    plain += rest;
    assert_eq!(plain, shown(&file));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        assert_eq!(in_terminal(&variables), shown(&file), "{variables:?}");
    }
}

fn nobody_listens() {
    let folder = temp_folder();
    let file = written(folder.path(), &Sample::new().bytes());
    let shell = |text: &str| Run::new("/bin/sh").words(["-c", text]).word(cargo_wasm_threads()).word(&file).run();
    shell("exec \"$0\" inspect \"$1\" >/dev/full").expect_code(2).expect_stderr("error: cannot write the output: ");
    let ran = shell("{ \"$0\" inspect \"$1\"; echo $? >&2; } | true");
    // It may have written before the reader went.
    assert_eq!(ran.stderr_text(), "0\n", "{ran:?}");
}
