//! One module, and all that is said of it.

use super::layout::{Layout, tls_template};
use super::wasm_opt;
use crate::contract::{Abi, Contract, Stage};
use crate::module::{Details, Export, Kind, Memory, Module, ReadAt, ReadError};
use crate::report::Finding;

/// What was read, and what follows from it.
pub struct Subject {
    /// Where it is, within a component: `component 0, module 1`.
    pub place: Option<String>,
    /// Where it begins in the file: not at 0 within a component.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The facts that the contract is about.
    pub module: Module,
    /// Further facts.
    pub details: Details,
    /// The data segment that is the template of the thread-local storage.
    pub template: Option<usize>,
    /// What is where in its first memory.
    pub layout: Option<Layout>,
    /// What it must keep.
    pub contract: Contract,
    /// What the contract finds.
    pub findings: Vec<Finding>,
    /// What `wasm-opt` has to be given, since the module does not say what it uses: `--enable-threads` and so on.
    pub wasm_opt: Vec<String>,
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
    /// Reads the module in `source`, which the texts call `name`.
    pub fn read<R: ReadAt + ?Sized>(source: &R, name: &str) -> Result<Subject, ReadError> {
        let module = Module::read(source)?;
        let details = Details::read(source, &module)?;
        let contract = Contract::of(&module);
        let findings = contract.check(&module, name);
        let template = tls_template(&module, &details);
        let layout = Layout::of(&module, &details);
        let wasm_opt = wasm_opt::flags(source, &module)?;
        let size = source.size();
        Ok(Subject { place: None, offset: 0, size, module, details, template, layout, contract, findings, wasm_opt })
    }

    /// Whether it is threaded.
    pub fn threaded(&self) -> bool {
        !self.findings.iter().any(Finding::is_error)
    }

    /// The verdict in one line.
    pub fn verdict(&self) -> String {
        let ids = |errors: bool| {
            let mut ids: Vec<&str> = Vec::new();
            for finding in self.findings.iter().filter(|finding| finding.is_error() == errors) {
                if !ids.contains(&finding.rule.id) {
                    ids.push(finding.rule.id);
                }
            }
            ids.join(", ")
        };
        match (self.threaded(), self.findings.is_empty()) {
            (_, true) => "threaded".to_owned(),
            (true, _) => format!("threaded; warned of: {}", ids(false)),
            (false, _) => format!("not threaded: {}", ids(true)),
        }
    }

    /// Who runs it, and how far it has come.
    pub fn host(&self) -> String {
        let host = match self.contract.abi {
            Abi::Javascript => "JavaScript",
            Abi::WasiThreads => "wasi-threads",
            Abi::Wasi => "WASI without threads",
            Abi::Emscripten => "Emscripten",
            Abi::EmscriptenSide => "Emscripten, as a side module",
        };
        match self.contract.stage {
            Stage::Linked => host.to_owned(),
            Stage::AfterWasmBindgen => format!("{host}, after wasm-bindgen"),
        }
    }

    /// The exports that matter for threads and for the memory, as they stand in the table above, then by name.
    pub fn exports(&self) -> Vec<(&str, Export)> {
        let place = |name: &str| EXPORTS.iter().position(|known| *known == name).unwrap_or(EXPORTS.len());
        let mut exports: Vec<_> = self.module.exports.iter().filter(|(name, export)| matters(name, *export)).collect();
        exports.sort_by_key(|(name, _)| (place(name), *name));
        exports
    }

    /// The value of an exported global that is a constant.
    pub fn value(&self, name: &str) -> Option<u64> {
        let global = self.module.globals.named.get(name)?;
        global.constant.filter(|_| !global.mutable)
    }

    /// What a thread's own storage takes: its size, and how it is aligned.
    pub fn tls(&self) -> Option<(u64, Option<u64>)> {
        let template = || {
            let template = self.module.segments.iter().nth(self.template?)?;
            Some(u64::from(template.size))
        };
        let size = self.module.constant("__tls_size").or_else(template)?;
        Some((size, self.module.constant("__tls_align")))
    }

    /// The names that a memory is exported by.
    pub fn exported_as(&self, memory: usize) -> Vec<&str> {
        let exports = self.module.exports.iter();
        let exports = exports.filter(|(_, export)| export.kind == Kind::Memory && export.index as usize == memory);
        let mut names: Vec<&str> = exports.map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// What somebody should know who makes this memory.
    pub fn notes(&self, memory: &Memory) -> Vec<String> {
        const PHONES: u128 = 1 << 30;
        let mut notes = Vec::new();
        let javascript = !matches!(self.contract.abi, Abi::Wasi | Abi::WasiThreads);
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
