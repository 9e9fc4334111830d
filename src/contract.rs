//! What a threaded module is, rule by rule: for what a linker wrote, and for what wasm-bindgen made of it, by who runs it.

mod emscripten;
mod javascript;
mod kind;
mod wasi;

pub use kind::{Abi, Stage};

pub(crate) use javascript::{asks_for_tls_inside, asks_who_writes, template};

use crate::module::{Kind, Memory, Module, Segment};
use crate::report::{Finding, first_of, name_of, short_name};
use crate::rules::{self, Rule};
use crate::size::show;

/// The demands on one kind of module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Who runs it.
    pub abi: Abi,
    /// How far it has come. wasm-opt and tools that strip keep that.
    pub stage: Stage,
}

/// What became of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The rule.
    pub rule: &'static Rule,
    /// The answer.
    pub outcome: Outcome,
}

/// The answer of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The module keeps it.
    Passed,
    /// It has nothing to say of this module, for this reason.
    NotApplicable(&'static str),
    /// What it found; that may be warnings only.
    Found(Vec<Finding>),
}

/// `memory-cannot-grow` is an error where less than this lies above the heap's base, in bytes: less than one allocation of
/// a mebibyte, which a program of any size makes.
const LEAST_HEAP: u64 = 1 << 20;

/// Whom a rule is for.
type For = fn(Contract) -> Result<(), &'static str>;
/// What it says.
type Ask = fn(&Check<'_>) -> Outcome;

/// The contract, in the order of its findings.
static CONTRACT: &[(&Rule, For, Ask)] = &[
    (&rules::TARGET_WITHOUT_THREADS, any, |check| check.target_without_threads()),
    (&rules::COMPACT_IMPORTS, any, |check| check.compact_imports()),
    (&rules::MEMORY_MISSING, any, |check| check.memory_missing()),
    (&rules::MEMORY_NOT_SHARED, any, |check| check.memory_not_shared()),
    (&rules::MEMORY_NOT_IMPORTED, any, |check| check.memory_not_imported()),
    (&rules::SEVERAL_MEMORIES, javascript, |check| check.several_memories()),
    (&rules::MEMORY_CANNOT_GROW, not_emscripten, |check| check.memory_cannot_grow()),
    (&rules::ACTIVE_DATA_SEGMENT, any, |check| check.active_data_segment()),
    (&rules::MEMORY_INIT_MISSING, linked, |check| check.memory_init_missing()),
    (&rules::EXPORT_MISSING, not_emscripten, |check| check.exports()),
    (&rules::TLS_INIT_WRAPPED, linked_javascript, |check| check.tls_init_wrapped()),
    (&rules::START_IN_EVERY_THREAD, after_wasm_bindgen, |check| check.start_in_every_thread()),
    (&rules::EXTERNREF_TABLE_LOST, after_wasm_bindgen, |check| check.externref_table_lost()),
    (&rules::THREAD_START_WRAPPED, wasi_threads, |check| check.thread_start_wrapped()),
    (&rules::COMMAND_OR_REACTOR, wasi_threads, |check| check.command_or_reactor()),
    (&rules::LIBC_MISMATCH, wasi_threads, |check| check.libc_mismatch()),
    (&rules::EMSCRIPTEN_WITHOUT_PTHREADS, emscripten_main, |check| check.emscripten_without_pthreads()),
    (&rules::OBJECT_WITHOUT_ATOMICS, any, |check| check.object_without_atomics()),
];

fn any(_: Contract) -> Result<(), &'static str> {
    Ok(())
}

fn javascript(contract: Contract) -> Result<(), &'static str> {
    if contract.abi == Abi::Javascript { Ok(()) } else { Err("a rule for javascript") }
}

fn linked_javascript(contract: Contract) -> Result<(), &'static str> {
    javascript(contract)?;
    linked(contract)
}

fn linked(contract: Contract) -> Result<(), &'static str> {
    if contract.stage == Stage::Linked { Ok(()) } else { Err("a rule for what a linker wrote") }
}

fn after_wasm_bindgen(contract: Contract) -> Result<(), &'static str> {
    if contract.stage == Stage::AfterWasmBindgen { Ok(()) } else { Err("a rule for what wasm-bindgen made") }
}

fn wasi_threads(contract: Contract) -> Result<(), &'static str> {
    if contract.abi == Abi::WasiThreads { Ok(()) } else { Err("a rule for wasi-threads") }
}

fn emscripten_main(contract: Contract) -> Result<(), &'static str> {
    if contract.abi == Abi::Emscripten { Ok(()) } else { Err("a rule for Emscripten's main modules") }
}

fn not_emscripten(contract: Contract) -> Result<(), &'static str> {
    if contract.abi.is_emscripten() { Err("Emscripten's own script sees to it") } else { Ok(()) }
}

