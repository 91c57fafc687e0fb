//! How long a browser shows nothing: the first paint of `/` with 20,000 apps in the table, and of a page of an app, in
//! Chromium, and how large the pages are. Prints figures; nothing is asserted.

#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use promfetch_tests::gorouter::Gorouter;
use promfetch_tests::{App, Behaviour, Instance, Promfetch, browser, config, http};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

const APPS: usize = 20_000;

fn main() {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(measure());
}

async fn measure() {
    let instance = Instance::start("0", Behaviour::counting(1)).await;
    let router = Gorouter::start().await;
    router.set(&Value::Object(routes(&instance)).to_string());
    let promfetch = Promfetch::start(&config::with(json!({
        "logging": {"level": "error"},
        "gorouters": [router.config()],
    })))
    .await;
    let html = [("accept", "text/html")];
    for (what, path) in [
        ("the first page", "/"),
        ("a search that finds one", "/?q=app-012345"),
        ("a search that finds nothing", "/?q=nothing-of-this-name"),
    ] {
        let url = format!("{}{path}", promfetch.api);
        let mut walls = Vec::new();
        let mut size = 0;
        for _ in 0..20 {
            let since = Instant::now();
            let answer = http::try_get(&url, &html).await.expect("a page");
            walls.push(since.elapsed());
            size = answer.body.len();
        }
        walls.sort();
        let median = walls.get(10).copied().unwrap_or_default();
        println!("{what}: {median:?} on the wire, {size} bytes of HTML");
    }
    let printed = browser::run("first_paint", &promfetch.api, &[]).await;
    for line in printed.lines().filter(|line| line.contains("paint")) {
        println!("{}", line.trim());
    }
}

/// A route for each app; all lead to one instance.
fn routes(instance: &Instance) -> Map<String, Value> {
    let route = |number: usize| {
        let app = App::new(
            &format!("organization-{:03}", number % 200),
            &format!("space-{}", number % 7),
            &format!("app-{number:06}"),
        );
        let endpoint = promfetch_tests::gorouter::endpoint(&app, instance);
        (format!("app-{number:06}.apps.test"), json!([endpoint]))
    };
    (0..APPS).map(route).collect()
}
