//! The linker: the way of one link from its command line to its exit status. Here, and only here, processes are started and
//! things are printed.

mod about;
mod link;
mod output;
mod process;
mod programs;
mod real_linker;
mod reproduce;
mod scratch;
mod signals;
mod system;

use crate::command_line::{CommandLine, Loaded, Style};
use crate::inputs;
use crate::report::Finding;
use crate::rules;
use crate::settings::{About, Mode, Settings};
use crate::target::Target;
use link::Link;
pub use process::shell_word;
pub use programs::{find_program, folders_on_path, is_program};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::process::{ExitCode, ExitStatus};

/// How a link ended.
enum End {
    /// As the real linker ended.
    Like(ExitStatus),
    /// By our own word: these findings, and a last line for a person.
    Refused(Vec<Finding>, String),
    /// Something was asked and answered.
    Answered,
}

/// Links what this process's arguments ask for. The real linker's status is the answer; 1 where the shim itself refuses.
pub fn main() -> ExitCode {
    let environment = env_logger::Env::new().filter_or("WASM_THREADS_LOG", "off");
    // Another logger may have been set by a program that links through this library: then that one is used.
    let _ =
        env_logger::Builder::from_env(environment).format(|out, record| out.write_all(log_line(record).as_bytes())).try_init();
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let end = way_of_a_link(&args);
    signals::end_if_told();
    match end {
        Ok(End::Like(status)) => process::end_like(status),
        Ok(End::Answered) => ExitCode::SUCCESS,
        Ok(End::Refused(findings, last)) => {
            print_findings(&findings, &last);
            ExitCode::FAILURE
        }
        Err(finding) => {
            print_findings(&[*finding], "");
            ExitCode::FAILURE
        }
    }
}

/// A line of the log. Names from inputs are in it, so it is cleaned as all else is; and whatever a name says, it is one entry.
fn log_line(record: &log::Record) -> String {
    let text = crate::report::clean(&record.args().to_string()).replace('\n', "\n    ");
    format!("[{:<5} {}] {text}\n", record.level(), record.target())
}

fn way_of_a_link(args: &[OsString]) -> Result<End, Box<Finding>> {
    if args.is_empty() {
        return Err(Box::new(Finding {
            why: "it is called by rustc, or as wasm-ld would be".to_owned(),
            ..Finding::new(
                &rules::BAD_OPTION,
                "wasm-threads-linker was given nothing to link",
                "no arguments",
                "a linker's command line, as rustc makes it",
                "set `linker = \"wasm-threads-linker\"` under [target.wasm32-unknown-unknown] in .cargo/config.toml, or see \
                 `wasm-threads-linker --wasm-threads-help`",
            )
        }));
    }
    let depth = real_linker::depth()?;
    let mut too_large = None;
    let emcc_flags = std::env::var(process::EMCC_FLAGS).ok().as_deref().and_then(shlex::split).unwrap_or_default();
    let emcc_flags: Vec<OsString> = emcc_flags.into_iter().map(OsString::from).collect();
    let line = CommandLine::parse_with(args, &emcc_flags, &mut |name| load(name, &mut too_large));
    let settings = Settings::new(&line, &|name| std::env::var_os(name))?;
    if let Some(TooLarge { name, ends }) = too_large {
        // Switched off, a file is the linker's own affair. A pipe is read already, and a device never ends.
        if !ends || settings.mode != Mode::Off {
            return Err(Box::new(response_file_too_large(&name)));
        }
    }
    match settings.about {
        Some(About::Help) => return answer(&about::help()),
        Some(About::Version) => return answer(&about::version()),
        None => {}
    }
    if matches!(args, [only] if only == "--help" || only == "-help") {
        // A person asks. The real linker's own help follows.
        answer(&about::help())?;
        answer("")?;
    }
    if let Some(finding) = host_link(&line) {
        return Err(finding);
    }
    let target = Target::of(&line.options, line.style);
    // `wasm-component-ld` calls a linker in its turn, which may be this one: then what is wanted is a module.
    let component = line.style == Style::WasmLd && target == Target::WasiComponent && depth == 0;
    let linker =
        if component { real_linker::find_for_components(&settings)? } else { real_linker::find(&settings, line.style)? };
    log::info!("{} in {:?} style, mode {:?} from {}", linker.path.display(), line.style, settings.mode, settings.mode_from);
    if component && settings.mode == Mode::Threaded {
        return Err(Box::new(component_without_threads(&line, &settings)));
    }
    let mut link = Link::new(args, &line, &settings, &linker, depth);
    match only_forwarded(&line, target, &settings) {
        Some(why) if line.unreadable.is_some() && settings.mode != Mode::Off => {
            log::info!("forwarded: {why}");
            link.forward_broken(&why)
        }
        Some(why) => {
            log::info!("forwarded: {why}");
            link.forward()
        }
        None => link.run(),
    }
}

