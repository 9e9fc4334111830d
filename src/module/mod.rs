//! The facts of a WebAssembly module, as far as threads are concerned.

mod bits;
mod component;
mod details;
mod error;
mod exports;
mod features;
pub(crate) mod functions;
mod globals;
mod imports;
mod init_tls;
mod leb;
mod memory;
mod needs;
mod producers;
mod read;
mod read_at;
pub(crate) mod sections;
mod segments;
mod signatures;
mod static_end;
mod tables;
mod thread_start;
mod tls_inside;
mod uses;
mod writes;
mod written;

pub use component::{CoreModule, CoreModules, core_modules};
pub use details::{Details, Place};
pub use error::ReadError;
pub use exports::{Export, Exports, Kind};
pub use features::Features;
pub use globals::{Global, Globals};
pub use imports::Imports;
pub(crate) use imports::{of_emscripten, of_pthreads};
pub use init_tls::InitTls;
pub use memory::Memory;
pub use needs::NEED_SECTION;
pub use read_at::{OpenFile, Part, ReadAt};
pub use segments::{Segment, Segments};
pub use tables::Tables;
pub use thread_start::{ThreadStart, Wrapped};

#[cfg(feature = "linker")]
pub(crate) use needs::{NEED_LEAD, add_need, needs};
#[cfg(any(feature = "linker", feature = "picture"))]
pub(crate) use read_at::Window;

/// What was read of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Every memory, imported ones first, as in the module's own numbering.
    pub memories: Vec<Memory>,
    /// Every export: its kind and index.
    pub exports: Exports,
    /// Every data segment.
    pub segments: Segments,
    /// The start function.
    pub start: Option<u32>,
    /// What its globals say.
    pub globals: Globals,
    /// What the `target_features` section says. `None` without one: `--strip-all` drops it, so that proves nothing.
    pub features: Option<Features>,
    /// The crates that said [`required!`](crate::required), in the order of the section; of very many the first.
    pub needs: Vec<String>,
    /// The module has wasm-bindgen's section of descriptions, so wasm-bindgen has yet to run over it.
    pub wants_wasm_bindgen: bool,
    /// wasm-bindgen says among the producers that it has run over it.
    pub by_wasm_bindgen: bool,
    /// What its imports say.
    pub imports: Imports,
    /// What its tables say.
    pub tables: Tables,
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
    /// the module's own that something calls. Looked for only in a linked module with a shared memory that exports none of them.
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

/// Windows of this size hold every header of an object and most small modules whole.
const AHEAD: usize = 4096;

/// Of types, functions, globals, exports and imports no engine takes more (WebAssembly JavaScript interface, "Limits"; the same in
/// `wasmparser`, so in wasmtime).
const MOST: u32 = 1_000_000;

/// Of tables and data segments.
const MOST_SEGMENTS: u32 = 100_000;

impl Module {
    /// Reads `source` in place: section headers, and the contents of those sections that say something about threads.
    ///
    /// It takes at most twice the size of `source` in memory, whatever is in it, and 64 KiB; of most modules a small part.
    pub fn read<R: ReadAt + ?Sized>(source: &R) -> Result<Module, ReadError> {
        read::read(source)
    }

    /// The memory that atomics and data use: the first.
    pub fn memory(&self) -> Option<&Memory> {
        self.memories.first()
    }

    /// Whether it starts threads as wasi-threads has it, or says how they are started.
    pub fn starts_threads(&self) -> bool {
        self.exports.contains_key("wasi_thread_start") || self.imports.thread_spawn
    }

    /// The exported global `name`, one of those that [`Globals::named`] has.
    pub fn global(&self, name: &str) -> Option<&Global> {
        debug_assert!(globals::NAMES.contains(&name), "{name} is not kept");
        self.globals.named.get(name)
    }

    /// The constant value of the exported global `name`, as [`Module::global`] has it.
    pub fn constant(&self, name: &str) -> Option<u64> {
        self.global(name)?.constant
    }
}
