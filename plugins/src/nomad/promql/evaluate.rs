//! The value of an expression at one time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::aggregate::aggregate;
use super::expression::{Expression, Operator};
use super::points;
use super::{EvaluationError, Millis, Series, VectorSelector};
use crate::sample::LabelSet;

/// Values by their labels, in the order of the labels. Labels with empty values are not there.
pub(super) type Vector<'d> = Vec<(Cow<'d, LabelSet>, f64)>;

/// What a part of a query is.
enum Value<'d> {
    Number(f64),
    Vector(Vector<'d>),
}

/// One time, and what is known of it.
pub(super) struct Evaluation<'d> {
    pub(super) at: Millis,
    pub(super) selectors: &'d [VectorSelector],
    pub(super) data: &'d [Vec<Series>],
}

impl<'d> Evaluation<'d> {
    /// The values of a whole query, which is never a number.
    pub(super) fn vector(&self, expression: &Expression) -> Result<Vector<'d>, EvaluationError> {
        Ok(match self.value(expression)? {
            Value::Vector(vector) => vector,
            Value::Number(number) => vec![(Cow::Owned(LabelSet::new()), number)],
        })
    }

    fn value(&self, expression: &Expression) -> Result<Value<'d>, EvaluationError> {
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Newest(selector) => {
                Value::Vector(self.select(*selector, |points, _| points::newest(points, self.at))?)
            }
            Expression::Over(function, selector) => {
                Value::Vector(self.select(*selector, |points, range| {
                    points::over(*function, points, self.at, range)
                })?)
            }
            Expression::Aggregate(aggregation, grouping, inner) => {
                Value::Vector(aggregate(*aggregation, grouping, self.vector(inner)?))
            }
            Expression::Negative(inner) => match self.value(inner)? {
                Value::Number(number) => Value::Number(-number),
                Value::Vector(vector) => Value::Vector(each(vector, |value| -value)),
            },
            Expression::Arithmetic(operator, left, right) => {
                match (self.value(left)?, self.value(right)?) {
                    (Value::Number(left), Value::Number(right)) => {
                        Value::Number(operator.apply(left, right))
                    }
                    (Value::Vector(left), Value::Number(right)) => {
                        Value::Vector(each(left, |left| operator.apply(left, right)))
                    }
                    (Value::Number(left), Value::Vector(right)) => {
                        Value::Vector(each(right, |right| operator.apply(left, right)))
                    }
                    (Value::Vector(left), Value::Vector(right)) => {
                        Value::Vector(one_to_one(*operator, left, &right))
                    }
                }
            }
        })
    }

    /// The series of a selector that have a value.
    fn select(
        &self,
        selector: usize,
        value: impl Fn(&[(Millis, f64)], Duration) -> Option<f64>,
    ) -> Result<Vector<'d>, EvaluationError> {
        let (Some(wanted), Some(series)) = (self.selectors.get(selector), self.data.get(selector))
        else {
            return Err(EvaluationError(format!(
                "the query has {} selectors, and there are series of {}",
                self.selectors.len(),
                self.data.len()
            )));
        };
        let range = wanted.range.unwrap_or_default();
        let mut vector: Vector<'d> = series
            .iter()
            .filter_map(|series| {
                Some((without_empty(&series.labels), value(&series.points, range)?))
            })
            .collect();
        // Sums of floats depend on the order, so it must not be that in which instances answered. It is Prometheus'.
        vector.sort_by(|(left, _), (right, _)| left.cmp(right));
        match vector.array_windows().find(|[a, b]| a.0 == b.0) {
            Some([(labels, _), _]) => Err(EvaluationError(format!(
                "several series of `{}` have the same labels: {{{}}}",
                wanted.name.as_deref().unwrap_or_default(),
                shown(labels)
            ))),
            None => Ok(vector),
        }
    }
}

/// As Prometheus has it, an empty label is no label.
fn without_empty(labels: &LabelSet) -> Cow<'_, LabelSet> {
    if labels.values().all(|value| !value.is_empty()) {
        return Cow::Borrowed(labels);
    }
    let full = labels.iter().filter(|(_, value)| !value.is_empty());
    Cow::Owned(
        full.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn each<'d>(mut vector: Vector<'d>, change: impl Fn(f64) -> f64) -> Vector<'d> {
    for (_, value) in &mut vector {
        *value = change(*value);
    }
    vector
}

/// Both sides are aggregates, whose labels are unique: what has no partner with equal labels is left out.
fn one_to_one<'d>(operator: Operator, left: Vector<'d>, right: &Vector<'_>) -> Vector<'d> {
    let right: BTreeMap<&LabelSet, f64> = right
        .iter()
        .map(|(labels, value)| (labels.as_ref(), *value))
        .collect();
    left.into_iter()
        .filter_map(|(labels, value)| {
            let partner = *right.get(labels.as_ref())?;
            Some((labels, operator.apply(value, partner)))
        })
        .collect()
}

/// As a query would write them.
fn shown(labels: &LabelSet) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    labels.join(",")
}
