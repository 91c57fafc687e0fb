//! Asking a running promfetch.

use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promfetch_core::error::chain;
use promfetch_core::exposition::media;
use promfetch_core::selector::Selector;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};

use super::super::{Failure, Outcome, form, progress};
use super::Arguments;
use crate::api::app_metrics::{INSTANCES_FAILED, INSTANCES_UP};

/// What the server may take beyond the page's own time, to say so.
const MARGIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Longest error text shown, in bytes.
const MAX_ERROR: usize = 4096;

/// Prints the page that the promfetch at `base` answers.
pub(super) async fn fetch(arguments: &Arguments, base: &str) -> Outcome {
    let url = address(arguments, base)?;
    let client = Client::builder()
        .tls_danger_accept_invalid_certs(arguments.insecure)
        .timeout(arguments.timeout + MARGIN)
        .build()
        .map_err(plain)?;
    let request = client
        .get(url)
        .header(
            ACCEPT,
            form::dialect(arguments.format, arguments.escaping).range(),
        )
        .header(
            "x-prometheus-scrape-timeout-seconds",
            arguments.timeout.as_secs_f64().to_string(),
        );
    let request = match &arguments.login {
        None => request,
        Some(file) => request.header(AUTHORIZATION, login(file)?),
    };
    let mut response = progress::wait(&format!("waiting for {base}"), request.send())
        .await
        .map_err(plain)?;
    if !response.status().is_success() {
        return Err(Failure::failed(reason(response).await));
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    if let Some(format) = media::of_content_type(content_type.and_then(|text| text.to_str().ok())) {
        super::tell_format(arguments.format, format);
    }
    let (up, failed) = (
        count(&response, &INSTANCES_UP),
        count(&response, &INSTANCES_FAILED),
    );
    let mut stdout = io::stdout().lock();
    while let Some(piece) = response.chunk().await.map_err(plain)? {
        match stdout.write_all(&piece) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    stdout.flush().or_else(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Ok(())
        } else {
            Err(error)
        }
    })?;
    match (up, failed) {
        (Some(up), Some(failed)) => super::verdict(up, failed),
        // A proxy in between has taken the headers out.
        _ => Ok(()),
    }
}

fn count(response: &Response, name: &HeaderName) -> Option<usize> {
    response.headers().get(name)?.to_str().ok()?.parse().ok()
}

/// The page's address: the API's forms, from the command line's words.
fn address(arguments: &Arguments, base: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!(
            "`--url {base}`: {why}, such as `http://127.0.0.1:8085`"
        ))
    };
    let base_url = Url::parse(base).map_err(|error| wrong(&error.to_string()))?;
    if !["http", "https"].contains(&base_url.scheme()) || base_url.cannot_be_a_base() {
        return Err(wrong("an address with http or https is expected"));
    }
    let mut path = format!("{}/v1/apps", base_url.path().trim_end_matches('/'));
    // A route goes into the query: only there it may have a scheme and a path.
    let route = match &arguments.selector {
        Selector::Route(route) => Some(&**route),
        named => {
            path.push_str(&format!("/{named}"));
            None
        }
    };
    if let Some(n) = &arguments.instance {
        path.push_str("/instances/");
        path.extend(percent_encoding::utf8_percent_encode(
            n,
            percent_encoding::NON_ALPHANUMERIC,
        ));
    }
    // An instance's page has no address of its own for the plain form.
    let (end, only_from_app) = match (arguments.only_app_metrics, &arguments.instance) {
        (true, None) => ("/only-app-metrics", None),
        (true, Some(_)) => ("/metrics", Some("1")),
        (false, _) => ("/metrics", None),
    };
    path.push_str(end);
    let mut url = base_url;
    url.set_path(&path);
    let parameters = [
        ("route_url", route),
        ("metric_path", arguments.metric_path.as_deref()),
        ("process_type", arguments.process_type.as_deref()),
        ("only_from_app", only_from_app),
    ];
    if parameters.iter().any(|(_, value)| value.is_some()) {
        url.query_pairs_mut().extend_pairs(
            parameters
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    }
    Ok(url)
}

/// The error's own words, which for promfetch are one line.
async fn reason(mut response: Response) -> String {
    let status = response.status();
    let mut text = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        text.extend_from_slice(&piece);
        if text.len() >= MAX_ERROR {
            break;
        }
    }
    text.truncate(MAX_ERROR);
    let text = String::from_utf8_lossy(&text);
    // What a proxy in between says may hold anything, also codes that a terminal obeys.
    let text: String = text
        .trim()
        .chars()
        .filter(|char| !char.is_control() || *char == '\n')
        .collect();
    if text.is_empty() {
        status.to_string()
    } else {
        text
    }
}

/// With its causes: reqwest's own text leaves out what helps.
fn plain(error: reqwest::Error) -> Failure {
    Failure::failed(chain(&error))
}

/// Longest login, in bytes: tokens list all that their user may do.
const MAX_LOGIN: u64 = 16 << 10;

/// The `Authorization` of a file with `NAME:PASSWORD` or a token; `-` is standard input.
fn login(file: &Path) -> Result<HeaderValue, Failure> {
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
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn url(line: &str) -> Result<String, String> {
        let words = std::iter::once("fetch").chain(line.split_whitespace());
        let arguments = Line::try_parse_from(words).unwrap().arguments;
        let base = arguments.url.clone().unwrap();
        address(&arguments, &base)
            .map(|url| url.to_string())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn addresses_of_a_running_promfetch() {
        for (line, want) in [
            ("--url http://h:1 o/s/a", "http://h:1/v1/apps/o/s/a/metrics"),
            (
                "--url http://h:1/ o/s/a%2Fb%25 --only-app-metrics",
                "http://h:1/v1/apps/o/s/a%2Fb%25/only-app-metrics",
            ),
            (
                "--url https://h/prefix/ o/s/a --instance 3",
                "https://h/prefix/v1/apps/o/s/a/instances/3/metrics",
            ),
            (
                "--url http://h shop.example/cart?x",
                "http://h/v1/apps/metrics?route_url=shop.example%2Fcart%3Fx",
            ),
            (
                "--url http://h o/s/a --metric-path /m?a=b --process-type worker",
                "http://h/v1/apps/o/s/a/metrics?metric_path=%2Fm%3Fa%3Db&process_type=worker",
            ),
        ] {
            assert_eq!(url(line).as_deref(), Ok(want), "{line}");
        }
    }

    #[test]
    fn an_address_that_is_none_says_what_is_expected() {
        assert_eq!(
            url("--url h:1 o/s/a").unwrap_err(),
            "`--url h:1`: an address with http or https is expected, such as `http://127.0.0.1:8085`"
        );
        assert!(
            url("--url nonsense o/s/a")
                .unwrap_err()
                .starts_with("`--url nonsense`: ")
        );
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
}
