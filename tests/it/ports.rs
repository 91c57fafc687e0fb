use promfetch_tests::emitter::message;
use promfetch_tests::{App, Behaviour, Instance, Platform, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_with_two_ports_is_asked_once_at_the_lower_one() {
    let platform = Platform::start().await;
    let app = App::new("acme", "prod", "multi").routes(&["multi.apps.test"]);
    // One instance: the same GUID on two ports of one address.
    let main = Instance::start("0", Behaviour::page("of_main 1\n")).await;
    let mut admin = message(&app, &main, "admin.apps.test");
    let higher = main.address.port().checked_add(1).unwrap_or(1);
    admin["port"] = higher.into();
    let pushed = platform.register(app, vec![main]).await;
    platform.emitter.publish("router.register", &admin).await;
    eventually("the second port is known", async || {
        (platform
            .promfetch
            .get("/v1/apps/admin.apps.test/instances")
            .await
            .status
            == 200)
            .then_some(())
    })
    .await;

    let page = platform.page(&pushed.app).await;
    assert_eq!(page.all("promfetch_up").len(), 1, "{}", page.text);
    assert!(page.has("of_main"));
    assert_eq!(pushed.instances[0].requests(), 1);
}
