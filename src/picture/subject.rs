//! One module, and all that is said of it.

use super::layout::{Layout, tls_template};
use crate::contract::{Abi, Contract};
use crate::module::{Details, Export, Kind, Memory, Module, ReadAt, ReadError};
use crate::report::Finding;

/// What was read, and what follows from it.
pub struct Subject {
    /// Where it begins in the file: not at 0 within a component.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The facts that the contract is about.
    pub module: Module,
    /// Further facts.
    pub details: Details,
    /// What is where in its first memory.
    pub layout: Option<Layout>,
    /// Who runs it.
    pub abi: Abi,
    /// What the contract says.
    pub verdict: Verdict,
}

/// What the contract says.
pub enum Verdict {
    /// It was held against the contract.
    Judged(Vec<Finding>),
    /// There is no contract for it, for this reason.
    Not(&'static str),
}

/// What the linker defines for threads, for their hosts and for allocators.
const EXPORTS: [&str; 17] = [
    "__wasm_init_tls",
    "__tls_size",
    "__tls_align",
    "__tls_base",
    "__stack_pointer",
    "__stack_low",
    "__stack_high",
    "__global_base",
    "__data_end",
    "__heap_base",
    "__heap_end",
    "__wasm_call_ctors",
    "wasi_thread_start",
    "_start",
    "_initialize",
    "__wbindgen_start",
    "__stack_alloc",
];

impl Subject {
    /// Reads the module in `source`, which begins at `offset` in its file.
    pub fn read<R: ReadAt + ?Sized>(source: &R, offset: u64, name: &str) -> Result<Subject, ReadError> {
        let module = Module::read(source)?;
        let details = Details::read(source, &module)?;
        let abi = abi(&module, &details);
        // What is not shared now was not before.
        let shared = module.memory().is_some_and(|memory| memory.shared);
        let verdict = if shared && after_wasm_bindgen(&module, &details) {
            Verdict::Not("wasm-bindgen has been over it, and the contract is for what a linker wrote")
        } else {
            Verdict::Judged(Contract::known(abi, &module).check(&module, name))
        };
        let layout = Layout::of(&module, &details);
        Ok(Subject { offset, size: source.size(), module, details, layout, abi, verdict })
    }

    /// Whether it is threaded. None: not judged.
    pub fn threaded(&self) -> Option<bool> {
        match &self.verdict {
            Verdict::Judged(findings) => Some(!findings.iter().any(Finding::is_error)),
            Verdict::Not(_) => None,
        }
    }

    /// The verdict in one line.
    pub fn verdict(&self) -> String {
        let findings = match &self.verdict {
            Verdict::Not(why) => return format!("not judged: {why}"),
            Verdict::Judged(findings) => findings,
        };
        let ids = |errors: bool| {
            let mut ids: Vec<&str> = Vec::new();
            for finding in findings.iter().filter(|finding| finding.is_error() == errors) {
                if !ids.contains(&finding.rule.id) {
                    ids.push(finding.rule.id);
                }
            }
            ids.join(", ")
        };
        match (self.threaded(), findings.is_empty()) {
            (_, true) => "threaded".to_owned(),
            (Some(true), _) => format!("threaded; warned of: {}", ids(false)),
            _ => format!("not threaded: {}", ids(true)),
        }
    }

    /// Who runs it.
    pub fn host(&self) -> &'static str {
        match self.abi {
            Abi::Javascript => "JavaScript",
            Abi::WasiThreads => "wasi-threads",
            Abi::Wasi => "WASI without threads",
            Abi::Emscripten => "Emscripten",
            Abi::EmscriptenSide => "Emscripten, as a side module",
        }
    }

    /// The exports that matter for threads and for the memory, as they stand in the table above, then by name.
    pub fn exports(&self) -> Vec<(&str, Export)> {
        let place = |name: &str| EXPORTS.iter().position(|known| *known == name).unwrap_or(EXPORTS.len());
        let all = self.module.exports.iter().map(|(name, export)| (name.as_str(), *export));
        let mut exports: Vec<_> = all.filter(|(name, export)| matters(name, *export)).collect();
        exports.sort_by_key(|(name, _)| place(name));
        exports
    }

    /// The value of an exported global that is a constant.
    pub fn value(&self, export: Export) -> Option<u64> {
        let global = self.module.globals.get(export.index as usize).filter(|_| export.kind == Kind::Global)?;
        global.constant.filter(|_| !global.mutable)
    }

