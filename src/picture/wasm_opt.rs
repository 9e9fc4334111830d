//! The words that `wasm-opt` has to be given for a module that does not say what it uses.
//!
//! wasm-opt takes what is in a module's `target_features` for allowed, and refuses the rest; where a strip tool took that section
//! away, it refuses nearly every threaded module. So what a module uses is read off its types, its memories and its code.

use crate::module::sections::{self, Section, id, load};
use crate::module::{Features, Module, ReadAt, ReadError, Window, functions};
use std::collections::BTreeSet;
use wasmparser::{
    BinaryReader, BlockType, CompositeInnerType, FunctionBody, GlobalSectionReader, ImportSectionReader, Operator,
    TableSectionReader, TypeRef, TypeSectionReader, ValType,
};

/// The options `--enable-…`, in the order of the alphabet; none, where the module says itself that it uses atomics, since then a
/// compiler has said all. All the code is read.
///
/// # Errors
///
/// That the module cannot be read.
pub fn flags<R: ReadAt + ?Sized>(source: &R, module: &Module) -> Result<Vec<String>, ReadError> {
    let said = |name: &str| module.features.iter().flat_map(Features::iter).any(|(sign, said)| sign == '+' && said == name);
    if said("atomics") {
        return Ok(Vec::new());
    }
    let mut uses = Uses::default();
    uses.of_facts(module);
    let mut window = Window::new(source, 4096);
    let mut found: Vec<Section> = Vec::new();
    sections::walk(source, &mut window, |section, _| {
        if matches!(section.id, id::TYPES | id::IMPORTS | id::TABLES | id::GLOBALS | id::CODE | id::TAGS) {
            found.push(section);
        }
        Ok(true)
    })?;
    for section in &found {
        match section.id {
            id::CODE => uses.of_code(source, section)?,
            id::TAGS => uses.add("exception-handling"),
            // What cannot be read uses nothing that could be told; it is refused elsewhere.
            _ => drop(uses.of_section(section.id, &load(source, &section.range)?, section.range.start)),
        }
    }
    let recorded = RECORDED.iter().filter(|(_, name)| said(name)).map(|(flag, _)| *flag).collect::<BTreeSet<_>>();
    if uses.0.is_subset(&recorded) {
        return Ok(Vec::new());
    }
    Ok(uses.0.into_iter().map(|flag| format!("--enable-{flag}")).collect())
}

/// wasm-opt's names of features that have another name in `target_features` (`src/tools/tool-options.h` and `src/wasm-features.h`
/// of binaryen), and of those that have the same.
const RECORDED: [(&str, &str); 13] = [
    ("bulk-memory", "bulk-memory"),
    ("exception-handling", "exception-handling"),
    ("extended-const", "extended-const"),
    ("gc", "gc"),
    ("memory64", "memory64"),
    ("multivalue", "multivalue"),
    ("mutable-globals", "mutable-globals"),
    ("nontrapping-float-to-int", "nontrapping-fptoint"),
    ("reference-types", "reference-types"),
    ("relaxed-simd", "relaxed-simd"),
    ("sign-ext", "sign-ext"),
    ("simd", "simd128"),
    ("tail-call", "tail-call"),
];

