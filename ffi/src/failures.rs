//! The failures of instances as errors of C.

use promfetch_core::failure::Failure;
use promfetch_core::fetch::{Outcome, Target};

use crate::code::of_reason;
use crate::error::Error;

/// Why each one failed that did, in page order.
pub(crate) fn of_each(outcomes: &[Outcome]) -> Vec<Error> {
    failed(outcomes)
        .map(|(target, failure)| {
            let name = match (&target.instance, &target.exporter) {
                (None, Some(exporter)) => exporter.to_string(),
                _ => target.address.to_string(),
            };
            Error::new(of_reason(failure.reason), said(target, failure)).of_target(&name)
        })
        .collect()
}

/// Why there is no page: no instance gave metrics. The commonest reason decides, of equals the first.
pub(crate) fn of_all(outcomes: &[Outcome]) -> Error {
    let mut counts: Vec<(&Failure, usize)> = Vec::new();
    let of_instances = || failed(outcomes).filter(|(target, _)| target.instance.is_some());
    for (_, failure) in of_instances() {
        match counts
            .iter_mut()
            .find(|(known, _)| known.reason == failure.reason)
        {
            Some((_, count)) => *count += 1,
            None => counts.push((failure, 1)),
        }
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(failure, count)| format!("{count} × {}", failure.reason))
        .collect();
    // `max_by_key` takes the last of equals.
    let commonest = counts.iter().rev().max_by_key(|(_, count)| *count);
    let code = commonest.map_or(crate::code::PROMFETCH_SKIPPED, |(failure, _)| {
        of_reason(failure.reason)
    });
    let first = of_instances()
        .find(|(_, failure)| commonest.is_some_and(|(most, _)| most.reason == failure.reason))
        .map(|(target, failure)| said(target, failure))
        .unwrap_or_default();
    Error::new(
        code,
        format!("no instance gave metrics ({}); {first}", words.join(", ")),
    )
}

fn failed(outcomes: &[Outcome]) -> impl Iterator<Item = (&Target, &Failure)> {
    outcomes
        .iter()
        .filter_map(|outcome| Some((&*outcome.target, outcome.result.as_ref().err()?)))
}

fn said(target: &Target, failure: &Failure) -> String {
    match (&target.instance, &target.exporter) {
        (Some(located), _) if !located.instance.index.is_empty() => {
            format!(
                "instance {} ({}): {failure}",
                located.instance.index, target.address
            )
        }
        (None, Some(exporter)) => format!("exporter {exporter} ({}): {failure}", target.address),
        _ => format!("instance {}: {failure}", target.address),
    }
}
