//! promfetcher's table beside ours, on a database that was promfetcher's: while its old processes run they go on
//! binding and unbinding there, and whoever goes back to promfetcher finds the table as it would have left it.
//!
//! Ours holds more than theirs (all bindings of an app, not only the newest), so it cannot simply be copied. A binding
//! of ours remembers whether its row stood there when we last looked or wrote (`legacy_row`); what is different now
//! was done by an old process.
//!
//! Two things cannot be known. An old process that unbinds a binding which is not its app's newest leaves no trace:
//! ours keeps it. And one that binds without an endpoint only deletes the app's row: that looks like an unbind.

mod plan;

use std::collections::HashSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::database::{Session, Value};
use super::error::Error;
use super::keys;
use crate::secrets::nonce;
use plan::{Import, LegacyRow, Ours};

/// How many bindings are adopted with one statement.
const BATCH: usize = 100;

/// What stands in both tables.
pub(super) struct View {
    rows: Vec<LegacyRow>,
    ours: Vec<Ours>,
    departed: HashSet<String>,
}

impl View {
    pub(super) async fn read(session: &mut dyn Session) -> Result<Self, Error> {
        let rows = read_rows(session).await?;
        let ours = read_ours(session).await?;
        let mut departed = HashSet::new();
        if !plan::import(&rows, &ours, |_| false).adopt.is_empty() {
            let keys = session
                .fetch("SELECT id_key FROM promfetch_deprovisioned", &[])
                .await?;
            for mut row in keys {
                departed.insert(row.text()?);
            }
        }
        Ok(Self {
            rows,
            ours,
            departed,
        })
    }

    fn import(&self) -> Import {
        plan::import(&self.rows, &self.ours, |guid| {
            self.departed.contains(&keys::binding(None, guid))
        })
    }

    /// Whether the tables differ in what either side has to take over.
    pub(super) fn differs(&self, write_back: bool) -> bool {
        !self.import().is_empty()
            || (write_back && !plan::writing(&self.rows, &self.ours).is_empty())
    }

    /// Bindings of ours that old processes seem to have unbound, by `seq`.
    pub(super) fn unbound(&self) -> HashSet<i64> {
        self.import().unbound.into_iter().collect()
    }

    /// Takes over what old processes have done. Tells whether that made or ended bindings.
    pub(super) async fn take_in(self, session: &mut dyn Session) -> Result<bool, Error> {
        let import = self.import();
        if import.emptied {
            tracing::error!(
                "promfetcher's table `app_endpoints` was emptied: that counts as no unbind, and the bindings stay in effect"
            );
        }
        if !import.unbound.is_empty() {
            tracing::info!(
                bindings = import.unbound.len(),
                "promfetcher has unbound apps"
            );
        }
        adopt(session, &import.adopt).await?;
        for seq in &import.replaced {
            mark(session, *seq, false).await?;
        }
        for seq in &import.unbound {
            super::records::delete_binding(session, *seq).await?;
        }
        Ok(!import.adopt.is_empty() || !import.unbound.is_empty())
    }
}

/// Brings promfetcher's table to what ours says.
///
/// Writing there comes last, just before the commit: promfetcher's statements lock every row that they look at, so on
/// MySQL an old process that binds meanwhile may be told of a deadlock. The platform asks it again then.
pub(super) async fn write_back(session: &mut dyn Session) -> Result<(), Error> {
    let mut rows = read_rows(session).await?;
    let ours = read_ours(session).await?;
    let mut writing = plan::writing(&rows, &ours);
    let mut all = writing.unwritable.is_empty();
    rows.retain(|row| !writing.delete.contains(row));
    let mut insert = Vec::with_capacity(writing.insert.len());
    for row in writing.insert.drain(..) {
        if is_taken(session, &row, &writing.delete).await? {
            all = false;
        } else {
            rows.push(row.clone());
            insert.push(row);
        }
    }
    if !all {
        warn_unwritable();
    }
    for (seq, there) in plan::marks(&rows, &ours) {
        mark(session, seq, there).await?;
    }
    for row in &writing.delete {
        session
            .execute(
                "DELETE FROM app_endpoints WHERE guid = ?",
                &[Value::Text(&row.guid)],
            )
            .await?;
    }
    for row in &insert {
        session
            .execute(
                "INSERT INTO app_endpoints (guid, app_guid, endpoint) VALUES (?, ?, ?)",
                &[
                    Value::Text(&row.guid),
                    Value::Text(&row.app_guid),
                    Value::Maybe(row.endpoint.as_deref()),
                ],
            )
            .await?;
    }
    Ok(())
}

