//! `check --run`: what a reading of the bytes cannot tell.

use crate::support::link::cargo_wasm_threads;
use crate::support::{NoCore, Project, Ran, Run, Suite, Tool, shim, temp_folder};
use std::fs;
use std::path::Path;

const NODE: &[Tool] = &[Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("separate_threads_are_shown", NODE, separate_threads_are_shown);
    suite.test("what_is_read_as_threaded_is_refuted", NODE, what_is_read_as_threaded_is_refuted);
    suite.test("after_wasm_bindgen", NODE, after_wasm_bindgen);
    suite.test("what_cannot_be_run_is_told", NODE, what_cannot_be_run_is_told);
    suite.test("data_that_no_start_writes", NODE, data_that_no_start_writes);
    suite.test("what_only_a_stub_has_caused", NODE, what_only_a_stub_has_caused);
    suite.test("memory_has_bounds", NODE, memory_has_bounds);
    suite.test("a_name_stays_on_its_line", NODE, a_name_stays_on_its_line);
    suite.test("a_start_without_end_is_stopped", NODE, a_start_without_end_is_stopped);
    suite.test("nothing_is_run_in_vain", &[], nothing_is_run_in_vain);
    suite.test("without_node", &[], without_node);
    suite.test("addresses_of_64_bits", &[Tool::Clang, Tool::WasmLd(16), Tool::Node], addresses_of_64_bits);
    suite.test("by_rust_and_its_linker", &[Tool::Rustc, Tool::RustLld, Tool::Node], by_rust_and_its_linker);
    let real = [Tool::RustcWeb, Tool::WasmLd(22), Tool::WasmBindgen, Tool::Node];
    suite.test("by_wasm_bindgen", &real, by_wasm_bindgen);
}

/// A module as wasm-ld writes it, with 8 bytes of thread-locals, 20 of data and 100 of zeros.
pub const LINKED: &str = r#"(module
  (import "env" "memory" (memory 2 64 shared))
  (global $__stack_pointer (mut i32) (i32.const 65536))
  (global $tls (mut i32) (i32.const 0))
  (global $size i32 (i32.const 8)) (global $align i32 (i32.const 4)) (global $heap i32 (i32.const 70000))
  (func $init_tls (param i32)
    (global.set $tls (local.get 0))
    (memory.init 0 (local.get 0) (i32.const 0) (i32.const 8)))
  (func $start
    (block $drop (block $wait (block $init
      (br_table $init $wait $drop (i32.atomic.rmw.cmpxchg (i32.const 66000) (i32.const 0) (i32.const 1))))
      (global.set $tls (i32.const 65536))
      (memory.init 0 (i32.const 65536) (i32.const 0) (i32.const 8))
      (memory.init 1 (i32.const 65552) (i32.const 0) (i32.const 20))
      (memory.fill (i32.const 65600) (i32.const 0) (i32.const 100))
      (i32.atomic.store (i32.const 66000) (i32.const 2))
      (drop (memory.atomic.notify (i32.const 66000) (i32.const -1)))
      (br $drop))
     (drop (memory.atomic.wait32 (i32.const 66000) (i32.const 1) (i64.const -1))))
    (data.drop 1))
  (start $start)
  (export "__wasm_init_tls" (func $init_tls)) (export "__tls_base" (global $tls)) (export "__tls_size" (global $size))
  (export "__tls_align" (global $align)) (export "__heap_base" (global $heap))
  (data $.tdata "\01\02\03\04\05\06\07\08") (data $.data "hello, this is data\00"))"#;

