//! What a request below `/v1/apps/` or `/v2/apps/` asks for.
//!
//! The path is read raw, split at its slashes and only then percent-decoded, so that `%2F` can stand inside a name.
//! Read from its end:
//!
//! | path after `/v1/apps/` | asks for |
//! |---|---|
//! | `SELECTOR/metrics` | the merged page |
//! | `SELECTOR/only-app-metrics` | the same without external exporters and health |
//! | `SELECTOR/instances` | the state of each instance, as JSON |
//! | `SELECTOR/families` | what the app's instances have metrics of, as JSON; `/v1` only |
//! | `SELECTOR/samples?family=NAME` | the samples of one family, as JSON; `/v1` only |
//! | `SELECTOR/instances/N/metrics` | the page of one instance; `N` is its index or its GUID |
//!
//! `SELECTOR` is `{guid}`, `{route host}`, `{org}/{space}/{app}`, or nothing: then `?app=` or `?route_url=` names it.
//! The words are compared before decoding, so an app that is really called `instances` can be written `%69nstances`.

use axum::extract::Query;
use axum::http::Uri;
use percent_encoding::percent_decode_str;
use promfetch_core::selector::Selector;

use super::errors::ApiError;

pub(crate) mod describe;

/// The version in the path. They differ in what apps are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// The format is negotiated with the caller.
    V1,
    /// Text only, as late versions of promfetcher.
    V2,
}

/// Which view of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The merged page.
    Page,
    /// The state of each instance.
    Instances,
    /// The families of all instances.
    Families,
    /// The samples of the family of this name.
    Samples(String),
    /// One instance's page, by index or GUID.
    InstancePage(String),
}

/// A request for an app, read and checked as far as that goes without looking the app up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) selector: Selector,
    pub(crate) kind: Kind,
    pub(crate) version: Version,
    /// Without external exporters and health series.
    pub(crate) only_app_metrics: bool,
    /// `?metric_path=`, trimmed; not yet checked.
    pub(crate) metric_path: Option<String>,
    pub(crate) process_type: Option<String>,
}

/// Reads the raw path and the query.
///
/// # Errors
/// 400 for a selector that cannot be read, 404 for a path of another form.
pub(crate) fn parse(uri: &Uri) -> Result<Address, ApiError> {
    let parameters = Parameters::of(uri)?;
    let Some((version, segments)) = split(uri.path()) else {
        return Err(unknown());
    };
    let Some(form) = Form::of(version, &segments) else {
        return Err(unknown());
    };
    let selector = match form.selector {
        [] => parameters.selector()?,
        [single] => single_segment(single)?,
        several => Selector::parse(&several.join("/"))?,
    };
    let only_app_metrics =
        matches!(form.word, Word::OnlyAppMetrics) || parameters.get("only_from_app").is_some();
    let kind = match form.word {
        Word::Metrics | Word::OnlyAppMetrics => Kind::Page,
        Word::Instances => Kind::Instances,
        Word::Families => Kind::Families,
        Word::Samples => Kind::Samples(parameters.family()?),
        Word::InstancePage(n) => Kind::InstancePage(decode(n)?),
    };
    let (metric_path, process_type) = (
        parameters.filled("metric_path"),
        parameters.filled("process_type"),
    );
    Ok(Address {
        selector,
        kind,
        version,
        only_app_metrics,
        metric_path,
        process_type,
    })
}

impl Address {
    /// What a page of the explorer is about.
    fn of_selector(selector: Selector) -> Self {
        Self {
            selector,
            kind: Kind::Families,
            version: Version::V1,
            only_app_metrics: true,
            metric_path: None,
            process_type: None,
        }
    }

    /// What somebody typed, as `?app=` would have it.
    ///
    /// # Errors
    /// 400 for what can be no selector.
    pub(crate) fn of_text(text: &str) -> Result<Self, ApiError> {
        Ok(Self::of_selector(Selector::parse_decoded(text, true)?))
    }

    /// The address of an app's page: all of the path behind `/apps/` is the selector.
    ///
    /// # Errors
    /// 400 for a selector or a query that cannot be read.
    pub(crate) fn of_page(uri: &Uri) -> Result<Self, ApiError> {
        let parameters = Parameters::of(uri)?;
        let path = uri.path();
        let selector = match path.strip_prefix("/apps/").unwrap_or(path) {
            "" => parameters.selector()?,
            several if several.contains('/') => Selector::parse(several)?,
            single => single_segment(single)?,
        };
        Ok(Self {
            metric_path: parameters.filled("metric_path"),
            process_type: parameters.filled("process_type"),
            ..Self::of_selector(selector)
        })
    }
}

