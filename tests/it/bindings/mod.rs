//! Bindings in effect: whose, from when on, in which process, and with which database away.

// Bind, bind again, unbind: which path counts.
mod effect;
// What else a binding says: process, time-out, headers.
mod manner;
// Callers whose pages differ never share one.
mod sharing;
// Another secret key, with and without the previous one.
mod keys;
// Three processes on one database and one NATS.
mod processes;
// The database goes away in the middle.
mod outage;
// The database is away from the start.
mod away_at_start;
// `promfetch bindings`.
mod listing;
// Wrong configurations of broker and access.
mod config;

use promfetch_tests::platform::Pushed;
use promfetch_tests::{Answer, App, Behaviour, Foundation};
use serde_json::json;

/// A page that says which path was asked for.
fn echo() -> Behaviour {
    Behaviour::answering(|seen| Answer::text(format!("asked{{path=\"{}\"}} 1\n", seen.path)))
}

/// The path that the app was asked for, by its page.
async fn asked(foundation: &Foundation, pushed: &Pushed, query: &str) -> String {
    let path = pushed.app.path(&format!("metrics{query}"));
    let page = foundation.platform.promfetch.page(&path).await;
    page.one("asked", &[]).label("path").to_owned()
}

/// A foundation with a service instance `i` and an app of its space.
async fn with_app() -> (Foundation, Pushed) {
    let foundation = Foundation::start(json!({})).await;
    let shop = App::new("acme", "prod", "shop");
    let shop = foundation.platform.push(shop, [echo()]).await;
    foundation
        .cloud()
        .provision("i", &shop.app.space_guid)
        .await;
    (foundation, shop)
}
