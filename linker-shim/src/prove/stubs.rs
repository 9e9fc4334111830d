//! Stand-ins for what a module imports, made in WebAssembly: there they can have every type, which values of JavaScript cannot.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, ImportSection,
    Module, TableSection, TagSection, TypeSection, ValType,
};
use wasm_threads::report::name_of;
use wasmparser::{CompositeInnerType, Parser, Payload, TypeRef};

/// What stands in for each import.
pub struct Stubs {
    /// A module that exports a stub for each import but the memories, called by the import's number.
    ///
    /// Each function tells its number to the imported function `stub.called`, and returns zeros and nulls.
    pub module: Vec<u8>,
    /// The imports, in their order.
    pub imports: Vec<Import>,
}

/// One import.
pub struct Import {
    pub module: String,
    pub name: String,
    /// A memory has no stub.
    pub memory: bool,
    /// Whether its stub gives the module a value.
    pub gives: Gives,
}

/// When a stub gives the module a value, which another host may give otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    Never,
    WhenCalled,
    Always,
}

/// The most elements that all tables of a module may begin with: every instance has its own, of 8 bytes and more each.
const MOST_ELEMENTS: u64 = 1 << 20;

/// The sections of the module that is made.
#[derive(Default)]
struct Parts {
    functions: FunctionSection,
    tables: TableSection,
    tags: TagSection,
    globals: GlobalSection,
    exports: ExportSection,
    code: CodeSection,
}

/// Reads the types and imports of a module.
///
/// # Errors
///
/// Why there is no stub for one of them.
pub fn of(bytes: &[u8]) -> Result<Stubs, String> {
    let mut types = TypeSection::new();
    // For each type that is a function's: what it returns.
    let mut results: Vec<Option<Vec<wasmparser::ValType>>> = Vec::new();
    let mut imports = Vec::new();
    let mut parts = Parts::default();
    let mut elements = 0_u64;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| error.to_string())? {
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    results.extend(group.map_err(|error| error.to_string())?.into_types().map(|kind| {
                        match kind.composite_type.inner {
                            CompositeInnerType::Func(function) => Some(function.results().to_vec()),
                            _ => None,
                        }
                    }));
                }
                RoundtripReencoder.parse_type_section(&mut types, section).map_err(|error| error.to_string())?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(|error| error.to_string())?;
                    let number = imports.len();
                    parts.add(number, import.ty, &results).map_err(|problem| {
                        format!("it imports {}.{}, {problem}", name_of(import.module), name_of(import.name))
                    })?;
                    let gives = match import.ty {
                        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                            let results = results.get(index as usize).and_then(Option::as_ref);
                            if results.is_some_and(|results| !results.is_empty()) { Gives::WhenCalled } else { Gives::Never }
                        }
                        TypeRef::Global(_) | TypeRef::Table(_) => Gives::Always,
                        TypeRef::Memory(_) | TypeRef::Tag(_) => Gives::Never,
                    };
                    if let TypeRef::Table(table) = import.ty {
                        elements = elements.saturating_add(table.initial);
                    }
                    let (module, name) = (import.module.to_owned(), import.name.to_owned());
                    imports.push(Import { module, name, memory: matches!(import.ty, TypeRef::Memory(_)), gives });
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    elements = elements.saturating_add(table.map_err(|error| error.to_string())?.ty.initial);
                }
            }
            Payload::CodeSectionStart { .. } | Payload::DataSection(_) | Payload::ExportSection(_) => break,
            _ => {}
        }
    }
    if elements > MOST_ELEMENTS {
        return Err(format!("its tables begin with {elements} elements, which is more than {MOST_ELEMENTS}"));
    }
    let called = u32::try_from(results.len()).map_err(|error| error.to_string())?;
    types.ty().function([ValType::I32], []);
    Ok(Stubs { module: parts.module(&types, called), imports })
}

impl Parts {
    fn add(&mut self, number: usize, kind: TypeRef, results: &[Option<Vec<wasmparser::ValType>>]) -> Result<(), String> {
        let name = number.to_string();
        let number = i32::try_from(number).map_err(|error| error.to_string())?;
        let not_here = |error: wasm_encoder::reencode::Error| error.to_string();
        match kind {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                let results = results.get(index as usize).and_then(Option::as_ref).ok_or("a function of no type")?;
                let mut body = Function::new([]);
                body.instructions().i32_const(number).call(0);
                for result in results {
                    let result = RoundtripReencoder.val_type(*result).map_err(not_here)?;
                    match result {
                        ValType::I32 => body.instructions().i32_const(0),
                        ValType::I64 => body.instructions().i64_const(0),
                        ValType::F32 => body.instructions().f32_const(0.0.into()),
                        ValType::F64 => body.instructions().f64_const(0.0.into()),
                        ValType::V128 => body.instructions().v128_const(0),
                        ValType::Ref(kind) if kind.nullable => body.instructions().ref_null(kind.heap_type),
                        // There is no such value to be had.
                        ValType::Ref(_) => body.instructions().unreachable(),
                    };
                }
                body.instructions().end();
                self.code.function(&body);
                self.functions.function(index);
                // The first function is the imported one.
                self.exports.export(&name, ExportKind::Func, self.functions.len());
            }
            TypeRef::Global(kind) => {
                let kind = RoundtripReencoder.global_type(kind).map_err(not_here)?;
                let value = match kind.val_type {
                    ValType::I32 => ConstExpr::i32_const(0),
                    ValType::I64 => ConstExpr::i64_const(0),
                    ValType::F32 => ConstExpr::f32_const(0.0.into()),
                    ValType::F64 => ConstExpr::f64_const(0.0.into()),
                    ValType::V128 => ConstExpr::v128_const(0),
                    ValType::Ref(kind) if kind.nullable => ConstExpr::ref_null(kind.heap_type),
                    ValType::Ref(_) => return Err("a global that may not be null".to_owned()),
                };
                self.globals.global(kind, &value);
                self.exports.export(&name, ExportKind::Global, self.globals.len() - 1);
            }
            TypeRef::Table(kind) => {
                if !kind.element_type.is_nullable() {
                    return Err("a table whose elements may not be null".to_owned());
                }
                self.tables.table(RoundtripReencoder.table_type(kind).map_err(not_here)?);
                self.exports.export(&name, ExportKind::Table, self.tables.len() - 1);
            }
            TypeRef::Tag(kind) => {
                self.tags.tag(RoundtripReencoder.tag_type(kind).map_err(not_here)?);
                self.exports.export(&name, ExportKind::Tag, self.tags.len() - 1);
            }
            TypeRef::Memory(_) => {}
        }
        Ok(())
    }

    /// The whole; `called` is the number of the type of `stub.called`.
    fn module(&self, types: &TypeSection, called: u32) -> Vec<u8> {
        let mut imports = ImportSection::new();
        imports.import("stub", "called", EntityType::Function(called));
        let mut module = Module::new();
        module.section(types).section(&imports).section(&self.functions).section(&self.tables).section(&self.tags);
        module.section(&self.globals).section(&self.exports).section(&self.code);
        module.finish()
    }
}
