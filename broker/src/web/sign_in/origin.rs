//! Whether a form was sent from a page of this service. Otherwise another site could sign somebody in under a name of
//! its own choice, or out.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// By what the browser says: `Sec-Fetch-Site`, which only encrypted hosts and this machine get, or else `Origin`, which
/// must be the public address or the host that was asked. Every browser of the last years sends one of them with a
/// form, so who sends neither is refused.
pub(super) fn is_own(headers: &HeaderMap, uri: &Uri, base_url: &str) -> bool {
    if headers.contains_key("sec-fetch-site") {
        return only(headers, "sec-fetch-site") == Some("same-origin");
    }
    let Some(origin) = only(headers, ORIGIN.as_str()) else {
        return false;
    };
    let Some((_, authority)) = origin.split_once("://") else {
        // `null`: a page that hides where it is from.
        return false;
    };
    let asked =
        only(headers, HOST.as_str()).or(uri.authority().map(|authority| authority.as_str()));
    origin.eq_ignore_ascii_case(own_origin(base_url))
        || asked.is_some_and(|asked| asked.eq_ignore_ascii_case(authority))
}

/// Whether the browser will drop the session: it is for encrypted connections only, and this page was none. Browsers
/// make an exception for their own machine.
pub(super) fn drops_cookies(headers: &HeaderMap, base_url: &str) -> bool {
    let Some(host) = only(headers, ORIGIN.as_str()).and_then(|own| own.strip_prefix("http://"))
    else {
        return false;
    };
    let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        let rest = host.strip_prefix(local);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    base_url.starts_with("https://") && !is_local
}

/// Scheme, host and port of an address.
fn own_origin(base_url: &str) -> &str {
    let host = base_url.find("://").map_or(0, |at| at + 3);
    let end = base_url[host..]
        .find('/')
        .map_or(base_url.len(), |at| host + at);
    &base_url[..end]
}

/// The value of a header that comes once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn only_forms_of_this_service_are_read() {
        let base = "https://p.example/prefix";
        for (pairs, want, why) in [
            (&[][..], false, "nothing is said: no browser of today"),
            (&[("sec-fetch-site", "same-origin")], true, "this page"),
            (&[("sec-fetch-site", "same-site")], false, "a neighbour"),
            (&[("sec-fetch-site", "cross-site")], false, "another site"),
            (
                &[("sec-fetch-site", "none")],
                false,
                "no form leads here without a page",
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://p.example"),
                ],
                false,
                "what the browser found out decides",
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
                "twice",
            ),
            (
                &[("origin", "https://p.example")],
                true,
                "the public address",
            ),
            (&[("origin", "https://P.example")], true, "in other letters"),
            (
                &[("origin", "https://p.example:8443")],
                false,
                "another port",
            ),
            (&[("origin", "http://p.example")], false, "another scheme"),
            (
                &[("origin", "https://p.example.evil")],
                false,
                "a longer host",
            ),
            (&[("origin", "https://evil.example")], false, "another host"),
            (&[("origin", "null")], false, "a page that hides itself"),
            (&[("origin", "")], false, "an empty one"),
            (
                &[
                    ("origin", "http://10.0.0.5:8085"),
                    ("host", "10.0.0.5:8085"),
                ],
                true,
                "the host that was asked",
            ),
            (
                &[("origin", "http://evil.example"), ("host", "10.0.0.5:8085")],
                false,
                "another one than was asked",
            ),
            (
                &[
                    ("origin", "https://p.example"),
                    ("origin", "https://p.example"),
                ],
                false,
                "twice",
            ),
        ] {
            let got = is_own(&headers(pairs), &Uri::from_static("/sign-in"), base);
            assert_eq!(got, want, "{why}");
        }
        let http2 = Uri::from_static("https://10.0.0.5:8085/sign-in");
        let origin = headers(&[("origin", "https://10.0.0.5:8085")]);
        assert!(is_own(&origin, &http2, base), "HTTP/2 has no Host");
    }

    #[test]
    fn sessions_for_encrypted_connections_are_dropped_on_others() {
        for (base, origin, want, why) in [
            ("https://p.example", "https://p.example", false, "encrypted"),
            ("https://p.example", "http://10.0.0.5:8085", true, "not"),
            ("https://p.example", "http://localhost:80", false, "here"),
            (
                "https://p.example",
                "http://localhost.evil",
                true,
                "not here",
            ),
            ("http://p.example", "http://p.example", false, "never"),
        ] {
            let got = drops_cookies(&headers(&[("origin", origin)]), base);
            assert_eq!(got, want, "{origin}: {why}");
        }
        assert!(!drops_cookies(&HeaderMap::new(), "https://p.example"));
    }
}
