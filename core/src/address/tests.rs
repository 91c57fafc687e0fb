//! Which texts are addresses, of whom, and what is said about the others.

use super::*;

fn unix(path: &str) -> Address {
    Address::Unix(path.into())
}

#[test]
fn addresses_are_split_at_the_last_colon() {
    for (text, want) in [
        (
            "10.0.0.1:61001",
            Some(("10.0.0.1", 61001, "10.0.0.1:61001")),
        ),
        (
            "cell.internal:80",
            Some(("cell.internal", 80, "cell.internal:80")),
        ),
        (
            "2001:db8::7:61001",
            Some(("2001:db8::7", 61001, "[2001:db8::7]:61001")),
        ),
        (
            "[2001:db8::7]:61001",
            Some(("2001:db8::7", 61001, "[2001:db8::7]:61001")),
        ),
        ("10.0.0.1", None),
        ("10.0.0.1:70000", None),
        (":80", None),
        ("", None),
    ] {
        let got = Address::parse(text);
        let parts = got.as_ref().map(|address| (address.host(), address.port()));
        assert_eq!(
            parts,
            want.map(|(host, port, _)| (host, Some(port))),
            "{text:?}"
        );
        assert_eq!(
            got.map(|address| address.to_string()).as_deref(),
            want.map(|want| want.2),
            "{text:?}"
        );
    }
}

#[test]
fn only_the_operators_own_texts_are_sockets() {
    for text in [
        "unix:///run/a.sock",
        "unix:///run/a.sock:/metrics",
        "/run/a.sock",
    ] {
        assert_eq!(Address::parse(text), None, "{text}");
    }
    // It has the form of host and port, and stays a host that cannot be found.
    let odd = Address::parse("unix:///run/a.sock:80").unwrap();
    assert!(!odd.is_unix());
    assert_ne!(odd, unix("/run/a.sock"));
    assert_ne!(
        Address::tcp("/run/a.sock", 0),
        unix("/run/a.sock"),
        "no host is a socket"
    );
}

#[test]
fn targets_name_sockets_with_and_without_a_metrics_path() {
    for (text, address, path, why) in [
        (
            "10.0.0.1:80",
            Address::tcp("10.0.0.1", 80),
            None,
            "host and port",
        ),
        (
            "unix:80",
            Address::tcp("unix", 80),
            None,
            "a host that is called so",
        ),
        (
            "unix:///run/docker/metrics.sock",
            unix("/run/docker/metrics.sock"),
            None,
            "no path of its own",
        ),
        (
            "unix:///run/docker/metrics.sock:/metrics",
            unix("/run/docker/metrics.sock"),
            Some("/metrics"),
            "with one",
        ),
        (
            "unix:///run/a.sock:/probe?to=http://h:1/",
            unix("/run/a.sock"),
            Some("/probe?to=http://h:1/"),
            "the first colon",
        ),
        (
            "unix:///run/Ä/a..b/@x.sock",
            unix("/run/Ä/a..b/@x.sock"),
            None,
            "a file can be called so",
        ),
    ] {
        let got = Address::of_target(text)
            .map_err(|reason| format!("{text}: {reason}"))
            .unwrap();
        assert_eq!(got, (address, path.map(str::to_owned)), "{text}: {why}");
        let again = Address::of_target(&got.0.to_string()).unwrap();
        assert_eq!(again, (got.0, None), "{text}: as it is shown it is read");
    }
    let address = unix("/run/docker/metrics.sock");
    assert_eq!(address.to_string(), "unix:///run/docker/metrics.sock");
    assert_eq!(address.segment(), "unix::run:docker:metrics.sock");
    assert_eq!((address.host(), address.port()), ("localhost", None));
}

#[test]
fn what_is_no_address_is_told_with_the_way_out() {
    let long = |bytes: usize| format!("unix:///{}", "x".repeat(bytes - 1));
    assert!(Address::of_target(&long(MAX_SOCKET)).is_ok());
    for (text, message, why) in [
        (
            "h:0",
            "the address must be `host:port` or `unix:///run/app.sock`",
            "no port",
        ),
        (
            "/run/a.sock",
            "is written `unix:///run/app.sock`",
            "the path alone",
        ),
        (
            "UNIX:///run/a.sock",
            "is written `unix:///run/app.sock`",
            "upper case",
        ),
        (
            "unix:/run/a.sock",
            "is written `unix:///run/app.sock`",
            "one slash",
        ),
        (
            "unix:a.sock",
            "is written `unix:///run/app.sock`",
            "no slash",
        ),
        (
            "unix://run/a.sock",
            "must be absolute, with three slashes",
            "a relative path",
        ),
        ("unix://@abstract", "must be absolute", "an abstract socket"),
        ("unix://", "must be absolute", "nothing"),
        (
            &long(MAX_SOCKET + 1),
            "has 108 bytes; the system takes at most 107",
            "too long",
        ),
        ("unix:///run/a\0.sock", "holds a NUL", "NUL"),
        (
            "unix:///run/a%2Fb.sock",
            "nothing is decoded there",
            "encoded",
        ),
        (
            "unix:///run/a.sock?x=1",
            "behind a colon",
            "a query of a socket",
        ),
        ("unix:///run/a.sock#x", "behind a colon", "a fragment"),
        (
            "unix:///run/a b.sock",
            "a blank or a control character",
            "a blank",
        ),
        (
            "unix:///run/a\n.sock",
            "a blank or a control character",
            "a line end",
        ),
        (
            "unix:///run/../etc/a.sock",
            "must have no `.`, `..` or empty segments",
            "climbs",
        ),
        (
            "unix:///run//a.sock",
            "must have no `.`, `..` or empty segments",
            "another spelling of the same",
        ),
        (
            "unix:///run/./a.sock",
            "must have no `.`, `..` or empty segments",
            "another spelling",
        ),
        ("unix:///run/a.sock/", "no slash at its end", "a folder"),
        ("unix:///", "no slash at its end", "the root"),
        (
            "unix:///run/a.sock:",
            "behind the colon stands the metrics path",
            "an empty path",
        ),
        (
            "unix:///run/a.sock:metrics",
            "behind the colon stands the metrics path",
            "or a colon in the name",
        ),
        (
            "unix:///run/a.sock:/a/../b",
            "must not have `.` or `..` as a segment",
            "the metrics path has its own rules",
        ),
        (
            "unix:///run/a.sock:/a b",
            "a character that a path cannot hold",
            "the same",
        ),
    ] {
        let reason = Address::of_target(text).unwrap_err();
        assert!(reason.contains(message), "{text:?} ({why}): {reason}");
    }
}
