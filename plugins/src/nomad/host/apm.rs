//! The services of a plugin with metrics, as its host asks them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::settings::{Plugin, Query};
use crate::nomad::go_plugin::client::{clean, told};
use crate::nomad::go_plugin::proto::hashicorp::nomad_autoscaler::plugins::apm::proto::v1 as apm;
use crate::nomad::go_plugin::proto::hashicorp::nomad_autoscaler::plugins::base::proto::v1 as base;
use crate::nomad::go_plugin::proto::hashicorp::nomad_autoscaler::plugins::shared::proto::v1::{
    TimeRange, TimestampedMetric,
};

use apm::apm_plugin_service_client::ApmPluginServiceClient;
use base::base_plugin_service_client::BasePluginServiceClient;

/// Largest answer, in bytes: about 300,000 samples, of which one is wanted.
const MAX_ANSWER: usize = 8 << 20;

/// A sample of a plugin's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Never NaN, nor infinite.
    pub(super) value: f64,
    /// Seconds since 1970.
    pub(super) time: f64,
}

/// The services of one plugin.
#[derive(Clone, Debug)]
pub(super) struct Apm {
    base: BasePluginServiceClient<Channel>,
    apm: ApmPluginServiceClient<Channel>,
}

impl Apm {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            base: BasePluginServiceClient::new(channel.clone()),
            apm: ApmPluginServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER),
        }
    }

    /// Asks what the plugin is, and gives it its configuration.
    ///
    /// # Errors
    /// A clause, when it is another one, or refuses the configuration.
    pub(super) async fn set_up(&mut self, plugin: &Plugin, limit: Duration) -> Result<(), String> {
        let info = answer(
            limit,
            "PluginInfo",
            self.base.plugin_info(base::PluginInfoRequest {}),
        )
        .await?;
        if info.r#type() != base::PluginType::Apm {
            return Err(format!(
                "it is no source of metrics (APM): it says that its type is {}",
                base::PluginType::try_from(info.r#type)
                    .map_or("unknown", |known| known.as_str_name())
            ));
        }
        let name = plugin.driver.strip_suffix(".exe").unwrap_or(&plugin.driver);
        if info.name != name {
            return Err(format!(
                "it calls itself `{}`, so its file must have that name and not `{name}`, as for the autoscaler's agent",
                clean(&info.name)
            ));
        }
        let config: HashMap<String, String> = plugin
            .config
            .iter()
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect();
        let request = base::SetConfigRequest { config };
        let set = answer(limit, "SetConfig", self.base.set_config(request)).await;
        set.map(drop)
            .map_err(|error| format!("it refuses its configuration: {error}"))
    }

    /// The last sample that a query has.
    ///
    /// # Errors
    /// A clause, when there is none.
    pub(super) async fn query(&mut self, query: &Query, limit: Duration) -> Result<Sample, String> {
        let request = apm::QueryRequest {
            query: query.query.clone(),
            time_range: Some(range(query, SystemTime::now())),
        };
        let answer = answer(limit, "Query", self.apm.query(request)).await?;
        last(&answer.timestamped_metric)
    }
}

/// Waits for an answer, and no longer.
async fn answer<T>(
    limit: Duration,
    call: &str,
    answer: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, String> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) if status.code() == Code::Unimplemented => Err(format!(
            "it does not know the call {call}, so it is no plugin with metrics"
        )),
        Ok(Err(status)) => Err(told(&status)),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

/// From when to when a query asks.
fn range(query: &Query, now: SystemTime) -> TimeRange {
    let to = now.checked_sub(query.offset).unwrap_or(UNIX_EPOCH);
    let from = to.checked_sub(query.window).unwrap_or(UNIX_EPOCH);
    TimeRange {
        to: Some(Timestamp::from(to)),
        from: Some(Timestamp::from(from)),
    }
}

/// The last of the samples that are numbers and have a time. They come in any order; of two of the same time the
/// latter counts.
fn last(samples: &[TimestampedMetric]) -> Result<Sample, String> {
    let good = samples.iter().filter_map(|sample| {
        let time = sample
            .timestamp
            .filter(|time| (0..1_000_000_000).contains(&time.nanos))?;
        sample.value.is_finite().then_some((time, sample.value))
    });
    match good.max_by_key(|(time, _)| (time.seconds, time.nanos)) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the text format has floats alone"
        )]
        Some((time, value)) => Ok(Sample {
            value,
            time: time.seconds as f64 + f64::from(time.nanos) / 1e9,
        }),
        None if samples.is_empty() => Err("no samples in this time".into()),
        None => Err(format!(
            "{} samples, of which none is a number with a time",
            samples.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time: Option<(i64, i32)>, value: f64) -> TimestampedMetric {
        TimestampedMetric {
            timestamp: time.map(|(seconds, nanos)| Timestamp { seconds, nanos }),
            value,
        }
    }

    #[test]
    fn the_last_number_counts() {
        let at = |seconds| Some((seconds, 0));
        for (samples, expected, why) in [
            (
                vec![sample(at(1), 1.0), sample(at(2), 2.0)],
                Ok((2.0, 2.0)),
                "in order",
            ),
            (
                vec![sample(at(2), 2.0), sample(at(1), 1.0)],
                Ok((2.0, 2.0)),
                "backwards",
            ),
            (
                vec![sample(Some((1, 500_000_000)), 1.0), sample(at(1), 2.0)],
                Ok((1.0, 1.5)),
                "nanoseconds count",
            ),
            (
                vec![sample(at(1), 1.0), sample(at(1), 2.0)],
                Ok((2.0, 1.0)),
                "at the same time",
            ),
            (
                vec![sample(at(1), 1.0), sample(at(2), f64::NAN)],
                Ok((1.0, 1.0)),
                "NaN",
            ),
            (
                vec![sample(at(1), f64::INFINITY)],
                Err("1 samples"),
                "infinite",
            ),
            (vec![sample(None, 1.0)], Err("1 samples"), "without a time"),
            (
                vec![sample(Some((1, -1)), 1.0)],
                Err("1 samples"),
                "a time that is none",
            ),
            (vec![], Err("no samples"), "none"),
            (
                vec![sample(at(i64::MIN), -0.5)],
                Ok((-0.5, -9_223_372_036_854_775_808.0)),
                "long ago",
            ),
        ] {
            match (last(&samples), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!((found.value, found.time), expected, "{why}")
                }
                (Err(error), Err(told)) => assert!(error.contains(told), "{why}: {error}"),
                (found, _) => panic!("{why}: {found:?}"),
            }
        }
    }

    #[test]
    fn ranges_end_before_now() {
        let now = UNIX_EPOCH + Duration::from_millis(100_500);
        let seconds = |(window, offset)| {
            let query = Query {
                window: Duration::from_secs(window),
                offset: Duration::from_secs(offset),
                ..Query::default()
            };
            let range = range(&query, now);
            (range.from.unwrap().seconds, range.to.unwrap().seconds)
        };
        assert_eq!(seconds((60, 0)), (40, 100));
        assert_eq!(seconds((60, 10)), (30, 90));
        assert_eq!(seconds((0, 0)), (100, 100), "an instant");
    }
}
