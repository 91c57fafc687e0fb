//! A configured plugin: from the text of a query to its samples.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use promfetch_core::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use super::answer::{Samples, answer, shown};
use super::apps::Apps;
use super::settings::Settings;
use super::span::Span;
use crate::nomad::history::{History, Record, millis, now};
use crate::nomad::promql::{Millis, Query, VectorSelector};
use crate::source::Source;

/// What a query may take beyond the time for a page.
const MARGIN: Duration = Duration::from_secs(5);
/// What is said when a part of this plugin has panicked, which is in the log.
pub(super) const FAILED: &str =
    "the query failed because of an error in this plugin; please report it";
/// How many queries are calculated at one time; others wait.
const MAX_CALCULATED: usize = 4;

/// What SetConfig has made.
#[derive(Debug)]
pub(super) struct Plugin {
    source: Source,
    apps: Apps,
    history: History,
    step: Duration,
    retention: Duration,
    timeout: Duration,
    calculated: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Plugin {
    /// Makes everything ready; nothing is waited for. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the files of the configuration cannot be used.
    pub(super) fn start(settings: Settings, shutdown: CancellationToken) -> Result<Self, Error> {
        let source = Source::start(&settings.source, shutdown.clone())?;
        let history = History::new(
            source.clone(),
            settings.step,
            settings.idle,
            shutdown.clone(),
        );
        Ok(Self {
            apps: Apps::new(&settings),
            source,
            history,
            step: settings.step,
            retention: settings.retention,
            timeout: settings.source.timeout,
            calculated: Arc::new(Semaphore::new(MAX_CALCULATED)),
            shutdown,
        })
    }

    /// Another configuration is in effect.
    pub(super) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// The series of a query, of which only one may be there if `only_one`.
    ///
    /// # Errors
    /// A sentence for the agent's log.
    pub(super) async fn query(
        &self,
        text: &str,
        span: Span,
        only_one: bool,
    ) -> Result<Vec<Samples>, String> {
        let deadline = Instant::now() + self.timeout + MARGIN;
        let late = || {
            let seconds = (self.timeout + MARGIN).as_secs();
            format!("`{}` had no answer within {seconds} s", shown(text))
        };
        tokio::select! {
            asked = timeout_at(deadline.into(), self.ask(text, span, only_one, deadline)) =>
                asked.unwrap_or_else(|_| Err(late())),
            () = self.shutdown.cancelled() => Err("the plugin is being ended or configured anew".into()),
        }
    }

    async fn ask(
        &self,
        text: &str,
        span: Span,
        only_one: bool,
        deadline: Instant,
    ) -> Result<Vec<Samples>, String> {
        let query = self.parse(text).await?;
        let now = now();
        let span = span.check(now, self.step)?;
        let reach = span.reach(now, query.window());
        if reach > self.retention {
            return Err(format!(
                "`{}` looks back {} s, and `retention` is {} s: take a shorter range or window, or set `retention`",
                shown(text),
                reach.as_secs(),
                self.retention.as_secs()
            ));
        }
        let keep = reach.saturating_add(2 * self.step);
        let recorded = query
            .selectors()
            .iter()
            .map(|selector| self.record(selector, keep));
        let records = try_join_all(recorded).await?;

        let permit = Arc::clone(&self.calculated).acquire_owned().await;
        let step = self.step;
        let shown = shown(text);
        // Off the threads that answer others.
        let calculated = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            calculate(&query, &records, span, step, deadline, &shown, only_one)
        });
        calculated.await.map_err(|_| FAILED)?
    }

    /// Reads the query, off the threads that answer others: large patterns take their time.
    async fn parse(&self, text: &str) -> Result<Query, String> {
        let permit = Arc::clone(&self.calculated).acquire_owned().await;
        let text = text.to_owned();
        let parsed = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            Query::parse(&text)
        });
        parsed
            .await
            .map_err(|_| FAILED)?
            .map_err(|error| error.to_string())
    }

    /// What is recorded for a selector, by app.
    async fn record(
        &self,
        selector: &VectorSelector,
        keep: Duration,
    ) -> Result<Vec<Record>, String> {
        let apps = self.apps.of(selector, &self.source).await?;
        let records = apps
            .iter()
            .map(|app| self.history.record(app, selector, keep));
        try_join_all(records).await
    }
}

