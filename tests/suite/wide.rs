//! Targets beside `wasm32-unknown-unknown`: addresses of 64 bits (`wasm64-unknown-unknown`), and code for the first version of
//! WebAssembly (`wasm32v1-none`, `-Ctarget-cpu=mvp`).

use crate::linkers::{LINKERS, version};
use crate::support::place::OUTPUT;
use crate::support::{Facts, NoCore, Place, Suite, Tool, objects, read, shim, two_adders, two_wide_adders};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wasmparser::{CompositeInnerType, ExternalKind, Parser, Payload, TypeRef, ValType};

const WIDE: &str = "wasm64-unknown-unknown";
const FIRST: &str = "wasm32v1-none";

pub fn tests(suite: &mut Suite) {
    for linker in LINKERS {
        let name = |what: &str| format!("{what}_with_{}", linker.name());
        let needs = [Tool::Rustc, linker];
        suite.test(&name("wasm64"), &needs, move || wide(linker));
        suite.test(&name("wasm32v1"), &needs, move || first(linker));
        suite.test(&name("mvp"), &needs, move || mvp(linker));
        // LLVM 19 and later give a module of 64-bit addresses a table of 64-bit indices, whether it is used or not.
        let wide_table = !matches!(linker, Tool::WasmLd(14 | 16));
        let node = if wide_table { Tool::NewNode } else { Tool::Node };
        suite.test(&name("wasm64_in_node"), &[Tool::Rustc, node, linker], move || wide_in_node(linker, node));
        suite.test(&name("wasm32v1_in_node"), &[Tool::Rustc, Tool::Node, linker], move || first_in_node(linker));
    }
    for (name, rustc) in [("stable", Tool::Rustc), ("nightly", Tool::Nightly)] {
        let needs = [Tool::RustLld, rustc];
        suite.test(&format!("wasm64_by_rustc_{name}"), &needs, move || by_rustc(rustc, WIDE, 65_536));
        suite.test(&format!("wasm32v1_by_rustc_{name}"), &needs, move || by_rustc(rustc, FIRST, 16_384));
    }
}

fn adders(target: &str) -> NoCore {
    objects::threaded("atomic", objects::ATOMIC).target(target)
}

fn place(linker: Tool, target: &str) -> Place {
    let place = Place::new(linker);
    place.put("atomic.o", adders(target).object());
    place
}

const EXPORTS: &str = "--export=add_shared --export=add_local";

fn wide(linker: Tool) {
    let place = place(linker, WIDE);
    let line = format!("-mwasm64 atomic.o {EXPORTS}");
    for (more, maximum) in [
        ("", 65_536),
        (" --wasm-threads-max-memory=4GiB", 65_536),
        (" --wasm-threads-max-memory=1GiB", 16_384),
        (" --wasm-threads-max-memory=16GiB", 262_144),
        (" --max-memory=8589934592", 131_072),
        (" --max-memory=0", 65_536),
        // A minimum as large as the default must leave room above it.
        (" --initial-memory=4294967296", 131_072),
    ] {
        let facts = place.link(&format!("{line}{more}")).threaded(1);
        let memory = facts.memory();
        assert!(memory.memory64, "{more}: {memory:?}");
        assert_eq!(memory.maximum, Some(maximum), "{more}");
        assert_eq!(types(&place), all(ValType::I64), "{more}");
    }
    // What 32 bits can reach is known for what it is.
    let facts = place.link(&format!("-m wasm64 atomic.o {EXPORTS}")).threaded(1);
    assert_eq!(facts.memory().maximum, Some(65_536));
    let text = place.link(&format!("{line} --wasm-threads-max-memory=32GiB")).refused("bad-option", 0);
    assert!(text.contains("up to 16 GiB"), "{text}");
    let linked = place.link(&format!("{line} --max-memory=34359738368"));
    if version(linker) < 19 {
        // They know no such limit.
        assert_eq!(linked.threaded(1).memory().maximum, Some(524_288));
    } else {
        let ours = linked.failed(1);
        assert!(ours.contains("that is more than a memory of this kind can have"), "{ours}");
        assert!(ours.contains("at most 17179869184 bytes"), "{ours}");
    }
    // Not told which, or told wrong: the linker's own word, and nothing of ours that is not true.
    assert_eq!(place.link(&format!("atomic.o {EXPORTS}")).failed(1), "");
}

