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
            .near(&selector(asked), &process, 5, fixture.now);
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
            .near(&selector(text), &process, 5, fixture.now)
    };
    let away = near("acme/prod/away").apps.remove(0);
    assert_eq!(away.departed, Some(Duration::from_secs(60)));
    let path = near("shop.example.org").apps.remove(0);
    assert_eq!(path.route.as_deref(), Some("shop.example.org/v1"));
    let jobs = near("jobs-guid").apps.remove(0);
    assert_eq!(jobs.processes, ["worker".into()]);
    let process = Process::default();
    let all = fixture
        .table
        .near(&selector("acme/prod/billing"), &process, 1, fixture.now);
    assert_eq!(all.apps.len(), 1, "no more than were asked for");
}
