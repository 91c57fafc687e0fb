use promfetch_tests::certs::Authority;
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{Behaviour, Instance, Promfetch, config, eventually};
use serde_json::{Value, json};

fn with_certificate(authority: &Authority, target: &Value) -> Value {
    let identity = authority.issue(&["127.0.0.1", "localhost"]);
    config::with(json!({
        "targets": [target],
        "enable_ssl": true,
        "tls_pem": {"cert_chain": identity.certificate_pem, "private_key": identity.key_pem},
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_speaks_https_and_takes_a_new_certificate_while_it_runs() {
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let target = config::target(["acme", "prod", "shop"], 0, instance.address);
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let mut promfetch = Promfetch::start(&with_certificate(&old, &target)).await;
    promfetch.api = promfetch.api.replace("http://", "https://");
    promfetch.trust(old.client(None));
    assert!(
        promfetch
            .page("/v1/apps/acme/prod/shop/metrics")
            .await
            .has("a")
    );

    // The configuration file holds the certificate: a new one and SIGHUP are enough.
    std::fs::write(
        promfetch.folder.path().join("promfetch.yml"),
        with_certificate(&new, &target).to_string(),
    )
    .unwrap();
    promfetch.signal("HUP");
    promfetch.trust(new.client(None));
    eventually("the new certificate is used", async || {
        promfetch
            .try_get_with("/v1/apps/acme/prod/shop/metrics", &[])
            .await
            .ok()
    })
    .await;
    assert!(
        promfetch
            .page("/v1/apps/acme/prod/shop/metrics")
            .await
            .has("a")
    );

    // A broken one is refused with a word in the log, and the good one stays.
    std::fs::write(
        promfetch.folder.path().join("promfetch.yml"),
        "enable_ssl: true\ntls_pem: {cert_chain: nonsense, private_key: nonsense}\n",
    )
    .unwrap();
    let before = promfetch.log().len();
    promfetch.signal("HUP");
    eventually("the log tells of the broken certificate", async || {
        let log = promfetch.log();
        log.get(before..)
            .is_some_and(|log| log.contains("tls_pem") || log.contains("certificate"))
            .then_some(())
    })
    .await;
    assert!(
        promfetch
            .page("/v1/apps/acme/prod/shop/metrics")
            .await
            .has("a")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_fit_its_key_is_a_configuration_error() {
    let authority = Authority::new("a");
    let (one, other) = (
        authority.issue(&["localhost"]),
        authority.issue(&["localhost"]),
    );
    for pair in [
        json!({"cert_chain": one.certificate_pem, "private_key": other.key_pem}),
        json!({"cert_chain": "", "private_key": ""}),
        json!({"cert_chain": "nonsense", "private_key": one.key_pem}),
    ] {
        let (_folder, file) =
            config_file(&config::with(json!({"enable_ssl": true, "tls_pem": pair})).to_string());
        let finished = command(&["check-config", "-c", &file]).await;
        assert_eq!(finished.code, Some(64), "{}", finished.stderr);
        assert!(finished.stderr.contains("tls_pem"), "{}", finished.stderr);
        assert!(
            !finished.stderr.contains("PRIVATE KEY"),
            "no key in messages"
        );
    }
}
