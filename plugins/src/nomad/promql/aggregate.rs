//! Aggregation of the values of many series into groups.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::evaluate::Vector;
use super::expression::{Aggregation, Grouping};
use super::points::{less, more, stays_infinite};

struct Group {
    value: f64,
    count: f64,
}

/// One value for each group, in the order of the groups' labels; of nothing, nothing.
pub(super) fn aggregate(
    aggregation: Aggregation,
    grouping: &Grouping,
    vector: Vector<'_>,
) -> Vector<'static> {
    let mut groups: BTreeMap<Vec<(&str, &str)>, Group> = BTreeMap::new();
    for (labels, value) in &vector {
        let labels = labels.iter().filter(|(name, _)| grouping.keeps(name));
        let key = labels.map(|(name, value)| (&**name, &**value)).collect();
        groups
            .entry(key)
            .and_modify(|group| group.add(aggregation, *value))
            .or_insert(Group {
                value: *value,
                count: 1.0,
            });
    }
    groups
        .into_iter()
        .map(|(labels, group)| {
            let labels = labels
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()));
            let value = match aggregation {
                Aggregation::Count => group.count,
                _ => group.value,
            };
            (Cow::Owned(labels.collect()), value)
        })
        .collect()
}

impl Group {
    /// As Prometheus 2.42 does it: to the last bit, sums and averages depend on how they are made.
    fn add(&mut self, aggregation: Aggregation, value: f64) {
        self.count += 1.0;
        match aggregation {
            Aggregation::Sum => self.value += value,
            // Two divisions, for the difference of two values may be more than a float can hold.
            Aggregation::Average if stays_infinite(self.value, value) => {}
            Aggregation::Average => self.value += value / self.count - self.value / self.count,
            Aggregation::Min => self.value = less(self.value, value),
            Aggregation::Max => self.value = more(self.value, value),
            Aggregation::Count => {}
        }
    }
}
