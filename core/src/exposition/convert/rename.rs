//! Protobuf to protobuf: only names change. Native histograms and all else stays.

use prost::Message;

use super::labels::LabelNames;
use super::output::Output;
use super::planned::Planned;
use super::write_messages::FamilyWriter;
use crate::exposition::page::Span;
use crate::exposition::protobuf::model::{Exemplar, Metric, MetricFamily, Type};
use crate::exposition::protobuf::unit_fits;
use crate::exposition::{FamilyEntry, Page, ScanError};

/// Writes a family with its new names.
pub(super) fn write(
    page: &Page,
    entry: &FamilyEntry,
    planned: &Planned,
    names: &LabelNames,
    out: &mut Output,
) -> Result<(), ScanError> {
    let text = |span: Option<Span>| {
        span.map(|span| String::from_utf8_lossy(span.of(page.body())).into_owned())
    };
    let name = format!("{}{}", planned.name, planned.main);
    let fits = |unit: &String| unit_fits(name.as_bytes(), entry.kind, unit.as_bytes());
    let family = MetricFamily {
        help: text(entry.help),
        r#type: Some(Type::from(entry.kind).into()),
        metric: Vec::new(),
        unit: text(entry.unit).filter(fits),
        name: Some(name),
    };
    let mut writer = FamilyWriter::begin(&family, out);
    for message in page.metrics(entry) {
        let Ok(mut metric) = Metric::decode(message) else {
            continue;
        };
        for pair in &mut metric.label {
            let written = names.get(pair.name().to_owned().into()).into_owned();
            pair.name = Some(written);
        }
        for exemplar in exemplars(&mut metric) {
            let own = exemplar
                .label
                .iter()
                .map(|pair| pair.name().to_owned().into());
            let written = names.of_exemplar(own.collect());
            for (pair, name) in exemplar.label.iter_mut().zip(written) {
                pair.name = Some(name.into_owned());
            }
        }
        writer.metrics([metric], 1)?;
    }
    writer.finish();
    Ok(())
}

fn exemplars(metric: &mut Metric) -> impl Iterator<Item = &mut Exemplar> {
    let counter = metric.counter.iter_mut();
    let histogram = metric.histogram.iter_mut();
    let of_counter = counter.filter_map(|counter| counter.exemplar.as_mut());
    let of_buckets = histogram.flat_map(|histogram| {
        let buckets = histogram.bucket.iter_mut();
        buckets
            .filter_map(|bucket| bucket.exemplar.as_mut())
            .chain(&mut histogram.exemplars)
    });
    of_counter.chain(of_buckets)
}
