//! Which contract a module must keep.

use super::{Contract, exports};
use crate::module::{Kind, Module, of_emscripten};

/// Who runs the module, and so what it must bring along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    /// A javascript host: wasm-bindgen, or one's own.
    Javascript,
    /// A host of `wasm32-wasip1-threads`: its libc handles thread-local storage inside.
    WasiThreads,
    /// WASI without threads: `wasm32-wasip1`.
    Wasi,
    /// The script that emcc writes beside it.
    Emscripten,
    /// Another Emscripten module, which loads it while it runs.
    EmscriptenSide,
}

impl Abi {
    /// All of them.
    pub const ALL: [Abi; 5] = [Abi::Javascript, Abi::WasiThreads, Abi::Wasi, Abi::Emscripten, Abi::EmscriptenSide];

    /// Its name, for options and for machines.
    pub fn id(self) -> &'static str {
        match self {
            Abi::Javascript => "javascript",
            Abi::WasiThreads => "wasi-threads",
            Abi::Wasi => "wasi",
            Abi::Emscripten => "emscripten",
            Abi::EmscriptenSide => "emscripten-side",
        }
    }

    /// Where only what emcc links is judged otherwise.
    pub(super) const fn is_emscripten(self) -> bool {
        matches!(self, Abi::Emscripten | Abi::EmscriptenSide)
    }
}

/// How far a module has come on its way to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// As a linker wrote it.
    Linked,
    /// wasm-bindgen has been over it: it takes the exports of thread-local storage and the start section away, and puts exports
    /// of its own in their place.
    AfterWasmBindgen,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 2] = [Stage::Linked, Stage::AfterWasmBindgen];

    /// Its name, for options and for machines.
    pub fn id(self) -> &'static str {
        match self {
            Stage::Linked => "linked",
            Stage::AfterWasmBindgen => "after-wasm-bindgen",
        }
    }

    /// The stage of `module`: wasm-bindgen takes its own section away, and leaves exports that no linker writes.
    pub fn of(module: &Module) -> Stage {
        let exports = ["__wbindgen_start", "__wbindgen_thread_destroy"];
        let processed = module.by_wasm_bindgen || exports.iter().any(|name| module.exports.contains_key(name));
        if processed && !module.wants_wasm_bindgen { Stage::AfterWasmBindgen } else { Stage::Linked }
    }
}

impl Contract {
    /// The contract that `module` must keep, read off the module itself.
    pub fn of(module: &Module) -> Contract {
        let stage = Stage::of(module);
        let abi = match stage {
            Stage::Linked => emscripten(module).unwrap_or_else(|| javascript_or_wasi(module)),
            Stage::AfterWasmBindgen => Abi::Javascript,
        };
        Contract { abi, stage }
    }

    /// The contract that `module` must keep, where the target that it was linked for is known.
    pub fn known(abi: Abi, module: &Module) -> Contract {
        // Threads of one's own making, on a target whose libc has none.
        let abi = if abi == Abi::Wasi && module.starts_threads() { Abi::WasiThreads } else { abi };
        let stage = if abi == Abi::Javascript { Stage::of(module) } else { Stage::Linked };
        Contract { abi, stage }
    }
}

fn javascript_or_wasi(module: &Module) -> Abi {
    // Javascript can stand in for WASI, under C code in a module of its own. It is told by the export that only its threads
    // need: a libc's threads set themselves up from inside.
    let wasi = module.imports.wasi && !module.exports.contains_key("__wasm_init_tls");
    // A program that starts no thread has no entry for one. The target shows all the same: it shares its memory, and exports
    // it again, which rustc up to 1.91 never did for WASI without threads.
    let shared_twice = module.memory().is_some_and(|memory| memory.shared && memory.import.is_some())
        && exports(module, "memory", Kind::Memory);
    if module.starts_threads() || (wasi && shared_twice) {
        Abi::WasiThreads
    } else if wasi {
        Abi::Wasi
    } else {
        Abi::Javascript
    }
}

/// What emcc makes: its link knows that, and the module shows it only by names. It never exports `__wasm_init_tls`.
fn emscripten(module: &Module) -> Option<Abi> {
    if module.dynamic {
        // A main module that loads others has that section too. Not every `main` is one's: a side module may export its own.
        let of_main = ["_emscripten_thread_init", "stackSave", "_emscripten_stack_restore"];
        let main = of_main.iter().any(|name| exports(module, name, Kind::Function));
        return Some(if main { Abi::Emscripten } else { Abi::EmscriptenSide });
    }
    let elsewhere = ["__wasm_init_tls", "wasi_thread_start"].iter().any(|name| module.exports.contains_key(name));
    let named = module.imports.emscripten || module.exports.keys().any(of_emscripten);
    ((named || minified(module)) && !elsewhere).then_some(Abi::Emscripten)
}

