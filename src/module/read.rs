//! Reads the facts of a module: its section headers, and the contents of those sections that say something about threads.
//!
//! Hostile files are held to twice their size in memory: one section at a time is loaded, and what is kept of one takes no more
//! than it does itself. Lists are therefore kept as the file has them, or not at all.

use super::bits::Bits;
use super::error::{ReadError, cut_off, in_section, malformed};
use super::leb::leb;
use super::needs::{NEED_SECTION, needs};
use super::read_at::{ReadAt, Window};
use super::sections::{self, Section, id, load};
use super::signatures::{Shape, Signatures};
use super::thread_start::{self, ThreadStart};
use super::{
    AHEAD, Exports, Features, InitTls, Kind, Memory, Module, functions, globals, imports, init_tls, memory, producers,
    segments, static_end, tables, tls_inside, uses, written,
};
use std::ops::Range;
use wasmparser::{BinaryReader, MemorySectionReader, TypeRef};

/// Reads `source` in place.
pub(super) fn read<R: ReadAt + ?Sized>(source: &R) -> Result<Module, ReadError> {
    let mut module = Module::default();
    let mut found = Found { source, sections: Vec::new() };
    let mut last = 0;
    sections::walk(source, &mut Window::new(source, AHEAD), |section, name| {
        match name {
            Some(name) => custom(source, &mut module, name, &section.range)?,
            None => {
                last = sections::place_after(last, &section)?;
                found.sections.push(section);
            }
        }
        Ok(true)
    })?;

    // First what is asked for by its name, so that of all else no more has to be kept than that.
    if let Some((bytes, at)) = found.load(id::EXPORTS)? {
        module.exports = Exports::read(bytes, at)?;
    }
    let mut signatures = Signatures::asked_of(&module.exports);
    let mut globals = globals::Reading::new(&module.exports);
    let mut tables = tables::Reading::default();
    if let Some((bytes, at)) = found.load(id::IMPORTS)? {
        module.imports = imports::read(&bytes, at, |import, function| {
            match import.ty {
                TypeRef::Func(kind) | TypeRef::FuncExact(kind) => signatures.function(function, kind),
                TypeRef::Memory(kind) => {
                    memory::add(&mut module.memories, kind, Some((import.module, import.name)), at)?;
                }
                TypeRef::Global(kind) => globals.import(kind),
                TypeRef::Table(table) => tables.add(table),
                TypeRef::Tag(_) => {}
            }
            Ok(())
        })?;
    }
    let mut declared = 0;
    if let Some((bytes, at)) = found.load(id::FUNCTIONS)? {
        declared = signatures.functions(&bytes, at, module.imports.functions)?;
    }
    if let Some((bytes, at)) = found.load(id::TYPES)? {
        signatures.types(&bytes, at)?;
    }
    if let Some((bytes, at)) = found.load(id::TABLES)? {
        tables.section(&bytes, at)?;
    }
    if let Some((bytes, at)) = found.load(id::MEMORIES)? {
        for kind in MemorySectionReader::new(BinaryReader::new(&bytes, at)).map_err(malformed)? {
            memory::add(&mut module.memories, kind.map_err(malformed)?, None, at)?;
        }
    }
    if let Some((bytes, at)) = found.load(id::GLOBALS)? {
        globals.section(&bytes, at)?;
    }
    module.globals = globals.end(&module.exports);
    module.tables = tables.end(&module.exports);
    module.start = found.number(id::START)?;
    if let Some(data) = found.get(id::DATA) {
        module.segments = segments::read(source, data)?;
    }
    found.is_whole(&module, declared)?;

    let range = found.get(id::CODE).cloned().unwrap_or(0..0);
    let mut code = Code { source, range, elements: found.get(id::ELEMENTS).cloned(), module: &mut module, functions: declared };
    code.init_tls(&signatures)?;
    code.thread_start(&signatures)?;
    code.heap_begins()?;
    code.written()?;
    let start = signatures.get("__wbindgen_start");
    module.wbindgen_start_takes_one = start.is_some_and(|(_, shape)| shape == Shape::Address);
    Ok(module)
}

