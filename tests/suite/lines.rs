//! Only what is missing is added: a table of command lines, as they come and as the real linker gets them.
//!
//! Every row is a link by the shim with a real atomic object on the line. The table is `tests/golden/lines.txt`.

use crate::support::{NoCore, Recorder, Run, golden, objects, read, recorder, shim, temp_folder};
use crate::support::{Suite, Tool};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

// Seeing an argv needs a linker that is a script.
pub fn tests(suite: &mut Suite) {
    suite.test("table", &[Tool::Rustc, Tool::RustLld], table);
    suite.test("all_nine_are_forwarded_byte_for_byte", &[Tool::Rustc, Tool::RustLld], all_nine);
    suite.test("rustc_stable", &[Tool::Rustc, Tool::RustLld], || rustc(Tool::Rustc));
    suite.test("rustc_nightly", &[Tool::Rustc, Tool::RustLld, Tool::Nightly], || rustc(Tool::Nightly));
}

/// A file beside the object: its name and its bytes.
type File = (&'static str, &'static [u8]);

/// A title, the words with spaces between them (a `·` stands for a space in a word, `''` for the empty word), and files.
type Row = (&'static str, &'static str, &'static [File]);

const HEAD: &str = "\
What the real linker gets for each line, when a.o uses atomics.

file  a response file, and what is in it
in    the words the shim was given
out   the words the real linker was given; `the same` where they are those of `in`
ends  what came of it: a module, and its memory in pages; or the linker's first words
A `·` is a space in a word, `''` the empty word. [6 exports] is --export-if-defined= with each of __heap_base __data_end
__wasm_init_tls __tls_size __tls_align __tls_base. [copy] is a response file of the shim's own, and under it what is in it.
";

const ROWS: &[Row] = &[
    // ---- what rustc passes, by version (the objects' names shortened)
    (
        "rustc 1.63",
        "-flavor wasm --rsp-quoting=posix --export __heap_base --export __data_end -z stack-size=1048576 --stack-first \
         --allow-undefined --fatal-warnings --no-demangle --shared-memory --max-memory=1073741824 --import-memory \
         --export=__wasm_init_memory --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base \
         --no-entry --export-dynamic a.rcgu.o -o out.wasm --gc-sections",
        &[],
    ),
    (
        "rustc 1.85 and 1.91",
        "-flavor wasm --shared-memory --max-memory=1073741824 --import-memory --export=__wasm_init_tls --export=__tls_size \
         --export=__tls_align --export=__tls_base --export add_shared --export=__heap_base --export=__data_end -z \
         stack-size=1048576 --stack-first --allow-undefined --no-demangle --no-entry a.rcgu.o -L \
         /s/lib/rustlib/wasm32-unknown-unknown/lib -o out.wasm --gc-sections --no-entry -O3",
        &[],
    ),
    (
        "rustc 1.92 to 1.95",
        "-flavor wasm --export add_shared --export=__heap_base --export=__data_end -z stack-size=1048576 --stack-first \
         --allow-undefined --no-demangle --no-entry a.rcgu.o -L /s/lib/rustlib/wasm32-unknown-unknown/lib -o out.wasm \
         --gc-sections --no-entry -O3",
        &[],
    ),
    (
        "rustc 1.96",
        "-flavor wasm --export add_shared --export=__heap_base --export=__data_end -z stack-size=1048576 --stack-first \
         --no-demangle --no-entry a.rcgu.o -L /s/lib/rustlib/wasm32-unknown-unknown/lib/self-contained -o out.wasm \
         --gc-sections --no-entry -O3 --strip-debug",
        &[],
    ),
    (
        "rustc 1.97",
        "-flavor wasm --export add_shared -z stack-size=1048576 --stack-first --no-demangle --no-entry a.rcgu.o -L \
         /s/lib/rustlib/wasm32-unknown-unknown/lib/self-contained -o out.wasm --gc-sections --no-entry -O3",
        &[],
    ),
    (
        "a recipe of seven, at the end, with its own maximum",
        "-flavor wasm --export=__heap_base --export=__data_end --no-entry a.rcgu.o -o out.wasm --gc-sections --shared-memory \
         --import-memory --max-memory=4294967296 --export=__wasm_init_tls --export=__tls_size --export=__tls_align \
         --export=__tls_base",
        &[],
    ),
    (
        "a recipe of nine",
        "-flavor wasm --no-entry a.rcgu.o -o out.wasm --gc-sections --shared-memory --import-memory --max-memory=268435456 \
         --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base --export=__heap_base \
         --export=__data_end",
        &[],
    ),
    ("rustc 1.97, wasm32v1-none", "-flavor wasm --no-entry a.rcgu.o -L /s/lib/rustlib/wasm32v1-none/lib -o out.wasm", &[]),
    (
        "rustc, wasm32-wasip1-threads: all four come from rustc",
        "-flavor wasm --import-memory --export-memory --shared-memory --max-memory=1073741824 --no-entry a.rcgu.o -L \
         /s/lib/rustlib/wasm32-wasip1-threads/lib -o out.wasm",
        &[],
    ),
    (
        "wasm32-wasip1-threads, with two of the four",
        "-flavor wasm --export-memory --shared-memory --no-entry a.o -L/s/lib/rustlib/wasm32-wasip1-threads/lib -o out.wasm",
        &[],
    ),
    (
        "wasm32-wasip1-threads, its memory under a name that no host knows",
        "-flavor wasm --export-memory=m --shared-memory --no-entry a.o -L/s/lib/rustlib/wasm32-wasip1-threads/lib -o out.wasm",
        &[],
    ),
    ("clang's line, wasm32-wasip1-threads", "-m wasm32 -L/s/lib/wasm32-wasip1-threads --no-entry a.o -o out.wasm", &[]),
    (
        "wasm32-wasip1 has no threads: nothing helps",
        "-flavor wasm --no-entry a.o -L /s/rustlib/wasm32-wasip1/lib -o out.wasm",
        &[],
    ),
    (
        "wali shares memory in its own way",
        "-flavor wasm --no-entry a.o -L /s/rustlib/wasm32-wali-linux-musl/lib -o out.wasm",
        &[],
    ),
    ("emcc's own call of its linker", "--no-entry a.o -L/e/lib/wasm32-emscripten -o out.wasm", &[]),
    // ---- where the flavor stands
    ("no flavor, and a linker that needs one", "--no-entry a.o -o out.wasm", &[]),
    ("a flavor in the wrong place", "--no-entry -flavor wasm a.o -o out.wasm", &[]),
    // ---- one missing at a time
    (
        "all but --shared-memory",
        "-flavor wasm --no-entry a.o -o out.wasm --import-memory --max-memory=65536000 {all exports}",
        &[],
    ),
    (
        "all but --import-memory",
        "-flavor wasm --no-entry a.o -o out.wasm --shared-memory --max-memory=65536000 {all exports}",
        &[],
    ),
    ("all but --max-memory", "-flavor wasm --no-entry a.o -o out.wasm --shared-memory --import-memory {all exports}", &[]),
    (
        "all but one export",
        "-flavor wasm --no-entry a.o -o out.wasm --shared-memory --import-memory --max-memory=65536000 --export=__heap_base \
         --export=__data_end --export=__wasm_init_tls --export=__tls_size --export=__tls_base",
        &[],
    ),
    // ---- the maximum
    ("--max-memory= with a size of one's own", "-flavor wasm --no-entry a.o -o out.wasm --max-memory=33554432", &[]),
    (
        "--max-memory= twice: the last one wins",
        "-flavor wasm --max-memory=65536000 --no-entry a.o --max-memory=33554432 -o out.wasm",
        &[],
    ),
    ("--max-memory=0 is none", "-flavor wasm --no-entry a.o --max-memory=0 -o out.wasm", &[]),
    ("--max-memory=0 after one is none", "-flavor wasm --no-entry a.o --max-memory=33554432 --max-memory=000 -o out.wasm", &[]),
    ("one after --max-memory=0 counts", "-flavor wasm --no-entry a.o --max-memory=0 --max-memory=33554432 -o out.wasm", &[]),
    ("--max-memory= empty", "-flavor wasm --no-entry a.o --max-memory= -o out.wasm", &[]),
    ("--max-memory= in hexadecimal", "-flavor wasm --no-entry a.o --max-memory=0x1000000 -o out.wasm", &[]),
    ("--max-memory= with a unit", "-flavor wasm --no-entry a.o --max-memory=16M -o out.wasm", &[]),
    ("--max-memory= below what is needed", "-flavor wasm --no-entry a.o --max-memory=65536 -o out.wasm", &[]),
    ("--max-memory and a space is no option", "-flavor wasm --no-entry a.o --max-memory 16777216 -o out.wasm", &[]),
    ("-max-memory= is -m", "-flavor wasm --no-entry a.o -max-memory=16777216 -o out.wasm", &[]),
    ("--no-growable-memory", "-flavor wasm --no-entry a.o --no-growable-memory --initial-memory=33554432 -o out.wasm", &[]),
    ("--initial-memory= below 1 GiB", "-flavor wasm --no-entry a.o --initial-memory=33554432 -o out.wasm", &[]),
    ("--initial-memory= of 1 GiB", "-flavor wasm --no-entry a.o --initial-memory=1073741824 -o out.wasm", &[]),
    ("--initial-memory= above 1 GiB", "-flavor wasm --no-entry a.o --initial-memory=2147483648 -o out.wasm", &[]),
    ("--initial-heap= above 1 GiB", "-flavor wasm --no-entry a.o --initial-heap=1610612736 -o out.wasm", &[]),
    (
        "--initial-memory= and the same maximum",
        "-flavor wasm --no-entry a.o --initial-memory=33554432 --max-memory=33554432 -o out.wasm",
        &[],
    ),
    // ---- the memory's import and export
    ("--import-memory with a name", "-flavor wasm --no-entry a.o --import-memory=host,shared -o out.wasm", &[]),
    ("--import-memory with half a name", "-flavor wasm --no-entry a.o --import-memory=shared -o out.wasm", &[]),
    ("--import-memory and --export-memory", "-flavor wasm --no-entry a.o --import-memory --export-memory=m -o out.wasm", &[]),
    ("--export-memory", "-flavor wasm --no-entry a.o --export-memory -o out.wasm", &[]),
    (
        "the same flag again and again",
        "-flavor wasm --shared-memory --shared-memory --no-entry a.o --import-memory --import-memory -o out.wasm",
        &[],
    ),
    // ---- exports
    ("--export with =", "-flavor wasm --no-entry a.o --export=__tls_base --export=add_shared -o out.wasm", &[]),
    ("--export with a space", "-flavor wasm --no-entry a.o --export __tls_base --export add_shared -o out.wasm", &[]),
    ("-export, both ways", "-flavor wasm --no-entry a.o -export=__tls_base -export __tls_size -o out.wasm", &[]),
    (
        "--export-if-defined, all ways",
        "-flavor wasm --no-entry a.o --export-if-defined=__tls_base --export-if-defined __tls_size \
         -export-if-defined=__tls_align -export-if-defined __heap_base -o out.wasm",
        &[],
    ),
    ("--export-all", "-flavor wasm --no-entry a.o --export-all -o out.wasm", &[]),
    ("--export-dynamic exports none of them", "-flavor wasm --no-entry a.o --export-dynamic -o out.wasm", &[]),
    ("-E is the same", "-flavor wasm --no-entry a.o -E -o out.wasm", &[]),
    ("an export whose name only begins so", "-flavor wasm --no-entry a.o --export-if-defined=__tls_base2 -o out.wasm", &[]),
    ("an export of what is not there", "-flavor wasm --no-entry a.o --export=nothing -o out.wasm", &[]),
    // ---- one dash is not two
    ("-shared-memory is no option", "-flavor wasm --no-entry a.o -shared-memory -o out.wasm", &[]),
    ("-import-memory is no option", "-flavor wasm --no-entry a.o -import-memory -o out.wasm", &[]),
    ("-export-all is -e", "-flavor wasm a.o -export-all -o out.wasm", &[]),
    ("-export-memory is -e", "-flavor wasm a.o -export-memory -o out.wasm", &[]),
    ("-export-table is -e", "-flavor wasm a.o -export-table -o out.wasm", &[]),
    ("-no-check-features is no option", "-flavor wasm --no-entry a.o -no-check-features -o out.wasm", &[]),
    ("-initial-memory= is no option", "-flavor wasm --no-entry a.o -initial-memory=33554432 -o out.wasm", &[]),
    ("--no-shared-memory is no option", "-flavor wasm --no-entry a.o --no-shared-memory -o out.wasm", &[]),
    ("an abbreviation is no option", "-flavor wasm --no-entry a.o --shared-mem -o out.wasm", &[]),
    ("--shared-memory= is no option", "-flavor wasm --no-entry a.o --shared-memory=1 -o out.wasm", &[]),
    ("-- ends nothing", "-flavor wasm --no-entry a.o -o out.wasm -- --shared-memory", &[]),
    // ---- words that are values
    ("--export takes --shared-memory", "-flavor wasm --no-entry a.o --export --shared-memory -o out.wasm", &[]),
    (
        "--export-if-defined takes --import-memory",
        "-flavor wasm --no-entry a.o --export-if-defined --import-memory -o out.wasm",
        &[],
    ),
    ("-mllvm takes --shared-memory", "-flavor wasm --no-entry a.o -mllvm --shared-memory -o out.wasm", &[]),
    (
        "-u takes --max-memory=65536000",
        "-flavor wasm --no-entry a.o --allow-undefined -u --max-memory=65536000 -o out.wasm",
        &[],
    ),
    ("-y takes --export=__tls_base", "-flavor wasm --no-entry a.o -y --export=__tls_base -o out.wasm", &[]),
    ("-z takes --export-all", "-flavor wasm --no-entry a.o -z --export-all -o out.wasm", &[]),
    ("--wrap takes -r", "-flavor wasm --no-entry a.o --wrap -r -o out.wasm", &[]),
    ("--soname takes -shared", "-flavor wasm --no-entry a.o --soname -shared -o out.wasm", &[]),
    ("-L takes --help", "-flavor wasm --no-entry a.o -L --help -o out.wasm", &[]),
    ("--entry takes --version", "-flavor wasm a.o --allow-undefined --entry --version -o out.wasm", &[]),
    ("-o takes --shared-memory", "-flavor wasm --no-entry a.o -o --shared-memory", &[]),
    ("--error-limit takes the next word", "-flavor wasm --no-entry a.o --error-limit --import-memory -o out.wasm", &[]),
    ("--threads takes the next word", "-flavor wasm --no-entry a.o --threads 2 -o out.wasm", &[]),
    (
        "--color-diagnostics takes none",
        "-flavor wasm --no-entry a.o --color-diagnostics --max-memory=65536000 -o out.wasm",
        &[],
    ),
    // ---- the output
    ("-oF", "-flavor wasm --no-entry a.o -oout.wasm", &[]),
    ("-o=F is the file =F", "-flavor wasm --no-entry a.o -o=out.wasm", &[]),
    ("-o twice: the last one wins", "-flavor wasm --no-entry a.o -o first.wasm -o out.wasm", &[]),
    ("--output is no option", "-flavor wasm --no-entry a.o --output=out.wasm", &[]),
    ("no output named", "-flavor wasm --no-entry a.o", &[]),
    // ---- 64 bits
    ("-mwasm64", "-flavor wasm -mwasm64 --no-entry a64.o -o out.wasm", &[]),
    ("-m wasm64", "-flavor wasm -m wasm64 --no-entry a64.o -o out.wasm", &[]),
    ("wasm64, initial 6 GiB", "-flavor wasm -mwasm64 --initial-memory=6442450944 --no-entry a64.o -o out.wasm", &[]),
    ("-mwasm32", "-flavor wasm -mwasm32 --no-entry a.o -o out.wasm", &[]),
    // ---- links that are left alone
    ("-r", "-flavor wasm -r a.o -o out.wasm", &[]),
    ("--relocatable", "-flavor wasm --relocatable a.o -o out.wasm", &[]),
    ("-relocatable", "-flavor wasm -relocatable a.o -o out.wasm", &[]),
    ("-shared", "-flavor wasm -shared a.o -o out.wasm", &[]),
    ("-pie", "-flavor wasm -pie --no-entry a.o -o out.wasm", &[]),
    ("-pie, taken back", "-flavor wasm -pie --no-pie --no-entry a.o -o out.wasm", &[]),
    ("--cooperative-threading, of LLVM 23", "-flavor wasm --cooperative-threading --no-entry a.o -o out.wasm", &[]),
    ("-v with an input links", "-flavor wasm -v --no-entry a.o -o out.wasm", &[]),
    ("--version", "-flavor wasm --version --no-entry a.o -o out.wasm", &[]),
    // ---- an option of tomorrow, and the empty word
    ("an option nobody knows", "-flavor wasm --no-entry a.o --an-option-of-tomorrow -o out.wasm", &[]),
    ("an empty word", "-flavor wasm --no-entry '' a.o -o out.wasm", &[]),
    ("a space in a word", "-flavor wasm --no-entry a.o --export-if-defined=two·words -o out·put.wasm", &[]),
    // ---- our own options, in every place
    ("our option first, before the flavor", "--wasm-threads-max-memory=64MiB -flavor wasm --no-entry a.o -o out.wasm", &[]),
    ("our option after the flavor", "-flavor wasm --wasm-threads-max-memory=64MiB --no-entry a.o -o out.wasm", &[]),
    ("our option in between", "-flavor wasm --no-entry --wasm-threads-max-memory=64MiB a.o -o out.wasm", &[]),
    ("our option last", "-flavor wasm --no-entry a.o -o out.wasm --wasm-threads-max-memory=64MiB", &[]),
    (
        "our option and the user's own maximum",
        "-flavor wasm --no-entry a.o -o out.wasm --max-memory=33554432 --wasm-threads-max-memory=64MiB",
        &[],
    ),
    (
        "our option twice: the last one wins",
        "-flavor wasm --wasm-threads-max-memory=1GiB --no-entry a.o --wasm-threads-max-memory=64MiB -o out.wasm",
        &[],
    ),
    (
        "our option as the value of another is a value",
        "-flavor wasm --no-entry a.o --export-if-defined --wasm-threads=off -o out.wasm",
        &[],
    ),
    ("our option as the output", "-flavor wasm --no-entry a.o -o --wasm-threads=off", &[]),
    ("our option joined to another", "-flavor wasm --no-entry a.o --export-if-defined=--wasm-threads=off -o out.wasm", &[]),
    ("our mode off", "-flavor wasm --wasm-threads=off --no-entry a.o -o out.wasm", &[]),
    ("our mode threaded", "-flavor wasm --wasm-threads=threaded --no-entry a.o -o out.wasm", &[]),
    ("our style stated", "-flavor wasm --wasm-threads-style=wasm-ld --no-entry a.o -o out.wasm", &[]),
    (
        "a marker of build.rs is the linker's word, too",
        "-flavor wasm --no-entry a.o --export-if-defined=wasm-threads:threaded -o out.wasm",
        &[],
    ),
    ("a marker that says off", "-flavor wasm --no-entry a.o --export-if-defined=wasm-threads:off -o out.wasm", &[]),
    // ---- response files
    (
        "all in a response file, as rustc writes it",
        "-flavor wasm @args",
        &[("args", b"--no-entry\na.o\n--export=add_shared\n-o\nout\\ put.wasm\n")],
    ),
    (
        "all nine in a response file",
        "-flavor wasm @args",
        &[(
            "args",
            b"--no-entry a.o -o out.wasm --shared-memory --import-memory --max-memory=33554432 --export=__heap_base \
              --export=__data_end --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base",
        )],
    ),
    (
        "the object in a nested response file",
        "-flavor wasm @outer",
        &[("outer", b"--no-entry @inner -o out.wasm"), ("inner", b"a.o --max-memory=33554432\n")],
    ),
    (
        "nested: relative to the current folder",
        "-flavor wasm @sub/outer",
        &[
            ("sub/outer", b"--no-entry a.o @inner -o out.wasm"),
            ("inner", b"--import-memory"),
            ("sub/inner", b"--shared-memory"),
        ],
    ),
    (
        "a value on the line, its option in the file",
        "-flavor wasm --no-entry a.o @args --shared-memory -o out.wasm",
        &[("args", b"--export-if-defined")],
    ),
    (
        "our option in a response file",
        "-flavor wasm @args",
        &[("args", b"--no-entry\r\n--wasm-threads-max-memory=64MiB\r\na.o\r\n-o\r\nout.wasm\r\n")],
    ),
    (
        "our option in a nested one",
        "-flavor wasm @outer -o out.wasm",
        &[
            ("outer", b"--no-entry @inner '--export-if-defined=a b'\t@other"),
            ("inner", b"  a.o --wasm-threads-max-memory=64MiB # x.o\n"),
            ("other", b"--import-memory"),
        ],
    ),
    (
        "our option quoted in a response file",
        "-flavor wasm @args",
        &[("args", b"--no-entry \"--wasm-threads\"-max\\-memory='64MiB' a.o -o out.wasm")],
    ),
    (
        "our option as a value in a response file",
        "-flavor wasm @args",
        &[("args", b"--no-entry a.o --export-if-defined --wasm-threads=off -o out.wasm")],
    ),
    (
        "two response files, our option in one",
        "-flavor wasm @one @two",
        &[("one", b"--no-entry a.o\n"), ("two", b"-o out.wasm --wasm-threads-max-memory=64MiB\n")],
    ),
    (
        "quotes and backslashes in a response file",
        "-flavor wasm @args",
        &[("args", br#"--no-entry 'a.o' "--import-memory=ho\st,me'mory" -o ou\t.wasm"#)],
    ),
    ("an unterminated quote", "-flavor wasm @args", &[("args", b"--no-entry a.o -o 'out.wasm")]),
    ("UTF-8 with a byte order mark", "-flavor wasm @args", &[("args", b"\xef\xbb\xbf--no-entry a.o -o out.wasm")]),
    (
        "UTF-16, little end first",
        "-flavor wasm @args",
        &[("args", b"\xff\xfe-\0-\0n\0o\0-\0e\0n\0t\0r\0y\0 \0a\0.\0o\0 \0-\0o\0 \0x\0.\0w\0a\0s\0m\0")],
    ),
    (
        "UTF-16, big end first, our option in it",
        "-flavor wasm @args --no-entry a.o -o out.wasm",
        &[("args", b"\xfe\xff\0-\0-\0w\0a\0s\0m\0-\0t\0h\0r\0e\0a\0d\0s\0=\0a\0u\0t\0o\0 \0-\0E")],
    ),
    (
        "Windows quoting",
        "-flavor wasm --rsp-quoting=windows @args",
        &[("args", br#"--no-entry "a.o" "--export-if-defined=x\y\\" -o out.wasm"#)],
    ),
    (
        "Windows quoting, our option in it",
        "-flavor wasm --rsp-quoting windows @args",
        &[("args", br#"--no-entry "--wasm-threads-max-memory=64MiB" "a.o" --export-if-defined="q\"q" -o out.wasm"#)],
    ),
    (
        "Windows quoting, nested, our option in the inner one",
        "-flavor wasm -rsp-quoting=windows @outer",
        &[("outer", b"--no-entry @inner -o out.wasm"), ("inner", br#"a.o "--wasm-threads-max-memory=64MiB""#)],
    ),
    (
        "--rsp-quoting inside a response file comes too late",
        "-flavor wasm @args",
        &[("args", br"--rsp-quoting=windows --no-entry a.o --export-if-defined=x\y -o out.wasm")],
    ),
    ("a quoting nobody knows", "-flavor wasm --rsp-quoting=foo --no-entry a.o -o out.wasm", &[]),
    ("a response file that is not there", "-flavor wasm --no-entry a.o @nowhere -o out.wasm", &[]),
    ("a response file with nothing in it", "-flavor wasm --no-entry a.o @empty -o out.wasm", &[("empty", b"")]),
    ("a flavor inside a response file", "@args", &[("args", b"-flavor wasm --no-entry a.o -o out.wasm")]),
    (
        "the flavor on the line, our option only in the file",
        "-flavor wasm --no-entry a.o -o out.wasm @args",
        &[("args", b"--wasm-threads=auto")],
    ),
];

const ALL_EXPORTS: &str = "--export=__heap_base --export=__data_end --export=__wasm_init_tls --export=__tls_size \
                           --export=__tls_align --export=__tls_base";

fn table() {
    // A link takes a while, and each has a folder of its own.
    let next = std::sync::atomic::AtomicUsize::new(0);
    let texts = std::sync::Mutex::new(vec![String::new(); ROWS.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(row) = ROWS.get(index) else { return };
            let text = link(row);
            texts.lock().expect("no row panics with the lock held")[index] = text;
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let texts = texts.into_inner().expect("no row panicked");
    golden::check("lines", &format!("{HEAD}\n{}", texts.join("\n")), &[]);
}

/// What a row comes to, as text.
fn link((title, line, files): &Row) -> String {
    let folder = temp_folder();
    let line = line.replace("{all exports}", ALL_EXPORTS);
    let words: Vec<String> =
        line.split(' ').map(|word| if word == "''" { String::new() } else { word.replace('·', " ") }).collect();
    for name in ["a.o", "a.rcgu.o"] {
        fs::copy(objects::atomic(), folder.path().join(name)).expect("an object can be copied");
    }
    if words.iter().any(|word| word == "a64.o") {
        let wide = objects::threaded("atomic", objects::ATOMIC).target("wasm64-unknown-unknown").object();
        fs::copy(wide, folder.path().join("a64.o")).expect("an object can be copied");
    }
    let mut text = format!("== {title}\n");
    for (name, contents) in *files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(&path, contents).expect("a response file");
        text += &format!("file  {name}: {}\n", contents.escape_ascii());
    }
    let seen = See::new(Tool::RustLld.path());
    let run = Run::new(shim()).words(&words).folder(folder.path()).env("WASM_THREADS_LINKER", seen.linker());
    let ran = run.env("TMPDIR", seen.scratch()).run();
    assert!(!ran.stderr_text().contains("panicked"), "{title}\n{ran:?}");
    text += &format!("in    {}\n", show(&words));
    for words_out in seen.recorder.runs() {
        let out: Vec<String> = words_out.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        text +=
            &if out == words { "out   the same\n".to_owned() } else { format!("out   {}\n", seen.name_copies(&show(&out))) };
        text += &seen.copies();
    }
    let output = ["out.wasm", "=out.wasm", "--shared-memory", "--wasm-threads=off", "out put.wasm", "x.wasm", "a.out"];
    let output = output.iter().map(|name| folder.path().join(name)).find(|path| path.exists());
    text += &match (ran.code(), output) {
        (Some(0), Some(output)) => format!("ends  {}\n", memory(&read(&output))),
        (Some(0), None) => "ends  well, without a module\n".to_owned(),
        (Some(code), _) => {
            let said = ran.stderr_text();
            let said = said.lines().next().unwrap_or_default().trim_start_matches("rust-lld: ");
            format!("ends  {code}, {}\n", said)
        }
        (None, _) => panic!("{title}\n{ran:?}"),
    };
    text
}

/// The module's memory in a few words.
fn memory(module: &[u8]) -> String {
    let facts = crate::support::Facts::of(module);
    let Some(memory) = facts.memories.first() else { return "a file without a memory".to_owned() };
    let shared = if memory.shared { "shared" } else { "unshared" };
    let import = memory.import.as_ref().map(|name| format!(", imported as {name}")).unwrap_or_default();
    let export = facts.exports.iter().find(|(_, kind)| matches!(kind, wasmparser::ExternalKind::Memory));
    let export = export.map(|(name, _)| format!(", exported as {name}")).unwrap_or_default();
    let most = memory.maximum.map_or_else(|| "without a maximum".to_owned(), |most| format!("up to {most}"));
    let tls = if facts.exports("__wasm_init_tls") { "" } else { ", no __wasm_init_tls" };
    format!("{shared}, {} pages {most}{import}{export}{tls}", memory.minimum)
}

fn show(words: &[String]) -> String {
    let exports: Vec<String> = ALL_EXPORTS.split(' ').map(|word| word.replace("--export=", "--export-if-defined=")).collect();
    let shown = |word: &String| if word.is_empty() { "''".to_owned() } else { word.replace(' ', "·") };
    let text = words.iter().map(shown).collect::<Vec<_>>().join(" ");
    text.replace(&exports.join(" "), "[6 exports]")
}

/// A linker that keeps the shim's temporary files of its last run.
struct See {
    folder: tempfile::TempDir,
    recorder: Recorder,
}

impl See {
    fn new(real: impl AsRef<Path>) -> See {
        let folder = temp_folder();
        let recorder = Recorder::new(&real);
        fs::create_dir(folder.path().join("scratch")).expect("a folder");
        let [kept, inner] = [folder.path().join("kept"), recorder.linker().to_owned()].map(|path| path.display().to_string());
        let script = format!("#!/bin/sh\nrm -rf '{kept}'; cp -R \"$TMPDIR\" '{kept}'\nexec '{inner}' \"$@\"\n");
        let see = See { folder, recorder };
        recorder::write_program(&see.linker(), script.as_bytes());
        see
    }

    fn linker(&self) -> std::path::PathBuf {
        self.folder.path().join("rust-lld")
    }

    fn scratch(&self) -> std::path::PathBuf {
        self.folder.path().join("scratch")
    }

    /// The response files that the shim wrote, in the order of their numbers.
    fn written(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for folder in fs::read_dir(self.folder.path().join("kept")).into_iter().flatten().flatten() {
            files.extend(fs::read_dir(folder.path()).into_iter().flatten().flatten().map(|file| file.path()));
        }
        files.sort();
        files
    }

    fn name_copies(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for path in self.written() {
            let number = path.file_name().expect("a name").to_string_lossy().into_owned();
            let folder = path.parent().and_then(Path::file_name).expect("a folder");
            let real = self.scratch().join(folder).join(&number);
            text = text.replace(&real.display().to_string(), &format!("[copy {}]", number.trim_end_matches("-arguments")));
        }
        text
    }

    fn copies(&self) -> String {
        let mut text = String::new();
        for (index, path) in self.written().iter().enumerate() {
            let contents = self.name_copies(&read(path).escape_ascii().to_string());
            text += &format!("      [copy {}] {contents}\n", index + 1);
        }
        text
    }
}

/// A line with all nine: not a byte is another, neither in the words nor in the module.
fn all_nine() {
    use crate::support::{FLAVOR, THREADED, assert_same_bytes};
    let folder = temp_folder();
    let words: Vec<OsString> = FLAVOR
        .iter()
        .chain(&THREADED)
        .map(OsString::from)
        .chain([objects::atomic().into_os_string(), "--export=add_shared".into(), "-o".into(), "out.wasm".into()])
        .collect();
    Run::new(Tool::RustLld.path()).words(&words).folder(folder.path()).run().expect_success().expect_silence();
    let bare = read(folder.path().join("out.wasm"));
    fs::remove_file(folder.path().join("out.wasm")).expect("the output");
    let recorder = Recorder::new(Tool::RustLld.path());
    let run = Run::new(shim()).words(&words).folder(folder.path()).env("WASM_THREADS_LINKER", recorder.linker());
    run.run().expect_success().expect_silence();
    assert_eq!(recorder.only_run(), words);
    assert_same_bytes(read(folder.path().join("out.wasm")), &bare);
    crate::support::Facts::of(&bare).assert_threaded();
}

/// rustc's own line: what the shim hands on is that line, with ours at the two places for them.
fn rustc(rustc: Tool) {
    let sample = objects::threaded("line", objects::ATOMIC).rustc(rustc.path());
    let plain = NoCore::new(objects::NEUTRAL).name("line").rustc(rustc.path());
    let line_of = |sample: &NoCore, shim_too: bool| {
        let folder = temp_folder();
        let recorder = Recorder::new(Tool::RustLld.path());
        let linker = if shim_too { shim() } else { recorder.linker() };
        sample.link(linker, folder.path()).env("WASM_THREADS_LINKER", recorder.linker()).run().expect_success();
        let text = |word: OsString| word.to_string_lossy().replace(&folder.path().display().to_string(), "[folder]");
        recorder.only_run().into_iter().map(text).map(without_temporary_folder).collect::<Vec<_>>()
    };
    let (bare, through) = (line_of(&sample, false), line_of(&sample, true));
    assert_eq!(through[..2], ["-flavor", "wasm"]);
    assert_eq!(through[2], "--max-memory=1073741824", "first, so that any other wins");
    let rest = &through[3..];
    assert_eq!(rest[..bare.len() - 2], bare[2..], "rustc's own words");
    let missing = |export: &&str| !bare.iter().any(|word| word == &format!("--export={export}"));
    let exports = ["__heap_base", "__data_end", "__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base"];
    let added = exports.iter().filter(|export| missing(export)).map(|export| format!("--export-if-defined={export}"));
    let wanted: Vec<String> = ["--shared-memory", "--import-memory"].map(String::from).into_iter().chain(added).collect();
    assert_eq!(rest[bare.len() - 2..], wanted);
    assert_eq!(line_of(&plain, true), line_of(&plain, false), "without atomics nothing is added");
}

/// rustc makes a folder of a new name for each link.
fn without_temporary_folder(word: String) -> String {
    match word.split_once("/rustc") {
        Some((before, after)) if after.contains('/') && !before.contains("lib") => {
            format!("{before}/rustc*{}", after.split_once('/').map_or("", |(_, file)| file))
        }
        _ => word,
    }
}
