//! Samples by chance: the same for Prometheus and for us.

use promfetch_plugins::nomad::promql::{Millis, Series, VectorSelector};
use promfetch_tests::pages::Random;

/// When the history begins.
pub(super) const BEGIN: Millis = 1_700_000_000_000;

/// How long it is, in milliseconds: more than one of Prometheus' blocks.
pub(super) const LENGTH: Millis = 9_000_000;

/// Times are whole eighths of a second, for promtool makes floats of them and cuts off.
const TICK: Millis = 125;

const SPECIAL: [f64; 10] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    1e300,
    -1e300,
    1.7e308,
    5e-324,
    1e16,
    0.1,
];

/// All series, each with the name of its metric.
pub(super) struct History(pub(super) Vec<(&'static str, Series)>);

impl History {
    /// Three apps with instances that come and go, counters that begin anew, gaps, and values that are hard to add.
    pub(super) fn random(random: &mut Random) -> Self {
        let mut all = Vec::new();
        for (app, instances) in [("web", 4), ("api", 3), ("job", 1)] {
            for instance in 0..instances {
                let times = times(random);
                let mut add = |name, more: &[(&str, &str)], values: Vec<f64>| {
                    let index = instance.to_string();
                    let mut labels = vec![("app_name", app), ("instance_index", &index)];
                    if app != "api" {
                        labels.push(("zone", ["a", "b"][instance % 2]));
                    }
                    labels.extend_from_slice(more);
                    let labels = labels
                        .into_iter()
                        .map(|(name, value)| (name.into(), value.into()));
                    let series = Series {
                        labels: labels.collect(),
                        points: times.iter().copied().zip(values).collect(),
                    };
                    all.push((name, series));
                };
                add(
                    "requests_total",
                    &[("code", "200")],
                    counter(random, times.len()),
                );
                add(
                    "requests_total",
                    &[("code", "500")],
                    counter(random, times.len()),
                );
                add("seconds_sum", &[], counter(random, times.len()));
                add("seconds_count", &[], counter(random, times.len()));
                add("in_flight", &[], gauge(random, times.len(), 0));
                add("odd", &[], gauge(random, times.len(), 6));
            }
        }
        Self(all)
    }

    /// As OpenMetrics, which promtool takes.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for (name, series) in &self.0 {
            let labels = series.labels.iter();
            let labels: Vec<_> = labels
                .map(|(name, value)| format!("{name}=\"{value}\""))
                .collect();
            let labels = labels.join(",");
            for (time, value) in &series.points {
                let value = if value.is_finite() {
                    format!("{value:e}")
                } else {
                    value.to_string()
                };
                let time = *time as f64 / 1000.0;
                page.push_str(&format!("{name}{{{labels}}} {value} {time}\n"));
            }
        }
        page + "# EOF\n"
    }

    /// What a selector selects, in some order.
    pub(super) fn select(&self, selector: &VectorSelector, random: &mut Random) -> Vec<Series> {
        let mut selected: Vec<Series> = Vec::new();
        for (name, series) in &self.0 {
            let fits = selector.matchers.iter().all(|matcher| {
                let value = series.labels.get(matcher.label());
                matcher.matches(value.map_or("", |value| value))
            });
            if selector.name.as_deref() == Some(name) && fits {
                let at = random.below(selected.len() + 1);
                selected.insert(at, series.clone());
            }
        }
        selected
    }

    /// A time at which something may be: that of a sample, one beside it, one a range or the look-back later, or any.
    pub(super) fn time(&self, random: &mut Random) -> Millis {
        let (_, series) = &self.0[random.below(self.0.len())];
        let (sample, _) = series.points[random.below(series.points.len())];
        match random.below(6) {
            0 => sample,
            1 => sample + random.pick(&[-1, 1]),
            2 => sample + random.pick(&[59_999, 60_000, 60_001]),
            3 => sample + random.pick(&[299_999, 300_000, 300_001]),
            4 => BEGIN + LENGTH - random.below(60_000) as Millis,
            _ => BEGIN + random.below(LENGTH as usize) as Millis,
        }
    }
}

/// When an instance is scraped: about every ten seconds, or exactly; not all the time, and with gaps.
fn times(random: &mut Random) -> Vec<Millis> {
    let exact = random.once_in(2);
    let late = random.pick(&[0, 0, LENGTH / 3]);
    let early = random.pick(&[0, 0, LENGTH / 4]);
    let (mut time, end) = (BEGIN + late / 10_000 * 10_000, BEGIN + LENGTH - early);
    let mut times = Vec::new();
    while time < end {
        times.push(time);
        time += match random.below(60) {
            0 => 10_000 * (2 + random.below(60)) as Millis,
            _ if exact => 10_000,
            _ => TICK * (70 + random.below(20)) as Millis,
        };
    }
    times
}

/// Rises, stands still, and begins anew now and then: at zero, or above.
fn counter(random: &mut Random, length: usize) -> Vec<f64> {
    let mut value = random.pick(&[0.0, 0.0, 3.5, 1e6, 1e15]);
    let values = (0..length).map(|_| {
        value += random.pick(&[0.0, 1.0, 0.1, 17.0, 1234.567]);
        if random.once_in(80) {
            value = random.pick(&[0.0, 0.25, 2.0]);
        }
        value
    });
    values.collect()
}

/// Up and down around zero; one in so many is no common number.
fn gauge(random: &mut Random, length: usize, special: usize) -> Vec<f64> {
    let values = (0..length).map(|_| {
        if special > 0 && random.once_in(special) {
            random.pick(&SPECIAL)
        } else {
            random.below(2_000_000) as f64 / 1000.0 - 500.0
        }
    });
    values.collect()
}
