use promfetch_tests::Broker;
use promfetch_tests::database::Kind;
use promfetch_tests::osb::{self, Call, binding, instance, with};
use serde_json::json;

use crate::store::on_each_database;

on_each_database!(
    any_text_is_an_id,
    other_texts_are_kept_whole,
    what_is_no_text_is_no_id,
);

/// Item 10: no character restriction. Two that a database may take for one, or cut, stand beside each other.
async fn any_text_is_an_id(kind: Kind) {
    let broker = Broker::start_on(kind).await;
    let long = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let ids = [
        "a".to_owned(),
        "A".to_owned(),
        "a ".to_owned(),
        " a".to_owned(),
        "a\u{a0}".to_owned(),
        "a\t".to_owned(),
        "a\n".to_owned(),
        "ä".to_owned(),
        "a\u{308}".to_owned(),
        "ß".to_owned(),
        "ss".to_owned(),
        "ı".to_owned(),
        "İ".to_owned(),
        "\u{1f600}".to_owned(),
        "\u{1f601}".to_owned(),
        "\u{200b}".to_owned(),
        "\u{fffd}".to_owned(),
        "\u{10ffff}".to_owned(),
        "a/b".to_owned(),
        "a%2Fb".to_owned(),
        "a+b".to_owned(),
        "a b".to_owned(),
        "/".to_owned(),
        "..".to_owned(),
        ".".to_owned(),
        "?x=y".to_owned(),
        "#".to_owned(),
        "'; DROP TABLE promfetch_instances; --".to_owned(),
        "\\'\"`".to_owned(),
        "{binding_id}".to_owned(),
        "catalog".to_owned(),
        "last_operation".to_owned(),
        "null".to_owned(),
        "0".to_owned(),
        "00".to_owned(),
        "\u{1}".to_owned(),
        long("x", 1024),
        long("x", 1023),
        long("ä", 1024),
        format!("{}\u{e9}", long("ä", 1022)),
        long("\u{1f600}", 1024),
    ];
    for id in &ids {
        assert_eq!(broker.provision(id).await.status, 201, "{id:?}");
        assert_eq!(broker.provision(id).await.status, 200, "{id:?}");
        // The same text as binding and as app.
        let path = binding(id, id);
        let body = with(osb::bind(id), json!({"parameters": {"endpoint": "/x"}}));
        assert_eq!(broker.put(&path, body.clone()).await.status, 201, "{id:?}");
        assert_eq!(broker.put(&path, body).await.status, 200, "{id:?}");
        let rotated = json!({"predecessor_binding_id": id});
        let answer = broker.put(&binding(id, "rotated"), rotated).await;
        assert_eq!(answer.status, 201, "{id:?}");
    }
    let stored = broker.stored().await;
    assert_eq!(
        (stored.len(), broker.held().await),
        (2 * ids.len(), 2 * ids.len())
    );
    for (number, id) in ids.iter().enumerate() {
        let of_app = stored
            .iter()
            .filter(|binding| binding["app_guid"] == id.as_str());
        assert_eq!(of_app.count(), 2, "{id:?}");
        for path in [instance(id), binding(id, id)] {
            assert_eq!(broker.get(&path).await.status, 200, "{id:?}");
            assert_eq!(
                broker.get(&format!("{path}/last_operation")).await.status,
                200,
                "{id:?}"
            );
        }
        if number % 2 == 0 {
            assert_eq!(broker.delete(&binding(id, id)).await.status, 200, "{id:?}");
            assert_eq!(broker.delete(&binding(id, id)).await.status, 410, "{id:?}");
        }
        assert_eq!(broker.delete(&instance(id)).await.status, 200, "{id:?}");
        assert_eq!(broker.get(&instance(id)).await.status, 404, "{id:?}");
        assert_eq!(broker.delete(&instance(id)).await.status, 410, "{id:?}");
    }
    assert_eq!((broker.stored().await.len(), broker.held().await), (0, 0));
}

