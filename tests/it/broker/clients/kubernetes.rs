use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDENTITY, IDS, PLAN, SERVICE, VERSION, binding, instance};
use serde_json::json;

use super::send;

/// Section 4: the Kubernetes service catalog client, 2.11 to 2.14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kubernetes_client_is_served() {
    let broker = Broker::start().await;
    for version in ["2.11", "2.12", "2.13", "2.14"] {
        let call = |method: &str, path: &str| {
            Call::new(method, path)
                .header(VERSION, version)
                .without(IDENTITY)
        };
        let id = format!("k8s-{version}");
        let context = json!({"platform": "kubernetes", "namespace": "n", "clusterid": "c"});
        let provision = json!({
            "service_id": SERVICE,
            "plan_id": PLAN,
            "organization_guid": "c",
            "space_guid": "n",
            "context": if version == "2.11" { json!(null) } else { context },
        });
        assert_eq!(
            send(&broker, call("PUT", &instance(&id)).json(&provision)).await,
            201
        );
        let bind =
            json!({"service_id": SERVICE, "plan_id": PLAN, "bind_resource": {"app_guid": "a"}});
        let bound = broker
            .send(call("PUT", &binding(&id, "b")).json(&bind))
            .await;
        assert_eq!(bound.status, 201);
        assert!(
            bound.json.get("endpoints").is_none(),
            "it cannot read ports that are texts"
        );
        assert_eq!(
            send(&broker, call("GET", &instance(&id))).await,
            200,
            "no hints"
        );
        assert_eq!(
            send(&broker, call("GET", &binding(&id, "b"))).await,
            200,
            "no hints"
        );
        for status in [200, 410] {
            let unbind = call("DELETE", &format!("{}{IDS}", binding(&id, "b")));
            assert_eq!(send(&broker, unbind).await, status);
        }
        assert_eq!(
            send(&broker, call("DELETE", &format!("{}{IDS}", instance(&id)))).await,
            200
        );
    }
}
