//! Every rule, and every other thing a link can be refused for: one table, from which the texts come, with a page for each in
//! `rules/`.
//!
//! An id never changes its meaning. Sources are named where a rule rests on what a tool does.

use crate::module::ReadError;
use crate::report::Finding;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Told, and nothing more.
    Warning,
    /// The module must not be shipped: the link fails.
    Error,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for people and for machines.
    pub id: &'static str,
    /// How grave a breach is, unless the finding says otherwise.
    pub level: Level,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// All about it, in Markdown: what it is, why it matters, how to mend it in every build system, and on what it rests.
    pub page: &'static str,
}

impl Rule {
    /// The rule with that id.
    pub fn by_id(id: &str) -> Option<&'static Rule> {
        ALL.iter().find(|rule| rule.id == id).copied()
    }

    /// What the rule is about: the first paragraph of its page, on one line.
    pub fn about(&self) -> String {
        let paragraph = self.page.split("\n\n").nth(1).unwrap_or_default();
        paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal $level:ident $why:literal;)*) => {
        $(#[doc = concat!("`", $id, "`: ", $why)]
        pub static $name: Rule =
            Rule { id: $id, level: Level::$level, why: $why, page: include_str!(concat!("rules/", $id, ".md")) };)*
        /// All of them, in the order of this file.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    // The contract: what a threaded module is.
    UNREADABLE = "unreadable" Error
        "a module that cannot be read cannot be called threaded";
    COMPACT_IMPORTS = "compact-imports" Error
        "node, Deno, Chromium, Firefox and wasmtime refuse a module whose imports are written in groups";
    MEMORY_MISSING = "memory-missing" Error
        "threads share a memory, and there is none";
    MEMORY_NOT_SHARED = "memory-not-shared" Error
        "only a shared memory can be handed to another thread; browsers refuse any other with DataCloneError";
    MEMORY_NOT_IMPORTED = "memory-not-imported" Error
        "every thread instantiates the module again: a memory of the module's own would be another memory each time";
    MEMORY_CANNOT_GROW = "memory-cannot-grow" Error
        "std's allocator gets all its memory by growing, and would get none; without --max-memory, wasm-ld makes the minimum the maximum";
    SEVERAL_MEMORIES = "several-memories" Error
        "wasm-bindgen silently treats a module with more than one memory as not threaded";
    ACTIVE_DATA_SEGMENT = "active-data-segment" Error
        "every thread's instance would write the data again, over what other threads have changed";
    MEMORY_INIT_MISSING = "memory-init-missing" Error
        "nothing would ever fill the memory from its passive data segments";
    EXPORT_MISSING = "export-missing" Error
        "a new thread needs these to set up its thread-local storage: without them all threads share one";
    TLS_INIT_WRAPPED = "tls-init-wrapped" Error
        "static constructors would run again in every thread, before its thread-local storage exists, over live data";
    START_IN_EVERY_THREAD = "start-in-every-thread" Error
        "a start section runs at every instantiation: in a new thread that is before its stack and its thread-local storage exist, on those of the first";
    EXTERNREF_TABLE_LOST = "externref-table-lost" Error
        "wasm-bindgen's script puts javascript's objects into this table, and stops with a TypeError where functions belong there";
    THREAD_START_WRAPPED = "thread-start-wrapped" Error
        "static constructors or exit handlers would run again with every thread, over live data, and nothing sets up the first one";
    COMMAND_OR_REACTOR = "command-or-reactor" Error
        "a host runs a command by _start, or sets up a reactor by _initialize; node refuses a module that has both";
    LIBC_MISMATCH = "libc-mismatch" Error
        "no host brings a part of a libc: the module cannot be instantiated";
    OBJECT_WITHOUT_ATOMICS = "object-without-atomics" Error
        "the compiler turned this object's atomics and thread-locals into plain ones: its threads race";
    EMSCRIPTEN_WITHOUT_PTHREADS = "emscripten-without-pthreads" Error
        "emcc's libraries then have no threads: the first spawn fails with EAGAIN, or std aborts";
    TARGET_WITHOUT_THREADS = "target-without-threads" Error
        "this target's libc has no threads: its first spawn fails";
    GLUE_MEMORY_NOT_SHARED = "glue-memory-not-shared" Error
        "the script that comes with the module makes its memory, and an instance refuses a memory that is not shared";
    GLUE_MEMORY_MISMATCH = "glue-memory-mismatch" Error
        "the script that comes with the module makes its memory, and an instance refuses other limits than its own";
    LOST_IN_BETWEEN = "lost-in-between" Error
        "a tool that ran over the module took away what threads, or the next tool, need of it";
    REFUTED_BY_RUN = "refuted-by-run" Error
        "the module was started twice on one memory, as a host does for two threads, and they were not separate";
    NOT_RUN = "not-run" Error
        "it was to be shown by running it, and nobody has seen it run";
    NOT_THREADED = "not-threaded" Error
        "it would run on one thread only, and nothing would say so";
    THREADED = "threaded" Error
        "it was to run where no shared memory can be had";

    // The link itself.
    BAD_OPTION = "bad-option" Error
        "an option that is not understood must not be passed over in silence";
    HOST_LINK = "host-link" Error
        "wasm-threads-linker links WebAssembly only; what runs on the machine that builds needs that machine's own linker";
    LINKER_NOT_FOUND = "linker-not-found" Error
        "wasm-threads-linker does not link by itself: it forwards to a real linker";
    LINKER_IS_THE_SHIM = "linker-is-the-shim" Error
        "it would call itself without end";
    LINKER_DID_NOT_START = "linker-did-not-start" Error
        "without the real linker nothing is linked";
    OUTPUT_MISSING = "output-missing" Error
        "the linker's success is worth nothing without the module";
    NOT_JUDGED = "not-judged" Warning
        "the linker reported success, and nobody has looked at the module";
    REPRODUCE_FAILED = "reproduce-failed" Warning
        "the link itself is not affected";
    LINK_FAILED = "link-failed" Error
        "this is what the linker's words above mean here";
}

