use promfetch_tests::{App, Behaviour, Instance, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_and_new_instances_of_one_index_are_told_apart() {
    let platform = Platform::start().await;
    let old = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("version 1\n"),
                Behaviour::page("version 1\n"),
            ],
        )
        .await;
    let new = old.app.process("web");
    let replacement = Instance::start("0", Behaviour::page("version 2\n")).await;
    let new = platform.register(new, vec![replacement]).await;

    let page = platform.page(&old.app).await;
    assert_eq!(page.all("version").len(), 3);
    for (instance, version) in [
        (&old.instances[0], 1.0),
        (&old.instances[1], 1.0),
        (&new.instances[0], 2.0),
    ] {
        assert_eq!(
            page.value("version", &[("instance", &instance.address.to_string())]),
            version
        );
    }
    assert_eq!(page.all("promfetch_up").len(), 3, "health of each");

    // One page for an index that two instances share would be a guess.
    let path = format!("instances/{}/metrics", new.instances[0].index);
    let answer = platform.promfetch.get(&old.app.path(&path)).await;
    assert_eq!(answer.status, 409);
    for instance in [&old.instances[0], &new.instances[0]] {
        assert!(
            answer.text().contains(&instance.guid),
            "both are named: {}",
            answer.text()
        );
        let path = format!("instances/{}/metrics", instance.guid);
        let page = platform.promfetch.page(&old.app.path(&path)).await;
        assert_eq!(
            page.one("version", &[]).label("instance"),
            instance.address.to_string()
        );
    }

    // The deployment ends.
    for instance in &old.instances {
        platform.emitter.unregister(&old.app, instance).await;
    }
    let page = platform
        .page_once(&new.app, "only the new one is left", |page| {
            page.all("version").len() == 1
        })
        .await;
    assert_eq!(page.value("version", &[]), 2.0);
}
