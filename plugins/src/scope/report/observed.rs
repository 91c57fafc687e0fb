//! What one merged page says about the instances of its apps.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use promfetch_core::exposition::Page;

use super::rule::Rule;
use crate::sample::{self, LabelSet};

/// The health series that each instance has in a merged page.
const UP: &str = "promfetch_up";
/// Most series of one instance for one rule. With more, the rule has no value there: half of a sum is none.
pub(super) const MAX_SERIES: usize = 10_000;

/// What tells one instance from all others, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) app_id: Box<str>,
    pub(super) index: Box<str>,
    /// `host:port`; two instances of one index are both there during a rolling deployment.
    pub(super) address: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) organization: Box<str>,
    pub(super) space: Box<str>,
    pub(super) app: Box<str>,
}

/// One instance on a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) names: Names,
    /// Whether it has a health series.
    is_known: bool,
    /// Whether it gave metrics.
    pub(super) is_up: bool,
    /// For each rule: the series that count, by a hash of their labels, in the order of the page.
    pub(super) series: Vec<Vec<(u64, f64)>>,
}

/// The instances on a page that the platform knows, with the series that rules take. Series of external exporters,
/// which belong to no instance, are left out.
pub(super) fn observe(page: &Page, rules: &[Rule]) -> BTreeMap<Key, Observed> {
    let mut instances: BTreeMap<Key, Observed> = BTreeMap::new();
    let wanted = |name: &str| name == UP || rules.iter().any(|rule| rule.name() == name);
    for sample in sample::of_page(page, wanted) {
        let Some(key) = key(&sample.labels) else {
            continue;
        };
        let instance = instances.entry(key).or_default();
        if &*sample.name == UP {
            instance.is_known = true;
            instance.is_up = sample.value == 1.0;
            instance.names = names(&sample.labels);
        }
        instance.series.resize_with(rules.len(), Vec::new);
        for (rule, series) in rules.iter().zip(&mut instance.series) {
            // One more than the bound shows that there are more.
            if series.len() <= MAX_SERIES && rule.takes(&sample) {
                series.push((hash(&sample.labels), sample.value));
            }
        }
    }
    instances.retain(|_, instance| instance.is_known);
    instances
}

fn key(labels: &LabelSet) -> Option<Key> {
    let text = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    Some(Key {
        app_id: text("app_id")?,
        index: text("index")?,
        address: text("instance")?,
    })
}

fn names(labels: &LabelSet) -> Names {
    let text = |name: &str| labels.get(name).cloned().unwrap_or_default();
    Names {
        organization: text("organization_name"),
        space: text("space_name"),
        app: text("app_name"),
    }
}

fn hash(labels: &LabelSet) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use promfetch_core::exposition::{Format, Limits};

    use super::*;
    use crate::scope::report::rule::Aggregate;

    #[test]
    fn instances_have_the_series_that_rules_take() {
        let nine = |index: &str, address: &str| {
            format!(
                "organization_name=\"o\",space_name=\"s\",app_name=\"a\",app_id=\"g\",index=\"{index}\",instance=\"{address}\""
            )
        };
        let (first, second) = (nine("0", "h:1"), nine("1", "h:2"));
        let text = format!(
            "a{{x=\"1\",{first}}} 1\na{{x=\"2\",{first}}} 2\na{{x=\"1\",{second}}} 4\na{{app_id=\"g\"}} 8\nb{{{first}}} 16\n\
             a{{{}}} 32\npromfetch_up{{{first}}} 1\npromfetch_up{{{second}}} 0\n",
            nine("7", "h:9"),
        );
        let limits = Limits {
            max_line: 1000,
            max_samples: 100,
        };
        let page = Page::scan(text.into(), Format::Text, &limits).unwrap();
        let rules = [
            Rule::example("a{x=\"1\"}", Aggregate::Sum, false),
            Rule::example("b", Aggregate::Sum, false),
        ];
        let found: Vec<_> = observe(&page, &rules)
            .into_iter()
            .map(|(key, observed)| {
                let values =
                    |series: &Vec<(u64, f64)>| series.iter().map(|(_, value)| *value).collect();
                let values: Vec<Vec<f64>> = observed.series.iter().map(values).collect();
                (
                    key.index,
                    key.address,
                    observed.is_up,
                    observed.names.app,
                    values,
                )
            })
            .collect();
        let expected = [
            (
                "0".into(),
                "h:1".into(),
                true,
                "a".into(),
                vec![vec![1.0], vec![16.0]],
            ),
            (
                "1".into(),
                "h:2".into(),
                false,
                "a".into(),
                vec![vec![4.0], vec![]],
            ),
        ];
        assert_eq!(
            found, expected,
            "without those that have no health series, or no index"
        );
    }
}
