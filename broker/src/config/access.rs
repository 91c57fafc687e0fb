//! Who may read what.

use promfetch_core::config::Secret;
use promfetch_core::config::reader::At;
use promfetch_core::tls::add_issuers;
use rustls::RootCertStore;

use super::Broker;

/// How strictly callers are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whoever reaches the port reads everything.
    Open,
    /// The same, but who would be refused is counted and logged.
    Audit,
    /// Reading needs a login.
    Protected,
}

/// `access`, `operators` and `uaa`.
#[derive(Clone, Debug)]
pub struct Access {
    pub mode: Mode,
    pub operators: Vec<Operator>,
    pub uaa: Option<UaaConfig>,
}

/// Somebody who may read everything.
#[derive(Clone, Debug)]
pub struct Operator {
    pub name: String,
    /// In the form of PHC strings.
    pub password_hash: Secret,
}

/// Where tokens come from, and who says what their users may see.
#[derive(Clone, Debug, Default)]
pub struct UaaConfig {
    /// No slash at its end.
    pub url: String,
    pub issuer: String,
    pub audiences: Vec<String>,
    /// Where browsers reach the UAA; no slash at its end.
    pub login_url: String,
    /// The client under which people sign in with a browser; empty: they cannot.
    pub client_id: String,
    /// Empty: the client has none.
    pub client_secret: Secret,
    /// No slash at its end.
    pub cloud_controller: String,
    /// PEM; besides the system's.
    pub ca_certs: String,
    pub skip_ssl_validation: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            mode: Mode::Open,
            operators: Vec::new(),
            uaa: None,
        }
    }
}

pub(super) fn read(root: &At<'_>, broker: &Broker) -> Access {
    let mode = match root.text("access").as_str() {
        "audit" => Mode::Audit,
        "protected" => Mode::Protected,
        _ => Mode::Open,
    };
    let mut operators: Vec<Operator> = Vec::new();
    for at in root.sections("operators") {
        let operator = Operator {
            name: at.text("name"),
            password_hash: at.secret("password_hash"),
        };
        if operator.name.is_empty() {
            at.section("name").problem("is required");
        } else if operator.name.contains(':') {
            at.section("name")
                .problem("must not have a colon: it separates name and password (RFC 7617)");
        } else if operators.iter().any(|other| other.name == operator.name) {
            at.section("name")
                .problem("is the name of another operator");
        }
        if operator.password_hash.0.is_empty() && !at.is_given("password_hash") {
            at.section("password_hash")
                .problem("is required: `promfetch hash-password` makes one");
        }
        operators.push(operator);
    }
    let uaa = root.is_given("uaa").then(|| read_uaa(&root.section("uaa")));
    if uaa.as_ref().is_some_and(|uaa| !uaa.client_id.is_empty()) && !root.is_given("base_url") {
        root.section("uaa").section("client_id").warn("`base_url` is not set: the UAA sends people back to an address that only this machine has");
    }
    // Bindings have credentials where there is a key to make them, and a database to keep them.
    let has_store = root.is_given("db_conn") || broker.logins().is_ok();
    let has_bindings = has_store && !broker.secret_key.0.is_empty();
    let nobody = operators.is_empty() && uaa.is_none() && !has_bindings;
    if mode == Mode::Protected && nobody {
        root.section("access").problem("nobody could read anything: give `operators`, `uaa`, or a broker with a `secret_key` for the credentials of bindings");
    }
    Access {
        mode,
        operators,
        uaa,
    }
}

fn read_uaa(at: &At<'_>) -> UaaConfig {
    let address = |key: &str| {
        let url = at.text_if_any(key);
        if url.is_none() && !at.is_given(key) {
            at.section(key).problem("is required");
        }
        url.unwrap_or_default().trim_end_matches('/').to_owned()
    };
    let url = address("url");
    let cloud_controller = address("cloud_controller");
    let audiences = at.texts("audiences");
    let client_id = at.text("client_id");
    let skip_ssl_validation = at.boolean("skip_ssl_validation");
    if skip_ssl_validation {
        at.section("skip_ssl_validation").warn("the certificates of the UAA and the Cloud Controller go unchecked: whoever can answer in their place decides who reads what");
    }
    let ca_certs = at.text("ca_certs");
    if let Err(error) = add_issuers(&mut RootCertStore::empty(), &ca_certs) {
        at.section("ca_certs").problem(error.to_string());
    }
    if client_id.is_empty() {
        for key in ["client_secret", "login_url"] {
            if at.is_given(key) {
                at.section(key)
                    .problem("has no effect without `uaa.client_id`: give it, too");
            }
        }
    }
    UaaConfig {
        login_url: at
            .text_if_any("login_url")
            .map_or_else(|| url.clone(), |url| url.trim_end_matches('/').to_owned()),
        client_id,
        client_secret: at.secret("client_secret"),
        issuer: at
            .text_if_any("issuer")
            .unwrap_or_else(|| format!("{url}/oauth/token")),
        audiences: if audiences.is_empty() {
            vec!["cloud_controller".into()]
        } else {
            audiences
        },
        ca_certs,
        url,
        cloud_controller,
        skip_ssl_validation,
    }
}
