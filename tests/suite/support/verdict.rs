//! What `cargo wasm-threads check` says of files, against what it has to say.

use super::Run;
use super::link::cargo_wasm_threads;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file, and the right answer.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub file: PathBuf,
    pub abi: &'static str,
    pub stage: &'static str,
    /// The rules that it breaks, warnings too; none where it is threaded.
    pub breaks: Vec<&'static str>,
}

impl Verdict {
    /// What is wrong with the answer about this file.
    fn misjudged(&self, answer: &Value) -> Option<String> {
        let module = &answer["modules"][0];
        let findings = module["findings"].as_array().into_iter().flatten();
        let rules: Vec<&str> = findings.filter_map(|finding| finding["rule"].as_str()).collect();
        let right = answer["modules"].as_array().is_some_and(|modules| modules.len() == 1)
            && module["abi"] == self.abi
            && module["stage"] == self.stage
            && module["holds"] == self.breaks.is_empty()
            && rules == self.breaks;
        (!right).then(|| {
            let found = format!("{}, {}, {rules:?}", module["abi"], module["stage"]);
            let Verdict { file, abi, stage, breaks } = self;
            format!("{}\n  wanted: {abi}, {stage}, {breaks:?}\n  found:  {found}: {}", file.display(), module["findings"])
        })
    }
}

/// Fails unless every answer is right, and the exit status: 0 over all that are threaded, 1 over all others.
#[track_caller]
pub fn assert_all(verdicts: &[Verdict]) {
    for good in [true, false] {
        let wanted: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.breaks.is_empty() == good).collect();
        if wanted.is_empty() {
            continue;
        }
        let check = Run::new(cargo_wasm_threads()).words(["check", "--format", "json"]);
        let ran = check.words(wanted.iter().map(|verdict| &verdict.file)).run();
        let answer: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran:?}"));
        let files = answer["files"].as_array().expect("a list of files");
        assert_eq!(files.len(), wanted.len(), "{ran:?}");
        let answer = |file: &Path| files.iter().find(|answer| answer["path"] == file.to_string_lossy().as_ref());
        let answered = |file| answer(file).unwrap_or_else(|| panic!("no answer about {}\n{ran:?}", Path::display(file)));
        let wrong: Vec<String> = wanted.iter().filter_map(|wanted| wanted.misjudged(answered(&wanted.file))).collect();
        assert!(wrong.is_empty(), "{} of {} are judged wrongly:\n{}", wrong.len(), wanted.len(), wrong.join("\n"));
        assert_eq!(ran.code(), Some(i32::from(!good)), "{ran:?}");
    }
}

/// The same for one file as it was linked.
#[track_caller]
pub fn assert_linked(file: &Path, abi: &'static str, breaks: &[&'static str]) {
    assert_all(&[Verdict { file: file.to_owned(), abi, stage: "linked", breaks: breaks.to_vec() }]);
}
