//! What a threaded module is, rule by rule.
//!
//! This version judges what comes out of a linker, for javascript hosts and for hosts of wasi-threads.

mod wasi;

use crate::exports::TLS_EXPORTS;
use crate::module::{Export, Kind, Memory, Module};
use crate::report::Finding;
use crate::rules;
use crate::size::show;

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

/// The demands on one kind of module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The kind.
    pub abi: Abi,
}

/// `memory-cannot-grow` is an error where less than this lies above the heap's base, in bytes: less than one allocation of
/// a mebibyte, which a program of any size makes.
const LEAST_HEAP: u64 = 1 << 20;

impl Contract {
    /// The contract that `module` must keep, read off the module itself.
    pub fn of(module: &Module) -> Contract {
        // Javascript can stand in for WASI, under C code in a module of its own. It is told by the export that only its threads
        // need: a libc's threads set themselves up from inside.
        let wasi = wasi::is_imported(module) && !module.exports.contains_key("__wasm_init_tls");
        // A program that starts no thread has no entry for one. The target shows all the same: it shares its memory, and exports
        // it again, which rustc up to 1.91 never did for WASI without threads.
        let shared_twice = module.memory().is_some_and(|memory| memory.shared && memory.import.is_some())
            && exports(module, "memory", Kind::Memory);
        let abi = if wasi::has_threads(module) || (wasi && shared_twice) {
            Abi::WasiThreads
        } else if wasi {
            Abi::Wasi
        } else {
            Abi::Javascript
        };
        Contract { abi }
    }

    /// The contract that `module` must keep, where the target that it was linked for is known.
    pub fn known(abi: Abi, module: &Module) -> Contract {
        // Threads of one's own making, on a target whose libc has none.
        let abi = if abi == Abi::Wasi && wasi::has_threads(module) { Abi::WasiThreads } else { abi };
        Contract { abi }
    }

    /// Holds `module`, called `name` in the texts, against the contract. No errors among the findings: it is threaded.
    pub fn check(self, module: &Module, name: &str) -> Vec<Finding> {
        let check = Check { module, name, abi: self.abi };
        if let Some(finding) = check.target_without_threads() {
            // Whatever else is missing comes of that.
            return vec![finding];
        }
        let findings = [
            check.memory(),
            check.several_memories(),
            check.memory_cannot_grow(),
            check.active_data_segment(),
            check.memory_init_missing(),
            check.tls_exports(),
            check.heap_base(),
            check.tls_init_wrapped(),
            check.memory_export(),
            check.thread_start(),
            check.thread_start_wrapped(),
            check.command_or_reactor(),
            check.libc_mismatch(),
            check.object_without_atomics(),
        ];
        findings.into_iter().flatten().collect()
    }
}

/// Where only what emcc links is judged otherwise.
const fn is_emscripten(abi: Abi) -> bool {
    matches!(abi, Abi::Emscripten | Abi::EmscriptenSide)
}

struct Check<'a> {
    module: &'a Module,
    name: &'a str,
    abi: Abi,
}

/// Whether `module` exports a thing of that kind under that name.
fn exports(module: &Module, name: &str, kind: Kind) -> bool {
    module.exports.get(name).is_some_and(|export| export.kind == kind)
}

