//! What every answer of the broker has to keep to, whatever was asked.

use serde_json::Value;

use super::cloud_controller::{Operation, Verdict, verdict};
use super::{Answer, Call, IDENTITY};
use crate::http::Response;

/// The codes that the specification names (spec:316-327).
const CODES: [&str; 4] = [
    "AsyncRequired",
    "ConcurrencyError",
    "RequiresApp",
    "MaintenanceInfoConflict",
];

/// Checks an answer and reads it.
///
/// # Panics
/// When it breaks a rule.
pub fn check(call: &Call, response: Response) -> Answer {
    let context = format!(
        "{} {} answers {} {:?} {}",
        call.method,
        call.path,
        response.status,
        response.headers,
        String::from_utf8_lossy(&response.body)
    );
    // RFC 9110: neither has a body.
    let has_none = call.method == "HEAD" || response.status == 304;
    let json = if has_none {
        assert!(response.body.is_empty(), "{context}");
        Value::Null
    } else {
        assert_eq!(
            response.header("content-type"),
            "application/json",
            "{context}"
        );
        serde_json::from_slice(&response.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {context}"))
    };
    let answer = Answer {
        status: response.status,
        json,
        headers: response.headers,
    };
    if !has_none {
        assert!(answer.json.is_object(), "an object: {context}");
        assert!(!has_null(&answer.json), "no nulls: {context}");
    }
    assert_eq!(
        answer.header(IDENTITY),
        call.value(IDENTITY).unwrap_or_default(),
        "the identity is echoed: {context}"
    );
    headers_of_errors(&answer, &context);
    if !has_none {
        members(call, &answer, &context);
        fate(call, &answer, &context);
    }
    answer
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

fn headers_of_errors(answer: &Answer, context: &str) {
    match answer.status {
        401 => assert!(
            answer.header("www-authenticate").starts_with("Basic "),
            "{context}"
        ),
        405 => assert!(!answer.header("allow").is_empty(), "{context}"),
        _ => {}
    }
}

/// `error`, `description`, `instance_usable` and `update_repeatable` (spec:306-314).
fn members(call: &Call, answer: &Answer, context: &str) {
    let json = &answer.json;
    assert!(json.get("instance_usable").is_none(), "{context}");
    if answer.status < 400 {
        for name in ["error", "description", "update_repeatable"] {
            assert!(json.get(name).is_none(), "{name}: {context}");
        }
        return;
    }
    assert!(
        !answer.description().trim().is_empty(),
        "a sentence for the user: {context}"
    );
    if let Some(code) = json.get("error") {
        assert_eq!(answer.status, 422, "{context}");
        assert!(
            CODES.iter().any(|known| code == known),
            "a code of the specification: {context}"
        );
    }
    if json.get("update_repeatable").is_some() {
        assert_eq!((call.method.as_str(), answer.status), ("PATCH", 422));
    }
    assert!(
        json.get("credentials").is_none(),
        "an error has no credentials: {context}"
    );
}

/// What the Cloud Controller makes of it. Only a database that is away may end in a deletion.
fn fate(call: &Call, answer: &Answer, context: &str) {
    let operation = Operation::of(&call.method, &call.path);
    let verdict = verdict(operation, answer.status, &answer.json);
    let is_harmless = match verdict {
        Verdict::Orphan | Verdict::Bad => answer.status == 503,
        Verdict::Malformed => false,
        _ => true,
    };
    assert!(is_harmless, "{operation:?} is {verdict:?}: {context}");
}
