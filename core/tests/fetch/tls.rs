//! TLS to instances: each has a certificate for its own GUID and wants one of the platform's.

use std::sync::atomic::Ordering;

use promfetch_core::Kind;
use promfetch_core::config::{Config, Secret};
use promfetch_core::failure::{Effect, Reason};
use promfetch_core::fetch::Target;

use crate::support::*;

const GUID: &str = "c6e2c9be-17cc-50d8-979d-02e4";
const ROUTER: &str = "gorouter.service.cf.internal";

fn named(server: &Server, name: &str) -> Target {
    with(server.target(), |target| {
        target.transport.tls = Some(name.into())
    })
}

fn identify(config: &mut Config, pair: Pair) {
    config.fetch.cert_chain = pair.chain;
    config.fetch.private_key = Secret(pair.key);
}

async fn page(authority: &Authority, name: &str, wants_client: bool) -> Server {
    Server::start_tls(
        authority.server(name, wants_client, &[b"http/1.1"]),
        |_| async { answer(200, PAGE) },
    )
    .await
}

#[tokio::test]
async fn both_sides_show_a_certificate() {
    let authority = Authority::new();
    let server = page(&authority, GUID, true).await;
    let client = Client::new(|config| {
        config.fetch.ca_certs = authority.pem.clone();
        identify(config, authority.issue(ROUTER));
    });
    for _ in 0..2 {
        assert_page(&client.one(named(&server, GUID)).await);
    }
    assert_eq!(server.log.connections(), 1);
    assert_eq!(*server.log.server_names.lock().unwrap(), [GUID]);
    assert!(server.log.clients.lock().unwrap()[0].contains(ROUTER));
    assert_eq!(
        server.log.seen()[0].headers["host"],
        "shop.example.org",
        "dialled, verified and sent are three names"
    );
}

#[tokio::test]
async fn a_wrong_name_means_that_the_instance_is_gone() {
    let authority = Authority::new();
    let server = page(&authority, "another-guid", false).await;
    let client = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    let outcome = client.one(named(&server, GUID)).await;
    assert_failure(&outcome, Reason::Gone, "another-guid");
    assert_eq!(failure(&outcome).reason.effect(), Effect::Remove);
    assert!(
        server.log.seen().is_empty(),
        "nothing was sent to a stranger"
    );
    // It is for discovery to act: a new registration of the same address is asked at once.
    assert_page(&client.one(named(&server, "another-guid")).await);
}

#[tokio::test]
async fn without_a_name_the_address_is_verified() {
    let authority = Authority::new();
    let (right, wrong) = (
        page(&authority, "127.0.0.1", false).await,
        page(&authority, "127.0.0.2", false).await,
    );
    let client = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    assert_page(&client.one(named(&right, "")).await);
    assert_failure(
        &client.one(named(&wrong, "")).await,
        Reason::Gone,
        "127.0.0.2",
    );
}

#[tokio::test]
async fn a_refused_client_certificate_is_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (pair, text) in [
        (None, "wants a client certificate"),
        (
            Some(stranger.issue(ROUTER)),
            "refuses the client certificate",
        ),
    ] {
        // Under TLS 1.3 the refusal comes after the handshake, at a moment that differs from run to run.
        for _ in 0..20 {
            let server = page(&authority, GUID, true).await;
            let client = Client::new(|config| {
                config.fetch.ca_certs = authority.pem.clone();
                if let Some(pair) = pair.clone() {
                    identify(config, pair);
                }
            });
            assert_failure(&client.one(named(&server, GUID)).await, Reason::Tls, text);
        }
    }
}

#[tokio::test]
async fn other_tls_failures_say_what_is_wrong() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let untrusted = page(&stranger, GUID, false).await;
    let plain = Server::page().await;
    let silent = Server::bytes("").await;
    let client = Client::new(|config| config.fetch.ca_certs = authority.pem.clone());
    assert_failure(
        &client.one(named(&untrusted, GUID)).await,
        Reason::Tls,
        "ca_certs",
    );
    let outcome = client.one(named(&plain, GUID)).await;
    assert_eq!(
        failure(&outcome).reason,
        Reason::Tls,
        "{}",
        failure(&outcome)
    );
    drop(silent);
    let careless = Client::new(|config| config.fetch.skip_ssl_validation = true);
    assert_page(&careless.one(named(&untrusted, GUID)).await);
}

#[tokio::test]
async fn a_new_identity_is_used_at_once() {
    let authority = Authority::new();
    let server = page(&authority, GUID, true).await;
    let client = Client::new(|config| {
        config.fetch.ca_certs = authority.pem.clone();
        identify(config, authority.issue("old.example.org"));
    });
    assert_page(&client.one(named(&server, GUID)).await);
    let pair = authority.issue("new.example.org");
    client
        .fetcher
        .reload_identity(&pair.chain, &pair.key)
        .unwrap();
    server.log.wait_closed(1).await;
    assert_page(&client.one(named(&server, GUID)).await);
    {
        let clients = server.log.clients.lock().unwrap();
        assert_eq!(clients.len(), 2);
        assert!(
            clients[0].contains("old.example.org") && clients[1].contains("new.example.org"),
            "a resumed session would show the old one"
        );
    }
    assert_eq!(server.log.resumed.load(Ordering::SeqCst), 0);

    let error = client
        .fetcher
        .reload_identity(&pair.chain, "no key")
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert_page(&client.one(named(&server, GUID)).await);
}

#[tokio::test]
async fn a_second_connection_resumes_the_session() {
    let authority = Authority::new();
    let server = page(&authority, GUID, false).await;
    let client = Client::new(|config| {
        config.fetch.ca_certs = authority.pem.clone();
        config.fetch.keep_alive = false;
    });
    for _ in 0..3 {
        assert_page(&client.one(named(&server, GUID)).await);
    }
    assert_eq!(server.log.connections(), 3);
    assert_eq!(server.log.resumed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn exporters_do_not_see_the_client_certificate() {
    let authority = Authority::new();
    let server = page(&authority, "exporter.example.org", true).await;
    let client = Client::new(|config| {
        config.fetch.ca_certs = authority.pem.clone();
        identify(config, authority.issue(ROUTER));
    });
    let exporter = with(named(&server, "exporter.example.org"), |target| {
        target.instance = None;
        target.exporter = Some("blackbox".into());
    });
    assert_failure(
        &client.one(exporter).await,
        Reason::Tls,
        "wants a client certificate",
    );
    assert_page(&client.one(named(&server, "exporter.example.org")).await);
}

#[test]
fn a_broken_identity_is_a_configuration_error() {
    let mut registry = prometheus_client::registry::Registry::default();
    let calls = promfetch_core::calls::Calls::register(&mut registry);
    let mut config = Config::default();
    config.fetch.cert_chain = "garbage".into();
    let error = promfetch_core::fetch::Fetcher::new(&config, &calls, &mut registry).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
}
