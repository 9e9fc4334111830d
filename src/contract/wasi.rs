//! What only a module for wasi-threads must keep (WebAssembly/wasi-threads, `README.md`). What its libc does for itself, such as
//! thread-local storage, nobody else has to.

use super::{Check, Outcome, exports, found};
use crate::module::{Kind, Wrapped};
use crate::report::{Finding, short_name};
use crate::rules;

/// Why `memory-cannot-grow` matters to a libc, whose allocator begins with what lies above the data.
pub(super) const CANNOT_GROW: &str = "a thread's stack comes from the heap: where there is none, its spawn fails; without --max-memory, wasm-ld makes \
     the minimum the maximum";

impl Check<'_> {
    pub(super) fn exports_for_wasi_threads(&self) -> Outcome {
        found([self.memory_export(), self.thread_start()].into_iter().flatten())
    }

    /// WASI's own functions are told addresses: a host finds the memory that they are in by this name.
    fn memory_export(&self) -> Option<Finding> {
        (!exports(self.module, "memory", Kind::Memory)).then(|| {
            let finding = Finding::new(
                &rules::EXPORT_MISSING,
                format!("{} does not export its memory", self.name),
                "no exported memory named \"memory\"",
                "the imported memory exported again as \"memory\"",
                "pass -C link-arg=--export-memory, and no other name behind it",
            );
            Finding { why: "WASI hosts find the memory of a program by this export".to_owned(), ..finding }
        })
    }

    /// A program that starts no thread may have no entry for one.
    fn thread_start(&self) -> Option<Finding> {
        if self.module.thread_start.is_some_and(|start| start.takes_id_and_address) {
            return None;
        }
        let exported = self.module.exports.contains_key("wasi_thread_start");
        (exported || self.module.imports.thread_spawn).then(|| {
            let finding = Finding::new(
                &rules::EXPORT_MISSING,
                format!("{} has no entry for its threads", self.name),
                if exported {
                    "wasi_thread_start is not a function of two i32 that returns nothing"
                } else {
                    "the import wasi.thread-spawn, and no export wasi_thread_start"
                },
                "wasi_thread_start, a function of the thread's number and the address of its argument",
                "link with the libc of wasm32-wasip1-threads, which brings it, and do not strip it; or define it, \
                 #[unsafe(no_mangle)] extern \"C\" fn wasi_thread_start(thread: i32, argument: *mut u8)",
            );
            Finding { why: "a host starts every thread by this export".to_owned(), ..finding }
        })
    }

    pub(super) fn thread_start_wrapped(&self) -> Outcome {
        let Some(start) = self.module.thread_start else { return Outcome::NotApplicable("it has no wasi_thread_start") };
        found(start.wrapped.map(|wrapped| self.wrapped(wrapped)))
    }

    fn wrapped(&self, Wrapped { before, after }: Wrapped) -> Finding {
        let calls = [("begins", before), ("ends", after)];
        let calls = calls
            .iter()
            .filter_map(|(where_, function)| function.map(|function| format!("{where_} with a call of function {function}")));
        Finding::new(
            &rules::THREAD_START_WRAPPED,
            format!("every export of {}, wasi_thread_start too, is a program of its own", self.name),
            format!("the exported wasi_thread_start, as every export, {}", calls.collect::<Vec<_>>().join(" and ")),
            "a reactor: constructors run once, by _initialize, before anything else is called",
            "pass -C link-arg=-l:crt1-reactor.o -C link-arg=--export=_initialize, and let the host call _initialize first (Rust up to \
             1.99 leaves that object out of a cdylib; it lies in the folder that `rustc --print target-libdir --target \
             wasm32-wasip1-threads` says, under self-contained)",
        )
    }

    pub(super) fn command_or_reactor(&self) -> Outcome {
        let has = |name| exports(self.module, name, Kind::Function);
        let finding = |what, found, fix| {
            Finding::new(
                &rules::COMMAND_OR_REACTOR,
                what,
                found,
                "one of the two: _start for a program, _initialize for a library",
                fix,
            )
        };
        found(match (has("_start"), has("_initialize")) {
            (true, true) => Some(finding(
                format!("{} is a command and a reactor at once", self.name),
                "_start and _initialize",
                "link one of crt1-command.o and crt1-reactor.o, and leave out -C link-arg=--export=_initialize or the `main`",
            )),
            // Nobody calls it, and it says so itself.
            (false, false) if self.module.thread_start.is_none_or(|start| start.wrapped.is_none()) => {
                let finding = finding(
                    format!("{} is neither a command nor a reactor", self.name),
                    "neither _start nor _initialize",
                    "for a cdylib, pass -C link-arg=-l:crt1-reactor.o -C link-arg=--export=_initialize; without a libc and static \
                     constructors, nothing has to be done",
                );
                let why = "nothing sets up the libc of the first thread: its first spawn may wait for ever";
                Some(Finding { why: why.to_owned(), ..finding }.warning())
            }
            _ => None,
        })
    }

    /// A libc calls its own parts by names that begin so, and hosts know none of them (wasi-libc, `expected/*/defined-symbols.txt`).
    pub(super) fn libc_mismatch(&self) -> Outcome {
        let imports = &self.module.imports;
        found((imports.of_libc > 0).then(|| {
            let mut names: Vec<String> = imports.names_of_libc.iter().map(|name| short_name(name)).collect();
            if imports.of_libc as usize > names.len() {
                names.push(format!("and {} more", imports.of_libc as usize - names.len()));
            }
            Finding::new(
                &rules::LIBC_MISMATCH,
                format!("{} was linked with parts of two libcs", self.name),
                format!("imported from env: {}", names.join(", ")),
                "a libc and start objects (crt1-*.o) of one version",
                "link with Rust's own libc: leave WASI_SDK_PATH, -L and -C link-self-contained=no out; or take the wasi-sdk that this \
                 version of Rust was made with (wasi-sdk 34 goes with Rust 1.100 and later)",
            )
        }))
    }
}
