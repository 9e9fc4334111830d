//! Whether what was built is threaded.

use super::target::Host;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use wasm_threads::contract::{Abi, Contract};
use wasm_threads::module::{Module, OpenFile, ReadError};
use wasm_threads::report::Finding;
use wasm_threads::size;

/// A module, and what is to be said of it.
pub struct Verdict {
    /// The file that holds it.
    pub path: PathBuf,
    /// What was read, where it could be.
    pub module: Option<Module>,
    /// The rules that it breaks.
    pub errors: Vec<Finding>,
}

impl Verdict {
    /// Judges the module in `path`. Who runs it is known where it was just built, and by the module itself elsewhere.
    pub fn of(path: &Path, host: Option<Host>) -> Verdict {
        let name = shown(path);
        let read = OpenFile::open(path).map_err(ReadError::Io).and_then(|file| Module::read(&file));
        let (module, mut errors) = match read {
            Ok(module) => {
                let contract = match host {
                    Some(Host::Emscripten) if module.dynamic => Contract::known(Abi::EmscriptenSide, &module),
                    Some(Host::Emscripten) => Contract::known(Abi::Emscripten, &module),
                    Some(Host::Javascript) => Contract::known(Abi::Javascript, &module),
                    Some(Host::Wasi) => Contract::known(Abi::WasiThreads, &module),
                    None => Contract::of(&module),
                };
                let findings = contract.check(&module, &name);
                (Some(module), findings)
            }
            // With -sSINGLE_FILE emcc writes none: the linker has judged it.
            Err(ReadError::Io(error)) if host == Some(Host::Emscripten) && error.kind() == ErrorKind::NotFound => {
                (None, Vec::new())
            }
            // It says why not.
            Err(_) => (None, wasm_threads::verify(path).err().map(|not| not.findings).unwrap_or_default()),
        };
        errors.retain(Finding::is_error);
        Verdict { path: path.to_owned(), module, errors }
    }

    /// The most memory that it may ever have, in words.
    pub fn maximum(&self) -> Option<String> {
        let memory = self.module.as_ref()?.memory()?;
        Some(size::show(memory.maximum?.saturating_mul(memory.page)))
    }
}

/// The one line about all of them: `a.wasm and b.wasm in target/…, memory up to 1 GiB`.
pub fn summary(verdicts: &[Verdict]) -> String {
    let maximum = |verdict: &Verdict| match &verdict.module {
        Some(_) => verdict.maximum().map(|size| format!("memory up to {size}")),
        None => Some("not judged here: emcc wrote no module beside the script".to_owned()),
    };
    let folder = |verdict: &Verdict| verdict.path.parent().map(Path::to_owned);
    match verdicts {
        [] => "nothing".to_owned(),
        [one] => [Some(shown(&one.path)), maximum(one)].into_iter().flatten().collect::<Vec<_>>().join(", "),
        [first, rest @ ..] => {
            let one_size = rest.iter().all(|verdict| maximum(verdict) == maximum(first));
            let one_folder = rest.iter().all(|verdict| folder(verdict) == folder(first));
            let each = verdicts.iter().map(|verdict| {
                let name = match verdict.path.file_name() {
                    Some(name) if one_folder => name.to_string_lossy().into_owned(),
                    _ => shown(&verdict.path),
                };
                match maximum(verdict) {
                    Some(size) if !one_size => format!("{name} ({size})"),
                    _ => name,
                }
            });
            let mut text = each.collect::<Vec<_>>().join(", ");
            if let (true, Some(folder)) = (one_folder, folder(first)) {
                text += &format!(" in {}", shown(&folder));
            }
            if let (true, Some(size)) = (one_size, maximum(first)) {
                text += &format!(", {size}");
            }
            text
        }
    }
}

/// A path as one would type it here.
pub fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    let short = path.strip_prefix(current).ok().filter(|short| !short.as_os_str().is_empty());
    short.unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_threads::module::Memory;
    use wasm_threads::rules::{self, Rule};

    fn verdict(path: &str, maximum: u64) -> Verdict {
        let memory = Memory { import: None, minimum: 1, maximum: Some(maximum), shared: true, wide: false, page: 65536 };
        let module = Module { memories: vec![memory], ..Module::default() };
        Verdict { path: path.into(), module: Some(module), errors: Vec::new() }
    }

    #[test]
    fn one_line() {
        assert_eq!(summary(&[verdict("t/a.wasm", 16384)]), "t/a.wasm, memory up to 1 GiB");
        let same = [verdict("t/a.wasm", 16384), verdict("t/b.wasm", 16384)];
        assert_eq!(summary(&same), "a.wasm, b.wasm in t, memory up to 1 GiB");
        let script = Verdict { module: None, ..verdict("t/a.wasm", 1) };
        assert_eq!(summary(&[script]), "t/a.wasm, not judged here: emcc wrote no module beside the script");
        let other = [verdict("t/a.wasm", 16384), verdict("t/examples/b.wasm", 65536)];
        assert_eq!(summary(&other), "t/a.wasm (memory up to 1 GiB), t/examples/b.wasm (memory up to 4 GiB)");
    }

    #[test]
    fn no_module() {
        let gone = Verdict::of(Path::new("/none/a.wasm"), None);
        let broken: Vec<&Rule> = gone.errors.iter().map(|error| error.rule).collect();
        assert_eq!((broken, gone.maximum()), (vec![&rules::UNREADABLE], None));
    }
}
