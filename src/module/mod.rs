//! The facts of a WebAssembly module, as far as threads are concerned.

mod component;
mod details;
mod features;
mod imports;
mod read_at;
pub(crate) mod sections;
mod static_end;
mod thread_start;
mod tls_inside;
mod written;

pub use component::{CoreModule, core_modules};
pub use details::{Details, Place};
pub use features::Features;
pub use imports::Imports;
pub(crate) use imports::{of_emscripten, of_pthreads};
pub use read_at::{OpenFile, Part, ReadAt};
pub use sections::ReadError;

pub(crate) use read_at::Window;

use sections::{CUSTOM, Section, cut_off};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wasmparser::{
    BinaryReader, ExportSectionReader, ExternalKind, FunctionSectionReader, GlobalSectionReader, GlobalType,
    MemorySectionReader, MemoryType, Operator, SubType, TableSectionReader, TableType, ValType,
};

/// The custom section by which a crate says that whoever links it must be threaded.
pub const NEED_SECTION: &str = "wasm-threads";

/// How each line of the section begins; the crate's name follows. A phrase of its own, since in bitcode it must be found
/// without the section around it.
pub(crate) const NEED_LEAD: &str = "wasm-threads: required by ";

/// What was read of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Every memory, imported ones first, as in the module's own numbering.
    pub memories: Vec<Memory>,
    /// Every export: its kind and index.
    pub exports: BTreeMap<String, Export>,
    /// Every data segment.
    pub segments: Vec<Segment>,
    /// The start function.
    pub start: Option<u32>,
    /// Every global, imported ones first.
    pub globals: Vec<Global>,
    /// What the `target_features` section says. `None` without one: `--strip-all` drops it, so that proves nothing.
    pub features: Option<Features>,
    /// The crates that said [`required!`](crate::required), in the order of the section.
    pub needs: Vec<String>,
    /// The module has wasm-bindgen's section of descriptions, so wasm-bindgen has yet to run over it.
    pub wants_wasm_bindgen: bool,
    /// wasm-bindgen says among the producers that it has run over it.
    pub by_wasm_bindgen: bool,
    /// What its imports say.
    pub imports: Imports,
    /// Every table, imported ones first.
    pub tables: Vec<Table>,
    /// What the exported `__wasm_init_tls` is, where it is a function of this module.
    pub init_tls: Option<InitTls>,
    /// The exported `__wbindgen_start` takes one number, the size of a thread's stack, and returns nothing.
    pub wbindgen_start_takes_one: bool,
    /// Where the heap begins at the latest, where the module does not export it: above the static data and the stack. Looked for
    /// only in a shared memory that never grows.
    pub heap_begins: Option<u64>,
    /// What the exported `wasi_thread_start` is, where it is a function.
    pub thread_start: Option<ThreadStart>,
    /// No thread needs the exports: every passive segment is either written once, by the start function, or by a function of
    /// the module's own. Looked for only in a linked module with a shared memory that exports none of them.
    pub tls_inside: bool,
    /// Exported functions other than `__wasm_init_tls` write every passive segment, but for as many as the template of the
    /// thread-local storage is. Looked for only in a linked module that has such segments and no start function.
    pub written_by_export: bool,
    /// Functions of the module write every passive segment with bytes in it, whoever calls them; or one of them could not be
    /// read. Looked for as the one above.
    pub written_inside: bool,
    /// The module has a `dylink.0` section: a shared library, linked at run time.
    pub dynamic: bool,
}

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The module and name it is imported by.
    pub import: Option<(String, String)>,
    /// Its limits at the start, in pages.
    pub minimum: u64,
    /// The most it may ever have, in pages.
    pub maximum: Option<u64>,
    /// Whether it is shared.
    pub shared: bool,
    /// Whether its addresses have 64 bits.
    pub wide: bool,
    /// The size of a page, in bytes: 65536 unless the module says otherwise.
    pub page: u64,
}

/// One export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// What is exported.
    pub kind: Kind,
    /// Its index among its kind.
    pub index: u32,
}

/// The kinds of exports that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function,
    /// A global.
    Global,
    /// A memory.
    Memory,
    /// A table.
    Table,
    /// A tag, or what else there may be.
    Other,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// It holds what the host gives (`externref`), and not functions.
    pub external: bool,
}

/// One data segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// An active segment is written at every instantiation; a passive one by an instruction.
    pub active: bool,
    /// The memory that an active segment is written to, by its number.
    pub memory: u32,
    /// Its size in bytes.
    pub size: u64,
}

