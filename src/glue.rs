//! The script that a tool wrote beside a module: which memory it makes for it.
//!
//! wasm-bindgen's and emcc's scripts make the memory that the module imports, by limits that are written into them. A script of
//! another build, or one that somebody edited, makes another one, and no thread starts; in the worst case the page falls back
//! to one thread without a word.
//!
//! A script is read as text, for `new WebAssembly.Memory({…})` with constants in it. What is no constant is not guessed at.

use crate::contract::Abi;
use crate::module::Memory;
use crate::report::Finding;
use crate::rules;

/// A memory that a script makes; `None` where it is not written as a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// How many pages it has at the start.
    pub initial: Option<u64>,
    /// How many pages it may ever have.
    pub maximum: Option<u64>,
    /// Whether it is shared.
    pub shared: Option<bool>,
}

/// The names of the scripts that a tool writes beside the module `name`, of which one or more may be there.
pub fn scripts_of(name: &str, abi: Abi) -> Vec<String> {
    let Some(stem) = name.strip_suffix(".wasm") else { return Vec::new() };
    match (abi, stem.strip_suffix("_bg")) {
        // The second is wasm-bindgen's for bundlers, whose first one makes no memory.
        (Abi::Javascript, Some(short)) => vec![format!("{short}.js"), format!("{stem}.js")],
        (Abi::Emscripten, _) => vec![format!("{stem}.js"), format!("{stem}.mjs"), format!("{stem}.html")],
        _ => Vec::new(),
    }
}

/// Every memory that `script` makes, in the order of the text.
pub fn memories(script: &str) -> Vec<Made> {
    let mut made = Vec::new();
    let mut from = 0;
    while let Some(at) = script[from..].find("WebAssembly").map(|at| from + at) {
        from = at + "WebAssembly".len();
        if !ends_with_word(&script[..at], "new") || is_commented(&script[..at]) {
            continue;
        }
        if let Some(argument) = after(&script[from..], &[".", "Memory", "("]) {
            made.push(object(argument).unwrap_or_default());
        }
    }
    made
}

/// What is wrong where `script` makes `made`, and the module `name` imports `memory`, which is shared. One memory that fits is
/// enough: the others may be for something else.
pub fn check(script: &str, made: &[Made], name: &str, memory: &Memory) -> Option<Finding> {
    let fits = |made: &Made| {
        made.shared != Some(false)
            && made.initial.is_none_or(|initial| initial >= memory.minimum)
            && made.maximum.is_none_or(|maximum| memory.maximum.is_none_or(|most| maximum <= most))
    };
    let worst = made.iter().find(|made| made.shared != Some(false)).or(made.first())?;
    if made.iter().any(fits) {
        return None;
    }
    let wanted = Made { initial: Some(memory.minimum), maximum: memory.maximum, shared: Some(true) };
    let (rule, what) = if worst.shared == Some(false) {
        (&rules::GLUE_MEMORY_NOT_SHARED, format!("{script} makes a memory for {name} that is not shared"))
    } else {
        (&rules::GLUE_MEMORY_MISMATCH, format!("{script} makes a memory that {name} does not take"))
    };
    Some(Finding::new(
        rule,
        what,
        in_javascript(worst),
        format!("{}, or one within these limits", in_javascript(&wanted)),
        "ship the script and the module of one build: run wasm-bindgen or emcc again, and edit neither afterwards",
    ))
}

fn in_javascript(made: &Made) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "…".to_owned(), |number| number.to_string());
    let shared = made.shared.map_or("…", |shared| if shared { "true" } else { "false" });
    format!(
        "new WebAssembly.Memory({{ initial: {}, maximum: {}, shared: {shared} }})",
        number(made.initial),
        number(made.maximum)
    )
}

/// What stands behind these words, with any white space between them.
fn after<'a>(mut text: &'a str, words: &[&str]) -> Option<&'a str> {
    for word in words {
        text = text.trim_start().strip_prefix(word)?;
    }
    Some(text)
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(before) = text.trim_end().strip_suffix(word) else { return false };
    text.ends_with(|last: char| last.is_whitespace())
        && !before.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == '$' || last == '.')
}

/// Whether the end of `text` lies in a comment. A script is not parsed for that: its regular expressions look like anything.
fn is_commented(text: &str) -> bool {
    let line = text.rsplit(['\n', '\r']).next().unwrap_or_default().trim_start();
    let block = text.rfind("/*").filter(|open| text.rfind("*/").is_none_or(|close| close < *open));
    // `*/*` is a media type.
    let block = block.filter(|open| !text[..*open].ends_with('*'));
    line.starts_with("//") || block.is_some()
}

/// The longest object that is read, in bytes: a descriptor of a memory has fewer than a hundred.
const LONGEST: usize = 2000;

/// Reads `{initial:18,maximum:16384,shared:true}`.
fn object(text: &str) -> Option<Made> {
    let text = text.trim_start().strip_prefix('{')?;
    let mut made = Made { initial: None, maximum: None, shared: Some(false) };
    for member in members(text)? {
        let Some((key, value)) = member.split_once(':') else {
            if !member.is_empty() {
                // `...more`, or a variable that has the member's name.
                match member {
                    "initial" | "maximum" => {}
                    _ => made.shared = None,
                }
            }
            continue;
        };
        match key.trim().trim_matches(['"', '\'']) {
            "initial" | "minimum" => made.initial = number(value),
            "maximum" => made.maximum = number(value),
            "shared" => made.shared = truth(value.trim()),
            _ => {}
        }
    }
    Some(made)
}

