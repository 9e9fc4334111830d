//! Files that are cut off, flipped, or made to hurt: an answer for each, in little time and memory.

use super::encoded::Sample;
use crate::support::{FLAVOR, Link, Suite, THREADED, Tool, objects, read, temp_folder};
use std::cell::Cell;
use std::io;
use std::ops::Range;
use wasm_threads::module::{Module, ReadAt};
use wasmparser::Parser;

pub fn tests(suite: &mut Suite) {
    let lld = [Tool::Rustc, Tool::RustLld];
    suite.test("no_truncated_module_passes", &lld, no_truncated_module_passes);
    suite.test("flipped_modules", &lld, flipped_modules);
    suite.test("flipped_objects", &lld[..1], flipped_objects);
    suite.test("flipped_objects_as_inputs", &lld[..1], flipped_objects_as_inputs);
    suite.test("counts_that_lie", &[], counts_that_lie);
    suite.test("sections_out_of_place", &[], sections_out_of_place);
    suite.test("trailing_bytes_in_sections", &[], trailing_bytes_in_sections);
    suite.test("limits_that_no_engine_takes", &[], limits_that_no_engine_takes);
    suite.test("compact_imports", &[], compact_imports);
    #[cfg(unix)]
    suite.test("counts_that_lie_in_little_memory", &[], unix::counts_that_lie_in_little_memory);
}

/// Each section with its header: its id and where it lies.
pub fn sections(module: &[u8]) -> Vec<(u8, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 8;
    while at < module.len() {
        let (size, length) = leb(&module[at + 1..]);
        let end = at + 1 + length + size;
        found.push((module[at], at..end));
        at = end;
    }
    found
}

fn leb(bytes: &[u8]) -> (usize, usize) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number ends") + 1;
    (bytes[..length].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f)), length)
}

fn encode_leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub fn append_section(module: &mut Vec<u8>, id: u8, contents: &[u8]) {
    module.push(id);
    module.extend(encode_leb(contents.len()));
    module.extend(contents);
}

pub fn append_custom(module: &mut Vec<u8>, name: &str, contents: &[u8]) {
    append_section(module, 0, &[&encode_leb(name.len())[..], name.as_bytes(), contents].concat());
}

/// A source that notes how much of it was asked for at once.
struct Watched<'a> {
    bytes: &'a [u8],
    most: Cell<usize>,
    asked: Cell<usize>,
}

impl ReadAt for Watched<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.most.set(self.most.get().max(buffer.len()));
        self.asked.set(self.asked.get() + 1);
        self.bytes.read_some(offset, buffer)
    }
}

/// Reads it under watch, and says whether `verify` would call it good.
#[track_caller]
fn read_watched(bytes: &[u8]) -> bool {
    let watched = Watched { bytes, most: Cell::new(0), asked: Cell::new(0) };
    let read = Module::read(&watched);
    assert!(watched.most.get() <= bytes.len(), "{} bytes of {} were asked for", watched.most.get(), bytes.len());
    assert!(watched.asked.get() <= 64, "{} reads", watched.asked.get());
    let good = wasm_threads::verify(bytes).is_ok();
    assert!(!good || read.is_ok());
    good
}

fn linked(more: &[&str]) -> Vec<u8> {
    let folder = temp_folder();
    let output = folder.path().join("out.wasm");
    let run = Link::bare(Tool::RustLld.path()).words(FLAVOR).words(THREADED).words(more).words(["--export=add_shared"]);
    run.word("--export=add_local").word(objects::atomic()).word("-o").word(&output).run().expect_success();
    read(output)
}

fn no_truncated_module_passes() {
    for module in [linked(&[]), linked(&["--strip-all"]), linked(&["--emit-relocs"]), Sample::new().bytes()] {
        assert!(read_watched(&module));
        let sections = sections(&module);
        // Without some of the custom sections at its end it is a whole module still, as `strip` leaves it.
        let last = sections.iter().rev().find(|(id, _)| *id != 0).expect("it has sections").1.end;
        let whole: Vec<usize> = sections.iter().map(|(_, range)| range.end).filter(|end| *end >= last).collect();
        for cut in 0..module.len() {
            assert_eq!(read_watched(&module[..cut]), whole.contains(&cut), "cut off at {cut} of {}", module.len());
        }
    }
}

/// Each bit alone, and many at once.
const ALL: [u8; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 0x7f, 0xff];
/// Where each try costs a file.
const FEW: [u8; 3] = [1, 128, 0xff];

/// Changes every byte in turn, in each of those ways.
fn flips(bytes: &[u8], masks: &[u8], mut visit: impl FnMut(&[u8], usize)) {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() {
        let was = bytes[at];
        for mask in masks {
            bytes[at] = was ^ mask;
            visit(&bytes, at);
        }
        bytes[at] = was;
    }
}

