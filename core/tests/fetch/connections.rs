//! Connections: kept, reused, replaced when they have died, closed on cancel; addresses that are not dialled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use promfetch_core::failure::Reason;
use promfetch_core::instance::Address;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::*;

#[tokio::test]
async fn a_connection_is_reused() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    for _ in 0..3 {
        assert_page(&client.one(server.target()).await);
    }
    assert_eq!(server.log.connections(), 1);
    assert_eq!(client.metric("promfetch_connections_created_total"), 1.0);
    assert_eq!(client.metric("promfetch_connections_reused_total"), 2.0);
    assert_eq!(
        (
            client.metric("promfetch_connections_open"),
            client.metric("promfetch_connections_idle")
        ),
        (1.0, 1.0)
    );
}

#[tokio::test]
async fn an_error_status_does_not_cost_the_connection() {
    let server = Server::start(|_| async { answer(404, "there is no such page") }).await;
    let client = Client::new(|_| ());
    for _ in 0..3 {
        assert_failure(&client.one(server.target()).await, Reason::Status4xx, "404");
        wait_until(|| client.metric("promfetch_connections_idle") == 1.0).await;
    }
    assert_eq!(server.log.connections(), 1);
}

#[tokio::test]
async fn without_keep_alive_each_request_has_its_connection() {
    let (server, client) = (
        Server::page().await,
        Client::new(|config| config.fetch.keep_alive = false),
    );
    for _ in 0..3 {
        assert_page(&client.one(server.target()).await);
    }
    assert_eq!(server.log.connections(), 3);
    assert!(
        server
            .log
            .seen()
            .iter()
            .all(|seen| seen.headers["connection"] == "close")
    );
    server.log.wait_closed(3).await;
}

#[tokio::test]
async fn an_instance_that_closes_idle_connections_is_not_down() {
    // Says nothing of it in the answer, as apps that close after a time-out.
    let server = Server::raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        write_page(&mut stream).await;
    })
    .await;
    let client = Client::new(|_| ());
    for round in 0..5 {
        assert_page(&client.one(server.target()).await);
        // Sometimes the end is noticed before the next request, sometimes not.
        if round % 2 == 0 {
            wait_until(|| client.metric("promfetch_connections_open") == 0.0).await;
            assert_eq!(
                client.metric("promfetch_connections_idle"),
                0.0,
                "it has left the pool by itself"
            );
        }
    }
}

#[tokio::test]
async fn a_request_on_a_connection_that_dies_is_sent_once_more() {
    let server = Server::raw(|connection, mut stream| async move {
        read_request(&mut stream).await;
        write_page(&mut stream).await;
        read_request(&mut stream).await;
        if connection > 0 {
            write_page(&mut stream).await;
        }
    })
    .await;
    let client = Client::new(|_| ());
    assert_page(&client.one(server.target()).await);
    assert_page(&client.one(server.target()).await);
    assert_eq!(client.metric("promfetch_connections_retried_total"), 1.0);
    assert_eq!(server.log.connections(), 2);
}

#[tokio::test]
async fn a_new_connection_that_dies_is_refused_and_not_tried_again() {
    let server = Server::bytes("").await;
    let client = Client::new(|_| ());
    assert_failure(
        &client.one(server.target()).await,
        Reason::Refused,
        "closed before any answer",
    );
    assert_eq!(server.log.connections(), 1);
    assert_failure(
        &client.one(server.target()).await,
        Reason::Skipped,
        "closed before any answer",
    );
    assert_eq!(server.log.connections(), 1);
}

#[tokio::test]
async fn a_refusal_backs_off_until_a_new_registration() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::new(|_| ());
    assert_failure(
        &client.one(target(address)).await,
        Reason::Refused,
        "refused",
    );
    assert_failure(
        &client.one(target(address)).await,
        Reason::Skipped,
        "refused",
    );

    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            write_page(&mut stream).await;
        }
    });
    let registered = with(target(address), |target| {
        target.instance.as_mut().unwrap().registration = 2
    });
    assert_page(&client.one(registered).await);
    assert_page(&client.one(target(address)).await);
    assert_eq!(
        client.metric("promfetch_fetch_failures_total{reason=\"refused\"}"),
        1.0
    );
    assert_eq!(
        client.metric("promfetch_fetch_failures_total{reason=\"skipped\"}"),
        1.0
    );
}

#[tokio::test]
async fn an_instance_that_hangs_costs_only_itself() {
    let (good, hanging) = (
        Server::page().await,
        Server::start(|_| std::future::pending()).await,
    );
    let slow = Server::bytes(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{PAGE}"
    ))
    .await;
    let stuck = Server::raw(|_, stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let client = Client::new(|_| ());
    let targets = [
        good.target(),
        hanging.target(),
        good.target(),
        slow.target(),
        stuck.target(),
    ];
    let outcomes = client.all(targets, SHORT).await;
    assert_page(&outcomes[0]);
    assert_failure(
        &outcomes[1],
        Reason::Timeout,
        "no answer before the deadline",
    );
    assert_page(&outcomes[2]);
    assert_failure(&outcomes[3], Reason::Protocol, "broke off");
    assert_failure(
        &outcomes[4],
        Reason::Timeout,
        "no answer before the deadline",
    );
    assert!(outcomes[1].duration > Duration::ZERO);
    // Those left behind are cancelled.
    hanging.log.wait_closed(1).await;
    assert_eq!(client.metric("promfetch_fetches_running"), 0.0);
}

