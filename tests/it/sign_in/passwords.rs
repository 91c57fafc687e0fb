use promfetch_tests::Foundation;
use promfetch_tests::foundation::{OPERATOR, OPERATOR_PASSWORD};
use serde_json::json;

use super::{Browser, told};
use crate::access::Town;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_signs_in_and_out() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let mut browser = Browser::new(&foundation.platform.promfetch);
    assert!(!browser.is_operator().await);
    let page = browser.get("/sign-in?next=%2Fplatform").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.text().contains("name=\"next\" value=\"/platform\""));
    assert!(!page.text().contains("sign-in/uaa"), "there is no UAA");

    let answer = browser
        .sign_in(OPERATOR, OPERATOR_PASSWORD, "/platform")
        .await;
    assert_eq!(browser.led("/sign-in", &answer), "/platform");
    let cookie = answer.header("set-cookie");
    for attribute in [
        "__Host-promfetch=v1:",
        "; Max-Age=28800",
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    assert!(browser.is_operator().await);
    let page = browser.get("/sign-in").await;
    assert!(
        page.text()
            .contains("Signed in as <bdi>operator jane</bdi>")
    );
    let text = page.text().to_owned() + cookie;
    assert!(!text.contains(OPERATOR_PASSWORD));

    // A link, or a look at the address, ends nothing.
    let looked = browser.get("/sign-out").await;
    assert_eq!(browser.led("/sign-out", &looked), "/sign-in");
    assert!(browser.is_operator().await);
    let out = browser.post("/sign-out", &[]).await;
    let led = browser.led("/sign-out", &out);
    assert_eq!(led, "/sign-in?out=");
    assert!(browser.cookies.is_empty());
    assert!(
        browser
            .get(&led)
            .await
            .text()
            .contains("You are signed out")
    );
    assert!(!browser.is_operator().await);
    let log = foundation.platform.promfetch.log();
    assert!(!log.contains(OPERATOR_PASSWORD) && !log.contains("v1:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_signs_in_for_what_it_opens() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let shop = Some(&town.shop.app);
    let binding = cloud.bind("prod-metrics", "b", shop, json!({})).await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    for (login, want, why) in [
        (&binding, [200, 404, 404], "its app"),
        (&key, [200, 200, 404], "its space"),
    ] {
        let mut browser = Browser::new(&town.foundation.platform.promfetch);
        let answer = browser.sign_in(&login.user, &login.password, "/").await;
        assert_eq!(browser.led("/sign-in", &answer), "/", "{why}");
        let mut got = [0; 3];
        for (status, pushed) in got.iter_mut().zip([&town.shop, &town.till, &town.other]) {
            *status = browser.fetch(&pushed.app.path("metrics")).await.status;
        }
        assert_eq!(got, want, "{why}");
        assert_eq!(browser.get("/routes").await.status, 403, "{why}");
    }
    // What is deleted opens nothing any more, in a session either.
    let mut browser = Browser::new(&town.foundation.platform.promfetch);
    browser.sign_in(&binding.user, &binding.password, "/").await;
    let path = town.shop.app.path("metrics");
    assert_eq!(browser.fetch(&path).await.status, 200);
    cloud.unbind("prod-metrics", "b").await;
    assert_eq!(browser.fetch(&path).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_above_the_form() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let mut browser = Browser::new(&foundation.platform.promfetch);
    let long = "x".repeat(3000);
    let too_long = "x".repeat(20_000);
    let hostile = "\"><script>alert(1)</script>\u{202e}";
    let no_fit = "User name and password do not fit";
    for (user, password, status, want, why) in [
        (OPERATOR, "wrong", 401, no_fit, "another password"),
        (OPERATOR, "", 401, no_fit, "none"),
        ("", OPERATOR_PASSWORD, 401, no_fit, "no name"),
        ("bob", OPERATOR_PASSWORD, 401, no_fit, "another name"),
        (
            "b-0123456789abcdef0123456789abcdef",
            "x",
            401,
            no_fit,
            "a binding that is gone",
        ),
        ("jane:correct horse", "", 401, no_fit, "a colon in the name"),
        (hostile, "x", 401, no_fit, "a hostile name"),
        ("a\nb", "x", 401, no_fit, "a control character"),
        (OPERATOR, &long, 401, no_fit, "a long password"),
        (
            OPERATOR,
            &too_long,
            400,
            "The form has no user name and password, or too much of them",
            "too much",
        ),
    ] {
        let answer = browser.sign_in(user, password, "/platform").await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        assert_eq!(told(&answer), format!("{want}."), "{why}");
        assert!(browser.cookies.is_empty(), "{why}");
        assert!(!answer.text().contains("<script>alert"), "{why}");
        let challenge = answer.header("www-authenticate");
        assert!(!challenge.starts_with("Basic"), "{why}: {challenge}");
        if status == 401 {
            let next = "name=\"next\" value=\"/platform\"";
            assert!(answer.text().contains(next), "{why}");
        }
    }
    for (body, why) in [
        ("", "nothing"),
        ("user=jane", "no password"),
        ("user=a&user=b&password=c", "twice"),
        ("user=%ff&password=x", "not UTF-8"),
    ] {
        let headers = [("origin", "https://promfetch.test")];
        let answer = browser.send("POST", "/sign-in", &headers, body).await;
        let is_refused = [400, 401].contains(&answer.status);
        assert!(is_refused, "{why}: {}", answer.status);
    }
    assert!(browser.cookies.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_promfetch_lets_operators_in_too() {
    for access in ["open", "audit"] {
        let foundation = Foundation::start(json!({"access": access})).await;
        let mut browser = Browser::new(&foundation.platform.promfetch);
        assert_eq!(browser.get("/").await.status, 200, "{access}");
        assert!(!browser.is_operator().await, "{access}");
        browser.sign_in_as_operator().await;
        assert!(browser.is_operator().await, "{access}");
    }
}
