use promfetch_tests::app::encode;
use promfetch_tests::{App, Behaviour, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_wildcards_lead_where_gorouter_leads() {
    let platform = Platform::start().await;
    let mut pushed = Vec::new();
    for (name, route) in [
        ("root", "shop.apps.test"),
        ("cart", "shop.apps.test/cart"),
        ("cart-v2", "shop.apps.test/cart/v2"),
        ("wild", "*.apps.test"),
        ("wild-path", "*.apps.test/special"),
        ("deep", "*.deep.apps.test"),
        ("only-path", "paths.apps.test/here"),
    ] {
        let page = Behaviour::page(format!("of{{app=\"{name}\"}} 1\n"));
        pushed.push(
            platform
                .push(App::new("acme", "prod", name).routes(&[route]), [page])
                .await,
        );
    }
    for (url, app, reason) in [
        ("shop.apps.test", "root", "exact host"),
        ("SHOP.apps.TEST", "root", "any case"),
        ("shop.apps.test:8080", "root", "without port"),
        (
            "https://shop.apps.test/other/path",
            "root",
            "longest prefix is the root",
        ),
        ("shop.apps.test/cart", "cart", "the path"),
        ("shop.apps.test/cart/", "cart", "trailing slash"),
        (
            "shop.apps.test/Cart/items?x=1",
            "cart",
            "path in any case, below it, query cut",
        ),
        (
            "shop.apps.test/cart/v2/items",
            "cart-v2",
            "the longest prefix",
        ),
        ("shop.apps.test/cartoon", "root", "whole segments only"),
        ("other.apps.test", "wild", "wildcard"),
        (
            "other.apps.test/special/offer",
            "wild-path",
            "wildcard with a path",
        ),
        (
            "shop.apps.test/special",
            "root",
            "an exact host beats a wildcard with a longer path",
        ),
        ("a.b.c.apps.test", "wild", "a wildcard spans labels"),
        ("x.deep.apps.test", "deep", "the nearest wildcard"),
        (
            "x.y.deep.apps.test",
            "deep",
            "the nearest wildcard over two labels",
        ),
        (
            "paths.apps.test/elsewhere",
            "wild",
            "a host with paths only falls back to the wildcard",
        ),
        ("paths.apps.test/here/too", "only-path", "its own path"),
    ] {
        let page = platform
            .promfetch
            .page(&format!("/v1/apps/metrics?route_url={}", encode(url)))
            .await;
        assert_eq!(page.all("of").len(), 1, "{url}: {reason}");
        let sample = page.one("of", &[]);
        assert_eq!(
            (sample.label("app"), sample.label("app_name")),
            (app, app),
            "{url}: {reason}"
        );
    }
    for (url, reason) in [
        ("apps.test", "a wildcard never matches its own parent"),
        ("shop.apps.test.", "a trailing dot is another host"),
        ("elsewhere.test", "nobody's"),
    ] {
        let answer = platform
            .promfetch
            .get(&format!("/v1/apps/metrics?route_url={}", encode(url)))
            .await;
        assert_eq!(answer.status, 404, "{url}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_of_two_apps_gives_both_with_their_own_labels() {
    let platform = Platform::start().await;
    let mut pushed = Vec::new();
    for colour in ["blue", "green"] {
        let app = App::new("acme", "prod", colour).routes(&["live.apps.test"]);
        pushed.push(platform.push(app, [Behaviour::page("a 1\n")]).await);
    }
    let page = platform
        .promfetch
        .page("/v1/apps/live.apps.test/metrics")
        .await;
    let mut apps: Vec<_> = page
        .all("a")
        .iter()
        .map(|sample| sample.label("app_name").to_owned())
        .collect();
    apps.sort();
    assert_eq!(apps, ["blue", "green"]);
}
