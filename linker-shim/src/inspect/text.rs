//! The facts and the picture for a terminal of 80 columns.

use wasm_threads::module::{Kind as ExportKind, Memory};
use wasm_threads::picture::words::{Characters, counted, cut, escaped, padded, size, wrapped};
use wasm_threads::picture::{Found, Kind, Layout, Part, Subject, javascript, shares};

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub characters: Characters,
    pub colour: bool,
}

const COLUMNS: usize = 80;

/// What stands to the left of everything that belongs to a heading.
const INDENT: &str = "  ";

/// Of a long list, so many lines are shown.
const MOST_LINES: usize = 16;

impl Look {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn name(self, name: &str) -> String {
        cut(&escaped(name, self.characters), 50)
    }

    /// What fills a part's place in the bar.
    fn fill(self, kind: Kind) -> char {
        match (self.characters, kind) {
            (Characters::Unicode, Kind::Stack) => '█',
            (Characters::Unicode, Kind::Tls) => '▞',
            (Characters::Unicode, Kind::Data) => '▓',
            (Characters::Unicode, Kind::Zeros) => '▒',
            (Characters::Unicode, Kind::Heap) => '░',
            (Characters::Unicode, Kind::Room) => '·',
            (Characters::Unicode, Kind::Unused) => '╌',
            (Characters::Ascii, Kind::Stack) => '#',
            (Characters::Ascii, Kind::Tls) => '@',
            (Characters::Ascii, Kind::Data) => '=',
            (Characters::Ascii, Kind::Zeros) => '-',
            (Characters::Ascii, Kind::Heap) => ':',
            (Characters::Ascii, Kind::Room) => '.',
            (Characters::Ascii, Kind::Unused) => '_',
            (_, Kind::Unknown) => '?',
        }
    }

    fn colour_of(kind: Kind) -> &'static str {
        match kind {
            Kind::Stack => "34",
            Kind::Tls => "35",
            Kind::Data => "32",
            Kind::Zeros => "36",
            Kind::Heap => "33",
            Kind::Room | Kind::Unused => "90",
            Kind::Unknown => "31",
        }
    }

    fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// All of one module.
pub fn module(subject: &Subject, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    let code = if subject.threaded() { "1;32" } else { "1;31" };
    let verdict: Vec<String> = subject.verdict().split(' ').map(str::to_owned).collect();
    lines.extend(wrapped(&verdict, COLUMNS).iter().map(|line| look.paint(code, line)));
    for finding in &subject.findings {
        let words: Vec<String> = look.sentence(&finding.what);
        lines.extend(wrapped(&words, COLUMNS - 2).into_iter().map(|line| format!("{INDENT}{line}")));
    }
    for (index, memory) in subject.module.memories.iter().enumerate() {
        lines.push(String::new());
        memory_lines(&mut lines, subject, index, memory, look);
    }
    if subject.module.memories.is_empty() {
        lines.extend([String::new(), look.heading("No memory")]);
    }
    if let Some(layout) = &subject.layout {
        lines.push(String::new());
        picture(&mut lines, layout, look);
    }
    lines.push(String::new());
    lines.push(look.heading("Module"));
    rows(&mut lines, subject, look);
    lines
}

impl Look {
    /// A sentence with names of the module in it, as words that can be wrapped.
    fn sentence(self, text: &str) -> Vec<String> {
        text.split_whitespace().map(|word| escaped_word(word, self.characters)).collect()
    }
}

/// Our own sentences have quotes and dots of Unicode in them at most; names are escaped already.
fn escaped_word(word: &str, characters: Characters) -> String {
    escaped(word, characters).replace("\\\\", "\\")
}

