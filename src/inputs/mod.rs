//! What the files on a command line say about atomics.

mod ar;
mod archive;
mod object;
mod read_ahead;

pub use object::Object;

use crate::command_line::{From, Input, Options, Style};
use crate::module::{OpenFile, add_need};
use object::{Look, Says};
use std::ffi::OsStr;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

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
        Inputs::surveyed(Survey { answer_is_enough: true, ..Survey::new(options) }, style)
    }

    /// The same while a linker runs, which needs a processor, too.
    pub(crate) fn survey_beside(options: &Options, style: Style) -> Inputs {
        Inputs::surveyed(Survey { answer_is_enough: true, beside: true, ..Survey::new(options) }, style)
    }

    fn surveyed(mut survey: Survey<'_>, style: Style) -> Inputs {
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
    let mut survey = Survey { look: Look::IntoBitcode, ..Survey::new(options) };
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

/// The file that an input names.
fn locate(input: &Input, options: &Options) -> Option<PathBuf> {
    match &input.from {
        From::Path(path) => Some(path.clone()),
        From::Library(name) => find_library(name, &options.search_paths),
    }
}

/// `-l NAME` as `lld/wasm/Driver.cpp` searches it. A shared library (`libNAME.so`) says nothing about features.
fn find_library(name: &OsStr, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = crate::os_bytes::bytes(name);
    let file = match name.strip_prefix(b":") {
        Some(exact) => crate::os_bytes::word(exact),
        None => crate::os_bytes::word([b"lib", name, b".a"].concat()),
    };
    folders.iter().map(|folder| folder.join(&file)).find(|path| path.exists())
}

/// The first input that is no file: a pipe, a device. Whoever opens it takes what is in it, or sends its writer away, so only
/// the linker may, and only once.
pub(crate) fn first_to_read_once(options: &Options) -> Option<PathBuf> {
    let files = are_files(options.inputs.iter().filter_map(|input| match &input.from {
        From::Path(path) => Some(path.as_path()),
        From::Library(_) => None,
    }));
    let sure = |input: &&Input| files && matches!(&input.from, From::Path(path) if made_by_rustc(path));
    let others = options.inputs.iter().filter(|input| !sure(input));
    others.filter_map(|input| locate(input, options)).find(|path| {
        // What is wrong with a folder, the linker says itself.
        std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir())
    })
}

fn object_at(path: &Path, look: Look) -> Option<Object> {
    open_object(path, look, &mut [0; HEAD], false).ok()
}

/// Of an object that is not larger, all is read at once, in bytes.
const HEAD: usize = 4096;

/// Opens an object, which is asked before whether it is a file, unless that is sure.
fn open_object(path: &Path, look: Look, head: &mut [u8; HEAD], is_file: bool) -> io::Result<Object> {
    if !made_by_rustc(path) {
        return OpenFile::open(path).map(|file| object::read(&file, look));
    }
    if !is_file && !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // There may be thousands of these, and most of the time goes into calls of the system: no more of them than it takes.
    match OpenFile::open_at_head(path, head)? {
        (_, Some(file)) => Ok(object::read(&file, look)),
        (count, None) => Ok(object::read(&head[..count], look)),
    }
}

/// Whether a file cannot be read although it is there and we may: too many are open, or memory is short. The linker may fare
/// better. Of all else it will complain itself.
fn is_want(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, NotSeekable, PermissionDenied};
    let of_the_file = [NotFound, PermissionDenied, InvalidInput, NotADirectory, IsADirectory, NotSeekable];
    !of_the_file.contains(&error.kind())
}