/// The features that are used, by wasm-opt's names.
#[derive(Default)]
struct Uses(BTreeSet<&'static str>);

impl Uses {
    fn add(&mut self, flag: &'static str) {
        self.0.insert(flag);
    }

    fn of_facts(&mut self, module: &Module) {
        for memory in &module.memories {
            for (used, flag) in [
                (memory.shared, "threads"),
                (memory.wide, "memory64"),
                (memory.page != 65_536, "custom-page-sizes"),
                (module.memories.len() > 1, "multimemory"),
            ] {
                if used {
                    self.add(flag);
                }
            }
        }
        if module.segments.passive().next().is_some() {
            self.add("bulk-memory");
        }
        if module.globals.imports_variable || module.globals.exports_variable {
            self.add("mutable-globals");
        }
    }

    fn of_section(&mut self, id: u8, bytes: &[u8], offset: u64) -> wasmparser::Result<()> {
        let reader = BinaryReader::new(bytes, offset);
        match id {
            id::TYPES => {
                for group in TypeSectionReader::new(reader)? {
                    for kind in group?.into_types() {
                        match kind.composite_type.inner {
                            CompositeInnerType::Func(function) => {
                                function.params().iter().chain(function.results()).for_each(|kind| self.of_type(*kind));
                                if function.results().len() > 1 {
                                    self.add("multivalue");
                                }
                            }
                            _ => self.of_gc(),
                        }
                    }
                }
            }
            id::IMPORTS => {
                for import in ImportSectionReader::new(reader)?.into_imports() {
                    match import?.ty {
                        TypeRef::Global(global) => self.of_type(global.content_type),
                        TypeRef::Table(table) if !table.element_type.is_func_ref() => {
                            self.of_type(ValType::Ref(table.element_type))
                        }
                        TypeRef::Tag(_) => self.add("exception-handling"),
                        _ => {}
                    }
                }
            }
            id::TABLES => {
                let tables = TableSectionReader::new(reader)?.into_iter().collect::<wasmparser::Result<Vec<_>>>()?;
                // One table of functions was there before reference types.
                for table in tables.iter().filter(|table| tables.len() > 1 || !table.ty.element_type.is_func_ref()) {
                    self.of_type(ValType::Ref(table.ty.element_type));
                }
                if tables.iter().any(|table| table.ty.table64) {
                    self.add("memory64");
                }
            }
            _ => {
                for global in GlobalSectionReader::new(reader)? {
                    let global = global?;
                    self.of_type(global.ty.content_type);
                    let operators =
                        global.init_expr.get_operators_reader().into_iter().collect::<wasmparser::Result<Vec<_>>>()?;
                    if operators.len() > 2 {
                        self.add("extended-const");
                    }
                }
            }
        }
        Ok(())
    }

    fn of_type(&mut self, kind: ValType) {
        match kind {
            ValType::V128 => self.add("simd"),
            ValType::Ref(kind) if kind.is_func_ref() || kind.is_extern_ref() => self.add("reference-types"),
            ValType::Ref(_) => self.of_gc(),
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => {}
        }
    }

    /// With all that it rests upon.
    fn of_gc(&mut self) {
        self.add("gc");
        self.add("reference-types");
    }

    fn of_code<R: ReadAt + ?Sized>(&mut self, source: &R, code: &Section) -> Result<(), ReadError> {
        functions::each(source, &code.range, |mut body| {
            let offset = body.offset();
            // A body that cannot be read to its end is counted as far as it can.
            let _ = self.of_body(body.bytes()?, offset);
            Ok(true)
        })
    }

    fn of_body(&mut self, body: &[u8], offset: u64) -> wasmparser::Result<()> {
        let body = FunctionBody::new(BinaryReader::new(body, offset));
        for local in body.get_locals_reader()? {
            self.of_type(local?.1);
        }
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            if let Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } = &operator {
                match blockty {
                    // Such a type is only needed for parameters, or for more than one result.
                    BlockType::FuncType(_) => self.add("multivalue"),
                    BlockType::Type(kind) => self.of_type(*kind),
                    BlockType::Empty => {}
                }
            }
            match proposal(&operator) {
                "sign_extension" => self.add("sign-ext"),
                "saturating_float_to_int" => self.add("nontrapping-float-to-int"),
                "bulk_memory" => self.add("bulk-memory"),
                "reference_types" => self.add("reference-types"),
                "threads" => self.add("threads"),
                "simd" => self.add("simd"),
                "relaxed_simd" => {
                    self.add("simd");
                    self.add("relaxed-simd");
                }
                "tail_call" => self.add("tail-call"),
                "exceptions" | "legacy_exceptions" => self.add("exception-handling"),
                "gc" | "function_references" => self.of_gc(),
                "stack_switching" => self.add("stack-switching"),
                "wide_arithmetic" => self.add("wide-arithmetic"),
                "custom_descriptors" => self.add("custom-descriptors"),
                "acquire_release_atomics" => self.add("acquire-release-atomics"),
                "shared_everything_threads" => self.add("shared-everything"),
                _ => {}
            }
        }
        Ok(())
    }
}

macro_rules! define_proposal {
    ($(@$proposal:ident $op:ident $({ $($payload:tt)* })? => $visit:ident ($($ann:tt)*))*) => {
        /// The proposal that an instruction came with.
        fn proposal(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$op { .. } => stringify!($proposal),)*
                // The reader knows no others than this list.
                _ => "unknown",
            }
        }
    };
}
wasmparser::for_each_operator!(define_proposal);
