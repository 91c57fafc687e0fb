//! Apps of a promfetch that runs somewhere.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use promfetch_core::config::Secret;
use promfetch_core::error::chain;
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use promfetch_core::{Error, Kind};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Certificate, Client, Identity, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::MAX_PAGE;

/// What the endpoint may take beyond the time that it was given, to say so.
const MARGIN: Duration = Duration::from_secs(2);
/// Longest error text, in bytes.
const MAX_ERROR: usize = 1024;
/// Largest file with certificates or a key.
const MAX_FILE: u64 = 1 << 20;

/// Where it is, and how to get in.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) ca_cert_file: String,
    pub(super) cert_file: String,
    pub(super) key_file: String,
    pub(super) skip_verify: bool,
}

/// Whether this is the address of a promfetch.
pub(super) fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

fn parse(text: &str) -> Result<Url, String> {
    let expected = "expected a URL with `http://` or `https://`";
    let url = Url::parse(text).map_err(|error| format!("{expected}: {error}"))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(expected.into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the login does not stand in the URL but in `username` and `password`".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{expected}, without `?` and `#`"));
    }
    Ok(url)
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    url: Url,
    client: Client,
    login: Option<(String, Secret)>,
}

impl Endpoint {
    pub(super) fn new(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let wrong = |error: String| Error::new(Kind::Configuration, error);
        let url = parse(&settings.url).map_err(|error| wrong(format!("`endpoint`: {error}")))?;
        let mut client = Client::builder()
            .timeout(timeout + MARGIN)
            // A redirect would carry the login elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(settings.skip_verify);
        if !settings.ca_cert_file.is_empty() {
            let pem = read("ca_cert_file", &settings.ca_cert_file)?;
            let issuers = Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(format!("`ca_cert_file`: {}", chain(&error))))?;
            if issuers.is_empty() {
                return Err(wrong(
                    "`ca_cert_file` has no certificate in PEM form".into(),
                ));
            }
            client = client.tls_certs_only(issuers);
        }
        match (settings.cert_file.as_str(), settings.key_file.as_str()) {
            ("", "") => {}
            (cert, key) if cert.is_empty() || key.is_empty() => {
                return Err(wrong("`cert_file` and `key_file` go together".into()));
            }
            (cert, key) => {
                let mut pem = read("cert_file", cert)?;
                pem.push(b'\n');
                pem.extend(read("key_file", key)?);
                let identity = Identity::from_pem(&pem).map_err(|error| {
                    wrong(format!("`cert_file` and `key_file`: {}", chain(&error)))
                })?;
                client = client.identity(identity);
            }
        }
        let login = !settings.username.is_empty() || !settings.password.0.is_empty();
        Ok(Self {
            url,
            client: client.build().map_err(|error| wrong(chain(&error)))?,
            login: login.then(|| (settings.username.clone(), settings.password.clone())),
        })
    }

    /// The apps that this login may see.
    pub(super) async fn apps(&self) -> Result<Vec<App>, Error> {
        let request = self.get("/v1/sd", None).header(ACCEPT, "application/json");
        let body = self.answer(request).await?;
        let groups: Vec<Group> = serde_json::from_slice(&body).map_err(|error| {
            Error::new(
                Kind::Unavailable,
                format!("{} is no list of targets of promfetch: {error}", self.url),
            )
        })?;
        Ok(groups
            .into_iter()
            .map(|group| group.labels)
            .filter(|labels| labels.departed != "true")
            .map(App::from)
            .collect())
    }

    pub(super) async fn page(
        &self,
        selector: &Selector,
        timeout: Duration,
    ) -> Result<Bytes, Error> {
        let request = match selector {
            Selector::Route(route) => self.get("/v1/apps/metrics", Some(("route_url", route))),
            named => self.get(&format!("/v1/apps/{named}/metrics"), None),
        };
        let request = request.header(ACCEPT, "text/plain;version=0.0.4").header(
            "x-prometheus-scrape-timeout-seconds",
            timeout.as_secs_f64().to_string(),
        );
        self.answer(request).await
    }

    fn get(&self, path: &str, query: Option<(&str, &str)>) -> RequestBuilder {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let request = self.client.get(url);
        match &self.login {
            None => request,
            Some((name, password)) => request.basic_auth(name, Some(&password.0)),
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Bytes, Error> {
        let failed = |error: &reqwest::Error| {
            Error::new(Kind::Unavailable, format!("{}: {}", self.url, chain(error)))
        };
        let mut response = request
            .send()
            .await
            .map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        let most = if status.is_success() {
            MAX_PAGE
        } else {
            MAX_ERROR
        };
        let mut body = BytesMut::new();
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| failed(&error.without_url()))?
        {
            if body.len() + piece.len() > most {
                if status.is_success() {
                    return Err(Error::new(
                        Kind::Unavailable,
                        format!("{}: the answer has more than {most} bytes", self.url),
                    ));
                }
                break;
            }
            body.extend_from_slice(&piece);
        }
        if status.is_success() {
            return Ok(body.freeze());
        }
        Err(refused(&self.url, &response, status, &body))
    }
}

