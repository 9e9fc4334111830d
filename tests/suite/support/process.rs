//! Runs a program with a known environment, keeps all that it says, and ends it when it takes too long.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What a program may see of the environment that the tests were started in: where things are, and how to reach a registry.
/// Nothing that changes what is built or linked.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "SystemDrive",
    "ComSpec",
    "PATHEXT",
    "APPDATA",
    "LOCALAPPDATA",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ALL_PROXY",
];
const KEPT_PREFIXES: &[&str] = &["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_SOURCE_"];

/// A program about to run.
#[derive(Clone)]
pub struct Run {
    program: PathBuf,
    words: Vec<OsString>,
    folder: Option<PathBuf>,
    variables: Vec<(OsString, Option<OsString>)>,
    timeout: Duration,
}

impl Run {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Run {
            program: program.into(),
            words: Vec::new(),
            folder: None,
            variables: Vec::new(),
            timeout: Duration::from_secs(120),
        }
    }

    pub fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub fn words<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// The folder it runs in; the tests' own where none is named.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), None));
        self
    }

    /// These folders, and no others, are PATH.
    pub fn path<P: AsRef<OsStr>>(self, folders: impl IntoIterator<Item = P>) -> Self {
        let folders = folders.into_iter().map(|folder| folder.as_ref().to_owned());
        let joined = env::join_paths(folders).expect("folders without PATH's separator");
        self.env("PATH", joined)
    }

    /// After this long it and its children are killed, and the test fails.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end. Panics where it cannot start or takes too long; its status is the caller's to judge.
    #[track_caller]
    pub fn run(&self) -> Ran {
        let ran = self.run_or_kill();
        assert!(!ran.killed, "still running after {:?}, so it was killed\n{ran:?}", self.timeout);
        ran
    }

    /// As [`Run::run`], and [`Ran::killed`] says whether it took too long.
    #[track_caller]
    pub fn run_or_kill(&self) -> Ran {
        let started = Instant::now();
        let mut child = self.command().spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", self.line()));
        let stdout = read_all(child.stdout.take().expect("stdout is piped"));
        let stderr = read_all(child.stderr.take().expect("stderr is piped"));
        let (status, killed) = wait(&mut child, started + self.timeout);
        Ran {
            line: self.line(),
            status,
            killed,
            stdout: received(stdout, "stdout"),
            stderr: received(stderr, "stderr"),
            elapsed: started.elapsed(),
        }
    }

    /// The program and its environment, for a caller that starts it itself.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.env_clear().envs(env::vars_os().filter(|(name, _)| is_kept(name)));
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    fn line(&self) -> String {
        let mut line = format!("{:?}", self.program);
        for word in &self.words {
            line += &format!(" {word:?}");
        }
        line
    }
}

/// A program that ran.
pub struct Ran {
    line: String,
    pub status: ExitStatus,
    pub killed: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub elapsed: Duration,
}

impl Ran {
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Its exit code; none when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    #[cfg(unix)]
    pub fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.status)
    }

    #[track_caller]
    pub fn expect_success(self) -> Self {
        self.expect_code(0)
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert!(self.code() == Some(code), "expected exit code {code}\n{self:?}");
        self
    }

    /// Fails where it said anything.
    #[track_caller]
    pub fn expect_silence(self) -> Self {
        assert!(self.stdout.is_empty() && self.stderr.is_empty(), "expected no output\n{self:?}");
        self
    }

    /// Fails where its stderr has not this text.
    #[track_caller]
    pub fn expect_stderr(self, text: &str) -> Self {
        assert!(self.stderr_text().contains(text), "expected in stderr: {text}\n{self:?}");
        self
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// All that one wants to see when a test fails.
impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "command: {}", self.line)?;
        writeln!(f, "status: {} after {:?}", self.status, self.elapsed)?;
        writeln!(f, "--- stdout\n{}", self.stdout_text())?;
        write!(f, "--- stderr\n{}", self.stderr_text())
    }
}

fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn read_all(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// A program that ended may have left a child that holds its stream; no test waits for that one.
fn received(from: Receiver<Vec<u8>>, name: &str) -> Vec<u8> {
    from.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("{name} is held open by a process left behind"))
}

fn wait(child: &mut Child, deadline: Instant) -> (ExitStatus, bool) {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (status, false);
        }
        if Instant::now() >= deadline {
            kill(child);
            return (child.wait().expect("a child can be waited for"), true);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Kills the child and, on Unix, all of its group.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("kill -KILL -{}", child.id());
        let _ = Command::new("/bin/sh").args(["-c", &group]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
}
