//! Real route tables of a gorouter: the messages that led to a table must give the same look-ups as polling it.

use std::path::PathBuf;

use super::apply::{Applier, Subject, Verdict};
use super::message::Endpoint;
use super::record::Record;
use super::table::Source;
use super::*;
use crate::policy::AddressPolicy;

fn data(name: &str) -> serde_json::Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data/routes")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn table() -> Table {
    // The tables were recorded on loopback addresses.
    let policy = AddressPolicy {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        deny: Vec::new(),
    };
    Table::new(
        Duration::from_secs(120),
        policy,
        Bounds::default(),
        Instant::now(),
    )
}

/// The table that a case's messages lead to.
fn of_messages(case: &str) -> Table {
    let table = table();
    let file = data(&format!("{case}.messages.json"));
    assert_eq!(file["subject"], "router.register");
    for payload in file["payloads"].as_array().unwrap() {
        let body = serde_json::to_vec(payload).unwrap();
        let verdict = Applier::default().apply(&table, Subject::Register, &body, Instant::now());
        assert_eq!(verdict, Verdict::Changed, "{case}: {payload}");
    }
    table
}

/// The table that polling gives.
fn of_routes(case: &str) -> Table {
    let table = table();
    for (uri, endpoints) in data(&format!("{case}.json")).as_object().unwrap() {
        let body = endpoints.to_string();
        for endpoint in Endpoint::parse_all(body.as_bytes()).unwrap() {
            let record = Record::of(&endpoint.registration().unwrap());
            table.register(
                Source::Poll(0),
                &route::key(uri).unwrap(),
                &record,
                Instant::now(),
            );
        }
    }
    table
}

/// Everything that can be asked of a table, without ages and counters.
fn answers(table: &Table) -> Vec<String> {
    let now = Instant::now();
    let mut selectors: Vec<String> = table
        .snapshot(now)
        .into_keys()
        .map(|key| key.replace('*', "any.label"))
        .collect();
    selectors.extend(table.apps().iter().map(|app| app.app_id.to_string()));
    selectors.extend(table.apps().iter().map(|app| {
        format!(
            "{}/{}/{}",
            app.organization_name, app.space_name, app.app_name
        )
    }));
    selectors.sort();
    let line = |selector: &String| {
        let found = table.find(&Selector::parse_decoded(selector, true).unwrap(), None, now);
        let found: Vec<_> = found
            .iter()
            .map(|located| (&located.instance, &located.host))
            .collect();
        format!("{selector}: {found:#?}")
    };
    selectors.iter().map(line).collect()
}

#[test]
fn messages_and_polling_give_the_same_look_ups() {
    for (case, instances) in [
        ("02-http-app", 2),
        ("03-tls-app", 2),
        ("04-tls-and-plain-port", 1),
        ("05-wildcard", 2),
        ("06-context-path", 3),
        ("07-platform-components", 0),
        ("08-isolation-segment", 2),
        ("09-route-service", 1),
        ("11-options", 3),
        ("12-many-routes-multi-port", 1),
    ] {
        let (heard, polled) = (of_messages(case), of_routes(case));
        assert_eq!(answers(&heard), answers(&polled), "{case}");
        assert_eq!(heard.sizes(), polled.sizes(), "{case}");
        let found: usize = heard
            .apps()
            .iter()
            .map(|app| {
                heard
                    .find(&Selector::Guid(app.app_id.clone()), None, Instant::now())
                    .len()
            })
            .sum();
        assert_eq!(found, instances, "{case}");
    }
    assert_eq!(of_routes("01-empty").sizes().endpoints, 0);
}

