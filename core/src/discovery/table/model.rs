//! The table against a naive model: whatever is said in whatever order, both know the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tombstones::LIFE;
use super::*;
use crate::discovery::record::{AppTags, Registration};
use crate::instance::{Address, App, Transport};
use crate::selector::Selector;

const KEYS: [&str; 4] = ["a.example", "a.example/path", "*.example", "b.example"];
const HOSTS: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const GUIDS: [&str; 3] = ["", "guid-1", "guid-2"];
const APPS: [&str; 3] = ["", "app-1", "app-2"];
const TYPES: [&str; 2] = ["web", "worker"];
const STALE: u64 = 120_000;

/// What somebody says about an endpoint, small enough that collisions are the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    host: usize,
    port: u16,
    guid: usize,
    app: usize,
    process_type: usize,
    name: usize,
}

impl Said {
    fn registration(&self) -> Registration<'static> {
        let app = AppTags {
            app_id: APPS[self.app],
            organization_name: "acme",
            space_name: "prod",
            app_name: ["old", "new"][self.name],
            process_type: TYPES[self.process_type],
            ..AppTags::default()
        };
        Registration {
            app: if APPS[self.app].is_empty() {
                AppTags::default()
            } else {
                app
            },
            host: HOSTS[self.host],
            port: self.port,
            guid: GUIDS[self.guid],
            ..Registration::default()
        }
    }

    fn address(&self) -> (usize, u16) {
        (self.host, self.port)
    }

    fn identity(&self) -> (usize, u16, usize) {
        (self.host, self.port, self.guid)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Say(Source, usize, Said),
    Poll(u8, Vec<(usize, Said)>),
    DoubtedPoll(u8, Vec<(usize, Said)>),
    Targets(Vec<(usize, Said)>),
    Unregister(usize, usize, u16),
    Wait(u64),
    Age,
    NatsGoes,
    NatsComes,
    Bury(Said),
}

