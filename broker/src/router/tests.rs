//! The router as a whole, over the demo platform: real look-up, real fetches.

use axum::body::{Body, to_bytes};
use axum::http::Response;
use promfetch_core::client::Client;
use promfetch_core::config::{Gorouter, Secret};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use super::*;
use crate::access::audit::Audit;
use crate::bindings::sync::Keeper;
use crate::config::Config;
use crate::demo;
use crate::server::shutdown::Shutdown;
use crate::service;

const HELLO: &str = "/v1/apps/demo/dev/hello";

/// A router over some platform, which ends with it.
struct Service {
    router: Router,
    shutdown: Shutdown,
    _sources: DropGuard,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cut();
    }
}

impl Service {
    /// Over the demo, ready.
    async fn demo() -> Self {
        Self::demo_with(|_| (), table()).await
    }

    async fn demo_with(change: impl FnOnce(&mut Config), table: Vec<Route>) -> Self {
        let shutdown = Shutdown::new(std::time::Duration::ZERO);
        let mut config = demo::start(&shutdown).await.unwrap();
        change(&mut config);
        let (service, client, keeper) = Self::over(config, table, shutdown);
        client.discovery().wait_ready().await;
        keeper.wait_ready().await;
        service
    }

    fn over(mut config: Config, table: Vec<Route>, shutdown: Shutdown) -> (Self, Client, Keeper) {
        config.store_in_memory = true;
        let sources = CancellationToken::new();
        let mut service = service::Service::assemble(config, &shutdown, sources.clone()).unwrap();
        tokio::spawn(service.background(sources.clone()));
        let client = service.api.client.clone();
        let keeper = service.api.keeper.clone().unwrap();
        (
            Self {
                router: assemble(table, service.api, service.observer),
                shutdown,
                _sources: sources.drop_guard(),
            },
            client,
            keeper,
        )
    }

    async fn request(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    async fn get(&self, uri: &str) -> (u16, String) {
        let response = self.request("GET", uri, &[]).await;
        (response.status().as_u16(), text(response).await)
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    )
    .unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// A path that the route's pattern matches.
fn example(pattern: &str) -> String {
    pattern
        .replace("/apps/{*address}", "/apps/demo/dev/hello{*end}")
        .replace(
            "/v1/apps/demo/dev/hello{*end}",
            "/v1/apps/demo/dev/hello/metrics",
        )
        .replace(
            "/v2/apps/demo/dev/hello{*end}",
            "/v2/apps/demo/dev/hello/metrics",
        )
        .replace("{*end}", "")
        .replace("{*path}", "v2/catalog")
        .replace("{*page}", "apps")
        .replace(
            "platform/samples",
            "platform/samples?family=promfetch_build_info",
        )
        .replace("assets/{file}", crate::web::assets::style())
}

#[tokio::test]
async fn every_route_has_a_class_and_the_guard_obeys_it() {
    let service = Service::demo().await;
    for route in table() {
        let path = match route.path {
            "/apps/" => "/apps/?route_url=hello.demo.example".to_owned(),
            path => example(path),
        };
        let status = service.get(&path).await.0;
        let want = match route.class {
            Class::Public if route.path == "/doc/" => 308,
            Class::Public if route.path == "/sign-out" => 303,
            Class::Public if route.path == "/sign-in/uaa" => 404,
            Class::Public if route.path == "/sign-in/callback" => 400,
            Class::Public | Class::Reader | Class::Platform => 200,
            Class::Operator | Class::Broker => 401,
        };
        assert_eq!(status, want, "{} {:?}", route.path, route.class);
    }
    let operators: Vec<_> = table()
        .into_iter()
        .filter(|route| route.class == Class::Operator)
        .map(|route| route.path)
        .collect();
    assert_eq!(operators, ["/routes"]);
    let public: Vec<_> = table()
        .into_iter()
        .filter(|route| route.class == Class::Public)
        .map(|route| route.path)
        .collect();
    assert_eq!(
        public,
        [
            "/doc",
            "/doc/",
            "/doc/{*page}",
            "/assets/{file}",
            "/sign-in",
            "/sign-in/uaa",
            "/sign-in/callback",
            "/sign-out",
            "/health",
            "/ready"
        ],
        "what is public is decided here and nowhere else"
    );
}

/// Whether an address of the document, with words for what stands in braces, is one that this route's pattern matches.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once("{*") {
        Some((start, _)) => path.len() > start.len() && path.starts_with(start),
        None => path == pattern,
    }
}

