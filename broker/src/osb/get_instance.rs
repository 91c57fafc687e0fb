//! `GET /v2/service_instances/{id}`.

use axum::extract::State;
use serde_json::json;

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Ids, Plan};
use crate::store::Transaction;

#[derive(Debug)]
struct GetInstance(Plan);

pub(super) async fn handle(State(osb): State<Osb>, ids: Ids, plan: Plan) -> Result<Done, Error> {
    plan.check_hints()?;
    osb.run(ids.instance_id, GetInstance(plan)).await
}

impl Operation for GetInstance {
    const NAME: &'static str = "get_instance";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let instance = transaction.instance().await?;
        let Some(instance) = instance else {
            return Err(not_found());
        };
        if !self.0.fits(&instance.service_id, &instance.plan_id) {
            return Err(not_found());
        }
        let body = json!({
            "service_id": instance.service_id,
            "plan_id": instance.plan_id,
            "parameters": {},
            "dashboard_url": osb.dashboard_url(&instance),
        });
        Ok(Done::ok(body, Change::Nothing))
    }
}

fn not_found() -> Stop {
    Error::not_found("There is no such service instance").into()
}
