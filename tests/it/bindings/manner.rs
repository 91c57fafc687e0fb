use std::time::Duration;

use promfetch_tests::{App, Behaviour, Foundation, Instance};
use serde_json::json;

use super::with_app;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_other_than_web_can_have_the_metrics() {
    let foundation = Foundation::start(json!({})).await;
    let platform = &foundation.platform;
    let web = App::new("acme", "prod", "shop").routes(&["web.apps.test"]);
    let web = platform.push(web, [Behaviour::page("of_web 1\n")]).await;
    let worker = web.app.process("worker").routes(&["worker.apps.test"]);
    let instance = Instance::start("0", Behaviour::page("of_worker 1\n")).await;
    let worker = platform.register(worker, vec![instance]).await;
    let cloud = foundation.cloud();
    cloud.provision("i", &web.app.space_guid).await;
    let sees = async |path: &str| {
        let answer = platform.promfetch.get(path).await.text().to_owned();
        (answer.contains("of_web{"), answer.contains("of_worker{"))
    };
    let (name, guid) = (
        web.app.path("metrics"),
        format!("/v1/apps/{}/metrics", web.app.guid),
    );
    for path in [&name, &guid] {
        assert_eq!(sees(path).await, (true, false), "{path}");
    }
    let bound = json!({"process": "worker", "endpoint": "/own"});
    cloud.bind("i", "b", Some(&web.app), bound).await;
    for path in [&name, &guid] {
        assert_eq!(sees(path).await, (false, true), "{path}");
        let web = format!("{path}?process_type=web");
        assert_eq!(
            sees(&web).await,
            (true, false),
            "{web}: the caller can ask for another"
        );
    }
    assert_eq!(worker.instances[0].last_seen().path, "/own");
    let list = platform.promfetch.json(&web.app.path("instances")).await;
    assert_eq!(list["instances"][0]["process_type"], "worker");
    assert_eq!(
        sees("/v1/apps/web.apps.test/metrics").await,
        (true, false),
        "a route says itself"
    );
    // A process that is not there is not replaced by another one.
    cloud
        .bind("i", "none", Some(&web.app), json!({"process": "none"}))
        .await;
    assert_eq!(platform.promfetch.get(&name).await.status, 404);
    cloud.unbind("i", "none").await;
    cloud.unbind("i", "b").await;
    assert_eq!(sees(&name).await, (true, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_hangs_costs_only_the_time_that_is_bound() {
    let foundation = Foundation::start(json!({"fetch_timeout": "10m"})).await;
    let shop = App::new("acme", "prod", "shop");
    let healthy = Behaviour::page("a 1\n");
    let shop = foundation
        .platform
        .push(shop, [healthy, Behaviour::Hang])
        .await;
    let other = App::new("acme", "prod", "other");
    let slow = Behaviour::slow(Duration::from_secs(2), "a 2\n");
    let other = foundation.platform.push(other, [slow]).await;
    let cloud = foundation.cloud();
    cloud.provision("i", &shop.app.space_guid).await;
    cloud
        .bind("i", "b", Some(&shop.app), json!({"timeout": 0.5}))
        .await;
    // With the configured ten minutes this would not end within the limit of the test.
    let page = foundation.platform.page(&shop.app).await;
    assert_eq!(page.up().values().sum::<f64>(), 1.0);
    assert_eq!(page.errors()["1"], "timeout");
    let told: f64 = shop.instances[0]
        .last_seen()
        .header("x-prometheus-scrape-timeout-seconds")
        .parse()
        .expect("a number");
    assert!(told <= 0.5, "the instance is told: {told}");
    // It counts on paths of the caller's choice too, and for no other app.
    let page = foundation
        .platform
        .promfetch
        .page(&shop.app.path("metrics?metric_path=/x"))
        .await;
    assert_eq!(page.errors()["1"], "timeout");
    let page = foundation.platform.page(&other.app).await;
    assert_eq!(page.up().values().sum::<f64>(), 1.0);
    // The scraper's own limit counts as well.
    cloud
        .bind("i", "longer", Some(&shop.app), json!({"timeout": 300}))
        .await;
    let headers = [("x-prometheus-scrape-timeout-seconds", "1.5")];
    let path = shop.app.path("metrics");
    let page = foundation
        .platform
        .promfetch
        .page_with(&path, &headers)
        .await;
    assert_eq!(page.errors()["1"], "timeout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bound_headers_come_beside_those_of_promfetch() {
    let (foundation, shop) = with_app().await;
    let cloud = foundation.cloud();
    let headers =
        json!({"X-Tenant": "blue; a=\"b\"", "Accept-Language": "de", "x-api-key": "0123"});
    cloud
        .bind("i", "b", Some(&shop.app), json!({ "headers": headers }))
        .await;
    foundation.platform.page(&shop.app).await;
    let seen = shop.instances[0].last_seen();
    for (name, value) in [
        ("x-tenant", "blue; a=\"b\""),
        ("accept-language", "de"),
        ("x-api-key", "0123"),
        ("x-promfetcher-scrapping", "true"),
        ("host", &shop.app.routes[0]),
        ("x-cf-applicationid", &shop.app.guid),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let guid = Some(shop.app.guid.as_str());
    for name in [
        "Host",
        "authorization",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "TE",
        "Upgrade",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-CF-ApplicationID",
        "x-cf-anything",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "X-Promfetch-App-Authorization",
        "Accept",
        "Accept-Encoding",
        "Proxy-Authorization",
        "X-Forwarded-Client-Cert",
        "Keep-Alive",
        "Trailer",
    ] {
        let parameters = json!({"headers": {name: "x"}});
        let answer = cloud.try_bind("i", "c", guid, parameters).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    }
    // A newer binding that says something says all of it.
    cloud
        .bind("i", "newer", Some(&shop.app), json!({"timeout": 20}))
        .await;
    foundation.platform.page(&shop.app).await;
    assert_eq!(shop.instances[0].last_seen().header("x-tenant"), "");
}
