//! Listening to `router.register` and `router.unregister`.
//!
//! Both come over one subscription, to `router.*` as gorouter's: two would be two queues, and the order between a
//! register and an unregister of the same route, of which the last one counts, would be lost between them.
//!
//! async-nats has a task of its own that reads the socket and fills a queue; the task here empties it and applies.
//! promfetch only listens: a `router.start` of its own would change the heartbeats of the whole platform.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::{ConnectOptions, Event, Message, ServerAddr};
use futures_util::StreamExt;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::apply::{Applier, Subject, Verdict};
use super::readiness::Reporter;
use super::throttle::Throttle;
use crate::config;
use crate::error::{Error, chain};
use crate::nats::{self, Servers, reconnect_delay};

/// What is subscribed to. Other subjects than the two are dropped unread: they are few.
const SUBJECTS: &str = "router.*";
/// Messages that may wait: a platform of 250,000 endpoints tells all of them within 4 s of a
/// router's start. A full queue loses the newest. At 850 bytes this is 220 MB, which only a stalled process fills.
const QUEUE: usize = 262_144;
/// Messages applied at a stretch.
const BATCH: usize = 1024;
/// How often the state of the connection is looked at: its events can get lost when many come at once.
const TICK: Duration = Duration::from_secs(1);
/// Between two complaints about a server that cannot be reached.
const COMPLAINT: Duration = Duration::from_secs(30);

/// The source that listens to NATS.
pub(super) struct Listener {
    servers: Vec<ServerAddr>,
    options: ConnectOptions,
    parts: Parts,
    link: Arc<Link>,
}

/// What the client's events and the listening task both know about the connection.
struct Link {
    parts: Parts,
    reporter: Reporter,
    connected: AtomicBool,
    /// The server does not let this user subscribe: connected, but deaf.
    denied: AtomicBool,
    complaints: Throttle,
}

impl Link {
    /// The clock of the table stands still while NATS is away, and starts anew at every connection.
    fn connected(&self) {
        self.parts.table.nats_connected(Instant::now());
        self.denied.store(false, Ordering::SeqCst);
        if !self.connected.swap(true, Ordering::SeqCst) {
            tracing::info!("connected to NATS");
        }
        self.reporter.connected(true, "connected");
    }

    fn disconnected(&self) {
        self.parts.table.nats_disconnected();
        if self.connected.swap(false, Ordering::SeqCst) {
            tracing::warn!("NATS is away; the routes known so far stay until it is back");
            self.reporter.connected(false, "the connection was lost");
        }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Connected => self.connected(),
            Event::Disconnected | Event::Closed => self.disconnected(),
            Event::SlowConsumer(_) => {
                self.parts.metrics.overruns.inc();
                if self.complaints.pass() {
                    tracing::warn!(
                        "messages of NATS were lost because their queue was full; the next heartbeats repair it"
                    );
                }
            }
            Event::ServerError(error) => {
                let problem = error.to_string();
                if problem.contains("Permissions Violation for Subscription") {
                    self.denied.store(true, Ordering::SeqCst);
                }
                self.trouble(&problem);
            }
            Event::ClientError(error) => self.trouble(&error.to_string()),
            Event::LameDuckMode | Event::Draining => tracing::info!(%event, "NATS"),
        }
    }

    fn can_hear(&self) -> bool {
        self.connected.load(Ordering::SeqCst) && !self.denied.load(Ordering::SeqCst)
    }

    fn trouble(&self, problem: &str) {
        if !self.can_hear() {
            self.reporter.connected(false, problem);
        }
        if self.complaints.pass() {
            tracing::warn!(problem, "NATS");
        }
    }
}

impl Listener {
    /// A listener with this login and these certificates.
    ///
    /// # Errors
    /// As [`nats::servers`].
    pub(super) fn new(
        settings: &config::Nats,
        parts: Parts,
        reporter: Reporter,
    ) -> Result<Self, Error> {
        let Servers { addresses, options } = nats::servers(settings)?;
        let link = Arc::new(Link {
            parts: parts.clone(),
            reporter,
            connected: AtomicBool::new(false),
            denied: AtomicBool::new(false),
            complaints: Throttle::new(COMPLAINT),
        });
        let events = Arc::clone(&link);
        let options = options
            .subscription_capacity(QUEUE)
            .event_callback(move |event| {
                let link = Arc::clone(&events);
                async move { link.event(event) }
            });
        Ok(Self {
            servers: addresses,
            options,
            parts,
            link,
        })
    }

