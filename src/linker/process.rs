//! Running the real linker: the one place that starts a process for a link.

use super::real_linker::{DEPTH, RealLinker};
use super::scratch::{Scratch, no_scratch};
use super::signals;
use crate::command_line::{Quoting, quote};
use crate::os_bytes::{bytes, word};
use crate::report::Finding;
use crate::rules;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Child, Command, ExitStatus, Stdio};

/// One call of the real linker.
pub(crate) struct Call<'a> {
    pub linker: &'a RealLinker,
    /// All its words.
    pub args: Vec<OsString>,
    /// How a response file of ours must be quoted.
    pub quoting: Quoting,
    /// How many shims are above us.
    pub depth: u32,
    /// `args` are all there is: what emcc would add of the environment is among them.
    pub complete: bool,
}

/// What becomes of the linker's own words while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// They go out as they come; of the errors we keep a copy, to explain them.
    PassedOn,
    /// They are held back until it is clear that this run counts.
    Held,
}

/// How a run ended.
pub(crate) struct Ended {
    pub status: ExitStatus,
    /// What it said on standard error, up to [`MOST_KEPT`] bytes.
    pub errors: Vec<u8>,
    held: Option<(File, File)>,
}

impl Ended {
    /// What was held back of standard output.
    pub(crate) fn printed(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        if let Some((out, _)) = &mut self.held {
            out.rewind()?;
            out.read_to_end(&mut text)?;
        }
        Ok(text)
    }

    /// Lets out what was held back. The answer is about standard output: who reads the errors may go away, as with a linker.
    pub(crate) fn let_out(&mut self) -> io::Result<()> {
        let Some((mut out, mut errors)) = self.held.take() else { return Ok(()) };
        let mut stdout = io::stdout().lock();
        // All of it now: a signal that ends us would leave the rest in the buffer.
        let printed = out.rewind().and_then(|()| io::copy(&mut out, &mut stdout)).and_then(|_| stdout.flush());
        errors.rewind()?;
        let _ = io::copy(&mut errors, &mut io::stderr());
        printed
    }
}

/// The variable whose words emcc puts at the end of every line of its own (`emcc.py`).
pub(super) const EMCC_FLAGS: &str = "EMCC_CFLAGS";

/// Enough of a linker's errors to explain them, in bytes.
const MOST_KEPT: usize = 1 << 20;

