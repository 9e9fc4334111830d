//! JSON, as far as it is written here.

use crate::report::Finding;
use crate::rules::Level;
use std::fmt::Write;

/// A value.
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is.
    Number(u128),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object, in this order.
    Object(Vec<(&'static str, Value)>),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// An array.
    pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Value::List(values.into_iter().collect())
    }

    /// `null` where there is none.
    pub fn or_null<T>(value: Option<T>, some: impl FnOnce(T) -> Value) -> Value {
        value.map_or(Value::Null, some)
    }

    /// In lines, for people too.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, to: &mut String, depth: usize) {
        match self {
            Value::Null => to.push_str("null"),
            Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => to.push_str(&number.to_string()),
            Value::Text(text) => quote(to, text),
            Value::List(values) => {
                let values: Vec<_> = values.iter().map(|value| (None, value)).collect();
                write_all(to, ['[', ']'], &values, depth);
            }
            Value::Object(members) => {
                let members: Vec<_> = members.iter().map(|(name, value)| (Some(*name), value)).collect();
                write_all(to, ['{', '}'], &members, depth);
            }
        }
    }
}

fn write_all(to: &mut String, [open, close]: [char; 2], members: &[(Option<&str>, &Value)], depth: usize) {
    to.push(open);
    for (index, (name, value)) in members.iter().enumerate() {
        to.push_str(if index == 0 { "\n" } else { ",\n" });
        to.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            quote(to, name);
            to.push_str(": ");
        }
        value.write(to, depth + 1);
    }
    if !members.is_empty() {
        to.push('\n');
        to.push_str(&"  ".repeat(depth));
    }
    to.push(close);
}

/// A string as JSON has it, and javascript too. All of it is ASCII, so that it can be shown on any terminal.
pub fn quote(to: &mut String, text: &str) {
    to.push('"');
    let mut last = ' ';
    for character in text.chars() {
        match character {
            '"' | '\\' => to.extend(['\\', character]),
            // GitHub's runner takes a printed line that has `##[` in it for a command.
            '#' if last == '#' => to.push_str("\\u0023"),
            ' '..='~' => to.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(to, "\\u{unit:04x}");
                }
            }
        }
        last = character;
    }
    to.push('"');
}

/// A finding, as `inspect` and `check` write it.
pub fn finding(finding: &Finding) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    Value::Object(vec![
        ("rule", Value::text(finding.rule.id)),
        ("level", Value::text(level)),
        ("what", Value::text(finding.what.as_str())),
        ("found", Value::text(finding.found.as_str())),
        ("wanted", Value::text(finding.wanted.as_str())),
        ("why", Value::text(finding.why.as_str())),
        ("fix", Value::text(finding.fix.as_str())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written() {
        let value = Value::Object(vec![
            ("none", Value::Null),
            ("empty", Value::list([])),
            ("all", Value::list([Value::Bool(true), Value::Number(1 << 64)])),
            ("text", Value::text("a\"\\\n\u{1b}\u{202e}\u{1f980}##[")),
        ]);
        let wanted = "{\n  \"none\": null,\n  \"empty\": [],\n  \"all\": [\n    true,\n    18446744073709551616\n  ],\n  \
                      \"text\": \"a\\\"\\\\\\u000a\\u001b\\u202e\\ud83e\\udd80#\\u0023[\"\n}";
        assert_eq!(value.lines(), wanted);
    }
}
