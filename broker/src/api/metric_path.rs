//! Which paths callers may name with `?metric_path=`.

use percent_encoding::percent_decode_str;
use promfetch_core::client::{self, DEFAULT_METRIC_PATH};

use super::errors::ApiError;

/// `?metric_path=` by the rules of core and the operator's patterns; an empty list of patterns allows all.
pub(super) fn checked(
    path: Option<String>,
    allowed: &[String],
) -> Result<Option<String>, ApiError> {
    let Some(path) = path else { return Ok(None) };
    let path = client::check_metric_path(&path)?;
    if allowed.is_empty() || is_allowed(&path, allowed) {
        return Ok(Some(path));
    }
    Err(ApiError::forbidden(format!(
        "The metric path `{path}` is not among those that `metric_path_allow` of this platform names"
    )))
}

/// Whether the operator's patterns, or the default, name this path. Its query does not count. It is looked at as the
/// app will see it, decoded, so that `%2e%2e` leads nowhere.
fn is_allowed(path: &str, allowed: &[String]) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return false;
    };
    if path.split('/').any(|segment| segment == "..") {
        return false;
    }
    path == DEFAULT_METRIC_PATH || allowed.iter().any(|pattern| matches(pattern, &path))
}

/// Whether a pattern fits the whole text. `*` stands for any characters, also none and also `/`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // Taking each middle part where it comes first leaves the most for those that follow.
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        for (pattern, text, want) in [
            ("/metrics", "/metrics", true),
            ("/metrics", "/metrics2", false),
            ("/metrics*", "/metrics/a?b=c", true),
            ("*", "/anything", true),
            ("*/prometheus", "/actuator/prometheus", true),
            ("*/prometheus", "/actuator/prometheus/x", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*b*c", "/a-c-b", false),
            ("/ab*bc", "/abc", false),
            ("/a**c", "/ac", true),
            ("", "/metrics", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn a_metric_path_obeys_the_operators_patterns() {
        let allow = ["/actuator/*".to_string()];
        for (path, want, why) in [
            ("actuator/prometheus", true, "the slash is added"),
            (
                "/actuator/prometheus?tag=a",
                true,
                "the query does not count",
            ),
            ("/metrics", true, "the default is always open"),
            ("/admin", false, "another path"),
            ("/actuator", false, "not below it"),
            (
                "/actuator/%2e%2e/admin",
                false,
                "it would be `/admin` for the app",
            ),
            (
                "/actuator/%2e%2E%2fadmin",
                false,
                "the same, with the slash encoded",
            ),
            ("/actuator/%FF", false, "not text"),
        ] {
            let got = checked(Some(path.to_string()), &allow);
            assert_eq!(got.is_ok(), want, "{path}: {why}: {got:?}");
        }
        let refused = checked(Some("/admin".into()), &allow).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "403 The metric path `/admin` is not among those that `metric_path_allow` of this platform names"
        );
        let any = checked(Some("anything".into()), &[]);
        assert_eq!(
            any,
            Ok(Some("/anything".to_string())),
            "no patterns: all paths"
        );
        assert_eq!(checked(None, &allow), Ok(None));
        let elsewhere = checked(Some("//elsewhere.example/".into()), &[]);
        assert!(elsewhere.is_err(), "core's rules come first");
    }
}
