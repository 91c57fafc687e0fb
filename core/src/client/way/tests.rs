//! Who wins, and whose credentials go where.

use std::time::Duration;

use http::HeaderValue;

use super::*;
use crate::client::Settings;
use PathSource::{Binding, Default as Usual, Query, Target};

const BY_APP: &str = "by app";
const BY_TARGET: &str = "by target";

fn extras(of: &'static str, seconds: Option<u64>) -> Extras {
    let value = HeaderValue::from_static(of);
    let own = http::HeaderName::try_from(of.replace(' ', "-")).unwrap();
    Extras {
        authorization: Some(value.clone()),
        headers: [(http::header::FROM, value.clone()), (own, value)]
            .into_iter()
            .collect(),
        timeout: seconds.map(Duration::from_secs),
    }
}

fn settings(path: Option<&str>) -> Settings {
    let Extras {
        authorization,
        headers,
        timeout,
    } = extras(BY_APP, Some(2));
    Settings {
        path: path.map(Box::from),
        process_type: None,
        authorization,
        headers,
        timeout,
    }
}

fn own(path: Option<&str>) -> Own {
    let timeout = Some(Duration::from_secs(3));
    Own {
        path: path.map(Box::from),
        extras: Arc::new(extras(BY_TARGET, Some(3))),
        without_credentials: Arc::new(Extras {
            timeout,
            ..Extras::default()
        }),
        ..Own::default()
    }
}

fn bound() -> Bound {
    [
        ("with".into(), settings(Some("/app"))),
        ("without".into(), settings(None)),
    ]
    .into_iter()
    .collect()
}

#[test]
fn the_app_comes_before_the_caller_and_the_caller_before_the_target() {
    let (bound, plain, pathless) = (bound(), own(Some("/target")), own(None));
    for (app, own, asked, path, source, why) in [
        ("with", None, None, "/app", Binding, "its path"),
        (
            "with",
            None,
            Some("/admin"),
            "/app",
            Binding,
            "the caller's path does not count",
        ),
        (
            "with",
            Some(&plain),
            None,
            "/app",
            Binding,
            "nor does the target's",
        ),
        (
            "without",
            None,
            None,
            "/metrics",
            Usual,
            "the path as it is",
        ),
        (
            "without",
            None,
            Some("/admin"),
            "/admin",
            Query,
            "the caller's choice",
        ),
        (
            "without",
            None,
            Some("/metrics"),
            "/metrics",
            Query,
            "chosen by the caller, whatever it is",
        ),
        (
            "without",
            Some(&plain),
            None,
            "/target",
            Target,
            "the target's path",
        ),
        ("other", None, Some("/m"), "/m", Query, "not bound"),
        ("other", None, None, "/metrics", Usual, "not bound"),
        (
            "other",
            Some(&plain),
            None,
            "/target",
            Target,
            "the target's path",
        ),
        (
            "other",
            Some(&plain),
            Some("/m"),
            "/m",
            Query,
            "the caller's comes first",
        ),
        (
            "other",
            Some(&pathless),
            None,
            "/metrics",
            Usual,
            "a target without a path",
        ),
    ] {
        let way = Way::of(&bound, app, own, asked);
        assert_eq!((way.path, way.source), (path, source), "{app}: {why}");
    }
    assert_eq!(serde_json::json!(Target), "target");
}

#[test]
fn credentials_go_only_where_those_who_gave_them_said() {
    let (bound, plain, pathless) = (bound(), own(Some("/target")), own(None));
    let (app, target) = (Some(BY_APP), Some(BY_TARGET));
    for (id, own, asked, wins, is_app, is_target, seconds, why) in [
        ("with", None, None, app, true, false, 2, "its own path"),
        (
            "without",
            None,
            None,
            app,
            true,
            false,
            2,
            "the path as it is",
        ),
        (
            "without",
            None,
            Some("/m"),
            None,
            false,
            false,
            2,
            "the caller's choice: only the time",
        ),
        (
            "other",
            Some(&plain),
            None,
            target,
            false,
            true,
            3,
            "the target's path",
        ),
        (
            "other",
            Some(&pathless),
            None,
            target,
            false,
            true,
            3,
            "the path as it is",
        ),
        (
            "other",
            Some(&plain),
            Some("/m"),
            None,
            false,
            false,
            3,
            "the caller's choice",
        ),
        (
            "other",
            Some(&plain),
            Some("/target"),
            None,
            false,
            false,
            3,
            "whatever it is",
        ),
        (
            "with",
            Some(&plain),
            None,
            app,
            true,
            false,
            2,
            "a path of the developers' choice",
        ),
        (
            "with",
            Some(&plain),
            Some("/m"),
            app,
            true,
            false,
            2,
            "the same",
        ),
        (
            "without",
            Some(&plain),
            None,
            app,
            true,
            true,
            2,
            "both; the app's win",
        ),
        (
            "without",
            Some(&plain),
            Some("/m"),
            None,
            false,
            false,
            2,
            "the caller's choice",
        ),
    ] {
        let way = Way::of(&bound, id, own, asked);
        let extras = way.extras.as_deref().expect(why);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        assert_eq!(
            extras.authorization.as_ref().map(text).as_deref(),
            wins,
            "{id}: {why}"
        );
        assert_eq!(
            extras.headers.get("from").map(text).as_deref(),
            wins,
            "{id}: {why}"
        );
        let has = |name: &str| extras.headers.contains_key(name);
        assert_eq!(
            (has("by-app"), has("by-target")),
            (is_app, is_target),
            "{id}: {why}"
        );
        assert_eq!(
            extras.timeout,
            Some(Duration::from_secs(seconds)),
            "{id}: {why}"
        );
    }
    assert!(Way::of(&bound, "other", None, None).extras.is_none());
}

#[test]
fn the_targets_time_counts_where_the_app_has_none() {
    let bound: Bound = [(
        "app".into(),
        Settings {
            timeout: None,
            ..settings(None)
        },
    )]
    .into_iter()
    .collect();
    let own = own(None);
    for asked in [None, Some("/m")] {
        let way = Way::of(&bound, "app", Some(&own), asked);
        assert_eq!(way.extras.unwrap().timeout, Some(Duration::from_secs(3)));
    }
}
