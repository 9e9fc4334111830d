//! Runs the two links of a row in turn, and says how they differ.

use crate::support::{Facts, Run, link};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The shim's own memory, at most.
const MEMORY_BOUND: u64 = 16 << 20;

/// What a link through the shim may cost more than the bare one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// 2 ms or 1 %, whichever is more.
    Checked,
    /// 1 ms.
    PassedThrough,
    /// 1 ms, and the reading of archives, which is stated and not bounded.
    PassedThroughArchives,
    /// Stated only: the real linker may have to run twice.
    Undecided,
}

/// One link, to be done both ways.
pub struct Row {
    pub bound: Bound,
    /// The real linker.
    pub linker: PathBuf,
    /// Where the shim finds it, as it would in a build: these folders are PATH.
    pub path: Vec<PathBuf>,
    /// The folder that relative names are in.
    pub folder: PathBuf,
    /// The command line, without `-o` and its file.
    pub words: Vec<OsString>,
    /// What the bare linker gets besides: right after `-flavor wasm`.
    pub first: Vec<OsString>,
    /// And at the end.
    pub last: Vec<OsString>,
    /// Whether the result has a shared memory.
    pub threaded: bool,
    /// Keeps the generated inputs until the row is done.
    pub guard: Option<tempfile::TempDir>,
}

impl Row {
    /// The words for the bare linker: the row's own, and what the shim would add.
    fn bare_words(&self) -> Vec<OsString> {
        let (flavor, rest) = self.words.split_at(2);
        [flavor, &self.first, rest, &self.last].concat()
    }

    fn inputs_size(&self) -> u64 {
        let size = |word: &OsString| fs::metadata(self.folder.join(word)).ok().filter(|file| file.is_file()).map(|f| f.len());
        self.words.iter().filter_map(size).sum()
    }
}

/// One way of doing the link.
struct Way {
    run: Run,
    output: PathBuf,
}

impl Way {
    fn new(row: &Row, program: &Path, words: Vec<OsString>, output: &Path) -> Self {
        let run = Run::new(program).folder(&row.folder).path(&row.path).words(words).word("-o").word(output);
        Way { run: run.timeout(Duration::from_secs(600)), output: output.to_owned() }
    }

    fn command(&self) -> Command {
        let _ = fs::remove_file(&self.output);
        let mut command = self.run.command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// How long it takes.
    fn time(&self) -> Duration {
        let mut command = self.command();
        let started = Instant::now();
        let status = command.status().expect("the program starts");
        let elapsed = started.elapsed();
        assert!(status.success(), "{status}");
        elapsed
    }
}

struct Measured {
    name: String,
    bound: Bound,
    inputs: u64,
    output: u64,
    bare: Quartiles,
    ratio: Quartiles,
    more: Quartiles,
    /// The fastest link through the shim less the fastest bare one, in milliseconds: what other work on the machine hides least.
    fastest: f64,
    memory: Option<u64>,
}

/// All rows, and those that could not be measured.
pub struct Table {
    shim: PathBuf,
    measured: Vec<Measured>,
    skipped: Vec<(String, String)>,
}

impl Table {
    pub fn new() -> Self {
        let shim = std::env::var_os("WASM_THREADS_BENCH_SHIM").map_or_else(|| link::shim().to_owned(), PathBuf::from);
        Table { shim, measured: Vec::new(), skipped: Vec::new() }
    }

    pub fn skip(&mut self, name: &str, why: &str) {
        eprintln!("{name}: not measured: {why}");
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    /// Both ways once for the result, which has to be what the row says; then in pairs; then for the shim's memory.
    pub fn measure(&mut self, name: &str, row: Row, pairs: Option<usize>) {
        let outputs = super::support::lasting_folder("bench-output");
        let bare = Way::new(&row, &row.linker, row.bare_words(), &outputs.join("bare.wasm"));
        // Another program in the shim's place adds nothing by itself.
        let words = if self.shim == link::shim() { row.words.clone() } else { row.bare_words() };
        let shim = Way::new(&row, &self.shim, words, &outputs.join("shim.wasm"));
        let mut once = Duration::ZERO;
        for way in [&bare, &shim] {
            once += way.run.run().expect_success().elapsed;
            assert_eq!(Facts::read(&way.output).memory().shared, row.threaded, "{name}: {}", way.output.display());
        }
        // A few seconds for a row of small links; at least 15 pairs, however long one takes.
        let pairs = pairs.unwrap_or(((8_000 / once.as_millis().max(1)) as usize).clamp(15, 101));
        let (mut times, mut ratios, mut more) = (Vec::new(), Vec::new(), Vec::new());
        let (mut fastest_bare, mut fastest_shim) = (Duration::MAX, Duration::MAX);
        for pair in 0..pairs {
            let (bare, shim) = if pair % 2 == 0 {
                let bare = bare.time();
                (bare, shim.time())
            } else {
                let shim = shim.time();
                (bare.time(), shim)
            };
            (fastest_bare, fastest_shim) = (fastest_bare.min(bare), fastest_shim.min(shim));
            times.push(milliseconds(bare));
            ratios.push(shim.as_secs_f64() / bare.as_secs_f64());
            more.push(milliseconds(shim) - milliseconds(bare));
        }
        let memory = (0..3).filter_map(|_| own_memory(&shim, &self.shim)).max();
        let measured = Measured {
            name: name.to_owned(),
            inputs: row.inputs_size(),
            output: fs::metadata(&shim.output).map_or(0, |file| file.len()),
            bare: Quartiles::of(times),
            ratio: Quartiles::of(ratios),
            more: Quartiles::of(more),
            fastest: milliseconds(fastest_shim) - milliseconds(fastest_bare),
            memory,
            bound: row.bound,
        };
        eprintln!("{measured} ({pairs} pairs)");
        for way in [bare, shim] {
            let _ = fs::remove_file(way.output);
        }
        self.measured.push(measured);
        drop(row.guard);
    }

    pub fn over_bound(&self) -> bool {
        self.measured.iter().any(|row| row.verdict() == Some(false) || row.memory.is_some_and(|memory| memory > MEMORY_BOUND))
    }
}

impl Measured {
    /// Whether the median is within the bound; nothing where none is set.
    fn verdict(&self) -> Option<bool> {
        Some(self.more.median <= self.allowed()?)
    }

