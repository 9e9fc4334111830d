//! What follows from what was seen.

use super::Proof;
use super::plan::Plan;
use super::stubs::{Gives, Import};
use serde_json::Value;
use wasm_threads::report::{Finding, name_of};
use wasm_threads::rules::REFUTED_BY_RUN;

/// The words that mend what the linker had made right.
const RELINK: &str = "link with `linker = \"wasm-threads-linker\"` under [target.wasm32-unknown-unknown] in .cargo/config.toml\n\
                      where `check --run` finds nothing in the linked module, look at what was run over it since";

/// Judges what the script saw of the module that is called `name`.
pub fn judge(saw: &Value, plan: &Plan, name: &str) -> Proof {
    let judge = Judge { saw, plan, name };
    let mut proof = Proof::default();
    match saw["stopped"].as_str() {
        Some(which) => judge.stopped(which, &mut proof),
        None => {
            judge.data(&mut proof);
            judge.tls(&mut proof);
        }
    }
    judge.doubt(&mut proof);
    proof
}

struct Judge<'a> {
    saw: &'a Value,
    plan: &'a Plan,
    name: &'a str,
}

impl Judge<'_> {
    /// The imports that were called, for a person.
    fn called(&self, by: &Value) -> String {
        let numbers = by["called"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let imports = numbers.filter_map(|number| self.plan.imports.get(usize::try_from(number).ok()?));
        imports.take(3).map(full_name).collect::<Vec<_>>().join(", ")
    }

    /// What the module did with a value that only a stub has given it, it may do nowhere else.
    fn doubt(&self, proof: &mut Proof) {
        let called = ["first", "second", "tls"].iter().find_map(|which| self.saw[which]["gave"].as_u64());
        let called = called.and_then(|number| self.plan.imports.get(usize::try_from(number).ok()?));
        let gives = called.or_else(|| self.plan.imports.iter().find(|import| import.gives == Gives::Always));
        if let (Some(import), Some(finding)) = (gives, proof.refuted.first()) {
            let import = full_name(import);
            proof.not_run = Some(format!(
                "{}, and that may come of the value of {import}, for which there is only a stub here: {}",
                finding.what, finding.found
            ));
            proof.refuted.clear();
        }
    }

    /// What node says of an error of `ended`.
    fn error(ended: &Value) -> Option<String> {
        ended["error"].as_str().map(name_of)
    }

    /// One of the two could not be set up.
    fn stopped(&self, which: &str, proof: &mut Proof) {
        let ended = &self.saw[which];
        let error = Self::error(ended).unwrap_or_else(|| "no reason was given".to_owned());
        let called = self.called(ended);
        let only_memories = self.plan.imports.iter().all(|import| import.memory);
        // What it did without any of our stubs, it does everywhere.
        if ended["trap"] == true && called.is_empty() && (only_memories || which == "second") {
            proof.refuted.push(Finding::new(
                &REFUTED_BY_RUN,
                format!("the {which} instance of {} does not start", self.name),
                error,
                "an instance in every thread",
                RELINK,
            ));
            return;
        }
        proof.not_run = Some(match called.as_str() {
            "" => format!("the {which} instance does not start here: {error}"),
            called => {
                format!(
                    "the start of the {which} instance calls {called}, for which there is only a stub here, and stops: {error}"
                )
            }
        });
    }

    fn data(&self, proof: &mut Proof) {
        let data = &self.saw["data"];
        let number = |name: &str| data[name].as_u64().unwrap_or(0);
        let reverted = data["reverted"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !reverted.is_empty() {
            let places: Vec<String> = reverted
                .iter()
                .map(|place| {
                    let number = |name: &str| place[name].as_u64().unwrap_or(0);
                    format!("{} from {:#x} on", bytes(number("length")), number("address"))
                })
                .collect();
            let more = match places.len().saturating_sub(4) {
                0 => String::new(),
                more => format!(", and {more} places more"),
            };
            let (what, wanted) = if data["by"] == "tls" {
                ("setting up the thread-locals of a second thread", "a __wasm_init_tls that writes nothing but its own block")
            } else {
                ("starting a second thread", "data that is written once, by whichever thread is the first")
            };
            proof.refuted.push(Finding::new(
                &REFUTED_BY_RUN,
                format!("{what} of {} writes over what the first has changed", self.name),
                format!("as they were at the beginning again: {}{more}", places[..places.len().min(4)].join(", ")),
                wanted,
                RELINK,
            ));
        } else if data["conclusive"] != true {
            proof.not_run =
                Some("the start of the second instance does not come to its end on data that the first has changed".to_owned());
        } else if self.saw["seen"] != true {
            proof.not_run = Some("node does not show one thread what the other has written".to_owned());
        } else if number("segments") > 0 && number("shown") == 0 {
            proof.not_run = Some("of none of its data was it seen where a start writes it".to_owned());
        } else if number("bytes") > 0 {
            let (changed, places) = (bytes(number("bytes")), number("places"));
            let places = if places == 1 { "one place".to_owned() } else { format!("{places} places") };
            proof.proved.push("memory: what the first instance has written is there for the second".to_owned());
            proof
                .proved
                .push(format!("data: {changed} in {places}, changed in between, the second instance left as they were"));
            let more = number("segments").saturating_sub(number("shown"));
            if more > 0 {
                proof.proved.push(format!("data: of {} it was not seen where a start writes it", segments(more)));
            }
        } else {
            proof.proved.push("memory: both instances run on one; neither has data to write".to_owned());
        }
        for which in ["first", "second"] {
            let ended = &self.saw[which];
            if let Some(error) = Self::error(ended) {
                let called = self.called(ended);
                proof.proved.push(format!(
                    "its own start then stopped in the {which} instance, after a call of the stub for {called}: {error}"
                ));
            }
        }
    }

    fn tls(&self, proof: &mut Proof) {
        let base = |which: &str| self.saw[which]["base"].as_u64();
        let tls = &self.saw["tls"];
        let unwritten = tls["unwritten"].as_u64();
        let (size, second) = match (self.plan.tls, self.plan.template_size()) {
            (Some(tls), _) => (tls.size, Some(tls.second)),
            (None, Some(size)) if self.plan.after_wasm_bindgen => (size, None),
            _ => {
                let why = if self.plan.after_wasm_bindgen {
                    "the module keeps none"
                } else {
                    "no host sets any up: it does not export what that takes"
                };
                proof.proved.push(format!("thread-locals: {why}"));
                return;
            }
        };
        if let Some(error) = Self::error(tls) {
            let called = self.called(tls);
            if !called.is_empty() {
                proof.not_run =
                    Some(format!("__wasm_init_tls calls {called}, for which there is only a stub here, and stops: {error}"));
                return;
            }
            self.refute_tls(
                proof,
                "the thread-locals of a second thread of NAME cannot be set up",
                format!("__wasm_init_tls: {error}"),
            );
            return;
        }
        if size == 0 {
            proof.proved.push("thread-locals: it has none".to_owned());
            return;
        }
        let first = base("first").unwrap_or(0);
        // After wasm-bindgen the second is where its start has put it; else where it was asked to be.
        let own = tls["base"].as_u64().unwrap_or(0);
        let wanted = second.unwrap_or(own);
        let call = second.map_or_else(|| "__wbindgen_start".to_owned(), |second| format!("__wasm_init_tls({second:#x})"));
        let stack = |which: &str| self.saw[which]["stack"].as_u64();
        if self.plan.after_wasm_bindgen && stack("second").is_some_and(|second| second == stack("first").unwrap_or(0)) {
            let found = format!("__stack_alloc is {:#x} in both", stack("second").unwrap_or(0));
            self.refute_tls(proof, "two threads of NAME have one stack", found);
            return;
        }
        if own != wanted || own.abs_diff(first) < size || own == 0 {
            let found = format!("__tls_base is {first:#x} in the first thread, and {own:#x} in the second after {call}");
            self.refute_tls(proof, "a second thread of NAME has no thread-locals of its own", found);
        } else if tls["outside"] == true {
            self.refute_tls(
                proof,
                "setting up a second thread of NAME writes beyond its own thread-locals",
                format!("bytes around the {size} at {own:#x} have changed after {call}"),
            );
        } else if unwritten.is_some_and(|unwritten| unwritten > 0) {
            let unwritten = unwritten.unwrap_or(0);
            let found = format!("{} of {} at {own:#x} were not written by {call}", unwritten, bytes(size));
            self.refute_tls(proof, "a second thread of NAME begins without the first values of its thread-locals", found);
        } else if tls["wrong"].as_u64().is_some_and(|wrong| wrong > 0) {
            let wrong = tls["wrong"].as_u64().unwrap_or(0);
            let found = format!("{wrong} of {} at {own:#x} are not as in the module after {call}", bytes(size));
            self.refute_tls(proof, "a second thread of NAME begins without the first values of its thread-locals", found);
        } else {
            let values = if unwritten.is_some() { ", each with their first values" } else { "" };
            proof.proved.push(format!(
                "thread-locals: {} at {first:#x} in the first thread, at {own:#x} in the second{values}",
                bytes(size)
            ));
        }
    }

    fn refute_tls(&self, proof: &mut Proof, how: &str, found: String) {
        let (wanted, fix) = if self.plan.after_wasm_bindgen {
            ("a block of its own for every thread, filled from the module", RELINK.to_owned())
        } else {
            let own = "leave the definition of __wasm_init_tls to the linker: no symbol of one's own may have that name";
            ("__tls_base at the address that __wasm_init_tls was given, and the first values there", format!("{own}\n{RELINK}"))
        };
        let what = how.replace("NAME", self.name);
        proof.refuted.push(Finding::new(&REFUTED_BY_RUN, what, found, wanted, fix));
    }
}

fn full_name(import: &Import) -> String {
    format!("{}.{}", name_of(&import.module), name_of(&import.name))
}

fn segments(count: u64) -> String {
    if count == 1 { "1 segment more".to_owned() } else { format!("{count} segments more") }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}
