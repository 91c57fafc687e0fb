//! The table's contents and their indexes, as one writer changes them and many readers walk them.
//!
//! An *endpoint* is a route key with an address; it points to an *instance* (address, identity, index), and that
//! to an *app* (the tags). Instances and apps are shared: equal bytes are kept once. A thing vanishes with the
//! last one that points to it, so no index ever holds an empty entry.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;

use super::Refusal;
use super::departed::Departed;
use super::lease::Leases;
use super::slab::Slab;
use super::tombstones::Tombstones;
use crate::discovery::record::{Record, app_id, app_names};

/// What a publisher can make the table hold. Real platforms stay far below; a hostile one is stopped here.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Endpoints in all: 8 times the largest platform known (250,000).
    pub endpoints: usize,
    /// Bytes of all texts: what a million endpoints of usual size need, twice.
    pub bytes: usize,
    /// Routes of one instance. Quotas of the platform allow 1,000 for an organization by default.
    pub routes_per_instance: usize,
    /// Different registrations at one address: more than one only while an address changes hands.
    pub instances_per_address: usize,
    /// Different sets of tags with one app GUID, or with one name: process types, and renames under way.
    pub variants_per_app: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            endpoints: 2_000_000,
            bytes: 1 << 30,
            routes_per_instance: 10_000,
            instances_per_address: 64,
            variants_per_app: 256,
        }
    }
}

#[derive(Debug)]
pub(super) struct Route {
    pub(super) key: Box<str>,
    pub(super) endpoints: SmallVec<[u32; 2]>,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) route: u32,
    pub(super) instance: u32,
    /// Where this endpoint stands in the lists of its route and its instance: leaving them costs no search.
    in_route: u32,
    in_instance: u32,
    pub(super) leases: Leases,
}

#[derive(Debug)]
pub(super) struct InstanceEntry {
    pub(super) app: u32,
    in_app: u32,
    pub(super) bytes: Box<[u8]>,
    address_end: u16,
    identity_end: u16,
    /// Number of the registration that brought this identity to this address.
    pub(super) registration: u64,
    /// Number of the change that made this entry: of two with one identity, the newer one counts.
    pub(super) change: u64,
    pub(super) endpoints: SmallVec<[u32; 2]>,
}

impl InstanceEntry {
    pub(super) fn address(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.address_end))
            .unwrap_or_default()
    }

    pub(super) fn identity(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.identity_end))
            .unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct AppEntry {
    pub(super) bytes: Box<[u8]>,
    pub(super) instances: SmallVec<[u32; 2]>,
}

/// Everything under the table's lock. The hash tables hold numbers only; keys are read where they stand.
/// Those of addresses, GUIDs and names hold several numbers for one key.
#[derive(Debug)]
pub(super) struct State {
    pub(super) routes: Slab<Route>,
    pub(super) endpoints: Slab<Endpoint>,
    pub(super) instances: Slab<InstanceEntry>,
    pub(super) apps: Slab<AppEntry>,
    by_key: HashTable<u32>,
    by_route_and_address: HashTable<u32>,
    by_address: HashTable<u32>,
    by_guid: HashTable<u32>,
    by_name: HashTable<u32>,
    pub(super) tombstones: Tombstones,
    pub(super) departed: Departed,
    hasher: DefaultHashBuilder,
    bounds: Bounds,
    /// Bytes of texts held.
    bytes: usize,
    changes: u64,
}

