use promfetch_tests::Broker;
use promfetch_tests::osb::cloud_controller::{Operation, Verdict, verdict};
use promfetch_tests::osb::{self, Answer, Call, PLAN, SERVICE, VERSION, binding, instance, with};
use serde_json::json;

fn of(call: &Call, answer: &Answer) -> Verdict {
    verdict(
        Operation::of(&call.method, &call.path),
        answer.status,
        &answer.json,
    )
}

/// Section 2.3, and item 7 for the codes: every row of the table that this broker answers. `Orphan` is none of them:
/// over bad input the Cloud Controller deletes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_bad_input_nothing_is_deleted() {
    use Verdict::{Clean, Conflict, Login, Ok, Rejected};
    let broker = Broker::start().await;
    assert_eq!(broker.provision("there").await.status, 201);
    assert_eq!(broker.bind("there", "b", "a", json!({})).await.status, 201);
    let put = |path: String, body: &serde_json::Value| Call::new("PUT", &path).json(body);
    let provision = |members| put(instance("i"), &with(osb::provision(), members));
    let bind = |members| put(binding("there", "new"), &with(osb::bind("a"), members));
    let update = |members| {
        let body = with(json!({"service_id": SERVICE}), members);
        Call::new("PATCH", &instance("there")).json(&body)
    };
    let get = |path: &str| Call::new("GET", path);
    let large = "x".repeat(70_000);
    let info = json!({"maintenance_info": {"version": "1.0.0"}});
    let no_app = json!({"bind_resource": {}, "parameters": {"endpoint": "/x"}});
    for (call, status, wanted, why) in [
        (put(instance("there"), &osb::provision()), 200, Ok, "200 {}"),
        (put(binding("there", "b"), &osb::bind("a")), 200, Ok, "200"),
        (update(json!({})), 200, Ok, "200 {}"),
        (get(&instance("there")), 200, Ok, "200"),
        (get(&binding("there", "b")), 200, Ok, "200"),
        (put(instance("new"), &osb::provision()), 201, Ok, "201 {}"),
        (
            put(binding("there", "new1"), &osb::bind("a")),
            201,
            Ok,
            "201 with credentials",
        ),
        (provision(json!({"plan_id": ""})), 400, Rejected, "bad ids"),
        (
            provision(json!({"parameters": {"a": 1}})),
            400,
            Rejected,
            "bad parameters",
        ),
        (provision(json!({})).body("{"), 400, Rejected, "bad JSON"),
        (bind(json!({"service_id": "x"})), 400, Rejected, "bad ids"),
        (
            bind(json!({"parameters": {"endpiont": "/x"}})),
            400,
            Rejected,
            "bad parameters",
        ),
        (bind(json!({})).body("[]"), 400, Rejected, "bad JSON"),
        (update(json!({"service_id": ""})), 400, Rejected, "bad ids"),
        (
            update(json!({"parameters": {"a": 1}})),
            400,
            Rejected,
            "bad parameters",
        ),
        (update(json!({})).body("\u{0}"), 400, Rejected, "bad JSON"),
        (
            get(&format!("{}?plan_id=", instance("there"))),
            400,
            Rejected,
            "bad hints",
        ),
        (
            put(binding("none", "b"), &osb::bind("a")),
            404,
            Rejected,
            "no such instance",
        ),
        (
            put(
                binding("there", "r"),
                &json!({"predecessor_binding_id": "no"}),
            ),
            404,
            Rejected,
            "no such predecessor",
        ),
        (
            Call::new("PATCH", &instance("none")).json(&json!({"service_id": SERVICE})),
            404,
            Rejected,
            "no such instance",
        ),
        (get(&instance("none")), 404, Rejected, "no such instance"),
        (
            get(&binding("there", "none")),
            404,
            Rejected,
            "no such binding",
        ),
        (
            provision(json!({})).header(VERSION, "1.0"),
            412,
            Rejected,
            "another version",
        ),
        (
            bind(json!({})).header(VERSION, "1.0"),
            412,
            Rejected,
            "another version",
        ),
        (
            update(json!({})).header(VERSION, "1.0"),
            412,
            Rejected,
            "another version",
        ),
        (
            get(&instance("there")).header(VERSION, "1.0"),
            412,
            Rejected,
            "another version",
        ),
        (
            provision(json!({"context": {"x": large}})),
            413,
            Rejected,
            "too large",
        ),
        (
            bind(json!({"context": {"x": large}})),
            413,
            Rejected,
            "too large",
        ),
        (
            update(json!({"context": {"x": large}})),
            413,
            Rejected,
            "too large",
        ),
        (
            provision(json!({})).without("authorization"),
            401,
            Login,
            "no login",
        ),
        (
            bind(json!({})).without("authorization"),
            401,
            Login,
            "no login",
        ),
        (
            update(json!({})).without("authorization"),
            401,
            Login,
            "no login",
        ),
        (
            get(&instance("there")).without("authorization"),
            401,
            Login,
            "no login",
        ),
        (
            put(
                instance("there"),
                &with(osb::provision(), json!({"space_guid": "x"})),
            ),
            409,
            Conflict,
            "different",
        ),
        (
            put(binding("there", "b"), &osb::bind("another")),
            409,
            Conflict,
            "different",
        ),
        (
            provision(info.clone()),
            422,
            Clean,
            "MaintenanceInfoConflict",
        ),
        (update(info.clone()), 422, Clean, "MaintenanceInfoConflict"),
        (bind(no_app), 422, Clean, "RequiresApp"),
        (bind(info), 201, Ok, "bind knows no maintenance_info"),
    ] {
        let answer = broker.send(call.clone()).await;
        let context = format!(
            "{} {}: {why}: {}",
            call.method,
            call.path,
            answer.description()
        );
        assert_eq!(answer.status, status, "{context}");
        assert_eq!(of(&call, &answer), wanted, "{context}");
    }
}

/// Section 2.3, deletions: 200 with an object and 410 are successes; nothing else is answered for what exists or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_is_always_a_success_in_the_end() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(broker.bind("i", "b", "a", json!({})).await.status, 201);
    for path in [binding("i", "b"), instance("i")] {
        for status in [200, 410, 410] {
            let call = Call::new(
                "DELETE",
                &format!("{path}?service_id={SERVICE}&plan_id={PLAN}"),
            );
            let answer = broker.send(call.clone()).await;
            assert_eq!(answer.status, status);
            assert_eq!(of(&call, &answer), Verdict::Ok);
        }
    }
}

/// Section 2.3: the description is what the user of `cf` reads. It is a sentence, short, and of this broker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptions_are_short_whatever_was_sent() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let long = "x".repeat(30_000);
    for parameters in [
        json!({long.as_str(): 1}),
        json!({"endpoint": long}),
        json!({"headers": {long.as_str(): "x"}}),
        json!({"authorization": {"type": long}}),
        json!({"authorization": {"type": "bearer", long.as_str(): 1}}),
        json!({"\u{1b}[31m": 1}),
    ] {
        let answer = broker.bind("i", "b", "a", parameters).await;
        assert_eq!(answer.status, 400);
        let description = answer.description();
        assert!(description.len() < 500, "{}", description.len());
        assert!(!description.contains(char::is_control), "{description:?}");
    }
}
