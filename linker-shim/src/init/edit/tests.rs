use super::*;
use crate::project::recipe::RECIPES;

const UNKNOWN: &str = "wasm32-unknown-unknown";

fn try_edit(text: &str, triple: &str, elsewhere: &Elsewhere) -> Result<Edited, Problem> {
    edit(Path::new("config.toml"), text, Recipe::of(triple).unwrap(), elsewhere)
}

/// The text after the change; a second change changes nothing.
#[track_caller]
fn edited_for(text: &str, triple: &str, elsewhere: &Elsewhere) -> String {
    let after = try_edit(text, triple, elsewhere).unwrap_or_else(|problem| panic!("{problem}\n{text}")).text;
    let again = try_edit(&after, triple, elsewhere).unwrap_or_else(|problem| panic!("{problem}\n{after}")).text;
    assert_eq!(after, again, "a second time");
    after
}

/// The same with `[build]` flags reaching the target, as they do where nobody else sets flags for it.
#[track_caller]
fn edited(text: &str) -> String {
    let flags = [(); 2].map(|()| FlagsElsewhere { build_reaches_target: true, as_text: None });
    edited_for(text, UNKNOWN, &Elsewhere { flags, ..Elsewhere::default() })
}

fn flags_of(text: &str, triple: &str, name: &str) -> Vec<String> {
    let file = ConfigFile::parse(Path::new("c"), text.to_owned()).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    file.words(&["target", triple, name]).unwrap_or_default()
}

/// Every line of the old text is in the new one, in its order.
#[track_caller]
fn assert_keeps(before: &str, after: &str) {
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(lines.any(|found| found == line), "lost or moved: {line}\n--- after\n{after}");
    }
}

#[test]
fn empty_file() {
    for recipe in RECIPES {
        let text = edited_for("", recipe.triple, &Elsewhere::default());
        assert!(text.contains(&format!("[target.{}]\n", recipe.triple)) && !text.contains("[target]"), "{text}");
        let flags = Flags::read(&flags_of(&text, recipe.triple, "rustflags"));
        assert!(flags.exports("wasm-threads:threaded"), "{text}");
        assert_eq!(flags.threaded(), recipe.features.is_some(), "{text}");
        // What the target has by itself, the linker does not make.
        assert_eq!(text.contains("# Makes the memory shared, "), recipe.features.is_some(), "{text}");
        assert_eq!(text.contains("# Fails the link if the module is not threaded."), recipe.features.is_none(), "{text}");
        assert_eq!(text.contains("build-std"), !recipe.build_std.is_empty(), "{text}");
        assert_eq!(text.contains("\n[unstable]"), !recipe.build_std.is_empty(), "{text}");
        // Without a target, build-std would compile it for build scripts as well.
        assert_eq!(text.contains("target = \""), text.contains("build-std"), "{text}");
    }
    let emscripten = edited_for("", "wasm32-unknown-emscripten", &Elsewhere::default());
    assert!(emscripten.contains("link-arg=-Wl,--export-if-defined=wasm-threads:threaded"), "{emscripten}");
}

#[test]
fn comments_order_and_values_stay() {
    let before = "# first\n[alias] # the short ones\nb = \"build\"\n\n[net]\noffline = true\n\n\
                  [target.wasm32-unknown-unknown] # web\n# by hand\nrustflags = [\n    \"-C\", \"target-feature=+simd128\", # fast\n    \
                  # shared\n    \"-Clink-arg=--shared-memory\", # one\n]\nrunner = 'node x.mjs' # runs\n\n[unstable]\n\
                  build-std = [\"std,panic_abort\"] # ours\nunstable-options = true\n# last\n";
    let after = edited(before);
    assert_keeps(before, &after);
    let flags = flags_of(&after, UNKNOWN, "rustflags");
    assert_eq!(flags[..3], ["-C", "target-feature=+simd128", "-Clink-arg=--shared-memory"]);
    assert!(Flags::read(&flags).threaded());
    assert!(after.contains("\n    \"link-arg=--export-if-defined=wasm-threads:threaded\",\n]\nrunner"), "{after}");
}

#[test]
fn comments_at_the_end_stay_where_they_are() {
    let after = edited("# all of it\n");
    assert!(after.starts_with("# all of it\n\n[build]\n"), "{after}");
    let after = edited("[net]\noffline = true\n# rustflags = []\n");
    assert!(after.starts_with("[net]\noffline = true\n# rustflags = []\n\n[build]\n"), "{after}");
    assert_eq!(after.matches("# rustflags = []").count(), 1, "{after}");
}

