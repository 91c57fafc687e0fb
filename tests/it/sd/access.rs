use promfetch_tests::foundation::{Credentials, Foundation};
use promfetch_tests::prometheus::Prometheus;
use promfetch_tests::{App, Behaviour, Uaa, eventually};
use serde_json::{Value, json};

use super::{configuration, job, labels, stop};

const NAME: &str = "__meta_promfetch_app_name";

async fn list(foundation: &Foundation, query: &str, login: &str) -> Value {
    let path = format!("/v1/sd{query}");
    let headers = [("authorization", login)];
    let answer = foundation
        .platform
        .promfetch
        .get_with(&path, &headers)
        .await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_gets_the_targets_that_it_opens_those_that_left_too() {
    // The default address, so that what is listed can be scraped.
    let foundation = Foundation::start(json!({"access": "protected", "base_url": null})).await;
    let platform = &foundation.platform;
    let shop = App::new("acme", "prod", "shop");
    let mut till = App::new("acme", "prod", "till");
    till.space_guid.clone_from(&shop.space_guid);
    let shop = platform.push(shop, [Behaviour::page("a 1\n")]).await;
    let till = platform.push(till, [Behaviour::page("a 1\n")]).await;
    let other = App::new("evil", "prod", "other");
    let other = platform.push(other, [Behaviour::page("a 1\n")]).await;
    let cloud = foundation.cloud();
    cloud.provision("metrics", &shop.app.space_guid).await;
    let binding = cloud.bind("metrics", "b", Some(&shop.app), json!({})).await;
    let key = cloud.bind("metrics", "key", None, json!({})).await;

    let operator = platform.login.as_str();
    let (binding, key): (&Credentials, &Credentials) = (&binding, &key);
    for departed in ["false", "true"] {
        for (login, query, want, why) in [
            (operator, "", &["shop", "till", "other"][..], "an operator"),
            (&binding.login(), "", &["shop"], "a binding's app"),
            (
                &binding.login(),
                "?app=~.*",
                &["shop"],
                "whatever is asked for",
            ),
            (&binding.login(), "?app=other", &[], "as if there were none"),
            (&key.login(), "", &["shop", "till"], "a key's space"),
            (&key.login(), "?org=evil", &[], "as if there were none"),
        ] {
            let list = list(&foundation, query, login).await;
            assert_eq!(labels(&list, NAME), want, "{why}");
            assert!(
                labels(&list, "__meta_promfetch_departed")
                    .iter()
                    .all(|left| *left == departed),
                "{list}"
            );
        }
        if departed == "false" {
            for pushed in [&shop, &till, &other] {
                stop(platform, pushed).await;
            }
            eventually("all apps have left", async || {
                let list = list(&foundation, "?mode=instances", operator).await;
                (list == json!([])).then_some(())
            })
            .await;
        }
    }
    let nobody = platform.promfetch.get("/v1/sd").await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_with_the_login_of_a_binding() {
    let foundation = Foundation::start(json!({"access": "protected", "base_url": null})).await;
    let platform = &foundation.platform;
    let shop = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let other = App::new("evil", "prod", "other");
    let _other = platform.push(other, [Behaviour::page("a 1\n")]).await;
    let cloud = foundation.cloud();
    cloud.provision("metrics", &shop.app.space_guid).await;
    let binding = cloud.bind("metrics", "b", Some(&shop.app), json!({})).await;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let password = folder.path().join("password");
    std::fs::write(&password, &binding.password).expect("a temporary file");
    let jobs = ["merged-with-login.yml", "instances-with-login.yml"].map(|file| {
        job(file, &platform.promfetch.api)
            // An anchor of its own for each job of one file.
            .replace("login\n", &format!("login-{}\n", &file[..1]))
            .replace("b-0123456789abcdef0123456789abcdef", &binding.user)
            .replace(
                "/etc/prometheus/promfetch-password",
                &password.display().to_string(),
            )
    });
    let prometheus = Prometheus::start(&configuration(&jobs)).await;
    prometheus.until("sum(up)", |up| up == 2.0).await;
    assert_eq!(
        prometheus.value("count(up)").await,
        Some(2.0),
        "its app alone"
    );
    for (job, instance) in [
        ("cf-apps", &shop.app.guid),
        ("cf-instances", &shop.instances[0].guid),
    ] {
        let up = prometheus.query(&format!("up{{job=\"{job}\"}}")).await;
        assert_eq!(up[0].label("instance"), instance);
        assert_eq!(up[0].label("app_name"), "shop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_the_platform_get_what_they_may_see() {
    let uaa = Uaa::start().await;
    let keys = json!({"access": "protected", "uaa": uaa.config()});
    let foundation = Foundation::start(keys).await;
    let platform = &foundation.platform;
    let mut guids = Vec::new();
    for name in ["shop", "till"] {
        let pushed = platform
            .push(App::new("acme", "prod", name), [Behaviour::page("a 1\n")])
            .await;
        guids.push(pushed.app.guid.clone());
    }
    uaa.permit("alice", &guids[0], true);
    let alice = format!("Bearer {}", uaa.token("alice"));
    for (query, want, why) in [
        ("?app=shop", &["shop"][..], "her app"),
        ("?app=till", &[], "as if there were none"),
        ("?space=prod", &["shop"], "her app of the space"),
        (
            "?space=prod&app=~.*",
            &["shop"],
            "the same with a regular expression",
        ),
    ] {
        let list = list(&foundation, query, &alice).await;
        assert_eq!(labels(&list, NAME), want, "{why}");
    }
    // Without a name the list is that of her spaces, of which she has none.
    for query in ["", "?org=acme", "?app=~.*"] {
        let list = list(&foundation, query, &alice).await;
        assert_eq!(labels(&list, NAME), [""; 0], "{query}");
    }
    let rest = platform
        .push(App::new("acme", "dev", "rest"), [Behaviour::page("a 1\n")])
        .await;
    let bob = format!("Bearer {}", uaa.token("bob"));
    uaa.permit("bob", &rest.app.guid, true);
    uaa.permit_space("bob", &rest.app.space_guid);
    for query in ["", "?org=acme", "?app=~.*"] {
        let list = list(&foundation, query, &bob).await;
        assert_eq!(labels(&list, NAME), ["rest"], "{query}");
    }
}
