//! A registration in canonical bytes: what the table keeps, and what tells a heartbeat from a change.
//!
//! A platform has a hundred thousand instances and each of them is told every 20 seconds. As strings of their
//! own the fields of one take about 900 bytes; joined they take a third, and "has anything changed?" is one
//! comparison of bytes. [`App`] and [`Instance`] are made from the bytes when somebody looks them up.

use std::sync::Arc;

use crate::instance::{Address, App, Instance, Transport};

/// What a source says about one endpoint, borrowed from its message. Empty texts mean absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registration<'a> {
    pub app: AppTags<'a>,
    pub host: &'a str,
    pub port: u16,
    /// The path of a Unix socket, in place of host and port. No message has one: only the operator names sockets.
    pub socket: Option<&'a str>,
    /// As [`Transport::tls`].
    pub tls: Option<&'a str>,
    pub http2: bool,
    pub guid: &'a str,
    pub index: &'a str,
    pub isolation_segment: &'a str,
    pub availability_zone: &'a str,
}

/// The tags that make an [`App`]. All empty: not an app, but a component of the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppTags<'a> {
    pub organization_id: &'a str,
    pub space_id: &'a str,
    pub app_id: &'a str,
    pub organization_name: &'a str,
    pub space_name: &'a str,
    pub app_name: &'a str,
    pub process_id: &'a str,
    pub process_type: &'a str,
    pub source_id: &'a str,
}

/// What an address begins with. The parts of both have the same form: a text and two bytes.
const TCP: u8 = 0;
const SOCKET: u8 = 1;

const HTTP2: u8 = 1;
const TLS: u8 = 2;

/// A registration packed: texts with their lengths before them, in a fixed order.
///
/// The instance's bytes begin with its address, then come transport and GUID: these make up its *identity*.
/// So "same address" and "same identity" are comparisons of prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    app: Vec<u8>,
    instance: Vec<u8>,
    address_end: usize,
    identity_end: usize,
}

impl Record {
    /// Packs a registration, reusing the buffers.
    pub fn pack(&mut self, registration: &Registration<'_>) {
        let tags = &registration.app;
        self.app.clear();
        for text in [
            tags.app_id,
            tags.organization_name,
            tags.space_name,
            tags.app_name,
            tags.process_type,
            tags.organization_id,
            tags.space_id,
            tags.process_id,
            tags.source_id,
        ] {
            put(text, &mut self.app);
        }
        self.instance.clear();
        match registration.socket {
            None => put_tcp(registration.host, registration.port, &mut self.instance),
            Some(path) => put_socket(path, &mut self.instance),
        }
        self.address_end = self.instance.len();
        put_identity(
            registration.tls,
            registration.http2,
            registration.guid,
            &mut self.instance,
        );
        self.identity_end = self.instance.len();
        for text in [
            registration.index,
            registration.isolation_segment,
            registration.availability_zone,
        ] {
            put(text, &mut self.instance);
        }
    }

    /// The packed registration.
    pub fn of(registration: &Registration<'_>) -> Self {
        let mut record = Self::default();
        record.pack(registration);
        record
    }

    pub(super) fn app(&self) -> &[u8] {
        &self.app
    }

    pub(super) fn instance(&self) -> &[u8] {
        &self.instance
    }

    pub(super) fn address(&self) -> &[u8] {
        self.instance.get(..self.address_end).unwrap_or_default()
    }

    pub(super) fn identity(&self) -> &[u8] {
        self.instance.get(..self.identity_end).unwrap_or_default()
    }

    /// How long the address and the identity are at the beginning of [`Self::instance`].
    pub(super) fn ends(&self) -> (usize, usize) {
        (self.address_end, self.identity_end)
    }

    /// The host to dial: a literal address or a name. Of a socket its path.
    pub fn host(&self) -> &str {
        Reader(&self.instance).address().1
    }

    pub(super) fn is_socket(&self) -> bool {
        Reader(&self.instance).address().0 == SOCKET
    }
}

/// The packed address alone, for unregistering.
pub(super) fn pack_tcp(host: &str, port: u16) -> Vec<u8> {
    let mut address = Vec::with_capacity(host.len() + 5);
    put_tcp(host, port, &mut address);
    address
}

/// The identity of an instance that was looked up before: its address alone, and address with transport and GUID.
pub(super) fn identity_of(instance: &Instance) -> (Vec<u8>, Vec<u8>) {
    let address = match &instance.address {
        Address::Tcp { host, port } => pack_tcp(host, *port),
        Address::Unix(path) => {
            let mut address = Vec::with_capacity(path.len() + 5);
            put_socket(path, &mut address);
            address
        }
    };
    let mut identity = address.clone();
    put_identity(
        instance.transport.tls.as_deref(),
        instance.transport.http2,
        &instance.guid,
        &mut identity,
    );
    (address, identity)
}

