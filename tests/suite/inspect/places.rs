//! What is really where: modules by every linker, linked in every way and run, tell the addresses of their things.

use super::{json, shown};
use crate::linkers::{LINKERS, version};
use crate::support::clang::{self, ATOMICS};
use crate::support::{FLAVOR, Link, Run, Suite, THREADED, Tool, repository, temp_folder};
use std::fs;

pub fn tests(suite: &mut Suite) {
    for linker in LINKERS {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        suite.test(&name("places"), &[Tool::Clang, Tool::Node, linker], move || places(linker, "wasm32", Tool::Node));
        // LLVM 19 and later give such a module a table of 64-bit indices; and this is how newer hosts take the limits.
        // LLVM 14 gives such a module's zeros a size of 32 bits, which no host takes.
        if version(linker) > 14 {
            let test = move || places(linker, "wasm64", Tool::NewNode);
            suite.test(&name("places_wasm64"), &[Tool::Clang, Tool::NewNode, linker], test);
        }
    }
}

/// A way to link, and for each thing of `places.c` the kind of part it must be shown in.
struct Way {
    words: &'static [&'static str],
    threads: bool,
    heap: bool,
    from: u32,
    wanted: &'static str,
}

const WAYS: &[Way] = &[
    Way {
        words: &THREADED,
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // With nothing to go by but the start function and the first global.
    Way {
        words: &["--shared-memory", "--import-memory", "--max-memory=8589934592", "--strip-all"],
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    Way {
        words: &[
            "--shared-memory",
            "--import-memory=own,proto",
            "--max-memory=1073741824",
            "--stack-first",
            "--global-base=200000",
        ],
        threads: true,
        heap: true,
        from: 16,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    Way {
        words: &[
            "--shared-memory",
            "--import-memory",
            "--max-memory=1073741824",
            "--no-stack-first",
            "-z",
            "stack-size=300000",
        ],
        threads: true,
        heap: true,
        from: 22,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // A shared memory of its own: no zeros are written to it.
    Way {
        words: &["--shared-memory", "--max-memory=1073741824", "--export=__heap_base", "--export=__data_end"],
        threads: true,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","local":"tls","heap":"heap"}"#,
    },
    // As rustc links without threads.
    Way {
        words: &["--stack-first", "--export=__heap_base", "--export=__data_end"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    Way {
        words: &["--import-memory"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    Way {
        words: &["--stack-first", "--export=__heap_base"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"zeros","stack":"stack","heap":"heap"}"#,
    },
    // What is not recorded is not said.
    Way {
        words: &["--stack-first"],
        threads: false,
        heap: true,
        from: 14,
        wanted: r#"{"text":"data","value":"data","zeros":"unknown","stack":"stack","heap":"unknown"}"#,
    },
    Way {
        words: &["--no-stack-first"],
        threads: false,
        heap: true,
        from: 22,
        wanted: r#"{"text":"data","value":"data","zeros":"unknown","stack":"unknown","heap":"heap"}"#,
    },
];

/// Each way linked and run: the addresses of things lie in the parts that the picture has for them.
fn places(linker: Tool, target: &str, node: Tool) {
    let source = fs::read_to_string(repository().join("tests/suite/inspect/places.c")).expect("a source");
    let host = repository().join("tests/suite/inspect/places.mjs");
    let folder = temp_folder();
    for way in WAYS.iter().filter(|way| version(linker) >= way.from) {
        let mut flags = vec!["-DHEAP"];
        flags.truncate(usize::from(way.heap));
        if way.threads {
            flags.extend(ATOMICS);
            flags.push("-DTHREADS");
        }
        let object = clang::object("places", target, &source, &flags);
        let output = folder.path().join("out.wasm");
        let emulation: &[&str] = if target == "wasm64" { &["-mwasm64"] } else { &[] };
        // 32 bits reach 4 GiB.
        let narrow =
            |word: &&str| if target == "wasm32" { word.replace("8589934592", "4294967296") } else { (*word).to_owned() };
        let run = Link::bare(linker.path()).words(flavor(linker)).words(emulation).word("--no-entry");
        run.words(way.words.iter().map(narrow)).word(&object).word("-o").word(&output).run().expect_success();

        let facts = folder.path().join("facts.json");
        fs::write(&facts, json(&output)).expect("a file");
        let ran = Run::new(node.path()).word(&host).word(&facts).word(&output).run();
        let mut wanted = way.wanted.to_owned();
        if version(linker) == 14 {
            // Its start function does not write the first thread's: whoever starts it says where they are.
            wanted = wanted.replace(r#""local":"tls""#, r#""local":"unused""#);
        }
        let found = ran.stdout_text();
        let found = if version(linker) == 14 { found.replace(r#""local":"stack""#, r#""local":"unused""#) } else { found };
        assert_eq!(found.trim_end(), wanted, "{:?} for {target}\n{ran:?}\n{}", way.words, shown(&output));
        assert!(ran.success(), "{ran:?}");
    }
}

fn flavor(linker: Tool) -> &'static [&'static str] {
    if linker == Tool::RustLld { &FLAVOR[..2] } else { &[] }
}
