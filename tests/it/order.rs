use promfetch_tests::emitter::message;
use promfetch_tests::{App, Behaviour, Instance, Platform, eventually};

/// The last message wins, also when a register and an unregister arrive in one piece behind heartbeats of others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn register_and_unregister_are_applied_in_their_order() {
    let platform = Platform::start().await;
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let told = |app: &App| message(app, &instance, &app.routes[0]);
    for round in 0..10 {
        let [here, gone, other, last] = ["here", "gone", "other", "last"]
            .map(|name| App::new("acme", "prod", &format!("{name}-{round}")));
        let mut messages = vec![("router.register", told(&gone))];
        messages.extend((0..20).map(|_| ("router.register", told(&other))));
        messages.push(("router.unregister", told(&gone)));
        messages.extend((0..20).map(|_| ("router.unregister", told(&other))));
        messages.push(("router.unregister", told(&here)));
        messages.push(("router.register", told(&here)));
        messages.push(("router.register", told(&last)));
        platform.emitter.publish_together(messages).await;

        let status = async |app: &App| platform.promfetch.get(&app.path("instances")).await.status;
        eventually("the last message has arrived", async || {
            (status(&last).await == 200).then_some(())
        })
        .await;
        assert_eq!(status(&here).await, 200, "registered last");
        assert_eq!(status(&gone).await, 404, "unregistered last");
    }
}
