//! `PUT /v2/service_instances/{id}`.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Osb;
use super::context::{MaintenanceInfo, check_maintenance_info, check_no_parameters, context_text};
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Body, Ids, required};
use crate::store::{Instance, Transaction, now};

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    service_id: Option<String>,
    plan_id: Option<String>,
    organization_guid: Option<String>,
    space_guid: Option<String>,
    context: Option<Map<String, Value>>,
    parameters: Option<Map<String, Value>>,
    maintenance_info: Option<MaintenanceInfo>,
}

/// The instance that is asked for.
#[derive(Debug)]
struct Provision(Instance);

pub(super) async fn handle(
    State(osb): State<Osb>,
    ids: Ids,
    Body(request): Body<Request>,
) -> Result<Done, Error> {
    let catalog = osb.catalog().await?;
    let service_id = required(&request.service_id, "service_id")?;
    let plan_id = required(&request.plan_id, "plan_id")?;
    if service_id != catalog.service_id {
        return Err(Error::malformed(
            "There is no service of this `service_id` in the catalog",
        ));
    }
    if plan_id != catalog.plan_id {
        return Err(Error::malformed(
            "The service has no plan of this `plan_id`",
        ));
    }
    let organization_guid = required(&request.organization_guid, "organization_guid")?;
    let space_guid = required(&request.space_guid, "space_guid")?;
    check_no_parameters(request.parameters)?;
    check_maintenance_info(request.maintenance_info.as_ref())?;
    let now = now();
    let instance = Instance {
        id: ids.instance_id.clone(),
        service_id: service_id.to_owned(),
        plan_id: plan_id.to_owned(),
        organization_guid: organization_guid.to_owned(),
        space_guid: space_guid.to_owned(),
        parameters: "{}".into(),
        context: context_text(request.context),
        created: now,
        updated: now,
    };
    osb.run(ids.instance_id, Provision(instance)).await
}

impl Operation for Provision {
    const NAME: &'static str = "provision";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let Self(wanted) = self;
        // The same at all times, as platforms keep that of the first answer.
        let body = json!({"dashboard_url": osb.dashboard_url(wanted)});
        let Some(there) = transaction.instance().await? else {
            transaction.insert_instance(wanted).await?;
            return Ok(Done::created(body, Change::Nothing));
        };
        // Not the context: names in it change.
        let is_same = there.service_id == wanted.service_id
            && there.plan_id == wanted.plan_id
            && there.organization_guid == wanted.organization_guid
            && there.space_guid == wanted.space_guid
            && there.parameters == wanted.parameters;
        if is_same {
            return Ok(Done::ok(body, Change::Nothing));
        }
        Err(Error::conflict(
            "There is a service instance of this id already, with another organization, space, service or plan",
        )
        .into())
    }
}
