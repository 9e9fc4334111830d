//! An output that is no file (standard output, a pipe, a device) is linked into a file first; and what the linker printed meanwhile.

use super::Link;
use crate::command_line::Style;
use crate::linker::process::Ended;
use crate::linker::scratch::no_scratch;
use crate::report::Finding;
use crate::rules;
use std::io::{self, Write};
use std::path::PathBuf;

impl Link<'_> {
    /// Where the output is no file, it is linked into one first and judged there.
    pub(super) fn take_detour(&mut self) -> Result<(), Box<Finding>> {
        // emcc writes its files beside each other, and none to a pipe.
        let wanted = self.detour.is_none() && self.line.style != Style::Emcc;
        if let Some(what) = self.output.not_a_file().filter(|_| wanted) {
            log::info!("the output is {what}: linked into a file first, to be judged");
            self.detour = Some(self.detour()?);
        }
        Ok(())
    }

    pub(super) fn detour(&mut self) -> Result<PathBuf, Box<Finding>> {
        // The linker writes the file's name into the module: it stays the same.
        let name = self.output.path.file_name().unwrap_or_default().to_owned();
        self.scratch.path_in_folder("output", &name).map_err(|error| no_scratch(&error))
    }

    pub(super) fn deliver(&self, from: &PathBuf) -> Result<(), Box<Finding>> {
        let copy = || -> io::Result<u64> {
            let mut module = std::fs::File::open(from)?;
            if self.output.path.as_os_str() == "-" {
                let mut out = io::stdout().lock();
                // What is left in its buffer would be lost in silence where nobody takes it.
                io::copy(&mut module, &mut out).and_then(|count| out.flush().map(|()| count))
            } else {
                io::copy(&mut module, &mut std::fs::OpenOptions::new().write(true).open(&self.output.path)?)
            }
        };
        copy().map(|_| ()).map_err(|error| {
            Box::new(Finding::new(
                &rules::OUTPUT_MISSING,
                format!("the module could not be written to {}", self.output.name()),
                error.to_string(),
                "an output that takes all of it",
                "look at what reads it, or link into a file",
            ))
        })
    }

    pub(super) fn let_out(&self, ended: &mut Ended) -> Result<(), Box<Finding>> {
        match ended.let_out() {
            // Nobody listens any more, as a linker would not notice either; and a failure stays the linker's own.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe && ended.status.success() => {
                let mut finding = Finding::new(
                    &rules::OUTPUT_MISSING,
                    "what the linker printed could not be written to standard output",
                    error.to_string(),
                    "an output that takes all of it",
                    "look at what reads it, or send it elsewhere",
                );
                finding.why = "a map or a trace that is cut off must not pass for a whole one".to_owned();
                Err(Box::new(finding))
            }
            _ => Ok(()),
        }
    }
}
