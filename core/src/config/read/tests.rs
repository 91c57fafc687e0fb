//! The rules that tie keys together.

use super::*;

fn read(values: &[(&str, &str)]) -> Result<(Config, Vec<String>), String> {
    let table = keys::table();
    let mut all = Values::new();
    for (key, text) in values {
        all.set(&table, key, text)
            .map_err(|problem| problem.to_string())?;
    }
    match Config::from_values(&all) {
        Ok((config, warnings)) => Ok((config, warnings.iter().map(ToString::to_string).collect())),
        Err(problems) => Err(problems.to_string()),
    }
}

#[test]
fn without_values_everything_is_as_the_type_has_it() {
    let (config, warnings) = read(&[]).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert!(warnings.is_empty() && !config.has_source());
    let (config, _) = read(&[("nats.hosts[0].port", "4222")]).unwrap();
    assert_eq!(
        format!("{:?}", config.nats),
        format!("{:?}", Some(Nats::default()))
    );
}

#[test]
fn promfetchers_pool_keys_raise_but_never_lower() {
    for (values, idle, seconds, notes, why) in [
        (&[][..], 20_000, 90, 0, "the defaults"),
        (
            &[("max_idle_conns", "100"), ("idle_conn_timeout", "30")],
            20_000,
            90,
            2,
            "promfetcher's usual values",
        ),
        (
            &[("max_idle_conns", "50000"), ("idle_conn_timeout", "300")],
            50_000,
            300,
            0,
            "larger ones",
        ),
        (
            &[("max_idle_conns", "0"), ("idle_conn_timeout", "0")],
            1_000_000,
            3600,
            0,
            "no limit, in Go",
        ),
        (
            &[("pool_max_idle", "10"), ("pool_idle_timeout", "5s")],
            10,
            5,
            0,
            "the own keys lower",
        ),
        (
            &[
                ("pool_max_idle", "10"),
                ("max_idle_conns", "9"),
                ("pool_idle_timeout", "5s"),
                ("idle_conn_timeout", "1m"),
            ],
            10,
            5,
            2,
            "and decide beside the old ones",
        ),
    ] {
        let (config, warnings) = read(values).unwrap();
        assert_eq!(config.fetch.pool_max_idle, idle, "{why}");
        assert_eq!(config.fetch.pool_idle_timeout.as_secs(), seconds, "{why}");
        assert_eq!(warnings.len(), notes, "{why}: {warnings:?}");
    }
}

#[test]
fn added_labels_may_not_change_the_meaning_of_a_sample() {
    for (name, allowed) in [
        ("foundation", true),
        ("_private", true),
        ("exported_app_id", true),
        ("app_id", false),
        ("instance", false),
        ("le", false),
        ("quantile", false),
        ("error", false),
        ("__name__", false),
        ("9a", false),
        ("a-b", false),
        ("ü", false),
    ] {
        assert_eq!(check_further(name).is_ok(), allowed, "{name}");
        let json = format!("{{\"{name}\": \"x\"}}");
        assert_eq!(read(&[("extra_labels", &json)]).is_ok(), allowed, "{name}");
    }
}

#[test]
fn repeated_names_of_exporters_get_numbers() {
    let hosts = r#"[{"host":"a"},{"host":"a"},{"host":"b","name":"a/metrics"},{"host":"b"}]"#;
    let (config, warnings) = read(&[("external_exporters", hosts)]).unwrap();
    let names: Vec<_> = config
        .external_exporters
        .iter()
        .map(|exporter| exporter.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["a/metrics", "a/metrics#2", "a/metrics#3", "b/metrics"]
    );
    assert_eq!(warnings.len(), 2);
}

#[test]
fn nobody_reads_a_thousand_problems() {
    let list = format!("[{}]", vec!["{}"; 1000].join(","));
    let problems = read(&[("targets", &list)]).unwrap_err();
    let mut lines = problems.lines().rev();
    assert_eq!(lines.next(), Some("there are more problems"));
    assert_eq!(lines.count(), 200);
}

#[test]
fn what_is_missing_or_misfits_is_said() {
    for (values, message) in [
        (
            &[("backends.cert_chain", "x")][..],
            "`backends.private_key`: is required when `cert_chain` is given (option backends.cert_chain)",
        ),
        (
            &[("targets", r#"[{"space":"s","address":"h:1"}]"#)],
            "`targets[0].app`: is required when there is no `app_id` (option targets)",
        ),
        (
            &[(
                "ca_certs",
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            )],
            "`ca_certs`: a certificate of the bundle cannot be used: invalid peer certificate: BadEncoding (option ca_certs)",
        ),
    ] {
        assert_eq!(read(values).unwrap_err(), message);
    }
}
