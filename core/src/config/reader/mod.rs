//! Typed values out of texts. A [`Reader`] never stops at the first problem: it notes it, goes on with a stand-in,
//! and says everything at the end.

use std::cell::RefCell;
use std::time::Duration;

use ipnet::IpNet;

use super::Secret;
use super::kind::Value;
use super::path::{Path, Segment};
use super::problem::{Origin, Problem, Problems, Severity, Warning};
use super::table::{Fallback, Key, Shape, Table};
use super::values::{Node, Values, unknown};

/// Reads values by a table and collects what is wrong with them.
#[derive(Debug)]
pub struct Reader<'v> {
    table: &'v Table,
    values: &'v Values,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Warning>>,
}

/// A place in the configuration, from which keys are read by their names.
#[derive(Clone, Debug)]
pub struct At<'r> {
    reader: &'r Reader<'r>,
    path: Path,
}

impl<'v> Reader<'v> {
    /// A reader. Keys that the table does not know become warnings; values of the wrong shape, such as a list where
    /// a text belongs, become problems.
    pub fn new(table: &'v Table, values: &'v Values) -> Self {
        let reader = Self {
            table,
            values,
            problems: RefCell::default(),
            warnings: RefCell::default(),
        };
        reader.check_shapes();
        reader
    }

    /// The whole configuration.
    pub fn root(&self) -> At<'_> {
        At {
            reader: self,
            path: Path::root(),
        }
    }

    /// The warnings, or all problems if there are any.
    ///
    /// # Errors
    /// All problems found so far.
    pub fn finish(self) -> Result<Vec<Warning>, Problems> {
        match Problems::new(self.problems.into_inner()) {
            Some(problems) => Err(problems),
            None => Ok(self.warnings.into_inner()),
        }
    }

    fn check_shapes(&self) {
        let mut done: Option<Path> = None;
        for (path, entry) in self.values.iter() {
            if done.as_ref().is_some_and(|outer| path.is_within(outer)) {
                continue;
            }
            let expected = match (self.table.shape(path), &entry.node) {
                // A place for anchors, by the convention that Compose files have made known.
                (Shape::Unknown, _) if is_extension(path) => {
                    done = Some(path.clone());
                    continue;
                }
                (Shape::Unknown, _) => {
                    let Problem {
                        key,
                        reason,
                        origin,
                        ..
                    } = unknown(self.table, path, entry.origin.clone());
                    self.warnings.borrow_mut().push(Warning {
                        severity: Severity::Warning,
                        key,
                        message: reason,
                        origin,
                    });
                    done = Some(path.clone());
                    continue;
                }
                (_, Node::Null)
                | (Shape::Leaf(_), Node::Scalar(_))
                | (Shape::Values(_), Node::Scalar(_) | Node::List)
                | (Shape::Sections, Node::List)
                | (Shape::Section, Node::Section) => continue,
                (_, Node::Scalar(text)) if text.is_empty() => continue,
                (Shape::Leaf(key), _) => key.kind.describe(),
                (Shape::Values(key), _) => {
                    format!("a list; each element is {}", key.kind.describe())
                }
                (Shape::Sections, _) => "a list of sections".to_owned(),
                (Shape::Section, _) => "a section with keys of its own".to_owned(),
            };
            let found = match &entry.node {
                Node::List => "a list",
                Node::Section => "a section",
                _ => "a single value",
            };
            self.problem(Problem::new(
                path,
                format!("expected {expected}, not {found}"),
                Some(entry.origin.clone()),
            ));
            done = Some(path.clone());
        }
    }

    fn problem(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reads one text; a problem is noted and gives `None`.
    fn parse(&self, key: &Key, path: &Path, text: &str, origin: Option<&Origin>) -> Option<Value> {
        match key.kind.parse(text) {
            Ok(value) => {
                if let Some(message) = surprise(text, &value) {
                    self.warnings.borrow_mut().push(Warning {
                        severity: Severity::Warning,
                        key: path.to_string(),
                        message,
                        origin: origin.cloned(),
                    });
                }
                Some(value)
            }
            Err(reason) => {
                let problem = Problem::new(path, reason, origin.cloned());
                self.problem(if key.kind.is_shown() {
                    problem.with_value(text)
                } else {
                    problem
                });
                None
            }
        }
    }
}

impl<'r> At<'r> {
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
        self.section(key)
            .values(true)
            .into_iter()
            .filter_map(|value| {
                if let Value::Text(text) = value {
                    Some(text)
                } else {
                    None
                }
            })
            .collect()
    }

    /// The texts of a list here; a single text is one element, whatever it holds.
    pub fn whole_texts(&self) -> Vec<String> {
        self.values(false)
            .into_iter()
            .filter_map(|value| {
                if let Value::Text(text) = value {
                    Some(text)
                } else {
                    None
                }
            })
            .collect()
    }

    /// The address ranges of a list, or of one text with commas between them.
    pub fn networks(&self, key: &str) -> Vec<IpNet> {
        self.section(key)
            .values(true)
            .into_iter()
            .filter_map(|value| {
                if let Value::Network(network) = value {
                    Some(network)
                } else {
                    None
                }
            })
            .collect()
    }

    fn values(&self, split: bool) -> Vec<Value> {
        let Some(key) = self.reader.table.key(&self.path) else {
            return Vec::new();
        };
        if let Some((text, origin)) = self.given() {
            let texts: Vec<&str> = if split {
                text.split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                    .collect()
            } else {
                vec![text]
            };
            return texts
                .into_iter()
                .filter_map(|text| self.reader.parse(key, &self.path, text, Some(origin)))
                .collect();
        }
        self.children()
            .into_iter()
            .filter_map(|(_, at)| {
                at.given()
                    .and_then(|(text, origin)| self.reader.parse(key, &at.path, text, Some(origin)))
            })
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
        self.reader.warnings.borrow_mut().push(Warning {
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

/// What Go's rules make of a text that most people mean differently.
fn surprise(text: &str, value: &Value) -> Option<String> {
    let text = text.trim();
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::Integer(number) if is_digits && text.len() > 1 && text.starts_with('0') => Some(
            format!("`{text}` is {number}: a number with a leading zero is octal, as in Go"),
        ),
        // Below a millisecond nobody means nanoseconds.
        Value::Duration(time) if is_digits && !time.is_zero() && time.as_nanos() < 1_000_000 => {
            Some(format!(
                "`{text}` is {text}ns: a number without a unit counts nanoseconds, as in Go"
            ))
        }
        _ => None,
    }
}

/// Whether this is a key of the top that begins with `x-`.
fn is_extension(path: &Path) -> bool {
    matches!(path.segments(), [Segment::Key(key)] if key.starts_with("x-"))
}

#[cfg(test)]
mod tests;