impl Call<'_> {
    fn command(&self, args: &[OsString]) -> Command {
        let mut command = Command::new(&self.linker.path);
        command.args(args).env(DEPTH, (self.depth + 1).to_string());
        if self.complete {
            command.env_remove(EMCC_FLAGS);
        }
        command
    }

    /// The words in a response file of our own, for a line that our words made too long.
    fn shortened(&self, scratch: &mut Scratch) -> io::Result<Vec<OsString>> {
        // `-flavor wasm` is only understood on the line itself, and so is the quoting of what follows.
        let flavor = if self.args.first().is_some_and(|first| first == "-flavor") { 2 } else { 0 };
        let (flavor, rest) = self.args.split_at(flavor);
        let told: &[OsString] = match self.quoting {
            Quoting::Shell => &[],
            Quoting::Posix => &[word(*b"--rsp-quoting=posix")],
            Quoting::Windows => &[word(*b"--rsp-quoting=windows")],
        };
        let mut words = [flavor, told].concat();
        // emcc opens no response file that another one names.
        let on_the_line = |arg: &OsString| {
            self.quoting == Quoting::Shell && [&b"@"[..], b"-Wl,@"].iter().any(|start| bytes(arg).starts_with(start))
        };
        for part in rest.chunk_by(|one, next| !on_the_line(one) && !on_the_line(next)) {
            if part.iter().any(on_the_line) {
                words.extend_from_slice(part);
                continue;
            }
            if self.quoting == Quoting::Posix && part.iter().any(|arg| arg.is_empty()) {
                return Err(io::Error::other("an empty argument cannot be written to a response file"));
            }
            let mut text = Vec::new();
            for arg in part {
                text.extend(quote(bytes(arg), self.quoting));
                text.push(b'\n');
            }
            let mut reference = OsString::from("@");
            reference.push(scratch.write("arguments", &text)?);
            words.push(reference);
        }
        Ok(words)
    }

    fn not_started(&self, error: &io::Error) -> Box<Finding> {
        let mut found = error.to_string();
        if error.kind() == io::ErrorKind::NotFound && self.linker.path.exists() {
            found.push_str("; the file is there, but not the interpreter or loader that it names");
        }
        Box::new(Finding::new(
            &rules::LINKER_DID_NOT_START,
            format!("{} did not start", self.linker.path.display()),
            found,
            "a linker that runs",
            "name another one: -C link-arg=--wasm-threads-linker=/path/to/rust-lld",
        ))
    }

    fn spawn(&self, scratch: &mut Scratch, set_up: &dyn Fn(&mut Command) -> io::Result<()>) -> Result<Child, Box<Finding>> {
        let mut command = self.command(&self.args);
        let started = set_up(&mut command).and_then(|()| signals::spawn(&mut command));
        let started = match started {
            Err(error) if is_too_long(&error) => {
                log::info!("the command line is too long: using a response file");
                self.shortened(scratch).and_then(|args| {
                    let mut command = self.command(&args);
                    set_up(&mut command)?;
                    signals::spawn(&mut command)
                })
            }
            other => other,
        };
        started.map_err(|error| self.not_started(&error))
    }

    /// Runs the linker to its end.
    pub(crate) fn run(&self, streams: Streams, scratch: &mut Scratch) -> Result<Ended, Box<Finding>> {
        match streams {
            Streams::PassedOn => self.run_passing_on(scratch),
            Streams::Held => self.run_held(scratch, || ()).map(|(ended, ())| ended),
        }
    }

    fn run_passing_on(&self, scratch: &mut Scratch) -> Result<Ended, Box<Finding>> {
        log::info!("running {}", show(self));
        let mut child = self.spawn(scratch, &|command| {
            command.stderr(Stdio::piped());
            Ok(())
        })?;
        let errors = child.stderr.take().map(pass_on).unwrap_or_default();
        let status = signals::wait(&mut child).map_err(|error| self.not_started(&error))?;
        Ok(Ended { status, errors, held: None })
    }

    /// Runs the linker to its end, its words held back, and does something else meanwhile.
    pub(crate) fn run_held<T>(&self, scratch: &mut Scratch, meanwhile: impl FnOnce() -> T) -> Result<(Ended, T), Box<Finding>> {
        log::info!("running {}", show(self));
        // Files without a name: a map of a large link can be larger than memory.
        let files = || Ok::<_, io::Error>((tempfile::tempfile()?, tempfile::tempfile()?));
        let (out, mut errors) = files().map_err(|error| no_scratch(&error))?;
        let mut child = self.spawn(scratch, &|command| {
            command.stdout(out.try_clone()?).stderr(errors.try_clone()?);
            Ok(())
        })?;
        let done = meanwhile();
        let status = signals::wait(&mut child).map_err(|error| self.not_started(&error))?;
        for file in [&out, &errors] {
            has_room(file, status.success()).map_err(|error| no_scratch(&error))?;
        }
        let mut kept = Vec::new();
        let read = errors.rewind().and_then(|()| (&errors).take(MOST_KEPT as u64).read_to_end(&mut kept));
        read.map_err(|error| no_scratch(&error))?;
        Ok((Ended { status, errors: kept, held: Some((out, errors)) }, done))
    }

    /// Becomes the linker, where the system can; else runs it. Returns only if that fails, or with its status.
    pub(crate) fn become_linker(&self, scratch: &mut Scratch) -> Result<ExitStatus, Box<Finding>> {
        log::info!("handing over to {}", show(self));
        // A copy of a response file must be there while the linker runs, and must be removed afterwards: then we stay.
        #[cfg(unix)]
        if scratch.is_empty() {
            use std::os::unix::process::CommandExt;
            let error = self.command(&self.args).exec();
            if !is_too_long(&error) {
                return Err(self.not_started(&error));
            }
        }
        // With a response file of ours there is something to remove afterwards, so we stay.
        let mut child = self.spawn(scratch, &|_| Ok(()))?;
        signals::wait(&mut child).map_err(|error| self.not_started(&error))
    }
}

/// Whether what a linker said is there to its end. It cannot tell us where there was no room for its words.
fn has_room(mut file: &File, succeeded: bool) -> io::Result<()> {
    let size = file.metadata()?.len();
    if succeeded && size == 0 {
        return Ok(());
    }
    file.write_all(b"\n")?;
    file.set_len(size)
}

/// Sends a linker's errors on as they come, and keeps the first of them.
fn pass_on(mut from: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return kept,
            Ok(count) => {
                // Nobody may be listening any more: the linker must not notice.
                let _ = io::stderr().write_all(&buffer[..count]);
                let room = MOST_KEPT - kept.len();
                kept.extend(&buffer[..count.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return kept,
        }
    }
}

/// `E2BIG` on Unix; on Windows `ERROR_FILENAME_EXCED_RANGE`, and `ERROR_NOT_ENOUGH_MEMORY` as some versions have it.
fn is_too_long(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ArgumentListTooLong || (cfg!(windows) && matches!(error.raw_os_error(), Some(206 | 8)))
}

/// The call as it could be pasted into a shell.
pub(crate) fn show(call: &Call<'_>) -> String {
    std::iter::once(call.linker.path.as_os_str())
        .chain(call.args.iter().map(OsString::as_os_str))
        .map(shell_word)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a POSIX shell would want it.
pub fn shell_word(word: &std::ffi::OsStr) -> String {
    let text = word.to_string_lossy();
    match shlex::try_quote(&text) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => format!("{text:?}"),
    }
}

/// Ends this process as the linker ended: with its status, or by the same signal.
pub(crate) fn end_like(status: ExitStatus) -> std::process::ExitCode {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            // Returns only for signals that do not end a process, and where the signal is blocked.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            let _ = signal_hook::low_level::raise(signal);
            return std::process::ExitCode::from(u8::try_from(128 + signal).unwrap_or(1));
        }
    }
    // On Windows a status has 32 bits, of which a caller sees all: only `exit` can hand them on.
    std::process::exit(status.code().unwrap_or(1))
}