impl Contract {
    /// Holds `module`, called `name` in the texts, against the contract. No errors among the findings: it is threaded.
    pub fn check(self, module: &Module, name: &str) -> Vec<Finding> {
        let judgements = self.judge(module, name).into_iter();
        let found = judgements.filter_map(|judgement| match judgement.outcome {
            Outcome::Found(findings) => Some(findings),
            Outcome::Passed | Outcome::NotApplicable(_) => None,
        });
        found.flatten().collect()
    }

    /// The same, with the answer of each rule of the contract, in an order that stays.
    pub fn judge(self, module: &Module, name: &str) -> Vec<Judgement> {
        let name = &name_of(name);
        let check = Check { module, name, contract: self };
        let answer = |(rule, is_for, ask): &(&'static Rule, For, Ask)| {
            // Whatever else is missing there comes of that.
            let outcome = if self.abi == Abi::Wasi && *rule != &rules::TARGET_WITHOUT_THREADS {
                Outcome::NotApplicable("its target has no threads")
            } else {
                match is_for(self) {
                    Ok(()) => ask(&check),
                    Err(reason) => Outcome::NotApplicable(reason),
                }
            };
            Judgement { rule, outcome }
        };
        CONTRACT.iter().map(answer).collect()
    }
}

struct Check<'a> {
    module: &'a Module,
    name: &'a str,
    contract: Contract,
}

/// Passed, where nothing was found.
fn found(findings: impl IntoIterator<Item = Finding>) -> Outcome {
    let findings: Vec<Finding> = findings.into_iter().collect();
    if findings.is_empty() { Outcome::Passed } else { Outcome::Found(findings) }
}

/// Whether `module` exports a thing of that kind under that name.
fn exports(module: &Module, name: &str, kind: Kind) -> bool {
    module.exports.get(name).is_some_and(|export| export.kind == kind)
}

const NO_MEMORY: Outcome = Outcome::NotApplicable("it has no memory");
const NOT_SHARED: Outcome = Outcome::NotApplicable("its memory is not shared");

