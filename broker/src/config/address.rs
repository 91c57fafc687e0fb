//! The parts of `base_url`, the address under which people and scrapers find this installation.

/// Scheme, host and path of such an address. It was checked when the configuration was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// With the port, if there is one.
    pub(crate) host: &'a str,
    /// The path below which a proxy serves this installation, without a slash at its end; empty where there is none.
    pub(crate) path: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(base_url: &'a str) -> Self {
        let (scheme, rest) = base_url.split_once("://").unwrap_or(("http", base_url));
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        Self {
            scheme,
            host,
            path: path.trim_end_matches('/'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_three_parts() {
        for (url, want, why) in [
            ("http://h:80", ["http", "h:80", ""], "no path"),
            ("https://h/", ["https", "h", ""], "a slash is none"),
            (
                "https://[::1]:8/a/b/",
                ["https", "[::1]:8", "/a/b"],
                "a path",
            ),
            ("h/a", ["http", "h", "/a"], "no scheme"),
        ] {
            let Parts { scheme, host, path } = Parts::of(url);
            assert_eq!([scheme, host, path], want, "{why}");
        }
    }
}
