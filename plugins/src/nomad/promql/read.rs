//! Queries: from text to an expression of the subset.

use std::panic::catch_unwind;

use promql_parser::label::METRIC_NAME;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, parse,
};

use super::expression::{Aggregation, Expression, Grouping, Operator, RangeFunction};
use super::problem::{Unsupported, quoted};
use super::{VectorSelector, selector};

/// The most bytes of a query.
const MAX_LENGTH: usize = 4096;

/// The most selectors of a query: each needs a history.
const MAX_SELECTORS: usize = 16;

/// The most patterns: the parser lets each of them take 10 MiB.
const MAX_PATTERNS: usize = 16;

/// The most levels of parentheses and operators.
const MAX_DEPTH: usize = 64;

/// Reads a whole query, which has at least one selector.
pub(super) fn query(text: &str) -> Result<(Expression, Vec<VectorSelector>), Unsupported> {
    if text.len() > MAX_LENGTH {
        return Err(Unsupported::new(format!(
            "the query has {} bytes, and {MAX_LENGTH} are the most: split it, or use patterns",
            text.len()
        )));
    }
    if text.matches('~').count() > MAX_PATTERNS {
        return Err(Unsupported::new(format!(
            "the query has more than {MAX_PATTERNS} patterns: put them together, as in a=~\"x|y\""
        )));
    }
    let mut reader = Reader::default();
    let expression = match short_form(text) {
        Some((aggregation, selector)) => {
            let tree = tree(selector)?;
            if !matches!(tree, Expr::VectorSelector(_)) {
                return Err(Unsupported::construct(
                    "more than a selector after the short form",
                    text.trim(),
                    "write the aggregation with parentheses, as in avg(requests) * 2",
                ));
            }
            let selector = reader.expression(&tree, 0)?;
            Expression::Aggregate(aggregation, Grouping::By([].into()), selector.into())
        }
        None => reader.expression(&tree(text)?, 0)?,
    };
    if reader.selectors.is_empty() {
        return Err(Unsupported::construct(
            "a query without a metric",
            text.trim(),
            "name one, as in avg(requests)",
        ));
    }
    Ok((expression, reader.selectors))
}

/// `avg:requests{…}`, which stands for `avg(requests{…})`.
fn short_form(text: &str) -> Option<(Aggregation, &str)> {
    let (aggregation, selector) = text.trim_start().split_once(':')?;
    Some((Aggregation::of_name(aggregation)?, selector))
}

fn tree(text: &str) -> Result<Expr, Unsupported> {
    // The parser panics at ranges like [1e99] and [-1], which it takes for seconds.
    let tree = catch_unwind(|| parse(text))
        .unwrap_or_else(|_| Err("write durations as whole numbers with units, as in [5m]".into()));
    tree.map_err(|problem| {
        // Prometheus reads any backslash between backticks, the parser does not.
        let way_out = if text.contains('\\') {
            "; between double quotes a backslash is written twice"
        } else {
            ""
        };
        Unsupported::new(format!(
            "{} is no PromQL: {problem}{way_out}",
            quoted(text.trim())
        ))
    })
}

#[derive(Default)]
struct Reader {
    selectors: Vec<VectorSelector>,
}

