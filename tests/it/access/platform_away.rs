use promfetch_tests::certs::Authority;
use promfetch_tests::{Answer, Behaviour, Uaa, eventually};
use serde_json::json;

use super::Town;

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_uaa_known_keys_count_and_unknown_tokens_are_503() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    uaa.permit("alice", &town.shop.app.guid, true);
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let alice = bearer(&uaa.token("alice"));

    uaa.keys_answer(Some(Answer::status(503)));
    let answer = town.ask("GET", &path, &alice).await;
    assert_eq!(
        answer.status,
        503,
        "no key was ever fetched: {}",
        answer.text()
    );
    assert!(
        answer.header("retry-after").parse::<u32>().is_ok(),
        "{:?}",
        answer.headers
    );
    assert_eq!(
        answer.header("www-authenticate"),
        "",
        "another login would not help"
    );
    assert_eq!(
        town.status(&path, &binding.login()).await,
        200,
        "needs no UAA"
    );
    assert_eq!(
        town.status(&path, &town.foundation.platform.login).await,
        200
    );

    uaa.keys_answer(None);
    eventually("UAA is asked again", async || {
        (town.status(&path, &alice).await == 200).then_some(())
    })
    .await;
    for outage in [Behaviour::CloseUnanswered, Behaviour::NotHttp] {
        uaa.outage(Some(outage));
        // The key is known, and what Alice may see was answered a moment ago.
        assert_eq!(town.status(&path, &alice).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_cloud_controller_nothing_new_is_shown() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    uaa.permit("alice", &town.shop.app.guid, true);
    let page = Answer {
        status: 200,
        headers: vec![("content-type", "text/html".into())],
        body: "<h1>Maintenance</h1>".into(),
    };
    let others = Answer {
        body: json!({"guid": town.other.app.guid}).to_string().into(),
        ..page.clone()
    };
    for (answer, status, why) in [
        (Answer::status(500), 503, "it fails"),
        (Answer::status(502), 503, "a proxy before it fails"),
        (Answer::status(429), 503, "it is asked too much"),
        (
            Answer::redirect(302, "http://127.0.0.1:1/"),
            503,
            "a token follows no redirect",
        ),
        (page, 503, "200 to everything"),
        (others, 404, "another app"),
        (Answer::status(403), 404, "no"),
        (Answer::status(401), 404, "not any more"),
    ] {
        uaa.apps_answer(Some(answer));
        // A token that nothing is known of.
        let login = bearer(&uaa.token("alice"));
        let answer = town.ask("GET", &path, &login).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        if status == 503 {
            assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{why}");
        }
        assert!(!answer.text().contains("of_shop"));
    }
    uaa.apps_answer(None);
    assert_eq!(town.status(&path, &bearer(&uaa.token("alice"))).await, 200);
    let promfetch = &town.foundation.platform.promfetch;
    promfetch.logged("answers again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_only_the_platforms_own_certificate_is_believed() {
    let authority = Authority::new("platform");
    let uaa = Uaa::start_tls(&authority).await;
    for (ca, skip, status, why) in [
        (authority.pem(), false, 200, "signed by the authority"),
        (
            Authority::new("another").pem(),
            false,
            503,
            "signed by another one",
        ),
        (
            Authority::new("another").pem(),
            true,
            200,
            "unchecked, and said so",
        ),
    ] {
        let mut config = uaa.config();
        config["ca_certs"] = ca.into();
        config["skip_ssl_validation"] = skip.into();
        let town = Town::start_with("protected", json!({ "uaa": config })).await;
        uaa.permit("alice", &town.shop.app.guid, true);
        let login = bearer(&uaa.token("alice"));
        let path = town.shop.app.path("metrics");
        assert_eq!(town.status(&path, &login).await, status, "{why}");
        let log = town.foundation.platform.promfetch.log();
        assert_eq!(log.contains("go unchecked"), skip, "{why}");
    }
}
