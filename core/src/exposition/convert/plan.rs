//! Names: what each family of a page is called in the target, and which ones cannot keep their structure.
//!
//! Only names and types are looked at here, so the plan is small; samples are read family by family.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::created;
use super::escape::{Role, escape};
use super::flat::Family;
use super::labels::{LabelNames, plain};
use super::{read_lines, read_messages};
use crate::exposition::{Dialect, Format, MetricType, Page};

/// What becomes of one family.
#[derive(Debug)]
pub(super) struct Planned {
    /// The name as OpenMetrics would have it, so without `_total` and `_info`; escaped.
    pub(super) name: String,
    /// `_total` of a counter that has it, `_info` of an info metric. Text and protobuf have it in the family's name.
    pub(super) main: &'static str,
    pub(super) kind: MetricType,
    /// It is written without structure, because another family has one of the names that it would reserve.
    pub(super) loose: bool,
    /// Place of the gauge family that tells when its metrics were created.
    pub(super) created: Option<usize>,
    /// It is such a gauge family, and written with the other one.
    pub(super) folded: bool,
    /// A stateset whose state label still has the family's name.
    named: bool,
}

impl Planned {
    /// Its type in the target.
    pub(super) fn kind_in(&self, target: Format) -> MetricType {
        match (self.kind, target) {
            // As Go's expfmt has it: there is no counter without `_total`.
            (MetricType::Counter, Format::OpenMetrics) if self.main.is_empty() => {
                MetricType::Unknown
            }
            (MetricType::StateSet, Format::OpenMetrics) if !self.named => MetricType::Gauge,
            (kind, _) => kind,
        }
    }

    /// What the names of its samples have after its name, when it is loose.
    fn loose_suffixes(&self, source: Format) -> Vec<&'static str> {
        let lines = source == Format::Text;
        let mut suffixes = match self.kind {
            MetricType::Counter => vec![self.main],
            MetricType::Info => vec!["_info"],
            MetricType::GaugeHistogram => vec!["_bucket", "_gcount", "_gsum"],
            MetricType::Histogram if lines => vec!["", "_bucket", "_count", "_sum"],
            MetricType::Histogram => vec!["_bucket", "_count", "_sum"],
            MetricType::Summary => vec!["", "_count", "_sum"],
            MetricType::Gauge | MetricType::Unknown | MetricType::StateSet => vec![""],
        };
        let began = matches!(
            self.kind,
            MetricType::Counter | MetricType::Histogram | MetricType::Summary
        );
        if began && (!lines || self.created.is_some()) {
            suffixes.push("_created");
        }
        suffixes
    }

    /// The same with all that its structure reserves.
    fn suffixes(&self, source: Format, target: Format) -> Vec<&'static str> {
        let mut suffixes = self.loose_suffixes(source);
        if self.loose {
            return suffixes;
        }
        let kind = self.kind_in(target);
        match (kind, target) {
            (MetricType::Counter | MetricType::Info, Format::Text | Format::Protobuf) => {}
            (MetricType::GaugeHistogram, Format::Text) => {
                suffixes.extend(MetricType::Histogram.reserved(target));
            }
            _ => suffixes.extend(kind.reserved(target)),
        }
        suffixes.sort_unstable();
        suffixes.dedup();
        suffixes
    }

    fn is_simple(&self, target: Format) -> bool {
        let kind = self.kind_in(target);
        matches!(
            kind,
            MetricType::Gauge | MetricType::Unknown | MetricType::StateSet
        ) || (target != Format::OpenMetrics && kind == MetricType::Info)
    }
}

