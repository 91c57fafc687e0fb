//! What will be written: the families of the result in order, each with its members.

use hashbrown::HashTable;

use super::conflicts::{Claims, is_reserved};
use super::source::Source;
use super::{Input, Options, Stats, overlap};
use crate::config::LabelConflict;
use crate::exposition::protobuf::unit_fits;
use crate::exposition::{FamilyEntry, Format, MetricType, Page, hash, normalise_escapes};

/// One input's part in a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) source: u32,
    /// Place of the family in that page.
    pub(super) entry: u32,
}

/// A family of the result.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: Vec<u8>,
    /// The name that it has in the pages.
    pub(super) own_name: Vec<u8>,
    pub(super) kind: MetricType,
    /// HELP and UNIT as they are written; empty when there are none.
    pub(super) help: Vec<u8>,
    pub(super) unit: Vec<u8>,
    /// In order of the inputs.
    pub(super) members: Vec<Member>,
}

impl Family {
    /// Whether the names in its lines must be replaced.
    pub(super) fn is_renamed(&self) -> bool {
        self.name != self.own_name
    }
}

/// All that is known before the first byte is written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    pub(super) families: Vec<Family>,
    pub(super) stats: Stats,
}

impl Plan {
    pub(super) fn new(inputs: Vec<Input>, options: &Options) -> Self {
        let format = options.format;
        let all = inputs.len();
        let drop_conflicts = options.label_conflict == LabelConflict::Drop;
        let mut sources: Vec<Source> = inputs
            .into_iter()
            .filter(|input| input.page.format() == format)
            .map(|input| Source::new(input, drop_conflicts))
            .collect();
        overlap::find(&mut sources);
        let mut stats = Stats {
            inputs: sources.len(),
            skipped_inputs: all - sources.len(),
            samples: pages(&sources).map(|(_, page)| page.samples()).sum(),
            label_conflicts: sources.iter().map(|source| source.conflicts).sum(),
            ..Stats::default()
        };
        let mut drafts = Vec::new();
        for group in group(&sources) {
            let before = drafts.len();
            split(&group, &sources, format, &mut drafts);
            stats.type_conflicts += usize::from(drafts.len() - before > 1);
        }
        let families = name(drafts, &sources, format);
        stats.families = families.len();
        stats.renamed_families = families.iter().filter(|family| family.is_renamed()).count();
        for (at, family) in families.iter().enumerate() {
            for member in &family.members {
                if let Some(source) = sources.get_mut(member.source as usize) {
                    source.last_family = at;
                }
            }
        }
        Self {
            sources,
            families,
            stats,
        }
    }
}

fn pages(sources: &[Source]) -> impl Iterator<Item = (usize, &Page)> {
    sources
        .iter()
        .enumerate()
        .filter_map(|(at, source)| Some((at, source.page.as_deref()?)))
}

fn entry(sources: &[Source], member: Member) -> Option<(&Page, &FamilyEntry)> {
    let page = sources.get(member.source as usize)?.page.as_deref()?;
    Some((page, page.entries().get(member.entry as usize)?))
}

fn name_of(sources: &[Source], member: Member) -> &[u8] {
    entry(sources, member).map_or(&[], |(page, entry)| entry.name.of(page.body()))
}

/// Collects the families with samples by name, in order of first appearance.
fn group(sources: &[Source]) -> Vec<Vec<Member>> {
    let mut groups: Vec<Vec<Member>> = Vec::new();
    let mut by_name: HashTable<u32> = HashTable::new();
    // Pages of one app mostly have the same families in the same order: the one after the latest is tried first.
    let mut follower: Vec<u32> = Vec::new();
    for (at, page) in pages(sources) {
        let mut latest: Option<u32> = None;
        for (place, entry) in page
            .entries()
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.first_run.is_some())
        {
            let member = Member {
                source: at as u32,
                entry: place as u32,
            };
            let name = entry.name.of(page.body());
            let is_of = |group: u32| {
                groups
                    .get(group as usize)
                    .and_then(|members| members.first())
                    .is_some_and(|first| name_of(sources, *first) == name)
            };
            let guess = latest
                .map_or(Some(0), |latest| follower.get(latest as usize).copied())
                .filter(|guess| is_of(*guess));
            let known = guess.or_else(|| by_name.find(hash(name), |group| is_of(*group)).copied());
            let group = known.unwrap_or(groups.len() as u32);
            match groups.get_mut(group as usize) {
                Some(members) => members.push(member),
                None => {
                    groups.push(vec![member]);
                    follower.push(u32::MAX);
                    let rehash = |group: &u32| {
                        hash(
                            groups
                                .get(*group as usize)
                                .and_then(|members| members.first())
                                .map_or(&[], |first| name_of(sources, *first)),
                        )
                    };
                    by_name.insert_unique(hash(name), group, rehash);
                }
            }
            if let Some(next) = latest.and_then(|latest| follower.get_mut(latest as usize)) {
                *next = group;
            }
            latest = Some(group);
        }
    }
    groups
}

/// A family before it has its name.
#[derive(Debug)]
struct Draft {
    kind: MetricType,
    members: Vec<Member>,
    /// Its type is not the one that the name goes with.
    misfit: bool,
}

