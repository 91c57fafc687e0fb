//! Running an operation: one transaction, in a task of its own.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::Osb;
use super::error::{self, Error};
use crate::store::{self, Binding, BindingKey, Transaction};

/// How often an operation is tried when others are in its way in the database, and until when: platforms give up at
/// 60 s.
const TRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(5);

/// What an operation has come to.
#[derive(Debug)]
pub(super) struct Done {
    status: StatusCode,
    body: Value,
    change: Change,
}

/// What it has changed among the bindings.
#[derive(Debug)]
pub(super) enum Change {
    Nothing,
    Made(Box<Binding>),
    /// One that promfetcher made has its instance, and with it another key than this.
    Attached(Box<Binding>, BindingKey),
    Gone(Vec<Binding>),
}

/// Why an operation ends without being done.
#[derive(Debug)]
pub(super) enum Stop {
    /// This is the answer.
    Refused(Error),
    /// The store has failed; the operation can be tried again if it says so.
    Store(store::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl Done {
    /// 201: this request has made it.
    pub(super) fn created(body: impl Serialize, change: Change) -> Self {
        Self::new(StatusCode::CREATED, body, change)
    }

    /// 200: it was so already, or is so now.
    pub(super) fn ok(body: impl Serialize, change: Change) -> Self {
        Self::new(StatusCode::OK, body, change)
    }

    /// 200 with `{}`.
    pub(super) fn empty(change: Change) -> Self {
        Self::ok(json!({}), change)
    }

    fn new(status: StatusCode, body: impl Serialize, change: Change) -> Self {
        Self {
            status,
            body: json!(body),
            change,
        }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        (self.status, error::json(&self.body)).into_response()
    }
}

impl Osb {
    /// Runs an operation on an instance in a task of its own, so that a caller that hangs up leaves nothing half-done.
    pub(super) async fn run<O>(&self, instance_id: String, operation: O) -> Result<Done, Error>
    where
        O: Operation,
    {
        let osb = self.clone();
        let call = self.0.calls.call("broker", O::NAME);
        let task = tokio::spawn(async move {
            let _call = call.start();
            osb.transact(&instance_id, &operation).await
        });
        task.await.unwrap_or_else(|failed| {
            tracing::error!(%failed, "an operation of the service broker ended early");
            Err(Error::internal())
        })
    }

    async fn transact(&self, instance_id: &str, operation: &impl Operation) -> Result<Done, Error> {
        let (mut tries, since) = (1, Instant::now());
        loop {
            match self.attempt(instance_id, operation).await {
                Ok(done) => {
                    self.0.away.store(false, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Store(error)) => {
                    // Of a commit whose answer was lost nobody knows whether it was done.
                    self.0.keeper.look_again();
                    match error.kind() {
                        store::Kind::Unavailable => self.0.away.store(true, Ordering::Relaxed),
                        // Those that came before hang with the database, so this is no matter of concurrency.
                        store::Kind::Conflict if self.0.away.load(Ordering::Relaxed) => {
                            return Err(Error::away());
                        }
                        _ => {}
                    }
                    let is_last = tries == TRIES || since.elapsed() > PATIENCE;
                    if error.kind() != store::Kind::Conflict || is_last {
                        return Err(error.into());
                    }
                    tries += 1;
                }
            }
        }
    }

    async fn attempt(&self, instance_id: &str, operation: &impl Operation) -> Result<Done, Stop> {
        let keeper = &self.0.keeper;
        let (store, bindings) = (keeper.store(), keeper.bindings());
        let mut transaction = store.begin(instance_id).await?;
        let done = operation.run(self, &mut transaction).await?;
        // Held until memory has followed, so that it follows two changes of one binding in their order.
        let turn = transaction.commit().await?;
        if turn.changed_others() {
            // Old processes of promfetcher have bound or unbound, which this transaction took in.
            keeper.look_again();
        }
        match &done.change {
            Change::Nothing => {}
            Change::Made(binding) => bindings.made(binding),
            // In this order it is in effect all the time.
            Change::Attached(binding, was) => {
                bindings.made(binding);
                bindings.gone([was]);
            }
            Change::Gone(gone) => bindings.gone(gone.iter().map(|binding| &binding.key)),
        }
        if !matches!(done.change, Change::Nothing) {
            keeper.tell_others();
        }
        Ok(done)
    }
}

/// What a request does within its transaction. It may be run more than once, each time in a new one.
pub(super) trait Operation: Send + Sync + 'static {
    /// Its name among the calls of the broker.
    const NAME: &'static str;

    fn run(
        &self,
        osb: &Osb,
        transaction: &mut Transaction,
    ) -> impl Future<Output = Result<Done, Stop>> + Send;
}