    /// The imports that matter for threads.
    pub fn imports(&self) -> Vec<&(String, String, &'static str)> {
        self.details.imports.iter().filter(|(module, name, _)| imported_for_threads(module, name)).collect()
    }

    /// What a thread's own storage takes: its size, and how it is aligned.
    pub fn tls(&self) -> Option<(u64, Option<u64>)> {
        let template = || Some(self.module.segments[tls_template(&self.module, &self.details)?].size);
        let size = self.module.constant("__tls_size").or_else(template)?;
        Some((size, self.module.constant("__tls_align")))
    }

    /// Whether segment `index` is the template of the thread-local storage.
    pub fn is_template(&self, index: usize) -> bool {
        tls_template(&self.module, &self.details) == Some(index)
    }

    /// The names that a memory is exported by.
    pub fn exported_as(&self, memory: usize) -> Vec<&str> {
        let exports = self.module.exports.iter();
        let exports = exports.filter(|(_, export)| export.kind == Kind::Memory && export.index as usize == memory);
        exports.map(|(name, _)| name.as_str()).collect()
    }

    /// What somebody should know who makes this memory.
    pub fn notes(&self, memory: &Memory) -> Vec<String> {
        const PHONES: u128 = 1 << 30;
        let mut notes = Vec::new();
        let javascript = !matches!(self.abi, Abi::Wasi | Abi::WasiThreads);
        let maximum = memory.maximum.map(|maximum| u128::from(maximum) * u128::from(memory.page));
        if memory.shared && javascript && maximum.is_some_and(|maximum| maximum > PHONES) {
            let most = PHONES / u128::from(memory.page);
            let smaller = match &memory.import {
                Some(_) if u128::from(memory.minimum) <= most => {
                    format!("; a host may make it with a smaller one, such as {most}")
                }
                _ => String::new(),
            };
            notes.push(format!("the maximum is more than most phones accept (1 GiB){smaller}"));
        }
        let most = if memory.wide { super::javascript::MOST_WIDE_PAGES } else { super::javascript::MOST_PAGES };
        let too_much = javascript && memory.page == 65_536 && memory.maximum.unwrap_or(memory.minimum) > most;
        if too_much {
            notes.push(format!("JavaScript gives a memory at most {most} pages"));
        }
        notes
    }
}

fn matters(name: &str, export: Export) -> bool {
    let of_threads = |name: &str| ["thread", "tls", "stack"].iter().any(|part| name.contains(part));
    let begins = |start: &str| name.starts_with(start);
    export.kind != Kind::Memory
        && (EXPORTS.contains(&name)
            || begins("__wbindgen_thread")
            || ((begins("emscripten_") || begins("_emscripten_") || begins("__emscripten_")) && of_threads(name)))
}

fn imported_for_threads(module: &str, name: &str) -> bool {
    let linker = ["__stack_pointer", "__tls_base", "__memory_base", "__table_base"];
    let wasm_bindgen = ["__wbindgen_memory", "__wbindgen_module"];
    name.contains("thread")
        || linker.contains(&name)
        || wasm_bindgen.contains(&name)
        || (module == "wasi" && name == "thread-spawn")
}

/// The contract's own answer, but for what emcc makes: its link knows that, and the module shows it only by names.
fn abi(module: &Module, details: &Details) -> Abi {
    let has = |name: &str| name.contains("emscripten");
    let named = module.exports.keys().any(|name| has(name)) || details.imports.iter().any(|(_, name, _)| has(name));
    // With -O2 and more, emcc gives all imports one module, `a`, and short names (`minify_wasm_imports_and_exports`).
    let short = |name: &str| name.len() <= 3;
    let of_a = |(module, name): &(String, String)| module == "a" && short(name);
    let minified = module.memory().and_then(|memory| memory.import.as_ref()).is_some_and(of_a)
        && details.imports.iter().all(|(module, name, _)| module == "a" && short(name));
    match (named || minified, module.dynamic) {
        (_, true) => Abi::EmscriptenSide,
        (true, _) => Abi::Emscripten,
        _ => Contract::of(module).abi,
    }
}

/// wasm-bindgen takes its own section away, and leaves exports that a linker does not write.
fn after_wasm_bindgen(module: &Module, details: &Details) -> bool {
    let exports = ["__wbindgen_start", "__wbindgen_thread_destroy"];
    let processed = details.producers.iter().any(|[field, name, _]| field == "processed-by" && name == "wasm-bindgen");
    !module.wants_wasm_bindgen && (processed || exports.iter().any(|name| module.exports.contains_key(*name)))
}
