//! `DELETE /v2/service_instances/{id}`: the instance goes with all its bindings. Platforms send it for what they never
//! got an answer about, at any time and repeatedly, so 410 is a usual answer.

use axum::extract::State;

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Ids, Plan};
use super::take_over::{self, Origin};
use crate::store::Transaction;

#[derive(Debug)]
struct Deprovision {
    service_id: String,
    plan_id: String,
    origin: Origin,
}

pub(super) async fn handle(State(osb): State<Osb>, ids: Ids, plan: Plan) -> Result<Done, Error> {
    let (service_id, plan_id) = plan.required()?;
    let deprovision = Deprovision {
        service_id: service_id.to_owned(),
        plan_id: plan_id.to_owned(),
        origin: Origin::of(&ids.instance_id, None),
    };
    osb.run(ids.instance_id, deprovision).await
}

impl Operation for Deprovision {
    const NAME: &'static str = "deprovision";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let instance = take_over::instance(
            osb,
            transaction,
            &self.origin,
            &self.service_id,
            &self.plan_id,
        )
        .await?;
        let Some(instance) = instance else {
            return Err(Error::gone("There is no such service instance").into());
        };
        // By what is stored, not by today's catalog: a plan that was withdrawn can still be deprovisioned.
        if instance.service_id != self.service_id || instance.plan_id != self.plan_id {
            return Err(Error::malformed(
                "The service instance is of another service or plan than the address says",
            )
            .into());
        }
        let gone = transaction.delete_instance().await?;
        Ok(Done::empty(Change::Gone(gone)))
    }
}
