//! Names: which family keeps its own, and what the others are called.

use hashbrown::HashSet;

use crate::exposition::{Format, MetricType};
use crate::labels::EXPORTED;

/// Names of promfetch's own series; nobody else's may look like them.
const RESERVED: [&str; 3] = [
    "promfetch_up",
    "promfetcher_scrape_error",
    "promfetcher_scrape_external_exporter_error",
];
const RESERVED_PREFIX: &str = "promfetch_scrape_";

/// Whether a family of this name and type has samples with a name that is promfetch's own.
pub(super) fn is_reserved(name: &[u8], kind: MetricType, format: Format) -> bool {
    // All of them begin alike, and hardly anybody else's names do.
    if !name.starts_with(b"promfetch") {
        return false;
    }
    let reserved = |name: &[u8]| {
        name.starts_with(RESERVED_PREFIX.as_bytes())
            || RESERVED.iter().any(|own| own.as_bytes() == name)
    };
    kind.reserved(format)
        .any(|suffix| reserved(&[name, suffix.as_bytes()].concat()))
}

/// The names that families have claimed so far.
#[derive(Debug)]
pub(super) struct Claims {
    format: Format,
    taken: HashSet<Vec<u8>>,
}

impl Claims {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            taken: HashSet::new(),
        }
    }

    /// Claims `name` for a family of this type, or else `<name>_<type>`, or that with the first number that is
    /// free. Gives the name that it got.
    pub(super) fn claim(&mut self, name: &[u8], kind: MetricType) -> Vec<u8> {
        if self.take(name, kind) {
            name.to_vec()
        } else {
            self.claim_other(name, kind)
        }
    }

    /// As [`claim`](Self::claim), but never the name itself.
    pub(super) fn claim_other(&mut self, name: &[u8], kind: MetricType) -> Vec<u8> {
        let mut other = [name, b"_", kind.word(self.format).as_bytes()].concat();
        let length = other.len();
        let mut number = 2u32;
        while !self.take(&other, kind) {
            other.truncate(length);
            other.extend_from_slice(format!("_{number}").as_bytes());
            number += 1;
        }
        other
    }

    /// Claims `exported_<name>`, with as many `exported_` as it takes.
    pub(super) fn claim_exported(&mut self, name: &[u8], kind: MetricType) -> Vec<u8> {
        let mut other = [EXPORTED.as_bytes(), name].concat();
        while !self.take(&other, kind) {
            other.splice(..0, EXPORTED.bytes());
        }
        other
    }

    fn take(&mut self, name: &[u8], kind: MetricType) -> bool {
        let names: Vec<Vec<u8>> = kind
            .reserved(self.format)
            .map(|suffix| [name, suffix.as_bytes()].concat())
            .collect();
        if names.iter().any(|name| self.taken.contains(name)) {
            return false;
        }
        self.taken.extend(names);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, Text};
    use MetricType::{Counter, Gauge, Histogram, Summary, Unknown};

    #[test]
    fn names_of_promfetch_are_reserved_also_when_a_suffix_makes_them() {
        for (name, kind, format, want) in [
            ("promfetch_up", Gauge, Text, true),
            ("promfetch_upper", Gauge, Text, false),
            ("promfetch_up", Counter, OpenMetrics, true), // its samples are promfetch_up_total, its TYPE line is not
            ("promfetch_scrape_samples", Gauge, Text, true),
            ("promfetch_scrape_anything", Unknown, Text, true),
            ("promfetch_scrape", Gauge, Text, false),
            ("promfetch_scrape", Summary, Text, true), // promfetch_scrape_count
            ("promfetcher_scrape_error", Counter, Text, true),
            ("promfetcher_scrape_error_total", Counter, Text, false),
            (
                "promfetcher_scrape_external_exporter_error",
                Unknown,
                Text,
                true,
            ),
            ("promfetch_metric_fetch_failed_total", Counter, Text, false),
            ("up", Gauge, Text, false),
        ] {
            assert_eq!(
                is_reserved(name.as_bytes(), kind, format),
                want,
                "{name} {kind:?} {format:?}"
            );
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let text = |name: Vec<u8>| String::from_utf8(name).unwrap();
        let mut claims = Claims::new(Text);
        assert_eq!(text(claims.claim(b"x", Histogram)), "x");
        assert_eq!(text(claims.claim(b"x_sum", Unknown)), "x_sum_untyped");
        assert_eq!(text(claims.claim(b"x_sum", Unknown)), "x_sum_untyped_2");
        assert_eq!(text(claims.claim(b"x_created", Gauge)), "x_created");
        assert_eq!(text(claims.claim_other(b"y", Gauge)), "y_gauge");
        assert_eq!(
            text(claims.claim_exported(b"promfetch_up", Gauge)),
            "exported_promfetch_up"
        );
        assert_eq!(
            text(claims.claim_exported(b"promfetch_up", Gauge)),
            "exported_exported_promfetch_up"
        );

        let mut claims = Claims::new(OpenMetrics);
        assert_eq!(text(claims.claim(b"x", Counter)), "x");
        assert_eq!(
            text(claims.claim(b"x_created", Gauge)),
            "x_created_gauge",
            "a counter has x_created in OpenMetrics"
        );
        assert_eq!(text(claims.claim(b"x_total", Unknown)), "x_total_unknown");
    }
}
