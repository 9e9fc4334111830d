//! Words to a person, on standard error.

use std::fmt::Display;
use std::io::Write;

/// Prints a line. Whoever listened may have gone away (`2>&1 | head`), and then wants no more: `eprintln!` would panic.
pub fn tell(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
