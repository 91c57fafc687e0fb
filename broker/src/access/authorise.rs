//! What is left of the instances that a selector led to, for one caller.

use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt};
use promfetch_core::discovery::Located;
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use ring::digest::{SHA256, digest};
use tokio::time::timeout_at;
use uuid::Uuid;

use super::audit::PATIENCE;
use super::caller::Reader;
use super::{Access, Gate};
use crate::api::errors::ApiError;

/// Most apps of one space that a platform user gets as targets.
const MAX_ASKED: usize = 500;
/// Questions to the Cloud Controller for one of those answers at the same time.
const AT_ONCE: usize = 8;

impl Gate {
    /// Keeps the instances of those apps that the caller may see: whole apps are kept or left out. An app that is
    /// left out looks like one that does not exist.
    ///
    /// # Errors
    /// 503 when the Cloud Controller has to be asked and does not answer.
    pub(crate) async fn authorise(
        &self,
        access: &Access,
        located: Vec<Located>,
    ) -> Result<Vec<Located>, ApiError> {
        match access {
            Access::Nothing => Ok(Vec::new()),
            Access::Everything => Ok(located),
            Access::Audited(reader) => {
                self.watch(reader, &located).await;
                Ok(located)
            }
            Access::Reader(reader) => {
                let mut kept = Vec::with_capacity(located.len());
                let mut last: Option<(Arc<App>, bool)> = None;
                // The instances of an app stand together.
                for one in located {
                    let app = &one.instance.app;
                    let may = match &last {
                        Some((same, may)) if is_same(same, app) => *may,
                        _ => self.may_read(reader, app).await?,
                    };
                    last = Some((Arc::clone(app), may));
                    if may {
                        kept.push(one);
                    }
                }
                Ok(kept)
            }
        }
    }

    /// Keeps those apps that the caller may see. Of each app the Cloud Controller has to be asked for a platform user,
    /// so that user gets at most [`MAX_ASKED`]. A list that was not asked for by app or space is narrowed by the
    /// spaces of the user first.
    ///
    /// # Errors
    /// 400 when there are more; 503 when the Cloud Controller does not answer.
    pub(crate) async fn authorise_apps(
        &self,
        access: &Access,
        mut apps: Vec<Arc<App>>,
        is_narrow: bool,
    ) -> Result<Vec<Arc<App>>, ApiError> {
        let reader = match access {
            Access::Nothing => return Ok(Vec::new()),
            Access::Everything => return Ok(apps),
            Access::Audited(reader) => {
                for app in &apps {
                    // Of a platform user nobody is asked about each app of a list.
                    let why = match reader {
                        Err(why) => why.as_str(),
                        Ok(Reader::Operator(_) | Reader::User(_)) => break,
                        Ok(Reader::Binding(scope, _)) if scope.opens(app) => continue,
                        Ok(Reader::Binding(..)) => "the login is right, but not for this app",
                    };
                    self.audit.count(app, why, Instant::now());
                }
                return Ok(apps);
            }
            Access::Reader(reader) => reader,
        };
        if matches!(reader, Reader::User(_)) {
            if !is_narrow || apps.len() > MAX_ASKED {
                let visible = self.visible(access).await?;
                apps.retain(|app| visible.may_show(&app.app_id, &app.space_id));
            }
            if apps.len() > MAX_ASKED {
                return Err(ApiError::bad_request(format!(
                    "More than {MAX_ASKED} apps: say which by `org=`, `space=` or `app=`"
                )));
            }
        }
        let asked = futures_util::stream::iter(apps).map(async |app: Arc<App>| {
            let may = self.may_read(reader, &app).await?;
            Ok::<_, ApiError>(may.then_some(app))
        });
        let kept: Vec<Option<Arc<App>>> = asked.buffered(AT_ONCE).try_collect().await?;
        Ok(kept.into_iter().flatten().collect())
    }

    /// Fails as often, and takes as long, for an app that does not exist as for one of others: the Cloud Controller is
    /// asked in both cases. Otherwise its absence would show which apps there are.
    ///
    /// # Errors
    /// As [`authorise`](Self::authorise).
    pub(crate) async fn authorise_nothing(
        &self,
        access: &Access,
        selector: &Selector,
    ) -> Result<(), ApiError> {
        let Access::Reader(reader @ Reader::User(_)) = access else {
            return Ok(());
        };
        let guid = match selector {
            Selector::Guid(guid) => guid.to_string(),
            // One that no app has, always the same, so that the answer is kept as for an app.
            other => made_up_guid(&other.to_string()),
        };
        let app = App {
            app_id: guid.into(),
            ..App::default()
        };
        self.may_read(reader, &app).await.map(drop)
    }

    /// Counts the apps that the caller would not see.
    async fn watch(&self, reader: &Result<Reader, String>, located: &[Located]) {
        let mut apps: Vec<&Arc<App>> = located.iter().map(|one| &one.instance.app).collect();
        apps.dedup_by(|a, b| is_same(a, b));
        let until = Instant::now() + PATIENCE;
        for app in apps {
            let why = match reader {
                Err(why) => why.clone(),
                Ok(reader) => match timeout_at(until.into(), self.may_read(reader, app)).await {
                    Ok(Ok(true)) => continue,
                    Ok(Ok(false)) => "the login is right, but not for this app".into(),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "what the login opens could not be found out in time".into(),
                },
            };
            self.audit.count(app, &why, Instant::now());
        }
    }

    async fn may_read(&self, reader: &Reader, app: &App) -> Result<bool, ApiError> {
        match reader {
            Reader::Operator(_) => Ok(true),
            Reader::Binding(scope, _) => Ok(scope.opens(app)),
            Reader::User(token) => {
                let Some(uaa) = &self.uaa else {
                    return Ok(false);
                };
                uaa.may_read(token, &app.app_id).await.map_err(|_| {
                    ApiError::unavailable(
                        "The Cloud Controller, which knows what you may see, does not answer at the moment",
                    )
                })
            }
        }
    }
}

fn made_up_guid(text: &str) -> String {
    let mut bytes = [0; 16];
    let digest = digest(&SHA256, text.as_bytes());
    bytes
        .iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    Uuid::from_bytes(bytes).to_string()
}

/// Tags can differ between the instances of one app, and the space decides.
fn is_same(a: &App, b: &App) -> bool {
    a.app_id == b.app_id && a.space_id == b.space_id
}
