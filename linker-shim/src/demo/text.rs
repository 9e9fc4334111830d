//! The words of the demo, for somebody who has not met shared memory before. 80 columns.

use super::facts::Facts;
use super::link::{Origin, WhyObjects};
use super::sample;
use super::toolchain::Toolchain;
use super::workers::Ran;
use std::io::{self, Write};

const BARE: &str = "rustc alone";
const THROUGH: &str = "through wasm-threads";

/// What is shown, and with which tools.
pub fn introduction(out: &mut dyn Write, toolchain: &Toolchain, origin: &Origin) -> io::Result<()> {
    writeln!(out, "One small threaded program, linked twice by the same linker: with the words that")?;
    writeln!(out, "rustc 1.92 and later pass to it, and with the same words through wasm-threads.")?;
    writeln!(out, "It hands out numbered tickets; no two threads may ever get the same number.")?;
    writeln!(out)?;
    match origin {
        Origin::Compiled(release) => {
            writeln!(out, "Program: compiled here by rustc {release}, with -C target-feature=+atomics")?;
        }
        Origin::Objects(why) => {
            writeln!(out, "Program: built-in objects, made by rustc {} with +atomics", sample::made_by())?;
            match why {
                WhyObjects::NoRustc => writeln!(out, "         (no rustc answers here)")?,
                WhyObjects::Refused(release) => {
                    writeln!(out, "         (rustc {release}, which is yours, does not compile the sample)")?;
                }
                WhyObjects::StillPasses(release) => {
                    writeln!(out, "         (rustc {release}, which is yours, still passes all flags by itself:")?;
                    writeln!(out, "         your builds are threaded now, and would not be after an update)")?;
                }
            }
        }
    }
    writeln!(out, "Linker:  {}", toolchain.linker.display())
}

/// Both modules side by side, and a verdict on each.
pub fn table(out: &mut dyn Write, colour: bool, bare: &Facts, through: &Facts) -> io::Result<()> {
    writeln!(out)?;
    row(out, "", BARE, THROUGH)?;
    type Column = fn(&Facts) -> String;
    let rows: [(&str, Column); 6] = [
        ("memory", memory),
        ("its size, in pages", pages),
        ("its size, in MiB", mebibytes),
        ("first values of data", data),
        ("thread-local storage", tls),
        ("start function", start),
    ];
    for (name, column) in rows {
        row(out, name, &column(bare), &column(through))?;
    }
    row_of_verdicts(out, colour, bare, through)?;
    writeln!(out)?;
    wrapped(out, &format!("{BARE}: {}", sentence(bare)))?;
    wrapped(out, &format!("{THROUGH}: {}", sentence(through)))
}

