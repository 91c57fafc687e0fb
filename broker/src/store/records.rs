//! The SQL for instances and bindings, the same for all databases.

use std::time::SystemTime;

use super::database::{Row, Session, Value};
use super::error::Error;
use super::keys;
use super::model::{Binding, Instance, NewBinding};

const MAYBE_INSTANCE: &str = "SELECT id, service_id, plan_id, organization_guid, space_guid, parameters, context, created, updated FROM promfetch_instances WHERE instance_key = ?";

/// Columns of a binding, as [`binding_of`] reads them.
macro_rules! bindings_where {
    ($rest:literal) => {
        concat!(
            "SELECT b.binding_key, b.seq, i.id, b.binding_id, b.service_id, b.plan_id, b.app_guid, b.space_guid, b.endpoint, b.parameters, b.nonce, b.created ",
            "FROM promfetch_bindings b LEFT JOIN promfetch_instances i ON i.instance_key = b.instance_key ",
            $rest
        )
    };
}

pub(super) async fn instance(
    session: &mut dyn Session,
    id: &str,
) -> Result<Option<Instance>, Error> {
    let key = keys::instance(id);
    let mut rows = session.fetch(MAYBE_INSTANCE, &[Value::Text(&key)]).await?;
    rows.first_mut().map(instance_of).transpose()
}

fn instance_of(row: &mut Row) -> Result<Instance, Error> {
    Ok(Instance {
        id: row.text()?,
        service_id: row.text()?,
        plan_id: row.text()?,
        organization_guid: row.text()?,
        space_guid: row.text()?,
        parameters: row.text()?,
        context: row.text()?,
        created: row.int()?,
        updated: row.int()?,
    })
}

pub(super) async fn insert_instance(
    session: &mut dyn Session,
    new: &Instance,
) -> Result<(), Error> {
    let key = keys::instance(&new.id);
    session
        .execute(
            "INSERT INTO promfetch_instances (instance_key, id, service_id, plan_id, organization_guid, space_guid, parameters, context, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                Value::Text(&key),
                Value::Text(&new.id),
                Value::Text(&new.service_id),
                Value::Text(&new.plan_id),
                Value::Text(&new.organization_guid),
                Value::Text(&new.space_guid),
                Value::Text(&new.parameters),
                Value::Text(&new.context),
                Value::Int(new.created),
                Value::Int(new.updated),
            ],
        )
        .await
}

pub(super) async fn update_instance(
    session: &mut dyn Session,
    changed: &Instance,
) -> Result<(), Error> {
    let key = keys::instance(&changed.id);
    session
        .execute(
            "UPDATE promfetch_instances SET service_id = ?, plan_id = ?, organization_guid = ?, space_guid = ?, parameters = ?, context = ?, created = ?, updated = ? WHERE instance_key = ?",
            &[
                Value::Text(&changed.service_id),
                Value::Text(&changed.plan_id),
                Value::Text(&changed.organization_guid),
                Value::Text(&changed.space_guid),
                Value::Text(&changed.parameters),
                Value::Text(&changed.context),
                Value::Int(changed.created),
                Value::Int(changed.updated),
                Value::Text(&key),
            ],
        )
        .await
}

/// Its bindings go with it, by the foreign key.
pub(super) async fn delete_instance(session: &mut dyn Session, id: &str) -> Result<(), Error> {
    let key = keys::instance(id);
    session
        .execute(
            "DELETE FROM promfetch_instances WHERE instance_key = ?",
            &[Value::Text(&key)],
        )
        .await
}

pub(super) async fn bindings(session: &mut dyn Session) -> Result<Vec<Binding>, Error> {
    read_bindings(session, bindings_where!("ORDER BY b.seq"), &[]).await
}

pub(super) async fn bindings_of(
    session: &mut dyn Session,
    instance_id: &str,
) -> Result<Vec<Binding>, Error> {
    let key = keys::instance(instance_id);
    read_bindings(
        session,
        bindings_where!("WHERE b.instance_key = ? ORDER BY b.seq"),
        &[Value::Text(&key)],
    )
    .await
}

pub(super) async fn binding(
    session: &mut dyn Session,
    instance_id: Option<&str>,
    binding_id: &str,
) -> Result<Option<Binding>, Error> {
    let key = keys::binding(instance_id, binding_id);
    let found = read_bindings(
        session,
        bindings_where!("WHERE b.binding_key = ?"),
        &[Value::Text(&key)],
    )
    .await?;
    Ok(found.into_iter().next())
}

