//! Typed values out of texts. A [`Reader`] never stops at the first problem: it notes it, goes on with a stand-in,
//! and says everything at the end.

mod at;

use std::cell::{Cell, RefCell};

pub use at::At;

use super::kind::Value;
use super::path::{Path, Segment};
use super::problem::{Origin, Problem, Problems, Severity, Warning};
use super::table::{Key, Shape, Table};
use super::values::{Node, Values, unknown};

/// Problems, and warnings, that are kept: nobody reads more, and a list may have 100,000 elements that are all wrong.
const MOST: usize = 200;

/// Reads values by a table and collects what is wrong with them.
#[derive(Debug)]
pub struct Reader<'v> {
    table: &'v Table,
    values: &'v Values,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Warning>>,
    has_more: Cell<bool>,
}

impl<'v> Reader<'v> {
    /// A reader. Keys that the table does not know become warnings; values of the wrong shape, such as a list where
    /// a text belongs, become problems.
    pub fn new(table: &'v Table, values: &'v Values) -> Self {
        Self::with(table, values, false)
    }

    /// A reader for which keys that the table does not know are problems.
    pub fn strict(table: &'v Table, values: &'v Values) -> Self {
        Self::with(table, values, true)
    }

    fn with(table: &'v Table, values: &'v Values, is_strict: bool) -> Self {
        let reader = Self {
            table,
            values,
            problems: RefCell::default(),
            warnings: RefCell::default(),
            has_more: Cell::new(false),
        };
        reader.check_shapes(is_strict);
        reader
    }

    /// The whole configuration.
    pub fn root(&self) -> At<'_> {
        At::root(self)
    }

    /// The warnings, or all problems if there are any.
    ///
    /// # Errors
    /// All problems found so far, and the warnings with them.
    pub fn finish(self) -> Result<Vec<Warning>, Problems> {
        let mut problems = self.problems.into_inner();
        if self.has_more.get() {
            problems.push(Problem::new("", "there are more problems", None));
        }
        Problems::or_warnings(problems, self.warnings.into_inner())
    }

    fn check_shapes(&self, is_strict: bool) {
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
                    let unknown = unknown(self.table, path, entry.origin.clone());
                    if is_strict {
                        self.problem(unknown);
                    } else {
                        self.warning(unknown.into());
                    }
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

    /// Notes a problem; a key that is read twice has it once.
    fn problem(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.contains(&problem) {
            return;
        }
        if problems.len() < MOST {
            problems.push(problem);
        } else {
            self.has_more.set(true);
        }
    }

    fn warning(&self, warning: Warning) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MOST && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Reads one text; a problem is noted and gives `None`.
    fn parse(&self, key: &Key, path: &Path, text: &str, origin: Option<&Origin>) -> Option<Value> {
        match key.kind.parse(text) {
            Ok(value) => {
                if let Some(message) = surprise(text, &value) {
                    self.warning(Warning {
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
                // A host is shown, but not one with a login in front: `nats://user:password@host`.
                self.problem(if key.kind.is_shown() && !text.contains('@') {
                    problem.with_value(text)
                } else {
                    problem
                });
                None
            }
        }
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
