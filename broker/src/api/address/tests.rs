//! Every form of address, and what is wrong with the others.

use super::*;

const GUID: &str = "47d288f6-f9c1-5e3a-9546-5384018954e2";

fn read(uri: &str) -> Result<Address, ApiError> {
    parse(&uri.parse().unwrap())
}

fn name(organization: &str, space: &str, app: &str) -> Selector {
    Selector::Name {
        organization: organization.into(),
        space: space.into(),
        app: app.into(),
    }
}

fn route(text: &str) -> Selector {
    Selector::Route(text.into())
}

#[test]
fn every_form_of_address() {
    const PAGE: (Kind, bool) = (Kind::Page, false);
    const ONLY_APP: (Kind, bool) = (Kind::Page, true);
    const INSTANCES: (Kind, bool) = (Kind::Instances, false);
    let page = |n: &str| (Kind::InstancePage(n.to_string()), false);
    for (uri, selector, kind, why) in [
        ("/v1/apps/o/s/a/metrics", name("o", "s", "a"), PAGE, "names"),
        (
            "/v1/apps/o/s/a/only-app-metrics",
            name("o", "s", "a"),
            ONLY_APP,
            "names",
        ),
        (
            "/v1/apps/o/s/a/instances",
            name("o", "s", "a"),
            INSTANCES,
            "names",
        ),
        (
            "/v1/apps/o/s/a/instances/3/metrics",
            name("o", "s", "a"),
            page("3"),
            "names",
        ),
        (
            "/v1/apps/a%2Fb/c%20d/%25/metrics",
            name("a/b", "c d", "%"),
            PAGE,
            "decoded once, after splitting",
        ),
        (
            "/v1/apps/caf%C3%A9/s/a%252F/metrics",
            name("café", "s", "a%2F"),
            PAGE,
            "never decoded twice",
        ),
        (
            &format!("/v1/apps/{GUID}/metrics"),
            Selector::Guid(GUID.into()),
            PAGE,
            "a GUID",
        ),
        (
            &format!("/v1/apps/{GUID}/instances/{GUID}/metrics"),
            Selector::Guid(GUID.into()),
            page(GUID),
            "an instance by GUID",
        ),
        (
            "/v1/apps/shop.example.org/metrics",
            route("shop.example.org"),
            PAGE,
            "a host",
        ),
        (
            "/v1/apps/shop.example.org/instances/0/metrics",
            route("shop.example.org"),
            page("0"),
            "not org/space/app of the same words",
        ),
        (
            "/v1/apps/o%2Fs%2Fa/metrics",
            name("o", "s", "a"),
            PAGE,
            "all in one segment, as promfetcher took it",
        ),
        (
            "/v1/apps/h.example%2Fcart/metrics",
            route("h.example/cart"),
            PAGE,
            "a route with a path in one segment",
        ),
        (
            "/v1/apps/metrics?app=o/s/a",
            name("o", "s", "a"),
            PAGE,
            "by query",
        ),
        (
            "/v1/apps/metrics?app=o%2Fs%2Fa+b",
            name("o", "s", "a b"),
            PAGE,
            "by query, encoded",
        ),
        (
            "/v1/apps/metrics?route_url=https://h.example/a/b",
            route("https://h.example/a/b"),
            PAGE,
            "a route, never names",
        ),
        (
            "/v1/apps/metrics?app=&route_url=h.example",
            route("h.example"),
            PAGE,
            "an empty value counts as absent",
        ),
        (
            "/v1/apps/metrics?app=x.example&app=y.example",
            route("x.example"),
            PAGE,
            "the first one counts",
        ),
        (
            "/v1/apps/only-app-metrics?app=x.example",
            route("x.example"),
            ONLY_APP,
            "by query",
        ),
        (
            "/v1/apps/instances?app=x.example",
            route("x.example"),
            INSTANCES,
            "by query",
        ),
        (
            "/v1/apps/o/s/a/families",
            name("o", "s", "a"),
            (Kind::Families, false),
            "what it has metrics of",
        ),
        (
            "/v1/apps/samples?app=x.example&family=%20a.b",
            route("x.example"),
            (Kind::Samples(" a.b".into()), false),
            "one family, by its exact name",
        ),
        (
            "/v1/apps/instances/7/metrics?app=x.example",
            route("x.example"),
            page("7"),
            "by query",
        ),
        (
            "/v1/apps/o/s/a/metrics?app=other.example",
            name("o", "s", "a"),
            PAGE,
            "the path goes before the query",
        ),
        (
            "/v1/apps/o/s/a/metrics?only_from_app",
            name("o", "s", "a"),
            ONLY_APP,
            "without a value",
        ),
        (
            "/v1/apps/o/s/a/metrics?only_from_app=0",
            name("o", "s", "a"),
            ONLY_APP,
            "being there counts, as in promfetcher",
        ),
        (
            "/v1/apps/o/s/metrics/metrics",
            name("o", "s", "metrics"),
            PAGE,
            "an app called metrics",
        ),
        (
            "/v1/apps/o/s/%69nstances/metrics",
            name("o", "s", "instances"),
            PAGE,
            "an encoded word is a name",
        ),
        (
            "/v1/apps/metrics/metrics",
            route("metrics"),
            PAGE,
            "a host called metrics",
        ),
    ] {
        let got = read(uri).unwrap_or_else(|error| panic!("{uri}: {error:?}"));
        assert_eq!(
            (got.selector, (got.kind, got.only_app_metrics), got.version),
            (selector, kind, Version::V1),
            "{uri}: {why}"
        );
    }
}

