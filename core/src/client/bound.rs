//! How the developers of apps want their instances to be asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::DEFAULT_METRIC_PATH;
use crate::discovery::WEB;
use crate::fetch::Extras;

/// What is special about asking one app. Whatever is `None` or empty is as for all apps.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The path of the metrics, with its query, as [`check_metric_path`](super::check_metric_path) gives it. It wins
    /// over what callers ask for.
    pub path: Option<Box<str>>,
    /// The process type that is meant when nobody asks for one; `None`: `web`.
    pub process_type: Option<Box<str>>,
    /// `Authorization` for the instances, in place of the caller's.
    pub authorization: Option<HeaderValue>,
    /// Further headers. Those that fetch sets itself win.
    pub headers: HeaderMap,
    /// How long one instance may take.
    pub timeout: Option<Duration>,
}

/// Shows no credentials.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .field("process_type", &self.process_type)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The settings of all apps that have any, by app GUID. Cloning shares the settings.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    apps: HashMap<Box<str>, Arc<App>>,
    /// Apps whose process type is not `web`: a look-up asks for these alone.
    processes: HashMap<Box<str>, Box<str>>,
}

#[derive(Debug)]
struct App {
    settings: Settings,
    /// With the credentials.
    extras: Arc<Extras>,
    /// Without them: for a path that the caller has chosen.
    without_credentials: Arc<Extras>,
}

/// Why an instance is asked for this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PathSource {
    /// Nobody has said anything: `/metrics`.
    Default,
    /// The caller's `metric_path`.
    Query,
    /// The app's own setting.
    Binding,
}

/// How the instances of one app are asked.
#[derive(Clone, Debug)]
pub(super) struct Way<'a> {
    pub(super) path: &'a str,
    pub(super) source: PathSource,
    pub(super) extras: Option<Arc<Extras>>,
}

impl FromIterator<(Box<str>, Settings)> for Bound {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Settings)>>(settings: I) -> Self {
        let mut bound = Self::default();
        for (app_id, settings) in settings {
            bound.set(&app_id, Some(settings));
        }
        bound
    }
}

impl From<Settings> for App {
    fn from(settings: Settings) -> Self {
        let extras = Extras {
            authorization: settings.authorization.clone(),
            headers: settings.headers.clone(),
            timeout: settings.timeout,
        };
        let without_credentials = Extras {
            timeout: settings.timeout,
            ..Extras::default()
        };
        Self {
            settings,
            extras: Arc::new(extras),
            without_credentials: Arc::new(without_credentials),
        }
    }
}

impl Bound {
    /// The settings of an app, if it has any.
    pub fn get(&self, app_id: &str) -> Option<&Settings> {
        self.apps.get(app_id).map(|app| &app.settings)
    }

    /// Changes the settings of an app, or takes them away.
    pub fn set(&mut self, app_id: &str, settings: Option<Settings>) {
        self.processes.remove(app_id);
        self.apps.remove(app_id);
        let Some(settings) = settings else { return };
        if let Some(process_type) = &settings.process_type {
            self.processes.insert(app_id.into(), process_type.clone());
        }
        self.apps
            .insert(app_id.into(), Arc::new(App::from(settings)));
    }

    /// The process type of this app that is meant when nobody asks for one.
    pub fn process_type(&self, app_id: &str) -> &str {
        self.processes.get(app_id).map_or(WEB, |name| name)
    }

    pub(super) fn processes(&self) -> &HashMap<Box<str>, Box<str>> {
        &self.processes
    }

    /// How to ask an app when the caller asks for this path, or for none.
    ///
    /// The app's own path wins. Its credentials and headers are sent there, or to the default path, and never to a
    /// path of the caller's choice: with them a caller could read what only the app's own users may.
    pub(super) fn way<'a>(&'a self, app_id: &str, asked: Option<&'a str>) -> Way<'a> {
        let app = self.apps.get(app_id);
        let bound = app.and_then(|app| app.settings.path.as_deref());
        let (path, source) = match (bound, asked) {
            (Some(path), _) => (path, PathSource::Binding),
            (None, Some(path)) => (path, PathSource::Query),
            (None, None) => (DEFAULT_METRIC_PATH, PathSource::Default),
        };
        let extras = app.map(|app| match source {
            PathSource::Query => Arc::clone(&app.without_credentials),
            PathSource::Default | PathSource::Binding => Arc::clone(&app.extras),
        });
        Way {
            path,
            source,
            extras,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: Option<&str>) -> Settings {
        Settings {
            path: path.map(Box::from),
            authorization: Some(HeaderValue::from_static("Bearer secret")),
            headers: HeaderMap::from_iter([(
                http::header::FROM,
                HeaderValue::from_static("promfetch"),
            )]),
            timeout: Some(Duration::from_secs(2)),
            ..Settings::default()
        }
    }

    #[test]
    fn the_apps_own_path_wins_and_its_credentials_go_nowhere_else() {
        let bound: Bound = [
            ("with".into(), settings(Some("/own"))),
            ("without".into(), settings(None)),
        ]
        .into_iter()
        .collect();
        for (app, asked, path, source, credentials, why) in [
            ("with", None, "/own", PathSource::Binding, true, "its path"),
            (
                "with",
                Some("/admin"),
                "/own",
                PathSource::Binding,
                true,
                "the caller's path does not count",
            ),
            (
                "without",
                None,
                "/metrics",
                PathSource::Default,
                true,
                "the path as it is",
            ),
            (
                "without",
                Some("/admin"),
                "/admin",
                PathSource::Query,
                false,
                "the caller's choice",
            ),
            (
                "without",
                Some("/metrics"),
                "/metrics",
                PathSource::Query,
                false,
                "chosen by the caller, whatever it is",
            ),
            (
                "other",
                Some("/m"),
                "/m",
                PathSource::Query,
                false,
                "not bound",
            ),
            (
                "other",
                None,
                "/metrics",
                PathSource::Default,
                false,
                "not bound",
            ),
        ] {
            let way = bound.way(app, asked);
            assert_eq!((way.path, way.source), (path, source), "{app}: {why}");
            let extras = way.extras.as_deref();
            assert_eq!(
                extras.is_some_and(|extras| extras.authorization.is_some()),
                credentials,
                "{app} {asked:?}: {why}"
            );
            assert_eq!(
                extras.is_some_and(|extras| !extras.headers.is_empty()),
                credentials,
                "{app} {asked:?}: {why}"
            );
            assert_eq!(
                extras.and_then(|extras| extras.timeout).is_some(),
                app != "other",
                "the time counts on every path"
            );
        }
    }

    #[test]
    fn credentials_do_not_show() {
        let settings = settings(Some("/own"));
        assert!(!format!("{settings:?}").contains("secret"));
        let bound: Bound = [("app".into(), settings)].into_iter().collect();
        assert!(!format!("{bound:?}").contains("secret"), "{bound:?}");
    }
}
