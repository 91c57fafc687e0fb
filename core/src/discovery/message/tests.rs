//! What real publishers send, and what hostile ones might.

use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Option<Message<'_>> {
    Message::parse(text.as_bytes()).ok()
}

/// A message of route-emitter with one part replaced.
fn app_message(find: &str, replace: &str) -> String {
    let message = r#"{"host":"10.0.0.1","port":0,"tls_port":61001,"uris":["a.example"],"app":"a-1","private_instance_id":"g-1",
        "private_instance_index":"2","server_cert_domain_san":"san","protocol":"http1","isolation_segment":"iso","availability_zone":"z1",
        "endpoint_updated_at_ns":1700000000000000000,"options":{"loadbalancing":"hash"},
        "tags":{"component":"route-emitter","app_id":"a-1","app_name":"shop","instance_id":"2","process_instance_id":"g-1","process_type":"web",
        "organization_id":"o-1","organization_name":"acme","space_id":"s-1","space_name":"prod","process_id":"p-1","source_id":"a-1"}}"#;
    assert!(message.contains(find), "{find}");
    message.replace(find, replace)
}

#[test]
fn a_message_of_route_emitter_is_read_without_allocating() {
    let text = app_message("", "");
    let message = parse(&text).unwrap();
    assert_eq!(
        message.registration().unwrap(),
        Registration {
            app: AppTags {
                organization_id: "o-1",
                space_id: "s-1",
                app_id: "a-1",
                organization_name: "acme",
                space_name: "prod",
                app_name: "shop",
                process_id: "p-1",
                process_type: "web",
                source_id: "a-1",
            },
            host: "10.0.0.1",
            port: 61001,
            socket: None,
            tls: Some("san"),
            http2: false,
            guid: "g-1",
            index: "2",
            isolation_segment: "iso",
            availability_zone: "z1",
        }
    );
    assert_eq!(message.uris().collect::<Vec<_>>(), ["a.example"]);
    assert!(
        matches!(message.tags.app_name, Cow::Borrowed(_))
            && matches!(message.uris[0], Cow::Borrowed(_))
    );
    assert!(!message.uris.spilled());
}

