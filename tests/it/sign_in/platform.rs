use promfetch_tests::behaviour::Behaviour;
use promfetch_tests::uaa::sign_in::fields;
use promfetch_tests::{Promfetch, Uaa};
use serde_json::{Value, json};

use super::{Browser, told};
use crate::access::Town;

const HOST: &str = "https://promfetch.test";

/// A town where people sign in with the platform's login, and whether its client has a secret.
async fn town(secret: &str) -> (Uaa, Town) {
    let uaa = Uaa::start().await;
    let keys = json!({"uaa": uaa.config_with_client(HOST, secret)});
    let town = Town::start_with("protected", keys).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    uaa.permit_space("alice", &town.shop.app.space_guid);
    (uaa, town)
}

fn promfetch(town: &Town) -> &Promfetch {
    &town.foundation.platform.promfetch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_sign_in_and_see_what_is_theirs() {
    for secret in ["", "a secret of/the+client&x=y%"] {
        let (uaa, town) = town(secret).await;
        let mut browser = Browser::new(promfetch(&town));
        let page = browser
            .get("/sign-in?next=%2Fapps%2Fa%2Fb%2Fc%3Fx%3D1")
            .await;
        let button = "href=\"sign-in/uaa?next=/apps/a/b/c%3Fx%3D1\"";
        assert!(page.text().contains(button), "{}", page.text());
        let left = browser.get("/sign-in/uaa").await;
        let (_, query) = left.header("location").split_once('?').expect("a query");
        let asked = fields(query);
        assert_eq!(asked["scope"], "openid cloud_controller.read");
        assert_eq!(asked["redirect_uri"], format!("{HOST}/sign-in/callback"));
        assert!(left.header("set-cookie").contains("; Max-Age=600;"));

        let answer = browser.sign_in_at(&uaa, "alice", "/apps/a/b/c?x=1").await;
        let led = browser.led("/sign-in/callback", &answer);
        assert_eq!(led, "/apps/a/b/c?x=1");
        let kept: Vec<_> = browser.cookies.keys().collect();
        assert_eq!(kept, ["__Host-promfetch"], "the way there is forgotten");
        let mut got = [0; 3];
        for (status, pushed) in got.iter_mut().zip([&town.shop, &town.till, &town.other]) {
            *status = browser.fetch(&pushed.app.path("metrics")).await.status;
        }
        assert_eq!(got, [200, 404, 404]);
        let page = browser.get("/sign-in").await;
        assert!(page.text().contains("Signed in as <bdi>alice</bdi>"));
        let log = promfetch(&town).log();
        assert!(secret.is_empty() || !log.contains(secret));
        assert!(!log.contains("code="));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_are_narrowed_by_the_spaces_of_the_user() {
    let (uaa, town) = town("").await;
    uaa.permit_space("bob", &town.other.app.space_guid);
    let targets = async |user: &str, path: &str| -> (u16, Vec<String>) {
        let login = format!("Bearer {}", uaa.token(user));
        let answer = town.ask("GET", path, &login).await;
        let groups: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let groups = groups.as_array().cloned().unwrap_or_default();
        let names = groups.iter().filter_map(|group| {
            let name = &group["labels"]["__meta_promfetch_app_name"];
            name.as_str().map(str::to_owned)
        });
        (answer.status, names.collect())
    };
    assert_eq!(targets("alice", "/v1/sd").await, (200, vec!["shop".into()]));
    let asked = uaa.app_requests();
    assert_eq!(
        targets("bob", "/v1/sd").await,
        (200, vec![]),
        "a space that is seen opens no app"
    );
    assert_eq!(uaa.app_requests() - asked, 1, "of `other` alone");
    assert_eq!(targets("nobody", "/v1/sd").await, (200, vec![]));
    assert_eq!(uaa.space_requests(), 3);
    uaa.outage(Some(Behaviour::CloseUnanswered));
    assert_eq!(targets("carol", "/v1/sd").await.0, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_once_and_in_its_own_browser() {
    let (uaa, town) = town("the secret").await;
    let mut browser = Browser::new(promfetch(&town));
    browser.user = "alice".into();
    let not_begun = "This sign-in was not started in this browser, or longer than ten minutes ago: start it again.";
    let not_taken = "The platform's login does not take its own code any more, or not from promfetch: invalid_grant.";

    let back = browser.log_in_at(&uaa, "/sign-in/uaa").await;
    let mut thief = browser.clone();
    let mut victim = Browser::new(promfetch(&town));
    let answer = victim.get(&back).await;
    assert_eq!(
        (answer.status, told(&answer)),
        (400, not_begun),
        "no cookie"
    );

    // Another sign-in that is under way is not ended by an answer to none of it.
    victim.user = "mallory".into();
    let own = victim.log_in_at(&uaa, "/sign-in/uaa").await;
    let answer = victim.get(&back).await;
    assert_eq!(
        (answer.status, told(&answer)),
        (400, not_begun),
        "another state"
    );
    for changed in [
        own.replace("state=", "state=x"),
        own.replace("state=", "other="),
        own.split('&').next().unwrap_or_default().to_owned(),
        format!("{own}&state=x"),
        "/sign-in/callback".into(),
        "/sign-in/callback?error=access_denied&error_description=call+me".into(),
    ] {
        let answer = victim.get(&changed).await;
        assert_eq!(
            (answer.status, told(&answer)),
            (400, not_begun),
            "{changed}"
        );
        assert_eq!(victim.cookies.len(), 1, "{changed}");
    }

    // A code of somebody else's, under one's own state: its verifier is another.
    let code = |url: &str| fields(url.split_once('?').expect("a query").1)["code"].clone();
    let injected = own.replace(&code(&own), &code(&back));
    let mut mixed = victim.clone();
    let answer = mixed.get(&injected).await;
    assert_eq!((answer.status, told(&answer)), (403, not_taken), "injected");
    assert!(mixed.cookies.is_empty());
    assert!(
        answer.text().contains("href=\"../sign-in\""),
        "the way back"
    );

    let answer = victim.get(&own).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let answer = victim.get(&own).await;
    assert_eq!((answer.status, told(&answer)), (400, not_begun), "used");
    // The code of the first one was used up by the wrong verifier.
    let answer = thief.get(&back).await;
    assert_eq!((answer.status, told(&answer)), (403, not_taken), "replayed");
    assert_eq!(thief.cookies.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_said() {
    let (uaa, town) = town("the secret").await;
    let mut browser = Browser::new(promfetch(&town));
    let answer = browser.sign_in_at(&uaa, "", "/platform").await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        told(&answer),
        "The platform's login says: access_denied &lt;script&gt;alert(1)&lt;/script&gt;."
    );
    assert!(answer.text().contains("href=\"../sign-in?next=/platform\""));
    assert!(browser.cookies.is_empty());
    for (claims, want, why) in [
        (
            json!({"aud": ["promfetch"]}),
            "The platform's login is of no use here: the token is for another audience.",
            "the scope is not the client's",
        ),
        (
            json!({"exp": 1000}),
            "The platform's login is of no use here: the token has expired.",
            "it is over",
        ),
        (
            json!({"iss": "https://uaa.other.test"}),
            "The platform's login is of no use here: the token is from another issuer.",
            "another name",
        ),
        (
            json!({"authorities": "x".repeat(4000)}),
            "is too long to be kept by a browser",
            "a token with everything in it",
        ),
    ] {
        uaa.codes_give(claims);
        let answer = browser.sign_in_at(&uaa, "alice", "/").await;
        assert_eq!(answer.status, 403, "{why}");
        assert!(told(&answer).contains(want), "{why}: {}", told(&answer));
        assert!(browser.cookies.is_empty(), "{why}");
    }
    uaa.codes_give(Value::Null);
    browser.user = "alice".into();
    let back = browser.log_in_at(&uaa, "/sign-in/uaa").await;
    for behaviour in [Behaviour::CloseUnanswered, Behaviour::status(500)] {
        uaa.outage(Some(behaviour));
        let answer = browser.clone().get(&back).await;
        assert_eq!(answer.status, 503);
        assert_eq!(
            told(&answer),
            "The platform's login does not answer at the moment."
        );
        assert_eq!(answer.header("retry-after"), "5");
    }
    uaa.outage(None);
    assert_eq!(browser.get(&back).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_the_uaa_does_not_take() {
    let uaa = Uaa::start().await;
    let mut config = uaa.config_with_client(HOST, "the secret");
    config["client_secret"] = "another".into();
    let town = Town::start_with("protected", json!({"uaa": config})).await;
    let mut browser = Browser::new(promfetch(&town));
    let answer = browser.sign_in_at(&uaa, "alice", "/").await;
    assert_eq!(answer.status, 403);
    assert!(told(&answer).ends_with("not from promfetch: invalid_client."));
    promfetch(&town).logged("refuses promfetch's client").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_an_internal_address_below_a_prefix() {
    let uaa = Uaa::start().await;
    let base = format!("{HOST}/a/b");
    let mut config = uaa.config_with_client(&base, "");
    config["login_url"] = "https://login.sys.test/".into();
    let town = Town::start_with("protected", json!({"uaa": config, "base_url": base})).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    let mut browser = Browser::at(promfetch(&town), HOST, "/a/b");
    let left = browser.get("/sign-in/uaa?next=%2Fplatform").await;
    let location = left.header("location");
    let public = location.strip_prefix("https://login.sys.test/oauth/authorize?");
    let query = public.unwrap_or_else(|| panic!("{location}"));
    // The browser of this test reaches the server there directly.
    let url = format!("{}/oauth/authorize?{query}", uaa.url);
    let who = [(promfetch_tests::uaa::sign_in::WHO, "alice")];
    let answer = promfetch_tests::http::get(&url, &who).await;
    let back = answer.header("location").strip_prefix(&base);
    let back = back.expect("below the prefix").to_owned();
    let answer = browser.get(&back).await;
    assert_eq!(browser.led("/sign-in/callback", &answer), "/platform");
    let path = town.shop.app.path("metrics");
    assert_eq!(browser.fetch(&path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_client_there_is_no_platform_login() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let mut browser = Browser::new(promfetch(&town));
    assert!(!browser.get("/sign-in").await.text().contains("sign-in/uaa"));
    assert_eq!(browser.get("/sign-in/uaa").await.status, 404);
    let answer = browser.get("/sign-in/callback?code=a&state=b").await;
    assert_eq!(answer.status, 400);
}
