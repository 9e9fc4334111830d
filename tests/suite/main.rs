//! Every test that runs real tools, in one binary.
//!
//! Each module has `pub fn tests(suite: &mut Suite)` and is named once more in `main`; `harness` fails when a file here is
//! not. Run one test with `cargo test --test suite -- NAME`.

#[cfg(unix)]
mod atomics;
#[cfg(unix)]
mod bad_use;
#[cfg(unix)]
mod between;
mod browser;
mod build;
#[cfg(unix)]
mod build_calls;
mod build_scripts;
#[cfg(unix)]
mod c;
#[cfg(unix)]
mod c_on_a_page;
#[cfg(unix)]
mod canary;
mod check;
#[cfg(unix)]
mod check_run;
#[cfg(unix)]
mod clang;
mod cli;
mod contract;
#[cfg(unix)]
mod crowds;
mod demo;
mod differential;
mod docs;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod emscripten;
mod examples;
#[cfg(unix)]
mod explain;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod forwarding;
mod harness;
#[cfg(unix)]
mod init;
#[cfg(unix)]
mod inspect;
#[cfg(unix)]
mod lines;
#[cfg(unix)]
mod linkers;
mod main_job;
#[cfg(unix)]
mod modes;
#[cfg(target_os = "linux")]
mod names;
mod output;
#[cfg(unix)]
mod pipeline;
#[cfg(unix)]
mod recipes;
#[cfg(unix)]
mod reproduce;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod security;
#[cfg(unix)]
mod shared_memory;
mod support;
#[cfg(unix)]
mod toolchains;
#[cfg(unix)]
mod verdict_page;
#[cfg(unix)]
mod wasi;
#[cfg(unix)]
mod wasm_pack;
#[cfg(unix)]
mod web_rayon;
#[cfg(unix)]
mod wide;

use support::Suite;

fn main() {
    let mut suite = Suite::from_arguments();
    suite.module("browser", browser::tests);
    suite.module("build", build::tests);
    suite.module("build_scripts", build_scripts::tests);
    suite.module("check", check::tests);
    suite.module("cli", cli::tests);
    suite.module("contract", contract::tests);
    suite.module("demo", demo::tests);
    suite.module("differential", differential::tests);
    suite.module("docs", docs::tests);
    suite.module("examples", examples::tests);
    suite.module("harness", harness::tests);
    suite.module("main_job", main_job::tests);
    suite.module("output", output::tests);
    // These watch the shim through linkers that are scripts.
    #[cfg(unix)]
    {
        suite.module("atomics", atomics::tests);
        suite.module("bad_use", bad_use::tests);
        suite.module("between", between::tests);
        suite.module("c", c::tests);
        suite.module("c_on_a_page", c_on_a_page::tests);
        suite.module("canary", canary::tests);
        suite.module("build_calls", build_calls::tests);
        suite.module("check_run", check_run::tests);
        suite.module("clang", clang::tests);
        suite.module("crowds", crowds::tests);
        suite.module("doctor", doctor::tests);
        suite.module("emscripten", emscripten::tests);
        suite.module("explain", explain::tests);
        suite.module("forwarding", forwarding::tests);
        suite.module("init", init::tests);
        suite.module("inspect", inspect::tests);
        suite.module("lines", lines::tests);
        suite.module("linkers", linkers::tests);
        suite.module("modes", modes::tests);
        suite.module("pipeline", pipeline::tests);
        suite.module("recipes", recipes::tests);
        suite.module("reproduce", reproduce::tests);
        suite.module("shared_memory", shared_memory::tests);
        suite.module("toolchains", toolchains::tests);
        suite.module("verdict_page", verdict_page::tests);
        suite.module("wasi", wasi::tests);
        suite.module("wasm_pack", wasm_pack::tests);
        suite.module("web_rayon", web_rayon::tests);
        suite.module("wide", wide::tests);
    }
    // These use what only Linux has: /proc, name spaces, its limits.
    #[cfg(target_os = "linux")]
    {
        suite.module("faults", faults::tests);
        suite.module("security", security::tests);
        suite.module("names", names::tests);
        suite.module("sandbox", sandbox::tests);
    }
    #[cfg(not(target_os = "linux"))]
    eprintln!("not run on this system, for want of Linux: faults names sandbox security");
    #[cfg(not(unix))]
    eprintln!(
        "not run on this system, for want of scripts: atomics bad_use between build_calls c c_on_a_page canary check_run clang crowds \
         doctor emscripten explain forwarding init inspect lines linkers modes pipeline recipes reproduce shared_memory toolchains verdict_page wasi \
         wasm_pack web_rayon wide"
    );
    suite.run()
}
