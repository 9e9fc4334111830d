//! Questions to programs: what version they are, and nothing else.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wasm_threads::linker::find_program;

/// A version is said at once; what takes longer is not answering. emcc starts a python.
const LIMIT: Duration = Duration::from_secs(20);

/// What `program` prints when it is asked, where that is a success; its standard output.
pub fn ask(program: &Path, words: &[&str], folder: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    // A version is short: it fits into a pipe, and nobody has to read meanwhile.
    if !ends_well(&mut child) {
        return None;
    }
    let mut bytes = Vec::new();
    stdout.by_ref().take(64 << 10).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn ends_well(child: &mut Child) -> bool {
    let deadline = Instant::now() + LIMIT;
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// The first numbers with dots in a text: of "wasm-bindgen 0.2.130 (abc)" it is 0.2.130, of "wasm-opt version 108" 108.
pub fn version_in(text: &str) -> Option<Vec<u64>> {
    text.split(|character: char| character.is_whitespace() || matches!(character, '(' | ')' | ',')).find_map(numbers)
}

/// The numbers of a version; what stands after `-` or `+` does not count.
pub fn numbers(version: &str) -> Option<Vec<u64>> {
    let version = version.split(['-', '+']).next()?;
    let numbers: Option<Vec<u64>> = version.split('.').map(|number| number.parse().ok()).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}

/// Where a program is, for who stands in `folder`.
pub fn find(name: &OsStr, folder: &Path) -> Option<PathBuf> {
    let is_path = Path::new(name).components().count() > 1;
    if is_path { find_program(folder.join(name).as_os_str()) } else { find_program(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_what_programs_say() {
        for (said, wanted) in [
            ("wasm-bindgen 0.2.130\n", Some(vec![0, 2, 130])),
            ("wasm-bindgen 0.2.100 (2405ec2b4 2025-01-12)", Some(vec![0, 2, 100])),
            ("wasm-opt version 108 (version_108)", Some(vec![108])),
            ("wasm-opt version 132", Some(vec![132])),
            ("emcc (Emscripten gcc/clang-like replacement) 3.1.69 (abc)", Some(vec![3, 1, 69])),
            ("wasm-threads-linker 0.1.0-rc.1", Some(vec![0, 1, 0])),
            ("no version", None),
        ] {
            assert_eq!(version_in(said), wanted, "{said}");
        }
        assert_eq!(numbers("1.a"), None);
    }
}
