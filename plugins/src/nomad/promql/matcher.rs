//! Matchers: what a selector asks of labels.

use regex::{Regex, RegexBuilder};

/// The most memory that one pattern may take once it is compiled, in bytes. Thousands of alternatives fit.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// What a selector asks of one label: `=`, `!=`, `=~` or `!~` and a value.
#[derive(Clone, Debug)]
pub struct Matcher {
    label: Box<str>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(Box<str>),
    NotEqual(Box<str>),
    Like(Regex),
    NotLike(Regex),
}

impl Matcher {
    pub(super) fn equal(label: &str, value: &str) -> Self {
        Self::new(label, Test::Equal(value.into()))
    }

    pub(super) fn not_equal(label: &str, value: &str) -> Self {
        Self::new(label, Test::NotEqual(value.into()))
    }

    /// The pattern is already one for the whole value.
    pub(super) fn like(label: &str, pattern: &Regex) -> Result<Self, regex::Error> {
        Ok(Self::new(label, Test::Like(bounded(pattern)?)))
    }

    /// The pattern is already one for the whole value.
    pub(super) fn not_like(label: &str, pattern: &Regex) -> Result<Self, regex::Error> {
        Ok(Self::new(label, Test::NotLike(bounded(pattern)?)))
    }

    fn new(label: &str, test: Test) -> Self {
        Self {
            label: label.into(),
            test,
        }
    }

    /// The name of the label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The only value that matches, if the matcher is `=`.
    pub fn exact(&self) -> Option<&str> {
        match &self.test {
            Test::Equal(value) => Some(value),
            _ => None,
        }
    }

    /// Whether a value of the label fits. A label that is not there has the value `""`.
    pub fn matches(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal(wanted) => **wanted == *value,
            Test::NotEqual(unwanted) => **unwanted != *value,
            Test::Like(pattern) => pattern.is_match(value),
            Test::NotLike(pattern) => !pattern.is_match(value),
        }
    }
}

/// The same pattern, if it is small. The parser takes ones of up to 10 MiB.
fn bounded(pattern: &Regex) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern.as_str())
        .size_limit(MAX_PATTERN_SIZE)
        .build()
}
