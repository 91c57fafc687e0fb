use promfetch_tests::Broker;
use promfetch_tests::osb::{self, Call, IDS, PLAN, SERVICE, binding, instance, with};
use serde_json::{Value, json};

/// Item 9: a wrong type or an unprocessable body is 400, never 415 or 422; a missing type is taken for JSON.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_processed_is_400() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("there").await.status, 201);
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let bodies = [
        ("", "empty"),
        ("{", "not JSON"),
        ("[]", "a list"),
        ("null", "null"),
        ("\"text\"", "a text"),
        ("{}", "nothing of what is required"),
        ("service_id=x&plan_id=y", "a form"),
        ("{\"service_id\":1}", "a number for a text"),
        ("{\"service_id\":[\"x\"]}", "a list for a text"),
        ("{\"service_id\":\"\\ud800\"}", "half a surrogate pair"),
        (
            "{\"service_id\":\"a\",\"service_id\":\"a\"}",
            "a member twice",
        ),
        ("{\"parameters\":[]}", "a list for an object"),
        ("{\"parameters\":\"{}\"}", "a text for an object"),
        ("{\"context\":1}", "a number for an object"),
        ("{} {}", "two"),
        ("\u{feff}{}", "a mark before it"),
        (&nested, "nested"),
    ];
    for (method, path) in [
        ("PUT", instance("i")),
        ("PATCH", instance("there")),
        ("PUT", binding("there", "b")),
    ] {
        for (body, why) in bodies {
            let call = Call::new(method, &path)
                .header("content-type", "application/json")
                .body(body.to_owned());
            let answer = broker.send(call).await;
            assert_eq!(answer.status, 400, "{method}: {why}");
            assert!(answer.description().len() < 1000, "{method}: {why}");
        }
        let latin1 = Call::new(method, &path).body(b"{\"service_id\":\"\xe4\"}".to_vec());
        assert_eq!(broker.send(latin1).await.status, 400, "{method}: not UTF-8");
    }
    assert_eq!(
        broker.get(&instance("i")).await.status,
        404,
        "nothing was made"
    );
}

/// Item 9.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_type_of_a_body_is_json_or_missing() {
    let broker = Broker::start().await;
    for (number, (kind, status, why)) in [
        (Some("application/json"), 201, "as it SHOULD be"),
        (
            Some("application/json; charset=utf-8"),
            201,
            "with a parameter",
        ),
        (Some("Application/JSON"), 201, "types have no case"),
        (None, 201, "MAY be processed"),
        (Some("text/plain"), 400, "wrong"),
        (Some("application/x-www-form-urlencoded"), 400, "curl's own"),
        (Some("application/xml"), 400, "wrong"),
        (Some("application/jsonp"), 400, "another one"),
    ]
    .into_iter()
    .enumerate()
    {
        let call = Call::new("PUT", &instance(&format!("i{number}")));
        let call = call.body(osb::provision().to_string());
        let call = match kind {
            Some(kind) => call.header("content-type", kind),
            None => call,
        };
        assert_eq!(broker.send(call).await.status, status, "{kind:?}: {why}");
    }
    // Bodiless requests of Korifi and eden carry a type, and other clients any.
    for (method, status) in [("GET", 404), ("DELETE", 410)] {
        for kind in ["application/json", "text/plain"] {
            let call = Call::new(method, &format!("{}{IDS}", instance("none")));
            let answer = broker.send(call.header("content-type", kind)).await;
            assert_eq!(answer.status, status, "{method} with {kind}");
        }
    }
}

/// Item 10: there is a limit for bodies, and it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_long_is_413() {
    let broker = Broker::start().await;
    let padded = |bytes: usize| {
        let body = with(osb::provision(), json!({"context": {"padding": ""}})).to_string();
        let padding = "x".repeat(bytes - body.len());
        body.replace("\"padding\":\"\"", &format!("\"padding\":\"{padding}\""))
    };
    for (bytes, status) in [(64 << 10, 201), ((64 << 10) + 1, 413), (1 << 20, 413)] {
        let call = Call::new("PUT", &instance(&format!("i{bytes}"))).body(padded(bytes));
        assert_eq!(broker.send(call).await.status, status, "{bytes} bytes");
    }
}

/// Item 5: unknown fields MUST be ignored. Item 45: also another broker's extensions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_fields_are_ignored() {
    let broker = Broker::start().await;
    let unknown = json!({
        "unknown": {"a": [1, null]},
        "context": {"platform": "mars", "unknown": null, "nested": {"deep": [[]]}},
        "com.example.extension": true,
    });
    let answer = broker
        .put(&instance("i"), with(osb::provision(), unknown.clone()))
        .await;
    assert_eq!(answer.status, 201);
    let update = with(json!({"service_id": SERVICE}), unknown.clone());
    assert_eq!(broker.patch(&instance("i"), update).await.status, 200);
    let resource = json!({"bind_resource": {"app_guid": "a", "route": null, "unknown": 1}});
    let bind = with(with(osb::bind("a"), unknown), resource);
    assert_eq!(broker.put(&binding("i", "b"), bind).await.status, 201);
    let query = "?unknown=1&accepts_incomplete=banana&service_id&&=";
    assert_eq!(broker.get(&format!("/v2/catalog{query}")).await.status, 200);
}

