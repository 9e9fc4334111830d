//! What is where in a memory, as far as the module says it.
//!
//! `wasm-ld` lays it out in one of two ways (`Writer.cpp`, `layoutMemory`): the stack at the bottom, then the data, then the heap
//! (`--stack-first`, which rustc passes, and which is the default of LLVM 20 and later); or the data from 1024 on, then the
//! stack, then the heap. The stack grows down, from where its pointer begins. Nothing here is a guess that is not called one.

use crate::module::{Details, Export, Kind as ExportKind, Module};

/// What a part of a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is put there.
    Unused,
    /// The stack of the first thread.
    Stack,
    /// The thread-local storage of the first thread.
    Tls,
    /// Data segments.
    Data,
    /// Data that begins as zeros, and is in no segment.
    Zeros,
    /// What an allocator may use from the start.
    Heap,
    /// What the module does not tell.
    Unknown,
    /// What the memory may have later.
    Room,
}

impl Kind {
    /// For machines.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Unused => "unused",
            Kind::Stack => "stack",
            Kind::Tls => "tls",
            Kind::Data => "data",
            Kind::Zeros => "zeros",
            Kind::Heap => "heap",
            Kind::Unknown => "unknown",
            Kind::Room => "room",
        }
    }
}

/// A part of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// The same in words. May have names of the module in it.
    pub name: String,
    /// Its first byte.
    pub begins: u128,
    /// The byte behind its last.
    pub ends: u128,
}

impl Part {
    /// Its size in bytes.
    pub fn size(&self) -> u128 {
        self.ends - self.begins
    }
}

/// How the stack pointer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// By the export `__stack_pointer`.
    Export,
    /// By its name in the `name` section.
    Name,
    /// As the first global that can be set, which is where linkers put it.
    Order,
}

impl Found {
    /// For machines.
    pub fn id(self) -> &'static str {
        match self {
            Found::Export => "export",
            Found::Name => "name",
            Found::Order => "order",
        }
    }
}

/// The first memory of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its parts in order, without gaps that matter: the last may be [`Kind::Room`].
    pub parts: Vec<Part>,
    /// Where the stack pointer begins, and how that was found.
    pub stack: Option<(u64, Found)>,
    /// Its size at the start, in bytes.
    pub initial: u128,
    /// The most it may have, in bytes.
    pub maximum: Option<u128>,
    /// What is not known, and why.
    pub notes: Vec<String>,
}

/// What is smaller between two parts is there for the sake of alignment.
const PADDING: u128 = 64;

/// Where `wasm-ld` begins with the data, unless the stack or somebody's word comes first (`Driver.cpp`, `global-base`).
const GLOBAL_BASE: u128 = 1024;

/// More data segments than that are shown as one.
const MOST_SEGMENTS: usize = 8;

/// A stretch of data whose address is known.
#[derive(Clone)]
struct Placed {
    begins: u128,
    ends: u128,
    name: String,
    tls: bool,
}

/// The data segment that each thread gets a copy of. It is the only passive one that the start function keeps.
pub fn tls_template(module: &Module, details: &Details) -> Option<usize> {
    let passive = || module.segments.passive();
    if let Some(named) = passive().find(|index| details.places[*index].name.as_deref() == Some(".tdata")) {
        return Some(named);
    }
    let mut kept = passive().filter(|index| !details.places[*index].dropped);
    match (kept.next(), kept.next()) {
        (Some(only), None) if details.writer.is_some() => Some(only),
        // wasm-ld 14 makes no start function for it.
        (Some(only), None) => {
            let size = module.segments.iter().nth(only).map(|segment| u64::from(segment.size));
            size.filter(|size| module.constant("__tls_size") == Some(*size)).map(|_| only)
        }
        _ => None,
    }
}

/// Where the stack pointer begins.
fn stack_pointer(module: &Module, details: &Details, initial: u128) -> Option<(u64, Found)> {
    if let Some(value) = module.constant("__stack_pointer") {
        return Some((value, Found::Export));
    }
    if let Some((_, value)) = details.stack_pointer {
        return value.map(|value| (value, Found::Name));
    }
    let (first, value) = module.globals.first_variable?;
    let otherwise = |(name, export): (&str, Export)| {
        export.kind == ExportKind::Global && export.index == first && name != "__stack_pointer"
    };
    if details.names_first_variable || module.exports.iter().any(otherwise) {
        return None;
    }
    // A stack begins at a multiple of 16 and inside the memory; that of another compiler may be anywhere.
    let pointer = value?;
    (pointer > 0 && pointer % 16 == 0 && u128::from(pointer) <= initial).then_some((pointer, Found::Order))
}

