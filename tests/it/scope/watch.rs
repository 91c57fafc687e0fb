//! Plugins of Weave Scope as a source of metrics.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use promfetch_tests::scope::{Plugin, Reply, Scope, ask, report, socket};
use promfetch_tests::{Answer, Page, config, eventually, http, scope};
use promfetch_tests::{Promfetch, check};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A watcher and where its page is.
struct Watched {
    scope: Scope,
    listen: PathBuf,
    root: TempDir,
}

impl Watched {
    async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        // Below the root, where all sockets are looked at: the watcher must not ask itself.
        let listen = root.path().join("own/promfetch-watch.sock");
        let settings = json!({"watch": {
            "root": root.path(),
            "interval": "1s",
            "listen": format!("unix://{}", listen.display()),
        }});
        Self {
            scope: Scope::start("watch", &settings).await,
            listen,
            root,
        }
    }

    async fn page(&self) -> Page {
        let answer = ask(
            &self.listen,
            "GET",
            "/metrics",
            &[("host", "x")],
            Bytes::new(),
        )
        .await
        .unwrap();
        assert_eq!(answer.status, 200);
        check::page(&answer).await;
        Page::read(answer.text())
    }

    async fn page_once(&self, what: &str, fits: impl Fn(&Page) -> bool) -> Page {
        eventually(what, async || {
            let page = self.page().await;
            fits(&page).then_some(page)
        })
        .await
    }

    fn plugin(&self, id: &str, reply: Reply) -> Plugin {
        Plugin::start(&socket(self.root.path(), id), reply)
    }
}

fn up(page: &Page, id: &str) -> Option<f64> {
    let all = page.all("scope_plugin_up");
    let found = all.iter().find(|sample| sample.label("scope_plugin") == id);
    found.map(|sample| sample.value)
}