impl State {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            routes: Slab::new(),
            endpoints: Slab::new(),
            instances: Slab::new(),
            apps: Slab::new(),
            by_key: HashTable::new(),
            by_route_and_address: HashTable::new(),
            by_address: HashTable::new(),
            by_guid: HashTable::new(),
            by_name: HashTable::new(),
            tombstones: Tombstones::default(),
            departed: Departed::default(),
            hasher: DefaultHashBuilder::default(),
            bounds,
            bytes: 0,
            changes: 0,
        }
    }

    // --- look-up ---

    pub(super) fn route(&self, key: &str) -> Option<u32> {
        self.by_key
            .find(self.hasher.hash_one(key), |id| {
                *self.routes[*id].key == *key
            })
            .copied()
    }

    pub(super) fn endpoint(&self, key: &str, address: &[u8]) -> Option<u32> {
        let route = self.route(key)?;
        let same = |id: &u32| self.endpoints[*id].route == route && self.address_of(*id) == address;
        self.by_route_and_address
            .find(self.hasher.hash_one((route, address)), same)
            .copied()
    }

    fn address_of(&self, endpoint: u32) -> &[u8] {
        self.instances[self.endpoints[endpoint].instance].address()
    }

    /// Whether the endpoint is exactly what the record says.
    pub(super) fn is(&self, endpoint: u32, record: &Record) -> bool {
        let instance = &self.instances[self.endpoints[endpoint].instance];
        *instance.bytes == *record.instance() && *self.apps[instance.app].bytes == *record.app()
    }

    /// The instances at an address, whoever they are.
    pub(super) fn at_address<'a>(&'a self, address: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
        let ids = self
            .by_address
            .iter_hash(self.hasher.hash_one(address))
            .copied();
        ids.filter(move |id| self.instances[*id].address() == address)
    }

    /// The apps (sets of tags) with a GUID.
    pub(super) fn with_guid<'a>(&'a self, guid: &'a str) -> impl Iterator<Item = u32> + 'a {
        let ids = self.by_guid.iter_hash(self.hasher.hash_one(guid)).copied();
        ids.filter(move |id| app_id(&self.apps[*id].bytes) == guid)
    }

    /// The apps (sets of tags) with these names of organization, space and app.
    pub(super) fn with_names<'a>(&'a self, names: [&'a str; 3]) -> impl Iterator<Item = u32> + 'a {
        let ids = self.by_name.iter_hash(self.hasher.hash_one(names)).copied();
        ids.filter(move |id| app_names(&self.apps[*id].bytes) == names)
    }

    // --- change ---

    /// Adds an endpoint that is not there yet.
    pub(super) fn insert(&mut self, key: &str, record: &Record) -> Result<u32, Refusal> {
        if self.endpoints.len() >= self.bounds.endpoints || self.bytes >= self.bounds.bytes {
            return Err(Refusal::Full);
        }
        let instance = self.attach_instance(record)?;
        let route = self.route(key).unwrap_or_else(|| {
            self.bytes += key.len();
            let id = self.routes.insert(Route {
                key: key.into(),
                endpoints: SmallVec::new(),
            });
            let Self {
                by_key,
                routes,
                hasher,
                ..
            } = self;
            by_key.insert_unique(hasher.hash_one(key), id, |id| {
                hasher.hash_one(&*routes[*id].key)
            });
            id
        });
        let endpoint = self.endpoints.insert(Endpoint {
            route,
            instance,
            in_route: position(&self.routes[route].endpoints),
            in_instance: position(&self.instances[instance].endpoints),
            leases: Leases::default(),
        });
        self.routes[route].endpoints.push(endpoint);
        self.instances[instance].endpoints.push(endpoint);
        let Self {
            by_route_and_address,
            endpoints,
            instances,
            hasher,
            ..
        } = self;
        let hash = |id: &u32| {
            let endpoint = &endpoints[*id];
            hasher.hash_one((endpoint.route, instances[endpoint.instance].address()))
        };
        by_route_and_address.insert_unique(hash(&endpoint), endpoint, hash);
        Ok(endpoint)
    }

    /// Makes an endpoint what the record says; the address is the same.
    pub(super) fn replace(
        &mut self,
        endpoint: u32,
        record: &Record,
        now: u64,
    ) -> Result<(), Refusal> {
        if self.bytes >= self.bounds.bytes {
            return Err(Refusal::Full);
        }
        let instance = self.attach_instance(record)?;
        if instance != self.endpoints[endpoint].instance {
            self.leave_instance(endpoint, now);
            self.endpoints[endpoint].instance = instance;
            self.endpoints[endpoint].in_instance = position(&self.instances[instance].endpoints);
            self.instances[instance].endpoints.push(endpoint);
        }
        Ok(())
    }

    /// Removes an endpoint, and with it its route, instance and app if nothing else points to them.
    pub(super) fn remove(&mut self, endpoint: u32, now: u64) {
        let hash = {
            let entry = &self.endpoints[endpoint];
            self.hasher
                .hash_one((entry.route, self.address_of(endpoint)))
        };
        forget(&mut self.by_route_and_address, hash, endpoint);
        self.leave_instance(endpoint, now);
        let Some(entry) = self.endpoints.remove(endpoint) else {
            return;
        };
        let route = &mut self.routes[entry.route];
        if let Some(moved) = take(&mut route.endpoints, entry.in_route) {
            self.endpoints[moved].in_route = entry.in_route;
        }
        if route.endpoints.is_empty() {
            let hash = self.hasher.hash_one(&*route.key);
            self.bytes -= route.key.len();
            forget(&mut self.by_key, hash, entry.route);
            self.routes.remove(entry.route);
        }
    }

    /// The entry for the record's instance, made if there is none yet.
    fn attach_instance(&mut self, record: &Record) -> Result<u32, Refusal> {
        let mut count = 0;
        let mut registration = None;
        for id in self.at_address(record.address()) {
            let known = &self.instances[id];
            if *known.bytes == *record.instance() && *self.apps[known.app].bytes == *record.app() {
                let full = known.endpoints.len() >= self.bounds.routes_per_instance;
                return if full { Err(Refusal::Full) } else { Ok(id) };
            }
            if known.identity() == record.identity() {
                registration = Some(known.registration);
            }
            count += 1;
        }
        if count >= self.bounds.instances_per_address {
            return Err(Refusal::Full);
        }
        let app = self.attach_app(record)?;
        self.changes += 1;
        self.bytes += record.instance().len();
        let (address_end, identity_end) = record.ends();
        let id = self.instances.insert(InstanceEntry {
            app,
            in_app: position(&self.apps[app].instances),
            bytes: record.instance().into(),
            // Hosts have at most 255 bytes, other texts 1,024.
            address_end: u16::try_from(address_end).unwrap_or_default(),
            identity_end: u16::try_from(identity_end).unwrap_or_default(),
            registration: registration.unwrap_or(self.changes),
            change: self.changes,
            endpoints: SmallVec::new(),
        });
        self.apps[app].instances.push(id);
        let Self {
            by_address,
            instances,
            hasher,
            ..
        } = self;
        by_address.insert_unique(hasher.hash_one(record.address()), id, |id| {
            hasher.hash_one(instances[*id].address())
        });
        Ok(id)
    }

    /// The entry for the record's app, made if there is none yet.
    fn attach_app(&mut self, record: &Record) -> Result<u32, Refusal> {
        let guid = app_id(record.app());
        let names = app_names(record.app());
        // Without a name there is nothing to find it by; and such apps must not count as variants of each other.
        let named = !names[2].is_empty();
        let mut count = 0;
        for id in self.with_guid(guid) {
            if *self.apps[id].bytes == *record.app() {
                return Ok(id);
            }
            count += 1;
        }
        if count >= self.bounds.variants_per_app
            || (named && self.with_names(names).count() >= self.bounds.variants_per_app)
        {
            return Err(Refusal::Full);
        }
        self.bytes += record.app().len();
        let id = self.apps.insert(AppEntry {
            bytes: record.app().into(),
            instances: SmallVec::new(),
        });
        let Self {
            by_guid,
            by_name,
            apps,
            hasher,
            ..
        } = self;
        by_guid.insert_unique(hasher.hash_one(guid), id, |id| {
            hasher.hash_one(app_id(&apps[*id].bytes))
        });
        if named {
            by_name.insert_unique(hasher.hash_one(names), id, |id| {
                hasher.hash_one(app_names(&apps[*id].bytes))
            });
        }
        Ok(id)
    }

    fn leave_instance(&mut self, endpoint: u32, now: u64) {
        let (id, place) = (
            self.endpoints[endpoint].instance,
            self.endpoints[endpoint].in_instance,
        );
        if let Some(moved) = take(&mut self.instances[id].endpoints, place) {
            self.endpoints[moved].in_instance = place;
        }
        if !self.instances[id].endpoints.is_empty() {
            return;
        }
        let hash = self.hasher.hash_one(self.instances[id].address());
        forget(&mut self.by_address, hash, id);
        let Some(instance) = self.instances.remove(id) else {
            return;
        };
        self.bytes -= instance.bytes.len();
        if let Some(moved) = take(&mut self.apps[instance.app].instances, instance.in_app) {
            self.instances[moved].in_app = instance.in_app;
        }
        if !self.apps[instance.app].instances.is_empty() {
            return;
        }
        let Some(app) = self.apps.remove(instance.app) else {
            return;
        };
        self.bytes -= app.bytes.len();
        forget(
            &mut self.by_guid,
            self.hasher.hash_one(app_id(&app.bytes)),
            instance.app,
        );
        forget(
            &mut self.by_name,
            self.hasher.hash_one(app_names(&app.bytes)),
            instance.app,
        );
        self.departed.note(app.bytes, now);
    }
}