fn put_tcp(host: &str, port: u16, out: &mut Vec<u8>) {
    out.push(TCP);
    put(host, out);
    out.extend_from_slice(&port.to_be_bytes());
}

fn put_socket(path: &str, out: &mut Vec<u8>) {
    out.push(SOCKET);
    put(path, out);
    out.extend_from_slice(&[0, 0]);
}

fn put_identity(tls: Option<&str>, http2: bool, guid: &str, out: &mut Vec<u8>) {
    out.push(if http2 { HTTP2 } else { 0 } | if tls.is_some() { TLS } else { 0 });
    put(tls.unwrap_or_default(), out);
    put(guid, out);
}

/// Parsers bound every text far below 64 KiB; one that is longer all the same counts as absent.
fn put(text: &str, out: &mut Vec<u8>) {
    let (text, length) = u16::try_from(text.len()).map_or(("", 0), |length| (text, length));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Reads packed bytes. They come from [`Record`] only, so a wrong length cannot be; it would read as empty.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at_checked(count).unwrap_or_default();
        self.0 = tail;
        head
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.take(2).try_into().map_or(0, u16::from_le_bytes);
        self.take(usize::from(length))
    }

    fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn boxed(&mut self) -> Box<str> {
        self.text().into()
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// What kind of address it is, with its parts.
    fn address(&mut self) -> (u8, &'a str, u16) {
        let (kind, text) = (self.byte(), self.text());
        let port = self.take(2).try_into().map_or(0, u16::from_be_bytes);
        (kind, text, port)
    }
}

/// The app of packed bytes.
pub(super) fn unpack_app(bytes: &[u8]) -> App {
    let mut reader = Reader(bytes);
    let app_id = reader.boxed();
    let organization_name = reader.boxed();
    let space_name = reader.boxed();
    let app_name = reader.boxed();
    let process_type = reader.boxed();
    App {
        organization_id: reader.boxed(),
        space_id: reader.boxed(),
        app_id,
        organization_name,
        space_name,
        app_name,
        process_id: reader.boxed(),
        process_type,
        source_id: reader.boxed(),
    }
}

/// The app's GUID; empty for components of the platform.
pub(super) fn app_id(bytes: &[u8]) -> &str {
    Reader(bytes).text()
}

/// Names of organization, space and app.
pub(super) fn app_names(bytes: &[u8]) -> [&str; 3] {
    let mut reader = Reader(bytes);
    reader.bytes();
    [reader.text(), reader.text(), reader.text()]
}

/// The process type; a platform that sends none has only `web`.
pub(super) fn process_type(bytes: &[u8]) -> &str {
    match part(bytes, 4) {
        "" => "web",
        process_type => process_type,
    }
}

/// The GUID of the space.
pub(super) fn space_id(bytes: &[u8]) -> &str {
    part(bytes, 6)
}

/// The GUID of the process.
pub(super) fn process_id(bytes: &[u8]) -> &str {
    part(bytes, 7)
}

/// The text at this place of packed app bytes.
fn part(bytes: &[u8], place: usize) -> &str {
    let mut reader = Reader(bytes);
    for _ in 0..place {
        reader.bytes();
    }
    reader.text()
}

/// Where the instance of packed bytes listens, as parts that sort: host and port, or the path of a socket and 0.
/// Then its GUID.
pub(super) fn instance_key(bytes: &[u8]) -> (&str, u16, &str) {
    let mut reader = Reader(bytes);
    let (_, host, port) = reader.address();
    reader.byte();
    reader.bytes();
    (host, port, reader.text())
}

/// Whether packed instance bytes are those of an instance behind TLS.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    let mut reader = Reader(bytes);
    reader.address();
    reader.byte() & TLS != 0
}

