//! What a list of targets may say, and what is said about the rest.

use super::*;

fn read(json: &str) -> Result<Vec<FixedTarget>, String> {
    match targets_from_json(json) {
        Ok((targets, _)) => Ok(targets),
        Err(problems) => Err(problems.to_string()),
    }
}

#[test]
fn everything_that_can_be_said_about_a_target() {
    let pair = rcgen::generate_simple_self_signed(["client.internal".to_owned()]).unwrap();
    let json = serde_json::json!([{
        "organization": "acme", "space": "prod", "app": "shop", "app_id": "shop-1", "process_type": "worker",
        "address": "10.0.0.1:9100", "index": 3, "routes": ["shop", "shop.example.org/cart"],
        "path": "actuator/prometheus?a=b", "headers": {"X-Tenant": "blue", "authorization": "Bearer t"},
        "labels": {"zone": "z1", "rack": "r 2"}, "timeout": "2s", "tls": true, "server_name": "shop.internal",
        "cert_chain": pair.cert.pem(), "private_key": pair.signing_key.serialize_pem(), "http2": true,
    }]);
    let target = read(&json.to_string()).unwrap().remove(0);
    assert_eq!(
        (&*target.process_type, &*target.index, target.timeout),
        ("worker", "3", Some(Duration::from_secs(2)))
    );
    assert_eq!(
        target.path.as_deref(),
        Some("/actuator/prometheus?a=b"),
        "with a slash in front"
    );
    assert_eq!(target.routes, ["shop", "shop.example.org/cart"]);
    assert_eq!(
        target.headers,
        [
            ("X-Tenant".to_owned(), Secret("blue".into())),
            ("authorization".to_owned(), Secret("Bearer t".into()))
        ]
    );
    assert_eq!(
        target.labels.iter().collect::<Vec<_>>(),
        [("rack", "r 2"), ("zone", "z1")]
    );
    assert!(target.tls && target.http2 && target.has_identity());
    let shown = format!("{target:?}");
    assert!(
        !shown.contains("blue") && !shown.contains("Bearer") && !shown.contains("PRIVATE"),
        "{shown}"
    );

    let few = read(r#"[{"app": "a", "address": "h:1"}]"#).unwrap();
    assert_eq!(
        (
            few[0].path.as_deref(),
            few[0].timeout,
            &*few[0].process_type
        ),
        (None, None, "web")
    );
    let (socket, warnings) = targets_from_json(
        r#"[{"app": "a", "address": "unix:///run/a.sock:/a"},
            {"app": "b", "address": "unix:///run/a.sock:/a", "path": "b"},
            {"app": "c", "address": "unix:///run/a.sock"}]"#,
    )
    .unwrap();
    let paths: Vec<_> = socket.iter().map(FixedTarget::metrics_path).collect();
    assert_eq!(paths, [Some("/a".into()), Some("/b".into()), None]);
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["`targets[1].path`: `/b` is asked for; `/a` behind the socket in `address` has no effect"]
    );
    let agent = read(r#"[{"app": "agent", "preset": "ecs-agent"}, {"app": "b", "preset": "ecs-agent", "address": "h:1"}]"#).unwrap();
    let seen: Vec<_> = agent
        .iter()
        .map(|one| (&*one.address, one.preset))
        .collect();
    let preset = Some(Preset::EcsAgent);
    assert_eq!(seen, [("127.0.0.1:51680", preset), ("h:1", preset)]);
    assert!(read(" [ ] ").unwrap().is_empty(), "no targets at all");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_secrets() {
    let many: String = (0..40).map(|n| format!(r#","x-{n}":"s3cret""#)).collect();
    let many = format!(r#"[{{"app":"a","address":"h:1","headers":{{"x":"y"{many}}}}}]"#);
    let with = |rest: &str| format!(r#"[{{"app":"a","address":"h:1",{rest}}}]"#);
    for (json, message, why) in [
        (
            r#"[{"app":"a","adress":"h:1"}]"#.to_owned(),
            "`targets[0].adress`: is not a key of promfetch; did you mean `targets[0].address`?\n`targets[0].address`: is required",
            "a typo is no small thing here",
        ),
        (
            r#"[{"app":"a","address":"h:1"},{"address":"h"}]"#.to_owned(),
            "`targets[1].address`: expected an address `host:port`, such as `10.0.1.7:8080` or `[2001:db8::7]:8080`, not `h`\n`targets[1].app`: is required when there is no `app_id`",
            "all problems, and the place of each",
        ),
        (
            r#"[{"app":"a","address":"unix:///run/../a.sock"}]"#.to_owned(),
            "`targets[0].address`: the path of the socket must have no `.`, `..` or empty segments, and no slash at its end, not `unix:///run/../a.sock`",
            "the rules of sockets",
        ),
        (
            r#"[{"app":"a","address":"unix:///run/a.sock","tls":true}]"#.to_owned(),
            "`targets[0].tls`: cannot be used with a Unix socket: what is sent there does not leave the machine, so leave `tls` out",
            "nothing to encrypt",
        ),
        (
            r#"[{"app":"a","preset":"ecs"}]"#.to_owned(),
            "`targets[0].preset`: expected one of `ecs-agent`, not `ecs`",
            "no such preset",
        ),
        (
            with(r#""path":"/a/../b""#),
            "`targets[0].path`: the metrics path must not have `.` or `..` as a segment: write an absolute path such as `/metrics`, not `/a/../b`",
            "climbs",
        ),
        (
            with(r#""headers":{"Host":"s3cret"}"#),
            "`targets[0].headers.Host`: is set by promfetch itself",
            "ours",
        ),
        (
            with(r#""headers":{"x-a":"s3cret\n"}"#),
            "`targets[0].headers.x-a`: must have a value made of ASCII characters, without spaces at its ends",
            "another header",
        ),
        (
            with(r#""headers":{"X-A":"1","x-a":"2"}"#),
            "`targets[0].headers.x-a`: is there already: upper and lower case count as the same",
            "twice",
        ),
        (
            many,
            "`targets[0].headers`: has 41 entries; at most 32 can be given",
            "too many",
        ),
        (
            with(r#""labels":{"app_id":"x"}"#),
            "`targets[0].labels.app_id`: is one of the labels that promfetch gives to each instance",
            "one of the nine",
        ),
        (
            with(&format!(r#""labels":{{"a":"{}"}}"#, "x".repeat(1025))),
            "`targets[0].labels.a`: is longer than 1024 bytes",
            "too long",
        ),
        (
            with(r#""timeout":"10ms""#),
            "`targets[0].timeout`: expected a duration from 100ms to 5m, not `10ms`",
            "no time to answer",
        ),
        (
            with(r#""private_key":"s3cret""#),
            "`targets[0].cert_chain`: is required when `private_key` is given\nwarning: `targets[0].cert_chain`: has no effect without `tls`",
            "a half",
        ),
        (
            with(r#""headers":["s3cret"]"#),
            "`targets[0].headers`: expected a section with keys of its own, not a list",
            "another shape",
        ),
        (
            r#"["s3cret"]"#.to_owned(),
            "`targets[0]`: expected a section with keys of its own, not a single value",
            "no object",
        ),
        (
            r#""s3cret""#.to_owned(),
            "`targets`: expected a JSON list of objects: see line 1, column 8",
            "no list",
        ),
        (
            r#"[{"app":"a""#.to_owned(),
            "`targets`: expected a JSON list of objects: it ends too early",
            "cut off",
        ),
        (
            "[] []".to_owned(),
            "`targets`: expected a JSON list of objects: see line 1, column 4",
            "something behind it",
        ),
    ] {
        let problem = read(&json).expect_err(why);
        assert_eq!(problem, message, "{why}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
}

#[test]
fn lists_are_bounded() {
    let blanks = " ".repeat(MAX_JSON + 1);
    assert_eq!(
        read(&blanks).unwrap_err(),
        "`targets`: the text has 67108865 bytes; at most 67108864 are read"
    );
    let list = |count: usize| format!("[{}]", vec!["null"; count].join(","));
    assert_eq!(
        read(&list(MAX_TARGETS + 1)).unwrap_err(),
        "`targets`: the list has 100001 entries; at most 100000 can be kept"
    );
    let problems = read(&list(1000)).unwrap_err();
    assert!(
        (100..110).contains(&problems.lines().count()),
        "nobody reads a thousand: {problems}"
    );
}

#[test]
fn long_lists_are_read() {
    let element = |n: usize| {
        format!(
            r#"{{"app":"a{}","address":"10.{}.{}.1:9100","headers":{{"x-n":"{n}"}},"labels":{{"n":"{n}"}}}}"#,
            n % 1000,
            n / 250,
            n % 250
        )
    };
    let json = format!(
        "[{}]",
        (0..10_000).map(element).collect::<Vec<_>>().join(",")
    );
    let targets = read(&json).unwrap();
    assert_eq!(targets.len(), 10_000);
    assert_eq!(targets[9_999].labels.get("n"), Some("9999"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[\\[{\"a-z:,}\\] 0-9.]{0,60}") {
        let _ = read(&text);
        let _ = read(&format!("[{{\"headers\": {text}, \"path\": {text:?}, \"labels\": {{{text:?}: {text:?}}}}}]"));
    }
}
