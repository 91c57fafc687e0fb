//! The form that `Accept` and `Accept-Encoding` share: a list of names, each with a weight.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderName};

/// The value of a header that may stand on several lines. `None` when it is absent or not readable text.
pub(crate) fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let mut lines = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut all = lines.next()?.to_string();
    for line in lines {
        all.push(',');
        all.push_str(line);
    }
    Some(all)
}

/// Names and their weights (0 to 1; 1 when none is given, 0 when it is nonsense), in the order of the header.
pub(crate) fn items(value: &str) -> impl Iterator<Item = (&str, f32)> {
    value.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts.find_map(|part| {
            part.split_once('=')
                .filter(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
        });
        let q = weight.map_or(1.0, |(_, q)| {
            q.trim()
                .parse()
                .ok()
                .filter(|q| (0.0..=1.0).contains(q))
                .unwrap_or(0.0)
        });
        Some((name, q))
    })
}

/// Whether the caller names HTML, as browsers do for pages. A wildcard does not count: scrapers and curl send one.
pub(crate) fn names_html(headers: &HeaderMap) -> bool {
    joined(headers, ACCEPT).is_some_and(|value| {
        items(&value).any(|(name, q)| q > 0.0 && name.eq_ignore_ascii_case("text/html"))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT_ENCODING;

    use super::*;

    #[test]
    fn weights_are_read_leniently() {
        for (value, want, why) in [
            ("gzip", vec![("gzip", 1.0)], "no weight is the full one"),
            (
                " gzip ; q=0.5 ,, br",
                vec![("gzip", 0.5), ("br", 1.0)],
                "spaces and empty items",
            ),
            (
                "a;version=1;Q = 0.25",
                vec![("a", 0.25)],
                "other parameters, upper case",
            ),
            (
                "a;q=2, b;q=NaN, c;q=-1, d;q=x",
                vec![("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 0.0)],
                "nonsense is not wanted",
            ),
            ("", vec![], "empty"),
        ] {
            assert_eq!(items(value).collect::<Vec<_>>(), want, "{value:?}: {why}");
        }
    }

    #[test]
    fn browsers_name_html() {
        for (value, want, why) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
                "a browser",
            ),
            ("Text/HTML;charset=utf-8", true, "any case"),
            ("*/*", false, "curl"),
            ("text/*", false, "any text"),
            ("text/html;q=0", false, "refused by name"),
            (
                "application/openmetrics-text,*/*;q=0.1",
                false,
                "Prometheus",
            ),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, value.parse().unwrap())]);
            assert_eq!(names_html(&headers), want, "{why}");
        }
        assert!(!names_html(&HeaderMap::new()));
    }

    #[test]
    fn lines_are_joined() {
        let mut headers = HeaderMap::new();
        assert_eq!(joined(&headers, ACCEPT_ENCODING), None);
        headers.append(ACCEPT_ENCODING, "gzip".parse().unwrap());
        headers.append(ACCEPT_ENCODING, "zstd;q=0".parse().unwrap());
        assert_eq!(
            joined(&headers, ACCEPT_ENCODING).as_deref(),
            Some("gzip,zstd;q=0")
        );
    }
}
