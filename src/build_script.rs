//! For the `build.rs` of a final package: what its link must be.
//!
//! ```
//! // build.rs of a binary, a cdylib or a package of examples
//! wasm_threads::build_script::threaded().max_memory("512MiB").export("my_entry").emit();
//! ```
//!
//! Cargo hands a `rustc-link-arg` only to the package whose build script printed it: in a library it has no effect on whoever
//! depends on it (rust-lang/cargo#9554). A library says [`required!`](crate::required) instead.
//!
//! What is emitted are plain options of `wasm-ld` and one marker, which any `wasm-ld` accepts and `wasm-threads-linker`
//! understands: right whoever links. emcc gets `-pthread`, and the marker behind `-Wl,`. Nothing is printed, and nothing checked,
//! where the target is not WebAssembly. Where rustc links by a C compiler (`-C linker-flavor=gcc`), which a build script cannot see,
//! these words want `-Wl,` in front, and that compiler refuses them: there, leave it to the linker.
//! Whether atomics are on is not asked: a stable compiler does not tell build scripts. The linker sees the objects.

use crate::exports::EXPORTS;
use crate::size;
use std::env;

/// This package's link must be threaded: `wasm-ld` is given what makes it so, `wasm-threads-linker` holds it to that.
pub fn threaded() -> Threaded {
    Threaded { max_memory: None, exports: Vec::new() }
}

/// This package's link must not use atomics: `wasm-threads-linker` fails it if it does. Other linkers pass it over.
pub fn unthreaded() {
    marker("unthreaded");
}

/// `wasm-threads-linker` is to forward this package's link and do nothing else. Other linkers pass it over.
pub fn off() {
    marker("off");
}

fn marker(mode: &str) {
    print_all(Target::from_environment().map(|target| [target.for_the_linker(marker_word(mode))].into()));
}

fn marker_word(mode: &str) -> String {
    format!("--export-if-defined=wasm-threads:{mode}")
}

/// A threaded link, and what else it needs. Nothing happens before [`emit`](Threaded::emit).
#[derive(Clone, Debug)]
#[must_use = "nothing is emitted before `.emit()`"]
pub struct Threaded {
    max_memory: Option<String>,
    exports: Vec<String>,
}

impl Threaded {
    /// The most memory there may ever be: bytes, or a whole number of `KiB`, `MiB` or `GiB`, in whole pages of 64 KiB. Without
    /// it, 1 GiB: what rustc declared until 1.91, and near the most that phones accept. For Emscripten it also lets the memory grow
    /// (`-sALLOW_MEMORY_GROWTH`), which is fixed there otherwise.
    pub fn max_memory(mut self, size: impl ToString) -> Threaded {
        self.max_memory = Some(size.to_string());
        self
    }

    /// Exports one more symbol, where it is defined.
    pub fn export(mut self, symbol: impl Into<String>) -> Threaded {
        self.exports.push(symbol.into());
        self
    }

    /// Prints the instructions for cargo.
    ///
    /// # Panics
    ///
    /// If the maximum is not a size that a memory can have, with the reason: a build script has no other way to fail.
    pub fn emit(self) {
        print_all(Target::from_environment().map(|target| match self.words(&target) {
            Ok(words) => words,
            Err(problem) => panic!("wasm_threads::build_script: max_memory: {problem}"),
        }));
    }

    /// The linker's words for `target`.
    fn words(&self, target: &Target) -> Result<Vec<String>, String> {
        let most = if target.wide { 1 << 34 } else { 1 << 32 };
        let max_memory = match &self.max_memory {
            None => 1 << 30,
            Some(text) => size::parse(text)?,
        };
        if max_memory > most {
            return Err(format!("{} is more than the {} that a memory may have", size::show(max_memory), size::show(most)));
        }
        let mut words: Vec<String> = Vec::new();
        match target.kind {
            Kind::Javascript => {
                words.extend(["--shared-memory", "--import-memory"].map(String::from));
                words.push(format!("--max-memory={max_memory}"));
                words.extend(EXPORTS.map(|symbol| format!("--export-if-defined={symbol}")));
            }
            // rustc passes all four itself; a later maximum wins.
            Kind::WasiThreads if self.max_memory.is_some() => words.push(format!("--max-memory={max_memory}")),
            Kind::WasiThreads => {}
            // The marker alone: the link fails, and says which target to take.
            Kind::Wasi => {}
            Kind::Emscripten => {
                words.push("-pthread".to_owned());
                if self.max_memory.is_some() {
                    // By itself emcc's memory does not grow, and then no maximum is of any use.
                    words.extend(["-sALLOW_MEMORY_GROWTH".to_owned(), format!("-sMAXIMUM_MEMORY={max_memory}")]);
                }
            }
        }
        words.extend(self.exports.iter().map(|symbol| target.for_the_linker(format!("--export-if-defined={symbol}"))));
        words.push(target.for_the_linker(marker_word("threaded")));
        Ok(words)
    }
}

