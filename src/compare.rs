//! Two states of one module: what a tool in between took away.
//!
//! wasm-bindgen, wasm-opt and tools that strip each take something on purpose. What is told here is what threads, the next tool
//! or the check itself would miss: the contract says whether the second module is still threaded, and this says who lost what.

use crate::contract::{Abi, Contract, Stage, describe};
use crate::exports::TLS_EXPORTS;
use crate::module::{Export, Kind, Module};
use crate::report::{Finding, short_name};
use crate::rules;
use std::collections::BTreeSet;

/// A module, what it is called, and the contract that it is under.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// What was read of it.
    pub module: &'a Module,
    /// What it is called in the texts.
    pub name: &'a str,
    /// Who runs it, and how far it has come.
    pub contract: Contract,
}

impl<'a> State<'a> {
    /// The module under the contract that is read off it.
    pub fn new(module: &'a Module, name: &'a str) -> State<'a> {
        State { module, name, contract: Contract::of(module) }
    }

    fn shared(&self) -> bool {
        self.module.memory().is_some_and(|memory| memory.shared)
    }

    fn imported(&self) -> bool {
        self.module.memory().is_some_and(|memory| memory.import.is_some())
    }

    fn active(&self) -> usize {
        self.module.segments.iter().filter(|segment| segment.active).count()
    }
}

/// What `after` has lost of `before`, of which it was made. Nothing: no finding.
pub fn compare(before: State<'_>, after: State<'_>) -> Vec<Finding> {
    let pair = Pair { before, after };
    if let Some(finding) = pair.another_program() {
        // Every other difference comes of that.
        return vec![finding];
    }
    let findings = [
        pair.memory(),
        pair.maximum(),
        pair.data(),
        pair.start(),
        pair.thread_exports(),
        pair.other_exports(),
        pair.descriptions(),
        pair.features(),
        pair.needs(),
    ];
    findings.into_iter().flatten().collect()
}

/// What the linker and wasm-bindgen export for threads and for the start of a program.
const FOR_THREADS: [&str; 12] = [
    TLS_EXPORTS[0],
    TLS_EXPORTS[1],
    TLS_EXPORTS[2],
    TLS_EXPORTS[3],
    "__wbindgen_start",
    "__wbindgen_thread_destroy",
    "__stack_alloc",
    "wasi_thread_start",
    "memory",
    "_start",
    "_initialize",
    "__wasm_call_ctors",
];

/// At most so many names stand in a text.
const SHOWN: usize = 8;

struct Pair<'a> {
    before: State<'a>,
    after: State<'a>,
}

