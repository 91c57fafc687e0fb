//! Service instances that only the Cloud Controller knows.
//!
//! promfetcher stored none. Where promfetch has taken over from it, the Cloud Controller goes on using those that were
//! made then; each is taken in when it is first named.

use serde_json::{Map, Value};

use super::Osb;
use super::error::Error;
use super::operation::Stop;
use super::request::check_id;
use crate::store::{Instance, Transaction, now};

/// Where a request says that an instance belongs.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    instance_id: String,
    organization_guid: String,
    space_guid: String,
    context: String,
}

impl Origin {
    /// As the platform's context has it (Open Service Broker API profile, Cloud Foundry Context Object).
    pub(super) fn of(instance_id: &str, context: Option<&Map<String, Value>>) -> Self {
        let text = |name: &str| {
            let value = context.and_then(|context| context.get(name));
            kept(value.and_then(Value::as_str))
        };
        Self {
            instance_id: instance_id.to_owned(),
            organization_guid: text("organization_guid"),
            space_guid: text("space_guid"),
            context: Value::Object(context.cloned().unwrap_or_default()).to_string(),
        }
    }

    /// The space of the app that is bound, where the context does not name one.
    pub(super) fn or_space(mut self, space_guid: Option<&str>) -> Self {
        if self.space_guid.is_empty() {
            self.space_guid = kept(space_guid);
        }
        self
    }
}

/// A guid that the store can keep; nothing fails over another one.
fn kept(guid: Option<&str>) -> String {
    guid.filter(|guid| check_id("", guid).is_ok())
        .unwrap_or_default()
        .to_owned()
}

/// The instance of this transaction. One that is not known is made where promfetch has taken over, unless it is known
/// to be gone.
pub(super) async fn instance(
    osb: &Osb,
    transaction: &mut Transaction,
    origin: &Origin,
    service_id: &str,
    plan_id: &str,
) -> Result<Option<Instance>, Stop> {
    if let Some(mut instance) = transaction.instance().await? {
        // Taken in by a request that did not say where it belongs.
        if instance.space_guid.is_empty() && !origin.space_guid.is_empty() {
            instance.space_guid.clone_from(&origin.space_guid);
            instance
                .organization_guid
                .clone_from(&origin.organization_guid);
            transaction.update_instance(&instance).await?;
        }
        return Ok(Some(instance));
    }
    let catalog = osb.catalog().await?;
    let is_ours = service_id == catalog.service_id && plan_id == catalog.plan_id;
    if !is_ours
        || !osb.0.keeper.store().taken_over().await?
        || transaction.was_deprovisioned().await?
    {
        return Ok(None);
    }
    let now = now();
    let instance = Instance {
        id: origin.instance_id.clone(),
        service_id: service_id.to_owned(),
        plan_id: plan_id.to_owned(),
        organization_guid: origin.organization_guid.clone(),
        space_guid: origin.space_guid.clone(),
        parameters: "{}".into(),
        context: origin.context.clone(),
        created: now,
        updated: now,
    };
    transaction.insert_instance(&instance).await?;
    tracing::info!(
        instance = %origin.instance_id.escape_debug(),
        "a service instance of promfetcher's time was taken in"
    );
    Ok(Some(instance))
}

/// 404 for an update or a bind: after 410 the Cloud Controller would delete what it wanted to bind.
pub(super) fn not_found() -> Stop {
    Error::not_found("There is no such service instance").into()
}
