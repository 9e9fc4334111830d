//! What the files on a command line say about atomics.

mod ar;
mod archive;
mod locate;
mod object;
mod open;
mod read_ahead;
mod survey;

pub(crate) use locate::first_to_read_once;
pub use object::Object;

use crate::command_line::{From, Options, Style};
use locate::{locate, made_by_rustc};
use object::{Look, Says};
use open::object_at;
use std::ops::ControlFlow;
use std::path::PathBuf;
use survey::Survey;

/// Whether what is really linked uses atomics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Atomics {
    /// Yes, and how we know.
    Yes(String),
    /// No, and how we know.
    No(String),
    /// Some of rustc's objects say so, some do not: one function with a target feature marks its object. The names of one
    /// with and one without.
    Mixed(String, String),
    /// Only the linker can tell.
    Undecided(Undecided, String),
}

/// Why only the linker can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// There is bitcode, which says nothing that can be read without LLVM; or an object that could not be read.
    Bitcode,
    /// Only what is linked on demand says so: members of archives, objects between `--start-lib` and `--end-lib`.
    OnDemand,
}

/// What the inputs say.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Are atomics present?
    pub atomics: Atomics,
    /// rustc made this line: one of its objects, `*.rcgu.o`, is on it.
    pub rustc: bool,
    /// An object of the machine that builds.
    pub host: Option<PathBuf>,
    /// An object on the line that must not be linked into a shared memory, if one was read.
    pub refusing: Option<PathBuf>,
    /// Crates among the inputs that said `required!`. Complete only where every member was read, as it is for `No`.
    pub needs: Vec<String>,
}

impl Inputs {
    /// Opens the inputs of `options`, as far as the question needs.
    pub fn survey(options: &Options, style: Style) -> Inputs {
        Inputs::surveyed(Survey::new(options), style)
    }

    /// The same while a linker runs, which needs a processor, too.
    pub(crate) fn survey_beside(options: &Options, style: Style) -> Inputs {
        let mut survey = Survey::new(options);
        survey.beside = true;
        Inputs::surveyed(survey, style)
    }

    fn surveyed(mut survey: Survey<'_>, style: Style) -> Inputs {
        survey.answer_is_enough = true;
        let options = survey.options;
        let atomics = match options.asks_for_threads(style) {
            // Said outright: no object needs to be opened.
            Some(words) => Atomics::Yes(format!("{words} is on the command line")),
            // What becomes of a source file is said by the options it is compiled with.
            None if options.driver.compiles && options.driver.atomics => {
                Atomics::Yes("what is compiled on this line is compiled with -matomics".to_owned())
            }
            None => {
                survey.read_objects();
                survey.decide()
            }
        };
        log::info!("atomics: {atomics:?}");
        Inputs { atomics, rustc: survey.rustc, host: survey.host, refusing: survey.refusing, needs: survey.needs }
    }
}

/// Of at least so many objects that rustc made: whether the first says `+atomics`, and how many there are. Then the others say the
/// same, but for a mixture. `None` where there are fewer, the line itself asks for threads, or the first cannot tell.
pub(crate) fn first_of_many(options: &Options, style: Style, least: usize) -> Option<(bool, usize)> {
    let mut objects = options.inputs.iter().filter_map(|input| match &input.from {
        From::Path(path) if made_by_rustc(path) => Some(path),
        _ => None,
    });
    let first = objects.next().filter(|_| options.asks_for_threads(style).is_none())?;
    let count = 1 + objects.count();
    if count < least {
        return None;
    }
    match object_at(first, Look::AtSections)?.says {
        Says::Atomics => Some((true, count)),
        Says::Nothing | Says::Refuses => Some((false, count)),
        Says::Bitcode | Says::Archive | Says::Host | Says::Unknown => None,
    }
}

/// Whether one of rustc's objects is on the line.
pub(crate) fn has_rust_objects(options: &Options) -> bool {
    options.inputs.iter().any(|input| matches!(&input.from, From::Path(path) if made_by_rustc(path)))
}

/// Every crate that said `required!`, in any object or member on the line, linked or not.
pub fn all_needs(options: &Options) -> Vec<String> {
    let mut survey = Survey::new(options);
    survey.look = Look::IntoBitcode;
    survey.read_objects();
    survey.read_archives(|_| ControlFlow::Continue(()));
    survey.needs
}

/// Whether any object or member, linked or not, must not be linked into a shared memory.
pub(crate) fn any_refuses(options: &Options) -> bool {
    let mut survey = Survey::new(options);
    survey.read_objects();
    let mut refuses = survey.refusing.is_some();
    if !refuses {
        survey.read_archives(|member| {
            refuses = member.object.says == Says::Refuses;
            if refuses { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    refuses
}

/// Whether one of the files that a linker's `--trace` lists, a line each, `path` or `archive(member)`, says `+atomics`.
pub(crate) fn one_says_atomics(trace: &[u8]) -> bool {
    trace.split(|byte| *byte == b'\n').any(|line| {
        let file = |path: &[u8]| PathBuf::from(crate::os_bytes::word(path));
        let member = line.strip_suffix(b")").and_then(|line| {
            let at = line.iter().rposition(|byte| *byte == b'(')?;
            Some((file(&line[..at]), &line[at + 1..]))
        });
        let Some((path, name)) = member else {
            return object_at(&file(line), Look::AtSections).is_some_and(|object| object.says == Says::Atomics);
        };
        let mut found = false;
        let _ = archive::members(&path, Look::AtSections, |member| {
            found = member.name.as_bytes() == name && member.object.says == Says::Atomics;
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    })
}

/// The first object on the line, if it is one of the machine that builds.
pub(crate) fn first_host_object(options: &Options) -> Option<PathBuf> {
    options.inputs.iter().find_map(|input| {
        let From::Path(path) = &input.from else { return None };
        match object_at(path, Look::AtSections)?.says {
            Says::Host => Some(Some(path.clone())),
            Says::Archive | Says::Unknown => None,
            _ => Some(None),
        }
    })?
}

/// The inputs that are called `name`, or are archives with a member of that name: where a linker's message came from.
pub fn find_by_name(options: &Options, name: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for path in options.inputs.iter().filter_map(|input| locate(input, options)) {
        let is_it = path.file_name().is_some_and(|file| file == name) || path.to_str() == Some(name);
        match object_at(&path, Look::AtSections) {
            Some(object) if object.says == Says::Archive => {
                let _ = archive::members(&path, Look::AtSections, |member| {
                    let base = member.name.rsplit('/').next().unwrap_or_default();
                    if member.name == name || base == name {
                        found.push(Found { path: path.clone(), archive: true });
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                });
            }
            _ if is_it => found.push(Found { path, archive: false }),
            _ => {}
        }
    }
    found
}

/// Where a name in a linker's message was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The object, or the archive it is a member of.
    pub path: PathBuf,
    /// Whether `path` is an archive.
    pub archive: bool,
}
