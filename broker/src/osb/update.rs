//! `PATCH /v2/service_instances/{id}`. There is one plan and there are no parameters, so what can change is the context:
//! names.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Osb;
use super::context::{MaintenanceInfo, check_maintenance_info, check_no_parameters, context_text};
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Body, Ids, required};
use super::take_over::{self, Origin};
use crate::store::{Instance, Transaction, now};

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    service_id: Option<String>,
    plan_id: Option<String>,
    context: Option<Map<String, Value>>,
    parameters: Option<Map<String, Value>>,
    maintenance_info: Option<MaintenanceInfo>,
}

#[derive(Debug)]
struct Update {
    service_id: String,
    plan_id: Option<String>,
    /// The plan of the catalog.
    offered_plan: String,
    context: Option<String>,
    origin: Origin,
}

pub(super) async fn handle(
    State(osb): State<Osb>,
    ids: Ids,
    Body(request): Body<Request>,
) -> Result<Done, Error> {
    let catalog = osb.catalog().await?;
    let service_id = required(&request.service_id, "service_id")?.to_owned();
    // Empty or absent: the plan stays.
    let plan_id = request.plan_id.filter(|plan| !plan.is_empty());
    // `{}` comes with every rename.
    check_no_parameters(request.parameters)?;
    check_maintenance_info(request.maintenance_info.as_ref())?;
    let update = Update {
        origin: Origin::of(&ids.instance_id, request.context.as_ref()),
        context: request.context.map(|context| context_text(Some(context))),
        service_id,
        plan_id,
        offered_plan: catalog.plan_id.clone(),
    };
    osb.run(ids.instance_id, update).await
}

impl Operation for Update {
    const NAME: &'static str = "update";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let plan_id = self.plan_id.as_deref().unwrap_or(&self.offered_plan);
        let instance =
            take_over::instance(osb, transaction, &self.origin, &self.service_id, plan_id)
                .await?
                .ok_or_else(take_over::not_found)?;
        if self.service_id != instance.service_id {
            return Err(Error::malformed(
                "The service instance is of another service than `service_id`",
            )
            .into());
        }
        match self.plan_id.as_deref() {
            None => {}
            Some(plan) if plan == instance.plan_id => {}
            Some(plan) if plan == self.offered_plan => return Err(Error::plan_change().into()),
            Some(_) => {
                return Err(Error::malformed("The service has no plan of this `plan_id`").into());
            }
        }
        if let Some(context) = &self.context
            && *context != instance.context
        {
            let changed = Instance {
                context: context.clone(),
                updated: now(),
                ..instance
            };
            transaction.update_instance(&changed).await?;
        }
        Ok(Done::empty(Change::Nothing))
    }
}
