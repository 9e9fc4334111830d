//! The picture of a memory as SVG: one file without references, for light and for dark surroundings.
//!
//! A reader's fonts are not known, so every text has room for letters half as wide again as usual, and what may be long is cut.

use super::javascript;
use super::layout::{Kind, Layout, Part};
use super::scale::shares;
use super::subject::Subject;
use super::words::{self, Characters, cut, escaped, size, wrapped};
use std::fmt::Write;

const WIDTH: usize = 820;
const MARGIN: usize = 30;
const INNER: usize = WIDTH - 2 * MARGIN;

/// No part is narrower than that in the large bar, so that its letter fits.
const NARROWEST: usize = 22;

/// Colours are written out twice, and not as variables, which many a viewer outside of browsers does not know.
const STYLE: &str = "
  text { font-family: system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 13px; fill: #1f2328; }
  .name { font-size: 19px; font-weight: 600; }
  .soft { fill: #59636e; }
  .small { font-size: 12px; }
  .code { font-family: ui-monospace, 'DejaVu Sans Mono', Consolas, monospace; font-size: 12px; }
  .letter { font-weight: 600; text-anchor: middle; fill: #0b0f14; }
  .over { font-weight: 600; text-anchor: middle; }
  .end { text-anchor: end; }
  .back { fill: #ffffff; }
  .zone { fill: #eaf1fb; }
  .line { stroke: #c8ced4; stroke-width: 1; fill: none; }
  .part { stroke: #ffffff; stroke-width: 1; }
  .stack { fill: #7fb0f0; } .tls { fill: #d9a3ea; } .data { fill: #7ccf8a; } .data2 { fill: #a8e0b0; }
  .zeros { fill: #8fd6d9; } .heap { fill: #f5cf6b; } .unknown { fill: url(#unknown); }
  .stripe { stroke: #d3d8de; stroke-width: 5; }
  .room { fill: #eef0f2; } .unused { fill: #dfe3e7; } .ink { fill: #1f2328; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .soft { fill: #9aa5b1; } .letter { fill: #0b0f14; }
    .back { fill: #15191f; } .zone { fill: #1d2836; } .line { stroke: #434b55; fill: none; } .part { stroke: #15191f; }
    .stack { fill: #4f8fdc; } .tls { fill: #b979cf; } .data { fill: #4fae60; } .data2 { fill: #3b8a4b; }
    .zeros { fill: #3fa3a8; } .heap { fill: #d1a63c; } .unknown { fill: url(#unknown); } .stripe { stroke: #5d6875; }
    .room { fill: #252b33; } .unused { fill: #39424d; } .ink { fill: #e6edf3; }
  }
";

/// A text inside of SVG.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A name of the module's, in a length that fits.
fn name(text: &str, columns: usize) -> String {
    xml(&cut(&escaped(text, Characters::Unicode), columns))
}

struct Drawing {
    body: String,
    /// The upper end of what comes next.
    y: usize,
}

impl Drawing {
    fn text(&mut self, x: usize, y: usize, class: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, r#"<text x="{x}" y="{y}" class="{class}">{text}</text>"#);
    }

    fn part(&mut self, x: usize, width: usize, height: usize, class: &str, title: &str) {
        let y = self.y;
        let _ = writeln!(
            self.body,
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" class="part {class}"><title>{title}</title></rect>"#
        );
    }
}

/// The class of each part: data segments side by side are told apart.
fn classes(parts: &[Part]) -> Vec<&'static str> {
    let mut odd = false;
    let class = |part: &Part| match part.kind {
        Kind::Data => {
            odd = !odd;
            if odd { "data" } else { "data2" }
        }
        kind => kind.id(),
    };
    parts.iter().map(class).collect()
}

/// The picture of the module's first memory.
pub fn picture(subject: &Subject, file: &str) -> Option<String> {
    let (layout, memory) = (subject.layout.as_ref()?, subject.module.memory()?);
    let mut drawing = Drawing { body: String::new(), y: 0 };
    drawing.text(MARGIN, 42, "name", &name(file, 48));
    let whose = match &memory.import {
        Some((module, import)) => format!("Its memory is imported as {}.{}", name(module, 24), name(import, 24)),
        None => "Its memory is its own".to_owned(),
    };
    let shared = if memory.shared { "shared" } else { "not shared" };
    let bits = if memory.wide { "; addresses of 64 bits" } else { "" };
    drawing.text(MARGIN, 66, "soft", &format!("{whose}, {shared}"));
    let limits = match layout.maximum {
        Some(maximum) if maximum == layout.initial => format!("{}, and never more", size(layout.initial)),
        Some(maximum) => format!("{} at the start, {} at most", size(layout.initial), size(maximum)),
        None => format!("{} at the start, no maximum", size(layout.initial)),
    };
    drawing.text(MARGIN, 86, "soft", &format!("{limits}{bits}"));
    drawing.y = 112;
    bars(&mut drawing, layout);
    table(&mut drawing, layout);
    for note in layout.notes.iter().cloned().chain(subject.notes(memory)) {
        let words: Vec<String> = note.split(' ').map(str::to_owned).collect();
        for line in wrapped(&words, 90) {
            drawing.y += 18;
            let y = drawing.y;
            drawing.text(MARGIN, y, "small soft", &xml(&line));
        }
    }
    if let Ok(line) = javascript::construct(memory) {
        drawing.y += 26;
        let y = drawing.y;
        drawing.text(MARGIN, y, "code", &xml(&line));
    }
    let height = drawing.y + 24;
    let parts = layout.parts.iter().map(|part| format!("{}: {} from {}.", part.name, size(part.size()), part.begins));
    let parts: Vec<String> = parts.map(|text| xml(&escaped(&text, Characters::Unicode))).collect();
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"title description\">\n<title id=\"title\">The memory of {}</title>\n<desc id=\"description\">{}. {}</desc>\n\
         <style>{STYLE}</style>\n<defs><pattern id=\"unknown\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"10\" height=\"10\" class=\"unused\"/><path d=\"M2 0V10\" class=\"stripe\"/></pattern></defs>\n<rect width=\"{WIDTH}\" height=\"{height}\" class=\"back\"/>\n{}</svg>\n",
        name(file, 48),
        limits,
        parts.join(" "),
        drawing.body
    ))
}

fn bars(drawing: &mut Drawing, layout: &Layout) {
    const THIN: usize = 18;
    const THICK: usize = 54;
    let parts = layout.at_start();
    if let Some(room) = layout.parts.last().filter(|part| part.kind == Kind::Room) {
        let cells = shares(&[layout.initial, room.size()], INNER, if layout.initial > 0 { 3 } else { 0 });
        let y = drawing.y;
        drawing.text(MARGIN, y, "small soft", "0");
        drawing.text(WIDTH - MARGIN, y, "small soft end", &size(room.ends));
        drawing.y += 6;
        drawing.part(MARGIN, cells[0], THIN, "ink", &format!("at the start: {}", size(layout.initial)));
        drawing.part(MARGIN + cells[0], cells[1], THIN, "room", &format!("room to grow: {}", size(room.size())));
        if cells[1] > 120 {
            let y = drawing.y + 13;
            drawing.text(MARGIN + cells[0] + 10, y, "small soft", &format!("room to grow: {}", size(room.size())));
        }
        drawing.y += THIN;
        if !parts.is_empty() {
            let (top, bottom) = (drawing.y, drawing.y + 46);
            let (left, near, far) = (MARGIN, MARGIN + cells[0], WIDTH - MARGIN);
            let zone = format!("{left},{top} {near},{top} {far},{bottom} {left},{bottom}");
            let _ = writeln!(drawing.body, r#"<polygon points="{zone}" class="zone"/>"#);
            let text = format!("the first {}, drawn larger; small parts are wider than they are", size(layout.initial));
            drawing.text(MARGIN + 10, bottom - 8, "small soft", &text);
            drawing.y = bottom;
        }
    }
    if parts.is_empty() {
        drawing.y += 12;
        return;
    }
    let sizes: Vec<u128> = parts.iter().map(Part::size).collect();
    let mut x = MARGIN;
    for (index, (part, width)) in parts.iter().zip(shares(&sizes, INNER, NARROWEST)).enumerate() {
        let title = format!("{}: {}", name(&part.name, 60), size(part.size()));
        drawing.part(x, width, THICK, classes(parts)[index], &title);
        let y = drawing.y + THICK / 2 + 5;
        let name = cut(&escaped(&part.name, Characters::Unicode), 40);
        // Where there is room for the letters of any font.
        let fits = width > 40 + 10 * words::width(&name);
        let label = if fits { format!("{}&#160;&#160; {}", letter(index), xml(&name)) } else { letter(index) };
        drawing.text(x + width / 2, y, on(part.kind), &label);
        x += width;
    }
    drawing.y += THICK + 18;
    let y = drawing.y;
    drawing.text(MARGIN, y, "small soft", "0");
    drawing.text(WIDTH - MARGIN, y, "small soft end", &size(layout.initial));
    drawing.y += 10;
}

/// The class of a letter on a part's colour: some of those are dark in dark surroundings.
fn on(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Unused | Kind::Unknown) { "over" } else { "letter" }
}

fn letter(index: usize) -> String {
    u8::try_from(index)
        .ok()
        .and_then(|index| b'a'.checked_add(index))
        .map_or(String::new(), |letter| char::from(letter).to_string())
}

fn table(drawing: &mut Drawing, layout: &Layout) {
    const ROW: usize = 25;
    const BEGINS: usize = 560;
    const BYTES: usize = 690;
    drawing.y += ROW;
    let y = drawing.y;
    for (x, head) in [(BEGINS, "begins"), (BYTES, "bytes")] {
        drawing.text(x, y, "small soft end", head);
    }
    let classes = classes(&layout.parts);
    for (index, part) in layout.parts.iter().enumerate() {
        drawing.y += 8;
        let y = drawing.y;
        let _ = writeln!(drawing.body, r#"<path d="M{MARGIN} {y}H{}" class="line"/>"#, WIDTH - MARGIN);
        let y = y + ROW - 8;
        let swatch = y - 14;
        let _ = writeln!(
            drawing.body,
            r#"<rect x="{MARGIN}" y="{swatch}" width="20" height="18" rx="3" class="{}"/>"#,
            classes[index]
        );
        if part.kind != Kind::Room {
            drawing.text(MARGIN + 10, y, on(part.kind), &letter(index));
        }
        drawing.text(MARGIN + 32, y, "", &name(&part.name, 40));
        drawing.text(BEGINS, y, "code end", &format!("{:#x}", part.begins));
        drawing.text(BYTES, y, "code end", &part.size().to_string());
        if part.size() >= 1024 {
            drawing.text(WIDTH - MARGIN, y, "soft end", &size(part.size()));
        }
        drawing.y += ROW - 8 + 1;
    }
    drawing.y += 10;
}
