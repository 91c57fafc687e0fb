use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use promfetch_tests::app::encode;
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{Answer, Behaviour, Instance, Promfetch, config};
use serde_json::{Value, json};
use tempfile::TempDir;

const DEADLINE: (&str, &str) = ("x-prometheus-scrape-timeout-seconds", "4");
const METRICS: &str = "/v1/apps/acme/prod/docker/metrics";

/// Sockets of one app, each of its own behaviour.
struct Sockets {
    folder: TempDir,
    instances: Vec<Instance>,
    targets: Vec<Value>,
}

impl Sockets {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            instances: Vec::new(),
            targets: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        url(&self.path(name))
    }

    /// A target at this socket; behind its address stands `metrics`.
    fn add(&mut self, name: &str, metrics: &str, behaviour: Behaviour) {
        self.instances
            .push(Instance::at_socket(&self.path(name), behaviour));
        self.name(&format!("{}{metrics}", self.url(name)));
    }

    /// A target at this address, whatever is there.
    fn name(&mut self, address: &str) {
        self.targets.push(json!({
            "organization": "acme", "space": "prod", "app": "docker", "address": address,
        }));
    }

    fn config(&self, keys: Value) -> Value {
        let mut config = config::with(keys);
        config["targets"] = self.targets.clone().into();
        config
    }
}

fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_socket_has_its_reason_and_costs_nobody_else() {
    let mut sockets = Sockets::new();
    let line = "a_line_of_a_page 1\n";
    for (name, behaviour) in [
        ("well", Behaviour::page("a 1\n")),
        ("hangs", Behaviour::Hang),
        ("huge", Behaviour::page(line.repeat((3 << 20) / line.len()))),
        ("endless", Behaviour::Endless),
        ("missing", Behaviour::status(404)),
        ("garbage", Behaviour::garbage()),
        ("closes", Behaviour::CloseUnanswered),
        (
            "else",
            Behaviour::fixed(Answer::redirect(302, "http://10.0.0.1/metrics")),
        ),
        (
            "big",
            Behaviour::page("a 2\n".to_owned() + &line.repeat(10_000)),
        ),
    ] {
        sockets.add(name, "", behaviour);
    }
    sockets.name(&sockets.url("nobody"));
    std::fs::write(sockets.path("file"), "").expect("a file");
    sockets.name(&sockets.url("file"));
    let keys = json!({"max_body": 2 << 20, "extra_labels": {"foundation": "eu"}});
    let promfetch = Promfetch::start(&sockets.config(keys)).await;

    let page = promfetch.page_with(METRICS, &[DEADLINE]).await;
    let reasons = [
        (1, "timeout"),
        (2, "too_large"),
        (3, "too_large"),
        (4, "status_4xx"),
        (5, "parse"),
        (6, "refused"),
        (7, "redirect"),
        (9, "refused"),
        (10, "refused"),
    ];
    let want: BTreeMap<_, _> = reasons
        .iter()
        .map(|(index, reason)| (index.to_string(), (*reason).to_owned()))
        .collect();
    assert_eq!(page.errors(), want);
    let samples = page.all("a");
    assert_eq!(samples.len(), 2, "of those that are well");
    let well = sockets.url("well");
    assert_eq!(
        samples[0].label_names(),
        [
            "organization_id",
            "space_id",
            "app_id",
            "organization_name",
            "space_name",
            "app_name",
            "index",
            "instance_id",
            "instance",
            "foundation"
        ],
    );
    assert_eq!(
        (samples[0].label("instance"), samples[0].label("foundation")),
        (&*well, "eu")
    );
    assert_eq!(sockets.instances[0].last_seen().header("host"), "localhost");

    let told = promfetch.json("/v1/apps/acme/prod/docker/instances").await;
    let of = |index: usize| &told["instances"][index];
    assert_eq!(
        (of(0)["address"].as_str(), of(0)["host"].as_str()),
        (Some(&*well), Some("localhost"))
    );
    for (index, name, what) in [
        (9, "nobody", "there is no such file"),
        (10, "file", "is no socket"),
    ] {
        let detail = of(index)["last"]["detail"].as_str().expect("a detail");
        let path = sockets.path(name).display().to_string();
        assert!(detail.contains(&path) && detail.contains(what), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_may_go_and_come_back() {
    let mut sockets = Sockets::new();
    sockets.add("metrics.sock", "", Behaviour::page("a 1\n"));
    let promfetch = Promfetch::start(&sockets.config(json!({}))).await;
    for _ in 0..3 {
        assert_eq!(promfetch.page(METRICS).await.value("a", &[]), 1.0);
    }
    let first = &sockets.instances[0];
    assert_eq!(
        (first.requests(), first.connections()),
        (3, 1),
        "the connection is kept"
    );

    // Another one takes the name while the first still answers on the connection that it has.
    let path = sockets.path("metrics.sock");
    std::fs::remove_file(&path).expect("it was there");
    let second = Instance::at_socket(&path, Behaviour::page("a 2\n"));
    assert_eq!(promfetch.page(METRICS).await.value("a", &[]), 2.0);
    assert_eq!(sockets.instances[0].requests(), 3);

    // Nobody listens any more, and the socket is left behind.
    drop(second);
    assert_eq!(promfetch.page(METRICS).await.errors()["0"], "refused");
    std::fs::remove_file(&path).expect("it was left behind");
    let _third = Instance::at_socket(&path, Behaviour::page("a 3\n"));
    let value = promfetch_tests::eventually("the socket is asked again", async || {
        let page = promfetch.page(METRICS).await;
        page.has("a").then(|| page.value("a", &[]))
    })
    .await;
    assert_eq!(value, 3.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_target_the_caller_and_the_address_say_which_path() {
    let mut sockets = Sockets::new();
    sockets.add("plain", "", Behaviour::page("a 1\n"));
    sockets.add("behind", ":/behind?x=1", Behaviour::page("a 1\n"));
    sockets.add("both", ":/behind", Behaviour::page("a 1\n"));
    sockets.targets[2]["path"] = "/own".into();
    let promfetch = Promfetch::start(&sockets.config(json!({}))).await;
    let asked = || {
        let paths = sockets.instances.iter().map(|one| one.last_seen().path);
        paths.collect::<Vec<_>>()
    };
    promfetch.page(METRICS).await;
    assert_eq!(asked(), ["/metrics", "/behind?x=1", "/own"]);
    promfetch
        .page(&format!("{METRICS}?metric_path=/asked"))
        .await;
    assert_eq!(asked(), ["/asked"; 3]);
    let log = promfetch.log();
    assert!(log.contains("`/behind` behind the socket"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_at_a_socket_has_an_address_of_its_own() {
    let mut sockets = Sockets::new();
    sockets.add("a.sock", "", Behaviour::page("a 1\n"));
    sockets.add("b.sock", "", Behaviour::page("a 2\n"));
    let promfetch = Promfetch::start(&sockets.config(json!({}))).await;
    let targets = promfetch.json("/v1/sd?mode=instances").await;
    let second = &targets[1]["labels"];
    assert_eq!(
        second["__meta_promfetch_instance_address"],
        *sockets.url("b.sock")
    );
    // As Prometheus asks: the path as it stands there.
    let path = second["__metrics_path__"].as_str().expect("a path");
    let name = second["instance"].as_str().expect("a name");
    assert!(name.starts_with("unix::") && !name.contains('/'), "{name}");
    let by_url = format!(
        "/v1/apps/acme/prod/docker/instances/{}/metrics",
        encode(&sockets.url("b.sock"))
    );
    for path in [
        path,
        &by_url,
        "/v1/apps/acme/prod/docker/instances/1/metrics",
    ] {
        let page = promfetch.page(path).await;
        assert_eq!((page.value("a", &[]), page.up().len()), (2.0, 1), "{path}");
    }
    let page = promfetch.get("/apps/acme/prod/docker").await;
    assert!(
        page.text().contains(&format!("data-instance=\"{name}\"")),
        "{}",
        page.text()
    );
    assert!(page.text().contains(&sockets.url("b.sock")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_and_fetch_know_sockets() {
    let mut sockets = Sockets::new();
    sockets.add("well", "", Behaviour::page("a 1\n"));
    sockets.name(&sockets.url("nobody"));
    let config = sockets.config(json!({}));
    let (_folder, file) = config_file(&config.to_string());
    let promfetch = Promfetch::start(&config).await;
    for from in [["--url", &promfetch.api], ["-c", &file]] {
        let told = command(&["explain", "acme/prod/docker", from[0], from[1]]).await;
        assert_eq!(told.code, Some(1), "one of two: {}", told.stderr);
        for text in [
            &*sockets.url("well"),
            &sockets.url("nobody"),
            "refused",
            "there is no such file",
        ] {
            assert!(told.stdout.contains(text), "{text} in {}", told.stdout);
        }
        let page = command(&["fetch", "acme/prod/docker", from[0], from[1]]).await;
        let label = format!("instance=\"{}\"", sockets.url("well"));
        assert!(
            page.stdout.contains(&label),
            "{}{}",
            page.stdout,
            page.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_config_tells_what_is_wrong_with_a_socket() {
    let mut sockets = Sockets::new();
    for wrong in [
        "unix://run/a.sock",
        "/run/a.sock",
        "unix:///run/../a.sock",
        "unix:///run/a%20b.sock",
        "unix:///run/a.sock:metrics",
        "unix:///run/a.sock?x=1",
        &format!("unix:///{}", "x".repeat(200)),
    ] {
        sockets.name(wrong);
    }
    sockets.name("unix:///run/a.sock");
    sockets.targets[7]["tls"] = true.into();
    let keys = json!({"external_exporters": [{"host": "unix:///run/a.sock"}]});
    let (_folder, file) = config_file(&sockets.config(keys).to_string());
    let told = command(&["check-config", "-c", &file]).await;
    assert_eq!(told.code, Some(64), "{}", told.stderr);
    for text in [
        "`targets[0].address`: the path of the socket must be absolute, with three slashes",
        "`targets[1].address`: a Unix socket is written `unix:///run/app.sock`",
        "`targets[2].address`: the path of the socket must have no `.`, `..`",
        "`targets[3].address`: the path of the socket holds `%`",
        "`targets[4].address`: behind the colon stands the metrics path",
        "`targets[5].address`: the path of the socket holds `%`, `?` or `#`",
        "`targets[6].address`: the path of the socket has 201 bytes",
        "`targets[7].tls`: cannot be used with a Unix socket",
        "`external_exporters[0].host`: expected a host without a scheme",
    ] {
        assert!(told.stderr.contains(text), "{text} in {}", told.stderr);
    }
}
