//! Modules that no linker makes, each different from a good one in a single place, and the texts of all findings.

use super::{Verdict, judge};
use crate::support::{Suite, golden};
use std::borrow::Cow;
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataCountSection, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, RefType, StartSection,
    TableSection, TableType, TypeSection, ValType,
};
use wasm_threads::contract::{Abi, Contract};

pub fn tests(suite: &mut Suite) {
    suite.test("the_sample_is_good", &[], the_sample_is_good);
    for (name, change, verdict) in bad() {
        let name_of_test = format!("breaks_one_rule_{}", name.replace('-', "_"));
        suite.test(&name_of_test, &[], move || breaks(name, change, verdict));
    }
    for (name, change) in good() {
        suite.test(&format!("good_{name}"), &[], move || is_good(name, change));
    }
    suite.test("every_rule_of_the_contract_is_broken_once", &[], every_rule_of_the_contract_is_broken_once);
    suite.test("who_writes_the_data", &[], who_writes_the_data);
    suite.test("threads_from_inside_and_wasm_bindgen", &[], threads_from_inside_and_wasm_bindgen);
    suite.test("short_names_alone_are_not_emscriptens", &[], short_names_alone_are_not_emscriptens);
    suite.test("a_target_that_is_known", &[], a_target_that_is_known);
    suite.test("texts_of_what_cannot_be_read", &[], texts_of_what_cannot_be_read);
}

/// One kind of thing to export.
#[derive(Clone, Copy)]
pub enum Thing {
    /// The function of that index: 0 sets up a thread, 1 is the start function, 2 does nothing. With [`Sample::entry`], 3 is the
    /// entry of a thread, and 4 is around it.
    Function(u32),
    /// A global with that value; `true` where it is mutable.
    Global(bool, i32),
    /// A global of 64 bits.
    Wide(bool, i64),
    /// A global that is no integer.
    Float,
    /// The memory.
    Memory,
    /// A table of [`Sample::tables`].
    Table(u32),
}

