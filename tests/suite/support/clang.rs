//! C and C++ compiled by clang, without a libc.

use super::{Run, Tool, lasting_folder};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What makes atomics and thread-locals real.
pub const ATOMICS: [&str; 2] = ["-matomics", "-mbulk-memory"];

/// `add_shared` and `add_local`, as [`super::objects::ATOMIC`] has them, but that they give the new value.
pub const ADDERS: &str = "
static int shared = 7;
static _Thread_local int local = 5;
#define EXPORT(name) __attribute__((export_name(#name)))
EXPORT(add_shared) int add_shared(int by) { return __atomic_add_fetch(&shared, by, __ATOMIC_SEQ_CST); }
EXPORT(add_local) int add_local(int by) { return local += by; }
";

/// A function that neither needs threads nor minds them.
pub const NEUTRAL: &str = "
static int count = 3;
__attribute__((export_name(\"neutral\"))) int neutral(int by) { return count += by; }
";

/// clang for a target, by its name: `wasm32`. The words of a compile or a link are the caller's to add.
pub fn clang(target: &str) -> Run {
    Run::new(Tool::Clang.path()).words(["-O2", "-nostdlib", "-ffreestanding"]).word(format!("--target={target}"))
}

/// The same, to link by `linker`. For WebAssembly clang takes a linker by this option only, and by its full path.
pub fn clang_with(linker: &Path, target: &str) -> Run {
    // It would run whatever wasm-opt is on PATH after the link.
    clang(target).words(["--no-wasm-opt", "-Wl,--no-entry"]).word(linker_word(linker))
}

pub fn linker_word(linker: &Path) -> String {
    format!("-fuse-ld={}", linker.display())
}

/// A source compiled to `NAME.o`, kept from run to run.
pub fn object(name: &str, target: &str, source: &str, flags: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (name, target, source, flags).hash(&mut hasher);
    let all = lasting_folder("c");
    let result = all.join(format!("{:016x}", hasher.finish())).join(format!("{name}.o"));
    if !result.is_file() {
        let work = tempfile::Builder::new().prefix(".work-").tempdir_in(&all).expect("a folder to compile in");
        fs::write(work.path().join(format!("{name}.c")), source).expect("a source can be written");
        let run = clang(target).words(flags).words(["-c", "-o", &format!("{name}.o"), &format!("{name}.c")]);
        run.folder(work.path()).run().expect_success();
        if fs::rename(work.path(), result.parent().expect("a folder")).is_ok() {
            // Nothing is left under the old name for the guard to remove.
            let _ = work.keep();
        }
    }
    result
}
