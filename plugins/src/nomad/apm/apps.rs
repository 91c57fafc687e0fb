//! Which apps a selector asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use promfetch_core::instance::App;
use promfetch_core::selector::{Selector, is_guid};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::settings::Settings;
use crate::nomad::promql::{Matcher, VectorSelector};
use crate::source::Source;

/// Most apps of one selector.
pub(super) const MAX_APPS: usize = 50;
/// How long a list of apps is good for: that of all queries of one evaluation.
const FRESH: Duration = Duration::from_secs(5);

type Listed = Option<(Instant, Arc<Vec<App>>)>;

/// The apps there are, and which of them stand for queries that leave something out.
#[derive(Debug)]
pub(super) struct Apps {
    app: Option<Selector>,
    organization: String,
    space: String,
    /// Who asks for the list while somebody does waits for that answer.
    listed: Mutex<Listed>,
}

/// What a selector says of apps, completed by the configuration.
#[derive(Debug)]
enum Asked<'s> {
    /// One, which need not be looked up.
    One(Selector),
    /// Those that fit.
    Like(Wanted<'s>),
}

#[derive(Debug)]
struct Wanted<'s> {
    matchers: Vec<&'s Matcher>,
    organization: Option<&'s str>,
    space: Option<&'s str>,
}

impl Apps {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            app: settings.app.clone(),
            organization: settings.organization.clone(),
            space: settings.space.clone(),
            listed: Mutex::default(),
        }
    }

    /// The apps that have the samples of this selector.
    pub(super) async fn of(
        &self,
        wanted: &VectorSelector,
        source: &Source,
    ) -> Result<Vec<Selector>, String> {
        match self.asked(wanted)? {
            Asked::One(app) => Ok(vec![app]),
            Asked::Like(like) => {
                let apps = self.list(source).await?;
                like.among(&apps).map_err(|number| {
                    format!(
                        "`{}` asks for {number} apps, and at most {MAX_APPS} are allowed: name fewer by `app_name`, `space_name` and `organization_name`",
                        name(wanted)
                    )
                })
            }
        }
    }

    fn asked<'s>(&'s self, wanted: &'s VectorSelector) -> Result<Asked<'s>, String> {
        let matchers: Vec<&Matcher> = wanted
            .matchers
            .iter()
            .filter(|matcher| field(matcher.label()).is_some())
            .collect();
        if matchers.is_empty() {
            return match &self.app {
                Some(app) => Ok(Asked::One(app.clone())),
                None => Err(format!(
                    "`{0}` does not say of which app: write `{0}{{organization_name=\"…\",space_name=\"…\",app_name=\"…\"}}`, or configure `app`",
                    name(wanted)
                )),
            };
        }
        let exact = |label: &str| {
            let mut values = matchers.iter().filter(|matcher| matcher.label() == label);
            values.find_map(|matcher| matcher.exact().filter(|value| !value.is_empty()))
        };
        if let Some(guid) = exact("app_id").filter(|guid| is_guid(guid)) {
            return Ok(Asked::One(Selector::Guid(guid.to_ascii_lowercase().into())));
        }
        let names = |labels: &[&str]| {
            matchers
                .iter()
                .any(|matcher| labels.contains(&matcher.label()))
        };
        // What is configured completes names; it must not contradict what the query says in another way.
        let of_space = ["space_name", "space_id", "app_id"];
        let of_organization = ["organization_name", "organization_id", "space_id", "app_id"];
        let organization = (!self.organization.is_empty() && !names(&of_organization))
            .then_some(self.organization.as_str());
        let space = (!self.space.is_empty()
            && !names(&of_space)
            // The configured space is one of the configured organization.
            && (organization.is_some() || exact("organization_name") == Some(&self.organization)))
        .then_some(self.space.as_str());
        let named = (
            exact("organization_name").or(organization),
            exact("space_name").or(space),
            exact("app_name"),
        );
        if let (Some(organization), Some(space), Some(app)) = named {
            return Ok(Asked::One(Selector::Name {
                organization: organization.into(),
                space: space.into(),
                app: app.into(),
            }));
        }
        Ok(Asked::Like(Wanted {
            matchers,
            organization,
            space,
        }))
    }

    async fn list(&self, source: &Source) -> Result<Arc<Vec<App>>, String> {
        let mut listed = self.listed.lock().await;
        if let Some((since, apps)) = &*listed
            && since.elapsed() < FRESH
        {
            return Ok(Arc::clone(apps));
        }
        let apps = source.apps().await;
        let apps = Arc::new(apps.map_err(|error| format!("no list of apps: {error}"))?);
        *listed = Some((Instant::now(), Arc::clone(&apps)));
        Ok(apps)
    }
}

impl Wanted<'_> {
    /// Those that fit, each once; or how many, when there are too many.
    fn among(&self, apps: &[App]) -> Result<Vec<Selector>, usize> {
        let fitting = apps.iter().filter(|app| self.fits(app));
        // By their order, so that the same apps give the same answer.
        let selectors: BTreeMap<String, Selector> = fitting
            .map(selector)
            .map(|selector| (selector.to_string(), selector))
            .collect();
        if selectors.len() > MAX_APPS {
            return Err(selectors.len());
        }
        Ok(selectors.into_values().collect())
    }

    fn fits(&self, app: &App) -> bool {
        self.organization
            .is_none_or(|name| *name == *app.organization_name)
            && self.space.is_none_or(|name| *name == *app.space_name)
            && self.matchers.iter().all(|matcher| {
                field(matcher.label()).is_some_and(|field| matcher.matches(field(app)))
            })
    }
}

fn name(wanted: &VectorSelector) -> &str {
    wanted.name.as_deref().unwrap_or("{…}")
}

/// The shortest safe name of an app: names may be given anew, a GUID never is.
fn selector(app: &App) -> Selector {
    if is_guid(&app.app_id) {
        return Selector::Guid(app.app_id.to_ascii_lowercase().into());
    }
    Selector::Name {
        organization: app.organization_name.clone(),
        space: app.space_name.clone(),
        app: app.app_name.clone(),
    }
}

/// What an app has under a label of promfetch that all its instances share.
fn field(label: &str) -> Option<fn(&App) -> &str> {
    Some(match label {
        "organization_id" => |app| &app.organization_id,
        "space_id" => |app| &app.space_id,
        "app_id" => |app| &app.app_id,
        "organization_name" => |app| &app.organization_name,
        "space_name" => |app| &app.space_name,
        "app_name" => |app| &app.app_name,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "apps_tests.rs"]
mod tests;