/// One global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Whether it can be set.
    pub mutable: bool,
    /// An `i32` or `i64`.
    pub integer: bool,
    /// Its value, where that is a plain constant of this module.
    pub constant: Option<u64>,
}

/// The exported `__wasm_init_tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitTls {
    /// It takes one address and returns nothing.
    pub takes_one_address: bool,
    /// The function it calls before anything else. The one that `wasm-ld` makes calls none; only the wrapper that runs
    /// constructors does (`Writer.cpp`, `createCommandExportWrappers`).
    pub calls_first: Option<u32>,
}

/// The exported `wasi_thread_start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadStart {
    /// It takes two numbers, the thread's and the address of its argument, and returns nothing.
    pub takes_id_and_address: bool,
    /// It is the wrapper that the linker puts around every export of a command: see [`Wrapped`].
    pub wrapped: Option<Wrapped>,
}

/// What a command's wrapper calls before and after the function that it is around. It calls at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// What runs the static constructors.
    pub before: Option<u32>,
    /// What runs the destructors.
    pub after: Option<u32>,
}

/// Windows of this size hold every header of an object and most small modules whole.
const AHEAD: usize = 4096;

/// Of types, functions, globals, exports and imports no engine takes more (WebAssembly JavaScript interface, "Limits"; the same in
/// `wasmparser`, so in wasmtime).
const MOST: u32 = 1_000_000;

/// Of tables and data segments.
const MOST_SEGMENTS: u32 = 100_000;

/// The id of the code section.
const CODE: u8 = 10;

/// The custom sections that say something about threads.
const CUSTOM_SECTIONS: [&str; 6] =
    ["target_features", NEED_SECTION, "dylink.0", "dylink", "__wasm_bindgen_unstable", "producers"];

impl Module {
    /// Reads `source` in place: section headers, and the contents of those sections that say something about threads.
    pub fn read<R: ReadAt + ?Sized>(source: &R) -> Result<Module, ReadError> {
        let mut window = Window::new(source, AHEAD);
        let mut found = Vec::new();
        let mut last = 0;
        sections::walk(source, &mut window, |section| {
            match section.name.as_deref() {
                None => last = sections::place_after(last, &section)?,
                // A file may have any number of other custom sections, and some have millions of bytes.
                Some(name) if !CUSTOM_SECTIONS.contains(&name) => return Ok(true),
                Some(_) => {}
            }
            found.push(section);
            Ok(true)
        })?;
        let mut reading = Reading {
            source,
            module: Module::default(),
            types: Vec::new(),
            functions: Vec::new(),
            bodies: 0,
            announced_segments: None,
        };
        for section in &found {
            reading.section(section)?;
        }
        reading.is_whole()?;
        let code = found.iter().find(|section| section.id == CODE).map_or(0..0, |code| code.range.clone());
        reading.wbindgen_start();
        reading.thread_start(&code)?;
        reading.init_tls(&code)?;
        reading.heap_begins(&code)?;
        reading.written(&code)?;
        Ok(reading.module)
    }

    /// The memory that atomics and data use: the first.
    pub fn memory(&self) -> Option<&Memory> {
        self.memories.first()
    }

    /// Whether it starts threads as wasi-threads has it, or says how they are started.
    pub fn starts_threads(&self) -> bool {
        self.exports.contains_key("wasi_thread_start") || self.imports.thread_spawn
    }

    /// The constant value of the exported global `name`.
    pub fn constant(&self, name: &str) -> Option<u64> {
        let export = self.exports.get(name).filter(|export| export.kind == Kind::Global)?;
        self.globals.get(export.index as usize)?.constant
    }
}

/// The kinds of function types that somebody asks for: what they take. None of them returns anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One address.
    Address,
    /// An `i32` and another.
    TwoNumbers,
    /// Something else.
    Other,
}

struct Reading<'a, R: ?Sized> {
    source: &'a R,
    module: Module,
    /// For each type: whether it is one of the kinds that somebody asks for.
    types: Vec<Shape>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    /// How many functions the code section has.
    bodies: u32,
    /// What the section in front of the code says of the data section behind it.
    announced_segments: Option<u32>,
}

