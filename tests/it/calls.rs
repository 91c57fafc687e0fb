use std::net::IpAddr;

use promfetch_tests::instance::Options;
use promfetch_tests::net::fresh_ip;
use promfetch_tests::{
    App, Behaviour, Foundation, Instance, Page, Platform, Promfetch, check, config, eventually,
    http,
};
use serde_json::{Value, json};

const AT_ANY_PORT: &str = "127.0.0.1:0";

/// Where the call metrics are served alone.
async fn calls_url(promfetch: &Promfetch) -> String {
    eventually("the address of the call metrics is printed", async || {
        let log = promfetch.log();
        let mut lines = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines.find_map(|line| Some(line.trim().strip_prefix("calls: ")?.to_owned()))
    })
    .await
}

async fn platform(keys: Value) -> (Platform, String) {
    let platform = Platform::start_with(keys).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    platform.page(&pushed.app).await;
    let url = calls_url(&platform.promfetch).await;
    (platform, url)
}

/// Gets a page and has its format judged.
async fn get(url: &str, accept: &str) -> http::Response {
    let answer = http::get(url, &[("accept", accept)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    check::page(&answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_agents_names_the_page_is_the_agents() {
    let keys = json!({"call_metrics": "ecs", "call_metrics_address": AT_ANY_PORT});
    let (platform, url) = platform(keys).await;
    for accept in ["*/*", "application/openmetrics-text; version=1.0.0"] {
        let answer = get(&url, accept).await;
        assert!(
            answer
                .header("content-type")
                .starts_with("text/plain; version=0.0.4"),
            "{accept}"
        );
        let page = Page::read(answer.text());
        assert_eq!(
            page.value("AgentMetrics_Fetch_call_count", &[("Call", "TARGET")]),
            1.0
        );
        assert_eq!(
            page.value(
                "AgentMetrics_Fetch_duration_seconds_count",
                &[("Call", "TARGET")]
            ),
            1.0
        );
        let seconds = page.value(
            "AgentMetrics_Fetch_duration_seconds_sum",
            &[("Call", "TARGET")],
        );
        assert_eq!(
            page.value("AgentMetrics_Fetch_call_duration", &[("Call", "TARGET")]),
            seconds
        );
        assert!(
            page.has("AgentMetrics_Discovery_call_count")
                && page.has("AgentMetrics_Merge_call_count")
        );
        assert_eq!(page.types["AgentMetrics_Fetch_duration_seconds"], "summary");
        assert!(
            answer
                .text()
                .contains("# HELP AgentMetrics_Fetch_call_count \n# TYPE"),
            "{}",
            answer.text()
        );
        let all = page
            .samples
            .iter()
            .all(|sample| sample.name.starts_with("AgentMetrics_"));
        assert!(all, "nothing else: {}", answer.text());
    }
    // With all others, in both formats.
    for accept in ["text/plain", "application/openmetrics-text; version=1.0.0"] {
        let page = platform
            .promfetch
            .page_with("/metrics", &[("accept", accept)])
            .await;
        assert_eq!(
            page.value("AgentMetrics_Fetch_call_count", &[("Call", "TARGET")]),
            1.0,
            "{accept}"
        );
        assert!(
            page.has("promfetch_build_info") && !page.text.contains("promfetch_call"),
            "{accept}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_their_own_behaves_like_the_other_ports() {
    let (platform, url) = platform(json!({"call_metrics_address": AT_ANY_PORT})).await;
    let page = Page::read(get(&url, "text/plain").await.text());
    let target = [("api", "fetch"), ("call", "target")];
    assert_eq!(page.value("promfetch_calls_started_total", &target), 1.0);
    assert_eq!(page.value("promfetch_calls_in_flight", &target), 0.0);
    assert!(
        page.samples
            .iter()
            .all(|sample| sample.name.starts_with("promfetch_call")),
        "{}",
        page.text
    );
    let answer = get(&url, "application/openmetrics-text; version=1.0.0").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );

    let base = url.strip_suffix("/metrics").expect("the path of the page");
    for (method, path, status) in [
        ("HEAD", "/metrics", 200),
        ("GET", "/", 404),
        ("GET", "/health", 404),
        ("POST", "/metrics", 405),
    ] {
        let answer = http::request(method, &format!("{base}{path}"), &[], None)
            .await
            .expect("an answer");
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
    }

    // A second one cannot have it.
    let taken = base.strip_prefix("http://").expect("an address");
    let keys = json!({"call_metrics_address": taken, "targets": []});
    let (_folder, file) = promfetch_tests::promfetch::config_file(&config::with(keys).to_string());
    let arguments = ["serve", "-c", &file, "--port", "0", "--health-port", "0"];
    let finished = promfetch_tests::promfetch::command(&arguments).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let told = format!("`call_metrics_address`: {taken} cannot be opened");
    assert!(finished.stderr.contains(&told), "{}", finished.stderr);
    drop(platform);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_broker_and_platform_are_counted() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let platform = &foundation.platform;
    let shop = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let cloud = foundation.cloud();
    cloud.provision("metrics", &shop.app.space_guid).await;
    cloud.bind("metrics", "b", Some(&shop.app), json!({})).await;
    let page = platform
        .promfetch
        .page_with("/metrics", &[("authorization", &platform.login)])
        .await;
    for (api, call) in [
        ("broker", "provision"),
        ("broker", "bind"),
        ("store", "begin"),
        ("store", "commit"),
        ("store", "bindings"),
    ] {
        let labels = [("api", api), ("call", call)];
        assert!(
            page.value("promfetch_calls_started_total", &labels) >= 1.0,
            "{api} {call}"
        );
        assert!(
            page.value("promfetch_call_duration_seconds_count", &labels) >= 1.0,
            "{api} {call}"
        );
    }
}

/// What an agent wrote.
const AGENT: &str = "# HELP AgentMetrics_DockerAPI_call_count \n# TYPE AgentMetrics_DockerAPI_call_count counter\n\
    AgentMetrics_DockerAPI_call_count{Call=\"PULL_IMAGE\"} 1\n\
    # HELP AgentMetrics_DockerAPI_call_duration DockerAPI call duration in seconds individual\n\
    # TYPE AgentMetrics_DockerAPI_call_duration gauge\nAgentMetrics_DockerAPI_call_duration{Call=\"PULL_IMAGE\"} 2.493e-06\n\
    # HELP AgentMetrics_DockerAPI_duration_seconds DockerAPI call duration in seconds\n\
    # TYPE AgentMetrics_DockerAPI_duration_seconds summary\nAgentMetrics_DockerAPI_duration_seconds_sum{Call=\"PULL_IMAGE\"} 2.493e-06\n\
    AgentMetrics_DockerAPI_duration_seconds_count{Call=\"PULL_IMAGE\"} 1\n";
const COUNT: &str = "AgentMetrics_DockerAPI_call_count";

async fn at(ip: IpAddr, port: u16, behaviour: Behaviour) -> Instance {
    let options = Options {
        ip: Some(ip),
        port,
        ..Options::default()
    };
    Instance::start_with("0", behaviour, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_of_ecs_is_a_target_with_labels_of_its_own() {
    let arn = "arn:aws:ecs:eu-1:1:container-instance/prod/1f73d099";
    let metadata =
        json!({"Cluster": "prod", "ContainerInstanceArn": arn, "Version": "x"}).to_string();
    let (talks, hangs) = (fresh_ip(), fresh_ip());
    let agents = [
        at(talks, 51680, Behaviour::page(AGENT)).await,
        at(hangs, 51680, Behaviour::page(AGENT)).await,
    ];
    let silent = at(hangs, 51678, Behaviour::Hang).await;
    let telling = at(talks, 51678, Behaviour::page(metadata)).await;
    let target = |ip: IpAddr, index: usize, labels: Value| {
        let address = format!("{ip}:51680");
        json!({"app": "agents", "routes": ["agents"], "preset": "ecs-agent", "index": index, "address": address, "labels": labels})
    };
    let targets = json!([
        target(talks, 0, json!({})),
        target(hangs, 1, json!({"cluster": "mine"}))
    ]);
    let promfetch = Promfetch::start(&config::with(json!({"targets": targets}))).await;
    let page = eventually("the agent has told its cluster", async || {
        let page = promfetch.page("/v1/apps/agents/metrics").await;
        let labels = [("index", "0"), ("cluster", "prod")];
        let known = page.all(COUNT).into_iter().any(|sample| {
            labels
                .iter()
                .all(|(name, value)| sample.label(name) == *value)
        });
        known.then_some(page)
    })
    .await;
    let first = page.one(COUNT, &[("index", "0")]);
    assert_eq!(first.label("container_instance"), arn);
    assert_eq!(
        page.one("promfetch_up", &[("index", "0")]).label("cluster"),
        "prod"
    );
    // Nobody waits for one that does not tell, and what the operator says of it stands.
    let second = page.one(COUNT, &[("index", "1")]);
    assert_eq!(
        (second.label("cluster"), second.label("container_instance")),
        ("mine", "")
    );
    assert_eq!(
        page.value("AgentMetrics_DockerAPI_call_duration", &[("index", "0")]),
        2.493e-6
    );
    assert_eq!(telling.last_seen().path, "/v1/metadata");
    for agent in &agents {
        assert_eq!(agent.last_seen().path, "/metrics");
    }
    promfetch_tests::eventually("the one that hangs was asked too", async || {
        (silent.requests() > 0).then_some(())
    })
    .await;
    promfetch.logged("does not tell its cluster").await;
}
