//! What the script needs to know of a module, which node does not tell: types of imports, limits of memories, places of data.

use super::stubs::{self, Gives, Import};
use serde_json::{Value, json};
use std::ops::Range;
use std::path::Path;
use wasm_threads::contract::{Abi, Contract, Stage};
use wasm_threads::module::{Details, Kind, Memory, Module};
use wasm_threads::picture::tls_template;
use wasmparser::{Parser, Payload};

/// The stack that wasm-bindgen's start is asked for, in bytes: a whole number of pages.
const STACK: u32 = 1 << 20;

/// The most zeros that are looked at, in bytes: node holds several copies of each, and a start can write any number of them.
const MOST_ZEROS: u64 = 64 << 20;

/// A module, ready to be started.
pub struct Plan {
    /// The stand-ins for its imports.
    pub stubs: Vec<u8>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// wasm-bindgen has been over it.
    pub after_wasm_bindgen: bool,
    /// Its addresses have 64 bits.
    pub wide: bool,
    /// Its thread-locals, where a host sets them up.
    pub tls: Option<Tls>,
    /// The data segment from which thread-locals get their first values, and where it lies in the file.
    template: Option<Range<u64>>,
    /// Each place that is written once: its address where it is known, its size, and where it lies in the file, if it does.
    regions: Vec<(Option<u64>, u64, Option<u64>)>,
    memories: Vec<Memory>,
}

/// The thread-locals of a linked module.
#[derive(Clone, Copy)]
pub struct Tls {
    /// Their size.
    pub size: u64,
    /// Where those of the first thread go, if the start function has left them to the host.
    pub first: u64,
    /// Where those of the second go.
    pub second: u64,
}

impl Plan {
    /// Reads what is needed of a module.
    ///
    /// # Errors
    ///
    /// Why it cannot be started here.
    pub fn new(bytes: &[u8], module: &Module, contract: Contract) -> Result<Plan, String> {
        match contract.abi {
            Abi::Javascript => {}
            Abi::WasiThreads | Abi::Wasi => return Err("its libc starts its threads from inside, by a WASI host".to_owned()),
            Abi::Emscripten | Abi::EmscriptenSide => {
                return Err("its threads are started by the script that emcc wrote beside it".to_owned());
            }
        }
        let memory = module.memory().ok_or("it has no memory")?;
        if !memory.shared || memory.import.is_none() {
            return Err("two threads can only be started on a memory that is shared and imported".to_owned());
        }
        if memory.page != wasm_threads::size::PAGE {
            return Err("no host of JavaScript can make a memory with pages of another size than 64 KiB".to_owned());
        }
        let details = Details::read(bytes, module).map_err(|error| error.to_string())?;
        let contents = contents(bytes)?;
        let stubs = stubs::of(bytes)?;
        let after_wasm_bindgen = contract.stage == Stage::AfterWasmBindgen;
        let template = tls_template(module, &details);
        let mut memories: Vec<Memory> = module.memories.iter().filter(|memory| memory.import.is_some()).cloned().collect();
        let tls = if after_wasm_bindgen { None } else { tls(module, &mut memories[0])? };

        let end = memory.minimum.saturating_mul(memory.page);
        let mut regions = Vec::new();
        for (index, (place, content)) in details.places.iter().zip(&contents).enumerate() {
            let size = content.end - content.start;
            // After wasm-bindgen, the template is written to the heap.
            if size > 0 && place.memory == 0 && (Some(index) != template || place.address.is_some()) {
                let address = place.address.filter(|address| address.saturating_add(size) <= end);
                regions.push((address, size, Some(content.start)));
            }
        }
        if !after_wasm_bindgen {
            regions
                .extend(zeros(&details.zeros, end).into_iter().map(|zeros| (Some(zeros.start), zeros.end - zeros.start, None)));
        }
        Ok(Plan {
            stubs: stubs.module,
            imports: stubs.imports,
            after_wasm_bindgen,
            wide: memory.wide,
            tls,
            template: template.and_then(|index| contents.get(index).cloned()),
            regions,
            memories,
        })
    }

    /// The size of the template of the thread-locals, where it is known.
    pub fn template_size(&self) -> Option<u64> {
        self.template.as_ref().map(|template| template.end - template.start)
    }

