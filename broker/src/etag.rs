//! Entity tags: who has an answer already gets 304 (RFC 9110, section 13.1.2).

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};

/// The first half of the SHA-256 of a content, in hexadecimal: no two of ours are the same by accident.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    let hash = digest(&SHA256, content);
    hash.as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The tag of an answer that is sent byte for byte.
pub(crate) fn strong(content: &[u8]) -> HeaderValue {
    tag("", content)
}

/// The tag of an answer that may be sent compressed.
pub(crate) fn weak(content: &[u8]) -> HeaderValue {
    tag("W/", content)
}

fn tag(prefix: &str, content: &[u8]) -> HeaderValue {
    let tag = format!("{prefix}\"{}\"", fingerprint(content));
    // Hexadecimal digits and quotes can stand in a header.
    HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// Whether the caller has what this tag names. The comparison is the weak one.
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |text: &str| text.strip_prefix("W/").unwrap_or(text).to_owned();
    let Ok(own) = tag.to_str().map(opaque) else {
        return false;
    };
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|named| named == "*" || opaque(named) == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_the_tag_has_the_content() {
        let tag = strong(b"content");
        let own = tag.to_str().unwrap();
        for (header, want, why) in [
            (None, false, "nothing known"),
            (Some(own.to_owned()), true, "the same"),
            (Some(format!("W/{own}")), true, "weak comparison"),
            (Some(format!("\"old\", {own}")), true, "one of several"),
            (Some("*".to_owned()), true, "anything"),
            (Some("\"old\"".to_owned()), false, "another one"),
            (Some(own.trim_matches('"').to_owned()), false, "no tag"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = &header {
                headers.insert(IF_NONE_MATCH, header.parse().unwrap());
            }
            assert_eq!(is_known(&headers, &tag), want, "{why}");
            assert_eq!(is_known(&headers, &weak(b"content")), want, "{why}");
        }
    }

    #[test]
    fn another_content_has_another_tag() {
        assert_ne!(strong(b"a"), strong(b"b"));
        assert_eq!(fingerprint(b"a").len(), 32);
        assert_eq!(weak(b"").to_str().unwrap().len(), 36);
    }
}
