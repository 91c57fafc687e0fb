//! How one instance is asked, when the caller, the operator and the app's developers may all have said something.

use std::sync::Arc;

use http::HeaderMap;
use serde::Serialize;

use super::bound::Bound;
use super::fixed::Own;
use crate::fetch::Extras;
use crate::metric_path::DEFAULT_METRIC_PATH;

/// Why an instance is asked for this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PathSource {
    /// Nobody has said anything: `/metrics`.
    Default,
    /// The fixed target's own path.
    Target,
    /// The caller's `metric_path`.
    Query,
    /// The app's own setting.
    Binding,
}

/// How an instance is asked.
#[derive(Clone, Debug)]
pub(super) struct Way<'a> {
    pub(super) path: &'a str,
    pub(super) source: PathSource,
    pub(super) extras: Option<Arc<Extras>>,
}

impl<'a> Way<'a> {
    /// How to ask an instance of this app when the caller asks for this path, or for none. `own` is what the
    /// instance has as a fixed target.
    ///
    /// The app's own path wins over the caller's, and that over the target's. Credentials and headers go where those
    /// who gave them have said, or to the default path, and never to a path of the caller's choice: with them a
    /// caller could read what only the app's own users may. For the same reason those of a target are not sent to a
    /// path that the app's developers have chosen.
    pub(super) fn of(
        bound: &'a Bound,
        app_id: &str,
        own: Option<&'a Own>,
        asked: Option<&'a str>,
    ) -> Self {
        let app = bound.app(app_id);
        let bound_path = app.and_then(|app| app.settings.path.as_deref());
        let own_path = own.and_then(|own| own.path.as_deref());
        let (path, source) = match (bound_path, asked, own_path) {
            (Some(path), _, _) => (path, PathSource::Binding),
            (None, Some(path), _) => (path, PathSource::Query),
            (None, None, Some(path)) => (path, PathSource::Target),
            (None, None, None) => (DEFAULT_METRIC_PATH, PathSource::Default),
        };
        let of_app = app.map(|app| match source {
            PathSource::Query => &app.without_credentials,
            PathSource::Default | PathSource::Target | PathSource::Binding => &app.extras,
        });
        let of_target = own.map(|own| match source {
            PathSource::Query | PathSource::Binding => &own.without_credentials,
            PathSource::Default | PathSource::Target => &own.extras,
        });
        let extras = match (of_app, of_target) {
            (Some(app), Some(target)) => Some(Arc::new(over(app, target))),
            (one, None) | (None, one) => one.cloned(),
        };
        Self {
            path,
            source,
            extras,
        }
    }
}

/// Both, and of what both have the first.
fn over(first: &Extras, second: &Extras) -> Extras {
    let mut headers: HeaderMap = second.headers.clone();
    headers.extend(first.headers.clone());
    Extras {
        authorization: first.authorization.clone().or(second.authorization.clone()),
        headers,
        timeout: first.timeout.or(second.timeout),
    }
}

#[cfg(test)]
mod tests;
