//! Fixed targets that say how they are asked, and are replaced while the client runs.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use prometheus_client::registry::Registry;
use promfetch_core::Kind;
use promfetch_core::client::{self, Bound, Query, Settings};
use promfetch_core::config::{Config, targets_from_json};
use promfetch_core::exposition::Format;
use promfetch_core::exposition::media::accepted;
use promfetch_core::selector::Selector;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::*;

const NAME: &str = "cell.internal";

/// A client whose only source are these targets.
struct Running {
    client: client::Client,
    shutdown: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Running {
    fn start(targets: &Value, authority: &Authority) -> Self {
        let mut config = Config {
            targets: targets_from_json(&targets.to_string()).unwrap().0,
            ..Config::default()
        };
        config.fetch.ca_certs = authority.pem.clone();
        config.merge.extra_labels = [("foundation", "eu"), ("zone", "of all")]
            .into_iter()
            .collect();
        let shutdown = CancellationToken::new();
        let client =
            client::Client::start(config, &mut Registry::default(), shutdown.clone()).unwrap();
        Self { client, shutdown }
    }

    fn set(&self, targets: &Value) -> Result<(), promfetch_core::Error> {
        let (targets, _) = targets_from_json(&targets.to_string())?;
        self.client.set_targets(targets)
    }

    async fn page(&self, selector: &str, change: impl FnOnce(&mut Query)) -> (String, usize) {
        let mut query = Query {
            selector: Selector::parse(selector).unwrap(),
            metric_path: None,
            bound: Arc::new(Bound::default()),
            only_app_metrics: true,
            needs_endpoint: true,
            accepted: accepted(None, &[Format::Text]),
            headers: HeaderMap::new(),
            authorization: None,
            forwarded_for: None,
            timeout: LONG,
        };
        change(&mut query);
        let located = self
            .client
            .locate(&query.selector, None, &query.bound)
            .unwrap();
        let answer = self.client.page(&query, located).await.unwrap();
        let (up, page) = (answer.up, answer.page.collect::<Vec<_>>().concat());
        (String::from_utf8(page).unwrap(), up)
    }
}

async fn instance(authority: &Authority) -> Server {
    Server::start_tls(authority.server(NAME, true, &[b"http/1.1"]), |_| async {
        answer(200, PAGE)
    })
    .await
}

fn target(server: &Server, pair: &Pair, own: Value) -> Value {
    let mut target = json!({
        "app": "shop", "routes": ["shop"], "address": server.address.to_string(), "tls": true, "server_name": NAME,
        "cert_chain": pair.chain, "private_key": pair.key,
    });
    let members = own.as_object().unwrap().clone();
    target.as_object_mut().unwrap().extend(members);
    target
}

/// The path and the headers of the latest request.
fn latest(server: &Server) -> (String, HeaderMap) {
    let seen = server.log.seen().pop().unwrap();
    (seen.uri.to_string(), seen.headers)
}

fn clients(server: &Server) -> Vec<String> {
    server.log.clients.lock().unwrap().clone()
}

#[tokio::test]
async fn each_target_is_asked_in_its_own_way_and_lists_are_replaced() {
    let authority = Authority::new();
    let (a, b) = (instance(&authority).await, instance(&authority).await);
    let (first, second) = (
        authority.issue("first.client"),
        authority.issue("second.client"),
    );
    let of_a = target(
        &a,
        &first,
        json!({"path": "/a", "headers": {"X-Key": "1", "Authorization": "Bearer a"}, "labels": {"zone": "z1"}}),
    );
    let of_b = target(&b, &second, json!({"headers": {"X-Key": "2"}}));
    let running = Running::start(&json!([of_a, of_b]), &authority);

    let (page, up) = running.page("shop", |_| ()).await;
    assert_eq!(up, 2, "{page}");
    let ((path, headers), (path_b, headers_b)) = (latest(&a), latest(&b));
    assert_eq!((&*path, &*path_b), ("/a", "/metrics"));
    assert_eq!(headers["x-key"], "1");
    assert_eq!(headers_b["x-key"], "2");
    assert_eq!(headers["authorization"], "Bearer a");
    assert!(!headers_b.contains_key("authorization"));
    assert!(clients(&a)[0].contains("first.client") && clients(&b)[0].contains("second.client"));
    let address = |server: &Server| format!("instance=\"{}\",", server.address);
    for wanted in [
        format!("{}zone=\"z1\",foundation=\"eu\"}} 1", address(&a)),
        format!("{}foundation=\"eu\",zone=\"of all\"}} 1", address(&b)),
    ] {
        assert!(page.contains(&wanted), "{wanted}: {page}");
    }

    // The same certificate, written anew: the connection stays. Another one: a new connection.
    let changed = target(&a, &first, json!({"path": "/changed"}));
    let renewed = target(&b, &first, json!({}));
    running.set(&json!([renewed, changed])).unwrap();
    let (_, up) = running.page("shop", |_| ()).await;
    assert_eq!(up, 2);
    let (path, headers) = latest(&a);
    assert_eq!(path, "/changed");
    assert!(!headers.contains_key("x-key") && !headers.contains_key("authorization"));
    assert_eq!((a.log.connections(), b.log.connections()), (1, 2));
    assert!(clients(&b)[1].contains("first.client"));

    // A wrong list changes nothing.
    let wrong = json!([target(&a, &second, json!({"path": "/wrong"})), {"app": "x", "address": "h:1", "labels": {"le": "1"}}]);
    let error = running.set(&wrong).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(
        error.to_string().starts_with("`targets[1].labels.le`"),
        "{error}"
    );
    running.page("shop", |_| ()).await;
    assert_eq!(latest(&a).0, "/changed");

    // One leaves; at last all do.
    running.set(&json!([of_b])).unwrap();
    assert_eq!(running.page("shop", |_| ()).await.1, 1);
    running.set(&json!([])).unwrap();
    let shop = Selector::parse("shop").unwrap();
    let error = running
        .client
        .locate(&shop, None, &Bound::default())
        .unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    let sources = running.client.discovery().readiness().sources;
    assert_eq!((&*sources[0].name, sources[0].ready), ("0 targets", true));
}

#[tokio::test]
async fn headers_of_targets_stay_away_from_paths_that_others_choose() {
    let authority = Authority::new();
    let server = instance(&authority).await;
    let pair = authority.issue("client");
    let own =
        json!({"app_id": "shop-1", "path": "/own", "headers": {"X-Key": "target", "X-Own": "1"}});
    let running = Running::start(&json!([target(&server, &pair, own)]), &authority);
    let callers = |query: &mut Query| {
        let pairs = [
            ("x-key", "caller"),
            ("x-caller", "1"),
            ("host", "evil"),
            ("te", "trailers"),
        ];
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            query.headers.insert(name, HeaderValue::from_static(value));
        }
    };
    let bound = |path: Option<&str>| -> Arc<Bound> {
        let mut settings = Settings {
            path: path.map(Into::into),
            ..Settings::default()
        };
        let value = HeaderValue::from_static("app");
        settings
            .headers
            .insert(HeaderName::from_static("x-key"), value);
        Arc::new([("shop-1".into(), settings)].into_iter().collect())
    };
    for (asked, app, path, key, is_own, why) in [
        (
            None,
            None,
            "/own",
            "target",
            true,
            "the target's win over the caller's",
        ),
        (
            Some("/m"),
            None,
            "/m",
            "caller",
            false,
            "a path of the caller's",
        ),
        (
            None,
            Some(None),
            "/own",
            "app",
            true,
            "the app's win over the target's",
        ),
        (
            None,
            Some(Some("/app")),
            "/app",
            "app",
            false,
            "a path of the app's",
        ),
        (
            Some("/m"),
            Some(None),
            "/m",
            "caller",
            false,
            "a path of the caller's",
        ),
    ] {
        let (_, up) = running
            .page("shop", |query| {
                callers(query);
                query.metric_path = asked.map(str::to_owned);
                if let Some(path) = app {
                    query.bound = bound(path);
                }
            })
            .await;
        let (seen, headers) = latest(&server);
        assert_eq!((up, &*seen), (1, path), "{why}");
        assert_eq!(headers["x-key"], key, "{why}");
        assert_eq!(headers.contains_key("x-own"), is_own, "{why}");
        assert_eq!(headers["x-caller"], "1", "{why}");
        assert_eq!(headers["host"], "shop", "never the caller's");
        assert!(!headers.contains_key("te"), "never the caller's");
    }
    assert_eq!(server.log.connections(), 1);
}
