//! `promfetch bindings`: what developers have bound, what of it is in effect, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ConfigFile, Failure, Outcome, ask, block_on, print};
use crate::bindings::effect::{self, Effect};
use crate::bindings::held::Held;

/// List the bindings of apps: what is in effect, and why
///
/// Reads the database of `db_conn`. Of several bindings of an app the newest one with parameters
/// decides; one without an endpoint leaves the path as it is. Secrets are not shown.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch bindings -c /etc/promfetch.yml
  promfetch bindings -c /etc/promfetch.yml --app 8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42 --json"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Only those of the app with this GUID.
    #[arg(long, value_name = "GUID")]
    app: Option<String>,
    /// One JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let (config, _) = arguments.config.load()?;
    ask::log(&config, false);
    block_on(async {
        let (rows, vault) = ask::bindings(&config).await?;
        let held = rows.iter().map(|row| Arc::new(vault.hold(row)));
        let wanted = |held: &Arc<Held>| arguments.app.is_none() || held.app_guid == arguments.app;
        let lines = lines(held.filter(wanted).collect());
        if arguments.json {
            let all: Vec<_> = lines.iter().map(Line::json).collect();
            let text = serde_json::to_string_pretty(&all).map_err(Failure::failed)?;
            return Ok(print([text + "\n"])?);
        }
        if lines.is_empty() {
            return Ok(print(["no bindings\n"])?);
        }
        Ok(print([table(&lines)])?)
    })
}

/// A binding, and what it does.
struct Line {
    held: Arc<Held>,
    effect: String,
}

/// By app, the oldest first; service keys at the end.
fn lines(held: Vec<Arc<Held>>) -> Vec<Line> {
    let mut apps: BTreeMap<Option<String>, Vec<Arc<Held>>> = BTreeMap::new();
    for one in held {
        apps.entry(one.app_guid.clone()).or_default().push(one);
    }
    let keys = apps.remove(&None).unwrap_or_default();
    let of_apps = apps.into_values().flat_map(|bindings| {
        let effect = effect::of(&bindings);
        let line = |held: &Arc<Held>| Line {
            effect: describe(held, effect),
            held: Arc::clone(held),
        };
        bindings.iter().map(line).collect::<Vec<_>>()
    });
    let of_spaces = keys.into_iter().map(|held| Line {
        effect: format!("credentials for the space {}", held.space_guid),
        held,
    });
    of_apps.chain(of_spaces).collect()
}

fn describe(held: &Held, effect: Option<Effect<'_>>) -> String {
    let is = |other: &Held| other.key == held.key;
    let mut text = match effect {
        Some(effect) if is(effect.decides) => match effect.path {
            Some(path) if !is(path) => format!("in effect, with the path of {}", path.binding_id),
            _ => "in effect".to_owned(),
        },
        _ if held.parameters.is_empty() => "credentials only".to_owned(),
        Some(effect) if effect.path.is_some_and(is) => {
            format!(
                "its path is in effect, all else is said by {}",
                effect.decides.binding_id
            )
        }
        Some(effect) => format!("not in effect: {} is newer", effect.decides.binding_id),
        None => "not in effect".to_owned(),
    };
    if held.is_locked {
        text.push_str("; its secrets cannot be opened: `broker.secret_key` is another one");
    }
    if held.parameters.endpoint.is_some() && !held.has_usable_path() {
        text.push_str("; its path cannot be asked for, so the app is asked for `/metrics`");
    }
    text
}

impl Line {
    fn json(&self) -> Value {
        let held = &self.held;
        json!({
            "app_guid": held.app_guid,
            "space_guid": held.space_guid,
            "service_instance_id": held.instance_id,
            "binding_id": held.binding_id,
            "created_ms": held.created,
            "parameters": held.parameters.shown(),
            "effect": self.effect,
        })
    }

    fn cells(&self) -> [String; 4] {
        let held = &self.held;
        let parameters = match held.parameters.shown() {
            Value::Object(all) if all.is_empty() => "-".to_owned(),
            shown => shown.to_string(),
        };
        [
            held.app_guid.clone().unwrap_or_else(|| "-".into()),
            held.binding_id.clone(),
            parameters,
            self.effect.clone(),
        ]
    }
}

/// Columns side by side. Ids and paths come from callers, so what a terminal would obey is escaped.
fn table(lines: &[Line]) -> String {
    let head = ["APP", "BINDING", "PARAMETERS", "EFFECT"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(lines.iter().map(Line::cells))
        .map(|cells| cells.map(|cell| cell.escape_debug().to_string().replace("\\\"", "\"")))
        .collect();
    let mut widths = [0; 4];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
