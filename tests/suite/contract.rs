//! Every rule of the contract for a linked module: one that breaks it alone, and good ones that lack what no rule may demand.
//!
//! `linked` has what real linkers make, `encoded` what they do not, `hostile` what nobody should.

pub mod encoded;
pub mod hostile;
mod linked;

use crate::support::Suite;
use wasm_threads::contract::Contract;
use wasm_threads::module::Module;
use wasm_threads::report::Finding;

/// A rule, and whether the finding is an error.
type Verdict = (&'static str, bool);

pub fn tests(suite: &mut Suite) {
    encoded::tests(suite);
    linked::tests(suite);
    hostile::tests(suite);
}

/// All that is found of a module; `verify` agrees.
#[track_caller]
fn judge(bytes: &[u8]) -> Vec<Finding> {
    let module = Module::read(bytes).unwrap_or_else(|error| panic!("it cannot be read: {error}"));
    let findings = Contract::of(&module).check(&module, "module.wasm");
    let errors = findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.rule.id);
    let verified = wasm_threads::verify(bytes).err().map(|error| error.findings).unwrap_or_default();
    assert_eq!(errors.collect::<Vec<_>>(), verified.iter().map(|finding| finding.rule.id).collect::<Vec<_>>());
    findings
}