/// An answer that is no page: promfetch's own words are one line.
fn refused(url: &Url, response: &Response, status: StatusCode, body: &[u8]) -> Error {
    let kind = match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::SERVICE_UNAVAILABLE => Kind::NotReady,
        _ => Kind::Unavailable,
    };
    let is_text = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .is_some_and(|of: &HeaderValue| of.as_bytes().starts_with(b"text/plain"));
    let words: String = String::from_utf8_lossy(body)
        .trim()
        .chars()
        .filter(|char| !char.is_control())
        .collect();
    match (status, is_text && !words.is_empty()) {
        (StatusCode::UNAUTHORIZED, _) => Error::new(
            kind,
            format!(
                "{url} wants a login: set `username` and `password`, of an operator or a binding"
            ),
        ),
        (_, true) => Error::new(kind, format!("{url}: {words}")),
        (_, false) => Error::new(kind, format!("{url} answered {status}")),
    }
}

fn read(key: &str, file: &str) -> Result<Vec<u8>, Error> {
    let cannot = |why: String| Error::new(Kind::Configuration, format!("`{key}`: {file} {why}"));
    let length = std::fs::metadata(Path::new(file))
        .map_err(|error| cannot(format!("cannot be read: {error}")))?
        .len();
    if length > MAX_FILE {
        return Err(cannot(format!("has more than {MAX_FILE} bytes")));
    }
    std::fs::read(file).map_err(|error| cannot(format!("cannot be read: {error}")))
}

/// A target of `/v1/sd`.
#[derive(Deserialize)]
struct Group {
    labels: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, rename = "__meta_promfetch_organization_name")]
    organization_name: Box<str>,
    #[serde(default, rename = "__meta_promfetch_organization_id")]
    organization_id: Box<str>,
    #[serde(default, rename = "__meta_promfetch_space_name")]
    space_name: Box<str>,
    #[serde(default, rename = "__meta_promfetch_space_id")]
    space_id: Box<str>,
    #[serde(default, rename = "__meta_promfetch_app_name")]
    app_name: Box<str>,
    #[serde(default, rename = "__meta_promfetch_app_id")]
    app_id: Box<str>,
    #[serde(default, rename = "__meta_promfetch_process_type")]
    process_type: Box<str>,
    #[serde(default, rename = "__meta_promfetch_departed")]
    departed: String,
}

impl From<Meta> for App {
    fn from(meta: Meta) -> Self {
        Self {
            organization_id: meta.organization_id,
            space_id: meta.space_id,
            app_id: meta.app_id,
            organization_name: meta.organization_name,
            space_name: meta.space_name,
            app_name: meta.app_name,
            process_type: meta.process_type,
            ..Self::default()
        }
    }
}
