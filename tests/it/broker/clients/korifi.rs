use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDENTITY, IDS, PLAN, SERVICE, binding, instance, with};
use serde_json::json;

use super::send;

/// Section 4: Korifi's client, 2.17: nulls, no context, no identities, a type also without a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn korifi_is_served() {
    let broker = Broker::start().await;
    let call = |method: &str, path: &str| {
        Call::new(method, path)
            .without(IDENTITY)
            .header("content-type", "application/json")
    };
    let provision = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_guid": "org",
        "space_guid": "space",
        "parameters": null,
    });
    for status in [201, 200] {
        assert_eq!(
            send(&broker, call("PUT", &instance("i")).json(&provision)).await,
            status
        );
    }
    let bind = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "app_guid": "a",
        "bind_resource": {"app_guid": "a"},
        "parameters": null,
    });
    let key = with(
        bind.clone(),
        json!({"app_guid": "", "bind_resource": {"app_guid": ""}}),
    );
    for (id, body) in [("b", &bind), ("key", &key)] {
        for status in [201, 200] {
            let answer = broker.send(call("PUT", &binding("i", id)).json(body)).await;
            assert_eq!(answer.status, status);
            assert!(answer.json["credentials"].is_object());
        }
        assert_eq!(
            send(&broker, call("GET", &format!("{}{IDS}", binding("i", id)))).await,
            200
        );
        let delete = format!("{}{IDS}", binding("i", id));
        assert_eq!(send(&broker, call("DELETE", &delete)).await, 200);
        assert_eq!(
            send(&broker, call("GET", &delete)).await,
            404,
            "what it looks for"
        );
    }
    let delete = format!("{}{IDS}", instance("i"));
    assert_eq!(send(&broker, call("DELETE", &delete)).await, 200);
    assert_eq!(send(&broker, call("DELETE", &delete)).await, 410);
    assert_eq!(send(&broker, call("GET", "/v2/catalog")).await, 200);
}
