//! Pages become what the caller takes, within the same bounds as the bodies.

use std::sync::Arc;
use std::time::Duration;

use promfetch_core::Kind;
use promfetch_core::exposition::{Dialect, Format};
use promfetch_core::failure::Reason;
use promfetch_core::fetch::Outcome;
use promfetch_core::instance::Address;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::*;

const OPENMETRICS: &str = "# TYPE requests counter\nrequests_total 1\n# EOF\n";

/// A server of one OpenMetrics page.
async fn openmetrics(page: impl Into<bytes::Bytes>) -> Server {
    let page = page.into();
    Server::start(move |_| {
        let mut response = answer(200, page.clone());
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        async move { response }
    })
    .await
}

/// A valid OpenMetrics page with so many samples.
fn page_of(samples: usize) -> String {
    let mut page = String::from("# TYPE requests counter\n");
    for at in 0..samples {
        page.push_str(&format!("requests_total{{path=\"/{at}\"}} {at}\n"));
    }
    page.push_str("# EOF\n");
    page
}

fn later() -> Instant {
    Instant::now() + LONG
}

fn formats(outcomes: &[Outcome]) -> Vec<Option<Format>> {
    outcomes
        .iter()
        .map(|outcome| Some(outcome.result.as_ref().ok()?.page.format()))
        .collect()
}

#[tokio::test]
async fn only_what_does_not_fit_is_converted() {
    let (text, om) = (Server::page().await, openmetrics(OPENMETRICS).await);
    let client = Client::new(|_| ());
    let refusing = with(text.target(), |target| {
        target.address = Address::tcp("127.0.0.1", 1)
    });
    for (format, converted) in [(Format::Text, 1.0), (Format::OpenMetrics, 2.0)] {
        let targets = [text.target(), om.target(), refusing.clone()];
        let mut outcomes = client.all(targets, LONG).await;
        assert_eq!(
            formats(&outcomes),
            [Some(Format::Text), Some(Format::OpenMetrics), None]
        );
        client
            .fetcher
            .convert(&mut outcomes, Dialect::plain(format), later())
            .await
            .unwrap();
        assert_eq!(formats(&outcomes), [Some(format), Some(format), None]);
        assert_page_was_sent(&outcomes[0], PAGE, 2);
        assert_page_was_sent(&outcomes[1], OPENMETRICS, 1);
        assert_eq!(
            client.metric("promfetch_pages_converted_total"),
            converted,
            "one for each round"
        );
    }
    assert_eq!(client.metric("promfetch_inflight_bytes"), 0.0);
}

/// Fails unless the outcome tells what the instance sent.
fn assert_page_was_sent(outcome: &Outcome, page: &str, samples: usize) {
    let fetched = outcome.result.as_ref().unwrap();
    assert_eq!(
        (fetched.body_bytes, fetched.samples),
        (page.len(), samples),
        "as it was sent"
    );
}

#[tokio::test]
async fn many_pages_are_converted_beside_the_async_threads() {
    // One that is worth a thread of its own, and small ones that share theirs.
    let (large, small) = (page_of(20_000), page_of(100));
    let (one, many) = (openmetrics(large).await, openmetrics(small).await);
    let client = Client::new(|_| ());
    let mut targets = vec![one.target()];
    targets.extend((0..40).map(|_| many.target()));
    let mut outcomes = client.all(targets, LONG).await;
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), later())
        .await
        .unwrap();
    let samples: Vec<usize> = outcomes
        .iter()
        .map(|outcome| {
            let page = &outcome.result.as_ref().unwrap().page;
            assert_eq!(page.format(), Format::Text);
            page.samples()
        })
        .collect();
    assert_eq!((samples[0], samples.iter().sum()), (20_000, 24_000));
}

