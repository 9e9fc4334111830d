//! What the inputs of a line say, each for itself and all together.

use super::archive;
use super::locate::{are_files, locate, made_by_rustc};
use super::object::{Look, Object, Says};
use super::open::{HEAD, is_want, open_object, read_all};
use super::{Atomics, Undecided, has_rust_objects};
use crate::command_line::{From, Options};
use crate::module::add_need;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(super) struct Survey<'a> {
    pub options: &'a Options,
    pub look: Look,
    /// A linker runs meanwhile.
    pub beside: bool,
    /// Nothing needs to be read once it is known that atomics are present.
    pub answer_is_enough: bool,
    pub rustc: bool,
    pub host: Option<PathBuf>,
    pub refusing: Option<PathBuf>,
    pub needs: Vec<String>,
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
    pub(super) fn new(options: &'a Options) -> Survey<'a> {
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
    pub(super) fn read_objects(&mut self) {
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

    pub(super) fn read_archives(&mut self, mut visit: impl FnMut(&archive::Member<'_>) -> ControlFlow<()>) {
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

    pub(super) fn decide(&mut self) -> Atomics {
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
    use super::super::{Inputs, any_refuses};
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
