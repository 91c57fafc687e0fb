use promfetch_tests::Broker;
use promfetch_tests::osb::{self, Call, IDENTITY, IDS, VERSION, basic, binding, instance};
use serde_json::json;

/// Item 1: MUST authenticate, MUST answer 401, whatever the route.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_without_the_login_is_401() {
    let broker = Broker::start().await;
    for (method, path, why) in [
        ("GET", "/v2/catalog".to_owned(), "a route"),
        ("PUT", instance("i"), "before the body is looked at"),
        ("PATCH", instance("i"), "a route"),
        ("DELETE", instance("i"), "before the ids are looked at"),
        ("GET", instance("i"), "a route"),
        (
            "GET",
            format!("{}/last_operation", instance("i")),
            "a route",
        ),
        ("PUT", binding("i", "b"), "a route"),
        ("GET", binding("i", "b"), "a route"),
        ("DELETE", binding("i", "b"), "a route"),
        ("POST", "/v2/catalog".to_owned(), "before the method"),
        (
            "GET",
            "/v2/unknown".to_owned(),
            "unknown paths tell nothing",
        ),
        ("GET", "/v2".to_owned(), "unknown paths tell nothing"),
        ("GET", "/v2x".to_owned(), "unknown paths tell nothing"),
        ("GET", "/".to_owned(), "unknown paths tell nothing"),
        ("GET", "/%FF".to_owned(), "not even text"),
    ] {
        let call = Call::new(method, &path).without("authorization");
        let answer = broker.send(call.clone()).await;
        assert_eq!(answer.status, 401, "{method} {path}: {why}");
        let answer = broker.send(call.without(VERSION)).await;
        assert_eq!(answer.status, 401, "{method} {path}: before the version");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_login_is_401() {
    let broker = Broker::start().await;
    let token = format!("Bearer {}", osb::PASSWORD.len());
    for (login, why) in [
        (basic(osb::USER, "wrong"), "another password"),
        (basic("nobody", osb::PASSWORD), "another user"),
        (basic(osb::USER, ""), "an empty password"),
        (basic("", ""), "nothing"),
        (basic("user", "password"), "promfetcher's default"),
        (
            basic(&osb::USER.to_uppercase(), osb::PASSWORD),
            "other letters",
        ),
        (
            basic(osb::USER, &format!("{} ", osb::PASSWORD)),
            "a blank more",
        ),
        (token, "another scheme"),
        ("Basic".to_owned(), "no credentials"),
        ("Basic ***".to_owned(), "no base64"),
        (format!("Basic {}", "A".repeat(20_000)), "long"),
        (String::new(), "empty"),
    ] {
        let call = Call::new("GET", "/v2/catalog").header("authorization", &login);
        assert_eq!(broker.send(call).await.status, 401, "{why}");
    }
    let scheme = basic(osb::USER, osb::PASSWORD).replace("Basic", "bAsIc");
    let call = Call::new("GET", "/v2/catalog").header("authorization", &scheme);
    assert_eq!(broker.send(call).await.status, 200, "schemes have no case");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_logins_are_valid_during_a_change() {
    let previous = json!({"broker": {"previous_user": "cc-old", "previous_pass": "old-and-long"}});
    let broker = Broker::start_with(promfetch_tests::database::Kind::Sqlite, previous).await;
    for (user, password, status) in [
        (osb::USER, osb::PASSWORD, 200),
        ("cc-old", "old-and-long", 200),
        ("cc-old", osb::PASSWORD, 401),
        (osb::USER, "old-and-long", 401),
    ] {
        let call = Call::new("GET", "/v2/catalog").header("authorization", &basic(user, password));
        assert_eq!(broker.send(call).await.status, status, "{user}");
    }
}

/// Many guesses at once are slowed down and refused; the platform, with the right password, is served meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_slows_nobody_else_down() {
    let broker = std::sync::Arc::new(Broker::start().await);
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..100 {
        let broker = std::sync::Arc::clone(&broker);
        let login = basic(osb::USER, &format!("guess-{number}"));
        let call = Call::new("GET", "/v2/catalog").header("authorization", &login);
        guesses.spawn(async move { broker.send(call).await });
    }
    for number in 0..20 {
        let answer = broker.provision(&format!("i{number}")).await;
        assert_eq!(answer.status, 201);
    }
    for answer in guesses.join_all().await {
        assert!([401, 429].contains(&answer.status), "{answer:?}");
        assert_eq!(
            answer.status == 429,
            !answer.header("retry-after").is_empty()
        );
    }
    assert_eq!(broker.get("/v2/catalog").await.status, 200);
}

/// Item 2: MAJOR.MINOR as numbers; unsupported MAY be 412 with the version to use, absent MAY be 400.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_header_is_compared_as_numbers() {
    let broker = Broker::start().await;
    for (version, status, why) in [
        (Some("2.17"), 200, "what is spoken"),
        (Some("2.15"), 200, "the Cloud Controller"),
        (Some("2.14"), 200, "osb-checker"),
        (Some("2.13"), 200, "eden"),
        (Some("2.11"), 200, "the oldest Kubernetes client"),
        (Some("2.9"), 200, "before 2.10"),
        (Some("2.10"), 200, "after 2.9"),
        (Some("2.18"), 200, "a later minor only adds"),
        (None, 400, "absent"),
        (Some(""), 412, "present, but empty"),
        (Some("2"), 412, "malformed"),
        (Some("2.17.1"), 412, "malformed"),
        (Some("two"), 412, "malformed"),
        (Some("3.0"), 412, "another major"),
        (Some("1.0"), 412, "another major"),
    ] {
        let call = Call::new("GET", "/v2/catalog").without(VERSION);
        let call = match version {
            Some(version) => call.header(VERSION, version),
            None => call,
        };
        let answer = broker.send(call).await;
        assert_eq!(answer.status, status, "{version:?}: {why}");
        if status != 200 {
            let description = answer.description();
            assert!(description.contains("2.17"), "{version:?}: {description}");
        }
    }
}