#[tokio::test]
async fn callers_of_one_fetch_share_the_conversion() {
    let server = openmetrics(OPENMETRICS).await;
    let client = Client::new(|config| config.fetch.cache = LONG);
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut request = request([server.target()], LONG);
        request.key = "same".into();
        let mut outcomes = client.fetcher.fetch(request).await.unwrap();
        client
            .fetcher
            .convert(&mut outcomes, Dialect::plain(Format::Text), later())
            .await
            .unwrap();
        assert_eq!(formats(&outcomes), [Some(Format::Text)]);
        held.push(outcomes);
    }
    assert_eq!(client.metric("promfetch_pages_converted_total"), 1.0);
}

#[tokio::test]
async fn converted_pages_are_counted_as_bodies_are() {
    let server = openmetrics(OPENMETRICS).await;
    let text = Dialect::plain(Format::Text);
    // No room for the page twice: that costs this instance.
    let client = Client::new(|config| config.fetch.max_page = OPENMETRICS.len() * 3 / 2);
    let mut outcomes = client.all([server.target()], LONG).await;
    client
        .fetcher
        .convert(&mut outcomes, text, later())
        .await
        .unwrap();
    assert_failure(&outcomes[0], Reason::TooLarge, "max_page");
    assert_eq!(
        client.metric("promfetch_fetch_failures_total{reason=\"too_large\"}"),
        1.0
    );

    // None in the process: no instance is to blame.
    let client = Client::new(|config| config.fetch.max_inflight = OPENMETRICS.len() * 3 / 2);
    let mut outcomes = client.all([server.target()], LONG).await;
    let error = client
        .fetcher
        .convert(&mut outcomes, text, later())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Overloaded);

    // And bytes are given back with the last holder.
    let client = Client::new(|_| ());
    let mut outcomes = client.all([server.target()], LONG).await;
    client
        .fetcher
        .convert(&mut outcomes, text, later())
        .await
        .unwrap();
    let page = Arc::clone(&outcomes[0].result.as_ref().unwrap().page);
    drop(outcomes);
    assert_eq!(
        client.metric("promfetch_inflight_bytes"),
        page.len() as f64,
        "the page that was sent has gone"
    );
    drop(page);
    assert_eq!(client.metric("promfetch_inflight_bytes"), 0.0);
}

#[tokio::test]
async fn an_instance_that_hangs_does_not_keep_others_from_being_converted() {
    let text = Dialect::plain(Format::Text);
    for samples in [10, 20_000] {
        let healthy = openmetrics(page_of(samples)).await;
        let release = Arc::new(Notify::new());
        let held = Arc::clone(&release);
        let hanging = Server::start(move |_| {
            let held = Arc::clone(&held);
            async move {
                held.notified().await;
                answer(200, PAGE)
            }
        })
        .await;
        let client = Client::new(|_| ());
        let mut request = request([healthy.target(), hanging.target()], LONG);
        request.dialect = Some(text);
        let converted = || client.metric("promfetch_pages_converted_total") >= 1.0;
        let fetch = client.fetcher.fetch(request);
        let (outcomes, ()) = tokio::join!(fetch, async {
            // While the other one still hangs.
            wait_until(converted).await;
            release.notify_one();
        });
        let mut outcomes = outcomes.unwrap();
        assert_eq!(formats(&outcomes), [Some(Format::Text), Some(Format::Text)]);
        assert_eq!(
            outcomes[0].result.as_ref().unwrap().page.samples(),
            samples,
            "all samples have come along"
        );
        // No time is left, and none is needed.
        let past = Instant::now() - LONG;
        client
            .fetcher
            .convert(&mut outcomes, text, past)
            .await
            .unwrap();
        assert_eq!(formats(&outcomes), [Some(Format::Text), Some(Format::Text)]);
        assert_eq!(client.metric("promfetch_pages_converted_total"), 1.0);
        let left: usize = outcomes
            .iter()
            .map(|outcome| outcome.result.as_ref().unwrap().page.len())
            .sum();
        assert_eq!(
            client.metric("promfetch_inflight_bytes"),
            left as f64,
            "the page that was sent has gone"
        );
    }
}