#[test]
fn every_route_is_described_or_says_why_not() {
    for route in table() {
        match route.description {
            None => panic!(
                "{}: say with `.described(…)` what `/openapi.json` tells of it, or with `.undescribed(…)` why nothing",
                route.path
            ),
            Some(Description::None(why)) => assert!(!why.is_empty(), "{}", route.path),
            Some(Description::Operations(operations)) => {
                let operations = operations();
                assert!(!operations.is_empty(), "{}", route.path);
                for operation in operations {
                    let path = &operation.path;
                    assert!(
                        matches(route.path, path),
                        "{path} is not below {}",
                        route.path
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn the_description_of_the_api_is_served_and_kept() {
    let service = Service::demo().await;
    let response = service.request("GET", "/openapi.json", &[]).await;
    assert_eq!(header(&response, "content-type"), "application/json");
    let tag = header(&response, "etag").to_owned();
    let document: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let again = service
        .request("GET", "/openapi.json", &[("if-none-match", &tag)])
        .await;
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn a_route_that_the_table_does_not_name_is_refused() {
    let guarded = Router::new()
        .route("/forgotten", get(|| async { "secret" }))
        .fallback(errors::no_such_page)
        .layer(from_fn_with_state(
            (
                Gate::new(
                    &Config::default(),
                    None,
                    Audit::default(),
                    &Default::default(),
                )
                .unwrap(),
                Classes::new(std::collections::HashMap::from([("/known", Class::Public)])),
            ),
            guard,
        ));
    for (path, want) in [("/forgotten", 403), ("/elsewhere", 404)] {
        let response = guarded
            .clone()
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), want, "{path}");
        assert!(!text(response).await.contains("secret"));
    }
}

#[tokio::test]
async fn operators_are_asked_to_log_in() {
    let service = Service::demo().await;
    for login in [
        &[][..],
        &[("authorization", "Basic YWRtaW46YWRtaW4=")],
        &[("authorization", "Bearer x")],
    ] {
        let response = service.request("GET", "/routes", login).await;
        assert_eq!(response.status(), 401);
        assert_eq!(
            header(&response, "www-authenticate"),
            "Basic realm=\"promfetch\""
        );
        assert_eq!(
            text(response).await,
            "401 A login is needed: credentials of a binding, an operator's, or a token of the platform\n"
        );
    }
}

#[tokio::test]
async fn an_app_is_found_by_every_form_of_address() {
    let service = Service::demo().await;
    let guid = "1b4f6c92-5d0e-4a37-9c81-0e2d7a5b3f10";
    for address in [
        HELLO.to_string() + "/metrics",
        "/v2/apps/demo/dev/hello/metrics".to_string(),
        format!("/v1/apps/{guid}/metrics"),
        "/v1/apps/hello.demo.example/metrics".to_string(),
        "/v1/apps/demo%2Fdev%2Fhello/metrics".to_string(),
        "/v1/apps/metrics?app=demo/dev/hello".to_string(),
        format!("/v1/apps/metrics?app={guid}"),
        "/v1/apps/metrics?route_url=hello.demo.example".to_string(),
    ] {
        let (status, page) = service.get(&address).await;
        assert_eq!(status, 200, "{address}: {page}");
        for index in 0..3 {
            assert!(
                page.contains(&format!("app_name=\"hello\",index=\"{index}\"")),
                "{address}: {index}: {page}"
            );
        }
        assert_eq!(
            page.lines()
                .filter(|line| line.starts_with("promfetch_up{") && line.ends_with(" 1"))
                .count(),
            3,
            "{address}: {page}"
        );
    }
}

#[tokio::test]
async fn only_app_metrics_has_no_health_series() {
    let service = Service::demo().await;
    for end in ["only-app-metrics", "metrics?only_from_app"] {
        let (status, page) = service.get(&format!("{HELLO}/{end}")).await;
        assert_eq!(status, 200, "{end}");
        assert!(
            page.contains("http_requests_total{") && !page.contains("promfetch_up"),
            "{end}: {page}"
        );
    }
}

#[tokio::test]
async fn one_instance_has_its_own_page() {
    let service = Service::demo().await;
    let (status, page) = service.get(&format!("{HELLO}/instances/2/metrics")).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("index=\"2\"") && !page.contains("index=\"1\""),
        "{page}"
    );
    assert_eq!(
        service.get(&format!("{HELLO}/instances/9/metrics")).await.0,
        404
    );
}

#[tokio::test]
async fn the_instances_are_listed_as_json() {
    let service = Service::demo().await;
    let response = service
        .request("GET", "/v1/apps/demo/dev/flaky/instances", &[])
        .await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(&response, "content-type")
        ),
        (200, "application/json")
    );
    let list: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(list["selector"], "demo/dev/flaky");
    assert_eq!(list["instances"].as_array().unwrap().len(), 4);

    let response = service
        .request("GET", "/v1/apps/demo/dev/nobody/instances", &[])
        .await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(&response, "content-type")
        ),
        (404, "application/problem+json")
    );
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let service = Service::demo_with(
        |config| config.metric_path_allow = vec!["/actuator/*".into()],
        table(),
    )
    .await;
    for (uri, status, want) in [
        (
            "/v1/apps/demo/dev/nobody/metrics",
            404,
            "404 Cannot found app with id or path demo/dev/nobody\n",
        ),
        (
            "/v1/apps/metrics",
            400,
            "400 Bad Request: You must set app id or path\n",
        ),
        (
            "/v1/apps/demo/dev/hello/secrets",
            404,
            "404 There is no such page; below an app are `metrics`, `only-app-metrics`, `instances`, `families` and `samples`\n",
        ),
        (
            "/nothing",
            404,
            "404 There is no such page; `/` lists the addresses\n",
        ),
        (
            "/v1/apps/demo/dev/hello/metrics?metric_path=/actuator/x",
            406,
            "406 Cannot found endpoint '/actuator/x' for app with id or path 'demo/dev/hello', please create one\n",
        ),
        (
            "/v1/apps/demo/dev/hello/metrics?metric_path=/admin",
            403,
            "403 The metric path `/admin` is not among those that `metric_path_allow` of this platform names\n",
        ),
    ] {
        assert_eq!(service.get(uri).await, (status, want.to_string()), "{uri}");
    }
    assert_eq!(
        service
            .get(&format!("{HELLO}/metrics?metric_path=//elsewhere.example/"))
            .await
            .0,
        400
    );
    let long = format!("/v1/apps/metrics?app={}", "x".repeat(MAX_URI));
    assert_eq!(
        service.get(&long).await,
        (
            414,
            "414 The address is longer than 8192 bytes\n".to_string()
        )
    );
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let service = Service::demo().await;
    for path in ["/", "/metrics", "/health", &format!("{HELLO}/metrics")] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let response = service.request(method, path, &[]).await;
            assert_eq!(
                (response.status().as_u16(), header(&response, "allow")),
                (405, "GET,HEAD"),
                "{method} {path}"
            );
            assert_eq!(
                text(response).await,
                "405 Only GET and HEAD are answered here\n"
            );
        }
        let response = service.request("HEAD", path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(text(response).await, "", "{path}");
    }
    for path in ["/sign-in", "/sign-out"] {
        let response = service.request("PUT", path, &[]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "allow")),
            (405, "GET,HEAD,POST"),
            "{path}"
        );
        assert_eq!(
            text(response).await,
            "405 Only GET, HEAD and POST are answered here\n"
        );
    }
    assert_eq!(
        service.request("POST", "/routes", &[]).await.status(),
        401,
        "the guard comes first"
    );
}

