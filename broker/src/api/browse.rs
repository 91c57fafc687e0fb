//! `/families` and `/samples`: what an app's instances have metrics of, for people and programs that look at them
//! instead of storing them. The instances are asked as for a page, and nothing is kept.

use std::time::{SystemTime, UNIX_EPOCH};

use promfetch_core::client::InstanceStatus;
use promfetch_core::exposition::{Dialect, Escaping, Format, Version};
use promfetch_core::fetch::Outcome;
use serde::Serialize;
use utoipa::ToSchema;

use self::families::Family;
use self::samples::{About, Series};
use super::Api;
use super::address::Address;
use super::aside::aside;
use super::ask::{self, Asker};
use super::errors::ApiError;

pub(crate) mod families;
pub(crate) mod samples;

/// Most families of an answer.
pub(crate) const MAX_FAMILIES: usize = 5_000;
/// Most series of an answer.
pub(crate) const MAX_SERIES: usize = 2_000;
/// Most bytes of texts in an answer: what would come behind them is counted only. Apps choose their names and labels.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// The families of all instances that answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Families {
    /// The selector as it was read.
    pub(crate) selector: String,
    /// Also those that did not answer.
    pub(crate) instances: Vec<InstanceStatus>,
    /// By first appearance, the instances by index: as on the page.
    pub(crate) families: Vec<Family>,
    /// How many there are, shown or not.
    pub(crate) families_total: usize,
}

/// The samples of one family.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Samples {
    pub(crate) selector: String,
    /// When the instances had answered, in seconds since 1970.
    pub(crate) at: f64,
    /// `None`: no instance that answered has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<About>,
    pub(crate) instances: Vec<InstanceStatus>,
    pub(crate) series: Vec<Series>,
    /// How many there are, shown or not.
    pub(crate) series_total: usize,
}

/// What the instances at this address have metrics of.
///
/// # Errors
/// As for a page, but that all of them answer 4xx is none: the list is empty then, and their states say why.
pub(crate) async fn families(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
) -> Result<Families, ApiError> {
    let (instances, outcomes) = asked(api, asker, address).await?;
    let gathered = aside(move || families::gather(&outcomes)).await?;
    Ok(Families {
        selector: address.selector.to_string(),
        instances,
        families: gathered.families,
        families_total: gathered.total,
    })
}

/// The samples that the instances at this address have of the family of this name, which is the one of `families`.
///
/// # Errors
/// As [`families()`].
pub(crate) async fn samples(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
    family: &str,
) -> Result<Samples, ApiError> {
    let (instances, outcomes) = asked(api, asker, address).await?;
    let (at, family) = (now(), family.to_owned());
    let gathered = aside(move || samples::of_instances(&outcomes, &family)).await?;
    Ok(Samples {
        selector: address.selector.to_string(),
        at,
        family: gathered.about,
        instances,
        series: gathered.series,
        series_total: gathered.total,
    })
}

/// Both at once, of one round to the instances: for the page of an app.
///
/// # Errors
/// As [`families()`].
pub(crate) async fn look(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
    family: Option<&str>,
) -> Result<(Families, Option<Samples>), ApiError> {
    let (instances, outcomes) = asked(api, asker, address).await?;
    let selector = address.selector.to_string();
    let (at, family) = (now(), family.map(str::to_owned));
    let (all, one) = aside(move || {
        let one = family.map(|family| samples::of_instances(&outcomes, &family));
        (families::gather(&outcomes), one)
    })
    .await?;
    let samples = one.map(|gathered| Samples {
        selector: selector.clone(),
        at,
        family: gathered.about,
        instances: instances.clone(),
        series: gathered.series,
        series_total: gathered.total,
    });
    let families = Families {
        selector,
        instances,
        families: all.families,
        families_total: all.total,
    };
    Ok((families, samples))
}

/// Asks the instances, for text with names as they are.
async fn asked(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
) -> Result<(Vec<InstanceStatus>, Vec<Outcome>), ApiError> {
    let seen = ask::find(api, asker.access, address).await?;
    let text = Dialect {
        version: Some(Version::V1_0_0),
        escaping: Some(Escaping::AllowUtf8),
        ..Dialect::plain(Format::Text)
    };
    let mut query = ask::query(api, asker, address, &seen, text.into());
    // External exporters are nobody's instance.
    query.only_app_metrics = true;
    let (outcomes, _) = api.client.ask(&query, seen.located.clone()).await?;
    let path = seen.metric_path.as_deref();
    let instances = api.client.instances(&seen.located, path, &seen.bound);
    Ok((instances, outcomes))
}

/// Now, in seconds since 1970 with three decimals.
pub(super) fn now() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs_f64() * 1000.0).round() / 1000.0
}
