use promfetch_tests::{App, Behaviour, Instance, Nats, Platform, Promfetch, config, eventually};
use serde_json::json;

use super::{Host, of_app};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_count_while_they_are_there() {
    let platform = Platform::start().await;
    let page = || Behaviour::page("in_flight 3\n");
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [page()])
        .await;
    let host = Host::of(&platform.promfetch, json!({})).await;
    let sum = format!("sum({})", of_app("in_flight", "shop"));
    host.until(&sum, 3.0).await;
    let more = vec![
        Instance::start("1", page()).await,
        Instance::start("2", page()).await,
    ];
    let more = platform.register(pushed.app.clone(), more).await;
    host.until(&sum, 9.0).await;
    // Prometheus' look-back of 5 minutes would count them on.
    for instance in &more.instances {
        platform.emitter.unregister(&pushed.app, instance).await;
    }
    host.until(&sum, 3.0).await;
    pushed.instances[0].becomes(Behaviour::status(500));
    eventually("an app without any metrics has no samples", async || {
        (host.query(&sum, 0).await == Ok(Vec::new())).then_some(())
    })
    .await;
    pushed.instances[0].becomes(page());
    host.until(&sum, 3.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_instance_is_no_negative_rate() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::counting(1000)],
        )
        .await;
    let host = Host::of(&platform.promfetch, json!({})).await;
    let increase = format!("sum(increase({}[1s]))", of_app("requests_total", "shop"));
    let has_samples = async || {
        let samples = host.query(&increase, 1000).await.unwrap();
        (samples.len() >= 2).then_some(samples)
    };
    eventually("the range is known", has_samples).await;
    // Its counters begin anew.
    pushed.instances[0].becomes(Behaviour::page("requests_total{code=\"200\"} 0\n"));
    let seen = pushed.instances[0].requests();
    eventually("the counters were fetched again", async || {
        (pushed.instances[0].requests() > seen + 5).then_some(())
    })
    .await;
    let samples = eventually("there are samples", has_samples).await;
    assert!(
        samples.iter().all(|(_, value)| *value >= 0.0),
        "{samples:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promfetch_goes_and_comes_back() {
    let instance = Instance::start("0", Behaviour::page("in_flight 3\n")).await;
    let target = config::target(["acme", "prod", "shop"], 0, instance.address);
    let keys = config::with(json!({"targets": [target]}));
    let promfetch = Promfetch::start(&keys).await;
    let host = Host::of(&promfetch, json!({"timeout": "2s"})).await;
    let query = of_app("in_flight", "shop");
    host.until(&query, 3.0).await;

    let api = promfetch.api.clone();
    drop(promfetch);
    let error = eventually("nothing is known of now", async || {
        host.query(&query, 0).await.err()
    })
    .await;
    assert!(error.contains(&api), "{error}");
    host.has_logged("warn", "cannot be had").await;
    let past = host.query(&query, 60_000).await.unwrap();
    assert!(!past.is_empty(), "what was before is known still");
    let unknown = host.query(&of_app("in_flight", "other"), 0).await;
    assert!(unknown.is_err(), "{unknown:?}");
    host.ask("ping", json!({})).await.good();

    let promfetch = Promfetch::start(&keys).await;
    host.configure(&promfetch, json!({})).await.good();
    host.until(&query, 3.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_from_discovery_of_its_own() {
    let instance = Instance::start("0", Behaviour::page("in_flight 3\n")).await;
    let target = config::target(["acme", "prod", "shop"], 0, instance.address);
    let host = Host::start().await;
    let keys = json!({
        "targets": json!([target]).to_string(), "targets_allow": "127.0.0.0/8", "step": "200ms", "organization": "acme",
    });
    host.ask("config", keys).await.good();
    host.until("sum(in_flight{app_name=~\"sh.*\"})", 3.0).await;
    host.until("in_flight{space_name=\"prod\",app_name=\"shop\"}", 3.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_listens_on_nats_itself() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("in_flight 3\n")],
        )
        .await;
    let host = Host::start().await;
    let keys = json!({
        "nats": Nats::config(&platform.nats).to_string(), "targets_allow": "127.0.0.0/8", "step": "200ms",
        "start_response_delay_interval": "2s",
    });
    host.ask("config", keys).await.good();
    // What is not known yet is no reason to believe that it is not there.
    let error = host.query("x{app_name=\"none\"}", 0).await.unwrap_err();
    assert!(error.contains("no list of apps"), "{error}");
    host.until(&of_app("in_flight", "shop"), 3.0).await;
    host.until(&format!("in_flight{{app_id=\"{}\"}}", pushed.app.guid), 3.0)
        .await;
    host.until("sum(in_flight{app_name=~\"sh.*\"})", 3.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_left_alone_when_nobody_asks_any_more() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("in_flight 3\n")],
        )
        .await;
    let host = Host::of(&platform.promfetch, json!({"idle": "1s"})).await;
    let query = of_app("in_flight", "shop");
    host.until(&query, 3.0).await;
    host.has_logged("debug", "nobody asks").await;
    let before = pushed.instances[0].requests();
    assert_eq!(
        host.query(&query, 60_000).await.unwrap().len(),
        1,
        "it begins anew"
    );
    assert!(pushed.instances[0].requests() > before);
}
