use promfetch_tests::foundation::operator;
use promfetch_tests::http::Response;
use serde_json::json;

use super::Town;

async fn page(town: &Town, path: &str, login: &str) -> Response {
    let headers = [("accept", "text/html"), ("authorization", login)];
    let headers = if login.is_empty() {
        &headers[..1]
    } else {
        &headers
    };
    town.ask_with("GET", path, headers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_show_what_their_viewer_may_read() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let bind = cloud.bind("prod-metrics", "b1", Some(&town.shop.app), json!({}));
    let of_shop = bind.await.login();
    let of_space = cloud
        .bind("prod-metrics", "key", None, json!({}))
        .await
        .login();
    let [shop, till, other] = [&town.shop, &town.till, &town.other].map(|pushed| &*pushed.app.guid);
    for (login, want, platform, why) in [
        (&of_shop, &[shop][..], 403, "the app of a binding"),
        (&of_space, &[shop, till], 403, "the apps of a key's space"),
        (
            &operator(),
            &[shop, till, other],
            200,
            "all of them for operators",
        ),
    ] {
        let start = page(&town, "/", login).await;
        assert_eq!(start.status, 200, "{why}");
        assert_eq!(
            page(&town, "/platform", login).await.status,
            platform,
            "{why}"
        );
        assert_eq!(
            start.text().contains("href=\"platform\""),
            platform == 200,
            "{why}"
        );
        for guid in [shop, till, other] {
            let may = want.contains(&guid);
            assert_eq!(start.text().contains(guid), may, "{why}: the list");
            let search = page(&town, &format!("/?q={guid}"), login).await;
            assert_eq!(
                search.text().contains(&format!("data-app=\"{guid}\"")),
                may,
                "{why}: the search"
            );
            let app = page(&town, &format!("/apps/{guid}?ask"), login).await;
            assert_eq!(app.status, if may { 200 } else { 404 }, "{why}: the page");
        }
        let number = format!("data-found=\"{}\"", want.len());
        assert!(
            start.text().contains(&number),
            "{why}: others are not counted"
        );
    }
    // Where the table comes from is no matter of developers.
    let missing = page(&town, "/apps/no/such/app", &of_shop).await;
    assert!(
        missing.text().contains("data-source=\"nats\""),
        "{}",
        missing.text()
    );
    assert!(!missing.text().contains("127.0.0.1"), "{}", missing.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_of_others_looks_like_one_that_does_not_exist() {
    let town = Town::start("protected").await;
    let cloud = town.foundation.cloud();
    let bind = cloud.bind("prod-metrics", "b1", Some(&town.shop.app), json!({}));
    let login = bind.await.login();
    let text = async |path: &str| {
        let answer = page(&town, path, &login).await;
        assert_eq!(answer.status, 404, "{path}");
        let (_, content) = answer
            .text()
            .split_once("<h1>")
            .expect("a heading")
            .to_owned();
        let (content, _) = content.split_once("data-source").expect("the sources");
        content.to_owned()
    };
    for (theirs, nobodys) in [("other", "mouse"), ("till", "tall")] {
        let of = |name: &str| format!("/apps/evil/prod/{name}");
        let (theirs_page, nobodys_page) = (text(&of(theirs)).await, text(&of(nobodys)).await);
        assert_eq!(theirs_page.replace(theirs, nobodys), nobodys_page);
    }
    let near = text("/apps/acme/prod/Shop").await;
    assert!(
        near.contains("data-near=\"case\""),
        "one's own is offered: {near}"
    );
    let near = text("/apps/evil/prod/Other").await;
    assert!(
        !near.contains("data-near"),
        "those of others are not: {near}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_asks_for_a_login_where_one_is_needed() {
    for (mode, login, want) in [
        ("protected", operator(), true),
        ("audit", String::new(), false),
    ] {
        let town = Town::start(mode).await;
        let answer = page(&town, "/apps/acme/prod/shop", &login).await;
        assert_eq!(answer.status, 200, "{mode}");
        let text = answer.text();
        assert!(
            text.contains("https://promfetch.test/v1/apps/acme/prod/shop/metrics"),
            "{mode}: {text}"
        );
        assert!(text.contains("scheme: https"), "{mode}");
        for part in [
            "-u 'USER:PASSWORD'",
            "basic_auth:",
            "doc/access#get-a-login",
        ] {
            assert_eq!(text.contains(part), want, "{mode}: {part}");
        }
    }
}
