//! What only a module for a javascript host must keep: as a linker wrote it, and as wasm-bindgen left it.

use super::{Abi, Check, Contract, NOT_SHARED, Outcome, Stage, found};
use crate::exports::TLS_EXPORTS;
use crate::module::{Kind, Module};
use crate::report::Finding;
use crate::rules;

/// What wasm-bindgen's own script calls and sets for a new thread (`transforms/threads`, and `js/mod.rs` of its
/// `wasm-bindgen-cli-support`; the same from 0.2.100 to 0.2.130).
const OF_WASM_BINDGEN: [&str; 4] = ["__wbindgen_start", "__wbindgen_thread_destroy", "__stack_alloc", "__tls_base"];

/// Whether anybody asks what [`Module::tls_inside`] says: to find it out, every function is read. Where wasm-bindgen is to read
/// the module, it needs the exports all the same.
pub(crate) fn asks_for_tls_inside(module: &Module) -> bool {
    let shared = module.memory().is_some_and(|memory| memory.shared);
    shared
        && no_tls_exports(module)
        && !module.wants_wasm_bindgen
        && Contract::of(module) == Contract { abi: Abi::Javascript, stage: Stage::Linked }
}

/// Whether anybody asks what [`Module::written_by_export`] and [`Module::written_inside`] say: to find it out, every function
/// is read.
pub(crate) fn asks_who_writes(module: &Module) -> bool {
    module.start.is_none() && passive(module) > 0 && Stage::of(module) == Stage::Linked
}

/// How many segments the template of the thread-local storage is. `__wasm_init_tls` writes it, once in every thread; wasm-ld 14
/// makes no start function where it is the only one.
pub(crate) fn template(module: &Module) -> usize {
    usize::from(module.constant("__tls_size") != Some(0))
}

fn passive(module: &Module) -> usize {
    module.segments.passive().count()
}

/// Without any export it is no program, but the first bytes of one.
fn no_tls_exports(module: &Module) -> bool {
    !module.exports.is_empty() && TLS_EXPORTS.iter().all(|name| !module.exports.contains_key(name))
}

