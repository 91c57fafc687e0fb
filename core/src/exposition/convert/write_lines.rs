//! Families as lines of text and OpenMetrics.

use super::checks::Histogram;
use super::decimal;
use super::escape::{Role, is_legacy};
use super::flat::{Apart, Bound, Exemplar, Number, Sample};
use super::groups::metrics;
use super::output::Output;
use super::shape::Piece;
use crate::exposition::exemplar::MAX_CHARACTERS;
use crate::exposition::{Format, MetricType, ScanError};

/// Writes a family with its metadata.
pub(super) fn write(piece: &Piece<'_>, format: Format, out: &mut Output) -> Result<(), ScanError> {
    let openmetrics = format == Format::OpenMetrics;
    let metadata = |keyword: &str, out: &mut Output| {
        out.text("# ");
        out.text(keyword);
        out.text(" ");
        name(&piece.name, Role::Metric, out);
        out.text(" ");
    };
    if piece.typed && openmetrics {
        metadata("TYPE", out);
        out.text(piece.kind.word(format));
        out.text("\n");
    }
    if openmetrics && let Some(unit) = unit(piece) {
        metadata("UNIT", out);
        out.text(unit);
        out.text("\n");
    }
    if let Some(help) = &piece.help {
        metadata("HELP", out);
        // At the end of a line it would be part of the line's end.
        out.escaped(help.trim_end_matches('\r'), openmetrics);
        out.text("\n");
    }
    if piece.typed && !openmetrics {
        metadata("TYPE", out);
        out.text(piece.kind.word(format));
        out.text("\n");
    }
    if openmetrics
        && matches!(
            piece.kind,
            MetricType::Histogram | MetricType::GaugeHistogram
        )
    {
        return histograms(piece, out);
    }
    for (_, sample) in &piece.samples {
        line(piece, sample, format, out)?;
    }
    Ok(())
}

/// OpenMetrics demands the bucket for all, and a count beside a sum.
fn histograms(piece: &Piece<'_>, out: &mut Output) -> Result<(), ScanError> {
    for metric in metrics(&piece.samples) {
        // An OpenMetrics page may say things twice; what it said stays as it was.
        let Some(whole) = Histogram::read(metric) else {
            for (_, sample) in metric {
                line(piece, sample, Format::OpenMetrics, out)?;
            }
            continue;
        };
        let counted = whole.count.unwrap_or(whole.last);
        let count_name = match piece.kind {
            MetricType::Histogram => "_count",
            _ => "_gcount",
        };
        let mut missing_bucket = !whole.infinite;
        for (_, sample) in metric {
            if missing_bucket && sample.suffix != "_bucket" {
                missing_bucket = false;
                line(
                    piece,
                    &bucket_for_all(sample, counted),
                    Format::OpenMetrics,
                    out,
                )?;
            }
            if whole.count.is_none() && matches!(sample.suffix, "_sum" | "_gsum") {
                let mut count = sample.clone();
                (count.suffix, count.value) = (count_name, Number::Count(counted));
                line(piece, &count, Format::OpenMetrics, out)?;
            }
            line(piece, sample, Format::OpenMetrics, out)?;
        }
    }
    Ok(())
}

fn bucket_for_all<'a>(sample: &Sample<'a>, count: u64) -> Sample<'a> {
    Sample {
        suffix: "_bucket",
        apart: Some(Apart {
            name: "le".into(),
            value: Bound::Number(f64::INFINITY),
        }),
        value: Number::Count(count),
        exemplar: None,
        ..sample.clone()
    }
}

