//! Media types: which format a caller wants, what instances are asked for, what a body is.

use super::Format;

/// The best format for an `Accept` header among `offered`, which is in order of preference.
///
/// Of the formats that the header admits with the highest weight, the one that the header names earliest wins; an
/// absent header, or one that admits nothing that is offered, gets text. Formats with another version than ours
/// and unknown types (protobuf for now) are passed over.
pub fn negotiate(accept: Option<&str>, offered: &[Format]) -> Format {
    let mut best: Option<(u16, Format)> = None;
    for range in accept
        .unwrap_or_default()
        .split(',')
        .filter_map(Range::parse)
    {
        let Some(format) = offered.iter().copied().find(|format| range.admits(*format)) else {
            continue;
        };
        if range.weight > 0 && best.is_none_or(|(weight, _)| range.weight > weight) {
            best = Some((range.weight, format));
        }
    }
    match best {
        Some((_, format)) => format,
        None => Format::Text,
    }
}

/// The `Accept` header for instances on behalf of a caller that gets `format`.
///
/// Text asks for text alone, so that no instance answers in a format that the page cannot take. OpenMetrics asks
/// for it first; text is the answer of those that have nothing else.
pub fn accept_for(format: Format) -> &'static str {
    match format {
        Format::Text | Format::Protobuf => "text/plain;version=0.0.4,text/plain;q=0.9,*/*;q=0.1",
        Format::OpenMetrics => {
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        }
    }
}

/// The format of a body by its Content-Type; None when it is certainly none of ours (HTML, JSON, protobuf).
///
/// Absent, empty and unreadable headers count as text, as for Prometheus 2.
pub fn of_content_type(content_type: Option<&str>) -> Option<Format> {
    let full = content_type.unwrap_or_default();
    let essence = full.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else {
        return Some(Format::Text);
    };
    if essence.eq_ignore_ascii_case(OPENMETRICS) {
        return Some(Format::OpenMetrics);
    }
    // Sloppy exporters send their text as application/octet-stream or as text/x-something.
    let known_other = subtype.eq_ignore_ascii_case("html")
        || subtype.eq_ignore_ascii_case("xml")
        || subtype.eq_ignore_ascii_case("json")
        || subtype.to_ascii_lowercase().ends_with("+json")
        || subtype.to_ascii_lowercase().ends_with("+xml")
        || subtype.to_ascii_lowercase().contains("protobuf");
    let text = kind.eq_ignore_ascii_case("text")
        || essence.eq_ignore_ascii_case("application/octet-stream");
    (text && !known_other).then_some(Format::Text)
}

const PROTOBUF: &str = "application/vnd.google.protobuf";
const OPENMETRICS: &str = "application/openmetrics-text";

/// One element of an `Accept` header.
#[derive(Debug)]
struct Range<'a> {
    essence: &'a str,
    version: Option<&'a str>,
    /// Weight in thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    /// None when it is malformed.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?;
        let mut range = Self {
            essence,
            version: None,
            weight: 1000,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                let weight: f32 = value
                    .parse()
                    .ok()
                    .filter(|weight| (0.0..=1.0).contains(weight))?;
                range.weight = (weight * 1000.0).round() as u16;
            } else if name.trim().eq_ignore_ascii_case("version") {
                range.version = Some(value);
            }
        }
        Some(range)
    }

    fn admits(&self, format: Format) -> bool {
        let (essence, versions): (&str, &[&str]) = match format {
            Format::Text => ("text/plain", &["0.0.4"]),
            Format::OpenMetrics => (OPENMETRICS, &["1.0.0", "0.0.1"]),
            Format::Protobuf => (PROTOBUF, &[]),
        };
        let named = self.essence.eq_ignore_ascii_case(essence);
        let wild = self.essence == "*/*"
            || self.essence.strip_suffix("/*").is_some_and(|kind| {
                essence
                    .split('/')
                    .next()
                    .is_some_and(|own| own.eq_ignore_ascii_case(kind))
            });
        (named
            && self
                .version
                .is_none_or(|version| versions.contains(&version)))
            || (wild && self.essence != OPENMETRICS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, Text};

    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    const PROTOBUF_FIRST: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

    #[test]
    fn the_caller_gets_what_it_weighs_highest_among_what_is_offered() {
        let both = [Text, OpenMetrics];
        for (accept, offered, want, why) in [
            (None, &both[..], Text, "no header"),
            (Some(""), &both, Text, "empty header"),
            (
                Some("*/*"),
                &both,
                Text,
                "curl gets the first that is offered",
            ),
            (Some("text/html,*/*;q=0.8"), &both, Text, "a browser"),
            (Some(PROMETHEUS_2_42), &both, OpenMetrics, "Prometheus 2.42"),
            (Some(PROMETHEUS_3), &both, OpenMetrics, "Prometheus 3"),
            (
                Some(PROTOBUF_FIRST),
                &both,
                OpenMetrics,
                "protobuf is passed over",
            ),
            (Some(PROMETHEUS_3), &[Text], Text, "only text is offered"),
            (
                Some("application/openmetrics-text"),
                &[Text],
                Text,
                "nothing fits: text",
            ),
            (
                Some("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"),
                &both,
                Text,
                "an unknown version is passed over",
            ),
            (
                Some("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8"),
                &both,
                OpenMetrics,
                "quotes and blanks",
            ),
            (
                Some("text/plain;q=0.5,application/openmetrics-text;q=0.5"),
                &both,
                Text,
                "equal weights: first named",
            ),
            (
                Some("application/openmetrics-text;q=0,*/*"),
                &both,
                Text,
                "refused with weight 0",
            ),
            (
                Some("application/*"),
                &both,
                OpenMetrics,
                "partial wildcard",
            ),
            (
                Some("TEXT/PLAIN, Application/OpenMetrics-Text;q=0.9"),
                &both,
                Text,
                "any case",
            ),
            (
                Some(";;;,q=9,text/plain;q=nonsense,,"),
                &both,
                Text,
                "garbage",
            ),
            (
                Some(
                    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.9,text/plain;version=0.0.4;q=0.1",
                ),
                &both,
                Text,
                "text 0.0.4 is left",
            ),
        ] {
            assert_eq!(negotiate(accept, offered), want, "{why}");
        }
    }

    #[test]
    fn bodies_are_known_by_their_content_type() {
        for (content_type, want) in [
            (None, Some(Text)),
            (Some(""), Some(Text)),
            (Some("text/plain; version=0.0.4; charset=utf-8"), Some(Text)),
            (Some("text/plain"), Some(Text)),
            (Some("TEXT/PLAIN"), Some(Text)),
            (Some("application/octet-stream"), Some(Text)),
            (Some("nonsense"), Some(Text)),
            (
                Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
                Some(OpenMetrics),
            ),
            (Some("application/openmetrics-text"), Some(OpenMetrics)),
            (Some("text/html; charset=utf-8"), None),
            (Some("application/json"), None),
            (Some("application/problem+json"), None),
            (
                Some(
                    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
                ),
                None,
            ),
            (Some("image/png"), None),
        ] {
            assert_eq!(of_content_type(content_type), want, "{content_type:?}");
        }
    }

    #[test]
    fn our_own_answers_and_questions_agree() {
        for format in [Text, OpenMetrics] {
            assert_eq!(of_content_type(Some(format.content_type())), Some(format));
            assert_eq!(
                negotiate(Some(accept_for(format)), &[Text, OpenMetrics]),
                format
            );
        }
    }
}