fn said() -> impl Strategy<Value = Said> {
    (
        0..2usize,
        1..4u16,
        0..3usize,
        0..3usize,
        0..2usize,
        0..2usize,
    )
        .prop_map(|(host, port, guid, app, process_type, name)| Said {
            host,
            port,
            guid,
            app,
            process_type,
            name,
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let listed = || prop::collection::vec((0..KEYS.len(), said()), 0..5);
    let step = prop_oneof![
        8 => (0..KEYS.len(), said()).prop_map(|(key, said)| Step::Say(Source::Nats, key, said)),
        1 => (0..KEYS.len(), said()).prop_map(|(key, said)| Step::Say(Source::Fixed, key, said)),
        3 => (0..2u8, listed()).prop_map(|(number, listed)| Step::Poll(number, listed)),
        1 => (0..2u8, listed()).prop_map(|(number, listed)| Step::DoubtedPoll(number, listed)),
        2 => listed().prop_map(Step::Targets),
        4 => (0..KEYS.len(), 0..2usize, 1..4u16).prop_map(|(key, host, port)| Step::Unregister(key, host, port)),
        3 => prop_oneof![Just(20_000), Just(119_000), Just(LIFE)].prop_map(Step::Wait),
        3 => Just(Step::Age),
        1 => Just(Step::NatsGoes),
        1 => Just(Step::NatsComes),
        2 => said().prop_map(Step::Bury),
    ];
    prop::collection::vec(step, 1..60)
}

/// Route key and address.
type Place = (usize, (usize, u16));

#[derive(Debug)]
struct Entry {
    said: Said,
    nats: Option<u64>,
    polls: BTreeSet<u8>,
    fixed: bool,
}

/// The rules of the table in the plainest words: one map, searched from end to end.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<Place, Entry>,
    tombstones: Vec<((usize, u16, usize), u64)>,
    /// When each identity that is there came, in the order of coming.
    came: BTreeMap<(usize, u16, usize), usize>,
    comings: usize,
    now: u64,
    fresh: u64,
    connected: bool,
}

impl Model {
    fn note_comings_and_goings(&mut self) {
        let there: BTreeSet<_> = self
            .entries
            .values()
            .map(|entry| entry.said.identity())
            .collect();
        self.came.retain(|identity, _| there.contains(identity));
        for identity in there {
            self.comings += 1;
            self.came.entry(identity).or_insert(self.comings);
        }
    }

    /// Whether another instance has come to the address, and not from a router's old table against heartbeats.
    fn is_taken_over(&self, said: &Said) -> bool {
        let leases = |said: &Said| {
            let same = self.entries.values().filter(|entry| {
                entry.said.address() == said.address()
                    && entry.said.registration() == said.registration()
            });
            same.fold((false, false), |(fixed, nats), entry| {
                (fixed || entry.fixed, nats || entry.nats.is_some())
            })
        };
        let (fixed, nats) = leases(said);
        said.guid != 0
            && !fixed
            && self.entries.values().any(|entry| {
                let other = &entry.said;
                other.address() == said.address()
                    && other.guid != 0
                    && other.guid != said.guid
                    && self.came[&other.identity()] > self.came[&said.identity()]
                    && (!nats || leases(other).1)
            })
    }

    /// Whether the source has a lease now.
    fn say(&mut self, source: Source, key: usize, said: Said) -> bool {
        let buried =
            |(identity, until): &(_, u64)| *identity == said.identity() && self.now < *until;
        let kept_out = source != Source::Fixed && self.tombstones.iter().any(buried);
        let place = (key, said.address());
        let known = self.entries.get(&place);
        let same = known.is_some_and(|entry| entry.said.registration() == said.registration());
        let outranked = known.is_some_and(|entry| match source {
            Source::Fixed => false,
            Source::Nats => entry.fixed,
            Source::Poll(_) => entry.fixed || (self.connected && entry.nats.is_some()),
        });
        if kept_out && !same && !outranked {
            return false;
        }
        let new = Entry {
            said,
            nats: None,
            polls: BTreeSet::new(),
            fixed: false,
        };
        let entry = self.entries.entry(place).or_insert(new);
        if !outranked {
            entry.said = said;
        }
        self.note_comings_and_goings();
        let entry = self.entries.get_mut(&place).expect("just said");
        match source {
            Source::Nats => entry.nats = Some(self.now),
            Source::Poll(number) => {
                entry.polls.insert(number);
            }
            Source::Fixed => entry.fixed = true,
        }
        true
    }

    /// The places on which the poll has a lease.
    fn poll(&mut self, number: u8, listed: &[(usize, Said)]) -> BTreeSet<Place> {
        let mut seen = BTreeSet::new();
        for (key, said) in listed {
            if self.say(Source::Poll(number), *key, *said) {
                seen.insert((*key, said.address()));
            }
        }
        seen
    }

    fn drop_unleased(&mut self) {
        self.entries
            .retain(|_, entry| entry.fixed || entry.nats.is_some() || !entry.polls.is_empty());
    }

    fn apply(&mut self, step: &Step) {
        self.take(step);
        self.note_comings_and_goings();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Say(source, key, said) => {
                self.say(*source, *key, *said);
            }
            Step::Poll(number, listed) => {
                let seen = self.poll(*number, listed);
                for (place, entry) in &mut self.entries {
                    if !seen.contains(place) {
                        entry.polls.remove(number);
                    }
                }
                self.drop_unleased();
            }
            Step::DoubtedPoll(number, listed) => {
                self.poll(*number, listed);
            }
            Step::Targets(listed) => {
                for (key, said) in listed {
                    self.say(Source::Fixed, *key, *said);
                }
                let seen: BTreeSet<Place> = listed
                    .iter()
                    .map(|(key, said)| (*key, said.address()))
                    .collect();
                for (place, entry) in &mut self.entries {
                    entry.fixed = seen.contains(place);
                }
                self.drop_unleased();
            }
            Step::Unregister(key, host, port) => {
                if self
                    .entries
                    .get(&(*key, (*host, *port)))
                    .is_some_and(|entry| !entry.fixed)
                {
                    self.entries.remove(&(*key, (*host, *port)));
                }
            }
            Step::Wait(millis) => self.now += millis,
            Step::Age => {
                if self.connected {
                    for entry in self.entries.values_mut() {
                        if entry
                            .nats
                            .is_some_and(|seen| self.now - seen.max(self.fresh) > STALE)
                        {
                            entry.nats = None;
                        }
                    }
                    self.drop_unleased();
                }
            }
            Step::NatsGoes => self.connected = false,
            Step::NatsComes => {
                self.connected = true;
                self.fresh = self.now;
            }
            Step::Bury(said) => {
                let same: Vec<_> = self
                    .entries
                    .iter()
                    .filter(|(_, entry)| entry.said.identity() == said.identity())
                    .map(|(place, entry)| (*place, entry.fixed))
                    .collect();
                if !same.is_empty() && same.iter().all(|(_, fixed)| !fixed) {
                    for (place, _) in same {
                        self.entries.remove(&place);
                    }
                    self.tombstones
                        .retain(|(identity, _)| *identity != said.identity());
                    self.tombstones.push((said.identity(), self.now + LIFE));
                }
            }
        }
    }

    /// What a search from end to end finds: for each app and instance the address with the lowest port.
    fn find(
        &self,
        fits: impl Fn(usize, &Said) -> bool,
    ) -> BTreeMap<(&'static str, String), String> {
        let mut found: BTreeMap<_, (u16, &str)> = BTreeMap::new();
        for ((key, _), entry) in &self.entries {
            let it = entry.said.registration();
            if it.app.app_id.is_empty()
                || !fits(*key, &entry.said)
                || self.is_taken_over(&entry.said)
            {
                continue;
            }
            let who = if it.guid.is_empty() {
                format!("{}:{}", it.host, it.port)
            } else {
                it.guid.to_owned()
            };
            let best = found
                .entry((it.app.app_id, who))
                .or_insert((it.port, it.host));
            *best = (*best).min((it.port, it.host));
        }
        found
            .into_iter()
            .map(|(who, (port, host))| (who, format!("{host}:{port}")))
            .collect()
    }
}