/// `count` of `what`, where that is no more than `most`.
fn count_of(what: &str, count: u32, most: u32, at: u64) -> Result<u32, ReadError> {
    if count <= most {
        return Ok(count);
    }
    Err(ReadError::Malformed(format!("{count} {what}; no engine takes more than {most} (in the section at byte {at})")))
}

/// What is wrong with a section, and where that is.
fn in_section(error: ReadError, at: u64) -> ReadError {
    match error {
        ReadError::Malformed(problem) => ReadError::Malformed(format!("{problem} (at byte {at})")),
        io => io,
    }
}

fn malformed(error: wasmparser::BinaryReaderError) -> ReadError {
    ReadError::Malformed(format!("{} (at byte {})", error.message(), error.offset()))
}

/// The contents of a section that was found to lie inside the file.
pub(crate) fn load<R: ReadAt + ?Sized>(source: &R, section: &Section) -> Result<Vec<u8>, ReadError> {
    let size = usize::try_from(section.range.end - section.range.start).map_err(std::io::Error::other)?;
    let mut bytes = vec![0; size];
    if source.read_some(section.range.start, &mut bytes)? < size {
        return Err(ReadError::Malformed(format!("cut off while it was read, at byte {}", section.range.start)));
    }
    Ok(bytes)
}

