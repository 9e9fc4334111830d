//! The facts as JSON.

use super::json::{Value, finding};
use super::layout::Layout;
use super::subject::Subject;
use super::{File, javascript};
use crate::module::{Details, Kind, Memory};

/// The version of the shape.
const VERSION: u128 = 1;

/// All of a file.
pub fn file(file: &File) -> Value {
    Value::Object(vec![
        ("format", Value::text("wasm-threads-inspect")),
        ("version", Value::Number(VERSION)),
        ("file", Value::text(file.name.as_str())),
        ("size", Value::Number(file.size.into())),
        ("component", Value::Bool(file.component)),
        ("findings", Value::list(file.findings.iter().map(finding))),
        ("modules", Value::list(file.subjects.iter().map(module))),
    ])
}

fn module(subject: &Subject) -> Value {
    let Subject { module, details, .. } = subject;
    let memories = module.memories.iter().enumerate().map(|(index, memory)| memory_of(subject, index, memory));
    let segments = module.segments.iter().zip(&details.places).enumerate().map(|(index, (segment, place))| {
        Value::Object(vec![
            ("name", Value::or_null(place.name.as_deref(), Value::text)),
            ("active", Value::Bool(segment.active)),
            ("size", Value::Number(segment.size.into())),
            ("memory", Value::Number(place.memory.into())),
            ("address", Value::or_null(place.address, |address| Value::Number(address.into()))),
            ("tls", Value::Bool(subject.template == Some(index))),
        ])
    });
    let start = |function: u32| {
        Value::Object(vec![
            ("function", Value::Number(function.into())),
            ("writes_data", Value::Bool(details.writer == Some(function))),
        ])
    };
    let tls = |(size, align): (u64, Option<u64>)| {
        Value::Object(vec![
            ("size", Value::Number(size.into())),
            ("align", Value::or_null(align, |align| Value::Number(align.into()))),
        ])
    };
    let features = module.features.as_ref();
    let features = Value::or_null(features, |features| {
        Value::list(features.iter().map(|(sign, name)| Value::text(format!("{sign}{name}"))))
    });
    let producers = details.producers.iter().map(|[field, name, version]| {
        let member = |text: &String| Value::text(text.as_str());
        Value::Object(vec![("field", member(field)), ("name", member(name)), ("version", member(version))])
    });
    Value::Object(vec![
        ("place", Value::or_null(subject.place.as_deref(), Value::text)),
        ("offset", Value::Number(subject.offset.into())),
        ("size", Value::Number(subject.size.into())),
        ("abi", Value::text(subject.contract.abi.id())),
        ("stage", Value::text(subject.contract.stage.id())),
        ("verdict", verdict(subject)),
        ("memories", Value::list(memories)),
        ("exports", exports(subject)),
        ("imports", imports(subject)),
        ("segments", Value::list(segments)),
        ("start", Value::or_null(module.start, start)),
        ("tls", Value::or_null(subject.tls(), tls)),
        ("features", features),
        ("wasm_opt", Value::list(subject.wasm_opt.iter().map(|flag| Value::text(flag.as_str())))),
        ("producers", Value::list(producers)),
        ("required_by", Value::list(module.needs.iter().map(|name| Value::text(name.as_str())))),
        ("functions", Value::Number(details.functions.into())),
        ("code_size", Value::Number(details.code.into())),
        ("custom_size", Value::Number(details.custom.into())),
        ("layout", Value::or_null(subject.layout.as_ref(), layout)),
    ])
}

fn verdict(subject: &Subject) -> Value {
    Value::Object(vec![
        ("threaded", Value::Bool(subject.threaded())),
        ("text", Value::text(subject.verdict())),
        ("findings", Value::list(subject.findings.iter().map(finding))),
    ])
}

fn memory_of(subject: &Subject, index: usize, memory: &Memory) -> Value {
    let bytes = |pages: u64| Value::Number(u128::from(pages) * u128::from(memory.page));
    let import = memory.import.as_ref();
    let import = Value::or_null(import, |(module, name)| {
        Value::Object(vec![("module", Value::text(&**module)), ("name", Value::text(&**name))])
    });
    Value::Object(vec![
        ("import", import),
        ("exported_as", Value::list(subject.exported_as(index).into_iter().map(Value::text))),
        ("shared", Value::Bool(memory.shared)),
        ("address", Value::text(if memory.wide { "i64" } else { "i32" })),
        ("page_size", Value::Number(memory.page.into())),
        ("initial_pages", Value::Number(memory.minimum.into())),
        ("initial_bytes", bytes(memory.minimum)),
        ("maximum_pages", Value::or_null(memory.maximum, |pages| Value::Number(pages.into()))),
        ("maximum_bytes", Value::or_null(memory.maximum, bytes)),
        ("javascript", Value::or_null(javascript::construct(memory).ok(), Value::text)),
        ("javascript_imports", Value::or_null(javascript::imports(memory), Value::text)),
        ("notes", Value::list(subject.notes(memory).into_iter().map(Value::text))),
    ])
}

fn exports(subject: &Subject) -> Value {
    let of_threads = subject.exports();
    // Memories have theirs beside them.
    let memories = subject.module.exports.values().filter(|export| export.kind == Kind::Memory).count();
    let others = subject.module.exports.len() - of_threads.len() - memories;
    let export = |(name, export): &(&str, crate::module::Export)| {
        let kind = match export.kind {
            Kind::Function => "function",
            Kind::Global => "global",
            Kind::Memory => "memory",
            Kind::Table | Kind::Other => "other",
        };
        Value::Object(vec![
            ("name", Value::text(*name)),
            ("kind", Value::text(kind)),
            ("value", Value::or_null(subject.value(name), |value| Value::Number(value.into()))),
        ])
    };
    Value::Object(vec![("for_threads", Value::list(of_threads.iter().map(export))), ("others", Value::Number(others as u128))])
}

fn imports(subject: &Subject) -> Value {
    let import = |(module, name, kind): &(String, String, &'static str)| {
        Value::Object(vec![
            ("module", Value::text(module.as_str())),
            ("name", Value::text(name.as_str())),
            ("kind", Value::text(*kind)),
        ])
    };
    let Details { imports, other_imports, .. } = &subject.details;
    Value::Object(vec![
        ("for_threads", Value::list(imports.iter().map(import))),
        ("others", Value::Number(*other_imports as u128)),
    ])
}

fn layout(layout: &Layout) -> Value {
    let parts = layout.parts.iter().map(|part| {
        Value::Object(vec![
            ("kind", Value::text(part.kind.id())),
            ("name", Value::text(part.name.as_str())),
            ("begins", Value::Number(part.begins)),
            ("ends", Value::Number(part.ends)),
        ])
    });
    let stack = |(pointer, found): (u64, super::layout::Found)| {
        Value::Object(vec![("begins", Value::Number(pointer.into())), ("found_by", Value::text(found.id()))])
    };
    Value::Object(vec![
        ("parts", Value::list(parts)),
        ("stack_pointer", Value::or_null(layout.stack, stack)),
        ("notes", Value::list(layout.notes.iter().map(|note| Value::text(note.as_str())))),
    ])
}