fn calculate(
    query: &Query,
    records: &[Vec<Record>],
    span: Span,
    step: Duration,
    deadline: Instant,
    text: &str,
    only_one: bool,
) -> Result<Vec<Samples>, String> {
    let mut windows = Vec::new();
    for (selector, records) in query.selectors().iter().zip(records) {
        let back = selector.range.unwrap_or_default();
        let from = span.from.saturating_sub(millis(back));
        let read = records.iter().map(|record| record.window(from));
        windows.push(read.collect::<Result<Vec<_>, _>>()?);
    }
    // Who comes while the first page is on its way, or was held up until it had come, asks for the first time too.
    let began = windows.iter().flatten().filter_map(|window| window.since);
    let is_new = records.iter().flatten().any(Record::is_new)
        || began.max().is_some_and(|began| began > span.to);
    let ticks = windows
        .iter()
        .flatten()
        .filter_map(|window| window.ticks.last());
    let span = extended(span, is_new, ticks.map(|tick| tick.at).max(), step);
    let trouble: Vec<String> = windows
        .iter()
        .flatten()
        .filter_map(|window| window.trouble.clone())
        .collect();
    let away = windows
        .iter()
        .flatten()
        .filter(|window| window.ticks.last().is_some_and(|tick| !tick.ok))
        .find_map(|window| window.trouble.clone());

    let answer = answer(query, windows, span, step, deadline)?;
    let (is_too_early, is_known) = (answer.covered == 0, answer.unknown == 0);
    let series = answer.finish(text, only_one)?;
    if series.is_empty() {
        let short = query.selectors().iter().filter_map(|one| one.range);
        let short = short.min().filter(|range| *range < 2 * step);
        match (away, trouble.first(), short) {
            (Some(why), _, _) => return Err(format!("`{text}` has no samples: {why}")),
            (_, Some(why), _) => tracing::warn!(query = text, %why, "no samples"),
            _ if is_too_early && is_known => tracing::info!(
                query = text,
                "no samples yet: the history does not reach far enough back"
            ),
            (_, _, Some(range)) => {
                return Err(format!(
                    "`{text}` has no samples: a range of {} s holds less than two of the samples that are taken each {} s: take a longer range, or set a shorter `step`",
                    range.as_secs_f64(),
                    step.as_secs_f64()
                ));
            }
            _ => tracing::debug!(query = text, "no samples"),
        }
    }
    Ok(series)
}

/// The page that a first query has waited for is later than the time that it asks about, which is that of the
/// asking: such a span ends with the page.
fn extended(span: Span, is_new: bool, newest: Option<Millis>, step: Duration) -> Span {
    let near = span.to.saturating_add(millis(step + MARGIN));
    match newest {
        Some(newest) if is_new && (span.to..=near).contains(&newest) => Span {
            from: span.from
                + if span.from == span.to {
                    newest - span.to
                } else {
                    0
                },
            to: newest,
        },
        _ => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_first_query_about_now_gets_the_page_after_it() {
        let step = Duration::from_secs(1);
        let window = Span {
            from: 0,
            to: 60_000,
        };
        let end = |span, is_new, newest| extended(span, is_new, newest, step).to;
        assert_eq!(end(window, true, Some(60_300)), 60_300);
        assert_eq!(end(window, false, Some(60_300)), 60_000, "no first query");
        assert_eq!(end(window, true, None), 60_000, "no page");
        assert_eq!(
            end(window, true, Some(600_000)),
            60_000,
            "about another time"
        );
        assert_eq!(end(window, true, Some(59_000)), 60_000);
        let instant = Span { from: 5, to: 5 };
        let at = extended(instant, true, Some(9), step);
        assert_eq!(at, Span { from: 9, to: 9 }, "one moment stays one");
    }
}