/// The place that the next element of a list will have.
fn position(list: &[u32]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// Takes the element at a place out of a list; the last one moves there and is given back.
fn take(list: &mut SmallVec<[u32; 2]>, place: u32) -> Option<u32> {
    list.swap_remove(place as usize);
    list.get(place as usize).copied()
}

fn forget(table: &mut HashTable<u32>, hash: u64, id: u32) {
    if let Ok(entry) = table.find_entry(hash, |known| *known == id) {
        entry.remove();
    }
}

#[cfg(test)]
impl State {
    /// Walks all links and indexes in both directions.
    pub(super) fn check(&self) {
        let mut bytes = 0;
        for (id, route) in self.routes.iter() {
            assert!(!route.endpoints.is_empty(), "a route without endpoints");
            assert_eq!(self.route(&route.key), Some(id));
            bytes += route.key.len();
            for (place, endpoint) in (0..).zip(&route.endpoints) {
                assert_eq!(
                    (
                        self.endpoints[*endpoint].route,
                        self.endpoints[*endpoint].in_route
                    ),
                    (id, place)
                );
            }
        }
        for (id, endpoint) in self.endpoints.iter() {
            assert!(!endpoint.leases.none(), "an endpoint nobody vouches for");
            assert_eq!(
                self.endpoint(&self.routes[endpoint.route].key, self.address_of(id)),
                Some(id)
            );
            assert_eq!(
                self.routes[endpoint.route].endpoints[endpoint.in_route as usize],
                id
            );
            assert_eq!(
                self.instances[endpoint.instance].endpoints[endpoint.in_instance as usize],
                id
            );
        }
        for (id, instance) in self.instances.iter() {
            assert!(
                !instance.endpoints.is_empty(),
                "an instance without endpoints"
            );
            assert!(self.at_address(instance.address()).any(|found| found == id));
            assert_eq!(
                self.apps[instance.app].instances[instance.in_app as usize],
                id
            );
            bytes += instance.bytes.len();
        }
        for (id, app) in self.apps.iter() {
            assert!(!app.instances.is_empty(), "an app without instances");
            assert!(self.with_guid(app_id(&app.bytes)).any(|found| found == id));
            let names = app_names(&app.bytes);
            assert_eq!(
                self.with_names(names).any(|found| found == id),
                !names[2].is_empty()
            );
            bytes += app.bytes.len();
        }
        assert_eq!(self.bytes, bytes);
        let named = self
            .apps
            .iter()
            .filter(|(_, app)| !app_names(&app.bytes)[2].is_empty())
            .count();
        let indexed = [
            &self.by_key,
            &self.by_route_and_address,
            &self.by_address,
            &self.by_guid,
            &self.by_name,
        ]
        .map(HashTable::len);
        assert_eq!(
            indexed,
            [
                self.routes.len(),
                self.endpoints.len(),
                self.instances.len(),
                self.apps.len(),
                named
            ]
        );
    }
}
