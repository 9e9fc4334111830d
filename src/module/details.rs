//! What only somebody who looks at one module wants to know: who made it, what is where in its memory, what it imports.
//!
//! [`Module::read`](super::Module::read) reads none of it, since a link must not wait for it.

use super::read_at::{ReadAt, Window};
use super::sections::{self, CUSTOM, ReadError, Section, bodies, cut_off};
use super::{AHEAD, BinaryReader, CODE, Module, Operator, SegmentHeader, load, malformed, segment_header};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wasmparser::{FunctionBody, ImportSectionReader, MemArgTarget, Name, TypeRef};

/// The details of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What the `producers` section says: the field (`language`, `processed-by`, `sdk`), a name and a version.
    pub producers: Vec<[String; 3]>,
    /// Every import but the memories: its module, name, and what it is.
    pub imports: Vec<(String, String, &'static str)>,
    /// For each data segment of the module, in its order.
    pub places: Vec<Place>,
    /// What is set to zero where the data is written: memory without data.
    pub zeros: Vec<Range<u64>>,
    /// The words by which threads agree who writes the data.
    pub flags: Vec<Range<u64>>,
    /// The function that writes the passive segments, where there is one; mostly that is the start function.
    pub writer: Option<u32>,
    /// The names of globals, of the `name` section.
    pub global_names: BTreeMap<u32, String>,
    /// How many functions it has of its own.
    pub functions: u32,
    /// The bytes of its code.
    pub code: u64,
    /// The bytes of all its custom sections.
    pub custom: u64,
}

/// Where a data segment goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its name, of the `name` section: `.rodata`.
    pub name: Option<String>,
    /// The memory that it goes to, by its number.
    pub memory: u32,
    /// The address, where that is a plain number.
    pub address: Option<u64>,
    /// Whether it is thrown away when it was written. The template of the thread-local storage never is.
    pub dropped: bool,
}

impl Details {
    /// Reads `source` once more, which `module` was read from.
    ///
    /// # Errors
    ///
    /// As [`Module::read`] has them. What is wrong in a section of names or of producers is no error: no engine reads those.
    pub fn read<R: ReadAt + ?Sized>(source: &R, module: &Module) -> Result<Details, ReadError> {
        let mut details = Details { places: vec![Place::default(); module.segments.len()], ..Details::default() };
        let mut found: Vec<Section> = Vec::new();
        let mut window = Window::new(source, AHEAD);
        sections::walk(source, &mut window, |section| {
            let size = section.range.end - section.range.start;
            match (section.id, section.name.as_deref()) {
                (CUSTOM, name) => {
                    details.custom += size;
                    if matches!(name, Some("name" | "producers")) {
                        found.push(section);
                    }
                }
                (CODE, _) => {
                    details.code += size;
                    found.push(section);
                }
                (2 | 11, _) => found.push(section),
                _ => {}
            }
            Ok(true)
        })?;
        for section in &found {
            let offset = section.range.start;
            match (section.id, section.name.as_deref()) {
                (CUSTOM, Some("producers")) => details.producers = producers(&load(source, section)?).unwrap_or_default(),
                (CUSTOM, _) => details.names(source, section)?,
                (2, _) => details.imports(&load(source, section)?, offset)?,
                (11, _) => details.active_segments(source, section)?,
                _ => {}
            }
        }
        if let Some(code) = found.iter().find(|section| section.id == CODE) {
            details.passive_segments(source, &code.range, module)?;
        }
        Ok(details)
    }