/// A module as wasm-bindgen makes of one: its start writes the data, counts the threads, and takes each a stack and thread-locals
/// from a heap, whose first free address stands in the data.
const BOUND: &str = r#"(module
  (import "./app_bg.js" "memory" (memory 8 64 shared))
  (import "./app_bg.js" "__wbindgen_init_externref_table" (func $table))
  (import "./app_bg.js" "__wbg_alert" (func $alert (param externref) (result externref)))
  (global $__stack_pointer (mut i32) (i32.const 65536))
  (global $tls (mut i32) (i32.const 0))
  (global $stack (mut i32) (i32.const 0))
  (func $init_memory
    (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 66000) (i32.const 0) (i32.const 1))) (then
      (memory.init 0 (i32.const 65536) (i32.const 0) (i32.const 8))
      (memory.init 1 (i32.const 65552) (i32.const 0) (i32.const 24))))
    (data.drop 1))
  (func $malloc (param i32) (result i32) (i32.atomic.rmw.add (i32.const 65572) (local.get 0)))
  (func $init_tls (param i32)
    (global.set $tls (local.get 0))
    (memory.init 0 (local.get 0) (i32.const 0) (i32.const 8)))
  (func $start (param i32)
    (call $table)
    (call $init_memory)
    (if (i32.atomic.rmw.add (i32.const 66004) (i32.const 1)) (then
      (global.set $stack (call $malloc (i32.const 4096)))))
    (call $init_tls (call $malloc (i32.const 16))))
  (table $refs 16 externref) (export "__wbindgen_externrefs" (table $refs))
  (func $destroy (param i32 i32 i32))
  (export "__wbindgen_start" (func $start)) (export "__wbindgen_thread_destroy" (func $destroy))
  (export "__tls_base" (global $tls)) (export "__stack_alloc" (global $stack)) (export "memory" (memory 0))
  (data $.tdata "\01\02\03\04\05\06\07\08") (data $.data "data of a program\00\00\00\00\00\02\00"))"#;

/// One thing exchanged for another.
#[track_caller]
fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

struct Checked {
    folder: tempfile::TempDir,
}

impl Checked {
    #[track_caller]
    fn new(text: &str) -> Checked {
        let folder = temp_folder();
        let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        fs::write(folder.path().join("app.wasm"), bytes).expect("a file");
        Checked { folder }
    }

    fn check(&self, words: &[&str]) -> Run {
        Run::new(cargo_wasm_threads()).word("check").words(words).word("app.wasm").folder(self.folder.path())
    }

    fn run(&self) -> Ran {
        self.check(&["--run"]).run()
    }

    /// By what it says it is threaded.
    #[track_caller]
    fn reads_well(self) -> Checked {
        self.check(&[]).run().expect_success();
        self
    }
}

#[track_caller]
fn assert_says(ran: &Ran, wanted: &[&str]) {
    let text = ran.stdout_text();
    for wanted in wanted {
        assert!(text.contains(wanted), "it says: {wanted}\n{ran:?}");
    }
}

#[track_caller]
fn assert_proved(ran: Ran, bytes: &str) {
    let ran = ran.expect_success();
    assert_says(
        &ran,
        &[": threaded (javascript, ", "  run: memory: what the first instance has written is there for the second\n"],
    );
    assert_says(
        &ran,
        &["changed in between, the second instance left as they were\n", &format!("  run: thread-locals: {bytes} at 0x")],
    );
    assert_says(&ran, &[", each with their first values\n"]);
}

fn separate_threads_are_shown() {
    assert_proved(Checked::new(LINKED).run(), "8 bytes");
    // Without what may be left to the host, and what need not be there.
    let first_by_host = edited(LINKED, "(global.set $tls (i32.const 65536))", "");
    let first_by_host = edited(&first_by_host, "(memory.init 0 (i32.const 65536) (i32.const 0) (i32.const 8))", "");
    assert_proved(Checked::new(&first_by_host).run(), "8 bytes");
    let no_names = edited(&edited(LINKED, "$.tdata", ""), "$.data", "");
    assert_proved(Checked::new(&no_names).run(), "8 bytes");
    // It never grows, and there is room at its end.
    let full = edited(LINKED, "(memory 2 64 shared)", "(memory 64 64 shared)");
    assert_proved(Checked::new(&full).run(), "8 bytes");

    let no_tls = edited(
        &edited(LINKED, "$size i32 (i32.const 8)", "$size i32 (i32.const 0)"),
        "(memory.init 0 (local.get 0) (i32.const 0) (i32.const 8))",
        "",
    );
    assert_says(&Checked::new(&no_tls).run().expect_success(), &["run: thread-locals: it has none\n"]);

    // Everything that can be imported has a stub, whatever its name and type.
    let imports = r#"(module
      (type $list (struct (field i32)))
      (import "__proto__" "constructor" (func (param i64) (result f32 f64 v128 i64 externref)))
      (import "" "" (global (mut i64))) (import "x" "v" (global v128)) (import "x" "f" (global funcref))
      (import "x" "t" (table 3 10 externref)) (import "x" "e" (tag (param i32)))"#;
    let imports = edited(LINKED, "(module", imports);
    let imports = edited(&imports, "(type $list (struct (field i32)))", "");
    assert_proved(Checked::new(&imports).run(), "8 bytes");
}

