//! Who may see an app: the Cloud Controller is asked with the user's own token, and so decides by its own rules.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use promfetch_core::Error;
use promfetch_core::calls::Calls;
use promfetch_core::config::Secret;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::answers::Answers;
use super::spaces::Spaces;
use super::upstream::{CLOUD_CONTROLLER, Unavailable, Upstream};
use crate::config::access::UaaConfig;

/// How long an answer counts: as long may somebody go on reading whose rights were taken.
const KEPT: Duration = Duration::from_secs(30);
/// Answers kept, and questions that run or wait.
const CAPACITY: usize = 4096;
/// Questions at the same time.
const RUNNING: usize = 32;
/// How long a question waits for its turn, beside the time that it takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest body, in bytes. That of an app has about 2 KiB, and its metadata.
const MAX_BODY: usize = 1 << 20;
/// Longest GUID. Cloud Controller's have 36 characters.
const MAX_GUID: usize = 255;

/// The Cloud Controller, with what it has answered lately.
pub(super) struct CloudController {
    upstream: Arc<Upstream>,
    running: Arc<Semaphore>,
    answers: Answers<Result<bool, Unavailable>>,
    spaces: Spaces,
}

impl CloudController {
    /// # Errors
    /// As [`Upstream::new`].
    pub(super) fn new(config: &UaaConfig, calls: &Calls) -> Result<Self, Error> {
        let upstream = Upstream::new(CLOUD_CONTROLLER, &config.cloud_controller, config, calls)?;
        let upstream = Arc::new(upstream);
        Ok(Self {
            spaces: Spaces::new(Arc::clone(&upstream)),
            upstream,
            running: Arc::new(Semaphore::new(RUNNING)),
            answers: Answers::new(CAPACITY),
        })
    }

    /// Whether the user of this token may see the app. `remaining`: how long the token is still good for.
    ///
    /// # Errors
    /// When the Cloud Controller does not say yes or no.
    pub(super) async fn may_read(
        &self,
        token: &Secret,
        remaining: Duration,
        app_guid: &str,
    ) -> Result<bool, Unavailable> {
        // Without a name, and for `.` and `..`, which URLs resolve even when they are encoded, this would be another
        // question, to which everybody gets 200.
        if app_guid.bytes().all(|byte| byte == b'.') || app_guid.len() > MAX_GUID {
            return Ok(false);
        }
        let until = Instant::now() + remaining.min(KEPT);
        let asked = self.answers.ask(&[&token.0, app_guid], || {
            let (upstream, running) = (Arc::clone(&self.upstream), Arc::clone(&self.running));
            let (token, app_guid) = (token.clone(), app_guid.to_owned());
            async move {
                let Ok(Ok(_turn)) = timeout(PATIENCE, running.acquire()).await else {
                    return (Err(Unavailable), None);
                };
                let answer = ask(&upstream, &token, &app_guid).await;
                let answer = upstream.report(answer);
                (answer, answer.is_ok().then_some(until))
            }
        });
        asked.answer().await.unwrap_or(Err(Unavailable))
    }

    /// The spaces that the user of this token may see; `None`: too many to be listed. `remaining`: how long the token
    /// is still good for.
    ///
    /// # Errors
    /// When the Cloud Controller does not say.
    pub(super) async fn spaces(
        &self,
        token: &Secret,
        remaining: Duration,
    ) -> Result<Option<Arc<HashSet<Box<str>>>>, Unavailable> {
        let until = Instant::now() + remaining.min(KEPT);
        self.spaces.of(token, until).await
    }
}

async fn ask(upstream: &Upstream, token: &Secret, app_guid: &str) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct App {
        guid: String,
    }
    let path = format!(
        "/v3/apps/{}",
        utf8_percent_encode(app_guid, NON_ALPHANUMERIC)
    );
    let (status, body) = upstream.get("app", &path, Some(token), MAX_BODY).await?;
    match status {
        // A page that says 200 to everything (a proxy's, one about maintenance) must not open everything.
        200 => match serde_json::from_slice::<App>(&body) {
            Ok(app) => Ok(app.guid == app_guid),
            Err(_) => Err("`/v3/apps/…` answers with something else than an app".into()),
        },
        401 | 403 | 404 => Ok(false),
        status => Err(format!("`/v3/apps/…` answers with status {status}")),
    }
}

#[cfg(test)]
mod tests;
