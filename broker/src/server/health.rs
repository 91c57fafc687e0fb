//! `/health` and `/ready`: whether this process should get requests.
//!
//! Both say the same. 503 until the routing table has been complete once; from then on 200 whatever happens to the
//! sources (`degraded` says that one is away: the last good table is served); 503 again during a shutdown.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use promfetch_core::discovery::{Discovery, Readiness, SourceState};
use serde::Serialize;
use utoipa::ToSchema;

use super::shutdown::Shutdown;
use crate::bindings::sync::Keeper;
use crate::openapi::Operation;

/// What health is read from. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) discovery: Discovery,
    /// `None`: there are no bindings to know.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) shutdown: Shutdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
enum Status {
    Starting,
    Ready,
    Degraded,
    Draining,
}

/// Whether this process should get requests. On the health port it tells of its `sources` besides.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct Report {
    status: Status,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(ignore)]
    sources: Vec<SourceState>,
}

impl Health {
    /// Whether requests can be answered, and the state of everything that this hangs on.
    pub(crate) fn readiness(&self) -> Readiness {
        let mut readiness = self.discovery.readiness();
        if let Some(keeper) = &self.keeper {
            readiness.ready &= keeper.is_ready();
            readiness.sources.push(of_bindings(keeper));
        }
        readiness
    }

    fn report(&self) -> Report {
        let readiness = self.readiness();
        let all_there = readiness.sources.iter().all(|source| source.connected);
        Report {
            status: status(self.shutdown.is_draining(), readiness.ready, all_there),
            sources: readiness.sources,
        }
    }
}

/// The database among the sources: what bindings say is read from it.
fn of_bindings(keeper: &Keeper) -> SourceState {
    let status = keeper.status();
    SourceState {
        kind: "bindings",
        name: "db_conn".into(),
        connected: status.problem.is_none() && status.read.is_some(),
        ready: keeper.is_ready(),
        detail: match (status.problem, status.read.is_some()) {
            (Some(problem), _) => problem,
            (None, true) => format!("{} bindings", keeper.bindings().len()),
            (None, false) => "not read yet".into(),
        },
        last_message_age: status.read.map(|at| at.elapsed()),
    }
}

fn status(draining: bool, ready: bool, all_there: bool) -> Status {
    match (draining, ready, all_there) {
        (true, ..) => Status::Draining,
        (false, false, _) => Status::Starting,
        (false, true, false) => Status::Degraded,
        (false, true, true) => Status::Ready,
    }
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let code = match self.status {
            Status::Ready | Status::Degraded => StatusCode::OK,
            Status::Starting | Status::Draining => StatusCode::SERVICE_UNAVAILABLE,
        };
        // Neither a status nor a source can fail to be written.
        let text = serde_json::to_string(&self).unwrap_or_default() + "\n";
        (
            code,
            [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, "no-cache"),
            ],
            text,
        )
            .into_response()
    }
}

pub(crate) fn describe() -> Vec<Operation> {
    vec![operation(
        "/health",
        "getHealth",
        "Whether this process should get requests",
    )]
}

pub(crate) fn describe_ready() -> Vec<Operation> {
    vec![operation("/ready", "getReadiness", "The same as `/health`")]
}

fn operation(path: &str, id: &str, summary: &str) -> Operation {
    Operation::get(path, id, summary)
        .tag("promfetch")
        .json::<Report>("It should")
        .json_with::<Report>(
            StatusCode::SERVICE_UNAVAILABLE,
            "It starts, or it is about to end",
        )
}

/// On the health port.
pub(crate) async fn detailed(State(health): State<Health>) -> Response {
    health.report().into_response()
}

/// On the API port, to everybody.
pub(crate) async fn brief(State(health): State<Health>) -> Response {
    Report {
        sources: Vec::new(),
        ..health.report()
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_start_and_a_shutdown_are_unhealthy() {
        for (draining, ready, all_there, want, code) in [
            (false, false, false, Status::Starting, 503),
            (false, false, true, Status::Starting, 503),
            (false, true, true, Status::Ready, 200),
            (false, true, false, Status::Degraded, 200),
            (true, true, true, Status::Draining, 503),
            (true, false, false, Status::Draining, 503),
        ] {
            let got = status(draining, ready, all_there);
            assert_eq!(got, want);
            let response = Report {
                status: got,
                sources: Vec::new(),
            }
            .into_response();
            assert_eq!(response.status().as_u16(), code, "{got:?}");
        }
    }
}