fn what_is_read_as_threaded_is_refuted() {
    let init = "(global.set $tls (local.get 0))\n    (memory.init 0 (local.get 0) (i32.const 0) (i32.const 8))";
    let copy = "    (memory.init 0 (local.get 0) (i32.const 0) (i32.const 8))";
    let guard = "(br_table $init $wait $drop (i32.atomic.rmw.cmpxchg (i32.const 66000) (i32.const 0) (i32.const 1)))";
    let no_own = "a second thread of app.wasm has no thread-locals of its own\n";
    let no_values = "a second thread of app.wasm begins without the first values of its thread-locals\n";
    let again = "starting a second thread of app.wasm writes over what the first has changed\n";
    for (from, to, wanted) in [
        // It does nothing; it sets one address for all; that of the first; another one in every thread, by itself.
        (init, "", [no_own, "__tls_base is 0x10000 in the first thread, and 0x0 in the second"]),
        (init, "(global.set $tls (i32.const 68000))", [no_own, "0x109a0 in the second after __wasm_init_tls(0x"]),
        (
            init,
            "(global.set $tls (i32.const 65536)) (memory.init 0 (i32.const 65536) (i32.const 0) (i32.const 8))",
            [no_own, "setting up the thread-locals of a second thread of app.wasm writes over what the first has changed\n"],
        ),
        // It copies nothing, a part, something else, too much.
        (copy, "", [no_values, "8 of 8 bytes at 0x"]),
        (copy, "(memory.init 0 (local.get 0) (i32.const 0) (i32.const 5))", [no_values, "3 of 8 bytes at 0x"]),
        (copy, "(memory.fill (local.get 0) (i32.const 9) (i32.const 8))", [no_values, "8 of 8 bytes at 0x"]),
        (
            copy,
            "(memory.init 0 (local.get 0) (i32.const 0) (i32.const 8)) (i32.store offset=8 (local.get 0) (i32.const 0))",
            ["setting up a second thread of app.wasm writes beyond its own thread-locals\n", "bytes around the 8 at 0x"],
        ),
        // The data again: all of it, a part, the zeros only.
        (guard, "", [again, "8 bytes from 0x10000 on, 20 bytes from 0x10010 on, 100 bytes from 0x10040 on\n"]),
        ("(data.drop 1))", "(i32.store (i32.const 65556) (i32.const 0x74202c6f)))", [again, "4 bytes from 0x10014 on\n"]),
        (
            "(data.drop 1))",
            "(memory.fill (i32.const 65600) (i32.const 0) (i32.const 100)))",
            [again, "100 bytes from 0x10040 on\n"],
        ),
        // The second does not come up.
        (
            guard,
            &format!("(if (i32.atomic.load (i32.const 66000)) (then unreachable)) {guard}"),
            ["the second instance of app.wasm does not start\n", "RuntimeError: unreachable\n"],
        ),
        (
            guard,
            &format!("unreachable {guard}"),
            ["the first instance of app.wasm does not start\n", "RuntimeError: unreachable\n"],
        ),
    ] {
        let checked = Checked::new(&edited(LINKED, from, to)).reads_well();
        let ran = checked.run().expect_code(1);
        assert_says(&ran, &["app.wasm: not threaded (javascript, linked)\n", "  error[refuted-by-run]: "]);
        assert_says(&ran, &wanted);
        // Its level is the user's affair.
        checked.check(&["--run", "--warn", "refuted-by-run"]).run().expect_success();
    }
    let json = Checked::new(&edited(LINKED, init, "")).check(&["--run", "--format", "json"]).run().expect_code(1);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let module = &json["files"][0]["modules"][0];
    assert_eq!(module["findings"][0]["rule"], "refuted-by-run");
    assert!(module["notes"][0].as_str().is_some_and(|note| note.starts_with("run: memory: ")), "{module}");
}

