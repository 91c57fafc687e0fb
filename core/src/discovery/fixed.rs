//! Targets of the configuration: instances that are always there.

use std::time::Instant;

use super::record::{AppTags, Record, Registration};
use super::route;
use super::table::{Applied, Source, Table};
use crate::config::FixedTarget;
use crate::error::{Error, Kind};
use crate::instance::Address;
use crate::selector::is_guid;

/// Longest text of a target, in bytes, as for registrations.
const MAX_TEXT: usize = 1024;

/// Puts all targets into the table. Without an index they are numbered in their order within the app.
///
/// # Errors
/// [`Kind::Configuration`] for the first target whose address, names or routes cannot be used.
pub(super) fn register(targets: &[FixedTarget], table: &Table, now: Instant) -> Result<(), Error> {
    let app_ids: Vec<_> = targets.iter().map(app_id).collect();
    for (place, (target, app_id)) in targets.iter().zip(&app_ids).enumerate() {
        let wrong = |what: &str| {
            Error::new(
                Kind::Configuration,
                format!("`targets[{place}]` (`{}`): {what}", target.address),
            )
        };
        let address = Address::parse(&target.address).filter(|address| address.port != 0);
        let address = address.ok_or_else(|| wrong("the address must be `host:port`"))?;
        let texts = [
            &target.organization,
            &target.space,
            &target.app,
            &target.app_id,
            &target.index,
            &target.server_name,
            &target.address,
        ];
        if texts.iter().any(|text| text.len() > MAX_TEXT) {
            return Err(wrong("a text is longer than 1,024 bytes"));
        }
        if target.app.is_empty() && target.app_id.is_empty() {
            return Err(wrong("an app needs a name or an `app_id`"));
        }
        let earlier = || targets.iter().zip(&app_ids).take(place);
        let place_in_app = earlier()
            .filter(|(_, other)| *other == app_id)
            .count()
            .to_string();
        let server_name = if target.server_name.is_empty() {
            &*address.host
        } else {
            &target.server_name
        };
        let record = Record::of(&Registration {
            app: AppTags {
                app_id,
                organization_name: &target.organization,
                space_name: &target.space,
                app_name: &target.app,
                process_type: "web",
                source_id: app_id,
                ..AppTags::default()
            },
            host: &address.host,
            port: address.port,
            tls: target.tls.then_some(server_name),
            http2: target.http2,
            index: if target.index.is_empty() {
                &place_in_app
            } else {
                &target.index
            },
            ..Registration::default()
        });
        let mut keys = Vec::new();
        for text in &target.routes {
            keys.push(route::key(text).ok_or_else(|| {
                wrong(&format!(
                    "`{text}` is not a route such as `shop.example.org/cart`"
                ))
            })?);
        }
        if keys.is_empty() {
            // Found by name and GUID only.
            keys.push(route::of_target(place).into());
        }
        let clash = earlier().position(|(other, other_id)| {
            other.address == target.address && (other_id == app_id || shares_route(other, target))
        });
        if let Some(clash) = clash {
            return Err(wrong(&format!(
                "`targets[{clash}]` is the same address of the same app or route"
            )));
        }
        for key in keys {
            if let Applied::Refused(refusal) = table.register(Source::Fixed, &key, &record, now) {
                return Err(wrong(&format!(
                    "the routing table does not take it: {refusal:?}"
                )));
            }
        }
    }
    Ok(())
}

