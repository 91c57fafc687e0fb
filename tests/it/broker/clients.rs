use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDENTITY, IDS, PLAN, SERVICE, VERSION, binding, instance, with};
use serde_json::{Value, json};

async fn send(broker: &Broker, call: Call) -> u16 {
    broker.send(call).await.status
}

/// Section 4: the official Go checker, 2.14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn osb_checker_finds_nothing() {
    let broker = Broker::start().await;
    let call = |method: &str, path: &str| Call::new(method, path).header(VERSION, "2.14");
    let query = format!("{IDS}&accepts_incomplete=false");
    let (one, of_one) = (instance("i"), binding("i", "b"));
    let provision = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_guid": "org-guid-here",
        "space_guid": "space-guid-here",
        "maintenance_info": {},
    });
    let update = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "maintenance_info": {},
        "previous_values": {"maintenance_info": {}},
    });
    let bind = json!({"service_id": SERVICE, "plan_id": PLAN, "bind_resource": {}});
    let bodies = [
        ("PUT", &one, &provision),
        ("PATCH", &one, &update),
        ("PUT", &of_one, &bind),
    ];
    // Credentials are right, version and ids are empty: 412.
    for (method, path, _) in bodies {
        let empty = json!({"service_id": "", "plan_id": ""});
        let call = Call::new(method, path).header(VERSION, "").json(&empty);
        assert_eq!(send(&broker, call).await, 412, "{method} {path}");
    }
    for path in ["/v2/catalog", one.as_str(), of_one.as_str()] {
        assert_eq!(
            send(&broker, call("GET", path).without("authorization")).await,
            401,
            "{path}"
        );
    }
    let path = |path: &str| format!("{path}?accepts_incomplete=false");
    let put = |target: &str, body: &Value| call("PUT", &path(target)).json(body);
    for member in ["service_id", "plan_id", "organization_guid", "space_guid"] {
        let empty = with(provision.clone(), json!({member: ""}));
        assert_eq!(send(&broker, put(&one, &empty)).await, 400, "{member}");
    }
    for member in ["service_id", "plan_id"] {
        let unknown = with(provision.clone(), json!({member: "fake"}));
        assert_eq!(send(&broker, put(&one, &unknown)).await, 400, "{member}");
    }
    assert_eq!(send(&broker, put(&one, &provision)).await, 201);
    assert_eq!(send(&broker, put(&one, &provision)).await, 200);
    let other = with(provision.clone(), json!({"space_guid": "another"}));
    assert_eq!(send(&broker, put(&one, &other)).await, 409);
    for value in ["", "fake"] {
        let wrong = with(update.clone(), json!({"service_id": value}));
        let patch = call("PATCH", &path(&one)).json(&wrong);
        assert_eq!(send(&broker, patch).await, 400, "{value}");
    }
    assert_eq!(
        send(&broker, call("PATCH", &path(&one)).json(&update)).await,
        200
    );
    for member in ["service_id", "plan_id"] {
        for value in ["", "fake"] {
            let wrong = with(bind.clone(), json!({member: value}));
            assert_eq!(
                send(&broker, put(&of_one, &wrong)).await,
                400,
                "{member} {value}"
            );
        }
    }
    // Without any app, it wants 201.
    assert_eq!(send(&broker, put(&of_one, &bind)).await, 201);
    assert_eq!(send(&broker, put(&of_one, &bind)).await, 200);
    for path in [&one, &of_one] {
        assert_eq!(send(&broker, call("GET", path)).await, 200);
        for missing in [
            format!("?service_id=&plan_id={PLAN}"),
            format!("?service_id={SERVICE}&plan_id="),
        ] {
            let delete = call(
                "DELETE",
                &format!("{path}{missing}&accepts_incomplete=false"),
            );
            assert_eq!(send(&broker, delete).await, 400, "{path}{missing}");
        }
    }
    for path in [&of_one, &one] {
        assert_eq!(
            send(&broker, call("DELETE", &format!("{path}{query}"))).await,
            200
        );
        assert_eq!(
            send(&broker, call("DELETE", &format!("{path}{query}"))).await,
            410
        );
    }
}

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
