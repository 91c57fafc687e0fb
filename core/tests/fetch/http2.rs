//! Instances that registered with `protocol: http2`.

use std::sync::Arc;

use http::Version;
use promfetch_core::failure::Reason;
use promfetch_core::fetch::Target;

use crate::support::*;

const GUID: &str = "c6e2c9be-17cc-50d8-979d-02e4";

fn http2(server: &Server, tls: bool) -> Target {
    with(server.target(), |target| {
        target.transport.http2 = true;
        target.transport.tls = tls.then(|| GUID.into());
    })
}

#[tokio::test]
async fn the_authority_is_the_routes_host() {
    let authority = Authority::new();
    let secure = Server::start_tls(
        authority.server(GUID, false, &[b"h2", b"http/1.1"]),
        |_| async { answer(200, PAGE) },
    )
    .await;
    let plain = Server::page().await;
    let client = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    for (server, tls, uri) in [
        (&secure, true, "https://shop.example.org/metrics"),
        (&plain, false, "http://shop.example.org/metrics"),
    ] {
        assert_page(&client.one(http2(server, tls)).await);
        assert_page(&client.one(http2(server, tls)).await);
        let seen = server.log.seen();
        assert_eq!(seen[0].version, Version::HTTP_2);
        assert_eq!(seen[0].uri, uri);
        assert!(
            !seen[0].headers.contains_key("host"),
            "a second name beside `:authority` is forbidden"
        );
        assert_eq!(
            server.log.connections(),
            1,
            "one connection for both requests"
        );
    }
}

#[tokio::test]
async fn requests_at_once_share_one_connection() {
    let barrier = Arc::new(tokio::sync::Barrier::new(5));
    let server = Server::start(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            answer(200, PAGE)
        }
    })
    .await;
    let client = Client::new(|_| ());
    client
        .all((0..5).map(|_| http2(&server, false)), LONG)
        .await
        .iter()
        .for_each(assert_page);
    assert_eq!(server.log.connections(), 1);
    assert_eq!(client.metric("promfetch_connections_idle"), 1.0);
}

#[tokio::test]
async fn one_request_that_hangs_does_not_end_the_others() {
    let server = Server::start(|request| async move {
        if request.uri().path() == "/hang" {
            std::future::pending::<()>().await;
        }
        answer(200, PAGE)
    })
    .await;
    let client = Client::new(|_| ());
    let hanging = || {
        with(http2(&server, false), |target| {
            target.path_and_query = "/hang".into()
        })
    };
    let outcomes = client
        .all(
            [http2(&server, false), hanging(), http2(&server, false)],
            SHORT,
        )
        .await;
    assert_page(&outcomes[0]);
    assert_failure(&outcomes[1], Reason::Timeout, "no answer");
    assert_page(&outcomes[2]);
    // A connection on which a request hung may lead nowhere: the next one does not rely on it.
    wait_until(|| client.metric("promfetch_connections_idle") == 0.0).await;
    assert_page(&client.one(http2(&server, false)).await);
    assert_eq!(server.log.connections(), 2);
}

#[tokio::test]
async fn a_server_without_h2_is_asked_in_http_1_1() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server(GUID, false, &[b"http/1.1"]), |_| async {
        answer(200, PAGE)
    })
    .await;
    let client = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    assert_page(&client.one(http2(&server, true)).await);
    let seen = server.log.seen().remove(0);
    assert_eq!(
        (seen.version, &seen.headers["host"]),
        (
            Version::HTTP_11,
            &http::HeaderValue::from_static("shop.example.org")
        )
    );
}

#[tokio::test]
async fn http2_can_be_switched_off_and_is_never_offered_unasked() {
    let authority = Authority::new();
    let server = Server::start_tls(
        authority.server(GUID, false, &[b"h2", b"http/1.1"]),
        |_| async { answer(200, PAGE) },
    )
    .await;
    let off = Client::new(|config| {
        config.fetch.ca_certs = authority.pem.clone();
        config.fetch.enable_http2 = false;
    });
    assert_page(&off.one(http2(&server, true)).await);
    let on = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    assert_page(
        &on.one(with(http2(&server, true), |target| {
            target.transport.http2 = false
        }))
        .await,
    );
    assert!(
        server
            .log
            .seen()
            .iter()
            .all(|seen| seen.version == Version::HTTP_11)
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_http2_is_a_protocol_failure() {
    let server = Server::bytes("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let client = Client::new(|_| ());
    let outcome = client.one(http2(&server, false)).await;
    assert!(
        matches!(failure(&outcome).reason, Reason::Protocol | Reason::Refused),
        "{}",
        failure(&outcome)
    );
}
