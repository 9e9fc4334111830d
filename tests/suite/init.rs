//! `cargo wasm-threads init`: what it writes, and that a build is threaded by it alone.

use crate::support::link::cargo_wasm_threads;
use crate::support::no_core::lang_items;
use crate::support::recorder::write_program;
use crate::support::{Facts, NoCore, Project, Ran, Run, Suite, Tool, golden, objects, shim, temp_folder};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

const CONFIG: &str = ".cargo/config.toml";
const UNCHANGED: &str = "nothing to change";

pub fn tests(suite: &mut Suite) {
    let cargo = [Tool::Rustc];
    let real = [Tool::RustcWeb, Tool::WasmLd(22)];
    suite.test("every_public_recipe_is_threaded_by_init_alone", &[Tool::Rustc, Tool::RustLld], every_public_recipe);
    suite.test("the_guides_recipe_with_a_real_std", &real, the_guides_recipe_with_a_real_std);
    suite.test("recipes_of_other_targets", &cargo, recipes_of_other_targets);
    suite.test("text_for_a_new_project", &cargo, text_for_a_new_project);
    suite.test("dry_run_writes_nothing", &cargo, dry_run_writes_nothing);
    suite.test("broken_configuration_is_left_alone", &cargo, broken_configuration_is_left_alone);
    suite.test("which_file", &cargo, which_file);
    suite.test("links_permissions_and_leftovers", &cargo, links_permissions_and_leftovers);
    suite.test("flags_of_other_files", &cargo, flags_of_other_files);
    suite.test("stale_lines_elsewhere_are_named", &cargo, stale_lines_elsewhere_are_named);
    suite.test("bad_usage", &[], bad_usage);
}

/// A package in a folder of its own, whose name is not the easiest.
struct Package {
    folder: TempDir,
}