/// The finding for a module that cannot be read to its end.
pub(crate) fn unreadable(name: &str, problem: &str) -> Finding {
    Finding::new(
        &UNREADABLE,
        format!("{name} cannot be read as a WebAssembly module"),
        problem,
        "a core module, whole, without parts that this version does not know",
        "make it again; if other tools can read it as it is, a newer wasm-threads-linker may too, and until then \
         -C link-arg=--wasm-threads=off links without this check",
    )
}

/// The finding for a file called `name` that is judged by itself, and not in a link, and cannot be read to its end.
pub fn unreadable_file(name: &str, error: &ReadError) -> Finding {
    let (what, wanted, fix) = match error {
        ReadError::Io(_) => {
            (format!("{name} cannot be read"), "a file that may be read", "name a file that exists and may be read")
        }
        ReadError::Malformed(_) => (
            format!("{name} cannot be read as a WebAssembly module"),
            "a core module or a component, whole, without parts that this version does not know",
            "make it again; if other tools can read it as it is, a newer cargo-wasm-threads may too",
        ),
    };
    Finding::new(&UNREADABLE, what, error.to_string(), wanted, fix)
}

/// The finding for a component called `name` that has nothing to judge in it.
pub fn without_core_module(name: &str) -> Finding {
    Finding::new(
        &NOT_THREADED,
        format!("{name} is a component without a core module"),
        "no core module",
        "a threaded core module",
        "name the core module itself: components have no threads yet",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_page() {
        for rule in ALL {
            let page = rule.page.replace("\r\n", "\n");
            let level = match rule.level {
                Level::Error => "Level: error",
                Level::Warning => "Level: warning",
            };
            assert!(page.starts_with(&format!("# {}\n\n", rule.id)), "{}", rule.id);
            for part in [level, "## Why it matters\n\n", "## How to mend it\n\n- ", "## Sources\n\n- "] {
                assert!(page.contains(part), "{}: {part}", rule.id);
            }
            let mends = &page[page.find("## How").unwrap_or_default()..page.find("## Sources").unwrap_or_default()];
            let said: Vec<_> = ["cargo", "wasm-pack", "clang", "emcc"].into_iter().filter(|by| !mends.contains(by)).collect();
            assert!(said.is_empty() || matches!(rule.id, "unreadable"), "{} says nothing of {said:?}", rule.id);
            assert!(page.lines().all(|line| line.chars().count() <= 80), "{}: wider than a terminal", rule.id);
            assert!(rule.about().ends_with('.'), "{}: {}", rule.id, rule.about());
        }
        let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules")).expect("the folder of the pages");
        let pages = pages.map(|page| page.expect("a page").file_name().to_string_lossy().into_owned());
        let mut pages: Vec<String> = pages.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
        let mut ids: Vec<&str> = ALL.iter().map(|rule| rule.id).collect();
        pages.sort();
        ids.sort_unstable();
        assert_eq!(pages, ids);
    }

    #[test]
    fn ids_are_kebab_case_and_unlike() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in ALL {
            assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
            assert!(seen.insert(rule.id), "{} twice", rule.id);
            assert!(!rule.why.ends_with('.') && !rule.why.is_empty(), "{}", rule.id);
        }
    }
}