impl Pair<'_> {
    /// Whether the same tools may be expected to keep what both have.
    fn same_stage(&self) -> bool {
        self.before.contract.stage == self.after.contract.stage
    }

    /// Who may have done it.
    fn tool(&self) -> &'static str {
        if self.same_stage() { "the tool in between" } else { "wasm-bindgen" }
    }

    fn lost(&self, what: String, found: impl Into<String>, wanted: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(&rules::LOST_IN_BETWEEN, what, found, wanted, fix)
    }

    fn another_program(&self) -> Option<Finding> {
        let (before, after) = (&self.before, &self.after);
        let swapped = before.contract.stage == Stage::AfterWasmBindgen && after.contract.stage == Stage::Linked;
        let of_before = own_exports(before.module);
        let of_after = own_exports(after.module);
        // emcc gives all exports short names with -O2 and more, and wasm-bindgen gives some others than the linker's.
        let keeps_names = self.same_stage() && !is_emscripten(before.contract.abi);
        let named = !of_before.is_empty() && !of_after.is_empty() && keeps_names;
        let strange = named && of_before.is_disjoint(&of_after);
        if !swapped && !strange && before.contract.abi == after.contract.abi {
            return None;
        }
        let found = if swapped {
            "the first has been through wasm-bindgen, the second has not".to_owned()
        } else if strange {
            format!("no export in common: {} before, {} after", listed(&of_before), listed(&of_after))
        } else {
            format!("{} before, {} after", before.contract.abi.id(), after.contract.abi.id())
        };
        Some(self.lost(
            format!("{} was not made of {}", after.name, before.name),
            found,
            "two states of one module: first the one that the tool read, then the one that it wrote",
            "name the file from before the tool behind --after, and the file that it wrote last",
        ))
    }

    fn memory(&self) -> Option<Finding> {
        let (before, after) = (&self.before, &self.after);
        let what = match after.module.memory() {
            _ if !before.shared() => return None,
            None => "the memory",
            Some(memory) if !memory.shared => "the memory's being shared",
            Some(_) if before.imported() && !after.imported() => "the import of the memory",
            Some(_) => return None,
        };
        let shown = |state: &State<'_>| state.module.memory().map_or_else(|| "no memory".to_owned(), describe);
        Some(self.lost(
            format!("{} took away {what} of {}", self.tool(), before.name),
            shown(after),
            shown(before),
            "run the tool without the option that does it, or a newer one that keeps a shared memory",
        ))
    }

    fn maximum(&self) -> Option<Finding> {
        let (before, after) = (self.before.module.memory()?, self.after.module.memory()?);
        let bytes = |pages: u64, page: u64| u128::from(pages) * u128::from(page);
        let (most, least) = (bytes(before.maximum?, before.page), bytes(after.maximum?, after.page));
        (before.shared && after.shared && least < most).then(|| {
            let what = format!("{} lowered the maximum of the memory of {}", self.tool(), self.before.name);
            self.lost(what, describe(after), describe(before), "set the maximum once, at the link: -C link-arg=--max-memory=…")
                .warning()
        })
    }

    fn data(&self) -> Option<Finding> {
        let (before, after) = (&self.before, &self.after);
        (before.shared() && before.active() == 0 && after.active() > 0).then(|| {
            self.lost(
                format!("{} made the data of {} be written in every thread", self.tool(), before.name),
                format!("{} of {} data segments active", after.active(), after.module.segments.len()),
                "passive data segments, as before",
                "run the tool without the option that does it, or a newer one that knows passive segments",
            )
        })
    }

    fn start(&self) -> Option<Finding> {
        let lost = self.same_stage() && self.before.module.start.is_some() && self.after.module.start.is_none();
        (lost && self.before.shared()).then(|| {
            self.lost(
                format!("{} took away the start function of {}", self.tool(), self.before.name),
                "no start function",
                "the one that writes the data to the shared memory, once",
                "run the tool without the option that removes it",
            )
        })
    }

    /// wasm-bindgen takes those of the linker on purpose, and the contract knows which of its own must be there.
    fn thread_exports(&self) -> Option<Finding> {
        if !self.same_stage() || is_emscripten(self.before.contract.abi) {
            return None;
        }
        let lost: Vec<&str> = FOR_THREADS.into_iter().filter(|name| self.loses(name)).collect();
        (!lost.is_empty()).then(|| {
            let names = lost.join(", ");
            self.lost(
                format!("{} took away exports of {} that threads need", self.tool(), self.before.name),
                format!("no {names}"),
                names.clone(),
                "run the tool without the option that removes exports (wasm-metadce, wasm-snip, a list of exports to keep)",
            )
        })
    }

    fn other_exports(&self) -> Option<Finding> {
        if !self.same_stage() || is_emscripten(self.before.contract.abi) {
            return None;
        }
        let after = own_exports(self.after.module);
        let lost: BTreeSet<&str> = own_exports(self.before.module).into_iter().filter(|name| !after.contains(name)).collect();
        (!lost.is_empty()).then(|| {
            self.lost(
                format!("{} took away exports of {}", self.tool(), self.before.name),
                format!("no {}", listed(&lost)),
                "every export of the program",
                "nothing, where nobody calls them; else run the tool without the option that removes them",
            )
            .warning()
        })
    }

    fn descriptions(&self) -> Option<Finding> {
        let lost = self.before.module.wants_wasm_bindgen
            && !self.after.module.wants_wasm_bindgen
            && self.after.contract.stage == Stage::Linked;
        lost.then(|| {
            self.lost(
                format!("{} took away what wasm-bindgen reads in {}", self.tool(), self.before.name),
                "no section __wasm_bindgen_unstable",
                "the section, until wasm-bindgen has run",
                "run wasm-bindgen first, and strip what it wrote",
            )
        })
    }

    fn features(&self) -> Option<Finding> {
        let uses = |module: &Module| module.features.as_ref().map(|features| features.uses("atomics"));
        let (found, fix) = match (uses(self.before.module), uses(self.after.module)) {
            (Some(true), None) => (
                "no section target_features",
                "give wasm-opt the flags that it would read there: --enable-threads --enable-bulk-memory \
                 --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int --enable-reference-types \
                 --enable-multivalue",
            ),
            (Some(true), Some(false)) => {
                ("a section target_features without +atomics", "keep the section as the linker wrote it")
            }
            _ => return None,
        };
        Some(
            Finding {
                why: "wasm-opt reads there what it may use, and refuses atomics that nothing allows".to_owned(),
                ..self.lost(
                    format!("{} took away the target features of {}", self.tool(), self.before.name),
                    found,
                    "+atomics, as before",
                    fix,
                )
            }
            .warning(),
        )
    }

    fn needs(&self) -> Option<Finding> {
        let lost: BTreeSet<&str> = self.before.module.needs.iter().map(String::as_str).collect();
        (!lost.is_empty() && self.after.module.needs.is_empty()).then(|| {
            Finding {
                why: "the module no longer says by itself that it must be threaded".to_owned(),
                ..self.lost(
                    format!("{} took away the need of threads that {} states", self.tool(), self.before.name),
                    "no section wasm-threads",
                    format!("the section, in which these crates say required!(): {}", listed(&lost)),
                    "nothing, where `check --expect threaded` judges the module anyway; else strip without this section",
                )
            }
            .warning()
        })
    }

    fn loses(&self, name: &str) -> bool {
        let is_there = |module: &Module| module.exports.contains_key(name);
        is_there(self.before.module) && !is_there(self.after.module)
    }
}

