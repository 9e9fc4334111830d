//! Commands and reactors: the objects that a libc puts first, and a libc of our own, as small as can be.

use super::{LLD, broken};
use crate::support::{Place, Run, Suite, Tool, archive::Archive, golden, read};
use std::path::Path;

pub fn tests(suite: &mut Suite) {
    for linker in LLD {
        let name = linker.name().replace('-', "_");
        suite.test(&format!("start_objects_and_libc_{name}"), &[Tool::Clang, linker], move || start_objects_and_libc(linker));
    }
}

/// The start objects and the library that a libc brings, as small as can be.
const LIBC: &[(&str, &str)] = &[
    ("crt1-command.o", "void __wasm_call_ctors(void); int main(void); void _start(void) { __wasm_call_ctors(); main(); }"),
    ("crt1-reactor.o", "void __wasm_call_ctors(void); void _initialize(void) { __wasm_call_ctors(); }"),
    ("dtors.o", "extern int ended; int ended; void __wasm_call_dtors(void) { __atomic_fetch_add(&ended, 1, 5); }"),
    (
        "code.o",
        "__attribute__((import_module(\"wasi\"), import_name(\"thread-spawn\"))) int spawn(void *argument);
         void __wasm_init_tls(void *place);
         static char block[64] __attribute__((aligned(16)));
         static int total; _Thread_local int mine = 3;
         __attribute__((export_name(\"wasi_thread_start\"))) void wasi_thread_start(int id, void *argument)
             { __wasm_init_tls(argument); mine += id; __atomic_fetch_add(&total, mine, 5); }
         int main(void) { return spawn(block); }",
    ),
    (
        "constructor.o",
        "static int ran; __attribute__((constructor)) void constructor(void) { __atomic_fetch_add(&ran, 1, 5); }",
    ),
    // Written by hand in the shape of wrappers, and none.
    ("by-hand.o", BY_HAND),
    ("flushing.o", "void flush(void) { static int flushed; __atomic_fetch_add(&flushed, 1, 5); }"),
];

const BY_HAND: &str = "__attribute__((import_module(\"wasi\"), import_name(\"thread-spawn\"))) int spawn(void *argument);
     void flush(void);
     __attribute__((noinline)) void thread(int id, void *argument) { __atomic_fetch_add((int *)argument, id, 5); }
     __attribute__((noinline)) void program(void) { static int total; spawn(&total); }
     __attribute__((export_name(\"wasi_thread_start\"))) void wasi_thread_start(int id, void *argument) { thread(id, argument); flush(); }
     __attribute__((export_name(\"_start\"))) void _start(void) { program(); flush(); }";

/// Every way to link the same object: with a start object for a command, for a library, and with none.
fn start_objects_and_libc(linker: Tool) {
    let place = Place::new(linker);
    for (name, source) in LIBC {
        let file = place.path(Path::new(name).with_extension("c"));
        std::fs::write(&file, source).expect("a source can be written");
        let clang =
            Run::new(Tool::Clang.path()).words(["--target=wasm32-wasip1-threads", "-matomics", "-mbulk-memory", "-O1", "-c"]);
        clang
            .words(["-ffreestanding", "-fno-builtin", "-nostdinc"])
            .word(file)
            .word("-o")
            .word(place.path(name))
            .run()
            .expect_success();
    }
    let archive = Archive::new().file(place.path("dtors.o"));
    archive.write(place.path("libc.a"));
    let line = |objects: &str| format!("{objects} -L. -L/none/rustlib/wasm32-wasip1-threads/lib");
    for objects in [
        "crt1-command.o code.o --export=_start",
        "crt1-command.o code.o -lc --export=_start",
        "crt1-command.o code.o constructor.o -lc --export=_start --strip-all",
        "crt1-reactor.o code.o --export=_initialize",
        "crt1-reactor.o code.o constructor.o -lc --export=_initialize",
        "-l:crt1-reactor.o code.o constructor.o -lc --export=_initialize --export=main",
        // No libc, no constructors: nothing has to be set up.
        "code.o --export=main",
        "flushing.o by-hand.o",
        "flushing.o by-hand.o --strip-all",
        // Somebody means to call them himself.
        "code.o constructor.o -lc --export=__wasm_call_ctors",
    ] {
        let linked = place.link(&line(objects));
        assert!(linked.ran.success() && linked.ran.stderr.is_empty(), "{objects}\n{:?}", linked.ran);
        assert_eq!(broken(&read(place.path("out.wasm"))), [""; 0], "{objects}");
    }
    for (objects, text) in [
        ("code.o -lc --export=main", "after"),
        ("code.o constructor.o --export=main", "before"),
        ("code.o constructor.o -lc --export=main", "both"),
        ("code.o constructor.o -lc --export=main --strip-all", "both"),
    ] {
        let said = place.link(&line(objects)).refused("thread-start-wrapped", 1);
        golden::check(&format!("wasi/wrapped-{text}"), &numbers_replaced(&said), &[]);
    }
    let said = place.link(&line("crt1-command.o crt1-reactor.o code.o --export=_start --export=_initialize"));
    golden::check("wasi/command-and-reactor", &said.refused("command-or-reactor", 1), &[]);
}

/// Which number a function has is the linker's affair.
fn numbers_replaced(text: &str) -> String {
    let words = text.split("function ").enumerate().map(|(index, part)| match index {
        0 => part.to_owned(),
        _ => format!("function N{}", part.trim_start_matches(|character: char| character.is_ascii_digit())),
    });
    words.collect()
}
