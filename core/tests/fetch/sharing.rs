//! Equal requests share one fetch; each caller keeps its own deadline.

use std::sync::Arc;
use std::time::Duration;

use promfetch_core::failure::Reason;
use promfetch_core::fetch::Request;
use tokio::sync::Notify;

use crate::support::*;

/// A server whose answers wait for a signal.
async fn gated() -> (Server, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let server = Server::start(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            answer(200, PAGE)
        }
    })
    .await;
    (server, opened)
}

fn keyed(server: &Server, key: &str, within: Duration) -> Request {
    Request {
        key: key.into(),
        ..request([server.target()], within)
    }
}

#[tokio::test]
async fn equal_requests_cost_the_instance_one() {
    let (server, gate) = gated().await;
    let client = Client::new(|_| ());
    let callers: Vec<_> = (0..10)
        .map(|at| {
            let (fetcher, request) = (
                client.fetcher.clone(),
                keyed(&server, if at < 8 { "same" } else { "other" }, LONG),
            );
            tokio::spawn(async move { fetcher.fetch(request).await.unwrap() })
        })
        .collect();
    wait_until(|| server.log.seen().len() == 2).await;
    wait_until(|| client.metric("promfetch_fetches_shared_total") == 8.0).await;
    gate.notify_waiters();
    for caller in callers {
        assert_page(&caller.await.unwrap()[0]);
    }
    assert_eq!(server.log.seen().len(), 2);
}

#[tokio::test]
async fn each_caller_leaves_at_its_own_deadline_and_the_last_one_cancels() {
    let (server, gate) = gated().await;
    let client = Client::new(|_| ());
    let patient = {
        let (fetcher, request) = (client.fetcher.clone(), keyed(&server, "same", LONG));
        tokio::spawn(async move { fetcher.fetch(request).await.unwrap() })
    };
    wait_until(|| server.log.seen().len() == 1).await;
    let hasty = client
        .fetcher
        .fetch(keyed(&server, "same", Duration::from_millis(50)))
        .await
        .unwrap();
    assert_failure(&hasty[0], Reason::Timeout, "no answer");
    gate.notify_waiters();
    assert_page(&patient.await.unwrap()[0]);
    assert_eq!(server.log.connections(), 1);

    let one = client
        .fetcher
        .fetch(keyed(&server, "again", Duration::from_millis(50)));
    let two = client
        .fetcher
        .fetch(keyed(&server, "again", Duration::from_millis(50)));
    let (one, two) = tokio::join!(one, two);
    assert_failure(&one.unwrap()[0], Reason::Timeout, "no answer");
    assert_failure(&two.unwrap()[0], Reason::Timeout, "no answer");
    server.log.wait_closed(1).await;
    assert_eq!(server.log.seen().len(), 2);
}

#[tokio::test]
async fn the_first_caller_may_leave_before_the_second() {
    let (server, gate) = gated().await;
    let client = Client::new(|_| ());
    let [first, second] = [0, 1].map(|_| {
        let (fetcher, request) = (client.fetcher.clone(), keyed(&server, "same", LONG));
        tokio::spawn(async move { fetcher.fetch(request).await.unwrap() })
    });
    wait_until(|| {
        client.metric("promfetch_fetches_shared_total") == 1.0 && server.log.seen().len() == 1
    })
    .await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.notify_waiters();
    assert_page(&second.await.unwrap()[0]);
    assert_eq!(server.log.connections(), 1);
}

#[tokio::test]
async fn a_finished_page_is_served_again_only_when_configured() {
    for (cache, requests) in [(Duration::ZERO, 3), (LONG, 1)] {
        let server = Server::page().await;
        let client = Client::new(|config| config.fetch.cache = cache);
        for _ in 0..3 {
            assert_page(
                &client
                    .fetcher
                    .fetch(keyed(&server, "same", LONG))
                    .await
                    .unwrap()[0],
            );
        }
        assert_eq!(server.log.seen().len(), requests, "{cache:?}");
        assert_eq!(
            client.metric("promfetch_fetches_cached_total"),
            (3 - requests) as f64,
            "{cache:?}"
        );
    }
}

#[tokio::test]
async fn cached_pages_give_way_when_memory_is_short() {
    let server = Server::page().await;
    let client = Client::new(|config| {
        config.fetch.cache = LONG;
        config.fetch.max_inflight = PAGE.len();
    });
    for key in ["one", "two", "three"] {
        assert_page(
            &client
                .fetcher
                .fetch(keyed(&server, key, LONG))
                .await
                .unwrap()[0],
        );
    }
    assert_eq!(client.metric("promfetch_inflight_bytes"), PAGE.len() as f64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_that_come_and_go_leave_nothing_behind() {
    let server = Server::start(|request| async move {
        if request.uri().path() == "/hang" {
            std::future::pending::<()>().await;
        }
        answer(200, PAGE)
    })
    .await;
    let client = Client::new(|config| config.fetch.max_fetches = 4);
    let mut callers = tokio::task::JoinSet::new();
    for at in 0..200_u64 {
        let hanging = with(server.target(), |target| {
            target.path_and_query = "/hang".into()
        });
        let mut request = keyed(
            &server,
            &format!("{}", at % 7),
            Duration::from_millis(at % 13),
        );
        request.targets.push(Arc::new(hanging));
        request.app_ids = format!("app {}", at % 5).into();
        let fetcher = client.fetcher.clone();
        let caller = callers.spawn(async move { fetcher.fetch(request).await });
        if at % 3 == 0 {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(at % 11)).await;
                caller.abort();
            });
        }
    }
    while callers.join_next().await.is_some() {}
    wait_until(|| client.metric("promfetch_fetches_running") == 0.0).await;
    assert_eq!(client.metric("promfetch_fetches_waiting"), 0.0);
    assert_page(&client.one(server.target()).await);
    wait_until(|| client.metric("promfetch_inflight_bytes") == 0.0).await;
}
