//! For the tests of this folder: keys as UAA has them, tokens signed with them, and a server that plays UAA and the
//! Cloud Controller.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::access::UaaConfig;

/// A key pair of the repository's test data.
pub(super) struct Pair(RsaKeyPair);

impl Pair {
    /// Number 1 or 2.
    pub(super) fn new(number: u8) -> Self {
        let pem = match number {
            1 => include_str!("../../../tests/data/uaa/key-1.pem"),
            _ => include_str!("../../../tests/data/uaa/key-2.pem"),
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        Self(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap())
    }

    /// Its `n` and `e`, and with UAA's zero in front.
    pub(super) fn components(&self) -> (String, String) {
        let PublicKeyComponents::<Vec<u8>> { n, e } = self.0.public().into();
        let n = [vec![0], n].concat();
        (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e))
    }

    /// Its element of `/token_keys`.
    pub(super) fn jwk(&self, id: &str) -> Value {
        let (n, e) = self.components();
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": n, "e": e, "value": "-----BEGIN PUBLIC KEY-----"})
    }

    /// A token of these texts, whatever they are.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token of `jane` as UAA makes them, for ten minutes, signed as key `id`.
    pub(super) fn token(&self, id: &str, issuer: &str) -> String {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let header = json!({"alg": "RS256", "jku": "https://evil.example/token_keys", "kid": id, "typ": "JWT"});
        let claims = json!({"iss": issuer, "aud": ["cloud_controller", "cf"], "user_name": "jane", "client_id": "cf",
            "jti": "0c8f1b3d", "iat": now, "exp": now + 600});
        self.sign(&header.to_string(), &claims.to_string())
    }
}

type Respond = dyn Fn(&Request) -> BoxFuture<'static, (u16, String)> + Send + Sync;

/// A server on a free port. Ends when it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    respond: Arc<Mutex<Arc<Respond>>>,
    seen: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Server {
    /// A server that answers each request with status and body.
    pub(super) async fn start(
        respond: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let respond: Arc<Mutex<Arc<Respond>>> = Arc::new(Mutex::new(immediately(respond)));
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let handler = {
            let (respond, seen) = (Arc::clone(&respond), Arc::clone(&seen));
            move |request: Request| {
                seen.lock().unwrap().push(request.uri().to_string());
                let respond = Arc::clone(&respond.lock().unwrap());
                let answer = respond(&request);
                async move {
                    let (status, body) = answer.await;
                    (StatusCode::from_u16(status).unwrap(), body)
                }
            }
        };
        let router = Router::new().fallback(handler);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            url,
            respond,
            seen,
            serving,
        }
    }

    /// Answers like this from now on.
    pub(super) fn becomes(
        &self,
        respond: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
    ) {
        *self.respond.lock().unwrap() = immediately(respond);
    }

    /// Answers like this from now on, when the future is ready.
    pub(super) fn becomes_slow(
        &self,
        respond: impl Fn(&Request) -> BoxFuture<'static, (u16, String)> + Send + Sync + 'static,
    ) {
        *self.respond.lock().unwrap() = Arc::new(respond);
    }

    /// The paths that were asked for so far.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// A configuration with this server as both.
    pub(super) fn config(&self) -> UaaConfig {
        UaaConfig {
            url: self.url.clone(),
            audiences: vec!["promfetch".into(), "cloud_controller".into()],
            cloud_controller: format!("{}/", self.url),
            ..UaaConfig::default()
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn immediately(
    respond: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
) -> Arc<Respond> {
    Arc::new(move |request| Box::pin(std::future::ready(respond(request))))
}

/// The time passes for tokio's clock. It stands still only here: while it does, time-outs of connections would end at
/// the first moment without work.
pub(super) async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