fn line(
    piece: &Piece<'_>,
    sample: &Sample<'_>,
    format: Format,
    out: &mut Output,
) -> Result<(), ScanError> {
    let full = is_legacy(piece.name.as_bytes(), Role::Metric);
    let mut separator = "{";
    if full {
        out.text(&piece.name);
        out.text(sample.suffix);
    } else {
        out.text("{\"");
        out.escaped(&piece.name, true);
        out.text(sample.suffix);
        out.text("\"");
        separator = ",";
    }
    for (label, value) in sample.labels.iter() {
        out.text(separator);
        separator = ",";
        name(label, Role::Label, out);
        out.text("=\"");
        out.escaped(value, true);
        out.text("\"");
    }
    if let Some(apart) = &sample.apart {
        out.text(separator);
        separator = ",";
        name(&apart.name, Role::Label, out);
        out.text("=\"");
        bound(&apart.value, piece.kind, format, out);
        out.text("\"");
    }
    if separator == "," {
        out.text("}");
    }
    out.text(" ");
    out.number(sample.value);
    if let Some(time) = sample.time {
        out.text(" ");
        match format {
            Format::OpenMetrics => time.write_seconds(&mut out.bytes),
            _ => {
                let millis = time.millis().unwrap_or_default();
                out.text(itoa::Buffer::new().format(millis));
            }
        }
    }
    if format == Format::OpenMetrics
        && let Some(found) = &sample.exemplar
    {
        let takes = matches!(
            (piece.kind, sample.suffix),
            (MetricType::Counter, "_total")
                | (
                    MetricType::Histogram | MetricType::GaugeHistogram,
                    "_bucket"
                )
        );
        if takes && fits(found) {
            exemplar(found, out);
        }
    }
    out.text("\n");
    out.count()
}

fn bound(bound: &Bound<'_>, kind: MetricType, format: Format, out: &mut Output) {
    let is_bucket = matches!(kind, MetricType::Histogram | MetricType::GaugeHistogram);
    match bound {
        // The only spelling that OpenMetrics takes. Otherwise series keep their labels.
        Bound::Text(_)
            if format == Format::OpenMetrics
                && is_bucket
                && bound.number() == Some(f64::INFINITY) =>
        {
            out.text("+Inf");
        }
        Bound::Text(text) => out.escaped(text, true),
        Bound::Number(number) if format == Format::OpenMetrics => {
            decimal::canonical_float(*number, &mut out.bytes);
        }
        Bound::Number(number) => decimal::float(*number, &mut out.bytes),
    }
}

fn name(name: &str, role: Role, out: &mut Output) {
    if is_legacy(name.as_bytes(), role) {
        out.text(name);
    } else {
        out.text("\"");
        out.escaped(name, true);
        out.text("\"");
    }
}

/// The unit, when the name ends with it as OpenMetrics demands.
fn unit<'p>(piece: &'p Piece<'_>) -> Option<&'p str> {
    let unit = piece.unit.as_deref().filter(|unit| !unit.is_empty())?;
    let rest = piece.name.strip_suffix(unit)?;
    let takes_unit = !matches!(piece.kind, MetricType::Info | MetricType::StateSet);
    let is_word = is_legacy(format!("_{unit}").as_bytes(), Role::Metric);
    (rest.ends_with('_') && takes_unit && is_word).then_some(unit)
}

/// Whether readers of OpenMetrics take such an exemplar. `prometheus_client` loses count of escaped quotes.
fn fits(exemplar: &Exemplar<'_>) -> bool {
    let characters = exemplar
        .labels
        .iter()
        .map(|(name, value)| name.chars().count() + value.chars().count());
    let names = || exemplar.labels.iter().map(|(name, _)| name);
    characters.sum::<usize>() <= MAX_CHARACTERS
        && !exemplar.labels.iter().any(|(_, value)| value.contains('"'))
        && names().enumerate().all(|(at, name)| {
            !name.starts_with("__")
                && !name.contains('"')
                && !names().take(at).any(|other| other == name)
        })
}

fn exemplar(exemplar: &Exemplar<'_>, out: &mut Output) {
    out.text(" # {");
    for (at, (label, value)) in exemplar.labels.iter().enumerate() {
        out.text(if at > 0 { "," } else { "" });
        name(label, Role::Label, out);
        out.text("=\"");
        out.escaped(value, true);
        out.text("\"");
    }
    out.text("} ");
    out.number(exemplar.value);
    if let Some(time) = exemplar.time {
        out.text(" ");
        time.write_seconds(&mut out.bytes);
    }
}
