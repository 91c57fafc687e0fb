//! Asking UAA and the Cloud Controller over HTTP.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use promfetch_core::calls::Calls;
use promfetch_core::config::Secret;
use promfetch_core::{Error, Kind, tls};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

use crate::config::access::UaaConfig;

/// Longest time for one question with its answer.
const TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The platform cannot be asked. Why is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the platform does not answer whether this is allowed")]
pub(crate) struct Unavailable;

/// The two servers: their names for people, and for call metrics.
pub(super) const UAA: (&str, &str) = ("UAA", "uaa");
pub(super) const CLOUD_CONTROLLER: (&str, &str) = ("Cloud Controller", "cloud_controller");

/// One of the two servers.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Under which its calls are counted.
    api: &'static str,
    calls: Calls,
    name: &'static str,
    client: Client,
    /// Without a slash at its end.
    base: String,
    /// What was wrong last time, if anything: each kind of trouble is logged once.
    problem: Mutex<Option<String>>,
}

impl Upstream {
    /// The server `name` at this URL, with the certificates of the configuration. Its calls are counted as those of
    /// `api`.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when the URL or the certificates cannot be used.
    pub(super) fn new(
        (name, api): (&'static str, &'static str),
        url: &str,
        config: &UaaConfig,
        calls: &Calls,
    ) -> Result<Self, Error> {
        // The URL is not repeated: it could have a password in it.
        let wrong =
            |reason: &str| Error::new(Kind::Configuration, format!("the URL of {name} {reason}"));
        let parsed = Url::parse(url).map_err(|error| wrong("cannot be read").caused_by(error))?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(wrong("must begin with `https://`"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("must have no login in it"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("must end with its path"));
        }
        let roots = tls::roots(&config.ca_certs)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(roots, config.skip_ssl_validation, None))
            .no_proxy()
            // Who is sent elsewhere would take the token along.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| wrong("makes no HTTP client").caused_by(error))?;
        Ok(Self {
            api,
            calls: calls.clone(),
            name,
            client,
            base: url.trim_end_matches('/').to_owned(),
            problem: Mutex::default(),
        })
    }

    /// `GET` of a path, with a token if there is one: status and body, which has at most `most` bytes. `call` is its name
    /// among the calls.
    ///
    /// # Errors
    /// What went wrong, without URL and token, when there is no complete answer.
    pub(super) async fn get(
        &self,
        call: &'static str,
        path: &str,
        token: Option<&Secret>,
        most: usize,
    ) -> Result<(u16, Vec<u8>), String> {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(&token.0);
        }
        let _call = self.calls.call(self.api, call).start();
        receive(request, most).await
    }

    /// `POST` of a form to a path: status and body, which has at most `most` bytes.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) async fn post_form(
        &self,
        call: &'static str,
        path: &str,
        form: String,
        most: usize,
    ) -> Result<(u16, Vec<u8>), String> {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let _call = self.calls.call(self.api, call).start();
        receive(request, most).await
    }

    /// Logs when trouble begins, changes and ends, and gives it on without its words.
    pub(super) fn report<T>(&self, outcome: Result<T, String>) -> Result<T, Unavailable> {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(value) => {
                if known.take().is_some() {
                    tracing::info!(server = self.name, "answers again");
                }
                Ok(value)
            }
            Err(problem) => {
                if known.as_ref() != Some(&problem) {
                    tracing::warn!(server = self.name, url = self.base, %problem, "cannot be asked");
                    *known = Some(problem);
                }
                Err(Unavailable)
            }
        }
    }
}

/// Sends a request and reads the whole answer.
async fn receive(request: RequestBuilder, most: usize) -> Result<(u16, Vec<u8>), String> {
    let mut response = request
        .header("accept", "application/json")
        .send()
        .await
        .map_err(|error| describe(&error))?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| describe(&error))? {
        if body.len() + piece.len() > most {
            return Err(format!("the answer is longer than {most} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok((response.status().as_u16(), body))
}

/// An error of reqwest: its innermost cause, without the URL.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no complete answer within {} s", TIMEOUT.as_secs());
    }
    let mut cause = std::error::Error::source(error);
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| "the request failed".into())
}
