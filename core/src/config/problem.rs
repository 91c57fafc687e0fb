//! What is wrong with a configuration, said so that the person who wrote it can put it right.
//!
//! All problems of all sources are collected and reported together: whoever mends a file should have to do it once.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Kind};

/// How much of a wrong value is shown.
const SHOWN: usize = 80;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file. Line and column count from 1.
    File {
        name: Arc<str>,
        line: u64,
        column: u64,
    },
    /// The environment variable of this name.
    Environment(Box<str>),
    /// An option of the command line or of the C library, by the name it has there.
    Option(Box<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Option(name) => write!(f, "option {name}"),
        }
    }
}

/// A value that cannot be used, or one that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands: `nats.hosts[0].port`; empty when the source as a whole cannot be read.
    pub key: String,
    /// The value as it was written; `None` for secrets, for long texts and when there is none.
    pub value: Option<String>,
    /// What is allowed, or what is wrong. A clause without a full stop.
    pub reason: String,
    /// `None` for something that is missing everywhere.
    pub origin: Option<Origin>,
}

impl Problem {
    /// A problem with no value to show.
    pub fn new(key: impl fmt::Display, reason: impl Into<String>, origin: Option<Origin>) -> Self {
        Self {
            key: key.to_string(),
            value: None,
            reason: reason.into(),
            origin,
        }
    }

    /// The same problem with the value that caused it. Never give it a secret.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(shown(value));
        self
    }
}

/// A value on one line, cut to a length that fits a log.
pub(crate) fn shown(value: &str) -> String {
    let mut text: String = value
        .chars()
        .take(SHOWN)
        .flat_map(|character| {
            if character.is_control() {
                character.escape_default().collect::<Vec<_>>()
            } else {
                vec![character]
            }
        })
        .collect();
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.reason)?;
        if let Some(value) = &self.value {
            write!(f, ", not `{value}`")?;
        }
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

/// All problems of a configuration, at least one, and the warnings: a mistyped key explains a missing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Problems {
    /// The problems with the warnings, or the warnings alone when there is no problem.
    ///
    /// # Errors
    /// The problems, if there are any.
    pub fn or_warnings(
        problems: Vec<Problem>,
        warnings: Vec<Warning>,
    ) -> Result<Vec<Warning>, Self> {
        if problems.is_empty() {
            Ok(warnings)
        } else {
            Err(Self { problems, warnings })
        }
    }

    /// The problems: those of shapes first, the others in the order of reading.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// The warnings that came up besides.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            warnings: Vec::new(),
        }
    }
}

impl fmt::Display for Problems {
    /// One problem a line, then the warnings, without a line feed at the end. Notes are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.iter().map(ToString::to_string);
        let warnings = self
            .warnings
            .iter()
            .filter(|warning| warning.severity == Severity::Warning);
        let lines: Vec<String> = problems
            .chain(warnings.map(|warning| format!("warning: {warning}")))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::new(Kind::Configuration, &problems)
    }
}

/// How much a [`Warning`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something works differently from what a reader of the file may think. Worth a line at level info.
    Note,
    /// Probably a mistake, or a risk.
    Warning,
}

/// Something to know about a configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub severity: Severity,
    pub key: String,
    /// A clause without a full stop; no secrets.
    pub message: String,
    pub origin: Option<Origin>,
}

impl From<Problem> for Warning {
    /// What is wrong, but not wrong enough to end.
    fn from(problem: Problem) -> Self {
        let Problem {
            key,
            reason,
            origin,
            ..
        } = problem;
        Self {
            severity: Severity::Warning,
            key,
            message: reason,
            origin,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.key, self.message)?;
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_key_reason_value_and_origin() {
        let file = Origin::File {
            name: "promfetch.yml".into(),
            line: 3,
            column: 25,
        };
        for (problem, text) in [
            (
                Problem::new(
                    "nats.hosts[0].port",
                    "expected a whole number from 1 to 65535",
                    Some(file),
                )
                .with_value("99999"),
                "`nats.hosts[0].port`: expected a whole number from 1 to 65535, not `99999` (promfetch.yml:3:25)",
            ),
            (
                Problem::new("targets[0].app", "is required", None),
                "`targets[0].app`: is required",
            ),
            (
                Problem::new(
                    "port",
                    "expected a number",
                    Some(Origin::Environment("PROMFETCH_PORT".into())),
                )
                .with_value("a\nb\u{1b}[0m"),
                "`port`: expected a number, not `a\\nb\\u{1b}[0m` (environment variable PROMFETCH_PORT)",
            ),
            (
                Problem::new("", "cannot be read", Some(Origin::Option("--port".into()))),
                "cannot be read (option --port)",
            ),
        ] {
            assert_eq!(problem.to_string(), text);
        }
        let long = Problem::new("a", "expected less", None)
            .with_value(&"ü".repeat(500))
            .to_string();
        assert!(
            long.chars().count() < 120 && long.ends_with("ü…`"),
            "{long}"
        );
    }

    #[test]
    fn problems_are_one_a_line_and_become_a_configuration_error() {
        assert_eq!(
            Problems::or_warnings(Vec::new(), Vec::new()),
            Ok(Vec::new())
        );
        let warning = Warning::from(Problem::new("c", "is no key", None));
        let note = Warning {
            severity: Severity::Note,
            ..warning.clone()
        };
        let both = vec![
            Problem::new("a", "is required", None),
            Problem::new("b", "is required", None),
        ];
        let problems = Problems::or_warnings(both, vec![note, warning]).unwrap_err();
        let text = "`a`: is required\n`b`: is required\nwarning: `c`: is no key";
        assert_eq!(problems.to_string(), text);
        assert_eq!((problems.iter().count(), problems.warnings().len()), (2, 2));
        let error = Error::from(problems);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (Kind::Configuration, text)
        );
    }
}
