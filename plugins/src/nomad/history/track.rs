//! What one selector has seen of one app: a ring of samples for each series.

use std::collections::{HashMap, VecDeque};
use std::mem::size_of;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Share;
use super::millis;
use crate::nomad::promql::{Millis, Series, VectorSelector};
use crate::sample::{LabelSet, Sample};

/// Most series of one selector in one app.
pub(super) const MAX_SERIES: usize = 10_000;
/// What a label costs beside its two texts, and a series beside its labels: tree, ring and table.
const LABEL_OVERHEAD: usize = 2 * size_of::<Box<str>>() + 16;
const SERIES_OVERHEAD: usize = 256;
/// How long a track that was too large is not tried again.
const PAUSE: Duration = Duration::from_secs(60);

type Point = (Millis, f64);

/// One fetch of the app's page, by the time of its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub at: Millis,
    /// Whether there was a page. If not, what earlier pages had is unknown from then on.
    pub ok: bool,
}

/// What was seen from a time on.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Nothing is missing from then on, but for what could not be fetched. `None` before the first page.
    pub since: Option<Millis>,
    pub ticks: Vec<Tick>,
    pub series: Vec<Series>,
    /// Why the last fetch gave no page, or that there was no such app.
    pub trouble: Option<String>,
}

/// A selector with what it has seen.
#[derive(Debug)]
pub(super) struct Track {
    wanted: VectorSelector,
    keep: Duration,
    asked: Instant,
    since: Option<Millis>,
    ticks: VecDeque<Tick>,
    series: HashMap<LabelSet, VecDeque<Point>>,
    share: Share,
    /// Why nothing is kept, and since when.
    overflow: Option<(Instant, String)>,
}

impl Track {
    pub(super) fn new(wanted: VectorSelector, share: Share) -> Self {
        Self {
            wanted,
            keep: Duration::ZERO,
            asked: Instant::now(),
            since: None,
            ticks: VecDeque::new(),
            series: HashMap::new(),
            share,
            overflow: None,
        }
    }

    /// Somebody asks: keep what this takes, for as long as anybody ever asked.
    pub(super) fn ask(&mut self, keep: Duration) -> Result<(), String> {
        self.asked = Instant::now();
        self.keep = self.keep.max(keep);
        match &self.overflow {
            Some((since, why)) if since.elapsed() < PAUSE => Err(why.clone()),
            _ => {
                self.overflow = None;
                Ok(())
            }
        }
    }

    pub(super) fn is_idle(&self, idle: Duration) -> bool {
        self.asked.elapsed() > idle
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.wanted.name.as_deref()
    }

    /// Whether a page was tried since the track began.
    pub(super) fn has_begun(&self) -> bool {
        !self.ticks.is_empty() || self.overflow.is_some()
    }

    /// Takes over what it wants of a page that was asked for at this time; `None` if there was none.
    pub(super) fn record(&mut self, at: Millis, page: Option<&[Sample]>) {
        if self.overflow.is_some() {
            return;
        }
        if let Some(last) = self.ticks.back()
            && at <= last.at
        {
            // The clock was set back. What is later than now cannot stay, and without it there is no telling what is
            // missing; but the same millisecond twice is nothing.
            if at == last.at {
                return;
            }
            self.clear();
        }
        self.ticks.push_back(Tick {
            at,
            ok: page.is_some(),
        });
        if let Some(samples) = page {
            self.since.get_or_insert(at);
            if let Err(why) = self.add(at, samples) {
                self.clear();
                self.overflow = Some((Instant::now(), why));
                return;
            }
        }
        self.forget(at.saturating_sub(millis(self.keep)));
    }

    fn add(&mut self, at: Millis, samples: &[Sample]) -> Result<(), String> {
        for sample in samples.iter().filter(|sample| fits(&self.wanted, sample)) {
            if !self.series.contains_key(&sample.labels) {
                if self.series.len() >= MAX_SERIES {
                    return Err(self.too_large(&format!("has more than {MAX_SERIES} series")));
                }
                if !self.share.take(cost(&sample.labels)) {
                    return Err(self.over_budget());
                }
                self.series.insert(sample.labels.clone(), VecDeque::new());
            }
            let Some(points) = self.series.get_mut(&sample.labels) else {
                continue;
            };
            // Merged pages have each series once.
            if points.back().is_some_and(|(last, _)| *last >= at) {
                continue;
            }
            let before = points.capacity();
            points.push_back((at, sample.value));
            let more = points.capacity().saturating_sub(before) * size_of::<Point>();
            if !self.share.take(more) {
                return Err(self.over_budget());
            }
        }
        Ok(())
    }

    fn over_budget(&self) -> String {
        let bytes = self.share.whole() >> 20;
        self.too_large(&format!(
            "and what other queries keep take more than {bytes} MiB"
        ))
    }

    fn too_large(&self, how: &str) -> String {
        let name = self.name().unwrap_or_default();
        format!(
            "the history of `{name}` {how}: add matchers, or take a shorter range or a longer `step`; it is tried again in {} s",
            PAUSE.as_secs()
        )
    }

    /// The last page at this time or before: what an instant selector sees then. Pages may take longer than a step.
    fn seen_at(&self, at: Millis) -> Millis {
        let later = self.ticks.partition_point(|tick| tick.at <= at);
        let seen = later.checked_sub(1).and_then(|last| self.ticks.get(last));
        seen.map_or(at, |tick| tick.at)
    }

    /// Drops what is not seen at this time and later.
    fn forget(&mut self, earliest: Millis) {
        let earliest = self.seen_at(earliest);
        while self.ticks.front().is_some_and(|tick| tick.at < earliest) {
            self.ticks.pop_front();
        }
        let share = &mut self.share;
        self.series.retain(|labels, points| {
            while points.front().is_some_and(|(at, _)| *at < earliest) {
                points.pop_front();
            }
            if points.is_empty() {
                share.give(cost(labels) + points.capacity() * size_of::<Point>());
            }
            !points.is_empty()
        });
        self.since = self.since.map(|since| since.max(earliest));
    }

    fn clear(&mut self) {
        self.since = None;
        self.ticks.clear();
        self.series.clear();
        self.share.give_all();
    }

    /// What is seen at this time and later.
    pub(super) fn window(&self, from: Millis, trouble: Option<String>) -> Result<Window, String> {
        let from = self.seen_at(from);
        if let Some((_, why)) = &self.overflow {
            return Err(why.clone());
        }
        let series = self.series.iter().filter_map(|(labels, points)| {
            let first = points.partition_point(|(at, _)| *at < from);
            (first < points.len()).then(|| Series {
                labels: labels.clone(),
                points: points.range(first..).copied().collect(),
            })
        });
        Ok(Window {
            since: self.since,
            ticks: self.ticks.iter().copied().collect(),
            series: series.collect(),
            trouble,
        })
    }
}

fn fits(wanted: &VectorSelector, sample: &Sample) -> bool {
    wanted.name.as_ref().is_none_or(|name| *name == sample.name)
        && wanted.matchers.iter().all(|matcher| {
            let value = match matcher.label() {
                "__name__" => Some(&sample.name),
                label => sample.labels.get(label),
            };
            matcher.matches(value.map_or("", |value| &**value))
        })
}

fn cost(labels: &LabelSet) -> usize {
    let labels: usize = labels
        .iter()
        .map(|(name, value)| name.len() + value.len() + LABEL_OVERHEAD)
        .sum();
    labels + SERIES_OVERHEAD
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
