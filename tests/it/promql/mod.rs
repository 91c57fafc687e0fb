//! Every query of the subset has the value that a real Prometheus 2.42 computes from the same samples.

mod history;
mod queries;

use std::collections::{BTreeMap, BTreeSet};

use history::{BEGIN, History, LENGTH};
use promfetch_plugins::nomad::promql::Query;
use promfetch_tests::pages::Random;
use promfetch_tests::prometheus::Prometheus;

/// Values by labels, without the metric's name.
type Values = BTreeMap<BTreeMap<String, String>, f64>;

/// More queries by `PROMQL_QUERIES`, others by `PROMQL_SEED`.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |value| value.parse().expect("a number"))
}

async fn theirs(prometheus: &Prometheus, query: &str, at: i64) -> Result<Values, String> {
    let series = prometheus.query_at(query, at).await?;
    let series = series.into_iter().map(|series| {
        let labels = series
            .labels
            .into_iter()
            .filter(|(name, _)| name != "__name__");
        let labels = labels.map(|(name, value)| (name, value.as_str().expect("a text").to_owned()));
        (labels.collect(), series.value)
    });
    Ok(series.collect())
}

fn ours(history: &History, query: &str, at: i64, random: &mut Random) -> Result<Values, String> {
    let query = Query::parse(query).map_err(|error| error.to_string())?;
    let data: Vec<_> = query
        .selectors()
        .iter()
        .map(|selector| history.select(selector, random))
        .collect();
    let values = query
        .evaluate(at, &data)
        .map_err(|error| error.to_string())?;
    let values = values.into_iter().map(|(labels, value)| {
        let labels = labels
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        (labels.collect(), value)
    });
    Ok(values.collect())
}

/// The same bits, for the same is done in the same order. Only powers are computed by libraries of their own, which
/// may differ in the last bit.
fn same(query: &str, left: f64, right: f64) -> bool {
    let near = query.contains('^') && (left - right).abs() <= left.abs() * 1e-12;
    near || left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

fn same_values(query: &str, left: &Values, right: &Values) -> bool {
    left.len() == right.len()
        && left.iter().all(|(labels, value)| {
            right
                .get(labels)
                .is_some_and(|other| same(query, *value, *other))
        })
}

#[tokio::test]
async fn random_queries_have_the_values_that_prometheus_computes() {
    let mut random = Random::new(setting("PROMQL_SEED", 1));
    let history = History::random(&mut random);
    let prometheus = Prometheus::with_history(&history.page()).await;
    let mut unseen: BTreeSet<&str> = queries::constructs().collect();
    let (mut with_values, mut wrong) = (0, Vec::new());
    let count = setting("PROMQL_QUERIES", 200);
    for _ in 0..count {
        let (query, at) = (queries::query(&mut random), history.time(&mut random));
        let theirs = theirs(&prometheus, &query, at).await;
        let ours = ours(&history, &query, at, &mut random);
        match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) if same_values(&query, theirs, ours) => {
                if !ours.is_empty() {
                    with_values += 1;
                    unseen.retain(|construct| !query.contains(construct));
                }
            }
            _ => wrong.push(format!(
                "{query} at {at}\n  Prometheus: {theirs:?}\n  promfetch:  {ours:?}"
            )),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        with_values > count / 2,
        "only {with_values} of {count} had values"
    );
    assert!(
        unseen.is_empty() || count < 200,
        "never with a value: {unseen:?}"
    );
}

#[tokio::test]
async fn queries_with_edges() {
    let mut random = Random::new(7);
    let history = History::random(&mut random);
    let prometheus = Prometheus::with_history(&history.page()).await;
    // A sample in the middle of a series that is scraped without gaps around it.
    let (_, series) = &history.0[0];
    let (sample, _) = series.points[series.points.len() / 2];
    for query in [
        "requests_total",
        "sum(requests_total)",
        "rate(requests_total[10s])",
        "rate(requests_total[20s])",
        "increase(requests_total[30s])",
        "delta(in_flight[30s])",
        "max_over_time(odd[1ms])",
        "sum_over_time(odd[5m])",
        "avg_over_time(odd[5m])",
        "avg(odd)",
        "sum(rate(seconds_sum[5m])) / sum(rate(seconds_count[5m]))",
    ] {
        for later in [
            0, 1, -1, 9_999, 10_000, 10_001, 30_000, 299_999, 300_000, 300_001,
        ] {
            let at = sample + later;
            let theirs = theirs(&prometheus, query, at).await.unwrap();
            let ours = ours(&history, query, at, &mut random).unwrap();
            assert!(
                same_values(query, &theirs, &ours),
                "{query} {later} ms after a sample: {theirs:?}, not {ours:?}"
            );
        }
    }
}

#[tokio::test]
async fn refused_are_what_prometheus_refuses_and_what_is_more_than_the_subset() {
    let mut random = Random::new(3);
    let history = History::random(&mut random);
    let prometheus = Prometheus::with_history(&history.page()).await;
    let at = BEGIN + LENGTH / 2;
    for query in [
        "",
        "sum(",
        "sum)",
        "a b",
        "rate(a)",
        "sum(a[5m])",
        "{}",
        "{zone=\"\"}",
        "a{zone=~\"(\"}",
        "unheard_of(a)",
        "rate(a[5m], 1)",
        "a{__name__=\"b\"}",
        "a[5m] * 2",
        "-a[5m]",
        "\"a\" + 1",
        "a{zone='\\d'}",
        "a[0s]",
        "a[5]m",
        "1 +",
        "sum by a (b)",
        "rate(a[9999999999999y])",
        "rate(a[-5m])",
        "a{zone==\"a\"}",
        "1 == 1",
    ] {
        assert!(
            theirs(&prometheus, query, at).await.is_err(),
            "Prometheus takes {query}"
        );
        assert!(
            ours(&history, query, at, &mut random).is_err(),
            "promfetch takes {query}"
        );
    }
    for query in [
        "requests_total offset 1m",
        "requests_total @ 1700000000",
        "rate(requests_total[5m:1m])",
        "irate(requests_total[1m])",
        "in_flight > 1",
        "in_flight and odd",
        "in_flight == bool 1",
        "in_flight / in_flight",
        "sum(in_flight) or vector(0)",
        "sum(in_flight) / on () sum(odd)",
        "sum(max by (zone) (in_flight))",
        "topk(2, in_flight)",
        "quantile(0.5, odd)",
        "{zone=\"a\"}",
        "{__name__=~\"in.*\"}",
        "sum by (__name__) (odd)",
        "time()",
        "1 + 1",
        "abs(odd)",
        "stddev(odd)",
        "rate(requests_total[2d])",
        "in_flight atan2 2",
    ] {
        let theirs = theirs(&prometheus, query, at).await;
        assert!(theirs.is_ok(), "Prometheus refuses {query}: {theirs:?}");
        let error = ours(&history, query, at, &mut random).expect_err(query);
        assert!(error.contains("is not supported, in `"), "{query}: {error}");
    }
}
