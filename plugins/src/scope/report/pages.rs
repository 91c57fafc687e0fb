//! Fetches pages again and again, a few at a time, and has reports made of them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use promfetch_core::{Error, Kind};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::build::Builder;
use super::cache::Cache;
use super::choice::Choice;
use super::instances::{Instances, Moment};
use super::observed::{Key, Observed, observe};
use super::rule::Rule;
use crate::source::Source;

/// Pages at a time.
const AT_ONCE: usize = 16;
/// How old the list of apps may be.
const LIST_AGE: Duration = Duration::from_secs(30);

/// What is said about no single app.
const LIST: &str = "the list";
const BEYOND: &str = "the bound";

enum Came {
    List(Result<Vec<App>, Error>),
    Page(Selector, Moment, Result<BTreeMap<Key, Observed>, Error>),
}

struct Pages {
    source: Source,
    choice: Choice,
    rules: Arc<[Rule]>,
    instances: Instances,
    chosen: HashSet<Selector>,
    waiting: VecDeque<Selector>,
    /// Waiting or on the way.
    wanted: HashSet<Selector>,
    flights: FuturesUnordered<BoxFuture<'static, Came>>,
    listed: Option<Instant>,
    is_listing: bool,
    /// What was said last, by what it is about, until that is well again.
    said: HashMap<String, String>,
}

/// Fetches until `shutdown`.
pub(super) async fn keep_fresh(
    source: Source,
    settings: Settings,
    builder: Builder,
    cache: Arc<Cache>,
    shutdown: CancellationToken,
) {
    let mut ticks = interval(settings.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pages = Pages {
        source,
        rules: settings.rules.clone().into(),
        instances: Instances::new(settings.rules),
        chosen: settings.choice.named.iter().cloned().collect(),
        choice: settings.choice,
        waiting: VecDeque::new(),
        wanted: HashSet::new(),
        flights: FuturesUnordered::new(),
        listed: None,
        is_listing: false,
        said: HashMap::new(),
    };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {
                // Who keeps all others waiting is not waited for.
                if !pages.flights.is_empty() {
                    pages.write(&builder, &cache);
                }
                pages.ask();
            }
            () = cache.rescrape_wanted() => pages.ask(),
            Some(came) = pages.flights.next(), if !pages.flights.is_empty() => {
                pages.take(came);
                if pages.flights.is_empty() {
                    pages.write(&builder, &cache);
                }
            }
        }
    }
}

impl Pages {
    /// Wants a page of each app that is not on its way.
    fn ask(&mut self) {
        let is_old = self.listed.is_none_or(|at| at.elapsed() >= LIST_AGE);
        if self.choice.wants_list() && is_old && !self.is_listing {
            self.is_listing = true;
            let source = self.source.clone();
            self.flights
                .push(Box::pin(async move { Came::List(source.apps().await) }));
        }
        self.want_chosen();
    }

    fn want_chosen(&mut self) {
        for selector in &self.chosen {
            if self.wanted.insert(selector.clone()) {
                self.waiting.push_back(selector.clone());
            }
        }
        self.start();
    }

    fn start(&mut self) {
        while self.flights.len() < AT_ONCE {
            let Some(selector) = self.waiting.pop_front() else {
                return;
            };
            let (source, rules) = (self.source.clone(), Arc::clone(&self.rules));
            self.flights.push(Box::pin(async move {
                let page = page(&source, &selector, rules).await;
                Came::Page(selector, Moment::now(), page)
            }));
        }
    }

    fn take(&mut self, came: Came) {
        match came {
            Came::List(result) => {
                self.is_listing = false;
                match result {
                    Ok(apps) => {
                        self.listed = Some(Instant::now());
                        self.said.remove(LIST);
                        self.choose(&apps);
                    }
                    Err(error) => {
                        self.say(LIST, format!("the list of apps did not come: {error}"));
                    }
                }
            }
            Came::Page(selector, moment, result) => {
                self.wanted.remove(&selector);
                match result {
                    Ok(page) if self.chosen.contains(&selector) => {
                        self.said.remove(&selector.to_string());
                        self.instances.seen(selector, page, moment);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let is_gone = error.kind() == Kind::NotFound;
                        self.instances.failed(&selector, is_gone, moment.steady);
                        let name = selector.to_string();
                        self.say(&name, format!("no page of `{name}`: {error}"));
                    }
                }
                self.start();
            }
        }
    }

    fn choose(&mut self, apps: &[App]) {
        let (chosen, beyond) = self.choice.of(apps);
        if beyond > 0 {
            let what = format!(
                "{beyond} apps are not shown: `report.max_apps` is {}",
                self.choice.most
            );
            self.say(BEYOND, what);
        }
        self.chosen = chosen.into_iter().collect();
        self.instances.keep(&self.chosen);
        let chosen: HashSet<String> = self.chosen.iter().map(ToString::to_string).collect();
        self.said
            .retain(|about, _| chosen.contains(about) || [LIST, BEYOND].contains(&about.as_str()));
        self.want_chosen();
    }

    fn write(&mut self, builder: &Builder, cache: &Cache) {
        let probe = cache.probe();
        self.instances
            .forget_samples(!cache.has_fresh(), SystemTime::now());
        let fresh = builder.write(&self.instances, &probe, true);
        let rest = builder.write(&self.instances, &probe, false);
        cache.put(fresh, rest);
    }

    /// Says each thing once, until something else is to be said about the same.
    fn say(&mut self, about: &str, what: String) {
        if self.said.get(about) == Some(&what) {
            tracing::debug!("{what}");
        } else {
            tracing::warn!("{what}");
            self.said.insert(about.to_owned(), what);
        }
    }
}

async fn page(
    source: &Source,
    selector: &Selector,
    rules: Arc<[Rule]>,
) -> Result<BTreeMap<Key, Observed>, Error> {
    let page = source.page(selector).await?;
    // A large page takes its time, in which the socket has to answer.
    tokio::task::spawn_blocking(move || observe(&page, &rules))
        .await
        .map_err(|error| Error::new(Kind::Unavailable, format!("the page was not read: {error}")))
}
