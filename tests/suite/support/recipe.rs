//! A recipe: the project that a README shows, made of nothing but its text, and the README's own lines in a shell.

use super::markdown::Markdown;
use super::recorder::write_program;
use super::{Project, Ran, Run, Tool, repository, shim, temp_folder};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What stands before a tool in PATH. `install` installs nothing: it fails where what it names is not here, in that version.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = install ] || exec /usr/bin/cargo "$@"
case "$*" in
    'install wasm-threads-linker') command -v wasm-threads-linker >/dev/null ;;
    'install wasm-pack') command -v wasm-pack >/dev/null ;;
    'install wasm-bindgen-cli --version '*) [ "$(wasm-bindgen --version)" = "wasm-bindgen $4" ] ;;
    *) false ;;
esac || { echo "not here: $*" >&2; exit 1; }
"#;
const NPM: &str = r#"#!/bin/sh
[ "$*" = install ] || exec REAL "$@"
ln -s MODULES node_modules && exec node -e '
for (const [name, version] of Object.entries(require("./package.json").devDependencies)) {
  if (require(`./node_modules/${name}/package.json`).version !== version) throw new Error(`not here: ${name} ${version}`);
}'
"#;

/// The project, and which of its lines have run.
pub struct Recipe {
    pub project: Project,
    shell: Vec<String>,
    ran: RefCell<BTreeSet<usize>>,
    programs: TempDir,
}

impl Recipe {
    /// The project of `examples/NAME/README.md`.
    pub fn new(name: &str) -> Recipe {
        let example = repository().join("examples").join(name);
        let readme = Markdown::read(example.join("README.md"));
        // The linker is the README's own to name.
        let project =
            Project::empty(&format!("recipe-{name}"), shim()).env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
        let folder = project.folder().to_owned();
        for (path, text) in readme.files() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        // Not shown, and cargo would write one: it keeps the versions that are tested.
        if let Ok(lock) = fs::read(example.join("Cargo.lock")) {
            fs::write(folder.join("Cargo.lock"), lock).expect("a file");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(super::cargo::target_folder(), folder.join("target")).expect("a link");
        let programs = temp_folder();
        write_program(&programs.path().join("cargo"), CARGO.as_bytes());
        Recipe { project, shell: readme.shell(), ran: RefCell::default(), programs }
    }

    /// `npm install` gives what `tests/run --install` has put into that folder of its tools.
    pub fn npm(self, modules: &Path) -> Recipe {
        let real = Tool::Program("npm", "npm").path().display().to_string();
        let script = NPM.replace("REAL", &real).replace("MODULES", &modules.display().to_string());
        write_program(&self.programs.path().join("npm"), script.as_bytes());
        self
    }

    /// The lines are those of another page of `examples`, with these words in place of those, where the test says why.
    pub fn lines_of(mut self, page: &str, replaced: &[(&str, &str)]) -> Recipe {
        let shell = Markdown::read(repository().join("examples").join(page)).shell();
        let replace = |block: String| replaced.iter().fold(block, |block, (from, to)| block.replace(from, to));
        self.shell = shell.into_iter().map(replace).collect();
        self.ran.get_mut().clear();
        self
    }

    /// Puts a script in front of the program of that name.
    pub fn program(self, name: &str, script: &str) -> Recipe {
        write_program(&self.programs.path().join(name), script.as_bytes());
        self
    }

    /// Links by another program from now on, and does it anew.
    pub fn linker(mut self, linker: impl AsRef<Path>) -> Recipe {
        self.project = self.project.linker(linker);
        self.project.touch();
        self
    }

    pub fn folder(&self) -> &Path {
        self.project.folder()
    }

    /// The block of lines that `line` is one of, about to run in a shell that stops at the first failure. `tools` come first in PATH.
    #[track_caller]
    fn block(&self, line: &str, tools: &[Tool], folders: &[&Path]) -> Run {
        let found = self.shell.iter().position(|block| block.lines().any(|one| one == line));
        let at = found.unwrap_or_else(|| panic!("the README has no such line: {line}\n{:#?}", self.shell));
        self.ran.borrow_mut().insert(at);
        let of_tools = tools.iter().map(|tool| tool.path().parent().expect("a folder").to_owned());
        let first = std::iter::once(self.programs.path()).chain(folders.iter().copied()).map(Path::to_owned);
        let path: Vec<PathBuf> = first.chain(of_tools).collect();
        self.project.run("/bin/sh", &path).words(["-e", "-c", &self.shell[at]])
    }

    /// Runs the block that has this line.
    #[track_caller]
    pub fn sh(&self, line: &str, tools: &[Tool]) -> Ran {
        self.sh_with(line, tools, &[])
    }

    /// The same with more folders in PATH.
    #[track_caller]
    pub fn sh_with(&self, line: &str, tools: &[Tool], folders: &[&Path]) -> Ran {
        self.block(line, tools, folders).run()
    }

    /// Starts the server of the block that has this line.
    #[track_caller]
    pub fn serve(&self, line: &str, tools: &[Tool]) -> Server {
        Server::start(&self.block(line, tools, &[]).env("PORT", "0"))
    }

    /// Every line for a shell was run.
    #[track_caller]
    pub fn all_ran(&self) {
        let left: Vec<_> =
            (0..self.shell.len()).filter(|at| !self.ran.borrow().contains(at)).map(|at| &self.shell[at]).collect();
        assert!(left.is_empty(), "nobody ran {left:#?}");
    }
}

/// A server that runs until this value goes away.
pub struct Server {
    child: Child,
    /// With a `/` at the end.
    pub address: String,
}

impl Server {
    /// Waits for the address, the first `http://…/` that it prints.
    #[track_caller]
    pub fn start(run: &Run) -> Server {
        let mut child = run.command().stderr(Stdio::null()).spawn().expect("the server starts");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut server = Server { child, address: String::new() };
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let address =
                    line.find("http://").map(|at| line[at..].split_whitespace().next().unwrap_or_default().to_owned());
                // The rest is read too, so that the server never waits for a reader.
                let _ = sender.send(address);
            }
        });
        let deadline = std::time::Instant::now() + Duration::from_secs(120);
        while server.address.is_empty() {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let line = receiver.recv_timeout(left).expect("the server prints its address");
            server.address = line.unwrap_or_default();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("kill -KILL -{}", self.child.id());
        let _ = Command::new("/bin/sh").args(["-c", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
