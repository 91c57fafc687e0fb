//! Apps whose last instance has left.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

impl Fixture {
    /// GUID, process type and seconds since it left, sorted.
    fn departed(&self, keep: Duration) -> Vec<(String, String, u64)> {
        let mut gone: Vec<_> = self
            .table
            .departed(keep, self.now)
            .into_iter()
            .map(|(app, ago)| {
                (
                    app.app_id.to_string(),
                    app.process_type.to_string(),
                    ago.as_secs(),
                )
            })
            .collect();
        gone.sort();
        gone
    }
}

fn of_shop(seconds: u64) -> Vec<(String, String, u64)> {
    vec![("shop-guid".into(), "web".into(), seconds)]
}

#[test]
fn an_app_has_departed_with_its_last_instance_until_it_is_back() {
    let mut fixture = fixture();
    let second = Registration {
        port: 61002,
        guid: "guid-1",
        tls: Some("guid-1"),
        ..shop()
    };
    fixture.heartbeat("shop.example", &shop());
    fixture.heartbeat("shop.example", &second);
    fixture.unregister("shop.example", "10.0.0.1", 61001);
    assert_eq!(fixture.departed(HOUR), [], "one is left");
    fixture.at(10).unregister("shop.example", "10.0.0.1", 61002);
    assert_eq!(fixture.at(40).departed(HOUR), of_shop(30));
    assert_eq!(
        fixture.departed(Duration::from_secs(29)),
        [],
        "too long ago"
    );

    fixture.heartbeat("shop.example", &shop());
    assert_eq!(fixture.departed(HOUR), [], "it is back");
    fixture.at(50).unregister("shop.example", "10.0.0.1", 61001);
    assert_eq!(fixture.departed(HOUR), of_shop(0), "and left again");
}

#[test]
fn whichever_way_the_last_instance_leaves() {
    type Leave = fn(&mut Fixture);
    let ways: [(&str, Leave); 4] = [
        ("unregistered", |fixture| {
            fixture.unregister("shop.example", "10.0.0.1", 61001);
        }),
        ("aged", |fixture| {
            fixture.at(200).age();
        }),
        ("another identity", |fixture| {
            let located = fixture.find("shop.example", None).remove(0);
            fixture.table.bury(&located.instance, fixture.now);
        }),
        ("the address is another app's", |fixture| {
            let tags = AppTags {
                app_id: "cart-guid",
                ..shop().app
            };
            fixture.heartbeat(
                "shop.example",
                &Registration {
                    app: tags,
                    ..shop()
                },
            );
        }),
    ];
    for (why, leave) in ways {
        let mut fixture = fixture();
        fixture.heartbeat("shop.example", &shop());
        leave(&mut fixture);
        assert_eq!(fixture.departed(HOUR), of_shop(0), "{why}");
    }
    let fixture = fixture();
    fixture.poll(0, &[("shop.example", shop())]);
    fixture.poll(0, &[]);
    assert_eq!(fixture.departed(HOUR), of_shop(0), "no poll lists it");
}

#[test]
fn other_tags_are_no_departure_and_another_process_is_none_either() {
    let fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    let renamed = AppTags {
        app_name: "shop-2",
        ..shop().app
    };
    fixture.heartbeat(
        "shop.example",
        &Registration {
            app: renamed,
            ..shop()
        },
    );
    assert_eq!(fixture.departed(HOUR), [], "a rename");
    let worker = Registration {
        app: app(shop().app, "worker"),
        port: 61007,
        guid: "guid-7",
        tls: Some("guid-7"),
        ..shop()
    };
    fixture.heartbeat("worker.example", &worker);
    fixture.unregister("shop.example", "10.0.0.1", 61001);
    assert_eq!(
        fixture.departed(HOUR),
        of_shop(0),
        "the worker is not `web`"
    );
    fixture.heartbeat(
        "uaa.example",
        &Registration {
            app: AppTags::default(),
            port: 8443,
            ..shop()
        },
    );
    fixture.unregister("uaa.example", "10.0.0.1", 8443);
    assert_eq!(fixture.departed(HOUR).len(), 1, "a component is no app");
}

#[test]
fn they_are_forgotten_after_a_day_and_never_become_many() {
    let mut fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.unregister("shop.example", "10.0.0.1", 61001);
    let day = 24 * 3600;
    fixture.at(day - 1).age();
    assert_eq!(fixture.departed(Duration::MAX), of_shop(day - 1));
    fixture.at(day + 1).age();
    assert_eq!(fixture.departed(Duration::MAX), []);

    for number in 0..30_000_u64 {
        let guid = format!("app-{number}");
        let tags = AppTags {
            app_id: &guid,
            ..shop().app
        };
        fixture.at(day + 2 + number);
        fixture.heartbeat(
            "x.example",
            &Registration {
                app: tags,
                ..shop()
            },
        );
        fixture.unregister("x.example", "10.0.0.1", 61001);
    }
    let gone = fixture.departed(Duration::MAX);
    assert!((10_000..=20_000).contains(&gone.len()), "{}", gone.len());
    let newest = ("app-29999".to_owned(), "web".to_owned(), 0);
    assert!(gone.contains(&newest), "those that left last are known");
}

#[test]
fn of_many_that_leave_in_one_moment_half_are_remembered() {
    let mut fixture = fixture();
    for number in 0..25_000_u32 {
        let guid = format!("app-{number}");
        let tags = AppTags {
            app_id: &guid,
            app_name: &guid,
            ..shop().app
        };
        let host = format!("10.{}.{}.1", number / 250, number % 250);
        let one = Registration {
            app: tags,
            host: &host,
            ..shop()
        };
        fixture.heartbeat("x.example", &one);
    }
    fixture.at(200).age();
    let gone = fixture.departed(Duration::MAX).len();
    assert!((10_000..=20_000).contains(&gone), "{gone}");
}
