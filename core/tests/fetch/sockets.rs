//! Targets behind Unix sockets: asked like all others, by whoever listens there now.

use std::path::{Path, PathBuf};

use http::header::HOST;
use promfetch_core::failure::Reason;
use promfetch_core::fetch::Target;
use promfetch_core::instance::{Address, Transport};
use tempfile::TempDir;

use crate::support::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.sock");
    (folder, path)
}

/// The target at this socket, as the routing table gives it.
fn at(path: &Path) -> Target {
    with(target("127.0.0.1:1".parse().unwrap()), |target| {
        target.address = Address::Unix(path.to_str().unwrap().into());
        target.host = "localhost".into();
        let located = target.instance.as_mut().unwrap();
        std::sync::Arc::make_mut(&mut located.instance).address = target.address.clone();
    })
}

#[tokio::test]
async fn connections_are_kept_and_the_host_is_localhost() {
    let (_folder, path) = folder();
    let server = Server::at_socket(&path, |_| async { answer(200, PAGE) });
    let client = Client::new(|_| ());
    for http2 in [false, true] {
        let target = || {
            with(at(&path), |target| {
                target.transport = Transport { tls: None, http2 }
            })
        };
        for _ in 0..3 {
            assert_page(&client.one(target()).await);
        }
    }
    assert_eq!(server.log.connections(), 2, "one for each version of HTTP");
    let seen = server.log.seen();
    assert_eq!(seen.len(), 6);
    assert_eq!(seen[0].headers[HOST], "localhost");
    assert_eq!(seen[5].uri.authority().unwrap(), "localhost");
}

#[tokio::test]
async fn redirects_stay_on_the_socket() {
    let (_folder, path) = folder();
    for (location, want) in [
        ("/there", Ok(())),
        ("http://localhost/there", Ok(())),
        ("http://10.0.0.1/there", Err(Reason::Redirect)),
        ("unix:///run/other.sock", Err(Reason::Redirect)),
    ] {
        let _ = std::fs::remove_file(&path);
        let _server = Server::at_socket(&path, move |request| async move {
            if request.uri().path() == "/there" {
                return answer(200, PAGE);
            }
            let mut moved = answer(302, "");
            let location = http::HeaderValue::from_static(location);
            moved.headers_mut().insert("location", location);
            moved
        });
        let outcome = Client::new(|_| ()).one(at(&path)).await;
        match want {
            Ok(()) => assert_page(&outcome),
            Err(reason) => assert_failure(&outcome, reason, location),
        }
    }
}

#[tokio::test]
async fn who_is_asked_is_who_listens_there_now() {
    let (_folder, path) = folder();
    let client = Client::new(|_| ());
    let first = Server::at_socket(&path, |_| async { answer(200, PAGE) });
    assert_page(&client.one(at(&path)).await);

    // The old one still has a connection that is open and idle.
    std::fs::remove_file(&path).unwrap();
    let second = Server::at_socket(&path, |_| async { answer(200, PAGE) });
    assert_page(&client.one(at(&path)).await);
    assert_eq!((first.log.connections(), second.log.connections()), (1, 1));

    std::fs::remove_file(&path).unwrap();
    let outcome = client.one(at(&path)).await;
    assert_failure(&outcome, Reason::Refused, "there is no such file");
    assert_failure(&outcome, Reason::Refused, path.to_str().unwrap());
    let outcome = client.one(at(&path)).await;
    assert_failure(&outcome, Reason::Skipped, "there is no such file");
}

#[tokio::test]
async fn only_trusted_targets_have_sockets_and_none_has_tls() {
    let (_folder, path) = folder();
    let server = Server::at_socket(&path, |_| async { answer(200, PAGE) });
    let client = Client::new(|_| ());
    let stranger = with(at(&path), |target| target.trusted = false);
    let outcome = client.one(stranger).await;
    assert_failure(&outcome, Reason::Skipped, "only the configuration");
    let tls = with(at(&path), |target| target.transport.tls = Some("".into()));
    let outcome = client.one(tls).await;
    assert_failure(&outcome, Reason::Tls, "TLS is not spoken over a socket");
    assert_eq!(server.log.connections(), 0);
}