#[tokio::test]
async fn a_conversion_without_room_spoils_nothing_for_later_callers() {
    let text = Dialect::plain(Format::Text);
    for certain in [None, Some(text)] {
        let server = openmetrics(OPENMETRICS).await;
        let other = Server::page().await;
        let hanging = Server::start(|_| std::future::pending()).await;
        // Room for the page and its conversion, but not as long as two other pages are held.
        let client = Client::new(|config| {
            config.fetch.cache = LONG;
            config.fetch.max_inflight = PAGE.len() * 2 + OPENMETRICS.len() * 3 / 2;
        });
        // A fetch that is not complete is not kept for later callers.
        let targets = [other.target(), other.target(), hanging.target()];
        let held = client.all(targets, SHORT).await;
        held[..2].iter().for_each(assert_page);
        let ask = async || {
            let mut request = request([server.target()], LONG);
            request.key = "same".into();
            request.dialect = certain;
            client.fetcher.fetch(request).await.unwrap()
        };
        for _ in 0..2 {
            let mut outcomes = ask().await;
            assert_eq!(formats(&outcomes), [Some(Format::OpenMetrics)]);
            let convert = client.fetcher.convert(&mut outcomes, text, later());
            assert_eq!(convert.await.unwrap_err().kind(), Kind::Overloaded);
        }
        assert_eq!(
            client.metric("promfetch_fetch_failures_total{reason=\"too_large\"}"),
            0.0,
            "no instance is to blame"
        );
        drop(held);
        let left = || client.metric("promfetch_inflight_bytes") as usize;
        wait_until(|| left() == OPENMETRICS.len()).await;
        let mut outcomes = ask().await;
        client
            .fetcher
            .convert(&mut outcomes, text, later())
            .await
            .unwrap();
        assert_eq!(formats(&outcomes), [Some(Format::Text)]);
        assert_eq!(server.log.seen().len(), 1, "all of one fetch");
    }
}

/// A field of protobuf: `tag`, the length of `value`, `value`.
fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![tag];
    let mut length = value.len();
    while length > 0x7f {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(value);
    field
}

/// A server of one protobuf page.
async fn protobuf(page: impl Into<bytes::Bytes>) -> Server {
    let page = page.into();
    Server::start(move |_| {
        let mut response = answer(200, page.clone());
        let kind = Dialect::plain(Format::Protobuf).content_type();
        response.headers_mut().insert("content-type", kind);
        async move { response }
    })
    .await
}

#[tokio::test]
async fn only_small_pages_of_lines_are_converted_on_the_async_thread() {
    let text = Dialect::plain(Format::Text);
    let gauge = [
        field(0x0a, b"queue"),
        vec![0x18, 1],
        field(
            0x22,
            &field(0x12, &[&[0x09][..], &1_f64.to_le_bytes()].concat()),
        ),
    ];
    let gauge = field(0, &gauge.concat()).split_off(1);
    for (server, want, why) in [
        (
            openmetrics(OPENMETRICS).await,
            true,
            "sooner than handed over",
        ),
        (openmetrics(page_of(1_000)).await, false, "large"),
        (
            protobuf(gauge).await,
            false,
            "nobody knows how large it gets",
        ),
    ] {
        let client = Client::new(|_| ());
        let mut outcomes = client.all([server.target()], LONG).await;
        let mut convert = Box::pin(client.fetcher.convert(&mut outcomes, text, later()));
        let first = futures_util::poll!(&mut convert);
        assert_eq!(first.is_ready(), want, "{why}");
        match first {
            std::task::Poll::Ready(done) => done.unwrap(),
            std::task::Poll::Pending => convert.as_mut().await.unwrap(),
        }
        drop(convert);
        assert_eq!(formats(&outcomes), [Some(Format::Text)], "{why}");
    }
}

