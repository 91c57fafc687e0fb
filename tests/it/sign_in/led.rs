use promfetch_tests::Uaa;
use serde_json::json;

use super::{Browser, HTML};
use crate::access::Town;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_led_to_the_sign_in_and_programs_are_not() {
    let town = Town::start("protected").await;
    let promfetch = &town.foundation.platform.promfetch;
    let html = [("accept", HTML)];
    for (path, headers, status, location, why) in [
        ("/", &html[..], 303, "sign-in", "the start"),
        (
            "/?q=a%20b&x=1",
            &html,
            303,
            "sign-in?next=/%3Fq%3Da%2520b%26x%3D1",
            "with a search",
        ),
        (
            "/platform",
            &html,
            303,
            "sign-in?next=/platform",
            "one level",
        ),
        (
            "/apps/acme/prod/shop?ask=1",
            &html,
            303,
            "../../../sign-in?next=/apps/acme/prod/shop%3Fask%3D1",
            "deeper",
        ),
        (
            "/apps/",
            &html,
            303,
            "../sign-in?next=/apps/",
            "nothing behind",
        ),
        (
            "/apps//evil.test/x",
            &html,
            303,
            "../../../sign-in?next=/apps//evil.test/x",
            "empty parts",
        ),
        (
            "/apps/../x",
            &html,
            303,
            "../../sign-in",
            "not a page to come back to",
        ),
        ("/", &[], 401, "", "curl"),
        ("/", &[("accept", "*/*")], 401, "", "curl says it"),
        ("/", &[("accept", "text/html;q=0, */*")], 401, "", "no HTML"),
        ("/", &[("accept", "application/json")], 401, "", "a program"),
        ("/v1/sd", &html, 401, "", "below /v1, always"),
        (
            "/v1/apps/acme/prod/shop/metrics",
            &html,
            401,
            "",
            "below /v1, always",
        ),
        ("/metrics", &html, 401, "", "no page for people"),
        ("/routes", &html, 401, "", "no page for people"),
        ("/nothing", &html, 401, "", "no page at all"),
        ("/platform/", &html, 401, "", "no page at all"),
    ] {
        let answer = promfetch.get_with(path, headers).await;
        assert_eq!(answer.status, status, "{path}: {why}");
        assert_eq!(answer.header("location"), location, "{path}: {why}");
        if status == 303 {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    let deep = format!("/apps/{}", "x/".repeat(3000));
    assert_eq!(promfetch.get_with(&deep, &html).await.status, 401);
    let long = format!("/apps/{}", "x".repeat(5000));
    let answer = promfetch.get_with(&long, &html).await;
    assert_eq!(
        answer.header("location"),
        "../sign-in",
        "too long to be kept"
    );
    for method in ["POST", "PUT", "DELETE"] {
        let mut browser = Browser::new(promfetch);
        let answer = browser.send(method, "/", &html, "").await;
        assert_eq!(answer.status, 401, "{method}");
    }
    let head = Browser::new(promfetch).send("HEAD", "/", &html, "").await;
    assert_eq!((head.status, head.header("location")), (303, "sign-in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_open_no_dialog() {
    for (uaa, tokens) in [(None, false), (Some(Uaa::start().await), true)] {
        let keys = uaa.map_or_else(|| json!({}), |uaa| json!({"uaa": uaa.config()}));
        let town = Town::start_with("protected", keys).await;
        let promfetch = &town.foundation.platform.promfetch;
        let path = town.shop.app.path("instances");
        for (headers, dialog, why) in [
            (&[][..], true, "curl -u waits for it"),
            (
                &[("sec-fetch-dest", "document")],
                true,
                "typed into the browser",
            ),
            (&[("sec-fetch-dest", "empty")], false, "a script"),
            (
                &[("cookie", "__Host-promfetch=over")],
                false,
                "a browser whose session is over",
            ),
            (&[("cookie", "other=1")], true, "a cookie of others"),
        ] {
            let answer = promfetch.get_with(&path, headers).await;
            assert_eq!(answer.status, 401, "{why}");
            let all = answer.headers.get_all("www-authenticate").iter();
            let all: Vec<_> = all.filter_map(|value| value.to_str().ok()).collect();
            let first = if dialog { "Basic" } else { "Cookie" };
            let mut want = vec![format!("{first} realm=\"promfetch\"")];
            if tokens {
                want.push("Bearer realm=\"promfetch\"".into());
            }
            assert_eq!(all, want, "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_allowed_gets_a_page_with_the_way_out() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let shop = Some(&town.shop.app);
    let binding = cloud.bind("prod-metrics", "b", shop, json!({})).await;
    let mut browser = Browser::new(&town.foundation.platform.promfetch);
    browser
        .sign_in(&binding.user, &binding.password, "/platform")
        .await;
    assert_eq!(browser.get("/").await.status, 200, "no loop");
    // While there is no such page this is 404; who may not see it learns that first.
    let answer = browser.get("/platform").await;
    assert!([403, 404].contains(&answer.status), "{}", answer.status);
    if answer.status == 403 {
        let text = answer.text();
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(
            text.contains(&format!("binding {}", binding.user)),
            "{text}"
        );
        assert!(text.contains("action=\"sign-out\""), "{text}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}
