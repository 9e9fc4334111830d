//! What somebody who looks at a module wants to see: its facts, the verdict, and a picture of its memory.
//!
//! It is what `cargo wasm-threads inspect` shows. All of it is pure, and compiles to WebAssembly too.
//!
//! ```
//! use wasm_threads::picture::File;
//!
//! // A module with nothing but a memory of one page.
//! let module = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01";
//! let file = File::read("small.wasm", &module[..])?;
//! assert!(!file.subjects[0].threaded());
//! assert!(file.svg().is_some_and(|picture| picture.starts_with("<svg ")));
//! # Ok::<(), wasm_threads::module::ReadError>(())
//! ```

mod document;
pub mod javascript;
pub mod json;
mod layout;
mod scale;
mod subject;
mod svg;
pub mod words;

pub use layout::{Found, Kind, Layout, Part};
pub use scale::shares;
pub use subject::Subject;

use crate::module::{CoreModule, Part as PartOf, ReadAt, ReadError, core_modules};
use words::{Characters, escaped};

/// What was read of a file: a module, or a component with any number of them.
pub struct File {
    /// Its name, which may have any characters in it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is a component.
    pub component: bool,
    /// The module, or the component's core modules.
    pub subjects: Vec<Subject>,
}

impl File {
    /// Reads a module or a component that is called `name`.
    ///
    /// # Errors
    ///
    /// What cannot be read, and the byte where it is.
    pub fn read<R: ReadAt + ?Sized>(name: &str, source: &R) -> Result<File, ReadError> {
        let mut file = File { name: name.to_owned(), size: source.size(), component: false, subjects: Vec::new() };
        let Some(modules) = core_modules(source)? else {
            file.subjects.push(Subject::read(source, 0, &escaped(name, Characters::Unicode))?);
            return Ok(file);
        };
        file.component = true;
        for (index, CoreModule { range, .. }) in modules.iter().enumerate() {
            let inside = |error| match error {
                ReadError::Malformed(problem) => ReadError::Malformed(format!(
                    "in module {index} of the component, which begins at byte {}: {problem}",
                    range.start
                )),
                ReadError::Io(error) => ReadError::Io(error),
            };
            let part = PartOf::new(source, range.start, range.end - range.start);
            file.subjects.push(Subject::read(&part, range.start, &format!("module {index}")).map_err(inside)?);
        }
        Ok(file)
    }

    /// The facts as JSON, in a shape that has a version: a member may be added to it; none changes its meaning or goes.
    pub fn json(&self) -> String {
        document::file(self).lines() + "\n"
    }

    /// The picture of the first memory, as one SVG without references. None where there is no memory.
    pub fn svg(&self) -> Option<String> {
        self.subjects.iter().find_map(|subject| svg::picture(subject, &self.name))
    }
}
