//! `DELETE /v2/service_instances/{id}/service_bindings/{id}`.

use axum::extract::State;

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Ids, Plan};
use crate::store::Transaction;

#[derive(Debug)]
struct Unbind {
    binding_id: String,
    service_id: String,
    plan_id: String,
}

pub(super) async fn handle(State(osb): State<Osb>, ids: Ids, plan: Plan) -> Result<Done, Error> {
    let (service_id, plan_id) = plan.required()?;
    let unbind = Unbind {
        binding_id: ids.binding_id,
        service_id: service_id.to_owned(),
        plan_id: plan_id.to_owned(),
    };
    osb.run(ids.instance_id, unbind).await
}

impl Operation for Unbind {
    const NAME: &'static str = "unbind";

    async fn run(&self, _: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let Some(binding) = transaction.binding(&self.binding_id).await? else {
            return Err(Error::gone("There is no such binding of this service instance").into());
        };
        // An adopted one has neither.
        let is_same = binding.instance_id.is_none()
            || (binding.service_id == self.service_id && binding.plan_id == self.plan_id);
        if !is_same {
            return Err(Error::malformed(
                "The binding is of another service or plan than the address says",
            )
            .into());
        }
        transaction.delete_binding(&binding).await?;
        Ok(Done::empty(Change::Gone(vec![binding])))
    }
}
