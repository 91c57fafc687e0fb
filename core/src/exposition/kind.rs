//! The types of metric families, with the words and suffixes that each format gives them.

use super::Format;

/// The type of a family. Text 0.0.4 knows the first five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// No TYPE line, or `untyped` (text) or `unknown` (OpenMetrics).
    Unknown,
    Counter,
    Gauge,
    Histogram,
    Summary,
    GaugeHistogram,
    Info,
    StateSet,
}

impl MetricType {
    /// Reads the word of a TYPE line. Text takes any case, as Go's parser does, and `unknown` beside `untyped`.
    pub(crate) fn from_word(word: &[u8], format: Format) -> Option<Self> {
        const WORDS: [(&[u8], MetricType); 5] = [
            (b"counter", MetricType::Counter),
            (b"gauge", MetricType::Gauge),
            (b"histogram", MetricType::Histogram),
            (b"summary", MetricType::Summary),
            (b"unknown", MetricType::Unknown),
        ];
        match format {
            Format::Text => WORDS
                .iter()
                .find(|(known, _)| word.eq_ignore_ascii_case(known))
                .map(|(_, kind)| *kind)
                .or_else(|| {
                    word.eq_ignore_ascii_case(b"untyped")
                        .then_some(Self::Unknown)
                }),
            // Types are numbers there.
            Format::Protobuf => None,
            Format::OpenMetrics => match word {
                b"gaugehistogram" => Some(Self::GaugeHistogram),
                b"info" => Some(Self::Info),
                b"stateset" => Some(Self::StateSet),
                _ => WORDS
                    .iter()
                    .find(|(known, _)| word == *known)
                    .map(|(_, kind)| *kind),
            },
        }
    }

    /// The word for a TYPE line of this format.
    pub fn word(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Unknown, Format::Text | Format::Protobuf) => "untyped",
            (Self::Unknown, Format::OpenMetrics) => "unknown",
            (Self::Counter, _) => "counter",
            (Self::Gauge, _) => "gauge",
            (Self::Histogram, _) => "histogram",
            (Self::Summary, _) => "summary",
            (Self::GaugeHistogram, _) => "gaugehistogram",
            (Self::Info, _) => "info",
            (Self::StateSet, _) => "stateset",
        }
    }

    /// What samples of such a family may have after the family's name.
    ///
    /// In text, the bare name is always allowed: readers take a sample `x` under `# TYPE x histogram`.
    pub(crate) fn suffixes(self, format: Format) -> &'static [&'static str] {
        match (self, format) {
            (Self::Histogram, Format::Text) => &["_bucket", "_sum", "_count", ""],
            (Self::Summary, Format::Text) => &["", "_sum", "_count"],
            // A native histogram has samples of the bare name.
            (Self::Histogram | Self::GaugeHistogram, Format::Protobuf) => {
                &["_bucket", "_sum", "_count", ""]
            }
            (Self::Summary, Format::Protobuf) => &["", "_sum", "_count"],
            (_, Format::Text | Format::Protobuf) => &[""],
            (Self::Counter, Format::OpenMetrics) => &["_total", "_created"],
            (Self::Histogram, Format::OpenMetrics) => &["_bucket", "_count", "_sum", "_created"],
            (Self::Summary, Format::OpenMetrics) => &["", "_count", "_sum", "_created"],
            (Self::GaugeHistogram, Format::OpenMetrics) => &["_bucket", "_gcount", "_gsum"],
            (Self::Info, Format::OpenMetrics) => &["_info"],
            (Self::Unknown | Self::Gauge | Self::StateSet, Format::OpenMetrics) => &[""],
        }
    }

    /// Whether strict readers of OpenMetrics take exemplars in such a family.
    pub(crate) fn takes_exemplars(self) -> bool {
        matches!(self, Self::Counter | Self::Histogram | Self::GaugeHistogram)
    }

    /// What the family reserves: its bare name and all names that its samples can have.
    pub(crate) fn reserved(self, format: Format) -> impl Iterator<Item = &'static str> {
        let suffixes = self.suffixes(format);
        let bare = if suffixes.contains(&"") {
            None
        } else {
            Some("")
        };
        bare.into_iter().chain(suffixes.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_each_format_spells_them() {
        use Format::{OpenMetrics, Text};
        for (word, format, want) in [
            ("counter", Text, Some(MetricType::Counter)),
            ("Gauge", Text, Some(MetricType::Gauge)), // Go's expfmt takes any case
            ("untyped", Text, Some(MetricType::Unknown)),
            ("unknown", Text, Some(MetricType::Unknown)),
            ("info", Text, None), // Prometheus refuses the page
            ("", Text, None),
            ("untyped", OpenMetrics, None),
            ("Gauge", OpenMetrics, None),
            ("stateset", OpenMetrics, Some(MetricType::StateSet)),
            (
                "gaugehistogram",
                OpenMetrics,
                Some(MetricType::GaugeHistogram),
            ),
        ] {
            assert_eq!(
                MetricType::from_word(word.as_bytes(), format),
                want,
                "{word} in {format:?}"
            );
        }
    }

    #[test]
    fn a_family_reserves_its_bare_name_once() {
        for format in [Format::Text, Format::OpenMetrics] {
            for kind in [
                MetricType::Counter,
                MetricType::Summary,
                MetricType::Info,
                MetricType::Unknown,
            ] {
                assert_eq!(
                    kind.reserved(format)
                        .filter(|suffix| suffix.is_empty())
                        .count(),
                    1,
                    "{kind:?} in {format:?}"
                );
            }
        }
    }
}
