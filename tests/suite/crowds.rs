//! Many links at once, and the same link again: none gets into another's way, and the bytes are the same.

use crate::support::archive::Archive;
use crate::support::{
    FLAVOR, Facts, Link, NoCore, Place, Run, Suite, Tool, assert_same_bytes, objects, read, shim, temp_folder,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

const NEEDS: [Tool; 2] = [Tool::Rustc, Tool::RustLld];

pub fn tests(suite: &mut Suite) {
    suite.test("two_hundred_links_in_one_folder", &NEEDS, || two_hundred(false));
    suite.test("two_hundred_links_in_folders_of_their_own", &NEEDS, || two_hundred(true));
    suite.test("one_output_of_several_links", &NEEDS, one_output_of_several_links);
    suite.test("one_output_of_a_good_and_a_bad_link", &NEEDS, one_output_of_a_good_and_a_bad_link);
    suite.test("same_bytes_with_any_number_of_threads", &NEEDS, same_bytes_with_any_number_of_threads);
    suite.test("same_bytes_by_rustc", &NEEDS, same_bytes_by_rustc);
}

const LINKS: usize = 200;

/// Ways through the shim, and whether the module is threaded.
const WAYS: [(&[&str], bool); 7] = [
    (&["atomic.o"], true),
    (&["neutral.o"], false),
    (&["atomic.bc"], true),
    // Two links each, the first out of sight.
    (&["neutral.bc"], false),
    (&["neutral.o", "libatomic.a"], false),
    // With a copy of the response file.
    (&["@words"], true),
    // With a question to the linker on the side.
    (&["atomic.o", "libneutral.a", "--no-check-features"], true),
];

fn inputs(folder: &Path) {
    for (name, object) in [
        ("atomic.o", objects::atomic()),
        ("neutral.o", objects::neutral()),
        ("atomic.bc", objects::atomic_bitcode()),
        ("neutral.bc", objects::neutral_bitcode()),
    ] {
        fs::copy(object, folder.join(name)).expect("an object can be copied");
    }
    Archive::new().file(objects::atomic()).write(folder.join("libatomic.a"));
    Archive::new().file(objects::neutral()).file(objects::refusing()).write(folder.join("libneutral.a"));
    fs::write(folder.join("words"), "atomic.o --wasm-threads=threaded").expect("a file");
}

fn link(folder: &Path, temporary: &Path, words: &[&str], output: &str) -> Run {
    let run = Link::shim_with(Tool::RustLld.path()).words(FLAVOR).words(["--export-dynamic", "--threads=1"]).words(words);
    run.words(["-o", output]).folder(folder).env("TMPDIR", temporary)
}

/// Started one after the other, and none is waited for before the last one runs.
fn two_hundred(apart: bool) {
    let (folder, temporary) = (temp_folder(), temp_folder());
    inputs(folder.path());
    // The name of its file is in every module, and none may have another's.
    let names: Vec<String> = (0..LINKS).map(|number| format!("out{number:03}.wasm")).collect();
    let alone: Vec<Vec<u8>> = WAYS
        .iter()
        .map(|(words, shared)| {
            link(folder.path(), temporary.path(), words, "out000.wasm").run().expect_success().expect_silence();
            let module = read(folder.path().join("out000.wasm"));
            assert_eq!(Facts::of(&module).memory().shared, *shared, "{words:?}");
            module
        })
        .collect();
    fs::remove_file(folder.path().join("out000.wasm")).expect("the output");
    let place = |number: usize| {
        let place = if apart { folder.path().join(format!("folder{number:03}")) } else { folder.path().to_owned() };
        if apart {
            fs::create_dir(&place).expect("a folder");
            inputs(&place);
        }
        place
    };
    let places: Vec<PathBuf> = (0..LINKS).map(place).collect();
    let before: Vec<usize> = places.iter().map(|place| fs::read_dir(place).expect("a folder").count()).collect();
    let running: Vec<Child> = (0..LINKS)
        .map(|number| {
            let words = WAYS[number % WAYS.len()].0;
            link(&places[number], temporary.path(), words, &names[number]).command().spawn().expect("it starts")
        })
        .collect();
    for (number, child) in running.into_iter().enumerate() {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.is_empty(), "{number}: {}\n{text}", output.status);
    }
    for number in 0..LINKS {
        let module = read(places[number].join(&names[number]));
        assert_same_bytes(renamed(&module, &names[number]), &alone[number % WAYS.len()]);
    }
    assert_eq!(fs::read_dir(temporary.path()).expect("the folder").count(), 0, "left behind");
    for (number, place) in places.iter().enumerate() {
        let new = if apart { 1 } else { LINKS };
        assert_eq!(fs::read_dir(place).expect("a folder").count(), before[number] + new, "{}", place.display());
    }
}

