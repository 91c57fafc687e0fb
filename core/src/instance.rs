//! One running copy of an app: who it is, where it listens, which labels its samples get.

use std::sync::Arc;

pub use crate::address::Address;
use crate::labels::Labels;

/// What all instances of one process of an app share: the metric tags that the Cloud Controller sets.
///
/// An empty string means that the tag was absent. Names are as typed by the user: any Unicode, `/`, `%`, quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct App {
    pub organization_id: Box<str>,
    pub space_id: Box<str>,
    pub app_id: Box<str>,
    pub organization_name: Box<str>,
    pub space_name: Box<str>,
    pub app_name: Box<str>,
    pub process_id: Box<str>,
    /// `web`, or another process type of the app's manifest.
    pub process_type: Box<str>,
    pub source_id: Box<str>,
}

impl App {
    /// The first six of [`INSTANCE_LABELS`](crate::labels::INSTANCE_LABELS), which external exporters get too.
    pub fn labels(&self) -> Labels {
        Labels::from_iter([
            ("organization_id", &*self.organization_id),
            ("space_id", &*self.space_id),
            ("app_id", &*self.app_id),
            ("organization_name", &*self.organization_name),
            ("space_name", &*self.space_name),
            ("app_name", &*self.app_name),
        ])
    }
}

/// How to speak to an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transport {
    /// The name to verify in the server's certificate (`server_cert_domain_san`), when the endpoint is TLS.
    /// `Some("")` means TLS with the check against the IP address, as gorouter does.
    pub tls: Option<Box<str>>,
    /// `protocol: http2` in the registration: HTTP/2 with prior knowledge, or by ALPN under TLS.
    pub http2: bool,
}

/// One running copy of an app, as the routing table knows it. Immutable: a new registration makes a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    pub app: Arc<App>,
    pub address: Address,
    pub transport: Transport,
    /// `process_instance_id` or `private_instance_id`; 8-4-4-4-4 hex digits, not a UUID. Empty when unknown.
    pub guid: Box<str>,
    /// The tag `instance_id`, which holds the index ("0", "1", …). Empty when the platform sent none.
    pub index: Box<str>,
    pub isolation_segment: Box<str>,
    pub availability_zone: Box<str>,
}

impl Instance {
    /// What tells it from the app's others in an address: its GUID, or where it has none, where it listens
    /// ([`Address::segment`]).
    pub fn name(&self) -> String {
        match &*self.guid {
            "" => self.address.segment(),
            guid => guid.to_owned(),
        }
    }

    /// Whether this text names it: its name in any case, or its socket as it is shown. Paths of sockets have a case.
    pub fn is_called(&self, text: &str) -> bool {
        if self.guid.is_empty() && self.address.is_unix() {
            return self.address.segment() == text || self.address.to_string() == text;
        }
        self.name().eq_ignore_ascii_case(text)
    }

    /// The nine labels of this instance's samples. Without an index there are only six, as in promfetcher.
    pub fn labels(&self) -> Labels {
        let mut labels = self.app.labels();
        if !self.index.is_empty() {
            labels.push("index", self.index.clone());
            labels.push("instance_id", self.index.clone());
            labels.push("instance", self.address.to_string());
        }
        labels
    }

    /// Order of instances in a page: by index as a number, then by address.
    pub fn sort_key(&self) -> (u64, &str, &Address) {
        (
            self.index.parse().unwrap_or(u64::MAX),
            &self.index,
            &self.address,
        )
    }
}

/// An app whose names need encoding.
#[cfg(test)]
pub(crate) fn example_app() -> App {
    App {
        organization_id: "o-1".into(),
        space_id: "s-1".into(),
        app_id: "a-1".into(),
        organization_name: "acme & sons".into(),
        space_name: "prod/eu".into(),
        app_name: "shöp".into(),
        process_id: "p-1".into(),
        process_type: "web".into(),
        source_id: "src".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_by_its_guid_or_by_where_it_listens() {
        let socket = Address::Unix("/run/A.sock".into());
        let (tcp, guid) = (Address::tcp("Cell", 1), "c6e2c9be-17cc-50d8-979d-02e4");
        for (address, guid, name, also, not) in [
            (&tcp, guid, guid, "C6E2C9BE-17CC-50D8-979D-02E4", "cell:1"),
            (&tcp, "", "Cell:1", "cell:1", "Cell"),
            (&socket, guid, guid, guid, "unix:///run/A.sock"),
            (
                &socket,
                "",
                "unix::run:A.sock",
                "unix:///run/A.sock",
                "unix:///run/a.sock",
            ),
        ] {
            let instance = Instance {
                app: Arc::default(),
                address: address.clone(),
                transport: Transport::default(),
                guid: guid.into(),
                index: "0".into(),
                isolation_segment: "".into(),
                availability_zone: "".into(),
            };
            assert_eq!(instance.name(), name);
            assert!(
                instance.is_called(name) && instance.is_called(also),
                "{name}"
            );
            assert!(!instance.is_called(not), "{name}: {not}");
            assert_eq!(
                instance.labels().get("instance"),
                Some(&*address.to_string())
            );
        }
    }

    #[test]
    fn index_and_instance_id_both_hold_the_index_and_are_left_out_without_one() {
        let mut instance = Instance {
            app: Arc::new(App {
                app_id: "a".into(),
                ..App::default()
            }),
            address: Address::parse("10.0.0.1:61001").unwrap(),
            transport: Transport::default(),
            guid: "c6e2c9be-17cc-50d8-979d-02e4".into(),
            index: "3".into(),
            isolation_segment: "".into(),
            availability_zone: "".into(),
        };
        let labels = instance.labels();
        assert_eq!(
            (labels.get("index"), labels.get("instance_id")),
            (Some("3"), Some("3"))
        );
        assert_eq!(labels.get("instance"), Some("10.0.0.1:61001"));
        instance.index = "".into();
        assert_eq!(instance.labels().len(), 6);
    }
}