async fn read_bindings(
    session: &mut dyn Session,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Binding>, Error> {
    let mut rows = session.fetch(sql, values).await?;
    rows.iter_mut().map(binding_of).collect()
}

fn binding_of(row: &mut Row) -> Result<Binding, Error> {
    Ok(Binding {
        key: row.text()?,
        seq: row.int()?,
        instance_id: row.maybe()?,
        binding_id: row.text()?,
        service_id: row.text()?,
        plan_id: row.text()?,
        app_guid: row.maybe()?,
        space_guid: row.text()?,
        endpoint: row.maybe()?,
        parameters: row.text()?,
        nonce: row.text()?,
        created: row.int()?,
    })
}

/// Inserts and reads back what was inserted, with the number that the database gave it.
pub(super) async fn insert_binding(
    session: &mut dyn Session,
    instance_id: Option<&str>,
    new: &NewBinding,
) -> Result<Binding, Error> {
    let key = keys::binding(instance_id, &new.binding_id);
    let instance_key = instance_id.map(keys::instance);
    session
        .execute(
            "INSERT INTO promfetch_bindings (binding_key, instance_key, binding_id, service_id, plan_id, app_guid, space_guid, endpoint, parameters, nonce, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                Value::Text(&key),
                Value::Maybe(instance_key.as_deref()),
                Value::Text(&new.binding_id),
                Value::Text(&new.service_id),
                Value::Text(&new.plan_id),
                Value::Maybe(new.app_guid.as_deref()),
                Value::Text(&new.space_guid),
                Value::Maybe(new.endpoint.as_deref()),
                Value::Text(&new.parameters),
                Value::Text(&new.nonce),
                Value::Int(new.created),
            ],
        )
        .await?;
    binding(session, instance_id, &new.binding_id)
        .await?
        .ok_or_else(|| Error::broken("a binding is not in the database after it was put there"))
}

/// Gives an adopted binding its instance, and what else is known now.
pub(super) async fn attach(
    session: &mut dyn Session,
    attached: &Binding,
    instance_id: &str,
) -> Result<(), Error> {
    let instance_key = keys::instance(instance_id);
    session
        .execute(
            "UPDATE promfetch_bindings SET binding_key = ?, instance_key = ?, service_id = ?, plan_id = ?, space_guid = ? WHERE seq = ? AND instance_key IS NULL",
            &[
                Value::Text(&attached.key),
                Value::Text(&instance_key),
                Value::Text(&attached.service_id),
                Value::Text(&attached.plan_id),
                Value::Text(&attached.space_guid),
                Value::Int(attached.seq),
            ],
        )
        .await
}

pub(super) async fn update_parameters(
    session: &mut dyn Session,
    seq: i64,
    parameters: &str,
) -> Result<(), Error> {
    session
        .execute(
            "UPDATE promfetch_bindings SET parameters = ? WHERE seq = ?",
            &[Value::Text(parameters), Value::Int(seq)],
        )
        .await
}

pub(super) async fn delete_binding(session: &mut dyn Session, seq: i64) -> Result<(), Error> {
    session
        .execute(
            "DELETE FROM promfetch_bindings WHERE seq = ?",
            &[Value::Int(seq)],
        )
        .await
}

/// Whether a key was remembered by [`remember_departed`].
pub(super) async fn is_departed(session: &mut dyn Session, key: &str) -> Result<bool, Error> {
    let rows = session
        .fetch(
            "SELECT since FROM promfetch_deprovisioned WHERE id_key = ?",
            &[Value::Text(key)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Remembers that something of a taken-over database has gone, by its key.
pub(super) async fn remember_departed(session: &mut dyn Session, key: &str) -> Result<(), Error> {
    if is_departed(session, key).await? {
        return Ok(());
    }
    session
        .execute(
            "INSERT INTO promfetch_deprovisioned (id_key, since) VALUES (?, ?)",
            &[Value::Text(key), Value::Int(now())],
        )
        .await
}

pub(super) async fn forget_departed(session: &mut dyn Session, key: &str) -> Result<(), Error> {
    session
        .execute(
            "DELETE FROM promfetch_deprovisioned WHERE id_key = ?",
            &[Value::Text(key)],
        )
        .await
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
