//! Asking a running promfetch.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promfetch_core::error::chain;
use promfetch_core::selector::Selector;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;

use super::Failure;

/// What the server may take beyond the time that it was given, to say so.
const MARGIN: Duration = Duration::from_secs(2);
/// Longest error text shown, in bytes.
const MAX_ERROR: usize = 4096;
/// Longest login, in bytes: tokens list all that their user may do.
const MAX_LOGIN: u64 = 16 << 10;
/// Most bytes of an answer that is not printed as it comes.
const MAX_ANSWER: usize = 128 << 20;

/// The options of a command that asks either a running promfetch or the configuration's sources.
#[derive(Debug, clap::Args)]
pub(super) struct Running {
    /// Ask the promfetch that listens here, instead of the configuration's sources.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub(super) url: Option<String>,
    /// With `--url`: log in with what is in this file, `NAME:PASSWORD` or a token; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) login: Option<PathBuf>,
    /// With `--url`: do not check the server's certificate.
    #[arg(short = 'k', long, requires = "url")]
    pub(super) insecure: bool,
}

/// Where a promfetch runs.
#[derive(Debug)]
pub(super) struct Base(Url);

/// A promfetch that runs somewhere.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) base: Base,
    client: Client,
    login: Option<HeaderValue>,
}

impl Base {
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::usage(format!(
                "`--url {text}`: {why}, such as `http://127.0.0.1:8085`"
            ))
        };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) || url.cannot_be_a_base() {
            return Err(wrong("an address with http or https is expected"));
        }
        Ok(Self(url))
    }

    /// The address of a path, encoded as it is to stand there, with those parameters that have a value.
    pub(super) fn url(&self, path: &str, query: &[(&str, Option<&str>)]) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url.set_query(None);
        let given: Vec<_> = query
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)))
            .collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        url
    }

    /// The address of what is at `end` below an app. A route goes into the query: only there it may have a scheme and
    /// a path.
    pub(super) fn of_app(
        &self,
        selector: &Selector,
        end: &str,
        query: &[(&str, Option<&str>)],
    ) -> Url {
        let (path, route) = match selector {
            Selector::Route(route) => (format!("/v1/apps/{end}"), Some(&**route)),
            named => (format!("/v1/apps/{named}/{end}"), None),
        };
        let mut all = vec![("route_url", route)];
        all.extend_from_slice(query);
        self.url(&path, &all)
    }
}

impl Server {
    /// `patience` is the longest that anything is waited for.
    pub(super) fn new(
        base: &str,
        login: Option<&Path>,
        insecure: bool,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let base = Base::read(base)?;
        let client = Client::builder()
            .tls_danger_accept_invalid_certs(insecure)
            .timeout(patience + MARGIN)
            .build()
            .map_err(plain)?;
        Ok(Self {
            base,
            client,
            login: login.map(read_login).transpose()?,
        })
    }

    /// A request with the login.
    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        let request = self.client.get(url);
        match &self.login {
            None => request,
            Some(login) => request.header(AUTHORIZATION, login.clone()),
        }
    }

    /// The status and the JSON of an answer, also of an error.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<(u16, Value), Failure> {
        let response = request
            .header(ACCEPT, "application/json")
            .send()
            .await
            .map_err(plain)?;
        let status = response.status();
        let body = body(response).await?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok((status.as_u16(), value)),
            // Something in between has answered, or it is no promfetch.
            Err(_) if !status.is_success() => Err(Failure::failed(format!(
                "{}: {}",
                self.base.0,
                text(&body, &status.to_string())
            ))),
            Err(error) => Err(Failure::failed(format!(
                "{}: what came is no answer of promfetch: {error}",
                self.base.0
            ))),
        }
    }
}

/// The whole body, which has a bound.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(plain)? {
        if all.len() + piece.len() > MAX_ANSWER {
            return Err(Failure::failed(format!(
                "the answer has more than {MAX_ANSWER} bytes"
            )));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// The error's own words, which for promfetch are one line.
pub(super) async fn reason(mut response: Response) -> String {
    let status = response.status();
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= MAX_ERROR {
            break;
        }
    }
    text(&body, &status.to_string())
}