impl<R: ReadAt + ?Sized> Reading<'_, R> {
    fn load(&self, section: &Section) -> Result<Vec<u8>, ReadError> {
        load(self.source, section)
    }

    fn section(&mut self, section: &Section) -> Result<(), ReadError> {
        let offset = section.range.start;
        match (section.id, section.name.as_deref()) {
            (CUSTOM, Some("target_features")) => {
                let features = Features::read(&self.load(section)?);
                self.module.features = Some(features.map_err(|error| in_section(error, offset))?);
            }
            (CUSTOM, Some(NEED_SECTION)) => self.module.needs = needs(&self.load(section)?),
            (CUSTOM, Some("dylink.0" | "dylink")) => self.module.dynamic = true,
            (CUSTOM, Some("__wasm_bindgen_unstable")) => self.module.wants_wasm_bindgen = true,
            // What is wrong in it is no error: no engine reads it.
            (CUSTOM, Some("producers")) => {
                let made_by = details::producers(&self.load(section)?).unwrap_or_default();
                self.module.by_wasm_bindgen =
                    made_by.iter().any(|[field, name, _]| field == "processed-by" && name == "wasm-bindgen");
            }
            (1, _) => self.types(&self.load(section)?, offset)?,
            (2, _) => self.imports(&self.load(section)?, offset)?,
            (3, _) => {
                let bytes = self.load(section)?;
                let functions = FunctionSectionReader::new(BinaryReader::new(&bytes, offset)).map_err(malformed)?;
                count_of("functions", functions.count(), MOST, offset)?;
                for index in functions {
                    self.functions.push(index.map_err(malformed)?);
                }
            }
            (4, _) => {
                let bytes = self.load(section)?;
                let tables = TableSectionReader::new(BinaryReader::new(&bytes, offset)).map_err(malformed)?;
                count_of("tables", tables.count(), MOST_SEGMENTS, offset)?;
                for table in tables {
                    self.module.tables.push(table_facts(&table.map_err(malformed)?.ty));
                }
            }
            (5, _) => {
                for memory in MemorySectionReader::new(BinaryReader::new(&self.load(section)?, offset)).map_err(malformed)? {
                    let facts = memory_facts(memory.map_err(malformed)?, None, offset)?;
                    self.add_memory(facts, offset)?;
                }
            }
            (6, _) => self.globals(&self.load(section)?, offset)?,
            (7, _) => self.exports(&self.load(section)?, offset)?,
            (8, _) => self.module.start = Some(self.number(section)?),
            (CODE, _) => {
                let mut window = Window::new(self.source, 8);
                let (count, _) = sections::leb(window.at(offset, 5)?).ok_or_else(|| cut_off(offset))?;
                self.bodies = count;
            }
            (11, _) => self.segments(section)?,
            (12, _) => self.announced_segments = Some(self.number(section)?),
            _ => {}
        }
        Ok(())
    }

    /// A section that is one number.
    fn number(&self, section: &Section) -> Result<u32, ReadError> {
        let bytes = self.load(section)?;
        match sections::leb(&bytes) {
            Some((number, size)) if size == bytes.len() => Ok(number),
            _ => Err(cut_off(section.range.start)),
        }
    }

    /// A file that was cut off between two sections shows it only by what the sections before the cut say of those behind.
    fn is_whole(&self) -> Result<(), ReadError> {
        let declared = self.functions.len() as u64 - u64::from(self.module.imports.functions);
        if declared != u64::from(self.bodies) {
            let end = self.source.size();
            let problem = format!("cut off at byte {end}: {declared} functions are declared, {} are there", self.bodies);
            return Err(ReadError::Malformed(problem));
        }
        let segments = self.module.segments.len();
        match self.announced_segments {
            Some(count) if count as usize != segments => {
                let end = self.source.size();
                let problem = format!("cut off at byte {end}: {count} data segments are announced, {segments} are there");
                Err(ReadError::Malformed(problem))
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        const GROUP: u8 = 0x4e;
        let mut reader = BinaryReader::new(bytes, offset);
        for _ in 0..count_of("types", reader.read_var_u32().map_err(malformed)?, MOST, offset)? {
            // Not wasmparser's reader of groups, which believes a group how many types it has.
            let mut ahead = reader.clone();
            let mut types = 1;
            if ahead.read_u8().map_err(malformed)? == GROUP {
                types = ahead.read_var_u32().map_err(malformed)?;
                count_of("types", types, MOST, offset)?;
                reader = ahead;
            }
            for _ in 0..types {
                self.types.push(shape_of(&reader.read().map_err(malformed)?));
            }
        }
        if !reader.eof() {
            let at = reader.original_position();
            return Err(ReadError::Malformed(format!("unexpected bytes behind the types (at byte {at})")));
        }
        Ok(())
    }

    fn globals(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        let globals = GlobalSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)?;
        count_of("globals", globals.count(), MOST, offset)?;
        for global in globals {
            let global = global.map_err(malformed)?;
            let mut operators = global.init_expr.get_operators_reader();
            let constant = match (operators.read().map_err(malformed)?, operators.read().map_err(malformed)?) {
                // An address: its bits, not its sign.
                (Operator::I32Const { value }, Operator::End) => Some(u64::from(value.cast_unsigned())),
                (Operator::I64Const { value }, Operator::End) => Some(value.cast_unsigned()),
                _ => None,
            };
            self.module.globals.push(global_facts(global.ty, constant));
        }
        Ok(())
    }

    fn exports(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        let exports = ExportSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)?;
        count_of("exports", exports.count(), MOST, offset)?;
        for export in exports {
            let export = export.map_err(malformed)?;
            let kind = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => Kind::Function,
                ExternalKind::Global => Kind::Global,
                ExternalKind::Memory => Kind::Memory,
                ExternalKind::Table => Kind::Table,
                ExternalKind::Tag => Kind::Other,
            };
            self.module.exports.insert(export.name.to_owned(), Export { kind, index: export.index });
        }
        Ok(())
    }

    /// The headers of the data segments; their contents may be hundreds of megabytes and are stepped over.
    fn segments(&mut self, section: &Section) -> Result<(), ReadError> {
        let mut window = Window::new(self.source, AHEAD);
        let Section { range, .. } = section;
        let left = |at: u64| usize::try_from((range.end - at).min(256)).unwrap_or(256);
        let head = window.at(range.start, left(range.start))?;
        let (count, bytes) = sections::leb(head).ok_or_else(|| cut_off(range.start))?;
        let mut at = range.start + bytes as u64;
        for _ in 0..count_of("data segments", count, MOST_SEGMENTS, range.start)? {
            let wanted = left(at);
            let head = window.at(at, wanted)?;
            let head = &head[..wanted.min(head.len())];
            let SegmentHeader { memory, length, size } = segment_header(head, at)?;
            at = at + length as u64 + u64::from(size);
            if at > range.end {
                return Err(cut_off(at));
            }
            self.module.segments.push(Segment { active: memory.is_some(), memory: memory.unwrap_or(0), size: u64::from(size) });
        }
        if at != range.end {
            return Err(ReadError::Malformed(format!("unexpected bytes behind the data segments, at byte {at}")));
        }
        Ok(())
    }

    /// Looks at the exported `__wasm_init_tls`. `wasm-ld` puts the functions it makes first, so few bodies are stepped over.
    fn init_tls(&mut self, code: &Range<u64>) -> Result<(), ReadError> {
        let Some(export) = self.module.exports.get("__wasm_init_tls").filter(|export| export.kind == Kind::Function) else {
            // To read every function takes its time, and only here somebody asks.
            if crate::contract::asks_for_tls_inside(&self.module) {
                let start = self.own(self.module.start);
                self.module.tls_inside = tls_inside::read(self.source, code, start, &self.module.segments)?;
            }
            return Ok(());
        };
        let takes_one_address = self.shape(export.index) == Shape::Address;
        let mut init = InitTls { takes_one_address, calls_first: None };
        if let Some(body) = self.own(Some(export.index)) {
            init.calls_first = self.first_call(code, body)?;
        }
        self.module.init_tls = Some(init);
        Ok(())
    }

    /// The number of a function among the module's own.
    fn own(&self, function: Option<u32>) -> Option<u32> {
        function?.checked_sub(self.module.imports.functions)
    }

    /// The type of a function, by its index.
    fn shape(&self, function: u32) -> Shape {
        let kind = self.functions.get(function as usize).and_then(|index| self.types.get(*index as usize));
        kind.copied().unwrap_or(Shape::Other)
    }

    fn wbindgen_start(&mut self) {
        let export = self.module.exports.get("__wbindgen_start").filter(|export| export.kind == Kind::Function);
        self.module.wbindgen_start_takes_one = export.is_some_and(|export| self.shape(export.index) == Shape::Address);
    }

    /// Looks at the exported `wasi_thread_start`.
    fn thread_start(&mut self, code: &Range<u64>) -> Result<(), ReadError> {
        let Some(export) = self.module.exports.get("wasi_thread_start").filter(|export| export.kind == Kind::Function) else {
            return Ok(());
        };
        let mut start = ThreadStart { takes_id_and_address: self.shape(export.index) == Shape::TwoNumbers, wrapped: None };
        if let Some(body) = self.own(Some(export.index)) {
            let exported = self.module.exports.values().filter(|export| export.kind == Kind::Function);
            let exported = exported.filter_map(|export| self.own(Some(export.index))).collect();
            start.wrapped = thread_start::wrapper(self.source, code, body, &exported)?;
        }
        self.module.thread_start = Some(start);
        Ok(())
    }

    /// Looks for who writes the data, where there is no start function.
    fn written(&mut self, code: &Range<u64>) -> Result<(), ReadError> {
        if crate::contract::asks_who_writes(&self.module) {
            let exports =
                self.module.exports.iter().filter(|(name, export)| export.kind == Kind::Function && *name != "__wasm_init_tls");
            let exported = exports.filter_map(|(_, export)| self.own(Some(export.index))).collect();
            let written = written::read(self.source, code, &exported)?;
            let passive = || self.module.segments.iter().zip(0_u32..).filter(|(segment, _)| !segment.active);
            let by_exports = passive().filter(|(_, index)| written.by_exports.contains(index)).count();
            self.module.written_by_export = by_exports + crate::contract::template(&self.module) >= passive().count();
            self.module.written_inside = written.by_any.is_none_or(|written| {
                passive().filter(|(segment, _)| segment.size > 0).all(|(_, index)| written.contains(&index))
            });
        }
        Ok(())
    }

    /// Looks for the end of what is in the memory from the start, where it matters: the memory never grows, and nothing says it.
    fn heap_begins(&mut self, code: &Range<u64>) -> Result<(), ReadError> {
        let never_grows = |memory: &Memory| memory.shared && memory.maximum == Some(memory.minimum);
        if !self.module.memory().is_some_and(never_grows) || self.module.constant("__heap_base").is_some() {
            return Ok(());
        }
        // After wasm-bindgen, the start function is one among many.
        let data = static_end::read(self.source, code, self.own(self.module.start), &self.module.segments)?;
        // The linker's first global is the stack pointer, which begins at the stack's upper end.
        let stack = self.module.globals.iter().find(|global| global.mutable).and_then(|global| global.constant);
        self.module.heap_begins = data.zip(stack).map(|(data, stack)| data.max(stack));
        Ok(())
    }

    fn first_call(&self, code: &Range<u64>, wanted: u32) -> Result<Option<u32>, ReadError> {
        let mut first = None;
        sections::bodies(self.source, code, |index, range, window| {
            if index < wanted {
                return Ok(true);
            }
            let size = usize::try_from((range.end - range.start).min(64)).unwrap_or(64);
            let held = window.at(range.start, size)?;
            first = first_operator_is_call(&held[..size.min(held.len())], range.start);
            Ok(false)
        })?;
        Ok(first)
    }
}

