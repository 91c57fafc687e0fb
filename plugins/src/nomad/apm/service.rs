//! The gRPC services of the plugin, which hold what the last SetConfig said.

use std::sync::{Arc, PoisonError, RwLock};

use prost_types::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status};

use super::answer::Samples;
use super::plugin::{FAILED, Plugin};
use super::settings;
use super::span::Span;
use crate::nomad::go_plugin::proto::hashicorp::nomad_autoscaler::plugins::{apm, base, shared};
use crate::nomad::promql::Millis;

use apm::proto::v1::apm_plugin_service_server::ApmPluginService;
use apm::proto::v1::{QueryMultipleRequest, QueryMultipleResponse, QueryRequest, QueryResponse};
use base::proto::v1::base_plugin_service_server::BasePluginService;
use base::proto::v1::{
    PluginInfoRequest, PluginInfoResponse, PluginType, SetConfigRequest, SetConfigResponse,
};
use shared::proto::v1::{TimeRange, TimestampedMetric};

/// Both services. Cloning shares the configuration.
#[derive(Clone, Debug)]
pub(super) struct Service(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    plugin: RwLock<Option<Arc<Plugin>>>,
    shutdown: CancellationToken,
}

impl Service {
    pub(super) fn new(name: String, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            name,
            plugin: RwLock::default(),
            shutdown,
        }))
    }

    async fn ask(
        &self,
        text: String,
        range: Option<TimeRange>,
        only_one: bool,
    ) -> Result<Vec<Samples>, Status> {
        let plugin = self
            .0
            .plugin
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let plugin = plugin.ok_or_else(|| {
            failed("the plugin is not configured yet: SetConfig comes before Query")
        })?;
        let span = span(range).map_err(failed)?;
        // In a task of its own: whatever makes it panic costs this answer only.
        let asked = tokio::spawn(async move { plugin.query(&text, span, only_one).await });
        // It ends when its caller has gone.
        AbortOnDropHandle::new(asked)
            .await
            .map_err(|_| failed(FAILED))?
            .map_err(failed)
    }
}

#[tonic::async_trait]
impl BasePluginService for Service {
    async fn plugin_info(
        &self,
        _: Request<PluginInfoRequest>,
    ) -> Result<Response<PluginInfoResponse>, Status> {
        Ok(Response::new(PluginInfoResponse {
            name: self.0.name.clone(),
            r#type: PluginType::Apm.into(),
        }))
    }

    async fn set_config(
        &self,
        request: Request<SetConfigRequest>,
    ) -> Result<Response<SetConfigResponse>, Status> {
        let (settings, notes) = settings::read(request.into_inner().config).map_err(failed)?;
        for note in notes {
            tracing::warn!("{note}");
        }
        // A configuration that cannot be used leaves the one before in place.
        let plugin = Plugin::start(settings, self.0.shutdown.child_token()).map_err(failed)?;
        let before = self
            .0
            .plugin
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(Arc::new(plugin));
        if let Some(before) = before {
            before.stop();
        }
        tracing::debug!("configured");
        Ok(Response::new(SetConfigResponse {}))
    }
}

#[tonic::async_trait]
impl ApmPluginService for Service {
    async fn query(
        &self,
        request: Request<QueryRequest>,
    ) -> Result<Response<QueryResponse>, Status> {
        let QueryRequest { query, time_range } = request.into_inner();
        let series = self.ask(query, time_range, true).await?;
        let only = series.into_iter().next().unwrap_or_default();
        Ok(Response::new(response(&only)))
    }

    async fn query_multiple(
        &self,
        request: Request<QueryMultipleRequest>,
    ) -> Result<Response<QueryMultipleResponse>, Status> {
        let QueryMultipleRequest { query, time_range } = request.into_inner();
        let series = self.ask(query, time_range, false).await?;
        Ok(Response::new(QueryMultipleResponse {
            timestamped_metric: series.iter().map(response).collect(),
        }))
    }
}

/// As errors of Go plugins arrive: the agent logs the text.
fn failed(error: impl ToString) -> Status {
    Status::unknown(error.to_string())
}

fn span(range: Option<TimeRange>) -> Result<Span, String> {
    let missing = "the query says not of which time";
    let TimeRange { to, from } = range.ok_or(missing)?;
    let (from, to) = (from.ok_or(missing)?, to.ok_or(missing)?);
    Ok(Span {
        from: millis(&from),
        to: millis(&to),
    })
}

fn millis(time: &Timestamp) -> Millis {
    let millis = Millis::from(time.nanos) / 1_000_000;
    time.seconds.saturating_mul(1000).saturating_add(millis)
}

fn response(samples: &Samples) -> QueryResponse {
    let metric = |&(at, value): &(Millis, f64)| TimestampedMetric {
        timestamp: Some(Timestamp {
            seconds: at.div_euclid(1000),
            nanos: i32::try_from(at.rem_euclid(1000) * 1_000_000).unwrap_or_default(),
        }),
        value,
    };
    QueryResponse {
        timestamped_metric: samples.iter().map(metric).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        for at in [0, 1, 999, 1_700_000_000_123, -1] {
            let response = response(&vec![(at, 1.0)]);
            let time = response.timestamped_metric[0].timestamp.as_ref().unwrap();
            assert_eq!(millis(time), at);
            assert!((0..1_000_000_000).contains(&time.nanos));
        }
        let far = Timestamp {
            seconds: i64::MAX,
            nanos: i32::MAX,
        };
        assert_eq!(millis(&far), Millis::MAX, "no overflow");
        assert!(span(None).is_err());
        assert!(span(Some(TimeRange::default())).is_err());
    }
}
