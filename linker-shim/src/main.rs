//! `cargo wasm-threads`, for people. Called as a linker it is one, so that it can name itself as the linker of what it builds.

mod build;
mod cli;
mod demo;
mod rustc;

fn main() -> std::process::ExitCode {
    cli::main()
}