#[test]
fn every_form_of_a_table_and_of_flags() {
    for before in [
        "[target.wasm32-unknown-unknown]\nrustflags = \"-C opt-level=2\"\n",
        "[target.wasm32-unknown-unknown]\nrustflags = '-C opt-level=2 ' # text\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [\"-Copt-level=2\"]\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [ \"-Copt-level=2\", ]\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [\n\t\"-Copt-level=2\"\n]\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [\n\t\"-Copt-level=2\" # no comma\n]\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [\n\t\"-Copt-level=2\", # comma\n\t# end\n]\n",
        "[target.wasm32-unknown-unknown]\nrustflags = [\"-Copt-level=2\" # no comma, one line\n]\n",
        "target.wasm32-unknown-unknown.rustflags = [\"-Copt-level=2\"]\n",
        "[target]\nwasm32-unknown-unknown.rustflags = [\"-Copt-level=2\"]\n",
        "[target]\nwasm32-unknown-unknown = { rustflags = [\"-Copt-level=2\"] }\n",
        "target = { wasm32-unknown-unknown = { rustflags = [\"-Copt-level=2\"] } }\n",
        "[target.\"wasm32-unknown-unknown\"]\nrustflags = [\"-Copt-level=2\"]\n",
        "[build]\nrustflags = [\"-Copt-level=2\"]\n",
        "build.rustflags = \"-Copt-level=2\"\n",
    ] {
        let after = edited(before);
        let words = flags_of(&after, UNKNOWN, "rustflags");
        let flags = Flags::read(&words);
        assert!(words[0] == "-Copt-level=2" || words[..2] == ["-C", "opt-level=2"], "{after}");
        assert!(flags.threaded() && flags.exports("wasm-threads:threaded"), "{after}");
        assert!(Flags::read(&flags_of(&after, UNKNOWN, "rustdocflags")).threaded(), "{after}");
        let file = ConfigFile::parse(Path::new("c"), after.clone()).unwrap();
        assert_eq!(file.text(&["target", UNKNOWN, "linker"]), Some(LINKER), "{after}");
        for comment in ["# text", "# no comma", "# comma", "# end"] {
            assert_eq!(before.contains(comment), after.contains(comment), "{after}");
        }
    }
}

#[test]
fn what_is_there_is_not_written_again() {
    let before = "[build]\ntarget = [\"x86_64-unknown-linux-gnu\", \"wasm32-unknown-unknown\"]\n[target.wasm32-unknown-unknown]\n\
                  linker = '/home/me/bin/wasm-threads-linker'\n\
                  rustflags = '-Ctarget-feature=+atomics -Clink-arg=--export-if-defined=wasm-threads:threaded'\n\
                  rustdocflags = ['--codegen=target_feature=+atomics']\n[unstable]\nbuild-std = []\n";
    assert_eq!(edited(before), before);
    // The last word counts, and atomics without bulk-memory are none.
    for lost in ["-Ctarget-feature=-atomics", "-Ctarget-feature=-bulk-memory"] {
        let before = before.replace("+atomics -Clink", &format!("+atomics {lost} -Clink"));
        assert!(Flags::read(&flags_of(&edited(&before), UNKNOWN, "rustflags")).threaded());
    }
}

#[test]
fn build_flags_do_not_get_lost() {
    let before = "[build]\nrustflags = [\"--cfg\", \"tokio_unstable\"]\nrustdocflags = \"--cfg docs\"\n";
    let after = edited(before);
    assert_eq!(flags_of(&after, UNKNOWN, "rustflags")[..2], ["--cfg", "tokio_unstable"]);
    assert_eq!(flags_of(&after, UNKNOWN, "rustdocflags")[..2], ["--cfg", "docs"]);
    // Where they did not reach the target, they do not now.
    let after = edited_for(before, UNKNOWN, &Elsewhere::default());
    assert_eq!(flags_of(&after, UNKNOWN, "rustflags")[0], "-C");
}

#[test]
fn the_linker_that_was_named_is_the_real_one_now() {
    let table = "[target.wasm32-unknown-unknown]\n";
    let real = |line: &str| {
        let after = edited(&format!("{table}{line}\n"));
        let flags = Flags::read(&flags_of(&after, UNKNOWN, "rustflags"));
        assert!(flags.linker.is_none_or(|linker| linker == LINKER), "{after}");
        let file = ConfigFile::parse(Path::new("c"), after.clone()).unwrap();
        assert_eq!(file.text(&["target", UNKNOWN, "linker"]), Some(LINKER), "{after}");
        let named = Flags::read(&flags_of(&after, UNKNOWN, "rustflags")).value("--wasm-threads-linker").map(str::to_owned);
        named.or_else(|| {
            let relative = file.get(&["env", "WASM_THREADS_LINKER", "relative"])?.as_bool();
            assert_eq!(relative, Some(true));
            Some(format!("relative {}", file.text(&["env", "WASM_THREADS_LINKER", "value"])?))
        })
    };
    for (line, wanted) in [
        ("linker = 'rust-lld'", None),
        ("linker = 'emcc'", None),
        ("linker = ''", None),
        ("linker = 'clang-22'", None),
        ("linker = 'wasm-ld-22'", Some("wasm-ld-22")),
        ("linker = '/opt/my tools/wasm-ld'", Some("/opt/my tools/wasm-ld")),
        (r"linker = 'C:\LLVM\bin\wasm-ld.exe'", Some(r"C:\LLVM\bin\wasm-ld.exe")),
        ("linker = 'tools/wasm-ld'", Some("relative tools/wasm-ld")),
        (r"linker = 'tools\wasm-ld'", Some(r"relative tools\wasm-ld")),
        ("rustflags = ['-Clinker=wasm-ld-19']", Some("wasm-ld-19")),
        ("rustflags = ['-C', 'linker=rust-lld', '-Copt-level=1']", None),
        ("rustflags = '-C linker=wasm-ld-19 -C opt-level=1'", Some("wasm-ld-19")),
        ("linker = 'wasm-ld-22'\nrustflags = ['-Clink-arg=--wasm-threads-linker=wasm-ld-19']", Some("wasm-ld-19")),
    ] {
        assert_eq!(real(line).as_deref(), wanted, "{line}");
    }
    let clang = try_edit(&format!("{table}linker = 'clang-22'\n"), UNKNOWN, &Elsewhere::default()).unwrap();
    assert!(clang.notes.iter().any(|note| note.contains("the linker was clang-22")), "{:?}", clang.notes);
}