impl Package {
    fn new() -> Self {
        let package = Package { folder: temp_folder() };
        package.write("Cargo.toml", "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n");
        package.write("src/lib.rs", "");
        package
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().join("ein Prójekt")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    #[track_caller]
    fn text(&self, name: &str) -> String {
        String::from_utf8(crate::support::read(self.path(name))).expect("text")
    }

    /// `cargo wasm-threads init` in a folder of the package, with cargo where rustup has it, and no configuration from outside.
    fn run_in(&self, folder: &str, words: &[&str]) -> Run {
        let cargo = Tool::Rustc.path().with_file_name("cargo");
        let run = Run::new(cargo_wasm_threads()).words(["wasm-threads", "init"]).words(words).folder(self.path(folder));
        run.env("CARGO", cargo).env("RUSTC", Tool::Rustc.path()).env("CARGO_HOME", self.folder.path().join("home"))
    }

    fn run(&self, words: &[&str]) -> Run {
        self.run_in(".", words)
    }

    /// Runs it twice: the second time there is nothing to do.
    #[track_caller]
    fn init(&self, words: &[&str]) -> String {
        let first = self.run(words).run().expect_success();
        assert!(first.stderr.is_empty(), "{first:?}");
        let text = self.text(CONFIG);
        let second = self.run(words).run().expect_success();
        assert!(second.stdout_text().contains(UNCHANGED), "{second:?}");
        assert_eq!(self.text(CONFIG), text, "a second time");
        first.stdout_text()
    }
}

/// Recipes as they stand in public places, each with the words that it gives to the shell. Rows 2 to 9 of what projects document.
const RECIPES: &[(&str, &str, &str)] = &[
    ("no recipe at all", "", ""),
    (
        "wasm-bindgen's own CI and raytrace-parallel: all of it in RUSTFLAGS",
        "",
        "-Ctarget-feature=+atomics -Clink-args=--shared-memory -Clink-args=--max-memory=1073741824 -Clink-args=--import-memory \
         -Clink-args=--export=__wasm_init_tls -Clink-args=--export=__tls_size -Clink-args=--export=__tls_align \
         -Clink-args=--export=__tls_base",
    ),
    (
        "the guide of wasm-bindgen: the features, and nothing for the linker",
        "[target.wasm32-unknown-unknown]\nrustflags = ['-C', 'target-feature=+atomics']\n\n[unstable]\n\
         build-std = ['std', 'panic_abort']\n",
        "",
    ),
    (
        "wasm-bindgen-rayon: seven link arguments, without __heap_base",
        "[target.wasm32-unknown-unknown]\nrustflags = [\n    \"-C\", \"target-feature=+atomics,+bulk-memory\",\n    \
         \"-C\", \"link-arg=--shared-memory\",\n    \"-C\", \"link-arg=--max-memory=1073741824\",\n    \
         \"-C\", \"link-arg=--import-memory\",\n    \"-C\", \"link-arg=--export=__wasm_init_tls\",\n    \
         \"-C\", \"link-arg=--export=__tls_size\",\n    \"-C\", \"link-arg=--export=__tls_align\",\n    \
         \"-C\", \"link-arg=--export=__tls_base\"\n]\n\n[unstable]\nbuild-std = [\"panic_abort\", \"std\"]\n",
        "",
    ),
    (
        "wasm_thread's script, and the guides for bevy: three features in RUSTFLAGS",
        "",
        "-C target-feature=+atomics,+bulk-memory,+mutable-globals",
    ),
    (
        "trunk's example: one string for two crates",
        "[unstable]\nbuild-std = [\"std,panic_abort\"]\n\n[build]\ntarget = \"wasm32-unknown-unknown\"\n\
         rustflags = \"-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals\"\n",
        "",
    ),
    (
        "cpal's audioworklet, all by hand, with __heap_base",
        "[target.wasm32-unknown-unknown]\nrustflags = [\n  \"-C\", \"target-feature=+atomics\",\n  \"-C\", \"link-args=--shared-memory \
         --import-memory --max-memory=1073741824 --export=__heap_base --export=__wasm_init_tls --export=__tls_size \
         --export=__tls_align --export=__tls_base\",\n]\n\n[unstable]\nbuild-std = [\"std\", \"panic_abort\"]\n",
        "",
    ),
    (
        "half of a recipe: shared, and of one size for ever",
        "[target.wasm32-unknown-unknown]\nrustflags = [\"-Ctarget-feature=+atomics\", \"-Clink-arg=--shared-memory\"]\n",
        "",
    ),
    (
        "a linker of one's own, by name and in flags",
        "[target.wasm32-unknown-unknown]\nlinker = \"rust-lld\"\nrustflags = \"-C target-feature=+atomics -C linker=rust-lld\"\n",
        "",
    ),
    ("flags for every target, and some of `cfg`", "[build]\nrustflags = [\"--cfg\", \"mine\"]\n", ""),
    (
        "the features in a table of `cfg`",
        "[target.'cfg(target_family = \"wasm\")']\nrustflags = [\"-Ctarget-feature=+atomics\", \"--cfg\", \"mine\"]\n",
        "",
    ),
];

/// Each is built by rustup's stable cargo, which ignores `[unstable]`: the sample needs no standard library.
fn every_public_recipe() {
    let rustc = Tool::Rustc.path();
    let bin = temp_folder();
    symlink(shim(), bin.path().join("wasm-threads-linker")).expect("a link to the shim");
    let wrapper = bin.path().join("wrapper");
    let words = lang_items(&rustc).join(" ");
    write_program(&wrapper, format!("#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec \"$@\" {words}\n").as_bytes());
    for (name, config, rustflags) in RECIPES {
        let package = Package::new();
        package.write(
            "Cargo.toml",
            "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = [\"cdylib\"]\n\
             [profile.dev]\nopt-level = 2\noverflow-checks = false\n",
        );
        // Where a recipe says `--cfg mine`, that must reach the compiler after init as well.
        let mine = if config.contains("mine") { "#[cfg(not(mine))] fn lost() { mine_is_lost }\n" } else { "" };
        package.write("src/lib.rs", &NoCore::new(&format!("{}{mine}", objects::ATOMIC)).text());
        if !config.is_empty() {
            package.write(CONFIG, config);
        }
        let build = || -> Ran {
            let path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
            let run = Run::new(rustc.with_file_name("cargo"))
                .words(["build", "--target", "wasm32-unknown-unknown"])
                .folder(package.folder())
                .env("CARGO_HOME", package.folder.path().join("home"))
                .env("CARGO_TARGET_DIR", package.path("target"))
                .env("RUSTC", &rustc)
                .env("RUSTC_WRAPPER", &wrapper)
                .path([bin.path().to_owned()].into_iter().chain(path));
            if rustflags.is_empty() { run.run() } else { run.env("RUSTFLAGS", rustflags).run() }
        };
        package.init(&[]);
        let built = build();
        assert!(built.success(), "{name}\n{}\n{built:?}", package.text(CONFIG));
        let facts = Facts::read(package.path("target/wasm32-unknown-unknown/debug/sample.wasm"));
        facts.assert_threaded();
        assert!(facts.memory().maximum > Some(facts.memory().minimum), "{name}");
        assert!(facts.exports("__heap_base"), "{name}");
        // What the recipe said by hand is still said.
        let after = package.text(CONFIG);
        for word in config.split(['\'', '"', ' ', '\n', ',']).filter(|word| !word.contains("linker=") && *word != "rust-lld") {
            assert!(after.contains(word), "{name}: lost {word}\n{after}");
        }
        // Without atomics it now fails, where before it passed without a word: the need is stated.
        if rustflags.is_empty() && !config.contains("--shared-memory") {
            package.write(CONFIG, &after.replace("+atomics", "+bulk-memory"));
            build().expect_code(101).expect_stderr("error[not-threaded]");
        }
    }
}

/// With the standard library compiled for it, by Debian's cargo.
fn the_guides_recipe_with_a_real_std() {
    let project = Project::new("tests/fixtures/stale-recipe", "guide", shim());
    let project = project.env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
    let guide = "[target.wasm32-unknown-unknown]\nrustflags = ['-C', 'target-feature=+atomics']\n\n[unstable]\n\
                 build-std = ['std', 'panic_abort']\n";
    fs::write(project.folder().join(CONFIG), guide).expect("a configuration");
    let cargo = Tool::RustcWeb.path().with_file_name("cargo");
    let init = Run::new(cargo_wasm_threads()).word("init").folder(project.folder()).env("CARGO", cargo);
    init.env("RUSTC", Tool::RustcWeb.path()).run().expect_success();
    // No --target: init has set one, so that build-std is not for this machine.
    project.cargo(&["build"]).run().expect_success();
    let module = project.module("debug", "stale_recipe");
    Facts::read(&module).assert_threaded();
}

fn recipes_of_other_targets() {
    let godot = "[target.wasm32-unknown-emscripten]\nrustflags = [\n    \"-C\", \"link-args=-pthread\", # as the book says\n    \
                 \"-C\", \"target-feature=+atomics\",\n    \"-C\", \"link-args=-sSIDE_MODULE=2\",\n    \
                 \"-Zlink-native-libraries=no\",\n]\n";
    let package = Package::new();
    package.write(CONFIG, godot);
    package.init(&["--target", "wasm32-unknown-emscripten"]);
    let after = package.text(CONFIG);
    assert!(after.starts_with(godot.trim_end_matches("]\n")), "{after}");
    for wanted in [
        "    \"link-arg=-Wl,--export-if-defined=wasm-threads:threaded\",\n]\n",
        "linker = \"wasm-threads-linker\"\n",
        "target = \"wasm32-unknown-emscripten\"\n",
        "build-std = [\"std\", \"panic_unwind\"]\n",
    ] {
        assert!(after.contains(wanted), "{wanted}\n{after}");
    }
    // rustup ships the other one's standard library with threads: no nightly is needed, and no features.
    let package = Package::new();
    package.init(&["--target=wasm32-wasip1-threads"]);
    let after = package.text(CONFIG);
    assert!(after.contains("linker = \"wasm-threads-linker\"\n"), "{after}");
    for unwanted in ["build-std", "target-feature", "rustdocflags", "[build]"] {
        assert!(!after.contains(unwanted), "{unwanted}\n{after}");
    }
}

fn text_for_a_new_project() {
    let package = Package::new();
    let said = package.init(&[]);
    golden::check("init-new", &said, &[]);
}

fn dry_run_writes_nothing() {
    let package = Package::new();
    let said = package.run(&["--dry-run"]).run().expect_success().stdout_text();
    assert!(said.contains("+linker = \"wasm-threads-linker\"") && said.contains("this is what would be written"), "{said}");
    assert!(!package.path(".cargo").exists());
    let before = "# mine\n[net]\noffline = true\n";
    package.write(CONFIG, before);
    let said = package.run(&["-n"]).run().expect_success().stdout_text();
    // The difference is one that `patch` takes.
    assert!(said.starts_with("--- .cargo/config.toml\n+++ .cargo/config.toml\n@@ "), "{said}");
    assert_eq!(package.text(CONFIG), before);
    package.init(&[]);
    package.run(&["--dry-run"]).run().expect_success();
}

fn broken_configuration_is_left_alone() {
    for (text, wanted) in [
        ("[target\n", "error: .cargo/config.toml:1:8: "),
        ("a = 1\nüber = [\n", "error: .cargo/config.toml:2:"),
        ("target = 3\n", "error: .cargo/config.toml:1:10: expected a table for `target`"),
        ("[target.wasm32-unknown-unknown]\nrustflags = true\n", "error: .cargo/config.toml:2:13: "),
    ] {
        let package = Package::new();
        package.write(CONFIG, text);
        let refused = package.run(&[]).run().expect_code(1);
        assert!(refused.stderr_text().starts_with(wanted) && refused.stdout.is_empty(), "{wanted}\n{refused:?}");
        assert_eq!(package.text(CONFIG), text);
    }
    // Bytes that are no text, and a folder without a package.
    let package = Package::new();
    package.write(CONFIG, "");
    fs::write(package.path(CONFIG), b"a = '\xff'\n").expect("bytes");
    package.run(&[]).run().expect_code(1).expect_stderr("config.toml:1:6: not in UTF-8");
    fs::remove_file(package.path("Cargo.toml")).expect("a manifest");
    fs::remove_file(package.path(CONFIG)).expect("a configuration");
    package.run(&[]).run().expect_code(1).expect_stderr("error: there is no Cargo.toml in ");
}

fn which_file() {
    let workspace = || {
        let package = Package::new();
        package.write("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n");
        for member in ["crates/web", "crates/server"] {
            let manifest = format!("[package]\nname = {:?}\nversion = \"0.1.0\"\n", member.replace("crates/", ""));
            package.write(&format!("{member}/Cargo.toml"), &manifest).write(&format!("{member}/src/lib.rs"), "");
        }
        package
    };
    // In a virtual workspace, from anywhere in it: the workspace's.
    for (folder, words, name) in [
        (".", &[][..], ".cargo/config.toml"),
        ("crates/web/src", &[], "/.cargo/config.toml"),
        (".", &["--manifest-path", "crates/web/Cargo.toml"], ".cargo/config.toml"),
        ("crates/server", &["--manifest-path=../../Cargo.toml"], "/.cargo/config.toml"),
    ] {
        let package = workspace();
        let said = package.run_in(folder, words).run().expect_success().stdout_text();
        assert!(said.contains("Made ") && said.contains(name), "{said}");
        assert!(package.text(CONFIG).contains("wasm-threads-linker"));
        assert!(!package.path("crates/web/.cargo").exists());
    }
    // A member's own is nearer.
    let package = workspace();
    package.write("crates/web/.cargo/config.toml", "# web\n");
    package.run_in("crates/web", &[]).run().expect_success();
    assert!(package.text("crates/web/.cargo/config.toml").starts_with("# web\n\n[build]\n"));
    assert!(!package.path(".cargo").exists());
    package.run_in("crates/server", &[]).run().expect_success();
    assert!(package.text(CONFIG).contains("wasm-threads-linker"));
    // The old name, which cargo prefers where both are there.
    let package = Package::new();
    package.write(".cargo/config", "# old\n").write(CONFIG, "# new\n");
    let said = package.run(&[]).run().expect_success().stdout_text();
    assert!(said.contains("note: cargo reads .cargo/config, and not the config.toml beside it"), "{said}");
    assert!(package.text(".cargo/config").starts_with("# old\n\n[build]\n"));
    assert_eq!(package.text(CONFIG), "# new\n");
}

fn links_permissions_and_leftovers() {
    let package = Package::new();
    package.write("shared/cargo config.toml", "# shared\n");
    fs::set_permissions(package.path("shared/cargo config.toml"), fs::Permissions::from_mode(0o640)).expect("permissions");
    fs::create_dir(package.path(".cargo")).expect("a folder");
    symlink("../shared/cargo config.toml", package.path(CONFIG)).expect("a link");
    package.init(&[]);
    assert!(package.path(CONFIG).symlink_metadata().expect("a link").is_symlink());
    let real = package.path("shared/cargo config.toml");
    assert!(fs::read_to_string(&real).expect("text").contains("wasm-threads-linker"));
    assert_eq!(real.metadata().expect("a file").permissions().mode() & 0o777, 0o640);
    let files = |folder: &str| fs::read_dir(package.path(folder)).expect("a folder").count();
    assert_eq!((files("shared"), files(".cargo")), (1, 1), "nothing else is left");
    // A new file is as any other one of this user.
    let package = Package::new();
    package.init(&[]);
    let mode = |name: &str| package.path(name).metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(CONFIG), mode("Cargo.toml"));
    // What cannot be written is said, and stays.
    let package = Package::new();
    package.write(CONFIG, "# mine\n");
    fs::set_permissions(package.path(CONFIG), fs::Permissions::from_mode(0o444)).expect("permissions");
    package.run(&[]).run().expect_code(1).expect_stderr("error: .cargo/config.toml cannot be written: the file is read-only");
    assert_eq!(package.text(CONFIG), "# mine\n");
    fs::remove_file(package.path(CONFIG)).expect("a file");
    symlink("nowhere.toml", package.path(CONFIG)).expect("a link");
    package.run(&[]).run().expect_code(1).expect_stderr(".cargo/config.toml: ");
    assert!(!package.path(".cargo/nowhere.toml").exists());
}

