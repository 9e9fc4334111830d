//! `cargo wasm-threads init`: writes into cargo's configuration what a threaded build needs, keeps what is there, shows the difference.

mod edit;
mod write;

use crate::colour::{self, Colours};
use crate::project::config_file::{ConfigFile, words};
use crate::project::recipe::Recipe;
use crate::project::{Project, config_in, scripts, shown, wasm_pack};
use crate::tell::tell;
use edit::{Elsewhere, FlagsElsewhere, edit};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `--help` says.
pub const HELP: &str = "\
Writes what a threaded build needs into .cargo/config.toml, and shows the
difference.

Usage: cargo wasm-threads init [OPTIONS]

It changes the file that cargo reads first for the package, up to the
workspace's folder; where there is none it makes .cargo/config.toml in the
workspace's folder. Comments, order and values stay. What is there already is
not written again, and a second run changes nothing.

Options:
  --target TRIPLE    wasm32-unknown-unknown where none is given; or
                     wasm32-unknown-emscripten, wasm32-wasip1-threads,
                     wasm64-unknown-unknown
  --manifest-path PATH
                     the Cargo.toml of the package or the workspace
  -n, --dry-run      show the difference, write nothing
  -h, --help         print this

Examples:
  cargo wasm-threads init
  cargo wasm-threads init --dry-run
  cargo wasm-threads init --target wasm32-wasip1-threads

Exit status: 0 done, or nothing to do; 1 it did not work, and nothing was
written; 2 bad usage.";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    target: Option<String>,
    manifest: Option<PathBuf>,
    dry_run: bool,
}

impl Options {
    /// Reads what stands after `init`; nothing where help was asked for.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn parse(args: &[OsString]) -> Result<Option<Options>, String> {
        let mut words = crate::words::Words::new(args);
        let mut options = Options { target: None, manifest: None, dry_run: false };
        while let Some(name) = words.next_option() {
            match name.as_str() {
                "--target" => options.target = Some(words.text()?),
                "--manifest-path" => options.manifest = Some(words.value()?.into()),
                "-n" | "--dry-run" => words.flag(&mut options.dry_run)?,
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("init does not take \"{other}\"")),
            }
        }
        if let Some(target) = &options.target {
            Recipe::of(target)?;
        }
        Ok(Some(options))
    }
}