    fn imports(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        for import in ImportSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)?.into_imports() {
            let import = import.map_err(malformed)?;
            let kind = match import.ty {
                TypeRef::Memory(_) => continue,
                TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
                TypeRef::Global(_) => "global",
                TypeRef::Table(_) => "table",
                TypeRef::Tag(_) => "tag",
            };
            self.imports.push((import.module.to_owned(), import.name.to_owned(), kind));
        }
        Ok(())
    }

    /// The names of globals and segments. Those of functions may be many megabytes, and are stepped over.
    fn names<R: ReadAt + ?Sized>(&mut self, source: &R, section: &Section) -> Result<(), ReadError> {
        const GLOBALS: u8 = 7;
        const DATA: u8 = 9;
        let mut window = Window::new(source, 8);
        let mut at = section.range.start;
        while at < section.range.end {
            let head = window.at(at, 6)?;
            let (Some(&id), Some((size, bytes))) = (head.first(), sections::leb(head.get(1..).unwrap_or_default())) else {
                return Ok(());
            };
            let start = at;
            at += 1 + bytes as u64 + u64::from(size);
            if at > section.range.end {
                return Ok(());
            }
            if matches!(id, GLOBALS | DATA) {
                let part = Section { id, name: None, range: start..at };
                self.names_of(&load(source, &part)?);
            }
        }
        Ok(())
    }

    fn names_of(&mut self, subsection: &[u8]) {
        for name in wasmparser::NameSectionReader::new(BinaryReader::new(subsection, 0)) {
            match name {
                Ok(Name::Global(names)) => {
                    let names = names.into_iter().flatten().map(|naming| (naming.index, naming.name.to_owned()));
                    self.global_names.extend(names);
                }
                Ok(Name::Data(names)) => {
                    for naming in names.into_iter().flatten() {
                        if let Some(place) = self.places.get_mut(naming.index as usize) {
                            place.name = Some(naming.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The addresses that active segments have in their headers.
    fn active_segments<R: ReadAt + ?Sized>(&mut self, source: &R, section: &Section) -> Result<(), ReadError> {
        let mut window = Window::new(source, AHEAD);
        let Section { range, .. } = section;
        let left = |at: u64| usize::try_from((range.end - at).min(256)).unwrap_or(256);
        let (_, bytes) = sections::leb(window.at(range.start, 5)?).ok_or_else(|| cut_off(range.start))?;
        let mut at = range.start + bytes as u64;
        for place in &mut self.places {
            let wanted = left(at);
            let head = window.at(at, wanted)?;
            let head = &head[..wanted.min(head.len())];
            let SegmentHeader { memory, length, size } = segment_header(head, at)?;
            if memory.is_some() {
                (place.memory, place.address) = place_of(head, at).unwrap_or_default();
            }
            at = at + length as u64 + u64::from(size);
            if at > range.end {
                return Err(cut_off(at));
            }
        }
        Ok(())
    }

    /// The addresses that a function writes passive segments to: the start function, or one that it calls, or, when
    /// wasm-bindgen took the start section away, any.
    fn passive_segments<R: ReadAt + ?Sized>(
        &mut self,
        source: &R,
        code: &Range<u64>,
        module: &Module,
    ) -> Result<(), ReadError> {
        let mut window = Window::new(source, 8);
        self.functions = sections::leb(window.at(code.start, 5)?).map_or(0, |(count, _)| count);
        let imported = self.imports.iter().filter(|(_, _, kind)| *kind == "function").count();
        let imported = u32::try_from(imported).unwrap_or(u32::MAX);
        let start = module.start.and_then(|start| start.checked_sub(imported));
        // A module without passive segments may have zeros to write.
        let passive = module.segments.iter().any(|segment| !segment.active);
        let mut best: Option<(u32, Writes)> = None;
        for only in [start, None] {
            if only.is_none() && (!passive || best.as_ref().is_some_and(|(_, writes)| !writes.inits.is_empty())) {
                break;
            }
            bodies(source, code, |index, range, window| {
                if only.is_some_and(|only| index != only) {
                    return Ok(true);
                }
                let size = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
                let held = window.at(range.start, size)?;
                // A body that cannot be read writes nothing that could be shown.
                let writes = Writes::of(&held[..size.min(held.len())], range.start).unwrap_or_default();
                // The linker's own function throws away what it has written.
                let rank = |writes: &Writes| (writes.drops.len().min(writes.inits.len()), writes.inits.len());
                let more = rank(&writes) > best.as_ref().map_or((0, 0), |(_, best)| rank(best));
                if more || only.is_some() {
                    best = Some((index, writes));
                }
                Ok(only.is_none())
            })?;
        }
        let Some((index, writes)) = best else { return Ok(()) };
        for (segment, to) in &writes.inits {
            let active = module.segments.get(*segment as usize).is_none_or(|segment| segment.active);
            if let Some(place) = self.places.get_mut(*segment as usize).filter(|_| !active) {
                place.address = Some(*to);
            }
        }
        for segment in &writes.drops {
            if let Some(place) = self.places.get_mut(*segment as usize) {
                place.dropped = true;
            }
        }
        if !writes.inits.is_empty() || !writes.fills.is_empty() {
            self.writer = index.checked_add(imported);
        }
        self.zeros = writes.fills;
        self.flags = writes.flags;
        Ok(())
    }
}

/// The memory and the address in the header of an active segment.
fn place_of(head: &[u8], at: u64) -> Option<(u32, Option<u64>)> {
    let mut reader = BinaryReader::new(head, at);
    let memory = if reader.read_var_u32().ok()? == 2 { reader.read_var_u32().ok()? } else { 0 };
    let mut operators = wasmparser::OperatorsReader::new(reader);
    let address = match (operators.read().ok()?, operators.read().ok()?) {
        (Operator::I32Const { value }, Operator::End) => Some(u64::from(value.cast_unsigned())),
        (Operator::I64Const { value }, Operator::End) => Some(value.cast_unsigned()),
        _ => None,
    };
    Some((memory, address))
}

pub(super) fn producers(section: &[u8]) -> Option<Vec<[String; 3]>> {
    let mut all = Vec::new();
    for field in wasmparser::ProducersSectionReader::new(BinaryReader::new(section, 0)).ok()? {
        let field = field.ok()?;
        for value in field.values {
            let value = value.ok()?;
            all.push([field.name.to_owned(), value.name.to_owned(), value.version.to_owned()]);
        }
    }
    Some(all)
}

/// What a function writes at addresses that are plain numbers, as `wasm-ld`'s `__wasm_init_memory` does (`Writer.cpp`,
/// `createInitMemoryFunction`).
#[derive(Default)]
struct Writes {
    inits: BTreeMap<u32, u64>,
    fills: Vec<Range<u64>>,
    flags: Vec<Range<u64>>,
    drops: BTreeSet<u32>,
}

impl Writes {
    fn of(body: &[u8], offset: u64) -> Option<Writes> {
        let mut writes = Writes::default();
        // The numbers on the stack, as far as they are known.
        let mut numbers: Vec<u64> = Vec::new();
        for operator in FunctionBody::new(BinaryReader::new(body, offset)).get_operators_reader().ok()? {
            match (operator.ok()?, numbers.as_slice()) {
                (Operator::I32Const { value }, _) => {
                    numbers.push(u64::from(value.cast_unsigned()));
                    continue;
                }
                (Operator::I64Const { value }, _) => {
                    numbers.push(value.cast_unsigned());
                    continue;
                }
                // The address of the thread-local storage is kept as well.
                (Operator::GlobalSet { .. }, _) => {
                    numbers.pop();
                    continue;
                }
                (Operator::MemoryInit { data_index, mem: 0 }, [.., to, _, _]) => {
                    writes.inits.insert(data_index, *to);
                }
                (Operator::MemoryFill { mem: 0 }, [.., to, 0, size]) => writes.fills.push(*to..to.checked_add(*size)?),
                (Operator::I32AtomicRmwCmpxchg { memarg }, [.., to, _, _]) if memarg.target == MemArgTarget::Memory(0) => {
                    let to = to.checked_add(memarg.offset)?;
                    writes.flags.push(to..to.checked_add(4)?);
                }
                (Operator::DataDrop { data_index }, _) => {
                    writes.drops.insert(data_index);
                }
                _ => {}
            }
            numbers.clear();
        }
        Some(writes)
    }
}
