//! The words of a call of the real linker, and the archive of one for a bug report.

use super::Link;
use crate::command_line::{Copy, Style};
use crate::linker::process::{Call, Ended, Streams, shell_word, show};
use crate::linker::reproduce;
use crate::linker::scratch::no_scratch;
use crate::plan::Plan;
use crate::report::Finding;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

impl<'a> Link<'a> {
    pub(super) fn run_linker(&mut self, words: &Plan, streams: Streams) -> Result<Ended, Box<Finding>> {
        self.final_call(words)?.run(streams, &mut self.scratch)
    }

    /// A call whose output counts: it goes where it belongs, and into the archive where one was asked for.
    pub(super) fn final_call(&mut self, words: &Plan) -> Result<Call<'a>, Box<Finding>> {
        let mut words = words.clone();
        if let Some(path) = &self.detour {
            words.driver.extend(["-o".into(), path.clone().into_os_string()]);
        }
        // lld takes the last of several: the line's own stays, and is copied.
        if let Some(path) = self.reproduce.filter(|_| self.options().reproduce.is_none()) {
            let mut word = OsString::from("--reproduce=");
            word.push(path);
            // At the end, an option that lacks its value would take it.
            if self.line.unreadable.is_some() { words.first.push(word) } else { words.last.push(word) }
        }
        self.call(&words)
    }

    /// The real linker's call: the flavor, what goes first, the line as it came, what goes last.
    pub(super) fn call(&mut self, words: &Plan) -> Result<Call<'a>, Box<Finding>> {
        let mut args: Vec<OsString> = match &self.line.flavor {
            Some(flavor) => vec!["-flavor".into(), flavor.clone()],
            None if self.linker.generic => vec!["-flavor".into(), "wasm".into()],
            None => Vec::new(),
        };
        let style = self.line.style;
        args.extend(words.first.iter().map(|word| for_the_linker(word, style)));
        for forward in self.line.forwarded() {
            forward.render(&mut args, &mut |copy| self.write_copy(copy)).map_err(|error| no_scratch(&error))?;
        }
        let last = words.last.iter().map(|word| for_the_linker(word, style)).chain(words.driver.iter().cloned());
        // Behind `--`, clang takes any word for a file.
        let end = args.iter().position(|word| style == Style::Clang && word == "--").unwrap_or(args.len());
        args.splice(end..end, last);
        Ok(Call { linker: self.linker, args, quoting: self.line.quoting, depth: self.depth, complete: false })
    }

    fn write_copy(&mut self, copy: Copy) -> io::Result<OsString> {
        let text = copy.render(&mut |nested| self.write_copy(nested))?;
        self.scratch.write("arguments", &text).map(PathBuf::into_os_string)
    }

    /// Packs a link that we refused before the linker made anything of it, as it was asked for.
    pub(super) fn pack_unlinked(&mut self, finding: &Finding) {
        let Some(path) = self.reproduce else { return };
        let packed = self.scratch.path("unlinked.wasm").map_err(|error| no_scratch(&error)).and_then(|unlinked| {
            let words = [OsString::from("-o"), unlinked.into(), "--reproduce".into(), path.into()];
            self.call(&Plan { driver: words.into(), ..Plan::default() })?.run(Streams::Held, &mut self.scratch)
        });
        if packed.is_ok() {
            self.add_to_archive(path, path, std::slice::from_ref(finding));
        }
    }

    /// Adds what only we know to the linker's archive of this link.
    pub(super) fn pack(&self, findings: &[Finding]) {
        if let Some(path) = self.reproduce {
            let written = self.options().reproduce.as_deref().map_or(path, Path::new);
            self.add_to_archive(path, written, findings);
        }
    }

    pub(super) fn add_to_archive(&self, path: &Path, written: &Path, findings: &[Finding]) {
        let version = Command::new(&self.linker.path).args(["-flavor", "wasm", "--version"]).output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let shim =
            Call { linker: self.linker, args: self.args.to_vec(), quoting: self.line.quoting, depth: 0, complete: false };
        let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let files = [
            (
                "README",
                "Unpack this archive, go into its one folder, and repeat the link with\n    rust-lld -flavor wasm @response.txt\n\
                 (or wasm-ld @response.txt): these are the words the real linker was given, ours included.\n"
                    .to_owned(),
            ),
            ("arguments", show(&shim).replacen(&shell_word(self.linker.path.as_os_str()), "wasm-threads-linker", 1) + "\n"),
            ("settings", format!("{:#?}\n", self.settings)),
            ("versions", format!("{}\n{}: {version}", crate::linker::about::version(), self.linker.path.display())),
            ("findings", texts.join("\n") + "\n"),
        ];
        if let Some(finding) = reproduce::add(path, written, &files) {
            crate::linker::print_findings(&[finding], "");
        }
    }
}

/// A word for the linker, as its driver wants it. None of ours has a comma, at which a driver would make two words of it.
pub(super) fn for_the_linker(word: &OsStr, style: Style) -> OsString {
    match style {
        Style::WasmLd | Style::Host => word.to_owned(),
        Style::Clang | Style::Emcc => {
            let mut handed_on = OsString::from("-Wl,");
            handed_on.push(word);
            handed_on
        }
    }
}
