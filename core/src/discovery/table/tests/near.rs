//! What may have been meant.

use super::*;

fn names(organization: &'static str, space: &'static str, name: &'static str) -> AppTags<'static> {
    AppTags {
        organization_name: organization,
        space_name: space,
        app_name: name,
        ..shop().app
    }
}

/// Apps by GUID, each with a route of its own.
fn platform() -> Fixture {
    let mut fixture = fixture();
    let apps = [
        (
            "shop-guid",
            names("acme", "prod", "shop"),
            "shop.example.org/v1",
        ),
        (
            "other-guid",
            names("acme", "dev", "shop"),
            "shop-dev.example.org",
        ),
        (
            "case-guid",
            names("acme", "prod", "Billing"),
            "billing.example.org",
        ),
        (
            "green-guid",
            names("acme", "prod", "billing-green"),
            "bg.example.org",
        ),
        (
            "jobs-guid",
            app(names("acme", "prod", "jobs"), "worker"),
            "jobs.example.org",
        ),
        (
            "away-guid",
            names("acme", "prod", "away"),
            "away.example.org",
        ),
    ];
    for (port, (guid, tags, route)) in (1..).zip(apps) {
        let registration = Registration {
            app: AppTags {
                app_id: guid,
                process_id: "11111111-0000-0000-0000-000000000000",
                ..tags
            },
            port,
            guid: "",
            ..shop()
        };
        fixture.heartbeat(route, &registration);
    }
    fixture.heartbeat(
        "uaa.example.org",
        &Registration {
            app: AppTags::default(),
            port: 99,
            ..shop()
        },
    );
    fixture.at(5).unregister("away.example.org", "10.0.0.1", 6);
    fixture.at(65);
    fixture
}

fn selector(text: &str) -> Selector {
    match text.split('/').collect::<Vec<_>>()[..] {
        [organization, space, app] => Selector::Name {
            organization: organization.into(),
            space: space.into(),
            app: app.into(),
        },
        [guid] if guid.ends_with("-guid") || guid.starts_with("1111") => {
            Selector::Guid(guid.into())
        }
        _ => Selector::Route(text.into()),
    }
}

#[test]
fn the_likeliest_app_comes_first_with_the_reason() {
    let fixture = platform();
    for (asked, process, want, why) in [
        ("acme/prod/jobs", None, "process jobs-guid", "only a worker"),
        ("jobs-guid", None, "process jobs-guid", "by GUID"),
        (
            "jobs.example.org",
            Some("web"),
            "process jobs-guid",
            "by route, with a type",
        ),
        ("acme/prod/away", None, "departed away-guid", "it has left"),
        ("away-guid", None, "departed away-guid", "by GUID"),
        (
            "ACME/prod/shop",
            None,
            "case shop-guid",
            "case of the organization",
        ),
        (
            "acme/prod/billing",
            None,
            "case case-guid",
            "case, before what is similar",
        ),
        (
            "acme/test/shop",
            None,
            "other_space other-guid",
            "another space",
        ),
        (
            "acme/prod/shop-blue",
            None,
            "similar shop-guid",
            "a deployment's word behind it",
        ),
        (
            "acme/prod/biling",
            None,
            "similar case-guid",
            "a letter is missing",
        ),
        (
            "amce/prod/jobs",
            None,
            "other_space jobs-guid",
            "the organization mistyped",
        ),
        (
            "11111111-0000-0000-0000-000000000000",
            None,
            "similar other-guid",
            "the GUID of a process",
        ),
        (
            "shop.example.org",
            None,
            "other_path shop-guid",
            "the host has paths only",
        ),
        (
            "shop.example.org/v2",
            None,
            "other_path shop-guid",
            "another path",
        ),
        (
            "billing.example.com",
            None,
            "similar case-guid",
            "another domain",
        ),
        (
            "jbos.example.org",
            None,
            "similar jobs-guid",
            "letters swapped",
        ),
        ("billing", None, "similar case-guid", "the name alone"),
        ("uaa.example.org", None, "component", "a component"),
        ("acme/prod/x", None, "", "nothing is near"),
        ("unknown.example.org", None, "", "nothing is near"),
    ] {
        let process = Process::from(process);
        let near = fixture
            .table
            .near(&selector(asked), &process, 5, |_, _| true, fixture.now);
        let why_text = |miss: &NearMiss| serde_json::to_value(miss.why).unwrap();
        let got = match near.apps.first() {
            Some(miss) => format!("{} {}", why_text(miss).as_str().unwrap(), miss.app.app_id),
            None if near.component => "component".into(),
            None => String::new(),
        };
        assert_eq!(got, want, "{asked}: {why}");
    }
}

#[test]
fn what_left_says_since_when_and_routes_say_which() {
    let fixture = platform();
    let near = |text| {
        let process = Process::default();
        fixture
            .table
            .near(&selector(text), &process, 5, |_, _| true, fixture.now)
    };
    let away = near("acme/prod/away").apps.remove(0);
    assert_eq!(away.departed, Some(Duration::from_secs(60)));
    let path = near("shop.example.org").apps.remove(0);
    assert_eq!(path.route.as_deref(), Some("shop.example.org/v1"));
    let jobs = near("jobs-guid").apps.remove(0);
    assert_eq!(jobs.processes, ["worker".into()]);
    let process = Process::default();
    let all = fixture.table.near(
        &selector("acme/prod/billing"),
        &process,
        1,
        |_, _| true,
        fixture.now,
    );
    assert_eq!(all.apps.len(), 1, "no more than were asked for");
}

#[test]
fn of_thousands_of_the_same_name_the_likeliest_are_kept() {
    let fixture = fixture();
    for number in 0..2_000_u16 {
        let (guid, space) = (format!("app-{number:04}"), format!("space-{number:04}"));
        let tags = AppTags {
            app_id: &guid,
            space_id: &space,
            space_name: &space,
            ..names("acme", "", "api")
        };
        let one = Registration {
            app: tags,
            port: number + 1,
            guid: "",
            ..shop()
        };
        fixture.heartbeat("x.example", &one);
    }
    let near = |may: fn(&str, &str) -> bool| {
        let process = Process::default();
        let asked = selector("acme/SPACE-1999/api");
        let near = fixture.table.near(&asked, &process, 2, may, fixture.now);
        let shown: Vec<String> = near
            .apps
            .iter()
            .map(|miss| format!("{:?} {}", miss.why, miss.app.app_id))
            .collect();
        shown
    };
    assert_eq!(
        near(|_, _| true),
        ["Case app-1999", "OtherSpace app-0000"],
        "the last of all is the likeliest"
    );
    assert_eq!(
        near(|_, space| space == "space-1000"),
        ["OtherSpace app-1000"],
        "one's own is not crowded out by those of others"
    );
}

#[test]
fn the_time_of_leaving_is_that_of_the_app_that_left() {
    let mut fixture = fixture();
    let old = Registration {
        app: AppTags {
            app_id: "old-guid",
            ..names("acme", "prod", "shop")
        },
        ..shop()
    };
    fixture.heartbeat("shop.example.org", &old);
    fixture.unregister("shop.example.org", "10.0.0.1", 61001);
    let web = Registration {
        app: AppTags {
            app_id: "new-guid",
            ..names("acme", "prod", "shop")
        },
        ..shop()
    };
    let worker = Registration {
        app: app(web.app, "worker"),
        port: 7,
        guid: "",
        ..shop()
    };
    fixture.at(100).heartbeat("shop.example.org", &web);
    fixture.heartbeat("worker.example.org", &worker);
    fixture
        .at(110)
        .unregister("shop.example.org", "10.0.0.1", 61001);
    fixture.at(120);
    let process = Process::default();
    let asked = selector("acme/prod/shop");
    let near = fixture
        .table
        .near(&asked, &process, 5, |_, _| true, fixture.now);
    let shown: Vec<_> = near
        .apps
        .iter()
        .map(|miss| (&*miss.app.app_id, miss.why, miss.departed))
        .collect();
    let since = Some(Duration::from_secs(120));
    assert_eq!(
        shown,
        [
            ("new-guid", Why::Process, None),
            ("old-guid", Why::Departed, since)
        ]
    );
}
