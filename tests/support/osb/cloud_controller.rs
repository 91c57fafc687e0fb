//! What the Cloud Controller does with an answer of a broker (lib/services/service_brokers/v2/response_parser.rb and
//! errors/, cloud_controller_ng at 3bbba90698).

use serde_json::Value;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Provision,
    Bind,
    Update,
    /// Of an instance or a binding.
    Get,
    LastOperation,
    /// Of an instance or a binding.
    Delete,
    /// All else: nothing depends on it.
    Other,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    /// The user sees the broker's description; nothing is deleted.
    Rejected,
    /// A proper error; nothing is deleted.
    Clean,
    Conflict,
    /// "authentication failed".
    Login,
    Timeout,
    /// A failure without a reason that is shown.
    Bad,
    Malformed,
    /// A failure, after which the Cloud Controller deletes what it wanted to create.
    Orphan,
}

impl Operation {
    /// By method and path below the broker's address.
    pub fn of(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            ("GET", ["v2", "service_instances", _, "last_operation"])
            | (
                "GET",
                [
                    "v2",
                    "service_instances",
                    _,
                    "service_bindings",
                    _,
                    "last_operation",
                ],
            ) => Self::LastOperation,
            ("PUT", ["v2", "service_instances", _]) => Self::Provision,
            ("PATCH", ["v2", "service_instances", _]) => Self::Update,
            ("GET", ["v2", "service_instances", _]) => Self::Get,
            ("DELETE", ["v2", "service_instances", _]) => Self::Delete,
            ("PUT", ["v2", "service_instances", _, "service_bindings", _]) => Self::Bind,
            ("GET", ["v2", "service_instances", _, "service_bindings", _]) => Self::Get,
            ("DELETE", ["v2", "service_instances", _, "service_bindings", _]) => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// The table.
pub fn verdict(operation: Operation, status: u16, body: &Value) -> Verdict {
    use Operation::{Bind, Delete, LastOperation, Other, Provision, Update};
    let creates = matches!(operation, Provision | Bind);
    let code = body["error"].as_str().unwrap_or_default();
    let failure = if creates {
        Verdict::Orphan
    } else {
        Verdict::Bad
    };
    match (status, operation) {
        (_, Other) => Verdict::Ok,
        (200, _) if !body.is_object() => Verdict::Malformed,
        (200, LastOperation) => match body["state"].as_str() {
            Some("succeeded" | "failed" | "in progress") => Verdict::Ok,
            _ => Verdict::Malformed,
        },
        (200 | 201, Provision) if has_null(body, "operation") || has_null(body, "metadata") => {
            Verdict::Orphan
        }
        (200 | 201, Bind) if !matches!(body.get("credentials"), None | Some(Value::Object(_))) => {
            Verdict::Orphan
        }
        (200, _) => Verdict::Ok,
        (201, Provision | Bind) if body.is_object() => Verdict::Ok,
        (201, Provision | Bind) => Verdict::Orphan,
        (401, _) => Verdict::Login,
        (408, _) => Verdict::Timeout,
        (409, Provision | Bind) => Verdict::Conflict,
        (409, _) => Verdict::Bad,
        (410, Delete | LastOperation) => Verdict::Ok,
        (410, _) => failure,
        (422, Update) if code == "MaintenanceInfoConflict" => Verdict::Clean,
        (422, Update) => Verdict::Rejected,
        (422, Provision | Bind | Delete) if code == "ConcurrencyError" => Verdict::Clean,
        (422, Provision) if code == "MaintenanceInfoConflict" => Verdict::Clean,
        (422, Bind) if code == "RequiresApp" => Verdict::Clean,
        (422, _) => failure,
        (400..=499, _) => Verdict::Rejected,
        _ => failure,
    }
}

fn has_null(body: &Value, name: &str) -> bool {
    body.get(name).is_some_and(Value::is_null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Verdict::{Bad, Clean, Conflict, Login, Malformed, Ok, Orphan, Rejected, Timeout};
    use super::*;

    /// The rows of the table that say more than a class of statuses.
    #[test]
    fn the_table_says_what_becomes_of_an_answer() {
        let coded = |code: &str| json!({"error": code, "description": "a sentence"});
        let operations = [
            Operation::Provision,
            Operation::Bind,
            Operation::Update,
            Operation::Get,
        ];
        for (status, body, wanted) in [
            (200, json!({}), [Ok, Ok, Ok, Ok]),
            (201, json!({}), [Ok, Ok, Bad, Bad]),
            (200, Value::Null, [Malformed; 4]),
            (201, Value::Null, [Orphan, Orphan, Bad, Bad]),
            (201, json!({"operation": null}), [Orphan, Ok, Bad, Bad]),
            (201, json!({"metadata": null}), [Orphan, Ok, Bad, Bad]),
            (201, json!({"credentials": "x"}), [Ok, Orphan, Bad, Bad]),
            (204, Value::Null, [Orphan, Orphan, Bad, Bad]),
            (400, json!({}), [Rejected; 4]),
            (404, json!({}), [Rejected; 4]),
            (412, json!({}), [Rejected; 4]),
            (413, json!({}), [Rejected; 4]),
            (401, json!({}), [Login; 4]),
            (408, json!({}), [Timeout; 4]),
            (409, json!({}), [Conflict, Conflict, Bad, Bad]),
            (410, json!({}), [Orphan, Orphan, Bad, Bad]),
            (422, json!({}), [Orphan, Orphan, Rejected, Bad]),
            (
                422,
                coded("ConcurrencyError"),
                [Clean, Clean, Rejected, Bad],
            ),
            (
                422,
                coded("MaintenanceInfoConflict"),
                [Clean, Orphan, Clean, Bad],
            ),
            (422, coded("RequiresApp"), [Orphan, Clean, Rejected, Bad]),
            (500, json!({}), [Orphan, Orphan, Bad, Bad]),
            (503, json!({}), [Orphan, Orphan, Bad, Bad]),
        ] {
            let got = operations.map(|operation| verdict(operation, status, &body));
            assert_eq!(got, wanted, "{status} {body}");
        }
    }
}