#[test]
fn what_other_files_say() {
    let elsewhere = Elsewhere { build_target: true, build_std: true, ..Elsewhere::default() };
    let after = edited_for("", UNKNOWN, &elsewhere);
    assert!(!after.contains("[build]") && !after.contains("[unstable]"), "{after}");
    // An array here and a string there is an error of cargo; a string here takes the place of the other.
    let text = || FlagsElsewhere { build_reaches_target: false, as_text: Some(vec!["--cfg".into(), "there".into()]) };
    let after = edited_for("", UNKNOWN, &Elsewhere { flags: [text(), text()], ..Elsewhere::default() });
    assert!(after.contains("\nrustflags = \"--cfg there -C target-feature="), "{after}");
    assert!(after.contains("\nrustdocflags = \"--cfg there -C target-feature="), "{after}");
}

#[test]
fn notes_have_the_lines_of_the_new_text() {
    let before =
        "[target.wasm32-unknown-unknown]\n[unstable]\nbuild-std = ['core', 'alloc']\n[build]\ntarget = 'wasm32-wasip1'\n";
    let edited = try_edit(before, UNKNOWN, &Elsewhere::default()).unwrap();
    for (start, key) in [("target = 'wasm32-wasip1'", "means wasm32-wasip1 here"), ("build-std", "without std")] {
        let line = edited.text.lines().position(|line| line.starts_with(start)).unwrap() + 1;
        let wanted = format!("config.toml:{line}: ");
        assert!(edited.notes.iter().any(|note| note.starts_with(&wanted) && note.contains(key)), "{:?}", edited.notes);
    }
}

#[test]
fn a_link_that_must_not_be_threaded() {
    let before = "[target.wasm32-unknown-unknown]\nrustflags = ['-Clink-arg=--export-if-defined=wasm-threads:unthreaded']\n";
    let edited = try_edit(before, UNKNOWN, &Elsewhere::default()).unwrap();
    assert!(!edited.text.contains(":threaded"), "both would be a contradiction\n{}", edited.text);
    assert!(edited.notes.iter().any(|note| note.contains("must not be threaded")), "{:?}", edited.notes);
}

#[test]
fn line_ends_and_the_mark_at_the_beginning() {
    let before = "\u{feff}[net]\r\noffline = true # ü\r\n";
    let after = edited(before);
    assert!(after.starts_with(before), "{after:?}");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
    let after = edited("[net]\noffline = true");
    assert!(!after.contains('\r') && after.contains("offline = true\n"), "{after:?}");
}

#[test]
fn what_cargo_would_not_take() {
    for (text, wanted) in [
        ("a = \n", "config.toml:1:5: "),
        ("# ü\n[target.wasm32-unknown-unknown\n", "config.toml:2:31: "),
        ("target = 3\n", "config.toml:1:10: expected a table for `target`"),
        ("[target]\n wasm32-unknown-unknown = 'x'\n", "config.toml:2:27: expected a table for `target.wasm32-unknown-unknown`"),
        ("[target.wasm32-unknown-unknown]\nlinker = ['x']\n", "config.toml:2:10: expected the linker's name or path"),
        ("[target.wasm32-unknown-unknown]\nrustflags = 5\n", "config.toml:2:13: expected an array of strings"),
        ("[target.wasm32-unknown-unknown]\nrustflags = ['a', 5]\n", "config.toml:2:13: expected an array of strings"),
        ("[unstable]\nbuild-std = 'std'\n", "config.toml:2:13: expected an array of strings: cargo takes nothing else here"),
        ("[build]\ntarget = true\n", "config.toml:2:10: expected a target"),
        ("unstable = 1\n", "config.toml:1:12: expected a table for `unstable`"),
    ] {
        let problem = try_edit(text, UNKNOWN, &Elsewhere::default()).map(|edited| edited.text).unwrap_err().to_string();
        assert!(problem.starts_with(wanted), "{text}\nwanted {wanted}\nfound  {problem}");
    }
}