/// Splits the members by type: first the family that keeps the name, then one for each other type.
fn split(group: &[Member], sources: &[Source], format: Format, drafts: &mut Vec<Draft>) {
    let kind_of = |member: &Member| {
        entry(sources, *member).map_or(MetricType::Unknown, |(page, entry)| {
            effective_kind(entry, page, sources)
        })
    };
    let mut tally: Vec<(MetricType, Vec<Member>)> = Vec::with_capacity(1);
    for member in group {
        let kind = kind_of(member);
        match tally.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, members)) => members.push(*member),
            None => tally.push((kind, vec![*member])),
        }
    }
    // Of equals the first wins: `max_by_key` would take the last. Untyped only wins when it is alone.
    let winner = tally
        .iter()
        .enumerate()
        .rev()
        .max_by_key(|(_, (kind, members))| {
            if *kind == MetricType::Unknown {
                0
            } else {
                members.len()
            }
        })
        .map_or(0, |(place, _)| place);
    if winner < tally.len() {
        tally.swap(0, winner);
        // The others keep their order of first appearance.
        if let Some(rest) = tally.get_mut(1..) {
            rest.sort_by_key(|(_, members)| {
                members.first().map_or(u32::MAX, |member| member.source)
            });
        }
    }
    let mut parts = tally.into_iter();
    let Some((kind, mut members)) = parts.next() else {
        return;
    };
    let mut misfits = Vec::new();
    for (other, others) in parts {
        if other == MetricType::Unknown && takes_untyped(kind, format) {
            members.extend(others);
            members.sort_by_key(|member| member.source);
        } else {
            misfits.push(Draft {
                kind: other,
                members: others,
                misfit: true,
            });
        }
    }
    drafts.push(Draft {
        kind,
        members,
        misfit: false,
    });
    drafts.extend(misfits);
}

/// Whether samples without type can stand in a family of this type.
fn takes_untyped(kind: MetricType, format: Format) -> bool {
    kind == MetricType::Gauge || (kind == MetricType::Counter && format != Format::OpenMetrics)
}

/// The type of a page's family. A stateset whose state label would be renamed is a gauge. In text, a counter that is
/// called `_total` has no type: without that, which Python's parser takes off, nothing is left of its name.
fn effective_kind(entry: &FamilyEntry, page: &Page, sources: &[Source]) -> MetricType {
    let name = entry.name.of(page.body());
    if name == b"_total" && page.format() == Format::Text && entry.kind == MetricType::Counter {
        return MetricType::Unknown;
    }
    if entry.kind != MetricType::StateSet {
        return entry.kind;
    }
    let added = sources.iter().any(|source| {
        source
            .labels
            .iter()
            .any(|(label, _)| label.as_bytes() == name)
    });
    if added {
        MetricType::Gauge
    } else {
        MetricType::StateSet
    }
}

/// Gives the families their names. See the rules in the [module](super) documentation.
fn name(drafts: Vec<Draft>, sources: &[Source], format: Format) -> Vec<Family> {
    let mut claims = Claims::new(format);
    let own_name = |draft: &Draft| {
        draft
            .members
            .first()
            .map_or(&[][..], |member| name_of(sources, *member))
    };
    let rank = |draft: &Draft| {
        if draft.misfit {
            4
        } else if is_reserved(own_name(draft), draft.kind, format) {
            3
        } else if draft.kind == MetricType::Unknown {
            2
        } else {
            u8::from(draft.kind.reserved(format).count() == 1)
        }
    };
    let ranks: Vec<u8> = drafts.iter().map(rank).collect();
    let mut names: Vec<Vec<u8>> = vec![Vec::new(); drafts.len()];
    for wanted in 0..=4 {
        for ((draft, given), _) in drafts
            .iter()
            .zip(&mut names)
            .zip(&ranks)
            .filter(|(_, rank)| **rank == wanted)
        {
            let own = own_name(draft);
            *given = match wanted {
                3 => claims.claim_exported(own, draft.kind),
                4 if is_reserved(own, draft.kind, format) => claims.claim_exported(own, draft.kind),
                4 => claims.claim_other(own, draft.kind),
                _ => claims.claim(own, draft.kind),
            };
        }
    }
    drafts
        .into_iter()
        .zip(names)
        .map(|(draft, name)| {
            let own_name = own_name(&draft).to_vec();
            // A state must be labelled with the metric's name, which is another now.
            let renamed_state = draft.kind == MetricType::StateSet && name != own_name;
            let kind = if renamed_state {
                MetricType::Gauge
            } else {
                draft.kind
            };
            let unit = if name == own_name && format != Format::Text {
                unit(&name, &draft.members, kind, sources)
            } else {
                Vec::new()
            };
            Family {
                help: help(&draft.members, sources, format),
                unit,
                name,
                own_name,
                kind,
                members: draft.members,
            }
        })
        .collect()
}

/// The first HELP text that is not empty, with escapes that strict readers take.
fn help(members: &[Member], sources: &[Source], format: Format) -> Vec<u8> {
    let found = members.iter().find_map(|member| {
        let (page, entry) = entry(sources, *member)?;
        Some(entry.help?.of(page.body())).filter(|help| !help.is_empty())
    });
    let mut help = Vec::new();
    match (found, format) {
        (None, _) => {}
        (Some(found), Format::Text) => normalise_escapes(found, b"\\n", &mut help),
        (Some(found), Format::OpenMetrics | Format::Protobuf) => help.extend_from_slice(found),
    }
    help
}

/// The first unit that is not empty, where the type takes one.
fn unit(name: &[u8], members: &[Member], kind: MetricType, sources: &[Source]) -> Vec<u8> {
    if matches!(kind, MetricType::Info | MetricType::StateSet) {
        return Vec::new();
    }
    members
        .iter()
        .find_map(|member| {
            let (page, entry) = entry(sources, *member)?;
            let unit = entry.unit?.of(page.body());
            // That of an untyped member may not fit the type that the others have.
            let fits = page.format() != Format::Protobuf || unit_fits(name, kind, unit);
            (fits && !unit.is_empty()).then_some(unit)
        })
        .unwrap_or_default()
        .to_vec()
}
