//! What is known of instances from page to page: counters to take rates of, and samples that Scope has not got yet.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use promfetch_core::selector::Selector;

use super::observed::{Key, MAX_SERIES, Names, Observed};
use super::rule::Rule;

/// How long an app whose page fails stays as it was last seen.
const KEPT: Duration = Duration::from_secs(60);
/// What Scope looks back: older samples are not worth sending.
const WINDOW: Duration = Duration::from_secs(15);
/// Two pages this near to each other make no rate: they may be the same one.
const TOO_NEAR: Duration = Duration::from_millis(200);

/// When a page came: by the clock of the world, for Scope, and by one that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall: SystemTime,
    pub(super) steady: Instant,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }
}

/// One instance.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) names: Names,
    pub(super) is_up: bool,
    pub(super) at: SystemTime,
    /// For each rule: samples that Scope has not got.
    pub(super) samples: Vec<Pending>,
    /// For each rule of a rate: the counters of the last page that had any, and when it came.
    counters: Vec<(Instant, HashMap<u64, f64>)>,
}

/// Samples in the order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) samples: Vec<(SystemTime, f64)>,
    /// How many of them are in the last report.
    written: usize,
}

#[derive(Debug)]
struct App {
    instances: BTreeMap<Key, Known>,
    seen: Instant,
}

/// All instances, by the selectors that found them.
#[derive(Debug)]
pub(super) struct Instances {
    rules: Vec<Rule>,
    apps: HashMap<Selector, App>,
    /// The highest value of each rule so far.
    highest: Vec<f64>,
}

impl Instances {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self {
            highest: vec![0.0; rules.len()],
            rules,
            apps: HashMap::new(),
        }
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The value at which Scope shows a node as full.
    pub(super) fn full(&self, place: usize) -> f64 {
        let highest = self.highest.get(place).copied().unwrap_or_default();
        match self.rules.get(place) {
            Some(rule) if rule.max.is_some() => rule.max.unwrap_or_default(),
            Some(rule) if rule.format == "percent" => 100.0,
            // Scope divides by it.
            _ if highest == 0.0 => 1.0,
            _ => highest,
        }
    }

    /// All instances in the order of their keys, each once, whatever selectors find it.
    pub(super) fn all(&self) -> BTreeMap<&Key, &Known> {
        self.apps.values().flat_map(|app| &app.instances).collect()
    }

    /// A page has come: its instances are what the selector finds now.
    pub(super) fn seen(
        &mut self,
        selector: Selector,
        page: BTreeMap<Key, Observed>,
        moment: Moment,
    ) {
        let mut before = self
            .apps
            .remove(&selector)
            .map(|app| app.instances)
            .unwrap_or_default();
        let instances = page
            .into_iter()
            .map(|(key, observed)| {
                let known = before.remove(&key);
                (key, self.follow(known, observed, moment))
            })
            .collect();
        let app = App {
            instances,
            seen: moment.steady,
        };
        self.apps.insert(selector, app);
    }

    fn follow(&mut self, known: Option<Known>, observed: Observed, moment: Moment) -> Known {
        let mut known = known.unwrap_or_else(|| Known {
            names: Names::default(),
            is_up: false,
            at: moment.wall,
            samples: vec![Pending::default(); self.rules.len()],
            counters: vec![(moment.steady, HashMap::new()); self.rules.len()],
        });
        known.names = observed.names;
        known.is_up = observed.is_up;
        known.at = moment.wall;
        let states = known.samples.iter_mut().zip(&mut known.counters);
        let rules = self.rules.iter().zip(&mut self.highest);
        for ((series, (pending, counters)), (rule, highest)) in
            observed.series.iter().zip(states).zip(rules)
        {
            // Scope wants samples in the order of time, whatever the clock does.
            let samples = &mut pending.samples;
            let is_later = samples.last().is_none_or(|(last, _)| *last < moment.wall);
            if let Some(value) = value(rule, series, counters, moment.steady)
                && is_later
            {
                samples.push((moment.wall, value));
                *highest = highest.max(value);
            }
        }
        known
    }

    /// No page has come. The app stays as it was for a while, unless it is known to be gone.
    pub(super) fn failed(&mut self, selector: &Selector, is_gone: bool, now: Instant) {
        if let Some(app) = self.apps.get(selector)
            && (is_gone || now.duration_since(app.seen) > KEPT)
        {
            self.apps.remove(selector);
        }
    }

    /// Only these are shown any more.
    pub(super) fn keep(&mut self, chosen: &HashSet<Selector>) {
        self.apps.retain(|selector, _| chosen.contains(selector));
    }

    /// Before a report is written: forgets samples that are too old for Scope, and those of the last report if Scope
    /// has got it.
    pub(super) fn forget_samples(&mut self, is_sent: bool, now: SystemTime) {
        let is_fresh = |at: SystemTime| now.duration_since(at).unwrap_or_default() <= WINDOW;
        for pending in self.pending() {
            if is_sent {
                pending.samples.drain(..pending.written);
            }
            pending.samples.retain(|(at, _)| is_fresh(*at));
            pending.written = pending.samples.len();
        }
    }

    fn pending(&mut self) -> impl Iterator<Item = &mut Pending> {
        let instances = self
            .apps
            .values_mut()
            .flat_map(|app| app.instances.values_mut());
        instances.flat_map(|known| &mut known.samples)
    }
}

/// The value of a rule on this page.
fn value(
    rule: &Rule,
    series: &[(u64, f64)],
    (counted, counters): &mut (Instant, HashMap<u64, f64>),
    now: Instant,
) -> Option<f64> {
    if series.is_empty() || series.len() > MAX_SERIES {
        return None;
    }
    if !rule.is_rate {
        return rule.aggregate(series.iter().map(|(_, value)| *value));
    }
    let passed = now.duration_since(*counted);
    if !counters.is_empty() && passed < TOO_NEAR {
        return None;
    }
    let before = std::mem::take(counters);
    counters.extend(series.iter().copied());
    *counted = now;
    // One that was not there before has grown by nobody knows how much.
    let rates = series.iter().filter_map(|(labels, value)| {
        let last = *before.get(labels)?;
        let increase = if *value < last { *value } else { value - last };
        Some(increase / passed.as_secs_f64())
    });
    rule.aggregate(rates)
}

#[cfg(test)]
mod tests;
