//! Apps by discovery in this process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use prometheus_client::registry::Registry;
use promfetch_core::Error;
use promfetch_core::client::{Bound, Client, Query};
use promfetch_core::config::Config;
use promfetch_core::exposition::{Format, media};
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug)]
pub(super) struct Own(Client);

impl Own {
    pub(super) fn start(config: &Config, shutdown: CancellationToken) -> Result<Self, Error> {
        Client::start(config.clone(), &mut Registry::default(), shutdown).map(Self)
    }

    pub(super) fn apps(&self) -> Result<Vec<App>, Error> {
        self.0.check_complete()?;
        let apps = self.0.discovery().apps();
        Ok(apps.iter().map(|app| App::clone(app)).collect())
    }

    pub(super) async fn page(
        &self,
        selector: &Selector,
        timeout: Duration,
    ) -> Result<Bytes, Error> {
        let bound = Arc::new(Bound::default());
        let located = self.0.locate(selector, None, &bound)?;
        let query = Query {
            selector: selector.clone(),
            metric_path: None,
            bound,
            only_app_metrics: false,
            needs_endpoint: false,
            accepted: media::accepted(Some("text/plain;version=0.0.4"), &[Format::Text]),
            headers: HeaderMap::new(),
            authorization: None,
            forwarded_for: None,
            timeout,
        };
        let answer = self.0.page(&query, located).await?;
        Ok(answer.page.into_bytes().into())
    }
}
