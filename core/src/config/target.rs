//! Fixed targets: instances that are always there, listed in the configuration or by the program that uses the library.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::path::Path;
use super::problem::{Origin, Problem, Problems, Warning, shown};
use super::read::Reading;
use super::reader::Reader;
use super::values::{Node, Values};
use super::{Secret, keys};
use crate::address::{Address, is_socket};
use crate::error::{Error, Kind};
use crate::headers;
use crate::labels::{Labels, check_further};
use crate::metric_path::check_metric_path;

/// Most targets at once.
pub const MAX_TARGETS: usize = 100_000;
/// Longest JSON text of a list of targets, in bytes.
const MAX_JSON: usize = 64 << 20;
/// Most headers, and most labels, of one target.
const MAX_ENTRIES: usize = 32;
/// Longest value of a label, in bytes, as for other texts of a target.
const MAX_LABEL: usize = 1024;
/// How long one target may take, as for bindings.
pub const TARGET_TIMEOUT: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(300);

/// What kind of program a target is, where promfetch knows more of it than that it has metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// An agent of ECS, up to 1.84: it tells its cluster and its container instance beside its metrics.
    EcsAgent,
}

impl Preset {
    /// Where such a program has its metrics, when nobody says so.
    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::EcsAgent => "127.0.0.1:51680",
        }
    }
}

/// One entry of `targets`: an instance that is always there.
#[derive(Clone, Debug, Default)]
pub struct FixedTarget {
    /// Organization and space may be empty: then the app is found by its GUID and its routes only.
    pub organization: String,
    pub space: String,
    pub app: String,
    /// Empty: made from the three names, so that it is the same after every start.
    pub app_id: String,
    /// Empty: `web`.
    pub process_type: String,
    /// `host:port`, or a Unix socket, as [`Address::of_target`] reads it.
    pub address: String,
    /// Empty: its position among the targets of the same app, from 0.
    pub index: String,
    /// Further routes under which the app is found.
    pub routes: Vec<String>,
    /// Where it has its metrics; `None`: `/metrics`.
    pub path: Option<String>,
    /// Headers for it, by the rules of [`headers::check`]; `Authorization` may be among them.
    pub headers: Vec<(String, Secret)>,
    /// Labels for its samples, after those of the instance.
    pub labels: Labels,
    /// How long it may take, within [`TARGET_TIMEOUT`].
    pub timeout: Option<Duration>,
    pub tls: bool,
    /// Name to verify in the certificate; empty: the host of `address`.
    pub server_name: String,
    /// Client certificate for it, PEM; empty: that of `backends`.
    pub cert_chain: String,
    pub private_key: Secret,
    pub http2: bool,
    pub preset: Option<Preset>,
}

impl FixedTarget {
    /// Where it has its metrics, if it says so: in `path`, or behind the address of its socket.
    pub(crate) fn metrics_path(&self) -> Option<String> {
        match &self.path {
            Some(path) => check_metric_path(path).ok(),
            None => Address::of_target(&self.address).ok()?.1,
        }
    }

    /// Whether it has a client certificate of its own, or a half of one.
    pub(crate) fn has_identity(&self) -> bool {
        !self.cert_chain.trim().is_empty() || !self.private_key.0.trim().is_empty()
    }

    /// What is wrong with the target at this place of a list.
    pub(crate) fn error(&self, place: usize, what: &str) -> Error {
        let address = shown(&self.address);
        Error::new(
            Kind::Configuration,
            format!("`targets[{place}]` (`{address}`): {what}"),
        )
    }