/// Does it, and says what was done.
pub fn run(options: &Options) -> ExitCode {
    let colours = Colours::for_stdout();
    let folder = std::env::current_dir().unwrap_or_default();
    match init(options, &folder, colours, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell(format_args!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn init(options: &Options, folder: &Path, colours: Colours, out: &mut dyn Write) -> Result<(), String> {
    let recipe = match &options.target {
        Some(triple) => Recipe::of(triple)?,
        None => Recipe::default(),
    };
    // Cargo would refuse a configuration that is no TOML too, in many more words.
    let start =
        options.manifest.as_deref().and_then(Path::parent).map_or_else(|| folder.to_owned(), |below| folder.join(below));
    for file in start.ancestors().filter_map(config_in) {
        ConfigFile::read(&file).map_err(|problem| relative(&problem.to_string(), folder))?;
    }
    let project = Project::find(folder, options.manifest.as_deref())?;
    let path = project.config_file();
    let name = shown(&path, folder);
    let is_new = path.symlink_metadata().is_err();
    let old = if is_new { Ok(String::new()) } else { std::fs::read_to_string(&path) };
    let old = old.map_err(|error| format!("{name}: {error}"))?;
    let others = other_files(&project, &path);
    let elsewhere = elsewhere(&project, &path, &others, recipe);
    let edited = edit(&path, &old, recipe, &elsewhere).map_err(|problem| relative(&problem.to_string(), folder))?;
    let mut notes = edited.notes;
    notes.extend(dropped_elsewhere(&others, &elsewhere, recipe));
    if path.file_name().is_some_and(|name| name == "config") && path.with_extension("toml").exists() {
        notes.push(format!("cargo reads {name}, and not the config.toml beside it"));
    }

    if edited.text == old {
        let _ = writeln!(out, "{name} has all that {} needs: nothing to change.", recipe.triple);
    } else {
        let before = if is_new { "/dev/null" } else { &name };
        let difference = similar::TextDiff::from_lines(&old, &edited.text);
        let difference = difference.unified_diff().context_radius(3).header(before, &name).to_string();
        let _ = writeln!(out, "{}", colour::difference(&difference, colours));
        if options.dry_run {
            let _ = writeln!(out, "{name} is as it was: this is what would be written.");
        } else {
            write::write(&path, &edited.text).map_err(|error| format!("{name} cannot be written: {error}"))?;
            let _ = writeln!(out, "{} {name}.", if is_new { "Made" } else { "Changed" });
        }
    }
    for note in notes.iter().map(|note| relative(note, folder)).chain(stale(&project, folder, recipe)) {
        let _ = writeln!(out, "{} {note}", colours.note("note:"));
    }
    Ok(())
}

/// A message with paths as one would type them here.
fn relative(text: &str, folder: &Path) -> String {
    let mut prefix = folder.display().to_string();
    prefix.push(std::path::MAIN_SEPARATOR);
    text.replace(&prefix, "")
}

/// What else cargo reads in the project's folder, nearest first. One that cannot be read is cargo's to complain of.
fn other_files(project: &Project, path: &Path) -> Vec<ConfigFile> {
    let files = cargo_config2::Walk::new(&project.folder);
    files.filter(|file| file != path).filter_map(|file| ConfigFile::read(&file).ok()).collect()
}

const FLAGS: [&str; 2] = ["rustflags", "rustdocflags"];

fn elsewhere(project: &Project, path: &Path, others: &[ConfigFile], recipe: &Recipe) -> Elsewhere {
    let any = |keys: &[&str]| others.iter().any(|file| file.get(keys).is_some());
    // Cargo's own way to decide, the tables of `cfg(…)` too; without the variables, which are another day's.
    let nothing: [(String, OsString); 0] = [];
    let options = crate::project::options().env(nothing);
    let config = cargo_config2::Config::load_with_options(&project.folder, options).ok();
    let own = ConfigFile::read(path).ok();
    let flags = FLAGS.map(|name| {
        let keys = ["target", recipe.triple, name];
        let as_text = others.iter().find(|file| file.get(&keys).is_some()).filter(|file| file.text(&keys).is_some());
        let as_text = as_text.and_then(|file| file.words(&keys));
        let resolved = config.as_ref().and_then(|config| {
            let (target, build) = match name {
                "rustflags" => (config.rustflags(recipe.triple).ok()?, &config.build.rustflags),
                _ => (config.rustdocflags(recipe.triple).ok()?, &config.build.rustdocflags),
            };
            let words = |flags: Option<&cargo_config2::Flags>| flags.map(|flags| flags.flags.clone()).unwrap_or_default();
            Some(words(target.as_ref()) == words(build.as_ref()))
        });
        let has = |file: &ConfigFile| file.get(&keys).and_then(words).is_some_and(|words| !words.is_empty());
        let none = || !others.iter().chain(&own).any(has);
        FlagsElsewhere { build_reaches_target: resolved.unwrap_or_else(none), as_text }
    });
    Elsewhere { build_target: any(&["build", "target"]), build_std: any(&["unstable", "build-std"]), flags }
}

/// Flags in other files that reached the target until now.
fn dropped_elsewhere(others: &[ConfigFile], elsewhere: &Elsewhere, recipe: &Recipe) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, flags) in FLAGS.into_iter().zip(&elsewhere.flags) {
        let written = name == "rustflags" || recipe.features.is_some();
        for file in others.iter().filter(|_| flags.build_reaches_target && written) {
            let keys = ["build", name];
            if let (Some(line), Some(words)) = (file.line(&keys), file.words(&keys)) {
                notes.push(format!(
                    "{}:{line}: [build] {name} ({}) no longer reach {}: cargo takes those of the target in their place. Repeat \
                     them there if they are meant",
                    file.path.display(),
                    words.join(" "),
                    recipe.triple
                ));
            }
        }
    }
    notes
}

/// What stands elsewhere in the project and would undo a part of this.
fn stale(project: &Project, folder: &Path, recipe: &Recipe) -> Vec<String> {
    let mut notes = Vec::new();
    for setting in scripts::find(&project.manifests) {
        let place = format!("{}:{}", shown(&setting.path, folder), setting.line);
        let variable = setting.variable;
        notes.push(if setting.has_atomics || recipe.features.is_none() {
            format!("{place}: {variable} takes the place of rustflags; the linker stays, and the link is threaded. Better leave it out")
        } else {
            format!(
                "{place}: {variable} takes the place of rustflags, +atomics is then lost and nothing is threaded. Leave it out, or \
                 use CARGO_TARGET_{}_RUSTFLAGS, which adds to them",
                recipe.triple.to_ascii_uppercase().replace('-', "_")
            )
        });
    }
    for manifest in project.manifests.iter().filter_map(|manifest| ConfigFile::read(manifest).ok()) {
        for found in wasm_pack::wasm_opt(&manifest) {
            let words = found.words.unwrap_or_default();
            if !words.is_empty() && !words.iter().any(|word| word == "--enable-threads") {
                notes.push(format!(
                    "{}:{}: wasm-opt is not told of threads, and refuses a stripped module; add {}",
                    shown(&manifest.path, folder),
                    found.line,
                    wasm_pack::FEATURES.map(|word| format!("{word:?}")).join(", ")
                ));
            }
        }
    }
    notes
}
