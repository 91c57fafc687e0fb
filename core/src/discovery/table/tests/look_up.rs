//! From selectors to instances.

use super::*;

#[test]
fn one_target_for_an_instance_with_several_routes_and_ports() {
    let fixture = fixture();
    for (key, port) in [
        ("a.example", 61005),
        ("b.example", 61003),
        ("c.example", 61003),
        ("d.example", 61010),
    ] {
        fixture.heartbeat(key, &Registration { port, ..shop() });
    }
    assert_eq!(
        fixture.addresses("shop-guid"),
        ["10.0.0.1:61003"],
        "the lowest port"
    );
    assert_eq!(fixture.addresses("acme/prod/shop"), ["10.0.0.1:61003"]);
    assert_eq!(
        fixture.addresses("d.example"),
        ["10.0.0.1:61010"],
        "by route: the port of that route"
    );
    let without_guid = |port| Registration {
        guid: "",
        port,
        ..shop()
    };
    fixture.heartbeat("e.example", &without_guid(1));
    fixture.heartbeat("f.example", &without_guid(1));
    fixture.heartbeat("f.example", &without_guid(2));
    assert_eq!(
        fixture.addresses("shop-guid").len(),
        3,
        "without a GUID the address tells instances apart"
    );
}

#[test]
fn a_rolling_deployment_keeps_both_instances_with_equal_index() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    let new = AppTags {
        process_id: "p-2",
        ..shop().app
    };
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: new,
            host: "10.0.0.0",
            guid: "guid-new",
            ..shop()
        },
    );
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: new,
            host: "10.0.0.7",
            guid: "guid-10",
            index: "10",
            ..shop()
        },
    );
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: new,
            host: "10.0.0.8",
            guid: "guid-2",
            index: "2",
            ..shop()
        },
    );
    assert_eq!(
        fixture.addresses("acme/prod/shop"),
        [
            "10.0.0.0:61001",
            "10.0.0.1:61001",
            "10.0.0.8:61001",
            "10.0.0.7:61001"
        ],
        "by index as a number, then by address"
    );
}

#[test]
fn process_types_are_web_by_name_and_any_by_route() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: app(shop().app, "worker"),
            port: 2,
            guid: "guid-w",
            ..shop()
        },
    );
    fixture.heartbeat(
        "old.example",
        &Registration {
            app: app(shop().app, ""),
            port: 3,
            guid: "guid-old",
            ..shop()
        },
    );
    let ports = |selector, wanted| {
        fixture
            .find(selector, wanted)
            .iter()
            .filter_map(|located| located.instance.address.port())
            .collect::<Vec<_>>()
    };
    for (selector, wanted, want) in [
        ("shop-guid", None, vec![3, 61001]),
        ("acme/prod/shop", None, vec![3, 61001]),
        ("shop-guid", Some("worker"), vec![2]),
        ("acme/prod/shop", Some("none"), vec![]),
        ("shop.example", None, vec![2, 61001]),
        ("shop.example", Some("web"), vec![61001]),
        ("old.example", Some("web"), vec![3]),
    ] {
        assert_eq!(ports(selector, wanted), want, "{selector} {wanted:?}");
    }
    assert_eq!(fixture.table.apps().len(), 3);
}

#[test]
fn platform_components_hide_wildcards_but_are_never_returned() {
    let fixture = fixture();
    fixture.heartbeat("*.sys.example", &shop());
    fixture.heartbeat(
        "uaa.sys.example",
        &Registration {
            app: AppTags::default(),
            host: "10.0.1.1",
            ..shop()
        },
    );
    assert!(
        fixture.find("uaa.sys.example", None).is_empty(),
        "the router would ask UAA, not the app"
    );
    assert_eq!(fixture.addresses("x.sys.example").len(), 1);
    assert!(fixture.find("//", None).is_empty() && fixture.find("-guid", None).is_empty());
    assert_eq!(fixture.table.apps().len(), 1);
    assert_eq!(fixture.endpoints(), 2);
}

#[test]
fn names_are_taken_as_typed() {
    let fixture = fixture();
    let odd = AppTags {
        organization_name: "a/b",
        space_name: "50 % \"off\"",
        app_name: "Größe",
        ..shop().app
    };
    fixture.heartbeat("shop.example", &Registration { app: odd, ..shop() });
    let find = |organization: &str, app: &str| {
        let selector = Selector::Name {
            organization: organization.into(),
            space: "50 % \"off\"".into(),
            app: app.into(),
        };
        fixture.table.find(&selector, None, fixture.now).len()
    };
    assert_eq!(
        (
            find("a/b", "Größe"),
            find("a/b", "größe"),
            find("a", "Größe")
        ),
        (1, 0, 0)
    );
}

#[test]
fn a_route_can_lead_to_several_apps_and_a_name_too() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: AppTags {
                app_id: "blue-guid",
                ..shop().app
            },
            port: 2,
            guid: "b",
            ..shop()
        },
    );
    let ids = |selector| {
        fixture
            .find(selector, None)
            .iter()
            .map(|located| located.instance.app.app_id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids("shop.example"),
        ["blue-guid", "shop-guid"],
        "blue and green"
    );
    assert_eq!(
        ids("acme/prod/shop"),
        ["blue-guid", "shop-guid"],
        "names are not unique over time"
    );
}

#[test]
fn the_host_is_the_one_looked_up_or_the_first_route_or_the_address() {
    let fixture = fixture();
    let host = |selector: &str| fixture.find(selector, None)[0].host.to_string();
    fixture.heartbeat("*.wild.example", &shop());
    assert_eq!(host("shop-guid"), "10.0.0.1:61001", "a wildcard is no host");
    assert_eq!(host("https://A.wild.example:443/x"), "a.wild.example");
    assert_eq!(host("*.wild.example"), "10.0.0.1:61001");
    fixture.heartbeat("b.example/path", &shop());
    fixture.heartbeat("c.example", &shop());
    assert_eq!(
        host("shop-guid"),
        "b.example",
        "the first in sorted order, without its path"
    );
    assert_eq!(host("c.example/y"), "c.example");
}
