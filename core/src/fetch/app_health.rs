//! How apps are doing: the last outcomes of their instances, added up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hashbrown::HashMap;
use serde::{Serialize, Serializer};

use super::health::LastOutcome;
use crate::instance::App;

/// Outcomes older than the app's latest by more than this are those of instances that have left since.
const ROUND: Duration = Duration::from_secs(120);

/// What the instances of one app have answered last.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppHealth {
    #[serde(flatten, serialize_with = "names")]
    #[cfg_attr(feature = "schema", schema(value_type = Names<'static>, inline))]
    pub app: Arc<App>,
    /// Instances that gave metrics.
    pub up: usize,
    /// Instances that did not.
    pub down: usize,
    /// The longest that an instance took.
    #[serde(rename = "slowest_seconds", serialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub slowest: Duration,
    /// Samples of all instances.
    pub samples: usize,
    /// Bytes of all pages after decompression.
    pub body_bytes: usize,
    /// Instances that failed, by reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// Time since the latest outcome.
    #[serde(rename = "last_asked_seconds_ago", serialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub last_asked: Duration,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = (duration.as_secs_f64() * 1000.0).round();
    serializer.serialize_f64(millis / 1000.0)
}

/// Whose it is, for people.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
struct Names<'a> {
    app_id: &'a str,
    organization_name: &'a str,
    space_name: &'a str,
    app_name: &'a str,
}

fn names<S: Serializer>(app: &App, serializer: S) -> Result<S::Ok, S::Error> {
    Names {
        app_id: &app.app_id,
        organization_name: &app.organization_name,
        space_name: &app.space_name,
        app_name: &app.app_name,
    }
    .serialize(serializer)
}

/// Adds up by app GUID, in no order.
pub(super) fn of_apps<'e>(
    outcomes: impl Iterator<Item = (&'e Arc<App>, &'e LastOutcome)>,
    now: SystemTime,
) -> Vec<AppHealth> {
    let mut apps: HashMap<&str, Vec<(&Arc<App>, &LastOutcome)>> = HashMap::new();
    for (app, last) in outcomes {
        apps.entry(&app.app_id).or_default().push((app, last));
    }
    apps.into_values()
        .filter_map(|outcomes| of_app(outcomes, now))
        .collect()
}

fn of_app(outcomes: Vec<(&Arc<App>, &LastOutcome)>, now: SystemTime) -> Option<AppHealth> {
    let (app, latest) = outcomes.iter().max_by_key(|(_, last)| last.at)?;
    let mut sum = AppHealth {
        app: Arc::clone(app),
        up: 0,
        down: 0,
        slowest: Duration::ZERO,
        samples: 0,
        body_bytes: 0,
        reasons: BTreeMap::new(),
        last_asked: now.duration_since(latest.at).unwrap_or_default(),
    };
    for (_, last) in &outcomes {
        if latest.at.duration_since(last.at).unwrap_or_default() > ROUND {
            continue;
        }
        match &last.failure {
            None => sum.up += 1,
            Some(failure) => {
                sum.down += 1;
                *sum.reasons.entry(failure.reason.as_str()).or_default() += 1;
            }
        }
        sum.slowest = sum.slowest.max(last.duration);
        sum.samples += last.samples;
        sum.body_bytes += last.body_bytes;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Reason};

    fn app(guid: &str) -> Arc<App> {
        Arc::new(App {
            app_id: guid.into(),
            app_name: "shop".into(),
            ..App::default()
        })
    }

    fn outcome(at: SystemTime, millis: u64, failure: Option<Reason>) -> LastOutcome {
        LastOutcome {
            path: "/metrics".into(),
            status: None,
            failure: failure.map(|reason| Failure::new(reason, "for this test")),
            at,
            duration: Duration::from_millis(millis),
            body_bytes: 100,
            samples: 7,
        }
    }

    #[test]
    fn outcomes_of_the_latest_round_are_added_up() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        let ago = |seconds| now - Duration::from_secs(seconds);
        let (shop, cart) = (app("shop"), app("cart"));
        let outcomes = [
            (&shop, outcome(ago(5), 20, None)),
            (&shop, outcome(ago(6), 3000, Some(Reason::Timeout))),
            (&shop, outcome(ago(65), 10, Some(Reason::Timeout))),
            (&shop, outcome(ago(200), 9000, Some(Reason::Refused))),
            (&cart, outcome(ago(300), 1, None)),
        ];
        let pairs = outcomes.iter().map(|(app, last)| (*app, last));
        let mut apps = of_apps(pairs, now);
        apps.sort_by(|a, b| a.app.app_id.cmp(&b.app.app_id));
        let [cart, shop] = &apps[..] else {
            panic!("two apps: {apps:?}")
        };
        assert_eq!(
            (shop.up, shop.down, shop.samples, shop.body_bytes),
            (1, 2, 21, 300)
        );
        assert_eq!(
            shop.slowest,
            Duration::from_secs(3),
            "the one that left does not count"
        );
        assert_eq!(shop.reasons, BTreeMap::from([("timeout", 2)]));
        assert_eq!(shop.last_asked, Duration::from_secs(5));
        assert_eq!((cart.up, cart.down), (1, 0), "each has rounds of its own");
        let json = serde_json::to_value(shop).unwrap();
        assert_eq!(json["app_name"], "shop");
        assert_eq!(json["slowest_seconds"], 3.0);
        assert_eq!(json["last_asked_seconds_ago"], 5.0);
    }
}