fn memory_lines(lines: &mut Vec<String>, subject: &Subject, index: usize, memory: &Memory, look: Look) {
    let whose = match &memory.import {
        Some((module, name)) => format!("imported as {}.{}", cut(&look.name(module), 30), cut(&look.name(name), 30)),
        None => "the module's own".to_owned(),
    };
    let number = if subject.module.memories.len() > 1 { format!("Memory {index}") } else { "Memory".to_owned() };
    let exported = subject.exported_as(index);
    let exported: Vec<String> = exported.into_iter().map(|name| look.name(name)).collect();
    let mut words = vec![format!("{whose},"), if memory.shared { "shared" } else { "not shared" }.to_owned()];
    if !exported.is_empty() {
        words.push(format!("and exported as {}", exported.join(", ")));
    }
    let text = words.join(" ");
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let mut all = wrapped(&words, COLUMNS - number.len() - 2).into_iter();
    lines.push(format!("{}  {}", look.heading(&number), all.next().unwrap_or_default()));
    lines.extend(all.map(|line| format!("{}  {line}", " ".repeat(number.len()))));

    let bytes = |pages: u64| u128::from(pages) * u128::from(memory.page);
    let digits = |number: u128| number.to_string().len();
    let most = memory.maximum.unwrap_or(memory.minimum);
    let (wide_pages, wide_bytes) = (digits(most.into()), digits(bytes(most)));
    let limit = |name: &str, pages: u64| {
        let unit = if pages == 1 { "page " } else { "pages" };
        let bytes = bytes(pages);
        format!("{INDENT}{name:<14}{pages:>wide_pages$} {unit}  {bytes:>wide_bytes$} bytes  {}", size(bytes))
    };
    lines.push(limit("at the start", memory.minimum));
    match memory.maximum {
        Some(maximum) if maximum == memory.minimum => lines.push(format!("{INDENT}{:<14}the same: it never grows", "at most")),
        Some(maximum) => lines.push(limit("at most", maximum)),
        None => lines.push(format!("{INDENT}{:<14}no maximum is declared", "at most")),
    }
    if memory.wide {
        lines.push(format!("{INDENT}{:<14}of 64 bits", "addresses"));
    }
    if memory.page != 65_536 {
        lines.push(format!("{INDENT}{:<14}of {}", "pages", size(memory.page.into())));
    }
    match javascript::construct(memory) {
        Ok(line) => {
            lines.push(format!("{INDENT}in JavaScript, given to the module by {}:", look.imports(memory)));
            lines.push(format!("{INDENT}{INDENT}{line}"));
        }
        Err(why) => {
            let words: Vec<String> = why.split(' ').map(str::to_owned).collect();
            for (index, line) in wrapped(&words, COLUMNS - 16).iter().enumerate() {
                lines.push(format!("{INDENT}{:<14}{line}", if index == 0 { "JavaScript" } else { "" }));
            }
        }
    }
    for note in subject.notes(memory) {
        push_note(lines, &note, look);
    }
}

impl Look {
    fn imports(self, memory: &Memory) -> String {
        // Quoted as JavaScript has it, which is ASCII.
        cut(&javascript::imports(memory).unwrap_or_default(), 36)
    }
}

fn push_note(lines: &mut Vec<String>, note: &str, look: Look) {
    let words: Vec<String> = note.split(' ').map(str::to_owned).collect();
    for (index, line) in wrapped(&words, COLUMNS - 8).into_iter().enumerate() {
        let label = if index == 0 { look.paint("1;33", "note:") } else { " ".repeat(5) };
        lines.push(format!("{INDENT}{label} {line}"));
    }
}

/// Letters for the parts; there are never so many.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

