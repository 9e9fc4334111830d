//! The words after a command, as people type them: `--name value`, `--name=value`.

use std::ffi::{OsStr, OsString};

/// The words that are left.
pub struct Words<'a> {
    rest: &'a [OsString],
    last: Option<&'a OsString>,
    name: String,
    value: Option<String>,
}

impl<'a> Words<'a> {
    /// All of them.
    pub fn new(args: &'a [OsString]) -> Words<'a> {
        Words { rest: args, last: None, name: String::new(), value: None }
    }

    /// The next word, without what stands after `=` in an option.
    pub fn next_option(&mut self) -> Option<String> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.last = Some(first);
        let text = first.to_string_lossy().into_owned();
        self.value = None;
        self.name = text.clone();
        if text.starts_with("--")
            && let Some((name, value)) = text.split_once('=')
        {
            (self.name, self.value) = (name.to_owned(), Some(value.to_owned()));
        }
        Some(self.name.clone())
    }

    /// The word that came last, as it was typed.
    pub fn last(&self) -> Option<&'a OsString> {
        self.last
    }

    /// All words that are left.
    pub fn rest(&self) -> &'a [OsString] {
        self.rest
    }

    /// The value of the option that came last.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn value(&mut self) -> Result<OsString, String> {
        let value = match (self.value.take(), self.rest.split_first()) {
            (Some(value), _) => value.into(),
            (None, Some((first, rest))) => {
                self.rest = rest;
                first.clone()
            }
            (None, None) => OsString::new(),
        };
        if value.is_empty() { Err(format!("{} wants a value", self.name)) } else { Ok(value) }
    }

    /// The same, as text.
    ///
    /// # Errors
    ///
    /// That there is none, or that it is not text.
    pub fn text(&mut self) -> Result<String, String> {
        self.value()?.into_string().map_err(|value: OsString| {
            let value: &OsStr = &value;
            format!("{} {} is not text", self.name, value.display())
        })
    }

    /// Sets what has no value.
    ///
    /// # Errors
    ///
    /// That it was given one.
    pub fn flag(&mut self, set: &mut bool) -> Result<(), String> {
        *set = true;
        if self.value.is_some() { Err(format!("{} has no value", self.name)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings() {
        let args = ["--a=x=y", "--b", "z", "-n", "--n=1", "--c"].map(OsString::from);
        let mut words = Words::new(&args);
        let mut flag = false;
        assert_eq!((words.next_option().unwrap(), words.text()), ("--a".into(), Ok("x=y".into())));
        assert_eq!((words.next_option().unwrap(), words.text()), ("--b".into(), Ok("z".into())));
        assert_eq!((words.next_option().unwrap(), words.flag(&mut flag)), ("-n".into(), Ok(())));
        assert_eq!((words.next_option().unwrap(), words.flag(&mut flag)), ("--n".into(), Err("--n has no value".into())));
        assert_eq!((words.next_option().unwrap(), words.text()), ("--c".into(), Err("--c wants a value".into())));
        assert_eq!(words.next_option(), None);
    }
}
