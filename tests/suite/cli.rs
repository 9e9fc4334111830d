//! What people type at `cargo wasm-threads`, rightly and wrongly.

use crate::support::link::cargo_wasm_threads;
use crate::support::{Ran, Run, Suite};

pub fn tests(suite: &mut Suite) {
    suite.test("help_and_version", &[], help_and_version);
    suite.test("every_help_reads_alike", &[], every_help_reads_alike);
    suite.test("a_mistyped_line_is_told_in_a_few_lines", &[], a_mistyped_line_is_told_in_a_few_lines);
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

const COMMANDS: [&str; 9] = ["build", "run", "test", "rustc", "demo", "init", "doctor", "check", "inspect"];

/// The same parts in the same order, in the columns of a terminal, for each command and for all of them.
fn every_help_reads_alike() {
    let all = said(&["--help"]).expect_success().stdout_text();
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command}")) || all.contains(&format!(", {command}")), "{command} in {all}");
        let help = said(&[command, "--help"]).expect_success().stdout_text();
        assert_eq!(said(&[command, "-h"]).expect_success().stdout_text(), help, "{command}");
        assert_eq!(said(&["wasm-threads", "help", command]).expect_success().stdout_text(), help, "{command}");
        assert!(help.contains(&format!(" cargo wasm-threads {command} [")), "{command} says how it is called: {help}");
        assert_reads_as_help(&help);
    }
    assert_reads_as_help(&all);
}

#[track_caller]
fn assert_reads_as_help(help: &str) {
    let place = |part: &str| help.find(part).unwrap_or_else(|| panic!("{part:?} is in {help}"));
    let parts = [
        "\n\nUsage: cargo wasm-threads ",
        "\n\nOptions:\n",
        "\n  -h, --help         print this",
        "\n\nExamples:\n  cargo ",
        "\n\nExit status: ",
    ];
    let places = parts.map(place);
    assert!(places.is_sorted(), "{places:?} in {help}");
    assert!(help.lines().all(|line| line.chars().count() <= 80), "wider than a terminal: {help}");
    // What an option or a command is for begins in one column.
    let texts = help.lines().filter(|line| line.starts_with("  -") || line.starts_with("    ")).filter_map(|line| {
        let at = line.find(|character: char| character != ' ')?;
        let gap = line[at..].find("  ").map(|gap| at + gap);
        Some(gap.map_or(at, |gap| gap + line[gap..].find(|character: char| character != ' ').unwrap_or_default()))
    });
    let columns: Vec<usize> = texts.filter(|column| *column > 7).collect();
    assert!(columns.iter().all(|column| *column == 21), "{columns:?} in {help}");
    // Each option of an example is one that the text explains.
    let examples = &help[place("\n\nExamples:\n")..place("\n\nExit status: ")];
    let cargos = ["--release", "--target"];
    for option in examples.split_whitespace().filter(|word| word.starts_with("--") && !cargos.contains(word)) {
        assert!(help.contains(&format!("\n  {option}")) || help.contains(&format!(", {option} ")), "{option} in {help}");
    }
}

fn a_mistyped_line_is_told_in_a_few_lines() {
    let cases: &[(&[&str], &str)] = &[
        (&["demo", "--verbos"], "demo"),
        (&["init", "--targe"], "init"),
        (&["doctor", "--json"], "doctor"),
        (&["check", "--jsn", "a.wasm"], "check"),
        (&["check"], "check"),
        (&["inspect", "--jsn", "a.wasm"], "inspect"),
        (&["runner"], "build"),
    ];
    for (words, command) in cases {
        let text = said(words).expect_code(2).stderr_text();
        assert!(text.starts_with("error: ") && text.contains("\n\nUsage: cargo wasm-threads "), "{text}");
        assert!(text.ends_with(&format!("\n\nMore: cargo wasm-threads {command} --help\n")), "{text}");
        assert!(text.lines().count() <= 9, "{text}");
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
        said(words).expect_code(2).expect_stderr(&format!("error: {problem}\n\nUsage: cargo wasm-threads "));
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
    // Nor to what is wrong: the status says it all the same.
    let refused = COMMANDS.map(|command| [command, "--no-such-option=1"]);
    for words in
        refused.iter().map(|words| &words[..]).chain([&["nosuch"][..], &[], &["check", "nosuch/*"], &["inspect", "nosuch"]])
    {
        let wanted = said(words);
        assert!(!wanted.success(), "{words:?}: {wanted:?}");
        let text = "exec \"$0\" \"$@\" >/dev/full 2>/dev/full";
        let none: [&std::path::Path; 0] = [];
        let run = Run::new("/bin/sh").words(["-c", text]).word(cargo_wasm_threads()).words(words).path(none);
        assert_eq!(run.env("RUSTC", "no-rustc").run().status, wanted.status, "{words:?}");
    }
}
