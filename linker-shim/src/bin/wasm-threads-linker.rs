//! The linker, for `-C linker` or `linker` in `.cargo/config.toml`.

fn main() -> std::process::ExitCode {
    wasm_threads::linker::main()
}
