//! What people type at `cargo wasm-threads`, rightly and wrongly.

use crate::support::link::cargo_wasm_threads;
use crate::support::{Ran, Run, Suite};

pub fn tests(suite: &mut Suite) {
    suite.test("help_and_version", &[], help_and_version);
    suite.test("what_is_no_command_is_no_link", &[], what_is_no_command_is_no_link);
    #[cfg(unix)]
    suite.test("nobody_listens", &[], nobody_listens);
}

fn said(words: &[&str]) -> Ran {
    // Nothing to link with: a word that is taken for a link is found out.
    let none: [&std::path::Path; 0] = [];
    Run::new(cargo_wasm_threads()).words(words).path(none).env("RUSTC", "no-rustc").run()
}

fn help_and_version() {
    let version = format!("cargo-wasm-threads {}\n", env!("CARGO_PKG_VERSION"));
    for by_cargo in [&[][..], &["wasm-threads"]] {
        let with = |word: &str| said(&[by_cargo, &[word]].concat()).expect_success().stdout_text();
        assert!(with("--help").contains("Usage: cargo wasm-threads <COMMAND>"));
        assert_eq!(with("help"), with("-h"));
        assert_eq!(with("--version"), version);
    }
}

fn what_is_no_command_is_no_link() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "no command was given"),
        (&["wasm-threads"], "no command was given"),
        (&["wasm-threads", "build-std"], "there is no command \"build-std\""),
        (&["wasm-threads", "--verson"], "there is no command \"--verson\""),
        (&["wasm-threads", "check.wasm"], "there is no command \"check.wasm\""),
        (&["Demo"], "there is no command \"Demo\""),
        (&["demo", "--verbos"], "demo does not take \"--verbos\""),
    ];
    for (words, problem) in cases {
        said(words).expect_code(2).expect_stderr(&format!("error: {problem}\n\nMakes threaded"));
    }
    // The words of a link are one, and there is no linker here.
    said(&["-flavor", "wasm", "a.o"]).expect_code(1).expect_stderr("error[linker-not-found]");
    said(&["--wasm-threads=auto", "a.o"]).expect_code(1).expect_stderr("error[linker-not-found]");
}

#[cfg(unix)]
fn nobody_listens() {
    let text = "exec \"$0\" --help >/dev/full";
    let ran = Run::new("/bin/sh").words(["-c", text]).word(cargo_wasm_threads()).run().expect_success();
    assert!(ran.stderr.is_empty(), "{ran:?}");
}
