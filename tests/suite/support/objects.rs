//! The objects that most links are made of. Each exports what its name says, under `#[no_mangle]`.

use super::NoCore;
use std::path::PathBuf;

/// Two functions that only a threaded module can do right: an atomic addition, and a variable that each thread has its own of.
pub const ATOMIC: &str = r#"
static mut SHARED: i32 = 7;
#[thread_local] static mut LOCAL: i32 = 5;
#[unsafe(no_mangle)] pub extern "C" fn add_shared(by: i32) -> i32 { unsafe { atomic_add(&raw mut SHARED, by) } }
#[unsafe(no_mangle)] pub extern "C" fn add_local(by: i32) -> i32 { unsafe { LOCAL = LOCAL + by; LOCAL } }
"#;

/// A function that neither needs threads nor minds them.
pub const NEUTRAL: &str = r#"
static mut COUNT: i32 = 3;
#[unsafe(no_mangle)] pub extern "C" fn neutral(by: i32) -> i32 { unsafe { COUNT = COUNT + by; COUNT } }
"#;

/// [`ATOMIC`], compiled with `+atomics`: `atomic.o`, `+atomics`.
pub fn atomic() -> PathBuf {
    threaded("atomic", ATOMIC).object()
}

/// [`NEUTRAL`], compiled without: `neutral.o`, no word about atomics.
pub fn neutral() -> PathBuf {
    NoCore::new(NEUTRAL).name("neutral").object()
}

/// [`ATOMIC`]'s functions by other names, compiled without `+atomics`, so that LLVM took the atomics and the thread-local storage
/// out: `refusing.o`, `-shared-mem`.
pub fn refusing() -> PathBuf {
    let source = ATOMIC.replace("add_shared", "refusing_shared").replace("add_local", "refusing_local");
    NoCore::new(&source).name("refusing").object()
}

/// [`ATOMIC`] as bitcode, with `+atomics`: `atomic.bc`.
pub fn atomic_bitcode() -> PathBuf {
    threaded("atomic", ATOMIC).bitcode()
}

/// [`NEUTRAL`] as bitcode, without.
pub fn neutral_bitcode() -> PathBuf {
    NoCore::new(NEUTRAL).name("neutral").bitcode()
}

/// A source of one's own, compiled with `+atomics`.
pub fn threaded(name: &str, source: &str) -> NoCore {
    NoCore::new(source).name(name).threaded()
}