/// The form of a path as a fixed text, for metrics: a bounded set, whatever callers ask for.
pub(crate) fn pattern(path: &str) -> &'static str {
    let Some((version, segments)) = split(path) else {
        return "other";
    };
    let v1 = version == Version::V1;
    match Form::of(version, &segments).map(|form| form.word) {
        None => "other",
        Some(Word::Metrics) if v1 => "/v1/apps/{selector}/metrics",
        Some(Word::OnlyAppMetrics) if v1 => "/v1/apps/{selector}/only-app-metrics",
        Some(Word::Instances) if v1 => "/v1/apps/{selector}/instances",
        Some(Word::Families) => "/v1/apps/{selector}/families",
        Some(Word::Samples) => "/v1/apps/{selector}/samples",
        Some(Word::InstancePage(_)) if v1 => "/v1/apps/{selector}/instances/{instance}/metrics",
        Some(Word::Metrics) => "/v2/apps/{selector}/metrics",
        Some(Word::OnlyAppMetrics) => "/v2/apps/{selector}/only-app-metrics",
        Some(Word::Instances) => "/v2/apps/{selector}/instances",
        Some(Word::InstancePage(_)) => "/v2/apps/{selector}/instances/{instance}/metrics",
    }
}

/// `?family=` of a request that is no app's.
///
/// # Errors
/// 400 when there is none.
pub(super) fn family(uri: &Uri) -> Result<String, ApiError> {
    Parameters::of(uri)?.family()
}

fn split(path: &str) -> Option<(Version, Vec<&str>)> {
    let (version, rest) = match path.strip_prefix("/v1/apps/") {
        Some(rest) => (Version::V1, rest),
        None => (Version::V2, path.strip_prefix("/v2/apps/")?),
    };
    Some((version, rest.split('/').collect()))
}

/// The words that end a path.
enum Word<'a> {
    Metrics,
    OnlyAppMetrics,
    Instances,
    Families,
    Samples,
    InstancePage(&'a str),
}

/// A path cut into the selector's segments and what follows them.
struct Form<'a> {
    selector: &'a [&'a str],
    word: Word<'a>,
}

impl<'a> Form<'a> {
    fn of(version: Version, segments: &'a [&'a str]) -> Option<Self> {
        // After a selector of no, one or three segments, `instances/N` belongs to the end; an organization whose space
        // is called `instances` is reached by `?app=`.
        if let [selector @ .., "instances", n, "metrics"] = segments
            && [0, 1, 3].contains(&selector.len())
        {
            return Some(Self {
                selector,
                word: Word::InstancePage(n),
            });
        }
        let (last, selector) = segments.split_last()?;
        let word = match *last {
            "metrics" => Word::Metrics,
            "only-app-metrics" => Word::OnlyAppMetrics,
            "instances" => Word::Instances,
            "families" if version == Version::V1 => Word::Families,
            "samples" if version == Version::V1 => Word::Samples,
            _ => return None,
        };
        Some(Self { selector, word })
    }
}

/// A GUID or a host. promfetcher decoded the whole path before splitting it, so callers may have encoded
/// `org/space/app` as one segment: what has a slash after decoding is read like `?app=`.
fn single_segment(segment: &str) -> Result<Selector, ApiError> {
    let decoded = decode(segment)?;
    if decoded.contains('/') {
        Ok(Selector::parse_decoded(&decoded, true)?)
    } else {
        Ok(Selector::parse(segment)?)
    }
}

fn decode(segment: &str) -> Result<String, ApiError> {
    match percent_decode_str(segment).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(ApiError::bad_request(format!(
            "`{segment}` is not UTF-8 after percent-decoding"
        ))),
    }
}

fn unknown() -> ApiError {
    ApiError::not_found(
        "There is no such page; below an app are `metrics`, `only-app-metrics`, `instances`, `families` and `samples`",
    )
}

/// The query, decoded. Of a repeated name the first value counts.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) = Query::try_from_uri(uri)
            .map_err(|_| ApiError::bad_request("The query cannot be read"))?;
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The trimmed value; `None` when it is empty, as promfetcher takes it.
    fn filled(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_string)
    }

    /// The name of a family. It is not trimmed: a name may be any text.
    fn family(&self) -> Result<String, ApiError> {
        match self.get("family") {
            Some(name) if !name.is_empty() => Ok(name.to_string()),
            _ => Err(ApiError::bad_request(
                "Say which family is meant: `?family=NAME`; `families` lists their names",
            )),
        }
    }

    fn selector(&self) -> Result<Selector, ApiError> {
        match (self.filled("app"), self.filled("route_url")) {
            (Some(app), _) => Ok(Selector::parse_decoded(&app, true)?),
            (None, Some(route)) => Ok(Selector::parse_decoded(&route, false)?),
            (None, None) => Err(ApiError::bad_request(
                "Bad Request: You must set app id or path",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
