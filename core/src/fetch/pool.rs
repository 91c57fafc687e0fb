//! Connections to instances, kept for the next request: a new TLS handshake costs eight times a reuse.
//!
//! A connection belongs to exactly one [`Endpoint`]. HTTP/1.1 connections are lent out to one request at a time
//! and come back when its answer was read to the end; HTTP/2 connections stay here and are shared. A connection
//! that ends, for whatever reason, leaves the pool at once: its own task sees to that.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::classify;
use super::connect::{Connector, Endpoint, NoBody, Sender};
use super::metrics::Metrics;
use crate::config;
use crate::failure::Failure;

/// How long to wait for the last words of a connection that broke under a request, such as a TLS alert.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Idle connections closed at once when the process has no descriptor left, and how long that may take.
const SPARE: usize = 64;
const SPARE_WAIT: Duration = Duration::from_millis(20);

/// All idle and shared connections.
#[derive(Debug)]
pub(super) struct Pool {
    me: Weak<Pool>,
    connector: Connector,
    metrics: Arc<Metrics>,
    keep_alive: bool,
    max_idle: usize,
    max_idle_per_endpoint: usize,
    idle_timeout: Duration,
    max_conns: usize,
    names: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: HashMap<Arc<Endpoint>, Vec<Idle>>,
    /// The same connections by age: the first was used the longest time ago.
    order: BTreeMap<u64, Arc<Endpoint>>,
    uses: u64,
    /// One per endpoint that limits its connections, or whose first HTTP/2 connection is being made.
    gates: HashMap<Arc<Endpoint>, Weak<Semaphore>>,
}

#[derive(Debug)]
struct Idle {
    connection: u64,
    used: u64,
    since: Instant,
    sender: Sender,
}

impl State {
    fn put(&mut self, endpoint: &Arc<Endpoint>, connection: u64, sender: Sender, now: Instant) {
        self.uses += 1;
        self.order.insert(self.uses, Arc::clone(endpoint));
        self.idle
            .entry(Arc::clone(endpoint))
            .or_default()
            .push(Idle {
                connection,
                used: self.uses,
                since: now,
                sender,
            });
    }

    fn take(
        &mut self,
        endpoint: &Endpoint,
        which: impl FnOnce(&[Idle]) -> Option<usize>,
    ) -> Option<Idle> {
        let list = self.idle.get_mut(endpoint)?;
        let at = which(list).filter(|at| *at < list.len())?;
        let idle = list.remove(at);
        if list.is_empty() {
            self.idle.remove(endpoint);
        }
        self.order.remove(&idle.used);
        Some(idle)
    }

    /// Takes out the connection unused for longest.
    fn take_oldest(&mut self) -> Option<Idle> {
        let (used, endpoint) = self.order.pop_first()?;
        self.take(&endpoint, |list| {
            list.iter().position(|idle| idle.used == used)
        })
    }
}

