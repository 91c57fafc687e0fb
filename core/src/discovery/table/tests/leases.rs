//! Who keeps an endpoint alive, and for how long.

use super::*;

#[test]
fn every_endpoint_ages_tls_ones_too() {
    let mut fixture = fixture();
    fixture.heartbeat("tls.example", &shop());
    fixture.heartbeat(
        "plain.example",
        &Registration {
            tls: None,
            port: 8080,
            guid: "g2",
            ..shop()
        },
    );
    fixture.at(60).heartbeat(
        "kept.example",
        &Registration {
            port: 8081,
            guid: "g3",
            ..shop()
        },
    );
    assert_eq!(fixture.at(120).age(), 0);
    assert_eq!(fixture.at(121).age(), 2);
    assert!(
        fixture.addresses("tls.example").is_empty()
            && fixture.addresses("plain.example").is_empty()
    );
    assert_eq!(fixture.addresses("kept.example").len(), 1);
    assert_eq!(fixture.at(181).age(), 1);
}

#[test]
fn a_heartbeat_that_changes_nothing_keeps_an_endpoint_alive() {
    let mut fixture = fixture();
    for seconds in (0..=600).step_by(20) {
        fixture.at(seconds).heartbeat("shop.example", &shop());
        assert_eq!(fixture.age(), 0);
    }
    assert_eq!(fixture.find("shop.example", None)[0].age, Duration::ZERO);
    assert_eq!(
        fixture.at(607).find("shop.example", None)[0].age,
        Duration::from_secs(7)
    );
}

#[test]
fn nothing_ages_while_nats_is_away_and_the_clock_restarts_when_it_is_back() {
    let mut fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.at(10).table.nats_disconnected();
    assert_eq!(fixture.at(10_000).age(), 0, "the last good table stays");
    fixture.table.nats_connected(fixture.now);
    assert_eq!(
        fixture.at(10_120).age(),
        0,
        "all count as fresh at the reconnect"
    );
    assert_eq!(
        fixture.find("shop.example", None)[0].age,
        Duration::from_secs(10_120),
        "but their age is shown as it is"
    );
    assert_eq!(fixture.at(10_121).age(), 1);
}

#[test]
fn an_endpoint_lives_as_long_as_one_source_holds_a_lease() {
    let mut fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.poll(0, &[("shop.example", shop())]);
    fixture.poll(1, &[("shop.example", shop())]);
    fixture.at(121).age();
    assert_eq!(fixture.endpoints(), 1, "two gorouters still list it");
    fixture.poll(0, &[]);
    assert_eq!(fixture.endpoints(), 1, "one still does");
    fixture.heartbeat("shop.example", &shop());
    fixture.poll(1, &[]);
    assert_eq!(fixture.endpoints(), 1, "NATS has it again");
    fixture.at(242).age();
    assert_eq!(fixture.endpoints(), 0);
}

#[test]
fn the_union_of_sharded_routers_is_served() {
    let fixture = fixture();
    let other = Registration {
        host: "10.0.9.9",
        guid: "guid-1",
        index: "1",
        ..shop()
    };
    fixture.poll(0, &[("shop.example", shop())]);
    fixture.poll(1, &[("shop.example", other)]);
    assert_eq!(
        fixture.addresses("shop.example"),
        ["10.0.0.1:61001", "10.0.9.9:61001"]
    );
    fixture.poll(0, &[]);
    assert_eq!(fixture.addresses("shop.example"), ["10.0.9.9:61001"]);
    fixture.table.poll_done(1, fixture.now);
    assert_eq!(
        fixture.endpoints(),
        1,
        "an answer that is not believed ends no lease"
    );
}

#[test]
fn the_stronger_source_says_what_an_endpoint_is() {
    let fixture = fixture();
    let zone = |zone| Registration {
        availability_zone: zone,
        ..shop()
    };
    let seen = || {
        fixture.find("shop.example", None)[0]
            .instance
            .availability_zone
            .clone()
    };
    fixture.poll(0, &[("shop.example", zone("poll"))]);
    assert_eq!(&*seen(), "poll");
    fixture.heartbeat("shop.example", &zone("nats"));
    fixture.poll(0, &[("shop.example", zone("poll"))]);
    assert_eq!(&*seen(), "nats", "a poll is older than any heartbeat");
    fixture.table.nats_disconnected();
    fixture.poll(0, &[("shop.example", zone("poll"))]);
    assert_eq!(
        &*seen(),
        "poll",
        "but newer than one from before NATS went away"
    );
    fixture.say(Source::Fixed, "shop.example", &zone("fixed"));
    fixture.heartbeat("shop.example", &zone("nats"));
    fixture.poll(0, &[("shop.example", zone("poll"))]);
    assert_eq!(&*seen(), "fixed", "the operator knows best");
}

#[test]
fn fixed_targets_never_go() {
    let mut fixture = fixture();
    fixture.say(
        Source::Fixed,
        "",
        &Registration {
            host: "127.0.0.1",
            ..shop()
        },
    );
    assert!(!fixture.unregister("", "127.0.0.1", 61001));
    let found = fixture.find("shop-guid", None);
    assert!(found[0].trusted, "loopback is fine for the operator");
    assert_eq!(found[0].age, Duration::ZERO);
    assert!(!fixture.table.bury(&found[0].instance, fixture.now));
    fixture.at(100_000).age();
    assert_eq!(fixture.endpoints(), 1);
    assert!(
        fixture.find("", None).is_empty() && fixture.find("/", None).is_empty(),
        "the empty key is no route"
    );
}
