//! promfetcher's files work as they are.

use super::*;

#[test]
fn nothing_at_all_gives_the_defaults() {
    for yaml in [
        "",
        "---\n",
        "nats:\ngorouters:\ntargets: []\nport:\nbase_url: \nexternal_exporters: []\n",
    ] {
        let (config, warnings) = load(yaml).unwrap();
        assert_eq!(
            format!("{config:?}"),
            format!("{:?}", Config::default()),
            "{yaml:?}"
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let (config, _) = Config::load(None, []).unwrap();
    assert_eq!(
        config.core.nats.unwrap().hosts,
        [("localhost".to_owned(), 4222)]
    );
}

#[test]
fn promfetchers_old_form_works_as_it_is() {
    let (config, warnings) =
        Config::load(Some(&data("promfetcher-0.4-gorouters.yml")), []).unwrap();
    assert!(
        config.core.nats.is_none(),
        "routers are given, so NATS is not asked"
    );
    let routers: Vec<_> = config
        .core
        .gorouters
        .iter()
        .map(|router| {
            (
                router.host.as_str(),
                router.port,
                router.user.as_str(),
                router.pass.0.as_str(),
            )
        })
        .collect();
    assert_eq!(
        routers,
        [
            ("10.244.0.34", 8082, "router-status", "yes"),
            ("10.244.0.35", 8082, "router-status", "0123")
        ]
    );
    assert_eq!(
        (config.port, config.health_check_port, config.tls.is_none()),
        (8085, 8080, true)
    );
    assert_eq!(
        (
            config.logging.level.as_str(),
            config.logging.no_color,
            config.logging.in_json
        ),
        ("info", true, false)
    );
    assert_eq!(config.base_url, "https://promfetcher.example.org");
    let fetch = &config.core.fetch;
    assert_eq!(
        (fetch.max_conns, fetch.keep_alive, fetch.skip_ssl_validation),
        (500, true, false)
    );
    assert_eq!(
        (
            fetch.pool_max_idle,
            fetch.pool_max_idle_per_host,
            fetch.pool_idle_timeout
        ),
        (20_000, 100, Duration::from_secs(90))
    );
    assert_eq!(
        (
            fetch.cert_chain.as_str(),
            fetch.private_key.0.as_str(),
            fetch.ca_certs.as_str()
        ),
        (CERTIFICATE, PRIVATE_KEY, OTHER_CERTIFICATE)
    );
    assert_eq!(
        (
            config.broker.login.user.as_str(),
            config.broker.login.pass.0.as_str()
        ),
        ("broker", "on")
    );
    assert_eq!(
        config.broker.service_id,
        "75bcebab-cc25-4ef6-89dc-a91b953919f1"
    );
    assert_eq!(
        config.store.conn.0,
        "mysql://promfetcher:s3cret@sql-db.service.cf.internal:3306/promfetcher"
    );
    let exporters: Vec<_> = config
        .core
        .external_exporters
        .iter()
        .map(|exporter| {
            let params: Vec<_> = exporter
                .params
                .iter()
                .map(|(name, values)| (name.as_str(), values.len()))
                .collect();
            (
                exporter.name.as_str(),
                exporter.host.as_str(),
                exporter.metrics_path.as_str(),
                exporter.tls,
                params,
            )
        })
        .collect();
    assert_eq!(
        exporters,
        [
            (
                "blackbox.service.cf.internal:9115/probe",
                "blackbox.service.cf.internal:9115",
                "/probe",
                false,
                vec![("module", 1), ("target", 1)]
            ),
            ("dex", "dex.example.org", "/metrics", true, vec![]),
        ]
    );
    let keys: Vec<_> = warnings
        .iter()
        .map(|warning| (warning.severity, warning.key.as_str()))
        .collect();
    assert_eq!(
        keys,
        [
            (Severity::Note, "max_idle_conns"),
            (Severity::Note, "not_exit_when_conn_failed"),
        ]
    );
}

#[test]
fn promfetchers_new_form_works_as_it_is() {
    let (config, warnings) = Config::load(Some(&data("promfetcher-1-nats.yml")), []).unwrap();
    let nats = config.core.nats.as_ref().unwrap();
    assert_eq!(
        nats.hosts,
        [
            ("q-s0.nats.default.cf.bosh".to_owned(), 4224),
            ("q-s1.nats.default.cf.bosh".to_owned(), 4224)
        ]
    );
    assert_eq!(
        (nats.user.as_str(), nats.pass.0.as_str(), nats.tls_enabled),
        ("nats", "n4ts#pass", true)
    );
    assert_eq!(
        (nats.cert_chain.as_str(), nats.private_key.0.as_str()),
        (CERTIFICATE, PRIVATE_KEY),
        "through a merge key"
    );
    assert_eq!(nats.ping_interval, Duration::from_secs(15));
    let tls = config.tls.as_ref().unwrap();
    assert_eq!(
        (tls.cert_chain.as_str(), tls.private_key.0.as_str()),
        (CERTIFICATE, PRIVATE_KEY)
    );
    assert_eq!(
        (config.port, config.index, config.logging.in_json),
        (8443, 1, true)
    );
    assert_eq!(
        config.core.discovery.stale_threshold,
        Duration::from_secs(120)
    );
    assert!(
        !config.core.fetch.keep_alive,
        "an explicit `disable_keep_alives: true` is honoured"
    );
    assert_eq!(
        config.core.fetch.pool_idle_timeout,
        Duration::from_secs(120),
        "a longer time is taken over"
    );
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_file_rendered_by_bosh_works_as_it_is() {
    let (config, warnings) = Config::load(Some(&data("promfetcher-bosh.yml")), []).unwrap();
    let nats = config.core.nats.as_ref().unwrap();
    assert_eq!(
        (
            nats.hosts.len(),
            nats.tls_enabled,
            nats.cert_chain.as_str(),
            nats.pass.0.as_str()
        ),
        (2, true, "", "Zq8bXn3")
    );
    assert_eq!(
        (config.port, config.base_url.as_str()),
        (443, "https://localhost:443"),
        "an empty `base_url` has its default"
    );
    assert_eq!(
        (
            config.broker.login.user.as_str(),
            config.broker.login.pass.0.as_str()
        ),
        ("", "")
    );
    assert_eq!(config.core.external_exporters.len(), 2);
    assert_eq!(
        config.core.external_exporters[1].name,
        "10.0.31.7:9419/metrics"
    );
    let keys: Vec<_> = warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect();
    assert_eq!(keys, ["max_idle_conns", "idle_conn_timeout"]);
}
