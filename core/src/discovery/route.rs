//! Route keys, and how a host and path lead to one.
//!
//! The rules are gorouter's (`Uri.RouteKey`, `Trie.MatchUri`, `RouteRegistry.lookup`), so that promfetch finds
//! the app that the router would send the same request to.

use std::borrow::Cow;

use crate::instance::Address;

/// Longest route taken, in bytes. A host has at most 253, a path on the platform at most 128.
const MAX_KEY: usize = 2048;
/// Most path segments of a route: bounds what one look-up can cost.
const MAX_SEGMENTS: usize = 64;
/// Longest host looked up, in bytes.
const MAX_HOST: usize = 255;

/// The key under which a registered URI is kept: lower case, cut at `?`, without a leading and a trailing `/`.
///
/// `None` for what no request can reach: nothing left, over-long, too many segments, blanks or control characters.
pub fn key(uri: &str) -> Option<Cow<'_, str>> {
    let uri = uri.split('?').next().unwrap_or_default();
    let uri = uri.strip_prefix('/').unwrap_or(uri).trim_end_matches('/');
    let fits = !uri.is_empty() && uri.len() <= MAX_KEY && uri.matches('/').count() <= MAX_SEGMENTS;
    let clean = uri.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    (fits && clean).then(|| lower(uri))
}

/// The key of a fixed target that has no route: the same wherever it stands in the list. No request leads there, as
/// a host has no NUL.
pub fn of_target(app_id: &str, address: &Address) -> String {
    format!("*\0{app_id}\0{address}")
}

/// The key as people see it: empty for an instance without a route.
pub fn shown(key: &str) -> &str {
    if key.starts_with("*\0") { "" } else { key }
}

/// The host of a key, when requests can be sent to it: not a wildcard.
pub fn host(key: &str) -> Option<&str> {
    let host = key.split('/').next().unwrap_or_default();
    (!host.is_empty() && !host.starts_with('*')).then_some(host)
}

/// Lower case character by character, as Go does it: no rule looks at neighbours (Greek sigma).
fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Borrowed(text);
        }
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// A route to look up, as a client would request it: host with optional scheme, port and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    host: String,
    /// Empty, or starting with `/`.
    path: String,
}

