//! Which inputs could give equal series?
//!
//! The instances of an app differ in their labels, so their series cannot meet. Two inputs can meet when their
//! added labels agree (two exporters of one app; instances of a platform that sets no index), or when one of them
//! already has as own labels what the other gets added (an exporter that reports `index` itself).

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::source::Source;
use crate::exposition::hash;

/// Sets [`Source::overlaps`] where a meeting cannot be ruled out. May be set too often, never too rarely.
pub(super) fn find(sources: &mut [Source]) {
    equal_labels(sources);
    own_labels_fill_the_gap(sources);
}

fn equal_labels(sources: &mut [Source]) {
    let mut first: HashMap<u64, usize> = HashMap::with_capacity(sources.len());
    let mut meet = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        match first.entry(source.labels_hash) {
            Entry::Occupied(entry) => meet.extend([*entry.get(), at]),
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
        }
    }
    mark(sources, &meet);
}

/// For inputs with different label names to meet, each must have all names of the other, added or its own.
fn own_labels_fill_the_gap(sources: &mut [Source]) {
    let mut meet = Vec::new();
    // Only an input with an own label that others get added can lack a name and still meet.
    let mut names: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.labels.iter().map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let hashes: Vec<(&str, u64)> = names
        .into_iter()
        .map(|name| (name, hash(name.as_bytes())))
        .collect();
    for (at, source) in sources.iter().enumerate() {
        if source.labels.len() == hashes.len() {
            continue; // it gets all names there are
        }
        let has_foreign = hashes
            .iter()
            .any(|(name, hash)| source.labels.get(name).is_none() && has_own(source, name, *hash));
        if !has_foreign {
            continue;
        }
        for (other_at, other) in sources.iter().enumerate() {
            if other_at != at && covers(source, other) && covers(other, source) {
                meet.extend([at, other_at]);
            }
        }
    }
    mark(sources, &meet);
}

/// Whether samples of `source` can have all labels that are added to `other`, with the same values.
fn covers(source: &Source, other: &Source) -> bool {
    other
        .labels
        .iter()
        .all(|(name, value)| match source.labels.get(name) {
            Some(own) => own == value,
            None => has_own(source, name, hash(name.as_bytes())),
        })
}

fn has_own(source: &Source, name: &str, hash: u64) -> bool {
    source
        .page
        .as_ref()
        .is_some_and(|page| page.label(name.as_bytes(), hash).is_some())
}

fn mark(sources: &mut [Source], which: &[usize]) {
    for at in which {
        if let Some(source) = sources.get_mut(*at) {
            source.overlaps = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exposition::{Format, Limits, Page};
    use crate::labels::Labels;
    use crate::merge::Input;

    fn overlaps(inputs: &[(&[(&'static str, &'static str)], &'static str)]) -> Vec<bool> {
        let limits = Limits {
            max_samples: 100,
            max_line: 100,
        };
        let mut sources: Vec<Source> = inputs
            .iter()
            .map(|(labels, body)| {
                let page = Page::scan((*body).into(), Format::Text, &limits).unwrap();
                Source::new(
                    Input {
                        labels: Labels::from_iter(labels.iter().copied()),
                        page: Arc::new(page),
                    },
                    false,
                )
            })
            .collect();
        find(&mut sources);
        sources.iter().map(|source| source.overlaps).collect()
    }

    #[test]
    fn only_inputs_whose_series_could_be_equal_overlap() {
        let (app, zero, one) = (("app", "a"), ("index", "0"), ("index", "1"));
        for (inputs, want, why) in [
            (
                vec![(&[app, zero][..], "m 1"), (&[app, one], "m 1")],
                vec![false, false],
                "instances differ",
            ),
            (
                vec![(&[app, zero], "m 1"), (&[app], "m 1")],
                vec![false, false],
                "the exporter lacks the index",
            ),
            (
                vec![(&[app], "m 1"), (&[app], "m 1")],
                vec![true, true],
                "equal labels",
            ),
            (
                vec![(&[app, zero], "m 1"), (&[zero, app], "m 1")],
                vec![true, true],
                "equal labels in another order",
            ),
            (
                vec![(&[app, zero], "m 1"), (&[app], "m{index=\"0\"} 1")],
                vec![true, true],
                "the exporter has an index of its own",
            ),
            (
                vec![(&[zero], "m{app=\"a\"} 1"), (&[app], "m{index=\"0\"} 1")],
                vec![true, true],
                "each has what the other gets",
            ),
            (
                vec![(&[zero], "m{app=\"a\"} 1"), (&[app], "m 1")],
                vec![false, false],
                "only one has",
            ),
        ] {
            assert_eq!(overlaps(&inputs), want, "{why}");
        }
    }
}
