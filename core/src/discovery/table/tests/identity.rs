//! Whose an address is.

use super::*;

#[test]
fn a_failed_identity_check_removes_on_all_routes_and_keeps_out() {
    let mut fixture = fixture();
    fixture.heartbeat("a.example", &shop());
    fixture.heartbeat("b.example", &shop());
    let located = fixture.find("a.example", None).remove(0);
    assert!(fixture.table.bury(&located.instance, fixture.now));
    assert!(!fixture.table.bury(&located.instance, fixture.now), "once");
    assert_eq!(
        (fixture.endpoints(), fixture.table.sizes().tombstones),
        (0, 1)
    );

    fixture.poll(0, &[("a.example", shop())]);
    assert_eq!(
        fixture.endpoints(),
        0,
        "a stale table does not bring it back"
    );
    assert_eq!(
        fixture.heartbeat("a.example", &shop()),
        Applied::Refused(Refusal::Tombstone)
    );
    assert_eq!(
        fixture.heartbeat(
            "a.example",
            &Registration {
                availability_zone: "z9",
                ..shop()
            }
        ),
        Applied::Refused(Refusal::Tombstone),
        "other tags are no new registration"
    );
    for new in [
        Registration {
            guid: "guid-9",
            ..shop()
        },
        Registration {
            port: 61009,
            ..shop()
        },
        Registration {
            tls: Some("n"),
            ..shop()
        },
    ] {
        assert!(
            matches!(fixture.heartbeat("a.example", &new), Applied::Changed(_)),
            "a new registration: {new:?}"
        );
    }
    fixture.heartbeat(
        "c.example",
        &Registration {
            guid: "guid-9",
            ..shop()
        },
    );
    assert_eq!(
        fixture.heartbeat("c.example", &shop()),
        Applied::Refused(Refusal::Tombstone),
        "nor may it take over a living endpoint"
    );

    let seconds = LIFE / 1000;
    fixture.at(seconds - 1).age();
    assert_eq!(
        fixture.heartbeat("a.example", &shop()),
        Applied::Refused(Refusal::Tombstone)
    );
    fixture.at(seconds + 1).age();
    assert!(
        matches!(fixture.heartbeat("a.example", &shop()), Applied::Changed(_)),
        "after ten minutes it is tried again"
    );
    assert_eq!(fixture.table.sizes().tombstones, 0);
}

#[test]
fn registration_numbers_change_with_the_identity_only() {
    let fixture = fixture();
    let number = || fixture.find("shop.example", None)[0].registration;
    fixture.heartbeat("shop.example", &shop());
    let first = number();
    fixture.heartbeat("shop.example", &shop());
    fixture.heartbeat(
        "shop.example",
        &Registration {
            availability_zone: "z2",
            ..shop()
        },
    );
    fixture.heartbeat("alias.example", &shop());
    assert_eq!(
        number(),
        first,
        "heartbeats, other tags and further routes are nothing new"
    );
    assert_eq!(fixture.find("alias.example", None)[0].registration, first);
    fixture.heartbeat(
        "shop.example",
        &Registration {
            guid: "guid-9",
            ..shop()
        },
    );
    let second = number();
    assert_ne!(second, first, "another instance at the address");
    fixture.heartbeat(
        "shop.example",
        &Registration {
            guid: "guid-9",
            tls: None,
            ..shop()
        },
    );
    assert_ne!(number(), second, "another transport");
}

#[test]
fn an_address_can_pass_to_another_app() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    let other = Registration {
        app: AppTags {
            app_id: "other-guid",
            app_name: "other",
            ..shop().app
        },
        guid: "guid-9",
        ..shop()
    };
    fixture.heartbeat("shop.example", &other);
    assert!(fixture.find("shop-guid", None).is_empty());
    assert_eq!(fixture.addresses("other-guid"), ["10.0.0.1:61001"]);
}

#[test]
fn in_the_clear_an_address_belongs_to_who_came_last() {
    let plain = Registration {
        tls: None,
        ..shop()
    };
    let cart = AppTags {
        app_id: "cart-guid",
        app_name: "cart",
        ..plain.app
    };
    let next = Registration {
        app: cart,
        guid: "guid-1",
        ..plain
    };
    let mut fixture = fixture();
    fixture.heartbeat("shop.example.org", &plain);
    fixture.at(30).heartbeat("cart.example.org", &next);
    assert!(
        fixture.addresses("acme/prod/shop").is_empty(),
        "its cell has given the port to another app"
    );
    assert_eq!(fixture.addresses("acme/prod/cart").len(), 1);

    // A router's stale table must not take the address away from those that send heartbeats.
    let stale = Registration {
        guid: "guid-2",
        ..plain
    };
    fixture.at(40).poll(0, &[("stale.example.org", stale)]);
    assert_eq!(fixture.addresses("acme/prod/cart").len(), 1);

    // Behind TLS the certificate tells who is there.
    let mut fixture = self::fixture();
    fixture.heartbeat("shop.example.org", &shop());
    let tls = Registration {
        tls: Some("guid-1"),
        ..next
    };
    fixture.at(30).heartbeat("cart.example.org", &tls);
    assert_eq!(fixture.addresses("acme/prod/shop").len(), 1);
}