/// Why a line is handed on as it is, whatever its objects say.
fn only_forwarded(line: &CommandLine, target: Target, settings: &Settings) -> Option<String> {
    if settings.mode == Mode::Off {
        return Some(format!("switched off by {}", settings.mode_from));
    }
    if let Some(problem) = &line.unreadable {
        return Some(problem.clone());
    }
    if target == Target::WasiComponent {
        return Some("a component has no threads".to_owned());
    }
    if let Some(option) = line.options.not_a_module.or(line.options.driver.stops) {
        return Some(format!("{option} makes no module of its own"));
    }
    line.options.inputs.is_empty().then(|| "there is nothing to link".to_owned())
}

/// Told to be threaded, and linked for a target where nothing can be.
fn component_without_threads(line: &CommandLine, settings: &Settings) -> Finding {
    let triple = crate::target::triple(&line.options, line.style);
    Finding {
        why: "components have no shared memory: its first spawn fails".to_owned(),
        ..Finding::new(
            &rules::TARGET_WITHOUT_THREADS,
            format!("this link was to be threaded ({}) and is for {triple}", settings.mode_from),
            triple,
            "a target with threads",
            "build with --target wasm32-wasip1-threads, or take the mode back for this target",
        )
    }
}

/// A link for the machine that builds: cargo uses one `linker` for everything where no `--target` is given.
fn host_link(line: &CommandLine) -> Option<Box<Finding>> {
    let found = match line.style {
        Style::Host => match &line.flavor {
            Some(flavor) => format!("-flavor {}, rustc's word to a linker for this machine", flavor.display()),
            None => "a command line for link.exe".to_owned(),
        },
        Style::WasmLd if line.flavor.is_some() => return None,
        Style::WasmLd | Style::Clang | Style::Emcc => {
            format!("{}, an object of this machine", inputs::first_host_object(&line.options)?.display())
        }
    };
    Some(Box::new(Finding::new(
        &rules::HOST_LINK,
        "this is a link for the machine that builds, not for WebAssembly",
        found,
        "objects for WebAssembly",
        "take `-C linker=` out of RUSTFLAGS and of [build] rustflags, and set the linker for the WebAssembly target alone, in \
         .cargo/config.toml:\n[target.wasm32-unknown-unknown]\nlinker = \
         \"wasm-threads-linker\"\nand build with --target wasm32-unknown-unknown",
    )))
}

fn answer(text: &str) -> Result<End, Box<Finding>> {
    // Whoever asked may have gone away.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(End::Answered)
}

fn print_findings(findings: &[Finding], last: &str) {
    let mut text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if !last.is_empty() {
        text.push(crate::report::clean(last));
    }
    // One write: parallel links must not mix their lines.
    let _ = std::io::stderr().write_all((text.join("\n") + "\n").as_bytes());
}

/// The largest response file that is opened, in bytes: far more than any link has, far less than memory.
const LARGEST_RESPONSE_FILE: u64 = 64 << 20;

/// A response file that is not looked into.
struct TooLarge {
    name: OsString,
    /// It is a regular file, of which nothing was read.
    ends: bool,
}

/// Reads a response file. One without end must not reach the real linker, which would read it into memory until there is none.
fn load(name: &OsStr, too_large: &mut Option<TooLarge>) -> Option<Loaded> {
    let facts = std::fs::metadata(name).ok()?;
    if facts.is_dir() || too_large.as_ref().is_some_and(|known| !known.ends) {
        return None;
    }
    let mut bytes = Vec::new();
    let ends = facts.is_file();
    if !ends || facts.len() <= LARGEST_RESPONSE_FILE {
        std::fs::File::open(name).ok()?.take(LARGEST_RESPONSE_FILE + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 <= LARGEST_RESPONSE_FILE {
            return Some(Loaded { bytes, once: !ends });
        }
    }
    *too_large = Some(TooLarge { name: name.to_owned(), ends });
    None
}

fn response_file_too_large(name: &OsStr) -> Finding {
    Finding {
        why: "the real linker would read all of it into memory".to_owned(),
        ..Finding::new(
            &rules::BAD_OPTION,
            format!("the response file {} is too large", name.display()),
            format!("more than {}, or no end", crate::size::show(LARGEST_RESPONSE_FILE)),
            "a text file with the words of a command line",
            format!("leave @{} out; if the line is so long indeed, put objects into an archive", name.display()),
        )
    }
}
