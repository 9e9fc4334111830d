//! Which words of a `wasm-ld` line are options, which of them take a value, and where that value stands.
//!
//! Source: `lld/wasm/Options.td` (LLVM 14 to 22) for the rows, `llvm/lib/Option/OptTable.cpp` for the way of matching: among
//! the rows whose prefix and name begin a word, the longest that accepts it wins; empty words are dropped; a lone `-` is an
//! input. The table holds every row that can take the next word, every row that begins with the letter of a one-letter
//! option (or `-export-all` would not be read as `-e`), and those we act on. A word that no row knows takes nothing and
//! passes through, so a newer linker's flags need no row.

use Arity::*;
use Dashes::*;

/// What the shim wants to know of an option. `Other` is one it only has to step over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Other,
    CheckFeatures,
    CooperativeThreading,
    EndLib,
    ErrorLimit,
    Export,
    ExportAll,
    ExportIfDefined,
    ExportMemory,
    Features,
    Help,
    ImportMemory,
    InitialHeap,
    InitialMemory,
    Library,
    LibraryPath,
    Machine,
    MaxMemory,
    NoCheckFeatures,
    NoGrowableMemory,
    NoPie,
    NoWholeArchive,
    Output,
    Pie,
    Relocatable,
    Reproduce,
    ResponseQuoting,
    Shared,
    SharedMemory,
    StartLib,
    ThinLtoIndexOnly,
    Version,
    VersionBanner,
    WholeArchive,
    WritesBeside,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dashes {
    /// `-name` alone.
    One,
    /// `--name` alone.
    Two,
    /// `-name` and `--name`.
    Either,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arity {
    /// The whole word and nothing else.
    Flag,
    /// The value follows in the same word.
    Joined,
    /// The value is the next word.
    Separate,
    /// The rest of the word, or the next word where there is no rest.
    JoinedOrSeparate,
}

/// One word as the linker reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A file to link.
    Input,
    /// An option, and the bytes of its own word that are its value (`Some` for joined values).
    Option(Id, Option<usize>),
    /// An option whose value is the next word.
    TakesNext(Id),
    /// It begins with a dash, and no row knows it.
    Unknown,
    /// The empty word, which the linker drops.
    Nothing,
}

/// How the linker reads `word`, where it is not the value of the option before it.
pub fn read(word: &[u8]) -> Reading {
    if word.is_empty() {
        return Reading::Nothing;
    }
    if word[0] != b'-' || word == b"-" {
        return Reading::Input;
    }
    let mut best: Option<(usize, Reading)> = None;
    for row in ROWS {
        for dashes in ["--", "-"] {
            if (dashes == "--" && row.dashes == One) || (dashes == "-" && row.dashes == Two) {
                continue;
            }
            let Some(rest) = word.strip_prefix(dashes.as_bytes()) else { continue };
            let Some(rest) = rest.strip_prefix(row.name.as_bytes()) else { continue };
            let value = word.len() - rest.len();
            let reading = match row.arity {
                Flag if rest.is_empty() => Reading::Option(row.id, None),
                Joined => Reading::Option(row.id, Some(value)),
                Separate if rest.is_empty() => Reading::TakesNext(row.id),
                JoinedOrSeparate if rest.is_empty() => Reading::TakesNext(row.id),
                JoinedOrSeparate => Reading::Option(row.id, Some(value)),
                Flag | Separate => continue,
            };
            if best.as_ref().is_none_or(|(length, _)| *length < row.name.len()) {
                best = Some((row.name.len(), reading));
            }
        }
    }
    best.map_or(Reading::Unknown, |(_, reading)| reading)
}

struct Row {
    dashes: Dashes,
    name: &'static str,
    arity: Arity,
    id: Id,
}

