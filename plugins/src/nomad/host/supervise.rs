//! The life of one plugin: started, asked each tick, started again.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::apm::Apm;
use super::backoff::{Backoff, with_chance};
use super::board::{Answer, Board};
use super::settings::Settings;
use crate::nomad::go_plugin::client::{Connection, Launch, Process, Started};

/// How many queries a plugin is asked at once.
const AT_ONCE: usize = 8;
/// After so many pings without an answer, one each tick, a plugin is started anew.
const MISSED_PINGS: u32 = 3;

/// Runs the plugin of this place in the configuration until `shutdown`. When this ends, so has the plugin.
pub(super) async fn run(
    settings: Arc<Settings>,
    index: usize,
    board: Arc<Board>,
    shutdown: CancellationToken,
) {
    let name = settings
        .plugins
        .get(index)
        .map_or("", |plugin| &plugin.name);
    let watched = Watched {
        settings: &settings,
        index,
        name,
        board: &board,
    };
    let mut backoff = Backoff::new(settings.restart_after);
    loop {
        let started = Instant::now();
        let result = watched.live(&shutdown).await;
        board.set_up(index, false);
        let Err(error) = result else {
            return;
        };
        let wait = with_chance(backoff.after(started.elapsed()));
        tracing::warn!(plugin = %name, "{error}; it is started again in {:.1} s", wait.as_secs_f64());
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(wait) => board.restarted(index),
        }
    }
}

/// A plugin, and where what it answers goes.
#[derive(Clone, Copy)]
struct Watched<'a> {
    settings: &'a Settings,
    index: usize,
    name: &'a str,
    board: &'a Board,
}

impl Watched<'_> {
    /// From the start of a plugin to its end. `Ok` if `shutdown` is what ended it.
    async fn live(&self, shutdown: &CancellationToken) -> Result<(), String> {
        let Some(plugin) = self.settings.plugins.get(self.index) else {
            return Ok(());
        };
        let launch = Launch {
            name: self.name,
            program: &self.settings.plugin_dir.join(&plugin.driver),
            arguments: &plugin.arguments,
        };
        let (mut process, started) =
            Process::launch(&launch).map_err(|error| format!("it does not start: {error}"))?;
        let mut connection = None;
        let result = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            how = process.ended() => Err(how),
            error = self.drive(started, &mut connection) => Err(error),
        };
        // At once, and not when the plugin has taken its time to go.
        self.board.set_up(self.index, false);
        process.stop(connection.as_ref()).await;
        result
    }

    /// Connects, configures, and asks each tick, until something goes wrong.
    async fn drive(&self, started: Started, connection: &mut Option<Connection>) -> String {
        let opened = match Connection::open(started, self.settings.start_timeout).await {
            Ok(opened) => connection.insert(opened),
            Err(error) => return error,
        };
        let mut apm = Apm::new(opened.channel());
        if let Some(plugin) = self.settings.plugins.get(self.index)
            && let Err(error) = apm.set_up(plugin, self.settings.start_timeout).await
        {
            return error;
        }
        self.board.set_up(self.index, true);
        tracing::info!(plugin = %self.name, "it runs and has taken its configuration");
        let mut ticks = interval(self.settings.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut missed = 0;
        loop {
            ticks.tick().await;
            let (ping, ()) = tokio::join!(opened.ping(), self.ask(&apm));
            match ping {
                Ok(()) => missed = 0,
                Err(error) if missed + 1 == MISSED_PINGS => return error,
                Err(_) => missed += 1,
            }
        }
    }

    /// Asks all queries of the plugin, some at a time, each with its own deadline.
    async fn ask(&self, apm: &Apm) {
        let own = self.settings.queries.iter().enumerate();
        let own = own.filter(|(_, query)| query.plugin == self.index);
        stream::iter(own)
            .for_each_concurrent(AT_ONCE, |(place, query)| async move {
                let begun = Instant::now();
                let result = apm.clone().query(query, self.settings.timeout).await;
                let failed = result.is_err();
                let answer = Answer {
                    at: Instant::now(),
                    took: begun.elapsed(),
                    result,
                };
                match self.board.answered(place, answer) {
                    Some(news) if failed => {
                        tracing::warn!(plugin = %self.name, query = %query.name, "{news}");
                    }
                    Some(news) => {
                        tracing::info!(plugin = %self.name, query = %query.name, "{news}")
                    }
                    None => {}
                }
            })
            .await;
    }
}
