//! On a database that was promfetcher's (design section 8): its table, its ids, and the Cloud Controller going on with
//! service instances that were never stored.

mod old_processes;
mod sequence;
mod way_back;

use promfetch_tests::Broker;
use promfetch_tests::database::{Database, Kind};
use promfetch_tests::osb::{Answer, Call, binding, instance};
use serde_json::{Value, json};

/// promfetcher's defaults.
const SERVICE: &str = "75bcebab-cc25-4ef6-89dc-a91b953919f1";
const PLAN: &str = "e2900be3-709b-419e-b63b-de3aabcd9e15";

/// A row of promfetcher's: binding, app, endpoint.
type Row<'t> = (&'t str, &'t str, &'t str);

/// A database as promfetcher leaves it.
async fn old_database(kind: Kind, rows: &[Row<'_>]) -> Database {
    let database = Database::start(kind).await;
    // As gorm makes it.
    let create = "CREATE TABLE app_endpoints (guid varchar(255), app_guid varchar(255), endpoint varchar(255), PRIMARY KEY (guid))";
    database.execute(create).await;
    for row in rows {
        old_bind(&database, *row).await;
    }
    database
}

/// What a promfetcher that still runs does for a bind: the app's rows go, and one comes.
async fn old_bind(database: &Database, (guid, app, endpoint): Row<'_>) {
    let sql = format!(
        "DELETE FROM app_endpoints WHERE app_guid = '{app}'; INSERT INTO app_endpoints VALUES ('{guid}', '{app}', '{endpoint}')"
    );
    database.execute(&sql).await;
}

/// What it does for an unbind.
async fn old_unbind(database: &Database, guid: &str) {
    let sql = format!("DELETE FROM app_endpoints WHERE guid = '{guid}'");
    database.execute(&sql).await;
}

/// What a promfetcher would read: each app's endpoint, by app.
async fn old_rows(database: &Database) -> Vec<(String, String, String)> {
    let sql = "SELECT guid, app_guid, endpoint FROM app_endpoints ORDER BY app_guid, guid";
    let rows = database.rows(sql).await;
    rows.into_iter()
        .map(|row| {
            let mut texts = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || texts.next().unwrap_or_default();
            (next(), next(), next())
        })
        .collect()
}

/// Compares promfetcher's table with these rows.
async fn assert_old_rows(database: &Database, wanted: &[Row<'_>], why: &str) {
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(guid, app, endpoint)| ((*guid).into(), (*app).into(), (*endpoint).into()))
        .collect();
    assert_eq!(old_rows(database).await, wanted, "{why}");
}

/// A promfetch on it, without ids in its configuration.
async fn take_over(database: &Database, keys: Value) -> Broker {
    let mut all = json!({"broker": {"broker_service_id": null, "broker_plan_id": null}});
    for (key, value) in keys.as_object().expect("an object") {
        all["broker"][key] = value.clone();
    }
    Broker::beside(database, all).await
}

/// What the Cloud Controller sends on a foundation that had promfetcher.
async fn update(broker: &Broker, id: &str) -> Answer {
    let body = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "parameters": {},
        "context": {"platform": "cloudfoundry", "organization_guid": "o", "space_guid": "s"},
        "previous_values": {"service_id": SERVICE, "plan_id": PLAN, "maintenance_info": null},
    });
    broker.patch(&instance(id), body).await
}

async fn bind(broker: &Broker, (id, name): (&str, &str), app: &str, parameters: Value) -> Answer {
    let body = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "app_guid": app,
        "bind_resource": {"app_guid": app, "space_guid": "s"},
        "context": {"platform": "cloudfoundry", "organization_guid": "o", "space_guid": "s"},
        "parameters": parameters,
    });
    broker.put(&binding(id, name), body).await
}

async fn delete(broker: &Broker, path: &str) -> u16 {
    let path = format!("{path}?service_id={SERVICE}&plan_id={PLAN}");
    broker.send(Call::new("DELETE", &path)).await.status
}
