//! `PUT /v2/service_instances/{id}/service_bindings/{id}`: an app's endpoint and how to ask for it, and credentials.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Osb;
use super::error::Error;
use super::operation::{Change, Done, Operation, Stop};
use super::request::{Body, Ids, check_id, required};
use super::take_over::{self, Origin};
use crate::bindings::parameters::Parameters;
use crate::secrets::nonce;
use crate::store::{Binding, NewBinding, Transaction, now};

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    service_id: Option<String>,
    plan_id: Option<String>,
    /// Deprecated in favour of `bind_resource.app_guid`; the Cloud Controller sends both.
    app_guid: Option<String>,
    bind_resource: Option<BindResource>,
    context: Option<Map<String, Value>>,
    parameters: Option<Map<String, Value>>,
    /// Only this, and the ids optional: a rotation.
    predecessor_binding_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BindResource {
    app_guid: Option<String>,
    space_guid: Option<String>,
}

#[derive(Debug)]
struct Bind {
    binding_id: String,
    /// Empty: not said, as a rotation may leave it.
    service_id: String,
    plan_id: String,
    origin: Origin,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    New {
        app_guid: Option<String>,
        parameters: Parameters,
    },
    /// As this binding, which stays valid.
    Like(String),
}

pub(super) async fn handle(
    State(osb): State<Osb>,
    ids: Ids,
    Body(request): Body<Request>,
) -> Result<Done, Error> {
    let resource = request.bind_resource.as_ref();
    let space_guid = resource.and_then(|resource| resource.space_guid.as_deref());
    let origin = Origin::of(&ids.instance_id, request.context.as_ref()).or_space(space_guid);
    let bind = match request.predecessor_binding_id.clone() {
        Some(predecessor) => Bind {
            binding_id: ids.binding_id,
            service_id: request.service_id.unwrap_or_default(),
            plan_id: request.plan_id.unwrap_or_default(),
            origin,
            wanted: rotation(predecessor, request.parameters)?,
        },
        None => {
            let service_id = required(&request.service_id, "service_id")?.to_owned();
            let plan_id = required(&request.plan_id, "plan_id")?.to_owned();
            let app_guid = app_guid(
                request.app_guid,
                request.bind_resource.and_then(|resource| resource.app_guid),
            )?;
            let parameters = Parameters::read(request.parameters)
                .map_err(|problem| Error::malformed(format!("Wrong parameters: {problem}")))?;
            if app_guid.is_none() && !parameters.is_empty() {
                return Err(Error::requires_app());
            }
            Bind {
                binding_id: ids.binding_id,
                service_id,
                plan_id,
                origin,
                wanted: Wanted::New {
                    app_guid,
                    parameters,
                },
            }
        }
    };
    osb.run(ids.instance_id, bind).await
}

fn rotation(predecessor: String, parameters: Option<Map<String, Value>>) -> Result<Wanted, Error> {
    if predecessor.is_empty() {
        return Err(Error::malformed("`predecessor_binding_id` is empty"));
    }
    check_id("`predecessor_binding_id`", &predecessor)?;
    if parameters.is_some_and(|parameters| !parameters.is_empty()) {
        return Err(Error::malformed(
            "A rotated binding has the parameters of its predecessor: leave `parameters` out",
        ));
    }
    Ok(Wanted::Like(predecessor))
}

/// The app, wherever it is named. Empty counts as absent.
fn app_guid(top: Option<String>, resource: Option<String>) -> Result<Option<String>, Error> {
    let given = |guid: Option<String>| guid.filter(|guid| !guid.is_empty());
    let (top, resource) = (given(top), given(resource));
    if let (Some(top), Some(resource)) = (&top, &resource)
        && top != resource
    {
        return Err(Error::malformed(
            "`app_guid` and `bind_resource.app_guid` name two apps",
        ));
    }
    let guid = resource.or(top);
    if let Some(guid) = &guid {
        check_id("`app_guid`", guid)?;
    }
    Ok(guid)
}

impl Operation for Bind {
    const NAME: &'static str = "bind";

