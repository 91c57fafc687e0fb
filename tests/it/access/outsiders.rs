use promfetch_tests::foundation::{self, Cloud, basic, operator};
use promfetch_tests::http::Response;
use promfetch_tests::{
    Answer, App, Behaviour, Database, Instance, Nats, Promfetch, Uaa, config, database,
};
use serde_json::{Value, json};

use super::Town;

/// All that an answer says, without what differs between any two, and with the app's name taken out.
fn said(answer: &Response, name: &str) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let body = without_ages(&text).replace(name, "APP");
    // Ages have more or less digits.
    let has_ages = answer.header("content-type").contains("json");
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .filter(|(name, _)| !(has_ages && *name == "content-length"))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    format!("{}\n{}\n\n{body}", answer.status, headers.join("\n"))
}

/// How long ago sources were heard differs between any two answers.
fn without_ages(text: &str) -> String {
    let (first, rest) = text.split_once("_age_seconds\":").unwrap_or((text, ""));
    if rest.is_empty() {
        return first.to_owned();
    }
    let rest = rest.trim_start_matches(|char: char| char.is_ascii_digit() || " .".contains(char));
    format!("{first}_age{}", without_ages(rest))
}

/// Addresses of an app by name, GUID and route, with `{}` where the selector stands.
fn forms(app: &App) -> [(String, &'static str); 12] {
    let name = format!("{}/{}/{}", app.organization, app.space, app.name);
    let (guid, route) = (app.guid.clone(), app.routes[0].clone());
    [
        (name.clone(), "/v1/apps/{}/metrics"),
        (guid.clone(), "/v1/apps/{}/only-app-metrics"),
        (route.clone(), "/v2/apps/{}/metrics?process_type=worker"),
        (name.clone(), "/v1/apps/{}/instances"),
        (name.clone(), "/v1/apps/{}/families"),
        (guid.clone(), "/v1/apps/{}/samples?family=of_other"),
        (guid.clone(), "/v1/apps/instances?app={}"),
        (name.clone(), "/v1/apps/{}/instances/0/metrics"),
        (guid.clone(), "/v1/apps/{}/instances/77/metrics"),
        (name, "/v1/apps/metrics?app={}"),
        (route, "/v1/apps/metrics?route_url={}"),
        (guid, "/v1/apps/{}/metrics?metric_path=/admin"),
    ]
}

/// Asks in every form for an app that is there and for one that is not: the answers are the same, byte for byte.
async fn compare(town: &Town, login: &str, status: u16, why: &str) {
    // Names of the same length, or `content-length` would differ.
    let made_up = App::new("evil", "prod", "0ther");
    for ((there, form), (not, _)) in forms(&town.other.app).into_iter().zip(forms(&made_up)) {
        for method in ["GET", "HEAD"] {
            for accept in ["*/*", "application/json", "text/plain;version=0.0.4"] {
                let headers = [("accept", accept), ("authorization", login)];
                let headers = &headers[..if login.is_empty() { 1 } else { 2 }];
                let mut answers = Vec::new();
                for name in [&there, &not] {
                    let path = form.replace("{}", name);
                    let answer = town.ask_with(method, &path, headers).await;
                    assert_eq!(answer.status, status, "{path}: {why}: {answer:?}");
                    answers.push(said(&answer, name));
                }
                assert_eq!(answers[0], answers[1], "{method} {form}: {why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_of_others_look_like_apps_that_do_not_exist() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    let alice = format!("Bearer {}", uaa.token("alice"));
    for (login, status, why) in [
        (String::new(), 401, "nobody"),
        ("Bearer x".into(), 401, "a wrong token"),
        (binding.login(), 404, "a binding of another app"),
        (key.login(), 404, "a key of another space"),
        (alice.clone(), 404, "a user of the platform"),
    ] {
        compare(&town, &login, status, why).await;
    }
    assert_eq!(town.other.instances[0].requests(), 0, "it was never asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_misses_are_apps_that_the_caller_may_see() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    uaa.permit_space("alice", &town.shop.app.space_guid);
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    let alice = format!("Bearer {}", uaa.token("alice"));
    for (login, path, want, why) in [
        (
            binding.login(),
            "acme/prod/Shop",
            &["shop"][..],
            "its own app",
        ),
        (
            binding.login(),
            "acme/prod/Till",
            &[],
            "another of its space",
        ),
        (binding.login(), "evil/prod/Other", &[], "one of others"),
        (key.login(), "acme/prod/Till", &["till"], "one of its space"),
        (key.login(), "evil/prod/Other", &[], "one of others"),
        (alice.clone(), "acme/prod/Shop", &["shop"], "hers"),
        (alice, "acme/prod/Till", &[], "not hers"),
        (operator(), "evil/prod/Other", &["other"], "all of them"),
    ] {
        let answer = town
            .ask("GET", &format!("/v1/apps/{path}/instances"), &login)
            .await;
        assert_eq!(answer.status, 404, "{why}");
        let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let near = problem["near"].as_array().expect("a list");
        let names: Vec<_> = near.iter().map(|near| &near["app_name"]).collect();
        assert_eq!(names, want, "{path}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_while_the_cloud_controller_is_away() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let alice = format!("Bearer {}", uaa.token("alice"));
    // The key is known.
    assert_eq!(town.status("/", &alice).await, 200);
    uaa.apps_answer(Some(Answer::status(500)));
    compare(&town, &alice, 503, "nobody knows what Alice may see").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_while_the_table_is_not_complete() {
    let mut nats = [Nats::start().await];
    let settings = Nats::config(&nats);
    nats[0].kill();
    let database = Database::start(database::Kind::Sqlite).await;
    let instance = Instance::start("0", Behaviour::page("of_fixed 1\n")).await;
    let target = config::target(["acme", "prod", "fixed"], 0, instance.address);
    let keys = json!({"access": "protected", "targets": [target], "nats": settings});
    let config = config::with(foundation::keys(&database.url, keys));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let cloud = Cloud::of(&promfetch);
    let app = App::new("acme", "prod", "elsewhere");
    cloud.provision("i", &app.space_guid).await;
    let login = cloud.bind("i", "b", Some(&app), json!({})).await.login();
    let ask = async |name: &str, login: &str| {
        let path = format!("/v1/apps/acme/prod/{name}/metrics");
        let answer = promfetch
            .try_get_with(&path, &[("authorization", login)])
            .await;
        answer.expect("an answer")
    };
    assert_eq!(
        ask("fixed", &operator()).await.status,
        200,
        "known from the configuration"
    );
    for login in [login, basic("nobody", "x")] {
        let (there, not) = (ask("fixed", &login).await, ask("f1xed", &login).await);
        assert_eq!(said(&there, "fixed"), said(&not, "f1xed"));
    }
}
