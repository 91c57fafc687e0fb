use promfetch_tests::Broker;
use promfetch_tests::osb::{self, ABSENT, PLAN, SERVICE, instance, with};
use serde_json::{Value, json};

/// The least that an update has.
fn update() -> Value {
    json!({"service_id": SERVICE})
}

async fn context(broker: &Broker) -> Value {
    let rows = broker
        .database()
        .rows("SELECT context FROM promfetch_instances")
        .await;
    let text = rows[0][0].clone().expect("a context");
    serde_json::from_str(&text).expect("JSON")
}

/// Items 23 and 43: what changes nothing is 200 `{}`; deprecated members are accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_changes_nothing_is_200() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let previous = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_id": "org-guid-here",
        "space_id": "space-guid-here",
        "maintenance_info": null,
    });
    for (members, why) in [
        (json!({}), "an absent plan is no change"),
        (json!({"plan_id": PLAN}), "the current plan is no change"),
        (json!({"plan_id": PLAN, "parameters": {}}), "as CC renames"),
        (json!({"parameters": null}), "null counts as absent"),
        (
            json!({"plan_id": PLAN, "previous_values": previous}),
            "as CC sends it",
        ),
        (
            json!({"previous_values": {"maintenance_info": {}}}),
            "as osb-checker sends it",
        ),
        (
            json!({"previous_values": {"plan_id": "another"}}),
            "not relied on",
        ),
        (json!({"maintenance_info": {}}), "counts as absent"),
        (
            json!({"organization_guid": "x", "space_guid": "y"}),
            "deprecated",
        ),
    ] {
        let answer = broker.patch(&instance("i"), with(update(), members)).await;
        assert_eq!((answer.status, answer.json), (200, json!({})), "{why}");
    }
    assert_eq!(broker.provision("i").await.status, 200, "it is as it was");
}

/// Item 23: 400 when malformed. Item 8: nothing is applied on 4xx.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_update_is_400_and_applies_nothing() {
    let broker = Broker::start().await;
    let first = json!({"context": {"instance_name": "first"}});
    let body = with(osb::provision(), first.clone());
    assert_eq!(broker.put(&instance("i"), body).await.status, 201);
    let renamed = json!({"context": {"instance_name": "renamed"}});
    for (members, status, why) in [
        (json!({"service_id": ABSENT}), 400, "required"),
        (json!({"service_id": ""}), 400, "empty"),
        (json!({"service_id": null}), 400, "null"),
        (json!({"service_id": "unknown"}), 400, "unknown"),
        (json!({"plan_id": "unknown"}), 400, "unknown"),
        (json!({"plan_id": 1}), 400, "a number"),
        (
            json!({"parameters": {"endpoint": "/x"}}),
            400,
            "item 36: no such parameter",
        ),
        (json!({"parameters": 1}), 400, "no object"),
        (json!({"context": []}), 400, "no object"),
        (
            json!({"maintenance_info": {"version": "2.0.0"}}),
            422,
            "the plan has none",
        ),
    ] {
        let body = with(with(update(), renamed.clone()), members);
        let answer = broker.patch(&instance("i"), body).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.description());
        assert_eq!(
            context(&broker).await,
            first["context"],
            "{why}: applied nothing"
        );
    }
}

/// Item 24: the spec gives no status; 404 is the one that deletes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_what_does_not_exist_is_404() {
    let broker = Broker::start().await;
    let answer = broker.patch(&instance("none"), update()).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        broker.get(&instance("none")).await.status,
        404,
        "nothing was made"
    );
}

/// Items 15 and 47: a change of the context alone, as `cf rename-service` sends it, is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_update_is_stored() {
    let broker = Broker::start().await;
    let platform = |name: &str| {
        json!({
            "platform": "cloudfoundry",
            "organization_guid": "org-guid-here",
            "organization_name": "acme",
            "organization_annotations": {"prefix/key": "value"},
            "space_guid": "space-guid-here",
            "space_name": "prod",
            "space_annotations": {},
            "instance_name": name,
            "instance_annotations": {"note": "ä\u{1F600} \"quoted\" \u{0}"},
        })
    };
    let body = with(osb::provision(), json!({"context": platform("first")}));
    assert_eq!(broker.put(&instance("i"), body).await.status, 201);
    assert_eq!(context(&broker).await, platform("first"));
    let renamed = json!({"plan_id": PLAN, "parameters": {}, "context": platform("renamed")});
    let answer = broker.patch(&instance("i"), with(update(), renamed)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(context(&broker).await, platform("renamed"));
    assert_eq!(broker.patch(&instance("i"), update()).await.status, 200);
    assert_eq!(
        context(&broker).await,
        platform("renamed"),
        "absent: it stays"
    );
}

/// Items 23 and 37: an unsupported plan change is 422 with a sentence and `update_repeatable: false`. The plan of the
/// catalog is another one than the instance's after the operator changed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_change_is_422_with_a_sentence() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let database = broker.database.take().expect("its database");
    drop(broker);
    let other = json!({"broker": {"broker_plan_id": "another-plan"}});
    let broker = Broker::beside(&database, other).await;
    let body = with(update(), json!({"plan_id": "another-plan"}));
    let answer = broker.patch(&instance("i"), body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json["update_repeatable"], false);
    assert!(
        answer.json.get("error").is_none(),
        "there is no code for it"
    );
    assert!(
        answer.description().contains("plan"),
        "{}",
        answer.description()
    );
    let same = with(update(), json!({"plan_id": PLAN}));
    assert_eq!(
        broker.patch(&instance("i"), same).await.status,
        200,
        "its own"
    );
}
