//! What the plugins have answered, and the page that tells it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use promfetch_core::labels::Labels;

use super::apm::Sample;
use super::settings::Settings;
use crate::gauges::Gauges;

/// The state of all plugins and queries, by their place in the configuration.
#[derive(Debug)]
pub(super) struct Board {
    /// How long an answer is told. The next one comes before, if all is well.
    keep: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plugins: Vec<Plugin>,
    queries: Vec<Query>,
}

#[derive(Debug)]
struct Plugin {
    labels: Labels,
    is_up: bool,
    restarts: u64,
}

#[derive(Debug)]
struct Query {
    plugin: usize,
    labels: Labels,
    answer: Option<Answer>,
    /// Whether the log says that it fails, and why.
    failing: Option<String>,
}

/// What a query gave, and how long that took.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) at: Instant,
    pub(super) took: Duration,
    pub(super) result: Result<Sample, String>,
}

impl Board {
    pub(super) fn new(settings: &Settings) -> Self {
        let name = |index: usize| {
            settings
                .plugins
                .get(index)
                .map_or("", |plugin| &plugin.name)
        };
        let plugins = settings.plugins.iter().map(|plugin| Plugin {
            labels: Labels::from_iter([("plugin", plugin.name.as_str())]),
            is_up: false,
            restarts: 0,
        });
        let queries = settings.queries.iter().map(|query| {
            let mut labels =
                Labels::from_iter([("plugin", name(query.plugin)), ("query", &query.name)]);
            for (name, value) in query.labels.iter() {
                labels.push(name.to_owned(), value);
            }
            Query {
                plugin: query.plugin,
                labels,
                answer: None,
                failing: None,
            }
        });
        Self {
            keep: settings.tick * 2 + settings.timeout,
            state: Mutex::new(State {
                plugins: plugins.collect(),
                queries: queries.collect(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn restarted(&self, plugin: usize) {
        if let Some(plugin) = self.state().plugins.get_mut(plugin) {
            plugin.restarts += 1;
        }
    }

    /// A plugin runs and has its configuration, or does not any more. What it has answered goes with it.
    pub(super) fn set_up(&self, index: usize, is_up: bool) {
        let mut state = self.state();
        if let Some(plugin) = state.plugins.get_mut(index) {
            plugin.is_up = is_up;
        }
        for query in state
            .queries
            .iter_mut()
            .filter(|query| query.plugin == index)
        {
            query.answer = None;
        }
    }

    /// Notes what a query gave, and gives what is new about it for the log.
    pub(super) fn answered(&self, query: usize, answer: Answer) -> Option<String> {
        let mut state = self.state();
        let query = state.queries.get_mut(query)?;
        let error = answer.result.as_ref().err().cloned();
        query.answer = Some(answer);
        if query.failing == error {
            return None;
        }
        query.failing.clone_from(&error);
        Some(error.unwrap_or_else(|| "it has an answer again".into()))
    }

    /// The page as of now.
    pub(super) fn page(&self, now: Instant) -> Vec<u8> {
        let state = self.state();
        let mut page = Gauges::default();
        for plugin in &state.plugins {
            page.set(
                "apm_plugin_up",
                "Whether the plugin runs and has taken its configuration.",
                &plugin.labels,
                f64::from(u8::from(plugin.is_up)),
            );
            page.count(
                "apm_plugin_restarts_total",
                "How often the plugin was started again.",
                &plugin.labels,
                plugin.restarts,
            );
        }
        for query in &state.queries {
            let fresh = |answer: &&Answer| now.saturating_duration_since(answer.at) <= self.keep;
            let answer = query.answer.as_ref().filter(fresh);
            let sample = answer.and_then(|answer| answer.result.as_ref().ok());
            page.set(
                "apm_query_up",
                "Whether the plugin has answered the query with a number.",
                &query.labels,
                f64::from(u8::from(sample.is_some())),
            );
            if let Some(sample) = sample {
                page.set(
                    "apm_query_value",
                    "The last sample of the answer.",
                    &query.labels,
                    sample.value,
                );
                page.set(
                    "apm_query_sample_timestamp_seconds",
                    "The time that the plugin gives for this sample, in seconds since 1970.",
                    &query.labels,
                    sample.time,
                );
            }
            if let Some(answer) = answer {
                page.set(
                    "apm_query_duration_seconds",
                    "How long the answer took, good or not.",
                    &query.labels,
                    answer.took.as_secs_f64(),
                );
            }
        }
        page.page()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nomad::host::settings::{self, example};

    fn board() -> Board {
        Board::new(
            &settings::read(&example(&[
                ("tick", "10s"),
                ("timeout", "5s"),
                ("queries[0].labels.team", "a\"b"),
            ]))
            .unwrap(),
        )
    }

    fn answer(at: Instant, result: Result<f64, &str>) -> Answer {
        Answer {
            at,
            took: Duration::from_millis(250),
            result: result
                .map(|value| Sample { value, time: 100.5 })
                .map_err(Into::into),
        }
    }

    fn told(board: &Board, now: Instant) -> String {
        let page = String::from_utf8(board.page(now)).unwrap();
        page.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_page_tells_values_and_where_there_are_none() {
        let (board, now) = (board(), Instant::now());
        let down = "apm_plugin_restarts_total{plugin=\"noop\"} 0\napm_plugin_up{plugin=\"noop\"} 0\n\
                    apm_query_up{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 0";
        assert_eq!(told(&board, now), down);
        board.set_up(0, true);
        board.answered(0, answer(now, Ok(120.0)));
        assert_eq!(
            told(&board, now),
            "apm_plugin_restarts_total{plugin=\"noop\"} 0\napm_plugin_up{plugin=\"noop\"} 1\n\
             apm_query_duration_seconds{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 0.25\n\
             apm_query_sample_timestamp_seconds{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 100.5\n\
             apm_query_up{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 1\n\
             apm_query_value{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 120"
        );
        board.answered(0, answer(now, Err("no")));
        let failed = told(&board, now);
        assert!(
            failed.contains("query_up{plugin=\"noop\",query=\"load\",team=\"a\\\"b\"} 0"),
            "{failed}"
        );
        assert!(
            !failed.contains("apm_query_value") && failed.contains("duration"),
            "{failed}"
        );
        board.answered(0, answer(now, Ok(1.0)));
        board.set_up(0, false);
        assert_eq!(told(&board, now), down, "what it answered goes with it");
        board.restarted(0);
        assert!(told(&board, now).contains("restarts_total{plugin=\"noop\"} 1"));
    }

    #[test]
    fn an_answer_is_not_told_for_ever() {
        let (board, now) = (board(), Instant::now());
        board.set_up(0, true);
        board.answered(0, answer(now, Ok(1.0)));
        for (after, is_told) in [(25, true), (26, false)] {
            let page = told(&board, now + Duration::from_secs(after));
            assert_eq!(page.contains("apm_query_value"), is_told, "{after}: {page}");
            assert_eq!(page.contains("duration"), is_told, "{after}: {page}");
        }
    }

    #[test]
    fn the_log_hears_what_is_new() {
        let (board, now) = (board(), Instant::now());
        for (result, expected) in [
            (Ok(1.0), None),
            (Err("no"), Some("no")),
            (Err("no"), None),
            (Err("other"), Some("other")),
            (Ok(1.0), Some("it has an answer again")),
            (Ok(2.0), None),
        ] {
            assert_eq!(board.answered(0, answer(now, result)).as_deref(), expected);
        }
        assert_eq!(
            board.answered(7, answer(now, Ok(1.0))),
            None,
            "there is no such query"
        );
    }
}
