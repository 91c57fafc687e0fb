//! Addresses of the explorer's pages, and of the metrics that they speak of.

use promfetch_core::discovery::Found;
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;

use crate::bindings::credentials::escape;

/// Longer addresses are not made of names: they would come near the longest that is answered.
const MAX_NAMES: usize = 2 << 10;

/// The page of what a parameter names.
pub(super) const BY_QUERY: &str = "/apps/";

/// The way back to the root of the service from the page at this path.
pub(super) fn up(path: &str) -> String {
    "../".repeat(path.matches('/').count().saturating_sub(1))
}

/// The page of an app, from the root: by its names where an address can hold them.
pub(super) fn app(app: &App) -> String {
    let names = [&*app.organization_name, &app.space_name, &app.app_name];
    named(names, &app.app_id)
}

/// The same for the names of organization, space and app, and its GUID.
pub(super) fn named(names: [&str; 3], guid: &str) -> String {
    let path = names.map(escape).join("/");
    // Browsers take a segment of dots out of an address, encoded or not.
    let is_readable = |name: &str| !matches!(name, "" | "." | "..");
    if names.into_iter().all(is_readable) && path.len() <= MAX_NAMES {
        format!("apps/{path}")
    } else {
        format!("apps/{}", escape(guid))
    }
}

/// The same by GUID, which no two apps share.
pub(super) fn by_guid(app: &App) -> String {
    format!("apps/{}", escape(&app.app_id))
}

/// The page of a route.
pub(super) fn route(route: &str) -> String {
    if is_plain(route) {
        format!("apps/{route}")
    } else {
        format!("apps/?route_url={}", escape(route))
    }
}

/// The page of an app that a search has found, whose processes may all be others than the usual one.
pub(super) fn found(found: &Found, usual: &str, is_unique: bool) -> String {
    let page = if is_unique {
        app(&found.app)
    } else {
        by_guid(&found.app)
    };
    let has = |kind: &str| found.processes.iter().any(|(known, _)| &**known == kind);
    match found.processes.first() {
        Some((kind, _)) if !has(usual) => format!("{page}?process_type={}", escape(kind)),
        _ => page,
    }
}

/// Whether a text stands in an address as it is. Of a path in a Prometheus job nothing is decoded, so what would have
/// to be encoded cannot stand there.
fn is_plain(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_fine) && !matches!(text, "." | "..")
}

/// Where the metrics of a selector are: a path that needs no encoding, and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// What stands between `/v1/apps/` and the word at the end; empty where a parameter names the app.
    selector: String,
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Source {
    /// By what was asked for, where that stands in a path; else by GUID. `app` is one that it leads to.
    pub(super) fn of(selector: &Selector, app: &App) -> Self {
        let plain = |selector: String| Self {
            selector,
            parameters: Vec::new(),
        };
        match selector {
            Selector::Name {
                organization,
                space,
                app,
            } if [organization, space, app].iter().all(|name| is_plain(name))
                // Below an organization alone it would be the page of one instance.
                && &**space != "instances" =>
            {
                plain(format!("{organization}/{space}/{app}"))
            }
            Selector::Route(text) if is_plain(text) => plain(text.to_string()),
            Selector::Route(text) => Self {
                selector: String::new(),
                parameters: vec![("route_url", text.to_string())],
            },
            _ => Self::of_guid(app),
        }
    }

    pub(super) fn of_guid(app: &App) -> Self {
        Self {
            selector: escape(&app.app_id),
            parameters: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.parameters
            .extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// The path from the root, without parameters.
    pub(super) fn path(&self, word: &str) -> String {
        match &*self.selector {
            "" => format!("v1/apps/{word}"),
            selector => format!("v1/apps/{selector}/{word}"),
        }
    }

    /// The address from the root, with parameters.
    pub(super) fn address(&self, word: &str) -> String {
        let mut address = self.path(word);
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            address.push(mark);
            address.push_str(&format!("{name}={}", escape(value)));
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(organization: &str, space: &str, name: &str) -> App {
        App {
            organization_name: organization.into(),
            space_name: space.into(),
            app_name: name.into(),
            app_id: "47d288f6-f9c1-5e3a-9546-5384018954e2".into(),
            ..App::default()
        }
    }

    #[test]
    fn the_way_back_is_as_long_as_the_way() {
        for (path, want) in [
            ("/", ""),
            ("/platform", ""),
            ("/apps/", "../"),
            ("/apps/guid", "../"),
            ("/apps/o/s/a", "../../../"),
        ] {
            assert_eq!(up(path), want, "{path}");
        }
    }

    #[test]
    fn pages_are_named_readably_where_that_works() {
        let guid = "apps/47d288f6-f9c1-5e3a-9546-5384018954e2";
        let long = "ü".repeat(250);
        for (names, want, why) in [
            (["acme", "prod", "shop"], "apps/acme/prod/shop", "plain"),
            (
                ["a/b", "c d", "<é>"],
                "apps/a%2Fb/c%20d/%3C%C3%A9%3E",
                "encoded",
            ),
            (["acme", "..", "shop"], guid, "browsers take dots away"),
            (["acme", "prod", "."], guid, "browsers take dots away"),
            (["", "prod", "shop"], guid, "a name is missing"),
            ([&long, &long, &long], guid, "too long"),
        ] {
            assert_eq!(app(&named(names[0], names[1], names[2])), want, "{why}");
        }
        assert_eq!(route("shop.example.org"), "apps/shop.example.org");
        assert_eq!(
            route("shop.example.org/a b"),
            "apps/?route_url=shop.example.org%2Fa%20b"
        );
    }

    #[test]
    fn what_prometheus_would_encode_again_is_not_in_the_path() {
        let guid = "v1/apps/47d288f6-f9c1-5e3a-9546-5384018954e2/metrics";
        let app = named("acme", "prod", "shop");
        for (selector, want, why) in [
            ("acme/prod/shop", "v1/apps/acme/prod/shop/metrics", "plain"),
            ("acme/prod/sh%20op", guid, "a blank"),
            ("acme/pr%2Fod/shop", guid, "a slash"),
            ("acme/../shop", guid, "dots"),
            ("acme/instances/shop", guid, "a word of addresses"),
            ("47d288f6-f9c1-5e3a-9546-5384018954e2", guid, "a GUID"),
            (
                "shop.example.org",
                "v1/apps/shop.example.org/metrics",
                "a host",
            ),
            (
                "shop.example.org:80",
                "v1/apps/metrics?route_url=shop.example.org%3A80",
                "a port",
            ),
        ] {
            let source = Source::of(&Selector::parse(selector).unwrap(), &app);
            assert_eq!(source.address("metrics"), want, "{why}");
        }
        let source = Source::of_guid(&app)
            .with("metric_path", Some("/a?b=\"c"))
            .with("process_type", None);
        assert_eq!(
            source.address("metrics"),
            format!("{guid}?metric_path=%2Fa%3Fb%3D%22c")
        );
        assert_eq!(source.path("metrics"), guid);
    }
}
