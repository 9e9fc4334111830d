//! What the imports of a module say of who runs it. Only that is kept: with compact imports, a hundred kilobytes can name a
//! million of them.

use super::{MOST, Memory, Reading, count_of, malformed, memory_facts};
use crate::module::read_at::ReadAt;
use crate::module::sections::ReadError;
use wasmparser::{BinaryReader, Import, ImportSectionReader, TypeRef};

/// The imports, as far as they say something about threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// How many functions are imported.
    pub functions: u32,
    /// Some of them are WASI's.
    pub wasi: bool,
    /// `thread-spawn` of `wasi` is among them: it asks a host for threads.
    pub thread_spawn: bool,
    /// How many of `env` are parts of a libc for WASI.
    pub of_libc: u32,
    /// The names of the first of these.
    pub names_of_libc: Vec<String>,
    /// Some name is one of Emscripten's.
    pub emscripten: bool,
    /// Some name is one of Emscripten's threads.
    pub pthreads: bool,
    /// `__wbindgen_init_externref_table` is among them: wasm-bindgen's script fills a table of javascript's objects.
    pub externref_table: bool,
    /// Every import has names as emcc makes them with `-O2` and more (`minify_wasm_imports_and_exports`).
    pub minified: bool,
    /// Some are written in groups, as the compact import section proposal has it.
    pub compact: bool,
}

/// Whether `name` is one of Emscripten's.
pub(crate) fn of_emscripten(name: &str) -> bool {
    name.contains("emscripten")
}

/// Whether `name` is one of Emscripten's threads: `_emscripten_tls_init`, `_emscripten_thread_init`, `__pthread_create_js`, …
pub(crate) fn of_pthreads(name: &str) -> bool {
    name.contains("pthread") || (of_emscripten(name) && (name.contains("_thread_") || name.contains("_tls_")))
}

/// What no engine takes more of (WebAssembly JavaScript interface, "Limits").
const MOST_MEMORIES: usize = 100;

/// More names than these nobody wants to read.
const MOST_NAMES: usize = 16;

impl<R: ReadAt + ?Sized> Reading<'_, R> {
    pub(super) fn imports(&mut self, bytes: &[u8], offset: u64) -> Result<(), ReadError> {
        use wasmparser::Imports::{Compact1, Compact2, Single};
        self.module.imports.minified = true;
        let mut count = 0;
        for group in ImportSectionReader::new(BinaryReader::new(bytes, offset)).map_err(malformed)? {
            match group.map_err(malformed)? {
                Single(_, import) => self.import(import, offset, &mut count)?,
                Compact1 { module, items } => {
                    self.module.imports.compact = true;
                    for item in items {
                        let item = item.map_err(malformed)?;
                        self.import(Import { module, name: item.name, ty: item.ty }, offset, &mut count)?;
                    }
                }
                Compact2 { module, ty, names } => {
                    self.module.imports.compact = true;
                    for name in names {
                        self.import(Import { module, name: name.map_err(malformed)?, ty }, offset, &mut count)?;
                    }
                }
            }
        }
        // Without a function there is nothing to tell it by.
        self.module.imports.minified &= self.module.imports.functions > 0;
        Ok(())
    }

    fn import(&mut self, import: Import<'_>, at: u64, count: &mut u32) -> Result<(), ReadError> {
        *count += 1;
        let Import { module, name, ty } = import;
        let imports = &mut self.module.imports;
        imports.emscripten |= of_emscripten(name);
        imports.pthreads |= of_pthreads(name);
        imports.minified &= module == "a" && name.len() <= 3;
        match ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                self.functions.push(index);
                imports.functions += 1;
                imports.wasi |= module.starts_with("wasi_") || module == "wasi";
                imports.externref_table |= name == "__wbindgen_init_externref_table";
                imports.thread_spawn |= module == "wasi" && name == "thread-spawn";
                if module == "env" && (name.starts_with("__wasi_") || name.starts_with("__wasilibc_")) {
                    imports.of_libc += 1;
                    if imports.names_of_libc.len() < MOST_NAMES {
                        imports.names_of_libc.push(name.to_owned());
                    }
                }
            }
            TypeRef::Memory(memory) => {
                let import = (module.to_owned(), name.to_owned());
                let facts = memory_facts(memory, Some(import), at)?;
                self.add_memory(facts, at)?;
            }
            TypeRef::Global(kind) => self.module.globals.push(super::global_facts(kind, None)),
            TypeRef::Table(table) => self.module.tables.push(super::table_facts(&table)),
            TypeRef::Tag(_) => {}
        }
        count_of("imports", *count, MOST, at).map(drop)
    }

    pub(super) fn add_memory(&mut self, memory: Memory, at: u64) -> Result<(), ReadError> {
        if self.module.memories.len() >= MOST_MEMORIES {
            return Err(ReadError::Malformed(format!("more than {MOST_MEMORIES} memories (in the section at byte {at})")));
        }
        self.module.memories.push(memory);
        Ok(())
    }
}