#[tokio::test]
async fn the_caller_chooses_format_and_encoding() {
    let service = Service::demo().await;
    let page = format!("{HELLO}/metrics");
    let response = service
        .request("GET", &page, &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert_eq!(header(&response, "vary"), "Accept, Accept-Encoding");
    assert_eq!(
        header(&response, "content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");

    for accept in ["", "*/*", "text/html,*/*;q=0.1"] {
        let response = service.request("GET", &page, &[("accept", accept)]).await;
        let kind = header(&response, "content-type");
        assert_eq!(
            kind, "text/plain; version=0.0.4; charset=utf-8",
            "who names no format gets text: {accept:?}"
        );
    }

    let openmetrics = [(
        "accept",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    )];
    let response = service
        .request("GET", &page.replace("/v1/", "/v2/"), &openmetrics)
        .await;
    assert_eq!(
        header(&response, "content-type"),
        "text/plain; version=0.0.4; charset=utf-8",
        "/v2 is text"
    );

    for (accept, kind, end) in [
        (
            "text/plain",
            "text/plain; version=0.0.4; charset=utf-8",
            false,
        ),
        (
            openmetrics[0].1,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            true,
        ),
    ] {
        let response = service
            .request("GET", "/metrics", &[("accept", accept)])
            .await;
        assert_eq!(header(&response, "content-type"), kind);
        assert_eq!(text(response).await.ends_with("# EOF\n"), end);
    }
}

#[tokio::test]
async fn before_the_table_is_complete_the_answer_is_503() {
    let mut config = Config::default();
    config.core.nats = None;
    // Nothing listens there.
    config.core.gorouters = vec![Gorouter {
        host: "127.0.0.1".into(),
        port: 1,
        user: String::new(),
        pass: Secret::default(),
    }];
    config.core.discovery.start_response_delay = std::time::Duration::from_secs(3600);
    let (service, _client, _keeper) =
        Service::over(config, table(), Shutdown::new(std::time::Duration::ZERO));
    let response = service
        .request("GET", &format!("{HELLO}/metrics"), &[])
        .await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "retry-after")),
        (503, "5")
    );
    assert!(text(response).await.starts_with("503 "));
    assert_eq!(
        service.get("/ready").await,
        (503, "{\"status\":\"starting\"}\n".to_string()),
        "sources are not named to everybody"
    );
}

