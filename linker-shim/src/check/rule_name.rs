//! A rule, by the name that was typed.

use wasm_threads::rules::{ALL, Rule};

/// The rule called `name`.
///
/// # Errors
///
/// That there is none, and which ones are called so nearly; where none is, all of them.
pub fn find(name: &str) -> Result<&'static Rule, String> {
    if let Some(rule) = Rule::by_id(name) {
        return Ok(rule);
    }
    let ids: Vec<&str> = ALL.iter().map(|rule| rule.id).collect();
    let mut near = similar::get_close_matches(name, &ids, 3, 0.7);
    if near.is_empty() {
        // A part of a name: `tls`, `memory`.
        near = ids.iter().copied().filter(|id| name.len() > 2 && id.contains(name)).collect();
    }
    Err(match near.as_slice() {
        [] => format!("there is no rule {name:?}; the rules are{}", lines(&ids)),
        near => format!("there is no rule {name:?}; near it: {}", near.join(", ")),
    })
}

/// The names in lines that a terminal has room for.
fn lines(names: &[&str]) -> String {
    const WIDTH: usize = 80;
    let mut text = String::new();
    let mut column = WIDTH;
    for name in names {
        if column + 1 + name.len() > WIDTH {
            text += "\n ";
            column = 1;
        }
        text.push(' ');
        text += name;
        column += 1 + name.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_threads::rules;

    #[test]
    fn what_was_meant() {
        assert_eq!(find("tls-init-wrapped"), Ok(&rules::TLS_INIT_WRAPPED));
        for (typed, meant) in [
            ("memory-not-share", "memory-not-shared"),
            ("memory_not_shared", "memory-not-shared"),
            ("active-data-segments", "active-data-segment"),
            ("tls", "tls-init-wrapped"),
            ("Unreadable", "unreadable"),
        ] {
            let problem = find(typed).expect_err(typed);
            assert!(problem.starts_with(&format!("there is no rule {typed:?}; near it: {meant}")), "{problem}");
            assert_eq!(problem.lines().count(), 1, "{problem}");
        }
        let problem = find("nothing").expect_err("no such rule");
        assert!(problem.lines().all(|line| line.len() <= 80) && problem.lines().count() <= 12, "{problem}");
        let named: Vec<&str> = problem.lines().skip(1).flat_map(str::split_whitespace).collect();
        assert_eq!(named, ALL.iter().map(|rule| rule.id).collect::<Vec<_>>());
        assert!(find("").is_err() && find("a").is_err());
    }
}
