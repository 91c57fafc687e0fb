use promfetch_tests::foundation::{self, Cloud, json_of, operator};
use promfetch_tests::postgres::{DATABASE, Postgres};
use promfetch_tests::{
    App, Emitter, Instance, Nats, Page, Platform, Promfetch, config, eventually, http,
};
use serde_json::{Value, json};

use super::echo;

/// A database that holds an app's binding to `/own`, and the app.
async fn prepared(database: &str) -> (Platform, App, Instance) {
    let mut platform = Platform::start_with(foundation::keys(database, json!({}))).await;
    platform.login = operator();
    let mut pushed = platform
        .push(App::new("acme", "prod", "shop"), [echo()])
        .await;
    let cloud = Cloud::of(&platform.promfetch);
    cloud.provision("i", &pushed.app.space_guid).await;
    cloud
        .bind("i", "b", Some(&pushed.app), json!({"endpoint": "/own"}))
        .await;
    let instance = pushed.instances.remove(0);
    (platform, pushed.app, instance)
}

async fn status(url: &str) -> (u16, Value) {
    let answer = http::get(url, &[]).await;
    (answer.status, json_of(&answer)["status"].clone())
}

/// The path of the page, once there is one that fits.
async fn shows(promfetch: &Promfetch, app: &App, path: &str) {
    eventually(&format!("the page is that of {path}"), async || {
        let answer = promfetch
            .try_get_with(&app.path("metrics"), &[])
            .await
            .ok()?;
        let page = (answer.status == 200).then(|| Page::read(answer.text()))?;
        (page.one("asked", &[]).label("path") == path).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_bindings_are_known_no_app_is_asked() {
    let mut server = Postgres::start().await;
    let (platform, _, _) = prepared(&server.url(DATABASE)).await;
    drop(platform);
    server.kill();
    let instance = Instance::start("0", echo()).await;
    let target = config::target(["acme", "prod", "fixed"], 0, instance.address);
    // The routing table is complete at once, and the interval is so long that this test never sees it pass.
    let keys = json!({"targets": [target], "start_response_delay_interval": "1h"});
    let config = config::with(foundation::keys(&server.url(DATABASE), keys));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let path = "/v1/apps/acme/prod/fixed/metrics";
    for end in ["", "?metric_path=/x"] {
        let answer = promfetch.get(&format!("{path}{end}")).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(
            answer.header("retry-after").parse::<u32>().is_ok(),
            "{:?}",
            answer.headers
        );
    }
    assert_eq!(instance.requests(), 0);
    for port in [&promfetch.health, &promfetch.api] {
        for page in ["/health", "/ready"] {
            assert_eq!(
                status(&format!("{port}{page}")).await,
                (503, json!("starting"))
            );
        }
    }
    let cloud = Cloud::of(&promfetch);
    let answer = cloud.try_provision("j", "space").await;
    assert_eq!(answer.status, 503, "{}", answer.text());

    server.restart().await;
    promfetch.wait_ready().await;
    assert_eq!(
        status(&format!("{}/health", promfetch.health)).await,
        (200, json!("ready"))
    );
    assert_eq!(promfetch.get(path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_interval_it_serves_what_it_can_and_heals() {
    let mut server = Postgres::start().await;
    let database = server.url(DATABASE);
    let (platform, app, instance) = prepared(&database).await;
    let Platform {
        promfetch,
        nats,
        emitter,
        ..
    } = platform;
    shows(&promfetch, &app, "/own").await;
    drop(promfetch);
    for is_paused in [false, true] {
        if is_paused {
            server.pause();
        } else {
            server.kill();
        }
        let keys = json!({"nats": Nats::config(&nats)});
        let config = config::with(foundation::keys(&database, keys));
        let promfetch = Promfetch::start(&config).await;
        // One of the usual way, as nothing else is known; and it is said that something is missing.
        shows(&promfetch, &app, "/metrics").await;
        assert_eq!(
            status(&format!("{}/health", promfetch.health)).await,
            (200, json!("degraded"))
        );
        let cloud = Cloud::of(&promfetch);
        let guid = Some(app.guid.as_str());
        let answer = cloud
            .try_bind("i", "c", guid, json!({"endpoint": "/new"}))
            .await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        promfetch.logged("the bindings could not be read").await;

        if is_paused {
            server.resume();
        } else {
            server.restart().await;
        }
        shows(&promfetch, &app, "/own").await;
        eventually("it is whole", async || {
            let (code, status) = status(&format!("{}/health", promfetch.health)).await;
            assert_eq!(code, 200);
            (status == "ready").then_some(())
        })
        .await;
        drop(promfetch);
    }
    assert!(instance.requests() > 0);
    let _: Emitter = emitter;
}
