//! What is shown of the platform.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::super::explain::Source;
use super::super::table::{Column, bytes, fit, lines, time};

/// An answer of `/v1/platform`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Platform {
    version: String,
    uptime_seconds: f64,
    ready: bool,
    sources: Vec<Source>,
    table: Table,
    messages_total: Option<u64>,
    fetches: Option<Fetches>,
    memory_bytes: Option<u64>,
    apps: Apps,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    routes: usize,
    endpoints: usize,
    instances: usize,
    apps: usize,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Fetches {
    success: u64,
    failed: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Apps {
    asked: usize,
    failing: Vec<Health>,
    slowest: Vec<Health>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Health {
    organization_name: String,
    space_name: String,
    app_name: String,
    up: usize,
    down: usize,
    slowest_seconds: f64,
    samples: usize,
    body_bytes: u64,
    reasons: BTreeMap<String, usize>,
    last_asked_seconds_ago: f64,
}

/// What has happened in a second, between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    messages: Option<f64>,
    fetches: Option<f64>,
}

impl Rates {
    /// Nothing is known when a counter has begun anew.
    pub(super) fn between(before: &Platform, now: &Platform, time: Duration) -> Self {
        let rate = |before: Option<u64>, now: Option<u64>| {
            let more = now?.checked_sub(before?)?;
            (!time.is_zero()).then(|| more as f64 / time.as_secs_f64())
        };
        let fetches = |platform: &Platform| {
            let fetches = platform.fetches?;
            Some(fetches.success.saturating_add(fetches.failed))
        };
        Self {
            messages: rate(before.messages_total, now.messages_total),
            fetches: rate(fetches(before), fetches(now)),
        }
    }
}

const COLUMNS: [Column; 8] = [
    Column::elastic("APP"),
    Column::right("UP"),
    Column::right("DOWN"),
    Column::right("SLOWEST"),
    Column::right("SAMPLES"),
    Column::right("SIZE"),
    Column::right("ASKED"),
    Column::left("REASONS"),
];

impl Platform {
    /// How many lines the sources need.
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// All of it, with at most so many apps in each table.
    pub(super) fn lines(
        &self,
        url: &str,
        rates: &Rates,
        width: Option<usize>,
        limit: usize,
    ) -> Vec<String> {
        let mut all = vec![
            fit(&self.process(url), width),
            fit(&self.numbers(rates), width),
        ];
        let sources = self.sources.iter();
        all.extend(sources.map(|source| fit(&format!("  {}", source.line()), width)));
        let apps = &self.apps;
        let tables = [
            ("Apps with instances that give no metrics", &apps.failing),
            ("The slowest apps", &apps.slowest),
        ];
        for (title, list) in tables {
            all.push(String::new());
            all.push(fit(
                &format!("{title}, of {} that were asked:", apps.asked),
                width,
            ));
            if list.is_empty() {
                all.push("  none".to_owned());
                continue;
            }
            let rows = list.iter().take(limit).map(Health::cells);
            all.extend(lines(&COLUMNS, rows, width));
        }
        all
    }

    fn process(&self, url: &str) -> String {
        let ready = if self.ready { "ready" } else { "NOT READY" };
        let memory = self.memory_bytes.map(bytes);
        format!(
            "promfetch {} at {url}: {ready}, up for {}{}",
            self.version,
            time(self.uptime_seconds),
            memory.map_or_else(String::new, |memory| format!(", {memory} of memory")),
        )
    }

    fn numbers(&self, rates: &Rates) -> String {
        let table = &self.table;
        let rate = |rate: Option<f64>, what: &str| {
            rate.map_or_else(String::new, |rate| format!(", {rate:.1} {what}/s"))
        };
        format!(
            "{} apps, {} instances, {} endpoints, {} routes{}{}",
            table.apps,
            table.instances,
            table.endpoints,
            table.routes,
            rate(rates.messages, "messages"),
            rate(rates.fetches, "fetches"),
        )
    }
}

impl Health {
    fn cells(&self) -> [String; 8] {
        let reasons = self.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        [
            format!(
                "{}/{}/{}",
                self.organization_name, self.space_name, self.app_name
            ),
            self.up.to_string(),
            self.down.to_string(),
            time(self.slowest_seconds),
            self.samples.to_string(),
            bytes(self.body_bytes),
            format!("{} ago", time(self.last_asked_seconds_ago)),
            reasons.join(", "),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn platform() -> Platform {
        let app = |name: &str, down| {
            json!({
                "organization_name": "acme", "space_name": "prod", "app_name": name,
                "up": 1, "down": down, "slowest_seconds": 3.0, "samples": 12, "body_bytes": 2048,
                "reasons": {"timeout": down}, "last_asked_seconds_ago": 5.0,
            })
        };
        serde_json::from_value(json!({
            "version": "1.0.0", "uptime_seconds": 300.0, "ready": true,
            "sources": [{"kind": "nats", "name": "n:4222", "connected": true, "ready": true, "detail": "",
                "last_message_age_seconds": 1.0}],
            "table": {"routes": 1, "endpoints": 2, "instances": 3, "apps": 4},
            "messages_total": 100, "fetches": {"success": 10, "failed": 2}, "memory_bytes": 47_395_635,
            "apps": {"asked": 7, "failing": [app("a\u{1b}[2J", 2), app("東京", 1)], "slowest": [app("a", 2)]},
            "of a later version": 1,
        }))
        .unwrap()
    }

    #[test]
    fn everything_stands_on_one_screen() {
        let rates = Rates {
            messages: Some(2.0),
            fetches: None,
        };
        let got = platform().lines("http://h:1", &rates, None, 20).join("\n");
        assert_eq!(
            got,
            "\
promfetch 1.0.0 at http://h:1: ready, up for 5 min, 45.2 MiB of memory
4 apps, 3 instances, 2 endpoints, 1 routes, 2.0 messages/s
  nats n:4222: connected, last heard 1.0 s ago

Apps with instances that give no metrics, of 7 that were asked:
APP              UP  DOWN  SLOWEST  SAMPLES     SIZE      ASKED  REASONS
acme/prod/a\u{fffd}[2J   1     2    3.0 s       12  2.0 KiB  5.0 s ago  timeout 2
acme/prod/東京    1     1    3.0 s       12  2.0 KiB  5.0 s ago  timeout 1

The slowest apps, of 7 that were asked:
APP          UP  DOWN  SLOWEST  SAMPLES     SIZE      ASKED  REASONS
acme/prod/a   1     2    3.0 s       12  2.0 KiB  5.0 s ago  timeout 2"
        );
        for width in [1, 10, 40, 79] {
            for line in platform().lines("http://h:1", &rates, Some(width), 1) {
                assert!(line.width() <= width || line == "  none", "{width}: {line}");
            }
        }
        let nothing = Platform::default().lines("u", &rates, None, 1).join("\n");
        assert!(nothing.contains("NOT READY") && nothing.contains("  none"));
    }

    #[test]
    fn rates_are_differences() {
        let with = |messages: Option<u64>, success: u64| Platform {
            messages_total: messages,
            fetches: Some(Fetches { success, failed: 1 }),
            ..Platform::default()
        };
        let two = Duration::from_secs(2);
        for (before, now, time, want, why) in [
            (
                with(Some(10), 4),
                with(Some(20), 5),
                two,
                (Some(5.0), Some(0.5)),
                "two seconds",
            ),
            (
                with(Some(20), 4),
                with(Some(10), 4),
                two,
                (None, Some(0.0)),
                "started anew",
            ),
            (
                with(None, 4),
                with(Some(1), 4),
                two,
                (None, Some(0.0)),
                "no such counter",
            ),
            (
                with(Some(1), 1),
                with(Some(1), 1),
                Duration::ZERO,
                (None, None),
                "no time",
            ),
        ] {
            let got = Rates::between(&before, &now, time);
            assert_eq!((got.messages, got.fetches), want, "{why}");
        }
    }
}
