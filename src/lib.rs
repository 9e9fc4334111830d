//! Threaded WebAssembly that is really threaded.
//!
//! Since rustc 1.92, `-C target-feature=+atomics` alone no longer makes the linker produce a shared memory
//! (rust-lang/rust#147225): recipes written before still build, and silently ship a single-threaded module. The program
//! `wasm-threads-linker` mends that at the link. This crate is what stands beside it in a package:
//!
//! | what | feature | for |
//! |---|---|---|
//! | [`build_script`] | `build-script` (default) | the `build.rs` of a final package: its link must be threaded, or must not |
//! | [`required!`] | none, `no_std` | any crate: whoever links it must be threaded |
//! | `cc()` | `cc` | C and C++ objects that may be linked into a shared memory |
//! | `verify()` | `verify` | one verdict on a module, for a program that embeds it |
//! | `picture` | `picture` | the facts of a module and a picture of its memory, as `cargo wasm-threads inspect` shows them |
//!
//! With `verify` come the modules of which a verdict is made (`contract`, `module`, `report`, `rules` and others): what
//! `verify()` gives and takes of them is stable, the rest may change in any release below 1.0.
//!
//! The feature `linker` is what `wasm-threads-linker` is made of; its modules are no stable interface.
//!
//! No process is started and nothing is printed here, except in `linker` and by the build script functions, whose print is
//! what cargo reads.

#![cfg_attr(not(any(feature = "build-script", feature = "cc", feature = "verify")), no_std)]

#[cfg(feature = "build-script")]
pub mod build_script;
#[cfg(feature = "cc")]
mod c_objects;
#[cfg(any(feature = "build-script", feature = "verify"))]
mod exports;
mod required;
#[cfg(any(feature = "build-script", feature = "verify"))]
pub mod size;
#[cfg(feature = "verify")]
mod verify;

#[cfg(feature = "verify")]
pub mod compare;
#[cfg(feature = "verify")]
pub mod contract;
#[cfg(feature = "verify")]
pub mod glue;
#[cfg(feature = "verify")]
pub mod module;
#[cfg(feature = "picture")]
pub mod picture;
#[cfg(feature = "verify")]
pub mod report;
#[cfg(feature = "verify")]
pub mod rules;

#[cfg(feature = "linker")]
pub mod command_line;
#[cfg(feature = "linker")]
mod explain;
#[cfg(feature = "linker")]
pub mod inputs;
#[cfg(feature = "linker")]
pub mod linker;
#[cfg(feature = "linker")]
mod os_bytes;
#[cfg(feature = "linker")]
pub mod plan;
#[cfg(feature = "linker")]
pub mod settings;
#[cfg(feature = "linker")]
pub mod single_file;
#[cfg(feature = "linker")]
pub mod target;

#[cfg(feature = "cc")]
pub use c_objects::cc;
#[cfg(feature = "linker")]
#[doc(hidden)]
pub use exports::TLS_EXPORTS;
#[cfg(feature = "verify")]
pub use verify::{Input, NotThreaded, verify};