/// What each of `objects` says, in their order.
fn read_all(objects: &[(PathBuf, bool)], look: Look, beside: bool, files: bool) -> Vec<io::Result<Object>> {
    let read = |part: &[(PathBuf, bool)]| {
        let mut head = [0; HEAD];
        part.iter().map(|(path, _)| open_object(path, look, &mut head, files)).collect::<Vec<_>>()
    };
    // An object takes about five microseconds, and a thread about fifty; to learn how many can run takes longer still.
    const WORTH_A_THREAD: usize = 128;
    if objects.len() < 2 * WORTH_A_THREAD {
        return read(objects);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from) - usize::from(beside);
    let threads = processors.min(objects.len() / WORTH_A_THREAD).min(8);
    if threads < 2 {
        return read(objects);
    }
    let parts = objects.chunks(objects.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let running: Vec<_> =
            parts.map(|part| (part, std::thread::Builder::new().spawn_scoped(scope, move || read(part)))).collect();
        running
            .into_iter()
            // Where no thread can be had, the work is done here.
            .flat_map(|(part, thread)| thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| read(part)))
            .collect()
    })
}

/// Whether those of these that are named as rustc's objects are files for sure. So many only rustc makes; and to ask each would take a
/// third of the time that reading it takes.
fn are_files<'a>(paths: impl Iterator<Item = &'a Path>) -> bool {
    const MANY: usize = 64;
    paths.filter(|path| made_by_rustc(path)).nth(MANY - 1).is_some()
}

fn made_by_rustc(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b".rcgu.o")
}

struct Survey<'a> {
    options: &'a Options,
    look: Look,
    /// A linker runs meanwhile.
    beside: bool,
    /// Nothing needs to be read once it is known that atomics are present.
    answer_is_enough: bool,
    rustc: bool,
    host: Option<PathBuf>,
    refusing: Option<PathBuf>,
    needs: Vec<String>,
    archives: Vec<PathBuf>,
    /// The first object of each kind among those that decide: rustc's in a rustc link, else every one that is linked for sure.
    atomic: Option<PathBuf>,
    without: Option<PathBuf>,
    bitcode: Option<PathBuf>,
    /// The first thing linked on demand that says `+atomics`, or is bitcode.
    on_demand: Option<(Says, String)>,
    /// The first file that could not be read for want of something, and of what.
    unread: Option<String>,
}

