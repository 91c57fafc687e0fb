//! Samples of a merged page, one by one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use promfetch_core::exposition::{MetricType, Page};

/// Names and values of labels, without the metric's name.
pub type LabelSet = BTreeMap<Box<str>, Box<str>>;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// With the suffix that it has beside the name of its family.
    pub name: Box<str>,
    /// The type of its family.
    pub kind: MetricType,
    /// Those of the app's own and the nine of promfetch.
    pub labels: LabelSet,
    /// May be NaN or infinite.
    pub value: f64,
}

/// The samples whose names are wanted, in the order of the page. The page is one of lines.
pub fn of_page<'p>(
    page: &'p Page,
    wanted: impl Fn(&str) -> bool + 'p,
) -> impl Iterator<Item = Sample> + 'p {
    page.families()
        .flat_map(|family| family.values().map(move |value| (family.kind(), value)))
        .filter(move |(_, value)| wanted(&value.name))
        .filter_map(|(kind, value)| {
            Some(Sample {
                // What no number can be made of has not passed the scan.
                value: value.value.parse().ok()?,
                name: boxed(value.name),
                kind,
                labels: value
                    .labels
                    .into_iter()
                    .map(|(name, value)| (boxed(name), boxed(value)))
                    .collect(),
            })
        })
}

fn boxed(text: Cow<'_, str>) -> Box<str> {
    text.into_owned().into_boxed_str()
}

#[cfg(test)]
mod tests {
    use promfetch_core::exposition::{Format, Limits};

    use super::*;

    #[test]
    fn samples_have_numbers_and_labels_without_escapes() {
        let text = "# TYPE a counter\na{x=\"1\\\"\"} +Inf\nb NaN\n# TYPE h summary\nh_sum 2e3\nh_count 16\n";
        let limits = Limits {
            max_line: 1000,
            max_samples: 100,
        };
        let page = Page::scan(text.into(), Format::Text, &limits).unwrap();
        let all: Vec<Sample> = of_page(&page, |name| name != "h_count").collect();
        let [a, b, sum] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(
            (&*a.name, a.kind, a.value),
            ("a", MetricType::Counter, f64::INFINITY)
        );
        assert_eq!(a.labels.get("x").map(|value| &**value), Some("1\""));
        assert!(b.value.is_nan() && b.labels.is_empty());
        assert_eq!(
            (&*sum.name, sum.kind, sum.value),
            ("h_sum", MetricType::Summary, 2000.0)
        );
    }
}
