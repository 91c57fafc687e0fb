use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::*;
use crate::nomad::apm::settings;
use crate::nomad::promql::Query;

/// A promfetch with one app, whose only sample counts how often it was asked.
struct Fake {
    asked: Arc<AtomicUsize>,
    source: Source,
    shutdown: CancellationToken,
}

impl Fake {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let page = async |State(asked): State<Arc<AtomicUsize>>| {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            format!("a{{x=\"1\"}} {number}\nb {number}\n")
        };
        let router = Router::new()
            .route("/v1/apps/o/s/a/metrics", get(page))
            .route(
                "/v1/apps/o/s/away/metrics",
                get(async || (StatusCode::SERVICE_UNAVAILABLE, "not ready")),
            )
            .with_state(Arc::clone(&asked));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        crate::process::prepare();
        let shutdown = CancellationToken::new();
        let (settings, _) = settings::read([("endpoint".to_owned(), url)].into()).unwrap();
        Self {
            asked,
            source: Source::start(&settings.source, shutdown.clone()).unwrap(),
            shutdown,
        }
    }

    fn history(&self, step: Duration, idle: Duration) -> History {
        History::new(self.source.clone(), step, idle, self.shutdown.clone())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn app(path: &str) -> Selector {
    Selector::parse(path).unwrap()
}

fn selector(text: &str) -> VectorSelector {
    Query::parse(text).unwrap().selectors()[0].clone()
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_first_query_waits_for_one_page_and_others_find_it() {
    let fake = Fake::start().await;
    let history = fake.history(HOUR, HOUR);
    let first = history
        .record(&app("o/s/a"), &selector("a"), HOUR)
        .await
        .unwrap();
    assert!(first.is_new());
    assert_eq!(fake.asked(), 1);
    let window = first.window(0).unwrap();
    assert_eq!(window.series.len(), 1);
    assert_eq!(window.series[0].points[0].1, 0.0);

    let again = selector("rate(a[1m])");
    let again = history.record(&app("o/s/a"), &again, HOUR).await.unwrap();
    assert!(!again.is_new(), "a range needs nothing else");
    assert_eq!(fake.asked(), 1);
    // Another selector is fetched for at once, and the first has that page too.
    let other = history
        .record(&app("o/s/a"), &selector("b"), HOUR)
        .await
        .unwrap();
    assert!(other.is_new());
    assert_eq!((fake.asked(), other.window(0).unwrap().ticks.len()), (2, 1));
    assert_eq!(first.window(0).unwrap().series[0].points.len(), 2);
}

#[tokio::test]
async fn a_page_that_failed_is_waited_for_as_well() {
    let fake = Fake::start().await;
    let history = fake.history(HOUR, HOUR);
    let record = history
        .record(&app("o/s/away"), &selector("a"), HOUR)
        .await
        .unwrap();
    let window = record.window(0).unwrap();
    assert!(window.trouble.unwrap().contains("not ready"));
    assert_eq!((window.since, window.ticks[0].ok), (None, false));
    // An app that is not there has a page without samples.
    let record = history
        .record(&app("o/s/none"), &selector("a"), HOUR)
        .await
        .unwrap();
    let window = record.window(0).unwrap();
    assert!(window.trouble.is_some() && window.since.is_some());
    assert!(window.ticks[0].ok && window.series.is_empty());
}

#[tokio::test]
async fn recorders_end_when_nobody_asks_or_all_ends() {
    let fake = Fake::start().await;
    let step = Duration::from_millis(10);
    let history = fake.history(step, Duration::from_millis(50));
    history
        .record(&app("o/s/a"), &selector("a"), HOUR)
        .await
        .unwrap();
    let recorders = || history.0.recorders.lock().unwrap().len();
    while recorders() > 0 {
        tokio::time::sleep(step).await;
    }
    history
        .record(&app("o/s/a"), &selector("a"), HOUR)
        .await
        .unwrap();
    assert_eq!(recorders(), 1, "it begins anew");
}

#[tokio::test]
async fn bounds_are_told() {
    let fake = Fake::start().await;
    let history = fake.history(HOUR, HOUR);
    let wanted = selector("a");
    for number in 0..MAX_APPS {
        let app = app(&format!("o/s/{number}"));
        history
            .0
            .recorders
            .lock()
            .unwrap()
            .insert(app.clone(), Arc::new(Recorder::new(app)));
    }
    let error = history
        .record(&app("o/s/a"), &wanted, HOUR)
        .await
        .unwrap_err();
    assert!(error.contains("200 apps"), "{error}");

    let recorder = Arc::new(Recorder::new(app("o/s/a")));
    let budget = Budget::new(1);
    let want = |number: usize| {
        let wanted = selector(&format!("a{{x=\"{number}\"}}"));
        recorder.want(&wanted, HOUR, &budget)
    };
    for number in 0..100 {
        want(number).unwrap();
    }
    assert!(want(0).is_ok(), "the same again");
    let error = want(100).unwrap_err();
    assert!(error.contains("100 selectors"), "{error}");
}