fn picture(lines: &mut Vec<String>, layout: &Layout, look: Look) {
    const WIDE: usize = COLUMNS - 4;
    lines.push(look.heading("What is where"));
    let parts = layout.at_start();
    let room = layout.parts.last().filter(|part| part.kind == Kind::Room);
    if let Some(room) = room {
        // To scale: so small is what is there at the start.
        let cells = shares(&[layout.initial, room.size()], WIDE, usize::from(layout.initial > 0));
        let (zero, end) = ("0", size(room.ends));
        lines.push(format!("{INDENT}{zero}{end:>width$}", width = WIDE - 1));
        let fill = |cells: usize, kind: Kind| look.paint(Look::colour_of(kind), &look.fill(kind).to_string().repeat(cells));
        let full = match look.characters {
            Characters::Unicode => "■",
            Characters::Ascii => "+",
        };
        lines.push(format!("{INDENT}{}{}", look.paint("1", &full.repeat(cells[0])), fill(cells[1], Kind::Room)));
        if !parts.is_empty() {
            let corner = match look.characters {
                Characters::Unicode => '└',
                Characters::Ascii => '`',
            };
            let text =
                format!("{corner} the first {}, drawn larger; small parts are wider than they are", size(layout.initial));
            lines.push(format!("{INDENT}{text}"));
        }
        lines.push(String::new());
    }
    if !parts.is_empty() {
        let sizes: Vec<u128> = parts.iter().map(Part::size).collect();
        let cells = shares(&sizes, WIDE, 3);
        let mut letters = String::new();
        let mut bar = String::new();
        for ((part, cells), letter) in parts.iter().zip(&cells).zip(LETTERS) {
            letters.push_str(&padded(&char::from(*letter).to_string(), *cells));
            bar.push_str(&look.paint(Look::colour_of(part.kind), &look.fill(part.kind).to_string().repeat(*cells)));
        }
        lines.push(format!("{INDENT}{}", letters.trim_end()));
        lines.push(format!("{INDENT}{bar}"));
        let (zero, end) = ("0", size(layout.initial));
        lines.push(format!("{INDENT}{zero}{end:>width$}", width = WIDE - 1));
        lines.push(String::new());
    }
    table(lines, layout, look);
    for note in &layout.notes {
        push_note(lines, note, look);
    }
}

fn table(lines: &mut Vec<String>, layout: &Layout, look: Look) {
    let digits = |number: u128| format!("{number:x}").len();
    let hex = layout.parts.iter().map(|part| digits(part.begins)).max().unwrap_or(1).max(5);
    let sizes: Vec<String> = layout.parts.iter().map(|part| part.size().to_string()).collect();
    let bytes = sizes.iter().map(String::len).max().unwrap_or(1).max(5);
    // The mark, two spaces between the columns, `0x`, and a size in words.
    let name = COLUMNS - INDENT.len() - 4 - 2 - hex - 2 - 2 - bytes - 2 - 10;
    let header = format!("{:<width$}{:>at$}  {:>bytes$}", "part", "begins", "bytes", width = name + 2, at = hex + 2);
    lines.push(look.paint("2", &format!("{INDENT}    {header}")));
    for (index, (part, bytes_text)) in layout.parts.iter().zip(&sizes).enumerate() {
        let letter = if part.kind == Kind::Room { ' ' } else { LETTERS.get(index).map_or(' ', |letter| char::from(*letter)) };
        let mark = look.paint(Look::colour_of(part.kind), &look.fill(part.kind).to_string());
        let shown = padded(&cut(&escaped(&part.name, look.characters), name), name + 2);
        let begins = format!("0x{:0hex$x}", part.begins);
        let words = if part.size() < 1024 { String::new() } else { size(part.size()) };
        lines.push(format!("{INDENT}{letter} {mark} {shown}{begins}  {bytes_text:>bytes$}  {words}").trim_end().to_owned());
    }
}

