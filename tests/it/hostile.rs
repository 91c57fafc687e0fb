use promfetch_tests::emitter::message;
use promfetch_tests::{App, Behaviour, Instance, Platform};
use serde_json::{Value, json};

/// Messages that a correct emitter never sends.
fn messages(good: &Value) -> Vec<Vec<u8>> {
    let changed = |key: &str, value: Value| {
        let mut message = good.clone();
        message[key] = value;
        // Aimed at an app of its own, so that the victim is not overwritten on purpose.
        message["host"] = "127.66.6.6".into();
        message["uris"] = if key == "uris" {
            message["uris"].clone()
        } else {
            json!(["evil.apps.test"])
        };
        message.to_string().into_bytes()
    };
    let mut list: Vec<Vec<u8>> = [
        "",
        "null",
        "[]",
        "17",
        "\"text\"",
        "{",
        "{}",
        "\u{0}",
        "{\"uris\":null}",
        "{\"host\":null,\"port\":null,\"uris\":[null]}",
    ]
    .map(Vec::from)
    .into();
    list.push(vec![0xff; 100]);
    list.push(vec![b'['; 100_000]);
    let big: serde_json::Map<String, Value> = (0..10_000)
        .map(|number| (format!("tag-{number}"), Value::from("x".repeat(80))))
        .collect();
    for (key, value) in [
        ("uris", json!([])),
        ("uris", json!([""])),
        ("uris", json!(["/", "?", "*", "*.", "//", "a b", "\u{0}"])),
        ("uris", json!("text")),
        (
            "uris",
            json!(
                (0..10_000)
                    .map(|number| format!("u{number}.evil.test"))
                    .collect::<Vec<_>>()
            ),
        ),
        ("port", json!("61000")),
        ("port", json!(-1)),
        ("port", json!(1e300)),
        ("port", json!(65_536)),
        ("tls_port", json!({})),
        ("tags", Value::Null),
        ("tags", json!([1, 2])),
        ("tags", json!({"app_id": 17, "component": null})),
        ("tags", Value::Object(big)),
        ("tags", json!({"component": "route-emitter", "app_id": ""})),
        (
            "tags",
            json!({"component": "route-emitter", "app_id": "x".repeat(100_000)}),
        ),
        ("app", json!({"nested": {"deep": [[[[[[]]]]]]}})),
        ("host", json!("x".repeat(100_000))),
        ("host", json!("")),
        ("private_instance_id", json!(["a"])),
        ("server_cert_domain_san", json!("\n")),
        ("options", json!({"loadbalancing": 3})),
        ("protocol", json!("gopher")),
        ("endpoint_updated_at_ns", json!("never")),
        ("stale_threshold_in_seconds", json!(-5)),
        ("isolation_segment", json!(0)),
    ] {
        list.push(changed(key, value));
    }
    list
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_harms_another_instance_or_the_process() {
    let mut platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "victim"),
            [Behaviour::page("a 1\n")],
        )
        .await;
    let good = message(&pushed.app, &pushed.instances[0], &pushed.app.routes[0]);
    for subject in ["router.register", "router.unregister"] {
        for payload in messages(&good) {
            platform.emitter.publish_raw(subject, payload).await;
        }
    }
    // What comes after them is heard, so they have been read.
    let after = platform
        .push(
            App::new("acme", "prod", "after"),
            [Behaviour::page("b 1\n")],
        )
        .await;
    assert!(platform.page(&after.app).await.has("b"));
    assert_eq!(
        platform
            .page(&pushed.app)
            .await
            .value("a", &[("app_name", "victim")]),
        1.0
    );
    assert!(platform.promfetch.is_running());
    assert!(
        !platform.promfetch.log().contains("panicked"),
        "{}",
        platform.promfetch.log()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_tag_or_option_does_not_cost_the_instance() {
    let platform = Platform::start().await;
    for (name, key, value) in [
        ("bad-tag", "tags", json!({"custom": 17, "list": [1]})),
        ("bad-options", "options", json!("text")),
        ("bad-zone", "availability_zone", json!(3)),
        ("unknown-field", "of_the_future", json!({"x": 1})),
        ("null-segment", "isolation_segment", Value::Null),
    ] {
        let app = App::new("acme", "prod", name);
        let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
        let mut message = message(&app, &instance, &app.routes[0]);
        if key == "tags" {
            message["tags"]
                .as_object_mut()
                .unwrap()
                .extend(value.as_object().unwrap().clone());
        } else {
            message[key] = value;
        }
        platform.emitter.publish("router.register", &message).await;
        let page = platform
            .page_once(&app, &format!("{name} is known"), |page| page.has("a"))
            .await;
        assert_eq!(page.up()["0"], 1.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_in_names_stay_inside_their_label() {
    let platform = Platform::start().await;
    let name = "a\"} 1\nfaked_metric 666\n#\\";
    let pushed = platform
        .push(App::new("acme", "prod", name), [Behaviour::page("a 1\n")])
        .await;
    let page = platform
        .promfetch
        .page(&format!("/v1/apps/{}/metrics", pushed.app.guid))
        .await;
    assert!(!page.has("faked_metric"));
    assert_eq!(page.one("a", &[]).label("app_name"), name);
}
