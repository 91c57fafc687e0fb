use std::collections::BTreeMap;

use promfetch_tests::instance::Options;
use promfetch_tests::{Answer, App, Behaviour, Instance, Platform};
use serde_json::json;

/// Asks with a deadline, so that what never ends is cut off.
const DEADLINE: (&str, &str) = ("x-prometheus-scrape-timeout-seconds", "4");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_has_its_reason_and_costs_nobody_else() {
    let platform = Platform::start_with(
        json!({"max_body": 10 << 20, "max_samples": 50_000, "max_line": 100_000}),
    )
    .await;
    let app = App::new("acme", "prod", "faults");
    let long_line = format!("a{{x=\"{}\"}} 1\n", "y".repeat(200_000));
    let many_samples = "a 1\n".repeat(60_000);
    let html = Answer {
        status: 200,
        headers: vec![("content-type", "text/html".into())],
        body: "<html>log in</html>".into(),
    };
    let unknown_encoding = Answer::text("a 1\n").header("content-encoding", "br");
    let lying_encoding = Answer::text("a 1\n").header("content-encoding", "gzip");
    let faults = [
        ("healthy", Behaviour::page("a 1\n")),
        ("timeout", Behaviour::Hang),
        ("status_4xx", Behaviour::status(404)),
        ("status_4xx", Behaviour::status(401)),
        ("status_5xx", Behaviour::status(500)),
        ("status_5xx", Behaviour::status(503)),
        ("parse", Behaviour::garbage()),
        ("parse", Behaviour::page(&b"a{x=\"\xff\"} 1\n"[..])),
        ("too_large", Behaviour::Endless),
        ("too_large", Behaviour::gzip_bomb(100)),
        ("too_large", Behaviour::page(long_line)),
        ("too_large", Behaviour::page(many_samples)),
        ("protocol", Behaviour::NotHttp),
        ("protocol", Behaviour::ResetMidBody),
        ("protocol", Behaviour::CutShort),
        ("protocol", Behaviour::fixed(unknown_encoding)),
        ("protocol", Behaviour::fixed(lying_encoding)),
        ("refused", Behaviour::CloseUnanswered),
        ("redirect", Behaviour::redirect_loop()),
        ("parse", Behaviour::fixed(html)),
        ("healthy", Behaviour::page("a 2\n")),
    ];
    let mut expected: BTreeMap<String, String> = faults
        .iter()
        .enumerate()
        .map(|(index, (reason, _))| (index.to_string(), (*reason).to_owned()))
        .collect();
    let mut instances = Vec::new();
    for (index, (_, behaviour)) in faults.into_iter().enumerate() {
        instances.push(Instance::start(&index.to_string(), behaviour).await);
    }
    instances.push(Instance::refusing("refuses"));
    expected.insert("refuses".into(), "refused".into());
    // An endpoint that is registered as TLS and speaks none.
    let mut no_tls = Instance::start("no-tls", Behaviour::page("a 1\n")).await;
    no_tls.tls = true;
    instances.push(no_tls);
    expected.insert("no-tls".into(), "tls".into());
    // The right name, of an authority that nobody trusts.
    let stranger = promfetch_tests::certs::Authority::new("stranger");
    let guid = promfetch_tests::app::instance_guid();
    let options = Options {
        tls: Some(stranger.server(&stranger.issue_instance(&guid, &app.guid), false)),
        guid: Some(guid),
        ..Options::default()
    };
    instances.push(Instance::start_with("untrusted", Behaviour::page("a 1\n"), options).await);
    expected.insert("untrusted".into(), "tls".into());
    // Another instance lives at this address now.
    let options = Options {
        guid: Some(promfetch_tests::app::instance_guid()),
        ..Options::mutual_tls(&platform.instances, &app)
    };
    instances.push(Instance::start_with("moved", Behaviour::page("a 1\n"), options).await);
    expected.insert("moved".into(), "gone".into());

    let pushed = platform.register(app, instances).await;
    let page = platform
        .promfetch
        .page_with(&pushed.app.path("metrics"), &[DEADLINE])
        .await;

    let healthy: Vec<_> = expected
        .iter()
        .filter(|(_, reason)| *reason == "healthy")
        .map(|(index, _)| index.clone())
        .collect();
    expected.retain(|_, reason| reason != "healthy");
    assert_eq!(page.errors(), expected);
    for (index, up) in page.up() {
        assert_eq!(
            up,
            f64::from(healthy.contains(&index)),
            "promfetch_up of {index}"
        );
    }
    let served: Vec<_> = page
        .all("a")
        .iter()
        .map(|sample| sample.label("index").to_owned())
        .collect();
    assert_eq!(
        served, healthy,
        "no sample of a failed instance, all of the healthy ones"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_heals_is_up_again() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("a 1\n"), Behaviour::status(500)],
        )
        .await;
    for behaviour in [
        Behaviour::garbage(),
        Behaviour::CloseUnanswered,
        Behaviour::NotHttp,
        Behaviour::ResetMidBody,
        Behaviour::CutShort,
    ] {
        pushed.instances[1].becomes(behaviour.clone());
        platform
            .page_once(&pushed.app, "instance 1 is down", |page| {
                page.up()["1"] == 0.0
            })
            .await;
        pushed.instances[1].becomes(Behaviour::page("a 2\n"));
        platform
            .page_once(
                &pushed.app,
                &format!("instance 1 is up after {behaviour:?}"),
                |page| page.up()["1"] == 1.0,
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_over_bombs_and_endless_bodies() {
    let platform = Platform::start_with(json!({"max_body": 10 << 20})).await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "bombs"),
            [
                Behaviour::gzip_bomb(200),
                Behaviour::Endless,
                Behaviour::page("a 1\n"),
            ],
        )
        .await;
    for _ in 0..3 {
        let page = platform
            .promfetch
            .page_with(&pushed.app.path("metrics"), &[DEADLINE])
            .await;
        assert_eq!(page.up().values().sum::<f64>(), 1.0);
    }
    let peak = promfetch_tests::measure::memory_kib(platform.promfetch.pid(), "VmHWM");
    // Far below the 200 MiB of the bomb; two bodies at their limit of 10 MiB with room to grow.
    assert!(peak < 120 << 10, "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_another_instance_is_left_alone_until_a_new_registration() {
    let platform = Platform::start().await;
    let app = App::new("acme", "prod", "moved");
    let own = Options::mutual_tls(&platform.instances, &app);
    let wrong = Options {
        guid: Some(promfetch_tests::app::instance_guid()),
        ..Options::mutual_tls(&platform.instances, &app)
    };
    let good = Instance::start_with("0", Behaviour::page("a 1\n"), own).await;
    let bad = Instance::start_with("1", Behaviour::page("a 2\n"), wrong).await;
    let pushed = platform.register(app, vec![good, bad]).await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(page.errors(), BTreeMap::from([("1".into(), "gone".into())]));
    // Removed: the next page does not know it, though its heartbeats go on.
    let page = platform
        .page_once(&pushed.app, "the impostor is gone", |page| {
            page.up().len() == 1
        })
        .await;
    assert_eq!(page.value("a", &[]), 1.0);
}
