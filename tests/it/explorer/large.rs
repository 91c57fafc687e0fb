use promfetch_tests::gorouter::Gorouter;
use promfetch_tests::html::attributes;
use promfetch_tests::{Promfetch, config, eventually};
use serde_json::{Map, Value, json};

use super::page;

const APPS: usize = 20_000;

/// A routing table with this many apps of two instances. Nobody listens at the addresses: nothing is asked.
fn table() -> String {
    let app = |number: usize| {
        let guid = format!("{number:08x}-5d0e-4a37-9c81-0e2d7a5b3f10");
        let name = format!("app-{number:05}");
        let instances: Vec<Value> = (0..2)
            .map(|index| {
                let instance = format!("{}-{index:04x}", &guid[..23]);
                let place = 2 * number + index;
                json!({
                    "address": format!("127.{}.{}.{}:8080", 1 + place / 60_000, place / 240 % 250, 1 + place % 240),
                    "ttl": 120,
                    "private_instance_id": instance,
                    "tags": {
                        "app_id": guid, "app_name": name, "component": "route-emitter", "instance_id": index.to_string(),
                        "organization_id": "o", "organization_name": format!("org-{}", number % 40),
                        "process_id": guid, "process_instance_id": instance, "process_type": "web",
                        "source_id": guid, "space_id": format!("s-{}", number % 280), "space_name": format!("space-{}", number % 7),
                    },
                })
            })
            .collect();
        (format!("{name}.apps.test"), Value::from(instances))
    };
    Value::from((0..APPS).map(app).collect::<Map<_, _>>()).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_what_they_show_and_no_more() {
    let router = Gorouter::start().await;
    router.set(&table());
    let config =
        config::with(json!({"gorouters": [router.config()], "targets_allow": ["127.0.0.0/8"]}));
    let promfetch = Promfetch::start(&config).await;
    eventually("all apps are known", async || {
        let answer = promfetch.get_with("/", &super::BROWSER).await;
        (attributes(answer.text(), "data-found") == ["20000"]).then_some(())
    })
    .await;
    for (path, shown, found, more, why) in [
        (
            "/",
            50,
            "20000",
            "19,950 more: type more of the name.",
            "all apps",
        ),
        (
            "/?q=app-123",
            50,
            "100",
            "50 more: type more of the name.",
            "a part of a name",
        ),
        ("/?q=org-27/%20app-1234", 1, "1", "", "two words"),
        ("/?q=app-01234.apps.test", 1, "1", "", "a route"),
        (
            "/?space=S-3",
            50,
            "72",
            "22 more: type more of the name.",
            "a space",
        ),
    ] {
        let answer = page(&promfetch, path, 200).await;
        let text = answer.text();
        assert_eq!(attributes(text, "data-found"), [found], "{path}: {why}");
        assert_eq!(attributes(text, "data-app").len(), shown, "{path}: {why}");
        assert!(text.contains(more), "{path}: {why}");
        assert!(text.len() < 32 << 10, "{path}: {} bytes", text.len());
    }
    let answer = page(&promfetch, "/platform", 200).await;
    assert!(
        answer.text().contains("<dd>20,000</dd>"),
        "{}",
        answer.text()
    );
    assert!(
        answer.text().len() < 64 << 10,
        "{} bytes",
        answer.text().len()
    );
}
