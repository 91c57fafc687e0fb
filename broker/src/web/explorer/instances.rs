//! How the instances of an app are doing: who answered, who did not, why, and what to do about it.

use maud::{Markup, html};
use promfetch_core::client::{InstanceStatus, PathSource};

use super::super::template::visible;
use super::super::words::{ago, bytes, counted, grouped, time};
use super::name;
use crate::api::advice;

/// Most instances on the page.
const MAX_SHOWN: usize = 500;

/// All of them, an app after the other.
pub(super) fn all(up: &str, instances: &[InstanceStatus]) -> Markup {
    let apps: Vec<&[InstanceStatus]> = instances.chunk_by(|a, b| a.app_id == b.app_id).collect();
    let shown = instances.len().min(MAX_SHOWN);
    let mut left = MAX_SHOWN;
    let apps: Vec<_> = apps
        .iter()
        .map(|app| {
            let here = app.get(..app.len().min(left)).unwrap_or_default();
            left -= here.len();
            (here, app.len())
        })
        .collect();
    html! {
        p.found data-up=(count(instances, "up")) data-down=(count(instances, "down")) { (summary(instances)) }
        @for (here, number) in &apps {
            @if let Some(first) = here.first() {
                @if apps.len() > 1 { (heading(up, first, *number)) }
                (table(up, here, &first.app_name))
            }
        }
        @if instances.len() > shown {
            p.more { (grouped(instances.len() - shown)) " more. All of them are in " code { "instances" } " as JSON." }
        }
    }
}

fn count(instances: &[InstanceStatus], status: &str) -> usize {
    instances.iter().filter(|one| one.status == status).count()
}

/// `2 of 4 instances are up.`
fn summary(instances: &[InstanceStatus]) -> Markup {
    let (up, down) = (count(instances, "up"), count(instances, "down"));
    let all = counted(instances.len(), "instance", "instances");
    html! {
        @if up + down == 0 { (all) ", not asked lately." }
        @else if up == instances.len() { "All " (all) " gave metrics." }
        @else {
            strong { (grouped(up)) } " of " (all) " gave metrics"
            @if down > 0 { ", " strong.bad { (grouped(down)) } " did not" }
            @if up + down < instances.len() { ", " (grouped(instances.len() - up - down)) " not asked lately" }
            "."
        }
    }
}

/// Of one of several apps under a route.
fn heading(up: &str, first: &InstanceStatus, number: usize) -> Markup {
    html! {
        h3 data-app=(first.app_id) {
            a href={ (up) "apps/" (crate::bindings::credentials::escape(&first.app_id)) } {
                (name(&first.organization_name)) " / " (name(&first.space_name)) " / " (name(&first.app_name))
            }
            " " span.quiet { (counted(number, "instance", "instances")) }
        }
    }
}

fn table(up: &str, instances: &[InstanceStatus], app: &str) -> Markup {
    html! {
        div.wide.cards tabindex="0" role="region" aria-label={ "Instances of " (visible(app)) } {
            table.instances {
                thead {
                    tr {
                        th scope="col" { "State" }
                        th scope="col" { "Instance" }
                        th scope="col" { "Address" }
                        th scope="col" { "Path" }
                        th scope="col" { "Last asked" }
                        th.number scope="col" { "Took" }
                        th.number scope="col" { "Size" }
                        th.number scope="col" { "Samples" }
                        th scope="col" { "Route heard" }
                    }
                }
                @for one in instances { (rows(up, one)) }
            }
        }
    }
}

/// The line of an instance, and below it why it gave nothing.
fn rows(up: &str, one: &InstanceStatus) -> Markup {
    let last = one.last.as_ref();
    let error = last.and_then(|last| last.error);
    html! {
        tbody data-instance=(one.name) data-index=(one.index) data-status=(one.status) data-error=[error] {
            tr {
                th scope="row" data-label="State" { (state(one.status)) }
                td data-label="Instance" {
                    span.index { (visible(if one.index.is_empty() { "?" } else { &one.index })) }
                    @if &*one.process_type != "web" { " " span.kind { (name(&one.process_type)) } }
                    @if !one.instance_guid.is_empty() { " " code.guid { (visible(&one.instance_guid)) } }
                }
                td data-label="Address" {
                    code { (visible(&one.address)) }
                    @if one.tls { " " span.kind { "TLS" } }
                    @if !one.availability_zone.is_empty() { " " span.quiet { (name(&one.availability_zone)) } }
                    @if !one.isolation_segment.is_empty() { " " span.quiet { (name(&one.isolation_segment)) } }
                }
                td data-label="Path" { code { (visible(&one.path)) } " " span.quiet { (because(one.path_source)) } }
                @if let Some(last) = last {
                    td data-label="Last asked" {
                        (ago(last.seconds_ago))
                        @if let Some(status) = last.http_status { " " span.quiet { "HTTP " (status) } }
                    }
                    td.number data-label="Took" { (time(last.duration_seconds)) }
                    @if error.is_none() {
                        td.number data-label="Size" { (bytes(last.body_bytes)) }
                        td.number data-label="Samples" { (grouped(last.samples)) }
                    } @else {
                        td.number data-label="Size" { "–" }
                        td.number data-label="Samples" { "–" }
                    }
                } @else {
                    td data-label="Last asked" { "not lately" }
                    @for label in ["Took", "Size", "Samples"] { td.number data-label=(label) { "–" } }
                }
                td data-label="Route heard" { (ago(one.route_age_seconds)) }
            }
            @if let (Some(reason), Some(last)) = (error, last) {
                tr.why {
                    td colspan="9" {
                        strong.reason { a href={ (up) "doc/pages#reasons" } { (reason) } }
                        @if let Some(detail) = &last.detail { " " span.detail { (name(detail)) } }
                        @if last.path != one.path { " " span.quiet { "(asked for " code { (visible(&last.path)) } ")" } }
                        span.advice { (advice(reason)) }
                    }
                }
            }
        }
    }
}