fn rows(lines: &mut Vec<String>, subject: &Subject, look: Look) {
    let Subject { module, details, .. } = subject;
    let mut row = |name: &str, words: Vec<String>| {
        const LABEL: usize = 14;
        let all = wrapped(&words, COLUMNS - INDENT.len() - LABEL);
        for (index, line) in all.iter().take(MOST_LINES).enumerate() {
            let label = if index == 0 { name } else { "" };
            lines.push(format!("{INDENT}{label:<LABEL$}{line}").trim_end().to_owned());
        }
        if all.len() > MOST_LINES {
            lines.push(format!("{INDENT}{:<LABEL$}and so on", ""));
        }
    };
    let sentence = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    row("host", sentence(subject.host()));
    row(
        "size",
        sentence(format!(
            "{} bytes: {} with {} bytes of code; {} bytes of custom sections",
            subject.size,
            counted(details.functions.into(), "function"),
            details.code,
            details.custom
        )),
    );
    let exports = subject.exports();
    let mut words: Vec<String> = exports
        .iter()
        .map(|(name, _)| match subject.value(name) {
            Some(value) => format!("{} = {value},", look.name(name)),
            None => format!("{},", look.name(name)),
        })
        .collect();
    let memories = module.exports.values().filter(|export| export.kind == ExportKind::Memory).count();
    and_others(&mut words, module.exports.len() - exports.len() - memories);
    row("exports", words);
    let imports = details.imports.iter();
    let mut words: Vec<String> =
        imports.map(|(from, name, _)| format!("{}.{},", cut(&look.name(from), 20), cut(&look.name(name), 40))).collect();
    and_others(&mut words, details.other_imports);
    row("imports", words);
    let start = match module.start {
        None => "no start function".to_owned(),
        Some(start) if details.writer == Some(start) => format!("function {start}, which writes the data"),
        Some(start) => format!("function {start}"),
    };
    row("start", sentence(start));
    let bytes = |active: bool| -> (u128, u128) {
        let of_kind = module.segments.iter().filter(|segment| segment.active == active);
        of_kind.fold((0, 0), |(count, bytes), segment| (count + 1, bytes + u128::from(segment.size)))
    };
    let kinds = [("active", bytes(true)), ("passive", bytes(false))];
    let kinds = kinds.iter().filter(|(_, (count, _))| *count > 0);
    let kinds: Vec<String> =
        kinds.map(|(kind, (count, bytes))| format!("{count} {kind} ({})", counted(*bytes, "byte"))).collect();
    let all = counted(module.segments.len() as u128, "segment");
    row("data", sentence(if kinds.is_empty() { "no segments".to_owned() } else { format!("{all}: {}", kinds.join(", ")) }));
    if !module.segments.is_empty() {
        let named = module.segments.iter().zip(&details.places).enumerate().map(|(index, (segment, place))| {
            let name = place.name.as_ref().map_or_else(|| format!("{index}"), |name| look.name(name));
            let template = if subject.template == Some(index) { " (for each thread)" } else { "" };
            format!("{name} {}{template},", segment.size)
        });
        let mut named: Vec<String> = named.collect();
        if let Some(last) = named.last_mut() {
            last.pop();
        }
        row("", named);
    }
    if let Some((size, align)) = subject.tls() {
        let align = align.map(|align| format!(", aligned to {align}")).unwrap_or_default();
        row("thread-locals", sentence(format!("{} for each thread{align}", counted(size.into(), "byte"))));
    }
    if let Some((pointer, found)) = subject.layout.as_ref().and_then(|layout| layout.stack) {
        let found = match found {
            Found::Export => "",
            Found::Name => " (by its name, it is not exported)",
            Found::Order => " (taken for it: the first global that can be set)",
        };
        row("stack pointer", sentence(format!("begins at {pointer}{found}")));
    }
    let features = module.features.as_ref();
    row(
        "features",
        match features {
            None => sentence("not recorded".to_owned()),
            Some(features) => {
                let prefix = |prefix: char| escaped(&prefix.to_string(), look.characters);
                features.iter().map(|(sign, name)| format!("{}{}", prefix(sign), look.name(&name))).collect()
            }
        },
    );
    if !subject.wasm_opt.is_empty() {
        let flags = subject.wasm_opt.iter().cloned();
        let reason = ["(the", "module", "does", "not", "say", "what", "it", "uses)"].map(str::to_owned);
        row("wasm-opt", flags.chain(reason).collect());
    }
    if !module.needs.is_empty() {
        let needs = module.needs.iter().map(|name| look.name(name)).collect::<Vec<_>>().join(", ");
        row("required by", sentence(needs));
    }
    if details.producers.is_empty() {
        row("made by", sentence("not recorded".to_owned()));
    }
    for (index, [_, name, version]) in details.producers.iter().take(MOST_LINES).enumerate() {
        // A version may be a sentence: it is cut at some length, and so is each of its words.
        let text = cut(&escaped(&format!("{name} {version}"), look.characters), 200);
        let words = sentence(text).iter().map(|word| cut(word, 50)).collect();
        row(if index == 0 { "made by" } else { "" }, words);
    }
}

/// Ends a list of names, each with a comma behind it, with how many more there are.
fn and_others(named: &mut Vec<String>, count: usize) {
    let text = match (named.last_mut(), count) {
        (None, 0) => "none".to_owned(),
        (None, _) => format!("{count}, none of them for threads"),
        (Some(last), 0) => {
            last.pop();
            return;
        }
        (Some(_), 1) => "and 1 other".to_owned(),
        (Some(_), _) => format!("and {count} others"),
    };
    named.extend(text.split(' ').map(str::to_owned));
}
