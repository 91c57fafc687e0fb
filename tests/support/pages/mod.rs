//! Pages that are made up: one set of metrics, said in any format, with the series that a reader should find.
//!
//! [`Metrics::random`] makes families of all types with what each format can say of them; [`Metrics::page`] writes
//! them, by code that is not promfetch's; [`Metrics::series`] says what is read of them in another format, by the table
//! of `docs/formats.md`.

use crate::oracle::{Exemplar, Format, Native};

mod lines;
mod random;
mod series;
mod wire;

pub use random::Random;

/// What instances of one app expose: the same families, other values.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub families: Vec<Family>,
}

/// A family, named without `_total` and `_info`.
#[derive(Clone, Debug)]
pub struct Family {
    pub name: String,
    pub kind: Kind,
    pub help: Option<String>,
    /// Part of the name.
    pub unit: Option<&'static str>,
    pub metrics: Vec<Metric>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    /// A counter without `_total`, which OpenMetrics does not know.
    BareCounter,
    Gauge,
    Unknown,
    Summary,
    Histogram,
    GaugeHistogram,
    Info,
    StateSet,
    /// A histogram that has no buckets but native ones.
    Native,
    /// The same with counts that are no whole numbers or with a sum beside buckets below zero, which OpenMetrics does
    /// not take in histograms.
    NativeLoose,
}

impl Kind {
    /// Whether a format has such families at all.
    pub fn is_of(self, format: Format) -> bool {
        match self {
            Self::BareCounter => format != Format::OpenMetrics,
            Self::GaugeHistogram => format != Format::Text,
            Self::Info | Self::StateSet => format == Format::OpenMetrics,
            Self::Native | Self::NativeLoose => format == Format::Protobuf,
            _ => true,
        }
    }
}

/// What has one set of labels.
#[derive(Clone, Debug)]
pub struct Metric {
    pub labels: Vec<(String, String)>,
    /// Milliseconds, as all times here.
    pub timestamp: Option<i64>,
    pub created: Option<i64>,
    pub point: Point,
}

#[derive(Clone, Debug)]
pub enum Point {
    Number(f64, Option<Exemplar>),
    Summary {
        quantiles: Vec<(f64, f64)>,
        sum: f64,
        count: u64,
    },
    Histogram {
        buckets: Vec<Bucket>,
        sum: f64,
        count: u64,
        /// Beside the others.
        native: Option<Native>,
    },
    Native(Native, Vec<Exemplar>),
    States(Vec<(&'static str, bool)>),
}

/// A classic bucket; the last of a histogram is the one for all.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub bound: f64,
    pub count: u64,
    pub exemplar: Option<Exemplar>,
}

impl Metrics {
    /// The page in this format, without the families that the format does not have.
    pub fn page(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Text | Format::OpenMetrics => lines::page(self, format).into_bytes(),
            Format::Protobuf => wire::page(self),
        }
    }

    /// All names of families, with `_total` and `_info`, and of labels.
    pub fn names(&self) -> Vec<String> {
        let labels = |family: &Family| -> Vec<_> {
            let metrics = family.metrics.iter();
            metrics
                .flat_map(|metric| &metric.labels)
                .map(|(name, _)| name.clone())
                .collect()
        };
        let names = self.families.iter().flat_map(|family| {
            let mut names = labels(family);
            names.push(family.main());
            names
        });
        names.collect()
    }

    /// The same with other names.
    #[must_use]
    pub fn renamed(&self, rename: impl Fn(&str) -> String) -> Self {
        let mut renamed = self.clone();
        for family in &mut renamed.families {
            let name = rename(&family.main());
            let suffix = family.main()[family.name.len()..].to_owned();
            family.name = name.strip_suffix(&suffix).unwrap_or(&name).to_owned();
            // A name ends with its unit, or it has none: `_seconds__total` has lost it.
            let unit = family.unit;
            family.unit = unit.filter(|unit| family.name.ends_with(&format!("_{unit}")));
            for (name, _) in family
                .metrics
                .iter_mut()
                .flat_map(|metric| &mut metric.labels)
            {
                *name = rename(name);
            }
        }
        renamed
    }

    /// The same without times of samples.
    #[must_use]
    pub fn timeless(&self) -> Self {
        let mut timeless = self.clone();
        for metric in timeless
            .families
            .iter_mut()
            .flat_map(|family| &mut family.metrics)
        {
            metric.timestamp = None;
        }
        timeless
    }

    /// The same without native buckets beside classic ones.
    #[must_use]
    pub fn classic(&self) -> Self {
        let mut classic = self.clone();
        for metric in classic
            .families
            .iter_mut()
            .flat_map(|family| &mut family.metrics)
        {
            if let Point::Histogram { native, .. } = &mut metric.point {
                *native = None;
            }
        }
        classic
    }

    /// The same without families of this type.
    #[must_use]
    pub fn without(&self, kind: Kind) -> Self {
        let mut without = self.clone();
        without.families.retain(|family| family.kind != kind);
        without
    }

    fn of(&self, format: Format) -> impl Iterator<Item = &Family> {
        self.families
            .iter()
            .filter(move |family| family.kind.is_of(format))
    }
}

impl Family {
    /// What its samples of one number are called.
    fn main(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Info => format!("{}_info", self.name),
            _ => self.name.clone(),
        }
    }
}

/// Whether a name needs no quotes.
fn is_legacy(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "_:".contains(it))
}

/// As text and OpenMetrics write numbers.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.into()
    } else {
        format!("{value:?}")
    }
}

/// Milliseconds as seconds.
fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{self, Oracle};

    #[test]
    fn oracles_find_what_the_pages_say() {
        for format in Format::ALL {
            let pages: Vec<_> = (0..20)
                .map(|seed| {
                    let metrics = Metrics::random(&mut Random::new(seed), seed % 2 == 0);
                    let series = metrics.series(format, format, &[]);
                    (format!("seed {seed}"), metrics.page(format), series)
                })
                .collect();
            oracle::judge(format, &pages);
        }
    }

    #[test]
    fn oracles_refuse_what_is_broken() {
        let counter = b"\x0e\x0a\x01a\x18\x00\x22\x07\x1a\x05\x08\x01\x10\x01";
        for (format, page, why) in [
            (Format::Text, &b"a 1\nb{\n"[..], "no label"),
            (Format::OpenMetrics, b"a 1\n", "no EOF"),
            (Format::Protobuf, b"\x05\x0a\x01a\x18", "cut short"),
            (Format::Protobuf, counter, "wrong wire types"),
        ] {
            for oracle in format.oracles() {
                let read = oracle::read(*oracle, format, &[page.to_vec()]);
                assert!(read[0].is_err(), "{oracle:?}: {why}");
            }
        }
        let unknown = b"\x0e\x0a\x01a\x18\x01\x22\x04\x12\x02\x98\x06\x98\x06\x01".to_vec();
        let read = oracle::read(Oracle::Python, Format::Protobuf, &[unknown]);
        assert!(
            read[0]
                .as_ref()
                .is_err_and(|it| it.contains("unknown field") || it.contains("Error")),
            "{read:?}"
        );
    }
}
