//! Rules by hand. The same rules against a real Prometheus: `tests/it/promql`.

mod aggregates;
mod documentation;
mod reading;
mod refused;
mod values;

use super::{Millis, Query, Series};

/// A time of many samples.
const NOW: Millis = 1_700_000_000_000;

/// A series with labels like `a=1 b=2` and values at seconds after [`NOW`].
fn series(labels: &str, points: &[(f64, f64)]) -> Series {
    Series {
        labels: labels
            .split_whitespace()
            .filter_map(|label| label.split_once('='))
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        points: points
            .iter()
            .map(|(seconds, value)| (NOW + (seconds * 1000.0) as Millis, *value))
            .collect(),
    }
}

/// The values now, as `a=1 b=2: 3`, one after the other. All selectors see the same series.
fn values(query: &str, series: &[Series]) -> Vec<String> {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let data = vec![series.to_vec(); query.selectors().len()];
    let values = query.evaluate(NOW, &data).expect("a value");
    let line = |(labels, value): (crate::sample::LabelSet, f64)| {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{}: {value}", labels.join(" "))
    };
    values.into_iter().map(line).collect()
}

/// The only value now of one series without labels. `None`: there is none.
fn value(query: &str, points: &[(f64, f64)]) -> Option<f64> {
    let values = values(query, &[series("", points)]);
    assert!(values.len() < 2, "{values:?}");
    let (_, value) = values.first()?.split_once(": ")?;
    Some(value.parse().expect("a number"))
}
