//! The rules of the table, one by one: registering, ageing, look-up, instances.

use super::*;
use crate::discovery::record::{AppTags, Registration};
use crate::discovery::table::tombstones::LIFE;
use crate::selector::Selector;

const STALE: Duration = Duration::from_secs(120);

/// A table and a clock that the test moves.
struct Fixture {
    table: Table,
    start: Instant,
    now: Instant,
}

fn fixture() -> Fixture {
    bounded(Bounds::default())
}

fn bounded(bounds: Bounds) -> Fixture {
    let now = Instant::now();
    let table = Table::new(STALE, AddressPolicy::default(), bounds, now);
    table.nats_connected(now);
    Fixture {
        table,
        start: now,
        now,
    }
}

/// Instance 0 of the app `shop`, as route-emitter registers it.
fn shop() -> Registration<'static> {
    Registration {
        app: AppTags {
            organization_id: "o-1",
            space_id: "s-1",
            app_id: "shop-guid",
            organization_name: "acme",
            space_name: "prod",
            app_name: "shop",
            process_id: "p-1",
            process_type: "web",
            source_id: "shop-guid",
        },
        host: "10.0.0.1",
        port: 61001,
        tls: Some("guid-0"),
        http2: false,
        guid: "guid-0",
        index: "0",
        isolation_segment: "",
        availability_zone: "z1",
    }
}

fn app(tags: AppTags<'static>, process_type: &'static str) -> AppTags<'static> {
    AppTags {
        process_type,
        ..tags
    }
}

