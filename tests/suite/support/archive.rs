//! Writes archives, regular and thin, in the form that GNU and LLVM `ar` write.

use super::read;
use std::fs;
use std::path::{Path, PathBuf};
use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};

/// An archive about to be written.
#[derive(Default)]
pub struct Archive {
    members: Vec<Member>,
    thin: bool,
    no_index: bool,
}

struct Member {
    name: String,
    bytes: Vec<u8>,
    symbols: Vec<String>,
}

impl Archive {
    pub fn new() -> Self {
        Archive::default()
    }

    /// An archive that names its members' files and has none of their bytes.
    pub fn thin() -> Self {
        Archive { thin: true, ..Archive::default() }
    }

    /// Leaves the index of symbols out.
    pub fn without_index(mut self) -> Self {
        self.no_index = true;
        self
    }

    /// A wasm object; the index gets the symbols it defines.
    pub fn file(self, path: impl AsRef<Path>) -> Self {
        let bytes = read(&path);
        let symbols = defined_symbols(&bytes);
        let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
        self.file_defining(path, &symbols)
    }

    /// A file of any kind, bitcode too, and the symbols that the index shall say it defines.
    pub fn file_defining(self, path: impl AsRef<Path>, symbols: &[&str]) -> Self {
        let path = path.as_ref();
        let name = if self.thin { path } else { Path::new(path.file_name().expect("a member has a file name")) };
        self.member(name.to_str().expect("a name in UTF-8"), &read(path), symbols)
    }

    /// Bytes of one's own. In a thin archive the name is the file's path.
    pub fn member(mut self, name: &str, bytes: &[u8], symbols: &[&str]) -> Self {
        let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        self.members.push(Member { name: name.to_owned(), bytes: bytes.to_owned(), symbols });
        self
    }

    pub fn write(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        fs::write(path, self.bytes()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path.to_owned()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (names, long_names) = self.names();
        let index_size = if self.no_index { None } else { Some(self.index(&[]).len()) };
        let mut at = 8 + index_size.map_or(0, |size| 60 + size + size % 2);
        at += if long_names.is_empty() { 0 } else { 60 + long_names.len() + long_names.len() % 2 };
        let mut offsets = Vec::new();
        for member in &self.members {
            offsets.push(at);
            at += 60 + if self.thin { 0 } else { member.bytes.len() + member.bytes.len() % 2 };
        }
        let mut archive = if self.thin { b"!<thin>\n".to_vec() } else { b"!<arch>\n".to_vec() };
        if !self.no_index {
            append(&mut archive, "/", &self.index(&offsets), true);
        }
        if !long_names.is_empty() {
            append(&mut archive, "//", long_names.as_bytes(), true);
        }
        for (member, name) in self.members.iter().zip(names) {
            append(&mut archive, &name, &member.bytes, !self.thin);
        }
        archive
    }

    /// What stands in each header, and the table of those names that do not fit there.
    fn names(&self) -> (Vec<String>, String) {
        let mut table = String::new();
        let name = |member: &Member| {
            if member.name.len() < 16 && !self.thin {
                return format!("{}/", member.name);
            }
            let at = table.len();
            table += &format!("{}/\n", member.name);
            format!("/{at}")
        };
        let names = self.members.iter().map(name).collect();
        (names, table)
    }

    /// How many symbols, the offset of the header for each, the names; its size does not depend on the offsets.
    fn index(&self, offsets: &[usize]) -> Vec<u8> {
        let count: usize = self.members.iter().map(|member| member.symbols.len()).sum();
        let mut index = (count as u32).to_be_bytes().to_vec();
        for (number, member) in self.members.iter().enumerate() {
            let offset = offsets.get(number).copied().unwrap_or(0) as u32;
            member.symbols.iter().for_each(|_| index.extend(offset.to_be_bytes()));
        }
        for symbol in self.members.iter().flat_map(|member| &member.symbols) {
            index.extend(symbol.as_bytes());
            index.push(0);
        }
        index
    }
}

fn append(archive: &mut Vec<u8>, name: &str, bytes: &[u8], with_bytes: bool) {
    let size = bytes.len();
    archive.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, "644").as_bytes());
    if with_bytes {
        archive.extend(bytes);
        if size % 2 == 1 {
            archive.push(b'\n');
        }
    }
}

/// What a wasm object defines for others; nothing for a file of another kind.
pub fn defined_symbols(object: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    if !object.starts_with(b"\0asm") {
        return names;
    }
    for payload in Parser::new(0).parse_all(object) {
        let Ok(Payload::CustomSection(section)) = payload else {
            continue;
        };
        let KnownCustom::Linking(linking) = section.as_known() else {
            continue;
        };
        for subsection in linking.subsections() {
            let Ok(Linking::SymbolTable(symbols)) = subsection else {
                continue;
            };
            names.extend(symbols.into_iter().flatten().filter_map(defined_name));
        }
    }
    names
}

fn defined_name(symbol: SymbolInfo<'_>) -> Option<String> {
    let (flags, name) = match symbol {
        SymbolInfo::Func { flags, name, .. }
        | SymbolInfo::Global { flags, name, .. }
        | SymbolInfo::Table { flags, name, .. }
        | SymbolInfo::Event { flags, name, .. } => (flags, name?),
        SymbolInfo::Data { flags, name, .. } => (flags, name),
        SymbolInfo::Section { .. } => return None,
    };
    (!flags.intersects(SymbolFlags::UNDEFINED | SymbolFlags::BINDING_LOCAL)).then(|| name.to_owned())
}
