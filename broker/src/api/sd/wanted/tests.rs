//! What the query says, and what it may not.

use super::*;

fn read(query: &str) -> Result<Wanted, ApiError> {
    Wanted::read(&format!("/v1/sd?{query}").parse().unwrap())
}

fn app() -> App {
    App {
        organization_id: "o-1".into(),
        organization_name: "acme & sons".into(),
        space_id: "s-1".into(),
        space_name: "prod/eu".into(),
        app_id: "a-1".into(),
        app_name: "shöp".into(),
        process_type: "web".into(),
        ..App::default()
    }
}

#[test]
fn all_that_is_said_must_fit() {
    for (query, want, why) in [
        ("", true, "nothing said"),
        ("org=acme+%26+sons", true, "decoded once"),
        ("org=o-1&space=S-1&app=a-1", true, "by GUIDs"),
        ("org=acme", false, "the whole name"),
        (
            "org=~acme.*&space=~.*/eu&app=~sh.p",
            true,
            "regular expressions",
        ),
        ("org=~acme.*&space=other", false, "every parameter counts"),
        ("app=other&app=sh%C3%B6p", true, "one of several"),
        ("app=other&app=~s.*", true, "of both kinds"),
        ("app=other&app=another", false, "none of several"),
        ("process_type=worker", false, "another type"),
        ("process_type=web", true, "the type that it has"),
        ("mode=instances", true, "a mode is no filter"),
        ("app=%FF", false, "no text that an app has"),
    ] {
        assert_eq!(
            read(query).unwrap().fits(&app(), "web"),
            want,
            "{query}: {why}"
        );
    }
    let all = read("").unwrap();
    assert!(!all.fits(&app(), "worker"), "its usual type is another one");
}

#[test]
fn what_is_not_understood_is_refused() {
    let many = "app=x&".repeat(21);
    for (query, want) in [
        (
            "apps=x",
            "400 There is no parameter `apps`; there are `org`, `space`, `app`, `process_type` and `mode`",
        ),
        (
            "ORG=x",
            "400 There is no parameter `ORG`; there are `org`, `space`, `app`, `process_type` and `mode`",
        ),
        (
            "x=%1b[2J",
            "400 There is no parameter `x`; there are `org`, `space`, `app`, `process_type` and `mode`",
        ),
        (
            "mode=both",
            "400 There is no mode `both`: `mode=` is `merged` or `instances`",
        ),
        (
            "mode=",
            "400 There is no mode ``: `mode=` is `merged` or `instances`",
        ),
        ("mode=merged&mode=merged", "400 `mode=` is there twice"),
        (
            "process_type=web&process_type=web",
            "400 `process_type=` is there twice",
        ),
        (
            "process_type=",
            "400 `process_type=` has no value: leave it out to get the usual processes",
        ),
        (
            "space=",
            "400 `space=` has no value: leave it out to get all",
        ),
        (
            "app=~[",
            "400 `app=` is no regular expression: unclosed character class",
        ),
        (
            &many,
            "400 `app=` is there more than 20 times: write `app=~one|another`",
        ),
    ] {
        assert_eq!(read(query).unwrap_err().to_string(), want, "{query}");
    }
}

#[test]
fn who_names_apps_or_spaces_is_narrow() {
    for (query, want) in [
        ("", false),
        ("org=acme", false),
        ("app=shop", true),
        ("space=prod&mode=instances", true),
        ("app=~.*", false),
        ("app=shop&app=~.*", false),
        ("app=~.*&space=prod", true),
    ] {
        assert_eq!(read(query).unwrap().is_narrow(), want, "{query}");
    }
}

#[test]
fn what_is_described_is_what_is_read() {
    for parameter in Parameters::into_params(|| None) {
        let value = if parameter.name == "mode" {
            "instances"
        } else {
            "x"
        };
        let query = format!("{}={value}", parameter.name);
        assert!(read(&query).is_ok(), "{query}");
    }
}
