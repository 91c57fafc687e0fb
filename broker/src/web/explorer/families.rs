//! What an app has metrics of: the families to choose from, and the values of the one that was chosen.

use maud::{Markup, html};

use super::super::template::visible;
use super::super::words::{counted, grouped};
use super::name;
use crate::api::browse::families::Family;
use crate::api::browse::samples::{About, Series};

/// Most families on the page. The filter finds the others.
const MAX_SHOWN: usize = 500;
/// Most series in the table of values.
const MAX_SERIES: usize = 200;
/// Longest help text, in characters: `/families` has all of it.
const MAX_HELP: usize = 240;

/// What is chosen of the families.
pub(super) struct Chosen<'c> {
    /// The part of a name that all shown ones have.
    pub(super) filter: &'c str,
    /// The family whose values are shown.
    pub(super) family: Option<&'c str>,
}

/// The list. `link` leads to the page on which a family is chosen, `hidden` are the fields that a form needs to come
/// back to this page.
pub(super) fn list(
    families: &[Family],
    total: usize,
    chosen: &Chosen<'_>,
    link: impl Fn(&str) -> String,
    hidden: &Markup,
) -> Markup {
    let wanted = chosen.filter.to_lowercase();
    let fits = |family: &&Family| {
        family.name.to_lowercase().contains(&wanted) || family.help.to_lowercase().contains(&wanted)
    };
    let fitting: Vec<&Family> = families.iter().filter(fits).collect();
    let shown = fitting.len().min(MAX_SHOWN);
    html! {
        form.filter method="get" role="search" {
            (hidden)
            label for="filter" { "Filter " (counted(total, "family", "families")) }
            input #filter type="search" name="filter" value=(chosen.filter) autocomplete="off" spellcheck="false"
                maxlength="200" aria-controls="families-list";
        }
        @if fitting.is_empty() { p.nothing { "No family has " strong { (name(chosen.filter)) } " in its name or help." } }
        ul.families #families-list data-families=(total) {
            @for family in fitting.iter().take(MAX_SHOWN) {
                @let current = (chosen.family == Some(&family.name)).then_some("true");
                li data-family=(family.name) data-type=(family.kind) {
                    a href=(link(&family.name)) aria-current=[current] { code { (visible(&family.name)) } }
                    p.meta {
                        span.kind { (family.kind) }
                        " " (counted(family.samples, "sample", "samples")) " of " (counted(family.instances, "instance", "instances"))
                        @if let Some(unit) = &family.unit { ", in " (name(unit)) }
                    }
                    @if !family.help.is_empty() { p.help { (name(&shortened(&family.help))) } }
                }
            }
        }
        @if fitting.len() > shown {
            p.more { (grouped(fitting.len() - shown)) " more: type a part of the name." }
        }
    }
}

fn shortened(help: &str) -> String {
    match help.char_indices().nth(MAX_HELP) {
        None => help.to_owned(),
        Some((end, _)) => format!("{}…", help.get(..end).unwrap_or_default()),
    }
}

/// The current values of one family, an instance after the other.
pub(super) fn values(
    about: Option<&About>,
    series: &[Series],
    total: usize,
    wanted: &str,
) -> Markup {
    let Some(about) = about else {
        return html! { p.nothing { "No instance that answered has " strong { (name(wanted)) } "." } };
    };
    let shown = series.len().min(MAX_SERIES);
    html! {
        h3 { code { (visible(&about.name)) } " " span.kind { (about.kind) } }
        @if !about.help.is_empty() { p.help { (name(&shortened(&about.help))) } }
        div.wide tabindex="0" role="region" aria-label={ "Values of " (visible(&about.name)) } {
            table.values {
                thead {
                    tr {
                        th scope="col" { "Instance" }
                        th scope="col" { "Series" }
                        th.number scope="col" { "Value" }
                    }
                }
                tbody {
                    @for one in series.iter().take(MAX_SERIES) {
                        tr data-instance=(one.instance) {
                            th scope="row" { (visible(if one.index.is_empty() { &one.instance } else { &one.index })) }
                            td { code { (visible(&written(one))) } }
                            td.number { (visible(&one.value)) }
                        }
                    }
                }
            }
        }
        @if total > shown {
            p.more { (grouped(total - shown)) " more series are in " code { "samples" } " as JSON." }
        }
    }
}

/// `name{label="value"}`.
fn written(one: &Series) -> String {
    if one.labels.is_empty() {
        return one.name.clone();
    }
    let labels: Vec<String> = one
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{}{{{}}}", one.name, labels.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str, help: &str) -> Family {
        Family {
            name: name.into(),
            kind: "counter",
            help: help.into(),
            unit: None,
            samples: 3,
            instances: 1,
        }
    }

    fn shown(families: &[Family], filter: &str) -> String {
        let chosen = Chosen {
            filter,
            family: Some("b"),
        };
        let link = |name: &str| format!("?family={}", crate::bindings::credentials::escape(name));
        list(families, families.len(), &chosen, link, &html! {}).into_string()
    }

    #[test]
    fn families_are_chosen_and_filtered() {
        let all = [
            family("a", "Requests"),
            family("b", "<b>\u{202e}"),
            family("c\"<", ""),
        ];
        for (filter, want, why) in [
            ("", 3, "all"),
            ("REQ", 1, "in the help, any case"),
            ("\"<", 1, "in the name"),
            ("x", 0, "nowhere"),
        ] {
            let html = shown(&all, filter);
            assert_eq!(html.matches("data-family=").count(), want, "{why}: {html}");
            assert!(
                !html.contains("<b>") && !html.contains('\u{202e}'),
                "{html}"
            );
        }
        let html = shown(&all, "");
        assert!(
            html.contains("href=\"?family=b\" aria-current=\"true\""),
            "{html}"
        );
        assert!(html.contains("href=\"?family=c%22%3C\""), "{html}");
        let many: Vec<Family> = (0..MAX_SHOWN + 3)
            .map(|n| family(&format!("f{n}"), &"h".repeat(900)))
            .collect();
        let html = shown(&many, "");
        assert_eq!(html.matches("data-family=").count(), MAX_SHOWN);
        assert!(html.contains("3 more: type"), "{}", html.len());
        assert!(!html.contains(&"h".repeat(MAX_HELP + 1)), "help is cut");
    }

    #[test]
    fn values_are_bounded_and_written_as_on_a_page() {
        let about = About {
            name: "a".into(),
            kind: "gauge",
            help: String::new(),
            unit: None,
        };
        let one = Series {
            instance: "g-1".into(),
            index: String::new(),
            name: "a".into(),
            labels: vec![("l".into(), "</code>\"\n".into())],
            value: "NaN".into(),
        };
        let html = values(
            Some(&about),
            &vec![one; MAX_SERIES + 2],
            MAX_SERIES + 9,
            "a",
        )
        .into_string();
        assert!(
            html.contains("a{l=&quot;&lt;/code&gt;\\&quot;\\n&quot;}"),
            "{html}"
        );
        assert_eq!(html.matches("NaN").count(), MAX_SERIES);
        assert!(
            html.contains("9 more series"),
            "what is not shown is counted"
        );
        assert!(html.contains("<th scope=\"row\">g-1</th>"), "no index");
        let none = values(None, &[], 0, "<x>").into_string();
        assert!(none.contains("&lt;x&gt;"), "{none}");
    }
}
