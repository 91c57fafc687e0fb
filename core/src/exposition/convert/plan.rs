//! Names: what each family of a page is called in the target, and which ones cannot keep their structure.
//!
//! Only names and types are looked at here, so the plan is small; samples are read family by family.

use hashbrown::{HashMap, HashSet};

use super::created;
use super::flat::Family;
use super::labels::{LabelNames, plain};
use super::planned::{Planned, planned};
use super::{read_lines, read_messages};
use crate::exposition::{Dialect, Format, MetricType, Page};

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

    /// How many samples a family becomes, about: the buckets of a native histogram take a byte or two each.
    pub(super) fn samples(&self, place: usize) -> usize {
        let Some(entry) = self.page.entries().get(place) else {
            return 0;
        };
        let lines = || {
            let runs = self.page.runs_of(entry);
            runs.map(|run| self.page.marks(run).len()).sum()
        };
        self.page.sizes(place).map_or_else(lines, |sizes| {
            let buckets = match entry.kind {
                MetricType::Histogram | MetricType::GaugeHistogram => sizes.bytes / 8,
                _ => 0,
            };
            sizes.samples.max(buckets) as usize
        })
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
        let mut numbers: HashMap<String, u32> = HashMap::new();
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
            let names = loop {
                let names = suffixes.iter().map(|suffix| format!("{name}{suffix}"));
                if !names.clone().any(|name| taken.contains(&name)) {
                    break names.collect::<Vec<_>>();
                }
                name = format!("{}_{}", family.name, family.kind_in(target).word(target));
                // Counted on for the next family, or thousands of equal names would take hours.
                let number = numbers.entry(name.clone()).or_insert(0u32);
                *number += 1;
                if *number > 1 {
                    name = format!("{name}_{number}");
                }
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
