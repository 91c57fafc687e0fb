//! The address of this installation, in the parts that commands and configurations ask for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::Config;

/// What may stand in the address of a command, a YAML file or a browser alike. All else is percent-encoded.
const ADDRESS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'[')
    .remove(b']')
    .remove(b'%');

/// `base_url`, whole and in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) url: String,
    pub(crate) scheme: String,
    /// With the port, if there is one.
    pub(crate) host: String,
    /// The path below which a proxy serves this installation; empty where there is none.
    pub(crate) prefix: String,
}

impl Base {
    pub(crate) fn of(config: &Config) -> Self {
        Self::read(&config.base_url)
    }

    fn read(base_url: &str) -> Self {
        let url = utf8_percent_encode(base_url.trim_end_matches('/'), ADDRESS).to_string();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        let (host, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            prefix: prefix.to_owned(),
            url,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_three_parts() {
        for (url, want, why) in [
            (
                "http://localhost:8085",
                ["http", "localhost:8085", ""],
                "the default",
            ),
            (
                "https://p.example.org/",
                ["https", "p.example.org", ""],
                "no empty prefix",
            ),
            (
                "https://p.example.org/a/b",
                ["https", "p.example.org", "/a/b"],
                "behind a proxy",
            ),
            ("http://[::1]:80/x", ["http", "[::1]:80", "/x"], "IPv6"),
            (
                "http://h/\"'<$`",
                ["http", "h", "/%22%27%3C%24%60"],
                "nothing that a shell or YAML reads",
            ),
        ] {
            let base = Base::read(url);
            assert_eq!(
                [&base.scheme, &base.host, &base.prefix],
                want.map(str::to_owned).each_ref(),
                "{why}"
            );
        }
    }
}