impl Reader {
    fn expression(&mut self, tree: &Expr, depth: usize) -> Result<Expression, Unsupported> {
        if depth > MAX_DEPTH {
            return Err(Unsupported::new(format!(
                "the query has more than {MAX_DEPTH} levels of parentheses and operators: simplify it"
            )));
        }
        let refuse =
            |construct: &str, way_out: &str| Err(Unsupported::construct(construct, tree, way_out));
        match tree {
            Expr::NumberLiteral(number) => Ok(Expression::Number(number.val)),
            Expr::Paren(inner) => self.expression(&inner.expr, depth + 1),
            Expr::Unary(inner) => Ok(match self.expression(&inner.expr, depth + 1)? {
                Expression::Number(number) => Expression::Number(-number),
                inner => Expression::Negative(inner.into()),
            }),
            Expr::VectorSelector(parsed) => self
                .add(selector::read(parsed, None)?)
                .map(Expression::Newest),
            Expr::Call(call) => self.call(call, tree),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, tree, depth),
            Expr::Binary(binary) => self.binary(binary, tree, depth),
            Expr::MatrixSelector(_) => refuse(
                "a range without a function",
                &format!("the functions are {}", RangeFunction::NAMES),
            ),
            Expr::Subquery(_) => refuse("a subquery", "ranges stand behind selectors alone"),
            Expr::StringLiteral(_) => refuse("a text", "only numbers are computed with"),
            Expr::Extension(_) => refuse("this", "it is no part of PromQL"),
        }
    }

    fn add(&mut self, selector: VectorSelector) -> Result<usize, Unsupported> {
        let number = self.selectors.len();
        if number == MAX_SELECTORS {
            return Err(Unsupported::new(format!(
                "the query has more than {MAX_SELECTORS} selectors: split it"
            )));
        }
        self.selectors.push(selector);
        Ok(number)
    }

    fn call(&mut self, call: &Call, tree: &Expr) -> Result<Expression, Unsupported> {
        let Some(function) = RangeFunction::of_name(call.func.name) else {
            return Err(Unsupported::construct(
                format!("the function `{}`", call.func.name),
                tree,
                format!("the functions are {}", RangeFunction::NAMES),
            ));
        };
        // The parser has seen to it that there is one range.
        let argument = call
            .args
            .args
            .first()
            .map(|argument| within_parentheses(argument));
        let Some(Expr::MatrixSelector(parsed)) = argument else {
            return Err(Unsupported::construct(
                "a subquery",
                tree,
                "ranges stand behind selectors alone, as in rate(requests[5m])",
            ));
        };
        let selector = self.add(selector::read(&parsed.vs, Some(parsed.range))?)?;
        Ok(Expression::Over(function, selector))
    }

    fn aggregate(
        &mut self,
        aggregate: &AggregateExpr,
        tree: &Expr,
        depth: usize,
    ) -> Result<Expression, Unsupported> {
        let name = aggregate.op.to_string();
        let Some(aggregation) = Aggregation::of_name(&name) else {
            return Err(Unsupported::construct(
                format!("the aggregation `{name}`"),
                tree,
                format!("the aggregations are {}", Aggregation::NAMES),
            ));
        };
        let grouping = grouping(aggregate);
        let (Grouping::By(labels) | Grouping::Without(labels)) = &grouping;
        if labels.contains(METRIC_NAME) {
            return Err(Unsupported::construct(
                format!("`{METRIC_NAME}` as a label of groups"),
                tree,
                "leave it out, for a selector has one name",
            ));
        }
        let inner = self.expression(&aggregate.expr, depth + 1)?;
        if inner.aggregates() {
            return Err(Unsupported::construct(
                "an aggregation inside another",
                tree,
                "aggregate once",
            ));
        }
        Ok(Expression::Aggregate(aggregation, grouping, inner.into()))
    }

    fn binary(
        &mut self,
        binary: &BinaryExpr,
        tree: &Expr,
        depth: usize,
    ) -> Result<Expression, Unsupported> {
        let refuse =
            |construct: &str, way_out: &str| Err(Unsupported::construct(construct, tree, way_out));
        let sign = binary.op.to_string();
        let Some(operator) = Operator::of_sign(&sign) else {
            return refuse(
                &format!("the operator `{sign}`"),
                &format!("the operators are {}", Operator::SIGNS),
            );
        };
        if let Some(modifier) = &binary.modifier {
            if modifier.matching.is_some() {
                return refuse(
                    "`on` or `ignoring`",
                    "give both sides the same labels with `by`",
                );
            }
            if modifier.card != VectorMatchCardinality::OneToOne {
                return refuse(
                    "`group_left` or `group_right`",
                    "give both sides the same labels with `by`",
                );
            }
            if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
                return refuse("`fill`", "what has no partner is left out");
            }
        }
        let left = self.expression(&binary.lhs, depth + 1)?;
        let right = self.expression(&binary.rhs, depth + 1)?;
        Ok(match (left, right) {
            (Expression::Number(left), Expression::Number(right)) => {
                Expression::Number(operator.apply(left, right))
            }
            (left @ Expression::Number(_), right) | (left, right @ Expression::Number(_)) => {
                Expression::Arithmetic(operator, left.into(), right.into())
            }
            (left, right) if left.aggregates() && right.aggregates() => {
                Expression::Arithmetic(operator, left.into(), right.into())
            }
            _ => {
                return refuse(
                    "arithmetic between series that are not aggregated",
                    "aggregate both sides, as in sum(a) / sum(b)",
                );
            }
        })
    }
}

fn within_parentheses(mut tree: &Expr) -> &Expr {
    while let Expr::Paren(inner) = tree {
        tree = &inner.expr;
    }
    tree
}

fn grouping(aggregate: &AggregateExpr) -> Grouping {
    let set = |labels: &promql_parser::label::Labels| {
        labels
            .labels
            .iter()
            .map(|label| label.as_str().into())
            .collect()
    };
    match &aggregate.modifier {
        Some(LabelModifier::Include(labels)) => Grouping::By(set(labels)),
        Some(LabelModifier::Exclude(labels)) => Grouping::Without(set(labels)),
        None => Grouping::By([].into()),
    }
}
