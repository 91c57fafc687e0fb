//! The preset `ecs-agent`: which cluster and which container instance an agent of ECS belongs to, as labels for its
//! samples.
//!
//! The agent tells that beside its metrics, at `/v1/metadata` of port 51678. It is asked in the background, at the start
//! and then rarely; pages never wait for it, and have the labels as soon as they are known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use serde::Deserialize;

use super::fixed::Owns;
use crate::calls::Call;
use crate::error::{Error, Kind};
use crate::instance::Address;
use crate::labels::Labels;
use crate::tls;

/// Where the agent tells of itself, on the host of its metrics.
const PORT: u16 = 51678;
/// How often targets are looked through for agents that are due.
const TICK: Duration = Duration::from_secs(10);
/// How long an answer counts: an agent that is registered anew has another container instance.
const KEPT: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer, and longest value of a label, in bytes.
const MAX_BODY: usize = 64 << 10;
const MAX_LABEL: usize = 1024;

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    url: String,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    labels: Labels,
    /// `None`: it has not answered yet.
    until: Option<Instant>,
    /// What was wrong last time: each kind of trouble is logged once.
    problem: Option<String>,
}

/// What the agent tells, of which more is left out.
#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "Cluster")]
    cluster: Option<String>,
    #[serde(rename = "ContainerInstanceArn")]
    container_instance: Option<String>,
}

impl Agent {
    /// The agent whose metrics are at this address; `None`: behind a socket nobody tells.
    pub(super) fn beside(address: &Address) -> Option<Self> {
        let host = address.port().map(|_| address.host())?;
        Some(Self {
            url: format!("http://{}/v1/metadata", Address::tcp(host, PORT)),
            known: Mutex::default(),
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.url == other.url
    }

    /// What is known of it; nothing, until it has answered.
    pub(super) fn labels(&self) -> Labels {
        self.lock().labels.clone()
    }

    fn is_due(&self, now: Instant) -> bool {
        self.lock().until.is_none_or(|until| until <= now)
    }

    async fn refresh(&self, http: &Client) {
        let answer = ask(http, &self.url).await;
        let mut known = self.lock();
        match answer {
            Ok(labels) => {
                if known.problem.take().is_some() {
                    tracing::info!(url = self.url, "the ECS agent tells of itself again");
                }
                known.labels = labels;
                known.until = Some(Instant::now() + KEPT);
            }
            Err(problem) => {
                if known.problem.as_ref() != Some(&problem) {
                    tracing::warn!(url = self.url, %problem, "the ECS agent does not tell its cluster: its samples have no new labels");
                    known.problem = Some(problem);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client for plain HTTP. The empty TLS configuration keeps reqwest from looking for a provider of the whole process,
/// which a library must not install.
///
/// # Errors
/// [`Kind::Configuration`] when it cannot be made.
pub(super) fn http() -> Result<Client, Error> {
    Client::builder()
        .tls_backend_preconfigured(tls::client_config(RootCertStore::empty(), false, None))
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| {
            let what = "the HTTP client for ECS agents cannot be made";
            Error::new(Kind::Configuration, what).caused_by(error)
        })
}

/// Asks all agents among the targets when they are due.
pub(super) async fn watch(current: impl Fn() -> Arc<Owns>, http: Client, call: Call) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        for agent in current().agents() {
            if agent.is_due(Instant::now()) {
                let _call = call.start();
                agent.refresh(&http).await;
            }
        }
    }
}

/// Asks one agent.
///
/// # Errors
/// What went wrong, without the URL.
async fn ask(http: &Client, url: &str) -> Result<Labels, String> {
    let describe = |error: reqwest::Error| crate::error::chain(&error.without_url());
    let mut response = http.get(url).send().await.map_err(describe)?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(describe)? {
        if body.len() + piece.len() > MAX_BODY {
            return Err(format!("the answer is longer than {MAX_BODY} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    read(&body)
}

/// The labels that an answer gives. The agent is in no container instance until it is registered.
fn read(body: &[u8]) -> Result<Labels, String> {
    let metadata: Metadata = serde_json::from_slice(body)
        .map_err(|_| "the answer is not the JSON object of an agent".to_owned())?;
    let mut labels = Labels::new();
    for (name, value) in [
        ("cluster", metadata.cluster),
        ("container_instance", metadata.container_instance),
    ] {
        match value {
            Some(value) if value.len() > MAX_LABEL => {
                return Err(format!("its {name} is longer than {MAX_LABEL} bytes"));
            }
            Some(value) if !value.is_empty() => labels.push(name, value),
            _ => return Err(format!("it does not know its {name} yet")),
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_asked_on_the_host_of_their_metrics() {
        for (address, want) in [
            (
                Address::tcp("127.0.0.1", 51680),
                Some("http://127.0.0.1:51678/v1/metadata"),
            ),
            (
                Address::tcp("2001:db8::7", 9),
                Some("http://[2001:db8::7]:51678/v1/metadata"),
            ),
            (Address::Unix("/run/a.sock".into()), None),
        ] {
            let agent = Agent::beside(&address);
            assert_eq!(agent.as_ref().map(|agent| &*agent.url), want);
            assert!(
                agent.is_none_or(|agent| agent.is_due(Instant::now()) && agent.labels().is_empty())
            );
        }
    }

    #[test]
    fn answers_give_both_labels_or_a_reason() {
        let arn = "arn:aws:ecs:eu-1:1:container-instance/default/1f73d099";
        let good =
            format!(r#"{{"Cluster":"default","ContainerInstanceArn":"{arn}","Version":"x"}}"#);
        let labels = read(good.as_bytes()).unwrap();
        assert_eq!(
            labels.iter().collect::<Vec<_>>(),
            [("cluster", "default"), ("container_instance", arn)]
        );
        let long = good.replace(arn, &"x".repeat(MAX_LABEL + 1));
        for (body, want) in [
            (
                &*good.replace(&format!("\"{arn}\""), "null"),
                "container_instance yet",
            ),
            (&*good.replace("default\",", "\","), "its cluster yet"),
            (&*long, "longer than 1024 bytes"),
            ("{}", "its cluster yet"),
            ("[]", "not the JSON object"),
            (r#"{"Cluster":7}"#, "not the JSON object"),
            ("", "not the JSON object"),
        ] {
            let reason = read(body.as_bytes()).unwrap_err();
            assert!(reason.contains(want), "{body}: {reason}");
        }
    }
}
