//! The pass over a body of delimited messages.

use hashbrown::HashTable;

use super::labels::Labels;
use super::model::Type;
use super::value::{Values, field_of};
use super::wire::{Field, Once, Part};
use crate::exposition::error::{Fault, Step, quote};
use crate::exposition::names::hash;
use crate::exposition::page::{FamilyEntry, Index, Mark, Sizes, Span, Splice};
use crate::exposition::quoted::is_metric_name;
use crate::exposition::{Limits, MetricType, ScanError};

/// Checks a body and indexes it.
pub(in crate::exposition) fn scan(body: &[u8], limits: &Limits) -> Result<Index, ScanError> {
    let mut scan = Scan {
        body,
        limits: *limits,
        index: Index::default(),
        by_name: HashTable::new(),
        labels: Labels::default(),
        values: Values::default(),
        samples: 0,
        last: None,
    };
    scan.run().map_err(|fault| fault.at_byte())?;
    let mut index = scan.index;
    index.quoted |= scan.labels.quoted_bits != 0 || scan.values.has_quoted_names();
    index.quoted_bits = scan.labels.quoted_bits;
    index.marks.shrink_to_fit();
    index.runs.shrink_to_fit();
    index.families.shrink_to_fit();
    index.sizes.shrink_to_fit();
    Ok(index)
}

/// State of one pass.
#[derive(Debug)]
struct Scan<'a> {
    body: &'a [u8],
    limits: Limits,
    index: Index,
    by_name: HashTable<u32>,
    labels: Labels,
    values: Values<'a>,
    /// Samples of the page so far.
    samples: usize,
    /// The family of the last metric, and where that ends.
    last: Option<(u32, usize)>,
}

/// What a family's message says beside its metrics.
#[derive(Debug)]
struct Head<'a> {
    name: Part<'a>,
    help: Option<Part<'a>>,
    unit: Option<Part<'a>>,
    kind: MetricType,
}

impl<'a> Scan<'a> {
    fn run(&mut self) -> Step<()> {
        if self.body.len() >= Mark::MAX_OFFSET {
            return Err(Fault::too_large(0, "the page has 1 GiB or more"));
        }
        let mut page = Part::new(self.body);
        while !page.is_empty() {
            self.family(page.delimited()?)?;
        }
        Ok(())
    }

    fn family(&mut self, message: Part<'a>) -> Step<()> {
        let mut name = None;
        let head = self.head(message, &mut name);
        let within = |fault: Box<Fault>| match name {
            Some(name) => fault.within(format!("family {}", quote(name.bytes()))),
            None => fault,
        };
        let head = head.map_err(within)?;
        let family = self.declare(&head).map_err(within)?;
        let mut part = message;
        let mut number = 0;
        while let Some(field) = part.field()? {
            if field.number == 4 {
                number += 1;
                self.metric(family, head.kind, &field)
                    .map_err(|fault| within(fault.within(describe(number, &field))))?;
            }
        }
        Ok(())
    }

