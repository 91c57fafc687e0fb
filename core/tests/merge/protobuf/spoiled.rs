//! Properties: made-up pages merge to what a simple model says, and spoiled ones do no harm.

use std::sync::Arc;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, Stats, merge};
use proptest::prelude::*;

use super::made_up;
use super::model::{LabelPair, MetricFamily};
use super::{families, page, pairs, spoiler};
use crate::families::Names;
use crate::tape::{Tape, tape};
use crate::{instance, scan};

fn good(body: &[u8]) -> Arc<Page> {
    match scan(body, Format::Protobuf) {
        Ok(page) => Arc::new(page),
        Err(error) => panic!("{error}\n{:#?}", families(body)),
    }
}

fn merged(inputs: Vec<Input>, label_conflict: LabelConflict) -> (Vec<u8>, Stats) {
    let options = Options {
        format: Format::Protobuf,
        label_conflict,
    };
    let mut merging = merge(inputs, None, &options);
    let body = merging.by_ref().flatten().collect();
    (body, merging.stats())
}

fn instances(pages: &[Arc<Page>]) -> Vec<Input> {
    let input = |(index, page): (usize, &Arc<Page>)| Input {
        labels: instance(index),
        page: page.clone(),
    };
    pages.iter().enumerate().map(input).collect()
}

/// Pages as families and as bytes.
fn bodies(names: Names) -> impl Strategy<Value = Vec<(Vec<MetricFamily>, Vec<u8>)>> {
    prop::collection::vec(tape(200), 1..4).prop_map(move |mut tapes| {
        let body = |tape: &mut Tape| {
            let families = made_up::families(tape, names);
            let body = made_up::page(tape, &families);
            (families, body)
        };
        tapes.iter_mut().map(body).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_merge_is_the_inputs_with_labels(bodies in bodies(Names::ByType), drop in any::<bool>()) {
        let label_conflict = if drop { LabelConflict::Drop } else { LabelConflict::Export };
        let pages: Vec<_> = bodies.iter().map(|(_, body)| good(body)).collect();
        let (found, stats) = merged(instances(&pages), label_conflict);
        good(&found);
        prop_assert_eq!(stats.duplicates, 0);
        let inputs: Vec<_> = bodies.iter().map(|(families, _)| &families[..]).collect();
        let want = expected(&inputs, label_conflict);
        // As bytes, since NaN is not equal to itself.
        prop_assert_eq!(page(&families(&found)), page(&want), "{:#?}\n{:#?}", families(&found), want);
    }

    #[test]
    fn pages_that_disagree_still_give_a_good_page(bodies in bodies(Names::Shared)) {
        let pages: Vec<_> = bodies.iter().map(|(_, body)| good(body)).collect();
        let (found, stats) = merged(instances(&pages), LabelConflict::Export);
        let samples: usize = pages.iter().map(|page| page.samples()).sum();
        let again = good(&found);
        prop_assert_eq!(again.samples() + stats.duplicates, samples);
        let (unchanged, _) = merged(vec![Input { labels: Labels::new(), page: again }], LabelConflict::Export);
        prop_assert!(unchanged == found, "nothing is left to settle");
    }

    #[test]
    fn equal_labels_make_no_new_duplicates(bodies in bodies(Names::Shared), drop in any::<bool>()) {
        let label_conflict = if drop { LabelConflict::Drop } else { LabelConflict::Export };
        let inputs: Vec<Input> = bodies
            .iter()
            .map(|(_, body)| Input {
                labels: Labels::from_iter([("index", "1"), ("app_name", "shop")]),
                page: good(body),
            })
            .collect();
        let all: usize = inputs.iter().map(|input| input.page.samples()).sum();
        let (found, stats) = merged(inputs, label_conflict);
        prop_assert_eq!(good(&found).samples() + stats.duplicates, all);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_the_scan_lets_through_can_be_read_and_merged(mut tape in tape(200), drop in any::<bool>()) {
        let label_conflict = if drop { LabelConflict::Drop } else { LabelConflict::Export };
        let first = made_up::families(&mut tape, Names::Shared);
        let first = made_up::page(&mut tape, &first);
        let second = made_up::families(&mut tape, Names::Shared);
        let mut second = made_up::page(&mut tape, &second);
        for _ in 0..=tape.below(3) {
            if tape.rarely(8) {
                spoiler::bytes(&mut tape, &mut second);
            } else {
                second = spoiler::field(&mut tape, &second);
            }
        }
        if let Ok(second_page) = scan(&*second, Format::Protobuf) {
            families(&second);
            let pages = [good(&first), Arc::new(second_page)];
            let samples: usize = pages.iter().map(|page| page.samples()).sum();
            let (found, stats) = merged(instances(&pages), label_conflict);
            prop_assert_eq!(good(&found).samples() + stats.duplicates, samples);
            families(&found);
        }
    }

    #[test]
    fn no_bytes_make_the_scan_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan(bytes, Format::Protobuf);
    }
}

/// The families of the merged page, when no two inputs disagree.
fn expected(inputs: &[&[MetricFamily]], label_conflict: LabelConflict) -> Vec<MetricFamily> {
    let mut want: Vec<MetricFamily> = Vec::new();
    for (index, families) in inputs.iter().enumerate() {
        let added = instance(index);
        // A family that stands twice in a page counts at its first place, once it has any metrics.
        for (place, first) in families.iter().enumerate() {
            let all = || families.iter().filter(|family| family.name == first.name);
            let metrics: Vec<_> = all().flat_map(|family| family.metric.clone()).collect();
            if families[..place]
                .iter()
                .any(|before| before.name == first.name)
                || metrics.is_empty()
            {
                continue;
            }
            let at = want
                .iter()
                .position(|family| family.name == first.name)
                .unwrap_or_else(|| {
                    want.push(MetricFamily {
                        name: first.name.clone(),
                        r#type: Some(first.r#type() as i32),
                        ..MetricFamily::default()
                    });
                    want.len() - 1
                });
            let family = &mut want[at];
            for text in all().filter_map(|family| family.help.clone()) {
                family.help = family
                    .help
                    .take()
                    .or(Some(text).filter(|text| !text.is_empty()));
            }
            for text in all().filter_map(|family| family.unit.clone()) {
                family.unit = family
                    .unit
                    .take()
                    .or(Some(text).filter(|text| !text.is_empty()));
            }
            family.metric.extend(metrics.into_iter().map(|mut metric| {
                metric.label = labels(&metric.label, &added, label_conflict);
                metric
            }));
        }
    }
    want
}

/// A metric's labels as the merge must give them.
fn labels(own: &[LabelPair], added: &Labels, label_conflict: LabelConflict) -> Vec<LabelPair> {
    let mut labels = Vec::new();
    for pair in own {
        let mut name = pair.name().to_owned();
        if added.get(&name).is_some() && label_conflict == LabelConflict::Drop {
            continue;
        }
        while added.get(&name).is_some()
            || (name != pair.name() && own.iter().any(|other| other.name() == name))
        {
            name = format!("exported_{name}");
        }
        labels.extend(pairs(&[(&name, pair.value())]));
    }
    labels.extend(pairs(&added.iter().collect::<Vec<_>>()));
    labels
}
