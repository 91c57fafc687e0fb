//! How the developers of apps want their instances to be asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

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

/// The settings of one app, in the form in which targets get them.
#[derive(Debug)]
pub(super) struct App {
    pub(super) settings: Settings,
    /// With the credentials.
    pub(super) extras: Arc<Extras>,
    /// Without them: for a path that the caller has chosen.
    pub(super) without_credentials: Arc<Extras>,
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

    pub(super) fn app(&self, app_id: &str) -> Option<&App> {
        self.apps.get(app_id).map(|app| &**app)
    }

    pub(super) fn processes(&self) -> &HashMap<Box<str>, Box<str>> {
        &self.processes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_show() {
        let settings = Settings {
            authorization: Some(HeaderValue::from_static("Bearer secret")),
            ..Settings::default()
        };
        assert!(!format!("{settings:?}").contains("secret"));
        let bound: Bound = [("app".into(), settings)].into_iter().collect();
        assert!(!format!("{bound:?}").contains("secret"), "{bound:?}");
    }
}