impl Fixture {
    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = self.start + Duration::from_secs(seconds);
        self
    }

    fn say(&self, source: Source, key: &str, registration: &Registration<'_>) -> Applied {
        self.table
            .register(source, key, &Record::of(registration), self.now)
    }

    fn heartbeat(&self, key: &str, registration: &Registration<'_>) -> Applied {
        self.say(Source::Nats, key, registration)
    }

    fn poll(&self, number: u8, listed: &[(&str, Registration<'_>)]) {
        let mut seen = Seen::default();
        for (key, registration) in listed {
            seen.note(self.say(Source::Poll(number), key, registration));
        }
        self.table.finish_poll(number, &seen, self.now);
    }

    fn unregister(&self, key: &str, host: &str, port: u16) -> bool {
        self.table.unregister(key, host, port, self.now)
    }

    fn find(&self, selector: &str, process_type: Option<&str>) -> Vec<Located> {
        let selector = match selector.split('/').collect::<Vec<_>>()[..] {
            [organization, space, app] => Selector::Name {
                organization: organization.into(),
                space: space.into(),
                app: app.into(),
            },
            [guid] if guid.ends_with("-guid") => Selector::Guid(guid.into()),
            _ => Selector::Route(selector.into()),
        };
        self.table.find(&selector, process_type, self.now)
    }

    /// Addresses found, in order.
    fn addresses(&self, selector: &str) -> Vec<String> {
        self.find(selector, None)
            .iter()
            .map(|located| located.instance.address.to_string())
            .collect()
    }

    fn age(&self) -> usize {
        self.table.age(self.now)
    }

    fn updated(&self) -> Duration {
        self.table.update_age(self.now)
    }

    fn endpoints(&self) -> usize {
        self.table.sizes().endpoints
    }
}

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
            .map(|located| located.instance.address.port)
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

#[test]
fn forbidden_addresses_are_refused_and_names_are_left_to_the_dialler() {
    let fixture = fixture();
    for (host, taken) in [
        ("127.0.0.1", false),
        ("169.254.169.254", false),
        ("::1", false),
        ("10.1.1.1", true),
        ("cell.internal", true),
    ] {
        let applied = fixture.heartbeat("shop.example", &Registration { host, ..shop() });
        assert_eq!(
            matches!(applied, Applied::Changed(_)),
            taken,
            "{host}: {applied:?}"
        );
        assert!(taken || applied == Applied::Refused(Refusal::Address));
    }
}

#[test]
fn a_hostile_publisher_meets_bounds_and_others_go_on() {
    let bounds = Bounds {
        endpoints: 10,
        bytes: 100_000,
        routes_per_instance: 4,
        instances_per_address: 3,
        variants_per_app: 3,
    };
    let refused = Applied::Refused(Refusal::Full);
    let count = |fixture: &Fixture, applied: &mut dyn FnMut(&Fixture, usize) -> Applied| {
        (0..20).filter(|n| applied(fixture, *n) != refused).count()
    };

    let fixture = bounded(bounds);
    assert_eq!(
        count(&fixture, &mut |it, n| it
            .heartbeat(&format!("{n}.example"), &shop())),
        4,
        "routes of one instance"
    );
    assert!(matches!(
        fixture.heartbeat("0.example", &shop()),
        Applied::Unchanged(_)
    ));

    let fixture = bounded(bounds);
    let ports = |it: &Fixture, n: usize| {
        it.heartbeat(
            "a.example",
            &Registration {
                port: n as u16 + 1,
                ..shop()
            },
        )
    };
    assert_eq!(count(&fixture, &mut { ports }), 10, "endpoints in all");
    fixture.unregister("a.example", "10.0.0.1", 1);
    assert!(
        matches!(ports(&fixture, 0), Applied::Changed(_)),
        "room again"
    );

    let fixture = bounded(bounds);
    assert_eq!(
        count(&fixture, &mut |it, n| it.heartbeat(
            &format!("{n}.example"),
            &Registration {
                index: ["0", "1", "2", "3"][n % 4],
                ..shop()
            }
        )),
        10
    );
    assert_eq!(
        fixture.table.sizes().instances,
        3,
        "registrations at one address"
    );

    let fixture = bounded(bounds);
    let variant = |it: &Fixture, n: usize| {
        let name = format!("name-{n}");
        it.heartbeat(
            "a.example",
            &Registration {
                app: AppTags {
                    app_name: &name,
                    ..shop().app
                },
                port: n as u16 + 1,
                ..shop()
            },
        )
    };
    assert_eq!(
        count(&fixture, &mut { variant }),
        3,
        "sets of tags with one GUID"
    );

    let fixture = bounded(Bounds {
        endpoints: 1000,
        ..bounds
    });
    let nameless = |it: &Fixture, n: usize| {
        let guid = format!("{n}-guid");
        it.heartbeat(
            "a.example",
            &Registration {
                app: AppTags {
                    app_id: &guid,
                    ..AppTags::default()
                },
                port: n as u16 + 1,
                ..shop()
            },
        )
    };
    assert_eq!(
        count(&fixture, &mut { nameless }),
        20,
        "apps without names are no variants of each other"
    );

    let fixture = bounded(Bounds {
        bytes: 300,
        ..bounds
    });
    assert!(count(&fixture, &mut { ports }) < 10, "bytes in all");
}

#[test]
fn snapshots_show_routes_with_age_and_source() {
    let mut fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.poll(3, &[("shop.example", shop())]);
    fixture.heartbeat(
        "uaa.example",
        &Registration {
            app: AppTags::default(),
            host: "2001:db8::1",
            tls: None,
            ..shop()
        },
    );
    fixture.at(30);
    let routes = fixture.table.snapshot(fixture.now);
    let json = serde_json::to_value(&routes).unwrap();
    let entry = &json["shop.example"][0];
    assert_eq!(
        (&entry["address"], &entry["tls"], &entry["protocol"]),
        (&"10.0.0.1:61001".into(), &true.into(), &"http1".into())
    );
    assert_eq!(
        (&entry["tags"]["app_name"], &entry["server_cert_domain_san"]),
        (&"shop".into(), &"guid-0".into())
    );
    assert_eq!(
        (&entry["age_seconds"], &entry["source"]),
        (&30.0.into(), &serde_json::json!(["nats", "gorouter"]))
    );
    assert_eq!(json["uaa.example"][0]["address"], "[2001:db8::1]:61001");
    assert_eq!(entry.get("isolation_segment"), None);
}

#[test]
fn the_age_of_the_table_is_that_of_the_latest_word_of_any_source() {
    let mut fixture = fixture();
    assert_eq!(fixture.updated(), Duration::ZERO);
    assert_eq!(
        fixture.at(5).updated(),
        Duration::from_secs(5),
        "since the start"
    );
    fixture.heartbeat("shop.example", &shop());
    assert_eq!(fixture.at(8).updated(), Duration::from_secs(3));
    fixture.poll(0, &[]);
    assert_eq!(fixture.updated(), Duration::ZERO);
}

#[test]
fn walks_in_slices_reach_every_endpoint() {
    let mut fixture = fixture();
    let count = SLICE as usize * 2 + 10;
    for n in 0..count {
        let (key, guid) = (format!("{}.example", n % 1500), format!("g-{n}"));
        let host = format!("10.0.{}.{}", n / 250, n % 250);
        fixture.heartbeat(
            &key,
            &Registration {
                guid: &guid,
                host: &host,
                ..shop()
            },
        );
    }
    assert_eq!(fixture.endpoints(), count);
    assert_eq!(
        fixture
            .table
            .snapshot(fixture.now)
            .values()
            .map(Vec::len)
            .sum::<usize>(),
        count
    );
    assert_eq!(fixture.find("shop-guid", None).len(), count);
    assert_eq!(fixture.at(200).age(), count);
    assert_eq!(fixture.table.sizes(), Sizes::default());
}
