//! In what form a page is printed: the words of the command line for formats and names.

use promfetch_core::exposition::{Dialect, Escaping, Format, Version};

/// The formats by their names on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PageFormat {
    /// Prometheus text.
    Text,
    /// OpenMetrics text 1.0.0.
    #[value(name = "openmetrics")]
    OpenMetrics,
    /// Length-delimited `io.prometheus.client.MetricFamily` messages: no text.
    Protobuf,
}

impl PageFormat {
    pub(super) fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::OpenMetrics => Format::OpenMetrics,
            Self::Protobuf => Format::Protobuf,
        }
    }
}

/// What becomes of names that old readers do not know, by the words of Prometheus' media types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PageEscaping {
    /// They stay, in quotes.
    #[value(name = "allow-utf-8")]
    AllowUtf8,
    /// Each other character becomes `_`.
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`.
    Dots,
    /// `U__`, and the code of each other character between `_`.
    Values,
}

impl PageEscaping {
    fn escaping(self) -> Escaping {
        match self {
            Self::AllowUtf8 => Escaping::AllowUtf8,
            Self::Underscores => Escaping::Underscores,
            Self::Dots => Escaping::Dots,
            Self::Values => Escaping::Values,
        }
    }
}

/// The dialect of these words. Text that says something of its names is 1.0.0, as with Prometheus.
pub(super) fn dialect(format: PageFormat, escaping: Option<PageEscaping>) -> Dialect {
    let plain = Dialect::plain(format.format());
    match escaping {
        None => plain,
        Some(escaping) => Dialect {
            version: plain.version.map(|_| Version::V1_0_0),
            escaping: Some(escaping.escaping()),
            ..plain
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_what_prometheus_says() {
        for (format, escaping, want) in [
            (PageFormat::Text, None, "text/plain;version=0.0.4"),
            (
                PageFormat::Text,
                Some(PageEscaping::AllowUtf8),
                "text/plain;version=1.0.0;escaping=allow-utf-8",
            ),
            (
                PageFormat::OpenMetrics,
                Some(PageEscaping::Dots),
                "application/openmetrics-text;version=1.0.0;escaping=dots",
            ),
            (
                PageFormat::Protobuf,
                Some(PageEscaping::Values),
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=values",
            ),
        ] {
            assert_eq!(dialect(format, escaping).range(), want);
        }
    }
}
