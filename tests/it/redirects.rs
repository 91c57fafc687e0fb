use promfetch_tests::{Answer, App, Behaviour, Instance, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn up_to_three_redirects_are_followed_on_the_same_instance() {
    let platform = Platform::start().await;
    let chain = |length: usize| {
        Behaviour::answering(move |seen| {
            let step = if seen.path == "/metrics" {
                0
            } else {
                seen.path
                    .trim_start_matches("/step/")
                    .parse::<usize>()
                    .unwrap_or(0)
            };
            if step < length {
                Answer::redirect(
                    [301, 302, 307, 308][step % 4],
                    &format!("/step/{}", step + 1),
                )
            } else {
                Answer::text("a 1\n")
            }
        })
    };
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), (0..5).map(chain))
        .await;
    let page = platform.page(&pushed.app).await;
    for (redirects, up) in page.up() {
        assert_eq!(
            up,
            f64::from(redirects.parse::<u32>().unwrap() <= 3),
            "{redirects} redirects"
        );
    }
    assert_eq!(page.errors()["4"], "redirect");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_never_leads_to_another_host_and_takes_no_credentials_along() {
    let platform = Platform::start().await;
    let elsewhere = Instance::start("0", Behaviour::page("stolen 1\n")).await;
    let target = format!("http://{}/moved?x=1", elsewhere.address);
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::answering(move |seen| {
                if seen.path == "/metrics" {
                    Answer::redirect(302, &target)
                } else {
                    Answer::text("a 1\n")
                }
            })],
        )
        .await;
    let page = platform
        .promfetch
        .page_with(
            &pushed.app.path("metrics"),
            &[("authorization", "Bearer of-the-app")],
        )
        .await;
    assert_eq!(
        elsewhere.requests(),
        0,
        "only path and query of a redirect count"
    );
    assert!(
        page.has("a") || page.errors()["0"] == "redirect",
        "{}",
        page.text
    );
    let seen = pushed.instances[0].seen();
    assert_eq!(seen[0].header("authorization"), "Bearer of-the-app");
    for after in &seen[1..] {
        assert_eq!(
            (after.path.as_str(), after.header("authorization")),
            ("/moved?x=1", "")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_nowhere_is_a_redirect_error() {
    let platform = Platform::start().await;
    let no_location = Answer {
        status: 302,
        headers: Vec::new(),
        body: "".into(),
    };
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::fixed(no_location), Behaviour::redirect_loop()],
        )
        .await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(
        page.errors().into_values().collect::<Vec<_>>(),
        ["redirect", "redirect"]
    );
    assert!(
        pushed.instances[1].requests() <= 4,
        "three redirects at most"
    );
}
