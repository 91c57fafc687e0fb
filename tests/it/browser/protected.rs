use promfetch_tests::foundation::{Foundation, OPERATOR, OPERATOR_PASSWORD};
use promfetch_tests::{App, Behaviour, Instance, Uaa, browser};
use serde_json::json;

/// Where people find this promfetch. The browser is told which port that is.
const PUBLIC: &str = "http://promfetch.test";

/// Would run as a script, close a tag, and turn the line round.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&\u{202e}evil";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_and_see_what_is_theirs() {
    let uaa = Uaa::start().await;
    let foundation = Foundation::start(json!({
        "access": "protected",
        "base_url": PUBLIC,
        "uaa": uaa.config_with_client(PUBLIC, "a secret"),
    }))
    .await;
    let platform = &foundation.platform;
    // A rolling deployment: two processes, of which each has an instance 0.
    let counting = || Behaviour::counting(3);
    let shop = App::new("acme", "prod", "shop");
    let shop = platform.push(shop, [counting(), counting()]).await;
    let replacement = vec![Instance::start("0", counting()).await];
    let _new = platform
        .register(shop.app.process("web"), replacement)
        .await;
    let bound = App::new("acme", "prod", "bound");
    let inside = Behaviour::only_at("/inside/metrics", "inside_total 1\n");
    let bound = platform.push(bound, [inside]).await;
    let _others = platform
        .push(App::new("evil", HOSTILE, HOSTILE), [counting()])
        .await;
    let _more = platform
        .push(App::new("acme", "dev", "till"), [counting()])
        .await;

    let cloud = foundation.cloud();
    cloud.provision("metrics", &bound.app.space_guid).await;
    let credentials = cloud
        .bind(
            "metrics",
            "binding",
            Some(&bound.app),
            json!({"endpoint": "/inside/metrics"}),
        )
        .await;
    uaa.permit("alice", &shop.app.guid, true);
    uaa.permit_space("alice", &shop.app.space_guid);

    let address = platform.promfetch.api.trim_start_matches("http://");
    browser::run(
        "protected",
        PUBLIC,
        &[
            ("PROMFETCH_ADDRESS", address),
            ("OPERATOR", OPERATOR),
            ("OPERATOR_PASSWORD", OPERATOR_PASSWORD),
            ("BINDING", &credentials.user),
            ("BINDING_PASSWORD", &credentials.password),
            ("SHOP", &shop.app.guid),
            ("HOSTILE_NAME", HOSTILE),
            ("UAA_URL", &uaa.url),
            ("UAA_USER", "alice"),
        ],
    )
    .await;
}