/// What cargo reads besides: its home's configuration, and that above the workspace.
fn flags_of_other_files() {
    let package = Package::new();
    let home = package.folder.path().join("home");
    fs::create_dir(&home).expect("a folder");
    fs::write(home.join("config.toml"), "[build]\ntarget = \"wasm32-unknown-unknown\"\nrustflags = [\"--cfg\", \"home\"]\n")
        .expect("a file");
    let said = package.init(&[]);
    assert!(said.contains("config.toml:3: [build] rustflags (--cfg home) no longer reach wasm32-unknown-unknown"), "{said}");
    let after = package.text(CONFIG);
    assert!(!after.contains("--cfg") && !after.contains("[build]"), "{after}");
    // A string there and an array here is an error of cargo; it must be able to read both.
    let package = Package::new();
    let above = package.folder.path().join(CONFIG);
    fs::create_dir(package.folder.path().join(".cargo")).expect("a folder");
    fs::write(&above, "[target.wasm32-unknown-unknown]\nrustflags = \"--cfg above\"\n").expect("a file");
    package.init(&[]);
    let cargo = Run::new(Tool::Rustc.path().with_file_name("cargo")).folder(package.folder());
    let cargo = cargo.env("CARGO_HOME", package.folder.path().join("home")).env("RUSTC_BOOTSTRAP", "1");
    let read =
        cargo.words(["-Zunstable-options", "config", "get", "--format=json-value", "target.wasm32-unknown-unknown"]).run();
    let merged = read.expect_success().stdout_text();
    assert!(merged.contains("--cfg above") && merged.contains("+atomics"), "{merged}");
}

