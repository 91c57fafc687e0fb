//! What targets have of their own, and what is said when they cannot.

use std::time::Duration;

use prometheus_client::registry::Registry;

use super::*;
use crate::calls::Calls;
use crate::config::{Config, Secret};
use crate::error::Kind;
use crate::instance::{App, Instance, Transport};

fn fetcher() -> Fetcher {
    let registry = &mut Registry::default();
    Fetcher::new(&Config::default(), &Calls::register(registry), registry).unwrap()
}

fn target(address: &str) -> FixedTarget {
    FixedTarget {
        app_id: "shop".into(),
        address: address.into(),
        ..FixedTarget::default()
    }
}

fn located(app_id: &str, address: &str, trusted: bool) -> Located {
    let app = App {
        app_id: app_id.into(),
        ..App::default()
    };
    let instance = Instance {
        app: Arc::new(app),
        address: Address::parse(address).unwrap(),
        transport: Transport::default(),
        guid: "".into(),
        index: "".into(),
        isolation_segment: "".into(),
        availability_zone: "".into(),
    };
    Located {
        instance: Arc::new(instance),
        host: "h".into(),
        age: Duration::ZERO,
        registration: 1,
        trusted,
    }
}

#[test]
fn a_target_gets_what_is_its_own() {
    let full = FixedTarget {
        path: Some("m".into()),
        headers: vec![
            ("X-Tenant".into(), Secret("blue".into())),
            ("authorization".into(), Secret("Bearer t".into())),
        ],
        labels: Labels::from_iter([("zone", "z1")]),
        timeout: Some(Duration::from_secs(2)),
        ..target("h:1")
    };
    let owns = Owns::of(&[full, target("h:2")], &fetcher()).unwrap();
    let own = owns.get(&located("shop", "h:1", true)).unwrap();
    assert_eq!(own.path.as_deref(), Some("/m"), "with a slash in front");
    assert_eq!(own.extras.authorization.as_ref().unwrap(), "Bearer t");
    assert_eq!(own.extras.headers.len(), 1);
    assert!(own.extras.headers["x-tenant"].is_sensitive());
    assert_eq!(own.labels.get("zone"), Some("z1"));
    let bare = &own.without_credentials;
    assert!(bare.authorization.is_none() && bare.headers.is_empty());
    assert_eq!(bare.timeout, Some(Duration::from_secs(2)));
    for (app, address, trusted, why) in [
        ("shop", "h:2", true, "has nothing of its own"),
        ("shop", "h:3", true, "is another instance"),
        ("cart", "h:1", true, "is another app at the address"),
        ("shop", "h:1", false, "was registered by somebody else"),
    ] {
        let other = located(app, address, trusted);
        assert!(owns.get(&other).is_none(), "{why}");
    }
    let shown = format!("{owns:?}");
    assert!(
        !shown.contains("blue") && !shown.contains("Bearer"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_used_names_the_place_and_no_secret() {
    let header = |name: &str, value: &str| FixedTarget {
        headers: vec![(name.into(), Secret(value.into()))],
        ..target("h:2")
    };
    let pair = rcgen::generate_simple_self_signed(["a.internal".to_owned()]).unwrap();
    for (wrong, message) in [
        (
            header("Host", "s3cret"),
            "`headers.Host`: is set by promfetch itself",
        ),
        (
            header("x-a", "s3cret\n"),
            "`headers.x-a`: must have a value made of ASCII",
        ),
        (
            header("authorization", ""),
            "`headers.authorization`: must have a value of 1 to",
        ),
        (
            FixedTarget {
                path: Some("/a/../b".into()),
                ..target("h:2")
            },
            "`path`: the metrics path must not have",
        ),
        (
            FixedTarget {
                labels: Labels::from_iter([("le", "1")]),
                ..target("h:2")
            },
            "`labels.le`: has a meaning of its own",
        ),
        (
            FixedTarget {
                timeout: Some(Duration::ZERO),
                ..target("h:2")
            },
            "`timeout`: must be from 100ms to 300s",
        ),
        (
            FixedTarget {
                cert_chain: pair.cert.pem(),
                private_key: Secret("s3cret".into()),
                ..target("h:2")
            },
            "`cert_chain` and `private_key`: not a PEM private key",
        ),
    ] {
        let error = Owns::of(&[target("h:1"), wrong], &fetcher()).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        let (error, start) = (
            error.to_string(),
            format!("`targets[1]` (`h:2`): {message}"),
        );
        assert!(error.starts_with(&start), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn callers_headers_are_checked_like_all_others() {
    assert!(check_header("X-Tenant", "blue").is_ok());
    for (name, value, message) in [
        (
            "Host",
            "s3cret",
            "the header `Host` is set by promfetch itself",
        ),
        (
            "Authorization",
            "s3cret",
            "the header `Authorization` is set by promfetch itself",
        ),
        (
            "a\nb",
            "s3cret",
            "the header `a\\nb` must be the name of a header, with at most 64 characters",
        ),
        (
            "x-a",
            "s3cret\n",
            "the header `x-a` must have a value made of ASCII characters, without spaces at its ends",
        ),
    ] {
        let error = check_header(name, value).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (Kind::InvalidArgument, message)
        );
    }
}