/// Section 3: 401, version, 404 and 405, ids, body, existence, conflict.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_come_in_their_order() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let other = |call: Call| call.header(VERSION, "3.0");
    let deep = instance(&"x".repeat(2000));
    for (call, status, why) in [
        (
            other(Call::new("GET", "/v2/nothing")),
            412,
            "version before path",
        ),
        (
            other(Call::new("POST", "/v2/catalog")),
            412,
            "version before method",
        ),
        (
            other(Call::new("PUT", &instance("i")).body("{")),
            412,
            "version before body",
        ),
        (Call::new("POST", &deep), 405, "method before ids"),
        (Call::new("PUT", &deep).body("{"), 400, "ids before body"),
        (
            Call::new("PUT", &binding("none", "b")).body("{"),
            400,
            "body before existence",
        ),
        (
            Call::new("DELETE", &instance("none")),
            400,
            "ids before existence",
        ),
        (
            Call::new("PUT", &binding("none", "b")).json(&osb::bind("a")),
            404,
            "existence",
        ),
    ] {
        let answer = broker.send(call).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.description());
    }
}

/// Item 3: an originating identity is opaque, is logged, and fails nothing. Item 44: nor when its platform is another
/// one than the context's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_originating_identity_is_logged_and_fails_nothing() {
    const NAME: &str = "X-Broker-API-Originating-Identity";
    let broker = Broker::start().await;
    // {"user_id":"683ea748-3092-4ff4-b656-39cacc4d5360"}
    let user = "eyJ1c2VyX2lkIjoiNjgzZWE3NDgtMzA5Mi00ZmY0LWI2NTYtMzljYWNjNGQ1MzYwIn0=";
    let long = "A".repeat(8000);
    for (number, (identity, why)) in [
        (format!("cloudfoundry {user}"), "as CC sends it"),
        (
            format!("kubernetes {user}"),
            "another platform than the context's",
        ),
        ("cloudfoundry".to_owned(), "no value"),
        ("cloudfoundry !!!".to_owned(), "no base64"),
        ("cloudfoundry bm8ganNvbg==".to_owned(), "no JSON"),
        (String::new(), "empty"),
        (format!("cloudfoundry {long}"), "long"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = osb::with(
            osb::provision(),
            json!({"context": {"platform": "cloudfoundry"}}),
        );
        let call = Call::new("PUT", &instance(&format!("i{number}"))).json(&body);
        let answer = broker.send(call.header(NAME, &identity)).await;
        assert_eq!(answer.status, 201, "{why}");
    }
    let user = "683ea748-3092-4ff4-b656-39cacc4d5360";
    broker.promfetch.logged(user).await;
}

/// Item 4: the request's identity SHOULD be echoed, on errors too; every test checks it, this one that it is there at
/// all where errors are made early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_request_identity_is_echoed_on_errors_too() {
    let broker = Broker::start().await;
    for (call, status) in [
        (
            Call::new("GET", "/v2/catalog").without("authorization"),
            401,
        ),
        (Call::new("GET", "/v2/catalog").without(VERSION), 400),
        (Call::new("GET", "/v2/catalog").header(VERSION, "9.9"), 412),
        (Call::new("GET", "/v2/nothing"), 404),
        (Call::new("DELETE", "/v2/catalog"), 405),
        (
            Call::new("DELETE", &format!("{}{IDS}", instance("none"))),
            410,
        ),
        (Call::new("GET", "/v2/catalog"), 200),
    ] {
        let answer = broker.send(call.header(IDENTITY, "any text: 1, 2")).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(IDENTITY), "any text: 1, 2", "{status}");
        let none = broker.send(Call::new("GET", "/v2/catalog").without(IDENTITY));
        assert_eq!(none.await.header(IDENTITY), "", "none is made up");
    }
}