/// Item 10: long texts, and those of other languages, in all members that are kept.
async fn other_texts_are_kept_whole(kind: Kind) {
    let broker = Broker::start_on(kind).await;
    let longest = "ä".repeat(512);
    let context = json!({
        "organization_name": "\u{1f600}".repeat(10_000),
        // Written out they are longer than they came.
        "numbers": vec![1e15; 1000],
        "text": "\u{0}\u{1}\u{7f}\u{2028}",
    });
    let members = json!({"organization_guid": longest, "space_guid": longest, "context": context});
    let body = with(osb::provision(), members);
    let put = Call::new("PUT", &instance("i")).json(&body);
    let put = put
        .clone()
        .body(String::from_utf8_lossy(&put.body).replace("1000000000000000.0", "1e15"));
    assert_eq!(broker.send(put.clone()).await.status, 201);
    assert_eq!(broker.send(put).await.status, 200);
    let rows = broker
        .database()
        .rows("SELECT context, space_guid FROM promfetch_instances")
        .await;
    let text = rows[0][0].clone().expect("a context");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
        context
    );
    assert_eq!(rows[0][1].as_ref(), Some(&longest));

    let parameters = json!({
        "endpoint": format!("/{}", "x".repeat(1023)),
        "process": "p".repeat(255),
        "authorization": {"type": "basic", "username": "ü".repeat(255), "password": "\u{1f600}".repeat(1024)},
        "headers": (0..8).map(|n| (format!("X-{n}"), json!("v".repeat(1024)))).collect::<serde_json::Map<_, _>>(),
        "timeout": 0.5,
    });
    let bound = broker.bind("i", "b", &longest, parameters.clone()).await;
    assert_eq!(bound.status, 201, "{}", bound.description());
    assert_eq!(
        broker
            .bind("i", "b", &longest, parameters.clone())
            .await
            .status,
        200
    );
    let got = broker.get(&binding("i", "b")).await.json;
    assert_eq!(got["parameters"]["endpoint"], parameters["endpoint"]);
    let username = &got["parameters"]["authorization"]["username"];
    assert_eq!(*username, parameters["authorization"]["username"]);
}

/// Item 10: what no database can keep is refused with 400, and never 5xx.
async fn what_is_no_text_is_no_id(kind: Kind) {
    let broker = Broker::start_on(kind).await;
    assert_eq!(broker.provision("i").await.status, 201);
    let too_long = "x".repeat(1025);
    for (id, why) in [
        ("%FF", "not UTF-8"),
        ("%C3", "half a character"),
        ("%ED%A0%80", "half a surrogate pair"),
        ("%00", "a character that PostgreSQL cannot keep"),
        ("a%00b", "a character that PostgreSQL cannot keep"),
        (too_long.as_str(), "too long"),
    ] {
        for path in [
            format!("/v2/service_instances/{id}"),
            format!("/v2/service_instances/{id}/service_bindings/b"),
            format!("/v2/service_instances/i/service_bindings/{id}"),
        ] {
            let is_binding = path.contains("bindings");
            let body = if is_binding {
                osb::bind("a")
            } else {
                osb::provision()
            };
            assert_eq!(broker.put(&path, body).await.status, 400, "{path}: {why}");
            assert_eq!(broker.get(&path).await.status, 400, "{path}: {why}");
            assert_eq!(broker.delete(&path).await.status, 400, "{path}: {why}");
            let path = format!("{path}/last_operation");
            assert_eq!(broker.get(&path).await.status, 400, "{path}: {why}");
        }
    }
    // No percent-encoding at all is taken as it stands, if it is taken.
    for id in ["%", "%zz", "100%"] {
        let status = broker
            .get(&format!("/v2/service_instances/{id}"))
            .await
            .status;
        assert!([400, 404].contains(&status), "{id}: {status}");
    }
    // Long addresses are the broker's matter too.
    for bytes in [9_000, 20_000] {
        let path = instance(&"x".repeat(bytes));
        assert_eq!(broker.get(&path).await.status, 400, "{bytes} bytes");
    }
}