#[test]
fn the_query_adds_to_every_form() {
    let got = read("/v2/apps/x.example/metrics?metric_path=%20actuator/prometheus&process_type=worker&unknown=1").unwrap();
    assert_eq!(
        (
            got.version,
            got.metric_path.as_deref(),
            got.process_type.as_deref()
        ),
        (Version::V2, Some("actuator/prometheus"), Some("worker"))
    );
    let got = read("/v2/apps/x.example/metrics?metric_path=&process_type=").unwrap();
    assert_eq!(
        (got.metric_path, got.process_type),
        (None, None),
        "empty is absent"
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    for (uri, want) in [
        (
            "/v1/apps/metrics",
            "400 Bad Request: You must set app id or path",
        ),
        (
            "/v1/apps/o/s/metrics",
            "400 `o/s` has 2 parts: write `org/space/app`, an app GUID or a route's host (routes with a path go into `route_url=`)",
        ),
        (
            "/v1/apps//s/a/metrics",
            "400 `/s/a` has an empty part: write `org/space/app`, an app GUID or a route's host",
        ),
        (
            "/v1/apps/x.example/samples",
            "400 Say which family is meant: `?family=NAME`; `families` lists their names",
        ),
        (
            "/v1/apps/x.example/samples?family=",
            "400 Say which family is meant: `?family=NAME`; `families` lists their names",
        ),
        (
            "/v2/apps/x.example/families",
            "404 There is no such page; below an app are `metrics`, `only-app-metrics`, `instances`, `families` and `samples`",
        ),
        (
            "/v1/apps/%FF/metrics",
            "400 `%FF` is not UTF-8 after percent-decoding",
        ),
        (
            "/v1/apps/x.example/instances/%FF/metrics",
            "400 `%FF` is not UTF-8 after percent-decoding",
        ),
        (
            "/v1/apps/x.example",
            "404 There is no such page; below an app are `metrics`, `only-app-metrics`, `instances`, `families` and `samples`",
        ),
        (
            "/v1/apps/x.example/metrics/",
            "404 There is no such page; below an app are `metrics`, `only-app-metrics`, `instances`, `families` and `samples`",
        ),
    ] {
        let error = read(uri).unwrap_err();
        assert_eq!(error.to_string(), want, "{uri}");
    }
}

#[test]
fn patterns_are_few() {
    for (path, want) in [
        ("/v1/apps/o/s/a/metrics", "/v1/apps/{selector}/metrics"),
        ("/v1/apps/metrics", "/v1/apps/{selector}/metrics"),
        (
            "/v2/apps/x/instances/9/metrics",
            "/v2/apps/{selector}/instances/{instance}/metrics",
        ),
        ("/v1/apps/o/s/a/families", "/v1/apps/{selector}/families"),
        ("/v1/apps/x/samples", "/v1/apps/{selector}/samples"),
        ("/v2/apps/x/samples", "other"),
        ("/v2/apps/x/secret", "other"),
        ("/elsewhere", "other"),
    ] {
        assert_eq!(pattern(path), want, "{path}");
    }
}
