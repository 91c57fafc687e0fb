//! Addresses, identities and labels of targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use promfetch_core::instance::{Address, Transport};

use super::*;

const GUID: &str = "1b4f6c92-5d0e-4a37-9c81-0e2d7a5b3f10";

fn listed(guid: &str, name: &str) -> Listed {
    let app = App {
        app_id: guid.into(),
        organization_name: "acme".into(),
        space_name: "prod".into(),
        app_name: name.into(),
        process_type: "web".into(),
        ..App::default()
    };
    Listed {
        app: Arc::new(app),
        departed: false,
    }
}

fn instance(listed: &Listed, guid: &str) -> Instance {
    Instance {
        app: Arc::clone(&listed.app),
        address: Address::parse("[2001:db8::7]:61001").unwrap(),
        transport: Transport::default(),
        guid: guid.into(),
        index: "0".into(),
        isolation_segment: "".into(),
        availability_zone: "z1".into(),
    }
}

#[test]
fn the_base_url_is_taken_apart() {
    for (url, scheme, host, prefix) in [
        ("http://localhost:8085", "http", "localhost:8085", ""),
        ("https://p.example/a/b", "https", "p.example", "/a/b"),
        (
            "https://[2001:db8::1]:8443/p",
            "https",
            "[2001:db8::1]:8443",
            "/p",
        ),
        ("https://p.example/a%20b", "https", "p.example", "/a b"),
        ("http://p.example/", "http", "p.example", ""),
    ] {
        let want = Base {
            scheme,
            host,
            prefix: prefix.into(),
        };
        assert_eq!(Base::of(url), want);
    }
}

#[test]
fn addresses_lead_where_they_should_and_tell_targets_apart() {
    let base = Base::of("https://p.example/below");
    for (guid, name, instance_guid, process_type, want, why) in [
        (
            GUID,
            "shop",
            None,
            None,
            Some((format!("/below/v1/apps/{GUID}/metrics"), GUID.to_owned())),
            "an app",
        ),
        (
            GUID,
            "shop",
            None,
            Some("worker"),
            Some((
                format!("/below/v1/apps/{GUID}/metrics"),
                format!("{GUID}/worker"),
            )),
            "of another type",
        ),
        (
            GUID,
            "shop",
            Some("i-1"),
            None,
            Some((
                format!("/below/v1/apps/{GUID}/instances/i-1/metrics"),
                "i-1".to_owned(),
            )),
            "an instance",
        ),
        (
            GUID,
            "shop",
            Some("i-1"),
            Some("worker"),
            Some((
                format!("/below/v1/apps/{GUID}/instances/i-1/metrics"),
                "i-1".to_owned(),
            )),
            "an instance of another type",
        ),
        (
            GUID,
            "shop",
            Some(""),
            None,
            Some((
                format!("/below/v1/apps/{GUID}/instances/[2001:db8::7]:61001/metrics"),
                "[2001:db8::7]:61001".to_owned(),
            )),
            "an instance without GUID",
        ),
        (
            GUID,
            "shop",
            Some("../x?"),
            None,
            None,
            "a GUID that is none",
        ),
        (
            "shop-1",
            "shop",
            None,
            None,
            Some(("/below/v1/apps/metrics".to_owned(), "shop-1".to_owned())),
            "an id of somebody's own",
        ),
        (
            "shop-1",
            "a/b",
            None,
            None,
            None,
            "the same, and names that cannot be written",
        ),
        ("shop-1", "", None, None, None, "without a name"),
    ] {
        let listed = listed(guid, name);
        let instance = instance_guid.map(|guid| instance(&listed, guid));
        let group = group(&base, &listed, instance.as_ref(), process_type);
        let got = group.map(|group| {
            assert_eq!(
                group.labels.get("__param_process_type").map(|text| &**text),
                process_type
            );
            assert_eq!(
                group.labels.contains_key("__param_app"),
                guid != GUID,
                "{why}"
            );
            (
                group.labels["__metrics_path__"].to_string(),
                group.labels["instance"].to_string(),
            )
        });
        assert_eq!(got, want, "{why}");
    }
}

#[test]
fn every_label_for_relabelling_is_described() {
    let listed = listed(GUID, "shop");
    let instance = instance(&listed, "i-1");
    for of_instance in [false, true] {
        let instance = of_instance.then_some(&instance);
        let group = group(&Base::of("http://p"), &listed, instance, None).unwrap();
        let got: BTreeSet<_> = group
            .labels
            .into_keys()
            .filter(|name| name.starts_with("__meta_"))
            .collect();
        let described = META.iter().filter(|(_, _, only)| of_instance || !only);
        assert_eq!(got, described.map(|(name, ..)| *name).collect());
    }
}