/// How a page is converted.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    page: &'a Page,
    /// How many samples the result can have.
    most: usize,
    pub(super) families: Vec<Planned>,
    /// Names that several families have once they are without structure: one untyped family for all.
    pub(super) shared: HashSet<String>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(page: &'a Page, to: Dialect, labels: &LabelNames, most: usize) -> Self {
        let mut plan = Self {
            page,
            most,
            families: Vec::with_capacity(page.entries().len()),
            shared: HashSet::new(),
        };
        let mut changed = HashSet::new();
        for (place, entry) in page.entries().iter().enumerate() {
            let name = plain(entry.name.of(page.body()), page.format());
            let (planned, escaped) = planned(&name, entry.kind, page.format(), to, labels);
            plan.families.push(planned);
            if escaped {
                changed.insert(place);
            }
        }
        plan.rename(&changed, to.format);
        if page.format() == Format::Text && to.format != Format::Text {
            plan.fold_created(labels);
        }
        // A page that was good in a format is so with other names too.
        if page.format() != to.format {
            plan.loosen(to.format);
        }
        plan
    }

    /// The format of the page.
    pub(super) fn source(&self) -> Format {
        self.page.format()
    }

    /// Reads a family, and with it the one that tells when its metrics were created.
    pub(super) fn read<'l>(&self, place: usize, labels: &'l LabelNames) -> Option<Family<'l>>
    where
        'a: 'l,
    {
        let planned = self.families.get(place)?;
        let mut family = self.read_one(place, labels)?;
        if let Some(created) = planned
            .created
            .and_then(|place| self.read_one(place, labels))
        {
            family
                .samples
                .extend(created.samples.into_iter().map(|mut sample| {
                    sample.suffix = "_created";
                    sample
                }));
        }
        Some(family)
    }

    fn read_one<'l>(&self, place: usize, labels: &'l LabelNames) -> Option<Family<'l>>
    where
        'a: 'l,
    {
        let (planned, entry) = (self.families.get(place)?, self.page.entries().get(place)?);
        let mut family = match self.page.format() {
            Format::Protobuf => read_messages::read(self.page, entry, labels, self.most),
            Format::Text | Format::OpenMetrics => read_lines::read(self.page, entry, labels),
        };
        if self.page.format() != Format::OpenMetrics && !planned.main.is_empty() {
            for sample in &mut family.samples {
                if sample.suffix.is_empty() {
                    sample.suffix = planned.main;
                }
            }
        }
        Some(family)
    }

    /// Families whose names were escaped get names that nobody else has: `<name>_<type>`, or that with the first
    /// number that is free.
    fn rename(&mut self, changed: &HashSet<usize>, target: Format) {
        if changed.is_empty() {
            return;
        }
        let source = self.page.format();
        let mut taken: HashSet<String> = HashSet::new();
        for (place, family) in self.families.iter().enumerate() {
            if !changed.contains(&place) {
                let suffixes = family.suffixes(source, target).into_iter();
                taken.extend(suffixes.map(|suffix| format!("{}{suffix}", family.name)));
            }
        }
        for (place, family) in self.families.iter_mut().enumerate() {
            if !changed.contains(&place) {
                continue;
            }
            let suffixes = family.suffixes(source, target);
            let mut name = family.name.clone();
            let mut number = 1u32;
            let names = loop {
                let mut names = suffixes.iter().map(|suffix| format!("{name}{suffix}"));
                if !names.clone().any(|name| taken.contains(&name)) {
                    break names.by_ref().collect::<Vec<_>>();
                }
                name = format!("{}_{}", family.name, family.kind_in(target).word(target));
                if number > 1 {
                    name = format!("{name}_{number}");
                }
                number += 1;
            };
            taken.extend(names);
            family.name = name;
        }
    }

    /// Finds gauges `x_created` that tell when the metrics of a family `x` were created.
    fn fold_created(&mut self, labels: &LabelNames) {
        let parents: HashMap<String, usize> = self
            .families
            .iter()
            .enumerate()
            .filter(|(_, family)| match family.kind {
                MetricType::Counter => !family.main.is_empty(),
                kind => matches!(kind, MetricType::Histogram | MetricType::Summary),
            })
            .map(|(place, family)| (family.name.clone(), place))
            .collect();
        for place in 0..self.families.len() {
            let parent = self
                .families
                .get(place)
                .filter(|family| family.kind == MetricType::Gauge)
                .and_then(|family| family.name.strip_suffix("_created"))
                .and_then(|name| parents.get(name).copied());
            let Some(parent) = parent else { continue };
            let (Some(whole), Some(gauge)) =
                (self.read_one(parent, labels), self.read_one(place, labels))
            else {
                continue;
            };
            if !created::belongs(&whole, &gauge) {
                continue;
            }
            if let Some(family) = self.families.get_mut(parent) {
                family.created = Some(place);
            }
            if let Some(family) = self.families.get_mut(place) {
                family.folded = true;
            }
        }
    }

    /// Takes the structure from families that reserve the names of others. Names of series stay, whatever happens.
    fn loosen(&mut self, target: Format) {
        let source = self.page.format();
        loop {
            let mut owners: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, family) in self.families.iter().enumerate() {
                if !family.folded {
                    for suffix in family.suffixes(source, target) {
                        let name = format!("{}{suffix}", family.name);
                        owners.entry(name).or_default().push(place);
                    }
                }
            }
            owners.retain(|_, places| places.len() > 1);
            let mut loose = Vec::new();
            for places in owners.values() {
                let strict = |place: &&usize| {
                    self.families
                        .get(**place)
                        .is_some_and(|family| !family.loose && !family.is_simple(target))
                };
                let count = places.iter().filter(strict).count();
                // The first of several stays, if no other has such samples for sure.
                let stay = usize::from(count == places.len());
                loose.extend(places.iter().filter(strict).skip(stay).copied());
            }
            for place in &loose {
                if let Some(family) = self.families.get_mut(*place) {
                    family.loose = true;
                }
            }
            if loose.is_empty() {
                self.shared = owners.into_keys().collect();
                return;
            }
        }
    }
}

/// The family in the target, and whether its name had to be escaped.
fn planned(
    name: &str,
    kind: MetricType,
    source: Format,
    to: Dialect,
    labels: &LabelNames,
) -> (Planned, bool) {
    let (full, main) = match (kind, source) {
        (MetricType::Counter, Format::OpenMetrics) => (format!("{name}_total"), "_total"),
        (MetricType::Info, Format::OpenMetrics) => (format!("{name}_info"), "_info"),
        (MetricType::Counter, _) if name.len() > 6 && name.ends_with("_total") => {
            (name.to_owned(), "_total")
        }
        _ => (name.to_owned(), ""),
    };
    let escaped = escape(&full, Role::Metric, to.escaping());
    let is_escaped = escaped.is_some();
    let full = escaped.unwrap_or(full);
    let base = full.strip_suffix(main).unwrap_or(&full).to_owned();
    let planned = Planned {
        named: labels.get(Cow::Borrowed(name)) == base,
        name: base,
        main,
        kind,
        loose: false,
        created: None,
        folded: false,
    };
    (planned, is_escaped)
}
