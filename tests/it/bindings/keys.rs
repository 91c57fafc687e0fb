use promfetch_tests::foundation::{self, Cloud, PASSWORD, PLAN, SECRET_KEY, SERVICE, USER};
use promfetch_tests::platform::Pushed;
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Behaviour, Foundation, Nats, Promfetch, config, eventually};
use serde_json::{Value, json};

const OTHER_KEY: &str = "another key, which nobody guesses either";

/// The configuration of a foundation's promfetch with these secret keys; empty ones are left out.
fn with_keys(foundation: &Foundation, key: &str, previous: &str) -> Value {
    let mut broker = json!({
        "user": USER, "pass": PASSWORD, "broker_service_id": SERVICE, "broker_plan_id": PLAN,
    });
    for (name, key) in [("secret_key", key), ("previous_secret_key", previous)] {
        if !key.is_empty() {
            broker[name] = key.into();
        }
    }
    let nats = Nats::config(&foundation.platform.nats);
    let keys = json!({"access": "protected", "nats": nats, "broker": broker});
    config::with(foundation::keys(&foundation.database.url, keys))
}

/// A new process with these keys in place of the one before.
async fn restart(foundation: &mut Foundation, pushed: &Pushed, key: &str, previous: &str) -> Cloud {
    let config = with_keys(foundation, key, previous);
    foundation.platform.promfetch = Promfetch::start(&config).await;
    foundation.platform.knows(pushed).await;
    foundation.cloud()
}

/// The status of the app's page with this login, and what the instance was sent as `Authorization`.
async fn page(foundation: &Foundation, shop: &Pushed, login: &str) -> (u16, String) {
    let before = shop.instances[0].requests();
    let path = shop.app.path("metrics");
    let headers = [("authorization", login)];
    let answer = foundation
        .platform
        .promfetch
        .try_get_with(&path, &headers)
        .await;
    let status = answer.expect("an answer").status;
    let was_asked = shop.instances[0].requests() > before;
    assert_eq!(was_asked, status == 200);
    if !was_asked {
        return (status, String::new());
    }
    let seen = shop.instances[0].last_seen();
    assert_eq!(seen.path, "/own", "the path needs no key");
    (status, seen.header("authorization").to_owned())
}

