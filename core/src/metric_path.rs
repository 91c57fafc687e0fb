//! Where an instance has its metrics: the usual path, and which others may be asked for.

use percent_encoding::percent_decode_str;

use crate::error::{Error, Kind};

/// Longest metrics path, in bytes.
pub const MAX_METRIC_PATH: usize = 1024;

/// The path that is asked when nobody says otherwise.
pub const DEFAULT_METRIC_PATH: &str = "/metrics";

/// Checks a path that is to be asked of instances and gives it a leading slash.
///
/// # Errors
/// [`Kind::InvalidArgument`] for `//host`, a `..` segment, a fragment, blanks, control or non-ASCII characters (they
/// must be percent-encoded) and for more than [`MAX_METRIC_PATH`] bytes.
pub fn check_metric_path(path: &str) -> Result<String, Error> {
    let invalid = |why: &str| {
        Err(Error::new(
            Kind::InvalidArgument,
            format!("the metrics path {why}: write an absolute path such as `/metrics`"),
        ))
    };
    let path = path.trim();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    if path.len() > MAX_METRIC_PATH {
        return invalid("is longer than 1024 bytes");
    }
    if path.starts_with("//") {
        return invalid("must not begin with `//`");
    }
    if !path.bytes().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    }) {
        return invalid("has a character that a path cannot hold unescaped");
    }
    let without_query = path.split('?').next().unwrap_or_default();
    // As the app might read it: decoded, and without what Java's servers cut off behind a `;`.
    let climbs = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        decoded
            .split(['/', '\\'])
            .any(|part| matches!(part.split(';').next(), Some("." | "..")))
    };
    if without_query.split('/').any(climbs) {
        return invalid("must not have `.` or `..` as a segment");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_paths_cannot_leave_the_instance() {
        for (path, want) in [
            ("/metrics", Some("/metrics")),
            ("actuator/prometheus", Some("/actuator/prometheus")),
            (" /m ", Some("/m")),
            (
                "/m?format=prometheus&a=%20b",
                Some("/m?format=prometheus&a=%20b"),
            ),
            ("/a..b/c", Some("/a..b/c")),
            ("//evil.example/metrics", None),
            ("/a/../admin", None),
            ("/a/%2e%2E/admin", None),
            ("/a/./b", None),
            ("/a/..;/admin", None),
            ("/a/.%2E;x=1/admin", None),
            ("/a/..%2fadmin", None),
            ("/a/b%5c..%5cadmin", None),
            ("/a;x=1/b", Some("/a;x=1/b")),
            ("/m#frag", None),
            ("/a b", None),
            ("/a\r\nHost: x", None),
            ("/é", None),
            ("/{x}", None),
        ] {
            assert_eq!(check_metric_path(path).ok().as_deref(), want, "{path:?}");
        }
        assert!(check_metric_path(&"a".repeat(MAX_METRIC_PATH)).is_err());
    }
}
