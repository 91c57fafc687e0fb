//! Gauges written as a page in the text format.

use std::borrow::Cow;
use std::collections::BTreeMap;

use promfetch_core::labels::Labels;

/// The `Content-Type` of such a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Gauges by name. What is added twice under the same labels is there once, with the latter value.
#[derive(Clone, Debug, Default)]
pub struct Gauges(BTreeMap<Cow<'static, str>, Gauge>);

#[derive(Clone, Debug)]
struct Gauge {
    help: &'static str,
    kind: &'static str,
    /// By the labels as they are written.
    values: BTreeMap<Vec<u8>, f64>,
}

impl Gauges {
    /// Adds a value. The name must be that of a metric, the help is ours; the labels' values may be anything, their
    /// names must be label names.
    pub fn set(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: &Labels,
        value: f64,
    ) {
        self.put("gauge", name.into(), help, labels, value);
    }

    /// The same for a counter. Its name ends with `_total`, and is no gauge's.
    pub fn count(&mut self, name: &'static str, help: &'static str, labels: &Labels, value: u64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the text format has floats alone"
        )]
        self.put("counter", name.into(), help, labels, value as f64);
    }

    fn put(
        &mut self,
        kind: &'static str,
        name: Cow<'static, str>,
        help: &'static str,
        labels: &Labels,
        value: f64,
    ) {
        let gauge = self.0.entry(name).or_insert_with(|| Gauge {
            help,
            kind,
            values: BTreeMap::new(),
        });
        gauge.values.insert(labels.render(), value);
    }

    /// The page, in the order of names and labels.
    pub fn page(&self) -> Vec<u8> {
        let mut page = Vec::new();
        for (name, gauge) in &self.0 {
            page.extend(
                format!(
                    "# HELP {name} {}\n# TYPE {name} {}\n",
                    gauge.help, gauge.kind
                )
                .into_bytes(),
            );
            for (labels, value) in &gauge.values {
                page.extend_from_slice(name.as_bytes());
                if !labels.is_empty() {
                    page.push(b'{');
                    page.extend_from_slice(labels);
                    page.push(b'}');
                }
                page.extend(format!(" {}\n", number(*value)).into_bytes());
            }
        }
        page
    }
}

/// As the text format writes it: Rust says `inf`.
fn number(value: f64) -> String {
    if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.into()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_ordered_and_escaped() {
        let mut gauges = Gauges::default();
        let labels = |value: &str| Labels::from_iter([("x", value)]);
        gauges.set("b", "Second.", &Labels::new(), f64::INFINITY);
        gauges.set("a", "First.", &labels("2"), 0.5);
        gauges.set("a", "First.", &labels("1\"\\\n"), f64::NAN);
        gauges.set("a", "First.", &labels("2"), -1e30);
        gauges.count("c_total", "Third.", &Labels::new(), 7);
        assert_eq!(
            String::from_utf8(gauges.page()).unwrap(),
            "# HELP a First.\n# TYPE a gauge\na{x=\"1\\\"\\\\\\n\"} NaN\na{x=\"2\"} -1000000000000000000000000000000\n\
             # HELP b Second.\n# TYPE b gauge\nb +Inf\n\
             # HELP c_total Third.\n# TYPE c_total counter\nc_total 7\n"
        );
    }
}
