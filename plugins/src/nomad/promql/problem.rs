//! What is said of queries that cannot be answered.

use std::fmt;

/// The most characters of a query that a message repeats.
const MAX_QUOTED: usize = 100;

/// Why a text is no query of the subset: what is not supported, where, and what is.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsupported(String);

/// Why a query has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationError(pub(super) String);

impl Unsupported {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A construct that the subset does not have, the part of the query that has it, and the way out.
    pub(super) fn construct(
        construct: impl fmt::Display,
        part: impl fmt::Display,
        way_out: impl fmt::Display,
    ) -> Self {
        let part = quoted(&part.to_string());
        Self(format!(
            "{construct} is not supported, in {part}: {way_out}"
        ))
    }
}

/// A part of a query between backticks, not too long and on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.retain(|letter| !letter.is_control());
    format!("`{short}`")
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EvaluationError {}
