//! What targets make of the table, and that replacing them does no more than it should.

use super::*;
use crate::selector::Selector;

fn target(app: &str, address: &str) -> FixedTarget {
    FixedTarget {
        organization: "acme".into(),
        space: "prod".into(),
        app: app.into(),
        address: address.into(),
        ..FixedTarget::default()
    }
}

fn empty(now: Instant) -> Table {
    Table::new(
        Duration::from_secs(120),
        AddressPolicy::default(),
        Bounds::default(),
        now,
    )
}

fn table(targets: &[FixedTarget]) -> Result<Table, Error> {
    let now = Instant::now();
    let table = empty(now);
    Fixed::default()
        .set(targets, &table, &Board::new([]), now)
        .map(|()| table)
}

#[test]
fn targets_are_found_by_name_by_guid_and_by_route_and_are_trusted() {
    let mut second = target("shop", "127.0.0.1:9001");
    second.routes = vec!["Shop.example.org/Api".into()];
    let table = table(&[
        target("shop", "127.0.0.1:9000"),
        second,
        target("other", "h:1"),
    ])
    .unwrap();
    let find = |text: &str| {
        table.find(
            &Selector::parse_decoded(text, true).unwrap(),
            None,
            Instant::now(),
        )
    };

    let by_name = find("acme/prod/shop");
    let seen: Vec<_> = by_name
        .iter()
        .map(|one| {
            (
                one.instance.address.to_string(),
                &*one.instance.index,
                &*one.host,
                one.trusted,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("127.0.0.1:9000".into(), "0", "127.0.0.1:9000", true),
            ("127.0.0.1:9001".into(), "1", "shop.example.org", true)
        ],
        "numbered in order; loopback is fine for the operator's own targets"
    );
    assert_eq!(find(&by_name[0].instance.app.app_id).len(), 2);
    assert_eq!(find("https://shop.example.org/api/v1").len(), 1);
    assert!(find("shop.example.org").is_empty());
}

#[test]
fn one_address_may_serve_several_apps() {
    let table = table(&[target("shop", "h:1"), target("cart", "h:1")]).unwrap();
    for app in ["acme/prod/shop", "acme/prod/cart"] {
        let selector = Selector::parse(app).unwrap();
        assert_eq!(
            table.find(&selector, None, Instant::now()).len(),
            1,
            "{app}"
        );
    }
    assert_eq!(
        table.snapshot(Instant::now())[""].len(),
        2,
        "no route is shown"
    );
}

#[test]
fn guids_of_names_are_stable_and_well_formed() {
    assert_eq!(
        guid_of_names(["acme", "prod", "shop"]),
        "bb938da5-ee8c-8003-8b07-13c27185b2ef"
    );
    assert!(is_guid(&guid_of_names(["", "", ""])));
    assert_ne!(
        guid_of_names(["a", "b", "c"]),
        guid_of_names(["ab", "", "c"])
    );
    let configured = FixedTarget {
        app_id: "47D288F6-F9C1-5E3A-9546-5384018954E2".into(),
        ..target("x", "h:1")
    };
    assert_eq!(app_id(&configured), "47d288f6-f9c1-5e3a-9546-5384018954e2");
}

#[test]
fn a_socket_is_a_target_like_others_and_is_always_called_localhost() {
    let socket = "unix:///run/docker/metrics.sock";
    let mut second = target("docker", &format!("{socket}:/metrics"));
    second.routes = vec!["docker.example.org".into()];
    second.app = "routed".into();
    let table = table(&[target("docker", "h:1"), target("docker", socket), second]).unwrap();
    let find = |text: &str| {
        let selector = Selector::parse(text).unwrap();
        let found = table.find(&selector, None, Instant::now());
        let seen = found.iter().map(|one| {
            let address = one.instance.address.to_string();
            let label = one.instance.labels().get("instance").map(str::to_owned);
            assert_eq!(label.as_deref(), Some(&*address), "{text}");
            (
                address,
                one.instance.index.to_string(),
                one.host.to_string(),
                one.trusted,
            )
        });
        seen.collect::<Vec<_>>()
    };
    let of =
        |address: &str, index: &str, host: &str| (address.into(), index.into(), host.into(), true);
    assert_eq!(
        find("acme/prod/docker"),
        [of("h:1", "0", "h:1"), of(socket, "1", "localhost")]
    );
    assert_eq!(find("docker.example.org"), [of(socket, "0", "localhost")]);
    let shown: Vec<_> = table.snapshot(Instant::now())["docker.example.org"]
        .iter()
        .map(|entry| entry.address.clone())
        .collect();
    assert_eq!(shown, [socket]);
}

#[test]
fn no_message_leads_to_a_socket() {
    let now = Instant::now();
    let table = empty(now);
    table.nats_connected(now);
    let record = Record::of(&Registration {
        app: AppTags {
            app_id: "a",
            ..AppTags::default()
        },
        socket: Some("/run/docker.sock"),
        ..Registration::default()
    });
    for source in [Source::Nats, Source::Poll(0)] {
        let applied = table.register(source, "shop.example.org", &record, now);
        assert_eq!(applied, Applied::Refused(Refusal::Address), "{source:?}");
    }
    assert_eq!(table.sizes().endpoints, 0);
}

#[test]
fn tls_checks_the_configured_name_or_the_host() {
    let tls = FixedTarget {
        tls: true,
        ..target("a", "h.internal:1")
    };
    let named = FixedTarget {
        server_name: "n".into(),
        index: "7".into(),
        ..FixedTarget {
            address: "h2:1".into(),
            ..tls.clone()
        }
    };
    let table = table(&[tls, named]).unwrap();
    let found = table.find(
        &Selector::parse("acme/prod/a").unwrap(),
        None,
        Instant::now(),
    );
    assert_eq!(
        found
            .iter()
            .map(|one| one.instance.transport.tls.as_deref())
            .collect::<Vec<_>>(),
        [Some("h.internal"), Some("n")]
    );
}

#[test]
fn unusable_targets_are_configuration_errors_that_name_the_place() {
    for (wrong, what) in [
        (target("a", "nowhere"), "the address must be `host:port`"),
        (target("a", "h:0"), "the address must be `host:port`"),
        (target("", "h:1"), "an app needs a name"),
        (
            target("a", "unix://run/a.sock"),
            "(`unix://run/a.sock`): the path of the socket must be absolute",
        ),
        (
            FixedTarget {
                routes: vec!["/".into()],
                ..target("a", "h:1")
            },
            "`/` is not a route",
        ),
        (target(&"x".repeat(2000), "h:1"), "longer than 1,024 bytes"),
        (target("ok", "h:1"), "`targets[0]` is the same address"),
        (
            target("ok", "unix:///run/a.sock:/other"),
            "`targets[1]` is the same address",
        ),
    ] {
        let first = [target("ok", "h:1"), target("ok", "unix:///run/a.sock")];
        let error = table(&[&first[..], &[wrong]].concat()).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(
            error.to_string().starts_with("`targets[2]`") && error.to_string().contains(what),
            "{error}"
        );
    }
}

/// Each instance as `app@address index registration`, in order.
fn all(table: &Table) -> Vec<String> {
    let mut found: Vec<_> = table
        .apps()
        .iter()
        .flat_map(|app| {
            table.find(
                &Selector::Guid(app.app_id.clone()),
                Some(&*app.process_type),
                Instant::now(),
            )
        })
        .map(|one| {
            let instance = &one.instance;
            format!(
                "{}@{} {} {}",
                instance.app.app_name, instance.address, instance.index, one.registration
            )
        })
        .collect();
    found.sort();
    found
}

fn worker(target: FixedTarget) -> FixedTarget {
    FixedTarget {
        process_type: "worker".into(),
        ..target
    }
}

#[test]
fn a_new_list_keeps_changes_and_drops() {
    let (a, b, c) = (target("a", "h:1"), target("b", "h:2"), target("b", "h:3"));
    for (first, second, want, why) in [
        (
            vec![&a, &b],
            vec![&a, &b],
            vec!["a@h:1 0 1", "b@h:2 0 2"],
            "the same list",
        ),
        (
            vec![&a, &b],
            vec![&b, &a],
            vec!["a@h:1 0 1", "b@h:2 0 2"],
            "another order: the same instances",
        ),
        (vec![&a, &b], vec![&b], vec!["b@h:2 0 2"], "one left"),
        (
            vec![&b, &c],
            vec![&c],
            vec!["b@h:3 0 2"],
            "the positions move up, the instance stays",
        ),
        (
            vec![&a],
            vec![&a, &b, &c],
            vec!["a@h:1 0 1", "b@h:2 0 2", "b@h:3 1 3"],
            "two came",
        ),
        (vec![&a, &b], vec![], vec![], "all left"),
        (vec![], vec![&a], vec!["a@h:1 0 1"], "none before"),
    ] {
        let own = |list: Vec<&FixedTarget>| list.into_iter().cloned().collect::<Vec<_>>();
        let (now, board, fixed) = (Instant::now(), Board::new([]), Fixed::default());
        let table = empty(now);
        fixed.set(&own(first), &table, &board, now).unwrap();
        let count = second.len();
        fixed.set(&own(second), &table, &board, now).unwrap();
        assert_eq!(all(&table), want, "{why}");
        assert_eq!(table.sizes().endpoints, want.len(), "{why}");
        assert_eq!(
            board.readiness(now).sources[0].name,
            format!("{count} targets")
        );
    }
}

#[test]
fn what_is_said_about_a_target_may_change() {
    let now = Instant::now();
    let (table, board, fixed) = (empty(now), Board::new([]), Fixed::default());
    let set = |target: FixedTarget| fixed.set(&[target], &table, &board, now).unwrap();
    let by_route = |route: &str| table.find(&Selector::Route(route.into()), None, now).len();
    set(FixedTarget {
        routes: vec!["shop".into(), "old.example.org".into()],
        ..target("shop", "h:1")
    });
    assert_eq!((by_route("shop"), by_route("old.example.org")), (1, 1));
    set(worker(FixedTarget {
        routes: vec!["shop".into()],
        index: "7".into(),
        ..target("renamed", "h:1")
    }));
    assert_eq!((by_route("shop"), by_route("old.example.org")), (1, 0));
    assert_eq!(all(&table), ["renamed@h:1 7 1"]);
    let by_name = |process: Option<&str>| {
        table
            .find(&Selector::parse("acme/prod/renamed").unwrap(), process, now)
            .len()
    };
    assert_eq!((by_name(None), by_name(Some("worker"))), (0, 1));
}

#[test]
fn a_wrong_list_changes_nothing() {
    let now = Instant::now();
    let (table, board, fixed) = (empty(now), Board::new([]), Fixed::default());
    let first = [target("a", "h:1"), target("b", "h:2")];
    fixed.set(&first, &table, &board, now).unwrap();
    let before = all(&table);
    let crowd: Vec<_> = (0..65)
        .map(|n| target(&format!("app-{n}"), "h:3"))
        .collect();
    for (wrong, message, why) in [
        (
            vec![target("c", "h:3"), target("d", "nowhere")],
            "`targets[1]` (`nowhere`): the address must be",
            "found before anything is done",
        ),
        (
            vec![target("a", "h:1"), target("a", "h:1")],
            "`targets[1]` (`h:1`): `targets[0]` is the same address",
            "twice",
        ),
        (
            crowd.clone(),
            "`targets[64]` (`h:3`): the routing table does not take it (Full): an address can have 64 apps",
            "found out by the table",
        ),
        (
            vec![FixedTarget::default(); MAX_TARGETS + 1],
            "`targets` has 100001 entries; at most 100000 can be kept",
            "too many",
        ),
    ] {
        let error = fixed.set(&wrong, &table, &board, now).unwrap_err();
        assert!(error.to_string().starts_with(message), "{why}: {error}");
        assert_eq!(error.kind(), Kind::Configuration);
        assert_eq!(all(&table), before, "{why}");
        assert_eq!(board.readiness(now).sources[0].name, "2 targets", "{why}");
    }
    let other: Vec<_> = (0..64)
        .map(|n| target(&format!("other-{n}"), "h:3"))
        .collect();
    let first = crowd.get(..64).unwrap();
    for list in [first, &other] {
        fixed.set(list, &table, &board, now).unwrap();
        assert_eq!(table.sizes().instances, 64, "those that leave make room");
    }
}

#[test]
fn an_endpoint_that_nats_vouches_for_lives_on() {
    let now = Instant::now();
    let (table, board, fixed) = (empty(now), Board::new([]), Fixed::default());
    let shop = FixedTarget {
        app_id: "shop".into(),
        routes: vec!["shop.example.org".into()],
        ..target("shop", "10.0.0.1:1")
    };
    let both = [shop, target("other", "10.0.0.1:2")];
    fixed.set(&both, &table, &board, now).unwrap();
    let heartbeat = Record::of(&Registration {
        app: AppTags {
            app_id: "shop",
            app_name: "of the platform",
            ..AppTags::default()
        },
        host: "10.0.0.1",
        port: 1,
        ..Registration::default()
    });
    table.nats_connected(now);
    table.register(Source::Nats, "shop.example.org", &heartbeat, now);
    let seen = |what: &str| {
        let found = table.find(&Selector::Route("shop.example.org".into()), None, now);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.instance.app.app_name.to_string(), one.trusted))
            .collect();
        assert_eq!(table.sizes().endpoints, found.len(), "{what}");
        found
    };
    fixed.set(&both[..1], &table, &board, now).unwrap();
    assert_eq!(seen("the list comes first"), [("shop".into(), true)]);
    fixed.set(&[], &table, &board, now).unwrap();
    assert_eq!(seen("it is no longer trusted"), [("shop".into(), false)]);
    table.register(Source::Nats, "shop.example.org", &heartbeat, now);
    assert_eq!(
        seen("the next heartbeat says what it is"),
        [("of the platform".into(), false)]
    );
    assert!(table.unregister("shop.example.org", "10.0.0.1", 1, now));
}

#[test]
fn long_lists_are_replaced() {
    let now = Instant::now();
    let (table, board, fixed) = (empty(now), Board::new([]), Fixed::default());
    let list = |from: usize| -> Vec<_> {
        let address = |n: usize| format!("10.{}.{}.1:9100", n / 250, n % 250);
        (from..from + 20_000)
            .map(|n| target(if n % 2 == 0 { "even" } else { "odd" }, &address(n)))
            .collect()
    };
    fixed.set(&list(0), &table, &board, now).unwrap();
    fixed.set(&list(1000), &table, &board, now).unwrap();
    assert_eq!(table.sizes().endpoints, 20_000);
    assert_eq!(table.sizes().apps, 2);
}