impl<'a> Check<'a> {
    /// The first memory, if it is shared: without one, a linker makes none of what threads need, and one finding is enough.
    fn shared(&self) -> Option<&'a Memory> {
        self.module.memory().filter(|memory| memory.shared)
    }

    /// The words that mend a link that the shim did not see, or that somebody took apart.
    fn relink(&self) -> String {
        let target = match self.contract.abi {
            Abi::Javascript => "wasm32-unknown-unknown",
            Abi::WasiThreads | Abi::Wasi => "wasm32-wasip1-threads",
            Abi::Emscripten | Abi::EmscriptenSide => "wasm32-unknown-emscripten",
        };
        let by = if self.contract.abi.is_emscripten() { "link with -pthread, or" } else { "link" };
        let again = match self.contract.stage {
            Stage::Linked => "",
            Stage::AfterWasmBindgen => ", and run wasm-bindgen again",
        };
        format!("{by} with `linker = \"wasm-threads-linker\"` under [target.{target}] in .cargo/config.toml{again}")
    }

    /// How flags reach the linker again.
    fn pass(&self, flags: &str) -> String {
        match self.contract.stage {
            Stage::Linked => format!("pass {flags}"),
            Stage::AfterWasmBindgen => format!("link again, pass {flags}; and run wasm-bindgen again"),
        }
    }

    fn target_without_threads(&self) -> Outcome {
        found((self.contract.abi == Abi::Wasi).then(|| {
            let seen = if self.module.imports.wasi { "imports from WASI" } else { "linked for WASI" };
            Finding::new(
                &rules::TARGET_WITHOUT_THREADS,
                format!("{} is for a WASI target that has no threads", self.name),
                format!("{seen}, and no wasi_thread_start"),
                "a module for wasm32-wasip1-threads",
                "build with --target wasm32-wasip1-threads (once: rustup target add wasm32-wasip1-threads)",
            )
        }))
    }

    fn compact_imports(&self) -> Outcome {
        found(self.module.imports.compact.then(|| {
            Finding::new(
                &rules::COMPACT_IMPORTS,
                format!("no engine takes the imports of {}", self.name),
                "imports in groups (the compact import section proposal)",
                "one entry for each import",
                "run wasm-opt without --all-features: name the features that you need, or none where the module has a \
                 target_features section",
            )
        }))
    }

    fn memory_missing(&self) -> Outcome {
        found(self.module.memory().is_none().then(|| {
            let what = format!("{} has no memory", self.name);
            Finding::new(&rules::MEMORY_MISSING, what, "no memory", "one memory, imported and shared", self.relink())
        }))
    }

    fn memory_not_shared(&self) -> Outcome {
        let Some(memory) = self.module.memory() else { return NO_MEMORY };
        found((!memory.shared).then(|| {
            let what = format!("the memory of {} is not shared", self.name);
            Finding::new(&rules::MEMORY_NOT_SHARED, what, describe(memory), "a shared memory with a maximum", self.relink())
        }))
    }

    fn memory_not_imported(&self) -> Outcome {
        let Some(memory) = self.module.memory() else { return NO_MEMORY };
        if !memory.shared {
            return NOT_SHARED;
        }
        found(memory.import.is_none().then(|| {
            let what = format!("{} has a shared memory of its own instead of importing it", self.name);
            let emscripten = self.contract.abi.is_emscripten();
            let fix = if emscripten { self.relink() } else { self.pass("-C link-arg=--import-memory") };
            Finding::new(&rules::MEMORY_NOT_IMPORTED, what, describe(memory), "an imported memory, such as env.memory", fix)
        }))
    }

    fn several_memories(&self) -> Outcome {
        let count = self.module.memories.len();
        found((count > 1).then(|| {
            Finding::new(
                &rules::SEVERAL_MEMORIES,
                format!("{} has {count} memories", self.name),
                first_of(self.module.memories.iter().map(describe), "\n"),
                "one memory",
                "link without the objects that bring further memories",
            )
        }))
    }

    fn memory_cannot_grow(&self) -> Outcome {
        let Some(memory) = self.shared() else { return NOT_SHARED };
        if memory.maximum != Some(memory.minimum) {
            return Outcome::Passed;
        }
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
                0..0x4000_0000 => self.pass("-C link-arg=--max-memory=1073741824, and not --no-growable-memory"),
                0x4000_0000..0x1_0000_0000 => self.pass("-C link-arg=--max-memory=4294967296, and not --no-growable-memory"),
                _ => self.pass("a smaller -C link-arg=--initial-memory, or none"),
            },
        );
        let finding = match self.contract.abi {
            Abi::WasiThreads | Abi::Wasi => Finding { why: wasi::CANNOT_GROW.to_owned(), ..finding },
            Abi::Javascript | Abi::Emscripten | Abi::EmscriptenSide => finding,
        };
        found([if heap.is_some_and(|heap| heap >= LEAST_HEAP) { finding.warning() } else { finding }])
    }

    fn active_data_segment(&self) -> Outcome {
        // One without bytes writes nothing, and one for another memory writes to one that atomics do not use.
        let writes = |segment: &Segment| segment.active && segment.size > 0 && segment.memory == 0;
        let active = self.module.segments.iter().filter(writes);
        let (count, bytes) = active.fold((0, 0), |(count, bytes), segment| (count + 1, bytes + u64::from(segment.size)));
        found((count > 0).then(|| {
            Finding::new(
                &rules::ACTIVE_DATA_SEGMENT,
                format!("{} writes its data again in every thread", self.name),
                format!("{count} of {} data segments active, {}", self.module.segments.len(), show(bytes)),
                "passive data segments, written once by a start function",
                self.relink(),
            )
        }))
    }

    fn exports(&self) -> Outcome {
        match (self.contract.abi, self.contract.stage) {
            (Abi::WasiThreads, _) => self.exports_for_wasi_threads(),
            (_, Stage::Linked) => self.exports_for_javascript(),
            (_, Stage::AfterWasmBindgen) => self.exports_of_wasm_bindgen(),
        }
    }

    fn object_without_atomics(&self) -> Outcome {
        let Some(features) = &self.module.features else { return Outcome::NotApplicable("no features are recorded") };
        if self.shared().is_none() {
            return NOT_SHARED;
        }
        // wasm-bindgen begins a section of its own, with what it uses itself, where a linker has stripped the compiler's.
        let by_compiler = ["sign-ext", "mutable-globals"].iter().any(|name| features.uses(name));
        if self.contract.stage == Stage::AfterWasmBindgen && !by_compiler {
            return Outcome::NotApplicable("the compiler's features are not recorded any more");
        }
        found((!features.uses("atomics")).then(|| {
            Finding::new(
                &rules::OBJECT_WITHOUT_ATOMICS,
                format!("{} has a shared memory, but was not compiled for one", self.name),
                match first_of(features.iter().map(|(prefix, name)| short_name(&format!("{prefix}{name}"))), " ") {
                    names if names.is_empty() => "target features: none".to_owned(),
                    names => format!("target features: {names}"),
                },
                "+atomics among them",
                "compile everything with +atomics (Rust: -C target-feature=+atomics and -Zbuild-std; C: -matomics -mbulk-memory) \
                 and do not pass --no-check-features",
            )
        }))
    }
}

