use promfetch_tests::{App, Behaviour, Nats, Platform};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_server_dies_the_others_bring_the_messages() {
    let mut platform = Platform::assemble(Nats::cluster().await, None, json!({})).await;
    let mut apps = vec![
        platform
            .push(
                App::new("acme", "prod", "before"),
                [Behaviour::page("a 1\n")],
            )
            .await,
    ];
    // One after the other, so that the one promfetch is connected to dies once.
    for dying in 0..3 {
        platform.nats[dying].kill();
        let name = format!("after-{dying}");
        apps.push(
            platform
                .push(App::new("acme", "prod", &name), [Behaviour::page("a 1\n")])
                .await,
        );
        for pushed in &apps {
            assert!(
                platform.page(&pushed.app).await.has("a"),
                "{} with server {dying} away",
                pushed.app.name
            );
        }
        platform.nats[dying].restart().await;
        // It takes part again before the next one dies.
        let name = format!("healed-{dying}");
        apps.push(
            platform
                .push(App::new("acme", "prod", &name), [Behaviour::page("a 1\n")])
                .await,
        );
    }
}
