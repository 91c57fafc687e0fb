//! promfetch's own page in text 0.0.4.
//!
//! prometheus-client writes OpenMetrics only. This turns *its* output into text 0.0.4; it is no general converter:
//! it relies on prometheus-client's spacing, and on no exemplars and no units, which promfetch's metrics do not have.

/// Types whose samples carry a suffix in OpenMetrics that is part of the name in text: there, `x` as a counter
/// has samples `x_total`, and a parser of text would find no samples under `x`.
const SUFFIXES: [(&str, &str, &str); 2] =
    [("counter", "_total", "counter"), ("info", "_info", "gauge")];

/// Rewrites names and types in comments; samples are the same in both formats.
pub(crate) fn from_openmetrics(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + 64);
    let mut help = None;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = text_type(kind);
            if let Some((_, help)) = help.take().filter(|(named, _)| *named == name) {
                out.extend(["# HELP ", name, suffix, " ", help, "\n"]);
            }
            out.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            out.extend([line, "\n"]);
        }
    }
    out
}

/// The suffix of the name, and the type in text 0.0.4, which knows fewer.
fn text_type(kind: &str) -> (&'static str, &str) {
    match SUFFIXES.iter().find(|row| row.0 == kind) {
        Some((_, suffix, kind)) => (suffix, kind),
        None if ["gauge", "histogram", "summary"].contains(&kind) => ("", kind),
        None => ("", "untyped"),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn names_and_types_are_those_of_text() {
        let mut registry = Registry::default();
        let requests = Family::<Vec<(String, String)>, Counter>::default();
        requests
            .get_or_create_owned(&vec![("code".to_string(), "a \"b\" \\".to_string())])
            .inc();
        let histogram = Histogram::new([0.5]);
        histogram.observe(0.1);
        registry.register("requests", "Requests # so far", requests);
        registry.register("duration_seconds", "Time", histogram);
        registry.register("flight", "Now", Gauge::<i64>::default());
        registry.register("build", "Version", Info::new([("version", "1")]));
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        let want = r#"# HELP requests_total Requests # so far.
# TYPE requests_total counter
requests_total{code="a \"b\" \\"} 1
# HELP duration_seconds Time.
# TYPE duration_seconds histogram
duration_seconds_sum 0.1
duration_seconds_count 1
duration_seconds_bucket{le="0.5"} 1
duration_seconds_bucket{le="+Inf"} 1
# HELP flight Now.
# TYPE flight gauge
flight 0
# HELP build_info Version.
# TYPE build_info gauge
build_info{version="1"} 1
"#;
        assert_eq!(from_openmetrics(&page), want);
    }

    #[test]
    fn types_that_text_does_not_know_become_untyped() {
        assert_eq!(
            from_openmetrics("# TYPE a unknown\na 1\n# TYPE b stateset\nb{b=\"x\"} 1\n# EOF\n"),
            "# TYPE a untyped\na 1\n# TYPE b untyped\nb{b=\"x\"} 1\n"
        );
    }
}
