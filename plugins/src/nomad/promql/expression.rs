//! What a query computes, as a tree.

use std::collections::BTreeSet;

/// A node of the tree. Selectors are numbers into those of the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Arithmetic between numbers alone is done while reading, so this is all there is of scalars.
    Number(f64),
    /// The newest sample of each series.
    Newest(usize),
    /// A function of the samples in the selector's range.
    Over(RangeFunction, usize),
    Aggregate(Aggregation, Grouping, Box<Expression>),
    Negative(Box<Expression>),
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RangeFunction {
    Rate,
    Increase,
    Delta,
    Average,
    Max,
    Min,
    Sum,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aggregation {
    Sum,
    Average,
    Min,
    Max,
    Count,
}

/// Which labels groups have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Grouping {
    By(BTreeSet<Box<str>>),
    Without(BTreeSet<Box<str>>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

impl Expression {
    /// Whether an aggregation is in it.
    pub(super) fn aggregates(&self) -> bool {
        match self {
            Self::Number(_) | Self::Newest(_) | Self::Over(..) => false,
            Self::Aggregate(..) => true,
            Self::Negative(inner) => inner.aggregates(),
            Self::Arithmetic(_, left, right) => left.aggregates() || right.aggregates(),
        }
    }
}

impl RangeFunction {
    pub(super) const NAMES: &str =
        "rate, increase, delta, avg_over_time, max_over_time, min_over_time, sum_over_time";

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "avg_over_time" => Self::Average,
            "max_over_time" => Self::Max,
            "min_over_time" => Self::Min,
            "sum_over_time" => Self::Sum,
            _ => return None,
        })
    }
}

impl Aggregation {
    pub(super) const NAMES: &str = "sum, avg, min, max, count";

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            _ => return None,
        })
    }
}

impl Grouping {
    pub(super) fn keeps(&self, label: &str) -> bool {
        match self {
            Self::By(labels) => labels.contains(label),
            Self::Without(labels) => !labels.contains(label),
        }
    }
}

impl Operator {
    pub(super) const SIGNS: &str = "+ - * / % ^";

    pub(super) fn of_sign(sign: &str) -> Option<Self> {
        Some(match sign {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            "^" => Self::Power,
            _ => return None,
        })
    }

    /// As IEEE 754 has it: a division by zero is infinite or NaN, a remainder has the sign of the left side.
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Remainder => left % right,
            Self::Power => left.powf(right),
        }
    }
}
