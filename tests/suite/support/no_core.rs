//! Compiles a few lines of Rust for wasm without `core`: no target has to be installed for it, and it takes a blink.

use super::{Ran, Run, Tool, lasting_folder};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// What stands in front of every source: the lang items that the compiler insists on, integers that can be copied and added,
/// an atomic addition, and the instruction that wakes a waiting thread.
///
/// Each compiler refuses what another wants. `drop_glue` is the name from 1.97 on of what was `drop_in_place`. Until 1.88, `Sized` stood
/// alone (`sized_alone`), and an atomic instruction had its ordering in its name.
const PRELUDE: &str = r#"
#![no_core]
#![allow(internal_features, incomplete_features, dead_code, static_mut_refs)]
#![feature(no_core, lang_items, intrinsics, rustc_attrs, auto_traits, adt_const_params)]
#![feature(thread_local, link_llvm_intrinsics, linkage)]

#[cfg_attr(not(sized_alone), lang = "pointee_sized")] pub trait PointeeSized {}
#[cfg_attr(not(sized_alone), lang = "meta_sized")] pub trait MetaSized: PointeeSized {}
#[cfg(not(sized_alone))] #[lang = "sized"] pub trait Sized: MetaSized {}
#[cfg(sized_alone)] #[lang = "sized"] pub trait Sized {}
#[cfg(sized_alone)] impl<T: ?Sized> PointeeSized for T {}
#[lang = "copy"] pub trait Copy: Sized {}
#[lang = "sync"] pub unsafe auto trait Sync {}
#[lang = "freeze"] pub unsafe auto trait Freeze {}
#[lang = "structural_peq"] pub trait StructuralPartialEq {}
#[lang = "const_param_ty"] pub trait ConstParamTy: StructuralPartialEq {}
#[lang = "add"] pub trait Add<Right = Self> { type Output; fn add(self, right: Right) -> Self::Output; }
#[cfg_attr(drop_glue, lang = "drop_glue")]
#[cfg_attr(not(drop_glue), lang = "drop_in_place")]
fn drop_in_place<T: PointeeSized>(_: *mut T) {}

impl Copy for u8 {} impl Copy for i32 {} impl Copy for u32 {} impl Copy for i64 {} impl Copy for usize {}
impl<T: PointeeSized> Copy for *const T {} impl<T: PointeeSized> Copy for *mut T {} impl<'a, T: PointeeSized> Copy for &'a T {}
impl Add for i32 { type Output = i32; fn add(self, right: i32) -> i32 { self + right } }

pub enum AtomicOrdering { Relaxed, Release, Acquire, AcqRel, SeqCst }
impl StructuralPartialEq for AtomicOrdering {}
impl ConstParamTy for AtomicOrdering {}
#[cfg(not(sized_alone))]
#[rustc_intrinsic]
pub unsafe fn atomic_xadd<T: Copy, U: Copy, const ORDERING: AtomicOrdering>(place: *mut T, add: U) -> T;
// 1.85 wants a body, which it puts aside.
#[cfg(sized_alone)]
#[rustc_intrinsic]
pub unsafe fn atomic_xadd_seqcst<T: Copy>(_place: *mut T, _add: T) -> T { loop {} }
/// Adds to a number that all threads share; what it was before.
pub unsafe fn atomic_add(place: *mut i32, add: i32) -> i32 {
    #[cfg(not(sized_alone))]
    unsafe { atomic_xadd::<i32, i32, { AtomicOrdering::SeqCst }>(place, add) }
    #[cfg(sized_alone)]
    unsafe { atomic_xadd_seqcst(place, add) }
}
unsafe extern "C" {
    /// Wakes so many threads. Only for sources compiled with `+atomics`.
    #[link_name = "llvm.wasm.memory.atomic.notify"]
    pub fn atomic_notify(place: *mut i32, count: i32) -> i32;
}
"#;

/// The target of every source that names none.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The features of a threaded build.
pub const THREADED: &str = "-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals";

/// A source and how to compile it. Results are kept by source and flags, from run to run.
#[derive(Clone)]
pub struct NoCore {
    rustc: PathBuf,
    source: String,
    name: String,
    target: String,
    flags: Vec<OsString>,
}

impl NoCore {
    /// Only the functions and statics; the prelude stands in front of them. For rustup's stable compiler.
    pub fn new(source: &str) -> Self {
        NoCore {
            rustc: Tool::Rustc.path(),
            source: source.to_owned(),
            name: "sample".into(),
            target: TARGET.into(),
            flags: Vec::new(),
        }
    }

    /// Compiles with another rustc.
    pub fn rustc(mut self, rustc: impl Into<PathBuf>) -> Self {
        self.rustc = rustc.into();
        self
    }

