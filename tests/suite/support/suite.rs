//! The list of tests, and what becomes of one whose tools are not here.

use super::Tool;
use libtest_mimic::{Arguments, Failed, Trial};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{env, panic};

/// With the value `all`, a test whose tools are missing fails instead of being listed as ignored.
pub const VARIABLE: &str = "WASM_THREADS_TESTS";

/// Collects the tests of every module, then runs them.
pub struct Suite {
    arguments: Arguments,
    all_must_run: bool,
    module: &'static str,
    trials: Vec<Trial>,
}

impl Suite {
    /// Reads libtest's arguments and [`VARIABLE`].
    pub fn from_arguments() -> Self {
        let all_must_run = match env::var(VARIABLE) {
            Err(env::VarError::NotPresent) => false,
            Ok(value) if value == "all" => true,
            other => panic!("{VARIABLE} is {other:?}; it can be `all`, or not be set"),
        };
        Suite { arguments: Arguments::from_args(), all_must_run, module: "", trials: Vec::new() }
    }

    /// Adds the tests of one module; each is named `module::test`.
    pub fn module(&mut self, name: &'static str, tests: impl FnOnce(&mut Suite)) {
        self.module = name;
        tests(self);
        self.module = "";
    }

    /// Adds one test, which fails by a panic. Where a tool it needs is missing, it is listed as ignored, with that tool.
    pub fn test(&mut self, name: &str, needs: &[Tool], test: impl FnOnce() + Send + 'static) {
        let name = match self.module {
            "" => name.to_owned(),
            module => format!("{module}::{name}"),
        };
        let missing: Vec<Tool> = needs.iter().copied().filter(|tool| tool.find().is_none()).collect();
        self.trials.push(trial(name, &missing, self.all_must_run, test));
    }

    /// Runs what the arguments ask for and ends the process.
    pub fn run(self) -> ! {
        keep_panics_for_the_report();
        libtest_mimic::run(&self.arguments, self.trials).exit()
    }
}

/// One test; `missing` are the tools it needs and this machine has not.
pub fn trial(name: String, missing: &[Tool], all_must_run: bool, test: impl FnOnce() + Send + 'static) -> Trial {
    if missing.is_empty() {
        return Trial::test(name, move || caught(test).map_err(Failed::from));
    }
    let tools = missing.iter().map(|tool| format!("{} ({})", tool.name(), tool.package()));
    let needs = format!("needs {}", tools.collect::<Vec<_>>().join(", "));
    let reason = format!("it {needs}, and cannot find it");
    // `--ignored` and `--include-ignored` run it too, and must not see it pass.
    Trial::test(name, move || Err(reason.into())).with_kind(needs).with_ignored_flag(!all_must_run)
}

thread_local! {
    /// Within [`caught`]: what the last panic of this thread said, and where.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What a panic says and where it was, in place of the panic.
pub fn caught(test: impl FnOnce()) -> Result<(), String> {
    let outer = LAST_PANIC.replace(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(test));
    let said = LAST_PANIC.replace(outer).unwrap_or_default();
    result.map_err(|_| said)
}

/// A failed test says why once, in the report at the end, and a panic that a test expects is not seen at all.
fn keep_panics_for_the_report() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let kept = LAST_PANIC.with_borrow_mut(|last| {
            let Some(last) = last else { return false };
            *last = panic.to_string();
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                *last += &format!("\n{backtrace}");
            }
            true
        });
        if !kept {
            print(panic);
        }
    }));
}