/// The types of the exports that a thread needs.
fn types(place: &Place) -> BTreeMap<String, ValType> {
    let module = read(place.path(OUTPUT));
    let (mut signatures, mut functions, mut globals, mut found) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(&module) {
        match payload.expect("a module") {
            Payload::TypeSection(section) => {
                for group in section {
                    for kind in group.expect("a type").into_types() {
                        if let CompositeInnerType::Func(signature) = kind.composite_type.inner {
                            signatures.push(signature);
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    assert!(matches!(import.expect("an import").ty, TypeRef::Memory(_)));
                }
            }
            Payload::FunctionSection(section) => functions.extend(section.into_iter().map(|kind| kind.expect("a type"))),
            Payload::GlobalSection(section) => {
                globals.extend(section.into_iter().map(|global| global.expect("a global").ty.content_type));
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.expect("an export");
                    let index = export.index as usize;
                    match export.kind {
                        ExternalKind::Func if export.name == "__wasm_init_tls" => {
                            let signature = &signatures[functions[index] as usize];
                            assert!(signature.results().is_empty(), "{signature:?}");
                            let [address] = signature.params() else { panic!("{signature:?}") };
                            found.insert(export.name.to_owned(), *address);
                        }
                        ExternalKind::Global => _ = found.insert(export.name.to_owned(), globals[index]),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn all(kind: ValType) -> BTreeMap<String, ValType> {
    let names = ["__wasm_init_tls", "__tls_base", "__tls_size", "__tls_align", "__heap_base", "__data_end"];
    names.into_iter().map(|name| (name.to_owned(), kind)).collect()
}

fn wide_in_node(linker: Tool, node: Tool) {
    let place = place(linker, WIDE);
    for (more, maximum) in [("", 65_536), (" --wasm-threads-max-memory=16GiB", 262_144)] {
        place.link(&format!("-mwasm64 atomic.o {EXPORTS}{more}")).threaded(1);
        let facts = two_wide_adders(&node.path(), place.path(OUTPUT)).expect_success().stdout_text();
        let wanted = format!(r#""maximum":{maximum},"wide":true,"address":"bigint""#);
        assert!(facts.contains(&wanted), "{facts}");
    }
}

fn first(linker: Tool) {
    let place = place(linker, FIRST);
    let facts = place.link(&format!("atomic.o {EXPORTS}")).threaded(1);
    assert_eq!((facts.memory().memory64, facts.memory().maximum), (false, Some(16_384)));
    assert_eq!(types(&place), all(ValType::I32));
    // What the target leaves out, the module does not say; what threads need, it does.
    for feature in ["+atomics", "+bulk-memory", "+mutable-globals"] {
        assert!(facts.has_feature(feature), "{facts:?}");
    }
    assert!(!facts.has_feature("+sign-ext") && !facts.has_feature("+reference-types"), "{facts:?}");
}

fn first_in_node(linker: Tool) {
    let place = place(linker, FIRST);
    place.link(&format!("atomic.o {EXPORTS}")).threaded(1);
    let facts = two_adders(place.path(OUTPUT)).expect_success().stdout_text();
    assert!(facts.contains(r#""wide":false,"address":"number""#), "{facts}");
}

/// The base of a thread's storage is a mutable global that is exported: a feature of its own in the first version.
fn mvp(linker: Tool) {
    let source = NoCore::new(objects::ATOMIC).name("atomic");
    let mvp = |target: &str, features: &str| -> PathBuf {
        source.clone().target(target).flag("-Ctarget-cpu=mvp").flag(format!("-Ctarget-feature={features}")).object()
    };
    let place = Place::new(linker);
    for (target, features) in [
        ("wasm32-unknown-unknown", "+atomics,+bulk-memory"),
        (FIRST, "+atomics,+bulk-memory,-mutable-globals"),
        (WIDE, "+atomics,+bulk-memory,-mutable-globals"),
    ] {
        let arch = if target == WIDE { "-mwasm64 " } else { "" };
        place.put("atomic.o", mvp(target, features));
        let line = format!("{arch}atomic.o {EXPORTS}");
        let ours = place.link(&line).failed(1);
        let fix = "-C target-feature=+atomics,+bulk-memory,+mutable-globals;";
        assert!(ours.contains("__tls_base is a mutable global") && ours.contains(fix), "{target}: {ours}");
        // As it says.
        place.put("atomic.o", mvp(target, "+atomics,+bulk-memory,+mutable-globals"));
        place.link(&line).threaded(1);
    }
    // Without atomics nothing of it matters.
    place.put("neutral.o", NoCore::new(objects::NEUTRAL).name("neutral").target(FIRST).object());
    place.link("neutral.o --export=neutral").unthreaded("neutral.o --export=neutral", 1);
}

/// The whole way, as a project has it: `-C linker=wasm-threads-linker`, and nothing said of memory.
fn by_rustc(rustc: Tool, target: &str, maximum: u64) {
    let place = Place::new(Tool::RustLld);
    let link = |source: NoCore| source.name("out").rustc(rustc.path()).link(shim(), place.folder());
    let linked = place.run(link(adders(target)));
    let facts = linked.threaded(1);
    assert_eq!((facts.memory().memory64, facts.memory().maximum), (target == WIDE, Some(maximum)));
    let width = if target == WIDE { ValType::I64 } else { ValType::I32 };
    assert_eq!(types(&place), all(width));
    let linked = place.run(link(adders(target)).word("-Clink-arg=--wasm-threads-max-memory=256MiB"));
    assert_eq!(linked.threaded(1).memory().maximum, Some(4096));

    let linked = place.run(link(NoCore::new(objects::NEUTRAL).target(target)));
    assert!(linked.ran.success(), "{:?}", linked.ran);
    Facts::read(place.path(OUTPUT)).assert_unthreaded();
    let refused = place.run(link(NoCore::new(objects::NEUTRAL).target(target)).word("-Clink-arg=--wasm-threads=threaded"));
    assert!(!refused.ran.success() && refused.ran.stderr_text().contains("error[not-threaded]"), "{:?}", refused.ran);
}