    /// In milliseconds.
    fn allowed(&self) -> Option<f64> {
        match self.bound {
            Bound::Checked => Some((self.bare.median * 0.01).max(2.0)),
            Bound::PassedThrough => Some(1.0),
            Bound::PassedThroughArchives | Bound::Undecided => None,
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match (self.allowed(), self.bound) {
            (Some(allowed), _) => {
                let verdict = if self.verdict() == Some(true) { "" } else { " **over**" };
                format!("{allowed:.1}{verdict}")
            }
            (None, Bound::Undecided) => "stated".into(),
            (None, _) => "1 + archives".into(),
        };
        let memory = match self.memory {
            Some(memory) => {
                let verdict = if memory > MEMORY_BOUND { " **over**" } else { "" };
                format!("{:.1} MiB{verdict}", memory as f64 / f64::from(1 << 20))
            }
            None => "–".into(),
        };
        write!(
            f,
            "| {} | {} | {} | {:.1} ms | {:.3} ({:.3} … {:.3}) | {:+.1} ({:+.1} … {:+.1}) ms | {:+.1} ms | {bound} | {memory} |",
            self.name,
            size(self.inputs),
            size(self.output),
            self.bare.median,
            self.ratio.median,
            self.ratio.lower,
            self.ratio.upper,
            self.more.median,
            self.more.lower,
            self.more.upper,
            self.fastest,
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| link | inputs | output | real linker | shim / real linker | difference | fastest | at most, ms | shim's memory |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.measured {
            writeln!(f, "{row}")?;
        }
        let processors = thread::available_parallelism().map_or(0, |count| count.get());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split_whitespace().take(3).collect();
        writeln!(
            f,
            "\nMedians, with quartiles in parentheses; `fastest`: the fastest link through the shim less the fastest bare one."
        )?;
        writeln!(f, "The shim's memory is its own peak (VmHWM); – where it was not seen.")?;
        writeln!(f, "Measured with {processors} processors; load averages at the end: {}.", load.join(", "))?;
        for (name, why) in &self.skipped {
            writeln!(f, "Not measured: {name}: {why}.")?;
        }
        Ok(())
    }
}

struct Quartiles {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Quartiles {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = (values.len() - 1) as f64 * quarter as f64 / 4.0;
            let (low, part) = (place as usize, place.fract());
            let high = (low + 1).min(values.len() - 1);
            values[low] + (values[high] - values[low]) * part
        };
        Quartiles { lower: at(1), median: at(2), upper: at(3) }
    }
}

/// The peak of the shim's own memory in one link, as far as it can be seen: the system's figures for a process that ended
/// include its children, so the running one is looked at again and again. Once it has become the linker, it is no longer its.
fn own_memory(way: &Way, shim: &Path) -> Option<u64> {
    let shim = fs::canonicalize(shim).ok()?;
    let mut child = way.command().spawn().ok()?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let is_shim = || fs::read_link(process.join("exe")).is_ok_and(|program| program == shim);
    let mut most = None;
    while let Ok(None) = child.try_wait() {
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        if let Some(peak) = peak(&status).filter(|_| is_shim()) {
            most = most.max(Some(peak));
        }
        thread::sleep(Duration::from_micros(100));
    }
    most
}

/// The line `VmHWM:     1234 kB`, in bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        small if small < 1e6 => format!("{:.1} kB", small / 1e3),
        middle if middle < 1e7 => format!("{:.1} MB", middle / 1e6),
        large => format!("{:.0} MB", large / 1e6),
    }
}
