use std::time::Duration;

use promfetch_tests::foundation::operator;
use promfetch_tests::http::{self, Response};
use promfetch_tests::{Answer, App, Behaviour, Foundation, eventually};
use serde_json::json;
use tokio::task::JoinSet;

const APP: &str = "x-promfetch-app-authorization";

/// Takes two seconds, so that requests meet; tells whose page it is.
fn echo() -> Behaviour {
    Behaviour::Slow(
        Duration::from_secs(2),
        std::sync::Arc::new(|seen: &promfetch_tests::behaviour::Seen| {
            let login = seen.header("authorization");
            Answer::text(format!(
                "asked{{by=\"{login}\",path=\"{}\"}} 1\n",
                seen.path
            ))
        }),
    )
}

async fn ask(url: String, login: Option<String>) -> (Option<String>, Response) {
    let operator = operator();
    let mut headers = vec![("authorization", operator.as_str())];
    headers.extend(login.as_deref().map(|login| (APP, login)));
    let answer = http::get(&url, &headers).await;
    (login, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_with_other_logins_for_the_app_never_share() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let shop = foundation
        .platform
        .push(App::new("acme", "prod", "shop"), [echo()])
        .await;
    let url = format!(
        "{}{}",
        foundation.platform.promfetch.api,
        shop.app.path("metrics")
    );
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        for login in [
            None,
            Some("Bearer a"),
            Some("Bearer b"),
            Some("Bearer a b"),
            Some("bearer a"),
        ] {
            callers.spawn(ask(url.clone(), login.map(str::to_owned)));
        }
    }
    for (login, answer) in callers.join_all().await {
        let want = format!("by=\"{}\"", login.as_deref().unwrap_or_default());
        assert!(answer.text().contains(&want), "{want}: {}", answer.text());
        assert_eq!(answer.text().matches("asked{").count(), 1);
    }
    // Those with the same one do.
    assert_eq!(shop.instances[0].requests(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_after_a_bind_gets_the_new_page() {
    let foundation = Foundation::start(json!({})).await;
    let shop = foundation
        .platform
        .push(App::new("acme", "prod", "shop"), [echo()])
        .await;
    let cloud = foundation.cloud();
    cloud.provision("i", &shop.app.space_guid).await;
    let url = format!(
        "{}{}",
        foundation.platform.promfetch.api,
        shop.app.path("metrics")
    );
    let instance = &shop.instances[0];
    let mut callers = Vec::new();
    let steps = [
        (json!({}), "by=\"\",path=\"/metrics\""),
        (json!({"endpoint": "/own"}), "by=\"\",path=\"/own\""),
        (
            json!({"authorization": {"type": "bearer", "token": "a"}}),
            "by=\"Bearer a\",path=\"/own\"",
        ),
        (
            json!({"authorization": {"type": "bearer", "token": "b"}}),
            "by=\"Bearer b\",path=\"/own\"",
        ),
    ];
    // Each bind comes while the page of the one before is still under way.
    for (number, (parameters, want)) in steps.into_iter().enumerate() {
        cloud
            .bind("i", &format!("b{number}"), Some(&shop.app), parameters)
            .await;
        let before = instance.requests();
        callers.push((tokio::spawn(ask(url.clone(), None)), want));
        eventually("the instance is asked", async || {
            (instance.requests() > before).then_some(())
        })
        .await;
    }
    for (caller, want) in callers {
        let (_, answer) = caller.await.expect("no panic");
        assert!(answer.text().contains(want), "{want}: {}", answer.text());
    }
}
