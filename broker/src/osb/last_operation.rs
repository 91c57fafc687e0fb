//! `GET …/last_operation`. Everything here is done when it is answered, so what exists has succeeded.

use axum::extract::State;
use serde_json::json;

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Ids, Plan};
use crate::store::Transaction;

#[derive(Debug)]
struct LastOperation {
    /// `None`: of the instance.
    binding_id: Option<String>,
}

pub(super) async fn of_instance(
    State(osb): State<Osb>,
    ids: Ids,
    plan: Plan,
) -> Result<Done, Error> {
    plan.check_hints()?;
    osb.run(ids.instance_id, LastOperation { binding_id: None })
        .await
}

pub(super) async fn of_binding(
    State(osb): State<Osb>,
    ids: Ids,
    plan: Plan,
) -> Result<Done, Error> {
    plan.check_hints()?;
    let binding_id = Some(ids.binding_id);
    osb.run(ids.instance_id, LastOperation { binding_id }).await
}

impl Operation for LastOperation {
    const NAME: &'static str = "last_operation";

    async fn run(&self, _: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let exists = match &self.binding_id {
            None => transaction.instance().await?.is_some(),
            Some(binding) => transaction.binding(binding).await?.is_some(),
        };
        if !exists {
            let what = if self.binding_id.is_some() {
                "binding"
            } else {
                "service instance"
            };
            return Err(Error::not_found(format!("There is no such {what}")).into());
        }
        Ok(Done::ok(json!({"state": "succeeded"}), Change::Nothing))
    }
}
