use promfetch_tests::foundation::basic;
use promfetch_tests::platform::Pushed;
use promfetch_tests::{Answer, Behaviour, Instance, Page, Uaa, eventually};
use serde_json::json;

use super::Town;

const COUNTER: &str = "promfetch_access_would_be_refused_total";

impl Town {
    /// How many requests for this app would have been refused.
    async fn refused(&self, pushed: &Pushed) -> f64 {
        let answer = self.ask("GET", "/metrics", "").await;
        let page = Page::read(answer.text());
        let all = page.all(COUNTER);
        let of_app: Vec<_> = all
            .iter()
            .filter(|sample| sample.label("app_id") == pushed.app.guid)
            .collect();
        assert!(of_app.len() < 2, "{all:?}");
        of_app.first().map_or(0.0, |sample| sample.value)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_would_be_refused_is_counted_for_each_app_and_served() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("audit", json!({"uaa": uaa.config()})).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    let others = cloud
        .bind("other-metrics", "b", Some(&town.other.app), json!({}))
        .await;
    let path = town.shop.app.path("metrics");
    let (alice, bob) = (uaa.token("alice"), uaa.token("bob"));
    let (alice, bob) = (format!("Bearer {alice}"), format!("Bearer {bob}"));
    // Once without counting, so that all that takes long is known.
    for login in [&town.foundation.platform.login, &alice, &bob] {
        assert_eq!(town.status(&path, login).await, 200);
    }
    let mut want = town.refused(&town.shop).await;
    for (login, counts, why) in [
        (binding.login(), 0.0, "its binding"),
        (key.login(), 0.0, "a key of its space"),
        (town.foundation.platform.login.clone(), 0.0, "an operator"),
        (alice.clone(), 0.0, "a user who may"),
        (String::new(), 1.0, "nobody"),
        (others.login(), 1.0, "a binding of another app"),
        (basic(&binding.user, "wrong"), 1.0, "a wrong password"),
        (basic("jane", "wrong"), 1.0, "an operator's name"),
        (basic("app", "login"), 1.0, "a login of the app"),
        (bob, 1.0, "a user who may not"),
        (
            format!("Bearer {}", uaa.forged("alice")),
            1.0,
            "a forged token",
        ),
        ("Digest x".into(), 1.0, "another scheme"),
    ] {
        let answer = town.ask("GET", &path, &login).await;
        assert_eq!(answer.status, 200, "{why}");
        assert!(
            answer.text().contains("of_shop{"),
            "{why}: {}",
            answer.text()
        );
        want += counts;
        assert_eq!(town.refused(&town.shop).await, want, "{why}");
    }
    assert_eq!(town.refused(&town.other).await, 0.0);
    uaa.apps_answer(Some(Answer::status(500)));
    let answer = town
        .ask("GET", &path, &format!("Bearer {}", uaa.token("alice")))
        .await;
    assert_eq!(
        answer.status, 200,
        "served while the Cloud Controller is away"
    );
    assert_eq!(town.refused(&town.shop).await, want + 1.0);

    let answer = town.ask("GET", "/metrics", "").await;
    let page = Page::read(answer.text());
    let sample = page.one(COUNTER, &[("app_id", &town.shop.app.guid)]);
    for (label, value) in [
        ("organization_name", "acme"),
        ("space_name", "prod"),
        ("app_name", "shop"),
    ] {
        assert_eq!(sample.label(label), value);
    }
    let refusal = "with protected access this request would be refused";
    let log = town.foundation.platform.promfetch.logged(refusal).await;
    let lines = log.matches(refusal).count();
    assert_eq!(lines, 1, "once an hour for each app: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_route_only_the_apps_of_others_are_counted() {
    let town = Town::start("audit").await;
    let platform = &town.foundation.platform;
    let mut both = Vec::new();
    for pushed in [&town.shop, &town.other] {
        let app = pushed.app.clone().routes(&["both.apps.test"]);
        let instance = Instance::start("1", Behaviour::page("shared 1\n")).await;
        both.push(platform.register(app, vec![instance]).await);
    }
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let answer = town
        .ask("GET", "/v1/apps/both.apps.test/metrics", &binding.login())
        .await;
    assert_eq!(
        answer.text().matches("shared{").count(),
        2,
        "{}",
        answer.text()
    );
    assert_eq!(town.refused(&town.shop).await, 0.0);
    assert_eq!(town.refused(&town.other).await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_says_at_start_what_it_means() {
    for (mode, sentence) in [
        (
            "open",
            Some(
                "access is open: everybody who reaches the API port can read the metrics of every app",
            ),
        ),
        ("audit", Some("access is audited: everybody")),
        ("protected", None),
    ] {
        let town = Town::start(mode).await;
        let promfetch = &town.foundation.platform.promfetch;
        let log = promfetch.logged(sentence.unwrap_or_default()).await;
        let said = log.matches("everybody who reaches the API port").count();
        assert_eq!(said, usize::from(sentence.is_some()), "{mode}: {log}");
        // Nothing is counted where nobody looks.
        town.ask("GET", &town.shop.app.path("metrics"), "").await;
        if mode != "protected" {
            let counted = town.refused(&town.shop).await;
            assert_eq!(counted, if mode == "audit" { 1.0 } else { 0.0 }, "{mode}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_verdict_that_does_not_come() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("audit", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    for (prepare, why) in [
        (false, "the login could not be checked in time"),
        (true, "what the login opens could not be found out in time"),
    ] {
        let alice = format!("Bearer {}", uaa.token("alice"));
        if prepare {
            // The key is known, and what Alice may see is not.
            uaa.outage(None);
            eventually("the key is known", async || {
                let status = town.status("/routes", &alice).await;
                (status == 403).then_some(())
            })
            .await;
        }
        uaa.outage(Some(Behaviour::Hang));
        let pushed = if prepare { &town.till } else { &town.shop };
        let answer = town.ask("GET", &pushed.app.path("metrics"), &alice).await;
        assert_eq!(answer.status, 200, "{why}: {}", answer.text());
        assert_eq!(town.refused(pushed).await, 1.0, "{why}");
        town.foundation.platform.promfetch.logged(why).await;
    }
    // Somebody who guesses waits elsewhere; here the page is served all the same.
    for number in 0..20 {
        let guess = basic("jane", &format!("guess {number}"));
        assert_eq!(town.status(&path, &guess).await, 200);
    }
}
