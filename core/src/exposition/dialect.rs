//! A format as one reader wants it: which version, and which names it can take.

use http::HeaderValue;

use super::Format;

/// How a reader wants names that are not made of `[a-zA-Z0-9_:]`: the `escaping=` of Prometheus' media types
/// (prometheus/docs, "Content negotiation: escaping schemes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// As they are, in quotes: any UTF-8.
    AllowUtf8,
    /// Each character that is not allowed becomes `_`.
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, others `__`.
    Dots,
    /// `U__` before the name, each character that is not allowed becomes `_<code point in hexadecimal>_`.
    Values,
}

impl Escaping {
    /// The word of the `escaping` parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Reads the word of an `escaping` parameter.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values]
            .into_iter()
            .find(|escaping| escaping.as_str() == word)
    }
}

/// The versions of the text formats. Protobuf has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// OpenMetrics as drafts and old clients call it.
    V0_0_1,
    /// Prometheus text without quoted names.
    V0_0_4,
    /// Prometheus text with quoted names, or OpenMetrics.
    V1_0_0,
}

impl Version {
    /// The version as media types have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V0_0_1 => "0.0.1",
            Self::V0_0_4 => "0.0.4",
            Self::V1_0_0 => "1.0.0",
        }
    }
}

/// A format with all that a reader said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    pub format: Format,
    /// `None` for protobuf.
    pub version: Option<Version>,
    /// `None`: the reader said nothing, and gets underscores.
    pub escaping: Option<Escaping>,
}

impl Dialect {
    /// The form of a format that every reader of it takes.
    pub fn plain(format: Format) -> Self {
        Self {
            format,
            version: match format {
                Format::Text => Some(Version::V0_0_4),
                Format::OpenMetrics => Some(Version::V1_0_0),
                Format::Protobuf => None,
            },
            escaping: None,
        }
    }

    /// How names must be written.
    pub fn escaping(self) -> Escaping {
        self.escaping.unwrap_or(Escaping::Underscores)
    }

    /// The Content-Type of a page in this dialect. `escaping` is told to those who have named one.
    pub fn content_type(self) -> HeaderValue {
        let plain = HeaderValue::from_static(self.format.content_type());
        if self == Self::plain(self.format) {
            return plain;
        }
        HeaderValue::try_from(self.media_type("; ", true)).unwrap_or(plain)
    }

    /// The dialect as an element of an `Accept` header, as Prometheus writes it.
    pub fn range(self) -> String {
        self.media_type(";", false)
    }

    fn media_type(self, separator: &str, has_charset: bool) -> String {
        let mut parts = Vec::with_capacity(4);
        match self.format {
            Format::Text => parts.push("text/plain".to_owned()),
            Format::OpenMetrics => parts.push("application/openmetrics-text".to_owned()),
            Format::Protobuf => parts.extend([
                "application/vnd.google.protobuf".to_owned(),
                "proto=io.prometheus.client.MetricFamily".to_owned(),
                "encoding=delimited".to_owned(),
            ]),
        }
        if let Some(version) = self.version {
            parts.push(format!("version={}", version.as_str()));
            if has_charset {
                parts.push("charset=utf-8".to_owned());
            }
        }
        if let Some(escaping) = self.escaping {
            parts.push(format!("escaping={}", escaping.as_str()));
        }
        parts.join(separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_those_of_gos_expfmt() {
        let of = |format, version, escaping| {
            Dialect {
                format,
                version,
                escaping,
            }
            .content_type()
        };
        let utf8 = Some(Escaping::AllowUtf8);
        for (got, want) in [
            (
                of(Format::Text, Some(Version::V0_0_4), None),
                "text/plain; version=0.0.4; charset=utf-8",
            ),
            (
                of(Format::Text, Some(Version::V1_0_0), utf8),
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                of(Format::OpenMetrics, Some(Version::V1_0_0), None),
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            (
                of(
                    Format::OpenMetrics,
                    Some(Version::V0_0_1),
                    Some(Escaping::Values),
                ),
                "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=values",
            ),
            (
                of(Format::Protobuf, None, None),
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            ),
            (
                of(Format::Protobuf, None, utf8),
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8",
            ),
        ] {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn the_plain_form_has_one_wording() {
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let plain = Dialect::plain(format);
            assert_eq!(plain.media_type("; ", true), format.content_type());
        }
    }

    #[test]
    fn escapings_have_one_word_each() {
        for escaping in [
            Escaping::AllowUtf8,
            Escaping::Underscores,
            Escaping::Dots,
            Escaping::Values,
        ] {
            assert_eq!(Escaping::from_word(escaping.as_str()), Some(escaping));
        }
        assert_eq!(Escaping::from_word("utf-8"), None);
    }
}
