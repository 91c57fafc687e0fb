//! The rules of the table, one by one: registering, ageing, look-up, instances.

mod bounds;
mod departed;
mod identity;
mod leases;
mod look_up;
mod near;
mod registering;
mod search;
mod views;

use super::*;
use crate::discovery::record::{AppTags, Registration};
use crate::discovery::table::tombstones::LIFE;
use crate::selector::Selector;

const STALE: Duration = Duration::from_secs(120);

/// A table and a clock that the test moves.
struct Fixture {
    table: Table,
    start: Instant,
    now: Instant,
}

fn fixture() -> Fixture {
    bounded(Bounds::default())
}

fn bounded(bounds: Bounds) -> Fixture {
    let now = Instant::now();
    let table = Table::new(STALE, AddressPolicy::default(), bounds, now);
    table.nats_connected(now);
    Fixture {
        table,
        start: now,
        now,
    }
}

/// Instance 0 of the app `shop`, as route-emitter registers it.
fn shop() -> Registration<'static> {
    Registration {
        app: AppTags {
            organization_id: "o-1",
            space_id: "s-1",
            app_id: "shop-guid",
            organization_name: "acme",
            space_name: "prod",
            app_name: "shop",
            process_id: "p-1",
            process_type: "web",
            source_id: "shop-guid",
        },
        host: "10.0.0.1",
        port: 61001,
        socket: None,
        tls: Some("guid-0"),
        http2: false,
        guid: "guid-0",
        index: "0",
        isolation_segment: "",
        availability_zone: "z1",
    }
}

fn app(tags: AppTags<'static>, process_type: &'static str) -> AppTags<'static> {
    AppTags {
        process_type,
        ..tags
    }
}

impl Fixture {
    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = self.start + Duration::from_secs(seconds);
        self
    }

    fn say(&self, source: Source, key: &str, registration: &Registration<'_>) -> Applied {
        self.table
            .register(source, key, &Record::of(registration), self.now)
    }

    fn heartbeat(&self, key: &str, registration: &Registration<'_>) -> Applied {
        self.say(Source::Nats, key, registration)
    }

    fn poll(&self, number: u8, listed: &[(&str, Registration<'_>)]) {
        let mut seen = Seen::default();
        for (key, registration) in listed {
            seen.note(self.say(Source::Poll(number), key, registration));
        }
        self.table.finish_poll(number, &seen, self.now);
    }

    fn unregister(&self, key: &str, host: &str, port: u16) -> bool {
        self.table.unregister(key, host, port, self.now)
    }

    fn find(&self, selector: &str, process_type: Option<&str>) -> Vec<Located> {
        let selector = match selector.split('/').collect::<Vec<_>>()[..] {
            [organization, space, app] => Selector::Name {
                organization: organization.into(),
                space: space.into(),
                app: app.into(),
            },
            [guid] if guid.ends_with("-guid") => Selector::Guid(guid.into()),
            _ => Selector::Route(selector.into()),
        };
        self.table.find(&selector, process_type, self.now)
    }

    /// Addresses found, in order.
    fn addresses(&self, selector: &str) -> Vec<String> {
        self.find(selector, None)
            .iter()
            .map(|located| located.instance.address.to_string())
            .collect()
    }

    fn age(&self) -> usize {
        self.table.age(self.now)
    }

    fn updated(&self) -> Duration {
        self.table.update_age(self.now)
    }

    fn endpoints(&self) -> usize {
        self.table.sizes().endpoints
    }
}
