//! Every example, built and run as its README says.

use crate::support::{Facts, Project, Run, Suite, Tool, assert_same_bytes, built, read, shim};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const NEEDS: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node];

pub fn tests(suite: &mut Suite) {
    suite.test("counter", NEEDS, counter);
    suite.test("embedded_module", &NEEDS[..2], embedded_module);
}

fn counter() {
    // Its own `.cargo/config.toml` names the linker, by the name that `cargo install` gives it.
    let example = Project::new("examples/counter", "counter", shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    let config = String::from_utf8(crate::support::read(example.folder().join(".cargo/config.toml"))).expect("text");
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
