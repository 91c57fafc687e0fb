//! What holds for the merge of any good pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};
use proptest::prelude::*;

use crate::families::Names;
use crate::reader::{Sample, samples};
use crate::tape::{Tape, tape};
use crate::{good, instance, merge_counted, merge_pages, openmetrics, read_chunks, text};

fn made_up(tape: &mut Tape, format: Format, names: Names) -> String {
    match format {
        Format::Text => text::page(tape, names),
        _ => openmetrics::page(tape, names),
    }
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![Format::Text, Format::OpenMetrics])
}

/// Some pages, and how many choices each takes.
fn bodies(names: Names) -> impl Strategy<Value = (Format, Vec<String>)> {
    (formats(), prop::collection::vec(tape(160), 1..4)).prop_map(move |(format, mut tapes)| {
        let bodies = tapes
            .iter_mut()
            .map(|tape| made_up(tape, format, names))
            .collect();
        (format, bodies)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_sample_is_there_once_with_the_labels((format, bodies) in bodies(Names::ByType)) {
        let pages: Vec<_> = bodies.iter().map(|body| good(body, format)).collect();
        let merged = merge_pages(&pages, format);
        good(&merged, format);
        let mut want: Vec<Sample> = bodies
            .iter()
            .enumerate()
            .flat_map(|(index, body)| expected(body, &instance(index), format))
            .collect();
        let mut found = samples(&merged);
        // The order within a family of one page is kept; this is about what is there.
        want.sort();
        found.sort();
        prop_assert_eq!(found, want, "{}", merged);
    }

    #[test]
    fn an_instance_changes_nothing_of_the_others((format, bodies) in bodies(Names::ByType)) {
        let pages: Vec<_> = bodies.iter().map(|body| good(body, format)).collect();
        let merged = samples(&merge_pages(&pages, format));
        for (index, page) in pages.iter().enumerate() {
            let alone = merged_alone(page, instance(index), format);
            let index = index.to_string();
            let among_others: Vec<_> = merged
                .iter()
                .filter(|sample| sample.labels["index"] == index)
                .cloned()
                .collect();
            prop_assert_eq!(sorted(samples(&alone)), sorted(among_others));
        }
    }

    #[test]
    fn pages_that_disagree_still_give_a_good_page((format, bodies) in bodies(Names::Shared)) {
        let pages: Vec<_> = bodies.iter().map(|body| good(body, format)).collect();
        let (merged, duplicates) = merge_counted(&pages, format);
        let again = good(&merged, format);
        let samples: usize = pages.iter().map(|page| page.samples()).sum();
        prop_assert_eq!(again.samples() + duplicates, samples);
        prop_assert_eq!(merge_pages(&pages, format), merged.clone(), "the same input gives the same bytes");
        let unchanged = merged_alone(&again, Labels::new(), format);
        // Names of promfetch's own were exported already, and nothing is left to settle.
        prop_assert_eq!(unchanged, merged);
    }

    #[test]
    fn equal_labels_and_dropped_labels_make_no_new_duplicates(
        (format, bodies) in bodies(Names::Shared),
        drop in any::<bool>(),
    ) {
        let label_conflict = if drop { LabelConflict::Drop } else { LabelConflict::Export };
        let inputs: Vec<Input> = bodies
            .iter()
            .map(|body| Input {
                labels: Labels::from_iter([("index", "1"), ("app_name", "shop")]),
                page: good(body, format),
            })
            .collect();
        let all: usize = inputs.iter().map(|input| input.page.samples()).sum();
        let (merged, duplicates) = read_chunks(merge(inputs, None, &Options { format, label_conflict }));
        prop_assert_eq!(good(&merged, format).samples() + duplicates, all);
    }
}

/// The merge of one page.
pub(crate) fn merged_alone(page: &Arc<Page>, labels: Labels, format: Format) -> String {
    let page = page.clone();
    let options = Options {
        format,
        label_conflict: LabelConflict::Export,
    };
    let merged = merge(vec![Input { labels, page }], None, &options);
    String::from_utf8(merged.into_bytes()).expect("merged pages are UTF-8")
}

pub(crate) fn sorted(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.sort();
    samples
}

/// The samples of a page as the merge must give them.
pub(crate) fn expected(body: &str, added: &Labels, format: Format) -> Vec<Sample> {
    let mut all = samples(body);
    for sample in &mut all {
        let own = std::mem::take(&mut sample.labels);
        for (name, value) in &own {
            let mut written = name.clone();
            while added.get(&written).is_some() || (written != *name && own.contains_key(&written))
            {
                written = format!("exported_{written}");
            }
            sample.labels.insert(written, value.clone());
        }
        let added: BTreeMap<_, _> = added
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        sample.labels.extend(added);
        // Python's parser loses count of the quotes, so such an exemplar is left out.
        if format == Format::OpenMetrics
            && let Some((value, exemplar)) = sample.rest.split_once(" # ")
            && exemplar.contains("\\\"")
        {
            sample.rest = value.to_owned();
        }
    }
    all
}
