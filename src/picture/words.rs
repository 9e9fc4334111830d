//! Words and numbers for a reader.

use std::fmt::Write;

/// Which characters the reader's terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Characters {
    /// All.
    Unicode,
    /// Those of ASCII.
    Ascii,
}

/// Names come from files that we did not write: what could drive a terminal, turn a line around or hide in it is written as its
/// number.
pub fn escaped(name: &str, characters: Characters) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in name.chars() {
        let plain = match character {
            '\\' => false,
            ' '..='~' => true,
            _ => characters == Characters::Unicode && character.is_alphanumeric(),
        };
        match character {
            _ if plain => shown.push(character),
            '\\' => shown.push_str("\\\\"),
            // Writing to a string cannot fail.
            _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(character))),
        }
    }
    shown
}

/// The columns that a text takes. What is wide in East Asia counts twice; that is exact enough for a table.
pub fn width(text: &str) -> usize {
    text.chars().map(|character| if character >= '\u{1100}' { 2 } else { 1 }).sum()
}

/// The text, or as much of it as fits.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        if width(&cut) + width(character.encode_utf8(&mut [0; 4])) + 3 > columns {
            break;
        }
        cut.push(character);
    }
    cut + "..."
}

/// The text, filled up with spaces on its right.
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Words in lines of at most that many columns.
pub fn wrapped(words: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// A size as a person would say it, to one digit behind the point.
pub fn size(bytes: u128) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes == 1 {
        return "1 byte".to_owned();
    }
    let Some(unit) = (0..UNITS.len()).rev().find(|unit| bytes >> (10 * (unit + 1)) > 0) else {
        return format!("{bytes} bytes");
    };
    let tenths = (bytes * 10 + (1 << (10 * (unit + 1) - 1))) >> (10 * (unit + 1));
    // 1023.96 KiB are nearer to 1 MiB than to anything in KiB.
    if tenths >= 10_240 && unit + 1 < UNITS.len() {
        return format!("1 {}", UNITS[unit + 1]);
    }
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit]),
    }
}

/// `1 page`, `2 pages`.
pub fn counted(count: u128, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_drive_no_terminal() {
        for (name, unicode, ascii) in [
            (".rodata", ".rodata", ".rodata"),
            ("\u{1b}[31m\u{7}", "\\u{1b}[31m\\u{7}", "\\u{1b}[31m\\u{7}"),
            ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}", "a\\u{202e}b\\u{2066}"),
            ("\u{9b}\u{85}\n", "\\u{9b}\\u{85}\\u{a}", "\\u{9b}\\u{85}\\u{a}"),
            ("a\u{200b}\u{feff}\u{301}", "a\\u{200b}\\u{feff}\\u{301}", "a\\u{200b}\\u{feff}\\u{301}"),
            ("größe", "größe", "gr\\u{f6}\\u{df}e"),
            ("C:\\u{1b}", "C:\\\\u{1b}", "C:\\\\u{1b}"),
        ] {
            assert_eq!(escaped(name, Characters::Unicode), unicode);
            assert_eq!(escaped(name, Characters::Ascii), ascii);
        }
    }

    #[test]
    fn sizes() {
        for (bytes, wanted) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (1 << 20, "1 MiB"),
            (17 * 65_536, "1.1 MiB"),
            ((1 << 20) - 1, "1 MiB"),
            (1 << 30, "1 GiB"),
            ((1 << 30) - 17 * 65_536, "1022.9 MiB"),
            (1 << 64, "16 EiB"),
            (1 << 80, "1048576 EiB"),
        ] {
            assert_eq!(size(bytes), wanted);
        }
    }

    #[test]
    fn texts_fit() {
        assert_eq!(cut("abcdefgh", 8), "abcdefgh");
        assert_eq!(cut("abcdefghi", 8), "abcde...");
        assert_eq!(width(&cut("漢字漢字漢字", 8)), 7);
        let words = ["ab", "cd", "efghijk", "l"].map(str::to_owned);
        assert_eq!(wrapped(&words, 5), ["ab cd", "efghijk", "l"]);
    }
}