fn is_emscripten(abi: Abi) -> bool {
    matches!(abi, Abi::Emscripten | Abi::EmscriptenSide)
}

/// The functions that the program exports for its own host: neither the linker's nor wasm-bindgen's, which begin with two
/// underscores.
fn own_exports(module: &Module) -> BTreeSet<&str> {
    let own = |(name, export): &(&str, Export)| {
        export.kind == Kind::Function && !name.starts_with("__") && !FOR_THREADS.contains(name) && *name != "main"
    };
    module.exports.iter().filter(own).map(|(name, _)| name).collect()
}

fn listed(names: &BTreeSet<&str>) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| short_name(name)).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{Exports, Features, Memory, Segment, Segments};

    /// A linked module, threaded.
    fn linked() -> Module {
        let names = ["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base", "work", "play"];
        let kind = |name: &str| if name.starts_with("__tls") { Kind::Global } else { Kind::Function };
        Module {
            memories: vec![Memory {
                import: Some(("env".into(), "memory".into())),
                minimum: 17,
                maximum: Some(16384),
                shared: true,
                wide: false,
                page: 65536,
            }],
            exports: names.into_iter().map(|name| (name, Export { kind: kind(name), index: 0 })).collect(),
            segments: Segments::from_iter([PASSIVE; 2]),
            start: Some(1),
            features: Some(Features::of(["+atomics"])),
            needs: vec!["leaf".to_owned()],
            wants_wasm_bindgen: true,
            ..Module::default()
        }
    }

    const PASSIVE: Segment = Segment { active: false, memory: 0, size: 4 };

    fn add(module: &mut Module, name: &str) {
        module.exports = module.exports.iter().chain([(name, Export { kind: Kind::Function, index: 0 })]).collect();
    }

    fn keep(module: &mut Module, which: impl Fn(&str) -> bool) {
        module.exports = module.exports.iter().filter(|(name, _)| which(name)).collect::<Exports>();
    }

    /// What wasm-bindgen makes of it.
    fn after_wasm_bindgen() -> Module {
        let mut module = linked();
        keep(&mut module, |name| !TLS_EXPORTS.contains(&name));
        add(&mut module, "__wbindgen_start");
        add(&mut module, "__wbindgen_thread_destroy");
        Module { start: None, wants_wasm_bindgen: false, by_wasm_bindgen: true, ..module }
    }

    /// What is found, with the levels of the findings: `E` and `W`.
    fn found(before: &Module, after: &Module) -> Vec<(char, String)> {
        let state = |module, name, stage| State { module, name, contract: Contract { abi: Abi::Javascript, stage } };
        let stage = |module: &Module| if module.by_wasm_bindgen { Stage::AfterWasmBindgen } else { Stage::Linked };
        let findings = compare(state(before, "before.wasm", stage(before)), state(after, "after.wasm", stage(after)));
        findings.into_iter().map(|finding| (if finding.is_error() { 'E' } else { 'W' }, finding.what)).collect()
    }

    #[test]
    fn what_each_tool_takes_on_purpose() {
        assert_eq!(found(&linked(), &linked()), []);
        assert_eq!(found(&linked(), &after_wasm_bindgen()), []);
        let mut renamed = after_wasm_bindgen();
        keep(&mut renamed, |name| name.starts_with("__"));
        add(&mut renamed, "workAndPlay");
        assert_eq!(found(&linked(), &renamed), []);
        assert_eq!(found(&after_wasm_bindgen(), &after_wasm_bindgen()), []);
        // There was nothing to lose.
        let never = Module { memories: Vec::new(), segments: Segments::default(), start: None, ..linked() };
        assert_eq!(found(&never, &linked()), []);
    }

    #[test]
    fn each_loss_alone() {
        type Change = fn(&mut Module);
        let change = |change: Change| {
            let mut after = linked();
            change(&mut after);
            found(&linked(), &after)
        };
        let cases: [(Change, char, &str); 11] = [
            (|module| module.memories.clear(), 'E', "took away the memory of"),
            (|module| module.memories[0].shared = false, 'E', "the memory's being shared"),
            (|module| module.memories[0].import = None, 'E', "the import of the memory"),
            (|module| module.memories[0].maximum = Some(100), 'W', "lowered the maximum"),
            (
                |module| module.segments = [PASSIVE, Segment { active: true, ..PASSIVE }].into_iter().collect(),
                'E',
                "be written in every thread",
            ),
            (|module| module.start = None, 'E', "the start function"),
            (|module| keep(module, |name| name != "__tls_base"), 'E', "exports of before.wasm that threads need"),
            (|module| keep(module, |name| name != "play"), 'W', "took away exports of before.wasm"),
            (|module| module.wants_wasm_bindgen = false, 'E', "what wasm-bindgen reads"),
            (|module| module.features = None, 'W', "the target features"),
            (|module| module.needs.clear(), 'W', "the need of threads"),
        ];
        for (case, level, text) in cases {
            let found = change(case);
            assert!(matches!(&found[..], [(of, what)] if *of == level && what.contains(text)), "{text}: {found:?}");
        }
    }

    #[test]
    fn of_another_program() {
        let mut other = linked();
        keep(&mut other, |name| !["work", "play"].contains(&name));
        // A module may lose all names that say what it is.
        assert!(found(&linked(), &other).iter().all(|(level, _)| *level == 'W'));
        add(&mut other, "sing");
        for (before, after) in [(&linked(), &other), (&after_wasm_bindgen(), &linked())] {
            let found = found(before, after);
            assert!(matches!(&found[..], [('E', what)] if what.contains("was not made of")), "{found:?}");
        }
    }

    #[test]
    fn many_names() {
        let names: Vec<String> = (0..10).map(|number| format!("name{number}")).collect();
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(listed(&names), "name0, name1, name2, name3, name4, name5, name6, name7 and 2 more");
    }
}
