//! What the imports of a module say of who runs it. Only that is kept: with compact imports, a hundred kilobytes can name a
//! million of them.

use super::MOST;
use super::error::{ReadError, count_of, malformed};
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

/// More names than these nobody wants to read.
const MOST_NAMES: usize = 16;

/// Reads the import section, and tells `visit` of each import; of a function also its number.
pub(super) fn read(
    section: &[u8],
    offset: u64,
    mut visit: impl FnMut(Import<'_>, u32) -> Result<(), ReadError>,
) -> Result<Imports, ReadError> {
    use wasmparser::Imports::{Compact1, Compact2, Single};
    let mut imports = Imports { minified: true, ..Imports::default() };
    let mut count = 0;
    let mut each = |imports: &mut Imports, import: Import<'_>| {
        count += 1;
        count_of("imports", count, MOST, offset)?;
        visit(import, imports.functions)?;
        imports.add(import);
        Ok::<_, ReadError>(())
    };
    for group in ImportSectionReader::new(BinaryReader::new(section, offset)).map_err(malformed)? {
        match group.map_err(malformed)? {
            Single(_, import) => each(&mut imports, import)?,
            Compact1 { module, items } => {
                imports.compact = true;
                for item in items {
                    let item = item.map_err(malformed)?;
                    each(&mut imports, Import { module, name: item.name, ty: item.ty })?;
                }
            }
            Compact2 { module, ty, names } => {
                imports.compact = true;
                for name in names {
                    each(&mut imports, Import { module, name: name.map_err(malformed)?, ty })?;
                }
            }
        }
    }
    // Without a function there is nothing to tell it by.
    imports.minified &= imports.functions > 0;
    Ok(imports)
}

impl Imports {
    fn add(&mut self, Import { module, name, ty }: Import<'_>) {
        self.emscripten |= of_emscripten(name);
        self.pthreads |= of_pthreads(name);
        self.minified &= module == "a" && name.len() <= 3;
        if !matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
            return;
        }
        self.functions += 1;
        self.wasi |= module.starts_with("wasi_") || module == "wasi";
        self.externref_table |= name == "__wbindgen_init_externref_table";
        self.thread_spawn |= module == "wasi" && name == "thread-spawn";
        if module == "env" && (name.starts_with("__wasi_") || name.starts_with("__wasilibc_")) {
            self.of_libc += 1;
            if self.names_of_libc.len() < MOST_NAMES {
                self.names_of_libc.push(name.to_owned());
            }
        }
    }
}