    /// Reads what is beside the metrics. It may stand behind them.
    fn head(&self, mut message: Part<'a>, name: &mut Option<Part<'a>>) -> Step<Head<'a>> {
        let at = message.at();
        let mut once = Once::default();
        let (mut help, mut unit, mut kind) = (None, None, MetricType::Counter);
        while let Some(field) = message.field()? {
            if matches!(field.number, 1 | 2 | 3 | 5) {
                once.note(&field)?;
            }
            match field.number {
                1 => *name = Some(self.text(&field)?),
                2 => help = Some(self.text(&field)?),
                3 => kind = kind_of(&field)?,
                5 => unit = Some(self.text(&field)?),
                _ => {}
            }
        }
        match name.filter(|name| !name.is_empty()) {
            Some(name) => Ok(Head {
                name,
                help,
                unit,
                kind,
            }),
            None => Err(Fault::syntax(at, "a family without name")),
        }
    }

    fn text(&self, field: &Field<'a>) -> Step<Part<'a>> {
        let text = field.text()?;
        if text.len() > self.limits.max_line {
            return Err(Fault::too_large(
                field.start,
                format!("a text of more than {} bytes", self.limits.max_line),
            ));
        }
        Ok(text)
    }

    /// The family of this name, made when it is new.
    fn declare(&mut self, head: &Head<'a>) -> Step<u32> {
        let (name, at) = (head.name.bytes(), head.name.at());
        let span = |part: Part<'_>| Span::new(part.at(), part.end());
        if let Some(unit) = head.unit
            && !unit_fits(name, head.kind, unit.bytes())
        {
            return Err(Fault::syntax(
                unit.at(),
                format!(
                    "the name does not end with the unit {}",
                    quote(unit.bytes())
                ),
            ));
        }
        let (body, families) = (self.body, &mut self.index.families);
        let hash = hash(name);
        let name_of = |families: &[FamilyEntry], family: u32| {
            families
                .get(family as usize)
                .map_or(&[][..], |entry| entry.name.of(body))
        };
        let found = self
            .by_name
            .find(hash, |family| name_of(families, *family) == name)
            .copied();
        if let Some(family) = found {
            let Some(entry) = families.get_mut(family as usize) else {
                return Ok(family);
            };
            if entry.kind != head.kind {
                return Err(Fault::syntax(at, "it appears again, with another type"));
            }
            let first = |known: Option<Span>, other: Option<Part<'_>>| {
                known
                    .filter(|known| known.start < known.end)
                    .or(other.map(span))
            };
            entry.help = first(entry.help, head.help);
            entry.unit = first(entry.unit, head.unit);
            return Ok(family);
        }
        if families.len() >= self.limits.max_samples {
            return Err(Fault::too_large(
                at,
                format!(
                    "more than {} families, the number of samples allowed",
                    self.limits.max_samples
                ),
            ));
        }
        let family = families.len() as u32;
        let quoted_name = !is_metric_name(name);
        self.index.quoted |= quoted_name;
        families.push(FamilyEntry {
            name: span(head.name),
            help: head.help.map(span),
            unit: head.unit.map(span),
            kind: head.kind,
            typed: true,
            quoted_name,
            labels: 0,
            first_run: None,
            last_run: None,
        });
        self.index.sizes.push(Sizes::default());
        self.by_name.insert_unique(hash, family, |known| {
            crate::exposition::hash(name_of(families, *known))
        });
        Ok(family)
    }

    fn metric(&mut self, family: u32, kind: MetricType, field: &Field<'a>) -> Step<()> {
        let metric = field.part()?;
        if metric.len() > self.limits.max_line {
            return Err(Fault::too_large(
                field.start,
                format!("a metric of more than {} bytes", self.limits.max_line),
            ));
        }
        let value = self.parts(kind, metric)?;
        let (_, word) = field_of(kind);
        let samples = self
            .values
            .check(kind, value)
            .map_err(|fault| fault.within(word))?;
        self.samples += samples;
        if self.samples > self.limits.max_samples {
            return Err(Fault::too_large(
                field.start,
                format!("more than {} samples", self.limits.max_samples),
            ));
        }
        if self.last == Some((family, field.start)) {
            self.index.extend_run(field.end);
        } else {
            self.index.begin_run(family, field.start, field.end);
        }
        self.last = Some((family, field.end));
        self.index.marks.push(Mark::new(field.start, Splice::Plain));
        if let Some(entry) = self.index.families.get_mut(family as usize) {
            entry.labels |= self.labels.bits;
        }
        if let Some(sizes) = self.index.sizes.get_mut(family as usize) {
            sizes.add(metric.len(), samples);
        }
        Ok(())
    }

    /// Checks a metric's labels and time. Gives its value.
    fn parts(&mut self, kind: MetricType, mut metric: Part<'a>) -> Step<Part<'a>> {
        let at = metric.at();
        let (wanted, word) = field_of(kind);
        let mut once = Once::default();
        let mut value = None;
        let mut number = 0;
        self.labels.begin();
        while let Some(field) = metric.field()? {
            match field.number {
                1 => {
                    number += 1;
                    self.labels
                        .add(self.body, field.part()?, &mut self.index.label_names)
                        .map_err(|fault| fault.within(format!("label {number}")))?;
                }
                2..=5 | 7 if field.number == wanted => {
                    once.note(&field)?;
                    value = Some(field.part()?);
                }
                2..=5 | 7 => {
                    return Err(Fault::syntax(
                        field.start,
                        format!("a value of another type than {word}"),
                    ));
                }
                6 => {
                    once.note(&field)?;
                    field.varint()?;
                }
                _ => {}
            }
        }
        // Prometheus adds such labels to the samples that it makes of the metric: they would stand there twice.
        let taken = match kind {
            MetricType::Histogram | MetricType::GaugeHistogram if self.labels.bound => "le",
            MetricType::Summary if self.labels.quantile => "quantile",
            _ => "",
        };
        if !taken.is_empty() {
            return Err(Fault::syntax(
                at,
                format!("a label `{taken}`, which the samples of a {word} get"),
            ));
        }
        value.ok_or_else(|| Fault::syntax(at, format!("no value of type {word}")))
    }
}

fn kind_of(field: &Field<'_>) -> Step<MetricType> {
    let number = field.varint()?;
    let known = i32::try_from(number)
        .ok()
        .and_then(|number| Type::try_from(number).ok());
    known.map(MetricType::from).ok_or_else(|| {
        Fault::syntax(
            field.start,
            format!("the unknown metric type {}", number as i64),
        )
    })
}

/// Whether the name ends with the unit, or that and `_total` for a counter. Prometheus refuses the whole page
/// otherwise (`ProtobufParser.Next`).
pub(crate) fn unit_fits(name: &[u8], kind: MetricType, unit: &[u8]) -> bool {
    let base = match kind {
        MetricType::Counter => name.strip_suffix(b"_total").unwrap_or(name),
        _ => name,
    };
    unit.is_empty()
        || base
            .strip_suffix(unit)
            .is_some_and(|rest| rest.ends_with(b"_"))
}

/// Which metric of a family it is, for a message.
#[cold]
fn describe(number: usize, field: &Field<'_>) -> String {
    // As much as the message shows of it.
    const MOST: usize = 200;
    let mut labels = Vec::new();
    for pair in field
        .part()
        .into_iter()
        .flat_map(Part::accepted)
        .filter(|field| field.number == 1)
        .filter_map(|field| field.part().ok())
    {
        if labels.len() > MOST {
            break;
        }
        if !labels.is_empty() {
            labels.push(b',');
        }
        for text in pair
            .accepted()
            .filter(|field| matches!(field.number, 1 | 2))
        {
            if text.number == 2 {
                labels.push(b'=');
            }
            let text = text.part().map_or(&[][..], |text| text.bytes());
            labels.extend_from_slice(text.get(..text.len().min(MOST)).unwrap_or_default());
        }
    }
    if labels.is_empty() {
        format!("metric {number}")
    } else {
        format!("metric {number} {}", quote(&labels))
    }
}