const fn row(dashes: Dashes, name: &'static str, arity: Arity, id: Id) -> Row {
    Row { dashes, name, arity, id }
}

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // Inputs and output.
    row(One,    "o",                    JoinedOrSeparate, Id::Output),
    row(One,    "l",                    JoinedOrSeparate, Id::Library),
    row(Either, "library",              Separate,         Id::Library),
    row(Either, "library=",             Joined,           Id::Library),
    row(One,    "L",                    JoinedOrSeparate, Id::LibraryPath),
    row(Either, "library-path",         Separate,         Id::LibraryPath),
    row(Either, "library-path=",        Joined,           Id::LibraryPath),
    row(Either, "start-lib",            Flag,             Id::StartLib),
    row(Either, "end-lib",              Flag,             Id::EndLib),
    row(Either, "whole-archive",        Flag,             Id::WholeArchive),
    row(Either, "no-whole-archive",     Flag,             Id::NoWholeArchive),
    row(Two,    "reproduce",            Separate,         Id::Reproduce),
    row(Two,    "reproduce=",           Joined,           Id::Reproduce),
    row(Either, "rsp-quoting",          Separate,         Id::ResponseQuoting),
    row(Either, "rsp-quoting=",         Joined,           Id::ResponseQuoting),
    // What kind of link it is.
    row(Either, "relocatable",          Flag,             Id::Relocatable),
    row(One,    "r",                    Flag,             Id::Relocatable),
    row(Either, "shared",               Flag,             Id::Shared),
    row(Either, "pie",                  Flag,             Id::Pie),
    row(Either, "no-pie",               Flag,             Id::NoPie),
    row(Either, "help",                 Flag,             Id::Help),
    row(Either, "version",              Flag,             Id::Version),
    row(One,    "v",                    Flag,             Id::VersionBanner),
    row(One,    "m",                    JoinedOrSeparate, Id::Machine),
    row(Either, "cooperative-threading",   Flag,          Id::CooperativeThreading),
    row(Either, "cooperative-multithreading", Flag,       Id::CooperativeThreading),
    row(Either, "libcall-thread-context",  Flag,          Id::CooperativeThreading),
    row(Either, "thinlto-index-only",   Flag,             Id::ThinLtoIndexOnly),
    row(Either, "thinlto-index-only=",  Joined,           Id::ThinLtoIndexOnly),
    // Memory.
    row(Two,    "shared-memory",        Flag,             Id::SharedMemory),
    row(Two,    "import-memory",        Flag,             Id::ImportMemory),
    row(Two,    "import-memory=",       Joined,           Id::ImportMemory),
    row(Two,    "export-memory",        Flag,             Id::ExportMemory),
    row(Two,    "export-memory=",       Joined,           Id::ExportMemory),
    row(Two,    "max-memory=",          Joined,           Id::MaxMemory),
    row(Two,    "initial-memory=",      Joined,           Id::InitialMemory),
    row(Two,    "initial-heap=",        Joined,           Id::InitialHeap),
    row(Two,    "no-growable-memory",   Flag,             Id::NoGrowableMemory),
    // Exports and features.
    row(Either, "export",               Separate,         Id::Export),
    row(Either, "export=",              Joined,           Id::Export),
    row(Either, "export-if-defined",    Separate,         Id::ExportIfDefined),
    row(Either, "export-if-defined=",   Joined,           Id::ExportIfDefined),
    row(Two,    "export-all",           Flag,             Id::ExportAll),
    row(Two,    "check-features",       Flag,             Id::CheckFeatures),
    row(Two,    "no-check-features",    Flag,             Id::NoCheckFeatures),
    row(Either, "features=",            Joined,           Id::Features),
    // Only to be stepped over, with their values.
    row(Two,    "error-limit",          Separate,         Id::ErrorLimit),
    row(Two,    "error-limit=",         Joined,           Id::ErrorLimit),
    row(Either, "entry",                Separate,         Id::Other),
    row(Either, "entry=",               Joined,           Id::Other),
    row(One,    "e",                    JoinedOrSeparate, Id::Other),
    row(Either, "keep-section",         Separate,         Id::Other),
    row(Either, "keep-section=",        Joined,           Id::Other),
    row(Either, "mllvm",                Separate,         Id::Other),
    row(Either, "mllvm=",               Joined,           Id::Other),
    row(Either, "Map",                  Separate,         Id::WritesBeside),
    row(Either, "Map=",                 Joined,           Id::WritesBeside),
    row(Either, "why-extract=",         Joined,           Id::WritesBeside),
    row(One,    "O",                    JoinedOrSeparate, Id::Other),
    row(Either, "rpath",                Separate,         Id::Other),
    row(Either, "rpath=",               Joined,           Id::Other),
    row(Either, "soname",               Separate,         Id::Other),
    row(Either, "soname=",              Joined,           Id::Other),
    row(Two,    "thinlto-cache-policy", Separate,         Id::Other),
    row(Two,    "thinlto-cache-policy=", Joined,          Id::Other),
    row(Either, "threads",              Separate,         Id::Other),
    row(Either, "threads=",             Joined,           Id::Other),
    row(Either, "trace-symbol",         Separate,         Id::Other),
    row(Either, "trace-symbol=",        Joined,           Id::Other),
    row(One,    "y",                    JoinedOrSeparate, Id::Other),
    row(Either, "undefined",            Separate,         Id::Other),
    row(Either, "undefined=",           Joined,           Id::Other),
    row(One,    "u",                    JoinedOrSeparate, Id::Other),
    row(Either, "unresolved-symbols",   Separate,         Id::Other),
    row(Either, "unresolved-symbols=",  Joined,           Id::Other),
    row(Either, "wrap",                 Separate,         Id::Other),
    row(Either, "wrap=",                Joined,           Id::Other),
    row(One,    "z",                    JoinedOrSeparate, Id::Other),
    row(One,    "allow-undefined-file", Separate,         Id::Other),
    // Flags that a one-letter option would otherwise swallow.
    row(Either, "error-unresolved-symbols", Flag,         Id::Other),
    row(Either, "emit-relocs",          Flag,             Id::Other),
    row(Either, "export-dynamic",       Flag,             Id::Other),
    row(Either, "extra-features=",      Joined,           Id::Other),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings() {
        use Reading::{Input, Nothing, TakesNext, Unknown};
        let option = |id| Reading::Option(id, None);
        let joined = |id, at| Reading::Option(id, Some(at));
        let cases: &[(&str, Reading)] = &[
            ("", Nothing),
            ("-", Input),
            ("a.o", Input),
            ("@gone", Input),
            ("--shared-memory", option(Id::SharedMemory)),
            ("-shared-memory", Unknown),
            ("--no-shared-memory", Unknown),
            ("-shared", option(Id::Shared)),
            ("--shared", option(Id::Shared)),
            ("-sharedfoo", Unknown),
            ("--import-memory=a,b", joined(Id::ImportMemory, 16)),
            ("--max-memory=65536", joined(Id::MaxMemory, 13)),
            ("--max-memory", Unknown),
            ("-max-memory=65536", joined(Id::Machine, 2)),
            ("-mllvm", TakesNext(Id::Other)),
            ("-mwasm64", joined(Id::Machine, 2)),
            ("-m", TakesNext(Id::Machine)),
            ("--export", TakesNext(Id::Export)),
            ("-export", TakesNext(Id::Export)),
            ("--export=x", joined(Id::Export, 9)),
            ("-export-all", joined(Id::Other, 2)),
            ("--export-all", option(Id::ExportAll)),
            ("-export-memory", joined(Id::Other, 2)),
            ("--exportx", Unknown),
            ("-o", TakesNext(Id::Output)),
            ("-o=F", joined(Id::Output, 2)),
            ("--o", Unknown),
            ("--output=x", Unknown),
            ("-entry", TakesNext(Id::Other)),
            ("-error-limit=0", joined(Id::Other, 2)),
            ("--error-limit=0", joined(Id::ErrorLimit, 14)),
            ("--", Unknown),
            ("---export", Unknown),
            ("--allow-undefined-file", Unknown),
            ("-allow-undefined-file", TakesNext(Id::Other)),
            ("-r", option(Id::Relocatable)),
            ("-reproduce=x", Unknown),
            ("--a-flag-of-tomorrow", Unknown),
        ];
        for (word, want) in cases {
            assert_eq!(read(word.as_bytes()), *want, "{word}");
        }
    }
}
