//! `GET /v2/service_instances/{id}/service_bindings/{id}`: the credentials again, and the parameters without secrets.

use axum::extract::State;

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Ids, Plan};
use crate::store::Transaction;

#[derive(Debug)]
struct GetBinding {
    binding_id: String,
    plan: Plan,
}

pub(super) async fn handle(State(osb): State<Osb>, ids: Ids, plan: Plan) -> Result<Done, Error> {
    plan.check_hints()?;
    let get = GetBinding {
        binding_id: ids.binding_id,
        plan,
    };
    osb.run(ids.instance_id, get).await
}

impl Operation for GetBinding {
    const NAME: &'static str = "get_binding";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let not_found = || Error::not_found("There is no such binding of this service instance");
        let Some(binding) = transaction.binding(&self.binding_id).await? else {
            return Err(not_found().into());
        };
        let is_adopted = binding.instance_id.is_none();
        if !is_adopted && !self.plan.fits(&binding.service_id, &binding.plan_id) {
            return Err(not_found().into());
        }
        let mut body = osb.credentials(&binding);
        if is_adopted {
            // promfetcher gave none.
            body["credentials"] = serde_json::json!({});
        }
        body["parameters"] = osb.open(&binding)?.shown();
        Ok(Done::ok(body, Change::Nothing))
    }
}