    async fn run(&self, osb: &Osb, transaction: &mut Transaction) -> Result<Done, Stop> {
        let instance = take_over::instance(
            osb,
            transaction,
            &self.origin,
            &self.service_id,
            &self.plan_id,
        )
        .await?
        .ok_or_else(take_over::not_found)?;
        let is_rotation = matches!(self.wanted, Wanted::Like(_));
        let fits = |said: &str, stored: &str| said == stored || (is_rotation && said.is_empty());
        // By what is stored, not by today's catalog: a plan that was withdrawn can still be bound.
        if !fits(&self.service_id, &instance.service_id) {
            return Err(Error::malformed(
                "The service instance is of another service than `service_id`",
            )
            .into());
        }
        if !fits(&self.plan_id, &instance.plan_id) {
            return Err(
                Error::malformed("The service instance is of another plan than `plan_id`").into(),
            );
        }

        let there = transaction.binding(&self.binding_id).await?;
        let (app_guid, parameters) = match &self.wanted {
            Wanted::New {
                app_guid,
                parameters,
            } => (app_guid.clone(), parameters.clone()),
            Wanted::Like(predecessor) => match (transaction.binding(predecessor).await?, &there) {
                (Some(row), _) => (row.app_guid.clone(), osb.open(&row)?),
                // The predecessor has gone since this rotation was done.
                (None, Some(row)) => (row.app_guid.clone(), osb.open(row)?),
                (None, None) => {
                    return Err(Error::not_found(
                        "There is no binding of the id `predecessor_binding_id`",
                    )
                    .into());
                }
            },
        };
        if let Some(there) = there {
            // One that cannot be opened cannot be compared: after a 5xx the Cloud Controller would delete it.
            let is_same = there.app_guid == app_guid
                && osb.open(&there).is_ok_and(|stored| stored == parameters);
            if !is_same {
                return Err(Error::conflict(
                    "There is a binding of this id already, for another app or with other parameters",
                )
                .into());
            }
            if there.instance_id.is_some() {
                return Ok(Done::ok(osb.credentials(&there), Change::Nothing));
            }
            // Made by promfetcher, and now named with its instance.
            let row = transaction
                .attach(
                    &there,
                    &instance.service_id,
                    &instance.plan_id,
                    &instance.space_guid,
                )
                .await?;
            let change = Change::Attached(row.clone().into(), there.key);
            return Ok(Done::ok(osb.credentials(&row), change));
        }

        if app_guid.is_none() && instance.space_guid.is_empty() {
            return Err(Error::malformed(
                "The space of this service instance is not known, so a key would open nothing: name it as `space_guid` in `context`",
            )
            .into());
        }
        let key = Binding::key(Some(&instance.id), &self.binding_id);
        let Some(sealed) = osb.0.keeper.bindings().vault().store(&key, &parameters) else {
            return Err(Error::malformed(
                "Wrong parameters: `authorization` and `headers` cannot be kept secret here, since this platform has no key for that; ask its operator to set `broker.secret_key`",
            )
            .into());
        };
        let new = NewBinding {
            binding_id: self.binding_id.clone(),
            service_id: instance.service_id.clone(),
            plan_id: instance.plan_id.clone(),
            app_guid,
            space_guid: instance.space_guid.clone(),
            endpoint: parameters.endpoint.clone(),
            parameters: sealed,
            nonce: nonce(),
            created: now(),
        };
        let row = transaction.insert_binding(&new).await?;
        Ok(Done::created(
            osb.credentials(&row),
            Change::Made(row.into()),
        ))
    }
}

impl Osb {
    /// The parameters of a stored binding.
    pub(super) fn open(&self, row: &Binding) -> Result<Parameters, Stop> {
        match self.0.keeper.bindings().vault().load(row) {
            Some(loaded) => Ok(loaded.parameters),
            None => {
                tracing::error!(binding = %row.binding_id.escape_debug(), "the parameters of a binding cannot be opened: `broker.secret_key` is another one than when it was made, and `broker.previous_secret_key` is not that one");
                Err(Error::internal().into())
            }
        }
    }

    /// `{"credentials": …}`.
    pub(super) fn credentials(&self, row: &Binding) -> Value {
        let credentials = self
            .0
            .keeper
            .bindings()
            .credentials(row, &self.0.config.base_url);
        json!({"credentials": credentials})
    }
}
