//! What is wrong is said, all of it, and without secrets.

use super::*;

#[test]
fn everything_wrong_is_said_at_once_with_key_value_and_place() {
    let yaml = "\
port: 99999
health_check_port: eight
nats:
  hosts:
    - hostname: nats://localhost
      port: 0
    - localhost
  pass: [hush]
  tls_enabled: perhaps
gorouters: none
targets:
  - organization: o
    address: 10.0.0.1
    labels: {le: hush}
targets_allow: [10.0.0.0/33]
external_exporters:
  - scheme: ftp
    params: {app: ['{{ range . }}hush']}
backends:
  cert_chain: |
    hush
ca_certs: hush
enable_ssl: yes
logging: {level: loud}
base_url: https://user:hush@promfetch.example.org
drain_wait: 2h
db_conn: oracle://user:hush@host
extra_labels: {le: a, 9: b, app_id: c, __d: e}
formats: text, json
max_body: 64MB
metric_path_allow: [metrics]
";
    let environment = [
        ("PROMFETCH_INDEX", "-1"),
        ("PROMFETCH_TARGETS_DENY", "somewhere"),
        ("PROMFETCH_TARGETS__0__ROUTES", "{"),
    ];
    let problems = load_all(
        yaml,
        &environment,
        &[("fetch_timeout", "1h"), ("nats.usr", "1")],
    )
    .unwrap_err();
    let expected = [
        "`nats.usr`: is not a key of promfetch; did you mean `nats.user`? (option nats.usr)",
        "`gorouters`: expected a list of sections, not a single value (f.yml:10:12)",
        "`nats.hosts[1]`: expected a section with keys of its own, not a single value (f.yml:7:7)",
        "`nats.pass`: expected a secret text, not a list (f.yml:8:9)",
        "`nats.hosts[0].hostname`: expected a host without a scheme, not `nats://localhost` (f.yml:5:17)",
        "`nats.hosts[0].port`: expected a whole number from 1 to 65535, not `0` (f.yml:6:13)",
        "`nats.tls_enabled`: expected `true` or `false` (also `yes`, `no`, `on`, `off`), not `perhaps` (f.yml:9:16)",
        "`targets[0].address`: expected an address `host:port`, such as `10.0.1.7:8080` or `[2001:db8::7]:8080`, not `10.0.0.1` (f.yml:13:14)",
        "`targets[0].routes`: expected a route such as `app.example.org` or `app.example.org/path`, not `{` (environment variable PROMFETCH_TARGETS__0__ROUTES)",
        "`targets[0].app`: is required when there is no `app_id` (f.yml:12:5)",
        "`targets[0].labels.le`: has a meaning of its own in histograms, summaries or health series (f.yml:14:18)",
        "`external_exporters[0].host`: is required (f.yml:17:5)",
        "`external_exporters[0].scheme`: expected one of `http`, `https`, not `ftp` (f.yml:17:13)",
        "`external_exporters[0].params.app[0]`: TEMPLATE",
        "`targets_allow[0]`: expected a range of addresses such as `10.0.0.0/8` or `2001:db8::/32`, or one address, not `10.0.0.0/33` (f.yml:15:17)",
        "`targets_deny`: expected a range of addresses such as `10.0.0.0/8` or `2001:db8::/32`, or one address, not `somewhere` (environment variable PROMFETCH_TARGETS_DENY)",
        "`ca_certs`: no certificate found: a PEM block `-----BEGIN CERTIFICATE-----` is expected (f.yml:22:11)",
        "`backends.private_key`: is required when `cert_chain` is given (f.yml:20:3)",
        "`fetch_timeout`: expected a duration from 100ms to 10m, not `1h` (option fetch_timeout)",
        "`max_body`: expected a size in bytes, or with one of the suffixes KiB, MiB, GiB, such as `64MiB`, not `64MB` (f.yml:30:11)",
        "`formats`: expected one of `text`, `openmetrics`, `protobuf`, not `json` (f.yml:29:10)",
        "`extra_labels.9`: is no label name: letters, digits and `_` are allowed, with no digit in front (f.yml:28:26)",
        "`extra_labels.__d`: begins with `__`, which Prometheus keeps for itself (f.yml:28:45)",
        "`extra_labels.app_id`: is one of the labels that promfetch gives to each instance (f.yml:28:37)",
        "`extra_labels.le`: has a meaning of its own in histograms, summaries or health series (f.yml:28:20)",
        "`port`: expected a whole number from 0 to 65535, not `99999` (f.yml:1:7)",
        "`health_check_port`: expected a whole number, not `eight` (f.yml:2:20)",
        "`tls_pem`: is required when `enable_ssl` is true",
        "`base_url`: expected a URL such as `https://promfetch.example.org`, without a login: it is shown to users (f.yml:25:11)",
        "`logging.level`: expected one of `trace`, `debug`, `info`, `warn`, `warning`, `error`, `fatal`, `panic`, not `loud` (f.yml:24:18)",
        "`drain_wait`: expected a duration from 0s to 1h, not `2h` (f.yml:26:13)",
        "`metric_path_allow[0]`: expected a path such as `/actuator/*`, without parameters and spaces, not `metrics` (f.yml:31:21)",
        "`index`: expected a whole number, not `-1` (environment variable PROMFETCH_INDEX)",
        "`db_conn`: expected a database URL that begins with `mysql://`, `mariadb://`, `postgres://` or `sqlite:///` (f.yml:27:10)",
    ];
    // The wording of a wrong template belongs to another module; here it matters that it is there, with its place.
    let found: Vec<String> = problems
        .iter()
        .map(|problem| {
            if problem.contains(".params.") && problem.ends_with(" (f.yml:18:20)") {
                "`external_exporters[0].params.app[0]`: TEMPLATE".to_owned()
            } else {
                problem.clone()
            }
        })
        .collect();
    assert_eq!(found, expected);
    assert!(!problems.join("\n").contains("hush"), "no secret is shown");
}