/// The module as it would be under the name `out000.wasm`.
fn renamed(module: &[u8], name: &str) -> Vec<u8> {
    let mut module = module.to_vec();
    let at = module.windows(name.len()).position(|window| window == name.as_bytes()).expect("its name is in it");
    module[at..at + name.len()].copy_from_slice(b"out000.wasm");
    module
}

/// The same inputs and the same output, as two calls of cargo may come to it: each link is right, and the file is whole.
fn one_output_of_several_links() {
    let (folder, temporary) = (temp_folder(), temp_folder());
    inputs(folder.path());
    for (words, shared) in WAYS {
        let run = link(folder.path(), temporary.path(), words, "out.wasm");
        run.run().expect_success();
        let alone = read(folder.path().join("out.wasm"));
        for _ in 0..4 {
            let running: Vec<Child> = (0..6).map(|_| run.command().spawn().expect("it starts")).collect();
            for child in running {
                let output = child.wait_with_output().expect("it ends");
                assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
            let together = read(folder.path().join("out.wasm"));
            assert_eq!(Facts::of(&together).memory().shared, shared);
            assert_same_bytes(together, &alone);
        }
    }
    assert_eq!(fs::read_dir(temporary.path()).expect("the folder").count(), 0, "left behind");
}

/// Which of the two is last is chance. A module that lies under the name when both are done is good, whoever made it.
fn one_output_of_a_good_and_a_bad_link() {
    let (folder, temporary) = (temp_folder(), temp_folder());
    inputs(folder.path());
    let good = link(folder.path(), temporary.path(), &["atomic.o"], "out.wasm");
    let bad = link(folder.path(), temporary.path(), &["atomic.o", "--no-growable-memory"], "out.wasm");
    for _ in 0..30 {
        let running: Vec<Child> = [&good, &bad].into_iter().map(|run| run.command().spawn().expect("it starts")).collect();
        for child in running {
            let output = child.wait_with_output().expect("it ends");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(!text.contains("panicked") && output.status.code().is_some_and(|code| code <= 1), "{text}");
        }
        if let Ok(module) = fs::read(folder.path().join("out.wasm")) {
            let facts = Facts::of(&module);
            let memory = facts.memory();
            assert!(memory.shared && memory.maximum > Some(memory.minimum), "{memory:?}");
        }
    }
    assert_eq!(fs::read_dir(temporary.path()).expect("the folder").count(), 0, "left behind");
}

/// So many objects that the linker starts at once, and several threads of ours read them.
fn same_bytes_with_any_number_of_threads() {
    let place = Place::new(Tool::RustLld);
    inputs(place.folder());
    let object = read(objects::threaded("many", "#[unsafe(no_mangle)] pub extern \"C\" fn many_000() -> i32 { 1 }").object());
    let mut many = String::new();
    for number in 0..600 {
        let (old, new) = (b"many_000", format!("many_{number:03}"));
        let mut bytes = object.clone();
        let places: Vec<usize> =
            object.windows(old.len()).enumerate().filter(|(_, part)| part == old).map(|(at, _)| at).collect();
        places.into_iter().for_each(|at| bytes[at..at + old.len()].copy_from_slice(new.as_bytes()));
        place.write(&format!("o{number:03}.rcgu.o"), &bytes);
        many += &format!("o{number:03}.rcgu.o ");
    }
    for line in [many.trim_end(), "atomic.o", "atomic.bc", "neutral.bc", "neutral.o libatomic.a --export=add_shared"] {
        let mut first = None;
        for round in 0..3 {
            for threads in [1, 2, 4, 16] {
                let linked = place.link(&format!("{line} --export-dynamic --threads={threads}"));
                assert!(linked.ran.success(), "{:?}", linked.ran);
                let module = read(place.path("out.wasm"));
                let wanted = first.get_or_insert_with(|| module.clone());
                assert!(module == *wanted, "{threads} threads, round {round}: other bytes");
            }
        }
    }
}

/// Eight of rustc's links of one crate at once, in folders of their own, give one module.
fn same_bytes_by_rustc() {
    let sample: NoCore = objects::threaded("sample", objects::ATOMIC);
    let folders: Vec<_> = (0..8).map(|_| temp_folder()).collect();
    let running: Vec<Child> = folders
        .iter()
        .map(|folder| {
            let run = sample.link(shim(), folder.path()).env("WASM_THREADS_LINKER", Tool::RustLld.path());
            let remap = format!("--remap-path-prefix={}=/", folder.path().display());
            run.word(remap).command().spawn().expect("it starts")
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let first = read(folders[0].path().join("sample.wasm"));
    Facts::of(&first).assert_threaded();
    for folder in &folders[1..] {
        assert_same_bytes(read(folder.path().join("sample.wasm")), &first);
    }
}
