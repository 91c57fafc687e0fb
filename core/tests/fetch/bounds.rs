//! Bodies of any size cost no more memory than their bounds.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::BodyExt;
use promfetch_core::Kind;
use promfetch_core::failure::Reason;

use crate::support::*;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A server of one body with this encoding.
async fn serving(encoding: &'static str, body: Vec<u8>) -> Server {
    let body = Bytes::from(body);
    Server::start(move |_| {
        let mut response = answer(200, body.clone());
        response
            .headers_mut()
            .insert("content-encoding", encoding.parse().unwrap());
        async move { response }
    })
    .await
}

/// A valid page of at least so many bytes.
fn page_of(bytes: usize) -> String {
    (0..)
        .map(|at| format!("requests{{path=\"/{at}\"}} {at}\n"))
        .scan(0, |sum, line| {
            (*sum < bytes).then(|| {
                *sum += line.len();
                line
            })
        })
        .collect()
}

#[tokio::test]
async fn compressed_pages_are_read() {
    let client = Client::new(|_| ());
    let members = [gzip(&PAGE.as_bytes()[..20]), gzip(&PAGE.as_bytes()[20..])].concat();
    for (encoding, body) in [
        ("identity", PAGE.as_bytes().to_vec()),
        ("gzip", gzip(PAGE.as_bytes())),
        ("gzip", members),
        (
            "zstd",
            zstd::stream::encode_all(PAGE.as_bytes(), 3).unwrap(),
        ),
    ] {
        let sent = body.len() as f64;
        let before = client.metric("promfetch_body_received_bytes_total");
        let server = serving(encoding, body).await;
        assert_page(&client.one(server.target()).await);
        assert_eq!(
            client.metric("promfetch_body_received_bytes_total") - before,
            sent,
            "{encoding}"
        );
    }
    assert_eq!(
        client.metric("promfetch_body_bytes_total"),
        4.0 * PAGE.len() as f64
    );
}

#[tokio::test]
async fn large_pages_are_checked_beside_the_async_threads() {
    let page = page_of(2 << 20);
    let client = Client::new(|_| ());
    for (encoding, body) in [
        ("identity", page.clone().into_bytes()),
        ("gzip", gzip(page.as_bytes())),
    ] {
        let server = serving(encoding, body).await;
        let outcome = client.one(server.target()).await;
        let fetched = outcome.result.as_ref().unwrap();
        assert_eq!(
            (fetched.body_bytes, fetched.page.samples()),
            (page.len(), page.lines().count())
        );
        assert_eq!(client.metric("promfetch_inflight_bytes"), page.len() as f64);
    }
    assert_eq!(client.metric("promfetch_inflight_bytes"), 0.0);
    assert!(client.metric("promfetch_limit_peak_ratio{limit=\"max_body\"}") > 0.03);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_and_their_connections_closed() {
    let limit = 1 << 20;
    let client = Client::new(|config| config.fetch.max_body = limit);
    let bomb = gzip(&vec![b'#'; 32 << 20]);
    let endless = Server::start(|_| async {
        http::Response::new(Endless(Bytes::from_static(PAGE.as_bytes())).boxed())
    })
    .await;
    let announced = Server::raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        tokio::io::AsyncWriteExt::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        )
        .await
        .unwrap();
        // Nothing more comes: the announcement must be enough.
        let _ = tokio::io::AsyncReadExt::read_u8(&mut stream).await;
    })
    .await;
    let large = serving("identity", page_of(limit + 1).into_bytes()).await;
    let gzip_bomb = serving("gzip", bomb).await;
    let zstd_bomb = serving(
        "zstd",
        zstd::stream::encode_all(&vec![b'#'; 32 << 20][..], 1).unwrap(),
    )
    .await;
    for (server, why) in [
        (&endless, "endless"),
        (&announced, "announced"),
        (&large, "large"),
        (&gzip_bomb, "gzip"),
        (&zstd_bomb, "zstd"),
    ] {
        let outcome = client.one(server.target()).await;
        assert_eq!(
            failure(&outcome).reason,
            Reason::TooLarge,
            "{why}: {}",
            failure(&outcome)
        );
        assert!(
            failure(&outcome).detail.contains("max_body"),
            "{why}: {}",
            failure(&outcome)
        );
    }
    endless.log.wait_closed(1).await;
    announced.log.wait_closed(1).await;
    assert_eq!(client.metric("promfetch_inflight_bytes"), 0.0);
    assert!(
        client.metric("promfetch_limit_peak_ratio{limit=\"max_inflight\"}") < 0.01,
        "no bomb unfolded"
    );
}

#[tokio::test]
async fn the_inputs_of_one_page_are_bounded_together() {
    let server = Server::page().await;
    let client = Client::new(|config| config.fetch.max_page = PAGE.len() * 2 + 1);
    let outcomes = client.all((0..3).map(|_| server.target()), LONG).await;
    let failures: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err())
        .collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].reason, Reason::TooLarge);
    assert!(failures[0].detail.contains("max_page"), "{}", failures[0]);
    drop(outcomes);
    assert_page(&client.one(server.target()).await);
}

#[tokio::test]
async fn pages_in_memory_refuse_new_ones_until_they_are_dropped() {
    // With a byte to spare the new page begins to come before it does not fit: that is no fault of its instance.
    for spare in [0, 1] {
        let server = Server::page().await;
        let client = Client::new(|config| config.fetch.max_inflight = PAGE.len() * 2 + spare);
        let held = client.all([server.target(), server.target()], LONG).await;
        held.iter().for_each(assert_page);
        // What counts is the page, not the list of outcomes: the merge holds only the pages.
        let pages: Vec<_> = held
            .iter()
            .map(|outcome| Arc::clone(&outcome.result.as_ref().unwrap().page))
            .collect();
        drop(held);
        let error = client
            .fetcher
            .fetch(request([server.target()], LONG))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Overloaded, "{spare} to spare");
        assert!(error.is_transient());
        assert_eq!(client.metric("promfetch_fetches_overloaded_total"), 1.0);
        drop(pages);
        assert_page(&client.one(server.target()).await);
    }
}

#[tokio::test]
async fn lines_and_samples_are_bounded() {
    let server = Server::page().await;
    for (samples, line, text) in [(1, 1 << 20, "sample"), (10, 5, "line")] {
        let client = Client::new(|config| {
            config.merge.max_samples = samples;
            config.merge.max_line = line;
        });
        assert_failure(&client.one(server.target()).await, Reason::TooLarge, text);
    }
    assert_eq!(server.log.connections.load(Ordering::SeqCst), 2);
}
