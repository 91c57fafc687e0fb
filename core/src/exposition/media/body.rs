//! What a body is: by what its sender says of it, or by its own bytes.

use super::media_type::{MediaType, OPENMETRICS, PROTOBUF};
use crate::exposition::Format;

/// The format of a body by its Content-Type; None when it is certainly none of ours (HTML, JSON, other protobuf).
///
/// Absent, empty and unreadable headers count as text, as for Prometheus 2. Protobuf without its parameters counts
/// as metrics, as in Go's `expfmt.ResponseFormat`: who sends it here means it.
pub fn of_content_type(content_type: Option<&str>) -> Option<Format> {
    let media = MediaType::parse(content_type.unwrap_or_default());
    let Some((kind, subtype)) = media.essence.split_once('/') else {
        return Some(Format::Text);
    };
    if media.is(OPENMETRICS) {
        return Some(Format::OpenMetrics);
    }
    if media.is(PROTOBUF) {
        return media.is_protobuf(true).then_some(Format::Protobuf);
    }
    // Sloppy exporters send their text as application/octet-stream or as text/x-something.
    let subtype = subtype.to_ascii_lowercase();
    let known_other = ["html", "xml", "json"].contains(&&*subtype)
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
        || subtype.contains("protobuf");
    let text = kind.eq_ignore_ascii_case("text") || media.is("application/octet-stream");
    (text && !known_other).then_some(Format::Text)
}

/// The format of a saved body, which nobody says anything of.
///
/// OpenMetrics ends with `# EOF`; in text that is a comment which nobody writes. Protobuf begins with a family and
/// its name, and goes on as no text can: with bytes that are no text, or with families up to its very end.
pub fn of_content(body: &[u8]) -> Format {
    let is_text = || std::str::from_utf8(body).is_ok() && !body.contains(&0);
    if begins_with_family(body) && (!is_text() || is_delimited(body)) {
        Format::Protobuf
    } else if body.trim_ascii_end().ends_with(b"# EOF") {
        Format::OpenMetrics
    } else {
        Format::Text
    }
}

/// A length, and in that many bytes first the field 1 (the name), which is a text of at least one character. All
/// writers of the format order fields by number.
fn begins_with_family(body: &[u8]) -> bool {
    let name = || {
        let (length, message) = varint(body)?;
        let (&tag, rest) = message.split_first()?;
        let (name, rest) = varint(rest)?;
        (tag == 0x0a && name > 0 && name < length).then(|| rest.get(..name))?
    };
    name().is_some_and(|name| {
        std::str::from_utf8(name).is_ok_and(|name| !name.contains(char::is_control))
    })
}

/// Whether the whole body is lengths with that many bytes after each.
fn is_delimited(mut body: &[u8]) -> bool {
    while !body.is_empty() {
        let Some(rest) = varint(body).and_then(|(length, message)| message.get(length..)) else {
            return false;
        };
        body = rest;
    }
    true
}

/// A number of protobuf's and the bytes behind it. Those of more than five bytes are no lengths.
fn varint(body: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in body.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, body.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, Protobuf, Text};

    #[test]
    fn bodies_are_known_by_their_content_type() {
        for (content_type, want) in [
            (None, Some(Text)),
            (Some(""), Some(Text)),
            (Some("text/plain; version=0.0.4; charset=utf-8"), Some(Text)),
            (
                Some("text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
                Some(Text),
            ),
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
                Some(Protobuf),
            ),
            (
                Some(
                    "application/vnd.google.protobuf; Proto=\"io.prometheus.client.MetricFamily\"; encoding=delimited; escaping=underscores",
                ),
                Some(Protobuf),
            ),
            (Some("application/vnd.google.protobuf"), Some(Protobuf)),
            (
                Some(
                    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
                ),
                None,
            ),
            (
                Some("application/vnd.google.protobuf; proto=other; encoding=delimited"),
                None,
            ),
            (Some("application/x-protobuf"), None),
            (Some("image/png"), None),
        ] {
            assert_eq!(of_content_type(content_type), want, "{content_type:?}");
        }
    }

    #[test]
    fn saved_bodies_are_known_by_their_bytes() {
        // A family `up` of type gauge with one sample of value 1.
        let family = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f";
        // A family without samples: every byte of it is text.
        let bare = b"\x06\x0a\x02up\x18\x01";
        for (body, want, why) in [
            (&b""[..], Text, "nothing"),
            (b"a 1\n", Text, "text"),
            (b"a 1\n# EOF\n", OpenMetrics, "the last line"),
            (b"a 1\n# EOF", OpenMetrics, "without a line feed"),
            (b"# EOF\na 1\n", Text, "not the last line"),
            (family, Protobuf, "one family"),
            (
                &[&family[..], family].concat(),
                Protobuf,
                "several families",
            ),
            (&family[..16], Protobuf, "one that was cut"),
            (bare, Protobuf, "only a name"),
            (b"#\n\n# HELP a b\n", Text, "looks like a length and a tag"),
            (b"\n\n\n\n", Text, "line feeds"),
            (b"a \xff\n", Text, "broken text stays text"),
            (b"\xff\xff\xff\xff\xff\xff\xff", Text, "no length"),
        ] {
            assert_eq!(of_content(body), want, "{why}");
        }
    }
}
