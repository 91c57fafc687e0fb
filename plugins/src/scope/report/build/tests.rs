use std::time::Duration;

use promfetch_core::selector::Selector;
use serde_json::{Value, json};

use super::super::instances::Moment;
use super::super::observed::{Names, Observed};
use super::super::rule::{Aggregate, Rule};
use super::*;

fn builder(most: usize) -> Builder {
    Builder {
        id: "promfetch".into(),
        hosts: [("10.0.1.4".into(), "cell-1".into())].into(),
        most,
        limit: MAX_REPORT,
    }
}

fn observed(app: &str) -> Observed {
    let mut observed = Observed::default();
    observed.names = Names {
        organization: "acme & sons".into(),
        space: "prod".into(),
        app: app.into(),
    };
    observed.is_up = true;
    observed.series.push(vec![(0, 4.5)]);
    observed
}

fn key(index: &str, address: &str) -> Key {
    Key {
        app_id: "g".into(),
        index: index.into(),
        address: address.into(),
    }
}

fn report(builder: &Builder, page: BTreeMap<Key, Observed>, probe: &str, samples: bool) -> Value {
    let mut instances = Instances::new(vec![Rule::example("a", Aggregate::Sum, false)]);
    let mut moment = Moment::now();
    moment.wall = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    instances.seen(Selector::Guid("g".into()), page, moment);
    serde_json::from_slice(&builder.write(&instances, probe, samples)).unwrap()
}

#[test]
fn a_report_is_what_scope_reads() {
    let page = BTreeMap::from([(key("0", "10.0.1.4:61001"), observed("shöp"))]);
    let report = report(&builder(10), page, "1f2e", true);
    let latest =
        |value: &str| json!({"timestamp": "2023-11-14T22:13:20.123456789Z", "value": value});
    assert_eq!(
        report["Container"]["nodes"],
        json!({"g-0;<container>": {
            "id": "g-0;<container>",
            "topology": "container",
            "latest": {
                "docker_container_name": latest("shöp/0"),
                "docker_container_state": latest("running"),
                "host_node_id": latest("cell-1;<host>"),
                "promfetch_instance": latest("10.0.1.4:61001"),
                "promfetch_metrics": latest("up"),
                "promfetch_table_app___organization": latest("acme & sons"),
                "promfetch_table_app___space": latest("prod"),
                "promfetch_table_app___app": latest("shöp"),
                "promfetch_table_app___index": latest("0"),
                "active_controls": latest("rescrape"),
                "control_probe_id": latest("1f2e"),
            },
            "parents": {"host": ["cell-1;<host>"]},
            "metrics": {"id": {
                "samples": [{"date": "2023-11-14T22:13:20.123456789Z", "value": 4.5}],
                "min": 0.0,
                "max": 4.5,
            }},
        }})
    );
    assert_eq!(
        report["Container"]["metric_templates"],
        json!({"id": {"id": "id", "label": "Label", "format": "", "priority": 10.0}})
    );
    assert_eq!(
        report["Plugins"],
        json!([{
            "id": "promfetch",
            "label": "promfetch",
            "description": "Instances of Cloud Foundry apps, with their metrics",
            "interfaces": ["reporter", "controller"],
            "api_version": "1",
        }])
    );
}

#[test]
fn two_instances_of_one_index_are_two_nodes() {
    let page = BTreeMap::from([
        (key("0", "10.0.1.4:61001"), observed("a")),
        (key("0", "10.0.1.9:61002"), observed("a")),
    ]);
    let report = report(&builder(10), page, "", false);
    let nodes = report["Container"]["nodes"].as_object().unwrap();
    assert_eq!(
        nodes.keys().collect::<Vec<_>>(),
        ["g-0-10.0.1.9:61002;<container>", "g-0;<container>"]
    );
    let other = &nodes["g-0-10.0.1.9:61002;<container>"];
    assert!(other.get("parents").is_none(), "its host has no name");
    assert!(other.get("metrics").is_none(), "samples are not wanted");
    assert!(other["latest"].get("active_controls").is_none(), "no probe");
}

#[test]
fn what_is_too_much_is_left_out() {
    let page = || {
        (0..100)
            .map(|index| (key(&index.to_string(), "h:1"), observed(&"ü".repeat(5000))))
            .collect::<BTreeMap<_, _>>()
    };
    let count = |report: &Value| report["Container"]["nodes"].as_object().unwrap().len();
    let bounded = report(&builder(7), page(), "", true);
    assert_eq!(count(&bounded), 7);
    let node = &bounded["Container"]["nodes"]["g-0;<container>"];
    let name = node["latest"]["promfetch_table_app___app"]["value"].as_str();
    assert_eq!(name.map(str::len), Some(MAX_NAME), "long names are cut");
    let mut small = builder(100);
    small.limit = 100_000;
    assert_eq!(
        count(&report(&small, page(), "", true)),
        25,
        "as many as fit"
    );
    small.limit = 10;
    assert_eq!(count(&report(&small, page(), "", true)), 0, "nothing fits");
}