impl Check<'_> {
    pub(super) fn memory_init_missing(&self) -> Outcome {
        let module = self.module;
        let passive = passive(module);
        let (somebody_must, written, by) = match self.contract.abi {
            Abi::Javascript => (passive > template(module), module.written_by_export, "an exported function writes its data"),
            // There the template shows as the others do: a function of the module's own writes it.
            _ => (passive > 0, module.written_inside, "functions of its own write its data"),
        };
        let lacks_start = somebody_must && module.start.is_none();
        if lacks_start && written {
            return Outcome::NotApplicable(by);
        }
        found(lacks_start.then(|| {
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
        }))
    }

    pub(super) fn exports_for_javascript(&self) -> Outcome {
        if self.shared().is_none() {
            return NOT_SHARED;
        }
        found([self.tls_exports(), self.heap_base()].into_iter().flatten())
    }

    fn tls_exports(&self) -> Option<Finding> {
        let wrong: Vec<String> = TLS_EXPORTS.iter().filter_map(|name| self.wrong_export(name)).collect();
        if wrong.is_empty() {
            return None;
        }
        let broken = TLS_EXPORTS.iter().filter(|name| self.wrong_export(name).is_some());
        let (taken, missing): (Vec<&str>, Vec<&str>) = broken.partition(|name| self.module.exports.contains_key(name));
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
        // Whoever starts its threads from inside needs no exports.
        if !self.module.tls_inside {
            return Some(finding);
        }
        let what = format!("javascript cannot start a thread of {} by itself", self.name);
        let why =
            "the module has no thread-local storage, or sets it up from inside: this matters only where javascript would do it";
        Some(Finding { what, why: why.to_owned(), ..finding }.warning())
    }

    fn wrong_export(&self, name: &str) -> Option<String> {
        let Some(export) = self.module.exports.get(name) else { return Some(format!("no export {name}")) };
        let is_function = export.kind == Kind::Function;
        let global = self.module.globals.named.get(name);
        let mutable = global.is_some_and(|global| global.mutable && global.integer);
        let (right, wanted) = match name {
            "__wasm_init_tls" => {
                let takes_one = self.module.init_tls.is_some_and(|init| init.takes_one_address);
                (is_function && takes_one, "a function of one address")
            }
            "__wbindgen_start" => (self.module.wbindgen_start_takes_one, "a function of one number"),
            "__wbindgen_thread_destroy" => (is_function, "a function"),
            "__tls_base" | "__stack_alloc" => (mutable, "a mutable global"),
            _ => (global.is_some_and(|global| !global.mutable && global.constant.is_some()), "a constant"),
        };
        (!right).then(|| format!("{name} is not {wanted}"))
    }

    fn heap_base(&self) -> Option<Finding> {
        self.wrong_export("__heap_base").is_some().then(|| {
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

    pub(super) fn tls_init_wrapped(&self) -> Outcome {
        let Some(init) = self.module.init_tls else { return Outcome::NotApplicable("it exports no __wasm_init_tls") };
        found(init.calls_first.map(|first| {
            Finding::new(
                &rules::TLS_INIT_WRAPPED,
                format!("setting up a thread in {} runs the static constructors", self.name),
                format!("the exported __wasm_init_tls begins with a call of function {first}"),
                "an __wasm_init_tls that sets up thread-local storage and nothing else",
                "pass -C link-arg=--export=__wasm_call_ctors, and call __wasm_call_ctors() once, in the first thread, after \
                 instantiating and before any other export",
            )
        }))
    }

    pub(super) fn exports_of_wasm_bindgen(&self) -> Outcome {
        if self.shared().is_none() {
            return NOT_SHARED;
        }
        let wrong: Vec<String> = OF_WASM_BINDGEN.iter().filter_map(|name| self.wrong_export(name)).collect();
        found((!wrong.is_empty()).then(|| {
            let finding = Finding::new(
                &rules::EXPORT_MISSING,
                format!("{} does not export what wasm-bindgen's threads need", self.name),
                wrong.join(", "),
                "__wbindgen_start (a function of one number), __wbindgen_thread_destroy (a function), __stack_alloc and \
                 __tls_base (mutable globals)",
                "run wasm-bindgen over a module that is threaded when it is linked, and keep its exports: tell the tools \
                 after it not to remove or rename them",
            );
            let why = "wasm-bindgen's script sets up each thread by these: without them it has no stack and no thread-local \
                       storage of its own";
            Finding { why: why.to_owned(), ..finding }
        }))
    }

    pub(super) fn start_in_every_thread(&self) -> Outcome {
        if self.shared().is_none() {
            return NOT_SHARED;
        }
        found(self.module.start.map(|start| {
            Finding::new(
                &rules::START_IN_EVERY_THREAD,
                format!("{} runs a function in every thread, before the thread has a stack", self.name),
                format!("a start section, function {start}"),
                "no start section: wasm-bindgen moves it into __wbindgen_start",
                "leave the start section out that a tool after wasm-bindgen has put in",
            )
        }))
    }

    /// wasm-opt 108 exports the table of functions in the other one's place. Its name tells which it was only in newer versions of
    /// wasm-bindgen; in 0.2.100 it is `__wbindgen_export_0`, as a table of functions may be called, too.
    pub(super) fn externref_table_lost(&self) -> Outcome {
        const NAME: &str = "__wbindgen_externrefs";
        let (kept, told) = match self.module.tables.wbindgen_externrefs {
            Some(kept) => (kept, format!("{NAME} is not a table of externref")),
            None if self.module.imports.externref_table => {
                (self.module.tables.exports_externref, "no table of externref is exported".to_owned())
            }
            None => return Outcome::NotApplicable("wasm-bindgen's script fills no table"),
        };
        found((!kept).then(|| {
            Finding::new(
                &rules::EXTERNREF_TABLE_LOST,
                format!("{} exports the wrong table to wasm-bindgen's script", self.name),
                told,
                "a table of externref",
                "use a newer wasm-opt (132 is right, 108 is not), or none",
            )
        }))
    }
}