impl Pool {
    pub(super) fn new(
        config: &config::Fetch,
        connector: Connector,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            connector,
            metrics,
            keep_alive: config.keep_alive,
            max_idle: if config.pool_max_idle == 0 {
                usize::MAX
            } else {
                config.pool_max_idle
            },
            max_idle_per_endpoint: config.pool_max_idle_per_host.max(1),
            idle_timeout: config.pool_idle_timeout,
            max_conns: config.max_conns,
            names: AtomicU64::new(0),
            state: Mutex::default(),
        })
    }

    /// Whether connections are used more than once.
    pub(super) fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// Waits until the endpoint may have one more request under way (`max_conns`). HTTP/2 needs no connection for it.
    pub(super) async fn enter(&self, endpoint: &Arc<Endpoint>) -> Option<OwnedSemaphorePermit> {
        if self.max_conns == 0 || endpoint.http2 {
            return None;
        }
        self.gate(endpoint, self.max_conns)
            .acquire_owned()
            .await
            .ok()
    }

    /// A connection that was used before and still lives, if there is one.
    pub(super) async fn reuse(&self, endpoint: &Arc<Endpoint>) -> Option<Lease> {
        loop {
            let (connection, mut sender) = self.take(endpoint)?;
            let ready = match &mut sender {
                // It was ready when it came back, up to the task's next turn. When it has died since, this says so.
                Sender::Http1(sender) => sender.ready().await.is_ok(),
                Sender::Http2(sender) => sender.ready().await.is_ok(),
            };
            if ready {
                self.metrics.reused.inc();
                return Some(self.lease(endpoint, connection, sender, None));
            }
            self.ended(endpoint, connection);
        }
    }

    /// Takes an idle HTTP/1.1 connection out, or shares an HTTP/2 one.
    fn take(&self, endpoint: &Arc<Endpoint>) -> Option<(u64, Sender)> {
        let mut state = self.lock();
        let idle = state.take(endpoint, |list| list.len().checked_sub(1))?;
        if let Sender::Http2(sender) = &idle.sender {
            let shared = Sender::Http2(sender.clone());
            state.put(endpoint, idle.connection, shared, Instant::now());
        }
        self.show(&state);
        Some((idle.connection, idle.sender))
    }

    /// A new connection; unless `fresh`, an HTTP/2 one that somebody else has made meanwhile will do.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub(super) async fn connect(
        &self,
        endpoint: &Arc<Endpoint>,
        fresh: bool,
    ) -> Result<Lease, Failure> {
        let mut _first = None;
        if endpoint.http2 && self.keep_alive && !fresh {
            _first = self.gate(endpoint, 1).acquire_owned().await.ok();
            if let Some(lease) = self.reuse(endpoint).await {
                return Ok(lease);
            }
        }
        let (sender, driver) = match self.connector.connect(endpoint).await {
            // Idle connections hold descriptors, which come back as soon as the connections' tasks have ended.
            Err(fault) if fault.is_local && self.drop_oldest(SPARE) > 0 => {
                sleep(SPARE_WAIT).await;
                self.connector.connect(endpoint).await
            }
            result => result,
        }
        .map_err(|fault| fault.failure)?;
        let connection = self.names.fetch_add(1, Ordering::Relaxed);
        self.metrics.created.inc();
        self.metrics.open.inc();
        let open = Open(Arc::clone(&self.metrics));
        let (pool, key) = (self.me.clone(), Arc::clone(endpoint));
        let task = tokio::spawn(async move {
            let _open = open;
            let result = driver.await;
            if let Some(pool) = pool.upgrade() {
                pool.ended(&key, connection);
            }
            result
        });
        if let (Sender::Http2(sender), true) = (&sender, self.keep_alive) {
            self.put(endpoint, connection, Sender::Http2(sender.clone()));
        }
        Ok(self.lease(endpoint, connection, sender, Some(task)))
    }

    fn lease(
        &self,
        endpoint: &Arc<Endpoint>,
        connection: u64,
        sender: Sender,
        task: Option<JoinHandle<hyper::Result<()>>>,
    ) -> Lease {
        let is_http2 = matches!(sender, Sender::Http2(_));
        let loan = Loan {
            pool: self.me.clone(),
            endpoint: Arc::clone(endpoint),
            connection,
            is_http2,
            is_returned: false,
        };
        Lease {
            loan,
            sender,
            reused: task.is_none(),
            task,
        }
    }

    fn put(&self, endpoint: &Arc<Endpoint>, connection: u64, sender: Sender) {
        let mut surplus = Vec::new();
        let mut state = self.lock();
        state.put(endpoint, connection, sender, Instant::now());
        if state
            .idle
            .get(endpoint)
            .is_some_and(|list| list.len() > self.max_idle_per_endpoint)
        {
            surplus.extend(state.take(endpoint, |_| Some(0)));
        }
        while state.order.len() > self.max_idle {
            surplus.extend(state.take_oldest());
        }
        self.show(&state);
        drop(state);
        // Outside the lock: dropping a sender closes its connection.
        drop(surplus);
    }

    /// The connection has ended, or is not to be shared any longer.
    fn ended(&self, endpoint: &Endpoint, connection: u64) {
        let mut state = self.lock();
        let gone = state.take(endpoint, |list| {
            list.iter().position(|idle| idle.connection == connection)
        });
        self.show(&state);
        drop(state);
        drop(gone);
    }

    /// Closes the connections that were unused for too long.
    pub(super) fn sweep(&self, now: Instant) {
        let mut old = Vec::new();
        let mut state = self.lock();
        while let Some((used, endpoint)) = state.order.first_key_value() {
            let since = state
                .idle
                .get(endpoint)
                .and_then(|list| list.iter().find(|idle| idle.used == *used))
                .map(|idle| idle.since);
            if since.is_some_and(|since| now.duration_since(since) < self.idle_timeout) {
                break;
            }
            old.extend(state.take_oldest());
        }
        state.gates.retain(|_, gate| gate.strong_count() > 0);
        self.show(&state);
        drop(state);
        drop(old);
    }

    /// Closes all idle connections: those made with an old identity, say.
    pub(super) fn clear(&self) {
        self.drop_oldest(usize::MAX);
    }

    /// Closes so many connections, the longest unused first, and says how many there were.
    fn drop_oldest(&self, count: usize) -> usize {
        let mut state = self.lock();
        let old: Vec<_> = std::iter::from_fn(|| state.take_oldest())
            .take(count)
            .collect();
        self.show(&state);
        drop(state);
        old.len()
    }

    fn gate(&self, endpoint: &Arc<Endpoint>, permits: usize) -> Arc<Semaphore> {
        let mut state = self.lock();
        if let Some(gate) = state.gates.get(endpoint).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        state
            .gates
            .insert(Arc::clone(endpoint), Arc::downgrade(&gate));
        gate
    }

    fn show(&self, state: &State) {
        self.metrics.idle.set(state.order.len() as i64);
        self.metrics.nearness.idle.see(state.order.len());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an open connection for as long as its task lives.
#[derive(Debug)]
struct Open(Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}

/// A connection lent to one request. Unless it is given back, it is closed, or no longer shared: nobody knows what
/// state an answer that was not read to the end leaves it in.
#[derive(Debug)]
pub(super) struct Lease {
    loan: Loan,
    sender: Sender,
    task: Option<JoinHandle<hyper::Result<()>>>,
    reused: bool,
}

impl Lease {
    /// Whether requests must be built for HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Whether the connection served a request before: then its death means little.
    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// Sends the request and waits for the head of the answer.
    ///
    /// # Errors
    /// hyper's, to be judged by [`Lease::judge`], or on a reused connection to be tried again on a new one.
    pub(super) async fn send(
        &mut self,
        request: Request<NoBody>,
    ) -> hyper::Result<Response<Incoming>> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => sender.send_request(request).await?,
            Sender::Http2(sender) => sender.send_request(request).await?,
        };
        // From here on the connection has shown what it can: its task needs no watching.
        self.task = None;
        Ok(response)
    }

    /// What an error of [`Lease::send`] says about the instance. A refused client certificate, for one, is only
    /// known to the connection's own task: under TLS 1.3 it arrives after the handshake.
    pub(super) async fn judge(self, error: &hyper::Error) -> Failure {
        let ended = match self.task {
            Some(task) => timeout(LAST_WORDS, task)
                .await
                .ok()
                .and_then(Result::ok)
                .and_then(Result::err),
            None => None,
        };
        classify::request(error, ended.as_ref())
    }

    /// The answer was read to the end: the next request may have the connection.
    pub(super) fn give_back(self) {
        let Self {
            mut loan, sender, ..
        } = self;
        loan.is_returned = true;
        let Some(pool) = loan.pool.upgrade().filter(|pool| pool.keep_alive) else {
            return;
        };
        // HTTP/2 connections are in the pool all the time.
        if matches!(&sender, Sender::Http1(sender) if !sender.is_closed()) {
            pool.put(&loan.endpoint, loan.connection, sender);
        }
    }
}

/// The pool's side of a lease.
#[derive(Debug)]
struct Loan {
    pool: Weak<Pool>,
    endpoint: Arc<Endpoint>,
    connection: u64,
    is_http2: bool,
    is_returned: bool,
}

impl Drop for Loan {
    fn drop(&mut self) {
        // An answer did not come, or not to its end. The other streams of an HTTP/2 connection go on, but the
        // next request makes a new connection: this one may lead to a machine that is gone.
        if self.is_http2
            && !self.is_returned
            && let Some(pool) = self.pool.upgrade()
        {
            pool.ended(&self.endpoint, self.connection);
        }
    }
}
