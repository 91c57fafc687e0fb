use promfetch_tests::certs::Authority;
use promfetch_tests::config;
use promfetch_tests::{App, Behaviour, Nats, Platform, Promfetch, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_are_found_over_tls_with_a_client_certificate() {
    let authority = Authority::new("nats");
    let nats = Nats::start_tls(&authority).await;
    let platform = Platform::assemble(vec![nats], Some(&authority), json!({})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    assert_eq!(platform.page(&pushed.app).await.value("a", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_tls_server_is_survived() {
    let authority = Authority::new("nats");
    let nats = Nats::start_tls(&authority).await;
    let mut platform = Platform::assemble(vec![nats], Some(&authority), json!({})).await;
    let first = platform
        .push(
            App::new("acme", "prod", "first"),
            [Behaviour::page("a 1\n")],
        )
        .await;
    platform.nats[0].restart().await;
    let second = platform
        .push(
            App::new("acme", "prod", "second"),
            [Behaviour::page("b 1\n")],
        )
        .await;
    assert!(platform.page(&first.app).await.has("a"));
    assert!(platform.page(&second.app).await.has("b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_authority_is_told_in_the_log_without_the_password() {
    let authority = Authority::new("nats");
    let nats = [Nats::start_tls(&authority).await];
    for (key, value) in [
        ("pass", "wr0ng-w0rd".to_owned()),
        ("ca_certs", Authority::new("another").pem()),
    ] {
        let mut section = Nats::config(&nats);
        section[key] = value.into();
        let mut promfetch =
            Promfetch::start_unready(&config::with(json!({"nats": section})).to_string()).await;
        let log = eventually("the log tells of NATS", async || {
            let log = promfetch.log();
            log.to_lowercase().contains("nats").then_some(log)
        })
        .await;
        assert!(!log.contains("wr0ng-w0rd"), "{log}");
        assert!(
            promfetch.is_running(),
            "a control plane that is away is no reason to end"
        );
        assert_eq!(
            promfetch
                .get("/v1/apps/acme/prod/shop/metrics")
                .await
                .status,
            503
        );
    }
}