    /// Listens until shutdown. Trouble with the servers never ends it.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let link = Arc::clone(&self.link);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.listen() => {}
        }
        // The client closes now, and that is no trouble.
        link.connected.store(false, Ordering::SeqCst);
    }

    async fn listen(self) {
        let Self {
            servers,
            options,
            parts,
            link,
        } = self;
        for attempts in 1.. {
            // The client connects again by itself, but its events do not tell why it cannot. The error of the first
            // connection does, so that one is made here.
            let problem = match options.clone().connect(&servers[..]).await {
                Ok(client) => listen_with(&client, &parts, &link).await.to_owned(),
                Err(error) => chain(&error),
            };
            link.disconnected();
            link.trouble(&problem);
            tokio::time::sleep(reconnect_delay(attempts)).await;
        }
    }
}

/// Subscribes and applies until the client ends; says why it did.
async fn listen_with(client: &async_nats::Client, parts: &Parts, link: &Link) -> &'static str {
    let Ok(messages) = client.subscribe(SUBJECTS).await else {
        return "the client was closed while subscribing";
    };
    let mut batches = messages.ready_chunks(BATCH);
    let mut applier = Applier::default();
    let call = parts.calls.call("discovery", "nats_apply");
    let mut ready = ReadyClock::new(parts.settings.start_response_delay);
    let mut tick = tokio::time::interval(
        TICK.min(parts.settings.start_response_delay / 4)
            .max(Duration::from_millis(10)),
    );
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            batch = batches.next() => {
                let Some(batch) = batch else { return "the client was closed" };
                let guard = call.start();
                apply(&mut applier, &batch, parts);
                drop(guard);
                link.reporter.heard(Instant::now());
            }
            _ = tick.tick() => {
                let connected = client.connection_state() == State::Connected;
                match (connected, link.connected.load(Ordering::SeqCst)) {
                    (true, false) => link.connected(),
                    (false, true) => link.disconnected(),
                    _ => {}
                }
                if ready.is_over(link.can_hear(), Instant::now()) {
                    link.reporter.ready();
                }
            }
        }
    }
}

fn apply(applier: &mut Applier, batch: &[Message], parts: &Parts) {
    for message in batch {
        let Some(subject) = Subject::named(&message.subject) else {
            continue;
        };
        let verdict = applier.apply(&parts.table, subject, &message.payload, Instant::now());
        parts.metrics.count(subject, verdict);
        match verdict {
            Verdict::Address => parts.refused(applier.host()),
            Verdict::Full | Verdict::Invalid if parts.complaints.pass() => {
                tracing::warn!(
                    subject = subject.as_str(),
                    verdict = verdict.as_str(),
                    bytes = message.payload.len(),
                    "a message could not be used"
                );
            }
            _ => {}
        }
    }
}

/// Tells when every emitter must have been heard: after a full interval of connection without a break.
#[derive(Debug)]
struct ReadyClock {
    since: Option<Instant>,
    interval: Duration,
}

impl ReadyClock {
    fn new(interval: Duration) -> Self {
        Self {
            since: None,
            interval,
        }
    }

    fn is_over(&mut self, connected: bool, now: Instant) -> bool {
        if !connected {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        now.saturating_duration_since(since) >= self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_needs_a_full_interval_without_a_break() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = ReadyClock::new(Duration::from_secs(20));
        for (seconds, connected, over) in [
            (0, false, false),
            (60, true, false),
            (79, true, false),
            (79, false, false),
            (85, true, false),
            (104, true, false),
            (105, true, true),
        ] {
            assert_eq!(
                clock.is_over(connected, at(seconds)),
                over,
                "after {seconds} s"
            );
        }
    }
}
