//! `cargo wasm-threads`, for people. Called as a linker it is one, so that it can name itself as the linker of what it builds.

mod build;
mod check;
mod child;
mod cli;
mod colour;
mod demo;
mod doctor;
mod help;
mod init;
mod inspect;
mod programs;
mod project;
mod prove;
mod rustc;
mod tell;
mod words;

fn main() -> std::process::ExitCode {
    cli::main()
}
