//! Fixed targets: instances that are always there, because the configuration or the program says so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::readiness::Board;
use super::record::{AppTags, Record, Registration};
use super::route;
use super::table::{Applied, Bounds, Refusal, Seen, Source, Table, WEB};
use crate::config::{FixedTarget, MAX_TARGETS};
use crate::error::{Error, Kind};
use crate::instance::{Address, Transport};
use crate::policy::AddressPolicy;
use crate::selector::is_guid;

/// Longest text of a target, in bytes, as for registrations.
const MAX_TEXT: usize = 1024;

/// The fixed targets that are in the table. The lock makes one replacement wait for the other.
#[derive(Debug, Default)]
pub(super) struct Fixed(Mutex<Vec<Entry>>);

/// What one target says to the table.
#[derive(Debug)]
struct Entry {
    keys: Vec<Box<str>>,
    record: Record,
}

impl Fixed {
    /// Puts these targets into the table, takes out those that are not among them, and tells the board.
    /// Without an index they are numbered in their order within the app.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for the first target whose address, names or routes cannot be used, or for which the
    /// table has no room. The targets are as they were then.
    pub(super) fn set(
        &self,
        targets: &[FixedTarget],
        table: &Table,
        board: &Board,
        now: Instant,
    ) -> Result<(), Error> {
        let new = entries(targets)?;
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err((place, refusal)) = replace(&new, table, now) {
            // They had room before, so they have it now.
            let _ = replace(&current, table, now);
            let what = format!(
                "the routing table does not take it ({refusal:?}): an address can have 64 apps, an app 256 sets of names, a target 10,000 routes, and all routes together 1 GiB"
            );
            return Err(targets.get(place).map_or_else(
                || Error::new(Kind::Configuration, &what),
                |target| target.error(place, &what),
            ));
        }
        board.complete(
            "targets",
            format!("{} targets", targets.len()),
            "configured",
        );
        *current = new;
        Ok(())
    }
}

/// Makes the table hold exactly these fixed targets.
///
/// # Errors
/// The place of the first that has no room even when all others have gone.
fn replace(entries: &[Entry], table: &Table, now: Instant) -> Result<(), (usize, Refusal)> {
    let register = |key: &str, record: &Record| table.register(Source::Fixed, key, record, now);
    let mut seen = Seen::default();
    let mut refused = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        for key in &entry.keys {
            match register(key, &entry.record) {
                Applied::Refused(_) => refused.push((place, key, &entry.record)),
                applied => seen.note(applied),
            }
        }
    }
    // Before any of the others leaves in vain: whether there is room without them at all.
    if !refused.is_empty() {
        fit(entries, now)?;
    }
    table.keep(Source::Fixed, &seen, now);
    for (place, key, record) in refused {
        if let Applied::Refused(refusal) = register(key, record) {
            return Err((place, refusal));
        }
    }
    Ok(())
}

/// Whether these targets would fit into a table of their own.
fn fit(entries: &[Entry], now: Instant) -> Result<(), (usize, Refusal)> {
    let own = Table::new(
        Duration::MAX,
        AddressPolicy::default(),
        Bounds::default(),
        now,
    );
    for (place, entry) in entries.iter().enumerate() {
        for key in &entry.keys {
            let applied = own.register(Source::Fixed, key, &entry.record, now);
            if let Applied::Refused(refusal) = applied {
                return Err((place, refusal));
            }
        }
    }
    Ok(())
}

/// A target with what has to be compared with others.
struct Read<'t> {
    target: &'t FixedTarget,
    app_id: String,
    address: Address,
    keys: Vec<Box<str>>,
}

/// Reads all targets.
///
/// # Errors
/// As [`Fixed::set`], but for the table.
fn entries(targets: &[FixedTarget]) -> Result<Vec<Entry>, Error> {
    if targets.len() > MAX_TARGETS {
        return Err(Error::new(
            Kind::Configuration,
            format!(
                "`targets` has {} entries; at most {MAX_TARGETS} can be kept",
                targets.len()
            ),
        ));
    }
    let all = targets
        .iter()
        .enumerate()
        .map(|(place, target)| Read::of(target).map_err(|what| target.error(place, &what)))
        .collect::<Result<Vec<_>, _>>()?;
    check_clashes(&all)?;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let positions: Vec<usize> = all
        .iter()
        .map(|one| {
            let count = counts.entry(&one.app_id).or_default();
            *count += 1;
            *count - 1
        })
        .collect();
    let entries = all.into_iter().zip(positions).map(|(one, position)| Entry {
        record: one.record(&position.to_string()),
        keys: one.keys,
    });
    Ok(entries.collect())
}

