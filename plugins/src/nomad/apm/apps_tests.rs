use super::*;
use crate::nomad::apm::settings;
use crate::nomad::promql::Query;

const GUID: &str = "0b9a3a38-6f6d-4d1d-8a43-6a7f1c1d2e22";

fn apps(config: &[(&str, &str)]) -> Apps {
    let endpoint = [("endpoint", "http://h")];
    let config = config.iter().chain(&endpoint);
    let config = config.map(|(key, value)| (key.to_string(), value.to_string()));
    Apps::new(&settings::read(config.collect()).unwrap().0)
}

fn selector(matchers: &str) -> VectorSelector {
    Query::parse(&format!("x{{{matchers}}}"))
        .unwrap()
        .selectors()[0]
        .clone()
}

fn app(organization: &str, space: &str, name: &str) -> App {
    App {
        organization_name: organization.into(),
        space_name: space.into(),
        app_name: name.into(),
        organization_id: format!("id-of-{organization}").into(),
        ..App::default()
    }
}

#[test]
fn exact_labels_need_no_list() {
    let plain = &[][..];
    let scope = &[("organization", "acme"), ("space", "prod")][..];
    let whole = r#"organization_name="acme",space_name="prod",app_name="w/b""#;
    for (config, matchers, expected, why) in [
        (plain, whole, "acme/prod/w%2Fb", "all names"),
        (
            plain,
            &format!("app_id=\"{}\"", GUID.to_uppercase()),
            GUID,
            "a GUID",
        ),
        (
            scope,
            r#"app_name="web""#,
            "acme/prod/web",
            "the configured space",
        ),
        (
            scope,
            r#"app_name="web",index="0""#,
            "acme/prod/web",
            "labels of instances",
        ),
        (
            scope,
            r#"app_name="web",space_name="test""#,
            "acme/test/web",
            "another space",
        ),
        (
            &[("app", "acme/prod/web")],
            r#"code="200""#,
            "acme/prod/web",
            "the configured app",
        ),
        (&[("app", GUID)], "", GUID, "no matcher at all"),
    ] {
        let matchers = selector(matchers);
        let apps = apps(config);
        match apps.asked(&matchers) {
            Ok(Asked::One(one)) => assert_eq!(one.to_string(), expected, "{why}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn other_labels_are_looked_up() {
    let known = [
        app("acme", "prod", "web"),
        app("acme", "prod", "worker"),
        app("acme", "test", "web"),
        app("other", "prod", "web"),
        // Once for each type of its processes.
        app("acme", "prod", "web"),
    ];
    let plain = &[][..];
    let scope = &[("organization", "acme"), ("space", "prod")][..];
    for (config, matchers, expected, why) in [
        (
            plain,
            r#"app_name="web""#,
            &["acme/prod/web", "acme/test/web", "other/prod/web"][..],
            "everywhere",
        ),
        (
            scope,
            r#"app_name=~"w.*""#,
            &["acme/prod/web", "acme/prod/worker"],
            "a pattern",
        ),
        (
            scope,
            r#"app_name!="web""#,
            &["acme/prod/worker"],
            "all others of the space",
        ),
        (
            scope,
            r#"app_name="web",organization_name=~".+""#,
            &["acme/prod/web", "acme/test/web", "other/prod/web"],
            "the configured space is one of the configured organization",
        ),
        (
            scope,
            r#"app_name="web",organization_name="other""#,
            &["other/prod/web"],
            "another organization",
        ),
        (
            scope,
            r#"app_name="web",space_name=~".+""#,
            &["acme/prod/web", "acme/test/web"],
            "any space",
        ),
        (
            scope,
            r#"organization_id="id-of-other""#,
            &["other/prod/web"],
            "an organization's GUID",
        ),
        (plain, r#"app_id="none""#, &[], "nothing"),
        (plain, r#"app_name="""#, &[], "apps have names"),
    ] {
        let matchers = selector(matchers);
        let apps = apps(config);
        let found = match apps.asked(&matchers) {
            Ok(Asked::Like(like)) => like.among(&known).unwrap(),
            other => panic!("{why}: {other:?}"),
        };
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn a_query_has_to_name_its_app() {
    for matchers in ["", r#"code="200""#, r#"index="0",instance_id="a""#] {
        let matchers = selector(matchers);
        let error = apps(&[("organization", "acme")])
            .asked(&matchers)
            .unwrap_err();
        assert!(
            error.contains("`x`") && error.contains("configure `app`"),
            "{error}"
        );
    }
}

#[test]
fn too_many_apps_are_counted() {
    let known: Vec<App> = (0..=MAX_APPS)
        .map(|number| app("acme", "prod", &number.to_string()))
        .collect();
    let matchers = selector(r#"space_name="prod""#);
    let apps = apps(&[]);
    let Ok(Asked::Like(like)) = apps.asked(&matchers) else {
        panic!("no single app");
    };
    assert_eq!(like.among(&known), Err(MAX_APPS + 1));
    assert_eq!(like.among(&known[1..]).unwrap().len(), MAX_APPS);
}
