use promfetch_tests::{App, Behaviour, Platform};

/// Every name here is one that the Cloud Controller takes.
const NAMES: [&str; 9] = [
    "with/slash",
    "100%",
    "%2F",
    "say \"hi\"",
    "back\\slash",
    "name with spaces",
    "ünïcode ✓ 日本語",
    "plus+and&equals=?",
    "{braces},commas",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_is_reached_and_stands_in_the_labels_as_typed() {
    let platform = Platform::start().await;
    for name in NAMES {
        let pushed = platform
            .push(App::new(name, name, name), [Behaviour::page("a 1\n")])
            .await;
        let page = platform.page(&pushed.app).await;
        let sample = page.one("a", &[]);
        for label in ["organization_name", "space_name", "app_name"] {
            assert_eq!(sample.label(label), name);
        }
        assert_eq!(
            platform
                .promfetch
                .get(&pushed.app.path("instances"))
                .await
                .status,
            200,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_decoded_once_and_compared_as_it_is() {
    let platform = Platform::start().await;
    let _percent = platform
        .push(
            App::new("acme", "prod", "%41"),
            [Behaviour::page("of_percent 1\n")],
        )
        .await;
    let _letter = platform
        .push(
            App::new("acme", "prod", "A"),
            [Behaviour::page("of_letter 1\n")],
        )
        .await;
    for (name, sample) in [("%2541", "of_percent"), ("%41", "of_letter")] {
        let page = platform
            .promfetch
            .page(&format!("/v1/apps/acme/prod/{name}/metrics"))
            .await;
        assert!(page.has(sample), "{name}: {}", page.text);
    }
    assert_eq!(
        platform
            .promfetch
            .get("/v1/apps/acme/prod/a/metrics")
            .await
            .status,
        404,
        "names tell upper from lower case"
    );
    assert_eq!(
        platform
            .promfetch
            .get("/v1/apps/acme/PROD/A/metrics")
            .await
            .status,
        404
    );
    let answer = platform
        .promfetch
        .get("/v1/apps/acme/prod/%FF/metrics")
        .await;
    assert_eq!(answer.status, 400, "no UTF-8: {}", answer.text());
}