impl Layout {
    /// Of the first memory, where there is one.
    pub fn of(module: &Module, details: &Details) -> Option<Layout> {
        let memory = module.memory()?;
        let bytes = |pages: u64| u128::from(pages) * u128::from(memory.page);
        let mut layout = Layout {
            parts: Vec::new(),
            stack: None,
            initial: bytes(memory.minimum),
            maximum: memory.maximum.map(bytes),
            notes: Vec::new(),
        };
        if module.dynamic {
            layout.notes.push("a shared library: whoever loads it says where its data and its stack are".to_owned());
        } else {
            layout.stack = stack_pointer(module, details, layout.initial);
            layout.lay_out(module, details);
        }
        let known = layout.parts.last().map_or(0, |part| part.ends);
        layout.push(Kind::Unknown, "not known", known, layout.initial, 1);
        if let Some(maximum) = layout.maximum {
            layout.push(Kind::Room, "room to grow", layout.initial, maximum, 1);
        }
        Some(layout)
    }

    /// Appends a part, if it is large enough to be one.
    fn push(&mut self, kind: Kind, name: impl Into<String>, begins: u128, ends: u128, least: u128) {
        if ends > begins && ends - begins >= least {
            self.parts.push(Part { kind, name: name.into(), begins, ends });
        }
    }

    fn lay_out(&mut self, module: &Module, details: &Details) {
        let Some((placed, all)) = self.placed(module, details) else { return };
        let memory = module.memory().expect("the layout is that of a memory");
        let own = |name: &str| module.constant(name).map(u128::from);
        let ranges = || details.zeros.iter().chain(&details.flags);

        // The static data: what is written to memory, and zeros up to where the linker says.
        let first = placed.iter().map(|placed| placed.begins).chain(ranges().map(|range| range.start.into())).min();
        let last = placed.iter().map(|placed| placed.ends).chain(ranges().map(|range| range.end.into())).max().unwrap_or(0);
        let believed = |layout: &mut Layout, name: &str| {
            let value = own(name)?;
            let wrong = value < last || value > layout.initial;
            if wrong {
                layout.notes.push(format!("{name} is {value:#x}, which cannot be: it is not used here"));
            }
            (!wrong).then_some(value)
        };
        let data_end = believed(self, "__data_end");
        let heap_base = believed(self, "__heap_base");
        let pointer = self.stack.map(|(pointer, _)| u128::from(pointer));
        let pointer = pointer.filter(|pointer| *pointer <= self.initial);
        let begin = first.into_iter().chain(own("__global_base").filter(|base| *base <= last)).min();
        let stack_first = begin.is_some_and(|begin| pointer.is_some_and(|pointer| pointer <= begin));
        // Zeros are written to an imported memory, since nobody knows what it holds; in a memory of the module's own they
        // leave no trace.
        let traced = memory.import.is_some() && all && (details.writer.is_some() || module.start.is_none());
        let end = match (data_end, heap_base) {
            (Some(end), _) => Some(end),
            (None, _) if traced => Some(last),
            (None, Some(base)) if stack_first => Some(base),
            _ => None,
        };
        let begin = begin.or(end.filter(|end| *end > 0)).unwrap_or(0);
        let static_end = end.unwrap_or(last);

        let stack_name = if memory.shared { "stack of the first thread" } else { "stack" };
        let low = own("__stack_low");
        let mut at = 0;
        match pointer {
            Some(pointer) if pointer <= begin => {
                let low = low.filter(|low| *low < pointer).unwrap_or(0);
                self.push(Kind::Unused, "not used", 0, low, 1);
                self.push(Kind::Stack, stack_name, low, pointer, 1);
                at = pointer;
            }
            Some(pointer) if pointer < static_end => {
                self.notes.push(format!(
                    "the stack pointer begins at {pointer:#x}, inside the data: where the stack is is not known"
                ));
            }
            Some(_) => {}
            None => self.notes.push("where the stack is is not known: no stack pointer was found".to_owned()),
        }
        let below =
            if pointer.is_some() { (Kind::Unused, "not used") } else { (Kind::Unknown, "not known; the stack may be there") };
        let least = if at == 0 { 1 } else { PADDING };
        self.push(below.0, below.1, at, if static_end > begin { begin } else { at }, least);
        self.data(&placed, begin, static_end);
        let mut at = self.parts.last().map_or(0, |part| part.ends).max(static_end);
        if let Some(pointer) = pointer.filter(|pointer| *pointer > begin && *pointer >= static_end) {
            match end {
                None => self.push(Kind::Unknown, "zeroed data and the stack, not told apart", at, pointer, 1),
                Some(end) => {
                    // Without any data the stack begins where the data would.
                    let bottom = if end == 0 && pointer % 65_536 != 0 && pointer > GLOBAL_BASE { GLOBAL_BASE } else { end };
                    let low = low.filter(|low| (end..pointer).contains(low)).unwrap_or(bottom.next_multiple_of(16));
                    self.push(Kind::Unused, "not used", at, low, PADDING);
                    self.push(Kind::Stack, stack_name, low, pointer, 1);
                }
            }
            at = at.max(pointer);
        }
        // The heap begins above all that.
        let heap = heap_base.filter(|base| *base >= at).or_else(|| {
            // A stack above the data has all of it below, zeros too, however many those are.
            let above = |pointer: u128| pointer >= static_end && (end.is_some() || first.is_some() && pointer > begin);
            let known = pointer.is_some_and(|pointer| above(pointer) || (end.is_some() && pointer <= begin));
            known.then(|| at.next_multiple_of(16))
        });
        if end.is_none() {
            let note = "how much zeroed data there is is not recorded: __heap_base and __data_end are not exported";
            self.notes.push(note.to_owned());
        }
        match heap {
            Some(heap) => {
                self.push(Kind::Unused, "not used", at, heap, PADDING);
                self.push(Kind::Heap, "heap", heap, self.initial, 1);
            }
            None if end.is_none() => {
                self.push(Kind::Unknown, "zeroed data and heap, not told apart", at, self.initial, 1);
            }
            None => self.push(Kind::Unknown, "not known; the heap, and maybe the stack", at, self.initial, 1),
        }
    }

