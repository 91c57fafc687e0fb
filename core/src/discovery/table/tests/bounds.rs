//! What hostile publishers meet.

use super::*;

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
