//! Sizes of memory as people write them.

/// One page of WebAssembly memory, in bytes (core specification, 4.2.8; the custom-page-sizes proposal aside).
pub const PAGE: u64 = 65_536;

/// Reads `text` as a maximum memory size in bytes: decimal bytes, or a whole number of `KiB`, `MiB` or `GiB`.
///
/// It must be a whole number of pages and more than none. Errors say what was wanted.
///
/// ```
/// # use wasm_threads::size::parse;
/// assert_eq!(parse("1GiB"), Ok(1 << 30));
/// assert_eq!(parse("65536"), Ok(65_536));
/// assert!(parse("1GB").unwrap_err().contains("KiB, MiB or GiB"));
/// ```
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[digits..].trim_start() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => {
            return Err(format!(
                "\"{text}\" is not a size: wanted bytes, or a whole number of KiB, MiB or GiB, such as 512MiB"
            ));
        }
    };
    let size = text[..digits].parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match size {
        None if digits > 0 => Err(format!("\"{text}\" is more than any memory has")),
        None => Err(format!("\"{text}\" is not a size: wanted bytes, or a whole number of KiB, MiB or GiB, such as 512MiB")),
        Some(0) => Err(format!("\"{text}\" leaves no memory: wanted at least one page, 65536 bytes")),
        Some(size) if !size.is_multiple_of(PAGE) => {
            let near = (size / PAGE + 1).saturating_mul(PAGE);
            Err(format!("\"{text}\" is not a whole number of pages of 65536 bytes: the next one up is {near}"))
        }
        Some(size) => Ok(size),
    }
}

/// `bytes` as a person would say it: `1 GiB`, `17 MiB`, `1088 KiB`, `70 bytes`.
pub fn show(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, want) in
            [("65536", 65_536), ("512MiB", 512 << 20), ("4GiB", 4 << 30), (" 64KiB ", 65_536), ("1 GiB", 1 << 30)]
        {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
        for text in ["", "GiB", "1G", "1.5GiB", "-1", "0x10000", "0", "1", "99999999999999999999", "20000000000GiB", "1KiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("100000").unwrap_err().ends_with("131072"));
        assert!(parse("18446744073709551615").is_err());
    }

    #[test]
    fn shown() {
        assert_eq!(show(1 << 30), "1 GiB");
        assert_eq!(show(17 * PAGE), "1088 KiB");
        assert_eq!(show(7), "7 bytes");
    }
}