/// A word with a sign, so that colour is not all there is.
pub(super) fn state(status: &str) -> Markup {
    match status {
        "up" => html! { span.state.up { "up" } },
        "down" => html! { span.state.down { "down" } },
        _ => html! { span.state.wait { "not asked" } },
    }
}

fn because(source: PathSource) -> &'static str {
    match source {
        PathSource::Default => "the default",
        PathSource::Target => "of the fixed target",
        PathSource::Query => "from this address",
        PathSource::Binding => "bound",
    }
}

/// What has happened, and what to do about it: two sentences.
fn advice(reason: &str) -> Markup {
    let Some((what, to_do)) = advice::of(reason) else {
        return html! {};
    };
    let mut letters = what.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    html! { @if let Some(first) = first { (first) } (marked(letters.as_str())) ". " (marked(to_do)) }
}

/// Words between backticks as code.
pub(super) fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use promfetch_core::client::Last;

    use super::*;

    fn status(
        guid: &str,
        app: &str,
        status: &'static str,
        error: Option<&'static str>,
    ) -> InstanceStatus {
        InstanceStatus {
            app_id: app.into(),
            organization_name: "o".into(),
            space_name: "s".into(),
            app_name: "<b>\u{202e}".into(),
            process_type: "web".into(),
            index: "0".into(),
            instance_guid: guid.into(),
            name: if guid.is_empty() {
                "10.0.0.1:61001".into()
            } else {
                guid.into()
            },
            address: "10.0.0.1:61001".into(),
            tls: true,
            host: "h".into(),
            path: "/metrics".into(),
            path_source: PathSource::Default,
            isolation_segment: String::new(),
            availability_zone: "<z>".into(),
            route_age_seconds: 12.3,
            status,
            last: (status != "unknown").then(|| Last {
                seconds_ago: 3.0,
                path: "/other".into(),
                http_status: Some(200),
                duration_seconds: 0.012,
                body_bytes: 2048,
                samples: 1234,
                error,
                detail: error.map(|_| "line 1: `<script>`".into()),
            }),
        }
    }

    #[test]
    fn each_state_is_a_word_with_what_belongs_to_it() {
        for (one, shown, hidden, why) in [
            (
                status("g", "a", "up", None),
                &[
                    "All 1 instance gave",
                    "state up\">up<",
                    "TLS",
                    "1,234",
                    "2.0 KiB",
                    "12 ms",
                    "3 s ago",
                    "12 s ago",
                    "the default",
                ][..],
                &["class=\"why\""][..],
                "up",
            ),
            (
                status("g", "a", "down", Some("parse")),
                &[
                    "state down\">down<",
                    "line 1: `&lt;script&gt;`",
                    "doc/pages#reasons\">parse<",
                    "asked for",
                    "/other",
                    "does not keep to the format",
                ],
                &["1,234", "<script>"],
                "down",
            ),
            (
                status("", "a", "unknown", None),
                &[
                    "not asked lately",
                    "state wait\">not asked<",
                    "data-instance=\"10.0.0.1:61001\"",
                ],
                &["ms<", "class=\"why\""],
                "nobody has asked, and it has no GUID",
            ),
        ] {
            let html = all("../", &[one]).into_string();
            for part in shown {
                assert!(html.contains(part), "{why}: {part}: {html}");
            }
            for part in hidden.iter().chain(&["<b>", "<z>", "\u{202e}"]) {
                assert!(!html.contains(part), "{why}: {part}: {html}");
            }
        }
    }

    #[test]
    fn apps_of_one_route_stand_apart() {
        let some = [
            status("1", "a", "up", None),
            status("2", "a", "down", Some("timeout")),
            status("3", "b", "unknown", None),
        ];
        let html = all("../", &some).into_string();
        assert_eq!(html.matches("<h3").count(), 2);
        assert!(html.contains("<strong>1</strong> of 3 instances gave metrics, <strong class=\"bad\">1</strong> did not, 1 not asked lately."), "{html}");
        let one = all("../", &some[..2]).into_string();
        assert_eq!(one.matches("<h3").count(), 0, "the page has its name");
    }

    #[test]
    fn the_table_is_bounded() {
        let many: Vec<_> = (0..MAX_SHOWN + 7)
            .map(|number| status(&number.to_string(), &(number / 400).to_string(), "up", None))
            .collect();
        let html = all("", &many).into_string();
        assert_eq!(html.matches("data-instance=").count(), MAX_SHOWN);
        assert!(html.contains("7 more."), "{html}");
    }
}
