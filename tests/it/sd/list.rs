use promfetch_tests::app::encode;
use promfetch_tests::{App, Behaviour, Instance, Platform, eventually};
use serde_json::{Value, json};

use super::{labels, push_all, stop};

const NAME: &str = "__meta_promfetch_app_name";

/// Names that somebody chose who means harm, or does not know better. 250 characters are the most that the platform
/// takes.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>alert(1)</script>",
        "say \"hi\" & 'bye'",
        "two\nlines\r\n",
        "\u{202e}txt.exe",
        "back\\slash/../..",
        "%2F%00+&=?#",
        "~.*",
        "{{ $labels }} ${HOME} $(id)",
        " blanks ",
    ]
    .map(str::to_owned)
    .into();
    names.push("名".repeat(250));
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_stand_there_as_they_are_and_are_found_again() {
    let platform = Platform::start().await;
    let mut pushed = Vec::new();
    for name in hostile() {
        let app = App::new(&name, &name, &name);
        pushed.push(platform.push(app, [Behaviour::page("a 1\n")]).await);
    }
    let all = platform.promfetch.json("/v1/sd").await;
    let mut want = hostile();
    want.sort();
    assert_eq!(labels(&all, NAME), want, "by names");
    for one in &pushed {
        let name = encode(&one.app.name);
        // By a regular expression too, in which every character stands for itself.
        let literal: String = one
            .app
            .name
            .chars()
            .map(|c| format!("[{}{c}]", if "\\]^[&~-".contains(c) { "\\" } else { "" }))
            .collect();
        let by_name = if one.app.name.starts_with('~') {
            encode(&one.app.guid)
        } else {
            name
        };
        let mut queries = vec![format!("app={by_name}&org={by_name}")];
        if one.app.name.starts_with('~') {
            queries = vec![format!("app={by_name}")];
        }
        if literal.len() < 1000 {
            queries.push(format!("app=~{}", encode(&literal)));
        }
        for query in queries {
            for mode in ["merged", "instances"] {
                let list = platform
                    .promfetch
                    .json(&format!("/v1/sd?{query}&mode={mode}"))
                    .await;
                assert_eq!(labels(&list, NAME), [&one.app.name], "{query}");
                let path = labels(&list, "__metrics_path__")[0];
                let page = platform.promfetch.page(path).await;
                assert_eq!(page.one("a", &[]).label("app_name"), one.app.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_ordered_and_changes_only_with_the_platform() {
    let platform = Platform::start().await;
    let pushed = push_all(&platform, 12).await;
    for mode in ["merged", "instances"] {
        let path = format!("/v1/sd?mode={mode}");
        let first = platform.promfetch.get(&path).await;
        let tag = first.header("etag").to_owned();
        let known = [("if-none-match", tag.as_str())];
        let again = platform.promfetch.get_with(&path, &known).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{mode}");
        let list: Value = serde_json::from_slice(&first.body).expect("JSON");
        let names = labels(&list, NAME);
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.len(), if mode == "merged" { 12 } else { 24 });

        // Compressed it has the same tag.
        let zipped = platform
            .promfetch
            .get_with(&path, &[("accept-encoding", "gzip")])
            .await;
        assert_eq!(zipped.header("content-encoding"), "gzip");
        assert_eq!(zipped.header("etag"), tag);
    }
    let path = "/v1/sd?app=app-3";
    let before = platform.promfetch.json(path).await;
    assert_eq!(before[0]["labels"]["__meta_promfetch_departed"], "false");
    let tag = platform.promfetch.get(path).await.header("etag").to_owned();
    stop(&platform, &pushed[3]).await;
    let known = [("if-none-match", tag.as_str())];
    let after = eventually("the app has left", async || {
        let answer = platform.promfetch.get_with(path, &known).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    let after: Value = serde_json::from_slice(&after.body).expect("JSON");
    let mut want = before.clone();
    want[0]["labels"]["__meta_promfetch_departed"] = "true".into();
    assert_eq!(after, want, "nothing else has changed");
    let metrics = labels(&after, "__metrics_path__")[0];
    assert_eq!(platform.promfetch.get(metrics).await.status, 404);
    let instances = platform
        .promfetch
        .json("/v1/sd?mode=instances&app=app-3")
        .await;
    assert_eq!(instances, json!([]), "of instances nothing stays");

    // It comes back, under another name.
    let mut app = pushed[3].app.clone();
    app.name = "renamed".into();
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let _back = platform.register(app, vec![instance]).await;
    assert_eq!(platform.promfetch.json(path).await, json!([]));
    let back = platform.promfetch.json("/v1/sd?app=renamed").await;
    assert_eq!(labels(&back, "__meta_promfetch_departed"), ["false"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sd_keep_an_app_goes_with_its_last_instance() {
    let platform = Platform::start_with(json!({"sd_keep": "0s"})).await;
    let pushed = push_all(&platform, 2).await;
    stop(&platform, &pushed[0]).await;
    eventually("one app is left", async || {
        let list = platform.promfetch.json("/v1/sd").await;
        (labels(&list, NAME) == ["app-1"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_of_other_types_are_targets_of_their_own() {
    let platform = Platform::start().await;
    let web = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("of_web 1\n")],
        )
        .await;
    let worker = web.app.process("worker").routes(&["worker.apps.test"]);
    let worker = platform
        .push(worker, [Behaviour::page("of_worker 1\n")])
        .await;
    let usual = platform.promfetch.json("/v1/sd").await;
    assert_eq!(labels(&usual, "instance"), [&web.app.guid]);
    let workers = platform.promfetch.json("/v1/sd?process_type=worker").await;
    assert_eq!(
        labels(&workers, "instance"),
        [format!("{}/worker", web.app.guid)]
    );
    assert_eq!(labels(&workers, "__param_process_type"), ["worker"]);
    let path = format!(
        "{}?process_type=worker",
        labels(&workers, "__metrics_path__")[0]
    );
    assert!(platform.promfetch.page(&path).await.has("of_worker"));
    let instances = platform
        .promfetch
        .json("/v1/sd?process_type=worker&mode=instances")
        .await;
    assert_eq!(labels(&instances, "instance"), [&worker.instances[0].guid]);
    let path = format!(
        "{}?process_type=worker",
        labels(&instances, "__metrics_path__")[0]
    );
    assert!(platform.promfetch.page(&path).await.has("of_worker"));
}
