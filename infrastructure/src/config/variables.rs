//! Reading variables one by one while collecting everything that is wrong and everything that may be shown.

use std::fmt;

use secrecy::SecretString;

/// A variable that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its name.
    pub variable: &'static str,
    /// What it should be, or what is wrong with it.
    pub expected: String,
    /// What it is; absent when it is missing or a secret.
    pub found: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.variable, self.expected)?;
        match &self.found {
            Some(found) => write!(formatter, " (it is {found:?})"),
            None => Ok(()),
        }
    }
}

/// A variable as `zsq config` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub name: &'static str,
    pub value: String,
}

const UNSET: &str = "(not set)";
const HIDDEN: &str = "(set, hidden)";

/// The variables of one start. An empty value counts as none, as in a `.env` file with nothing behind the `=`.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub problems: Vec<Problem>,
    pub shown: Vec<Shown>,
}

impl<'a> Variables<'a> {
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new(), shown: Vec::new() }
    }

    /// A value that may be missing.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.raw(name);
        self.show(name, found.clone().unwrap_or_else(|| UNSET.to_owned()));
        let found = found?;
        let parsed = parse(&found);
        if parsed.is_none() {
            self.refuse(name, format!("expected {expected}"), Some(found));
        }
        parsed
    }

    /// A value with a default, which must itself be right.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        default: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let found = self.raw(name);
        self.show(name, found.clone().unwrap_or_else(|| format!("{default} (default)")));
        if let Some(found) = found {
            match parse(&found) {
                Some(value) => return value,
                None => self.refuse(name, format!("expected {expected}"), Some(found)),
            }
        }
        // After a problem the value is never used: the start stops.
        parse(default).expect("every default in this folder is right: a test reads them all")
    }

    /// A text with a default.
    pub fn text(&mut self, name: &'static str, default: &str) -> String {
        self.or(name, default, "one line of at most 200 characters", line)
    }

    /// A text that may be missing.
    pub fn optional_text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name, "one line of at most 200 characters", line)
    }

    /// A secret that may be missing; never shown, not even when it is wrong.
    pub fn secret(
        &mut self,
        name: &'static str,
        expected: &str,
        is_right: impl FnOnce(&str) -> bool,
    ) -> Option<SecretString> {
        let found = self.raw(name);
        self.show(name, if found.is_some() { HIDDEN.to_owned() } else { UNSET.to_owned() });
        let found = found?;
        if !is_right(&found) {
            self.refuse(name, format!("expected {expected}"), None);
            return None;
        }
        Some(SecretString::from(found))
    }

    /// A secret that is shown in part.
    pub fn partly_secret(
        &mut self,
        name: &'static str,
        expected: &str,
        show: impl FnOnce(&str) -> Option<String>,
    ) -> Option<SecretString> {
        let Some(found) = self.raw(name) else {
            self.show(name, UNSET.to_owned());
            return None;
        };
        let Some(shown) = show(&found) else {
            self.show(name, HIDDEN.to_owned());
            self.refuse(name, format!("expected {expected}"), None);
            return None;
        };
        self.show(name, shown);
        Some(SecretString::from(found))
    }

    /// Notes that a variable is wrong.
    pub fn refuse(&mut self, variable: &'static str, expected: impl Into<String>, found: Option<String>) {
        self.problems.push(Problem { variable, expected: expected.into(), found });
    }

    fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn show(&mut self, name: &'static str, value: String) {
        self.shown.push(Shown { name, value });
    }
}

fn line(value: &str) -> Option<String> {
    (value.chars().count() <= 200 && !value.chars().any(char::is_control)).then(|| value.to_owned())
}