/// Whether the table's own collation takes the id of another row, one that stays, for this one.
async fn is_taken(
    session: &mut dyn Session,
    row: &LegacyRow,
    deleted: &[LegacyRow],
) -> Result<bool, Error> {
    let same = session
        .fetch(
            "SELECT guid FROM app_endpoints WHERE guid = ?",
            &[Value::Text(&row.guid)],
        )
        .await?;
    for mut same in same {
        let guid = same.text()?;
        if !deleted.iter().any(|row| row.guid == guid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rows without an app are nobody's; promfetcher makes none.
async fn read_rows(session: &mut dyn Session) -> Result<Vec<LegacyRow>, Error> {
    let rows = session
        .fetch(
            "SELECT guid, app_guid, endpoint FROM app_endpoints WHERE app_guid IS NOT NULL ORDER BY guid",
            &[],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(LegacyRow {
                guid: row.text()?,
                app_guid: row.text()?,
                endpoint: row.maybe()?.filter(|endpoint| !endpoint.is_empty()),
            })
        })
        .collect()
}

async fn read_ours(session: &mut dyn Session) -> Result<Vec<Ours>, Error> {
    let rows = session
        .fetch(
            "SELECT seq, binding_id, app_guid, endpoint, legacy_row FROM promfetch_bindings ORDER BY seq",
            &[],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Ours {
                seq: row.int()?,
                binding_id: row.text()?,
                app_guid: row.maybe()?,
                endpoint: row.maybe()?,
                legacy_row: row.int()? == 1,
            })
        })
        .collect()
}

async fn mark(session: &mut dyn Session, seq: i64, there: bool) -> Result<(), Error> {
    session
        .execute(
            "UPDATE promfetch_bindings SET legacy_row = ? WHERE seq = ?",
            &[Value::Int(there.into()), Value::Int(seq)],
        )
        .await
}

/// Makes bindings without an instance of rows, many at once: at the first start there may be thousands.
async fn adopt(session: &mut dyn Session, rows: &[LegacyRow]) -> Result<(), Error> {
    static MANY: LazyLock<String> = LazyLock::new(|| insert(BATCH));
    static ONE: LazyLock<String> = LazyLock::new(|| insert(1));
    let now = super::records::now();
    let (batches, rest) = rows.as_chunks::<BATCH>();
    for batch in batches {
        insert_adopted(session, &MANY, batch, now).await?;
    }
    for row in rest {
        insert_adopted(session, &ONE, std::slice::from_ref(row), now).await?;
    }
    Ok(())
}

fn insert(rows: usize) -> String {
    let values = vec!["(?, NULL, ?, '', '', ?, '', ?, '', ?, ?, 1)"; rows].join(", ");
    format!(
        "INSERT INTO promfetch_bindings (binding_key, instance_key, binding_id, service_id, plan_id, app_guid, space_guid, endpoint, parameters, nonce, created, legacy_row) VALUES {values}"
    )
}

async fn insert_adopted(
    session: &mut dyn Session,
    sql: &'static str,
    rows: &[LegacyRow],
    now: i64,
) -> Result<(), Error> {
    let mut made = Vec::with_capacity(rows.len());
    for row in rows {
        made.push((keys::binding(None, &row.guid), nonce()));
    }
    let values: Vec<_> = rows
        .iter()
        .zip(&made)
        .flat_map(|(row, (key, nonce))| {
            [
                Value::Text(key),
                Value::Text(&row.guid),
                Value::Text(&row.app_guid),
                Value::Maybe(row.endpoint.as_deref()),
                Value::Text(nonce),
                Value::Int(now),
            ]
        })
        .collect();
    session.execute(sql, &values).await
}

/// Says once what is not kept in step, and why.
fn warn_unwritable() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a binding cannot be written to promfetcher's table `app_endpoints`, which holds printable ASCII of up to 255 characters and each binding id once: promfetcher would ask its app for `/metrics`"
        );
    }
}