/// The instance of packed bytes.
pub(super) fn unpack_instance(bytes: &[u8], app: Arc<App>) -> Instance {
    let mut reader = Reader(bytes);
    let address = match reader.address() {
        (SOCKET, path, _) => Address::Unix(path.into()),
        (_, host, port) => Address::tcp(host, port),
    };
    let flags = reader.byte();
    let name = reader.boxed();
    Instance {
        app,
        address,
        transport: Transport {
            tls: (flags & TLS != 0).then_some(name),
            http2: flags & HTTP2 != 0,
        },
        guid: reader.boxed(),
        index: reader.boxed(),
        isolation_segment: reader.boxed(),
        availability_zone: reader.boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn registration() -> Registration<'static> {
        Registration {
            app: AppTags {
                organization_id: "o",
                space_id: "s",
                app_id: "a",
                organization_name: "acme/eu",
                space_name: "",
                app_name: "shöp",
                process_id: "p",
                process_type: "worker",
                source_id: "a",
            },
            host: "2001:db8::7",
            port: 61001,
            socket: None,
            tls: Some(""),
            http2: true,
            guid: "g",
            index: "10",
            isolation_segment: "iso",
            availability_zone: "z1",
        }
    }

    #[test]
    fn packed_bytes_read_back_as_they_were() {
        let record = Record::of(&registration());
        let app = unpack_app(record.app());
        let instance = unpack_instance(record.instance(), Arc::new(app.clone()));
        assert_eq!(
            (&*app.organization_id, &*app.space_id, &*app.app_id),
            ("o", "s", "a")
        );
        assert_eq!(
            (&*app.organization_name, &*app.space_name, &*app.app_name),
            ("acme/eu", "", "shöp")
        );
        assert_eq!(
            (&*app.process_id, &*app.process_type, &*app.source_id),
            ("p", "worker", "a")
        );
        assert_eq!(instance.address, Address::tcp("2001:db8::7", 61001));
        assert_eq!(
            instance.transport,
            Transport {
                tls: Some("".into()),
                http2: true
            },
            "an empty name is TLS all the same"
        );
        assert_eq!((&*instance.guid, &*instance.index), ("g", "10"));
        assert_eq!(
            (&*instance.isolation_segment, &*instance.availability_zone),
            ("iso", "z1")
        );

        assert_eq!(record.host(), "2001:db8::7");
        assert_eq!(
            (
                app_id(record.app()),
                app_names(record.app()),
                process_type(record.app())
            ),
            ("a", ["acme/eu", "", "shöp"], "worker")
        );
        assert_eq!(instance_key(record.instance()), ("2001:db8::7", 61001, "g"));
        assert_eq!(
            identity_of(&instance),
            (record.address().to_vec(), record.identity().to_vec())
        );
    }

    #[test]
    fn a_socket_is_never_the_same_as_a_host_of_its_name() {
        let socket = Registration {
            socket: Some("/run/app.sock"),
            ..registration()
        };
        let record = Record::of(&socket);
        let instance = unpack_instance(record.instance(), Arc::default());
        assert_eq!(instance.address, Address::Unix("/run/app.sock".into()));
        assert_eq!((&*instance.guid, &*instance.index), ("g", "10"));
        assert!(record.is_socket() && is_tls(record.instance()));
        assert_eq!(record.host(), "/run/app.sock");
        assert_eq!(
            identity_of(&instance),
            (record.address().to_vec(), record.identity().to_vec())
        );
        let host = Record::of(&Registration {
            host: "/run/app.sock",
            port: 0,
            ..registration()
        });
        assert_ne!(host.address(), record.address());
        assert!(!host.is_socket());
    }

    #[test]
    fn identity_is_address_transport_and_guid_and_nothing_else() {
        let base = registration();
        let identity =
            |registration: &Registration<'_>| Record::of(registration).identity().to_vec();
        for other in [
            Registration { host: "h", ..base },
            Registration { port: 1, ..base },
            Registration { tls: None, ..base },
            Registration {
                tls: Some("x"),
                ..base
            },
            Registration {
                http2: false,
                ..base
            },
            Registration {
                guid: "other",
                ..base
            },
        ] {
            assert_ne!(identity(&other), identity(&base), "{other:?}");
        }
        for same in [
            Registration { index: "1", ..base },
            Registration {
                availability_zone: "z2",
                ..base
            },
            Registration {
                app: AppTags {
                    app_name: "renamed",
                    ..base.app
                },
                ..base
            },
        ] {
            assert_eq!(identity(&same), identity(&base), "{same:?}");
            assert_ne!(
                Record::of(&same),
                Record::of(&base),
                "but it is a change: {same:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn reading_any_bytes_neither_panics_nor_reads_beyond(bytes: Vec<u8>) {
            unpack_instance(&bytes, Arc::new(unpack_app(&bytes)));
            instance_key(&bytes);
            process_type(&bytes);
        }

        #[test]
        fn different_texts_never_pack_alike(a in ".{0,9}", b in ".{0,9}", c in ".{0,9}", d in ".{0,9}") {
            let record = |guid, index| Record::of(&Registration { guid, index, ..Registration::default() });
            prop_assert_eq!(record(&a, &b) == record(&c, &d), a == c && b == d);
        }
    }
}
