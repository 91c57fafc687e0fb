//! The call metrics under promfetch's own names.

use std::fmt;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::Calls;
use super::tally::Tally;

/// Writes one value of a kind of calls.
type Write = fn(&mut Tally, MetricEncoder<'_>) -> fmt::Result;

/// Name, help, type and value.
const FAMILIES: [(&str, &str, MetricType, Write); 4] = [
    (
        "promfetch_calls_started",
        "Calls started, by part and call.",
        MetricType::Counter,
        |tally, mut encoder| encoder.encode_counter::<NoLabelSet, _, u64>(&tally.started, None),
    ),
    (
        "promfetch_call_duration_seconds",
        "Time that calls took.",
        MetricType::Histogram,
        |tally, mut encoder| {
            let buckets = tally.buckets();
            encoder.encode_histogram::<NoLabelSet>(tally.seconds, tally.ended, &buckets, None)
        },
    ),
    (
        "promfetch_call_last_duration_seconds",
        "Time that the latest call took.",
        MetricType::Gauge,
        |tally, mut encoder| encoder.encode_gauge(&tally.last),
    ),
    (
        "promfetch_calls_in_flight",
        "Calls started and not ended. After 2 minutes a call is lost, and no longer among them.",
        MetricType::Gauge,
        |tally, mut encoder| {
            let count = tally.in_flight(Instant::now());
            encoder.encode_gauge(&i64::try_from(count).unwrap_or(i64::MAX))
        },
    ),
];

/// The metrics of these calls.
#[derive(Debug)]
pub(super) struct OwnNames(pub(super) Calls);

impl Collector for OwnNames {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kinds = self.0.kinds();
        for (name, help, kind, write) in FAMILIES {
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for (labels, call) in &kinds {
                write(&mut call.lock(), family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}
