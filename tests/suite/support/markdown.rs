//! What a page says in code: files, shown whole under a link to them, and lines for a shell.
//!
//! A file is shown by a paragraph that is nothing but its link, `` [`src/lib.rs`](src/lib.rs) ``, with a block of code under it.
//! Lines for a shell are blocks of the language `sh`; tests run them.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A page.
pub struct Markdown {
    pub path: PathBuf,
    text: String,
}

/// A block of code.
pub struct Block {
    /// `sh`, `rust`, …, or nothing.
    pub language: String,
    pub text: String,
    /// The file that this is, as the link above it names it.
    pub file: Option<String>,
    /// Where in the page its text is, fences left out.
    pub place: Range<usize>,
}

impl Markdown {
    pub fn read(path: impl Into<PathBuf>) -> Markdown {
        let path = path.into();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Markdown { path, text }
    }

    pub fn folder(&self) -> &Path {
        self.path.parent().expect("a file has a folder")
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<Block> = None;
        // A paragraph of one link: what it links to, while nothing else stands in it or behind it.
        let mut linked: Option<String> = None;
        let mut alone = false;
        for (event, place) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
                    let file = linked.take().filter(|_| alone);
                    open = Some(Block { language, text: String::new(), file, place: 0..0 });
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                Event::Text(text) if open.is_some() => {
                    let block = open.as_mut().expect("a block is open");
                    if block.text.is_empty() {
                        block.place.start = place.start;
                    }
                    block.text += &text;
                    block.place.end = place.end;
                }
                Event::Start(Tag::Paragraph) => (linked, alone) = (None, true),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    alone &= linked.is_none();
                    linked = Some(dest_url.into_string());
                }
                Event::Code(_) | Event::End(TagEnd::Link | TagEnd::Paragraph) if linked.is_some() => {}
                _ => alone = false,
            }
        }
        blocks
    }

    /// The files that it shows, and their text.
    pub fn files(&self) -> Vec<(String, String)> {
        self.blocks().into_iter().filter_map(|block| Some((block.file?, block.text))).collect()
    }

    /// The lines for a shell, block by block.
    pub fn shell(&self) -> Vec<String> {
        self.blocks().into_iter().filter(|block| block.language == "sh").map(|block| block.text).collect()
    }

    /// Where its links and pictures lead.
    pub fn links(&self) -> Vec<String> {
        let links = self.events().filter_map(|(event, _)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        });
        links.collect()
    }

    /// The names of its headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        *heading += &text;
                    }
                }
                Event::End(TagEnd::Heading(HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 | HeadingLevel::H4)) => {
                    let heading = heading.take().expect("a heading began");
                    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                    anchors.push(kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect());
                }
                _ => {}
            }
        }
        anchors
    }

    /// Writes the files that it shows anew, as they are.
    pub fn write_files_anew(&self) {
        let mut text = self.text.clone();
        for block in self.blocks().into_iter().rev() {
            if let Some(file) = &block.file {
                let file = fs::read_to_string(self.folder().join(file)).expect("a file that is shown");
                text.replace_range(block.place, &file);
            }
        }
        fs::write(&self.path, text).expect("a page can be written");
    }
}
