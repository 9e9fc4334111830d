//! The same threaded source by each rustc, from the oldest of this edition to the nightly, linked through the shim by the `rust-lld`
//! that this rustc brings: the oldest links as the newest.

use crate::support::tool::{old_rustcs, tool_of};
use crate::support::{Facts, NoCore, Run, Suite, Tool, assert_same_bytes, objects, read, shim, temp_folder, two_adders};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn tests(suite: &mut Suite) {
    for rustc in [Tool::Rustc, Tool::Nightly].into_iter().chain(old_rustcs()) {
        let name = |what: &str| format!("{what}_by_{}", rustc.name().replace([' ', '.'], "_"));
        suite.test(&name("threaded"), &[rustc, Tool::Rustc, Tool::Node], move || threaded(rustc));
        suite.test(&name("unthreaded"), &[rustc], move || unthreaded(rustc));
    }
}

/// With nothing on PATH, so that there is no linker but the one that rustc puts there.
fn link(source: &NoCore, linker: &Path, folder: &Path) -> Run {
    source.link(linker, folder).path(Vec::<PathBuf>::new())
}

fn linked(source: &NoCore, linker: &Path) -> (TempDir, PathBuf) {
    let folder = temp_folder();
    link(source, linker, folder.path()).run().expect_success();
    let module = folder.path().join("sample.wasm");
    (folder, module)
}

fn threaded(rustc: Tool) {
    let source = NoCore::new(objects::ATOMIC).threaded();
    let (_folder, module) = linked(&source.clone().rustc(rustc.path()), shim());
    let facts = Facts::read(&module);
    facts.assert_threaded();
    assert_eq!(wasm_threads::verify(module.as_path()), Ok(()));
    let ran = two_adders(&module).expect_success();
    assert!(ran.stdout_text().contains(r#""begin":7,"local":5"#), "{ran:?}");

    // All that threads are about is as today's compiler has it; what it exports besides is its own matter.
    let (_folder, module) = linked(&source, shim());
    let today = Facts::read(&module);
    assert_eq!(facts.memories, today.memories);
    assert_eq!(facts.imports, today.imports);
    assert_eq!((facts.passive_segments, facts.data_count), (today.passive_segments, today.data_count));
    assert_eq!((&facts.exports, &facts.globals), (&today.exports, &today.globals));
}

/// Without atomics the shim changes nothing.
fn unthreaded(rustc: Tool) {
    let source = NoCore::new(objects::NEUTRAL).rustc(rustc.path());
    let (_ours, ours) = linked(&source, shim());
    Facts::read(&ours).assert_unthreaded();
    let sysroot = rustc.path().ancestors().nth(2).expect("rustc is in a sysroot's bin").to_owned();
    let rust_lld = tool_of(&sysroot, "rust-lld").expect("rustup's toolchain has its linker");
    let (_theirs, theirs) = linked(&source, &rust_lld);
    assert_same_bytes(read(ours), read(theirs));
}
