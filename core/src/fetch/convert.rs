//! Pages that a caller cannot take become pages that it can, before they are merged.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::conversion::{Converted, Place, Run};
use super::{Fetched, Outcome};
use crate::exposition::{Dialect, Format, Limits};
use crate::failure::{Failure, Reason};

/// Pages with no more bytes than this together are converted at once: handing them to threads would take as long.
/// Not those of protobuf, which can become a thousand times as large: a native histogram repeats its labels for each
/// bucket.
const SMALL: usize = 16 << 10;

/// The process has no room for one of the pages.
#[derive(Debug)]
pub(super) struct Starved;

/// Converts one page, which has just come, if it does not fit. It stays as it is when there is no room: those who
/// want it try again. `news` as for [`all`].
pub(super) async fn early(
    outcome: &mut Outcome,
    dialect: Dialect,
    limits: &Limits,
    news: impl Fn(&Outcome),
) {
    let Some(fetched) = unfit(outcome, dialect) else {
        return;
    };
    let run = start(fetched, dialect, limits, place(std::iter::once(fetched)));
    let result = run.result().await;
    if !matches!(&result, Err(refused) if refused.for_now) {
        // Only what is refused for now has to do with room.
        let _ = put(outcome, result, &run, news);
    }
}

/// Converts the pages that do not fit: a few small ones at once, others in parallel on threads for such work. Each
/// result takes the place of its source as it comes, and `news` is told of those that nobody else has had. What is
/// not done at `latest` is a `timeout`: a page with a hole is better than one that comes too late.
///
/// # Errors
/// When the process has no room for one of them.
pub(super) async fn all(
    outcomes: &mut [Outcome],
    dialect: Dialect,
    limits: &Limits,
    latest: Instant,
    news: impl Fn(&Outcome),
) -> Result<(), Starved> {
    let open = outcomes
        .iter()
        .filter_map(|outcome| unfit(outcome, dialect));
    let place = place(open);
    let running = FuturesUnordered::new();
    for (at, outcome) in outcomes.iter_mut().enumerate() {
        let Some(fetched) = unfit(outcome, dialect) else {
            continue;
        };
        let run = start(fetched, dialect, limits, place);
        match run.now() {
            // What is done comes even when there is no time left.
            Some(result) => put(outcome, result, &run, &news)?,
            None => running.push(async move { (at, run.result().await, run) }),
        }
    }
    let mut running = std::pin::pin!(running);
    while let Ok(Some((at, result, run))) = timeout_at(latest, running.next()).await {
        if let Some(outcome) = outcomes.get_mut(at) {
            put(outcome, result, &run, &news)?;
        }
    }
    if running.is_empty() {
        return Ok(());
    }
    for outcome in outcomes {
        if unfit(outcome, dialect).is_some() {
            let detail = "the page was received, but not converted before the deadline";
            outcome.result = Err(Failure::new(Reason::Timeout, detail));
            news(outcome);
        }
    }
    Ok(())
}

/// The page of this outcome, if there is one that a caller of this dialect cannot take.
fn unfit(outcome: &Outcome, dialect: Dialect) -> Option<&Fetched> {
    let fetched = outcome.result.as_ref().ok()?;
    (!fetched.page.fits(dialect)).then_some(fetched)
}

/// Where these pages together are best converted.
fn place<'a>(mut pages: impl Iterator<Item = &'a Fetched>) -> Place {
    let bytes = pages.try_fold(0_usize, |sum, fetched| {
        let sum = sum.saturating_add(fetched.page.len());
        (fetched.page.format() != Format::Protobuf && sum <= SMALL).then_some(sum)
    });
    bytes.map_or(Place::Thread, |_| Place::Here)
}

fn start(fetched: &Fetched, dialect: Dialect, limits: &Limits, place: Place) -> Arc<Run> {
    let Fetched {
        page, conversion, ..
    } = fetched;
    conversion.run(page, dialect, limits, place)
}

/// Puts the result in the place of its source, which goes when nobody else holds it.
fn put(
    outcome: &mut Outcome,
    result: Converted,
    run: &Run,
    news: impl Fn(&Outcome),
) -> Result<(), Starved> {
    match (&mut outcome.result, result) {
        (_, Err(refused)) if refused.is_starved => return Err(Starved),
        (Ok(fetched), Ok(page)) => fetched.page = page,
        (of, Err(refused)) => *of = Err(refused.failure),
        // Only pages are converted.
        (Err(_), Ok(_)) => {}
    }
    if run.is_news() {
        news(outcome);
    }
    Ok(())
}
