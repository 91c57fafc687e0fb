use promfetch_tests::foundation::operator;
use promfetch_tests::http::Response;
use promfetch_tests::{App, Behaviour, Foundation, Platform};
use serde_json::{Value, json};

fn read(answer: &Response) -> Value {
    assert!(
        answer.header("content-type").contains("json"),
        "{:?}: {}",
        answer.headers,
        answer.text()
    );
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}"))
}

/// The states of the instances, in their order.
fn statuses(answer: &Value) -> Vec<&str> {
    let instances = answer["instances"].as_array().expect("instances");
    instances
        .iter()
        .map(|one| one["status"].as_str().expect("a status"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn families_of_all_instances_are_one_list() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page(
                    "# HELP requests_total Served.\n# TYPE requests_total counter\nrequests_total{code=\"200\"} 1\nrequests_total{code=\"500\"} 2\n",
                ),
                Behaviour::page("# TYPE requests_total counter\nrequests_total 3\n{\"a.b\"} 1\n"),
                Behaviour::garbage(),
            ],
        )
        .await;
    for selector in [
        pushed.app.path("families"),
        format!("/v1/apps/{}/families", pushed.app.guid),
        format!("/v1/apps/families?route_url={}", pushed.app.routes[0]),
    ] {
        let answer = platform.promfetch.json(&selector).await;
        assert_eq!(
            answer["families"],
            json!([
                {"name": "requests_total", "type": "counter", "help": "Served.", "samples": 3, "instances": 2},
                {"name": "a.b", "type": "untyped", "help": "", "samples": 1, "instances": 1},
            ]),
            "{selector}"
        );
        assert_eq!(answer["families_total"], 2);
        assert_eq!(statuses(&answer), ["up", "up", "down"], "they were asked");
        assert_eq!(answer["instances"][2]["last"]["error"], "parse");
    }
    let seen = pushed.instances[0].last_seen();
    assert!(
        !seen.header("accept").contains("openmetrics"),
        "text alone: {}",
        seen.header("accept")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_of_a_family_come_by_instance() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("# TYPE t gauge\nt{room=\"<script>\"} 1.50\nt{room=\"b\"} NaN\n"),
                Behaviour::page("other 1\n"),
                Behaviour::page("t +Inf\n"),
                Behaviour::status(500),
            ],
        )
        .await;
    let samples = pushed.app.path("samples");
    let answer = platform
        .promfetch
        .json(&format!("{samples}?family=t"))
        .await;
    let [first, _, third, _] = &pushed.instances[..] else {
        panic!("four instances")
    };
    assert_eq!(
        answer["series"],
        json!([
            {"instance": first.guid, "index": "0", "name": "t", "labels": {"room": "<script>"}, "value": "1.50"},
            {"instance": first.guid, "index": "0", "name": "t", "labels": {"room": "b"}, "value": "NaN"},
            {"instance": third.guid, "index": "2", "name": "t", "labels": {}, "value": "+Inf"},
        ])
    );
    assert_eq!(answer["series_total"], 3);
    assert_eq!(
        answer["family"]["type"], "gauge",
        "of as many the first one's"
    );
    assert_eq!(statuses(&answer), ["up", "up", "up", "down"]);
    assert!(answer["at"].as_f64().expect("a time") > 1.6e9);

    let nobody = platform
        .promfetch
        .json(&format!("{samples}?family=x"))
        .await;
    assert!(nobody.get("family").is_none() && nobody["series"] == json!([]));
    for query in ["", "?family=", "?metric_path=/x"] {
        let answer = platform.promfetch.get(&format!("{samples}{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let problem = read(&answer);
        assert!(
            problem["detail"].as_str().expect("text").contains("family"),
            "{problem}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_answer_4xx_are_no_error_and_their_states_say_so() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::only_at("/m", "a 1\n")],
        )
        .await;
    let families = pushed.app.path("families");
    let answer = platform.promfetch.json(&families).await;
    assert_eq!(answer["families"], json!([]));
    let instance = &answer["instances"][0];
    assert_eq!(
        (&instance["last"]["error"], &instance["last"]["http_status"]),
        (&json!("status_4xx"), &json!(404))
    );
    let answer = platform
        .promfetch
        .json(&format!("{families}?metric_path=/m"))
        .await;
    assert_eq!(answer["families"][0]["name"], "a");
    assert_eq!(answer["instances"][0]["path_source"], "query");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_cut_and_say_how_long_they_are() {
    let platform = Platform::start().await;
    let many: String = (0..5_100).map(|n| format!("f{n} 1\n")).collect();
    let series: String = (0..2_100).map(|n| format!("s{{n=\"{n}\"}} 1\n")).collect();
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page(series + &many)],
        )
        .await;
    let answer = platform.promfetch.json(&pushed.app.path("families")).await;
    assert_eq!(answer["families"].as_array().map(Vec::len), Some(5_000));
    assert_eq!(answer["families_total"], 5_101);
    let samples = pushed.app.path("samples?family=s");
    let answer = platform.promfetch.json(&samples).await;
    assert_eq!(answer["series"].as_array().map(Vec::len), Some(2_000));
    assert_eq!(answer["series_total"], 2_100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platform_names_what_fails_and_what_is_slow() {
    let platform = Platform::start().await;
    let bad = platform
        .push(
            App::new("acme", "prod", "bad"),
            [
                Behaviour::garbage(),
                Behaviour::status(500),
                Behaviour::page("a 1\n"),
            ],
        )
        .await;
    let good = platform
        .push(
            App::new("acme", "prod", "good"),
            [Behaviour::page("a 1\nb 2\n")],
        )
        .await;
    platform.page(&bad.app).await;
    platform.page(&good.app).await;
    let state = platform.promfetch.json("/v1/platform").await;
    assert_eq!(state["ready"], true);
    assert_eq!(state["sources"][0]["kind"], "nats");
    assert_eq!(state["table"]["apps"], 2);
    assert_eq!(state["table"]["instances"], 4);
    assert!(
        state["messages_total"].as_u64().expect("a count") >= 4,
        "{state}"
    );
    assert_eq!(state["fetches"], json!({"success": 2, "failed": 2}));
    assert!(state["memory_bytes"].as_u64().expect("a size") > 1 << 20);
    let apps = &state["apps"];
    assert_eq!(apps["asked"], 2);
    let failing = apps["failing"].as_array().expect("a list");
    assert_eq!(failing.len(), 1, "{apps}");
    assert_eq!(
        (
            &failing[0]["app_id"],
            &failing[0]["down"],
            &failing[0]["reasons"]
        ),
        (
            &json!(bad.app.guid),
            &json!(2),
            &json!({"parse": 1, "status_5xx": 1})
        )
    );
    assert_eq!(apps["slowest"].as_array().map(Vec::len), Some(2));

    let own = platform
        .promfetch
        .json("/v1/platform/samples?family=promfetch_metric_fetch_success_total")
        .await;
    assert_eq!(own["family"]["type"], "counter");
    assert_eq!(own["series_total"], 2);
    assert_eq!(
        (&own["series"][0]["instance"], &own["series"][0]["value"]),
        (&json!("promfetch"), &json!("1"))
    );
    assert_eq!(
        platform.promfetch.get("/v1/platform/samples").await.status,
        400
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_opens_as_much_as_for_a_page() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let platform = &foundation.platform;
    let shop = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("of_shop 1\n")],
        )
        .await;
    let cloud = foundation.cloud();
    cloud.provision("metrics", &shop.app.space_guid).await;
    let binding = cloud
        .bind("metrics", "b", Some(&shop.app), json!({}))
        .await
        .login();
    let ask = async |path: &str, login: &str| {
        let headers = [("authorization", login)];
        let headers = if login.is_empty() { &[][..] } else { &headers };
        let answer = platform.promfetch.try_get_with(path, headers).await;
        answer.expect("an answer")
    };
    let (families, samples) = (
        shop.app.path("families"),
        shop.app.path("samples?family=of_shop"),
    );
    for (path, statuses) in [
        (families.as_str(), [401, 200, 200]),
        (&samples, [401, 200, 200]),
        ("/v1/platform", [401, 403, 200]),
        (
            "/v1/platform/samples?family=promfetch_build_info",
            [401, 403, 200],
        ),
    ] {
        for (login, want) in ["", &binding, &operator()].into_iter().zip(statuses) {
            let answer = ask(path, login).await;
            assert_eq!(answer.status, want, "{path} {login}: {}", answer.text());
            read(&answer);
        }
    }
    let list = read(&ask(&shop.app.path("instances"), &binding).await);
    let source = &list["table"]["sources"][0];
    assert_eq!(
        (&source["kind"], &source["connected"]),
        (&json!("nats"), &json!(true))
    );
    assert!(
        source.get("name").is_none() && list["table"].get("apps").is_none(),
        "the inside of the platform is for operators: {list}"
    );
    let list = read(&ask(&shop.app.path("instances"), &operator()).await);
    assert!(list["table"]["sources"][0]["name"].is_string(), "{list}");
}