/// A memory in words: `env.memory, 17 to 16384 pages (1 GiB), shared`.
pub fn describe(memory: &Memory) -> String {
    let whose = match &memory.import {
        Some((module, name)) => format!("imported as {}.{}", short_name(module), short_name(name)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{Export, Global};

    /// A linked module, threaded, for javascript.
    fn module() -> Module {
        let memory = Memory {
            import: Some(("env".into(), "memory".into())),
            minimum: 17,
            maximum: Some(16384),
            shared: true,
            wide: false,
            page: 65536,
        };
        let export = Export { kind: Kind::Function, index: 0 };
        let mut module =
            Module { memories: vec![memory], exports: [("work", export)].into_iter().collect(), ..Module::default() };
        module.globals.named.insert("__tls_size", Global { mutable: false, integer: true, constant: Some(4) });
        module
    }

    fn outcome(module: &Module, rule: &Rule) -> Outcome {
        let contract = Contract { abi: Abi::Javascript, stage: Stage::Linked };
        let judgements = contract.judge(module, "module.wasm").into_iter();
        judgements.filter(|judgement| judgement.rule == rule).map(|judgement| judgement.outcome).next().expect("a rule")
    }

    #[test]
    fn what_the_exports_of_threads_are() {
        let constant = Global { mutable: false, integer: true, constant: Some(4) };
        let variable = Global { mutable: true, integer: true, constant: Some(0) };
        let found = |change: &dyn Fn(&mut Module)| {
            let mut module = module();
            let export = |kind| Export { kind, index: 0 };
            let globals =
                [("__tls_size", constant), ("__tls_align", constant), ("__tls_base", variable), ("__heap_base", constant)];
            module.exports = globals.iter().map(|(name, _)| (*name, export(Kind::Global))).collect();
            module.exports = module.exports.iter().chain([("__wasm_init_tls", export(Kind::Function))]).collect();
            module.globals.named.extend(globals);
            module.init_tls = Some(crate::module::InitTls { takes_one_address: true, calls_first: None });
            change(&mut module);
            match outcome(&module, &rules::EXPORT_MISSING) {
                Outcome::Found(findings) => findings[0].found.clone(),
                other => format!("{other:?}"),
            }
        };
        let with = |name: &'static str, global: Global| {
            found(&|module| {
                module.globals.named.insert(name, global);
            })
        };
        assert_eq!(found(&|_| {}), "Passed");
        assert_eq!(with("__tls_base", Global { integer: false, ..variable }), "__tls_base is not a mutable global");
        assert_eq!(with("__tls_base", Global { mutable: false, ..variable }), "__tls_base is not a mutable global");
        assert_eq!(with("__tls_size", Global { constant: None, ..constant }), "__tls_size is not a constant");
        assert_eq!(with("__tls_align", Global { mutable: true, ..constant }), "__tls_align is not a constant");
        assert_eq!(with("__heap_base", Global { constant: None, ..constant }), "no constant export __heap_base");
        assert_eq!(found(&|module| module.init_tls = None), "__wasm_init_tls is not a function of one address");
    }

    #[test]
    fn a_start_function_without_threads() {
        let after = |shared| {
            let mut module = Module { start: Some(3), ..module() };
            module.memories[0].shared = shared;
            let contract = Contract { abi: Abi::Javascript, stage: Stage::AfterWasmBindgen };
            let mut judgements = contract.judge(&module, "module.wasm").into_iter();
            judgements.find(|judgement| *judgement.rule == rules::START_IN_EVERY_THREAD).expect("a rule").outcome
        };
        assert!(matches!(after(true), Outcome::Found(_)));
        assert_eq!(after(false), NOT_SHARED);
    }

    #[test]
    fn data_that_no_thread_writes_again() {
        let data = |active, memory, size| {
            let segments = [Segment { active, memory, size }, Segment { active: false, memory: 0, size: 9 }];
            outcome(&Module { segments: segments.into_iter().collect(), ..module() }, &rules::ACTIVE_DATA_SEGMENT)
        };
        assert!(matches!(data(true, 0, 1), Outcome::Found(findings) if findings[0].found.starts_with("1 of 2 data segments")));
        for (active, memory, size) in [(true, 0, 0), (true, 1, 1), (false, 0, 1)] {
            assert_eq!(data(active, memory, size), Outcome::Passed, "{active} {memory} {size}");
        }
    }

    #[test]
    fn data_that_somebody_must_write() {
        let passive = |count, tls_size| {
            let mut module = module();
            module.segments = (0..count).map(|_| Segment { active: false, memory: 0, size: 4 }).collect();
            module.globals.named.insert("__tls_size", Global { mutable: false, integer: true, constant: Some(tls_size) });
            outcome(&module, &rules::MEMORY_INIT_MISSING)
        };
        // The template of the thread-local storage is written when a thread starts.
        assert_eq!(passive(0, 4), Outcome::Passed);
        assert_eq!(passive(1, 4), Outcome::Passed);
        assert!(matches!(passive(2, 4), Outcome::Found(_)));
        assert!(matches!(passive(1, 0), Outcome::Found(_)));
    }
}