/// Short names alone are no sign: any module may have them. What emcc makes for threads exports its table too, by which its
/// script calls a thread's function, and never a variable such as `__tls_base`; and all its exports are as short
/// (seen of `-O3` and `-Os`, also with `-sASYNCIFY`, `-sMINIMAL_RUNTIME`, `-sPROXY_TO_PTHREAD`, and memories and tables that grow).
fn minified(module: &Module) -> bool {
    let shared = module.memory().is_some_and(|memory| memory.shared);
    module.imports.minified
        && !module.globals.exports_variable
        && module.exports.keys().all(|name| name.len() <= 3)
        && (!shared || module.exports.values().any(|export| export.kind == Kind::Table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{Export, Imports, Memory};

    fn module(memory: Option<(bool, bool)>, imports: Imports, exports: &[(&str, Kind)]) -> Module {
        let memory = memory.map(|(shared, imported)| Memory {
            import: imported.then(|| ("env".into(), "memory".into())),
            minimum: 17,
            maximum: Some(16384),
            shared,
            wide: false,
            page: 65536,
        });
        let exports = exports.iter().map(|(name, kind)| (*name, Export { kind: *kind, index: 0 })).collect();
        Module { memories: memory.into_iter().collect(), exports, imports, ..Module::default() }
    }

    #[test]
    fn how_far_it_has_come() {
        let stage = |by_wasm_bindgen, wants_wasm_bindgen, export| {
            let module = module(None, Imports::default(), &[(export, Kind::Function)]);
            Stage::of(&Module { by_wasm_bindgen, wants_wasm_bindgen, ..module })
        };
        assert_eq!(stage(true, false, "work"), Stage::AfterWasmBindgen);
        assert_eq!(stage(false, false, "__wbindgen_start"), Stage::AfterWasmBindgen);
        assert_eq!(stage(false, false, "__wbindgen_thread_destroy"), Stage::AfterWasmBindgen);
        assert_eq!(stage(false, false, "work"), Stage::Linked);
        // What wasm-bindgen has yet to read may have been linked with something that it made.
        assert_eq!(stage(true, true, "work"), Stage::Linked);
        assert_eq!(stage(false, true, "__wbindgen_start"), Stage::Linked);
    }

    #[test]
    fn who_runs_it() {
        let wasi = || Imports { wasi: true, ..Imports::default() };
        let emscripten = || Imports { emscripten: true, ..Imports::default() };
        let minified = || Imports { minified: true, functions: 1, ..Imports::default() };
        let (shared, own, imported) = (Some((true, true)), Some((true, false)), Some((false, true)));
        let init_tls = ("__wasm_init_tls", Kind::Function);
        let memory = ("memory", Kind::Memory);
        let (function, table) = (("a", Kind::Function), ("b", Kind::Table));
        let cases: [(Module, Abi); 16] = [
            (module(shared, Imports::default(), &[init_tls]), Abi::Javascript),
            (module(shared, wasi(), &[init_tls, memory]), Abi::Javascript),
            (module(shared, wasi(), &[memory]), Abi::WasiThreads),
            (module(shared, wasi(), &[("memory", Kind::Function)]), Abi::Wasi),
            (module(own, wasi(), &[memory]), Abi::Wasi),
            (module(imported, wasi(), &[memory]), Abi::Wasi),
            (module(shared, wasi(), &[]), Abi::Wasi),
            (module(shared, Imports::default(), &[("wasi_thread_start", Kind::Function)]), Abi::WasiThreads),
            (module(shared, Imports { thread_spawn: true, ..Imports::default() }, &[]), Abi::WasiThreads),
            (module(shared, emscripten(), &[]), Abi::Emscripten),
            (module(shared, emscripten(), &[init_tls]), Abi::Javascript),
            (module(shared, emscripten(), &[("wasi_thread_start", Kind::Function)]), Abi::WasiThreads),
            (module(shared, minified(), &[function, table]), Abi::Emscripten),
            (module(shared, minified(), &[function]), Abi::Javascript),
            (module(imported, minified(), &[function]), Abi::Emscripten),
            (module(shared, minified(), &[("four", Kind::Function), table]), Abi::Javascript),
        ];
        for (module, abi) in cases {
            assert_eq!(Contract::of(&module).abi, abi, "{module:?}");
        }
        let mut variable = module(shared, minified(), &[function, table]);
        variable.globals.exports_variable = true;
        assert_eq!(Contract::of(&variable).abi, Abi::Javascript);
        let side = |exports: &[(&str, Kind)]| {
            Contract::of(&Module { dynamic: true, ..module(shared, Imports::default(), exports) }).abi
        };
        assert_eq!(side(&[("main", Kind::Function)]), Abi::EmscriptenSide);
        assert_eq!(side(&[("stackSave", Kind::Function)]), Abi::Emscripten);
        assert_eq!(side(&[("stackSave", Kind::Global)]), Abi::EmscriptenSide);
    }
}