    /// The segments whose addresses are known, in their order in memory, and whether those are all. None where they cannot be
    /// what they say.
    fn placed(&mut self, module: &Module, details: &Details) -> Option<(Vec<Placed>, bool)> {
        let template = tls_template(module, details);
        let mut placed = Vec::new();
        let mut lost = 0_usize;
        for (index, (segment, place)) in module.segments.iter().zip(&details.places).enumerate() {
            let tls = template == Some(index);
            match place.address {
                _ if segment.size == 0 || place.memory != 0 => {}
                Some(address) => {
                    let begins = u128::from(address);
                    let ends = begins + u128::from(segment.size);
                    let name = match &place.name {
                        _ if tls => "thread-locals of the first thread".to_owned(),
                        Some(name) => format!("data {name}"),
                        None => format!("data, segment {index}"),
                    };
                    placed.push(Placed { begins, ends, name, tls });
                }
                // Its place is given when a thread starts.
                None if tls => {}
                None => lost += 1,
            }
        }
        placed.sort_by_key(|placed| placed.begins);
        if lost > 0 {
            let what = if lost == 1 { "a data segment has".to_owned() } else { format!("{lost} data segments have") };
            self.notes.push(format!("{what} no address that can be read off the module"));
        }
        let beyond = |end: u128| end > self.initial;
        let ranges = details.zeros.iter().chain(&details.flags);
        if placed.iter().map(|placed| placed.ends).chain(ranges.map(|range| range.end.into())).any(beyond) {
            self.notes.push("data is written beyond the end of the memory: nothing is shown of it".to_owned());
            return None;
        }
        if placed.windows(2).any(|pair| pair[0].ends > pair[1].begins) {
            self.notes.push("data segments lie over one another: nothing is shown of them".to_owned());
            return None;
        }
        Some((placed, lost == 0))
    }

    /// The data from `begin` to `end`: segments, and zeros between them and behind them.
    fn data(&mut self, placed: &[Placed], begin: u128, end: u128) {
        let many = placed.iter().filter(|placed| !placed.tls).count() > MOST_SEGMENTS;
        let mut parts: Vec<(Placed, usize)> = Vec::new();
        for placed in placed {
            match parts.last_mut() {
                Some((before, count)) if many && !before.tls && !placed.tls => {
                    before.ends = placed.ends;
                    *count += 1;
                }
                _ => parts.push((placed.clone(), 1)),
            }
        }
        let mut at = begin;
        for (placed, count) in parts {
            self.push(Kind::Zeros, "data that begins as zeros", at, placed.begins, PADDING);
            let name = if count > 1 { format!("data, {count} segments and zeros between") } else { placed.name };
            self.push(if placed.tls { Kind::Tls } else { Kind::Data }, name, placed.begins, placed.ends, 1);
            at = placed.ends;
        }
        self.push(Kind::Zeros, "data that begins as zeros", at, end, PADDING);
    }

    /// The parts that are there at the start.
    pub fn at_start(&self) -> &[Part] {
        match self.parts.split_last() {
            Some((last, before)) if last.kind == Kind::Room => before,
            _ => &self.parts,
        }
    }
}
