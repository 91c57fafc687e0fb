//! Registering, renaming and unregistering.

use super::*;

#[test]
fn register_is_an_upsert_by_route_key_and_address() {
    let mut fixture = fixture();
    assert!(matches!(
        fixture.heartbeat("shop.example", &shop()),
        Applied::Changed(_)
    ));
    assert!(
        matches!(
            fixture.at(1).heartbeat("shop.example", &shop()),
            Applied::Unchanged(_)
        ),
        "a heartbeat"
    );
    for other in [
        Registration {
            tls: Some("other-name"),
            ..shop()
        },
        Registration {
            availability_zone: "z2",
            ..shop()
        },
        Registration {
            http2: true,
            ..shop()
        },
        Registration {
            app: AppTags {
                app_name: "renamed",
                ..shop().app
            },
            ..shop()
        },
        shop(),
    ] {
        assert!(
            matches!(
                fixture.heartbeat("shop.example", &other),
                Applied::Changed(_)
            ),
            "{other:?}"
        );
        let found = &fixture.find("shop.example", None)[0].instance;
        assert_eq!(
            found.transport.tls.as_deref(),
            other.tls,
            "the last message wins"
        );
        assert_eq!(
            (&*found.app.app_name, &*found.availability_zone),
            (other.app.app_name, other.availability_zone)
        );
        assert_eq!(fixture.endpoints(), 1);
    }
}

#[test]
fn a_rename_is_seen_in_place_and_the_old_name_is_gone() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    let before = fixture.find("acme/prod/shop", None)[0].registration;
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: AppTags {
                app_name: "store",
                ..shop().app
            },
            ..shop()
        },
    );
    assert!(fixture.find("acme/prod/shop", None).is_empty());
    let after = fixture.find("acme/prod/store", None);
    assert_eq!(
        after[0].registration, before,
        "other tags are no new registration"
    );
    assert_eq!(fixture.table.sizes().apps, 1);
}

#[test]
fn during_a_rename_the_newer_tags_count_for_an_instance_with_two_routes() {
    let fixture = fixture();
    fixture.heartbeat("a.example", &shop());
    fixture.heartbeat("b.example", &shop());
    fixture.heartbeat(
        "b.example",
        &Registration {
            app: AppTags {
                app_name: "store",
                ..shop().app
            },
            ..shop()
        },
    );
    let found = fixture.find("shop-guid", None);
    assert_eq!(
        found
            .iter()
            .map(|located| &*located.instance.app.app_name)
            .collect::<Vec<_>>(),
        ["store"],
        "one entry, the newer"
    );
}

#[test]
fn unregister_removes_by_key_and_address_and_nothing_else() {
    let fixture = fixture();
    fixture.heartbeat("a.example", &shop());
    fixture.heartbeat("b.example", &shop());
    fixture.heartbeat(
        "a.example",
        &Registration {
            port: 61002,
            guid: "guid-1",
            index: "1",
            ..shop()
        },
    );
    assert!(
        !fixture.unregister("a.example", "10.0.0.1", 8080),
        "the plain port of a TLS endpoint does not match"
    );
    assert!(!fixture.unregister("c.example", "10.0.0.1", 61001));
    assert!(fixture.unregister("a.example", "10.0.0.1", 61001));
    assert!(
        !fixture.unregister("a.example", "10.0.0.1", 61001),
        "idempotent"
    );
    assert_eq!(fixture.addresses("a.example"), ["10.0.0.1:61002"]);
    assert_eq!(
        fixture.addresses("b.example"),
        ["10.0.0.1:61001"],
        "other routes of the instance stay"
    );
}

#[test]
fn a_key_whose_last_endpoint_goes_is_removed_with_it() {
    let fixture = fixture();
    fixture.heartbeat("*.example", &shop());
    fixture.heartbeat(
        "x.example",
        &Registration {
            port: 1,
            app: AppTags {
                app_id: "other-guid",
                ..shop().app
            },
            ..shop()
        },
    );
    assert_eq!(fixture.addresses("x.example"), ["10.0.0.1:1"]);
    fixture.unregister("x.example", "10.0.0.1", 1);
    assert_eq!(
        fixture.addresses("x.example"),
        ["10.0.0.1:61001"],
        "an empty key would hide the wildcard"
    );
    fixture.unregister("*.example", "10.0.0.1", 61001);
    assert_eq!(
        fixture.table.sizes(),
        Sizes::default(),
        "nothing is left behind"
    );
}