fn after_wasm_bindgen() {
    assert_proved(Checked::new(BOUND).reads_well().run(), "8 bytes");
    // Its own start calls a function of the page, and does not like what a stub gives it: all is set up by then.
    let own_start = "(call $init_tls (call $malloc (i32.const 16)))";
    let trap = format!("{own_start} (if (ref.is_null (call $alert (ref.null extern))) (then unreachable))");
    let ran = Checked::new(&edited(BOUND, own_start, &trap)).reads_well().run();
    assert_says(
        &ran,
        &[
            "its own start then stopped in the first instance, after a call of the stub for ./app_bg.js.__wbindgen_init_externref_table",
        ],
    );
    assert_proved(ran, "8 bytes");

    let guard = "(if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 66000) (i32.const 0) (i32.const 1))) (then";
    let again = "starting a second thread of app.wasm writes over what the first has changed\n";
    let no_own = "a second thread of app.wasm has no thread-locals of its own\n";
    for (from, to, wanted) in [
        (guard, "(if (i32.const 1) (then", [again, "8 bytes from 0x10000 on, 16 bytes from 0x10010 on\n"]),
        (
            own_start,
            "(call $init_tls (call $malloc (i32.const 16))) (memory.init 0 (i32.const 65536) (i32.const 0) (i32.const 8))",
            [again, "8 bytes from 0x10000 on\n"],
        ),
        (
            "(memory.init 0 (local.get 0) (i32.const 0) (i32.const 8))",
            "",
            ["a second thread of app.wasm begins without the first values of its thread-locals\n", "8 of 8 bytes at 0x"],
        ),
        ("(global.set $tls (local.get 0))", "", [no_own, "__tls_base is 0x0 in the first thread, and 0x0 in the second"]),
        (
            "(i32.atomic.rmw.add (i32.const 65572) (local.get 0))",
            "(i32.const 131072)",
            [no_own, "__tls_base is 0x20000 in the first thread, and 0x20000 in the second"],
        ),
        (
            "(global.set $stack (call $malloc (i32.const 4096)))",
            "",
            ["two threads of app.wasm have one stack\n", "__stack_alloc is 0x0 in both"],
        ),
    ] {
        let ran = Checked::new(&edited(BOUND, from, to)).reads_well().run().expect_code(1);
        assert_says(&ran, &["app.wasm: not threaded (javascript, after wasm-bindgen)\n", "  error[refuted-by-run]: "]);
        assert_says(&ran, &wanted);
    }
}