/// What cargo's variables say of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    kind: Kind,
    wide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Javascript,
    WasiThreads,
    Wasi,
    Emscripten,
}

impl Target {
    /// `None` where the target is not WebAssembly, or this is no build script.
    fn from_environment() -> Option<Target> {
        Target::from_variables(&|name| env::var(name).unwrap_or_default())
    }

    fn from_variables(variable: &dyn Fn(&str) -> String) -> Option<Target> {
        let arch = variable("CARGO_CFG_TARGET_ARCH");
        if arch != "wasm32" && arch != "wasm64" {
            return None;
        }
        let kind = match variable("CARGO_CFG_TARGET_OS").as_str() {
            "emscripten" => Kind::Emscripten,
            "wasi" if variable("TARGET").ends_with("-threads") => Kind::WasiThreads,
            "wasi" => Kind::Wasi,
            _ => Kind::Javascript,
        };
        Some(Target { kind, wide: arch == "wasm64" })
    }

    /// A word of wasm-ld's, on the line that cargo makes: emcc hands it on.
    fn for_the_linker(&self, word: String) -> String {
        if self.kind == Kind::Emscripten { format!("-Wl,{word}") } else { word }
    }
}

/// Variables by which the linker's mind can be changed. Cargo does not know them, and would not link anew by itself.
const VARIABLES: [&str; 2] = ["WASM_THREADS", "WASM_THREADS_MAX_MEMORY"];

/// Nothing at all where the target is not WebAssembly: any `rerun-if` takes away cargo's own rule, which is to run a build
/// script again whenever a file of its package has changed.
fn print_all(words: Option<Vec<String>>) {
    let Some(words) = words else { return };
    // Cargo runs a build script anew for another target, and then asks for its variables, by itself.
    println!("cargo:rerun-if-changed=build.rs");
    for variable in VARIABLES {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    for word in words {
        println!("cargo:rustc-link-arg={word}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(arch: &str, os: &str, triple: &str) -> Option<Target> {
        Target::from_variables(&|name| {
            let value = match name {
                "CARGO_CFG_TARGET_ARCH" => arch,
                "CARGO_CFG_TARGET_OS" => os,
                "TARGET" => triple,
                _ => "",
            };
            value.to_string()
        })
    }

    #[test]
    fn targets() {
        assert_eq!(target("x86_64", "linux", "x86_64-unknown-linux-gnu"), None);
        assert_eq!(target("", "", ""), None);
        let kind = |arch, os, triple| target(arch, os, triple).map(|target| target.kind);
        assert_eq!(kind("wasm32", "unknown", "wasm32-unknown-unknown"), Some(Kind::Javascript));
        assert_eq!(kind("wasm32", "none", "wasm32v1-none"), Some(Kind::Javascript));
        assert_eq!(kind("wasm32", "wasi", "wasm32-wasip1-threads"), Some(Kind::WasiThreads));
        assert_eq!(kind("wasm32", "wasi", "wasm32-wasip1"), Some(Kind::Wasi));
        assert_eq!(kind("wasm32", "emscripten", "wasm32-unknown-emscripten"), Some(Kind::Emscripten));
    }

    #[test]
    fn words() {
        let javascript = Target { kind: Kind::Javascript, wide: false };
        let words = threaded().max_memory("512MiB").export("go").words(&javascript).unwrap();
        assert_eq!(words[..3], ["--shared-memory", "--import-memory", "--max-memory=536870912"]);
        assert_eq!(words[9..], ["--export-if-defined=go", "--export-if-defined=wasm-threads:threaded"]);
        assert_eq!(threaded().words(&javascript).unwrap()[2], "--max-memory=1073741824");
        assert_eq!(threaded().max_memory(65_536).words(&javascript).unwrap()[2], "--max-memory=65536");
        assert!(threaded().max_memory("1GB").words(&javascript).unwrap_err().contains("KiB, MiB or GiB"));
        assert!(threaded().max_memory("8GiB").words(&javascript).unwrap_err().contains("4 GiB"));
        let wide = Target { kind: Kind::Javascript, wide: true };
        assert_eq!(threaded().max_memory("8GiB").words(&wide).unwrap()[2], "--max-memory=8589934592");
        let emscripten = Target { kind: Kind::Emscripten, wide: false };
        let marker = "-Wl,--export-if-defined=wasm-threads:threaded";
        assert_eq!(threaded().words(&emscripten).unwrap(), ["-pthread", marker]);
        let sized = threaded().max_memory("64MiB").export("go").words(&emscripten).unwrap();
        let want = ["-pthread", "-sALLOW_MEMORY_GROWTH", "-sMAXIMUM_MEMORY=67108864", "-Wl,--export-if-defined=go", marker];
        assert_eq!(sized, want);
        let threads = Target { kind: Kind::WasiThreads, wide: false };
        assert_eq!(threaded().words(&threads).unwrap(), ["--export-if-defined=wasm-threads:threaded"]);
    }
}
