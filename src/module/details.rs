//! What only somebody who looks at one module wants to know: who made it, what is where in its memory, what it imports.
//!
//! [`Module::read`](super::Module::read) reads none of it, since a link must not wait for it.

use super::error::{ReadError, malformed};
use super::leb::leb;
use super::read_at::{ReadAt, Window};
use super::sections::{self, Section, id, load};
use super::segments::{constant, headers};
use super::writes::Write;
use super::{AHEAD, Module, functions, producers};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use wasmparser::{BinaryReader, GlobalSectionReader, ImportSectionReader, Name, TypeRef};

/// The details of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What the `producers` section says: the field (`language`, `processed-by`, `sdk`), a name and a version.
    pub producers: Vec<[String; 3]>,
    /// The imports that matter for threads: their module, name, and what they are.
    pub imports: Vec<(String, String, &'static str)>,
    /// How many others there are, but for the memories.
    pub other_imports: usize,
    /// For each data segment of the module, in its order.
    pub places: Vec<Place>,
    /// What is set to zero where the data is written: memory without data.
    pub zeros: Vec<Range<u64>>,
    /// The words by which threads agree who writes the data.
    pub flags: Vec<Range<u64>>,
    /// The function that writes the passive segments, where there is one; mostly that is the start function.
    pub writer: Option<u32>,
    /// The global that the `name` section calls `__stack_pointer`, and its value, where that is a plain number.
    pub stack_pointer: Option<(u32, Option<u64>)>,
    /// The `name` section has a name for the first global that can be set.
    pub names_first_variable: bool,
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
        let (mut last_names, mut sections) = (0..0, Vec::new());
        let mut last_producers = 0..0;
        sections::walk(source, &mut Window::new(source, AHEAD), |section, name| {
            let size = section.range.end - section.range.start;
            match (section.id, name) {
                (id::CUSTOM, name) => {
                    details.custom += size;
                    match name {
                        Some("name") => last_names = section.range,
                        Some("producers") => last_producers = section.range,
                        _ => {}
                    }
                }
                (id::CODE, _) => {
                    details.code += size;
                    sections.push(section);
                }
                (id::IMPORTS | id::GLOBALS | id::DATA, _) => sections.push(section),
                _ => {}
            }
            Ok(true)
        })?;
        details.producers(&load(source, &last_producers)?);
        let section = |id: u8| sections.iter().find(|section: &&Section| section.id == id).map(|section| &section.range);
        let mut imported_globals = 0;
        if let Some(range) = section(id::IMPORTS) {
            imported_globals = details.imports(&load(source, range)?, range.start)?;
        }
        let mut named = Named { variable: module.globals.first_variable.map(|(index, _)| index), ..Named::default() };
        details.names(source, &last_names, &mut named)?;
        details.names_first_variable = named.names_variable;
        if let Some(index) = named.stack_pointer {
            let own = index.checked_sub(imported_globals).zip(section(id::GLOBALS));
            let value = own.map_or(Ok(None), |(own, range)| value_of(&load(source, range)?, range.start, own))?;
            details.stack_pointer = Some((index, value));
        }
        if let Some(range) = section(id::DATA) {
            details.active_segments(source, range)?;
        }
        if let Some(code) = section(id::CODE) {
            details.passive_segments(source, code, module)?;
        }
        Ok(details)
    }

    /// What it says, up to where it cannot be read any more: then nothing.
    fn producers(&mut self, section: &[u8]) {
        let mut room = Room(section.len());
        let whole = producers::each(section, |field, name, version| {
            if self.producers.len() < MOST_PRODUCERS && room.take(field.len() + name.len() + version.len()) {
                self.producers.push([field, name, version].map(str::to_owned));
            }
        });
        if !whole {
            self.producers.clear();
        }
    }

    /// Says how many globals are imported.
    fn imports(&mut self, section: &[u8], offset: u64) -> Result<u32, ReadError> {
        let mut room = Room(section.len());
        let mut globals = 0;
        for import in ImportSectionReader::new(BinaryReader::new(section, offset)).map_err(malformed)?.into_imports() {
            let import = import.map_err(malformed)?;
            let kind = match import.ty {
                TypeRef::Memory(_) => continue,
                TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
                TypeRef::Global(_) => "global",
                TypeRef::Table(_) => "table",
                TypeRef::Tag(_) => "tag",
            };
            globals += u32::from(kind == "global");
            let (module, name) = (import.module, import.name);
            if is_for_threads(module, name) && room.take(module.len() + name.len()) {
                self.imports.push((module.to_owned(), name.to_owned(), kind));
            } else {
                self.other_imports += 1;
            }
        }
        Ok(globals)
    }

    /// The names of globals and segments. Those of functions may be many megabytes, and are stepped over.
    fn names<R: ReadAt + ?Sized>(&mut self, source: &R, section: &Range<u64>, named: &mut Named) -> Result<(), ReadError> {
        const GLOBALS: u8 = 7;
        const DATA: u8 = 9;
        let mut window = Window::new(source, 8);
        let mut at = section.start;
        while at < section.end {
            let head = window.at(at, 6)?;
            let (Some(&id), Some((size, bytes))) = (head.first(), leb(head.get(1..).unwrap_or_default())) else {
                return Ok(());
            };
            let start = at;
            at += 1 + bytes as u64 + u64::from(size);
            if at > section.end {
                return Ok(());
            }
            if matches!(id, GLOBALS | DATA) {
                self.names_of(&load(source, &(start..at))?, named);
            }
        }
        Ok(())
    }

    fn names_of(&mut self, subsection: &[u8], named: &mut Named) {
        for name in wasmparser::NameSectionReader::new(BinaryReader::new(subsection, 0)) {
            match name {
                Ok(Name::Global(names)) => {
                    for naming in names.into_iter().flatten() {
                        named.names_variable |= Some(naming.index) == named.variable;
                        if naming.name == "__stack_pointer" {
                            named.stack_pointer = named.stack_pointer.or(Some(naming.index));
                        }
                    }
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
    fn active_segments<R: ReadAt + ?Sized>(&mut self, source: &R, section: &Range<u64>) -> Result<(), ReadError> {
        let mut places = self.places.iter_mut();
        headers(source, section, |header| {
            if let Some(place) = places.next().filter(|_| header.segment.active) {
                (place.memory, place.address) = (header.segment.memory, header.address);
            }
        })
    }

    /// The addresses that a function writes passive segments to: the start function, or one that it calls, or, when
    /// wasm-bindgen took the start section away, any.
    fn passive_segments<R: ReadAt + ?Sized>(
        &mut self,
        source: &R,
        code: &Range<u64>,
        module: &Module,
    ) -> Result<(), ReadError> {
        self.functions = functions::count(source, code)?;
        let imported = module.imports.functions;
        let start = module.start.and_then(|start| start.checked_sub(imported));
        // A module without passive segments may have zeros to write.
        let passive = module.segments.passive().next().is_some();
        let mut best: Option<(u32, Written)> = None;
        for only in [start, None] {
            if only.is_none() && (!passive || best.as_ref().is_some_and(|(_, written)| !written.inits.is_empty())) {
                break;
            }
            functions::each(source, code, |mut body| {
                if only.is_some_and(|only| body.number != only) {
                    return Ok(true);
                }
                let mut written = Written::default();
                // A body that cannot be read writes nothing that could be shown.
                if !body.writes(|write| written.add(write))? {
                    written = Written::default();
                }
                // The linker's own function throws away what it has written.
                let rank = |written: &Written| (written.drops.len().min(written.inits.len()), written.inits.len());
                let more = rank(&written) > best.as_ref().map_or((0, 0), |(_, best)| rank(best));
                if more || only.is_some() {
                    best = Some((body.number, written));
                }
                Ok(only.is_none())
            })?;
        }
        let Some((function, written)) = best else { return Ok(()) };
        for (index, segment) in module.segments.iter().enumerate() {
            let (place, number) = (&mut self.places[index], index as u32);
            place.dropped = written.drops.contains(&number);
            if let Some(to) = written.inits.get(&number).filter(|_| !segment.active) {
                place.address = Some(*to);
            }
        }
        if !written.inits.is_empty() || !written.zeros.is_empty() {
            self.writer = function.checked_add(imported);
        }
        self.zeros = written.zeros;
        self.flags = written.flags;
        Ok(())
    }
}

/// What the `name` section says of globals.
#[derive(Default)]
struct Named {
    /// The one that is asked for.
    variable: Option<u32>,
    names_variable: bool,
    stack_pointer: Option<u32>,
}

/// More of them nobody wants to read.
const MOST_PRODUCERS: usize = 100;

/// For copies of a section's texts: a text that stands there once, for many entries, must not be copied for each.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

fn is_for_threads(module: &str, name: &str) -> bool {
    let linker = ["__stack_pointer", "__tls_base", "__memory_base", "__table_base"];
    let wasm_bindgen = ["__wbindgen_memory", "__wbindgen_module"];
    name.contains("thread")
        || linker.contains(&name)
        || wasm_bindgen.contains(&name)
        || (module == "wasi" && name == "thread-spawn")
}

/// The value of the global of that number in the section, where it is a plain number.
fn value_of(section: &[u8], offset: u64, number: u32) -> Result<Option<u64>, ReadError> {
    let globals = GlobalSectionReader::new(BinaryReader::new(section, offset)).map_err(malformed)?;
    let Some(global) = globals.into_iter().nth(number as usize) else { return Ok(None) };
    constant(&mut global.map_err(malformed)?.init_expr.get_operators_reader()).map_err(malformed)
}

/// What a function writes at addresses that are plain numbers.
#[derive(Default)]
struct Written {
    inits: BTreeMap<u32, u64>,
    zeros: Vec<Range<u64>>,
    flags: Vec<Range<u64>>,
    drops: BTreeSet<u32>,
}

impl Written {
    fn add(&mut self, write: Write) {
        match write {
            Write::Init(segment, Some(to)) => drop(self.inits.insert(segment, to.start)),
            Write::Fill(Some((to, 0))) => self.zeros.push(to),
            Write::Drop(segment) => drop(self.drops.insert(segment)),
            Write::Agree(word) => self.flags.push(word),
            Write::Init(_, None) | Write::Fill(_) => {}
        }
    }
}