impl<'t> Read<'t> {
    fn of(target: &'t FixedTarget) -> Result<Self, String> {
        let texts = [
            &target.organization,
            &target.space,
            &target.app,
            &target.app_id,
            &target.process_type,
            &target.index,
            &target.server_name,
            &target.address,
        ];
        if texts.iter().any(|text| text.len() > MAX_TEXT) {
            return Err("a text is longer than 1,024 bytes".into());
        }
        let (address, _) = Address::of_target(&target.address)?;
        if target.app.is_empty() && target.app_id.is_empty() {
            return Err("an app needs a name or an `app_id`".into());
        }
        let app_id = app_id(target);
        let mut keys = Vec::new();
        for text in &target.routes {
            let key = route::key(text).ok_or_else(|| {
                format!("`{text}` is not a route such as `shop.example.org/cart`")
            })?;
            keys.push(key.into());
        }
        if keys.is_empty() {
            // Found by name and GUID only.
            keys.push(route::of_target(&app_id, &address).into());
        }
        Ok(Self {
            target,
            app_id,
            address,
            keys,
        })
    }

    /// What the table is to know. `position` is its place in the app.
    fn record(&self, position: &str) -> Record {
        let Self {
            target,
            app_id,
            address,
            ..
        } = self;
        let or = |text: &'t str, other| if text.is_empty() { other } else { text };
        Record::of(&Registration {
            app: AppTags {
                app_id,
                organization_name: &target.organization,
                space_name: &target.space,
                app_name: &target.app,
                process_type: or(&target.process_type, WEB),
                source_id: app_id,
                ..AppTags::default()
            },
            host: address.host(),
            port: address.port().unwrap_or_default(),
            socket: match address {
                Address::Tcp { .. } => None,
                Address::Unix(path) => Some(path),
            },
            tls: target.tls.then(|| server_name(target, address)),
            http2: target.http2,
            index: or(&target.index, position),
            ..Registration::default()
        })
    }
}

/// One address can stand for one instance only of an app, and of a route.
fn check_clashes(all: &[Read<'_>]) -> Result<(), Error> {
    let mut of_apps: HashMap<(&str, &Address), usize> = HashMap::new();
    let mut of_routes: HashMap<(&str, &Address), usize> = HashMap::new();
    for (place, one) in all.iter().enumerate() {
        let address = &one.address;
        let earlier = of_apps.insert((&one.app_id, address), place);
        let earlier = earlier.or_else(|| {
            let mut routes = one.keys.iter();
            routes.find_map(|key| {
                let earlier = of_routes.insert((key, address), place)?;
                // It may list a route twice.
                (earlier != place).then_some(earlier)
            })
        });
        if let Some(earlier) = earlier {
            let what = format!("`targets[{earlier}]` is the same address of the same app or route");
            return Err(one.target.error(place, &what));
        }
    }
    Ok(())
}

/// The name that the target's certificate must have.
fn server_name<'t>(target: &'t FixedTarget, address: &'t Address) -> &'t str {
    match &*target.server_name {
        "" => address.host(),
        name => name,
    }
}

/// The app's GUID and the address under which the table knows a target, and how it is asked there.
///
/// `None` for an address that cannot be used.
pub(crate) fn known_as(target: &FixedTarget) -> Option<(Box<str>, Address, Transport)> {
    let (address, _) = Address::of_target(&target.address).ok()?;
    let transport = Transport {
        tls: target.tls.then(|| server_name(target, &address).into()),
        http2: target.http2,
    };
    Some((app_id(target).into(), address, transport))
}

/// The app GUID of a target: as configured, or made from the three names.
fn app_id(target: &FixedTarget) -> String {
    match target.app_id.as_str() {
        "" => guid_of_names([&target.organization, &target.space, &target.app]),
        // Selectors are lower-cased when they are GUIDs.
        guid if is_guid(guid) => guid.to_ascii_lowercase(),
        other => other.to_owned(),
    }
}

/// A GUID that is the same for the same names after every start and in every version: FNV-1a over 128 bits
/// in the form of a UUID of version 8 (RFC 9562: made by a scheme of its own).
fn guid_of_names(names: [&str; 3]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    // 0xff never occurs in UTF-8, so no two triples run together.
    for byte in names
        .into_iter()
        .flat_map(|name| name.bytes().chain([0xff]))
    {
        hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    }
    let hash = (hash & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{hash:032x}");
    [
        hex.get(..8),
        hex.get(8..12),
        hex.get(12..16),
        hex.get(16..20),
        hex.get(20..),
    ]
    .map(Option::unwrap_or_default)
    .join("-")
}

#[cfg(test)]
mod tests;
