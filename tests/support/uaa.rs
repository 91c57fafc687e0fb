//! UAA and the Cloud Controller, as far as logins of the platform's users go: tokens with real signatures, the keys
//! to check them with, and who may see which app and which space. Both are one server, under paths that do not meet.
//! [`sign_in`] has the browser's way to a token.

pub mod sign_in;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::behaviour::{Answer, Behaviour, Seen};
use crate::certs::Authority;
use crate::instance::{Instance, Options};
use crate::net::fresh_ip;

/// How long tokens last, unless told otherwise.
pub const LIFETIME: Duration = Duration::from_secs(600);

/// What stands in front of ring's `RSAPublicKey` of 2048 bits in a `SubjectPublicKeyInfo` (RFC 8017, RFC 5280), which
/// is what PEM keys hold.
const PUBLIC_KEY_INFO: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];

/// The two servers.
#[derive(Debug)]
pub struct Uaa {
    server: Instance,
    /// Base URL of both.
    pub url: String,
    /// PEM of the issuer of the server's certificate; empty without TLS.
    ca_certs: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    issuer: String,
    /// Published keys. The last one signs.
    keys: Vec<SigningKey>,
    /// How many keys there were so far.
    made: usize,
    /// User and end (seconds since 1970) of each token that was issued.
    tokens: HashMap<String, (String, f64)>,
    /// Users with the apps that they may see.
    permitted: HashSet<(String, String)>,
    /// Users with the spaces that they may see.
    spaces: Vec<(String, String)>,
    sign_ins: sign_in::SignIns,
    /// Answered in place of the keys, and in place of an app.
    instead_of_keys: Option<Answer>,
    instead_of_apps: Option<Answer>,
    key_requests: u64,
    app_requests: u64,
    space_requests: u64,
}