/// The members of an object, whose opening brace stands in front of `text`.
fn members(text: &str) -> Option<Vec<&str>> {
    let (mut members, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_u32, None);
    for (at, character) in text.char_indices().take_while(|(at, _)| *at < LONGEST) {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}') if depth == 0 => {
                members.push(text[start..at].trim());
                return Some(members);
            }
            (None, '}' | ']' | ')') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                members.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "!0" => Some(true),
        "false" | "!1" => Some(false),
        _ => None,
    }
}

/// `16384`, `0x4000`, `16_384`, `1e4`, and `16384n`, which a memory of 64-bit addresses wants.
fn number(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "");
    let text = text.strip_suffix('n').unwrap_or(&text);
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    match text.split_once(['e', 'E']) {
        Some((factor, power)) => factor.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(power.parse().ok()?)?),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(initial: u64, maximum: u64, shared: bool) -> Made {
        Made { initial: Some(initial), maximum: Some(maximum), shared: Some(shared) }
    }

    #[test]
    fn what_tools_write() {
        let wasm_bindgen = "memory: memory || new WebAssembly.Memory({initial:18,maximum:16384,shared:true}),";
        assert_eq!(memories(wasm_bindgen), [made(18, 16384, true)]);
        let minified = "x||new WebAssembly.Memory({initial:18,maximum:1e4,shared:!0})";
        assert_eq!(memories(minified), [made(18, 10_000, true)]);
        let emcc = "wasmMemory=new WebAssembly.Memory({\"initial\":INITIAL_MEMORY/65536,\"maximum\":256,\"shared\":true})";
        assert_eq!(memories(emcc), [Made { initial: None, maximum: Some(256), shared: Some(true) }]);
        let wide = "new WebAssembly.Memory({initial:18n,maximum:0x4_000n,shared:true,address:'i64'})";
        assert_eq!(memories(wide), [made(18, 16384, true)]);
    }

    #[test]
    fn what_is_not_known() {
        let nothing = Made::default();
        assert_eq!(memories("new WebAssembly.Memory(limits)"), [nothing]);
        assert_eq!(memories("new WebAssembly.Memory({...limits, initial: 1})"), [Made { initial: Some(1), ..nothing }]);
        assert_eq!(memories("new WebAssembly.Memory({initial, maximum, shared})"), [nothing]);
        assert_eq!(memories("new WebAssembly.Memory({initial: pages(1, 2), shared: isShared})"), [nothing]);
        assert_eq!(memories(&format!("new WebAssembly.Memory({{{}}})", "a:1,".repeat(LONGEST))), [nothing]);
        assert_eq!(memories("new WebAssembly.Memory({initial: 1"), [nothing]);
        assert_eq!(memories("new WebAssembly.Memory({initial: -1, maximum: 1e99, shared: 1})"), [nothing]);
    }

    #[test]
    fn what_is_no_memory() {
        for text in [
            "@param {WebAssembly.Memory} memory",
            "x instanceof WebAssembly.Memory",
            "// new WebAssembly.Memory({initial:1})",
            "/* old:\n new WebAssembly.Memory({initial:1}) */",
            "renew WebAssembly.Memory({initial:1})",
            "new WebAssembly.Module(bytes)",
            "new WebAssembly",
            "WebAssembly.Memory({initial:1})",
        ] {
            assert_eq!(memories(text), [], "{text}");
        }
        assert_eq!(memories("accept('*/*'); new WebAssembly.Memory({})").len(), 1);
        assert_eq!(memories("/* a */ return new WebAssembly . Memory ( {} )").len(), 1);
    }

    #[test]
    fn verdicts() {
        let memory = Memory { import: None, minimum: 18, maximum: Some(16384), shared: true, wide: false, page: 65536 };
        let rule = |made: &[Made]| check("a.js", made, "a_bg.wasm", &memory).map(|finding| finding.rule.id);
        assert_eq!(rule(&[]), None);
        assert_eq!(rule(&[Made::default()]), None);
        assert_eq!(rule(&[made(18, 16384, true)]), None);
        // A host may make a smaller one than the module would take.
        assert_eq!(rule(&[made(20, 256, true)]), None);
        assert_eq!(rule(&[made(18, 16384, false)]), Some("glue-memory-not-shared"));
        assert_eq!(rule(&[made(17, 16384, true)]), Some("glue-memory-mismatch"));
        assert_eq!(rule(&[made(18, 65536, true)]), Some("glue-memory-mismatch"));
        assert_eq!(rule(&[made(1, 1, false), made(18, 16384, true)]), None);
        assert_eq!(rule(&[made(1, 1, false), made(18, 65536, true)]), Some("glue-memory-mismatch"));
    }

    #[test]
    fn names() {
        assert_eq!(scripts_of("app_bg.wasm", Abi::Javascript), ["app.js", "app_bg.js"]);
        assert_eq!(scripts_of("app.wasm", Abi::Javascript), [""; 0]);
        assert_eq!(scripts_of("app.wasm", Abi::Emscripten), ["app.js", "app.mjs", "app.html"]);
        assert_eq!(scripts_of("app.wasm", Abi::WasiThreads), [""; 0]);
    }
}