impl Request {
    /// Takes off the scheme, the query and the host's port; all is lower-cased, the path too.
    ///
    /// `None` when there is no host that could match.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text
            .split_once("://")
            .filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .map_or(text, |(_, rest)| rest);
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        // The host goes into a request: what no `Host` header holds matches nothing, not even a wildcard.
        let clean = host
            .bytes()
            .all(|byte| byte > b' ' && byte != 0x7f && !b"@\"\\<>".contains(&byte));
        if host.is_empty() || host.len() > MAX_HOST || !clean {
            return None;
        }
        let path = path.trim_end_matches('/');
        // Keys have no more segments than this, so the rest cannot matter.
        let end = path
            .match_indices('/')
            .nth(MAX_SEGMENTS)
            .map_or(path.len(), |(end, _)| end);
        let path = path.get(..end).unwrap_or_default();
        Some(Self {
            host: lower(host).into_owned(),
            path: lower(path).into_owned(),
        })
    }

    /// The host looked up, without its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Offers keys to `known`, the most specific first, until one gives something: the host with the longest
    /// path on whole segments, then shorter paths, then the same with the first labels replaced by `*`.
    pub fn find<T>(&self, mut known: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut candidate = String::with_capacity(self.host.len() + self.path.len() + 2);
        let mut labels = self.host.as_str();
        let mut wildcard = "";
        loop {
            candidate.clear();
            candidate.extend([wildcard, labels, &self.path]);
            let host_end = wildcard.len() + labels.len();
            let mut end = candidate.len();
            loop {
                if let Some(found) = candidate.get(..end).and_then(&mut known) {
                    return Some(found);
                }
                match candidate
                    .get(host_end..end)
                    .and_then(|path| path.rfind('/'))
                {
                    Some(slash) => end = host_end + slash,
                    None => break,
                }
            }
            labels = labels.split_once('.')?.1;
            wildcard = "*.";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_gorouter_s_route_key() {
        for (uri, want, reason) in [
            ("shop.example.org", Some("shop.example.org"), "as it is"),
            (
                "Shop.Example.ORG/Cart",
                Some("shop.example.org/cart"),
                "lower case, the path too",
            ),
            (
                "shop.example.org/cart/?a=/b",
                Some("shop.example.org/cart"),
                "cut at ?, then the trailing slash",
            ),
            (
                "/shop.example.org/",
                Some("shop.example.org"),
                "leading and trailing slash dropped",
            ),
            (
                "shop.example.org//a",
                Some("shop.example.org//a"),
                "a double slash inside stays",
            ),
            (
                "shop.example.org:8443",
                Some("shop.example.org:8443"),
                "a port stays",
            ),
            (
                "*.tenants.example.org",
                Some("*.tenants.example.org"),
                "a wildcard",
            ),
            ("BÜCHER.example", Some("bücher.example"), "not only ASCII"),
            ("", None, "nothing"),
            ("/", None, "nothing left"),
            ("?x", None, "nothing left"),
            ("a b.example", None, "no request has a blank in it"),
            ("a\n.example", None, "nor a control character"),
        ] {
            assert_eq!(key(uri).as_deref(), want, "{uri:?}: {reason}");
        }
        assert!(
            matches!(key("shop.example.org"), Some(Cow::Borrowed(_))),
            "a heartbeat allocates nothing"
        );
        assert_eq!(key(&"x".repeat(MAX_KEY + 1)), None);
        assert_eq!(key(&format!("h{}", "/a".repeat(MAX_SEGMENTS + 1))), None);
    }

    fn look_up(text: &str, keys: &[&'static str]) -> Option<&'static str> {
        Request::parse(text)?.find(|candidate| keys.iter().find(|key| **key == candidate).copied())
    }

    #[test]
    fn the_longest_path_on_whole_segments_wins() {
        let keys = ["shop.example", "shop.example/cart", "shop.example/cart/v2"];
        for (request, want) in [
            ("shop.example", Some("shop.example")),
            ("shop.example/", Some("shop.example")),
            ("shop.example/cart", Some("shop.example/cart")),
            ("shop.example/cart/", Some("shop.example/cart")),
            ("shop.example/cart/v2/items", Some("shop.example/cart/v2")),
            ("shop.example/cart/v20", Some("shop.example/cart")),
            ("shop.example/cartoon", Some("shop.example")),
            ("SHOP.example/Cart?x=1", Some("shop.example/cart")),
            (
                "https://shop.example:443/cart/v2",
                Some("shop.example/cart/v2"),
            ),
            ("http://shop.example", Some("shop.example")),
            ("shop.example:8080", Some("shop.example")),
            ("shop.example#part", Some("shop.example")),
            ("shop.example.", None),
            ("other.example", None),
            ("", None),
            (":80", None),
            ("https://", None),
        ] {
            assert_eq!(look_up(request, &keys), want, "{request}");
        }
    }

    #[test]
    fn wildcards_span_labels_and_an_exact_host_beats_them() {
        let keys = ["*.r.s", "*.q.r.s", "x.r.s", "y.r.s/only", "*.r.s/deep/path"];
        for (request, want, reason) in [
            ("a.r.s", Some("*.r.s"), "one label"),
            ("p.z.r.s", Some("*.r.s"), "several labels"),
            ("p.q.r.s", Some("*.q.r.s"), "the most specific wildcard"),
            ("r.s", None, "never the domain itself"),
            (
                "x.r.s/deep/path",
                Some("x.r.s"),
                "an exact host wins over a wildcard with a longer path",
            ),
            (
                "a.r.s/deep/path/more",
                Some("*.r.s/deep/path"),
                "paths work on wildcards",
            ),
            ("y.r.s/only/this", Some("y.r.s/only"), "a context path"),
            (
                "y.r.s/other",
                Some("*.r.s"),
                "falls back to the wildcard for any other path",
            ),
            ("*.r.s", Some("*.r.s"), "the wildcard by its own name"),
            ("a..r.s", Some("*.r.s"), "an empty label is a label"),
        ] {
            assert_eq!(look_up(request, &keys), want, "{request}: {reason}");
        }
    }

    #[test]
    fn hosts_of_keys_leave_out_wildcards() {
        for (key, want) in [
            ("a.b/c", Some("a.b")),
            ("a.b:80", Some("a.b:80")),
            ("*.b", None),
            ("", None),
        ] {
            assert_eq!(host(key), want, "{key}");
        }
    }

    #[test]
    fn a_look_up_is_bounded_whatever_is_asked() {
        let mut tries = 0;
        let request =
            Request::parse(&format!("{}h{}", "a.".repeat(126), "/b".repeat(4000))).unwrap();
        assert_eq!(
            request.find(|_| {
                tries += 1;
                None::<()>
            }),
            None
        );
        assert_eq!(tries, 127 * (MAX_SEGMENTS + 1));
        assert_eq!(Request::parse(&"a.".repeat(200)), None);
    }
}