#[tokio::test]
async fn a_small_page_that_unfolds_is_stopped_on_its_way() {
    // A histogram of 1,000 buckets whose label has 20,000 characters: 32 kB of protobuf, 20 MB of text.
    let label = [field(0x0a, b"x"), field(0x12, &[b'v'; 20_000])].concat();
    let mut histogram = vec![0x08, 0];
    for at in 0..1_000 {
        let bound = [&[0x08, 0, 0x11][..], &f64::from(at).to_le_bytes()].concat();
        histogram.extend(field(0x1a, &bound));
    }
    let metric = [field(0x0a, &label), field(0x3a, &histogram)].concat();
    let family = [field(0x0a, b"h"), vec![0x18, 4], field(0x22, &metric)].concat();
    let page = field(0, &family).split_off(1);
    let length = page.len();
    let server = protobuf(page).await;
    let client = Client::new(|config| config.fetch.max_page = 1 << 20);
    let mut outcomes = client.all([server.target()], LONG).await;
    assert_eq!(formats(&outcomes), [Some(Format::Protobuf)]);
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), later())
        .await
        .unwrap();
    assert_failure(&outcomes[0], Reason::TooLarge, "max_page");
    drop(outcomes);
    assert_eq!(client.metric("promfetch_inflight_bytes"), 0.0);

    let client = Client::new(|config| config.fetch.max_page = 32 << 20);
    let mut outcomes = client.all([server.target()], LONG).await;
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), later())
        .await
        .unwrap();
    let fetched = outcomes[0].result.as_ref().unwrap();
    assert!(fetched.page.len() > 20_000_000);
    assert_eq!(fetched.body_bytes, length);
    assert_eq!(
        client.metric("promfetch_inflight_bytes"),
        fetched.page.len() as f64,
        "exactly what it has come to"
    );
}

#[tokio::test]
async fn a_page_that_cannot_be_converted_costs_only_itself() {
    let (gauge, counter) = (
        openmetrics("# TYPE queue gauge\nqueue 1\n# EOF\n").await,
        openmetrics(OPENMETRICS).await,
    );
    // `# TYPE requests counter` fits; `# TYPE requests_total counter`, as text has it, does not.
    let client = Client::new(|config| config.merge.max_line = 24);
    let mut outcomes = client.all([gauge.target(), counter.target()], LONG).await;
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), later())
        .await
        .unwrap();
    assert_eq!(formats(&outcomes), [Some(Format::Text), None]);
    assert_failure(&outcomes[1], Reason::TooLarge, "written as text");
    let last = outcomes[1].target.instance.as_ref().unwrap();
    let last = client.fetcher.last_outcomes([&*last.instance]).remove(0);
    let last = last.unwrap();
    assert_eq!(
        (last.status, last.failure.map(|failure| failure.reason)),
        (Some(200), Some(Reason::TooLarge)),
        "`/instances` tells the same"
    );
}

#[tokio::test]
async fn small_pages_are_converted_after_the_deadline_too() {
    let server = openmetrics(OPENMETRICS).await;
    let client = Client::new(|_| ());
    let mut outcomes = client.all([server.target()], LONG).await;
    // As when another instance hangs until the deadline.
    let past = Instant::now() - Duration::from_millis(1);
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), past)
        .await
        .unwrap();
    assert_eq!(formats(&outcomes), [Some(Format::Text)]);
}

#[tokio::test]
async fn what_is_not_converted_in_time_is_a_timeout_and_ends() {
    let (large, text) = (openmetrics(page_of(20_000)).await, Server::page().await);
    let client = Client::new(|_| ());
    let mut outcomes = client.all([large.target(), text.target()], LONG).await;
    let past = Instant::now() - Duration::from_millis(1);
    client
        .fetcher
        .convert(&mut outcomes, Dialect::plain(Format::Text), past)
        .await
        .unwrap();
    assert_failure(&outcomes[0], Reason::Timeout, "not converted");
    assert_page(&outcomes[1]);
    // Nobody holds the large page any more, not even its conversion.
    wait_until(|| client.metric("promfetch_inflight_bytes") == PAGE.len() as f64).await;
}
