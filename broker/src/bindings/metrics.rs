//! What operators watch about the bindings.

use std::fmt;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::sync::Keeper;

/// Reads the figures when they are asked for.
impl Collector for Keeper {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.status();
        let is_up = status.read.is_some() && status.problem.is_none();
        for (name, help, value) in [
            (
                "promfetch_bindings",
                "Bindings that this process knows",
                i64::try_from(self.bindings().len()).unwrap_or(i64::MAX),
            ),
            (
                "promfetch_database_up",
                "1: the bindings could be read from the database at the last try",
                i64::from(is_up),
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }
        let Some(read) = status.read else {
            return Ok(());
        };
        let read = SystemTime::now().checked_sub(read.elapsed());
        let seconds = read
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map_or(0.0, |since| since.as_secs_f64());
        let metric = encoder.encode_descriptor(
            "promfetch_bindings_read_timestamp_seconds",
            "When the bindings were last read from the database",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(seconds).encode(metric)
    }
}