/// The sentence in lines of at most 80 columns.
fn wrapped(out: &mut dyn Write, sentence: &str) -> io::Result<()> {
    let mut line = String::new();
    for word in sentence.split(' ') {
        if !line.is_empty() && line.len() + 1 + word.len() > 80 {
            writeln!(out, "{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

fn row(out: &mut dyn Write, name: &str, bare: &str, through: &str) -> io::Result<()> {
    writeln!(out, "{}", format!("  {name:<22}{bare:<27}{through}").trim_end())
}

fn row_of_verdicts(out: &mut dyn Write, colour: bool, bare: &Facts, through: &Facts) -> io::Result<()> {
    let verdict = |facts: &Facts| {
        if facts.threaded() { ("THREADED", "32") } else { ("NOT THREADED", "31") }
    };
    let painted = |(word, code): (&str, &str), width: usize| match colour {
        // The width is that of the word, without the codes around it.
        true => format!("\x1b[1;{code}m{word}\x1b[0m{}", " ".repeat(width.saturating_sub(word.len()))),
        false => format!("{word:<width$}"),
    };
    let line = format!("  {:<22}{}{}", "verdict", painted(verdict(bare), 27), painted(verdict(through), 0));
    writeln!(out, "{}", line.trim_end())
}

fn memory(facts: &Facts) -> String {
    let whose = if facts.imported { "imported" } else { "its own" };
    let shared = if facts.shared { "shared" } else { "not shared" };
    format!("{whose}, {shared}")
}

fn pages(facts: &Facts) -> String {
    match facts.maximum {
        Some(maximum) => format!("{} to {maximum}", facts.minimum),
        None => format!("{}, no maximum", facts.minimum),
    }
}

fn mebibytes(facts: &Facts) -> String {
    let size = |pages: u64| {
        // Sixteen pages are one MiB; one digit behind the point, and none where it would be 0.
        let tenths = pages.saturating_mul(10).saturating_add(8) / 16;
        match tenths % 10 {
            0 => format!("{}", tenths / 10),
            tenth => format!("{}.{tenth}", tenths / 10),
        }
    };
    match facts.maximum {
        Some(maximum) => format!("{} to {}", size(facts.minimum), size(maximum)),
        None => format!("{}, no maximum", size(facts.minimum)),
    }
}

fn data(facts: &Facts) -> String {
    match (facts.active, facts.passive) {
        (0, 0) => "none",
        (0, _) => "written once",
        (_, _) => "written by every instance",
    }
    .to_owned()
}

fn tls(facts: &Facts) -> String {
    if facts.tls { "__wasm_init_tls exported" } else { "no way to set it up" }.to_owned()
}

fn start(facts: &Facts) -> String {
    if facts.start { "writes the data, once" } else { "none" }.to_owned()
}

fn sentence(facts: &Facts) -> &'static str {
    if facts.threaded() {
        "all workers are given one memory; the first instance fills it with the data, and each thread sets up a \
         thread-local storage of its own."
    } else {
        "the link succeeded without a word, but each worker would get a memory of its own: the threads share nothing."
    }
}

/// What two workers made of the modules.
pub fn workers(out: &mut dyn Write, ran: &Ran) -> io::Result<()> {
    writeln!(out)?;
    match ran {
        Ran::Not(why) => writeln!(out, "Not run on two workers: {why}."),
        Ran::Here { node, bare, through, .. } => {
            writeln!(out, "Run on two workers, 1000 tickets each, by node {node}:")?;
            for (name, lines) in [(BARE, bare), (THROUGH, through)] {
                for (index, line) in lines.iter().enumerate() {
                    let name = if index == 0 { name } else { "" };
                    writeln!(out, "  {name:<22}{line}")?;
                }
            }
            Ok(())
        }
    }
}

/// How the reader gets the same for a build of their own.
pub fn next_steps(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "For your own builds, run `cargo install wasm-threads-linker`, and put these two")?;
    writeln!(out, "lines into .cargo/config.toml:")?;
    writeln!(out)?;
    writeln!(out, "  [target.wasm32-unknown-unknown]")?;
    writeln!(out, "  linker = \"wasm-threads-linker\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_one_digit() {
        let facts = |minimum, maximum| Facts {
            imported: false,
            shared: false,
            minimum,
            maximum,
            active: 0,
            passive: 0,
            tls: false,
            start: false,
        };
        let cases = [
            (17, Some(16384), "1.1 to 1024"),
            (0, None, "0, no maximum"),
            (24, Some(65536), "1.5 to 4096"),
            (u64::MAX, None, "115292150460684697.5, no maximum"),
        ];
        for (minimum, maximum, wanted) in cases {
            assert_eq!(mebibytes(&facts(minimum, maximum)), wanted);
        }
    }

    #[test]
    fn sentences_fit_a_terminal() {
        let mut out = Vec::new();
        let sentence = format!("{} bcd {}", "a".repeat(76), "e".repeat(90));
        assert!(wrapped(&mut out, &sentence).is_ok());
        let widths: Vec<usize> = String::from_utf8_lossy(&out).lines().map(str::len).collect();
        assert_eq!(widths, [80, 90]);
    }
}
