//! `_created`: when a counter, histogram or summary began. OpenMetrics has a sample for it, protobuf a field, and
//! clients that write text have a gauge family of their own.

use hashbrown::HashSet;

use super::flat::{Family, Number, Sample, Time};
use super::groups::{Numbered, hash_of, metrics};

/// Whether each sample of the gauge family tells of one metric of the other family, at the same moment.
pub(super) fn belongs(family: &Family<'_>, gauge: &Family<'_>) -> bool {
    let key = |sample: &Sample<'_>| {
        let time = sample.time.map(|time| time.order());
        (hash_of(&sample.labels), time)
    };
    let wholes: HashSet<_> = family.samples.iter().map(key).collect();
    let mut seen = HashSet::new();
    !gauge.samples.is_empty()
        && gauge.samples.iter().all(|sample| {
            let key = key(sample);
            wholes.contains(&key) && seen.insert(key)
        })
}

/// Whether messages can tell when their metrics began: samples are arranged by message.
pub(super) fn can_fold(samples: &[Numbered<'_>]) -> bool {
    metrics(samples).all(|metric| {
        let (created, others): (Vec<_>, Vec<_>) = metric
            .iter()
            .map(|(_, sample)| sample)
            .partition(|sample| sample.suffix == "_created");
        match created[..] {
            [] => true,
            [one] => {
                let totals = others.iter().filter(|sample| sample.suffix == "_total");
                moment(one.value).is_some() && !others.is_empty() && totals.count() <= 1
            }
            _ => false,
        }
    })
}

/// The moment that such a sample tells, if it is one from 1970 on.
pub(super) fn moment(value: Number<'_>) -> Option<(i64, u32)> {
    match value {
        Number::Text(text) => Time::Seconds(text).exact(),
        Number::Seconds(seconds, nanos) => Some((seconds, nanos)),
        other => {
            let mut text = Vec::new();
            other.write(&mut text);
            Time::Seconds(std::str::from_utf8(&text).ok()?).exact()
        }
    }
}