fn flipped_modules() {
    for module in [linked(&["--strip-all"]), Sample::new().bytes()] {
        let mut refused = 0;
        let unread: Vec<_> = sections(&module).into_iter().filter(|(id, _)| matches!(id, 0 | 10)).collect();
        assert!(unread.iter().any(|(id, _)| *id == 10), "there is code");
        flips(&module, &ALL, |flipped, at| {
            // What a reader without any rule of ours cannot read, or an engine would not take, must not be called good.
            // Of code only one function's beginning is read, and of custom sections a few.
            let readable = Parser::new(0).parse_all(flipped).all(|payload| payload.is_ok());
            let good = read_watched(flipped);
            assert!(
                readable || !good || unread.iter().any(|(_, range)| range.contains(&at)),
                "byte {at} of {} is {:#x}",
                module.len(),
                flipped[at]
            );
            refused += usize::from(!good);
        });
        assert!(refused > module.len(), "{refused} of {} were refused", module.len() * ALL.len());
    }
}

fn flipped_objects() {
    for object in [objects::atomic(), objects::refusing()] {
        flips(&read(object), &ALL, |flipped, _| assert!(!read_watched(flipped), "an object is no threaded module"));
    }
}

/// The shim reads what the linker is about to refuse: it must not be the one that falls.
fn flipped_objects_as_inputs() {
    use wasm_threads::command_line::{CommandLine, Style};
    use wasm_threads::inputs::{Atomics, Inputs};
    let folder = temp_folder();
    let path = folder.path().join("flipped.o");
    let options = CommandLine::parse(&[path.clone().into_os_string()], &mut |_| None).options;
    let mut seen = [0; 2];
    let mut survey = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("an object can be written");
        let atomics = Inputs::survey(&options, Style::WasmLd).atomics;
        seen[usize::from(matches!(atomics, Atomics::Yes(_)))] += 1;
    };
    let object = read(objects::atomic());
    flips(&object, &FEW, |flipped, _| survey(flipped));
    for cut in 0..object.len() {
        survey(&object[..cut]);
    }
    assert!(seen[0] > 100 && seen[1] > 100, "both answers are given: {seen:?}");
}

const MANY: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f];

/// A section whose contents begin with a count of four thousand millions.
pub fn liars() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    let head = b"\0asm\x01\0\0\0";
    for (name, id) in [("types", 1), ("imports", 2), ("functions", 3), ("memories", 5), ("globals", 6), ("exports", 7)] {
        all.push((name, id, MANY.to_vec()));
    }
    all.push(("code", 10, MANY.to_vec()));
    all.push(("data", 11, MANY.to_vec()));
    all.push(("data count", 12, MANY.to_vec()));
    all.push(("group of types", 1, [&[1, 0x4e], MANY].concat()));
    all.push(("parameters", 1, [&[1, 0x60], MANY].concat()));
    all.push(("results", 1, [&[1, 0x60, 0], MANY].concat()));
    all.push(("fields", 1, [&[1, 0x5f], MANY].concat()));
    all.push(("name of an import", 2, [&[1], MANY].concat()));
    all.push(("compact imports", 2, [&[1, 1, b'm', 0, 0x7f], MANY].concat()));
    all.push(("name of an export", 7, [&[1], MANY].concat()));
    all.push(("passive segment", 11, [&[1, 1], MANY].concat()));
    all.push(("one body", 10, [&[1], MANY].concat()));
    all.push(("name of a custom section", 0, MANY.to_vec()));
    all.push(("features", 0, [b"\x0ftarget_features", MANY].concat()));
    all.push(("name of a feature", 0, [b"\x0ftarget_features\x01+", MANY].concat()));
    let module = |(name, id, contents): (_, _, Vec<u8>)| {
        let mut bytes = head.to_vec();
        append_section(&mut bytes, id, &contents);
        (name, bytes)
    };
    let mut all: Vec<_> = all.into_iter().map(module).collect();
    all.push(("size of a section", [head, &[1][..], MANY].concat()));
    all
}

fn counts_that_lie() {
    for (name, bytes) in liars() {
        assert!(!read_watched(&bytes), "{name}");
        let error = wasm_threads::verify(&bytes).expect_err(name);
        assert_eq!(error.findings[0].rule.id, "unreadable", "{name}: {error}");
    }
}

#[track_caller]
fn assert_unreadable(bytes: &[u8], problem: &str) {
    let error = wasm_threads::verify(bytes).expect_err(problem);
    let ids: Vec<&str> = error.findings.iter().map(|finding| finding.rule.id).collect();
    assert_eq!(ids, ["unreadable"], "{error}");
    assert!(error.findings[0].found.contains(problem), "{problem}: {error}");
}

fn sections_out_of_place() {
    let good = Sample::new().bytes();
    let sections = sections(&good);
    let with = |order: &mut dyn Iterator<Item = usize>| {
        let mut bytes = good[..8].to_vec();
        order.for_each(|index| bytes.extend(&good[sections[index].1.clone()]));
        bytes
    };
    assert!(read_watched(&with(&mut (0..sections.len()))));
    for index in (0..sections.len()).filter(|index| sections[*index].0 != 0) {
        let id = sections[index].0;
        let twice = with(&mut (0..sections.len()).flat_map(|at| std::iter::repeat_n(at, 1 + usize::from(at == index))));
        assert_unreadable(&twice, &format!("a section of the kind {id} out of its place, or twice"));
        let Some(next) = sections.get(index + 1).filter(|(id, _)| *id != 0) else { continue };
        let swapped = with(&mut (0..index).chain([index + 1, index]).chain(index + 2..sections.len()));
        assert_unreadable(&swapped, &format!("a section of the kind {id} out of its place"));
        assert_ne!(next.0, id);
    }
    let mut unknown = good.clone();
    append_section(&mut unknown, 77, b"");
    assert_unreadable(&unknown, "a section of the unknown kind 77");
}

