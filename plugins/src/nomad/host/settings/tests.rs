use super::*;

#[test]
fn a_small_configuration_has_defaults() {
    let settings = read(&example(&[])).unwrap();
    let plugin = &settings.plugins[0];
    assert_eq!(
        (plugin.name.as_str(), plugin.driver.as_str()),
        ("noop", "noop")
    );
    assert!(plugin.arguments.is_empty() && plugin.config.is_empty());
    let query = &settings.queries[0];
    assert_eq!(
        (query.plugin, query.window, query.offset),
        (0, Duration::from_secs(60), Duration::ZERO)
    );
    assert_eq!(settings.tick, Duration::from_secs(10));
    assert_eq!(
        settings.listen,
        Listen::Socket("/run/promfetch/apm.sock".into())
    );
    assert_eq!(settings.level, LevelFilter::INFO);
}

#[test]
fn all_of_it() {
    let settings = read(&example(&[
        ("plugins[0].driver", "datadog.exe"),
        ("plugins[0].args[0]", "-a,b"),
        ("plugins[0].args[1]", "--c"),
        ("plugins[0].config.dd_api_key", "secret"),
        ("plugins[0].config.site", "eu"),
        ("plugins[1].name", "other"),
        ("queries[0].plugin", "other"),
        ("queries[0].window", "0s"),
        ("queries[0].offset", "2m"),
        ("queries[0].labels.team", "checkout"),
        ("queries[1].name", "load"),
        ("queries[1].plugin", "noop"),
        ("queries[1].query", "x"),
        ("address", "127.0.0.1:0"),
        ("logging.level", "DEBUG"),
    ]))
    .unwrap();
    let plugin = &settings.plugins[0];
    assert_eq!(plugin.arguments, ["-a,b", "--c"]);
    let config: Vec<_> = plugin
        .config
        .iter()
        .map(|(key, value)| (key.as_str(), value.0.as_str()))
        .collect();
    assert_eq!(config, [("dd_api_key", "secret"), ("site", "eu")]);
    let query = &settings.queries[0];
    assert_eq!(
        (query.plugin, query.window, query.offset),
        (1, Duration::ZERO, Duration::from_secs(120))
    );
    assert_eq!(query.labels.get("team"), Some("checkout"));
    assert_eq!(settings.queries[1].plugin, 0, "one name in two plugins");
    assert_eq!(
        settings.listen,
        Listen::Address("127.0.0.1:0".parse().unwrap())
    );
    assert_eq!(settings.level, LevelFilter::DEBUG);
    assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
}

#[test]
fn problems_are_told() {
    for (more, told, why) in [
        (
            &[("plugin_dir", "")][..],
            "`plugin_dir`: is required",
            "no folder",
        ),
        (&[("plugins[0].name", "")], "`plugins", "no name"),
        (
            &[("plugins[0].driver", "../sh")],
            "without a path",
            "a way out of the folder",
        ),
        (
            &[("plugins[0].name", "a/b")],
            "`name` cannot stand for it",
            "a name that is no file's",
        ),
        (
            &[("plugins[1].name", "noop")],
            "of another plugin too",
            "one name twice",
        ),
        (
            &[("plugins[1].name", "b")],
            "several plugins",
            "which of both?",
        ),
        (
            &[("queries[0].plugin", "nop")],
            "only `noop`",
            "a plugin that is none",
        ),
        (
            &[("queries[0].query", "")],
            "`queries[0].query`: is required",
            "nothing to ask",
        ),
        (
            &[("queries[1].name", "load"), ("queries[1].query", "x")],
            "of another query",
            "one name twice",
        ),
        (
            &[("queries[0].labels.plugin", "x")],
            "each series of a query",
            "a label of ours",
        ),
        (
            &[("queries[0].labels.app_name", "x")],
            "gives to each instance",
            "promfetch's label",
        ),
        (
            &[("queries[0].labels.a-b", "x")],
            "no label name",
            "no label",
        ),
        (
            &[("queries[0].window", "instant")],
            "queries[0].window",
            "a word of policies",
        ),
        (&[("tick", "10")], "nanoseconds", "without a unit"),
        (
            &[("socket", "apm.sock")],
            "absolute path",
            "relative to nobody knows what",
        ),
        (
            &[("socket", "/x"), ("address", "127.0.0.1:1")],
            "`socket`",
            "two places",
        ),
        (&[("address", "localhost:80")], "an IP address", "a name"),
        (
            &[("logging.level", "loud")],
            "one of",
            "a level that is none",
        ),
    ] {
        let error = read(&example(more)).expect_err(why).to_string();
        assert!(error.contains(told), "{why}: {error}");
    }
    let error = read(&BTreeMap::new()).unwrap_err().to_string();
    for key in ["plugin_dir", "plugins", "queries"] {
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn the_documentation_names_every_key_and_its_file_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/nomad-apm-host.md");
    let page = std::fs::read_to_string(path).unwrap();
    for key in KEYS {
        assert!(page.contains(&format!("`{}`", key.name)), "{}", key.name);
    }
    let (_, rest) = page
        .split_once("```yaml\n   # /etc/promfetch/apm-host.yml\n")
        .expect("the file");
    let (yaml, _) = rest.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.yml");
    std::fs::write(&file, yaml).unwrap();
    let (settings, warnings) = load(Some(&file)).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(!settings.queries.is_empty());
}
