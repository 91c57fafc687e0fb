//! Where the routing table comes from, and how the sources are doing: a part of every answer to "why is it not there?"

use maud::{Markup, html};

use super::super::template::visible;
use super::super::words::{ago, counted};
use crate::api::table_state::{Source, TableState};

/// The state of all sources, and how old what they said is.
pub(super) fn table(state: &TableState) -> Markup {
    if state.sources.is_empty() {
        return html! {
            p { "No source of routes is configured: without `nats`, `gorouters` or `targets` there are no apps." }
        };
    }
    let all = state.sources.iter().any(|source| source.detail.is_some());
    html! {
        div.wide.cards tabindex="0" role="region" aria-label="State of the sources" {
            table #sources {
                thead {
                    tr {
                        th scope="col" { "Source" }
                        th scope="col" { "State" }
                        th scope="col" { "Last heard" }
                        @if all { th scope="col" { "Detail" } }
                    }
                }
                tbody {
                    @for source in &state.sources {
                        tr data-source=(source.kind) data-state=(word(source)) {
                            th scope="row" { (kind(source.kind)) @if let Some(name) = &source.name { " " code { (visible(name)) } } }
                            td data-label="State" { (sign(source)) }
                            td data-label="Last heard" { (heard(source)) }
                            @if all { td data-label="Detail" { (visible(source.detail.as_deref().unwrap_or_default())) } }
                        }
                    }
                }
            }
        }
    }
}

/// One sentence on the sources, for the foot of a list.
pub(super) fn sentence(state: &TableState) -> Markup {
    let away = state.sources.iter().filter(|source| !source.connected);
    let away: Vec<&str> = away.map(|source| kind(source.kind)).collect();
    let ages = state
        .sources
        .iter()
        .filter_map(|source| source.last_message_age_seconds);
    let latest = ages.reduce(f64::min);
    html! {
        @match latest {
            Some(age) => { "The routing table was heard of " (ago(age)) "." }
            None => { "The routing table has " (counted(state.sources.len(), "source", "sources")) "." }
        }
        @if !away.is_empty() {
            " Not connected: " (away.join(", ")) ". What was known last is shown."
        }
    }
}

fn kind(kind: &str) -> &str {
    match kind {
        "nats" => "NATS",
        "gorouter" => "gorouter",
        "targets" => "fixed targets",
        "bindings" => "bindings",
        other => other,
    }
}

/// For scripts and tests.
fn word(source: &Source) -> &'static str {
    match (source.connected, source.ready) {
        (true, true) => "connected",
        (true, false) => "incomplete",
        (false, _) => "away",
    }
}

fn sign(source: &Source) -> Markup {
    match (source.connected, source.ready) {
        (true, true) => html! { span.state.up { "connected" } },
        (true, false) => html! { span.state.wait { "connected, not all heard yet" } },
        (false, true) => html! { span.state.down { "away" } },
        (false, false) => html! { span.state.down { "missing: never heard completely" } },
    }
}

fn heard(source: &Source) -> String {
    match source.last_message_age_seconds {
        Some(age) => ago(age),
        None if source.kind == "targets" => "configured".into(),
        None => "never".into(),
    }
}
