//! Headers that others may add to what promfetch sends to instances: developers in bindings, operators for fixed
//! targets, programs for one request. One rule for all of them.

use http::{HeaderName, HeaderValue};

/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest value, in bytes: tokens are long.
pub const MAX_VALUE: usize = 8192;
/// What a name must be. It follows a verb.
pub const NAME: &str = "the name of a header, with at most 64 characters";
/// What a value must be. It follows a verb.
pub const VALUE: &str = "made of ASCII characters, without spaces at its ends";

/// A header from outside, ready to be sent. The value is marked as sensitive: it may be a key.
///
/// # Errors
/// A clause that follows the header's name, without the value: the name is none, promfetch sets this header itself,
/// or the value is empty, too long or has other characters than visible ASCII and blanks inside.
pub fn check(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let must_be = |what: &str| format!("must be {what}");
    if !is_name(name) {
        return Err(must_be(NAME));
    }
    if is_reserved(&name.to_ascii_lowercase()) {
        return Err("is set by promfetch itself".into());
    }
    let name = HeaderName::try_from(name).map_err(|_| must_be(NAME))?;
    Ok((name, check_value(value)?))
}

/// The value of a header from outside, by the same rules.
///
/// # Errors
/// A clause that follows the header's name.
pub fn check_value(value: &str) -> Result<HeaderValue, String> {
    if value.is_empty() || value.len() > MAX_VALUE {
        return Err(format!("must have a value of 1 to {MAX_VALUE} bytes"));
    }
    let must_be = || format!("must have a value {VALUE}");
    if !is_value(value) {
        return Err(must_be());
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| must_be())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether this is a header's name (RFC 9110, 5.1) of at most [`MAX_NAME`] bytes.
pub fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Whether a header can have this value: printable ASCII, with no blank that would be cut off on the way.
pub fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

/// Whether a header, by its name in lower case, is one that promfetch sets, that belongs to the connection, or that
/// an app may believe because only the platform can send it.
pub fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "content-encoding",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-real-ip",
    ];
    const PREFIXES: [&str; 5] = [
        "x-forwarded-",
        "x-prometheus-",
        "x-promfetch",
        "x-cf-",
        "x-vcap-",
    ];
    NAMES.contains(&name)
        || name.starts_with("if-")
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_add() {
        let long = "x".repeat(MAX_VALUE + 1);
        let long_name = "x".repeat(MAX_NAME + 1);
        for (name, value, wrong, why) in [
            ("X-Tenant", "blue", None, "a header"),
            ("x-api-key", "a b", None, "a blank inside"),
            ("cookie", "a=b; c=d", None, "nobody else sets it"),
            ("Host", "h", Some("is set by promfetch itself"), "ours"),
            ("TE", "trailers", Some("is set by"), "of the connection"),
            ("Transfer-Encoding", "x", Some("is set by"), "smuggles"),
            (
                "Authorization",
                "x",
                Some("is set by"),
                "has a place of its own",
            ),
            ("X-Forwarded-For", "x", Some("is set by"), "the platform's"),
            (
                "X-CF-InstanceIndex",
                "x",
                Some("is set by"),
                "the platform's",
            ),
            ("If-None-Match", "x", Some("is set by"), "304 is no page"),
            ("a b", "x", Some("must be the name of a header"), "no name"),
            ("", "x", Some("must be the name of a header"), "no name"),
            ("ü", "x", Some("must be the name of a header"), "no name"),
            (&long_name, "x", Some("must be the name"), "too long"),
            ("x-a", "", Some("must have a value of 1 to 8192"), "empty"),
            (
                "x-a",
                &long,
                Some("must have a value of 1 to 8192"),
                "too long",
            ),
            (
                "x-a",
                "a\r\nx: y",
                Some("must have a value made of ASCII"),
                "another header",
            ),
            (
                "x-a",
                " b",
                Some("must have a value made of ASCII"),
                "cut on the way",
            ),
            (
                "x-a",
                "ü",
                Some("must have a value made of ASCII"),
                "no agreed meaning",
            ),
        ] {
            match (check(name, value), wrong) {
                (Ok((_, made)), None) => assert!(made.is_sensitive() && made == value, "{why}"),
                (Err(reason), Some(start)) => {
                    assert!(reason.starts_with(start), "{name}: {why}: {reason}");
                }
                (got, _) => panic!("{name}: {why}: {got:?}"),
            }
        }
    }
}
