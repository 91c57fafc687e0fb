//! A counter beside a gauge of its bare name, as Go's client library writes them in OpenMetrics.
//!
//! The gauge `x` and the counter `x_total` of a program (`go_memstats_alloc_bytes` of every Go program) both become
//! a family `x` there. OpenMetrics has no two families of a name, and strict readers refuse the page; Prometheus
//! looks at samples alone and takes it. The counter's samples are taken for a family of their own name and of
//! unknown type: so every series stays, and the merged page is one for strict readers too.

use super::MetricType;
use super::bytes::{NAME, byte, is, line_feed};
use super::error::Step;
use super::page::Span;
use super::scanner::Scanner;

impl Scanner<'_> {
    /// When the metadata from `start` on are those of such a counter: the start of its first sample, whose family is
    /// made. None for all else, and then nothing has changed.
    #[cold]
    pub(super) fn counter_beside(&mut self, start: usize) -> Step<Option<usize>> {
        let bytes = self.bytes;
        let (mut at, mut name, mut help, mut is_counter) = (start, Span::default(), None, false);
        while byte(bytes, at) == b'#' {
            let end = line_feed(bytes, at);
            let line = bytes.get(at..end).unwrap_or_default();
            let Some((keyword, rest)) = line.split_at_checked("# TYPE ".len()) else {
                return Ok(None);
            };
            let Some(length) = rest.iter().position(|byte| *byte == b' ') else {
                return Ok(None);
            };
            let named = Span::new(end - rest.len(), end - rest.len() + length);
            let text = Span::new(named.end as usize + 1, end);
            match keyword {
                b"# HELP " if help.is_none() => help = Some(text),
                b"# TYPE " if !is_counter && text.of(bytes) == b"counter" => is_counter = true,
                _ => return Ok(None),
            }
            if at != start && named.of(bytes) != name.of(bytes) {
                return Ok(None);
            }
            name = named;
            at = end + 1;
        }
        let end = at + name.len() + "_total".len();
        let is_total = bytes.get(at..end).is_some_and(|total| {
            total.strip_suffix(b"_total") == Some(name.of(bytes)) && !is(byte(bytes, end), NAME)
        });
        let is_beside = self
            .families
            .kind_of_name(name.of(bytes))
            .is_some_and(|kind| kind != MetricType::Counter);
        if !(is_counter && is_total && is_beside) {
            return Ok(None);
        }
        self.groups.finish()?;
        self.latest = None;
        let family = self.families.declare(at, end)?;
        if let Some(entry) = self.families.entry_mut(family) {
            (entry.help, entry.typed) = (help, true);
        }
        Ok(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use crate::exposition::{Format, Limits, MetricType, Page};

    fn scan(page: &str) -> Result<Vec<(String, MetricType, usize)>, String> {
        let limits = Limits {
            max_samples: 100,
            max_line: 1000,
        };
        let body = bytes::Bytes::copy_from_slice(page.as_bytes());
        let page = Page::scan(body, Format::OpenMetrics, &limits);
        let page = page.map_err(|error| error.to_string())?;
        let families = page.families();
        Ok(families
            .map(|family| (family.name().to_owned(), family.kind(), family.samples()))
            .collect())
    }

    #[test]
    fn a_counter_beside_a_gauge_is_a_family_of_its_own() {
        use MetricType::{Gauge, Unknown};
        const GAUGE: &str = "# HELP x A.\n# TYPE x gauge\nx 1\n";
        for (counter, why) in [
            (
                "# HELP x B.\n# TYPE x counter\nx_total 1\n",
                "as Go's client writes it",
            ),
            ("# TYPE x counter\n# HELP x B.\nx_total 1\n", "TYPE first"),
            ("# TYPE x counter\nx_total 1\n", "without HELP"),
            (
                "# TYPE x counter\nx_total{a=\"1\"} 1 # {id=\"1\"} 1\n",
                "with an exemplar",
            ),
        ] {
            let want = [
                ("x".to_owned(), Gauge, 1),
                ("x_total".to_owned(), Unknown, 1),
            ];
            assert_eq!(
                scan(&format!("{GAUGE}{counter}# EOF\n")),
                Ok(want.to_vec()),
                "{why}"
            );
            let between = format!("{GAUGE}# TYPE x_b gauge\nx_b 1\n{counter}# EOF\n");
            assert_eq!(
                scan(&between).map(|families| families.len()),
                Ok(3),
                "{why}, not next to it"
            );
        }
    }

    #[test]
    fn nothing_else_has_two_families_of_a_name() {
        const AGAIN: &str = "metadata of `x` after its samples";
        for (page, want, why) in [
            (
                "# TYPE x gauge\nx 1\n# TYPE x gauge\nx 1\n",
                AGAIN,
                "two gauges",
            ),
            (
                "# TYPE x gauge\nx 1\n# TYPE x counter\nx 1\n",
                AGAIN,
                "samples of the gauge",
            ),
            (
                "# TYPE x gauge\nx 1\n# TYPE x counter\n# TYPE y gauge\ny 1\n",
                AGAIN,
                "no samples",
            ),
            (
                "# TYPE x gauge\nx 1\n# TYPE x counter\nx_totals 1\n",
                AGAIN,
                "other samples",
            ),
            (
                "# TYPE x gauge\nx 1\n# TYPE x counter\n# TYPE x counter\nx_total 1\n",
                AGAIN,
                "TYPE twice",
            ),
            (
                "# TYPE x counter\nx_total 1\n# TYPE x counter\nx_total 1\n",
                AGAIN,
                "two counters",
            ),
            (
                "# TYPE x_total gauge\nx_total 1\n# TYPE x gauge\nx 1\n# TYPE x counter\nx_total 1\n",
                "metric `x_total` appears again: its lines must stand together",
                "the name is taken",
            ),
        ] {
            let error = scan(&format!("{page}# EOF\n")).unwrap_err();
            assert!(error.ends_with(want), "{why}: {error}");
        }
    }
}
