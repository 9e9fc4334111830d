//! Every feature of WebAssembly 3.0, assembled from text: read, and judged by its memory alone.

use super::{checked, wat, write};
use crate::support::{Suite, temp_folder};

pub fn tests(suite: &mut Suite) {
    for (name, text) in FEATURES {
        suite.test(&format!("reads_{name}"), &[], move || reads(name, text));
    }
    suite.test("reads_a_memory_of_64_bits", &[], memory64);
    suite.test("reads_several_memories", &[], several_memories);
    suite.test("reads_pages_of_one_byte", &[], custom_page_sizes);
}

/// What is put into a module beside its memory. Its functions are read one by one: without the exports of thread-local storage
/// somebody asks whether it is set up from inside.
const FEATURES: [(&str, &str); 14] = [
    ("simd", "(func (export \"f\") (param v128) (result v128) (i32x4.add (local.get 0) (v128.const i32x4 1 2 3 4)))"),
    (
        "relaxed_simd",
        "(func (export \"f\") (param v128 v128 v128) (result v128)
           (i8x16.relaxed_swizzle (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)) (local.get 1)))",
    ),
    (
        "gc",
        "(rec (type $node (sub (struct (field (ref null $list)) (field (mut i8))))) (type $list (array (mut (ref null $node)))))
         (type $leaf (sub final $node (struct (field (ref null $list)) (field (mut i8)) (field f64))))
         (func (export \"f\") (result anyref)
           (struct.new $leaf (ref.null $list) (i32.const 1) (f64.const 2)))
         (func (export \"g\") (param (ref $node)) (result i32)
           (ref.test (ref $leaf) (local.get 0)))
         (func (export \"h\") (param anyref) (result i31ref)
           (drop (ref.cast (ref null $node) (local.get 0))) (ref.i31 (i32.const 7)))
         (global (export \"x\") (mut (ref null $list)) (ref.null $list))",
    ),
    (
        "typed_function_references",
        "(type $t (func (param i32) (result i32)))
         (func $id (type $t) (local.get 0))
         (elem declare func $id)
         (table 1 (ref null $t))
         (func (export \"f\") (result i32) (call_ref $t (i32.const 1) (ref.func $id)))
         (func (export \"g\") (param (ref null $t)) (result i32)
           (block $null (return (call_ref $t (i32.const 2) (br_on_null $null (local.get 0))))) (i32.const 0))",
    ),
    (
        "exceptions",
        "(tag $e (export \"e\") (param i32))
         (func (export \"f\") (result i32)
           (block $h (result i32) (try_table (result i32) (catch $e $h) (throw $e (i32.const 3)))))
         (func (export \"g\") (block $h (result exnref) (try_table (catch_all_ref $h)) (return)) (throw_ref))",
    ),
    (
        "tail_calls",
        "(type $t (func (param i32) (result i32)))
         (table funcref (elem $f))
         (func $f (export \"f\") (type $t) (return_call $f (local.get 0)))
         (func (export \"g\") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))
         (func (export \"h\") (param i32 (ref $t)) (result i32) (return_call_ref $t (local.get 0) (local.get 1)))",
    ),
    (
        "string_builtins",
        "(type $chars (array (mut i16)))
         (import \"wasm:js-string\" \"length\" (func $length (param externref) (result i32)))
         (import \"wasm:js-string\" \"fromCharCodeArray\"
           (func $from (param (ref null $chars) i32 i32) (result (ref extern))))
         (import \"'\" \"hello\" (global $hello externref))
         (func (export \"f\") (result i32) (call $length (global.get $hello)))",
    ),
    ("multi_value", "(func (export \"f\") (param i64) (result i64 i64) (local.get 0) (local.get 0))"),
    ("reference_types", "(table (export \"t\") 1 externref) (func (export \"f\") (result externref) (table.get 0 (i32.const 0)))"),
    (
        "bulk_memory",
        "(func (export \"f\") (memory.copy (i32.const 0) (i32.const 8) (i32.const 8)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
    ),
    (
        "extended_constants",
        "(global (export \"x\") i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))) (func (export \"f\"))",
    ),
    ("tables_of_64_bits", "(table (export \"t\") i64 1 2 funcref) (func (export \"f\"))"),
    (
        "atomics",
        "(func (export \"f\") (result i32) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
         (func (export \"g\") (result i32) (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 1) (i32.const 2)))",
    ),
    ("branch_hints", "(func (export \"f\") (param i32) (@metadata.code.branch_hint \"\\00\") (if (local.get 0) (then (nop))))"),
];

/// Types, imports, and then the rest: that is how a module goes, in text too.
fn module(memory: &str, rest: &str) -> Vec<u8> {
    wat(&format!("(module {rest} {memory})"))
}

#[track_caller]
fn says(bytes: &[u8], code: i32, wanted: &[&str]) {
    let folder = temp_folder();
    write(folder.path(), "m.wasm", bytes);
    let text = checked(folder.path(), &["m.wasm"], code).stdout_text();
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains("unreadable"), "{text}");
}

fn reads(name: &str, text: &str) {
    // Imports stand before everything else.
    let imported = wat(&format!("(module (import \"env\" \"memory\" (memory 1 2 shared)) {})", with_types_first(text)));
    says(&imported, 0, &["m.wasm: threaded (javascript, linked)", "warning[export-missing]"]);
    let own = module("(memory 1)", text);
    says(&own, 1, &["m.wasm: not threaded (javascript, linked)", "error[memory-not-shared]"]);
    assert!(wasmparser::Parser::new(0).parse_all(&imported).all(|part| part.is_ok()), "{name}");
}

/// The order of fields is free, but for imports, which come before what is defined; types may stand anywhere.
fn with_types_first(text: &str) -> String {
    text.to_owned()
}

fn memory64() {
    for (memory, code, wanted) in [
        ("(import \"env\" \"memory\" (memory i64 1 2 shared))", 0, "threaded"),
        ("(import \"env\" \"memory\" (memory i64 1 1 shared))", 1, "memory-cannot-grow"),
        ("(import \"env\" \"memory\" (memory i64 1 281474976710656 shared))", 0, "threaded"),
        ("(import \"env\" \"memory\" (memory i64 1))", 1, "memory-not-shared"),
        ("(memory i64 1 2 shared)", 1, "memory-not-imported"),
    ] {
        says(&wat(&format!("(module {memory} (func (export \"f\")))")), code, &[wanted]);
    }
    // An active segment is one whose address has 64 bits.
    let active =
        "(module (import \"env\" \"memory\" (memory i64 1 2 shared)) (func (export \"f\")) (data (i64.const 8) \"x\"))";
    says(&wat(active), 1, &["error[active-data-segment]"]);
}

fn several_memories() {
    let two = "(import \"env\" \"memory\" (memory 1 2 shared)) (import \"env\" \"other\" (memory 1))";
    says(
        &wat(&format!("(module {two} (func (export \"f\")))")),
        1,
        &["error[several-memories]", "env.other, 1 page, no maximum"],
    );
    let wasi = format!(
        "(module {two} (import \"wasi\" \"thread-spawn\" (func (param i32) (result i32)))
           (func (export \"wasi_thread_start\") (param i32 i32)) (func (export \"_start\")) (export \"memory\" (memory 0))
           (data (memory 1) (i32.const 0) \"of one thread alone\"))"
    );
    says(&wat(&wasi), 0, &["m.wasm: threaded (wasi-threads, linked)\n"]);
    // The first is the one that counts, whatever the second is.
    let reversed = wasi.replace("(memory 1 2 shared)", "(memory 1)").replacen("(memory 1))", "(memory 1 2))", 1);
    says(&wat(&reversed), 1, &["error[memory-not-shared]"]);
}

fn custom_page_sizes() {
    let text = "(module (import \"env\" \"memory\" (memory 65536 131072 shared (pagesize 1))) (func (export \"f\")))";
    says(&wat(text), 0, &["m.wasm: threaded"]);
    let fixed = text.replace("131072", "65536");
    says(&wat(&fixed), 1, &["error[memory-cannot-grow]", "65536 pages and never more (64 KiB)"]);
}
