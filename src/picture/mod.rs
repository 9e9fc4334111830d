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
//! # Ok::<(), wasm_threads::picture::Unreadable>(())
//! ```

mod document;
pub mod javascript;
pub mod json;
mod layout;
mod scale;
mod subject;
mod svg;
mod wasm_opt;
pub mod words;

pub use layout::{Found, Kind, Layout, Part, tls_template};
pub use scale::shares;
pub use subject::Subject;

use crate::module::{Part as PartOf, ReadAt, ReadError, core_modules};
use crate::report::Finding;
use crate::rules;
use std::fmt;
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
    /// What is wrong with the file as a whole.
    pub findings: Vec<Finding>,
}

impl File {
    /// Reads a module or a component that is called `name`.
    ///
    /// # Errors
    ///
    /// What cannot be read, and the byte where it is.
    pub fn read<R: ReadAt + ?Sized>(name: &str, source: &R) -> Result<File, Unreadable> {
        let shown = shown(name);
        let whole = |error| Unreadable { place: None, error };
        let mut file =
            File { name: name.to_owned(), size: source.size(), component: false, subjects: Vec::new(), findings: Vec::new() };
        let Some(modules) = core_modules(source).map_err(whole)? else {
            file.subjects.push(Subject::read(source, &shown).map_err(whole)?);
            return Ok(file);
        };
        file.component = true;
        for module in modules {
            let module = module.map_err(whole)?;
            let (offset, place) = (module.range.start, module.place());
            let part = PartOf::new(source, offset, module.range.end - offset);
            let subject = Subject::read(&part, &format!("{shown}, {place}"))
                .map_err(|error| Unreadable { place: Some((place.clone(), offset)), error })?;
            file.subjects.push(Subject { place: Some(place), offset, ..subject });
        }
        if file.subjects.is_empty() {
            file.findings.push(rules::without_core_module(&shown));
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

/// A name for a text, on one line, in which nothing can drive a terminal.
fn shown(name: &str) -> String {
    escaped(name, Characters::Unicode).replace("\\\\", "\\")
}

/// What cannot be read of a file.
#[derive(Debug)]
pub struct Unreadable {
    /// The core module in a component, and the byte where it begins.
    pub place: Option<(String, u64)>,
    /// What is wrong with it.
    pub error: ReadError,
}

impl Unreadable {
    /// The same as a finding about the file `name`.
    pub fn finding(&self, name: &str) -> Finding {
        match &self.place {
            Some((place, _)) => rules::unreadable_file(&format!("{}, {place}", shown(name)), &self.error),
            None => rules::unreadable_file(&shown(name), &self.error),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((place, offset)) = &self.place {
            write!(out, "in {place} of the component, which begins at byte {offset}: ")?;
        }
        self.error.fmt(out)
    }
}

impl std::error::Error for Unreadable {}
