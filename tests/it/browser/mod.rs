//! The pages in a real browser: `tests/browser` has what is done there.

// What somebody does who has never seen promfetch, on the demo platform.
mod explorer;
// With logins, on a platform with apps of several teams.
mod protected;

use promfetch_tests::{Promfetch, browser};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation() {
    let demo = Promfetch::demo().await;
    browser::run("doc", &demo.api, &[]).await;
}
