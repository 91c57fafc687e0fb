//! The demo's router: what a gorouter shows on `/routes`, and nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::App;

pub(super) const ORGANIZATION: &str = "demo";
pub(super) const SPACE: &str = "dev";

/// An instance that listens.
pub(super) struct Running {
    pub(super) app: &'static App,
    pub(super) index: usize,
    pub(super) address: SocketAddr,
}

/// The host under which an app of the demo is routed.
pub(super) fn host(app: &str) -> String {
    format!("{app}.demo.example")
}

/// Answers `/routes` to who has the login, as a router with these instances does.
pub(super) fn router(running: &[Running], user: &str, pass: &str) -> Router {
    let login = format!("Basic {}", STANDARD.encode(format!("{user}:{pass}")));
    let table = format!("{}\n", table(running));
    Router::new().route(
        "/routes",
        get(move |headers: HeaderMap| async move { answer(&headers, &login, table) }),
    )
}

fn answer(headers: &HeaderMap, login: &str, table: String) -> Response {
    if headers
        .get(AUTHORIZATION)
        .is_none_or(|given| given != login)
    {
        return (StatusCode::UNAUTHORIZED, "401 Unauthorized\n").into_response();
    }
    ([(CONTENT_TYPE, "application/json")], table).into_response()
}

/// The table in gorouter's form.
fn table(running: &[Running]) -> Value {
    let mut routes = BTreeMap::<String, Vec<Value>>::new();
    for instance in running {
        routes
            .entry(host(instance.app.name))
            .or_default()
            .push(endpoint(instance));
    }
    json!(routes)
}

fn endpoint(instance: &Running) -> Value {
    let app = instance.app;
    // Instance GUIDs of a platform have this form, which is not quite a UUID's.
    let guid = format!("{}-{:04x}", &app.guid[..23], instance.index);
    json!({
        "address": instance.address.to_string(),
        "availability_zone": "z1",
        "protocol": "http1",
        "tls": false,
        "ttl": 120,
        "private_instance_id": guid,
        "tags": {
            "app_id": app.guid,
            "app_name": app.name,
            "component": "route-emitter",
            "instance_id": instance.index.to_string(),
            "organization_id": "5f0e9e3a-0c1d-4c9e-8d6b-000000000001",
            "organization_name": ORGANIZATION,
            "process_id": app.guid,
            "process_instance_id": guid,
            "process_type": "web",
            "source_id": app.guid,
            "space_id": "5f0e9e3a-0c1d-4c9e-8d6b-000000000002",
            "space_name": SPACE,
        },
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::super::APPS;
    use super::*;

    #[tokio::test]
    async fn the_table_is_gorouters_and_needs_the_login() {
        let running = [Running {
            app: &APPS[0],
            index: 2,
            address: "127.0.0.1:5000".parse().unwrap(),
        }];
        let router = router(&running, "u", "p");
        let ask = |login: &'static str| {
            let request = Request::get("/routes")
                .header(AUTHORIZATION, login)
                .body(Body::empty())
                .unwrap();
            router.clone().oneshot(request)
        };
        assert_eq!(ask("Basic dTpx").await.unwrap().status(), 401);
        let answer = ask("Basic dTpw").await.unwrap();
        let table: Value =
            serde_json::from_slice(&to_bytes(answer.into_body(), 99_999).await.unwrap()).unwrap();
        let endpoint = &table["hello.demo.example"][0];
        assert_eq!(endpoint["address"], "127.0.0.1:5000");
        assert_eq!(endpoint["tags"]["instance_id"], "2");
        assert_eq!(
            endpoint["private_instance_id"],
            "1b4f6c92-5d0e-4a37-9c81-0002"
        );
    }
}
