use promfetch_tests::Broker;
use promfetch_tests::osb::{self, Call, IDS, PLAN, SERVICE, binding, instance, with};
use serde_json::json;

/// Items 22 and 41: at once after success, 404 MUST when it does not exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_retrieved_or_404() {
    let broker = Broker::start().await;
    assert_eq!(broker.get(&instance("i")).await.status, 404);
    let dashboard = with(osb::provision(), json!({"context": {"instance_name": "n"}}));
    assert_eq!(broker.put(&instance("i"), dashboard).await.status, 201);
    let got = broker.get(&instance("i")).await;
    assert_eq!(got.status, 200);
    let wanted = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "parameters": {},
        "dashboard_url": "https://promfetch.example/?space=space-guid-here",
    });
    assert_eq!(got.json, wanted, "item 40: as with the first answer");
    assert_eq!(
        broker.get(&instance("I")).await.status,
        404,
        "ids have a case"
    );
}

/// Items 29 and 41: parameters and credentials at once after success; 404 MUST when absent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_is_retrieved_with_its_parameters_or_404() {
    let broker = Broker::start().await;
    assert_eq!(
        broker.get(&binding("i", "b")).await.status,
        404,
        "no instance"
    );
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker.get(&binding("i", "b")).await.status,
        404,
        "no binding"
    );
    let parameters = json!({"endpoint": "/x?a=b", "process": "worker", "timeout": 2.5});
    let bound = broker.bind("i", "b", "a", parameters.clone()).await;
    let got = broker.get(&binding("i", "b")).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.json["parameters"], parameters);
    assert_eq!(got.json["credentials"], bound.json["credentials"]);
    let names: Vec<_> = got.json.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["credentials", "parameters"]);
}

/// Items 22 and 29: hints, non-empty if present; 404 when they do not fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_are_checked_when_there_are_any() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(broker.bind("i", "b", "a", json!({})).await.status, 201);
    for path in [instance("i"), binding("i", "b")] {
        for (query, status, why) in [
            (String::new(), 200, "the Kubernetes client sends none"),
            (IDS.to_owned(), 200, "both fit"),
            (format!("?plan_id={PLAN}"), 200, "one fits"),
            ("?service_id=".to_owned(), 400, "empty"),
            ("?plan_id=".to_owned(), 400, "empty"),
            (format!("?service_id=&plan_id={PLAN}"), 400, "one is empty"),
            ("?service_id=another".to_owned(), 404, "of another service"),
            (
                format!("?service_id={SERVICE}&plan_id=another"),
                404,
                "of another plan",
            ),
            (
                "?service_id=%FF".to_owned(),
                404,
                "not text, so not its own",
            ),
        ] {
            let answer = broker.get(&format!("{path}{query}")).await;
            assert_eq!(answer.status, status, "{path}{query}: {why}");
        }
        let none = path.replace("/i", "/none");
        assert_eq!(
            broker.get(&format!("{none}?plan_id=")).await.status,
            400,
            "before existence"
        );
        assert_eq!(broker.get(&format!("{none}{IDS}")).await.status, 404);
    }
}

/// Item 41: sensitive parameters MAY be withheld, and are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sensitive_parameters_are_withheld() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let secrets = ["s3cret-pass", "s3cret-token", "s3cret-tenant"];
    for (number, authorization) in [
        json!({"type": "basic", "username": "scraper", "password": secrets[0]}),
        json!({"type": "bearer", "token": secrets[1]}),
    ]
    .into_iter()
    .enumerate()
    {
        let parameters = json!({
            "endpoint": "/x",
            "authorization": authorization,
            "headers": {"X-Tenant": secrets[2]},
        });
        let id = format!("b{number}");
        assert_eq!(
            broker.bind("i", &id, "a", parameters.clone()).await.status,
            201
        );
        assert_eq!(
            broker.bind("i", &id, "a", parameters).await.status,
            200,
            "still compared"
        );
        let shown = broker.get(&binding("i", &id)).await.json["parameters"].clone();
        assert_eq!(shown["endpoint"], "/x");
        assert_eq!(shown["authorization"]["type"], authorization["type"]);
        assert_eq!(shown["headers"], json!({"X-Tenant": "***"}));
        let changed = json!({"endpoint": "/x", "authorization": authorization});
        assert_eq!(broker.bind("i", &id, "a", changed).await.status, 409);
        let rows = broker
            .database()
            .rows("SELECT parameters FROM promfetch_bindings")
            .await;
        let everywhere = format!("{shown} {rows:?} {}", broker.promfetch.log());
        for secret in secrets {
            assert!(!everywhere.contains(secret), "{secret} in {everywhere}");
        }
    }
}

/// HEAD is GET without a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_is_get_without_a_body() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for (path, status) in [(instance("i"), 200), (instance("none"), 404)] {
        assert_eq!(broker.send(Call::new("HEAD", &path)).await.status, status);
    }
}