impl<'a> Survey<'a> {
    fn new(options: &'a Options) -> Survey<'a> {
        Survey {
            options,
            look: Look::AtSections,
            beside: false,
            answer_is_enough: false,
            rustc: has_rust_objects(options),
            host: None,
            refusing: None,
            needs: Vec::new(),
            archives: Vec::new(),
            atomic: None,
            without: None,
            bitcode: None,
            on_demand: None,
            unread: None,
        }
    }

    /// Reads the objects on the line, and notes the archives.
    fn read_objects(&mut self) {
        let mut objects: Vec<(PathBuf, bool)> = Vec::new();
        for input in &self.options.inputs {
            let Some(path) = locate(input, self.options) else { continue };
            // An rlib is an archive by its name: it need not be opened to know that, and often need not be opened at all.
            let name = path.as_os_str().as_encoded_bytes();
            let by_name = name.ends_with(b".rlib") || name.ends_with(b".a");
            if by_name || matches!(input.from, From::Library(_)) {
                self.archives.push(path);
            } else {
                objects.push((path, input.lazy));
            }
        }
        // The startup code of C, which often says nothing, and the first objects behind it.
        let few = objects.len().min(8);
        let rest = objects.split_off(few);
        self.read_these(objects);
        if !(self.answer_is_enough && self.is_threaded()) {
            self.read_these(rest);
        }
    }

    fn read_these(&mut self, objects: Vec<(PathBuf, bool)>) {
        let files = are_files(objects.iter().map(|(path, _)| path.as_path()));
        let read = read_all(&objects, self.look, self.beside, files);
        for ((path, lazy), object) in objects.into_iter().zip(read) {
            // One alone may succeed where several at once did not.
            let object = match object {
                Err(error) if is_want(&error) => open_object(&path, self.look, &mut [0; HEAD], files),
                other => other,
            };
            let object = match object {
                Ok(object) => object,
                Err(error) => {
                    self.not_read(&path, &error);
                    continue;
                }
            };
            self.add_needs(&object);
            match object.says {
                Says::Archive => self.archives.push(path),
                Says::Host => self.host = self.host.take().or(Some(path)),
                Says::Unknown => {}
                says if lazy => self.add_on_demand(&says, || path.display().to_string()),
                says => self.add_object(&says, path),
            }
        }
    }

    fn add_object(&mut self, says: &Says, path: PathBuf) {
        if *says == Says::Refuses && self.refusing.is_none() {
            self.refusing = Some(path.clone());
        }
        if self.rustc && !made_by_rustc(&path) {
            // C objects and crt files do not speak for the crate, but they may settle what rustc's leave open.
            self.add_on_demand(says, || path.display().to_string());
            return;
        }
        let slot = match says {
            Says::Atomics => &mut self.atomic,
            Says::Bitcode => &mut self.bitcode,
            _ => &mut self.without,
        };
        slot.get_or_insert(path);
    }

    fn add_on_demand(&mut self, says: &Says, name: impl Fn() -> String) {
        let more = match (says, &self.on_demand) {
            (Says::Atomics | Says::Bitcode, None) => true,
            (Says::Bitcode, Some((known, _))) => *known == Says::Atomics,
            _ => false,
        };
        if more {
            self.on_demand = Some((says.clone(), name()));
        }
    }

    fn not_read(&mut self, path: &Path, error: &io::Error) {
        if is_want(error) && self.unread.is_none() {
            self.unread = Some(format!("{} could not be read: {error}", path.display()));
        }
    }

    fn add_needs(&mut self, object: &Object) {
        for need in &object.needs {
            add_need(&mut self.needs, need.clone());
        }
    }

    fn read_archives(&mut self, mut visit: impl FnMut(&archive::Member<'_>) -> ControlFlow<()>) {
        for path in std::mem::take(&mut self.archives) {
            let mut flow = ControlFlow::Continue(());
            let read = archive::members(&path, self.look, |member| {
                self.add_needs(&member.object);
                self.add_on_demand(&member.object.says, || format!("{}({})", path.display(), member.name));
                flow = visit(&member);
                flow
            });
            if let Err(error) = read {
                self.not_read(&path, &error);
            }
            if flow.is_break() {
                return;
            }
        }
    }

    /// Whether atomics are present whatever else is on the line: C has no mixtures, and what is not linked on demand is linked.
    fn is_threaded(&self) -> bool {
        !self.rustc && self.atomic.is_some()
    }

    fn decide(&mut self) -> Atomics {
        if let Some(path) = self.atomic.as_ref().filter(|_| self.is_threaded()) {
            return Atomics::Yes(format!("{} uses atomics", path.display()));
        }
        if let Some(why) = &self.unread {
            return Atomics::Undecided(Undecided::Bitcode, why.clone());
        }
        if let Some(path) = &self.bitcode {
            return Atomics::Undecided(Undecided::Bitcode, format!("{} is bitcode", path.display()));
        }
        match (&self.atomic, &self.without) {
            (Some(with), Some(without)) if self.rustc => {
                return Atomics::Mixed(with.display().to_string(), without.display().to_string());
            }
            (Some(path), _) => return Atomics::Yes(format!("{} uses atomics", path.display())),
            (None, _) => {}
        }
        if let Some(path) = self.refusing.clone() {
            // Nothing here can be threaded any more; what is linked may still need to be.
            self.read_archives(|_| ControlFlow::Continue(()));
            return Atomics::No(format!(
                "{} was compiled without atomics, and no object on the line with them",
                path.display()
            ));
        }
        // One member that says so is enough to ask the linker.
        self.read_archives(|member| match member.object.says {
            Says::Atomics | Says::Bitcode => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        match &self.on_demand {
            Some((Says::Bitcode, name)) => Atomics::Undecided(Undecided::Bitcode, format!("{name} is bitcode")),
            Some((_, name)) => Atomics::Undecided(Undecided::OnDemand, format!("{name} uses atomics, if it is linked")),
            None if self.unread.is_some() => Atomics::Undecided(Undecided::OnDemand, self.unread.clone().unwrap_or_default()),
            None => Atomics::No("no object and no archive member says +atomics".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::CommandLine;
    use std::ffi::OsString;

    #[test]
    fn one_object_with_atomics_and_one_without() {
        let options = Options::default();
        let decided = |rustc| {
            let (with, without) = (Some("with.o".into()), Some("without.o".into()));
            Survey { rustc, atomic: with, without, ..Survey::new(&options) }.decide()
        };
        assert_eq!(decided(true), Atomics::Mixed("with.o".to_owned(), "without.o".to_owned()));
        // Of C, an object that was compiled with atomics is enough: the linker says which were not.
        assert_eq!(decided(false), Atomics::Yes("with.o uses atomics".to_owned()));
    }
    /// What a line of so many objects says, each of which has one entry of features, or none. An option stands for itself.
    fn survey(objects: &[(&str, &str)]) -> (Inputs, bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut words = vec![OsString::from("-flavor"), "wasm".into()];
        for (name, feature) in objects {
            if name.starts_with("--") {
                words.push(name.into());
                continue;
            }
            let mut bytes = b"\0asm\x01\0\0\0".to_vec();
            if let Some((first, rest)) = feature.split_at_checked(1) {
                let entry = [&[1, first.as_bytes()[0], rest.len() as u8], rest.as_bytes()].concat();
                bytes.extend([&[0, 16 + entry.len() as u8, 15], &b"target_features"[..], &entry].concat());
            }
            let path = folder.path().join(format!("{}-{name}", words.len()));
            std::fs::write(&path, bytes).unwrap();
            words.push(path.into());
        }
        let line = CommandLine::parse(&words, &mut |_| None);
        (Inputs::survey(&line.options, line.style), any_refuses(&line.options))
    }

    #[test]
    fn a_line_of_c_is_read_to_its_first_answer() {
        let line = |at: usize| -> Vec<(&str, &str)> {
            let mut line = vec![("c.o", ""); 20];
            line[at].1 = "+atomics";
            line.push(("c.o", "-shared-mem"));
            line
        };
        let (inputs, refuses) = survey(&line(1));
        assert!(matches!(inputs.atomics, Atomics::Yes(_)), "{inputs:?}");
        assert_eq!(inputs.refusing, None, "the last object was read for nothing");
        assert!(refuses, "who asks for that has all of them read");
        let (inputs, _) = survey(&line(19));
        assert!(matches!(inputs.atomics, Atomics::Yes(_)), "{inputs:?}");
        assert!(inputs.refusing.is_some());
    }

    #[test]
    fn a_line_of_rustc_is_read_to_its_end() {
        let mut line = vec![("r.rcgu.o", "+atomics"); 20];
        assert!(matches!(survey(&line).0.atomics, Atomics::Yes(_)));
        line.push(("r.rcgu.o", ""));
        assert!(matches!(survey(&line).0.atomics, Atomics::Mixed(..)));
        // C decides nothing against it.
        line.pop();
        line.push(("c.o", "-shared-mem"));
        assert!(matches!(survey(&line).0.atomics, Atomics::Yes(_)));
    }

    #[test]
    fn what_is_linked_on_demand_decides_nothing() {
        let on_demand = |line: &[(&str, &str)]| matches!(survey(line).0.atomics, Atomics::Undecided(Undecided::OnDemand, _));
        let lazy = |feature| [("c.o", ""), ("--start-lib", ""), ("c.o", feature), ("--end-lib", "")];
        assert!(on_demand(&lazy("+atomics")));
        assert!(on_demand(&[("c.o", ""), ("c.a", "+atomics")]));
        assert!(!on_demand(&lazy("")));
        // Behind it, objects are linked for sure again.
        let (inputs, _) = survey(&[&lazy("+atomics")[..], &[("c.o", "+atomics")]].concat());
        assert!(matches!(inputs.atomics, Atomics::Yes(_)), "{inputs:?}");
        // Where an object refuses to share, nobody need be asked.
        let (inputs, _) = survey(&[("c.o", "-shared-mem"), ("c.a", "+atomics")]);
        assert!(matches!(&inputs.atomics, Atomics::No(why) if why.contains("was compiled without atomics")), "{inputs:?}");
    }
}
