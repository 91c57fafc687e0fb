use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Behaviour, Instance, Platform, config};
use serde_json::json;

/// Asked path and query → its parameters, decoded.
fn parameters(path: &str) -> Vec<(String, String)> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            if first == b'%' {
                bytes.push(
                    u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap(),
                );
                rest = &after[2..];
            } else {
                bytes.push(first);
                rest = after;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_is_asked_once_per_page_with_the_apps_own_parameters() {
    let exporter = Instance::start(
        "0",
        Behaviour::page("# TYPE db_connections gauge\ndb_connections 7\n"),
    )
    .await;
    let platform = Platform::start_with(json!({"external_exporters": [{
        "name": "databases",
        "host": exporter.address.to_string(),
        "metrics_path": "/probe",
        "scheme": "http",
        "params": {
            "app": ["{{.AppID}}"],
            "where": ["{{ .OrganizationName }}/{{.SpaceName}}/{{- .AppName -}}", "fixed"],
            "kind": ["{{.ProcessType}}-{{.Component}}"],
        },
    }]}))
    .await;
    let pushed = platform
        .push(
            App::new("a&b=c", "prod space", "shöp"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    let page = platform.page(&pushed.app).await;

    let sample = page.one("db_connections", &[]);
    assert_eq!(sample.value, 7.0);
    assert_eq!(
        sample.label_names(),
        [
            "organization_id",
            "space_id",
            "app_id",
            "organization_name",
            "space_name",
            "app_name"
        ],
        "an exporter is no instance"
    );
    assert_eq!(
        exporter.requests(),
        1,
        "once for the app, not for each instance"
    );
    let seen = exporter.last_seen();
    assert!(seen.path.starts_with("/probe?"), "{}", seen.path);
    let mut asked = parameters(&seen.path);
    asked.sort();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        asked,
        [
            pair("app", &pushed.app.guid),
            pair("kind", "external_exporter-promfetcher"),
            pair("where", "a&b=c/prod space/shöp"),
            pair("where", "fixed")
        ]
    );

    let page = platform
        .promfetch
        .page(&pushed.app.path("only-app-metrics"))
        .await;
    assert!(!page.has("db_connections"));
    assert_eq!(
        exporter.requests(),
        1,
        "and not asked for `only-app-metrics`"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_exporter_is_named_and_costs_only_itself() {
    let [broken, missing] = [
        Instance::start("0", Behaviour::garbage()).await,
        Instance::start("0", Behaviour::status(404)).await,
    ];
    let good = Instance::start("0", Behaviour::page("of_good 1\n")).await;
    let exporters: Vec<_> = [("broken", &broken), ("missing", &missing), ("good", &good)]
        .map(|(name, exporter)| json!({"name": name, "host": exporter.address.to_string()}))
        .into();
    let platform = Platform::start_with(json!({"external_exporters": exporters})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let page = platform.page(&pushed.app).await;
    assert!(page.has("a") && page.has("of_good"));
    let errors: Vec<_> = page
        .all("promfetcher_scrape_external_exporter_error")
        .iter()
        .map(|sample| {
            (
                sample.label("name").to_owned(),
                sample.label("error").to_owned(),
                sample.value,
            )
        })
        .collect();
    assert_eq!(
        errors,
        [
            ("broken".into(), "parse".into(), 1.0),
            ("missing".into(), "status_4xx".into(), 1.0)
        ]
    );
    assert_eq!(page.up().len(), 1, "`promfetch_up` is for instances");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_that_do_more_than_name_a_field_are_refused_at_the_start() {
    for template in [
        "{{if .AppID}}x{{end}}",
        "{{.Nobody}}",
        "{{ printf \"%s\" .AppID }}",
        "{{.AppID",
        "{{range .}}{{end}}",
    ] {
        let config = config::with(
            json!({"external_exporters": [{"name": "x", "host": "exporter.test", "params": {"a": [template]}}]}),
        );
        let (_folder, file) = config_file(&config.to_string());
        let finished = command(&["check-config", "-c", &file]).await;
        assert_eq!(
            finished.code,
            Some(64),
            "{template}: {}{}",
            finished.stdout,
            finished.stderr
        );
        assert!(
            finished.stderr.contains("external_exporters"),
            "{template}: {}",
            finished.stderr
        );
    }
}
