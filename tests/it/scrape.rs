use std::collections::BTreeMap;

use promfetch_tests::app::encode;
use promfetch_tests::{App, Behaviour, Page, Platform};

const NINE: [&str; 9] = [
    "organization_id",
    "space_id",
    "app_id",
    "organization_name",
    "space_name",
    "app_name",
    "index",
    "instance_id",
    "instance",
];

/// Three instances with a page each that tells them apart.
fn shop() -> [Behaviour; 3] {
    [
        Behaviour::page(
            "# HELP b_total The second family.\n# TYPE b_total counter\nb_total{own=\"x\"} 1\n# HELP a A gauge.\n# TYPE a gauge\na 10\n",
        ),
        Behaviour::page(
            "# HELP a A gauge.\n# TYPE a gauge\na 11\n# HELP only_here Of one instance.\n# TYPE only_here gauge\nonly_here 7\n",
        ),
        Behaviour::page("a 12\nb_total{own=\"y\"} 3\n"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_holds_every_instances_samples_with_nine_labels_in_order() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), shop())
        .await;
    let app = &pushed.app;
    let page = platform.page(app).await;

    for (index, value) in [("0", 10.0), ("1", 11.0), ("2", 12.0)] {
        let sample = page.one("a", &[("index", index)]);
        assert_eq!(sample.value, value);
        assert_eq!(sample.label_names(), NINE);
        let address = pushed.instances[index.parse::<usize>().unwrap()]
            .address
            .to_string();
        let expected = [
            &app.organization_guid,
            &app.space_guid,
            &app.guid,
            &app.organization,
            &app.space,
            &app.name,
            index,
            index,
            &address,
        ];
        assert_eq!(
            sample
                .labels
                .iter()
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>(),
            expected
        );
    }
    // The sample's own labels come first.
    let own = page.one("b_total", &[("index", "2")]);
    assert_eq!(own.label_names(), [&["own"], &NINE[..]].concat());
    assert_eq!((own.label("own"), own.value), ("y", 3.0));

    // Families by first appearance, instances by index; HELP and TYPE once each.
    let families: Vec<_> = page
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    assert_eq!(
        families[..3],
        ["b_total counter", "a gauge", "only_here gauge"]
    );
    assert_eq!(page.helps["a"], "A gauge.");
    let order: Vec<_> = page
        .all("a")
        .iter()
        .map(|sample| sample.label("index"))
        .collect();
    assert_eq!(order, ["0", "1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_ten_instances_are_in_the_order_of_numbers() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "many"),
            (0..12).map(|index| Behaviour::page(format!("a {index}\n"))),
        )
        .await;
    let page = platform.page(&pushed.app).await;
    let order: Vec<_> = page
        .all("a")
        .iter()
        .map(|sample| sample.value as usize)
        .collect();
    assert_eq!(order, (0..12).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_found_by_names_guid_and_route() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), shop())
        .await;
    let other = platform
        .push(
            App::new("acme", "prod", "other"),
            [Behaviour::page("of_another_app 1\n")],
        )
        .await;
    let (guid, route) = (&pushed.app.guid, &pushed.app.routes[0]);
    for path in [
        "/v1/apps/acme/prod/shop/metrics".to_owned(),
        format!("/v1/apps/{guid}/metrics"),
        format!("/v1/apps/{}/metrics", guid.to_uppercase()),
        format!("/v1/apps/{route}/metrics"),
        format!("/v1/apps/{}/metrics", route.to_uppercase()),
        format!("/v1/apps/metrics?app={guid}"),
        format!("/v1/apps/metrics?app={}", encode("acme/prod/shop")),
        format!("/v1/apps/metrics?route_url={route}"),
        format!(
            "/v1/apps/metrics?route_url={}",
            encode(&format!("https://{route}/"))
        ),
        format!(
            "/v1/apps/metrics?route_url={}",
            encode(&format!("{route}:443/some/path?query"))
        ),
    ] {
        let page = platform.promfetch.page(&path).await;
        assert_eq!(page.all("a").len(), 3, "{path}");
        assert!(!page.has("of_another_app"), "{path}");
    }
    assert!(platform.page(&other.app).await.has("of_another_app"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_series_say_how_each_instance_is() {
    let platform = Platform::start().await;
    let body = "a 1\nb 2\nc 3\n";
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page(body), Behaviour::garbage()],
        )
        .await;
    let page = platform.page(&pushed.app).await;

    assert_eq!(
        page.up(),
        BTreeMap::from([("0".into(), 1.0), ("1".into(), 0.0)])
    );
    assert_eq!(
        page.errors(),
        BTreeMap::from([("1".into(), "parse".into())])
    );
    assert_eq!(
        page.value("promfetch_scrape_samples", &[("index", "0")]),
        3.0
    );
    assert_eq!(
        page.value("promfetch_scrape_body_bytes", &[("index", "0")]),
        body.len() as f64
    );
    assert!(page.value("promfetch_scrape_duration_seconds", &[("index", "0")]) > 0.0);
    for name in [
        "promfetch_up",
        "promfetch_scrape_samples",
        "promfetch_scrape_body_bytes",
        "promfetch_scrape_duration_seconds",
    ] {
        assert_eq!(page.types[name], "gauge", "{name}");
        for sample in page.all(name) {
            assert_eq!(sample.label_names(), NINE, "{name}");
        }
    }
    assert_eq!(page.types["promfetcher_scrape_error"], "counter");
    let error = page.one("promfetcher_scrape_error", &[]);
    assert_eq!(error.label_names(), [&NINE[..], &["error"]].concat());
    assert_eq!(error.value, 1.0);
    assert!(
        !page.has("requests_total"),
        "no line of a broken page is served"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_input_gives_the_same_bytes() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), shop())
        .await;
    let path = pushed.app.path("only-app-metrics");
    let first = platform.promfetch.get(&path).await;
    assert_eq!(Page::read(first.text()).all("a").len(), 3);
    for _ in 0..5 {
        assert_eq!(platform.promfetch.get(&path).await.body, first.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_apps_names_changes_the_labels() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let renamed = App {
        name: "store".into(),
        ..pushed.app.clone()
    };
    platform.emitter.forget(&pushed.instances[0]);
    platform
        .emitter
        .register(&renamed, &pushed.instances[0])
        .await;
    let page = platform
        .page_once(&renamed, "the new name is known", |page| page.has("a"))
        .await;
    assert_eq!(page.one("a", &[]).label("app_name"), "store");
    assert_eq!(platform.get(&pushed.app).await.status, 404);
}
