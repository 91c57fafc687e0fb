use promfetch_tests::behaviour::Seen;
use promfetch_tests::foundation::{basic, operator};
use promfetch_tests::{Answer, Behaviour, Instance};
use serde_json::{Value, json};

use super::Town;

const APP: &str = "x-promfetch-app-authorization";

fn bound(authorization: Value, endpoint: Option<&str>) -> Value {
    let mut parameters = json!({"authorization": authorization, "headers": {"X-Tenant": "blue"}});
    if let Some(endpoint) = endpoint {
        parameters["endpoint"] = endpoint.into();
    }
    parameters
}

async fn seen(town: &Town, path: &str, headers: &[(&str, &str)]) -> Seen {
    let before = town.shop.instances[0].requests();
    town.ask_with("GET", path, headers).await;
    assert!(
        town.shop.instances[0].requests() > before,
        "{path}: it was asked"
    );
    town.shop.instances[0].last_seen()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bound_wins_over_what_the_caller_brings() {
    for (authorization, value) in [
        (
            json!({"type": "basic", "username": "grüße", "password": "a:b c"}),
            basic("grüße", "a:b c"),
        ),
        (
            json!({"type": "bearer", "token": "bound-token="}),
            "Bearer bound-token=".to_owned(),
        ),
    ] {
        for mode in ["open", "audit", "protected"] {
            let town = Town::start(mode).await;
            let cloud = town.foundation.cloud();
            let parameters = bound(authorization.clone(), None);
            cloud
                .bind("prod-metrics", "b", Some(&town.shop.app), parameters)
                .await;
            let path = town.shop.app.path("metrics");
            let operator = operator();
            for headers in [
                &[("authorization", operator.as_str())][..],
                &[("authorization", &operator), (APP, "Basic YTpi")],
                &[("authorization", &operator), ("x-tenant", "red")],
            ] {
                let seen = seen(&town, &path, headers).await;
                assert_eq!(seen.header("authorization"), value, "{mode}");
                assert_eq!(seen.headers.get_all("authorization").iter().count(), 1);
                assert_eq!(seen.header("x-tenant"), "blue", "{mode}");
            }
            // Not to the other app of the space.
            town.ask("GET", &town.till.app.path("metrics"), &operator)
                .await;
            let other = town.till.instances[0].last_seen();
            assert_eq!(
                (other.header("authorization"), other.header("x-tenant")),
                ("", "")
            );
            // Gone with the binding.
            cloud.unbind("prod-metrics", "b").await;
            let seen = seen(
                &town,
                &path,
                &[("authorization", &operator), (APP, "Basic YTpi")],
            )
            .await;
            assert_eq!(seen.header("authorization"), "Basic YTpi", "{mode}");
            assert_eq!(seen.header("x-tenant"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_to_no_path_that_the_caller_has_chosen() {
    let town = Town::start("open").await;
    let cloud = town.foundation.cloud();
    let bearer = json!({"type": "bearer", "token": "bound-token"});
    let shop = Some(&town.shop.app);
    cloud
        .bind("prod-metrics", "b", shop, bound(bearer.clone(), None))
        .await;
    let guid = &town.shop.app.guid;
    let instance = &town.shop.instances[0].guid;
    let route = &town.shop.app.routes[0];
    let forms = [
        town.shop.app.path("metrics?metric_path="),
        town.shop.app.path("only-app-metrics?metric_path="),
        town.shop.app.path("instances/0/metrics?metric_path="),
        format!("/v1/apps/{guid}/instances/{instance}/metrics?metric_path="),
        format!("/v2/apps/metrics?app={guid}&metric_path="),
        format!("/v1/apps/metrics?route_url={route}&only_from_app&metric_path="),
    ];
    for form in &forms {
        for (path, asked) in [
            ("/admin", "/admin"),
            ("/metrics", "/metrics"),
            ("/metrics?x=1", "/metrics?x=1"),
            ("/metrics%3Fx=1", "/metrics?x=1"),
        ] {
            let seen = seen(&town, &format!("{form}{path}"), &[(APP, "Basic YTpi")]).await;
            assert_eq!(seen.path, asked, "{form}");
            assert_eq!(seen.header("authorization"), "Basic YTpi", "{form}{path}");
            assert_eq!(seen.header("x-tenant"), "", "{form}{path}");
        }
        // An empty one is none.
        let seen = seen(&town, form, &[]).await;
        assert_eq!(
            (seen.path.as_str(), seen.header("x-tenant")),
            ("/metrics", "blue"),
            "{form}"
        );
        assert_eq!(seen.header("authorization"), "Bearer bound-token", "{form}");
    }
    // With a path of its own, the app is asked for that, whatever the caller says.
    cloud
        .bind("prod-metrics", "own", shop, bound(bearer, Some("/own")))
        .await;
    for form in &forms {
        let seen = seen(&town, &format!("{form}/admin"), &[]).await;
        assert_eq!(seen.path, "/own", "{form}");
        assert_eq!(seen.header("authorization"), "Bearer bound-token", "{form}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_route_each_app_gets_its_own() {
    let town = Town::start("open").await;
    let platform = &town.foundation.platform;
    let mut both = Vec::new();
    for pushed in [&town.shop, &town.other] {
        let app = pushed.app.clone().routes(&["both.apps.test"]);
        let instance = Instance::start("1", Behaviour::page("shared 1\n")).await;
        both.push(platform.register(app, vec![instance]).await);
    }
    let cloud = town.foundation.cloud();
    let bearer = json!({"type": "bearer", "token": "of-shop"});
    cloud
        .bind(
            "prod-metrics",
            "b",
            Some(&town.shop.app),
            bound(bearer, Some("/own")),
        )
        .await;
    let headers = [(APP, "Basic YTpi")];
    town.ask_with("GET", "/v1/apps/both.apps.test/metrics", &headers)
        .await;
    let (shop, other) = (
        both[0].instances[0].last_seen(),
        both[1].instances[0].last_seen(),
    );
    assert_eq!(
        (shop.path.as_str(), other.path.as_str()),
        ("/own", "/metrics")
    );
    assert_eq!(
        (shop.header("x-tenant"), other.header("x-tenant")),
        ("blue", "")
    );
    assert_eq!(shop.header("authorization"), "Bearer of-shop");
    assert_eq!(other.header("authorization"), "Basic YTpi");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_takes_nothing_of_the_caller_along() {
    let town = Town::start("open").await;
    let elsewhere = Instance::start("0", Behaviour::page("stolen 1\n")).await;
    let to = format!("http://{}/metrics", elsewhere.address);
    town.shop.instances[0].becomes(Behaviour::answering(move |seen| match seen.path.as_str() {
        "/metrics" => Answer::redirect(302, "/moved"),
        "/away" => Answer::redirect(302, &to),
        _ => Answer::text("of_shop 1\n"),
    }));
    let path = town.shop.app.path("metrics");
    let seen = seen(&town, &path, &[(APP, "Basic YTpi")]).await;
    assert_eq!(
        (seen.path.as_str(), seen.header("authorization")),
        ("/moved", "")
    );
    let cloud = town.foundation.cloud();
    let bearer = json!({"type": "bearer", "token": "of-shop"});
    cloud
        .bind(
            "prod-metrics",
            "b",
            Some(&town.shop.app),
            bound(bearer, Some("/away")),
        )
        .await;
    town.ask("GET", &path, "").await;
    for seen in elsewhere.seen() {
        assert_eq!(
            (seen.header("authorization"), seen.header("x-tenant")),
            ("", "")
        );
    }
}