#[tokio::test]
async fn health_turns_with_the_shutdown() {
    let service = Service::demo().await;
    assert_eq!(
        service.get("/health").await,
        (200, "{\"status\":\"ready\"}\n".to_string())
    );
    service.shutdown.drain();
    assert_eq!(
        service.get("/health").await,
        (503, "{\"status\":\"draining\"}\n".to_string())
    );
    assert_eq!(
        service.get(&format!("{HELLO}/metrics")).await.0,
        200,
        "requests are still served"
    );
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let mut routes = table();
    routes.push(route(
        "/panic",
        Class::Reader,
        get(|| async {
            if true {
                panic!("a secret detail")
            }
        }),
    ));
    let service = Service::demo_with(|_| (), routes).await;
    assert_eq!(
        service.get("/panic").await,
        (500, "500 Internal Server Error\n".to_string())
    );
    assert_eq!(service.get("/health").await.0, 200);
}

#[tokio::test]
async fn request_ids_are_taken_over_when_they_are_harmless() {
    let service = Service::demo().await;
    let id = async |given: &str| {
        let response = service
            .request("GET", "/health", &[("x-request-id", given)])
            .await;
        header(&response, "x-request-id").to_string()
    };
    assert_eq!(id("abc-1.2:3_4").await, "abc-1.2:3_4");
    for harmful in ["spaces and more", &"x".repeat(129), "quote\"quote"] {
        let own = id(harmful).await;
        assert!(own.parse::<uuid::Uuid>().is_ok(), "{harmful}: {own}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    let service = Service::demo().await;
    service.get(&format!("{HELLO}/metrics")).await;
    service.get("/v1/apps/demo/dev/secret-name/metrics").await;
    service.get("/invented/path").await;
    let (_, page) = service.get("/metrics").await;
    for want in [
        "promfetch_build_info{version=\"0.1.0\"} 1",
        "promfetch_http_requests_total{route=\"/v1/apps/{selector}/metrics\",status=\"200\"} 1",
        "promfetch_http_requests_total{route=\"/v1/apps/{selector}/metrics\",status=\"404\"} 1",
        "promfetch_http_requests_total{route=\"other\",status=\"404\"} 1",
        "promfetch_http_requests_in_flight 1",
    ] {
        assert!(page.contains(want), "{want}: {page}");
    }
    assert!(
        !page.contains("secret-name") && !page.contains("invented"),
        "{page}"
    );
}

#[tokio::test]
async fn the_index_lists_addresses_that_work() {
    let service = Service::demo_with(
        |config| config.base_url = "http://promfetch.example/".into(),
        table(),
    )
    .await;
    let (status, page) = service.get("/").await;
    assert_eq!(status, 200);
    let addresses: Vec<_> = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("http://promfetch.example")?
                .split(' ')
                .next()
        })
        .collect();
    assert!(addresses.len() >= 8, "{page}");
    for address in addresses {
        let address = address
            .replace("ORG/SPACE/APP", "demo/dev/hello")
            .replace("=APP", "=demo/dev/hello")
            .replace("=ROUTE", "=hello.demo.example")
            .replace("org=ORG&space=SPACE", "org=demo&space=dev");
        assert_eq!(service.get(&address).await.0, 200, "{address}");
    }
}

