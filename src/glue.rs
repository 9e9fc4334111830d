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

/// A memory that a script makes; `None` where it is not written as a constant, or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// How many pages it has at the start.
    pub initial: Option<u64>,
    /// How many pages it may ever have.
    pub maximum: Option<u64>,
    /// Whether it is shared.
    pub shared: Option<bool>,
    /// No maximum is written, and nothing else that could bring one: an engine refuses such a memory where it is shared.
    pub endless: bool,
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
    let mut comments = Comments::default();
    let mut from = 0;
    while let Some(at) = script[from..].find("WebAssembly").map(|at| from + at) {
        from = at + "WebAssembly".len();
        // Asked each time, since it reads on from where it was.
        let commented = comments.hold(script, at);
        if commented || !ends_with_word(&script[..at], "new") {
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
            && !made.endless
            && made.initial.is_none_or(|initial| initial >= memory.minimum)
            && made.maximum.is_none_or(|maximum| memory.maximum.is_none_or(|most| maximum <= most))
    };
    let worst = made.iter().find(|made| made.shared != Some(false)).or(made.first())?;
    if made.iter().any(fits) {
        return None;
    }
    let wanted = Made { initial: Some(memory.minimum), maximum: memory.maximum, shared: Some(true), endless: false };
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
    let maximum = if made.endless { String::new() } else { format!(" maximum: {},", number(made.maximum)) };
    let shared = made.shared.map_or("…", |shared| if shared { "true" } else { "false" });
    format!("new WebAssembly.Memory({{ initial: {},{maximum} shared: {shared} }})", number(made.initial))
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

/// Where comments are, as far as a script was read. It is not parsed for that: its regular expressions look like anything.
#[derive(Default)]
struct Comments {
    read: usize,
    /// Where the last line began, and whether it is a comment as a whole, once that was asked.
    line: usize,
    line_is_one: Option<bool>,
    /// The last start and the last end of a block.
    open: Option<usize>,
    close: Option<usize>,
    /// The next start and the next end, where they were looked for.
    next_open: Option<usize>,
    next_close: Option<usize>,
}

impl Comments {
    /// Whether a comment holds what stands at `at`, which no mark of a comment reaches into. `at` only grows.
    fn hold(&mut self, script: &str, at: usize) -> bool {
        let new = &script[self.read..at];
        if let Some(end) = new.rfind(['\n', '\r']) {
            (self.line, self.line_is_one) = (self.read + end + 1, None);
        }
        let line_is_one = *self.line_is_one.get_or_insert_with(|| script[self.line..].trim_start().starts_with("//"));
        // `image/*` and `*/*` are types of media.
        let is_start = |(open, _): &(usize, &str)| {
            !script[..self.read + open].ends_with(|before: char| before == '*' || before.is_alphanumeric())
        };
        self.open = new.rmatch_indices("/*").find(is_start).map(|(open, _)| self.read + open).or(self.open);
        self.close = new.rfind("*/").map(|close| self.read + close).or(self.close);
        self.read = at;
        let block = self.open.is_some_and(|open| self.close.is_none_or(|close| close < open));
        line_is_one || (block && self.ends_first(script, at))
    }

    /// Whether the block that may be open at `at` ends, and before another one starts: else it is none, but a string like `./*.js`.
    fn ends_first(&mut self, script: &str, at: usize) -> bool {
        let next = |known: &mut Option<usize>, mark| {
            if known.is_none_or(|known| known < at) {
                *known = Some(script[at..].find(mark).map_or(script.len(), |next| at + next));
            }
            known.unwrap_or(script.len())
        };
        let close = next(&mut self.next_close, "*/");
        close < script.len() && close < next(&mut self.next_open, "/*")
    }
}

/// The longest object that is read, in bytes: a descriptor of a memory has fewer than a hundred.
const LONGEST: usize = 2000;

/// Reads `{initial:18,maximum:16384,shared:true}`.
fn object(text: &str) -> Option<Made> {
    let text = text.trim_start().strip_prefix('{')?;
    let mut made = Made { initial: None, maximum: None, shared: Some(false), endless: true };
    for member in members(text)? {
        let Some((key, value)) = member.split_once(':') else {
            if !member.is_empty() {
                // `...more`, or a variable that has the member's name.
                match member {
                    "initial" => {}
                    "maximum" => made.endless = false,
                    "shared" => made.shared = None,
                    _ => (made.shared, made.endless) = (None, false),
                }
            }
            continue;
        };
        match key.trim().trim_matches(['"', '\'']) {
            "initial" | "minimum" => made.initial = number(value),
            "maximum" => (made.maximum, made.endless) = (number(value), false),
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
        Made { initial: Some(initial), maximum: Some(maximum), shared: Some(shared), endless: false }
    }

    #[test]
    fn what_tools_write() {
        let wasm_bindgen = "memory: memory || new WebAssembly.Memory({initial:18,maximum:16384,shared:true}),";
        assert_eq!(memories(wasm_bindgen), [made(18, 16384, true)]);
        let minified = "x||new WebAssembly.Memory({initial:18,maximum:1e4,shared:!0})";
        assert_eq!(memories(minified), [made(18, 10_000, true)]);
        let emcc = "wasmMemory=new WebAssembly.Memory({\"initial\":INITIAL_MEMORY/65536,\"maximum\":256,\"shared\":true})";
        assert_eq!(memories(emcc), [Made { initial: None, ..made(0, 256, true) }]);
        let wide = "new WebAssembly.Memory({initial:18n,maximum:0x4_000n,shared:true,address:'i64'})";
        assert_eq!(memories(wide), [made(18, 16384, true)]);
    }

    #[test]
    fn what_is_not_known() {
        let nothing = Made::default();
        assert_eq!(memories("new WebAssembly.Memory(limits)"), [nothing]);
        assert_eq!(memories("new WebAssembly.Memory({...limits, initial: 1})"), [Made { initial: Some(1), ..nothing }]);
        assert_eq!(memories("new WebAssembly.Memory({initial, maximum, shared})"), [nothing]);
        assert_eq!(
            memories("new WebAssembly.Memory({initial: pages(1, 2), shared: isShared})"),
            [Made { endless: true, ..nothing }]
        );
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
        for media in ["*/*", "image/*"] {
            assert_eq!(memories(&format!("accept('{media}'); new WebAssembly.Memory({{}})")).len(), 1, "{media}");
        }
        assert_eq!(
            memories("/* new WebAssembly.Memory({}) */ new WebAssembly.Memory({})\n// new WebAssembly.Memory({})").len(),
            1
        );
        for (files, behind) in
            [("./*.js", ""), ("./*.js", "/* x */"), ("/*", "/** x */"), ("a/**/*.js", ""), ("/**/*.js", "/* x */")]
        {
            let text = format!("import.meta.glob('{files}'); new WebAssembly.Memory({{}}) {behind}");
            assert_eq!(memories(&text).len(), 1, "{text}");
        }
        // However often it stands there, each part of the script is read once.
        assert_eq!(memories(&"new WebAssembly ".repeat(1 << 16)), []);
        assert_eq!(memories(&format!("'/*'{}", "new WebAssembly ".repeat(1 << 16))), []);
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
        // An engine: "If shared is true, maximum property should be defined".
        assert_eq!(rule(&memories("new WebAssembly.Memory({initial:18,shared:true})")), Some("glue-memory-mismatch"));
        assert_eq!(rule(&memories("new WebAssembly.Memory({initial:18,shared:true,maximum})")), None);
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