#[tokio::test]
async fn a_body_that_stops_is_a_timeout_that_says_how_far_it_came() {
    let server = Server::raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        tokio::io::AsyncWriteExt::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nup 1\n",
        )
        .await
        .unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let client = Client::new(|_| ());
    let outcomes = client.all([server.target()], SHORT).await;
    assert_failure(&outcomes[0], Reason::Timeout, "5 bytes so far");
    server.log.wait_closed(1).await;
}

#[tokio::test]
async fn a_caller_that_leaves_closes_its_connections() {
    let server = Server::start(|_| std::future::pending()).await;
    let client = Client::new(|_| ());
    let fetcher = client.fetcher.clone();
    let request = request([server.target(), server.target()], LONG);
    let caller = tokio::spawn(async move { fetcher.fetch(request).await });
    wait_until(|| server.log.seen().len() == 2).await;
    caller.abort();
    server.log.wait_closed(2).await;
    wait_until(|| client.metric("promfetch_fetches_running") == 0.0).await;
    wait_until(|| client.metric("promfetch_connections_open") == 0.0).await;
}

#[tokio::test]
async fn no_time_left_is_skipped_without_a_connection() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    let outcomes = client.all([server.target()], Duration::ZERO).await;
    assert_failure(&outcomes[0], Reason::Skipped, "no time was left");
    assert_eq!(server.log.connections(), 0);
}

#[tokio::test]
async fn max_conns_bounds_the_connections_of_one_instance() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_| {
        let (now, most) = counts.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            answer(200, PAGE)
        }
    })
    .await;
    let client = Client::new(|config| config.fetch.max_conns = 2);
    for outcome in client.all((0..6).map(|_| server.target()), LONG).await {
        assert_page(&outcome);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(server.log.connections(), 2);
}

#[tokio::test]
async fn the_number_of_idle_connections_is_bounded() {
    for (per_host, all, want) in [(1, 100, 2.0), (100, 3, 3.0), (100, 0, 8.0)] {
        let (one, two) = (slow_page().await, slow_page().await);
        let client = Client::new(|config| {
            config.fetch.pool_max_idle_per_host = per_host;
            config.fetch.pool_max_idle = all;
        });
        for outcome in client
            .all((0..8).map(|at| [&one, &two][at % 2].target()), LONG)
            .await
        {
            assert_page(&outcome);
        }
        assert_eq!(client.metric("promfetch_connections_created_total"), 8.0);
        assert_eq!(
            client.metric("promfetch_connections_idle"),
            want,
            "{per_host} per host, {all} in all"
        );
        wait_until(|| client.metric("promfetch_connections_open") == want).await;
    }
}

/// Answers only when four requests are under way, so that there are as many connections.
async fn slow_page() -> Server {
    let barrier = Arc::new(tokio::sync::Barrier::new(4));
    Server::start(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            answer(200, PAGE)
        }
    })
    .await
}

#[tokio::test]
async fn no_more_than_max_fetches_run_at_once_and_all_get_their_turn() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_| {
        let (now, most) = counts.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            answer(200, PAGE)
        }
    })
    .await;
    let client = Client::new(|config| config.fetch.max_fetches = 3);
    for outcome in client.all((0..20).map(|_| server.target()), LONG).await {
        assert_page(&outcome);
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(
        client.metric("promfetch_limit_peak_ratio{limit=\"max_fetches\"}"),
        1.0
    );
}

#[tokio::test]
async fn a_turn_that_never_comes_is_skipped() {
    let server = Server::start(|_| std::future::pending()).await;
    let client = Client::new(|config| config.fetch.max_fetches = 1);
    let outcomes = client.all([server.target(), server.target()], SHORT).await;
    let mut reasons: Vec<_> = outcomes
        .iter()
        .map(|outcome| failure(outcome).reason.as_str())
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["skipped", "timeout"]);
}

#[tokio::test]
async fn loopback_is_dialled_only_when_trusted_or_allowed() {
    let server = Server::page().await;
    let untrusted = || with(server.target(), |target| target.trusted = false);
    let client = Client::new(|_| ());
    assert_failure(&client.one(untrusted()).await, Reason::Skipped, "127.0.0.1");
    let named = with(untrusted(), |target| {
        target.address = Address::tcp("localhost", server.address.port());
    });
    assert_failure(
        &client.one(named).await,
        Reason::Skipped,
        "may not be dialled",
    );
    assert_eq!(server.log.connections(), 0);

    // A connection made for a trusted target is not lent to another.
    assert_page(&client.one(server.target()).await);
    assert_failure(
        &client.one(untrusted()).await,
        Reason::Skipped,
        "may not be dialled",
    );

    let client = Client::new(|config| {
        config
            .discovery
            .policy
            .allow
            .push("127.0.0.0/8".parse().unwrap())
    });
    assert_page(&client.one(untrusted()).await);
}

#[tokio::test]
async fn a_name_is_resolved() {
    let (server, client) = (Server::page().await, Client::new(|_| ()));
    let by_name = |host: &str| {
        let port = server.address.port();
        with(server.target(), |target| {
            target.address = Address::tcp(host, port)
        })
    };
    assert_page(&client.one(by_name("localhost")).await);
    assert_failure(
        &client.one(by_name("no-such-host.invalid")).await,
        Reason::Refused,
        "cannot be resolved",
    );
}