    /// The plan as the script reads it.
    pub fn json(&self, module: &Path, stubs: &Path) -> Value {
        let memory = |memory: &Memory| {
            let Memory { minimum, maximum, shared, wide, .. } = memory;
            json!({ "initial": minimum, "maximum": maximum, "shared": shared, "wide": wide })
        };
        let import = |Import { module, name, memory, gives }: &Import| {
            let gives = *gives == Gives::WhenCalled;
            json!({ "module": module, "name": name, "memory": memory, "gives": gives })
        };
        json!({
            "module": module.to_string_lossy(),
            "stubs": stubs.to_string_lossy(),
            "after": if self.after_wasm_bindgen { "wasm-bindgen" } else { "linker" },
            "stack": STACK,
            "wide": self.wide,
            "imports": self.imports.iter().map(import).collect::<Vec<_>>(),
            "memories": self.memories.iter().map(memory).collect::<Vec<_>>(),
            "tls": self.tls.map(|Tls { size, first, second }| json!({ "size": size, "first": first, "second": second })),
            "template": self.template.as_ref().map(|template| json!({ "at": template.start, "size": template.end - template.start })),
            "regions": self.regions.iter().map(|(address, size, at)| json!({ "address": address, "size": size, "at": at })).collect::<Vec<_>>(),
        })
    }
}

/// The zeros that are looked at, each once, of those that a start writes into a memory of `end` bytes.
fn zeros(written: &[Range<u64>], end: u64) -> Vec<Range<u64>> {
    let mut written: Vec<&Range<u64>> = written.iter().filter(|zeros| zeros.end <= end).collect();
    written.sort_by_key(|zeros| zeros.start);
    let (mut seen, mut left) = (0, MOST_ZEROS);
    let mut apart = Vec::new();
    for zeros in written {
        let start = zeros.start.max(seen);
        let size = zeros.end.saturating_sub(start).min(left);
        if size > 0 {
            apart.push(start..start + size);
            (seen, left) = (start + size, left - size);
        }
    }
    apart
}

/// Where the contents of each data segment lie in the file.
fn contents(bytes: &[u8]) -> Result<Vec<Range<u64>>, String> {
    let mut all = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::DataSection(section) = payload.map_err(|error| error.to_string())? {
            for data in section {
                let data = data.map_err(|error| error.to_string())?;
                all.push(data.range.end - data.data.len() as u64..data.range.end);
            }
        }
    }
    Ok(all)
}

/// Makes room for two blocks of thread-locals above what the module asks for, where a host is to set them up.
fn tls(module: &Module, memory: &mut Memory) -> Result<Option<Tls>, String> {
    let function = module.exports.get("__wasm_init_tls").is_some_and(|export| export.kind == Kind::Function);
    let Some(size) = module.constant("__tls_size").filter(|_| function && module.exports.contains_key("__tls_base")) else {
        return Ok(None);
    };
    let align = module.constant("__tls_align").unwrap_or(0);
    if align > memory.page {
        return Err(format!("its thread-locals are to be aligned to {align} bytes"));
    }
    // With a page between them, and one behind.
    let pages = size.div_ceil(memory.page) + 1;
    let room = memory.maximum.unwrap_or(memory.minimum) - memory.minimum;
    let first = if 2 * pages <= room {
        memory.minimum += 2 * pages;
        memory.minimum - 2 * pages
    } else {
        // A memory that never grows: its end is heap, which nothing has taken anything of yet.
        let heap = module.constant("__heap_base").map(|heap| heap.div_ceil(memory.page));
        let begin = memory.minimum.checked_sub(2 * pages);
        begin.filter(|begin| heap.is_some_and(|heap| heap <= *begin)).ok_or("its memory has no room for a second thread")?
    };
    let address = |page: u64| page.saturating_mul(memory.page);
    // In the middle of a page, so that there is something to look at on both sides.
    let inside = align.max(4096);
    Ok(Some(Tls { size, first: address(first) + inside, second: address(first + pages) + inside }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_held_once_and_within_bounds() {
        let all = |written: &[Range<u64>]| zeros(written, 1 << 32);
        assert_eq!(all(&[50..60, 0..10, 5..20, 0..20, 8..9, 20..30]), [0..10, 10..20, 20..30, 50..60]);
        assert_eq!(zeros(&[0..4, 5..10, 5..11], 10), [0..4, 5..10]);
        assert_eq!(
            all(&[10..10 + MOST_ZEROS - 4, 1 << 30..(1 << 30) + 100, 1 << 31..(1 << 31) + 1]),
            [10..MOST_ZEROS + 6, 1 << 30..(1 << 30) + 4]
        );
        let many = vec![0..MOST_ZEROS + 1; 1000];
        assert_eq!(all(&many).iter().map(|zeros| zeros.end - zeros.start).sum::<u64>(), MOST_ZEROS);
    }
}
