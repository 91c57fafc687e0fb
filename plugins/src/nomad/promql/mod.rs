//! A subset of PromQL over the samples of merged pages, with the results that Prometheus 2.42 has.
//!
//! A [`Query`] says what it needs ([`Query::selectors`], [`Query::window`]) and computes its value at one time from
//! series that the caller has collected. There is no storage here and no clock.

use std::time::Duration;

use crate::sample::LabelSet;

mod aggregate;
mod evaluate;
mod expression;
mod matcher;
mod points;
mod problem;
mod read;
mod selector;
#[cfg(test)]
mod tests;

use evaluate::Evaluation;
use expression::Expression;
pub use matcher::Matcher;
pub use problem::{EvaluationError, Unsupported};

/// Milliseconds since 1970, as Prometheus counts.
pub type Millis = i64;

/// How old the newest sample of a series may be for a selector without a range to see it, inclusive.
pub const LOOK_BACK: Duration = Duration::from_secs(5 * 60);

/// The longest range of a selector.
pub const MAX_RANGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The value of a point that says: from here on the series was not there. It is the NaN that Prometheus writes, which
/// no page can hold. A selector without a range does not see a series whose newest point is this one; without it, the
/// series would stay for [`LOOK_BACK`]. Functions of a range pass it over.
pub const GONE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

fn is_gone(value: f64) -> bool {
    value.to_bits() == GONE.to_bits()
}

/// A query of the subset, ready to be computed as often as wanted.
#[derive(Clone, Debug)]
pub struct Query {
    expression: Expression,
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

impl Query {
    /// Reads a query. No text makes it panic, and its size, its patterns and its ranges are bounded.
    ///
    /// # Errors
    /// What is not PromQL, and what is not of the subset.
    pub fn parse(text: &str) -> Result<Query, Unsupported> {
        let (expression, selectors) = read::query(text)?;
        Ok(Query {
            expression,
            selectors,
        })
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

    /// The values at one time, in the order of their labels; `data[i]` has the series of `selectors()[i]`, quickest
    /// where they are in the order of their labels. Values are what Prometheus has, so they may be NaN and infinite.
    ///
    /// # Errors
    /// What Prometheus refuses too: several series under the same labels. And `data` that is not of this query.
    pub fn evaluate(
        &self,
        at: Millis,
        data: &[Vec<Series>],
    ) -> Result<Vec<(LabelSet, f64)>, EvaluationError> {
        let evaluation = Evaluation {
            at,
            selectors: &self.selectors,
            data,
        };
        let vector = evaluation.vector(&self.expression)?.into_iter();
        Ok(vector
            .map(|(labels, value)| (labels.into_owned(), value))
            .collect())
    }
}
