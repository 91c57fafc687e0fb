//! What an instance is told, and what never leaves.

use http::HeaderValue;
use http::header::FROM;
use promfetch_core::exposition::media::Accepted;
use promfetch_core::exposition::{Dialect, Format};

use crate::support::*;

#[tokio::test]
async fn an_instance_gets_exactly_these_headers() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    let mut request = request([server.target()], LONG);
    request.accept = Accepted::from(Dialect::plain(Format::OpenMetrics)).header();
    request.authorization = Some(HeaderValue::from_static("Bearer token"));
    request.forwarded_for = Some("192.0.2.1, 10.0.0.7".into());
    client.fetcher.fetch(request).await.unwrap();

    let seen = server.log.seen().remove(0);
    let mut headers: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    headers.sort_unstable();
    let left = headers
        .iter()
        .position(|(name, _)| *name == "x-prometheus-scrape-timeout-seconds")
        .map(|at| headers.remove(at).1)
        .unwrap();
    assert_eq!(
        headers,
        [
            (
                "accept",
                "application/openmetrics-text;version=1.0.0;q=0.2,*/*;q=0.1"
            ),
            ("accept-encoding", "gzip, zstd"),
            ("authorization", "Bearer token"),
            ("host", "shop.example.org"),
            (
                "user-agent",
                concat!("promfetch/", env!("CARGO_PKG_VERSION"))
            ),
            ("x-cf-applicationid", "47d288f6-f9c1-5e3a-9546-5384018954e2"),
            ("x-cf-instanceid", "c6e2c9be-17cc-50d8-979d-02e4"),
            ("x-cf-instanceindex", "3"),
            ("x-forwarded-for", "192.0.2.1, 10.0.0.7"),
            ("x-forwarded-proto", "https"),
            ("x-promfetcher-scrapping", "true"),
        ]
    );
    let left: f64 = left.parse().unwrap();
    assert!(
        left > 0.0 && left <= LONG.as_secs_f64(),
        "what is left of the deadline: {left}"
    );
    assert_eq!(seen.uri, "/metrics");
}

#[tokio::test]
async fn authorization_goes_to_instances_only_and_not_over_a_redirect() {
    let server = Server::start(|request| async move {
        if request.uri().path() != "/old" {
            return answer(200, PAGE);
        }
        let mut response = answer(302, "");
        response
            .headers_mut()
            .insert("location", "/new".parse().unwrap());
        response
    })
    .await;
    let exporter = with(server.target(), |target| {
        target.instance = None;
        target.exporter = Some("blackbox".into());
        target.path_and_query = "/exporter?app=a".into();
    });
    let redirected = with(server.target(), |target| {
        target.path_and_query = "/old".into()
    });
    let client = Client::new(|_| ());
    let mut request = request([server.target(), exporter, redirected], LONG);
    request.authorization = Some(HeaderValue::from_static("Bearer token"));
    request.headers = [(FROM, HeaderValue::from_static("me"))]
        .into_iter()
        .collect();
    client
        .fetcher
        .fetch(request)
        .await
        .unwrap()
        .iter()
        .for_each(assert_page);

    let mut seen: Vec<_> = server
        .log
        .seen()
        .iter()
        .map(|seen| {
            (
                seen.uri.to_string(),
                seen.headers.contains_key("authorization"),
                seen.headers.contains_key(FROM),
            )
        })
        .collect();
    seen.sort_unstable();
    let want = [
        ("/exporter?app=a", false),
        ("/metrics", true),
        ("/new", false),
        ("/old", true),
    ];
    assert_eq!(seen, want.map(|(path, has)| (path.to_owned(), has, has)));
    assert!(
        server
            .log
            .seen()
            .iter()
            .filter(|seen| seen.uri.path() == "/exporter")
            .all(|seen| !seen.headers.contains_key("x-cf-applicationid")),
        "an exporter is no instance"
    );
}

#[tokio::test]
async fn values_that_cannot_be_headers_are_left_out() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    let target = with(server.target(), |target| {
        let located = target.instance.as_mut().unwrap();
        let mut instance = (*located.instance).clone();
        instance.guid = "line\r\nbreak: 1".into();
        instance.index = "".into();
        located.instance = instance.into();
    });
    let mut request = request([target], LONG);
    request.forwarded_for = Some("1.2.3.4\nx: y".into());
    client
        .fetcher
        .fetch(request)
        .await
        .unwrap()
        .iter()
        .for_each(assert_page);
    let headers = server.log.seen().remove(0).headers;
    for name in [
        "x-cf-instanceid",
        "x-cf-instanceindex",
        "x-forwarded-for",
        "break",
        "x",
    ] {
        assert!(!headers.contains_key(name), "{name}");
    }
}
