//! What is said to a line that is not understood: what is wrong with it, how the command is called, and where more is said.

/// The text, from what `--help` says.
pub fn refusal(problem: &str, help: &str) -> String {
    let usage = help.split("\n\n").find(|part| part.starts_with(USAGE)).unwrap_or_default();
    let words = usage.trim_start_matches(USAGE).split_whitespace();
    let command: Vec<&str> = words.take_while(|word| word.starts_with(|first: char| first.is_ascii_lowercase())).collect();
    format!("error: {problem}\n\n{usage}\n\nMore: {} --help", command.join(" "))
}

const USAGE: &str = "Usage: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_it_is_called() {
        let help = "Does it.\n\nUsage: cargo wasm-threads it [OPTIONS]\n       cargo wasm-threads it -- X\n\nOptions:\n  -h";
        assert_eq!(
            refusal("it does not take \"x\"", help),
            "error: it does not take \"x\"\n\nUsage: cargo wasm-threads it [OPTIONS]\n       cargo wasm-threads it -- X\n\n\
             More: cargo wasm-threads it --help"
        );
        assert!(refusal("", "Usage: cargo wasm-threads <COMMAND>").ends_with("\n\nMore: cargo wasm-threads --help"));
    }
}
