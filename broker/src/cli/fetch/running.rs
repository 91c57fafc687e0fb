//! The page of a running promfetch.

use std::io::{self, Write};

use promfetch_core::exposition::media;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Response, Url};

use super::super::running::{Base, Server, plain, reason};
use super::super::{Failure, Outcome, form, progress};
use super::Arguments;
use crate::api::app_metrics::{INSTANCES_FAILED, INSTANCES_UP};

/// Prints the page that the promfetch at `base` answers.
pub(super) async fn fetch(arguments: &Arguments, base: &str) -> Outcome {
    let running = &arguments.running;
    let login = running.login.as_deref();
    let server = Server::new(base, login, running.insecure, arguments.timeout)?;
    let request = server
        .get(address(arguments, &server.base))
        .header(
            ACCEPT,
            form::dialect(arguments.format, arguments.escaping).range(),
        )
        .header(
            "x-prometheus-scrape-timeout-seconds",
            arguments.timeout.as_secs_f64().to_string(),
        );
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
fn address(arguments: &Arguments, base: &Base) -> Url {
    let mut end = String::new();
    if let Some(n) = &arguments.instance {
        end.push_str("instances/");
        end.extend(percent_encoding::utf8_percent_encode(
            n,
            percent_encoding::NON_ALPHANUMERIC,
        ));
        end.push('/');
    }
    // An instance's page has no address of its own for the plain form.
    let (word, only_from_app) = match (arguments.only_app_metrics, &arguments.instance) {
        (true, None) => ("only-app-metrics", None),
        (true, Some(_)) => ("metrics", Some("1")),
        (false, _) => ("metrics", None),
    };
    end.push_str(word);
    base.of_app(
        &arguments.selector,
        &end,
        &[
            ("metric_path", arguments.metric_path.as_deref()),
            ("process_type", arguments.process_type.as_deref()),
            ("only_from_app", only_from_app),
        ],
    )
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

    fn url(line: &str) -> String {
        let words = std::iter::once("fetch").chain(line.split_whitespace());
        let arguments = Line::try_parse_from(words).unwrap().arguments;
        let base = arguments.running.url.clone().unwrap();
        address(&arguments, &Base::read(&base).unwrap()).to_string()
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
            assert_eq!(url(line), want, "{line}");
        }
    }
}
