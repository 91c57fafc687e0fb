//! One family of the source becomes families of the target.

use std::borrow::Cow;

use super::checks;
use super::flat::{Family, Sample};
use super::groups::{By, Numbered, arrange};
use super::planned::Planned;
use crate::exposition::{Format, MetricType};

/// A family as it is written: all structure that the target demands is there.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) name: String,
    pub(super) kind: MetricType,
    /// Whether to say the type.
    pub(super) typed: bool,
    pub(super) help: Option<Cow<'a, str>>,
    pub(super) unit: Option<Cow<'a, str>>,
    /// Their suffixes come after the piece's name. Samples of one metric have one number and stand together, in
    /// order.
    pub(super) samples: Vec<Numbered<'a>>,
    /// The samples still have the order of another structure.
    pub(super) loose: bool,
}

/// Makes the families of the target.
pub(super) fn pieces<'a>(
    mut family: Family<'a>,
    planned: &Planned,
    source: Format,
    target: Format,
) -> Vec<Piece<'a>> {
    if target != source {
        family.samples.retain(|sample| can_say_time(sample, target));
    }
    let kind = planned.kind_in(target);
    let samples = std::mem::take(&mut family.samples);
    let (is_strict, mut samples) = match target {
        _ if planned.loose => (false, number_all(samples)),
        Format::Text => {
            let is_strict = source == target || checks::text(kind, &samples);
            (is_strict, number_all(samples))
        }
        Format::OpenMetrics => {
            let keep = source == target;
            let samples = arrange(
                samples,
                By {
                    keep,
                    ..By::metric(kind)
                },
            );
            let is_strict = source == target || checks::openmetrics(kind, &samples);
            (is_strict, samples)
        }
        Format::Protobuf => {
            let samples = arrange(samples, By::message(kind));
            (checks::protobuf(kind, &samples), samples)
        }
    };
    let created_apart = target == Format::Protobuf && !super::created::can_fold(&samples);
    // The suffix of the family that a sample goes to, and its type.
    let place = |suffix: &'static str| match (suffix, kind, target) {
        ("_created", _, Format::Text) | ("_created", MetricType::Unknown, _) => {
            (suffix, MetricType::Gauge)
        }
        ("_created", _, Format::Protobuf) if created_apart => (suffix, MetricType::Gauge),
        ("_gcount" | "_gsum", _, Format::Text) => (suffix, MetricType::Gauge),
        ("_created" | "_gcount" | "_gsum", ..) if !is_strict => (suffix, MetricType::Gauge),
        _ if !is_strict => (suffix, MetricType::Unknown),
        (_, MetricType::GaugeHistogram, Format::Text) => ("", MetricType::Histogram),
        (_, MetricType::Info | MetricType::StateSet, Format::Text | Format::Protobuf) => {
            (planned.main, MetricType::Gauge)
        }
        (_, MetricType::Counter, Format::Text | Format::Protobuf) => (planned.main, kind),
        _ => ("", kind),
    };
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut suffixes: Vec<&'static str> = Vec::new();
    let mut piece = |pieces: &mut Vec<Piece<'a>>, suffix: &'static str, kind| {
        if let Some(at) = suffixes.iter().position(|known| *known == suffix) {
            return at;
        }
        suffixes.push(suffix);
        pieces.push(Piece {
            typed: family.typed || kind != MetricType::Unknown,
            help: family.help.clone(),
            unit: family.unit.clone().filter(|_| is_strict),
            samples: Vec::new(),
            loose: !is_strict,
            name: format!("{}{suffix}", planned.name),
            kind,
        });
        pieces.len() - 1
    };
    // With its structure it is there also without samples.
    if is_strict {
        let (suffix, kind) = place(planned.main);
        piece(&mut pieces, suffix, kind);
    }
    for (number, mut sample) in samples.drain(..) {
        let (suffix, kind) = place(sample.suffix);
        let at = piece(&mut pieces, suffix, kind);
        // What tells of creation stays in the family of a counter, which has `_total` in its name elsewhere.
        sample.suffix = sample.suffix.strip_prefix(suffix).unwrap_or(sample.suffix);
        if let Some(piece) = pieces.get_mut(at) {
            piece.samples.push((number, sample));
        }
    }
    pieces
}

/// Puts the samples of a family without structure in the order that the target demands.
pub(super) fn settle(piece: &mut Piece<'_>, target: Format) {
    if target != Format::OpenMetrics {
        return;
    }
    if piece.loose {
        let samples = std::mem::take(&mut piece.samples);
        let samples = samples.into_iter().map(|(_, sample)| sample).collect();
        piece.samples = arrange(samples, By::metric(piece.kind));
    }
    if By::metric(piece.kind).apart {
        leave_out_mixed(&mut piece.samples);
    }
}

/// OpenMetrics has metrics with and metrics without timestamps, but nothing between. What is said without a
/// timestamp holds now, so that stays.
fn leave_out_mixed(samples: &mut Vec<Numbered<'_>>) {
    let mixed: Vec<u32> = super::groups::metrics(samples)
        .filter(|metric| {
            let timed = metric.iter().filter(|(_, sample)| sample.time.is_some());
            !matches!(timed.count(), 0) && metric.iter().any(|(_, sample)| sample.time.is_none())
        })
        .filter_map(|metric| metric.first().map(|(number, _)| *number))
        .collect();
    if !mixed.is_empty() {
        samples.retain(|(number, sample)| {
            sample.time.is_none() || mixed.binary_search(number).is_err()
        });
    }
}

fn number_all(samples: Vec<Sample<'_>>) -> Vec<Numbered<'_>> {
    samples.into_iter().map(|sample| (0, sample)).collect()
}

/// Text has no times before 1970. A sample without its time would lie, so it is left out.
fn can_say_time(sample: &Sample<'_>, target: Format) -> bool {
    sample.time.is_none_or(|time| match target {
        Format::Text => time.millis().is_some_and(|millis| millis >= 0),
        Format::Protobuf => time.millis().is_some(),
        Format::OpenMetrics => true,
    })
}