/// Item 11: `accepts_incomplete` MAY be ignored, whatever its value; never 202, never AsyncRequired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepts_incomplete_changes_nothing() {
    let broker = Broker::start().await;
    for (number, value) in ["true", "false", "", "maybe"].into_iter().enumerate() {
        let id = format!("i{number}");
        let query = format!("?accepts_incomplete={value}");
        let path = format!("{}{query}", instance(&id));
        assert_eq!(
            broker.put(&path, osb::provision()).await.status,
            201,
            "{value}"
        );
        let update = json!({"service_id": SERVICE, "plan_id": PLAN});
        assert_eq!(broker.patch(&path, update).await.status, 200, "{value}");
        let path = format!("{}{query}", binding(&id, "b"));
        assert_eq!(
            broker.put(&path, osb::bind("a")).await.status,
            201,
            "{value}"
        );
        for path in [binding(&id, "b"), instance(&id)] {
            let path = format!("{path}{IDS}&accepts_incomplete={value}");
            let answer = broker.send(Call::new("DELETE", &path)).await;
            assert_eq!((answer.status, answer.json), (200, json!({})), "{value}");
        }
    }
}

/// 405 with `Allow` for methods that nobody uses, 404 for paths that there are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_405_and_other_paths_404() {
    let broker = Broker::start().await;
    let (one, of_one) = (instance("i"), binding("i", "b"));
    let allowed = [
        ("/v2/catalog".to_owned(), vec!["GET", "HEAD"]),
        (one.clone(), vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"]),
        (format!("{one}/last_operation"), vec!["GET", "HEAD"]),
        (of_one.clone(), vec!["DELETE", "GET", "HEAD", "PUT"]),
        (format!("{of_one}/last_operation"), vec!["GET", "HEAD"]),
    ];
    let methods = [
        "GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE", "QUERY", "PROPFIND",
    ];
    for (path, allowed) in allowed {
        for method in methods
            .into_iter()
            .filter(|method| !allowed.contains(method))
        {
            let answer = broker.send(Call::new(method, &path)).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let mut said: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            said.sort_unstable();
            assert_eq!(said, allowed, "{method} {path}");
        }
    }
    for path in [
        "/".to_owned(),
        "/v2".to_owned(),
        "/v2/".to_owned(),
        "/v2x".to_owned(),
        "/v2/catalog/".to_owned(),
        "/v2/catalogue".to_owned(),
        "/V2/catalog".to_owned(),
        "/v2/service_instances".to_owned(),
        "/v2/service_instances/".to_owned(),
        "/v2/service_instances/i/service_bindings".to_owned(),
        "/v2/service_instances/i/service_bindings/".to_owned(),
        "/v2/service_instances/i/unknown".to_owned(),
        "/v3/catalog".to_owned(),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = broker.send(Call::new(method, &path)).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    // Item 10: ids are not empty.
    let empty = "/v2/service_instances//service_bindings/b";
    for method in ["GET", "PUT", "DELETE"] {
        let answer = broker.send(Call::new(method, empty)).await;
        assert_eq!(answer.status, 400, "{method} {empty}");
    }
}

/// Section 2.1: CC keeps the slash at the end of the address it was given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_a_slash_at_its_end_works() {
    let broker = Broker::start().await;
    assert_eq!(broker.get("//v2/catalog").await.status, 200);
    let answer = broker
        .put("//v2/service_instances/i", osb::provision())
        .await;
    assert_eq!(answer.status, 201);
    let path = format!("//v2/service_instances/i{IDS}");
    assert_eq!(broker.send(Call::new("DELETE", &path)).await.status, 200);
    let outside = broker.promfetch.request("GET", "/brokerx/v2/catalog").await;
    assert_eq!(outside.status, 404, "not the broker's");
}

/// Item 6: the broker that is off says so, and a platform deletes nothing that it did not create.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_off_says_so() {
    let off: Value = json!({"broker": {"user": "user", "pass": "password"}});
    let broker = Broker::start_with(promfetch_tests::database::Kind::Sqlite, off).await;
    for (method, path) in [("GET", "/v2/catalog".to_owned()), ("PUT", instance("i"))] {
        let answer = broker.send(Call::new(method, &path)).await;
        assert_eq!(answer.status, 503);
        assert!(
            answer.description().contains("off"),
            "{}",
            answer.description()
        );
    }
    // How to turn it on.
    broker.promfetch.logged("broker.user").await;
}