/// One byte more than a section says it has items for.
fn trailing_bytes_in_sections() {
    let mut sample = Sample::new();
    sample.memories.push((super::encoded::memory(1, 2), false));
    let good = sample.bytes();
    let sections = sections(&good);
    let ids: Vec<u8> = sections.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 2, 3, 5, 6, 7, 8, 12, 10, 11, 0]);
    // Bodies are stepped over, not read: behind the last, nobody looks.
    for longer in (0..sections.len()).filter(|index| ids[*index] != 10) {
        let mut bytes = good[..8].to_vec();
        for (index, (id, range)) in sections.iter().enumerate() {
            let section = &good[range.clone()];
            let (_, length) = leb(&section[1..]);
            let mut contents = section[1 + length..].to_vec();
            contents.extend(vec![0; usize::from(index == longer)]);
            append_section(&mut bytes, *id, &contents);
        }
        assert_unreadable(&bytes, "");
    }
}

fn limits_that_no_engine_takes() {
    let mut sample = Sample::new();
    sample.memories[0].0.maximum = None;
    assert_unreadable(&sample.bytes(), "a shared memory without a maximum");
    sample.memories[0].0.maximum = Some(16);
    assert_unreadable(&sample.bytes(), "a memory of 17 pages with a maximum of 16");
    sample.memories[0].0 = wasm_encoder::MemoryType { page_size_log2: Some(17), ..super::encoded::memory(17, 18) };
    assert_unreadable(&sample.bytes(), "");
}

/// Imports grouped by their module are a proposal, and no engine takes them. That is what is said of them, and not that there is
/// no memory.
fn compact_imports() {
    let good = Sample::new().bytes();
    let grouped = |import: &[u8]| {
        let mut bytes = good[..8].to_vec();
        for (id, range) in sections(&good) {
            if id == 2 {
                append_section(&mut bytes, 2, import);
            } else {
                bytes.extend(&good[range]);
            }
        }
        bytes
    };
    let memory = [2, 3, 17, 0x80, 0x80, 1];
    let plain = grouped(&[&[1, 3][..], b"env\x06memory", &memory].concat());
    assert_eq!(plain, good);
    // One module name and an empty name, then each item: its name and its kind.
    let by_module = grouped(&[&[1, 3][..], b"env\0\x7f\x01\x06memory", &memory].concat());
    // The kind as well once for all.
    let by_kind = grouped(&[&[1, 3][..], b"env\0\x7e", &memory, b"\x01\x06memory"].concat());
    for bytes in [by_module, by_kind] {
        let findings = super::judge(&bytes);
        assert_eq!(findings.iter().map(|finding| finding.rule.id).collect::<Vec<_>>(), ["compact-imports"]);
        crate::support::golden::check("contract/compact-imports", &format!("{}\n", findings[0]), &[]);
        let module = Module::read(&bytes[..]).expect("it can be read");
        let import = ("env".into(), "memory".into());
        assert_eq!(module.memory().and_then(|memory| memory.import.clone()), Some(import));
    }
    // The next proposal's byte.
    assert_unreadable(&grouped(&[&[1, 3][..], b"env\0\x7d\x01\x06memory", &memory].concat()), "");
    assert_unreadable(&grouped(&[&[1, 3][..], b"env\x06memory\x7f", &memory[1..]].concat()), "");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::support::recorder::write_program;
    use crate::support::{Run, shim};

    /// The shim with 64 MiB in all, and a linker that writes such a module.
    pub fn counts_that_lie_in_little_memory() {
        let folder = temp_folder();
        let linker = folder.path().join("wasm-ld");
        write_program(&linker, b"#!/bin/sh\nulimit -v unlimited\nfor word do last=$word; done\ncat liar >out.wasm\n");
        std::fs::write(folder.path().join("a.o"), b"\0asm\x01\0\0\0").expect("an object can be written");
        for (name, bytes) in liars() {
            std::fs::write(folder.path().join("liar"), bytes).expect("a module can be written");
            let script = "ulimit -S -v 65536; exec \"$@\"";
            let run = Run::new("/bin/sh").words(["-c", script, "sh"]).word(shim()).folder(folder.path());
            let run = run.words(["-flavor", "wasm", "--shared-memory", "a.o", "-o", "out.wasm"]);
            let ran = run.word("--wasm-threads-linker=./wasm-ld").run().expect_code(1);
            assert!(ran.stderr_text().contains("error[unreadable]: out.wasm cannot be read"), "{name}: {ran:?}");
        }
    }
}
