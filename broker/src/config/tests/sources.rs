//! File, environment and options; where the values arrive.

use promfetch_core::exposition::Format;

use super::*;

#[test]
fn the_environment_wins_over_the_file_and_options_over_both() {
    let yaml = "port: 1001\nhealth_check_port: 1002\nnats:\n  user: file\n  hosts: [{hostname: a, port: 1}, {hostname: b, port: 2}]\n";
    let environment = [
        ("PROMFETCH_PORT", "2001"),
        ("PROMFETCH_NATS__HOSTS__1__PORT", "22"),
        ("PROMFETCH_NATS__USER", ""),
        ("PROMFETCH_DRAIN_WAIT", "1m"),
    ];
    let (config, warnings) = load_all(
        yaml,
        &environment,
        &[("drain_wait", "2m"), ("extra_labels.foundation", "eu-1")],
    )
    .unwrap();
    assert_eq!(
        (config.port, config.health_check_port, config.drain_wait),
        (2001, 1002, Duration::from_secs(120))
    );
    let nats = config.core.nats.unwrap();
    assert_eq!(
        nats.user, "file",
        "an empty variable is as one that is not set"
    );
    assert_eq!(nats.hosts, [("a".to_owned(), 1), ("b".to_owned(), 22)]);
    assert_eq!(
        config.core.merge.extra_labels.get("foundation"),
        Some("eu-1")
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let (config, _) = load_all(
        yaml,
        &[("PROMFETCH_NATS__HOSTS", r#"[{"hostname":"c"}]"#)],
        &[],
    )
    .unwrap();
    assert_eq!(
        config.core.nats.unwrap().hosts,
        [("c".to_owned(), 4222)],
        "a whole list replaces the file's"
    );
}

#[test]
fn without_a_source_nats_on_this_machine_is_asked() {
    for (yaml, nats, why) in [
        ("port: 1\n", true, "nothing is given"),
        ("nats:\n  user:\n", true, "an empty section is none"),
        (
            "external_exporters: [{host: a}]\n",
            true,
            "exporters know no apps",
        ),
        ("gorouters: [{host: a}]\n", false, "a router"),
        (
            "targets: [{organization: o, space: s, app: a, address: 'h:1'}]\n",
            false,
            "a fixed target",
        ),
        ("gorouters: [{host: a}]\nnats: {user: u}\n", true, "both"),
    ] {
        assert_eq!(load(yaml).unwrap().0.core.nats.is_some(), nats, "{why}");
    }
}

#[test]
fn values_arrive_where_they_belong() {
    let yaml = "\
targets:
  - {organization: o, space: s, app: a, address: '10.0.0.1:80', routes: [r.example.org, r.example.org/x]}
  - {organization: o, space: s, app: a, address: '[::1]:80', tls: y, server_name: n, http2: y, app_id: g}
  - {organization: o, space: s, app: b, address: 'h:1', index: x}
nats: {hosts: [{hostname: '[::1]'}]}
extra_labels: {z: 1.0, a: yes}
label_conflict: DROP
formats: [openmetrics, text, openmetrics, protobuf]
max_idle_conns: 0
idle_conn_timeout: 0
max_idle_conns_per_host: 0
trusted_proxies: 10.0.0.1, 10.1.0.0/16
metric_path_allow: /a, /b/*
";
    let (config, warnings) = load(yaml).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let indexes: Vec<_> = config
        .core
        .targets
        .iter()
        .map(|target| target.index.as_str())
        .collect();
    assert_eq!(
        indexes,
        ["", "", "x"],
        "positions are counted where the apps are known"
    );
    assert_eq!(
        config.core.targets[0].routes,
        ["r.example.org", "r.example.org/x"]
    );
    assert!(config.core.targets[1].tls && config.core.targets[1].http2);
    assert_eq!(config.core.nats.unwrap().hosts, [("::1".to_owned(), 4222)]);
    assert_eq!(
        config.core.merge.extra_labels.iter().collect::<Vec<_>>(),
        [("a", "yes"), ("z", "1.0")]
    );
    assert_eq!(
        config.core.merge.label_conflict,
        promfetch_core::config::LabelConflict::Drop
    );
    assert_eq!(
        config.core.merge.formats,
        [Format::OpenMetrics, Format::Text, Format::Protobuf]
    );
    assert_eq!(
        (
            config.core.fetch.pool_max_idle,
            config.core.fetch.pool_max_idle_per_host
        ),
        (1_000_000, 2)
    );
    assert_eq!(
        config.core.fetch.pool_idle_timeout,
        Duration::from_secs(3600)
    );
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(
        config.metric_path_allow,
        ["/a", "/b/*"],
        "as in every list of single values"
    );
}

#[test]
fn debug_output_shows_no_secret() {
    let options = [
        ("nats.pass", "hush"),
        ("gorouters[0].pass", "hush"),
        ("broker.pass", "hush"),
        ("db_conn", "mysql://u:hush@h/d"),
    ];
    let (config, warnings) = load_all("", &[], &options).unwrap();
    assert_eq!(config.broker.login.pass.0, "hush");
    assert!(!format!("{config:?} {warnings:?}").contains("hush"));
}
