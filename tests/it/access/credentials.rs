use promfetch_tests::{App, Behaviour, Instance, eventually};
use serde_json::json;

use super::Town;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_opens_its_app_and_a_key_its_space() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    assert_eq!(town.statuses(&binding.login()).await, [200, 404, 404]);
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    assert_eq!(town.statuses(&key.login()).await, [200, 200, 404]);
    let key = cloud.bind("other-metrics", "key", None, json!({})).await;
    assert_eq!(town.statuses(&key.login()).await, [404, 404, 200]);

    // The credentials lead where they say.
    let guid = &town.shop.app.guid;
    assert_eq!(
        binding.all["metrics_url"],
        format!("https://promfetch.test/v1/apps/{guid}/metrics")
    );
    for url in ["metrics_url", "instances_url"] {
        let url = binding.all[url].as_str().expect("a text");
        let path = url
            .strip_prefix("https://promfetch.test")
            .expect("the public address");
        assert_eq!(town.status(path, &binding.login()).await, 200, "{url}");
        assert_eq!(town.status(path, "").await, 401, "{url}");
    }
    let url = key.all["metrics_url"].as_str().expect("a text");
    let path = url
        .strip_prefix("https://promfetch.test")
        .expect("the public address");
    let path = path.replace("{app}", &town.other.app.guid);
    assert_eq!(town.status(&path, &key.login()).await, 200, "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_of_two_apps_shows_the_one_that_the_caller_may_see() {
    let town = Town::start("protected").await;
    let platform = &town.foundation.platform;
    let routes = ["both.apps.test"];
    let (mut one, mut two) = (town.shop.app.clone(), town.other.app.clone());
    (one, two) = (one.routes(&routes), two.routes(&routes));
    let instance = async |page: &'static str| Instance::start("1", Behaviour::page(page)).await;
    let one = platform
        .register(one, vec![instance("shared 1\n").await])
        .await;
    let two = platform
        .register(two, vec![instance("shared 2\n").await])
        .await;
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&one.app), json!({}))
        .await
        .login();
    let key = cloud
        .bind("prod-metrics", "key", None, json!({}))
        .await
        .login();
    let others = cloud
        .bind("other-metrics", "b", Some(&two.app), json!({}))
        .await
        .login();
    let till = cloud
        .bind("prod-metrics", "t", Some(&town.till.app), json!({}))
        .await
        .login();
    let operator = &platform.login;
    for (login, sees, why) in [
        (&binding, &["shop"][..], "the binding's app"),
        (&key, &["shop"], "the key's space"),
        (&others, &["other"], "the other app"),
        (operator, &["shop", "other"], "an operator"),
        (&till, &[], "none of the two"),
    ] {
        let asked = [one.instances[0].requests(), two.instances[0].requests()];
        for path in [
            "/v1/apps/both.apps.test/metrics",
            "/v1/apps/metrics?route_url=both.apps.test",
        ] {
            let answer = town.ask("GET", path, login).await;
            assert_eq!(
                answer.status,
                if sees.is_empty() { 404 } else { 200 },
                "{why}"
            );
            for (app, pushed) in [("shop", &one), ("other", &two)] {
                let is_seen = sees.contains(&app);
                let label = format!("app_id=\"{}\"", pushed.app.guid);
                assert_eq!(
                    answer.text().contains(&label),
                    is_seen,
                    "{path}: {why}: {app}"
                );
            }
        }
        let now = [one.instances[0].requests(), two.instances[0].requests()];
        for (at, app) in ["shop", "other"].iter().enumerate() {
            let is_asked = now[at] > asked[at];
            assert_eq!(
                is_asked,
                sees.contains(app),
                "{why}: {app} is asked for nobody else"
            );
        }
        let list = town
            .ask("GET", "/v1/apps/both.apps.test/instances", login)
            .await;
        for (app, pushed) in [("shop", &one), ("other", &two)] {
            let address = pushed.instances[0].address.to_string();
            assert_eq!(list.text().contains(&address), sees.contains(&app), "{why}");
        }
        // Both instances have this index; only an operator has to choose.
        let answer = town
            .ask("GET", "/v1/apps/both.apps.test/instances/1/metrics", login)
            .await;
        let want = [404, 200, 409][sees.len()];
        assert_eq!(answer.status, want, "{why}: {}", answer.text());
        let guid = &two.instances[0].guid;
        let path = format!("/v1/apps/both.apps.test/instances/{guid}/metrics");
        let want = if sees.contains(&"other") { 200 } else { 404 };
        assert_eq!(town.status(&path, login).await, want, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_end_with_their_binding_and_overlap_in_a_rotation() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let shop = Some(&town.shop.app);
    let old = cloud.bind("prod-metrics", "old", shop, json!({})).await;
    let new = cloud.rotate("prod-metrics", "new", "old").await;
    assert_ne!((&old.user, &old.password), (&new.user, &new.password));
    for credentials in [&old, &new] {
        assert_eq!(town.statuses(&credentials.login()).await, [200, 404, 404]);
    }
    cloud.unbind("prod-metrics", "old").await;
    assert_eq!(town.statuses(&old.login()).await, [401; 3], "unbound");
    assert_eq!(town.statuses(&new.login()).await, [200, 404, 404]);
    // The same id again is another binding.
    let again = cloud.bind("prod-metrics", "old", shop, json!({})).await;
    assert_ne!(again.password, old.password);
    assert_eq!(
        town.status(&town.shop.app.path("metrics"), &old.login())
            .await,
        401
    );
    assert_eq!(town.statuses(&again.login()).await, [200, 404, 404]);

    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    let rotated = cloud.rotate("prod-metrics", "key-2", "key").await;
    assert_eq!(town.statuses(&rotated.login()).await, [200, 200, 404]);
    cloud.unbind("prod-metrics", "key").await;
    assert_eq!(
        town.status(&town.shop.app.path("metrics"), &key.login())
            .await,
        401
    );
    assert_eq!(town.statuses(&rotated.login()).await, [200, 200, 404]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_pretends_to_be_in_a_space_is_not_let_in_by_name() {
    // Names of organization and space are the same as those of `shop`; the space's GUID is what counts.
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let key = cloud
        .bind("prod-metrics", "key", None, json!({}))
        .await
        .login();
    let twin = town
        .foundation
        .platform
        .push(
            App::new("acme", "prod", "twin"),
            [Behaviour::page("of_twin 1\n")],
        )
        .await;
    assert_eq!(town.status(&twin.app.path("metrics"), &key).await, 404);

    // A key of a space without a name opens no app without a space.
    let answer = cloud.try_provision("nameless", "").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_ends_the_credentials_of_others() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let answer = cloud.try_unbind("other-metrics", "b").await;
    assert_eq!(answer.status, 410, "another instance's: {}", answer.text());
    assert_eq!(town.statuses(&binding.login()).await, [200, 404, 404]);
    // Guessing at a binding does not keep its scraper out.
    let guess = promfetch_tests::foundation::basic(&binding.user, "guess");
    for _ in 0..8 {
        assert_eq!(
            town.status(&town.shop.app.path("metrics"), &guess).await,
            401
        );
    }
    eventually("the right password opens", async || {
        (town.statuses(&binding.login()).await == [200, 404, 404]).then_some(())
    })
    .await;
}
