//! What becomes of the linker, and of our temporary files, when somebody ends this process while the linker runs.
//!
//! Ctrl-C goes to every process in front of a terminal, `kill` to one alone: so a signal that would end us is handed on to the
//! linker, whose end we wait for, and by the same signal we end, too. `kill -9` cannot be caught. Linux could end the linker with us
//! then (`PR_SET_PDEATHSIG`), but only by a call between `fork` and `exec`, which is `unsafe`; so the linker goes on to its own end.

#[cfg(unix)]
pub(super) use unix::{end_if_told, remove_at_the_end, spawn, wait};

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus};
    use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
    use std::thread;
    use std::time::Duration;

    /// How long a linker may take to end by itself: a terminal sends it the same signal, and a second one would end it before
    /// it has removed what it had begun.
    const GRACE: Duration = Duration::from_millis(200);

    struct State {
        /// The linker that runs, not yet waited for: its number is nobody else's.
        linker: Option<Pid>,
        /// What is to be removed where this process ends without unwinding: files, and folders with all in them.
        temporary: Vec<PathBuf>,
        /// The signal that told us to end.
        told: Option<i32>,
    }

    static STATE: Mutex<State> = Mutex::new(State { linker: None, temporary: Vec::new(), told: None });

    fn state() -> MutexGuard<'static, State> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the linker, unless we have been told to end.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
        watch();
        // Held until its number is known: a signal in between would end us alone.
        let mut state = state();
        if let Some(signal) = state.told {
            end(&state, signal);
        }
        let child = command.spawn()?;
        state.linker = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(child)
    }

    /// Waits for the linker's end.
    pub(crate) fn wait(child: &mut Child) -> io::Result<ExitStatus> {
        let running = state().linker;
        if let Some(pid) = running {
            // Its number is given back only behind the next lines, when no signal is sent to it any more.
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
        }
        state().linker = None;
        child.wait()
    }

    /// A file or folder that must not be left behind.
    pub(crate) fn remove_at_the_end(path: &Path) {
        watch();
        state().temporary.push(path.to_owned());
    }

    /// Ends by the signal that told us to, if one did. What had to be done before that is done.
    pub(crate) fn end_if_told() {
        let state = state();
        if let Some(signal) = state.told {
            end(&state, signal);
        }
    }

    fn end(state: &State, signal: i32) {
        for path in &state.temporary {
            let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
        }
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }

    /// Begins to watch, once.
    fn watch() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let (to_thread, from_us) = mpsc::channel::<Signals>();
            // The thread first: a handler, once set, stays, and without a thread nobody would do what it stands for.
            let thread = thread::Builder::new().name("signals".to_owned()).stack_size(256 * 1024).spawn(move || {
                if let Ok(mut signals) = from_us.recv() {
                    signals.forever().for_each(handed_on);
                }
            });
            if thread.is_ok() {
                match Signals::new(not_ignored()) {
                    Ok(signals) => drop(to_thread.send(signals)),
                    Err(error) => log::info!("signals are not watched: {error}"),
                }
            }
        });
    }

    fn handed_on(signal: i32) {
        // Only caught so that a file at its largest is an error that can be told, as it is for every other reason.
        if signal == SIGXFSZ {
            return;
        }
        let linker = {
            let mut state = state();
            state.told = Some(signal);
            if state.linker.is_none() {
                end(&state, signal);
            }
            state.linker
        };
        thread::sleep(GRACE);
        let state = state();
        if let (true, Some(pid), Some(signal)) = (state.linker == linker, linker, Signal::from_named_raw(signal)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Those of the signals that end a process which are not ignored: `nohup` ignores one, a script's `&` others, and a linker
    /// inherits that only from a process without a handler. Where the system does not say, the one that nobody ignores.
    fn not_ignored() -> Vec<i32> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let Some(ignored) = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) else { return vec![SIGTERM] };
        let all = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXFSZ];
        all.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect()
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::path::Path;
    use std::process::{Child, Command, ExitStatus};

    pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
        command.spawn()
    }

    pub(crate) fn wait(child: &mut Child) -> io::Result<ExitStatus> {
        child.wait()
    }

    pub(crate) fn remove_at_the_end(_: &Path) {}

    pub(crate) fn end_if_told() {}
}

#[cfg(not(unix))]
pub(super) use elsewhere::{end_if_told, remove_at_the_end, spawn, wait};
