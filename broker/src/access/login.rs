//! What a caller writes into `Authorization`, read and not yet believed: Basic (RFC 7617) or Bearer (RFC 6750).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use promfetch_core::config::Secret;

/// Longest Basic credentials, in bytes of the header.
const MAX_BASIC: usize = 8 << 10;
/// Longest token, in bytes. UAA's tokens list all scopes of the user and pass 8 KiB for some.
pub(super) const MAX_TOKEN: usize = 16 << 10;

/// The login of a request.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    Basic { user: String, password: Secret },
    Bearer(Secret),
}

/// Why a login cannot be read: a sentence for the caller, without anything of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(&'static str);

impl Login {
    /// The login of these headers, if there is one.
    ///
    /// # Errors
    /// When there is something that is no login by the RFCs, or more than one.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, Unreadable> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            // Two parsers on the way could each believe another one.
            return Err(Unreadable("There is more than one Authorization header"));
        }
        Self::parse(value).map(Some)
    }

    /// The login of such a header.
    ///
    /// # Errors
    /// When it is none by the RFCs.
    pub(crate) fn parse(value: &HeaderValue) -> Result<Self, Unreadable> {
        let value = value
            .to_str()
            .map_err(|_| Unreadable("The Authorization header has characters outside of ASCII"))?;
        let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
        // RFC 9110, section 11.4: one or more blanks.
        let credentials = credentials.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("basic") {
            basic(credentials)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            bearer(credentials)
        } else {
            Err(Unreadable(
                "The Authorization header is neither Basic nor Bearer",
            ))
        }
    }
}

fn basic(credentials: &str) -> Result<Login, Unreadable> {
    if credentials.len() > MAX_BASIC {
        return Err(Unreadable("The Basic login is longer than 8 KiB"));
    }
    // Padding is required (RFC 4648, section 3.2: nothing in RFC 7617 says otherwise).
    let bytes = STANDARD
        .decode(credentials)
        .map_err(|_| Unreadable("The Basic login is not base64 with padding"))?;
    let text = String::from_utf8(bytes).map_err(|_| Unreadable("The Basic login is not UTF-8"))?;
    let (user, password) = text.split_once(':').ok_or(Unreadable(
        "The Basic login has no colon between user and password",
    ))?;
    // RFC 7617, section 2. Those of Unicode beyond ASCII are not meant.
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Unreadable("The Basic login has control characters"));
    }
    Ok(Login::Basic {
        user: user.to_owned(),
        password: Secret(password.to_owned()),
    })
}

fn bearer(token: &str) -> Result<Login, Unreadable> {
    if token.len() > MAX_TOKEN {
        return Err(Unreadable("The Bearer token is longer than 16 KiB"));
    }
    // RFC 6750, section 2.1: b64token.
    let body = token.trim_end_matches('=');
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if body.is_empty() || !body.bytes().all(good) {
        return Err(Unreadable("The Bearer token is empty or no token"));
    }
    Ok(Login::Bearer(Secret(token.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user|password`, `Bearer|token`, or the error.
    fn read(values: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        match Login::read(&headers) {
            Ok(None) => "none".into(),
            Ok(Some(Login::Basic { user, password })) => format!("{user}|{}", password.0),
            Ok(Some(Login::Bearer(token))) => format!("Bearer|{}", token.0),
            Err(error) => format!("error: {error}"),
        }
    }

    fn encoded(text: &[u8]) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn basic_logins() {
        for (text, want, why) in [
            (&b"jane:pa55"[..], "jane|pa55", "plain"),
            (b"jane:a:b:", "jane|a:b:", "passwords may have colons"),
            (b"jane:", "jane|", "an empty password"),
            (b":x", "|x", "an empty user"),
            (b":", "|", "both empty"),
            ("jürgen:grüße€".as_bytes(), "jürgen|grüße€", "UTF-8"),
            (b" jane : x ", " jane | x ", "blanks belong to them"),
            (b"jane", "no colon", "only a user"),
            (b"", "no colon", "nothing"),
            (b"j\xfcrgen:x", "not UTF-8", "Latin-1"),
            (b"jane:a\nb", "control characters", "a line feed"),
            (b"ja\x00ne:x", "control characters", "NUL in the user"),
            (b"jane:\x7f", "control characters", "DEL"),
        ] {
            let got = read(&[&encoded(text)]);
            let right = got == want || (got.starts_with("error: ") && got.contains(want));
            assert!(right, "{why}: {got}");
        }
    }

    #[test]
    fn headers_as_they_may_be_written() {
        for (value, want, why) in [
            (&b"Basic YTpi"[..], "a|b", "usual"),
            (b"bAsIc YTpi", "a|b", "schemes know no case"),
            (b"Basic    YTpi", "a|b", "more blanks"),
            (b"Basic YTpiYw==", "a|bc", "padded"),
            (b"Basic YTpiYw", "error", "not padded"),
            (b"Basic YTpiYw=", "error", "padded in part"),
            (b"Basic YTpiYx==", "error", "bits left over"),
            (b"Basic YTpi YTpi", "error", "two"),
            (b"Basic\tYTpi", "error", "a tab is no blank"),
            (b"Basic YT-_", "error", "the other alphabet"),
            (b"Basic", "error", "no credentials"),
            (b"Basic ", "error", "no credentials behind the blank"),
            (b"BasicYTpi", "error", "no blank"),
            (b"Basic \xff", "error", "outside of ASCII"),
            (b"", "error", "empty"),
            (b"Digest username=\"a\"", "error", "another scheme"),
            (
                b"Bearer a.b-c_d~e+f/g=",
                "Bearer|a.b-c_d~e+f/g=",
                "all characters",
            ),
            (b"BEARER  a.b.c", "Bearer|a.b.c", "schemes know no case"),
            (b"bearer", "error", "no token"),
            (b"Bearer ==", "error", "nothing but padding"),
            (b"Bearer a=b", "error", "padding inside"),
            (b"Bearer a b", "error", "two words"),
            (b"Bearer a,b", "error", "no such character"),
            (b"Bearer Bearer a", "error", "twice"),
        ] {
            let got = read(&[value]);
            let right = got == want || (want == "error" && got.starts_with("error: "));
            assert!(right, "{why}: {got}");
        }
        assert_eq!(read(&[]), "none");
        let twice = read(&[b"Basic YTpi", b"Basic YTpi"]);
        assert!(twice.contains("more than one"), "{twice}");
    }

    #[test]
    fn sizes_are_bounded() {
        // 8 KiB of base64 are 6 KiB of text.
        let longest = "a".repeat(MAX_BASIC / 4 * 3 - 1) + ":";
        assert!(read(&[&encoded(longest.as_bytes())]).ends_with("aa|"));
        let longer = read(&[&encoded(format!("{longest}b").as_bytes())]);
        assert!(longer.contains("longer than 8 KiB"), "{longer}");
        for (length, good) in [(MAX_TOKEN, true), (MAX_TOKEN + 1, false)] {
            let got = read(&[format!("Bearer {}", "t".repeat(length)).as_bytes()]);
            assert_eq!(got.starts_with("Bearer|"), good, "{length} bytes");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        for value in ["Basic YTpodW50ZXIy", "Bearer hunter2"] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            let shown = format!("{:?}", Login::read(&headers));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
