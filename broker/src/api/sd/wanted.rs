//! The query of `/v1/sd`.

use axum::extract::Query;
use axum::http::Uri;
use promfetch_core::instance::App;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::filter::Filter;
use crate::api::errors::ApiError;

/// Most values of one parameter: what they cost is bounded with them.
const MAX_VALUES: usize = 20;
/// Most regular expressions of a query, and most bytes of all of them.
const MAX_PATTERNS: usize = 8;
const MAX_PATTERN_BYTES: usize = 2048;

/// How apps become targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// One target for each app: its merged page.
    #[default]
    Merged,
    /// One for each instance.
    Instances,
}

/// What may be said. Read by [`Wanted::read`], which takes exactly these names: a test compares.
#[expect(dead_code, reason = "it stands for the names and their description")]
#[derive(IntoParams)]
#[into_params(parameter_in = Query, style = Form)]
pub(super) struct Parameters {
    /// The organization's name or GUID, or `~` and a regular expression that fits the whole name. May be repeated:
    /// one of the values has to fit.
    #[param(max_items = 20, example = json!(["my-org"]))]
    org: Option<Vec<String>>,
    /// The space's, likewise.
    #[param(max_items = 20, example = json!(["my-space"]))]
    space: Option<Vec<String>>,
    /// The app's, likewise.
    #[param(max_items = 20, example = json!(["~shop-.*"]))]
    app: Option<Vec<String>>,
    /// Processes of this type instead of the app's usual one, which is `web` unless something else is bound.
    #[param(min_length = 1, example = "worker")]
    process_type: Option<String>,
    /// One target for each app, or one for each instance; `merged` if you do not say.
    #[param(inline)]
    mode: Option<Mode>,
}

/// Which apps, and how each becomes targets.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    org: Vec<Filter>,
    space: Vec<Filter>,
    app: Vec<Filter>,
    pub(super) process_type: Option<String>,
    pub(super) mode: Mode,
}

impl Wanted {
    /// Reads the query strictly: with a parameter that is not known, or a filter without value, the list would be
    /// longer than somebody meant it to be.
    ///
    /// # Errors
    /// 400 that names the parameter and what is wrong.
    pub(super) fn read(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs): Query<Vec<(String, String)>> = Query::try_from_uri(uri)
            .map_err(|_| ApiError::bad_request("The query cannot be read"))?;
        Self::of(&pairs)
    }

    /// The same of names and values.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn of(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        check_patterns(pairs)?;
        let mut wanted = Self::default();
        let mut mode = None;
        for (name, value) in pairs {
            match name.as_str() {
                "org" => add(&mut wanted.org, name, value)?,
                "space" => add(&mut wanted.space, name, value)?,
                "app" => add(&mut wanted.app, name, value)?,
                "process_type" if value.is_empty() => {
                    return Err(ApiError::bad_request(
                        "`process_type=` has no value: leave it out to get the usual processes",
                    ));
                }
                "process_type" => once(name, wanted.process_type.replace(value.clone()))?,
                "mode" => once(name, mode.replace(read_mode(value)?))?,
                _ => {
                    return Err(ApiError::bad_request(format!(
                        "There is no parameter `{name}`; there are `org`, `space`, `app`, `process_type` and `mode`"
                    )));
                }
            }
        }
        wanted.mode = mode.unwrap_or_default();
        Ok(wanted)
    }

    /// Whether this app is meant, whose usual process type this is.
    pub(super) fn fits(&self, app: &App, usual: &str) -> bool {
        let any = |filters: &[Filter], name: &str, guid: &str| {
            filters.is_empty() || filters.iter().any(|filter| filter.fits(name, guid))
        };
        *app.process_type == *self.process_type.as_deref().unwrap_or(usual)
            && any(&self.org, &app.organization_name, &app.organization_id)
            && any(&self.space, &app.space_name, &app.space_id)
            && any(&self.app, &app.app_name, &app.app_id)
    }

    /// Whether the caller has said which apps, or which spaces, one by one.
    pub(super) fn is_narrow(&self) -> bool {
        [&self.app, &self.space]
            .into_iter()
            .any(|filters| !filters.is_empty() && filters.iter().all(Filter::is_exact))
    }

    /// Whether looking at an app may be dear.
    pub(super) fn has_patterns(&self) -> bool {
        let filters = [&self.org, &self.space, &self.app];
        !filters.into_iter().flatten().all(Filter::is_exact)
    }
}

/// Reading a regular expression takes time by its length.
fn check_patterns(pairs: &[(String, String)]) -> Result<(), ApiError> {
    let lengths = pairs
        .iter()
        .filter_map(|(_, value)| value.strip_prefix('~'))
        .map(str::len);
    let (count, bytes) = lengths.fold((0, 0), |(count, bytes), more| (count + 1, bytes + more));
    if count > MAX_PATTERNS || bytes > MAX_PATTERN_BYTES {
        return Err(ApiError::bad_request(format!(
            "There are more than {MAX_PATTERNS} regular expressions, or they have more than {MAX_PATTERN_BYTES} bytes in all"
        )));
    }
    Ok(())
}

fn add(filters: &mut Vec<Filter>, name: &str, value: &str) -> Result<(), ApiError> {
    if filters.len() == MAX_VALUES {
        return Err(ApiError::bad_request(format!(
            "`{name}=` is there more than {MAX_VALUES} times: write `{name}=~one|another`"
        )));
    }
    filters.push(Filter::read(name, value)?);
    Ok(())
}

fn once<T>(name: &str, before: Option<T>) -> Result<(), ApiError> {
    match before {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(format!("`{name}=` is there twice"))),
    }
}

fn read_mode(value: &str) -> Result<Mode, ApiError> {
    match value {
        "merged" => Ok(Mode::Merged),
        "instances" => Ok(Mode::Instances),
        _ => Err(ApiError::bad_request(format!(
            "There is no mode `{value}`: `mode=` is `merged` or `instances`"
        ))),
    }
}

#[cfg(test)]
mod tests;