struct SigningKey {
    id: String,
    pair: RsaKeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl SigningKey {
    /// ring makes no RSA keys: there are two, which take turns under new names.
    fn new(number: usize) -> Self {
        let pem = if number % 2 == 1 {
            include_str!("../data/uaa/key-1.pem")
        } else {
            include_str!("../data/uaa/key-2.pem")
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("a PEM key");
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
        Self {
            id: format!("key-{number}"),
            pair,
        }
    }

    /// As UAA writes it, with the zero that Java puts in front of the modulus.
    fn jwk(&self) -> Value {
        let PublicKeyComponents::<Vec<u8>> { n, e } = self.pair.public().into();
        let n = [vec![0], n].concat();
        let pem = STANDARD.encode([&PUBLIC_KEY_INFO, self.pair.public_key().as_ref()].concat());
        json!({
            "kty": "RSA",
            "e": URL_SAFE_NO_PAD.encode(e),
            "use": "sig",
            "kid": self.id,
            "alg": "RS256",
            "value": format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----"),
            "n": URL_SAFE_NO_PAD.encode(n),
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("the signature has its size");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl State {
    fn issue(&mut self, user: &str, changes: Value) -> String {
        let mut claims = claims(user, &self.issuer);
        let Value::Object(changes) = changes else {
            panic!("names and values are expected")
        };
        let members = claims.as_object_mut().expect("an object");
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
        let key = self.keys.last().expect("there is always a key");
        let token = key.sign(&header(&key.id), &claims);
        let expires = claims["exp"].as_f64().unwrap_or(0.0);
        self.tokens.insert(token.clone(), (user.into(), expires));
        token
    }

    /// Whose token this request has, if it still counts.
    fn user(&self, seen: &Seen) -> Option<String> {
        let token = seen.header("authorization").strip_prefix("Bearer ")?;
        let (user, expires) = self.tokens.get(token)?;
        (*expires > now() as f64).then(|| user.clone())
    }
}

impl Uaa {
    /// Over plain HTTP, with one key and nobody who may see anything.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With a certificate of this authority.
    pub async fn start_tls(authority: &Authority) -> Self {
        Self::start_with(Some(authority)).await
    }

    async fn start_with(authority: Option<&Authority>) -> Self {
        let state = Arc::new(Mutex::new(State {
            issuer: String::new(),
            keys: vec![SigningKey::new(1)],
            made: 1,
            tokens: HashMap::new(),
            permitted: HashSet::new(),
            spaces: Vec::new(),
            sign_ins: sign_in::SignIns::default(),
            instead_of_keys: None,
            instead_of_apps: None,
            key_requests: 0,
            app_requests: 0,
            space_requests: 0,
        }));
        let ip = fresh_ip();
        let options = Options {
            ip: Some(ip),
            tls: authority
                .map(|authority| authority.server(&authority.issue(&[&ip.to_string()]), false)),
            ..Options::default()
        };
        let server = Instance::start_with("0", serving(&state), options).await;
        let scheme = if server.tls { "https" } else { "http" };
        let url = format!("{scheme}://{}", server.address);
        state.lock().expect("no panic while locked").issuer = format!("{url}/oauth/token");
        Self {
            url,
            ca_certs: authority.map(Authority::pem).unwrap_or_default(),
            server,
            state,
        }
    }

    /// What tokens have as `iss`.
    pub fn issuer(&self) -> String {
        self.lock().issuer.clone()
    }

    /// The part of promfetch's configuration that names both servers.
    pub fn config(&self) -> Value {
        json!({
            "url": self.url,
            "issuer": self.issuer(),
            "audiences": ["cloud_controller"],
            "cloud_controller": self.url,
            "ca_certs": self.ca_certs,
        })
    }

    /// A token of this user, as `cf oauth-token` prints it behind `bearer`.
    pub fn token(&self, user: &str) -> String {
        self.token_with(user, json!({}))
    }

    /// The same, with these claims over the usual ones; `null` takes one out.
    ///
    /// # Panics
    /// When `changes` is no object.
    pub fn token_with(&self, user: &str, changes: Value) -> String {
        self.lock().issue(user, changes)
    }

    /// A token that looks right and was signed by somebody else.
    pub fn forged(&self, user: &str) -> String {
        let state = self.lock();
        let id = &state.keys.last().expect("there is always a key").id;
        let thief = SigningKey::new(state.made + 1);
        thief.sign(&header(id), &claims(user, &state.issuer))
    }

    /// The Cloud Controller does not know this token any more. Its signature stays right.
    pub fn revoke(&self, token: &str) {
        self.lock().tokens.remove(token);
    }

    /// From now on the user may see the app, or may not.
    pub fn permit(&self, user: &str, app_guid: &str, may: bool) {
        let pair = (user.to_owned(), app_guid.to_owned());
        let mut state = self.lock();
        if may {
            state.permitted.insert(pair);
        } else {
            state.permitted.remove(&pair);
        }
    }

    /// From now on the user may see the space.
    pub fn permit_space(&self, user: &str, space_guid: &str) {
        self.lock().spaces.push((user.into(), space_guid.into()));
    }

    /// Signs with a new key from now on. The old ones are still published.
    pub fn rotate(&self) {
        let mut state = self.lock();
        state.made += 1;
        let key = SigningKey::new(state.made);
        state.keys.push(key);
    }

    /// Publishes the newest key alone.
    pub fn withdraw_old_keys(&self) {
        let mut state = self.lock();
        let old = state.keys.len() - 1;
        state.keys.drain(..old);
    }

    /// UAA gives this answer in place of its keys, until told `None`.
    pub fn keys_answer(&self, answer: Option<Answer>) {
        self.lock().instead_of_keys = answer;
    }

    /// The Cloud Controller gives this answer whatever it is asked, until told `None`.
    pub fn apps_answer(&self, answer: Option<Answer>) {
        self.lock().instead_of_apps = answer;
    }

    /// Both behave like this, until told `None`: they hang, close connections or speak another protocol.
    pub fn outage(&self, behaviour: Option<Behaviour>) {
        self.server
            .becomes(behaviour.unwrap_or_else(|| serving(&self.state)));
    }

    /// How often the keys were asked for. What came in during an [`outage`](Self::outage) does not count.
    pub fn key_requests(&self) -> u64 {
        self.lock().key_requests
    }

    /// How often the Cloud Controller was asked for an app.
    pub fn app_requests(&self) -> u64 {
        self.lock().app_requests
    }

    /// How often the Cloud Controller was asked for spaces.
    pub fn space_requests(&self) -> u64 {
        self.lock().space_requests
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }
}

fn serving(state: &Arc<Mutex<State>>) -> Behaviour {
    let state = Arc::clone(state);
    Behaviour::answering(move |seen| {
        answer(seen, &mut state.lock().expect("no panic while locked"))
    })
}

fn answer(seen: &Seen, state: &mut State) -> Answer {
    if seen.path == "/token_keys" {
        state.key_requests += 1;
        let keys: Vec<_> = state.keys.iter().map(SigningKey::jwk).collect();
        return state
            .instead_of_keys
            .clone()
            .unwrap_or_else(|| json_answer(200, &json!({ "keys": keys })));
    }
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    match (seen.method.as_str(), path) {
        ("GET", "/oauth/authorize") => return sign_in::authorize(seen, query, state),
        ("POST", "/oauth/token") => return sign_in::token(seen, state),
        ("GET", "/v3/spaces") => return spaces(seen, query, state),
        _ => {}
    }
    let Some(guid) = seen.path.strip_prefix("/v3/apps/") else {
        return Answer::status(404);
    };
    state.app_requests += 1;
    if let Some(instead) = &state.instead_of_apps {
        return instead.clone();
    }
    // The bytes of GUIDs made by tests are the only ones that come encoded here.
    let guid = guid.replace("%2D", "-");
    match state.user(seen) {
        None => cloud_controller_error(401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token"),
        Some(user) if state.permitted.contains(&(user.clone(), guid.clone())) => json_answer(
            200,
            &json!({"guid": guid, "name": "app", "state": "STARTED"}),
        ),
        Some(_) => cloud_controller_error(404, 10010, "CF-ResourceNotFound", "App not found"),
    }
}

/// One page of the spaces that the user may see.
fn spaces(seen: &Seen, query: &str, state: &mut State) -> Answer {
    state.space_requests += 1;
    if let Some(instead) = &state.instead_of_apps {
        return instead.clone();
    }
    let Some(user) = state.user(seen) else {
        return cloud_controller_error(401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token");
    };
    let fields = sign_in::fields(query);
    let number = |name: &str, usual: usize| {
        let given = fields.get(name).and_then(|text| text.parse().ok());
        given.unwrap_or(usual)
    };
    let (page, per_page) = (number("page", 1), number("per_page", 50));
    let own = state.spaces.iter().filter(|(owner, _)| *owner == user);
    let all: Vec<_> = own
        .map(|(_, guid)| json!({"guid": guid, "name": "space"}))
        .collect();
    let of_page: Vec<_> = all
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let pagination =
        json!({"total_results": all.len(), "total_pages": all.len().div_ceil(per_page).max(1)});
    json_answer(
        200,
        &json!({"pagination": pagination, "resources": of_page}),
    )
}

fn cloud_controller_error(status: u16, code: u32, title: &str, detail: &str) -> Answer {
    let error = json!({"code": code, "title": title, "detail": detail});
    json_answer(status, &json!({ "errors": [error] }))
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "application/json;charset=utf-8".into())],
        body: body.to_string().into(),
    }
}

fn header(key_id: &str) -> Value {
    json!({"alg": "RS256", "jku": "https://uaa.test/token_keys", "kid": key_id, "typ": "JWT"})
}

/// What UAA writes for somebody who has logged in with the cf CLI.
fn claims(user: &str, issuer: &str) -> Value {
    let now = now();
    json!({
        "jti": Uuid::new_v4().simple().to_string(),
        "sub": Uuid::new_v4().to_string(),
        "scope": ["openid", "cloud_controller.read", "cloud_controller.write"],
        "client_id": "cf",
        "cid": "cf",
        "azp": "cf",
        "grant_type": "password",
        "user_name": user,
        "origin": "uaa",
        "iat": now,
        "exp": now + LIFETIME.as_secs(),
        "iss": issuer,
        "zid": "uaa",
        "aud": ["cloud_controller", "cf", "openid"],
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("it is later than 1970")
        .as_secs()
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::http;

    /// Status and body, with this token.
    async fn get(uaa: &Uaa, path: &str, token: &str) -> (u16, Value) {
        let login = format!("Bearer {token}");
        let answer = http::get(&format!("{}{path}", uaa.url), &[("authorization", &login)]).await;
        (
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or_default(),
        )
    }

    /// Whether one of the published keys has signed the token, as a JOSE library would find out.
    async fn is_signed(uaa: &Uaa, token: &str) -> bool {
        let (_, set) = get(uaa, "/token_keys", "").await;
        let (signed, signature) = token.rsplit_once('.').expect("a token");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let header = signed.split_once('.').expect("a token").0;
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url"))
                .expect("JSON");
        let keys = set["keys"].as_array().expect("a list");
        keys.iter()
            .filter(|key| key["kid"] == header["kid"])
            .any(|key| {
                let pem = key["value"].as_str().expect("a text");
                let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
                let info = STANDARD.decode(body).expect("base64");
                let key = info.strip_prefix(&PUBLIC_KEY_INFO).expect("a 2048 bit key");
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                    .verify(signed.as_bytes(), &signature)
                    .is_ok()
            })
    }

    #[tokio::test]
    async fn tokens_are_signed_with_published_keys() {
        let uaa = Uaa::start().await;
        let first = uaa.token("jane");
        assert!(is_signed(&uaa, &first).await);
        assert!(!is_signed(&uaa, &uaa.forged("jane")).await);
        uaa.rotate();
        let second = uaa.token("jane");
        assert!(is_signed(&uaa, &first).await && is_signed(&uaa, &second).await);
        assert!(!is_signed(&uaa, &uaa.forged("jane")).await);
        uaa.withdraw_old_keys();
        assert!(!is_signed(&uaa, &first).await && is_signed(&uaa, &second).await);
        assert_eq!(uaa.key_requests(), 7);
    }

    #[tokio::test]
    async fn apps_are_shown_to_those_who_may_see_them() {
        let uaa = Uaa::start().await;
        uaa.permit("jane", "app-1", true);
        let (jane, bob) = (uaa.token("jane"), uaa.token("bob"));
        let ended = uaa.token_with("jane", json!({"exp": 1000}));
        for (path, token, status, why) in [
            ("/v3/apps/app-1", jane.as_str(), 200, "permitted"),
            (
                "/v3/apps/app%2D1",
                &jane,
                200,
                "permitted, written otherwise",
            ),
            ("/v3/apps/app-2", &jane, 404, "another app"),
            ("/v3/apps/app-1", &bob, 404, "another user"),
            ("/v3/apps/app-1", &ended, 401, "an old token"),
            ("/v3/apps/app-1", &uaa.forged("jane"), 401, "not issued"),
            ("/v3/apps/app-1", "", 401, "no token"),
            ("/v3/roles", &jane, 404, "nothing else is here"),
        ] {
            let (got, body) = get(&uaa, path, token).await;
            assert_eq!(got, status, "{path}: {why}");
            assert_eq!(body["guid"] == "app-1", status == 200, "{path}: {why}");
        }
        assert_eq!(uaa.app_requests(), 7);
        uaa.revoke(&jane);
        assert_eq!(get(&uaa, "/v3/apps/app-1", &jane).await.0, 401);
        uaa.permit("jane", "app-1", false);
        assert_eq!(get(&uaa, "/v3/apps/app-1", &uaa.token("jane")).await.0, 404);
    }

    #[tokio::test]
    async fn each_part_can_fail_alone() {
        let uaa = Uaa::start().await;
        uaa.keys_answer(Some(Answer::status(503)));
        assert_eq!(get(&uaa, "/token_keys", "").await.0, 503);
        assert_eq!(get(&uaa, "/v3/apps/a", "").await.0, 401);
        uaa.keys_answer(None);
        uaa.apps_answer(Some(Answer::status(500)));
        assert_eq!(get(&uaa, "/token_keys", "").await.0, 200);
        assert_eq!(get(&uaa, "/v3/apps/a", "").await.0, 500);
        uaa.apps_answer(None);
        uaa.outage(Some(Behaviour::CloseUnanswered));
        let keys = format!("{}/token_keys", uaa.url);
        assert!(http::try_get(&keys, &[]).await.is_err());
        uaa.outage(None);
        assert_eq!(get(&uaa, "/token_keys", "").await.0, 200);
    }

    #[tokio::test]
    async fn with_tls_the_certificate_is_for_its_address() {
        let authority = Authority::new("platform");
        let uaa = Uaa::start_tls(&authority).await;
        let client = Arc::new(authority.client(None));
        let answer = http::request("GET", &format!("{}/token_keys", uaa.url), &[], Some(client))
            .await
            .expect("the certificate fits");
        assert_eq!(answer.status, 200);
        assert_eq!(uaa.config()["ca_certs"], authority.pem());
    }
}
