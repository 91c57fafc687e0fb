//! A place in the configuration, and what can be read from there.

use std::time::Duration;

use ipnet::IpNet;

use super::Reader;
use crate::config::Secret;
use crate::config::kind::Value;
use crate::config::path::{Path, Segment};
use crate::config::problem::{Origin, Problem, Severity, Warning};
use crate::config::table::Fallback;
use crate::config::values::Node;

/// A place in the configuration, from which keys are read by their names.
#[derive(Clone, Debug)]
pub struct At<'r> {
    reader: &'r Reader<'r>,
    path: Path,
}

impl<'r> At<'r> {
    pub(super) fn root(reader: &'r Reader<'r>) -> Self {
        Self {
            reader,
            path: Path::root(),
        }
    }

    /// The place of a key of this section.
    #[must_use]
    pub fn section(&self, key: &str) -> At<'r> {
        At {
            reader: self.reader,
            path: self.path.key(key),
        }
    }

    /// The elements of a list of sections.
    pub fn sections(&self, key: &str) -> Vec<At<'r>> {
        let list = self.section(key);
        // An element that is no section has its problem already.
        let is_section = |at: &At<'_>| {
            let entry = self.reader.values.get(&at.path);
            entry.is_some_and(|entry| matches!(entry.node, Node::Section | Node::Null))
        };
        list.children()
            .into_iter()
            .map(|(_, at)| at)
            .filter(is_section)
            .collect()
    }

    /// The entries of a map with keys of the user's choice, in order of their keys.
    pub fn entries(&self, key: &str) -> Vec<(String, At<'r>)> {
        self.section(key)
            .children()
            .into_iter()
            .filter_map(|(segment, at)| {
                if let Segment::Key(name) = segment {
                    Some((name.into(), at))
                } else {
                    None
                }
            })
            .collect()
    }

    fn children(&self) -> Vec<(Segment, At<'r>)> {
        self.reader
            .values
            .children(&self.path)
            .map(|(segment, _)| {
                (
                    segment.clone(),
                    At {
                        reader: self.reader,
                        path: self.path.with(segment.clone()),
                    },
                )
            })
            .collect()
    }

    /// Whether a value is given for the key, or for anything inside it. Empty values count as absent.
    pub fn is_given(&self, key: &str) -> bool {
        self.reader.values.is_given(&self.path.key(key))
    }

    /// The text that is given here, with its origin.
    fn given(&self) -> Option<(&'r str, &'r Origin)> {
        match self.reader.values.get(&self.path) {
            Some(entry) => match &entry.node {
                Node::Scalar(text) if !text.is_empty() => Some((text, &entry.origin)),
                _ => None,
            },
            None => None,
        }
    }

    /// The value of a key: what is given, else its default. `None` when there is neither, or after a problem.
    fn value(&self, name: &str) -> Option<Value> {
        let at = self.section(name);
        let Some(key) = self.reader.table.key(&at.path) else {
            self.reader.problem(Problem::new(
                &at.path,
                "is missing in the table of keys: please report this as a bug",
                None,
            ));
            return None;
        };
        if let Some((text, origin)) = at.given() {
            return self.reader.parse(key, &at.path, text, Some(origin));
        }
        match key.default {
            Fallback::Value(text) => self.reader.parse(key, &at.path, text, None),
            Fallback::Empty | Fallback::Computed(_) => None,
            Fallback::Required => {
                // A list or section here has been reported for its shape.
                if !self
                    .reader
                    .values
                    .get(&at.path)
                    .is_some_and(|entry| matches!(entry.node, Node::List | Node::Section))
                {
                    at.problem("is required");
                }
                None
            }
        }
    }

    /// A text; empty when there is none.
    pub fn text(&self, key: &str) -> String {
        self.text_if_any(key).unwrap_or_default()
    }

    /// A text, if there is one.
    pub fn text_if_any(&self, key: &str) -> Option<String> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            Some(_) => self.wrong_kind(key),
            None => None,
        }
    }

    /// A secret; empty when there is none.
    pub fn secret(&self, key: &str) -> Secret {
        Secret(self.text(key))
    }

    /// A truth value.
    pub fn boolean(&self, key: &str) -> bool {
        match self.value(key) {
            Some(Value::Bool(value)) => value,
            Some(_) => self.wrong_kind(key),
            None => false,
        }
    }

    /// A whole number or a size.
    pub fn number<T: TryFrom<u64> + Default>(&self, key: &str) -> T {
        match self.value(key) {
            Some(Value::Integer(number)) => T::try_from(number).unwrap_or_else(|_| {
                self.section(key).problem("expected a smaller number");
                T::default()
            }),
            Some(_) => self.wrong_kind(key),
            None => T::default(),
        }
    }

    /// A number, if there is one.
    pub fn number_if_any<T: TryFrom<u64> + Default>(&self, key: &str) -> Option<T> {
        (self.is_given(key) || self.has_default(key)).then(|| self.number(key))
    }

    /// A duration, if there is one.
    pub fn duration_if_any(&self, key: &str) -> Option<Duration> {
        (self.is_given(key) || self.has_default(key)).then(|| self.duration(key))
    }

    /// A truth value, if there is one.
    pub fn boolean_if_any(&self, key: &str) -> Option<bool> {
        (self.is_given(key) || self.has_default(key)).then(|| self.boolean(key))
    }

    fn has_default(&self, key: &str) -> bool {
        self.reader
            .table
            .key(&self.path.key(key))
            .is_some_and(|key| matches!(key.default, Fallback::Value(_)))
    }

    /// A duration.
    pub fn duration(&self, key: &str) -> Duration {
        match self.value(key) {
            Some(Value::Duration(duration)) => duration,
            Some(_) => self.wrong_kind(key),
            None => Duration::ZERO,
        }
    }

    /// The texts of a list, or of one text with commas between them.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.section(key).values(true, as_text)
    }

    /// The texts of a list here; a single text is one element, whatever it holds.
    pub fn whole_texts(&self) -> Vec<String> {
        self.values(false, as_text)
    }

    /// The address ranges of a list, or of one text with commas between them.
    pub fn networks(&self, key: &str) -> Vec<IpNet> {
        self.section(key).values(true, |value| match value {
            Value::Network(network) => Some(network),
            _ => None,
        })
    }

    /// The good values of a list; those of another kind than the key's are left out.
    fn values<T>(&self, split: bool, of_kind: fn(Value) -> Option<T>) -> Vec<T> {
        let Some(key) = self.reader.table.key(&self.path) else {
            return Vec::new();
        };
        let parse = |path: &Path, text: &str, origin| {
            of_kind(self.reader.parse(key, path, text, Some(origin))?)
        };
        let Some((text, origin)) = self.given() else {
            return self
                .children()
                .into_iter()
                .filter_map(|(_, at)| {
                    at.given()
                        .and_then(|(text, origin)| parse(&at.path, text, origin))
                })
                .collect();
        };
        if !split {
            return parse(&self.path, text, origin).into_iter().collect();
        }
        text.split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .filter_map(|text| parse(&self.path, text, origin))
            .collect()
    }

    /// Notes a problem with the value here. The value is not shown.
    pub fn problem(&self, reason: impl Into<String>) {
        self.reader
            .problem(Problem::new(&self.path, reason, self.origin()));
    }

    /// Notes a warning about the value here.
    pub fn warn(&self, message: impl Into<String>) {
        self.say(Severity::Warning, message.into());
    }

    /// Notes something to know about the value here.
    pub fn note(&self, message: impl Into<String>) {
        self.say(Severity::Note, message.into());
    }

    fn say(&self, severity: Severity, message: String) {
        self.reader.warning(Warning {
            severity,
            key: self.path.to_string(),
            message,
            origin: self.origin(),
        });
    }

    /// Where the value here was written; for a missing one, where the section round it was.
    fn origin(&self) -> Option<Origin> {
        let mut path = Some(self.path.clone());
        while let Some(here) = path {
            if let Some(entry) = self.reader.values.get(&here) {
                return Some(entry.origin.clone());
            }
            path = here.parent();
        }
        None
    }

    /// The table gives the key another kind than the program reads: a mistake of ours, found by a test that reads all.
    fn wrong_kind<T: Default>(&self, key: &str) -> T {
        self.section(key)
            .problem("has another kind in the table of keys: please report this as a bug");
        T::default()
    }
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
