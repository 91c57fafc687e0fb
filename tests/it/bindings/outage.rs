use promfetch_tests::foundation::{self, Cloud, json_of, operator};
use promfetch_tests::http::{self, Response};
use promfetch_tests::platform::Pushed;
use promfetch_tests::postgres::{self, Postgres};
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Page, Platform, Server, config, eventually};
use serde_json::{Value, json};

use super::echo;

/// The page shows this path, whatever the database does.
async fn scrape(platform: &Platform, shop: &Pushed, login: &str, path: &str) {
    for _ in 0..3 {
        let headers = [("authorization", login)];
        let address = shop.app.path("metrics");
        let answer = platform.promfetch.try_get_with(&address, &headers).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = Page::read(answer.text());
        assert_eq!(page.one("asked", &[]).label("path"), path);
    }
}

fn check_unavailable(answer: &Response, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    assert!(
        answer.header("retry-after").parse::<u32>().is_ok(),
        "{what}: {:?}",
        answer.headers
    );
    let body = json_of(answer);
    let description = body["description"].as_str().expect("a sentence");
    assert!(description.contains("try again"), "{what}: {description}");
    for secret in [postgres::PASSWORD, "127.", "promfetch@", "SQL"] {
        assert!(!answer.text().contains(secret), "{what}: {description}");
    }
}

/// Every operation of the broker says that it cannot be done now.
async fn check_broker(cloud: &Cloud, app: &App) {
    let guid = Some(app.guid.as_str());
    let endpoint = || json!({"endpoint": "/lost"});
    let ids = format!(
        "?service_id={}&plan_id={}",
        foundation::SERVICE,
        foundation::PLAN
    );
    let patch = json!({"service_id": foundation::SERVICE, "context": {}});
    let (provision, bind, unbind, get, update, delete) = tokio::join!(
        cloud.try_provision("new", &app.space_guid),
        cloud.try_bind("i", "lost", guid, endpoint()),
        cloud.try_unbind("i", "one"),
        cloud.send("GET", "/service_instances/i/service_bindings/one", None),
        cloud.send("PATCH", "/service_instances/i", Some(patch)),
        async {
            let path = format!("/service_instances/i{ids}");
            cloud.send("DELETE", &path, None).await
        },
    );
    for (answer, what) in [
        (provision, "provision"),
        (bind, "bind"),
        (unbind, "unbind"),
        (get, "get a binding"),
        (update, "update"),
        (delete, "deprovision"),
    ] {
        check_unavailable(&answer, what);
    }
    assert_eq!(
        cloud.send("GET", "/catalog", None).await.status,
        200,
        "needs no database"
    );
}

/// Waits until both ports say this of the process, which stays healthy.
async fn health(platform: &Platform, status: &str) {
    for port in [&platform.promfetch.health, &platform.promfetch.api] {
        eventually(&format!("{port} says {status}"), async || {
            let answer = http::get(&format!("{port}/health"), &[]).await;
            assert_eq!(answer.status, 200, "ready is a latch: {}", answer.text());
            (json_of(&answer)["status"] == status).then_some(())
        })
        .await;
    }
}

async fn detail(platform: &Platform) -> Value {
    let answer = http::get(&format!("{}/ready", platform.promfetch.health), &[]).await;
    let sources = json_of(&answer)["sources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let of_bindings = sources
        .into_iter()
        .find(|source| source["kind"] == "bindings");
    of_bindings.expect("the database is a source")
}

async fn goes_away_and_comes_back(mut server: Server) {
    let keys = foundation::keys(&server.url(), json!({"access": "protected"}));
    let mut platform = Platform::start_with(keys).await;
    platform.login = operator();
    let shop = platform
        .push(App::new("acme", "prod", "shop"), [echo()])
        .await;
    let cloud = Cloud::of(&platform.promfetch);
    cloud.provision("i", &shop.app.space_guid).await;
    let endpoint = |path: &str| json!({ "endpoint": path });
    let credentials = cloud
        .bind("i", "one", Some(&shop.app), endpoint("/one"))
        .await;
    let login = credentials.login();
    scrape(&platform, &shop, &login, "/one").await;
    health(&platform, "ready").await;

    server.kill();
    tokio::join!(check_broker(&cloud, &shop.app), async {
        for _ in 0..5 {
            scrape(&platform, &shop, &login, "/one").await;
        }
    });
    health(&platform, "degraded").await;
    let of_bindings = detail(&platform).await;
    assert_eq!(
        (&of_bindings["ready"], &of_bindings["connected"]),
        (&json!(true), &json!(false))
    );
    assert!(
        !of_bindings.to_string().contains(postgres::PASSWORD),
        "{of_bindings}"
    );
    scrape(&platform, &shop, &login, "/one").await;

    server.restart().await;
    cloud
        .bind_once_possible("i", "two", &shop.app, endpoint("/two"))
        .await;
    scrape(&platform, &shop, &login, "/two").await;
    health(&platform, "ready").await;

    // A server that answers nothing is as good as none: every call ends all the same.
    server.pause();
    tokio::join!(check_broker(&cloud, &shop.app), async {
        for _ in 0..5 {
            scrape(&platform, &shop, &login, "/two").await;
        }
    });
    health(&platform, "degraded").await;
    server.resume();
    cloud
        .bind_once_possible("i", "three", &shop.app, endpoint("/three"))
        .await;
    scrape(&platform, &shop, &login, "/three").await;
    health(&platform, "ready").await;

    // Nothing of what was refused has happened.
    let lost = cloud
        .send("GET", "/service_instances/i/service_bindings/lost", None)
        .await;
    assert_eq!(lost.status, 404, "{}", lost.text());
    assert_eq!(
        cloud
            .send("GET", "/service_instances/new", None)
            .await
            .status,
        404
    );
    assert_eq!(
        cloud.credentials("i", "one").await.password,
        credentials.password
    );
    let log = platform.promfetch.logged("the database is back").await;
    assert!(!log.contains(postgres::PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_goes_away_and_comes_back() {
    goes_away_and_comes_back(Server::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_goes_away_and_comes_back() {
    goes_away_and_comes_back(Server::mariadb().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_for_a_database_that_hangs() {
    let server = Postgres::start().await;
    let keys = foundation::keys(&server.url(postgres::DATABASE), json!({}));
    let (_folder, file) = config_file(&config::with(keys.clone()).to_string());
    let mut platform = Platform::start_with(keys).await;
    let shop = platform
        .push(App::new("acme", "prod", "shop"), [echo()])
        .await;
    let cloud = Cloud::of(&platform.promfetch);
    cloud.provision("i", &shop.app.space_guid).await;
    server.pause();
    // An operation is under way when the process is told to stop.
    let under_way = {
        let (cloud, guid) = (cloud.clone(), shop.app.guid.clone());
        tokio::spawn(async move {
            cloud
                .try_bind("i", "b", Some(&guid), json!({}))
                .await
                .status
        })
    };
    let listing = command(&["bindings", "-c", &file]).await;
    assert_eq!(listing.code, Some(1), "{}", listing.stdout);
    assert!(listing.stderr.contains("database"), "{}", listing.stderr);
    assert_eq!(under_way.await.expect("no panic"), 503);
    platform.promfetch.signal("TERM");
    let ended = platform.promfetch.ended().await;
    assert_eq!(ended.code(), Some(0), "{}", platform.promfetch.log());
    server.resume();
}
