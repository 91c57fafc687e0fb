use promfetch_tests::Broker;
use promfetch_tests::osb::{Call, IDS, PLAN, SERVICE, VERSION, binding, instance, with};
use serde_json::{Value, json};

use super::send;

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
