use futures_util::future::join_all;
use promfetch_tests::platform::Pushed;
use promfetch_tests::{App, Behaviour, Platform, eventually};
use serde_json::json;

use super::{Host, of_app};

const PAGE: &str = "# TYPE in_flight gauge\nin_flight 3\n# TYPE odd gauge\nodd{kind=\"nan\"} NaN\nodd{kind=\"inf\"} +Inf\n";

/// The platform, its app, and a host that asks for it.
async fn shop() -> (Platform, Pushed, Host) {
    let platform = Platform::start().await;
    let behaviours = [
        Behaviour::page(PAGE),
        Behaviour::page(PAGE),
        Behaviour::counting(10),
    ];
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let host = Host::of(&platform.promfetch, json!({})).await;
    (platform, pushed, host)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_query_has_one_fresh_sample_and_later_ones_one_a_step() {
    let (_platform, _pushed, host) = shop().await;
    let sum = format!("sum({})", of_app("in_flight", "shop"));
    let first = host.query(&sum, 60_000).await.unwrap();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].1, 6.0);
    let series = eventually("there is history", async || {
        let samples = host.query(&sum, 60_000).await.unwrap();
        (samples.len() >= 5).then_some(samples)
    })
    .await;
    assert!(series.iter().all(|(_, value)| *value == 6.0), "{series:?}");
    assert!(
        series.windows(2).all(|pair| pair[1].0 - pair[0].0 == 200.0),
        "one a step: {series:?}"
    );
    // `query_window = "instant"` asks for one moment.
    assert_eq!(host.query(&sum, 0).await.unwrap().len(), 1);
    let short = format!("avg:{}", of_app("in_flight", "shop"));
    assert_eq!(host.query(&short, 0).await.unwrap()[0].1, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_series_are_for_query_multiple() {
    let (_platform, _pushed, host) = shop().await;
    let all = of_app("in_flight", "shop");
    let error = host.query(&all, 0).await.unwrap_err();
    assert!(
        error.contains("has 2 series") && error.contains("sum("),
        "{error}"
    );
    let series = host.multiple(&all, 0).await.unwrap();
    assert_eq!(series.len(), 2);
    assert!(
        series
            .iter()
            .all(|samples| samples.len() == 1 && samples[0].1 == 3.0),
        "{series:?}"
    );
    let by = format!("max by (index) ({all})");
    assert_eq!(host.multiple(&by, 0).await.unwrap().len(), 2);
    let one = all.replace('}', ",index=\"1\"}");
    assert_eq!(host.query(&one, 0).await.unwrap()[0].1, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rates_wait_until_their_range_is_known() {
    let (_platform, _pushed, host) = shop().await;
    let rate = format!("sum(rate({}[2s]))", of_app("requests_total", "shop"));
    assert_eq!(
        host.query(&rate, 1000).await.unwrap(),
        [],
        "nothing is known of 2 s ago"
    );
    host.has_logged("info", "does not reach far enough back")
        .await;
    let samples = eventually("the range is known", async || {
        let samples = host.query(&rate, 1000).await.unwrap();
        (samples.len() >= 3).then_some(samples)
    })
    .await;
    // The counters grow by 11 with each fetch, of which there are 5 a second, or fewer on a busy machine.
    assert!(
        samples.iter().all(|(_, rate)| (5.0..=80.0).contains(rate)),
        "{samples:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_an_empty_list_and_no_number_an_error() {
    let (_platform, _pushed, host) = shop().await;
    let absent = of_app("no_such_metric", "shop");
    assert_eq!(host.query(&absent, 60_000).await.unwrap(), []);
    assert_eq!(
        host.multiple(&absent, 60_000).await.unwrap(),
        Vec::<Vec<_>>::new()
    );

    assert_eq!(
        host.query(&of_app("in_flight", "shpo"), 60_000)
            .await
            .unwrap(),
        []
    );
    host.has_logged("warn", "shpo").await;

    for text in [
        of_app("odd", "shop").replace('}', ",index=\"0\",kind=\"nan\"}"),
        of_app("odd", "shop").replace('}', ",index=\"0\",kind=\"inf\"}"),
    ] {
        let error = host.query(&text, 0).await.unwrap_err();
        assert!(
            error.contains("no finite numbers") && error.contains("kind="),
            "{error}"
        );
        assert!(host.multiple(&text, 0).await.is_err());
    }
    let some = format!("{} / 0", of_app("in_flight", "shop"));
    assert!(host.multiple(&some, 0).await.is_err());
    let mixed = "{__name__=~\"odd|in_flight\"}";
    assert!(host.multiple(mixed, 0).await.is_err(), "a metric is named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_costs_only_itself() {
    let (_platform, _pushed, host) = shop().await;
    let app = of_app("in_flight", "shop");
    for (query, window) in [
        (String::new(), 1000),
        ("(".repeat(100_000), 1000),
        ("\u{0}\u{7f}ä".into(), 1000),
        (format!("histogram_quantile(0.9, {app})"), 1000),
        (format!("{app} offset 5m"), 1000),
        (format!("sum({app}"), 1000),
        (
            app.replace("\"shop\"", "\"(\"")
                .replace("app_name=", "app_name=~"),
            1000,
        ),
        (format!("rate({app}[3h])"), 1000),
        (app.clone(), 100 * 24 * 3_600_000),
        ("in_flight".into(), 1000),
        ("in_flight{index=\"0\"}".into(), 1000),
    ] {
        let error = host.query(&query, window).await.unwrap_err();
        assert!(!error.is_empty() && error.len() < 4096, "{query}: {error}");
        assert!(!error.contains("please report"), "{query}: {error}");
    }
    for (from, to) in [
        (2, 1),
        (i64::MAX / 2_000_000, i64::MAX / 1_000_000),
        (-1, 0),
    ] {
        let question = json!({"query": app, "from": from, "to": to});
        host.ask("query", question).await.error();
    }
    host.ask("ping", json!({})).await.good();
    assert!(host.query(&format!("sum({app})"), 0).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_queries_at_once_share_their_fetches() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page(PAGE)])
        .await;
    let host = Host::of(&platform.promfetch, json!({"step": "60s"})).await;
    let query = format!("sum({})", of_app("in_flight", "shop"));
    let answers = join_all((0..100).map(|_| host.query(&query, 0))).await;
    for answer in answers {
        assert_eq!(answer.unwrap()[0].1, 3.0);
    }
    assert_eq!(pushed.instances[0].requests(), 1, "one page does for all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_are_named_by_labels_or_by_configuration() {
    let platform = Platform::start().await;
    let mut pushed = Vec::new();
    for (organization, space, name, value) in [
        ("acme", "prod", "web-blue", 1),
        ("acme", "prod", "web-green", 2),
        ("acme", "test", "web-blue", 4),
        ("other", "prod", "web-blue", 8),
    ] {
        let app = App::new(organization, space, name);
        let page = Behaviour::page(format!("x {value}\n"));
        pushed.push(platform.push(app, [page]).await);
    }
    let scope = json!({"organization": "acme", "space": "prod", "app": pushed[3].app.guid});
    let host = Host::of(&platform.promfetch, scope).await;
    for (query, value, why) in [
        ("x".to_owned(), 8.0, "the configured app"),
        (
            "x{app_name=\"web-blue\"}".to_owned(),
            1.0,
            "in the configured space",
        ),
        ("sum(x{app_name=~\"web-.*\"})".to_owned(), 3.0, "several"),
        (
            "sum(x{app_name!=\"web-blue\"})".to_owned(),
            2.0,
            "all but one",
        ),
        (
            "x{app_name=\"web-blue\",space_name=\"test\"}".to_owned(),
            4.0,
            "another space",
        ),
        (
            "sum(x{organization_name=~\".+\",app_name=\"web-blue\"})".to_owned(),
            13.0,
            "anywhere",
        ),
        (
            format!("x{{app_id=\"{}\"}}", pushed[2].app.guid),
            4.0,
            "by GUID",
        ),
        (
            "sum(x{app_name=~\"web-.*\"}) + sum(x{app_name=\"web-blue\",space_name=\"test\"})"
                .to_owned(),
            7.0,
            "two selectors",
        ),
    ] {
        let samples = host
            .query(&query, 0)
            .await
            .unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(samples.last().map(|sample| sample.1), Some(value), "{why}");
    }
    let series = host
        .multiple("x{organization_name!=\"\"}", 0)
        .await
        .unwrap();
    assert_eq!(series.len(), 4);
}
