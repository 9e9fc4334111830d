//! `cargo wasm-threads doctor`: reads what a build would use, and says what would keep it from being threaded. It changes nothing, and
//! asks programs for nothing but their version.

mod ask;
mod bindgen;
mod build_std;
mod c_code;
mod flags;
mod linker;
mod look;
mod report;
mod stale;
mod toolchain;

use crate::colour::Colours;
use crate::project::recipe::Recipe;
use crate::tell::tell;
use look::Look;
use report::{Level, Report};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `--help` says.
pub const HELP: &str = "\
Looks for what would keep a build from being threaded: the compiler, cargo's
configuration from all its sources, the environment, the tools after the link.
Reads, and changes nothing.

Usage: cargo wasm-threads doctor [OPTIONS]

What is typed after `cargo build` (--config, -Z) it cannot see.

Options:
  --target TRIPLE    where none is given: that of build.target, else
                     wasm32-unknown-unknown
  --manifest-path PATH
                     the Cargo.toml of the package or the workspace
  --format FORMAT    text, or json: one object, as below
  -h, --help         print this

The JSON:
  version            1; it changes when something is taken out or means
                     something else
  target, root       what was looked at
  facts              what there is: [{ name, value, place }]
  findings           what to know: [{ id, level, message, place, fix }], level
                     being error, warning or note
  errors, warnings, notes
                     how many
where place is { file, line }, { variable } or null, and line may be null.

Examples:
  cargo wasm-threads doctor
  cargo wasm-threads doctor --target wasm32-unknown-emscripten
  cargo wasm-threads doctor --format json | jq '.findings[].message'

Exit status: 0 no errors; 1 errors; 2 it could not look (no project here, a file
that is no TOML, bad usage).";

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    target: Option<String>,
    manifest: Option<PathBuf>,
    json: bool,
}

impl Options {
    /// Reads what stands after `doctor`; nothing where help was asked for.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn parse(args: &[OsString]) -> Result<Option<Options>, String> {
        let mut words = crate::words::Words::new(args);
        let mut options = Options::default();
        while let Some(name) = words.next_option() {
            match name.as_str() {
                "--target" => options.target = Some(words.text()?),
                "--manifest-path" => options.manifest = Some(words.value()?.into()),
                "--format" => {
                    options.json = match words.text()?.as_str() {
                        "text" => false,
                        "json" => true,
                        other => return Err(format!("--format can be text or json, and not \"{other}\"")),
                    }
                }
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("doctor does not take \"{other}\"")),
            }
        }
        if let Some(target) = &options.target {
            Recipe::of(target)?;
        }
        Ok(Some(options))
    }
}

/// Looks, and says what was found.
pub fn run(options: &Options) -> ExitCode {
    let folder = std::env::current_dir().unwrap_or_default();
    let look = match Look::new(&folder, options.manifest.as_deref(), options.target.as_deref()) {
        Ok(look) => look,
        Err(problem) => {
            tell(format_args!("error: {problem}"));
            return ExitCode::from(2);
        }
    };
    let report = examine(&look);
    let text = match options.json {
        true => report.json(look.recipe.triple, &look.project.root),
        false => report.text(look.recipe.triple, &look.project.root, &folder, Colours::for_stdout()),
    };
    // Whoever asked may have gone away, and then wants no more.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if report.count(Level::Error) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn examine(look: &Look) -> Report {
    let mut report = Report::default();
    toolchain::examine(look, &mut report);
    let shim = linker::examine(look, &mut report);
    flags::examine(look, &mut report);
    build_std::examine(look, &mut report);
    bindgen::examine(look, shim, &mut report);
    c_code::examine(look, &mut report);
    stale::examine(look, &mut report);
    report
}

/// The line for a file, in the folder that it belongs to.
fn in_config(table: &str, line: &str) -> String {
    format!("in .cargo/config.toml, under [{table}]: {line}")
}

/// A path as it is shown in a fact.
fn path(path: &Path) -> String {
    path.display().to_string()
}
