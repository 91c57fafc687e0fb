use axum::extract::Request;
use serde_json::json;

use super::*;
use crate::access::testing::{Server, later};

const HOUR: Duration = Duration::from_secs(3600);

/// Says yes to `jane` for every app of which it is asked, as Cloud Controller does.
fn jane_may(request: &Request) -> (u16, String) {
    let path = request.uri().path().trim_start_matches("/v3/apps/");
    let guid = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    match request.headers().get("authorization") {
        Some(value) if value == "Bearer jane" => {
            (200, json!({"guid": guid, "name": "shop"}).to_string())
        }
        _ => (
            404,
            json!({"errors": [{"code": 10010, "title": "CF-ResourceNotFound"}]}).to_string(),
        ),
    }
}

async fn fixture() -> (Server, CloudController) {
    let server = Server::start(jane_may).await;
    let cloud_controller = CloudController::new(&server.config(), &Calls::default()).unwrap();
    (server, cloud_controller)
}

async fn may(cc: &CloudController, token: &str, guid: &str) -> Result<bool, Unavailable> {
    cc.may_read(&Secret(token.into()), HOUR, guid).await
}

#[tokio::test]
async fn each_user_and_app_is_asked_for_once_in_half_a_minute() {
    let (server, cc) = fixture().await;
    for _ in 0..3 {
        assert_eq!(may(&cc, "jane", "app-1").await, Ok(true));
        assert_eq!(may(&cc, "bob", "app-1").await, Ok(false));
        assert_eq!(may(&cc, "jane", "app-2").await, Ok(true));
    }
    let asked = ["/v3/apps/app%2D1", "/v3/apps/app%2D1", "/v3/apps/app%2D2"];
    assert_eq!(server.seen(), asked);
    server.becomes(|_| (404, String::new()));
    later(KEPT - Duration::from_secs(1)).await;
    assert_eq!(may(&cc, "jane", "app-1").await, Ok(true));
    later(Duration::from_secs(1)).await;
    assert_eq!(
        may(&cc, "jane", "app-1").await,
        Ok(false),
        "the right was taken"
    );
}

#[tokio::test]
async fn an_answer_counts_no_longer_than_its_token() {
    let (server, cc) = fixture().await;
    let token = Secret("jane".into());
    let remaining = Duration::from_secs(10);
    assert_eq!(cc.may_read(&token, remaining, "app").await, Ok(true));
    later(remaining - Duration::from_secs(1)).await;
    assert_eq!(
        cc.may_read(&token, Duration::from_secs(1), "app").await,
        Ok(true)
    );
    assert_eq!(server.seen().len(), 1);
    later(Duration::from_secs(1)).await;
    assert_eq!(cc.may_read(&token, Duration::ZERO, "app").await, Ok(true));
    assert_eq!(server.seen().len(), 2, "asked again");
}

#[tokio::test]
async fn answers_of_every_kind() {
    let (server, cc) = fixture().await;
    let app = json!({"guid": "app"}).to_string();
    for (number, (status, body, want, why)) in [
        (200, app.as_str(), Ok(true), "the app"),
        (200, r#"{"guid":"APP"}"#, Ok(false), "another app"),
        (
            200,
            "<html>Maintenance</html>",
            Err(Unavailable),
            "a page that is there for all",
        ),
        (200, r#"{"resources":[]}"#, Err(Unavailable), "a list"),
        (200, "", Err(Unavailable), "nothing"),
        (401, "", Ok(false), "the token was revoked"),
        (403, "", Ok(false), "forbidden"),
        (404, "", Ok(false), "not there, for this user"),
        (204, "", Err(Unavailable), "no answer"),
        (302, "", Err(Unavailable), "elsewhere"),
        (429, "", Err(Unavailable), "too often"),
        (500, "", Err(Unavailable), "broken"),
        (503, "", Err(Unavailable), "away"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body.to_owned();
        server.becomes(move |_| (status, body.clone()));
        let token = format!("token-{number}");
        assert_eq!(may(&cc, &token, "app").await, want, "{status}: {why}");
    }
    // What could not be answered is asked again at once.
    server.becomes(jane_may);
    assert_eq!(may(&cc, "token-12", "app").await, Ok(false));
}

#[tokio::test]
async fn a_guid_stays_a_guid() {
    let (server, cc) = fixture().await;
    let long = "x".repeat(256);
    for guid in ["", ".", "..", "...", long.as_str()] {
        assert_eq!(may(&cc, "jane", guid).await, Ok(false), "{guid}");
    }
    assert!(
        server.seen().is_empty(),
        "they are no GUIDs, so nobody is asked"
    );
    for (guid, path) in [
        ("../apps", "/v3/apps/%2E%2E%2Fapps"),
        ("a?b=c#d", "/v3/apps/a%3Fb%3Dc%23d"),
        ("%2e%2e", "/v3/apps/%252e%252e"),
        ("ü\n", "/v3/apps/%C3%BC%0A"),
    ] {
        assert_eq!(may(&cc, "jane", guid).await, Ok(true));
        assert_eq!(server.seen().pop().as_deref(), Some(path), "{guid}");
    }
}

#[tokio::test]
async fn equal_questions_are_asked_once_and_few_at_a_time() {
    let (server, cc) = fixture().await;
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    server.becomes_slow({
        let (gate, running) = (Arc::clone(&gate), Arc::clone(&running));
        move |request| {
            use std::sync::atomic::Ordering::SeqCst;
            let answer = jane_may(request);
            let (gate, running) = (Arc::clone(&gate), Arc::clone(&running));
            Box::pin(async move {
                assert!(running.fetch_add(1, SeqCst) < RUNNING, "too many at once");
                let _ = gate.acquire().await;
                running.fetch_sub(1, SeqCst);
                answer
            })
        }
    });
    let questions = (0..200).map(|number| {
        let guid = format!("app-{}", number % 50);
        let cc = &cc;
        async move { may(cc, "jane", &guid).await }
    });
    let all = futures_util::future::join_all(questions);
    let open = async {
        while server.seen().len() < RUNNING {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(all, open);
    assert_eq!(answers, [Ok(true); 200]);
    assert_eq!(server.seen().len(), 50);
}

#[tokio::test]
async fn a_server_that_hangs_or_is_gone_is_unavailable() {
    let (server, cc) = fixture().await;
    server.becomes_slow(|_| Box::pin(std::future::pending()));
    let question = may(&cc, "jane", "app");
    let hangs = async {
        while server.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        later(Duration::from_secs(5)).await;
    };
    let (answer, ()) = tokio::join!(question, hangs);
    assert_eq!(answer, Err(Unavailable));

    let config = server.config();
    drop(server);
    let cc = CloudController::new(&config, &Calls::default()).unwrap();
    assert_eq!(may(&cc, "jane", "app").await, Err(Unavailable));
}