/// A module as `wasm-ld` makes it of two functions, one piece of data, and one thread-local variable, part by part.
pub struct Sample {
    /// Each memory, and whether it is imported.
    pub memories: Vec<(MemoryType, bool)>,
    /// The name of the imported memories.
    pub import: (&'static str, &'static str),
    /// Where a further function is imported from.
    pub import_function: Option<(&'static str, &'static str)>,
    /// Each data segment, and whether it is active.
    pub segments: Vec<(&'static [u8], bool)>,
    pub start: bool,
    pub data_count: bool,
    pub exports: Vec<(&'static str, Thing)>,
    /// What `__wasm_init_tls` takes and gives.
    pub init_tls: (Vec<ValType>, Vec<ValType>),
    /// It begins with a call.
    pub init_tls_calls: bool,
    /// For wasi-threads: the entry of a thread, and another function that calls it, and something else before it or after it.
    pub entry: Option<(bool, bool)>,
    pub features: Option<Vec<(char, &'static str)>>,
    /// Tables of its own.
    pub tables: Vec<RefType>,
    /// A custom section in front of all others.
    pub custom: Option<&'static str>,
}

pub fn memory(minimum: u64, maximum: u64) -> MemoryType {
    MemoryType { minimum, maximum: Some(maximum), memory64: false, shared: true, page_size_log2: None }
}

impl Sample {
    pub fn new() -> Self {
        Sample {
            memories: vec![(memory(17, 16384), true)],
            import: ("env", "memory"),
            import_function: None,
            segments: vec![(&[5, 0, 0, 0], false), (b"shared data", false)],
            start: true,
            data_count: true,
            exports: vec![
                ("__wasm_init_tls", Thing::Function(0)),
                ("__tls_base", Thing::Global(true, 0)),
                ("__tls_size", Thing::Global(false, 4)),
                ("__tls_align", Thing::Global(false, 4)),
                ("__heap_base", Thing::Global(false, 1_048_608)),
                ("__data_end", Thing::Global(false, 1_048_600)),
            ],
            init_tls: (vec![ValType::I32], vec![]),
            init_tls_calls: false,
            entry: None,
            features: Some(vec![('+', "atomics"), ('+', "bulk-memory"), ('+', "mutable-globals")]),
            tables: Vec::new(),
            custom: None,
        }
    }

    /// As wasm-bindgen leaves a module: functions 0 and 2 are its own now.
    pub fn after_wasm_bindgen(&mut self) {
        for name in ["__wasm_init_tls", "__tls_size", "__tls_align", "__heap_base", "__data_end"] {
            self.export(name, None);
        }
        self.start = false;
        self.tables = vec![RefType::FUNCREF, RefType::EXTERNREF];
        self.exports.extend([
            ("__wbindgen_start", Thing::Function(0)),
            ("__wbindgen_thread_destroy", Thing::Function(2)),
            ("__stack_alloc", Thing::Global(true, 0)),
            ("__wbindgen_externrefs", Thing::Table(1)),
        ]);
    }

    /// Makes it a module for wasi-threads, in which that function is the entry of a thread.
    fn wasi_threads(&mut self, entry: u32) {
        bare(self);
        self.import_function = Some(("wasi", "thread-spawn"));
        self.entry = Some((false, false));
        self.exports =
            vec![("wasi_thread_start", Thing::Function(entry)), ("memory", Thing::Memory), ("_start", Thing::Function(2))];
    }

    /// Another thing under a name that is exported, or none.
    pub fn export(&mut self, name: &str, thing: Option<Thing>) {
        let at = self.exports.iter().position(|(known, _)| *known == name).expect("the sample exports it");
        match thing {
            Some(thing) => self.exports[at].1 = thing,
            None => drop(self.exports.remove(at)),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let imported = u32::from(self.import_function.is_some());
        let mut module = Module::new();
        if let Some(name) = self.custom {
            module.section(&CustomSection { name: name.into(), data: Cow::Borrowed(b"x") });
        }
        let mut types = TypeSection::new();
        types.ty().function(self.init_tls.0.clone(), self.init_tls.1.clone());
        types.ty().function([], []);
        if self.entry.is_some() {
            types.ty().function([ValType::I32, ValType::I32], []);
        }
        module.section(&types);
        let mut imports = ImportSection::new();
        for (memory, _) in self.memories.iter().filter(|(_, imported)| *imported) {
            imports.import(self.import.0, self.import.1, *memory);
        }
        if let Some((from, name)) = self.import_function {
            imports.import(from, name, EntityType::Function(1));
        }
        module.section(&imports);
        let mut functions = FunctionSection::new();
        functions.function(0).function(1).function(1);
        if self.entry.is_some() {
            functions.function(2).function(2);
        }
        module.section(&functions);
        if !self.tables.is_empty() {
            let mut tables = TableSection::new();
            for element_type in &self.tables {
                tables.table(TableType {
                    element_type: *element_type,
                    table64: false,
                    minimum: 1,
                    maximum: None,
                    shared: false,
                });
            }
            module.section(&tables);
        }
        let mut memories = MemorySection::new();
        for (memory, _) in self.memories.iter().filter(|(_, imported)| !imported) {
            memories.memory(*memory);
        }
        if !memories.is_empty() {
            module.section(&memories);
        }
        let mut globals = GlobalSection::new();
        let mut exports = ExportSection::new();
        for (name, thing) in &self.exports {
            let (kind, index) = match thing {
                Thing::Function(index) => (ExportKind::Func, index + imported),
                Thing::Memory => (ExportKind::Memory, 0),
                Thing::Table(index) => (ExportKind::Table, *index),
                Thing::Global(mutable, value) => {
                    (ExportKind::Global, add_global(&mut globals, ValType::I32, *mutable, &ConstExpr::i32_const(*value)))
                }
                Thing::Wide(mutable, value) => {
                    (ExportKind::Global, add_global(&mut globals, ValType::I64, *mutable, &ConstExpr::i64_const(*value)))
                }
                Thing::Float => {
                    let zero = ConstExpr::f32_const(0.0.into());
                    (ExportKind::Global, add_global(&mut globals, ValType::F32, false, &zero))
                }
            };
            exports.export(name, kind, index);
        }
        module.section(&globals);
        module.section(&exports);
        if self.start {
            module.section(&StartSection { function_index: 1 + imported });
        }
        if self.data_count {
            module.section(&DataCountSection { count: self.segments.len() as u32 });
        }
        module.section(&self.code(imported));
        let mut data = DataSection::new();
        for (bytes, active) in &self.segments {
            if *active {
                data.active(0, &ConstExpr::i32_const(1_048_576), bytes.iter().copied());
            } else {
                data.passive(bytes.iter().copied());
            }
        }
        if !data.is_empty() {
            module.section(&data);
        }
        if let Some(features) = &self.features {
            module.section(&CustomSection { name: "target_features".into(), data: encode_features(features).into() });
        }
        module.finish()
    }

    fn code(&self, imported: u32) -> CodeSection {
        let mut init_tls = Function::new([]);
        let mut code = init_tls.instructions();
        if self.init_tls_calls {
            code.call(2 + imported);
        }
        if self.segments.first().is_some_and(|(_, active)| !active) {
            code.i32_const(64).i32_const(0).i32_const(4).memory_init(0, 0);
        }
        if !self.init_tls.1.is_empty() {
            code.i32_const(0);
        }
        code.end();
        let mut start = Function::new([]);
        let mut code = start.instructions();
        for (index, (bytes, _)) in self.segments.iter().enumerate().skip(1) {
            code.i32_const(1_048_576).i32_const(0).i32_const(bytes.len() as i32).memory_init(0, index as u32);
            code.data_drop(index as u32);
        }
        code.atomic_fence(wasm_encoder::Ordering::SeqCst).end();
        let mut nothing = Function::new([]);
        nothing.instructions().end();
        let mut code = CodeSection::new();
        code.function(&init_tls).function(&start).function(&nothing);
        if let Some((before, after)) = self.entry {
            let mut around = Function::new([]);
            if before {
                around.instructions().call(2 + imported);
            }
            around.instructions().local_get(0).local_get(1).call(3 + imported);
            if after {
                around.instructions().call(2 + imported);
            }
            around.instructions().end();
            code.function(&nothing).function(&around);
        }
        code
    }
}

fn add_global(globals: &mut GlobalSection, val_type: ValType, mutable: bool, value: &ConstExpr) -> u32 {
    let index = globals.len();
    globals.global(GlobalType { val_type, mutable, shared: false }, value);
    index
}

pub fn encode_features(features: &[(char, &str)]) -> Vec<u8> {
    let mut bytes = vec![features.len() as u8];
    for (prefix, name) in features {
        bytes.push(*prefix as u8);
        bytes.push(name.len() as u8);
        bytes.extend(name.as_bytes());
    }
    bytes
}

fn the_sample_is_good() {
    let bytes = Sample::new().bytes();
    assert_eq!(judge(&bytes), []);
    crate::support::Facts::of(&bytes).assert_threaded();
}

type Change = fn(&mut Sample);

/// Name of the text, what is changed in the sample, and the one finding.
#[rustfmt::skip]
fn bad() -> Vec<(&'static str, Change, Verdict)> {
    vec![
        ("memory-missing", |sample| { sample.memories.clear(); bare(sample) }, ("memory-missing", true)),
        ("memory-not-shared", |sample| { sample.memories[0].0.shared = false; bare(sample) }, ("memory-not-shared", true)),
        ("memory-not-imported", |sample| sample.memories[0].1 = false, ("memory-not-imported", true)),
        ("memory-not-imported-but-exported", |sample| {
            sample.memories[0].1 = false;
            sample.exports.push(("memory", Thing::Memory));
        }, ("memory-not-imported", true)),
        ("memory-cannot-grow", |sample| sample.memories[0].0 = memory(17, 17), ("memory-cannot-grow", true)),
        ("memory-cannot-grow-a-byte-too-little", |sample| {
            sample.memories[0].0 = memory(33, 33);
            sample.export("__heap_base", Some(Thing::Global(false, 17 * 65_536 + 1)));
        }, ("memory-cannot-grow", true)),
        ("memory-cannot-grow-on-purpose", |sample| {
            sample.memories[0].0 = memory(33, 33);
            sample.export("__heap_base", Some(Thing::Global(false, 17 * 65_536)));
        }, ("memory-cannot-grow", false)),
        ("memory-cannot-grow-base-above-all", |sample| {
            sample.memories[0].0 = memory(16, 16);
        }, ("memory-cannot-grow", true)),
        ("memory-cannot-grow-unknown-heap", |sample| {
            // A module for wasi-threads need not export where its heap begins.
            sample.memories[0].0 = memory(4096, 4096);
            sample.wasi_threads(3);
            sample.start = false;
        }, ("memory-cannot-grow", true)),
        ("memory-cannot-grow-1-gib", |sample| sample.memories[0].0 = memory(16_384, 16_384), ("memory-cannot-grow", false)),
        ("memory-cannot-grow-4-gib", |sample| sample.memories[0].0 = memory(65_536, 65_536), ("memory-cannot-grow", false)),
        ("several-memories", |sample| sample.memories.push((MemoryType { shared: false, ..memory(1, 1) }, false)), ("several-memories", true)),
        ("active-data-segment", |sample| sample.segments[1].1 = true, ("active-data-segment", true)),
        ("memory-init-missing", |sample| sample.start = false, ("memory-init-missing", true)),
        ("memory-init-missing-no-tls", |sample| {
            sample.start = false;
            sample.segments.truncate(1);
            sample.export("__tls_size", Some(Thing::Global(false, 0)));
        }, ("memory-init-missing", true)),
        ("export-missing-all-four", |sample| {
            for name in ["__wasm_init_tls", "__tls_base", "__tls_size", "__tls_align"] {
                sample.export(name, None);
            }
            sample.custom = Some("__wasm_bindgen_unstable");
        }, ("export-missing", true)),
        ("memory-init-missing-and-other-exports", |sample| {
            sample.start = false;
            sample.exports.push(("main", Thing::Function(2)));
        }, ("memory-init-missing", true)),
        ("export-missing-init-tls", |sample| sample.export("__wasm_init_tls", None), ("export-missing", true)),
        ("export-missing-tls-base", |sample| sample.export("__tls_base", None), ("export-missing", true)),
        ("export-missing-tls-size", |sample| sample.export("__tls_size", None), ("export-missing", true)),
        ("export-missing-tls-align", |sample| sample.export("__tls_align", None), ("export-missing", true)),
        ("export-missing-heap-base", |sample| sample.export("__heap_base", None), ("export-missing", false)),
        ("export-missing-memory-of-wasi-threads", |sample| {
            sample.wasi_threads(3);
            sample.export("memory", None);
        }, ("export-missing", true)),
        ("export-missing-wasi-thread-start", |sample| {
            sample.wasi_threads(3);
            sample.export("wasi_thread_start", None);
        }, ("export-missing", true)),
        ("export-wrong-wasi-thread-start-takes-one", |sample| sample.wasi_threads(0), ("export-missing", true)),
        ("export-wrong-wasi-thread-start-takes-nothing", |sample| sample.wasi_threads(2), ("export-missing", true)),
        ("export-wrong-wasi-thread-start-is-the-memory", |sample| {
            sample.wasi_threads(3);
            sample.export("wasi_thread_start", Some(Thing::Memory));
        }, ("export-missing", true)),
        ("thread-start-wrapped-before", |sample| wrapped(sample, (true, false)), ("thread-start-wrapped", true)),
        ("thread-start-wrapped-after", |sample| wrapped(sample, (false, true)), ("thread-start-wrapped", true)),
        ("thread-start-wrapped-both", |sample| wrapped(sample, (true, true)), ("thread-start-wrapped", true)),
        ("command-or-reactor-both", |sample| {
            sample.wasi_threads(3);
            sample.exports.push(("_initialize", Thing::Function(2)));
        }, ("command-or-reactor", true)),
        ("command-or-reactor-neither", |sample| {
            sample.wasi_threads(3);
            sample.export("_start", None);
        }, ("command-or-reactor", false)),
        ("libc-mismatch", |sample| {
            sample.wasi_threads(3);
            sample.import_function = Some(("env", "__wasi_init_tp"));
        }, ("libc-mismatch", true)),
        ("libc-mismatch-of-another-part", |sample| {
            sample.wasi_threads(3);
            sample.import_function = Some(("env", "__wasilibc_initialize_environ"));
        }, ("libc-mismatch", true)),
        ("export-missing-tls-inside", |sample| {
            for name in ["__wasm_init_tls", "__tls_base", "__tls_size", "__tls_align"] {
                sample.export(name, None);
            }
            sample.exports.push(("start_a_thread", Thing::Function(0)));
        }, ("export-missing", false)),
        ("export-wrong-init-tls-is-a-global", |sample| {
            sample.export("__wasm_init_tls", Some(Thing::Global(false, 1)));
        }, ("export-missing", true)),
        ("export-wrong-init-tls-takes-nothing", |sample| sample.init_tls.0.clear(), ("export-missing", true)),
        ("export-wrong-init-tls-takes-two", |sample| sample.init_tls.0.push(ValType::I32), ("export-missing", true)),
        ("export-wrong-init-tls-takes-a-float", |sample| sample.init_tls.0 = vec![ValType::F32], ("export-missing", true)),
        ("export-wrong-init-tls-gives-something", |sample| sample.init_tls.1.push(ValType::I32), ("export-missing", true)),
        ("export-wrong-tls-base-is-constant", |sample| sample.export("__tls_base", Some(Thing::Global(false, 65_536))), ("export-missing", true)),
        ("export-wrong-tls-base-is-a-function", |sample| sample.export("__tls_base", Some(Thing::Function(2))), ("export-missing", true)),
        ("export-wrong-tls-size-is-mutable", |sample| sample.export("__tls_size", Some(Thing::Global(true, 4))), ("export-missing", true)),
        ("export-wrong-tls-align-is-no-integer", |sample| sample.export("__tls_align", Some(Thing::Float)), ("export-missing", true)),
        ("tls-init-wrapped", |sample| sample.init_tls_calls = true, ("tls-init-wrapped", true)),
        ("object-without-atomics", |sample| sample.features = Some(vec![('+', "bulk-memory"), ('-', "shared-mem")]), ("object-without-atomics", true)),
        ("object-without-atomics-no-features", |sample| sample.features = Some(vec![]), ("object-without-atomics", true)),
        ("after-wasm-bindgen-memory-not-shared", |sample| {
            after(sample);
            sample.memories[0].0.shared = false;
        }, ("memory-not-shared", true)),
        ("after-wasm-bindgen-memory-not-imported", |sample| { after(sample); sample.memories[0].1 = false }, ("memory-not-imported", true)),
        ("after-wasm-bindgen-memory-cannot-grow", |sample| { after(sample); sample.memories[0].0 = memory(18, 18) }, ("memory-cannot-grow", true)),
        ("after-wasm-bindgen-several-memories", |sample| { after(sample); sample.memories.push((memory(1, 2), false)) }, ("several-memories", true)),
        ("after-wasm-bindgen-active-data-segment", |sample| { after(sample); sample.segments[1].1 = true }, ("active-data-segment", true)),
        ("after-wasm-bindgen-no-start", |sample| { after(sample); sample.export("__wbindgen_start", None) }, ("export-missing", true)),
        ("after-wasm-bindgen-start-takes-nothing", |sample| {
            after(sample);
            sample.export("__wbindgen_start", Some(Thing::Function(2)));
        }, ("export-missing", true)),
        ("after-wasm-bindgen-no-thread-destroy", |sample| { after(sample); sample.export("__wbindgen_thread_destroy", None) }, ("export-missing", true)),
        ("after-wasm-bindgen-thread-destroy-is-a-global", |sample| {
            after(sample);
            sample.export("__wbindgen_thread_destroy", Some(Thing::Global(false, 0)));
        }, ("export-missing", true)),
        ("after-wasm-bindgen-no-stack-alloc", |sample| { after(sample); sample.export("__stack_alloc", None) }, ("export-missing", true)),
        ("after-wasm-bindgen-tls-base-is-constant", |sample| {
            after(sample);
            sample.export("__tls_base", Some(Thing::Global(false, 0)));
        }, ("export-missing", true)),
        ("start-in-every-thread", |sample| { after(sample); sample.start = true }, ("start-in-every-thread", true)),
        ("externref-table-lost", |sample| {
            after(sample);
            sample.export("__wbindgen_externrefs", Some(Thing::Table(0)));
        }, ("externref-table-lost", true)),
        ("externref-table-of-an-older-wasm-bindgen-lost", |sample| {
            after(sample);
            older_externrefs(sample, 0);
        }, ("externref-table-lost", true)),
        ("externref-table-not-exported", |sample| {
            after(sample);
            older_externrefs(sample, 0);
            sample.export("__wbindgen_export_0", None);
        }, ("externref-table-lost", true)),
        ("after-wasm-bindgen-object-without-atomics", |sample| {
            after(sample);
            sample.features = Some(vec![('+', "mutable-globals"), ('+', "reference-types")]);
        }, ("object-without-atomics", true)),
        ("emscripten-memory-not-shared", |sample| { emscripten(sample); sample.memories[0].0.shared = false }, ("memory-not-shared", true)),
        ("emscripten-memory-not-imported", |sample| { emscripten(sample); sample.memories[0].1 = false }, ("memory-not-imported", true)),
        ("emscripten-active-data-segment", |sample| { emscripten(sample); sample.segments[1].1 = true }, ("active-data-segment", true)),
        ("emscripten-without-pthreads", |sample| {
            emscripten(sample);
            sample.exports.clear();
        }, ("emscripten-without-pthreads", true)),
        ("emscripten-object-without-atomics", |sample| {
            emscripten(sample);
            sample.features = Some(vec![('+', "mutable-globals")]);
        }, ("object-without-atomics", true)),
        ("emscripten-side-memory-not-shared", |sample| { side(sample); sample.memories[0].0.shared = false }, ("memory-not-shared", true)),
        ("emscripten-side-memory-not-imported", |sample| { side(sample); sample.memories[0].1 = false }, ("memory-not-imported", true)),
        ("emscripten-side-active-data-segment", |sample| { side(sample); sample.segments[1].1 = true }, ("active-data-segment", true)),
        ("wasi-threads-memory-not-shared", |sample| { sample.wasi_threads(3); sample.memories[0].0.shared = false }, ("memory-not-shared", true)),
        ("wasi-threads-memory-not-imported", |sample| { sample.wasi_threads(3); sample.memories[0].1 = false }, ("memory-not-imported", true)),
        ("wasi-threads-memory-cannot-grow", |sample| { sample.wasi_threads(3); sample.memories[0].0 = memory(17, 17) }, ("memory-cannot-grow", true)),
        ("wasi-threads-active-data-segment", |sample| {
            sample.wasi_threads(3);
            sample.segments = vec![(b"shared data", true)];
        }, ("active-data-segment", true)),
        ("wasi-threads-object-without-atomics", |sample| {
            sample.wasi_threads(3);
            sample.features = Some(vec![('+', "bulk-memory")]);
        }, ("object-without-atomics", true)),
        ("target-without-threads", |sample| {
            bare(sample);
            sample.import_function = Some(("wasi_snapshot_preview1", "sched_yield"));
        }, ("target-without-threads", true)),
    ]
}

/// Takes away what only a shared memory has, and what would be a second breach without one.
fn bare(sample: &mut Sample) {
    sample.exports.clear();
    sample.segments.clear();
}

fn after(sample: &mut Sample) {
    sample.after_wasm_bindgen();
}

/// That table under the name that 0.2.100 gives it, and the import by which its script fills it.
fn older_externrefs(sample: &mut Sample, table: u32) {
    sample.import_function = Some(("wbg", "__wbindgen_init_externref_table"));
    sample.export("__wbindgen_externrefs", None);
    sample.exports.push(("__wbindgen_export_0", Thing::Table(table)));
}

/// As emcc makes it with `-O1 -pthread`: its memory never grows unless it is told to.
fn emscripten(sample: &mut Sample) {
    sample.memories[0].0 = memory(256, 256);
    sample.import_function = Some(("env", "emscripten_resize_heap"));
    sample.exports = vec![("_emscripten_tls_init", Thing::Function(2)), ("_emscripten_thread_init", Thing::Function(2))];
}

/// As emcc makes it with `-O3 -pthread`.
fn minified(sample: &mut Sample) {
    sample.memories[0].0 = memory(256, 256);
    sample.import = ("a", "a");
    sample.import_function = Some(("a", "b"));
    sample.tables = vec![RefType::FUNCREF];
    sample.exports = vec![("z", Thing::Function(2)), ("A", Thing::Function(2)), ("s", Thing::Table(0))];
}

/// As emcc makes it with `-sSIDE_MODULE -pthread`.
fn side(sample: &mut Sample) {
    sample.memories[0].0 = memory(1, 65_536);
    sample.custom = Some("dylink.0");
    sample.exports = vec![("go", Thing::Function(2))];
}

/// As a linker makes it of a library for wasi-threads where no start object is linked.
fn wrapped(sample: &mut Sample, around: (bool, bool)) {
    sample.wasi_threads(4);
    sample.entry = Some(around);
    sample.export("_start", None);
}

fn breaks(name: &str, change: Change, (rule, error): Verdict) {
    let mut sample = Sample::new();
    change(&mut sample);
    let bytes = sample.bytes();
    let findings = judge(&bytes);
    let found: Vec<Verdict> = findings.iter().map(|finding| (finding.rule.id, finding.is_error())).collect();
    assert_eq!(found, [(rule, error)], "{findings:#?}");
    golden::check(&format!("contract/{name}"), &format!("{}\n", findings[0]), &[]);
}

/// What no rule may demand.
#[rustfmt::skip]
fn good() -> Vec<(&'static str, Change)> {
    vec![
        ("no_features", |sample| sample.features = None),
        ("features_of_llvm_19", |sample| sample.features = Some(vec![('=', "atomics"), ('+', "bulk-memory")])),
        ("no_data", |sample| { sample.segments.clear(); sample.start = false; sample.data_count = false }),
        ("only_tls_and_no_start", |sample| { sample.segments.truncate(1); sample.start = false }),
        ("no_tls", |sample| {
            sample.export("__tls_size", Some(Thing::Global(false, 0)));
            sample.export("__tls_align", Some(Thing::Global(false, 0)));
        }),
        ("no_data_count", |sample| sample.data_count = false),
        ("another_name_of_the_memory", |sample| sample.import = ("wbg", "m")),
        ("no_name_of_the_memory", |sample| sample.import = ("", "")),
        ("one_page_more", |sample| sample.memories[0].0 = memory(17, 18)),
        ("whole_address_space", |sample| sample.memories[0].0 = memory(17, 65_536)),
        ("memory_exported_again", |sample| sample.exports.push(("memory", Thing::Memory))),
        ("wide_memory", |sample| {
            sample.memories[0].0 = MemoryType { memory64: true, ..memory(17, 262_144) };
            sample.init_tls.0 = vec![ValType::I64];
            sample.export("__tls_base", Some(Thing::Wide(true, 0)));
            sample.export("__tls_size", Some(Thing::Wide(false, 4)));
            sample.export("__tls_align", Some(Thing::Wide(false, 4)));
            sample.export("__heap_base", Some(Thing::Wide(false, 5_000_000_000)));
        }),
        ("pages_of_one_byte", |sample| {
            sample.memories[0].0 = MemoryType { page_size_log2: Some(0), ..memory(2_000_000, 1 << 30) };
        }),
        ("heap_base_above_2_gib", |sample| sample.export("__heap_base", Some(Thing::Global(false, i32::MIN)))),
        ("javascript_that_stands_in_for_wasi", |sample| {
            sample.import_function = Some(("wasi_snapshot_preview1", "sched_yield"));
        }),
        ("wasi_threads_and_none_started", |sample| {
            bare(sample);
            sample.import_function = Some(("wasi_snapshot_preview1", "fd_write"));
            sample.exports = vec![("_start", Thing::Function(2)), ("memory", Thing::Memory)];
        }),
        ("wasi_threads", |sample| sample.wasi_threads(3)),
        ("wasi_threads_of_a_library", |sample| {
            sample.wasi_threads(3);
            sample.export("_start", None);
            sample.exports.push(("_initialize", Thing::Function(2)));
        }),
        // Nothing is before the call, and nothing after it.
        ("wasi_threads_that_call_on", |sample| sample.wasi_threads(4)),
        // Other exports are not of that shape, or not the last functions.
        ("wasi_threads_that_call_more", |sample| {
            sample.wasi_threads(4);
            sample.entry = Some((true, true));
        }),
        ("wasi_threads_that_export_what_they_call", |sample| {
            wrapped(sample, (true, true));
            sample.exports.extend([("_initialize", Thing::Function(3)), ("main", Thing::Function(4))]);
        }),
        ("wasi_threads_with_functions_of_the_host", |sample| {
            sample.wasi_threads(3);
            sample.import_function = Some(("env", "napi_create_function"));
        }),
        ("after_wasm_bindgen", |sample| sample.after_wasm_bindgen()),
        ("after_wasm_bindgen_stripped", |sample| { after(sample); sample.features = Some(vec![('+', "reference-types")]) }),
        ("after_wasm_bindgen_without_features", |sample| { after(sample); sample.features = None }),
        ("after_wasm_bindgen_without_data", |sample| { after(sample); sample.segments.clear(); sample.data_count = false }),
        ("after_wasm_bindgen_without_data_count", |sample| { after(sample); sample.data_count = false }),
        ("after_wasm_bindgen_without_externrefs", |sample| {
            after(sample);
            sample.export("__wbindgen_externrefs", None);
            sample.tables.clear();
        }),
        ("after_an_older_wasm_bindgen", |sample| {
            after(sample);
            older_externrefs(sample, 1);
            // One of functions, as closures have it.
            sample.exports.push(("__wbindgen_export_1", Thing::Table(0)));
        }),
        ("after_wasm_bindgen_with_memory", |sample| { after(sample); sample.exports.push(("memory", Thing::Memory)) }),
        ("after_wasm_bindgen_with_lld_exports", |sample| {
            after(sample);
            sample.exports.push(("__heap_base", Thing::Global(false, 1_048_608)));
        }),
        ("after_wasm_bindgen_memory_of_4_gib", |sample| { after(sample); sample.memories[0].0 = memory(18, 65_536) }),
        ("emscripten", emscripten),
        ("emscripten_of_old", |sample| {
            emscripten(sample);
            sample.exports = vec![("emscripten_tls_init", Thing::Function(2))];
        }),
        ("emscripten_without_exports_of_threads", |sample| {
            emscripten(sample);
            sample.import_function = Some(("env", "__pthread_create_js"));
            sample.exports = vec![("emscripten_stack_get_end", Thing::Function(2))];
        }),
        ("emscripten_minified", minified),
        ("emscripten_minified_and_stripped", |sample| { minified(sample); sample.features = None }),
        ("emscripten_with_two_memories", |sample| { emscripten(sample); sample.memories.push((memory(1, 2), false)) }),
        ("emscripten_side", side),
        ("emscripten_side_stripped", |sample| { side(sample); sample.features = None }),
        ("emscripten_side_without_data", |sample| { side(sample); sample.segments.clear(); sample.start = false; sample.data_count = false }),
        ("wasi_threads_with_two_memories", |sample| { sample.wasi_threads(3); sample.memories.push((memory(1, 2), false)) }),
        ("wasi_threads_stripped", |sample| { sample.wasi_threads(3); sample.features = None }),
        ("empty_active_segment", |sample| sample.segments.push((b"", true))),
        ("emscripten_main_that_loads_others", |sample| {
            emscripten(sample);
            sample.custom = Some("dylink.0");
            sample.exports.push(("main", Thing::Function(2)));
        }),
        // A host of one's own calls it, once.
        ("data_written_by_an_export", |sample| {
            sample.start = false;
            sample.exports.push(("write_the_data", Thing::Function(1)));
        }),
        // What only a libc's threads need is no affair of javascript's, and the reverse.
        ("javascript_with_names_of_a_libc", |sample| sample.import_function = Some(("env", "__wasi_init_tp"))),
        ("javascript_with_start", |sample| {
            sample.exports.push(("_start", Thing::Function(2)));
            sample.exports.push(("_initialize", Thing::Function(2)));
        }),
        ("wasi_threads_that_export_init_tls", |sample| {
            sample.wasi_threads(3);
            sample.init_tls_calls = true;
            sample.exports.push(("__wasm_init_tls", Thing::Function(0)));
        }),
    ]
}

fn is_good(name: &str, change: Change) {
    let mut sample = Sample::new();
    let before = sample.bytes();
    change(&mut sample);
    assert_ne!(sample.bytes(), before, "{name} changes something");
    assert_eq!(judge(&sample.bytes()), []);
}

/// What a module is for cannot always be read off it: where the target is known, that counts.
fn a_target_that_is_known() {
    let ids = |change: Change, abi: Abi| -> Vec<&'static str> {
        let mut sample = Sample::new();
        change(&mut sample);
        let module = wasm_threads::module::Module::read(&sample.bytes()[..]).expect("it can be read");
        Contract::known(abi, &module).check(&module, "module.wasm").iter().map(|finding| finding.rule.id).collect()
    };
    let nothing: Change = |_| {};
    let no_threads: Change = |sample| {
        bare(sample);
        sample.import_function = Some(("wasi_snapshot_preview1", "sched_yield"));
        sample.exports = vec![("_start", Thing::Function(2))];
    };
    assert_eq!(ids(nothing, Abi::Javascript), [""; 0]);
    // Without the target: to ask for threads is enough, and without that it is a target that has none.
    let asks_for_threads: Change = |sample| {
        sample.wasi_threads(3);
        sample.exports = vec![("_start", Thing::Function(2))];
    };
    let mut sample = Sample::new();
    asks_for_threads(&mut sample);
    let found: Vec<_> = judge(&sample.bytes()).iter().map(|finding| finding.rule.id).collect();
    assert_eq!(found, ["export-missing", "export-missing"], "the memory, and the entry of a thread");
    no_threads(&mut sample);
    let found: Vec<_> = judge(&sample.bytes()).iter().map(|finding| finding.rule.id).collect();
    assert_eq!(found, ["target-without-threads"]);
    // No import says so.
    assert_eq!(ids(nothing, Abi::Wasi), ["target-without-threads"]);
    assert_eq!(ids(bare, Abi::Wasi), ["target-without-threads"]);
    assert_eq!(ids(no_threads, Abi::Wasi), ["target-without-threads"]);
    // Threads of one's own making.
    assert_eq!(ids(|sample| sample.wasi_threads(3), Abi::Wasi), [""; 0]);
    // It starts no thread, and lost the export by which it would be told from one without threads.
    assert_eq!(ids(no_threads, Abi::WasiThreads), ["export-missing"]);
    // Javascript's demands are javascript's.
    assert_eq!(ids(no_threads, Abi::Javascript), ["export-missing", "export-missing"]);
    assert_eq!(ids(|sample| sample.wasi_threads(2), Abi::Javascript), ["export-missing", "export-missing"]);
}

/// What is found of a module in text.
#[track_caller]
fn ids_of(text: &str) -> Vec<&'static str> {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    judge(&bytes).iter().map(|finding| finding.rule.id).collect()
}

/// Without a start function: each segment is somebody's, or none is.
/// A module that sets up its threads from inside needs no exports for it, unless wasm-bindgen is to do that.
fn threads_from_inside_and_wasm_bindgen() {
    let mut sample = Sample::new();
    for name in ["__wasm_init_tls", "__tls_base", "__tls_size", "__tls_align"] {
        sample.export(name, None);
    }
    sample.exports.push(("start_a_thread", Thing::Function(0)));
    let verdict = |sample: &Sample| {
        let findings = judge(&sample.bytes());
        findings.iter().map(|finding| (finding.rule.id, finding.is_error())).collect::<Vec<_>>()
    };
    assert_eq!(verdict(&sample), [("export-missing", false)]);
    sample.custom = Some("__wasm_bindgen_unstable");
    assert_eq!(verdict(&sample), [("export-missing", true)]);
}

fn who_writes_the_data() {
    let init = |segment: &str| format!("(memory.init {segment} (i32.const 0) (i32.const 0) (i32.const 1))");
    let javascript = |tls_size: u32, functions: &str| {
        ids_of(&format!(
            r#"(module (import "env" "memory" (memory 2 20 shared))
            (global (export "__tls_base") (mut i32) (i32.const 0)) (global (export "__tls_size") i32 (i32.const {tls_size}))
            (global (export "__tls_align") i32 (i32.const 1)) (global (export "__heap_base") i32 (i32.const 65536))
            (func (export "__wasm_init_tls") (param i32)) (data $a "hello") (data $b "another") (data $c "x") {functions})"#
        ))
    };
    let all = ["$a", "$b", "$c"].map(init).concat();
    let missing = ["memory-init-missing"];
    assert_eq!(javascript(0, &format!("(func (export \"go\") {all})")), [""; 0]);
    assert_eq!(javascript(0, &format!("(func (export \"go\") {})", init("$c"))), missing);
    // One export for each, or one segment less: that of the thread-local storage.
    let (first, second) = (format!("(func (export \"a\") {})", init("$a")), format!("(func (export \"b\") {})", init("$b")));
    assert_eq!(javascript(0, &(first.clone() + &second)), missing);
    assert_eq!(javascript(4, &(first.clone() + &second)), [""; 0]);
    assert_eq!(javascript(4, &first), missing);
    // Nobody outside can call this one.
    assert_eq!(javascript(0, &format!("(func {all})")), missing);

    let others = |imports: &str, exports: &str, functions: &str| {
        ids_of(&format!(
            r#"(module {imports} (import "env" "memory" (memory 2 20 shared)) (table 1 funcref)
            (data $a "template") (data $b "data") (data $c "") (func $empty) {exports} {functions})"#
        ))
    };
    let wasi = (
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
        r#"(export "memory" (memory 0)) (export "_start" (func $empty))"#,
    );
    let main = (r#"(import "env" "emscripten_resize_heap" (func))"#, r#"(export "_emscripten_thread_init" (func $empty))"#);
    for (imports, exports) in [wasi, main] {
        assert_eq!(others(imports, exports, ""), missing);
        assert_eq!(others(imports, exports, &format!("(func {})", init("$a"))), missing);
        let both = format!("(func {}) (func {})", init("$a"), init("$b"));
        assert_eq!(others(imports, exports, &both), [""; 0]);
        assert_eq!(others(imports, exports, "(start $empty)"), [""; 0]);
    }
}

/// A tool can give them to any module.
fn short_names_alone_are_not_emscriptens() {
    let with = |more: &str| {
        let text = format!(
            r#"(module (import "a" "b" (func)) (import "a" "a" (memory 2 20 shared)) (table $t 1 funcref) (global $g (mut i32) (i32.const 0))
            (data $d "hello") (func $start (export "c") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 5))) {more})"#
        );
        ids_of(&text)
    };
    assert_eq!(with(r#"(start $start) (export "d" (table $t))"#), [""; 0]);
    // No table, a variable such as `__tls_base`, a name that nobody made short.
    for more in
        ["", r#"(export "d" (table $t)) (export "e" (global $g))"#, r#"(export "d" (table $t)) (export "main" (func $start))"#]
    {
        let found = with(&format!("(start $start) {more}"));
        assert!(found.contains(&"export-missing"), "{more}: {found:?}");
    }
    let unwritten = r#"(module (import "a" "b" (func)) (import "a" "a" (memory 2 20 shared)) (data "hello") (func (export "c"))
        (table (export "d") 1 funcref))"#;
    assert_eq!(ids_of(unwritten), ["memory-init-missing"]);
}

/// A rule that is added must be added here as well.
fn every_rule_of_the_contract_is_broken_once() {
    let module = wasm_threads::module::Module::read(&Sample::new().bytes()[..]).expect("it can be read");
    let rules = Contract::of(&module).judge(&module, "module.wasm");
    let contract: Vec<&str> = rules.iter().map(|judgement| judgement.rule.id).collect();
    assert!(contract.len() >= 18, "{contract:?}");
    let bad = bad();
    // Groups of imports have a test of their own.
    for id in contract.iter().filter(|id| **id != "compact-imports") {
        assert!(bad.iter().any(|(_, _, (rule, _))| rule == id), "no module breaks {id}");
    }
}

fn texts_of_what_cannot_be_read() {
    let mut cut = Sample::new().bytes();
    cut.truncate(100);
    let mut unknown_import = Sample::new();
    unknown_import.import = ("env", "somewhere");
    let mut unknown_import = unknown_import.bytes();
    let at = unknown_import.windows(9).position(|window| window == b"somewhere").expect("the name of the import") + 9;
    assert_eq!(unknown_import[at], 2, "a memory");
    unknown_import[at] = 0x7d;
    let cases = [
        ("unreadable-empty", Vec::new()),
        ("unreadable-text", b"#!/bin/sh\nexec wasm-ld \"$@\"\n".to_vec()),
        ("unreadable-component", b"\0asm\x0d\0\x01\0".to_vec()),
        ("unreadable-version", b"\0asm\x02\0\0\0".to_vec()),
        ("unreadable-cut-off", cut),
        ("unreadable-import", unknown_import),
    ];
    for (name, bytes) in cases {
        let error = wasm_threads::verify(&bytes).expect_err(name);
        let ids: Vec<&str> = error.findings.iter().map(|finding| finding.rule.id).collect();
        assert_eq!(ids, ["unreadable"], "{error}");
        golden::check(&format!("contract/{name}"), &format!("{error}\n"), &[]);
    }
    let error = wasm_threads::verify(std::path::Path::new("no-such-folder/guest.wasm")).expect_err("no file");
    assert_eq!(error.findings.len(), 1, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("error[unreadable]: no-such-folder/guest.wasm cannot be read\n  found:  "), "{text}");
    let error = wasm_threads::verify(&std::env::temp_dir()).expect_err("a folder");
    assert!(error.to_string().contains("found:  not a regular file"), "{error}");
}