#[test]
fn a_field_of_the_wrong_type_costs_only_that_field() {
    for (find, replace, lost) in [
        (r#""z1""#, "7", "availability_zone"),
        (r#""z1""#, "null", "availability_zone"),
        (r#""iso""#, r#"{"a":[1,{"b":null}]}"#, "isolation_segment"),
        (r#""app_name":"shop""#, r#""app_name":["shop"]"#, "app_name"),
        (r#""app_name":"shop""#, r#""app_name":1e400"#, ""),
        (r#""app_name":"shop""#, r#""app_name":-1.5"#, "app_name"),
        (
            r#""process_id":"p-1""#,
            r#""process_id":true"#,
            "process_id",
        ),
        (r#"{"loadbalancing":"hash"}"#, r#""no object""#, "nothing"),
        (r#"1700000000000000000"#, r#""later""#, "nothing"),
        (r#""protocol":"http1""#, r#""protocol":2"#, "nothing"),
        (r#""port":0"#, r#""port":"0""#, "nothing"),
        (r#""port":0"#, r#""port":-1"#, "nothing"),
        (r#""port":0"#, r#""port":70000"#, "nothing"),
    ] {
        let text = app_message(find, replace);
        let Some(message) = parse(&text) else {
            assert_eq!(lost, "", "{replace}: a number that is none is broken JSON");
            continue;
        };
        let got = message.registration().unwrap();
        let whole = app_message("", "");
        let whole = parse(&whole).unwrap();
        let mut want = whole.registration().unwrap();
        match lost {
            "availability_zone" => want.availability_zone = "",
            "isolation_segment" => want.isolation_segment = "",
            "app_name" => want.app.app_name = "",
            "process_id" => want.app.process_id = "",
            _ => {}
        }
        assert_eq!(got, want, "{replace}");
    }
}

#[test]
fn tls_port_wins_and_port_zero_is_not_usable() {
    for (ports, want) in [
        (r#""port":80"#, Some((80, false))),
        (r#""port":80,"tls_port":443"#, Some((443, true))),
        (r#""port":0,"tls_port":443"#, Some((443, true))),
        (r#""tls_port":443"#, Some((443, true))),
        (r#""port":80,"tls_port":0"#, Some((80, false))),
        (r#""port":80,"tls_port":"443""#, None),
        (r#""port":80,"tls_port":70000"#, None),
        (r#""port":80,"tls_port":-1"#, None),
        (r#""port":"80","tls_port":443"#, Some((443, true))),
        (r#""port":80,"tls_port":null"#, Some((80, false))),
        (r#""port":0"#, None),
        (r#""port":"80""#, None),
        (r#""port":65536"#, None),
        (r#""x":1"#, None),
    ] {
        let text = format!(r#"{{"host":"h","uris":["a"],{ports}}}"#);
        let message = parse(&text).unwrap();
        assert_eq!(
            message.registration().map(|it| (it.port, it.tls.is_some())),
            want,
            "{ports}"
        );
        assert_eq!(message.address().is_some(), want.is_some());
    }
}

#[test]
fn only_app_instances_have_an_app() {
    for (tags, is_app) in [
        (r#"{"component":"route-emitter","app_id":"a"}"#, true),
        (r#"{"app_id":"a"}"#, true),
        (r#"{"component":"uaa"}"#, false),
        (r#"{"component":"uaa","app_id":"a"}"#, false),
        (r#"{"component":"route-emitter"}"#, false),
        (r#"{"component":"route-emitter","app_id":""}"#, false),
        (r#"{"component":"route-emitter","app_id":7}"#, false),
        ("null", false),
        ("[]", false),
        (r#""app""#, false),
    ] {
        let text =
            format!(r#"{{"host":"h","port":80,"uris":["a"],"app":"fallback","tags":{tags}}}"#);
        let message = parse(&text).unwrap();
        assert_eq!(
            !message.registration().unwrap().app.app_id.is_empty(),
            is_app,
            "{tags}"
        );
    }
}

#[test]
fn uris_are_taken_one_by_one_and_bounded() {
    for (uris, want) in [
        (r#"["a","B/c"]"#, vec!["a", "B/c"]),
        ("[]", vec![]),
        ("null", vec![]),
        (r#""a""#, vec![]),
        (r#"["a",7,null,["b"],{"c":1},"d",""]"#, vec!["a", "d"]),
        (r#"["\u0061.example"]"#, vec!["a.example"]),
    ] {
        let text = format!(r#"{{"host":"h","port":1,"uris":{uris}}}"#);
        assert_eq!(
            parse(&text).unwrap().uris().collect::<Vec<_>>(),
            want,
            "{uris}"
        );
    }
    let many = format!(r#"{{"uris":[{}"a"]}}"#, r#""x","#.repeat(5000));
    assert_eq!(parse(&many).unwrap().uris().count(), MAX_URIS);
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(MAX_TEXT + 1);
    let text = app_message("\"acme\"", &format!("\"{long}\""));
    assert_eq!(
        parse(&text)
            .unwrap()
            .registration()
            .unwrap()
            .app
            .organization_name,
        "",
        "absent rather than cut: a cut name is a wrong name"
    );
    let escaped = format!(r#"{{"host":"h","port":1,"availability_zone":"\u0041{long}"}}"#);
    assert_eq!(
        parse(&escaped)
            .unwrap()
            .registration()
            .unwrap()
            .availability_zone,
        ""
    );

    let tags: Vec<_> = (0..30_000).map(|n| format!(r#""tag{n}":"{n}""#)).collect();
    let text = app_message(
        r#""component":"#,
        &format!(r#"{},"component":"#, tags.join(",")),
    );
    assert_eq!(
        parse(&text).unwrap().registration().unwrap().app.app_name,
        "shop",
        "a megabyte of tags is skipped"
    );

    let too_large = format!(r#"{{"host":"{}"}}"#, "x".repeat(MAX_MESSAGE));
    assert!(parse(&too_large).is_none());
}

#[test]
fn hosts_that_no_one_can_dial_are_not_usable() {
    for (host, want) in [
        ("10.0.0.1", Some("10.0.0.1")),
        ("cell-7.internal", Some("cell-7.internal")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("[2001:db8::7]", Some("2001:db8::7")),
        ("", None),
        ("[]", None),
        ("a b", None),
        ("a/b", None),
        ("user@host", None),
        ("host?", None),
        ("höst", None),
        (r"a\n", None),
    ] {
        let text = format!(r#"{{"host":"{host}","port":1}}"#);
        assert_eq!(
            parse(&text).unwrap().address().map(|(host, _)| host),
            want,
            "{host}"
        );
    }
    let text = format!(r#"{{"host":"{}","port":1}}"#, "x".repeat(256));
    assert!(parse(&text).unwrap().address().is_none());
}

#[test]
fn what_is_no_object_is_no_message() {
    for body in [
        "",
        " ",
        "null",
        "7",
        "[]",
        r#"["h",80]"#,
        r#""text""#,
        "{",
        r#"{"host":"h""#,
        "{} x",
        r#"{"host":"\ud800"}"#,
        "\u{feff}{}",
        r#"{"host":"h","host":"h"}"#,
    ] {
        assert!(parse(body).is_none(), "{body}");
    }
    assert!(Message::parse(b"{\"host\":\"\xff\"}").is_err());
    let deep = format!(
        r#"{{"options":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    drop(parse(&deep));
    assert!(parse("{}").unwrap().registration().is_none());
}

#[test]
fn endpoints_of_routes_read_as_the_message_that_made_them() {
    let body = r#"[{"address":"2001:db8::7:61001","availability_zone":"z1","protocol":"http2","tls":true,"ttl":120,
        "tags":{"component":"route-emitter","app_id":"a-1","instance_id":"0"},"private_instance_id":"g","server_cert_domain_san":"san"},
        {"address":"cell:80","tls":false,"server_cert_domain_san":"san","tags":null},
        {"address":"h:0"},{"address":":80"},{"address":"h"},{"address":null},{}]"#;
    let endpoints = Endpoint::parse_all(body.as_bytes()).unwrap();
    let registrations: Vec<_> = endpoints
        .iter()
        .filter_map(Endpoint::registration)
        .collect();
    assert_eq!(registrations.len(), 2);
    let first = &registrations[0];
    assert_eq!(
        (first.host, first.port, first.tls, first.http2),
        ("2001:db8::7", 61001, Some("san"), true)
    );
    assert_eq!(
        (first.guid, first.index, first.app.app_id),
        ("g", "0", "a-1")
    );
    assert_eq!(
        (registrations[1].host, registrations[1].tls),
        ("cell", None),
        "the name alone does not make it TLS"
    );
    assert_eq!(Endpoint::parse_all(b"null").unwrap().len(), 0);
    assert!(Endpoint::parse_all(b"{}").is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        drop(Message::parse(&bytes));
        drop(Endpoint::parse_all(&bytes));
    }

    #[test]
    fn any_json_in_any_field_is_read_without_panic(field in "host|port|tls_port|uris|tags|protocol", value in r#"(null|true|-?[0-9]{1,25}|"[a-z:.]{0,9}"|\[("a"|1|\{\})?\]|\{"app_id":(1|"a"|null)\})"#) {
        let text = format!(r#"{{"{field}":{value}}}"#);
        if let Some(message) = parse(&text) {
            message.registration();
        }
    }
}