impl Check<'_> {
    /// The words that mend a link that the shim did not see, or that somebody took apart.
    fn relink(&self) -> String {
        let target = match self.abi {
            Abi::Javascript => "wasm32-unknown-unknown",
            Abi::WasiThreads | Abi::Wasi => "wasm32-wasip1-threads",
            Abi::Emscripten | Abi::EmscriptenSide => "wasm32-unknown-emscripten",
        };
        let by = if is_emscripten(self.abi) { "link with -pthread, or" } else { "link" };
        format!("{by} with `linker = \"wasm-threads-linker\"` under [target.{target}] in .cargo/config.toml")
    }

    fn target_without_threads(&self) -> Option<Finding> {
        (self.abi == Abi::Wasi).then(|| {
            let seen = if wasi::is_imported(self.module) { "imports from WASI" } else { "linked for WASI" };
            Finding::new(
                &rules::TARGET_WITHOUT_THREADS,
                format!("{} is for a WASI target that has no threads", self.name),
                format!("{seen}, and no wasi_thread_start"),
                "a module for wasm32-wasip1-threads",
                "build with --target wasm32-wasip1-threads (once: rustup target add wasm32-wasip1-threads)",
            )
        })
    }

    fn memory(&self) -> Option<Finding> {
        let Some(memory) = self.module.memory() else {
            let what = format!("{} has no memory", self.name);
            return Some(Finding::new(
                &rules::MEMORY_MISSING,
                what,
                "no memory",
                "one memory, imported and shared",
                self.relink(),
            ));
        };
        let found = describe(memory);
        if !memory.shared {
            let what = format!("the memory of {} is not shared", self.name);
            return Some(Finding::new(&rules::MEMORY_NOT_SHARED, what, found, "a shared memory with a maximum", self.relink()));
        }
        if memory.import.is_none() {
            let what = format!("{} has a shared memory of its own instead of importing it", self.name);
            let fix = if is_emscripten(self.abi) { self.relink() } else { "pass -C link-arg=--import-memory".to_owned() };
            return Some(Finding::new(&rules::MEMORY_NOT_IMPORTED, what, found, "an imported memory, such as env.memory", fix));
        }
        None
    }

    fn several_memories(&self) -> Option<Finding> {
        let count = self.module.memories.len();
        (self.abi == Abi::Javascript && count > 1).then(|| {
            Finding::new(
                &rules::SEVERAL_MEMORIES,
                format!("{} has {count} memories", self.name),
                self.module.memories.iter().map(describe).collect::<Vec<_>>().join("\n"),
                "one memory",
                "link without the objects that bring further memories",
            )
        })
    }

    fn memory_cannot_grow(&self) -> Option<Finding> {
        if is_emscripten(self.abi) {
            // Its allocator takes what is there, and by default there is as much as there will ever be.
            return None;
        }
        let memory = self.module.memory().filter(|memory| memory.shared && memory.maximum == Some(memory.minimum))?;
        let bytes = memory.minimum.saturating_mul(memory.page);
        let base = self.module.constant("__heap_base").or(self.module.heap_begins);
        let heap = base.map(|base| bytes.saturating_sub(base));
        let finding = Finding::new(
            &rules::MEMORY_CANNOT_GROW,
            format!("the memory of {} can never grow", self.name),
            match heap {
                Some(heap) => format!("{}; {} left for the heap", describe(memory), show(heap)),
                None => format!("{}; where its heap begins is not exported", describe(memory)),
            },
            "a maximum above the minimum",
            match bytes {
                // The default of the linker's shim, or the most that an address of 32 bits reaches.
                0..0x4000_0000 => "pass -C link-arg=--max-memory=1073741824, and not --no-growable-memory",
                0x4000_0000..0x1_0000_0000 => "pass -C link-arg=--max-memory=4294967296, and not --no-growable-memory",
                _ => "pass a smaller -C link-arg=--initial-memory, or none",
            },
        );
        let finding = match self.abi {
            Abi::WasiThreads | Abi::Wasi => Finding { why: wasi::CANNOT_GROW.to_owned(), ..finding },
            Abi::Javascript | Abi::Emscripten | Abi::EmscriptenSide => finding,
        };
        Some(if heap.is_some_and(|heap| heap >= LEAST_HEAP) { finding.warning() } else { finding })
    }

    fn active_data_segment(&self) -> Option<Finding> {
        let active: Vec<_> = self.module.segments.iter().filter(|segment| segment.active).collect();
        let bytes: u64 = active.iter().map(|segment| segment.size).sum();
        (!active.is_empty()).then(|| {
            Finding::new(
                &rules::ACTIVE_DATA_SEGMENT,
                format!("{} writes its data again in every thread", self.name),
                format!("{} of {} data segments active, {}", active.len(), self.module.segments.len(), show(bytes)),
                "passive data segments, written once by a start function",
                self.relink(),
            )
        })
    }

    fn memory_init_missing(&self) -> Option<Finding> {
        // The template of the thread-local storage is written by `__wasm_init_tls`, once in every thread. It is one segment;
        // wasm-ld 14 makes no start function where it is the only one.
        let template = usize::from(self.module.constant("__tls_size") != Some(0));
        let passive = self.module.segments.iter().filter(|segment| !segment.active).count();
        (self.abi == Abi::Javascript && passive > template && self.module.start.is_none()).then(|| {
            Finding::new(
                &rules::MEMORY_INIT_MISSING,
                format!("nothing in {} writes its data to memory", self.name),
                match passive {
                    1 => "a passive data segment and no start function".to_owned(),
                    _ => format!("{passive} passive data segments and no start function"),
                },
                "a start function (wasm-ld's __wasm_init_memory)",
                "keep the start section: do not strip or rewrite it after the link",
            )
        })
    }

    fn tls_exports(&self) -> Option<Finding> {
        if self.abi != Abi::Javascript || !self.module.memory().is_some_and(|memory| memory.shared) {
            // Without a shared memory the linker defines none of them: one finding is enough.
            return None;
        }
        let wrong: Vec<String> = TLS_EXPORTS.iter().filter_map(|name| self.wrong_export(name)).collect();
        if wrong.is_empty() {
            return None;
        }
        let broken = TLS_EXPORTS.iter().filter(|name| self.wrong_export(name).is_some());
        let (taken, missing): (Vec<&str>, Vec<&str>) = broken.partition(|name| self.module.exports.contains_key(**name));
        let mut fix = Vec::new();
        if !missing.is_empty() {
            let flags: Vec<String> = missing.iter().map(|name| format!("-C link-arg=--export={name}")).collect();
            fix.push(format!("pass {}", flags.join(" ")));
        }
        if !taken.is_empty() {
            let names = taken.join(", ");
            fix.push(format!("leave the definition of {names} to the linker: no symbol of one's own may have that name"));
        }
        let finding = Finding::new(
            &rules::EXPORT_MISSING,
            format!("{} does not export what a new thread needs", self.name),
            wrong.join(", "),
            "__wasm_init_tls (a function of one address), __tls_size and __tls_align (constants), __tls_base (a mutable global)",
            fix.join("; "),
        );
        // Whoever starts its threads from inside needs no exports, unless wasm-bindgen is to read the module.
        let none = TLS_EXPORTS.iter().all(|name| !self.module.exports.contains_key(*name));
        // Without any export it is no program, but the first bytes of one.
        let inside = none && self.module.tls_inside && !self.module.exports.is_empty();
        if !inside || self.module.wants_wasm_bindgen {
            return Some(finding);
        }
        let what = format!("javascript cannot start a thread of {} by itself", self.name);
        let why =
            "the module has no thread-local storage, or sets it up from inside: this matters only where javascript would do it";
        Some(Finding { what, why: why.to_owned(), ..finding }.warning())
    }

    fn wrong_export(&self, name: &str) -> Option<String> {
        let Some(Export { kind, index }) = self.module.exports.get(name) else {
            return Some(format!("no export {name}"));
        };
        let global = self.module.globals.get(*index as usize).filter(|_| *kind == Kind::Global);
        let right = match name {
            "__wasm_init_tls" => *kind == Kind::Function && self.module.init_tls.is_some_and(|init| init.takes_one_address),
            "__tls_base" => global.is_some_and(|global| global.mutable && global.integer),
            _ => global.is_some_and(|global| !global.mutable && global.constant.is_some()),
        };
        (!right).then(|| match name {
            "__wasm_init_tls" => format!("{name} is not a function of one address"),
            "__tls_base" => format!("{name} is not a mutable global"),
            _ => format!("{name} is not a constant"),
        })
    }

    fn heap_base(&self) -> Option<Finding> {
        let shared = self.module.memory().is_some_and(|memory| memory.shared);
        (self.abi == Abi::Javascript && shared && self.wrong_export("__heap_base").is_some()).then(|| {
            let mut finding = Finding::new(
                &rules::EXPORT_MISSING,
                format!("{} does not export __heap_base", self.name),
                "no constant export __heap_base",
                "__heap_base, for wasm-bindgen up to 0.2.126",
                "pass -C link-arg=--export=__heap_base, or use wasm-bindgen 0.2.127 or later",
            );
            finding.why = "older versions of wasm-bindgen stop with \"failed to find `__heap_base`\"".to_owned();
            finding.warning()
        })
    }

    fn tls_init_wrapped(&self) -> Option<Finding> {
        let first = self.module.init_tls.filter(|_| self.abi == Abi::Javascript)?.calls_first?;
        Some(Finding::new(
            &rules::TLS_INIT_WRAPPED,
            format!("setting up a thread in {} runs the static constructors", self.name),
            format!("the exported __wasm_init_tls begins with a call of function {first}"),
            "an __wasm_init_tls that sets up thread-local storage and nothing else",
            "pass -C link-arg=--export=__wasm_call_ctors, and call __wasm_call_ctors() once, in the first thread, after \
             instantiating and before any other export",
        ))
    }

    fn object_without_atomics(&self) -> Option<Finding> {
        let features = self.module.features.as_ref().filter(|features| !features.uses("atomics"))?;
        let shared = self.module.memory().is_some_and(|memory| memory.shared);
        let names: Vec<_> = features.entries.iter().map(|(prefix, name)| format!("{prefix}{name}")).collect();
        shared.then(|| {
            Finding::new(
                &rules::OBJECT_WITHOUT_ATOMICS,
                format!("{} has a shared memory, but was not compiled for one", self.name),
                format!("target features: {}", if names.is_empty() { "none".to_owned() } else { names.join(" ") }),
                "+atomics among them",
                "compile everything with +atomics (Rust: -C target-feature=+atomics and -Zbuild-std; C: -matomics -mbulk-memory) \
                 and do not pass --no-check-features",
            )
        })
    }
}

/// A memory in words: `env.memory, 17 to 16384 pages (1 GiB), shared`.
pub fn describe(memory: &Memory) -> String {
    let whose = match &memory.import {
        Some((module, name)) => format!("imported as {module}.{name}"),
        None => "a memory of its own".to_owned(),
    };
    let limits = match memory.maximum {
        Some(maximum) if maximum == memory.minimum => {
            format!("{} and never more ({})", pages(maximum), show(maximum.saturating_mul(memory.page)))
        }
        Some(maximum) => {
            format!("{} to {} ({})", memory.minimum, pages(maximum), show(maximum.saturating_mul(memory.page)))
        }
        None => format!("{}, no maximum", pages(memory.minimum)),
    };
    let shared = if memory.shared { "shared" } else { "not shared" };
    format!("{whose}, {limits}, {shared}")
}

fn pages(count: u64) -> String {
    if count == 1 { "1 page".to_owned() } else { format!("{count} pages") }
}
