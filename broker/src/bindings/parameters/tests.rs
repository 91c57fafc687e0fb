//! What a bind may say, and that the published schema says the same.

use proptest::prelude::*;

use super::*;

fn read(json: &str) -> Result<Parameters, String> {
    Parameters::read(serde_json::from_str(json).unwrap())
}

#[test]
fn what_a_bind_may_say() {
    for (json, why) in [
        ("null", "nothing"),
        ("{}", "nothing: for credentials alone"),
        (r#"{"endpoint": "/actuator/prometheus"}"#, "a path"),
        (r#"{"endpoint": "/"}"#, "the root"),
        (
            r#"{"endpoint": "/m?format=prometheus&a=%20b"}"#,
            "a query is allowed",
        ),
        (r#"{"endpoint": "/a..b/...c"}"#, "dots inside a name"),
        (
            r#"{"process": "worker"}"#,
            "another process, the usual path",
        ),
        (
            r#"{"authorization": {"type": "basic", "username": "u", "password": "p:ß 1"}}"#,
            "a login; the password may have colons",
        ),
        (
            r#"{"authorization": {"type": "bearer", "token": "abc.DEF_~+/-=="}}"#,
            "a token",
        ),
        (
            r#"{"headers": {"X-Tenant": "blue", "x-api-key": "a b"}}"#,
            "headers",
        ),
        (r#"{"timeout": 2.5}"#, "seconds"),
        (r#"{"timeout": 300}"#, "the longest time"),
    ] {
        assert!(read(json).is_ok(), "{json}: {why}: {:?}", read(json));
    }
}

#[test]
fn what_a_bind_may_not_say_and_what_the_developer_reads() {
    let long = format!(r#"{{"endpoint": "/{}"}}"#, "a".repeat(1024));
    let many = (0..9)
        .map(|n| format!(r#""x-{n}":"v""#))
        .collect::<Vec<_>>();
    let many = format!(r#"{{"headers": {{{}}}}}"#, many.join(","));
    let path = "endpoint must be an absolute path of this app, such as `/actuator/prometheus`";
    let dots = "endpoint must not have `.` or `..` as a segment, not even encoded";
    for (json, message, why) in [
        (
            r#"{"endpiont": "/m"}"#,
            "`endpiont` is not known; there are `endpoint`, `process`",
            "a typo is not ignored",
        ),
        (
            r#"{"endpoint": ""}"#,
            "endpoint must not be empty",
            "empty: left out is meant",
        ),
        (
            r#"{"endpoint": null}"#,
            "endpoint must be a text, not null",
            "null is not absent here",
        ),
        (
            r#"{"endpoint": 7}"#,
            "endpoint must be a text, not a number",
            "no text",
        ),
        (r#"{"endpoint": "metrics"}"#, path, "relative"),
        (r#"{"endpoint": "//evil.example/m"}"#, path, "another host"),
        (
            r#"{"endpoint": "http://evil.example/m"}"#,
            path,
            "a whole URL",
        ),
        (
            r#"{"endpoint": "/m\r\nHost: x"}"#,
            path,
            "control characters",
        ),
        (r#"{"endpoint": "/a b"}"#, path, "a space"),
        (r#"{"endpoint": "/m#x"}"#, path, "a fragment"),
        (r#"{"endpoint": "/a\\b"}"#, path, "a backslash"),
        (r#"{"endpoint": "/é"}"#, path, "not ASCII"),
        (r#"{"endpoint": "/a/../b"}"#, dots, "climbs"),
        (r#"{"endpoint": "/a/%2e%2E/b"}"#, dots, "climbs, encoded"),
        (r#"{"endpoint": "/./b"}"#, dots, "a dot"),
        (
            &long,
            "endpoint must have at most 1024 characters",
            "too long",
        ),
        (r#"{"process": ""}"#, "process must not be empty", "empty"),
        (
            r#"{"process": "a b"}"#,
            "process must be made of visible ASCII characters",
            "a space",
        ),
        (
            r#"{"authorization": "Bearer x"}"#,
            "authorization must be an object, not a text",
            "the header's text",
        ),
        (
            r#"{"authorization": {"token": "x"}}"#,
            "authorization.type must be `basic` or `bearer`",
            "no type",
        ),
        (
            r#"{"authorization": {"type": "digest"}}"#,
            "authorization.type must be `basic` or `bearer`",
            "another one",
        ),
        (
            r#"{"authorization": {"type": "basic", "username": "u"}}"#,
            "authorization.password is required",
            "a half",
        ),
        (
            r#"{"authorization": {"type": "basic", "username": "a:b", "password": "p"}}"#,
            "authorization.username must be without a colon",
            "RFC 7617",
        ),
        (
            r#"{"authorization": {"type": "bearer", "token": "x", "password": "p"}}"#,
            "`authorization.password` is not known; there are `token`",
            "of the other type",
        ),
        (
            r#"{"authorization": {"type": "bearer", "token": "a\r\nX: y"}}"#,
            "authorization.token must be a token",
            "another header",
        ),
        (
            r#"{"headers": {"Host": "x"}}"#,
            "headers: `host` is set by promfetch itself",
            "ours",
        ),
        (
            r#"{"headers": {"X-Forwarded-For": "x"}}"#,
            "headers: `x-forwarded-for` is set",
            "the platform's",
        ),
        (
            r#"{"headers": {"X-CF-InstanceIndex": "x"}}"#,
            "headers: `x-cf-instanceindex` is set",
            "the platform's",
        ),
        (
            r#"{"headers": {"Authorization": "x"}}"#,
            "headers: `authorization` is set",
            "has a member of its own",
        ),
        (
            r#"{"headers": {"a b": "x"}}"#,
            "headers: the name `a b` must be the name of a header",
            "no header name",
        ),
        (
            r#"{"headers": {"x-a": "1", "X-A": "2"}}"#,
            "headers must not have a name twice",
            "the same header",
        ),
        (
            r#"{"headers": {"x-a": "a\nb"}}"#,
            "headers.x-a must be made of ASCII characters",
            "another header",
        ),
        (
            r#"{"headers": {"x-a": " b"}}"#,
            "headers.x-a must be made of ASCII characters, without spaces",
            "cut on the way",
        ),
        (&many, "headers must have at most 8 members", "too many"),
        (
            r#"{"timeout": 0}"#,
            "timeout must be between 0.1 and 300",
            "no time",
        ),
        (
            r#"{"timeout": "5s"}"#,
            "timeout must be a number, not a text",
            "a number of seconds",
        ),
        (
            r#"{"timeout": 1e9}"#,
            "timeout must be between 0.1 and 300",
            "for ever",
        ),
    ] {
        let problem = read(json).expect_err(why);
        assert!(problem.starts_with(message), "{json}: {why}: {problem}");
        assert!(!problem.contains(char::is_control), "{problem:?}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let all = read(
        r#"{"endpoint": "/m", "process": "worker", "timeout": 2,
            "authorization": {"type": "basic", "username": "u", "password": "s3cret"}, "headers": {"x-key": "s3cret"}}"#,
    )
    .unwrap();
    let shown = all.shown();
    assert_eq!(
        shown,
        json!({"endpoint": "/m", "process": "worker", "timeout": 2.0,
            "authorization": {"type": "basic", "username": "u"}, "headers": {"x-key": "***"}})
    );
    assert!(!format!("{all:?}").contains("s3cret"));
    let bearer = read(r#"{"authorization": {"type": "bearer", "token": "s3cret"}}"#).unwrap();
    assert_eq!(bearer.shown(), json!({"authorization": {"type": "bearer"}}));
    assert!(all.has_secrets() && bearer.has_secrets());
    assert!(!read(r#"{"endpoint": "/m"}"#).unwrap().has_secrets());
    // What is read back is what was stored.
    assert_eq!(Parameters::from_json(&all.to_json()), Some(all));
}

#[test]
fn parameters_become_settings() {
    let basic = read(
        r#"{"endpoint": "/m", "process": "worker", "timeout": 0.5,
            "authorization": {"type": "basic", "username": "u", "password": "ß:"}, "headers": {"x-key": "v"}}"#,
    )
    .unwrap();
    let settings = basic.settings(Some("/older"));
    assert_eq!(
        settings.path.as_deref(),
        Some("/older"),
        "the path in effect"
    );
    assert_eq!(settings.process_type.as_deref(), Some("worker"));
    assert_eq!(settings.timeout, Some(Duration::from_millis(500)));
    let authorization = settings.authorization.unwrap();
    assert_eq!(authorization, "Basic dTrDnzo=", "RFC 7617, UTF-8");
    assert!(authorization.is_sensitive());
    assert_eq!(settings.headers.get("x-key").unwrap(), "v");
    let bearer = read(r#"{"authorization": {"type": "bearer", "token": "t"}}"#).unwrap();
    let settings = bearer.settings(None);
    assert_eq!(settings.authorization.unwrap(), "Bearer t");
    assert_eq!(settings.path, None);
    // promfetcher looked at the first character only.
    let adopted = Parameters::of_endpoint(Some("//evil.example/m".into()));
    assert_eq!(adopted.settings(Some("//evil.example/m")).path, None);
}

/// Values as a developer might write them, right and wrong.
fn any_parameters() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "/[!-~]{0,6}",
        "[ -~]{0,6}",
        "\\PC{0,3}",
        Just("basic".to_owned()),
        Just("bearer".to_owned()),
        Just("x\n".to_owned()),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        (-1.0..400.0f64).prop_map(Value::from),
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([])),
    ];
    let object = |names: &'static [&'static str], leaf: BoxedStrategy<Value>| {
        prop::collection::btree_map(prop::sample::select(names), leaf, 0..4).prop_map(|members| {
            Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            )
        })
    };
    let leaf = leaf.boxed();
    let authorization = object(
        &["type", "username", "password", "token", "x"],
        leaf.clone(),
    )
    .boxed();
    let headers = object(&["x-a", "X-B", "a b", "", "x\n"], leaf.clone()).boxed();
    (
        object(&["endpoint", "process", "timeout", "other"], leaf.clone()),
        prop::option::of(prop_oneof![authorization, leaf.clone()]),
        prop::option::of(prop_oneof![headers, leaf]),
    )
        .prop_map(|(mut value, authorization, headers)| {
            for (name, inner) in [("authorization", authorization), ("headers", headers)] {
                if let Some(inner) = inner {
                    value[name] = inner;
                }
            }
            value
        })
}

fn validator(shape: &Shape) -> jsonschema::Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .build(&shape.schema())
        .expect("the schema is a draft-04 schema")
}

proptest! {
    #[test]
    fn the_schema_accepts_what_the_code_accepts(value in any_parameters()) {
        let (schema, code) = (validator(&BIND).is_valid(&value), BIND.check("", &value));
        prop_assert_eq!(schema, code.is_ok(), "{}: {:?}", value, code);
    }

    #[test]
    fn the_patterns_say_what_the_code_says(text in prop_oneof!["\\PC{0,4}", "[ -~]{0,4}", "/[!-~]{0,4}", "[a-z]{1,3}=*\n?", "[\u{0}-\u{a0}]{0,3}"]) {
        for form in [&PATH, &VISIBLE, &USER, &PRINTABLE, &TOKEN, &HEADER_VALUE] {
            let shape = Shape::Text { min: 1, max: 100, form };
            let value = Value::from(text.as_str());
            prop_assert_eq!(validator(&shape).is_valid(&value), shape.check("x", &value).is_ok(), "{} {:?}", form.pattern, text);
        }
    }

    #[test]
    fn no_value_panics(text in "\\PC{0,200}") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let _ = BIND.check("", &value);
        }
    }
}