fn changed(id: &str, change: impl FnOnce(&mut Value)) -> Reply {
    let mut report = report(id, "m", 1.0);
    change(&mut report);
    Reply::Report(report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_samples_are_gauges() {
    let mut watched = Watched::start().await;
    let plugin = watched.plugin(
        "http-requests",
        Reply::Report(report("http-requests", "requests/s", 7.5)),
    );
    let gzip = Answer::text(report("zipped", "load1", 0.5).to_string()).encoded("gzip");
    let _zipped = watched.plugin(
        "zipped",
        Reply::Text(vec![("content-encoding", "gzip")], gzip.body),
    );
    let page = watched
        .page_once("both are up", |page| {
            up(page, "http-requests") == Some(1.0) && up(page, "zipped") == Some(1.0)
        })
        .await;
    let sample = page.one("scope_requests_s", &[]);
    let labels: Vec<_> = sample
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        labels,
        [
            ("scope_plugin", "http-requests"),
            ("scope_topology", "Host"),
            ("scope_node", "h;<host>"),
            ("scope_label", "A metric"),
        ]
    );
    assert_eq!(sample.value, 7.5);
    assert_eq!(
        page.value("scope_load1", &[("scope_plugin", "zipped")]),
        0.5
    );
    // It is asked as the probe asks.
    let (path, headers) = plugin.seen().remove(0);
    assert!(
        path.starts_with("/report?api_version=1&probe_id="),
        "{path}"
    );
    assert_eq!(headers["host"], "plugin");
    // The watcher's own socket is in the folder too.
    assert_eq!(page.all("scope_plugin_up").len(), 2);
    assert_eq!(watched.scope.stop().await, Some(0));
    assert!(!watched.listen.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_plugins_cost_themselves_alone() {
    let watched = Watched::start().await;
    let _good = watched.plugin("good", Reply::Report(report("good", "m", 1.0)));
    let nan = report("nan", "m", 1.0).to_string().replace("1.0", "NaN");
    let cases = [
        ("hangs", Reply::Hang, "no answer within 500ms"),
        ("endless", Reply::Endless, ""),
        (
            "huge",
            Reply::Text(vec![], vec![b' '; (50 << 20) + 1].into()),
            "",
        ),
        (
            "missing",
            Reply::Status(404),
            "non-200 status code: 404 Not Found",
        ),
        ("nan", Reply::Text(vec![], nan.into()), "decoding error"),
        ("empty", Reply::Text(vec![], Bytes::new()), "decoding error"),
        (
            "two",
            changed("two", |report| {
                let spec = report["Plugins"][0].clone();
                report["Plugins"] = json!([spec, spec]);
            }),
            "exactly one plugin (found 2)",
        ),
        (
            "liar",
            changed("other", |_| ()),
            "plugin must not change its id (is \"other\", should be \"liar\")",
        ),
        (
            "modern",
            changed("modern", |report| {
                report["Plugins"][0]["api_version"] = "2".into()
            }),
            "incorrect API version: expected \"1\", got \"2\"",
        ),
        (
            "nameless",
            changed("nameless", |report| {
                report["Plugins"][0]["label"] = "".into()
            }),
            "spec must contain a label",
        ),
        (
            "controller",
            changed("controller", |report| {
                report["Plugins"][0]["interfaces"] = json!(["controller"]);
            }),
            "spec must implement the \"reporter\" interface",
        ),
        (
            "not-gzip",
            Reply::Text(vec![("content-encoding", "gzip")], "{}".into()),
            "decoding error",
        ),
    ];
    let plugins: Vec<Plugin> = cases
        .iter()
        .map(|(id, reply, _)| watched.plugin(id, reply.clone()))
        .collect();
    let _misnamed = watched.plugin("bad_name", Reply::Report(report("bad_name", "m", 1.0)));
    let page = watched
        .page_once("all were asked", |page| {
            up(page, "good") == Some(1.0) && page.all("scope_plugin_up").len() == 1 + cases.len()
        })
        .await;
    for (id, _, error) in &cases {
        assert_eq!(up(&page, id), Some(0.0), "{id}");
        watched.scope.logged(&format!("plugin {id}: ")).await;
        watched.scope.logged(error).await;
    }
    assert_eq!(page.all("scope_m").len(), 1, "{}", page.text);
    watched.scope.logged("invalid plugin id \"bad_name\"").await;
    // One that gets well is up again; one that goes is gone.
    plugins[0].reply(Reply::Report(report("hangs", "m", 2.0)));
    watched
        .page_once("the hanging one is up", |page| {
            up(page, "hangs") == Some(1.0)
        })
        .await;
    drop(plugins);
    let page = watched
        .page_once("all others have gone", |page| {
            page.all("scope_plugin_up").len() == 1
        })
        .await;
    assert_eq!(page.all("scope_m").len(), 1, "{}", page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_plugins_vanish_and_come_back() {
    let watched = Watched::start().await;
    let start = |value: f64| -> Vec<Plugin> {
        (0..200)
            .map(|number| {
                let id = format!("p{number}");
                watched.plugin(&id, Reply::Report(report(&id, "m", value)))
            })
            .collect()
    };
    let count = |page: &Page, value: f64| {
        page.all("scope_m")
            .iter()
            .filter(|sample| sample.value == value)
            .count()
    };
    let plugins = start(1.0);
    watched
        .page_once("all are there", |page| count(page, 1.0) == 200)
        .await;
    drop(plugins);
    watched
        .page_once("none is there", |page| page.samples.is_empty())
        .await;
    let _plugins = start(2.0);
    watched
        .page_once("all are back", |page| count(page, 2.0) == 200)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promfetch_takes_the_page_and_the_reporter_beside_is_not_asked() {
    let root = tempfile::tempdir().unwrap();
    let own = socket(root.path(), "promfetch");
    let reporter = Plugin::start(&own, Reply::Report(report("promfetch", "m", 9.0)));
    let _other = Plugin::start(
        &socket(root.path(), "other"),
        Reply::Report(report("other", "m", 4.0)),
    );
    // The folder may come after the watcher.
    let later: &Path = &root.path().join("later");
    let settings = json!({
        "report": {"socket": own},
        "watch": {"root": later, "interval": "1s", "listen": "127.0.0.1:0"},
    });
    let mut scope = Scope::start("watch", &settings).await;
    let address = scope
        .process
        .printed("its address", |log| {
            let (_, rest) = log.split_once(" on 127.0.0.1:")?;
            let (port, _) = rest.split_once('\n')?;
            Some(format!("127.0.0.1:{port}"))
        })
        .await;
    assert_eq!(
        http::get(&format!("http://{address}/metrics"), &[])
            .await
            .status,
        200
    );
    scope.logged("is not there (yet)").await;
    std::os::unix::fs::symlink(root.path(), root.path().join("link")).unwrap();
    std::fs::create_dir(later).unwrap();
    for id in ["other", "promfetch"] {
        std::os::unix::fs::symlink(scope::socket(root.path(), id), scope::socket(later, id))
            .unwrap();
    }
    let target = json!([{"app": "scope", "address": address}]);
    let promfetch = Promfetch::start(&config::with(json!({ "targets": target }))).await;
    let sd = promfetch.json("/v1/sd").await;
    let guid = sd[0]["labels"]["__meta_promfetch_app_id"]
        .as_str()
        .unwrap()
        .to_owned();
    eventually("the gauge is in the merged page", async || {
        let page = promfetch.page(&format!("/v1/apps/{guid}/metrics")).await;
        let [sample] = page.all("scope_m")[..] else {
            return None;
        };
        assert_eq!((sample.value, sample.label("app_name")), (4.0, "scope"));
        Some(())
    })
    .await;
    assert!(reporter.seen().is_empty(), "our own reporter is not asked");
}
