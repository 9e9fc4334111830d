//! Running the tools: none may hang, none may see settings that were meant for another link.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wasm_threads::linker::shell_word;

/// The longest that a compiler or a linker may take: each needs a fraction of a second for the sample.
pub const TOOL: Duration = Duration::from_secs(60);

/// Runs one tool after the other, with a folder for what they print.
pub struct Runner {
    folder: PathBuf,
    commands: Vec<String>,
}

/// What a tool did.
pub struct Ran {
    /// How it ended; `None` when it took too long and was stopped.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Whether it ended by itself, and well.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// How it ended, and what it said about that.
    pub fn complaint(&self) -> String {
        let end = match self.status {
            Some(status) => status.to_string(),
            None => "took too long and was stopped".to_owned(),
        };
        format!("{end}\n{}{}", self.stderr, self.stdout).trim_end().to_owned()
    }
}

impl Runner {
    /// A runner that keeps its files in `folder`.
    pub fn new(folder: &Path) -> Runner {
        Runner { folder: folder.to_owned(), commands: Vec::new() }
    }

    /// The folder for the files of its owner.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every command so far, as a line for a shell.
    pub fn commands(&self) -> &[String] {
        &self.commands
    }

    /// Runs `command` to its end, or for as long as `limit`.
    pub fn run(&mut self, command: &mut Command, limit: Duration) -> io::Result<Ran> {
        // Our own settings of this shell would change what is shown; `WASM_THREADS_LINKER` is set again by who needs it.
        let set: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"WASM_THREADS") && !set.contains(&name) {
                command.env_remove(name);
            }
        }
        self.commands.push(shell_line(command));

        // Files, not pipes: a grandchild that outlives a stopped child would hold a pipe open, and us with it.
        let out = self.folder.join("stdout.txt");
        let err = self.folder.join("stderr.txt");
        let mut child = command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?).spawn()?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if started.elapsed() >= limit {
                // It may have ended just now, which is as well.
                let _ = child.kill();
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |file: &Path| std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Ran { status, stdout: text(&out)?, stderr: text(&err)? })
    }
}

/// The command as a POSIX shell would take it: the variables set for it, then its words.
fn shell_line(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.display(), shell_word(value)));
        }
    }
    words.push(shell_word(command.get_program()));
    words.extend(command.get_args().map(shell_word));
    words.join(" ")
}
