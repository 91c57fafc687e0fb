//! The two cookies of people who sign in: how they are named, written and read (RFC 6265bis).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Longest sealed value, in bytes: browsers keep 4,096 for name and value together, and drop longer ones in silence.
pub(super) const MAX_VALUE: usize = 3900;

/// One of them.
#[derive(Debug)]
pub(super) struct Cookie {
    name: String,
    /// With the `;` in front of them.
    attributes: String,
}

impl Cookie {
    /// A cookie for this public address. With https, and the host for itself alone, the name begins so that browsers
    /// take it only from this very host; otherwise it is `plain`.
    pub(super) fn new(base_url: &str, guarded: &str, plain: &str) -> Self {
        let (scheme, rest) = base_url.split_once("://").unwrap_or(("http", base_url));
        let is_secure = scheme == "https";
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let path = path.trim_end_matches('/');
        let name = match (is_secure, path) {
            (true, "") => format!("__Host-{guarded}"),
            _ => plain.to_owned(),
        };
        // Other characters could end the attribute; the cookie is then one of the whole host.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
        let path = match path {
            "" => "/",
            path if !path.bytes().all(is_plain) => "/",
            path => path,
        };
        let secure = if is_secure { "; Secure" } else { "" };
        Self {
            name,
            attributes: format!("; Path={path}; HttpOnly; SameSite=Lax{secure}"),
        }
    }

    /// Its value. Of several none counts: one of them may be from somebody else on a neighbouring host.
    pub(super) fn read<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let mut values = self.values(headers);
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Whether the caller has one, of whatever value: then it is a browser.
    pub(super) fn is_there(&self, headers: &HeaderMap) -> bool {
        self.values(headers).next().is_some()
    }

    fn values<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
        let lines = headers.get_all(COOKIE).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
    }

    /// The `Set-Cookie` that keeps this value for so many seconds.
    pub(super) fn set(&self, value: &str, seconds: u64) -> HeaderValue {
        let text = format!(
            "{}={value}; Max-Age={seconds}{}",
            self.name, self.attributes
        );
        // Sealed values, names and paths are printable ASCII.
        let mut header =
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// The `Set-Cookie` that takes it away.
    pub(super) fn clear(&self) -> HeaderValue {
        self.set("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let values = lines
            .iter()
            .map(|line| (COOKIE, HeaderValue::try_from(*line).unwrap()));
        values.collect()
    }

    #[test]
    fn the_address_decides_name_and_attributes() {
        for (base_url, want, why) in [
            (
                "https://p.example",
                "__Host-a=v; Max-Age=9; Path=/; HttpOnly; SameSite=Lax; Secure",
                "a host of its own",
            ),
            (
                "https://p.example:8443",
                "__Host-a=v; Max-Age=9; Path=/; HttpOnly; SameSite=Lax; Secure",
                "a port changes nothing",
            ),
            (
                "https://p.example/metrics/all",
                "b=v; Max-Age=9; Path=/metrics/all; HttpOnly; SameSite=Lax; Secure",
                "below a prefix",
            ),
            (
                "http://localhost:8085",
                "b=v; Max-Age=9; Path=/; HttpOnly; SameSite=Lax",
                "without encryption",
            ),
            (
                "https://p.example/a;Domain=example",
                "b=v; Max-Age=9; Path=/; HttpOnly; SameSite=Lax; Secure",
                "a prefix that would end the attribute",
            ),
            (
                "https://p.example/größe",
                "b=v; Max-Age=9; Path=/; HttpOnly; SameSite=Lax; Secure",
                "a prefix that is no ASCII",
            ),
        ] {
            let cookie = Cookie::new(base_url, "a", "b");
            assert_eq!(cookie.set("v", 9), want, "{base_url}: {why}");
            assert!(cookie.set("v", 9).is_sensitive());
        }
        let cookie = Cookie::new("http://h", "a", "b");
        assert_eq!(
            cookie.clear(),
            "b=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn the_only_cookie_of_the_name_counts() {
        let cookie = Cookie::new("http://h", "a", "b");
        for (lines, want, why) in [
            (&["b=1"][..], Some("1"), "alone"),
            (&["x=0; b=1; y=2"], Some("1"), "among others"),
            (&["x=0;b=1"], Some("1"), "without a blank"),
            (&["x=0", "b=1"], Some("1"), "HTTP/2 may have several lines"),
            (&["b=1=2"], Some("1=2"), "the first sign separates"),
            (&["b="], Some(""), "empty"),
            (&["b=1; b=2"], None, "two"),
            (&["b=1", "b=1"], None, "two on two lines"),
            (&["B=1"], None, "names know case"),
            (&["bb=1; cb=2; b"], None, "other names, and none"),
            (&["__Host-a=1"], None, "the name of another address"),
            (&[], None, "no cookie"),
        ] {
            assert_eq!(cookie.read(&headers(lines)), want, "{why}");
        }
        assert!(cookie.is_there(&headers(&["b=1; b=2"])));
        assert!(!cookie.is_there(&headers(&["c=1"])));
        let mut not_text = HeaderMap::new();
        not_text.insert(COOKIE, HeaderValue::from_bytes(b"b=\xff").unwrap());
        assert_eq!(cookie.read(&not_text), None);
    }
}