fn first_operator_is_call(body: &[u8], offset: u64) -> Option<u32> {
    let mut reader = BinaryReader::new(body, offset);
    for _ in 0..reader.read_var_u32().ok()? {
        reader.read_var_u32().ok()?;
        reader.read::<ValType>().ok()?;
    }
    match wasmparser::OperatorsReader::new(reader).read().ok()? {
        Operator::Call { function_index } => Some(function_index),
        _ => None,
    }
}

/// The header of a data segment.
struct SegmentHeader {
    /// The memory that it is written to at every instantiation; none for a passive one.
    memory: Option<u32>,
    /// How many bytes the header has.
    length: usize,
    /// How many bytes follow it.
    size: u32,
}

/// Reads the header that starts `head`.
fn segment_header(head: &[u8], at: u64) -> Result<SegmentHeader, ReadError> {
    // Not wasmparser's `DataSectionReader`: that wants a segment's contents in memory too.
    let (flags, _) = sections::leb(head).ok_or_else(|| cut_off(at))?;
    let mut reader = BinaryReader::new(head, at);
    reader.read_var_u32().map_err(malformed)?;
    let memory = match flags {
        1 => None,
        0 | 2 => {
            let memory = if flags == 2 { reader.read_var_u32().map_err(malformed)? } else { 0 };
            let mut operators = wasmparser::OperatorsReader::new(reader);
            while !matches!(operators.read().map_err(malformed)?, Operator::End) {}
            reader = operators.get_binary_reader();
            Some(memory)
        }
        other => return Err(ReadError::Malformed(format!("a data segment of the unknown kind {other} (at byte {at})"))),
    };
    let size = reader.read_var_u32().map_err(malformed)?;
    let length = usize::try_from(reader.original_position() - at).map_err(std::io::Error::other)?;
    Ok(SegmentHeader { memory, length, size })
}

