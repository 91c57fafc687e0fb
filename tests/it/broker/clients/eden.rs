use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDENTITY, IDS, PLAN, SERVICE, VERSION, binding, instance};
use serde_json::json;

use super::send;

/// Section 4: eden, 2.13: one app for every binding, so several bindings of one app are normal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eden_is_served() {
    let broker = Broker::start().await;
    let call = |method: &str, path: &str| {
        Call::new(method, path)
            .without(IDENTITY)
            .header(VERSION, "2.13")
            .header("content-type", "application/json")
    };
    let provision = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_guid": "eden-unknown-guid",
        "space_guid": "eden-unknown-space",
        "parameters": {},
    });
    let bind = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "app_guid": "eden-unknown",
        "parameters": {"endpoint": "/one"},
    });
    for id in ["i1", "i2"] {
        assert_eq!(
            send(&broker, call("PUT", &instance(id)).json(&provision)).await,
            201
        );
        for name in ["b1", "b2", "b3"] {
            assert_eq!(
                send(&broker, call("PUT", &binding(id, name)).json(&bind)).await,
                201
            );
        }
    }
    let stored = broker.stored().await;
    assert_eq!(stored.len(), 6, "none replaced another");
    for name in ["b3", "b1", "b2"] {
        let unbind = call("DELETE", &format!("{}{IDS}", binding("i1", name)));
        assert_eq!(send(&broker, unbind).await, 200);
        assert_eq!(send(&broker, call("GET", &binding("i2", name))).await, 200);
    }
}