#[test]
fn the_recorded_tables_answer_as_the_router_would() {
    let hosts = |case: &str, route: &str| -> Vec<String> {
        let found = of_routes(case).find(&Selector::Route(route.into()), None, Instant::now());
        found
            .iter()
            .map(|located| {
                format!(
                    "{} {}",
                    located.instance.app.app_name, located.instance.address
                )
            })
            .collect()
    };
    let cart = |version: &str| {
        hosts(
            "06-context-path",
            &format!("https://shop.lab.example{version}"),
        )
    };
    assert_ne!(cart("/cart/v2/items"), cart("/cart/v20"), "whole segments");
    assert_eq!(cart("/cartoon"), cart(""), "`/cartoon` is for the root app");
    assert_eq!(cart("").len(), 1);

    assert_eq!(
        hosts("05-wildcard", "two.tenants.lab.example"),
        ["tenant 127.0.16.30:61443"]
    );
    assert_eq!(
        hosts("05-wildcard", "one.tenants.lab.example"),
        ["tenant-one 127.0.16.31:61443"],
        "an exact host beats the wildcard"
    );
    assert!(hosts("05-wildcard", "tenants.lab.example").is_empty());

    assert_eq!(
        hosts("04-tls-and-plain-port", "both.apps.lab.example"),
        ["both 127.0.16.20:61443"],
        "the TLS port is the address"
    );
    assert!(
        hosts("07-platform-components", "uaa.sys.lab.example").is_empty(),
        "platform components are never returned"
    );

    assert_eq!(
        hosts("12-many-routes-multi-port", "multi-admin.apps.lab.example"),
        ["multi 127.0.16.90:61445"],
        "by route: the port of that route"
    );
    let multi = of_routes("12-many-routes-multi-port").find(
        &Selector::parse("acme/prod/multi").unwrap(),
        None,
        Instant::now(),
    );
    assert_eq!(multi.len(), 1, "one process, though it has two ports");
    assert_eq!(
        (multi[0].instance.address.port(), &*multi[0].host),
        (Some(61443), "multi-alias.apps.lab.example")
    );

    let secret = of_messages("08-isolation-segment").find(
        &Selector::parse("acme/iso/secret").unwrap(),
        None,
        Instant::now(),
    );
    assert_eq!(
        &*secret[0].instance.isolation_segment,
        "persistent_isolation_segment"
    );
}

#[tokio::test]
async fn fixed_targets_are_ready_at_once_and_survive_reports() {
    let target = config::FixedTarget {
        organization: "demo".into(),
        space: "dev".into(),
        app: "hello".into(),
        address: "127.0.0.1:9".into(),
        tls: true,
        ..config::FixedTarget::default()
    };
    let config = Config {
        targets: vec![target],
        ..Config::default()
    };
    let mut registry = Registry::default();
    let calls = Calls::register(&mut registry);
    let shutdown = CancellationToken::new();
    let discovery = Discovery::start(&config, &calls, &mut registry, shutdown.clone()).unwrap();
    discovery.wait_ready().await;
    let found = discovery.find(&Selector::parse("demo/dev/hello").unwrap(), None);
    assert!(found[0].trusted);
    discovery.report(&found[0], Effect::Remove);
    assert_eq!(discovery.sizes().endpoints, 1, "the operator's word stands");
    assert_eq!(discovery.routes()[""][0].source, ["targets"]);
    shutdown.cancel();
}

#[tokio::test]
async fn unusable_configuration_is_an_error_at_the_start() {
    let nats = |ca_certs: &str, host: &str| config::Nats {
        hosts: vec![(host.into(), 4222)],
        user: String::new(),
        pass: config::Secret::default(),
        tls_enabled: true,
        ca_certs: ca_certs.into(),
        cert_chain: String::new(),
        private_key: config::Secret::default(),
        ping_interval: Duration::from_secs(20),
    };
    let router = config::Gorouter {
        host: "h".into(),
        port: 8080,
        user: String::new(),
        pass: config::Secret::default(),
    };
    for config in [
        Config {
            nats: Some(nats("not PEM", "h")),
            ..Config::default()
        },
        Config {
            nats: Some(nats("", "no host")),
            ..Config::default()
        },
        Config {
            nats: Some(config::Nats {
                hosts: Vec::new(),
                ..nats("", "h")
            }),
            ..Config::default()
        },
        Config {
            gorouters: vec![router.clone(); MAX_POLLS + 1],
            ..Config::default()
        },
        Config {
            gorouters: vec![config::Gorouter {
                host: "a b".into(),
                ..router.clone()
            }],
            ..Config::default()
        },
    ] {
        let mut registry = Registry::default();
        let calls = Calls::register(&mut registry);
        let error =
            Discovery::start(&config, &calls, &mut registry, CancellationToken::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{error}");
    }
}