#[tokio::test]
async fn service_discovery_gives_pages_or_instances_that_work() {
    let service = Service::demo_with(
        |config| config.base_url = "https://promfetch.example/prefix".into(),
        table(),
    )
    .await;
    for (query, targets, why) in [
        ("", 2, "both apps"),
        ("?org=demo&space=dev", 2, "by names"),
        ("?app=hello", 1, "by the app's name"),
        (
            "?app=1B4F6C92-5d0e-4a37-9c81-0e2d7a5b3f10",
            1,
            "by its GUID, in any case",
        ),
        ("?app=hello&mode=instances", 3, "its instances"),
        ("?mode=instances", 7, "all instances"),
        ("?org=nobody", 0, "nothing there is no error"),
        ("?app=hello&app=flaky", 2, "either of both"),
        ("?app=~h.*", 1, "by a regular expression"),
        ("?process_type=worker", 0, "nobody has such processes"),
        ("?process_type=web", 2, "the usual ones by their type"),
    ] {
        let (status, body) = service.get(&format!("/v1/sd{query}")).await;
        assert_eq!(status, 200, "{query}: {body}");
        let groups: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(groups.len(), targets, "{query}: {why}: {body}");
        let mut seen = std::collections::HashSet::new();
        for group in &groups {
            assert_eq!(group["targets"], serde_json::json!(["promfetch.example"]));
            assert_eq!(group["labels"]["__scheme__"], "https");
            let labels = group["labels"].as_object().unwrap();
            assert!(
                labels.iter().all(|(name, value)| name.starts_with("__")
                    || name == "instance" && value.is_string()),
                "the other labels are the samples': {labels:?}"
            );
            assert!(seen.insert(labels["instance"].to_string()), "{labels:?}");
            let path = labels["__metrics_path__"].as_str().unwrap();
            let own = path.strip_prefix("/prefix").unwrap();
            let is_flaky = labels["__meta_promfetch_app_name"] == "flaky";
            if !is_flaky {
                assert_eq!(service.get(own).await.0, 200, "{path}");
            }
        }
    }
    assert_eq!(service.get("/v1/sd?mode=both").await.0, 400);
    let response = service.request("GET", "/v1/sd", &[]).await;
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "cache-control"), "no-cache");
    assert_eq!(header(&response, "vary"), "accept-encoding");
    let tag = header(&response, "etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let known = [("if-none-match", tag.as_str())];
    let again = service.request("GET", "/v1/sd", &known).await;
    assert_eq!(
        (again.status().as_u16(), header(&again, "etag")),
        (304, &*tag)
    );
    assert_eq!(text(again).await, "");
    let other = service.request("GET", "/v1/sd?app=hello", &known).await;
    assert_eq!(other.status(), 200, "another list");
}

