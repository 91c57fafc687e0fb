use std::io::Write;
use std::process::{Command, Stdio};

use promfetch_tests::foundation::{basic, operator};
use promfetch_tests::promfetch::binary;
use promfetch_tests::{Platform, eventually};
use serde_json::json;
use tokio::task::JoinSet;

use super::Town;

/// What `promfetch hash-password` prints for this password.
fn hash(password: &str) -> String {
    let mut child = Command::new(binary())
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("promfetch starts");
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    writeln!(stdin, "{password}").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("a child can be waited for");
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .expect("a text")
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_listed_with_a_hash_sees_everything() {
    let operators = json!([
        {"name": "jane", "password_hash": hash("jane's own password")},
        {"name": "jürgen", "password_hash": hash("grüße: an alle")},
    ]);
    let mut platform =
        Platform::start_with(json!({"access": "protected", "operators": operators})).await;
    platform.login = basic("jane", "jane's own password");
    let promfetch = &platform.promfetch;
    for (user, password, status, why) in [
        ("jane", "jane's own password", 200, "right"),
        (
            "jürgen",
            "grüße: an alle",
            200,
            "right, with a colon, in UTF-8",
        ),
        ("jane", "grüße: an alle", 401, "another's password"),
        ("jane", "jane's own passworD", 401, "one letter"),
        ("jane", "jane's own password ", 401, "a blank more"),
        ("Jane", "jane's own password", 401, "names are exact"),
        ("", "jane's own password", 401, "no name"),
        ("jane", "", 401, "no password"),
    ] {
        for path in ["/routes", "/metrics", "/"] {
            let login = basic(user, password);
            let answer = promfetch
                .try_get_with(path, &[("authorization", &login)])
                .await;
            assert_eq!(
                answer.expect("an answer").status,
                status,
                "{user}: {path}: {why}"
            );
        }
    }
    let log = promfetch.log();
    for secret in ["grüße: an", "own password", "$argon2id$"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_slows_the_name_down_and_locks_nobody_out() {
    let town = Town::start("protected").await;
    let path = town.shop.app.path("metrics");
    let api = &town.foundation.platform.promfetch.api;
    // Jane is logged in, as `Town` waited for its apps with her login. Somebody guesses at her name, many at once.
    let mut guesses = JoinSet::new();
    for number in 0..100 {
        let url = format!("{api}{path}");
        let guess = basic("jane", &format!("guess {number}"));
        guesses.spawn(async move {
            let answer = promfetch_tests::http::get(&url, &[("authorization", &guess)]).await;
            answer.status
        });
    }
    for _ in 0..20 {
        assert_eq!(
            town.status(&path, &operator()).await,
            200,
            "she does not notice"
        );
    }
    for status in guesses.join_all().await {
        assert!([401, 429].contains(&status), "{status}");
    }
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    assert_eq!(
        town.status(&path, &binding.login()).await,
        200,
        "others do not either"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_password_gets_through_after_wrong_ones() {
    let operators = json!([{"name": "bob", "password_hash": hash("correct battery staple")}]);
    let platform =
        Platform::start_with(json!({"access": "protected", "operators": operators})).await;
    let status = async |password: &str| {
        let login = basic("bob", password);
        let answer = platform
            .promfetch
            .try_get_with("/", &[("authorization", &login)])
            .await;
        answer.expect("an answer").status
    };
    // Nobody has seen the right one yet: it waits like the wrong ones, and then counts.
    for number in 0..8 {
        assert_eq!(status(&format!("guess {number}")).await, 401);
    }
    assert_eq!(status("correct battery staple").await, 200);
    // While so many guess that none is looked at any more, it still gets its turn.
    let mut guesses = JoinSet::new();
    for number in 0..70 {
        let url = format!("{}/", platform.promfetch.api);
        let guess = basic("eve", &format!("guess {number}"));
        guesses.spawn(async move {
            promfetch_tests::http::get(&url, &[("authorization", &guess)]).await
        });
    }
    eventually("the right password opens", async || {
        (status("correct battery staple").await == 200).then_some(())
    })
    .await;
    for answer in guesses.join_all().await {
        if answer.status == 429 {
            assert!(
                answer.header("retry-after").parse::<u32>().is_ok(),
                "{:?}",
                answer.headers
            );
        } else {
            assert_eq!(answer.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_made_up_names_keeps_nobody_out() {
    let town = Town::start("protected").await;
    let path = town.shop.app.path("metrics");
    let cloud = town.foundation.cloud();
    let binding = cloud
        .bind("prod-metrics", "b", Some(&town.shop.app), json!({}))
        .await;
    let url = format!("{}{path}", town.foundation.platform.promfetch.api);
    let mut flood = JoinSet::new();
    for guesser in 0..100 {
        let url = url.clone();
        flood.spawn(async move {
            for number in 0.. {
                let guess = basic(&format!("name {guesser} {number}"), "guess");
                // Each name is a new one, so that none is slowed down; the work of checking is bounded.
                let _ = promfetch_tests::http::try_get(&url, &[("authorization", &guess)]).await;
            }
        });
    }
    eventually("the flood is at its height", async || {
        let answer = town.ask("GET", "/", &basic("one more", "guess")).await;
        (answer.status == 429).then_some(())
    })
    .await;
    for _ in 0..20 {
        assert_eq!(
            town.status(&path, &operator()).await,
            200,
            "she is logged in"
        );
        assert_eq!(
            town.status(&path, &binding.login()).await,
            200,
            "needs no work"
        );
        assert_eq!(
            cloud.credentials("prod-metrics", "b").await.user,
            binding.user
        );
    }
    flood.abort_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapers_of_bindings_that_are_gone_take_nobodys_place() {
    let town = Town::start("protected").await;
    let url = format!(
        "{}{}",
        town.foundation.platform.promfetch.api,
        town.shop.app.path("metrics")
    );
    for _ in 0..3 {
        let mut scrapers = JoinSet::new();
        for number in 0..300 {
            let url = url.clone();
            let stale = basic(&format!("b-{number:032x}"), "what it was");
            scrapers.spawn(async move {
                promfetch_tests::http::get(&url, &[("authorization", &stale)])
                    .await
                    .status
            });
        }
        for status in scrapers.join_all().await {
            assert_eq!(
                status, 401,
                "and not 429: their passwords cost nothing to look at"
            );
        }
    }
}
