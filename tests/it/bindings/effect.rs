use promfetch_tests::{App, Foundation};
use serde_json::{Value, json};

use super::{asked, echo, with_app};

/// What the list of instances says of the first one: path and where it comes from.
async fn listed(foundation: &Foundation, path: &str) -> (String, String) {
    let list = foundation.platform.promfetch.json(path).await;
    let text = |name: &str| {
        list["instances"][0][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("path"), text("path_source"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_binding_counts_and_older_ones_return() {
    let (foundation, shop) = with_app().await;
    let cloud = foundation.cloud();
    cloud.provision("j", &shop.app.space_guid).await;
    let app = Some(&shop.app);
    enum Step {
        Bind(&'static str, &'static str, Value),
        Unbind(&'static str, &'static str),
        Deprovision(&'static str),
    }
    use Step::{Bind, Deprovision, Unbind};
    let endpoint = |path: &str| json!({ "endpoint": path });
    for (step, path, why) in [
        (
            Bind("i", "creds", json!({})),
            "/metrics",
            "for its credentials alone",
        ),
        (
            Bind("i", "one", endpoint("/one")),
            "/one",
            "the first with a path",
        ),
        (
            Bind("i", "two", endpoint("/two?x=1&y=%20")),
            "/two?x=1&y=%20",
            "a newer one",
        ),
        (
            Bind("j", "three", endpoint("/three")),
            "/three",
            "of another service instance",
        ),
        (
            Bind("j", "more", json!({})),
            "/three",
            "newer, and without a path",
        ),
        (
            Bind("j", "slow", json!({"timeout": 20})),
            "/three",
            "newer, with something else",
        ),
        (Unbind("j", "slow"), "/three", "its path was this one's"),
        (
            Unbind("j", "three"),
            "/two?x=1&y=%20",
            "the older one returns",
        ),
        (
            Bind("i", "one-again", endpoint("/one")),
            "/one",
            "bound again",
        ),
        (
            Unbind("i", "one"),
            "/one",
            "an older one with the same path goes",
        ),
        (Bind("j", "four", endpoint("/four")), "/four", "another one"),
        (Deprovision("j"), "/one", "gone with its service instance"),
        (
            Unbind("i", "one-again"),
            "/two?x=1&y=%20",
            "the older one returns",
        ),
        (Unbind("i", "two"), "/metrics", "none is left that has one"),
        (Unbind("i", "creds"), "/metrics", "none is left"),
    ] {
        match step {
            Bind(instance, binding, parameters) => {
                cloud.bind(instance, binding, app, parameters).await;
            }
            Unbind(instance, binding) => cloud.unbind(instance, binding).await,
            Deprovision(instance) => {
                for binding in ["four", "more"] {
                    cloud.unbind(instance, binding).await;
                }
                let service = promfetch_tests::foundation::SERVICE;
                let plan = promfetch_tests::foundation::PLAN;
                let path =
                    format!("/service_instances/{instance}?service_id={service}&plan_id={plan}");
                assert_eq!(cloud.send("DELETE", &path, None).await.status, 200);
            }
        }
        assert_eq!(asked(&foundation, &shop, "").await, path, "{why}");
        let source = if path == "/metrics" {
            "default"
        } else {
            "binding"
        };
        let want = (path.to_owned(), source.to_owned());
        assert_eq!(
            listed(&foundation, &shop.app.path("instances")).await,
            want,
            "{why}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_path_wins_over_the_callers() {
    let (foundation, shop) = with_app().await;
    let cloud = foundation.cloud();
    let query = "?metric_path=/other";
    assert_eq!(asked(&foundation, &shop, query).await, "/other");
    let list = shop.app.path(&format!("instances{query}"));
    assert_eq!(
        listed(&foundation, &list).await,
        ("/other".into(), "query".into())
    );
    cloud
        .bind("i", "b", Some(&shop.app), json!({"endpoint": "/own"}))
        .await;
    assert_eq!(asked(&foundation, &shop, query).await, "/own");
    assert_eq!(
        listed(&foundation, &list).await,
        ("/own".into(), "binding".into())
    );
    let page = &foundation.platform.promfetch;
    for path in [
        format!("/v2/apps/{}/metrics{query}", shop.app.guid),
        format!("/v1/apps/{}/only-app-metrics{query}", shop.app.routes[0]),
        shop.app.path(&format!("instances/0/metrics{query}")),
    ] {
        let page = page.page(&path).await;
        assert_eq!(page.one("asked", &[]).label("path"), "/own", "{path}");
    }
    // A path that the caller may not name is refused all the same.
    let answer = page.get(&shop.app.path("metrics?metric_path=/../x")).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_apps_and_apps_that_come_later_are_as_they_are_bound() {
    let (foundation, shop) = with_app().await;
    let cloud = foundation.cloud();
    cloud
        .bind("i", "b", Some(&shop.app), json!({"endpoint": "/own"}))
        .await;
    let later = App::new("acme", "prod", "later");
    cloud
        .bind("i", "later", Some(&later), json!({"endpoint": "/later"}))
        .await;
    let later = foundation.platform.push(later, [echo()]).await;
    let other = foundation
        .platform
        .push(App::new("acme", "prod", "other"), [echo()])
        .await;
    for (pushed, path) in [(&shop, "/own"), (&later, "/later"), (&other, "/metrics")] {
        assert_eq!(asked(&foundation, pushed, "").await, path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_changes_nothing() {
    let (foundation, shop) = with_app().await;
    let cloud = foundation.cloud();
    cloud
        .bind("i", "b", Some(&shop.app), json!({"endpoint": "/own"}))
        .await;
    let guid = Some(shop.app.guid.as_str());
    for (instance, binding, app, parameters, status, why) in [
        (
            "i",
            "new",
            guid,
            json!({"endpiont": "/typo"}),
            400,
            "a typo in the key",
        ),
        ("i", "new", guid, json!({"endpoint": ""}), 400, "empty"),
        (
            "i",
            "new",
            guid,
            json!({"endpoint": "//evil.test/x"}),
            400,
            "a host",
        ),
        (
            "i",
            "new",
            guid,
            json!({"endpoint": "/a/../b"}),
            400,
            "out of it",
        ),
        (
            "i",
            "new",
            guid,
            json!({"endpoint": "/a\r\nx: y"}),
            400,
            "line feeds",
        ),
        ("i", "new", guid, json!({"endpoint": null}), 400, "null"),
        (
            "i",
            "new",
            None,
            json!({"endpoint": "/x"}),
            422,
            "an endpoint without an app",
        ),
        (
            "none",
            "new",
            guid,
            json!({"endpoint": "/x"}),
            404,
            "no such service instance",
        ),
        (
            "i",
            "b",
            guid,
            json!({"endpoint": "/other"}),
            409,
            "it is there, and different",
        ),
        (
            "i",
            "b",
            guid,
            json!({"endpoint": "/own"}),
            200,
            "it is there, and the same",
        ),
    ] {
        let answer = cloud.try_bind(instance, binding, app, parameters).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        assert_eq!(asked(&foundation, &shop, "").await, "/own", "{why}");
    }
    assert_eq!(cloud.try_unbind("i", "new").await.status, 410);
}