fn what_cannot_be_run_is_told() {
    let stub = edited(LINKED, "(module", r#"(module (import "env" "log" (func $log (result i32)))"#);
    let stub = edited(&stub, "(func $start", "(func $start (if (i32.eqz (call $log)) (then unreachable))");
    let invalid = edited(LINKED, "(func $start", "(func (result i32)) (func $start");
    let full = edited(LINKED, "(memory 2 64 shared)", "(memory 2 2 shared)");
    let full = edited(&full, "(i32.const 70000)", "(i32.const 131072)");
    let wasi = r#"(module
      (import "env" "memory" (memory 2 64 shared)) (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
      (func (export "_start")) (func (export "wasi_thread_start") (param i32 i32)) (export "memory" (memory 0)))"#;
    for (text, words, wanted) in [
        (
            stub.as_str(),
            &["--run"][..],
            "the start of the first instance calls env.log, for which there is only a stub here, and stops: RuntimeError: unreachable",
        ),
        (&invalid, &["--run"], " cannot run it: CompileError: "),
        (&full, &["--run", "--warn", "memory-cannot-grow"], "its memory has no room for a second thread"),
        (wasi, &["--run"], "its libc starts its threads from inside, by a WASI host"),
    ] {
        let checked = Checked::new(text);
        let ran = checked.check(words).run().expect_code(2);
        assert_says(&ran, &["app.wasm: could not be decided\n", "error[not-run]: app.wasm could not be run", wanted]);
        // By what it says it is good, and was never asked for more.
        checked.check(&words[1..]).run().expect_success();
    }
}

const UNDECIDED: &str = "app.wasm: could not be decided\n  error[not-run]: app.wasm could not be run";

fn data_that_no_start_writes() {
    let write = "(memory.init 1 (i32.const 65552) (i32.const 0) (i32.const 20))";
    // Written elsewhere, by a function that nothing calls; the thread-locals do not stand for it.
    let elsewhere = edited(LINKED, write, "");
    let elsewhere = edited(&elsewhere, "(start $start)", &format!(r#"(start $start) (func (export "later") {write})"#));
    // Written where nobody looks: the address is not in the code, and too little of it to be found.
    let computed = "(memory.init 1 (i32.load (i32.const 66100)) (i32.const 0) (i32.const 8))";
    for text in [elsewhere, edited(LINKED, write, computed)] {
        let ran = Checked::new(&text).reads_well().run().expect_code(2);
        assert_says(&ran, &[UNDECIDED, "of none of its data was it seen where a start writes it\n"]);
    }
    // One of two.
    let two = edited(LINKED, r#"(data $.data "#, r#"(data $.data "written by itself\00\00\00") (data $.more "#);
    let ran = Checked::new(&two).reads_well().run();
    assert_says(&ran, &["  run: data: of 1 segment more it was not seen where a start writes it\n"]);
    assert_proved(ran, "8 bytes");
    // All of what there is: none.
    let none = edited(&edited(LINKED, write, ""), "(data.drop 1))", ")");
    let none = edited(&none, r#" (data $.data "hello, this is data\00")"#, "");
    assert_proved(Checked::new(&none).run(), "8 bytes");
}

/// Another host gives other values than zeros, and with these the module may be a good one.
fn what_only_a_stub_has_caused() {
    let guard = "(i32.atomic.rmw.cmpxchg (i32.const 66000) (i32.const 0) (i32.const 1))";
    let again = "starting a second thread of app.wasm writes over what the first has changed";
    let stopped = "the second instance of app.wasm does not start";
    let stop = format!("(if (i32.gt_u (i32.atomic.load (i32.const 66000)) (global.get $worker)) (then unreachable)) {guard}");
    let import = r#"(module (import "env" "worker" "#;
    let (function, global) = ("(func $worker (result i32)))", "(global $worker i32))");
    let doubted = |text: &str, what: &str| {
        let ran = Checked::new(text).reads_well().run().expect_code(2);
        let wanted = format!("{what}, and that may come of the value of env.worker, for which there is only a stub here: ");
        assert_says(&ran, &[UNDECIDED, &wanted]);
    };
    for (kind, worker) in [(function, "(call $worker)"), (global, "(global.get $worker)")] {
        let module = edited(LINKED, "(module", &format!("{import}{kind}"));
        doubted(&edited(&module, guard, worker), again);
    }
    let module = edited(LINKED, "(module", &format!("{import}{global}"));
    doubted(&edited(&module, guard, &stop), stopped);
    let own = "(global.set $tls (local.get 0))";
    let none = "(global.set $tls (global.get $worker))";
    doubted(&edited(&module, own, none), "a second thread of app.wasm has no thread-locals of its own");
    let bound =
        edited(BOUND, "(func $alert (param externref) (result externref))", "(func $alert (param externref) (result i32))");
    let bound = edited(&bound, r#""./app_bg.js" "__wbg_alert""#, r#""env" "worker""#);
    doubted(&edited(&bound, guard, "(call $alert (ref.null extern))"), again);

    // A stub that gives nothing, or was not called, is no excuse.
    let never = edited(LINKED, "(module", &format!("{import}{function}"));
    let void = edited(LINKED, "(module", r#"(module (import "env" "hello" (func $hello))"#);
    let void = edited(&void, "(func $start", "(func $start (call $hello)");
    for module in [never, void] {
        let ran = Checked::new(&edited(&module, guard, "(i32.const 0)")).reads_well().run().expect_code(1);
        assert_says(&ran, &["  error[refuted-by-run]: ", again]);
    }
}

fn memory_has_bounds() {
    // Imported and own, in every instance.
    let tables = |imported: u32, own: u32| {
        let text = edited(LINKED, "(module", &format!(r#"(module (import "t" "t" (table {imported} funcref))"#));
        Checked::new(&edited(&text, "(start $start)", &format!("(table {own} funcref) (start $start)")))
    };
    for (imported, own) in [(1_000_000, 48_577), (0, 9_000_000), (9_000_000, 0)] {
        let ran = tables(imported, own).reads_well().run().expect_code(2);
        let wanted = format!("its tables begin with {} elements, which is more than 1048576\n", imported + own);
        assert_says(&ran, &[UNDECIDED, &wanted]);
    }
    assert_proved(tables(1_000_000, 48_576).run(), "8 bytes");

    // Zeros that are written many times are looked at once.
    let fill = "(memory.fill (i32.const 65600) (i32.const 0) (i32.const 100))";
    let ran = Checked::new(&edited(LINKED, fill, &fill.repeat(50))).reads_well().run();
    assert_says(&ran, &["  run: data: 128 bytes in 3 places, "]);
    assert_proved(ran, "8 bytes");
}

fn a_name_stays_on_its_line() {
    let import = r#"(module (import "env" "a\1b[31m\0a    wanted: nothing" (func $log))"#;
    let stub = edited(LINKED, "(module", import);
    let stub = edited(&stub, "(func $start", "(func $start (call $log) unreachable");
    let ran = Checked::new(&stub).reads_well().run().expect_code(2);
    assert_says(&ran, &[UNDECIDED, "calls env.a\u{fffd}[31m\u{fffd}    wanted: nothing, for which there is only a stub here"]);

    // Also where there is no stub for it.
    let none = edited(LINKED, "(module", r#"(module (import "env" "a\0a    wanted: nothing" (global (ref func)))"#);
    let ran = Checked::new(&none).reads_well().run().expect_code(2);
    assert_says(&ran, &[UNDECIDED, "it imports env.a\u{fffd}    wanted: nothing, a global that may not be null\n"]);
}

fn a_start_without_end_is_stopped() {
    for (text, start, whose) in [
        (LINKED, "(func $start", "first"),
        (LINKED, "(func $start (if (i32.atomic.load (i32.const 66000)) (then (loop (br 0))))", "second"),
        // It sleeps.
        (LINKED, "(func $start (drop (memory.atomic.wait32 (i32.const 66008) (i32.const 0) (i64.const -1)))", "first"),
    ] {
        let start = if start == "(func $start" { "(func $start (loop (br 0))" } else { start };
        let checked = Checked::new(&edited(text, "(func $start", start));
        // On a machine that is busy it does not come so far at once.
        let mut tries = [2, 8, 32].map(|limit| (limit, format!("--run-limit={limit}"))).into_iter();
        let stopped = tries.any(|(limit, word)| {
            let ran = checked.check(&["--run", &word]).run().expect_code(2);
            assert_says(&ran, &["error[not-run]", &format!(" after {limit} seconds, and was stopped")]);
            ran.stdout_text().contains(&format!(" was still starting the {whose} instance after {limit} seconds"))
        });
        assert!(stopped, "{whose}");
    }
}

/// What is known already, or not asked, starts no node: here there is none.
fn nothing_is_run_in_vain() {
    let nowhere = temp_folder();
    let unshared = edited(LINKED, "(memory 2 64 shared)", "(memory 2 64)");
    let ran = Checked::new(&unshared).check(&["--run"]).path([nowhere.path()]).run().expect_code(1);
    assert_says(&ran, &["error[memory-not-shared]"]);
    assert!(!ran.stdout_text().contains("run: "), "{ran:?}");
    Checked::new(&unshared).check(&["--run", "--expect", "unthreaded"]).path([nowhere.path()]).run().expect_success();
}

fn without_node() {
    let nowhere = temp_folder();
    let ran = Checked::new(LINKED).check(&["--run"]).path([nowhere.path()]).run().expect_code(2);
    assert_says(&ran, &["error[not-run]", "there is no node on PATH"]);
}

#[track_caller]
fn runs(module: &Path) -> Ran {
    Run::new(cargo_wasm_threads()).words(["check", "--run"]).word(module).run()
}

fn addresses_of_64_bits() {
    let place = crate::support::Place::new(Tool::WasmLd(16));
    place.write("adders.c", crate::support::clang::ADDERS.as_bytes());
    let words = ["-matomics", "-mbulk-memory", "adders.c", "-o", "out.wasm"];
    place.run(crate::support::clang::clang_with(shim(), "wasm64").words(words)).threaded(1);
    assert_proved(runs(&place.path("out.wasm")), "4 bytes");
}

fn by_rust_and_its_linker() {
    let folder = temp_folder();
    let source = r#"
        static mut SHARED: i32 = 7;
        #[thread_local] static mut LOCAL: i32 = 5;
        #[unsafe(no_mangle)] pub unsafe extern "C" fn add() -> i32 { unsafe { LOCAL = LOCAL + 1; atomic_add(&raw mut SHARED, LOCAL) } }"#;
    NoCore::new(source).threaded().link(shim(), folder.path()).run().expect_success();
    assert_proved(runs(&folder.path().join("sample.wasm")), "4 bytes");
}

fn by_wasm_bindgen() {
    let project = Project::new("tests/fixtures/required", "required-run", shim());
    project.build(&["--release", "--package", "page"]).expect_success();
    let linked = project.module("release", "page");
    let ran = runs(&linked).expect_success();
    assert_says(&ran, &["(javascript, linked)", "  run: data: "]);
    for target in ["web", "nodejs", "no-modules"] {
        let folder = temp_folder();
        let bindgen = Run::new(Tool::WasmBindgen.path()).words(["--target", target, "--out-dir"]).word(folder.path());
        bindgen.word(&linked).run().expect_success();
        let ran = runs(&folder.path().join("page_bg.wasm")).expect_success();
        assert_says(
            &ran,
            &[
                "(javascript, after wasm-bindgen)",
                "  run: data: ",
                "  run: thread-locals: ",
                ", each with their first values\n",
            ],
        );
    }
}