/// The sealed parameters in the database.
async fn sealed(foundation: &Foundation) -> String {
    let rows = foundation
        .database
        .rows("SELECT parameters FROM promfetch_bindings WHERE binding_id = 'b'")
        .await;
    rows[0][0].clone().expect("a text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_keys_loses_nothing() {
    let mut foundation = Foundation::start(json!({"access": "protected"})).await;
    let shop = App::new("acme", "prod", "shop");
    let shop = foundation
        .platform
        .push(shop, [Behaviour::page("a 1\n")])
        .await;
    let cloud = foundation.cloud();
    cloud.provision("i", &shop.app.space_guid).await;
    let bound =
        json!({"endpoint": "/own", "authorization": {"type": "bearer", "token": "bound-token"}});
    let old = cloud.bind("i", "b", Some(&shop.app), bound).await;
    let key = cloud.bind("i", "key", None, json!({})).await;
    let opened = (200, "Bearer bound-token".to_owned());
    let refused = (401, String::new());
    assert_eq!(page(&foundation, &shop, &old.login()).await, opened);
    let before = sealed(&foundation).await;
    assert!(
        !before.contains("bound-token") && !before.contains("/own"),
        "{before}"
    );

    // During the change both passwords are right; who asks is told the new one.
    let cloud = restart(&mut foundation, &shop, OTHER_KEY, SECRET_KEY).await;
    let new = cloud.credentials("i", "b").await;
    assert_eq!(new.user, old.user);
    assert_ne!(new.password, old.password);
    for login in [old.login(), new.login(), key.login()] {
        assert_eq!(page(&foundation, &shop, &login).await, opened);
    }
    eventually("the parameters are sealed anew", async || {
        (sealed(&foundation).await != before).then_some(())
    })
    .await;

    // Without the previous key: only what was made with the new one.
    let cloud = restart(&mut foundation, &shop, OTHER_KEY, "").await;
    assert_eq!(page(&foundation, &shop, &new.login()).await, opened);
    assert_eq!(page(&foundation, &shop, &old.login()).await, refused);
    assert_eq!(page(&foundation, &shop, &key.login()).await, refused);
    let key = cloud.credentials("i", "key").await;
    assert_eq!(page(&foundation, &shop, &key.login()).await, opened);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_lost_key_the_path_is_still_known() {
    let mut foundation = Foundation::start(json!({"access": "protected"})).await;
    let shop = App::new("acme", "prod", "shop");
    let shop = foundation
        .platform
        .push(shop, [Behaviour::page("a 1\n")])
        .await;
    let cloud = foundation.cloud();
    cloud.provision("i", &shop.app.space_guid).await;
    let bound =
        json!({"endpoint": "/own", "authorization": {"type": "bearer", "token": "bound-token"}});
    let old = cloud.bind("i", "b", Some(&shop.app), bound.clone()).await;
    let operator = foundation::operator();
    for (key, why) in [(OTHER_KEY, "another one"), ("", "none")] {
        let cloud = restart(&mut foundation, &shop, key, "").await;
        let without = (200, String::new());
        assert_eq!(page(&foundation, &shop, &operator).await, without, "{why}");
        assert_eq!(page(&foundation, &shop, &old.login()).await.0, 401, "{why}");
        let log = foundation
            .platform
            .promfetch
            .logged("cannot be opened")
            .await;
        assert!(log.contains("secret_key"), "{why}: {log}");
        // What cannot be told is a fault of the platform and no reason to delete anything.
        let path = "/service_instances/i/service_bindings/b";
        assert_eq!(cloud.send("GET", path, None).await.status, 500, "{why}");
        assert_eq!(page(&foundation, &shop, &operator).await, without, "{why}");
        let (_folder, file) = config_file(&with_keys(&foundation, key, "").to_string());
        let finished = command(&["bindings", "-c", &file]).await;
        let said = "its secrets cannot be opened: `broker.secret_key` is another one";
        assert!(
            finished.stdout.contains(said),
            "{why}: {}{}",
            finished.stdout,
            finished.stderr
        );
    }
    // The way out: unbind, and bind anew.
    let cloud = restart(&mut foundation, &shop, OTHER_KEY, "").await;
    cloud.unbind("i", "b").await;
    let new = cloud.bind("i", "b", Some(&shop.app), bound).await;
    let opened = (200, "Bearer bound-token".to_owned());
    assert_eq!(page(&foundation, &shop, &new.login()).await, opened);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_bindings_have_addresses_and_hold_no_secrets() {
    let mut foundation = Foundation::start(json!({"access": "protected"})).await;
    let shop = App::new("acme", "prod", "shop");
    let shop = foundation
        .platform
        .push(shop, [Behaviour::page("a 1\n")])
        .await;
    let cloud = restart(&mut foundation, &shop, "", "").await;
    cloud.provision("i", &shop.app.space_guid).await;
    let bound = cloud
        .bind("i", "b", Some(&shop.app), json!({"endpoint": "/own"}))
        .await;
    assert_eq!((bound.user.as_str(), bound.password.as_str()), ("", ""));
    assert!(bound.all["metrics_url"].is_string() && bound.all.get("password").is_none());
    assert_eq!(
        page(&foundation, &shop, &foundation::operator()).await,
        (200, String::new())
    );
    for parameters in [
        json!({"authorization": {"type": "bearer", "token": "bound-token"}}),
        json!({"headers": {"X-Tenant": "blue"}}),
    ] {
        let guid = Some(shop.app.guid.as_str());
        let answer = cloud.try_bind("i", "c", guid, parameters).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("secret"), "{}", answer.text());
    }
}
