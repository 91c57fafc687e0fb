//! A subset of PromQL over the samples of merged pages, with the results that Prometheus 2.42 has.
//!
//! A [`Query`] says what it needs ([`Query::selectors`], [`Query::window`]) and computes its value at one time from
//! series that the caller has collected. There is no storage here and no clock.

use std::fmt;
use std::time::Duration;

use crate::sample::LabelSet;

mod matcher;

pub use matcher::Matcher;

/// Milliseconds since 1970, as Prometheus counts.
pub type Millis = i64;

/// How old the newest sample of a series may be for a selector without a range to see it, inclusive.
pub const LOOK_BACK: Duration = Duration::from_secs(5 * 60);

/// The longest range of a selector.
pub const MAX_RANGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A query of the subset, ready to be computed as often as wanted.
#[derive(Clone, Debug)]
pub struct Query {
    selectors: Vec<VectorSelector>,
}

/// One selector of a query: `name{matchers}` or `name{matchers}[range]`.
#[derive(Clone, Debug)]
pub struct VectorSelector {
    /// The metric's name. The subset asks for one in every selector.
    pub name: Option<Box<str>>,
    /// What is asked of labels other than the name. All must fit.
    pub matchers: Vec<Matcher>,
    /// `None`: the newest sample within [`LOOK_BACK`].
    pub range: Option<Duration>,
}

/// The samples of one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Without the metric's name. No two series of a selector have the same.
    pub labels: LabelSet,
    /// Times ascend strictly. Points before and after what an evaluation wants do no harm.
    pub points: Vec<(Millis, f64)>,
}

/// Why a text is no query of the subset: what is not supported, where, and what is.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsupported(String);

/// Why a query has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationError(String);

impl Query {
    /// Reads a query. No text makes it panic, and its size, its patterns and its ranges are bounded.
    ///
    /// # Errors
    /// What is not PromQL, and what is not of the subset.
    pub fn parse(text: &str) -> Result<Query, Unsupported> {
        Err(Unsupported(format!("`{text}` is not supported")))
    }

    /// Every selector of the query, in the order of the text.
    pub fn selectors(&self) -> &[VectorSelector] {
        &self.selectors
    }

    /// The longest range of the query. Zero if there is none: then an evaluation needs [`LOOK_BACK`].
    pub fn window(&self) -> Duration {
        let ranges = self.selectors.iter().filter_map(|selector| selector.range);
        ranges.max().unwrap_or_default()
    }

    /// The values at one time, in the order of their labels; `data[i]` has the series of `selectors()[i]`.
    /// They are what Prometheus has, so they may be NaN and infinite.
    ///
    /// # Errors
    /// What Prometheus refuses too: several series under the same labels.
    pub fn evaluate(
        &self,
        at: Millis,
        data: &[Vec<Series>],
    ) -> Result<Vec<(LabelSet, f64)>, EvaluationError> {
        Err(EvaluationError(format!(
            "no value at {at} of {} series",
            data.len()
        )))
    }
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
