//! Every test that runs real tools, in one binary.
//!
//! Each module has `pub fn tests(suite: &mut Suite)` and is named once more in `main`; `harness` fails when a file here is
//! not. Run one test with `cargo test --test suite -- NAME`.

mod harness;
mod support;

use support::Suite;

fn main() {
    let mut suite = Suite::from_arguments();
    suite.module("harness", harness::tests);
    suite.run()
}
