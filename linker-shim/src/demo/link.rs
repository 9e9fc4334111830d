//! The same program linked twice: bare, and through this executable.

use super::sample;
use super::toolchain::{Rustc, Toolchain};
use crate::child::{Ran, Runner, TOOL};
use crate::programs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The two modules.
pub struct Pair {
    /// Linked as rustc calls the linker.
    pub bare: PathBuf,
    /// Linked through the shim.
    pub through: PathBuf,
    /// Where their code came from.
    pub origin: Origin,
}

/// Where the code of the sample came from.
pub enum Origin {
    /// The user's own compiler, whose version this is.
    Compiled(String),
    /// The built-in objects, and why.
    Objects(WhyObjects),
}

/// Why the sample was not compiled here.
pub enum WhyObjects {
    /// There is no compiler.
    NoRustc,
    /// The compiler of this version refused the sample.
    Refused(String),
    /// The compiler of this version still passes the flags itself, so it does not show the fault.
    StillPasses(String),
}

/// Links both, by way of the user's compiler where it accepts the sample.
pub fn both(runner: &mut Runner, toolchain: &Toolchain) -> Result<Pair, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let links = Links {
        linker: &toolchain.linker,
        own: &own,
        bare: runner.folder().join("bare.wasm"),
        through: runner.folder().join("threaded.wasm"),
    };
    let why = match &toolchain.rustc {
        None => WhyObjects::NoRustc,
        Some(rustc) => match links.compiled(runner, rustc)? {
            Compiled::Both => return Ok(links.pair(Origin::Compiled(rustc.release.clone()))),
            Compiled::Refused => WhyObjects::Refused(rustc.release.clone()),
            Compiled::StillPasses => WhyObjects::StillPasses(rustc.release.clone()),
        },
    };
    links.objects(runner)?;
    Ok(links.pair(Origin::Objects(why)))
}

/// How compiling here went.
enum Compiled {
    Both,
    Refused,
    StillPasses,
}

/// The links to make.
struct Links<'a> {
    linker: &'a Path,
    own: &'a Path,
    bare: PathBuf,
    through: PathBuf,
}

impl Links<'_> {
    fn pair(self, origin: Origin) -> Pair {
        Pair { bare: self.bare, through: self.through, origin }
    }

    /// By rustc, as in a build: the one difference is `-C linker`.
    fn compiled(&self, runner: &mut Runner, rustc: &Rustc) -> Result<Compiled, String> {
        let source = sample::write_source(runner.folder()).map_err(|error| cannot_write(&error))?;
        let mut compile = |variant: &[&str], linker: &Path, output: &Path| {
            let mut word = std::ffi::OsString::from("linker=");
            word.push(linker);
            let mut command = programs::command(&rustc.command).map_err(|error| cannot_run(&rustc.command, &error))?;
            command.args(sample::COMPILE).args(variant).arg("-C").arg(word);
            command.arg("-o").arg(output).arg(&source);
            // The sample uses what only the compiler's own crates may; for this one child.
            command.env("RUSTC_BOOTSTRAP", "1").env("WASM_THREADS_LINKER", self.linker);
            runner.run(&mut command, TOOL).map_err(|error| cannot_run(&rustc.command, &error))
        };
        for variant in sample::VARIANTS {
            if !compile(variant, self.linker, &self.bare)?.success() {
                continue;
            }
            if super::Facts::read(&self.bare)?.threaded() {
                return Ok(Compiled::StillPasses);
            }
            let ran = compile(variant, self.own, &self.through)?;
            return linked(ran).map(|()| Compiled::Both);
        }
        Ok(Compiled::Refused)
    }

    /// From the built-in objects, by the words that rustc would have used.
    fn objects(&self, runner: &mut Runner) -> Result<(), String> {
        let objects = sample::write_objects(runner.folder()).map_err(|error| cannot_write(&error))?;
        let mut link = |linker: &Path, output: &Path| {
            let mut command = Command::new(linker);
            command.args(sample::BEFORE_OBJECTS).arg("--no-entry").args(&objects);
            command.arg("-o").arg(output).args(sample::AFTER_OUTPUT);
            command.env("WASM_THREADS_LINKER", self.linker);
            runner.run(&mut command, TOOL).map_err(|error| cannot_run(linker.as_os_str(), &error))
        };
        let ran = link(self.linker, &self.bare)?;
        if !ran.success() {
            return Err(format!("{} cannot link the sample: {}", self.linker.display(), ran.complaint()));
        }
        linked(link(self.own, &self.through)?)
    }
}

fn linked(ran: Ran) -> Result<(), String> {
    if ran.success() {
        return Ok(());
    }
    Err(format!("the link through wasm-threads failed: {}", ran.complaint()))
}

fn cannot_write(error: &std::io::Error) -> String {
    format!("cannot write into the temporary folder: {error}")
}

fn cannot_run(program: &std::ffi::OsStr, error: &std::io::Error) -> String {
    format!("cannot run {}: {error}", program.display())
}
