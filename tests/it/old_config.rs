use promfetch_tests::certs::Authority;
use promfetch_tests::gorouter::{self, Gorouter};
use promfetch_tests::{App, Behaviour, Emitter, Instance, Nats, Promfetch, eventually, nats};

/// What every test adds to a file of promfetcher: loopback may be dialled.
const FOR_TESTS: &str = "targets_allow: [127.0.0.0/8]\n";

fn indented(pem: &str) -> String {
    pem.lines().map(|line| format!("    {line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_the_polling_versions_starts_promfetch() {
    let router = Gorouter::start().await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    router.add(&app, &instance);
    let address = router.config();
    // v0.4.3, as its BOSH release rendered it; `yes` is Go's YAML.
    let file = format!(
        "---\ngorouters:\n- host: {}\n  port: {}\n  user: {}\n  pass: {}\nlogging:\n  level: info\n  in_json: true\n  no_color: yes\nport: 8085\nhealth_check_port: 8080\n\
         skip_ssl_validation: true\nbroker:\n  broker_service_id: 75bcebab-cc25-4ef6-89dc-a91b953919f1\n  broker_plan_id: e2900be3-709b-419e-b63b-de3aabcd9e15\n  user: user\n  pass: password\n\
         db_conn: ''\nsql_cnx_max_idle: 5\nsql_cnx_max_open: 10\nsql_cnx_max_life: 1h\nnot_exit_when_conn_failed: true\nbase_url: http://localhost:8085/\n\
         max_idle_conns: 100\nmax_idle_conns_per_host: 2\nidle_conn_timeout: 30\ndisable_keep_alives: false\n{FOR_TESTS}",
        address["host"].as_str().unwrap(),
        address["port"],
        gorouter::USER,
        gorouter::PASSWORD,
    );
    let promfetch = Promfetch::start_unready(&file).await;
    promfetch.wait_ready().await;
    assert!(promfetch.page(&app.path("metrics")).await.has("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_the_nats_versions_starts_promfetch() {
    let authority = Authority::new("nats");
    let instances = Authority::new("instances");
    let router = instances.issue(&[promfetch_tests::certs::GOROUTER]);
    let api = authority.issue(&["localhost"]);
    let servers = [Nats::start_tls(&authority).await];
    let tls = servers[0].tls.clone().unwrap();
    let file = format!(
        "nats:\n  hosts:\n  - hostname: {}\n    port: {}\n  user: {}\n  pass: '{}'\n  tls_enabled: true\n  ca_certs: |\n{}  cert_chain: |\n{}  private_key: |\n{}\
         nats_client_ping_interval: 20s\nstart_response_delay_interval: 300000000\ndroplet_stale_threshold: 2m0s\nenable_http2: true\nindex: 0\n\
         logging: {{level: warn, in_json: false}}\nport: 8085\nhealth_check_port: 8080\nenable_ssl: false\ntls_pem:\n  cert_chain: |\n{}  private_key: |\n{}\
         ca_certs: |\n{}backends:\n  cert_chain: |\n{}  private_key: |\n{}  max_conns: 500\n\
         external_exporters: []\n{FOR_TESTS}",
        servers[0].host,
        servers[0].port,
        nats::USER,
        nats::PASSWORD,
        indented(&tls.ca),
        indented(&tls.certificate),
        indented(&tls.key),
        indented(&api.certificate_pem),
        indented(&api.key_pem),
        indented(&instances.pem()),
        indented(&router.certificate_pem),
        indented(&router.key_pem),
    );
    let promfetch = Promfetch::start_unready(&file).await;
    promfetch.wait_ready().await;
    let emitter = Emitter::connect(&servers, Some(&authority)).await;
    let app = App::new("acme", "prod", "shop");
    let options = promfetch_tests::instance::Options::mutual_tls(&instances, &app);
    let instance = Instance::start_with("0", Behaviour::page("a 1\n"), options).await;
    emitter.register(&app, &instance).await;
    eventually("the app is known", async || {
        (promfetch.get(&app.path("metrics")).await.status == 200).then_some(())
    })
    .await;
    assert!(promfetch.page(&app.path("metrics")).await.has("a"));
}
