//! How grave a breach of each rule is: `--allow`, `--warn` and `--deny`, of which the last one wins.

use super::rule_name;
use wasm_threads::report::Finding;
use wasm_threads::rules::{self, Level, Rule};

/// All that was said of levels, in its order.
#[derive(Debug, Default)]
pub struct Levels {
    said: Vec<(Which, Option<Level>)>,
}

#[derive(Debug)]
enum Which {
    Rule(&'static Rule),
    Warnings,
}

impl Levels {
    /// Notes what one option says of a rule, or of `warnings`: all findings that are no errors.
    pub fn set(&mut self, option: &str, rule: &str) -> Result<(), String> {
        let level = match option {
            "--allow" => None,
            "--warn" => Some(Level::Warning),
            _ => Some(Level::Error),
        };
        let which = match rule_name::find(rule) {
            _ if rule == "warnings" => Which::Warnings,
            Ok(found) if found == &rules::UNREADABLE || found == &rules::NOT_RUN => {
                return Err(format!("{option} {rule}: what cannot be read or run cannot be decided, at any level"));
            }
            Ok(rule) => Which::Rule(rule),
            Err(problem) => return Err(format!("{option}: {problem}")),
        };
        self.said.push((which, level));
        Ok(())
    }

    /// The finding at the level that was asked for. None where it is allowed.
    pub fn apply(&self, mut finding: Finding) -> Option<Finding> {
        let own = finding.level;
        let is_for = |which: &Which| match which {
            Which::Rule(rule) => *rule == finding.rule,
            Which::Warnings => own == Level::Warning,
        };
        match self.said.iter().rev().find(|(which, _)| is_for(which)) {
            None => Some(finding),
            Some((_, None)) => None,
            Some((_, Some(level))) => {
                finding.level = *level;
                Some(finding)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_wins() {
        let mut levels = Levels::default();
        let finding = || Finding::new(&rules::MEMORY_NOT_SHARED, "a", "b", "c", "d");
        let level = |levels: &Levels, finding| levels.apply(finding).map(|finding| finding.level);
        assert_eq!(level(&levels, finding()), Some(Level::Error));
        let shared = rules::MEMORY_NOT_SHARED.id;
        levels.set("--allow", shared).expect("a rule");
        assert_eq!(level(&levels, finding()), None);
        levels.set("--warn", shared).expect("a rule");
        assert_eq!(level(&levels, finding()), Some(Level::Warning));
        levels.set("--deny", "warnings").expect("all of them");
        assert_eq!(level(&levels, finding()), Some(Level::Warning), "it was no warning of its own");
        let warning = || Finding { level: Level::Warning, ..finding() };
        assert_eq!(level(&levels, warning()), Some(Level::Error));
        levels.set("--allow", rules::UNREADABLE.id).expect_err("never");
        levels.set("--allow", "no-such-rule").expect_err("never");
    }
}