fn shares_route(a: &FixedTarget, b: &FixedTarget) -> bool {
    let mut pairs = a
        .routes
        .iter()
        .flat_map(|one| b.routes.iter().map(move |other| (one, other)));
    pairs.any(|(one, other)| route::key(one) == route::key(other))
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
mod tests {
    use super::*;
    use crate::discovery::table::Bounds;
    use crate::policy::AddressPolicy;
    use crate::selector::Selector;
    use std::time::Duration;

    fn target(app: &str, address: &str) -> FixedTarget {
        FixedTarget {
            organization: "acme".into(),
            space: "prod".into(),
            app: app.into(),
            app_id: String::new(),
            address: address.into(),
            index: String::new(),
            routes: Vec::new(),
            tls: false,
            server_name: String::new(),
            http2: false,
        }
    }

    fn table(targets: &[FixedTarget]) -> Result<Table, Error> {
        let now = Instant::now();
        let table = Table::new(
            Duration::from_secs(120),
            AddressPolicy::default(),
            Bounds::default(),
            now,
        );
        register(targets, &table, now).map(|()| table)
    }

    #[test]
    fn targets_are_found_by_name_by_guid_and_by_route_and_are_trusted() {
        let mut second = target("shop", "127.0.0.1:9001");
        second.routes = vec!["Shop.example.org/Api".into()];
        let table = table(&[
            target("shop", "127.0.0.1:9000"),
            second,
            target("other", "h:1"),
        ])
        .unwrap();
        let find = |text: &str| {
            table.find(
                &Selector::parse_decoded(text, true).unwrap(),
                None,
                Instant::now(),
            )
        };

        let by_name = find("acme/prod/shop");
        let seen: Vec<_> = by_name
            .iter()
            .map(|one| {
                (
                    one.instance.address.to_string(),
                    &*one.instance.index,
                    &*one.host,
                    one.trusted,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("127.0.0.1:9000".into(), "0", "127.0.0.1:9000", true),
                ("127.0.0.1:9001".into(), "1", "shop.example.org", true)
            ],
            "numbered in order; loopback is fine for the operator's own targets"
        );
        assert_eq!(find(&by_name[0].instance.app.app_id).len(), 2);
        assert_eq!(find("https://shop.example.org/api/v1").len(), 1);
        assert!(find("shop.example.org").is_empty());
    }

    #[test]
    fn one_address_may_serve_several_apps() {
        let table = table(&[target("shop", "h:1"), target("cart", "h:1")]).unwrap();
        for app in ["acme/prod/shop", "acme/prod/cart"] {
            let selector = Selector::parse(app).unwrap();
            assert_eq!(
                table.find(&selector, None, Instant::now()).len(),
                1,
                "{app}"
            );
        }
        assert_eq!(
            table.snapshot(Instant::now())[""].len(),
            2,
            "no route is shown"
        );
    }

    #[test]
    fn guids_of_names_are_stable_and_well_formed() {
        assert_eq!(
            guid_of_names(["acme", "prod", "shop"]),
            "bb938da5-ee8c-8003-8b07-13c27185b2ef"
        );
        assert!(is_guid(&guid_of_names(["", "", ""])));
        assert_ne!(
            guid_of_names(["a", "b", "c"]),
            guid_of_names(["ab", "", "c"])
        );
        let configured = FixedTarget {
            app_id: "47D288F6-F9C1-5E3A-9546-5384018954E2".into(),
            ..target("x", "h:1")
        };
        assert_eq!(app_id(&configured), "47d288f6-f9c1-5e3a-9546-5384018954e2");
    }

    #[test]
    fn tls_checks_the_configured_name_or_the_host() {
        let tls = FixedTarget {
            tls: true,
            ..target("a", "h.internal:1")
        };
        let named = FixedTarget {
            server_name: "n".into(),
            index: "7".into(),
            ..FixedTarget {
                address: "h2:1".into(),
                ..tls.clone()
            }
        };
        let table = table(&[tls, named]).unwrap();
        let found = table.find(
            &Selector::parse("acme/prod/a").unwrap(),
            None,
            Instant::now(),
        );
        assert_eq!(
            found
                .iter()
                .map(|one| one.instance.transport.tls.as_deref())
                .collect::<Vec<_>>(),
            [Some("h.internal"), Some("n")]
        );
    }

    #[test]
    fn unusable_targets_are_configuration_errors_that_name_the_place() {
        for (wrong, what) in [
            (target("a", "nowhere"), "the address must be `host:port`"),
            (target("a", "h:0"), "the address must be `host:port`"),
            (target("", "h:1"), "an app needs a name"),
            (
                FixedTarget {
                    routes: vec!["/".into()],
                    ..target("a", "h:1")
                },
                "`/` is not a route",
            ),
            (target(&"x".repeat(2000), "h:1"), "longer than 1,024 bytes"),
            (target("ok", "h:1"), "`targets[0]` is the same address"),
        ] {
            let error = table(&[target("ok", "h:1"), wrong]).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(
                error.to_string().starts_with("`targets[1]`") && error.to_string().contains(what),
                "{error}"
            );
        }
    }
}
