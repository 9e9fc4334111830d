//! Every example, built and run as its README says.

use crate::support::{Facts, Project, Ran, Run, Suite, Tool, assert_same_bytes, built, read, repository, shim, temp_folder};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];
const MAKE: Tool = Tool::Program("make", "make");
const CMAKE: Tool = Tool::Program("cmake", "cmake");

pub fn tests(suite: &mut Suite) {
    suite.test("counter", NEEDS, counter);
    suite.test("embedded_module", &NEEDS[..2], embedded_module);
    let c_threads = [MAKE, Tool::Clang, Tool::WasmLd(22), Tool::Node];
    suite.test("c_threads_by_make", &c_threads, c_threads_by_make);
    suite.test("c_threads_by_cmake", &[&[CMAKE], &c_threads[..]].concat(), c_threads_by_cmake);
}

fn counter() {
    // Its own `.cargo/config.toml` names the linker, by the name that `cargo install` gives it.
    let example = Project::new("examples/counter", "counter", shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    let config = String::from_utf8(read(example.folder().join(".cargo/config.toml"))).expect("text");
    assert!(config.contains("linker = \"wasm-threads-linker\""));
    let run = |example: &Project| {
        example.cargo(&["build", "--release"]).run().expect_success();
        let module = example.module("release", "counter");
        let host = Run::new(Tool::Node.path()).word("host.mjs").word(&module).folder(example.folder()).run();
        (Facts::read(&module), host)
    };
    let (facts, host) = run(&example);
    facts.assert_threaded();
    assert_eq!(host.expect_success().stdout_text(), "main counted 1, the workers 1000 and 2000: 3001 in all\n");

    // Without the line it builds, and fails as its README says.
    let example = example.linker(Tool::WasmLd(22).path());
    example.touch();
    let (facts, host) = run(&example);
    facts.assert_unthreaded();
    assert_eq!(host.code(), Some(1));
    host.expect_stderr("TypeError: Cannot read properties of undefined (reading 'value')");
}

fn embedded_module() {
    let module = Project::new("tests/fixtures/stale-recipe", "embedded", shim());
    module.build(&[]).expect_success();
    let path = module.module("debug", "stale_recipe");
    let server = Project::new("examples/embedded-module", "embedded-module", shim()).env("MODULE", &path.to_string_lossy());
    server.cargo(&["build"]).run().expect_success();

    // Its page and the module come with the headers of cross-origin isolation.
    let mut child =
        Run::new(built("", "debug").join("embedded-module")).word("0").command().spawn().expect("the server starts");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut address).expect("it prints its address");
    let address = address.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
        (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
    };
    let answers = ["/", "/module.wasm", "/other"].map(get);
    child.kill().and_then(|()| child.wait()).expect("the server can be ended");
    for ((headers, _), status) in answers.iter().zip(["200 OK", "200 OK", "404 Not Found"]) {
        assert!(headers.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{headers}");
        assert!(headers.contains("Cross-Origin-Opener-Policy: same-origin\r\n"), "{headers}");
        assert!(headers.contains("Cross-Origin-Embedder-Policy: require-corp"), "{headers}");
    }
    assert_same_bytes(&answers[1].1, read(&path));

    // A module that is not threaded, and one that is not there: nothing is built.
    let module = module.linker(Tool::WasmLd(22).path());
    module.touch().build(&[]).expect_success();
    server.cargo(&["build"]).run().expect_code(101).expect_stderr("error[memory-not-shared]: the memory of ");
    let server = server.env("MODULE", "nothing.wasm");
    server.cargo(&["build"]).run().expect_code(101).expect_stderr("nothing.wasm cannot be read");
}

/// The example's files in a folder to build in, with the shim on PATH under the name that `cargo install` gives it.
struct CThreads {
    folder: tempfile::TempDir,
}

impl CThreads {
    fn new() -> Self {
        let folder = temp_folder();
        for file in fs::read_dir(repository().join("examples/c-threads")).expect("the example") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name");
            // What a person built there is no part of it.
            if path.is_file() && path.extension().is_none_or(|extension| extension != "o" && extension != "wasm") {
                fs::copy(&path, folder.path().join(name)).expect("a copy");
            }
        }
        CThreads { folder }
    }

    fn run(&self, tool: Tool) -> Run {
        let mut path: Vec<PathBuf> = vec![shim().parent().expect("a folder").to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let linker = Tool::WasmLd(22).path();
        Run::new(tool.path()).folder(self.folder.path()).path(path).env("WASM_THREADS_LINKER", linker).env("CC", "clang-22")
    }

    fn make(&self, words: &[&str]) -> Ran {
        self.run(MAKE).words(["CC=clang-22", "clean", "primes.wasm"]).words(words).run()
    }

    fn host(&self, words: &[&str]) -> Ran {
        Run::new(Tool::Node.path()).word("host.mjs").words(words).folder(self.folder.path()).run()
    }

    fn module(&self, path: &str) -> Facts {
        Facts::read(self.folder.path().join(path))
    }
}

/// What the README says it says.
fn said() -> String {
    let readme = String::from_utf8(read(repository().join("examples/c-threads/README.md"))).expect("text");
    let from = readme.find("main and 3 workers").expect("what it says");
    let text = &readme[from..];
    text[..text.find("```").expect("the end of it")].to_owned()
}

fn c_threads_by_make() {
    let example = CThreads::new();
    example.make(&[]).expect_success();
    example.module("primes.wasm").assert_threaded();
    assert_eq!(example.host(&[]).expect_success().stdout_text(), said());
    // More workers than processors, and none.
    let many = example.host(&["primes.wasm", "9"]).expect_success().stdout_text();
    assert_eq!(many, said().replace("3 workers", "9 workers"));
    example.host(&["primes.wasm", "0"]).expect_success();

    // What the README says of lines that are left out.
    let plain = Tool::WasmLd(22).path();
    example.make(&[&format!("LD={}", plain.display())]).expect_code(2).expect_stderr("undefined symbol: __tls_size");
    let no_constructors = example.make(&["LDFLAGS=--no-entry --export=__stack_pointer"]).expect_code(2);
    no_constructors.expect_stderr("error[tls-init-wrapped]").expect_stderr("fix:    pass --export=__wasm_call_ctors,");
    assert!(!example.folder.path().join("primes.wasm").exists());

    // Each part of the host is needed: without it the program is wrong, and shows it.
    example.make(&[]).expect_success();
    let lines =
        ["  exports.__stack_pointer.value = block;", "  exports.__wasm_init_tls(block);", "  exports.__wasm_call_ctors?.();"];
    for line in lines {
        let threads = example.folder.path().join("threads.mjs");
        let text = fs::read_to_string(&threads).expect("text");
        assert!(text.contains(line), "{line}");
        fs::write(&threads, text.replace(line, "")).expect("text");
        // Threads that share a stack do not always meet on it.
        let shows = (0..20).any(|_| {
            let host = example.host(&[]);
            !host.success() || host.stdout_text() != said()
        });
        assert!(shows, "{line} can be left out");
        fs::write(&threads, text).expect("text");
    }
    assert_eq!(example.host(&[]).expect_success().stdout_text(), said());
}

fn c_threads_by_cmake() {
    let example = CThreads::new();
    let configure = ["-S", ".", "-B", "build", "-D", "CMAKE_BUILD_TYPE=Release"];
    example.run(CMAKE).words(configure).run().expect_success();
    example.run(CMAKE).words(["--build", "build"]).run().expect_success();
    example.module("build/primes.wasm").assert_threaded();
    let linked = fs::read_to_string(example.folder.path().join("build/CMakeFiles/primes.dir/link.txt")).expect("make's line");
    assert!(linked.contains(&format!("-fuse-ld={}", shim().display())), "{linked}");
    assert_eq!(example.host(&["build/primes.wasm"]).expect_success().stdout_text(), said());
}