    /// Tells what is wrong with how the target is to be asked: the keys from the target on, and a clause without
    /// any value. Address, names and routes are checked where they become a part of the routing table; certificates
    /// where they are read.
    pub(crate) fn check(&self, mut wrong: impl FnMut(&[&str], String)) {
        if self.tls && is_socket(&self.address) {
            wrong(
                &["tls"],
                "cannot be used with a Unix socket: what is sent there does not leave the machine, so leave `tls` out".into(),
            );
        }
        if let Some(Err(error)) = self.path.as_deref().map(check_metric_path) {
            wrong(&["path"], error.to_string());
        }
        if self
            .timeout
            .is_some_and(|timeout| !TARGET_TIMEOUT.contains(&timeout))
        {
            let (min, max) = (TARGET_TIMEOUT.start(), TARGET_TIMEOUT.end());
            wrong(&["timeout"], format!("must be from {min:?} to {max:?}"));
        }
        for (key, count) in [
            ("headers", self.headers.len()),
            ("labels", self.labels.len()),
        ] {
            if count > MAX_ENTRIES {
                wrong(
                    &[key],
                    format!("has {count} entries; at most {MAX_ENTRIES} can be given"),
                );
            }
        }
        let mut names = HashSet::new();
        for (name, value) in &self.headers {
            let checked = if is_authorization(name) {
                headers::check_value(&value.0).map(drop)
            } else {
                headers::check(name, &value.0).map(drop)
            };
            match checked {
                Err(reason) => wrong(&["headers", name], reason),
                Ok(()) if !names.insert(name.to_ascii_lowercase()) => wrong(
                    &["headers", name],
                    "is there already: upper and lower case count as the same".into(),
                ),
                Ok(()) => {}
            }
        }
        for (name, value) in self.labels.iter() {
            if let Err(reason) = check_further(name) {
                wrong(&["labels", name], reason.into());
            } else if value.len() > MAX_LABEL {
                wrong(
                    &["labels", name],
                    format!("is longer than {MAX_LABEL} bytes"),
                );
            }
        }
    }
}

/// The one header that has a place of its own in a request, and may be given all the same.
pub(crate) fn is_authorization(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization")
}

/// Reads a JSON list of targets, each an object with the keys of `targets[]`, for
/// [`Client::set_targets`](crate::client::Client::set_targets). An empty list is one of no targets.
///
/// # Errors
/// All problems; a key that is not known is one. No values of secrets are in them.
pub fn targets_from_json(text: &str) -> Result<(Vec<FixedTarget>, Vec<Warning>), Problems> {
    let whole = |reason: String| Problems::from(Problem::new("targets", reason, None));
    if text.len() > MAX_JSON {
        return Err(whole(format!(
            "the text has {} bytes; at most {MAX_JSON} are read",
            text.len()
        )));
    }
    // The error's own text may hold a part of the JSON, and that may be a secret.
    let unreadable = |error: serde_json::Error| {
        let place = if error.is_eof() {
            "it ends too early".to_owned()
        } else {
            format!("see line {}, column {}", error.line(), error.column())
        };
        whole(format!("expected a JSON list of objects: {place}"))
    };
    let count = serde_json::from_str::<Vec<IgnoredAny>>(text)
        .map_err(unreadable)?
        .len();
    if count > MAX_TARGETS {
        return Err(whole(format!(
            "the list has {count} entries; at most {MAX_TARGETS} can be kept"
        )));
    }
    let mut list = List::default();
    serde_json::Deserializer::from_str(text)
        .deserialize_seq(&mut list)
        .map_err(unreadable)?;
    let warnings = Problems::or_warnings(list.problems, list.warnings)?;
    Ok((list.targets, warnings))
}

/// What was read of a list. One element is in memory as JSON at a time.
#[derive(Default)]
struct List {
    reading: Reading,
    targets: Vec<FixedTarget>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl List {
    /// Problems after which the rest of the list is not looked at, and warnings that are kept.
    const MOST: usize = 100;

    fn add(&mut self, element: &serde_json::Value, table: &super::table::Table) {
        let origin = Origin::Option("targets".into());
        let (mut values, list) = (Values::new(), Path::root().key("targets"));
        values.insert(list.clone(), Node::List, origin.clone());
        values.replace_with_json(&list.index(self.targets.len()), element, &origin);
        let reader = Reader::strict(table, &values);
        let places = reader.root().sections("targets");
        let target = places.first().map(|at| self.reading.target(at));
        // What is no object has its problem; the places of the others stay right.
        self.targets.push(target.unwrap_or_default());
        let (problems, warnings) = match reader.finish() {
            Ok(warnings) => (Vec::new(), warnings),
            Err(problems) => (
                problems.iter().cloned().collect(),
                problems.warnings().to_vec(),
            ),
        };
        // Everything comes from one text: to name it each time says nothing.
        self.problems
            .extend(problems.into_iter().map(|problem| Problem {
                origin: None,
                ..problem
            }));
        let room = Self::MOST.saturating_sub(self.warnings.len());
        let warnings = warnings.into_iter().take(room);
        self.warnings.extend(warnings.map(|warning| Warning {
            origin: None,
            ..warning
        }));
    }
}

impl<'de> Visitor<'de> for &mut List {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of targets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let table = keys::targets();
        while let Some(element) = elements.next_element::<serde_json::Value>()? {
            // Beyond, nobody reads on.
            if self.problems.len() < List::MOST {
                self.add(&element, &table);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
