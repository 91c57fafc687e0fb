//! Selectors: from the parser's tree to ours.

use std::time::Duration;

use promql_parser::label::{METRIC_NAME, MatchOp, Matcher as Parsed};
use promql_parser::parser::VectorSelector as ParsedSelector;

use super::expression::Aggregation;
use super::matcher::Matcher;
use super::problem::{Unsupported, quoted};
use super::{MAX_RANGE, VectorSelector};

/// A selector with or without a range.
pub(super) fn read(
    parsed: &ParsedSelector,
    range: Option<Duration>,
) -> Result<VectorSelector, Unsupported> {
    let refuse =
        |construct: &str, way_out: &str| Err(Unsupported::construct(construct, parsed, way_out));
    if parsed.offset.is_some() {
        return refuse(
            "`offset`",
            "the autoscaler's `query_window_offset` does the same",
        );
    }
    if parsed.at.is_some() {
        return refuse(
            "`@`",
            "a query is computed at the times that the autoscaler asks for",
        );
    }
    if !parsed.matchers.or_matchers.is_empty() {
        return refuse(
            "`or` between matchers",
            "a pattern has alternatives, as in a=~\"x|y\"",
        );
    }
    let (names, matchers): (Vec<&Parsed>, Vec<&Parsed>) = parsed
        .matchers
        .matchers
        .iter()
        .partition(|matcher| matcher.name == METRIC_NAME);
    let name = match (&parsed.name, names.as_slice()) {
        (Some(name), _) if is_short_form(name) => {
            return refuse(
                "the short form inside a query",
                "write the aggregation with parentheses, as in avg(requests)",
            );
        }
        (Some(name), []) => name,
        (None, [only]) if only.op == MatchOp::Equal && !only.value.is_empty() => &only.value,
        _ => {
            return refuse(
                "a selector without the name of one metric",
                "begin it with the name, as in requests{app_name=\"web\"}",
            );
        }
    };
    Ok(VectorSelector {
        name: Some(name.as_str().into()),
        matchers: matchers
            .into_iter()
            .map(matcher)
            .collect::<Result<_, _>>()?,
        range: range.map(|range| bounded(parsed, range)).transpose()?,
    })
}

/// `avg:requests` is a name of PromQL, but nobody's metric.
fn is_short_form(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(aggregation, _)| Aggregation::of_name(aggregation).is_some())
}

fn matcher(parsed: &Parsed) -> Result<Matcher, Unsupported> {
    let (label, value) = (parsed.name.as_str(), parsed.value.as_str());
    match &parsed.op {
        MatchOp::Equal => Ok(Matcher::equal(label, value)),
        MatchOp::NotEqual => Ok(Matcher::not_equal(label, value)),
        MatchOp::Re(pattern) => Matcher::like(label, pattern),
        MatchOp::NotRe(pattern) => Matcher::not_like(label, pattern),
    }
    .map_err(|_| {
        let pattern = quoted(value);
        Unsupported::new(format!(
            "the pattern {pattern} for the label `{label}` is too large: it takes more than 1 MiB; repeat less in it"
        ))
    })
}

/// In whole milliseconds, for times have no more.
fn bounded(parsed: &ParsedSelector, range: Duration) -> Result<Duration, Unsupported> {
    let refuse = |construct: &str, way_out: &str| {
        let selector = format!("{parsed}[{range:?}]");
        Err(Unsupported::construct(construct, selector, way_out))
    };
    if range > MAX_RANGE {
        return refuse("a range above a day", "ask for 1d or less");
    }
    match range.as_millis().try_into() {
        Ok(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
        _ => refuse(
            "a range below a millisecond",
            "ask for a few samples' time, as in [1m]",
        ),
    }
}
