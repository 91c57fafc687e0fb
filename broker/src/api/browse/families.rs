//! The families of several pages as one list.

use std::borrow::Cow;
use std::collections::HashMap;

use promfetch_core::exposition::{FamilyRef, Format, MetricType, Page};
use promfetch_core::fetch::Outcome;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MAX_FAMILIES, MAX_TEXT};

/// Longest help text, in characters.
const MAX_HELP: usize = 1_000;

/// A family that some of the instances have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Family {
    pub(crate) name: String,
    /// The type that most instances give it, else the first one's: it keeps the name on the merged page.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// That of the first instance that has one; empty when none has.
    pub(crate) help: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    /// Of all instances.
    pub(crate) samples: usize,
    /// How many instances have it.
    pub(crate) instances: usize,
}

/// A list of families, cut at its bounds.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) families: Vec<Family>,
    pub(crate) total: usize,
}

/// A family while pages are read.
struct Entry<'p> {
    kinds: Kinds,
    help: Option<Cow<'p, str>>,
    unit: Option<&'p str>,
    samples: usize,
    instances: usize,
}

/// How many instances give a family which type, by first appearance.
#[derive(Debug, Default)]
pub(super) struct Kinds(Vec<(MetricType, usize)>);

impl Kinds {
    pub(super) fn count(&mut self, kind: MetricType) {
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.0.push((kind, 1)),
        }
    }

    /// The most frequent; of equally frequent ones the first.
    pub(super) fn word(&self) -> &'static str {
        let most = self
            .0
            .iter()
            .rev()
            .max_by_key(|(_, count)| *count)
            .map_or(MetricType::Unknown, |(kind, _)| *kind);
        most.word(Format::Text)
    }
}

/// Those of all instances that answered.
pub(crate) fn gather(outcomes: &[Outcome]) -> Gathered {
    let pages = outcomes
        .iter()
        .filter_map(|outcome| Some(&*outcome.result.as_ref().ok()?.page));
    of_pages(pages)
}

/// The families of these pages, by first appearance.
pub(crate) fn of_pages<'p>(pages: impl Iterator<Item = &'p Page>) -> Gathered {
    let mut places = HashMap::<Cow<'p, str>, usize>::new();
    let mut entries = Vec::<Entry<'p>>::new();
    for family in pages.flat_map(Page::families) {
        let place = *places.entry(family.plain_name()).or_insert(entries.len());
        if place == entries.len() {
            entries.push(Entry::new());
        }
        if let Some(entry) = entries.get_mut(place) {
            entry.add(&family);
        }
    }
    let mut names: Vec<_> = places.into_iter().collect();
    names.sort_unstable_by_key(|(_, place)| *place);
    let total = names.len();
    let mut text = 0;
    let families = names
        .into_iter()
        .zip(entries)
        .map(|((name, _), entry)| entry.finish(name.into_owned()))
        .take_while(|family| {
            text += family.name.len() + family.help.len();
            text <= MAX_TEXT
        })
        .take(MAX_FAMILIES)
        .collect();
    Gathered { families, total }
}

impl<'p> Entry<'p> {
    fn new() -> Self {
        Self {
            kinds: Kinds::default(),
            help: None,
            unit: None,
            samples: 0,
            instances: 0,
        }
    }

    fn add(&mut self, family: &FamilyRef<'p>) {
        self.kinds.count(family.kind());
        self.help = self.help.take().or_else(|| family.plain_help());
        self.unit = self.unit.or_else(|| family.unit());
        self.samples += family.samples();
        self.instances += 1;
    }

    fn finish(self, name: String) -> Family {
        Family {
            name,
            kind: self.kinds.word(),
            help: shortened(self.help.as_deref().unwrap_or_default()),
            unit: self.unit.filter(|unit| !unit.is_empty()).map(str::to_owned),
            samples: self.samples,
            instances: self.instances,
        }
    }
}

/// A help text that does not crowd out the others.
pub(super) fn shortened(help: &str) -> String {
    match help.char_indices().nth(MAX_HELP) {
        None => help.to_owned(),
        Some((end, _)) => format!("{}…", help.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use promfetch_core::exposition::Limits;

    use super::*;

    fn page(text: &str) -> Page {
        let limits = Limits {
            max_line: 1 << 20,
            max_samples: 1 << 20,
        };
        Page::scan(text.to_owned().into(), Format::Text, &limits).unwrap()
    }

    fn gathered(pages: &[&str]) -> Gathered {
        let pages: Vec<Page> = pages.iter().map(|text| page(text)).collect();
        of_pages(pages.iter())
    }

    #[test]
    fn families_of_several_pages_are_one_list() {
        for (pages, want, why) in [
            (&[][..], "", "nobody answered"),
            (&[""], "", "an empty page"),
            (
                &[
                    "# HELP a One.\n# TYPE a counter\na{x=\"1\"} 1\na 2\n",
                    "a 1\n",
                ],
                "a counter 3/2 One.",
                "the first one's type where as many say another",
            ),
            (
                &["a 1\n", "# TYPE a gauge\na 1\n", "# TYPE a gauge\na 1\n"],
                "a gauge 3/3 ",
                "most decide",
            ),
            (
                &["b 1\na 1\n", "# HELP a Late.\nc 1\na 1\n"],
                "b untyped 1/1 |a untyped 2/2 Late.|c untyped 1/1 ",
                "by first appearance; a help that comes later",
            ),
            (
                &["# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"],
                "h histogram 3/1 ",
                "one family of three names",
            ),
            (
                &["# HELP a x\\\\y\\nz\n{\"a\"} 1\n{\"b.c\"} 1\n"],
                "a untyped 1/1 x\\y\nz|b.c untyped 1/1 ",
                "no escapes, any name",
            ),
        ] {
            let got = gathered(pages);
            let shown: Vec<String> = got
                .families
                .iter()
                .map(|one| {
                    let counts = format!("{}/{}", one.samples, one.instances);
                    format!("{} {} {counts} {}", one.name, one.kind, one.help)
                })
                .collect();
            assert_eq!(shown.join("|"), want, "{why}");
            assert_eq!(got.total, shown.len(), "{why}");
        }
    }

    #[test]
    fn a_list_is_cut_at_its_bounds() {
        let many: String = (0..MAX_FAMILIES + 3).map(|n| format!("m{n} 1\n")).collect();
        let got = gathered(&[&many]);
        assert_eq!(
            (got.families.len(), got.total),
            (MAX_FAMILIES, MAX_FAMILIES + 3)
        );
        let help = format!("# HELP a {}\na 1\n", "ü".repeat(MAX_HELP + 1));
        let help = &gathered(&[&help]).families[0].help;
        assert_eq!(
            help.chars().count(),
            MAX_HELP + 1,
            "with the sign of the cut"
        );
        let name = "n".repeat(MAX_TEXT / 8);
        let long: String = (0..9).map(|n| format!("{name}{n} 1\n")).collect();
        let got = gathered(&[&long]);
        assert_eq!((got.families.len(), got.total), (7, 9), "by bytes, too");
    }
}