/// Reads a custom section, if it is one that says something about threads.
fn custom<R: ReadAt + ?Sized>(source: &R, module: &mut Module, name: &str, range: &Range<u64>) -> Result<(), ReadError> {
    match name {
        "target_features" => {
            let features = Features::read(load(source, range)?);
            module.features = Some(features.map_err(|error| in_section(error, range.start))?);
        }
        NEED_SECTION => module.needs = needs(&load(source, range)?),
        "dylink.0" | "dylink" => module.dynamic = true,
        "__wasm_bindgen_unstable" => module.wants_wasm_bindgen = true,
        "producers" => module.by_wasm_bindgen = producers::name(&load(source, range)?, "processed-by", "wasm-bindgen"),
        // A file may have any number of others, and some have millions of bytes.
        _ => {}
    }
    Ok(())
}

/// The sections of a module, each at most once.
struct Found<'a, R: ?Sized> {
    source: &'a R,
    sections: Vec<Section>,
}

impl<R: ReadAt + ?Sized> Found<'_, R> {
    fn get(&self, id: u8) -> Option<&Range<u64>> {
        self.sections.iter().find(|section| section.id == id).map(|section| &section.range)
    }

    /// The contents of a section, and where they begin in the file.
    fn load(&self, id: u8) -> Result<Option<(Vec<u8>, u64)>, ReadError> {
        self.get(id).map(|range| Ok((load(self.source, range)?, range.start))).transpose()
    }

    /// A section that is one number.
    fn number(&self, id: u8) -> Result<Option<u32>, ReadError> {
        let Some((bytes, at)) = self.load(id)? else { return Ok(None) };
        match leb(&bytes) {
            Some((number, size)) if size == bytes.len() => Ok(Some(number)),
            _ => Err(cut_off(at)),
        }
    }

    /// A file that was cut off between two sections shows it only by what the sections before the cut say of those behind.
    fn is_whole(&self, module: &Module, declared: u32) -> Result<(), ReadError> {
        let end = self.source.size();
        let cut = |problem: String| Err(ReadError::Malformed(format!("cut off at byte {end}: {problem}")));
        let bodies = self.get(id::CODE).map_or(Ok(0), |code| functions::count(self.source, code))?;
        if declared != bodies {
            return cut(format!("{declared} functions are declared, {bodies} are there"));
        }
        let segments = module.segments.len();
        match self.number(id::DATA_COUNT)? {
            Some(count) if count as usize != segments => {
                cut(format!("{count} data segments are announced, {segments} are there"))
            }
            _ => Ok(()),
        }
    }
}

/// What is read off the code, where somebody asks for it: to read every function takes its time.
struct Code<'a, R: ?Sized> {
    source: &'a R,
    range: Range<u64>,
    /// The functions in tables.
    elements: Option<Range<u64>>,
    module: &'a mut Module,
    /// How many functions the module has of its own.
    functions: u32,
}