/// What a proxy in between says may hold anything, also codes that a terminal obeys.
fn text(body: &[u8], otherwise: &str) -> String {
    let body = String::from_utf8_lossy(body.get(..MAX_ERROR).unwrap_or(body));
    let text: String = body
        .trim()
        .chars()
        .filter(|char| !char.is_control() || *char == '\n')
        .collect();
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

/// With its causes, and a way out: reqwest's own text leaves out what helps.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` takes"
)]
pub(super) fn plain(error: reqwest::Error) -> Failure {
    let way_out = if error.is_connect() {
        "\nis promfetch running there? `--url` says where to ask"
    } else {
        ""
    };
    Failure::failed(chain(&error) + way_out)
}

/// The `Authorization` of a file with `NAME:PASSWORD` or a token; `-` is standard input.
fn read_login(file: &Path) -> Result<HeaderValue, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(MAX_LOGIN).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_LOGIN).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::failed(format!("the login {}: {error}", file.display())))?;
    authorization(text.trim()).ok_or_else(|| {
        Failure::usage(format!(
            "{} holds neither `NAME:PASSWORD` nor a token",
            file.display()
        ))
    })
}

fn authorization(login: &str) -> Option<HeaderValue> {
    // As `cf oauth-token` prints it.
    let token = login.strip_prefix("bearer ").unwrap_or(login);
    let text = match login.split_once(':') {
        Some(_) => format!("Basic {}", STANDARD.encode(login)),
        None if token.is_empty() || token.contains(char::is_whitespace) => return None,
        None => format!("Bearer {token}"),
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_an_app() {
        for (base, selector, query, want) in [
            (
                "http://h:1",
                "o/s/a%2Fb",
                None,
                "http://h:1/v1/apps/o/s/a%2Fb/instances",
            ),
            (
                "https://h/below/?old=1",
                "x.example",
                Some("a b"),
                "https://h/below/v1/apps/instances?route_url=x.example&metric_path=a+b",
            ),
        ] {
            let selector = Selector::parse(selector).unwrap();
            let base = Base::read(base).unwrap();
            let url = base.of_app(&selector, "instances", &[("metric_path", query)]);
            assert_eq!(url.as_str(), want);
        }
    }

    #[test]
    fn an_address_that_is_none_says_what_is_expected() {
        for (text, want) in [
            (
                "h:1",
                "`--url h:1`: an address with http or https is expected, such as `http://127.0.0.1:8085`",
            ),
            (
                "nonsense",
                "`--url nonsense`: relative URL without a base, such as `http://127.0.0.1:8085`",
            ),
        ] {
            assert_eq!(Base::read(text).unwrap_err().message, want);
        }
    }

    #[test]
    fn a_login_is_a_pair_or_a_token() {
        for (text, want, why) in [
            ("u:p", Some("Basic dTpw"), "a pair"),
            ("u:p:q", Some("Basic dTpwOnE="), "colons in the password"),
            ("a.b.c", Some("Bearer a.b.c"), "a token"),
            (
                "bearer a.b.c",
                Some("Bearer a.b.c"),
                "as `cf oauth-token` prints it",
            ),
            ("", None, "an empty file"),
            ("two words", None, "neither"),
        ] {
            let got = authorization(text);
            assert_eq!(
                got.as_ref().and_then(|value| value.to_str().ok()),
                want,
                "{why}"
            );
        }
    }

    #[test]
    fn what_others_say_cannot_reach_a_terminal() {
        assert_eq!(text(b" a\x1b[2J\nb\0 ", "x"), "a[2J\nb");
        assert_eq!(text(b"  ", "502 Bad Gateway"), "502 Bad Gateway");
        assert_eq!(text(&[b'a'; 2 * MAX_ERROR], "").len(), MAX_ERROR);
    }
}
