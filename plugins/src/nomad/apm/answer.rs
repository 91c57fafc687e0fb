//! A query's value at each step, from what was recorded.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::span::Span;
use crate::nomad::history::{Tick, Window, millis};
use crate::nomad::promql::{Millis, Query, Series};
use crate::sample::LabelSet;

/// The samples of one series, ascending.
pub(super) type Samples = Vec<(Millis, f64)>;

/// Longest part of a query or of labels that messages repeat, in bytes.
const MAX_SHOWN: usize = 200;
/// Most samples of an answer.
const MAX_SAMPLES: usize = 1_000_000;

/// What a query came to.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The finite samples by series; a series may have none.
    pub(super) series: BTreeMap<LabelSet, Samples>,
    /// How many steps look back on what was recorded, and how many further.
    pub(super) covered: usize,
    pub(super) uncovered: usize,
    /// How many steps stand at a time when the page of an app could not be had.
    pub(super) unknown: usize,
    /// How many samples were no finite numbers.
    pub(super) dropped: usize,
}

/// What was recorded of one selector in all of its apps.
struct Recorded {
    range: Option<Duration>,
    since: Option<Millis>,
    /// By app: when it was fetched, and which of the series are its.
    apps: Vec<(Vec<Tick>, usize)>,
    /// All points of the series of instant selectors; each step sees one of them.
    points: Vec<Samples>,
}

/// Evaluates the query at each step of the span that the recorded windows cover, by selector and app.
///
/// # Errors
/// What Prometheus refuses too, too many samples, and when the deadline is over.
pub(super) fn answer(
    query: &Query,
    windows: Vec<Vec<Window>>,
    span: Span,
    step: Duration,
    deadline: Instant,
) -> Result<Answer, String> {
    let mut data = Vec::new();
    let mut recorded = Vec::new();
    for (selector, windows) in query.selectors().iter().zip(windows) {
        let (of_selector, series) = gather(selector.range, windows);
        recorded.push(of_selector);
        data.push(series);
    }
    // The first sample of a range need not stand at its beginning: Prometheus extrapolates over about one interval.
    let slack = millis(step) * 3 / 2;
    let mut answer = Answer::default();
    let mut samples = 0;
    for at in span.steps(step) {
        if Instant::now() > deadline {
            return Err("the query takes too long: add matchers, or take a shorter range or a longer `step`".into());
        }
        if !recorded.iter().all(|of| of.covers(at, slack)) {
            answer.uncovered += 1;
            continue;
        }
        if !recorded.iter().all(|of| of.is_known(at)) {
            answer.unknown += 1;
            continue;
        }
        answer.covered += 1;
        for (of, series) in recorded.iter().zip(&mut data) {
            of.show(at, series);
        }
        let values = query
            .evaluate(at, &data)
            .map_err(|error| error.to_string())?;
        samples += values.len();
        if samples > MAX_SAMPLES {
            return Err(format!(
                "the answer has more than {MAX_SAMPLES} samples: aggregate, or take a shorter `query_window`"
            ));
        }
        for (labels, value) in values {
            let series = answer.series.entry(labels).or_default();
            if value.is_finite() {
                series.push((at, value));
            } else {
                answer.dropped += 1;
            }
        }
    }
    Ok(answer)
}

fn gather(range: Option<Duration>, windows: Vec<Window>) -> (Recorded, Vec<Series>) {
    let mut series = Vec::new();
    let mut recorded = Recorded {
        range,
        since: None,
        apps: Vec::new(),
        points: Vec::new(),
    };
    for window in windows {
        // An app that came later began with nothing, as it does in Prometheus: the first one says since when this
        // is recorded.
        recorded.since = match (recorded.since, window.since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        recorded.apps.push((window.ticks, window.series.len()));
        series.extend(window.series);
    }
    if range.is_none() {
        recorded.points = series
            .iter_mut()
            .map(|series| std::mem::take(&mut series.points))
            .collect();
    }
    (recorded, series)
}

impl Recorded {
    /// Whether all that this step looks back on was recorded. A rate over the part of its range that is known would
    /// be too small, and an autoscaler that has just been started would take instances away.
    fn covers(&self, at: Millis, slack: Millis) -> bool {
        // Nothing to look at is no reason against: no app fits.
        if self.apps.is_empty() {
            return true;
        }
        let earliest = match self.range {
            Some(range) => at.saturating_sub(millis(range)).saturating_add(slack),
            None => at,
        };
        self.since.is_some_and(|since| earliest >= since)
    }

    /// Whether an instant selector has the last page of all of its apps: a sum without one of them would be too small,
    /// and an autoscaler would take instances away because promfetch, or an app, is away.
    fn is_known(&self, at: Millis) -> bool {
        self.range.is_some()
            || self
                .apps
                .iter()
                .all(|(ticks, _)| last(ticks, at).is_none_or(|tick| tick.ok))
    }

    /// Gives the series of an instant selector the one point that they have at this time. A series that was not on
    /// the last page before has none, where Prometheus would have a mark of staleness; nor has any when that page
    /// could not be fetched.
    fn show(&self, at: Millis, series: &mut [Series]) {
        if self.range.is_some() {
            return;
        }
        let mut of_app = series.iter_mut().zip(&self.points);
        for (ticks, number) in &self.apps {
            let seen = last(ticks, at).filter(|tick| tick.ok).map(|tick| tick.at);
            for (series, points) in of_app.by_ref().take(*number) {
                series.points.clear();
                let last = points[..points.partition_point(|(time, _)| *time <= at)].last();
                series
                    .points
                    .extend(last.filter(|(time, _)| Some(*time) == seen));
            }
        }
    }
}

/// The last fetch at this time or before.
fn last(ticks: &[Tick], at: Millis) -> Option<&Tick> {
    ticks[..ticks.partition_point(|tick| tick.at <= at)].last()
}

impl Answer {
    /// The series that have samples.
    ///
    /// # Errors
    /// When there would be some if their values were finite; and when there are several and only one is expected.
    pub(super) fn finish(self, text: &str, only_one: bool) -> Result<Vec<Samples>, String> {
        if only_one && self.series.len() > 1 {
            return Err(format!(
                "`{text}` has {} series, and only 1 is expected: aggregate them as in `sum(…)` or `avg(…)`, or add matchers",
                self.series.len()
            ));
        }
        let left = |samples: &Samples| !samples.is_empty();
        if self.dropped > 0 && !self.series.values().any(left) {
            let series = self.series.keys().next().map(braces);
            return Err(format!(
                "`{text}` has only values that are no finite numbers, in the series {}: is something divided by zero?",
                shown(&series.unwrap_or_default())
            ));
        }
        Ok(self.series.into_values().filter(left).collect())
    }
}

/// The text, or the beginning of a long one.
pub(super) fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(text.len().min(MAX_SHOWN));
    match &text[end..] {
        "" => text.to_owned(),
        _ => format!("{}…", &text[..end]),
    }
}

/// Labels as PromQL has them.
fn braces(labels: &LabelSet) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{comma}{name}={value:?}");
    }
    text + "}"
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
