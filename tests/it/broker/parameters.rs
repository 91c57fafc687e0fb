use promfetch_tests::Broker;
use promfetch_tests::osb::{self, Call, binding};
use serde_json::{Value, json};

/// Item 36 and section 5, flaws 8 and 14: what is inside `parameters` is checked strictly, and a sentence says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_are_400_with_a_sentence() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let endpoint = |path: &str| json!({"endpoint": path});
    for (parameters, word, why) in [
        (json!({"endpiont": "/x"}), "endpiont", "a typo"),
        (json!({"Endpoint": "/x"}), "Endpoint", "names have a case"),
        (endpoint(""), "endpoint", "empty"),
        (endpoint("metrics"), "endpoint", "not absolute"),
        (endpoint("//evil.example/x"), "endpoint", "another host"),
        (endpoint("/\\evil.example"), "endpoint", "a backslash"),
        (endpoint("http://evil.example/"), "endpoint", "a URL"),
        (endpoint("/x#fragment"), "endpoint", "a fragment"),
        (endpoint("/x\r\nHost: evil"), "endpoint", "a line end"),
        (endpoint("/x y"), "endpoint", "a blank"),
        (endpoint("/x "), "endpoint", "a blank at the end"),
        (endpoint("/ä"), "endpoint", "not encoded"),
        (endpoint("/a/../b"), "endpoint", "a segment `..`"),
        (endpoint("/a/./b"), "endpoint", "a segment `.`"),
        (
            endpoint("/a/%2e%2E/b"),
            "endpoint",
            "a segment `..`, encoded",
        ),
        (endpoint("/\u{0}"), "endpoint", "a control character"),
        (
            endpoint(&format!("/{}", "x".repeat(1024))),
            "endpoint",
            "too long",
        ),
        (json!({"endpoint": 1}), "endpoint", "a number"),
        (json!({"endpoint": null}), "endpoint", "null"),
        (json!({"endpoint": ["/x"]}), "endpoint", "a list"),
        (json!({"process": ""}), "process", "empty"),
        (json!({"timeout": 0}), "timeout", "no time"),
        (json!({"timeout": 301}), "timeout", "too long"),
        (json!({"timeout": "5"}), "timeout", "a text"),
        (json!({"headers": {"Host": "x"}}), "host", "promfetch's own"),
        (
            json!({"headers": {"X-Cf-App-Instance": "x"}}),
            "x-cf-",
            "the platform's",
        ),
        (json!({"headers": {"a b": "x"}}), "headers", "no name"),
        (json!({"headers": {"A": "x", "a": "y"}}), "headers", "twice"),
        (json!({"headers": {"A": "x\ny"}}), "headers", "two lines"),
        (
            json!({"authorization": {"type": "digest"}}),
            "authorization",
            "no such type",
        ),
        (
            json!({"authorization": {"type": "basic"}}),
            "authorization",
            "no login",
        ),
        (
            json!({"authorization": "Bearer x"}),
            "authorization",
            "a text",
        ),
        (
            json!({"authorization": {"type": "bearer", "token": "a b"}}),
            "authorization",
            "no token",
        ),
    ] {
        let answer = broker.bind("i", "b", "a", parameters).await;
        assert_eq!(answer.status, 400, "{why}");
        let description = answer.description();
        assert!(description.contains(word), "{why}: {description}");
        assert!(
            description.starts_with("Wrong parameters: "),
            "{why}: {description}"
        );
        assert!(
            !description.contains(char::is_control),
            "{why}: {description:?}"
        );
        assert!(description.len() < 500, "{why}: {description}");
    }
    assert_eq!(
        broker.get(&binding("i", "b")).await.status,
        404,
        "item 8: nothing was made"
    );
    assert_eq!(broker.held().await, 0);
}

/// What a developer may write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn right_parameters_are_kept_as_they_came() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let longest = format!("/{}", "x".repeat(1023));
    for (number, (parameters, why)) in [
        (json!({}), "credentials alone"),
        (json!({"endpoint": "/"}), "the root"),
        (json!({"endpoint": "/actuator/prometheus"}), "Spring's"),
        (
            json!({"endpoint": "/metrics?format=prometheus&name[]=up"}),
            "a query",
        ),
        (
            json!({"endpoint": "/a%20b/..c/.d"}),
            "encoded, and dots that are no segments",
        ),
        (json!({"endpoint": longest}), "the longest"),
        (json!({"process": "worker"}), "a process alone"),
        (json!({"timeout": 0.1}), "the shortest time"),
        (json!({"timeout": 300.0}), "the longest time"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("b{number}");
        assert_eq!(
            broker.bind("i", &id, "a", parameters.clone()).await.status,
            201,
            "{why}"
        );
        let got: Value = broker.get(&binding("i", &id)).await.json;
        assert_eq!(got["parameters"], parameters, "{why}");
    }
}

/// A refusal never repeats a value, which may be a secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_do_not_repeat_secrets() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for parameters in [
        json!({"authorization": {"type": "bearer", "token": "s3cret with blanks"}}),
        json!({"authorization": {"type": "basic", "username": "u", "password": "s3cret\n"}}),
        json!({"authorization": {"type": "basic", "username": "u", "passwrd": "s3cret"}}),
        json!({"authorization": "s3cret"}),
        json!({"headers": {"X-Key": "s3cret\r\n"}}),
        json!({"headers": "s3cret"}),
        json!("s3cret"),
    ] {
        let answer = broker.bind("i", "b", "a", parameters.clone()).await;
        assert_eq!(answer.status, 400, "{parameters}");
        assert!(
            !answer.description().contains("s3cret"),
            "{}",
            answer.description()
        );
    }
    assert!(!broker.promfetch.log().contains("s3cret"));
}

/// A member twice is one text in the end: the one that is checked, kept, shown and used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_member_that_comes_twice_the_last_counts() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for (id, first, last, status) in [("b1", "/a", "/b", 201), ("b2", "/a", "//b", 400)] {
        let parameters = format!("{{\"endpoint\":\"{first}\",\"endpoint\":\"{last}\"}}");
        let body = osb::with(osb::bind("a"), json!({"parameters": "HERE"})).to_string();
        let call = Call::new("PUT", &binding("i", id)).body(body.replace("\"HERE\"", &parameters));
        assert_eq!(broker.send(call).await.status, status, "{parameters}");
    }
    let got = broker.get(&binding("i", "b1")).await.json;
    assert_eq!(got["parameters"], json!({"endpoint": "/b"}));
    assert_eq!(
        broker.stored().await[0]["parameters"],
        json!({"endpoint": "/b"})
    );
}
