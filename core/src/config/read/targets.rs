//! The fixed targets.

use std::collections::HashSet;

use super::check_identity;
use crate::address::Address;
use crate::config::reader::At;
use crate::config::{FixedTarget, Preset, Secret, TARGET_TIMEOUT};
use crate::labels::Labels;
use crate::metric_path::check_metric_path;

/// All targets of a configuration.
pub(super) fn read_all(root: &At<'_>) -> Vec<FixedTarget> {
    let mut reading = Reading::default();
    let places = root.sections("targets");
    places.iter().map(|at| reading.target(at)).collect()
}

/// Reads one target after the other.
#[derive(Default)]
pub(in crate::config) struct Reading {
    /// Certificates with their keys that were checked already: many targets may have the same.
    identities: HashSet<(String, String)>,
}

impl Reading {
    /// The target that stands here.
    pub(in crate::config) fn target(&mut self, at: &At<'_>) -> FixedTarget {
        let (labels, headers) = (at.section("labels"), at.section("headers"));
        let label = |(name, _): (String, At<'_>)| Some((labels.text_if_any(&name)?, name));
        let header = |(name, _): (String, At<'_>)| Some((headers.text_if_any(&name)?, name));
        let preset = match at.text_if_any("preset").as_deref() {
            Some("ecs-agent") => Some(Preset::EcsAgent),
            _ => None,
        };
        let target = FixedTarget {
            organization: at.text("organization"),
            space: at.text("space"),
            app: at.text("app"),
            app_id: at.text("app_id"),
            process_type: at.text("process_type"),
            address: match (at.text_if_any("address"), preset) {
                (Some(address), _) => address,
                (None, Some(preset)) => preset.address().into(),
                (None, None) => {
                    // What is wrong has its problem already.
                    if !at.is_given("address") && !at.is_given("preset") {
                        at.section("address").problem("is required");
                    }
                    String::new()
                }
            },
            preset,
            index: at.text("index"),
            routes: at.texts("routes"),
            path: at
                .is_given("path")
                .then(|| check_metric_path(&at.text("path")).ok())
                .flatten(),
            headers: at
                .entries("headers")
                .into_iter()
                .filter_map(header)
                .map(|(value, name)| (name, Secret(value)))
                .collect(),
            labels: at
                .entries("labels")
                .into_iter()
                .filter_map(label)
                .map(|(value, name)| (name, value))
                .collect::<Labels>(),
            // What is no good has its problem already.
            timeout: at
                .duration_if_any("timeout")
                .filter(|timeout| TARGET_TIMEOUT.contains(timeout)),
            tls: at.boolean("tls"),
            server_name: at.text("server_name"),
            cert_chain: at.text("cert_chain"),
            private_key: at.secret("private_key"),
            http2: at.boolean("http2"),
        };
        if target.app.is_empty() && target.app_id.is_empty() {
            at.section("app")
                .problem("is required when there is no `app_id`");
        }
        target.check(|keys, reason| {
            keys.iter()
                .fold(at.clone(), |at, key| at.section(key))
                .problem(reason);
        });
        if let (Some(path), Ok((_, Some(behind)))) =
            (&target.path, Address::of_target(&target.address))
        {
            at.section("path").warn(format!(
                "`{path}` is asked for; `{behind}` behind the socket in `address` has no effect"
            ));
        }
        self.check_identity(at, &target);
        target
    }

    fn check_identity(&mut self, at: &At<'_>, target: &FixedTarget) {
        let (chain, key) = (&target.cert_chain, &target.private_key);
        if !target.tls && target.has_identity() {
            at.section("cert_chain").warn("has no effect without `tls`");
        }
        if target.has_identity() && self.identities.insert((chain.clone(), key.0.clone())) {
            check_identity(at, chain, key);
        }
    }
}