impl<R: ReadAt + ?Sized> Code<'_, R> {
    /// The number of a function among the module's own.
    fn own(&self, function: u32) -> Option<u32> {
        function.checked_sub(self.module.imports.functions)
    }

    /// Those of the module's own functions that are exported, but for one name.
    fn exported(&self, but: &str) -> Bits {
        let mut exported = Bits::none_of(self.functions as usize);
        for (_, export) in self.module.exports.iter().filter(|(name, export)| export.kind == Kind::Function && *name != but) {
            self.own(export.index).into_iter().for_each(|function| exported.set(function as usize));
        }
        exported
    }

    /// Looks at the exported `__wasm_init_tls`, or for a reason why there is none.
    fn init_tls(&mut self, signatures: &Signatures) -> Result<(), ReadError> {
        if let Some((function, shape)) = signatures.get("__wasm_init_tls") {
            let mut init = InitTls { takes_one_address: shape == Shape::Address, calls_first: None };
            if let Some(own) = self.own(function) {
                init.calls_first = init_tls::first_call(self.source, &self.range, own)?;
            }
            self.module.init_tls = Some(init);
        } else if crate::contract::asks_for_tls_inside(self.module) {
            let start = self.module.start.and_then(|start| self.own(start));
            let used = || self.used();
            self.module.tls_inside = tls_inside::read(self.source, &self.range, start, &self.module.segments, used)?;
        }
        Ok(())
    }

    /// Those of the module's own functions that somebody may call. `None` where that cannot be read.
    fn used(&self) -> Result<Option<Bits>, ReadError> {
        let mut used = self.exported("");
        let load = |range: &Range<u64>| Ok::<_, ReadError>((load(self.source, range)?, range.start));
        let elements = self.elements.as_ref().map(load).transpose()?;
        let known = uses::mark(self.source, &self.range, elements, self.module.imports.functions, &mut used)?;
        Ok(known.then_some(used))
    }

    /// Looks at the exported `wasi_thread_start`.
    fn thread_start(&mut self, signatures: &Signatures) -> Result<(), ReadError> {
        let Some((function, shape)) = signatures.get("wasi_thread_start") else { return Ok(()) };
        let mut start = ThreadStart { takes_id_and_address: shape == Shape::TwoNumbers, wrapped: None };
        if let Some(own) = self.own(function) {
            start.wrapped = thread_start::wrapper(self.source, &self.range, own, &self.exported(""))?;
        }
        self.module.thread_start = Some(start);
        Ok(())
    }

    /// Looks for the end of what is in the memory from the start, where it matters: the memory never grows, and nothing says it.
    fn heap_begins(&mut self) -> Result<(), ReadError> {
        let never_grows = |memory: &Memory| memory.shared && memory.maximum == Some(memory.minimum);
        if !self.module.memory().is_some_and(never_grows) || self.module.constant("__heap_base").is_some() {
            return Ok(());
        }
        let start = self.module.start.and_then(|start| self.own(start));
        let data = static_end::read(self.source, &self.range, start, &self.module.segments)?;
        // The linker's first global is the stack pointer, which begins at the stack's upper end.
        let stack = self.module.globals.first_variable.and_then(|(_, value)| value);
        self.module.heap_begins = data.zip(stack).map(|(data, stack)| data.max(stack));
        Ok(())
    }

    /// Looks for who writes the data, where there is no start function.
    fn written(&mut self) -> Result<(), ReadError> {
        if !crate::contract::asks_who_writes(self.module) {
            return Ok(());
        }
        let segments = &self.module.segments;
        let written = written::read(self.source, &self.range, &self.exported("__wasm_init_tls"), segments.len())?;
        let by_exports = segments.passive().filter(|segment| written.by_exports.get(*segment)).count();
        let by_export = by_exports + crate::contract::template(self.module) >= segments.passive().count();
        let inside = written.by_any.is_none_or(|by_any| {
            segments.iter().enumerate().all(|(index, segment)| segment.active || segment.size == 0 || by_any.get(index))
        });
        (self.module.written_by_export, self.module.written_inside) = (by_export, inside);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::functions::made;

    #[test]
    fn the_heap_begins_above_the_data_and_the_stack() {
        let read = |stack: u8| {
            let mut bytes = b"\0asm\x01\0\0\0".to_vec();
            let mut section = |id: u8, contents: &[u8]| {
                bytes.extend([id, u8::try_from(contents.len()).expect("short")]);
                bytes.extend(contents);
            };
            section(id::TYPES, &[1, 0x60, 0, 0]);
            section(id::IMPORTS, b"\x01\x03env\x06memory\x02\x03\x02\x02");
            section(id::FUNCTIONS, &[1, 0]);
            section(id::GLOBALS, &[1, 0x7f, 1, 0x41, stack, 0x0b]);
            section(id::START, &[0]);
            section(id::DATA_COUNT, &[1]);
            section(id::CODE, &made::code(&[&made::init(0, 32, 4)]));
            section(id::DATA, &[1, 1, 4, 1, 2, 3, 4]);
            super::read(&bytes[..]).expect("a module").heap_begins
        };
        assert_eq!(read(16), Some(36));
        assert_eq!(read(48), Some(48));
    }
}
