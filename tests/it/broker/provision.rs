use promfetch_tests::Broker;
use promfetch_tests::osb::{self, ABSENT, Call, IDS, SERVICE, instance, with};
use serde_json::json;

/// Item 20: 201 when this request created it, 200 for the same again, 409 with different attributes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_again_is_200_and_another_is_409() {
    let broker = Broker::start().await;
    let first = broker.provision("i").await;
    // Item 40: a dashboard MUST come with the first answer. Item 46: no operation.
    let dashboard = json!({"dashboard_url": "https://promfetch.example/?space=space-guid-here"});
    assert_eq!((first.status, &first.json), (201, &dashboard));
    for (members, status, why) in [
        (json!({}), 200, "identical"),
        (json!({"parameters": {}}), 200, "no parameters either way"),
        (json!({"parameters": null}), 200, "null counts as absent"),
        (
            json!({"context": {"platform": "cloudfoundry", "instance_name": "renamed"}}),
            200,
            "names change",
        ),
        (json!({"maintenance_info": {}}), 200, "counts as absent"),
        (json!({"unknown": 1}), 200, "ignored"),
        (json!({"space_guid": "another"}), 409, "another space"),
        (
            json!({"organization_guid": "another"}),
            409,
            "another organization",
        ),
        (
            json!({"organization_guid": "ORG-GUID-HERE"}),
            409,
            "letters count",
        ),
        (
            json!({"space_guid": "space-guid-here "}),
            409,
            "blanks count",
        ),
    ] {
        let answer = broker
            .put(&instance("i"), with(osb::provision(), members))
            .await;
        assert_eq!(answer.status, status, "{why}: {}", answer.description());
        if status == 200 {
            assert_eq!(answer.json, dashboard, "{why}");
        }
    }
    let again = broker.provision("i").await;
    assert_eq!(
        (again.status, &again.json),
        (200, &dashboard),
        "a 409 changes nothing"
    );
}

/// Item 40: a URL, or the platform takes the answer for a broken one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_is_a_url_whatever_the_space() {
    let broker = Broker::start().await;
    for (id, space, want) in [
        (
            "a",
            "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
            "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
        ),
        (
            "b",
            "a b&c=d#e/\u{fc}\"<>",
            "a%20b%26c%3Dd%23e%2F%C3%BC%22%3C%3E",
        ),
    ] {
        let body = with(osb::provision(), json!({"space_guid": space}));
        let answer = broker.put(&instance(id), body).await;
        assert_eq!(answer.status, 201, "{}", answer.description());
        let url = format!("https://promfetch.example/?space={want}");
        assert_eq!(answer.json, json!({ "dashboard_url": url }));
        let got = broker.get(&instance(id)).await;
        assert_eq!(got.json["dashboard_url"], url.as_str());
    }
}

/// Item 19: MUST be there, non-empty, in the catalog; else 400.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_be_there_and_is_not_is_400() {
    let broker = Broker::start().await;
    let required = ["service_id", "plan_id", "organization_guid", "space_guid"];
    let wrong = [
        (json!(ABSENT), "absent"),
        (json!(""), "empty"),
        (json!(null), "null"),
        (json!(7), "a number"),
        (json!({}), "an object"),
    ];
    for member in required {
        for (value, why) in &wrong {
            let body = with(osb::provision(), json!({member: value}));
            let answer = broker.put(&instance("i"), body).await;
            assert_eq!(answer.status, 400, "{member} {why}");
        }
    }
    for (members, why) in [
        (json!({"service_id": "unknown"}), "not in the catalog"),
        (json!({"plan_id": "unknown"}), "not of this offering"),
        (
            json!({"service_id": SERVICE.to_uppercase()}),
            "ids have a case",
        ),
        (json!({"plan_id": SERVICE}), "an offering is no plan"),
        (
            json!({"space_guid": "x".repeat(1025)}),
            "longer than can be stored",
        ),
        (json!({"space_guid": "a\u{0}b"}), "no database takes it"),
        (
            json!({"parameters": {"endpoint": "/metrics"}}),
            "item 36: nothing to say here",
        ),
        (json!({"parameters": []}), "no object"),
        (json!({"context": "cloudfoundry"}), "no object"),
        (json!({"maintenance_info": {"version": 1}}), "no text"),
    ] {
        let answer = broker
            .put(&instance("i"), with(osb::provision(), members))
            .await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.description());
    }
    assert_eq!(
        broker.get(&instance("i")).await.status,
        404,
        "item 8: nothing was made"
    );
}

/// Item 36: a message SHOULD be given, and says where the parameters belong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_of_an_instance_are_refused_with_a_sentence() {
    let broker = Broker::start().await;
    let body = with(
        osb::provision(),
        json!({"parameters": {"endpoint": "/metrics"}}),
    );
    let answer = broker.put(&instance("i"), body).await;
    assert_eq!(answer.status, 400);
    for word in ["endpoint", "bind"] {
        assert!(
            answer.description().contains(word),
            "{}",
            answer.description()
        );
    }
}

/// Item 21: 422 MaintenanceInfoConflict; only `version` counts. Item 17: the catalog has none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_maintenance_info_version_is_422() {
    let broker = Broker::start().await;
    for (info, status, why) in [
        (json!({"version": "1.0.0"}), 422, "the plan has none"),
        (
            json!({"version": "1.0.0", "description": "x"}),
            422,
            "only the version counts",
        ),
        (json!({"description": "x"}), 201, "only the version counts"),
    ] {
        let body = with(osb::provision(), json!({"maintenance_info": info}));
        let answer = broker.put(&instance("i"), body).await;
        assert_eq!(answer.status, status, "{why}");
        if status == 422 {
            assert_eq!(answer.json["error"], "MaintenanceInfoConflict");
            assert_eq!(broker.get(&instance("i")).await.status, 404, "item 8");
        }
    }
}

/// Items 34 and 35: what was answered is stored, and a provision creates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provision_outlives_a_crash() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker
            .bind("i", "b", "a", json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    broker.promfetch.signal("KILL");
    broker.promfetch.ended().await;
    let broker = Broker::beside(broker.database(), json!({})).await;
    assert_eq!(broker.provision("i").await.status, 200);
    assert_eq!(
        broker
            .bind("i", "b", "a", json!({"endpoint": "/x"}))
            .await
            .status,
        200
    );
}

/// Item 34: a platform that asks again after a lost answer hears the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_deprovision_the_id_is_free() {
    let broker = Broker::start().await;
    for round in 0..3 {
        let other = json!({"space_guid": format!("space-{round}")});
        let body = with(osb::provision(), other);
        assert_eq!(broker.put(&instance("i"), body).await.status, 201);
        let path = format!("{}{IDS}", instance("i"));
        assert_eq!(broker.send(Call::new("DELETE", &path)).await.status, 200);
    }
}