fn stale_lines_elsewhere_are_named() {
    let package = Package::new();
    package
        .write(
            "package.json",
            "{\n  \"scripts\": {\n    \"build\": \"RUSTFLAGS='-C target-feature=+atomics' wasm-pack build\"\n  }\n}\n",
        )
        .write("build-wasm.sh", "#!/bin/sh\nexport RUSTFLAGS=\"-D warnings\"\n")
        .write(".github/workflows/ci.yml", "env:\n  RUSTFLAGS: -D warnings\n")
        .write("notes.md", "RUSTFLAGS=x\n");
    let manifest = package.text("Cargo.toml") + "[package.metadata.wasm-pack.profile.release]\nwasm-opt = [\"-O4\"]\n";
    package.write("Cargo.toml", &manifest);
    let said = package.init(&[]);
    let line = manifest.lines().count();
    for wanted in [
        "note: package.json:3: RUSTFLAGS takes the place of rustflags; the linker stays, and the link is threaded".to_owned(),
        "note: build-wasm.sh:2: RUSTFLAGS takes the place of rustflags, +atomics is then lost".to_owned(),
        "note: .github/workflows/ci.yml:2: RUSTFLAGS takes the place of rustflags, +atomics is then lost".to_owned(),
        format!("note: Cargo.toml:{line}: wasm-opt is not told of threads"),
    ] {
        assert!(said.contains(&wanted), "{wanted}\n{said}");
    }
    assert!(!said.contains("notes.md"), "{said}");
    // It is said each time, also when there is nothing to change.
    assert!(package.run(&[]).run().stdout_text().contains("build-wasm.sh:2"));
}

fn bad_usage() {
    for (words, problem) in [
        (&["--target"][..], "--target wants a value"),
        (&["--target", "wasm32-wasip1"], "the target with threads is wasm32-wasip1-threads"),
        (&["--target", "x86_64-unknown-linux-gnu"], "is not a target that can be set up for threads"),
        (&["--dry-run=yes"], "--dry-run has no value"),
        (&["now"], "init does not take \"now\""),
    ] {
        let ran = Run::new(cargo_wasm_threads()).word("init").words(words).run().expect_code(2);
        assert!(ran.stderr_text().starts_with("error: ") && ran.stderr_text().contains(problem), "{ran:?}");
    }
    let help = Run::new(cargo_wasm_threads()).words(["init", "--help"]).run().expect_success().stdout_text();
    assert!(help.contains("--dry-run") && help.contains("Exit status"), "{help}");
}
