//! The samples of one family, of several pages.

use promfetch_core::exposition::{FamilyRef, Page, Value};
use promfetch_core::fetch::Outcome;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::families::{Kinds, shortened};
use super::{MAX_SERIES, MAX_TEXT};

/// What the instances say of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FamilyDescription)]
pub(crate) struct About {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) help: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
}

/// One sample of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Series {
    /// The instance's GUID, or its address when it has none.
    pub(crate) instance: String,
    pub(crate) index: String,
    /// With the suffix that it has beside the name of its family.
    pub(crate) name: String,
    /// The sample's own, in its order.
    #[serde(serialize_with = "as_map")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub(crate) labels: Vec<(String, String)>,
    /// As it stands on the page: `1.5`, `NaN`, `+Inf`.
    pub(crate) value: String,
}

/// The series of a family, cut at their bounds.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) about: Option<About>,
    pub(crate) series: Vec<Series>,
    pub(crate) total: usize,
}

fn as_map<S: Serializer>(labels: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(labels.len()))?;
    for (name, value) in labels {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Of all instances that answered.
pub(super) fn of_instances(outcomes: &[Outcome], family: &str) -> Gathered {
    let pages = outcomes.iter().filter_map(|outcome| {
        let page = &*outcome.result.as_ref().ok()?.page;
        let instance = &outcome.target.instance.as_ref()?.instance;
        Some((instance.name(), instance.index.to_string(), page))
    });
    of_pages(pages, family)
}

/// `pages` come with the name and the index of their instance.
pub(crate) fn of_pages<'p>(
    pages: impl Iterator<Item = (String, String, &'p Page)>,
    wanted: &str,
) -> Gathered {
    let mut kinds = Kinds::default();
    let mut all = Gathered::default();
    let mut text = 0;
    for (instance, index, page) in pages {
        let Some(family) = page.families().find(|one| one.plain_name() == wanted) else {
            continue;
        };
        kinds.count(family.kind());
        let about = all.about.get_or_insert_with(|| About {
            name: wanted.to_owned(),
            kind: "",
            help: String::new(),
            unit: None,
        });
        about.kind = kinds.word();
        fill(about, &family);
        let room = MAX_SERIES.saturating_sub(all.series.len());
        let series = family
            .values()
            .map(|value| series(&instance, &index, value))
            .take_while(|series| {
                text += length(series);
                text <= MAX_TEXT
            })
            .take(room);
        all.series.extend(series);
        all.total += family.samples();
    }
    all
}

/// What an instance before has not said.
fn fill(about: &mut About, family: &FamilyRef<'_>) {
    if about.help.is_empty() {
        about.help = shortened(family.plain_help().as_deref().unwrap_or_default());
    }
    if about.unit.is_none() {
        let unit = family.unit().filter(|unit| !unit.is_empty());
        about.unit = unit.map(str::to_owned);
    }
}

fn series(instance: &str, index: &str, value: Value<'_>) -> Series {
    Series {
        instance: instance.to_owned(),
        index: index.to_owned(),
        name: value.name.into_owned(),
        labels: value
            .labels
            .into_iter()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        value: value.value.to_owned(),
    }
}

fn length(series: &Series) -> usize {
    let labels: usize = series
        .labels
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    series.name.len() + series.value.len() + labels
}

#[cfg(test)]
mod tests {
    use promfetch_core::exposition::{Format, Limits};

    use super::*;

    fn gathered(pages: &[&str], family: &str) -> Gathered {
        let limits = Limits {
            max_line: 1 << 20,
            max_samples: 1 << 20,
        };
        let pages: Vec<Page> = pages
            .iter()
            .map(|text| Page::scan((*text).to_owned().into(), Format::Text, &limits).unwrap())
            .collect();
        let named = pages
            .iter()
            .enumerate()
            .map(|(n, page)| (format!("guid-{n}"), n.to_string(), page));
        of_pages(named, family)
    }

    #[test]
    fn samples_come_by_instance_in_the_order_of_the_page() {
        for (pages, family, want, why) in [
            (&[][..], "a", "", "nobody answered"),
            (&["b 1\n"], "a", "", "nobody has it"),
            (
                &["b 1\na{x=\"2\",k=\"1\"} NaN\na +Inf\n", "b 2\n", "a 3\n"],
                "a",
                r#"0 a {"x":"2","k":"1"} NaN|0 a {} +Inf|2 a {} 3"#,
                "labels stay in their order, values as they stand",
            ),
            (
                &["# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n"],
                "h",
                r#"0 h_bucket {"le":"+Inf"} 1|0 h_sum {} 0.5|0 h_count {} 1"#,
                "all names of a family",
            ),
            (
                &["# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"],
                "h_sum",
                "",
                "no family",
            ),
            (
                &["{\"a.\\\"b\",\"l m\"=\"<script>\"} 1\n"],
                "a.\"b",
                r#"0 a."b {"l m":"<script>"} 1"#,
                "any name",
            ),
        ] {
            let got = gathered(pages, family);
            let shown: Vec<String> = got
                .series
                .iter()
                .map(|one| {
                    let json = serde_json::to_value(one).unwrap();
                    assert_eq!(one.instance, format!("guid-{}", one.index), "{why}");
                    let mut labels = Vec::new();
                    as_map(&one.labels, &mut serde_json::Serializer::new(&mut labels)).unwrap();
                    let labels = String::from_utf8(labels).unwrap();
                    assert!(json["labels"].is_object(), "{why}");
                    format!("{} {} {labels} {}", one.index, one.name, one.value)
                })
                .collect();
            assert_eq!(shown.join("|"), want, "{why}");
            assert_eq!(got.total, shown.len(), "{why}");
            assert_eq!(got.about.is_some(), !want.is_empty(), "{why}");
        }
    }

    #[test]
    fn what_is_said_of_the_family_comes_from_all() {
        let about = gathered(
            &[
                "a 1\n",
                "# HELP a Once.\n# TYPE a gauge\na 1\n",
                "# HELP a Twice.\n# TYPE a gauge\na 1\n",
            ],
            "a",
        )
        .about
        .unwrap();
        assert_eq!((about.kind, about.help.as_str()), ("gauge", "Once."));
    }

    #[test]
    fn series_are_cut_at_their_bounds() {
        let many: String = (0..MAX_SERIES)
            .map(|n| format!("a{{n=\"{n}\"}} 1\n"))
            .collect();
        let got = gathered(&[&many, "a 1\n"], "a");
        assert_eq!((got.series.len(), got.total), (MAX_SERIES, MAX_SERIES + 1));
        let value = "v".repeat(MAX_TEXT / 8);
        let long: String = (0..9)
            .map(|n| format!("a{{n=\"{n}\",l=\"{value}\"}} 1\n"))
            .collect();
        let got = gathered(&[&long, "a 1\n"], "a");
        assert_eq!((got.series.len(), got.total), (7, 10), "by bytes, too");
    }
}