    /// The crate's name; `sample` where none is given.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    pub fn target(mut self, target: &str) -> Self {
        self.target = target.to_owned();
        self
    }

    /// Compiles with `+atomics`.
    pub fn threaded(self) -> Self {
        self.flag(THREADED)
    }

    /// One more word for rustc.
    pub fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// One object: `NAME.o`.
    pub fn object(&self) -> PathBuf {
        self.kept(&format!("{}.o", self.name), &["--crate-type=lib", "--emit=obj"])
    }

    /// LLVM bitcode, as an object is under LTO by the linker: `NAME.bc`.
    pub fn bitcode(&self) -> PathBuf {
        self.kept(&format!("{}.bc", self.name), &["--crate-type=lib", "--emit=llvm-bc"])
    }

    /// An rlib, as rustc gives it to the linker: `libNAME.rlib`.
    pub fn rlib(&self) -> PathBuf {
        self.kept(&format!("lib{}.rlib", self.name), &["--crate-type=rlib"])
    }

    /// A static library with its index: `libNAME.a`.
    pub fn staticlib(&self) -> PathBuf {
        self.kept(&format!("lib{}.a", self.name), &["--crate-type=staticlib"])
    }

    /// The whole way: rustc compiles a cdylib to `FOLDER/NAME.wasm` and calls that linker. The run is the caller's to start.
    pub fn link(&self, linker: impl AsRef<Path>, folder: impl AsRef<Path>) -> Run {
        self.link_as("cdylib", linker, folder)
    }

    /// The same for a crate of another type.
    pub fn link_as(&self, crate_type: &str, linker: impl AsRef<Path>, folder: impl AsRef<Path>) -> Run {
        let mut linker_flag = OsString::from("-Clinker=");
        linker_flag.push(linker.as_ref());
        let folder = folder.as_ref();
        let source = folder.join(format!("{}.rs", self.name));
        fs::write(&source, self.text()).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        let output = folder.join(format!("{}.wasm", self.name));
        self.run(&source, &output).folder(folder).word(format!("--crate-type={crate_type}")).word(linker_flag)
    }

    /// Writes the source to `path`, for a cargo of one's own; the words that rustc wants for it.
    pub fn write(&self, path: &Path) -> Vec<OsString> {
        fs::write(path, self.text()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        lang_items(&self.rustc).iter().map(OsString::from).chain(self.flags.iter().cloned()).collect()
    }

    /// The whole source, prelude and all, for who compiles it in a way of their own; [`lang_items`] have to go with it.
    pub fn text(&self) -> String {
        format!("{PRELUDE}\n{}\n", self.source)
    }

    fn run(&self, source: &Path, output: &Path) -> Run {
        Run::new(&self.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .words(["--edition=2024", "--crate-name", &self.name, "--target", &self.target])
            .words(["-Copt-level=2", "-Cpanic=abort", "-Ccodegen-units=1", "-Coverflow-checks=off", "-Awarnings"])
            .words(lang_items(&self.rustc))
            .words(&self.flags)
            .word(source)
            .word("-o")
            .word(output)
    }

    /// The file of that name, compiled unless an earlier test did. A test that comes second while the first still compiles does
    /// the same work in a folder of its own; whoever is first moves that folder to its final name.
    fn kept(&self, file: &str, kind: &[&str]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        (version(&self.rustc), self.text(), &self.name, &self.target, &self.flags, kind).hash(&mut hasher);
        let all = lasting_folder("no_core");
        let folder = all.join(format!("{}-{:016x}", self.name, hasher.finish()));
        let result = folder.join(file);
        if result.is_file() {
            return result;
        }
        let work = tempfile::Builder::new().prefix(".work-").tempdir_in(&all).expect("a folder to compile in");
        let source = work.path().join(format!("{}.rs", self.name));
        fs::write(&source, self.text()).expect("a source can be written");
        self.run(&source, &work.path().join(file)).folder(work.path()).words(kind).run().expect_success();
        if fs::rename(work.path(), &folder).is_ok() {
            // Nothing is left under the old name for the guard to remove.
            let _ = work.keep();
        }
        assert!(result.is_file(), "rustc wrote no {}", result.display());
        result
    }
}

/// What `rustc -vV` says, once for each rustc.
fn version(rustc: &Path) -> String {
    static SAID: LazyLock<Mutex<BTreeMap<PathBuf, String>>> = LazyLock::new(Mutex::default);
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let ask = || Run::new(rustc).words(["-vV"]).run().expect_success().stdout_text();
    said.entry(rustc.to_owned()).or_insert_with(ask).clone()
}

/// The words that make the prelude right for this compiler. The compiler is asked: its version number does not say it for
/// every nightly.
pub fn lang_items(rustc: &Path) -> &'static [&'static str] {
    static KNOWN: LazyLock<Mutex<BTreeMap<PathBuf, &'static [&'static str]>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    known.entry(rustc.to_owned()).or_insert_with(|| ask_for_lang_items(rustc))
}

fn ask_for_lang_items(rustc: &Path) -> &'static [&'static str] {
    const CHOICES: [&[&str]; 3] = [&["--cfg=drop_glue"], &[], &["--cfg=sized_alone"]];
    let folder = super::temp_folder();
    let source = folder.path().join("prelude.rs");
    fs::write(&source, PRELUDE).expect("a source can be written");
    let compile = |words: &[&str]| -> Ran {
        Run::new(rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .words(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--target", TARGET])
            .words(words)
            .word(&source)
            .folder(folder.path())
            .run()
    };
    let tried = CHOICES.map(|words| (words, compile(words)));
    if let Some((words, _)) = tried.iter().find(|(_, ran)| ran.success()) {
        return words;
    }
    panic!("{} accepts the prelude in no form:\n{:#?}", rustc.display(), tried.map(|(_, ran)| ran));
}