fn apply(table: &Table, step: &Step, start: Instant, now: u64) {
    let now = start + Duration::from_millis(now);
    let list = |source: Source, listed: &[(usize, Said)]| {
        let mut seen = Seen::default();
        for (key, said) in listed {
            seen.note(table.register(source, KEYS[*key], &Record::of(&said.registration()), now));
        }
        seen
    };
    match step {
        Step::Say(source, key, said) => {
            table.register(*source, KEYS[*key], &Record::of(&said.registration()), now);
        }
        Step::Poll(number, listed) => {
            table.finish_poll(*number, &list(Source::Poll(*number), listed), now);
        }
        Step::DoubtedPoll(number, listed) => {
            list(Source::Poll(*number), listed);
            table.poll_done(*number, now);
        }
        Step::Targets(listed) => {
            table.keep(Source::Fixed, &list(Source::Fixed, listed), now);
        }
        Step::Unregister(key, host, port) => {
            table.unregister(KEYS[*key], HOSTS[*host], *port, now);
        }
        Step::Wait(_) => {}
        Step::Age => {
            table.age(now);
        }
        Step::NatsGoes => table.nats_disconnected(),
        Step::NatsComes => table.nats_connected(now),
        Step::Bury(said) => {
            let it = said.registration();
            let instance = Instance {
                app: App::default().into(),
                address: Address::tcp(it.host, it.port),
                transport: Transport::default(),
                guid: it.guid.into(),
                index: "".into(),
                isolation_segment: "".into(),
                availability_zone: "".into(),
            };
            table.bury(&instance, now);
        }
    }
}

fn found(located: &[Located]) -> BTreeMap<(String, String), String> {
    let who = |instance: &Instance| {
        if instance.guid.is_empty() {
            instance.address.to_string()
        } else {
            instance.guid.to_string()
        }
    };
    located
        .iter()
        .map(|it| {
            (
                (it.instance.app.app_id.to_string(), who(&it.instance)),
                it.instance.address.to_string(),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_table_knows_what_a_naive_model_knows(steps in steps()) {
        let start = Instant::now();
        let table = Table::new(Duration::from_millis(STALE), AddressPolicy::default(), Bounds::default(), start);
        let mut model = Model::default();
        for step in &steps {
            model.apply(step);
            apply(&table, step, start, model.now);
            table.read().check();
            let now = start + Duration::from_millis(model.now);

            let have: BTreeMap<_, _> = table.snapshot(now).into_iter().flat_map(|(key, entries)| {
                entries.into_iter().map(move |entry| ((key.to_string(), entry.address.clone()), (entry.private_instance_id, entry.tags.get("app_name").cloned(), entry.source)))
            }).collect();
            let want: BTreeMap<_, _> = model.entries.iter().map(|((key, _), entry)| {
                let it = entry.said.registration();
                let sources = [(entry.nats.is_some(), "nats"), (!entry.polls.is_empty(), "gorouter"), (entry.fixed, "targets")];
                let sources: Vec<_> = sources.into_iter().filter(|(held, _)| *held).map(|(_, name)| name).collect();
                let name = (!it.app.app_name.is_empty()).then(|| it.app.app_name.into());
                ((KEYS[*key].to_owned(), format!("{}:{}", it.host, it.port)), (it.guid.into(), name, sources))
            }).collect();
            prop_assert_eq!(have, want);

            let owned = |map: BTreeMap<(&str, String), String>| map.into_iter().map(|((app, who), at)| ((app.to_owned(), who), at)).collect::<BTreeMap<_, _>>();
            for (app, guid) in APPS.iter().enumerate().skip(1) {
                let by_guid = table.find(&Selector::Guid((*guid).into()), Some("worker"), now);
                prop_assert_eq!(found(&by_guid), owned(model.find(|_, said| said.app == app && said.process_type == 1)));
            }
            let by_name = table.find(&Selector::Name { organization: "acme".into(), space: "prod".into(), app: "new".into() }, None, now);
            prop_assert_eq!(found(&by_name), owned(model.find(|_, said| said.name == 1 && said.process_type == 0)));
            let taken = |key: usize| model.entries.keys().any(|(known, _)| *known == key);
            for (request, candidates) in [("a.example/path/x", vec![1, 0, 2]), ("a.example", vec![0, 2]), ("c.example", vec![2]), ("b.example", vec![3, 2])] {
                let route = candidates.into_iter().find(|key| taken(*key));
                let by_route = table.find(&Selector::Route(request.into()), None, now);
                prop_assert_eq!(found(&by_route), owned(model.find(|key, _| Some(key) == route)));
            }
        }
    }
}
