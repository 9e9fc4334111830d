//! An archive (GNU, BSD, COFF, thin), as the linker's input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;
use wasm_threads::command_line::{From, Input, Options, Style};
use wasm_threads::inputs::{Inputs, all_needs, find_by_name};
use wasm_threads_fuzz::{TWICE, within};

/// A file of this process alone, in a folder of its own, since a thin archive names other files. `tests/fuzz/run` says in TMPDIR
/// where there is memory for it, and removes it.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("wasm-threads-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join("lib.a")
});

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("the file can be written");
    let options = Options {
        inputs: vec![Input { from: From::Path(FILE.clone()), lazy: false, whole_archive: false }],
        ..Options::default()
    };
    within(TWICE, || data.len(), || Inputs::survey(&options, Style::WasmLd));
    within(TWICE, || data.len(), || all_needs(&options));
    within(TWICE, || data.len(), || find_by_name(&options, "member.o"));
});
