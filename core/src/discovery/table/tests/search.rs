//! Apps by what people type.

use super::*;

/// A few apps: GUID, organization, space, name, process type, route and port.
fn platform() -> Fixture {
    let fixture = fixture();
    for (port, (guid, organization, space, name, process_type, route)) in (1..).zip([
        ("a1-guid", "acme", "prod", "shop", "web", "shop.example.org"),
        (
            "a1-guid",
            "acme",
            "prod",
            "shop",
            "worker",
            "internal.example.org/jobs",
        ),
        (
            "a2-guid",
            "acme",
            "dev",
            "Shop",
            "web",
            "shop-dev.example.org",
        ),
        (
            "a3-guid",
            "beta",
            "prod",
            "cart",
            "web",
            "cart.example.org/v1",
        ),
        (
            "a4-guid",
            "beta",
            "größe",
            "müll",
            "web",
            "abfall.example.org",
        ),
        ("", "", "", "", "", "uaa.example.org"),
    ]) {
        let app = AppTags {
            app_id: guid,
            organization_name: organization,
            space_name: space,
            space_id: space,
            app_name: name,
            process_type,
            ..AppTags::default()
        };
        let registration = Registration {
            app,
            port,
            tls: None,
            guid: "",
            ..shop()
        };
        fixture.heartbeat(route, &registration);
    }
    fixture
}

/// What is found, as `GUID types route`.
fn found(matches: &Matches) -> Vec<String> {
    matches
        .apps
        .iter()
        .map(|found| {
            let kinds: Vec<String> = found
                .processes
                .iter()
                .map(|(kind, count)| format!("{kind}:{count}"))
                .collect();
            let route = found.route.as_deref().unwrap_or_default();
            format!("{} {} {route}", found.app.app_id, kinds.join(","))
        })
        .collect()
}

#[test]
fn every_word_must_be_somewhere() {
    let fixture = platform();
    for (text, want, why) in [
        (
            "shop",
            &["a2-guid", "a1-guid"][..],
            "by organization, space, name",
        ),
        ("SHOP prod", &["a1-guid"], "two words, case does not count"),
        ("acme/prod/shop", &["a1-guid"], "all names"),
        ("a3-guid", &["a3-guid"], "a GUID"),
        ("cart.example.org", &["a3-guid"], "a route"),
        (
            "https://cart.example.org/v1/?x=1#y",
            &["a3-guid"],
            "an address of a browser",
        ),
        (
            "https://shop.example.org/basket/7",
            &["a1-guid"],
            "something below a route",
        ),
        (
            "shop.example.organic/basket",
            &[],
            "another host that begins like it",
        ),
        ("/jobs", &["a1-guid"], "the route of another process"),
        ("MÜLL GRÖSSE", &[], "ß in capitals is another word"),
        ("MÜLL GRÖßE", &["a4-guid"], "letters beyond ASCII"),
        ("uaa", &[], "a component is no app"),
        ("nothing", &[], "nothing"),
        ("shop nothing", &[], "all words count"),
        (
            "  ",
            &["a2-guid", "a1-guid", "a4-guid", "a3-guid"],
            "no word: all",
        ),
        (
            "://",
            &["a2-guid", "a1-guid", "a4-guid", "a3-guid"],
            "no word is left",
        ),
    ] {
        let matches = fixture.table.search(text, 10, |_, _| true);
        let guids: Vec<&str> = matches
            .apps
            .iter()
            .map(|found| &*found.app.app_id)
            .collect();
        assert_eq!(
            (&guids[..], matches.total),
            (want, want.len()),
            "{text}: {why}"
        );
    }
}

#[test]
fn an_app_is_shown_once_with_its_processes_and_a_route() {
    let fixture = platform();
    let search = |text| found(&fixture.table.search(text, 10, |_, _| true));
    assert_eq!(
        search("acme prod"),
        ["a1-guid web:1,worker:1 internal.example.org/jobs"],
        "the first of all routes, as none has a word"
    );
    assert_eq!(
        search("shop.example"),
        ["a1-guid web:1,worker:1 shop.example.org"],
        "the route by which it was found"
    );
    assert_eq!(
        fixture.table.search("jobs", 1, |_, _| true).apps[0]
            .app
            .process_type,
        "web".into(),
        "the tags are those of `web`"
    );
}

#[test]
fn who_may_see_less_finds_less_and_counts_less() {
    let fixture = platform();
    let matches = fixture.table.search("", 1, |_, space| space == "prod");
    assert_eq!(
        (matches.apps.len(), matches.total),
        (1, 2),
        "one is shown, two there are"
    );
    let matches = fixture.table.search("", 10, |guid, _| guid == "a3-guid");
    assert_eq!(matches.total, 1);
}

#[test]
fn an_app_is_known_with_all_its_processes_and_routes() {
    let fixture = platform();
    for (guid, limit, want, why) in [
        (
            "a1-guid",
            9,
            Some((2, vec!["internal.example.org/jobs", "shop.example.org"], 2)),
            "two processes",
        ),
        (
            "a1-guid",
            1,
            Some((2, vec!["internal.example.org/jobs"], 2)),
            "fewer routes than there are",
        ),
        (
            "a3-guid",
            9,
            Some((1, vec!["cart.example.org/v1"], 1)),
            "one",
        ),
        ("a9-guid", 9, None, "nobody"),
    ] {
        let got = fixture.table.overview(guid, "prod", limit);
        let shown = got.as_ref().map(|all| {
            let routes: Vec<&str> = all.routes.iter().map(|route| &**route).collect();
            (all.processes.len(), routes, all.routes_total)
        });
        assert_eq!(shown, want, "{guid}: {why}");
    }
}

#[test]
fn who_claims_a_guid_in_another_space_changes_nothing() {
    let fixture = platform();
    let liar = AppTags {
        app_id: "a1-guid",
        organization_name: "acme",
        space_name: "x",
        space_id: "x",
        app_name: "shop",
        process_type: "lie",
        ..AppTags::default()
    };
    let registration = Registration {
        app: liar,
        port: 99,
        tls: None,
        guid: "",
        ..shop()
    };
    fixture.heartbeat("lie.example.org", &registration);
    let matches = fixture
        .table
        .search("a1-guid", 10, |_, space| space == "prod");
    assert_eq!(
        found(&matches),
        ["a1-guid web:1,worker:1 internal.example.org/jobs"]
    );
    let all = fixture.table.overview("a1-guid", "prod", 9).unwrap();
    assert_eq!((all.processes.len(), all.routes_total), (2, 2));
}
