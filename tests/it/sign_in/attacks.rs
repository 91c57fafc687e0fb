use promfetch_tests::app::encode;
use promfetch_tests::foundation::{OPERATOR, OPERATOR_PASSWORD};
use promfetch_tests::{Foundation, Uaa};
use serde_json::json;

use super::{Browser, form};

/// What somebody writes into a link to lead others elsewhere.
const ELSEWHERE: [&str; 22] = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "https:evil.test",
    "https://evil.test/apps/x",
    "HTTPS:/evil.test",
    "javascript:alert(1)",
    "evil.test",
    "/ /evil.test",
    "/\t/evil.test",
    "/\r\nSet-Cookie: a=b",
    "/apps/x\r\nLocation: https://evil.test",
    "/apps/x\u{0}",
    "/%2f%2fevil.test",
    "/%5cevil.test",
    "%2f%2fevil.test",
    "/apps/../../evil",
    "/apps/%2e%2e/%2E%2E/evil",
    "/sign-out",
    "/v1/sd",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_led_elsewhere() {
    let uaa = Uaa::start().await;
    let keys = json!({
        "access": "protected",
        "uaa": uaa.config_with_client("https://promfetch.test", ""),
    });
    let foundation = Foundation::start(keys).await;
    let promfetch = &foundation.platform.promfetch;
    for next in ELSEWHERE {
        let mut browser = Browser::new(promfetch);
        let page = browser
            .get(&format!("/sign-in?next={}", encode(next)))
            .await;
        assert_eq!(page.status, 200, "{next:?}");
        assert!(
            page.text().contains("name=\"next\" value=\"/\""),
            "{next:?}"
        );
        assert!(!page.text().contains("evil"), "{next:?}");
        let answer = browser.sign_in(OPERATOR, OPERATOR_PASSWORD, next).await;
        assert_eq!(answer.header("location"), "./", "{next:?}");
        let answer = browser.sign_in_at(&uaa, "alice", next).await;
        assert_eq!(answer.header("location"), "../", "{next:?}");
        // A name twice is none.
        let twice = format!("/sign-in?next=/platform&next={}", encode(next));
        let page = browser.get(&twice).await;
        assert!(
            page.text().contains("name=\"next\" value=\"/\""),
            "{next:?}"
        );
    }
    let mut browser = Browser::new(promfetch);
    let page = browser.get("/sign-in?next=%FF%22%3E%3Cscript%3E").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.text().matches("<script").count(), 1, "its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_other_sites_do_nothing() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let promfetch = &foundation.platform.promfetch;
    let mut signed_in = Browser::new(promfetch);
    signed_in.sign_in_as_operator().await;
    let login = form(&[("user", OPERATOR), ("password", OPERATOR_PASSWORD)]);
    let own = promfetch.api.clone();
    for (headers, status, why) in [
        (&[][..], 403, "who says nothing is no browser"),
        (&[("origin", "https://evil.test")], 403, "another site"),
        (&[("origin", "null")], 403, "a page that hides itself"),
        (
            &[("origin", "https://promfetch.test.evil.test")],
            403,
            "a longer name",
        ),
        (&[("sec-fetch-site", "cross-site")], 403, "another site"),
        (&[("sec-fetch-site", "same-site")], 403, "a neighbour"),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://promfetch.test"),
            ],
            403,
            "the browser knows better",
        ),
        (&[("sec-fetch-site", "same-origin")], 303, "its own page"),
        (&[("origin", "https://promfetch.test")], 303, "its own page"),
        (&[("origin", &own)], 303, "its own page, reached directly"),
    ] {
        let mut browser = Browser::new(promfetch);
        let answer = browser.send("POST", "/sign-in", headers, &login).await;
        assert_eq!(answer.status, status, "in: {why}");
        assert_eq!(browser.cookies.is_empty(), status == 403, "in: {why}");
        let mut browser = signed_in.clone();
        let answer = browser.send("POST", "/sign-out", headers, "").await;
        assert_eq!(answer.status, status, "out: {why}");
        assert_eq!(browser.is_operator().await, status == 403, "out: {why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_browser_would_drop_is_not_given() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let mut browser = Browser::new(&foundation.platform.promfetch);
    let login = form(&[("user", OPERATOR), ("password", OPERATOR_PASSWORD)]);
    let headers = [
        ("origin", "http://10.0.0.5:8085"),
        ("host", "10.0.0.5:8085"),
    ];
    let answer = browser.send("POST", "/sign-in", &headers, &login).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("open https://promfetch.test."));
    assert!(browser.cookies.is_empty());
}
