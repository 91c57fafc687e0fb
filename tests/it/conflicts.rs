use promfetch_tests::{Answer, App, Behaviour, Page, Platform};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_is_the_firsts_and_type_the_majoritys() {
    let platform = Platform::start().await;
    let behaviours = [
        Behaviour::page("# HELP x One.\n# TYPE x gauge\nx 1\n"),
        Behaviour::page("# HELP x Two.\n# TYPE x counter\nx 2\n"),
        Behaviour::page("# TYPE x counter\nx 3\n"),
    ];
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(page.types["x"], "counter");
    // The first of those who keep the name: the gauge has taken its help along.
    assert_eq!(page.helps["x"], "Two.");
    // No sample is lost: those of the minority stand under the name or a documented other one.
    let values: f64 = page
        .samples
        .iter()
        .filter(|sample| sample.name.starts_with('x'))
        .map(|sample| sample.value)
        .sum();
    assert_eq!(values, 6.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_samples_own_label_of_our_name_is_renamed() {
    let platform = Platform::start().await;
    let body = "a{instance=\"mine\",app_name=\"mine too\"} 1\nb{exported_instance=\"taken\",instance=\"mine\"} 2\n";
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page(body)])
        .await;
    let page = platform.page(&pushed.app).await;
    let a = page.one("a", &[]);
    assert_eq!(
        (a.label("exported_instance"), a.label("exported_app_name")),
        ("mine", "mine too")
    );
    assert_eq!(
        (a.label("instance"), a.label("app_name")),
        (&*pushed.instances[0].address.to_string(), "shop")
    );
    let b = page.one("b", &[]);
    assert_eq!(
        (
            b.label("exported_instance"),
            b.label("exported_exported_instance")
        ),
        ("taken", "mine")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn label_conflict_drop_is_promfetchers_way() {
    let platform = Platform::start_with(
        json!({"label_conflict": "drop", "extra_labels": {"foundation": "lab", "zone": "z1"}}),
    )
    .await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("a{instance=\"mine\",keep=\"1\"} 1\n")],
        )
        .await;
    let sample = platform.page(&pushed.app).await.one("a", &[]).clone();
    assert_eq!(
        (sample.label("exported_instance"), sample.label("keep")),
        ("", "1")
    );
    assert_eq!(
        sample.label_names().last_chunk(),
        Some(&["foundation", "zone"]),
        "added after the nine"
    );
    assert_eq!(sample.label("foundation"), "lab");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_fakes_the_health_of_another() {
    let platform = Platform::start().await;
    let fake = "# TYPE promfetch_up gauge\npromfetch_up{index=\"1\"} 1\npromfetch_scrape_samples 5\npromfetcher_scrape_error{error=\"timeout\"} 1\n";
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page(fake), Behaviour::garbage()],
        )
        .await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(
        (page.up().len(), page.up()["0"], page.up()["1"]),
        (2, 1.0, 0.0)
    );
    assert_eq!(page.errors().len(), 1);
    assert_eq!(page.value("exported_promfetch_up", &[("index", "0")]), 1.0);
    assert!(
        page.has("exported_promfetch_scrape_samples")
            && page.has("exported_promfetcher_scrape_error")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn families_that_would_clash_are_kept_apart() {
    let platform = Platform::start().await;
    let text = [
        (
            "# TYPE x histogram\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n",
            "# TYPE x_count gauge\nx_count 5\n",
        ),
        (
            "# TYPE y summary\ny{quantile=\"0.5\"} 1\ny_sum 1\ny_count 1\n",
            "y_sum 4\ny 3\n",
        ),
        (
            "# TYPE z counter\nz 1\n",
            "# TYPE z histogram\nz_bucket{le=\"+Inf\"} 1\nz_sum 1\nz_count 1\n",
        ),
        ("w 1\n", "# TYPE w gauge\nw 2\n"),
    ];
    for (number, (one, two)) in text.into_iter().enumerate() {
        for (order, pages) in [[one, two], [two, one]].into_iter().enumerate() {
            let app = App::new("acme", "prod", &format!("clash-{number}-{order}"));
            let pushed = platform.push(app, pages.map(Behaviour::page)).await;
            // The page passes promtool and the strict reader of the tests; no sample is lost.
            let page = platform
                .promfetch
                .page(&pushed.app.path("only-app-metrics"))
                .await;
            assert_eq!(
                page.samples.len(),
                Page::read(one).samples.len() + Page::read(two).samples.len(),
                "{}",
                page.text
            );
        }
    }
    let openmetrics = [
        (
            "# TYPE x counter\nx_total 1\n# EOF\n",
            "# TYPE x_total gauge\nx_total 1\n# EOF\n",
        ),
        (
            "# TYPE x gauge\nx 1\n# EOF\n",
            "# TYPE x info\nx_info{a=\"1\"} 1\n# EOF\n",
        ),
        (
            "# TYPE x counter\nx_total 1\nx_created 1\n# EOF\n",
            "# TYPE x_created gauge\nx_created 1\n# EOF\n",
        ),
        (
            "# TYPE x gauge\n# UNIT x \nx 1\n# EOF\n",
            "# TYPE x counter\nx_total 1\n# EOF\n",
        ),
        (
            "# TYPE x_seconds gauge\n# UNIT x_seconds seconds\nx_seconds 1\n# EOF\n",
            "# TYPE x_seconds gauge\nx_seconds 1\n# EOF\n",
        ),
    ];
    for (number, (one, two)) in openmetrics.into_iter().enumerate() {
        for (order, pages) in [[one, two], [two, one]].into_iter().enumerate() {
            let app = App::new("acme", "prod", &format!("open-clash-{number}-{order}"));
            let pushed = platform
                .push(
                    app,
                    pages.map(|page| Behaviour::fixed(Answer::openmetrics(page))),
                )
                .await;
            let answer = platform
                .promfetch
                .get_with(
                    &pushed.app.path("only-app-metrics"),
                    &[("accept", "application/openmetrics-text")],
                )
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let expected = Page::read(one).samples.len() + Page::read(two).samples.len();
            assert_eq!(
                Page::read(answer.text()).samples.len(),
                expected,
                "{}",
                answer.text()
            );
        }
    }
}
