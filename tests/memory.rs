//! What it takes in memory to read a file: at most twice its size, whatever is in it.
//!
//! The allocator is this whole program's, so all of it is one test. `tests/fuzz` looks for other files than these.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What windows and tables take, whatever the input.
const ALWAYS: usize = 64 * 1024;

/// What is made to be shown: a data segment of two bytes has a place of forty-eight.
const SHOWN: usize = 32;

/// `wasmparser` makes a list of the fields of one type, and of the catches of one instruction: ten thousand, and no more.
const MOST_AT_ONCE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_threads::inputs::Object;
    use wasm_threads::module::{Details, Module, core_modules};

    /// How much `read` takes at its peak.
    fn peak<T>(read: impl FnOnce() -> T) -> usize {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let result = read();
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        drop(result);
        peak
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }

    fn text(text: &[u8]) -> Vec<u8> {
        [leb(text.len()), text.to_vec()].concat()
    }

    /// Many things, and their number in front.
    fn list(count: usize, thing: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
        leb(count).into_iter().chain((0..count).flat_map(thing)).collect()
    }

    fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (id, contents) in sections {
            bytes.push(*id);
            bytes.extend(text(contents));
        }
        bytes
    }

    fn custom(name: &str, contents: &[u8]) -> (u8, Vec<u8>) {
        (0, [&text(name.as_bytes()), contents].concat())
    }

    const MEMORY: &[u8] = b"\x03env\x06memory\x02\x03\x01\x01";

    /// A module with an imported, shared memory that never grows, and these sections.
    fn threaded(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut all = vec![(1, vec![1, 0x60, 0, 0]), (2, list(1, |_| MEMORY.to_vec()))];
        all.extend_from_slice(sections);
        module(&all)
    }

    /// So many functions of type 0 with this body, and what else there is.
    fn with_functions(count: usize, body: &[u8], others: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut all = vec![(3, list(count, |_| vec![0])), (10, list(count, |_| text(body)))];
        all.extend_from_slice(others);
        all.sort_by_key(|(id, _)| match id {
            10 => 100,
            11 => 101,
            0 => 102,
            12 => 99,
            id => *id,
        });
        threaded(&all)
    }

    /// A group of imports of one type, with nothing for a name.
    fn group(module: &[u8], kind: &[u8], count: usize) -> Vec<u8> {
        [&[1], &text(module)[..], &[0, 0x7e], kind, &list(count, |_| vec![0])].concat()
    }

    fn passive(count: usize) -> [(u8, Vec<u8>); 2] {
        [(12, leb(count)), (11, list(count, |_| vec![1, 0]))]
    }

    const MANY: usize = 100_000;

    /// Each is made so that something in it is many times larger in memory, if one keeps it in the first way that comes to mind.
    fn hostile() -> Vec<(&'static str, Vec<u8>)> {
        let short =
            |number: usize| text(&[b'a' + (number % 26) as u8, b'a' + (number / 26 % 26) as u8, (number / 676) as u8 & 0x7f]);
        let init: &[u8] = &[0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0, 0x0b];
        let mut all = vec![
            ("types without anything", module(&[(1, list(MANY, |_| vec![0x5f, 0]))])),
            ("types of functions", module(&[(1, list(MANY, |_| vec![0x60, 0, 0]))])),
            (
                "types with a thousand parameters",
                module(&[(1, list(300, |_| [&[0x60][..], &list(1000, |_| vec![0x7f]), &[0]].concat()))]),
            ),
            ("a group of types", module(&[(1, [&[1, 0x4e], &list(MANY, |_| vec![0x5f, 0])[..]].concat())])),
            ("imports of functions in groups", module(&[(2, group(b"env", &[0, 0], MANY))])),
            ("imports of variables in groups", module(&[(2, group(b"env", &[3, 0x7f, 1], MANY))])),
            ("imports of tables in groups", module(&[(2, group(b"env", &[1, 0x6f, 0, 0], MANY))])),
            ("imports for threads from one long name", {
                let head = [&[1], &text(&[b'm'; 50_000])[..], &[0, 0x7e, 0, 0]].concat();
                module(&[(2, [head, list(10_000, |_| text(b"thread"))].concat())])
            }),
            ("memories of one long name", module(&[(2, group(&[b'm'; 100_000], &[2, 3, 1, 1], 100))])),
            (
                "memories with names",
                module(&[(2, list(100, |_| [&text(&[b'm'; 3000])[..], &text(&[b'n'; 3000]), &[2, 3, 1, 1]].concat()))]),
            ),
            ("names of a libc", module(&[(2, list(20_000, |_| b"\x03env\x07__wasi_\0\0".to_vec()))])),
            ("functions", with_functions(MANY, &[0, 0x0b], &[])),
            ("globals", threaded(&[(6, list(MANY, |_| vec![0x7f, 1, 0x41, 0, 0x0b]))])),
            ("exports without names", threaded(&[(7, list(MANY, |_| vec![0, 0, 0]))])),
            ("exports with short names", threaded(&[(7, list(60_000, |number| [&short(number)[..], &[0, 0]].concat()))])),
            (
                "exported globals",
                threaded(&[
                    (6, list(60_000, |_| vec![0x7f, 1, 0x41, 0, 0x0b])),
                    (7, list(60_000, |number| [&short(number)[..], &[3], &leb(number)].concat())),
                ]),
            ),
            ("passive segments", threaded(&passive(100_000))),
            ("segments of other memories", threaded(&[(11, list(90_000, |_| vec![2, 0x7f, 0x41, 0, 0x0b, 0]))])),
            ("passive segments that are written", with_functions(10, init, &passive(100_000))),
            ("passive segments, and no exports of threads", {
                let [count, data] = passive(100_000);
                with_functions(10, init, &[(7, list(1, |_| vec![1, b'f', 0, 0])), (8, vec![0]), count, data])
            }),
            ("wrappers of a command", {
                let exports = list(60_000, |number| {
                    let name = if number == 0 { text(b"wasi_thread_start") } else { short(number) };
                    [&name[..], &[0], &leb(number)].concat()
                });
                with_functions(60_000, &[0, 0x10, 0, 0x10, 1, 0x0b], &[(7, exports)])
            }),
            (
                "a function of numbers",
                with_functions(1, &[&[0][..], &[0x41, 0].repeat(MANY), &init[1..]].concat(), &passive(1)),
            ),
            ("a function of blocks", with_functions(1, &[&[0][..], &[2, 0x40].repeat(MANY), &init[1..]].concat(), &passive(1))),
            ("most catches", {
                // As many as an engine takes, and their instruction over and over.
                let instruction = [&[0x1f, 0x40][..], &list(9_999, |_| vec![2, 0]), &[0x0b]].concat();
                with_functions(1, &[&[0][..], &instruction.repeat(10), &init[1..]].concat(), &passive(1))
            }),
            ("most fields", module(&[(1, list(10, |_| [&[0x5f][..], &list(9_999, |_| vec![0x7f, 0])].concat()))])),
            ("functions, each larger than the last", {
                let bodies = list(100, |number| text(&[&[0][..], &vec![0xfc; 100 * number]].concat()));
                let [count, data] = passive(1);
                threaded(&[(3, list(100, |_| vec![0])), count, (10, bodies), data])
            }),
            ("features", module(&[custom("target_features", &list(MANY, |_| vec![b'+', 0]))])),
            ("needs", module(&[custom("wasm-threads", &b"a\nb\n".repeat(MANY))])),
            ("long needs", module(&[custom("wasm-threads", &[&[b'x'; 999][..], b"\n"].concat().repeat(1000))])),
            ("needs that are no text", module(&[custom("wasm-threads", &[0xff; MANY])])),
            ("needs, all different", {
                let needs: String = (0..MANY).map(|number| format!("{number:x}\n")).collect();
                module(&[custom("wasm-threads", needs.as_bytes())])
            }),
            ("producers in one field of a long name", {
                let field = [&[1], &text(&[b'f'; 100_000])[..], &list(100_000, |_| vec![0, 0])].concat();
                module(&[custom("producers", &field)])
            }),
            ("custom sections", module(&vec![custom("dylink", b""); 100_000])),
            ("features over and over", module(&vec![custom("target_features", &list(1000, |_| vec![b'+', 0])); 300])),
        ];
        let modules = module(&[]).len();
        assert_eq!(modules, 8);
        all.push(("a component of modules", {
            let mut component = b"\0asm\x0d\0\x01\0".to_vec();
            component.extend([1, 0].repeat(1000));
            component
        }));
        all
    }

    #[test]
    fn reading_takes_at_most_twice_the_input() {
        let mut over = Vec::new();
        for (name, bytes) in hostile() {
            let takes = [
                ("verify", peak(|| wasm_threads::verify(&bytes))),
                ("object", peak(|| Object::read(&bytes[..]))),
                ("components", peak(|| core_modules(&bytes[..]).map(|modules| modules.into_iter().flatten().count()))),
            ];
            for (what, took) in takes {
                let allowed = ALWAYS + if name.starts_with("most ") { MOST_AT_ONCE } else { 0 };
                if took > allowed + 2 * bytes.len() {
                    over.push(format!("{name}, {what}: {took} bytes of memory for an input of {}", bytes.len()));
                }
            }
        }
        for (name, bytes) in hostile() {
            let Ok(module) = Module::read(&bytes[..]) else { continue };
            let took = peak(|| Details::read(&bytes[..], &module));
            if took > ALWAYS + SHOWN * bytes.len() {
                over.push(format!("{name}, details: {took} bytes of memory for an input of {}", bytes.len()));
            }
        }
        assert!(over.is_empty(), "{}", over.join("\n"));
    }
}