/// What is of interest of a type.
fn shape_of(kind: &SubType) -> Shape {
    match &kind.composite_type.inner {
        wasmparser::CompositeInnerType::Func(function) if function.results().is_empty() => match function.params() {
            [ValType::I32 | ValType::I64] => Shape::Address,
            [ValType::I32, ValType::I32] => Shape::TwoNumbers,
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}

fn table_facts(table: &TableType) -> Table {
    Table { external: table.element_type.is_extern_ref() }
}

/// `at` is where the section begins that says it.
fn memory_facts(memory: MemoryType, import: Option<(String, String)>, at: u64) -> Result<Memory, ReadError> {
    let wrong = |problem: String| Err(ReadError::Malformed(format!("{problem} (in the section at byte {at})")));
    let page = match memory.page_size_log2 {
        None => crate::size::PAGE,
        Some(log2 @ 0..=16) => 1 << log2,
        Some(log2) => return wrong(format!("a memory with pages of 2^{log2} bytes")),
    };
    // What no engine takes (core specification, 3.2.1, and the threads proposal), and no rule below should have to think of.
    match memory.maximum {
        None if memory.shared => return wrong("a shared memory without a maximum".to_owned()),
        Some(maximum) if maximum < memory.initial => {
            return wrong(format!("a memory of {} pages with a maximum of {maximum}", memory.initial));
        }
        _ => {}
    }
    Ok(Memory { import, minimum: memory.initial, maximum: memory.maximum, shared: memory.shared, wide: memory.memory64, page })
}

fn global_facts(kind: GlobalType, constant: Option<u64>) -> Global {
    let integer = matches!(kind.content_type, ValType::I32 | ValType::I64);
    Global { mutable: kind.mutable, integer, constant }
}

/// The crates in the section's contents: a line for each. `wasm-ld` joins the sections of all objects.
pub(crate) fn needs(section: &[u8]) -> Vec<String> {
    let mut crates: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in section.split(|byte| matches!(byte, b'\n' | 0)) {
        let line = String::from_utf8_lossy(line);
        let name = line.strip_prefix(NEED_LEAD).unwrap_or(&line).trim().to_owned();
        if !name.is_empty() && seen.insert(name.clone()) {
            crates.push(name);
        }
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn needs_are_told_once_each_in_their_order() {
        assert_eq!(needs(b"wasm-threads: required by b\nwasm-threads: required by a\0b\n\n"), ["b", "a"]);
        // Each compared with all before it would take minutes.
        let many: String = (0..300_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(needs(many.as_bytes()).len(), 300_000);
    }
}