#[test]
fn rules_over_several_keys() {
    let pem = |chain: &str, key: &str| {
        let indent = |text: &str| {
            text.lines()
                .map(|line| format!("    {line}\n"))
                .collect::<String>()
        };
        format!(
            "  cert_chain: |\n{}  private_key: |\n{}",
            indent(chain),
            indent(key)
        )
    };
    let (good, misfit) = (
        pem(CERTIFICATE, PRIVATE_KEY),
        pem(OTHER_CERTIFICATE, PRIVATE_KEY),
    );
    for (yaml, outcome, why) in [
        (
            format!("enable_ssl: true\ntls_pem:\n{good}"),
            "",
            "certificate and key fit",
        ),
        (
            format!("enable_ssl: true\ntls_pem:\n{misfit}"),
            "`tls_pem.private_key`: certificate and private key do not fit",
            "they do not",
        ),
        (
            format!("tls_pem:\n{misfit}"),
            "`tls_pem`: is not used, as `enable_ssl` is false (f.yml:2:3)",
            "what is not used may be wrong",
        ),
        (
            format!("backends:\n{misfit}"),
            "`backends.private_key`: certificate and private key do not fit",
            "the client certificate",
        ),
        (
            format!("nats:\n  tls_enabled: true\n{misfit}"),
            "`nats.private_key`: certificate and private key do not fit",
            "NATS' certificate",
        ),
        (
            format!("nats:\n  user: u\n{misfit}"),
            "",
            "without TLS it is not used",
        ),
        (
            pem("", PRIVATE_KEY).replace("  cert_chain: |\n", "backends:\n"),
            "`backends.cert_chain`: is required when `private_key` is given (f.yml:2:3)",
            "a key alone",
        ),
        (
            "enable_ssl: true\ntls_pem: {cert_chain: x, private_key: x}\n".into(),
            "`tls_pem.cert_chain`: no certificate found: a PEM block `-----BEGIN CERTIFICATE-----` is expected (f.yml:2:23)",
            "no PEM",
        ),
        (
            "nats: {hosts: [{hostname: 'nats://user:hush@host'}]}\n".into(),
            "`nats.hosts[0].hostname`: expected a host without a scheme (f.yml:1:27)",
            "a login in a host is not shown",
        ),
        (
            "targets: [{organization: o, space: s, app: a, adress: 'h:1'}]\n".into(),
            "`targets[0].address`: is required (f.yml:1:11)\nwarning: `targets[0].adress`: is not a key of promfetch; did you mean `targets[0].address`? (f.yml:1:55)",
            "the warning explains the problem",
        ),
        (
            "health_port: 8081\n".into(),
            "`health_port`: is not a key of promfetch; did you mean `health_check_port`? (f.yml:1:14)",
            "not `port`",
        ),
        (
            "port: 8080\n".into(),
            "`health_check_port`: expected another port than that of the API (`port`)",
            "the same port twice",
        ),
        (
            "port: 0\nhealth_check_port: 0\n".into(),
            "",
            "any free port twice",
        ),
        ("port: 9000\n".into(), "", "another port"),
        (
            "uaa: {url: 'https://u', cloud_controller: 'https://c', client_secret: hush}\n".into(),
            "`uaa.client_secret`: has no effect without `uaa.client_id`: give it, too (f.yml:1:71)",
            "the secret of nobody",
        ),
        (
            "uaa: {url: 'https://u', cloud_controller: 'https://c', client_id: p}\n".into(),
            "`uaa.client_id`: `base_url` is not set: the UAA sends people back to an address that only this machine has (f.yml:1:67)",
            "nobody would come back",
        ),
        (
            "skip_ssl_validation: on\n".into(),
            "`skip_ssl_validation`: certificates of instances are not checked: whoever is in between can read and change everything (f.yml:1:22)",
            "a risk",
        ),
        (
            "targets_allow: 0.0.0.0/0\n".into(),
            "`targets_allow`: allows every address, those of this machine and of the cloud's metadata service included (f.yml:1:16)",
            "a risk",
        ),
        (
            "max_inflight: 512MiB\n".into(),
            "`max_page`: is larger than `max_inflight`, which is reached first",
            "a bound that has no effect",
        ),
        (
            "port: 010\n".into(),
            "`port`: `010` is 8: a number with a leading zero is octal, as in Go (f.yml:1:7)",
            "octal",
        ),
        ("drain_wait: 20000000000\n".into(), "", "nanoseconds"),
        (
            "drain_wait: 20\n".into(),
            "`drain_wait`: `20` is 20ns: a number without a unit counts nanoseconds, as in Go (f.yml:1:13)",
            "allowed, but probably meant as seconds",
        ),
        (
            "fetch_timeout: 30\n".into(),
            "`fetch_timeout`: expected a duration from 100ms to 10m; a number without a unit counts nanoseconds, as in Go, not `30` (f.yml:1:16)",
            "probably meant as seconds",
        ),
        (
            "max_idle_conns: 0\nidle_conn_timeout: 0\n".into(),
            "",
            "no limit, as in Go",
        ),
        (
            "max_idle_conns: 100\npool_max_idle: 50\n".into(),
            "`max_idle_conns`: has no effect beside `pool_max_idle` (f.yml:1:17)",
            "the own key decides",
        ),
        (
            "idle_conn_timeout: 30\n".into(),
            "`idle_conn_timeout`: does not shorten the 1m30s of idle connections; `pool_idle_timeout` does (f.yml:1:20)",
            "promfetcher's usual value",
        ),
        (
            "external_exporters: [{host: a}, {host: a}]\n".into(),
            "`external_exporters[1]`: an earlier exporter has the same name: this one is called `a/metrics#2` (f.yml:1:33)",
            "one name twice",
        ),
        (
            "gorouter: {host: a}\nx-anchors: {a: b}\n".into(),
            "`gorouter`: is not a key of promfetch; did you mean `gorouters`? (f.yml:1:11)",
            "the form before 0.2",
        ),
        (
            "just text\n".into(),
            "expected a section with keys of its own, not a single value (f.yml:1:1)",
            "no YAML of ours",
        ),
        (
            "port: 1\nport: 2\n".into(),
            "the configuration file is not valid YAML: the key `port` stands twice in one section (f.yml:2:1)",
            "a key twice",
        ),
    ] {
        let said = match load(&yaml) {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        let said = said.join("\n");
        let lines = outcome.lines().count();
        assert!(
            if outcome.is_empty() {
                said.is_empty()
            } else {
                said.starts_with(outcome) && said.lines().count() == lines
            },
            "{why}: {said}"
        );
    }
}
