//! One media type with its parameters, as in `Accept` and `Content-Type`.

use crate::exposition::{Dialect, Escaping, Format, Version};

pub(super) const TEXT: &str = "text/plain";
pub(super) const OPENMETRICS: &str = "application/openmetrics-text";
pub(super) const PROTOBUF: &str = "application/vnd.google.protobuf";

/// The message of the protobuf format, as the parameter `proto` names it.
const MESSAGE: &str = "io.prometheus.client.MetricFamily";

/// A media type, or a range of them, in the words of a header. Names and types have no case (RFC 9110, 8.3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaType<'a> {
    /// `type/subtype`.
    pub(super) essence: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self {
            essence: essence.trim(),
            parameters,
        }
    }

    /// The value of a parameter without blanks and quotes around it. The first of a name counts.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().trim_matches('"').trim())
        })
    }

    pub(super) fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// The dialect that this names, as Go's `expfmt.NegotiateIncludingOpenMetrics` reads it: protobuf only with
    /// both of its parameters, versions that are known, and an `escaping` that is unknown as if it were absent.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        let (format, version) = if self.is(TEXT) {
            let version = match self.parameter("version") {
                None | Some("" | "0.0.4") => Version::V0_0_4,
                Some("1.0.0") => Version::V1_0_0,
                Some(_) => return None,
            };
            (Format::Text, Some(version))
        } else if self.is(OPENMETRICS) {
            let version = match self.parameter("version") {
                None | Some("" | "1.0.0") => Version::V1_0_0,
                Some("0.0.1") => Version::V0_0_1,
                Some(_) => return None,
            };
            (Format::OpenMetrics, Some(version))
        } else if self.is(PROTOBUF) && self.is_protobuf(false) {
            (Format::Protobuf, None)
        } else {
            return None;
        };
        Some(Dialect {
            format,
            version,
            escaping: self.parameter("escaping").and_then(Escaping::from_word),
        })
    }

    /// Whether the parameters are those of length-delimited metrics; `lenient`: or absent.
    pub(super) fn is_protobuf(&self, lenient: bool) -> bool {
        let fits = |name, want| match self.parameter(name) {
            Some(value) => value.eq_ignore_ascii_case(want),
            None => lenient,
        };
        fits("proto", MESSAGE) && fits("encoding", "delimited")
    }

    /// Whether this is a wildcard that the format falls under.
    pub(super) fn covers(&self, format: Format) -> bool {
        let essence = match format {
            Format::Text => TEXT,
            Format::OpenMetrics => OPENMETRICS,
            Format::Protobuf => PROTOBUF,
        };
        let Some((kind, "*")) = self.essence.split_once('/') else {
            return false;
        };
        kind == "*"
            || essence
                .split('/')
                .next()
                .is_some_and(|own| own.eq_ignore_ascii_case(kind))
    }
}
