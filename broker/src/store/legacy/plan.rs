//! What has to be done so that promfetcher's table and ours say the same. Pure.
//!
//! promfetcher keeps one row for an app: its bind deletes the app's other rows and adds its own, its unbind deletes the
//! row of the binding. It reads the first row that it finds for an app.

use std::collections::{HashMap, HashSet};

/// So many bindings at most does an old process unbind between two looks. A table that has lost more, and is empty now,
/// was emptied by somebody who did not mean to unbind all apps.
const MOST_AT_ONCE: usize = 3;

/// Texts of promfetcher's columns are cut or refused beyond that many characters.
const LONGEST: usize = 255;

/// A row of promfetcher's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LegacyRow {
    /// The id of the binding.
    pub(super) guid: String,
    pub(super) app_guid: String,
    pub(super) endpoint: Option<String>,
}

/// What counts of a binding of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) seq: i64,
    pub(super) binding_id: String,
    pub(super) app_guid: Option<String>,
    pub(super) endpoint: Option<String>,
    /// Its row stood there when we last looked or wrote.
    pub(super) legacy_row: bool,
}

/// What old processes have done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Import {
    /// Bindings that they made.
    pub(super) adopt: Vec<LegacyRow>,
    /// Bindings of ours, by `seq`, whose row gave way to that of a newer one of the same app.
    pub(super) replaced: Vec<i64>,
    /// Bindings of ours, by `seq`, that they unbound.
    pub(super) unbound: Vec<i64>,
    /// The table was emptied: nothing counts as unbound.
    pub(super) emptied: bool,
}

impl Import {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What has changed in promfetcher's table since we last looked. `departed` tells of a binding id whether it was unbound
/// here while its row had to stay.
pub(super) fn import(rows: &[LegacyRow], ours: &[Ours], departed: impl Fn(&str) -> bool) -> Import {
    let known: HashSet<&str> = ours.iter().map(|ours| &*ours.binding_id).collect();
    let guids: HashSet<&str> = rows.iter().map(|row| &*row.guid).collect();
    let apps: HashSet<&str> = rows.iter().map(|row| &*row.app_guid).collect();
    let missing = || {
        ours.iter()
            .filter(|ours| ours.legacy_row && !guids.contains(&*ours.binding_id))
    };
    let emptied = rows.is_empty() && missing().count() > MOST_AT_ONCE;
    let (replaced, unbound) = missing().partition::<Vec<_>, _>(|ours| {
        emptied
            || ours
                .app_guid
                .as_deref()
                .is_some_and(|app| apps.contains(app))
    });
    let numbers = |ours: Vec<&Ours>| ours.into_iter().map(|ours| ours.seq).collect();
    Import {
        adopt: rows
            .iter()
            .filter(|row| !known.contains(&*row.guid) && !departed(&row.guid))
            .cloned()
            .collect(),
        replaced: numbers(replaced),
        unbound: numbers(unbound),
        emptied,
    }
}

/// What promfetcher's table lacks and has too much.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Writing {
    pub(super) delete: Vec<LegacyRow>,
    pub(super) insert: Vec<LegacyRow>,
    /// Bindings of ours, by `seq`, that a row cannot hold.
    pub(super) unwritable: Vec<i64>,
}

impl Writing {
    pub(super) fn is_empty(&self) -> bool {
        self.delete.is_empty() && self.insert.is_empty()
    }
}

/// What makes promfetcher's table hold exactly the row of each app's newest binding that has an endpoint.
pub(super) fn writing(rows: &[LegacyRow], ours: &[Ours]) -> Writing {
    let Wanted {
        rows: wanted,
        unwritable,
    } = wanted(ours);
    let there: HashSet<&str> = rows
        .iter()
        .filter(|row| {
            wanted
                .get(&*row.guid)
                .is_some_and(|(_, wanted)| wanted == *row)
        })
        .map(|row| &*row.guid)
        .collect();
    let mut insert: Vec<_> = wanted
        .values()
        .filter(|(_, row)| !there.contains(&*row.guid))
        .collect();
    insert.sort_by_key(|(seq, _)| *seq);
    Writing {
        delete: rows
            .iter()
            .filter(|row| !there.contains(&*row.guid))
            .cloned()
            .collect(),
        insert: insert.into_iter().map(|(_, row)| row.clone()).collect(),
        unwritable,
    }
}

/// Which bindings of ours need another `legacy_row`, now that these rows stand there.
pub(super) fn marks(rows: &[LegacyRow], ours: &[Ours]) -> Vec<(i64, bool)> {
    let there: HashSet<(&str, &str)> = rows
        .iter()
        .map(|row| (&*row.guid, &*row.app_guid))
        .collect();
    ours.iter()
        .filter_map(|ours| {
            let app = ours.app_guid.as_deref();
            let mark = app.is_some_and(|app| there.contains(&(&*ours.binding_id, app)));
            (mark != ours.legacy_row).then_some((ours.seq, mark))
        })
        .collect()
}

struct Wanted {
    /// By guid, with the `seq` of the binding.
    rows: HashMap<String, (i64, LegacyRow)>,
    unwritable: Vec<i64>,
}

fn wanted(ours: &[Ours]) -> Wanted {
    let mut newest: HashMap<&str, &Ours> = HashMap::new();
    for ours in ours.iter().filter(|ours| ours.endpoint.is_some()) {
        if let Some(app) = ours.app_guid.as_deref() {
            let entry = newest.entry(app).or_insert(ours);
            if ours.seq > entry.seq {
                *entry = ours;
            }
        }
    }
    let mut newest: Vec<_> = newest.into_iter().collect();
    newest.sort_by_key(|(_, ours)| ours.seq);
    let mut wanted = Wanted {
        rows: HashMap::new(),
        unwritable: Vec::new(),
    };
    for (app, ours) in newest {
        let row = LegacyRow {
            guid: ours.binding_id.clone(),
            app_guid: app.to_owned(),
            endpoint: ours.endpoint.clone(),
        };
        // Binding ids need only be unique within an instance; promfetcher's are so everywhere. The first one has it.
        if !is_writable(&row) || wanted.rows.contains_key(&row.guid) {
            wanted.unwritable.push(ours.seq);
        } else {
            wanted.rows.insert(row.guid.clone(), (ours.seq, row));
        }
    }
    wanted
}

/// Whether any column of promfetcher's making holds these texts, in whatever character set.
fn is_writable(row: &LegacyRow) -> bool {
    [&row.guid, &row.app_guid]
        .into_iter()
        .chain(&row.endpoint)
        .all(|text| text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
}

#[cfg(test)]
mod tests;
