use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDS, PLAN, SERVICE, VERSION, binding, instance, with};
use serde_json::json;

use super::send;

/// Sections 2.1 and 4: the Cloud Controller, 2.15, from create to delete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cloud_controller_is_served() {
    let broker = Broker::start().await;
    let call = |method: &str, path: &str| {
        Call::new(method, path)
            .header(VERSION, "2.15")
            .header("Accept", "application/json")
            .header("X-VCAP-Request-ID", "a::b")
            .header("X-Api-Info-Location", "api.example/v2/info")
            .header("X-B3-TraceId", "0123456789abcdef")
            .header("X-B3-SpanId", "0123456789abcdef")
            .header(
                "X-Broker-API-Originating-Identity",
                "cloudfoundry eyJ1c2VyX2lkIjoidSJ9",
            )
    };
    let context = json!({
        "platform": "cloudfoundry",
        "organization_guid": "o",
        "organization_name": "acme",
        "organization_annotations": {},
        "space_guid": "s",
        "space_name": "prod",
        "space_annotations": {},
        "instance_name": "my-metrics",
        "instance_annotations": {},
    });
    let ids = json!({"service_id": SERVICE, "plan_id": PLAN});
    let provision = with(
        ids.clone(),
        json!({"context": context, "organization_guid": "o", "space_guid": "s"}),
    );
    let async_ = "?accepts_incomplete=true";
    let path = format!("{}{async_}", instance("i"));
    assert_eq!(
        send(&broker, call("PUT", &path).json(&provision)).await,
        201
    );
    let previous = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_id": "o",
        "space_id": "s",
        "maintenance_info": null,
    });
    let renamed = with(context.clone(), json!({"instance_name": "renamed"}));
    let update = with(
        ids.clone(),
        json!({"context": renamed, "parameters": {}, "previous_values": previous}),
    );
    assert_eq!(send(&broker, call("PATCH", &path).json(&update)).await, 200);
    let bind = with(
        ids.clone(),
        json!({
            "context": context,
            "app_guid": "a",
            "bind_resource": {"app_guid": "a", "space_guid": "s", "app_annotations": {}},
            "parameters": {"endpoint": "/actuator/prometheus"},
        }),
    );
    let of_app = format!("{}{async_}", binding("i", "b"));
    assert_eq!(send(&broker, call("PUT", &of_app).json(&bind)).await, 201);
    // A second binding of the same app: `strategy: multiple`.
    let second = format!("{}{async_}", binding("i", "b2"));
    assert_eq!(send(&broker, call("PUT", &second).json(&bind)).await, 201);
    let key = with(
        ids,
        json!({"context": context, "bind_resource": {"credential_client_id": "cc"}}),
    );
    let of_key = format!("{}{async_}", binding("i", "key"));
    assert_eq!(send(&broker, call("PUT", &of_key).json(&key)).await, 201);
    let parameters = broker
        .send(call("GET", &format!("{}{IDS}", binding("i", "b"))))
        .await;
    assert_eq!(
        parameters.json["parameters"],
        json!({"endpoint": "/actuator/prometheus"})
    );
    for path in [
        binding("i", "key"),
        binding("i", "b2"),
        binding("i", "b"),
        instance("i"),
    ] {
        let path = format!("{path}{IDS}&accepts_incomplete=true");
        assert_eq!(send(&broker, call("DELETE", &path)).await, 200);
        assert_eq!(send(&broker, call("DELETE", &path)).await, 410);
    }
}
