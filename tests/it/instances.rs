use promfetch_tests::{App, Behaviour, Platform};
use serde_json::Value;

/// The elements of the list, whatever the name of the array.
fn elements(list: &Value) -> Vec<Value> {
    let array = list
        .as_array()
        .or_else(|| list.as_object()?.values().find_map(Value::as_array));
    array
        .unwrap_or_else(|| panic!("a list of instances: {list}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_tells_why_an_instance_is_not_there() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("a 1\n"),
                Behaviour::garbage(),
                Behaviour::status(500),
            ],
        )
        .await;
    platform.page(&pushed.app).await;
    for path in [
        pushed.app.path("instances"),
        format!("/v1/apps/{}/instances", pushed.app.guid),
        format!("/v1/apps/{}/instances", pushed.app.routes[0]),
    ] {
        let list = elements(&platform.promfetch.json(&path).await);
        assert_eq!(list.len(), 3, "{path}");
        for (element, instance) in list.iter().zip(&pushed.instances) {
            let text = element.to_string();
            assert!(
                text.contains(&instance.address.to_string()),
                "{path}: {text}"
            );
            assert!(text.contains(&instance.guid), "{path}: {text}");
        }
        assert!(
            list[0].to_string().contains("/metrics"),
            "the path used: {}",
            list[0]
        );
        assert!(list[1].to_string().contains("parse"), "{}", list[1]);
        assert!(
            list[1].to_string().contains("line 2"),
            "where the page is broken: {}",
            list[1]
        );
        assert!(list[2].to_string().contains("status_5xx"), "{}", list[2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_list_are_json_too() {
    let platform = Platform::start().await;
    let answer = platform
        .promfetch
        .get("/v1/apps/acme/prod/nobody/instances")
        .await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.header("content-type").contains("json"),
        "{:?}",
        answer.headers
    );
    let _: Value = serde_json::from_slice(&answer.body).expect("JSON");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_has_a_page_of_its_own() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("a 1\n"),
                Behaviour::page("a 2\n"),
                Behaviour::garbage(),
            ],
        )
        .await;
    let [first, second, _] = &pushed.instances[..] else {
        panic!("three instances")
    };
    for selector in [
        pushed.app.path(""),
        format!("/v1/apps/{}/", pushed.app.guid),
        format!("/v1/apps/{}/", pushed.app.routes[0]),
    ] {
        let before = first.requests();
        for instance in ["1", &second.guid] {
            let page = platform
                .promfetch
                .page(&format!("{selector}instances/{instance}/metrics"))
                .await;
            let sample = page.one("a", &[]);
            assert_eq!(
                (
                    sample.value,
                    sample.label("index"),
                    sample.label("app_name")
                ),
                (2.0, "1", "shop"),
                "{selector}{instance}"
            );
            assert_eq!(page.up().len(), 1);
        }
        assert_eq!(first.requests(), before, "the others are not asked");
        for nobody in ["7", "00000000-0000-0000-0000-0000", "-1", "x"] {
            let answer = platform
                .promfetch
                .get(&format!("{selector}instances/{nobody}/metrics"))
                .await;
            assert_eq!(answer.status, 404, "{selector}{nobody}: {}", answer.text());
        }
    }
    let page = platform
        .promfetch
        .page(&pushed.app.path("instances/2/metrics"))
        .await;
    assert_eq!(page.errors()["2"], "parse");
}