#[tokio::test]
async fn own_metrics_tell_of_the_bindings() {
    let service = Service::demo().await;
    let page = service.get("/metrics").await.1;
    for line in ["promfetch_bindings 0", "promfetch_database_up 1"] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    assert!(
        page.contains("\npromfetch_bindings_read_timestamp_seconds 1"),
        "{page}"
    );
}

#[tokio::test]
async fn audited_access_counts_the_apps_of_a_list_too() {
    let service = Service::demo_with(
        |config| config.access.mode = crate::config::access::Mode::Audit,
        table(),
    )
    .await;
    assert_eq!(service.get("/v1/sd?app=hello").await.0, 200);
    let page = service.get("/metrics").await.1;
    let counted: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("promfetch_access_would_be_refused_total{"))
        .collect();
    assert_eq!(counted.len(), 1, "{page}");
    assert!(
        counted[0].contains("app_name=\"hello\"") && counted[0].ends_with(" 1"),
        "{page}"
    );
}

/// Every family of `/metrics`, with its type and help, as a table.
fn metrics_table(page: &str) -> String {
    let mut rows = std::collections::BTreeMap::new();
    let mut help = "";
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("# HELP ") {
            help = text.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|text| text.split_once(' '))
        {
            let help = help.trim_end_matches('.').replace('|', "\\|");
            rows.insert(name, format!("| `{name}` | {kind} | {help}. |\n"));
        }
    }
    let rows: String = rows.into_values().collect();
    format!("| name | type | what it says |\n|---|---|---|\n{rows}")
}

#[tokio::test]
async fn the_own_metrics_page_is_that_of_the_registry() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/doc/own_metrics.md");
    // A family shows when it has a series: here each has one, refusals and failures included.
    let service = Service::demo_with(
        |config| config.access.mode = crate::config::access::Mode::Audit,
        table(),
    )
    .await;
    assert_eq!(service.get(&format!("{HELLO}/metrics")).await.0, 200);
    let table = metrics_table(&service.get("/metrics").await.1);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, &table).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == table,
        "{file} differs from the registered metrics: run `make docs`\n{table}"
    );
}

#[tokio::test]
async fn the_documentation_is_open_and_kept_by_browsers() {
    let service = Service::demo_with(
        |config| config.access.mode = crate::config::access::Mode::Protected,
        table(),
    )
    .await;
    let response = service.request("GET", "/doc", &[]).await;
    assert_eq!(response.status(), 200, "also where access is protected");
    let tag = header(&response, "etag").to_owned();
    assert_eq!(header(&response, "cache-control"), "no-cache");
    assert_eq!(header(&response, "vary"), "accept-encoding");
    assert!(text(response).await.starts_with("<!DOCTYPE html>"));
    let again = service
        .request("GET", "/doc", &[("if-none-match", &tag)])
        .await;
    assert_eq!(again.status(), 304);
    assert_eq!(header(&again, "etag"), tag);
    assert_eq!(text(again).await, "");

    let style = format!("/{}", crate::web::assets::style());
    let response = service.request("GET", &style, &[]).await;
    assert_eq!(header(&response, "content-type"), "text/css; charset=utf-8");
    assert!(header(&response, "cache-control").ends_with("immutable"));
    for (path, want) in [
        (
            "/doc/nothing",
            "404 There is no such page; `/doc` lists those of the documentation\n",
        ),
        (
            "/doc/apps/more",
            "404 There is no such page; `/doc` lists those of the documentation\n",
        ),
        ("/assets/style.css", "404 There is no such file\n"),
    ] {
        assert_eq!(service.get(path).await, (404, want.to_owned()), "{path}");
    }
}
