//! Each kind of broken instance has its reason and a detail that helps.

use promfetch_core::failure::Reason;

use crate::support::*;

#[tokio::test]
async fn each_broken_answer_has_its_reason() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let client = Client::new(|_| ());
    let long_header = format!("{ok}x-long: {}\r\n\r\n", "a".repeat(1 << 20));
    for (bytes, reason, text, why) in [
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            Reason::Status4xx,
            "`/metrics` answered 404",
            "no such path",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            Reason::Status4xx,
            "401",
            "a password is wanted",
        ),
        (
            "HTTP/1.1 500 Internal Server Error\r\n\r\noops",
            Reason::Status5xx,
            "500",
            "the app is broken",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            Reason::Status5xx,
            "503",
            "the app starts",
        ),
        (
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            Reason::Protocol,
            "304",
            "no answer to this request",
        ),
        (
            "\x15\x03\x01\x00\x02\x02\x46",
            Reason::Protocol,
            "not HTTP",
            "a TLS alert",
        ),
        (
            "SSH-2.0-OpenSSH_9.2\r\n",
            Reason::Protocol,
            "not HTTP",
            "another protocol",
        ),
        (
            &long_header,
            Reason::Protocol,
            "too large",
            "an endless header",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\r\n<html>",
            Reason::Parse,
            "login page",
            "an HTML page",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}",
            Reason::Parse,
            "application/json",
            "JSON",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE html>\n<html>",
            Reason::Parse,
            "looks like HTML",
            "HTML that does not say so",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nup 1\n{garbage\n",
            Reason::Parse,
            "line 2",
            "not metrics",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nx",
            Reason::Protocol,
            "unknown encoding `br`",
            "not offered",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nup 1\n",
            Reason::Protocol,
            "compressed body",
            "not compressed at all",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nup 1\n",
            Reason::Protocol,
            "after 5 bytes",
            "a body cut off",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nup 1\n\r\n",
            Reason::Protocol,
            "after 5 bytes",
            "the last chunk is missing",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            Reason::Protocol,
            "broke off",
            "no chunk",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: https://login.example.org/\r\n\r\n",
            Reason::Redirect,
            "another host",
            "a login page elsewhere",
        ),
        (
            "HTTP/1.1 302 Found\r\n\r\n",
            Reason::Redirect,
            "without a readable",
            "nowhere",
        ),
        (
            "HTTP/1.1 301 Moved\r\nlocation: /metrics\r\ncontent-length: 0\r\n\r\n",
            Reason::Redirect,
            "more than 3",
            "a loop",
        ),
        (
            "HTTP/1.1 200 O",
            Reason::Refused,
            "closed before",
            "half a header",
        ),
    ] {
        let server = Server::bytes(bytes).await;
        let outcome = client.one(server.target()).await;
        let got = failure(&outcome);
        assert_eq!(got.reason, reason, "{why}: {got}");
        assert!(got.detail.contains(text), "{why}: expected `{text}`: {got}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_connection() {
    let server = Server::start(|request| async move {
        let location = match request.uri().path() {
            "/metrics" => "https://shop.example.org/metrics/",
            "/metrics/" => "../real?a=b",
            "/real" => return answer(200, PAGE),
            other => panic!("{other}"),
        };
        let mut response = answer(308, "over there");
        response
            .headers_mut()
            .insert("location", location.parse().unwrap());
        response
    })
    .await;
    let client = Client::new(|_| ());
    assert_page(&client.one(server.target()).await);
    let paths: Vec<_> = server
        .log
        .seen()
        .iter()
        .map(|seen| seen.uri.to_string())
        .collect();
    assert_eq!(paths, ["/metrics", "/metrics/", "/real?a=b"]);
    assert_eq!(server.log.connections(), 1);
}

#[tokio::test]
async fn paths_and_hosts_that_cannot_be_sent_are_failures() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    let path = with(server.target(), |target| {
        target.path_and_query = "/a b".into()
    });
    assert_failure(&client.one(path).await, Reason::Protocol, "`/a b`");
    let host = with(server.target(), |target| target.host = "a\r\nb".into());
    assert_failure(
        &client.one(host).await,
        Reason::Protocol,
        "cannot stand in a request",
    );
    let name = with(server.target(), |target| {
        target.transport.tls = Some("not a name".into())
    });
    assert_failure(&client.one(name).await, Reason::Tls, "`not a name`");
}

#[tokio::test]
async fn the_last_outcome_of_each_instance_is_known() {
    let (good, bad) = (
        Server::page().await,
        Server::bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await,
    );
    let hanging = Server::start(|_| std::future::pending()).await;
    let dripping = Server::raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, head).await;
        let _ = tokio::io::AsyncReadExt::read_u8(&mut stream).await;
    })
    .await;
    let client = Client::new(|_| ());
    let targets = [
        good.target(),
        bad.target(),
        hanging.target(),
        dripping.target(),
    ];
    let instances: Vec<_> = targets
        .iter()
        .map(|target| target.instance.as_ref().unwrap().instance.clone())
        .collect();
    let last = || {
        client
            .fetcher
            .last_outcomes(instances.iter().map(|instance| &**instance))
    };
    assert!(last().iter().all(Option::is_none));
    client.all(targets, SHORT).await;

    let last: Vec<_> = last().into_iter().map(Option::unwrap).collect();
    assert_eq!(
        (last[0].status, last[0].samples, last[0].body_bytes),
        (Some(200), 2, PAGE.len())
    );
    assert_eq!((&*last[0].path, &last[0].failure), ("/metrics", &None));
    assert_eq!((last[1].status, last[1].samples), (Some(404), 0));
    assert_eq!(last[1].failure.as_ref().unwrap().reason, Reason::Status4xx);
    assert_eq!(last[2].status, None);
    assert_eq!(last[2].failure.as_ref().unwrap().reason, Reason::Timeout);
    assert_eq!(last[3].status, Some(200), "the head had come");
    assert_eq!(last[3].failure.as_ref().unwrap().reason, Reason::Timeout);
}
