//! What the merge makes of pages, case by case.

use std::sync::Arc;
use std::time::Duration;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Page};
use promfetch_core::failure::Reason;
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Health, Input, Merged, Options, Stats, merge};
use prost::Message;

use super::made_up::field;
use super::model::{Metric, MetricFamily, Type};
use super::{
    classic, counter, exemplar, families, family, gauge, histogram, native, page, pairs, summary,
    untyped,
};
use crate::scan;

/// Labels that are added.
type Added<'a> = &'a [(&'static str, &'static str)];

const EXPORT: Options = Options {
    format: Format::Protobuf,
    label_conflict: LabelConflict::Export,
};
const DROP: Options = Options {
    format: Format::Protobuf,
    label_conflict: LabelConflict::Drop,
};

fn good(body: Vec<u8>) -> Arc<Page> {
    match scan(&*body, Format::Protobuf) {
        Ok(page) => Arc::new(page),
        Err(error) => panic!("{error}: {:?}", families(&body)),
    }
}

fn merging(pages: &[(Added<'_>, Vec<u8>)], options: &Options) -> Merged {
    let inputs = pages.iter().map(|(labels, body)| Input {
        labels: Labels::from_iter(labels.iter().copied()),
        page: good(body.clone()),
    });
    merge(inputs.collect(), None, options)
}

/// The families of the merged page, which must be good, and what the merge counted.
fn merged(
    pages: &[(Added<'_>, Vec<MetricFamily>)],
    options: &Options,
) -> (Vec<MetricFamily>, Stats) {
    let pages: Vec<_> = pages
        .iter()
        .map(|(labels, families)| (*labels, page(families)))
        .collect();
    let mut merging = merging(&pages, options);
    let body: Vec<u8> = merging.by_ref().flatten().collect();
    let stats = merging.stats();
    assert_eq!(
        good(body.clone()).samples() + stats.duplicates,
        stats.samples
    );
    (families(&body), stats)
}

const ZERO: Added<'_> = &[("app", "a"), ("index", "0")];
const ONE: Added<'_> = &[("app", "a"), ("index", "1")];

#[test]
fn families_stand_by_first_appearance_and_metrics_by_instance() {
    let first = vec![
        family(
            "x",
            Type::Gauge,
            [gauge(&[("p", "1")], 1.0), gauge(&[("p", "2")], 2.0)],
        ),
        family("empty", Type::Gauge, []),
    ];
    let second = vec![
        MetricFamily {
            help: None,
            ..family("y", Type::Counter, [counter(&[], 5.0)])
        },
        MetricFamily {
            help: Some("Another.".to_owned()),
            ..family("x", Type::Gauge, [gauge(&[], 3.0)])
        },
    ];
    let want = vec![
        family(
            "x",
            Type::Gauge,
            [
                gauge(&[("p", "1"), ("app", "a"), ("index", "0")], 1.0),
                gauge(&[("p", "2"), ("app", "a"), ("index", "0")], 2.0),
                gauge(&[("app", "a"), ("index", "1")], 3.0),
            ],
        ),
        MetricFamily {
            help: None,
            ..family(
                "y",
                Type::Counter,
                [counter(&[("app", "a"), ("index", "1")], 5.0)],
            )
        },
    ];
    let (found, stats) = merged(&[(ZERO, first), (ONE, second)], &EXPORT);
    assert_eq!(found, want);
    assert_eq!((stats.inputs, stats.families, stats.samples), (2, 2, 4));
}

#[test]
fn own_labels_with_names_of_added_ones_are_renamed_or_left_out() {
    let own: &[(&str, &str)] = &[("index", "x"), ("exported_index", "y"), ("b", "z")];
    let page = || {
        vec![family(
            "x",
            Type::Gauge,
            [gauge(own, 1.0), gauge(&[("b", "2")], 2.0)],
        )]
    };
    let want: &[(&str, &str)] = &[
        ("exported_exported_index", "x"),
        ("exported_index", "y"),
        ("b", "z"),
        ("app", "a"),
        ("index", "0"),
    ];
    let (found, stats) = merged(&[(ZERO, page())], &EXPORT);
    assert_eq!(found[0].metric[0], gauge(want, 1.0));
    assert_eq!(found[0].metric[1].label.len(), 3);
    assert_eq!(stats.label_conflicts, 1);
    let (found, _) = merged(&[(ZERO, page())], &DROP);
    assert_eq!(found[0].metric[0], gauge(&want[1..], 1.0));
}

#[test]
fn types_and_names_that_disagree_get_other_names() {
    let with_unit = |family: MetricFamily| MetricFamily {
        unit: Some("seconds".to_owned()),
        ..family
    };
    let first = vec![
        with_unit(family(
            "x_seconds",
            Type::Histogram,
            [histogram(&[], classic(&[(1.0, 2)]))],
        )),
        family("x_seconds_count", Type::Gauge, [gauge(&[], 1.0)]),
        family("promfetch_up", Type::Gauge, [gauge(&[], 1.0)]),
        family(
            "h",
            Type::GaugeHistogram,
            [histogram(&[], native(0, &[(0, 0)], &[]))],
        ),
    ];
    let second = vec![
        with_unit(family("x_seconds", Type::Gauge, [gauge(&[], 1.0)])),
        family(
            "h",
            Type::Histogram,
            [histogram(&[], native(0, &[(0, 0)], &[]))],
        ),
    ];
    let (found, stats) = merged(&[(ZERO, first), (ONE, second)], &EXPORT);
    let told: Vec<_> = found
        .iter()
        .map(|family| (family.name(), family.r#type(), family.unit(), family.help()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "x_seconds",
                Type::Histogram,
                "seconds",
                "Help of x_seconds."
            ),
            ("x_seconds_gauge", Type::Gauge, "", "Help of x_seconds."),
            (
                "x_seconds_count_gauge",
                Type::Gauge,
                "",
                "Help of x_seconds_count."
            ),
            (
                "exported_promfetch_up",
                Type::Gauge,
                "",
                "Help of promfetch_up."
            ),
            ("h", Type::GaugeHistogram, "", "Help of h."),
            ("h_histogram", Type::Histogram, "", "Help of h."),
        ]
    );
    assert_eq!((stats.type_conflicts, stats.renamed_families), (2, 4));
}

#[test]
fn untyped_metrics_join_gauges_and_counters() {
    for (kind, typed) in [
        (Type::Gauge, gauge as fn(&[(&str, &str)], f64) -> Metric),
        (Type::Counter, counter),
    ] {
        let loose = Metric {
            timestamp_ms: Some(5),
            ..untyped(&[("index", "i")], 2.0)
        };
        let empty = Metric {
            untyped: Some(Default::default()),
            ..Metric::default()
        };
        // A unit that fits an untyped metric of this name, and no counter.
        let first = MetricFamily {
            unit: Some("total".to_owned()),
            ..family("x_total", Type::Untyped, [loose, empty])
        };
        let second = family("x_total", kind, [typed(&[], 3.0)]);
        let (found, stats) = merged(&[(ZERO, vec![first]), (ONE, vec![second])], &EXPORT);
        let unit = (kind == Type::Gauge).then(|| "total".to_owned());
        let valueless = |metric: Metric| Metric {
            gauge: metric.gauge.map(|_| Default::default()),
            counter: metric.counter.map(|_| Default::default()),
            ..metric
        };
        let want = [
            Metric {
                timestamp_ms: Some(5),
                ..typed(
                    &[("exported_index", "i"), ("app", "a"), ("index", "0")],
                    2.0,
                )
            },
            valueless(typed(ZERO, 0.0)),
            typed(ONE, 3.0),
        ];
        assert_eq!(
            found,
            [MetricFamily {
                unit,
                ..family("x_total", kind, want)
            }]
        );
        assert_eq!(stats.type_conflicts, 0);
    }
}

#[test]
fn duplicates_of_the_merge_are_left_out_as_whole_metrics() {
    let page = |value: f64| {
        vec![
            // Its own duplicate passes through.
            family(
                "x",
                Type::Gauge,
                [gauge(&[("p", "1")], value), gauge(&[("p", "1")], value)],
            ),
            family("s", Type::Summary, [summary(&[], &[0.5, value])]),
            family(
                "h",
                Type::Histogram,
                [histogram(&[], classic(&[(value, 1)]))],
            ),
        ]
    };
    let other = vec![family("x", Type::Gauge, [gauge(&[("p", "2")], 7.0)])];
    let (found, stats) = merged(
        &[(ZERO, page(1.0)), (ZERO, page(2.0)), (ZERO, other)],
        &EXPORT,
    );
    let labels = |own: &'static [(&str, &str)]| [own, ZERO].concat();
    let (one, two) = (labels(&[("p", "1")]), labels(&[("p", "2")]));
    assert_eq!(
        found,
        [
            family(
                "x",
                Type::Gauge,
                [gauge(&one, 1.0), gauge(&one, 1.0), gauge(&two, 7.0)]
            ),
            family("s", Type::Summary, [summary(ZERO, &[0.5, 1.0])]),
            family(
                "h",
                Type::Histogram,
                [histogram(ZERO, classic(&[(1.0, 1)]))]
            ),
        ]
    );
    assert_eq!(stats.duplicates, 2 + 4 + 4);
    // Values have no escapes here: a backslash and an `n` are no line feed.
    let value = |value: &str| vec![family("x", Type::Gauge, [gauge(&[("p", value)], 1.0)])];
    let (_, stats) = merged(&[(ZERO, value("\\n")), (ZERO, value("\n"))], &EXPORT);
    assert_eq!((stats.samples, stats.duplicates), (2, 0));
    // Labels that are left out make metrics of one page equal.
    let folding = vec![family(
        "x",
        Type::Gauge,
        [gauge(&[("index", "7")], 1.0), gauge(&[("index", "8")], 2.0)],
    )];
    let (found, stats) = merged(&[(ZERO, folding)], &DROP);
    assert_eq!(found, [family("x", Type::Gauge, [gauge(ZERO, 1.0)])]);
    assert_eq!(stats.duplicates, 1);
}

#[test]
fn a_family_that_stands_twice_in_a_page_is_one() {
    let twice = vec![
        family("x", Type::Gauge, [gauge(&[("p", "1")], 1.0)]),
        family("y", Type::Gauge, [gauge(&[], 1.0)]),
        family("x", Type::Gauge, [gauge(&[("p", "2")], 2.0)]),
    ];
    let (found, _) = merged(&[(&[], twice)], &EXPORT);
    let both = family(
        "x",
        Type::Gauge,
        [gauge(&[("p", "1")], 1.0), gauge(&[("p", "2")], 2.0)],
    );
    assert_eq!(found, [both, family("y", Type::Gauge, [gauge(&[], 1.0)])]);
}

/// `bytes` with a field that nobody knows at its end.
fn with_unknown(bytes: Vec<u8>) -> Vec<u8> {
    [&bytes[..], b"\x9a\x06\x06secret"].concat()
}

#[test]
fn fields_that_nobody_knows_are_kept_in_metrics() {
    // In a label, a value and a metric; in the family as well, where it is lost.
    let pair = |name: &str| field(1, &with_unknown(pairs(&[(name, "1")])[0].encode_to_vec()));
    let value = with_unknown(untyped(&[], 1.0).untyped.unwrap().encode_to_vec());
    let metric = with_unknown([pair("a"), pair("index"), field(5, &value)].concat());
    let head = family("x", Type::Untyped, []).encode_to_vec();
    let message = with_unknown([head, field(4, &metric)].concat());
    let body = [&[message.len() as u8][..], &message].concat();
    for (labels, options, want) in [
        (&[("app", "a")][..], EXPORT, 4),
        (ZERO, EXPORT, 4),
        (ZERO, DROP, 3),
    ] {
        let found = merging(&[(labels, body.clone())], &options).into_bytes();
        good(found.clone());
        let secrets = found.windows(6).filter(|bytes| bytes == b"secret").count();
        assert_eq!(secrets, want, "{options:?}");
    }
    // Only the value of a metric that gets another type loses it.
    let typed = page(&[family("x", Type::Gauge, [gauge(&[], 1.0)])]);
    let found = merging(&[(ZERO, body), (ONE, typed)], &EXPORT).into_bytes();
    assert_eq!(
        found.windows(6).filter(|bytes| bytes == b"secret").count(),
        3
    );
}

#[test]
fn metrics_are_kept_byte_for_byte() {
    let mut full = native(7, &[(-3, 1), (2, 2)], &[1, 1, 1]);
    full.bucket = classic(&[(0.5, 1), (f64::INFINITY, 7)]).bucket;
    full.zero_count = Some(1);
    full.exemplars = vec![exemplar(&[("trace_id", "1")])];
    let metric = histogram(&[("a", "1")], full);
    // An order that prost would not write, and numbers that are longer than need be.
    let encoded = Metric {
        label: vec![],
        ..metric
    }
    .encode_to_vec();
    let odd = [
        &encoded[..],
        &[0x8a, 0x00, 0x85, 0x00, 0x0a, 1, b'a', 0x12, 0],
    ]
    .concat();
    let head = family("x", Type::Histogram, []).encode_to_vec();
    let message = [head, field(4, &odd)].concat();
    let mut body = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut body);
    body.extend(message);
    let found = merging(&[(ZERO, body)], &EXPORT).into_bytes();
    let labels: Vec<u8> = pairs(ZERO)
        .iter()
        .flat_map(|pair| field(1, &pair.encode_to_vec()))
        .collect();
    let want = field(4, &[odd, labels].concat());
    assert!(found.ends_with(&want), "{found:x?}");
}

#[test]
fn lengths_are_right_wherever_they_get_longer() {
    for length in (90..140).chain(16_300..16_400) {
        let long = "v".repeat(length);
        let metrics = [gauge(&[], 1.0), gauge(&[("a", &long)], 2.0)];
        let first = vec![family("x", Type::Gauge, metrics)];
        let second = vec![family("x", Type::Gauge, [gauge(&[("b", &long)], 3.0)])];
        let (found, _) = merged(&[(ZERO, first), (ONE, second)], &EXPORT);
        assert_eq!(found[0].metric.len(), 3, "{length}");
    }
}

#[test]
fn chunks_are_small_however_large_a_family_is() {
    // The second family has labels that are rewritten, so that it is written to be measured first.
    let metrics = |label: &str, instance: &str| -> Vec<Metric> {
        (0..10_000)
            .map(|number| gauge(&[(label, &format!("{instance}/{number}"))], 1.0))
            .collect()
    };
    let page = |instance: &str| {
        page(&[
            family("x", Type::Gauge, metrics("number", instance)),
            family("y", Type::Gauge, metrics("index", instance)),
        ])
    };
    let inputs = [(ZERO, page("a")), (ONE, page("b"))];
    let whole = merging(&inputs, &EXPORT).into_bytes();
    let mut joined = Vec::new();
    for chunk in merging(&inputs, &EXPORT) {
        assert!(chunk.len() < (64 << 10) + 4096, "{}", chunk.len());
        joined.extend_from_slice(&chunk);
    }
    assert!(whole.len() > 1 << 20);
    assert!(joined == whole, "in chunks or in one piece");
    assert_eq!(good(whole).samples(), 40_000);
}

#[test]
fn health_series_are_families_of_their_own() {
    let health = |labels: Added<'_>, exporter: Option<&str>, failure: Option<Reason>| Health {
        labels: Labels::from_iter(labels.iter().copied()),
        exporter: exporter.map(Into::into),
        up: failure.is_none(),
        duration: Duration::from_millis(1250),
        samples: 3,
        body_bytes: 70,
        failure,
    };
    let rows = [
        health(ZERO, None, None),
        health(ONE, None, Some(Reason::Timeout)),
        health(&[("app", "a")], Some("db"), Some(Reason::Tls)),
    ];
    let input = Input {
        labels: Labels::from_iter(ZERO.iter().copied()),
        page: good(page(&[family("x", Type::Gauge, [gauge(&[], 1.0)])])),
    };
    let body = merge(vec![input], Some(&rows), &EXPORT).into_bytes();
    good(body.clone());
    let error = |labels: &[(&str, &str)], name: &str, help: &str| MetricFamily {
        help: Some(help.to_owned()),
        ..family(name, Type::Counter, [counter(labels, 1.0)])
    };
    let series = |name: &str, help: &str, values: [f64; 2]| MetricFamily {
        help: Some(help.to_owned()),
        ..family(
            name,
            Type::Gauge,
            [gauge(ZERO, values[0]), gauge(ONE, values[1])],
        )
    };
    assert_eq!(
        families(&body)[1..],
        [
            series(
                "promfetch_up",
                "Whether the metrics of this instance are in the page: 1 if so.",
                [1.0, 0.0]
            ),
            series(
                "promfetch_scrape_duration_seconds",
                "Time that it took to get the metrics of this instance.",
                [1.25, 1.25]
            ),
            series(
                "promfetch_scrape_samples",
                "Samples that this instance answered.",
                [3.0, 3.0]
            ),
            series(
                "promfetch_scrape_body_bytes",
                "Bytes that this instance answered, after decompression.",
                [70.0, 70.0]
            ),
            error(
                &[("app", "a"), ("index", "1"), ("error", "timeout")],
                "promfetcher_scrape_error",
                "Promfetcher scrap error on your instance"
            ),
            error(
                &[("app", "a"), ("name", "db"), ("error", "tls")],
                "promfetcher_scrape_external_exporter_error",
                "Promfetcher scrap error on external exporter"
            ),
        ]
    );
}
