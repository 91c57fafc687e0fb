//! The bodies of `router.register` and `router.unregister`, and the endpoints of gorouter's `/routes`.
//!
//! Anybody who may publish on NATS can write these messages, and gorouter's own reading is looser in some
//! places and stricter in others. Here a field of a wrong type costs only that field, unless it tells how to reach
//! the instance; a tag that is no string costs only that tag; every text that is kept has a bound. What is unknown
//! is skipped. A heartbeat is read without allocating: texts are borrowed from the message unless they hold escapes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;

use super::record::{AppTags, Registration};

/// Longest message read, in bytes: the default limit of NATS servers. Real ones have about 1 KB.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Most URIs read of one message; route-emitter sends one, route-registrar a few dozen.
const MAX_URIS: usize = 1024;
/// Longest text kept, in bytes: names have at most 250 characters. A longer one counts as absent.
const MAX_TEXT: usize = 1024;
/// Longest host name, in bytes.
const MAX_HOST: usize = 255;

/// One register or unregister message.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    #[serde(borrow, deserialize_with = "text")]
    host: Cow<'a, str>,
    #[serde(deserialize_with = "port")]
    port: Stated<u16>,
    #[serde(deserialize_with = "port")]
    tls_port: Stated<u16>,
    #[serde(borrow = "'a", deserialize_with = "texts")]
    uris: SmallVec<[Cow<'a, str>; 1]>,
    #[serde(borrow, deserialize_with = "text")]
    private_instance_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    server_cert_domain_san: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    isolation_segment: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    availability_zone: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    protocol: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "tags")]
    tags: Tags<'a>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is not a JSON object, or larger than [`MAX_MESSAGE`].
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        if body.len() > MAX_MESSAGE {
            return Err(serde::de::Error::custom(format_args!(
                "larger than {MAX_MESSAGE} bytes"
            )));
        }
        object(body)
    }

    /// Whether there were more routes than are read.
    pub fn has_too_many_uris(&self) -> bool {
        self.uris.len() > MAX_URIS
    }

    /// The routes, as they were written, the first [`MAX_URIS`] of them.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().take(MAX_URIS).map(|uri| &**uri)
    }

    /// Host and port; `tls_port` wins over `port`. `None` when there is no usable one: cf-deployment sends
    /// `port` 0 for instances that are reached by TLS only.
    pub fn address(&self) -> Option<(&str, u16)> {
        let port = match self.tls_port.value()? {
            Some(port) => port,
            None => self.port.value()??,
        };
        Some((host(&self.host)?, port))
    }

    /// What the message says about its endpoint. `None` without a usable address.
    pub fn registration(&self) -> Option<Registration<'_>> {
        let (host, port) = self.address()?;
        Some(Registration {
            app: self.tags.app(),
            host,
            port,
            socket: None,
            tls: self
                .tls_port
                .value()?
                .map(|_| &*self.server_cert_domain_san),
            http2: self.protocol == "http2",
            guid: self.tags.guid(&self.private_instance_id),
            index: &self.tags.instance_id,
            isolation_segment: &self.isolation_segment,
            availability_zone: &self.availability_zone,
        })
    }
}

/// One endpoint of gorouter's `/routes`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Endpoint<'a> {
    #[serde(borrow, deserialize_with = "text")]
    address: Cow<'a, str>,
    #[serde(deserialize_with = "flag")]
    tls: Stated<bool>,
    #[serde(borrow, deserialize_with = "text")]
    protocol: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    private_instance_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    server_cert_domain_san: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    isolation_segment: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    availability_zone: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "tags")]
    tags: Tags<'a>,
}

impl<'a> Endpoint<'a> {
    /// Reads the array of endpoints of one route. `null` and an empty array have none; an element that is no object
    /// is an endpoint without an address.
    ///
    /// # Errors
    /// When it is not JSON, or not an array of objects.
    pub fn parse_all(body: &'a [u8]) -> Result<Vec<Self>, serde_json::Error> {
        let elements = serde_json::from_slice::<Option<Vec<Element<'_>>>>(body)?;
        Ok(elements
            .unwrap_or_default()
            .into_iter()
            .map(|element| element.0)
            .collect())
    }

    /// What the router says about this endpoint. `None` without a usable address.
    pub fn registration(&self) -> Option<Registration<'_>> {
        // Split as [`Address::parse`] does, without its allocation.
        let (name, port) = self.address.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        Some(Registration {
            app: self.tags.app(),
            host: host(name)?,
            port,
            socket: None,
            tls: self.tls.value()?.map(|_| &*self.server_cert_domain_san),
            http2: self.protocol == "http2",
            guid: self.tags.guid(&self.private_instance_id),
            index: &self.tags.instance_id,
            isolation_segment: &self.isolation_segment,
            availability_zone: &self.availability_zone,
        })
    }
}

/// What to make of a value of any type: visitors below take the types they want and leave the rest at this.
macro_rules! other_types_are {
    ($default:expr; $($kind:ident)*) => { $(other_types_are!(@ $kind $default);)* };
    (@ bool $default:expr) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($default) } };
    (@ number $default:expr) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($default) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($default) }
    };
    (@ unsigned $default:expr) => { fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($default) } };
    (@ text $default:expr) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($default) } };
    (@ null $default:expr) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($default) } };
    (@ list $default:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($default)
        }
    };
    (@ map $default:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($default)
        }
    };
}

/// What stands in a list of endpoints.
struct Element<'a>(Endpoint<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyElement<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for AnyElement<'a> {
            type Value = Element<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Endpoint::deserialize(MapAccessDeserializer::new(map)).map(Element)
            }
            other_types_are! { Element(Endpoint::default()); bool number unsigned text null list }
        }
        deserializer.deserialize_any(AnyElement(PhantomData))
    }
}

/// The metric tags that promfetch knows (Cloud Controller's `app_recipe_builder.rb`); all others are skipped.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Tags<'a> {
    #[serde(borrow, deserialize_with = "text")]
    component: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    organization_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    space_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    app_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    organization_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    space_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    app_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    process_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    process_type: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    process_instance_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    instance_id: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    source_id: Cow<'a, str>,
}

impl Tags<'_> {
    /// The app's tags, all empty for what is not an app instance: another component than route-emitter, or no
    /// app GUID. Such endpoints stay in the table, because a platform host hides an app's wildcard route.
    fn app(&self) -> AppTags<'_> {
        if !(self.component.is_empty() || self.component == "route-emitter")
            || self.app_id.is_empty()
        {
            return AppTags::default();
        }
        AppTags {
            organization_id: &self.organization_id,
            space_id: &self.space_id,
            app_id: &self.app_id,
            organization_name: &self.organization_name,
            space_name: &self.space_name,
            app_name: &self.app_name,
            process_id: &self.process_id,
            process_type: &self.process_type,
            source_id: &self.source_id,
        }
    }

    fn guid<'b>(&'b self, private_instance_id: &'b str) -> &'b str {
        if self.process_instance_id.is_empty() {
            private_instance_id
        } else {
            &self.process_instance_id
        }
    }
}

/// A host that can be dialled, without brackets: no blanks, nothing that would end it inside a URL.
fn host(text: &str) -> Option<&str> {
    let host = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text);
    let clean = host
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"/@?#[]\\\"".contains(&byte));
    (clean && !host.is_empty() && host.len() <= MAX_HOST).then_some(host)
}

/// Reads an object; serde's derived types would take an array as well.
fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = deserializer.deserialize_map(Object(PhantomData))?;
    deserializer.end()?;
    Ok(value)
}

/// A text; of another type or over-long: empty.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(if text.len() <= MAX_TEXT {
                text
            } else {
                ""
            }))
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(if text.len() <= MAX_TEXT {
                Cow::Owned(text.to_owned())
            } else {
                Cow::Borrowed("")
            })
        }
        other_types_are! { Cow::Borrowed(""); bool number unsigned null list map }
    }
    deserializer.deserialize_any(Text)
}

/// A value that decides how an instance is reached. A wrong one is not an absent one: taken for that, an instance
/// behind TLS would be asked in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stated<T> {
    #[default]
    Absent,
    Value(T),
    Wrong,
}

impl<T> Stated<T> {
    /// The value, if any; `None` when it is wrong.
    fn value(self) -> Option<Option<T>> {
        match self {
            Self::Absent => Some(None),
            Self::Value(value) => Some(Some(value)),
            Self::Wrong => None,
        }
    }
}

/// A port; 0 and `null` are none.
fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stated<u16>, D::Error> {
    struct Port;
    impl<'de> Visitor<'de> for Port {
        type Value = Stated<u16>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_u64<E>(self, port: u64) -> Result<Self::Value, E> {
            Ok(match u16::try_from(port) {
                Ok(0) => Stated::Absent,
                Ok(port) => Stated::Value(port),
                Err(_) => Stated::Wrong,
            })
        }
        other_types_are! { Stated::Absent; null }
        other_types_are! { Stated::Wrong; bool number text list map }
    }
    deserializer.deserialize_any(Port)
}

/// A boolean that says yes; `false` and `null` say no.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stated<bool>, D::Error> {
    struct Flag;
    impl<'de> Visitor<'de> for Flag {
        type Value = Stated<bool>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(if flag {
                Stated::Value(true)
            } else {
                Stated::Absent
            })
        }
        other_types_are! { Stated::Absent; null }
        other_types_are! { Stated::Wrong; number unsigned text list map }
    }
    deserializer.deserialize_any(Flag)
}

/// A list of texts without those of another type or over-long; of another type: none.
fn texts<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SmallVec<[Cow<'a, str>; 1]>, D::Error> {
    struct Element<'a>(Cow<'a, str>);
    impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer).map(Self)
        }
    }
    struct Texts<'a>(PhantomData<&'a str>);
    impl<'de: 'a, 'a> Visitor<'de> for Texts<'a> {
        type Value = SmallVec<[Cow<'a, str>; 1]>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut texts = SmallVec::new();
            while let Some(Element(text)) = list.next_element()? {
                // One more than is taken tells that there are more.
                if !text.is_empty() && texts.len() <= MAX_URIS {
                    texts.push(text);
                }
            }
            Ok(texts)
        }
        other_types_are! { SmallVec::new(); bool number unsigned text null map }
    }
    deserializer.deserialize_any(Texts(PhantomData))
}

/// The tags; of another type, as the `null` of route-registrar: none.
fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tags<'de>, D::Error> {
    struct AnyTags;
    impl<'de> Visitor<'de> for AnyTags {
        type Value = Tags<'de>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Tags::deserialize(MapAccessDeserializer::new(map))
        }
        other_types_are! { Tags::default(); bool number unsigned text null list }
    }
    deserializer.deserialize_any(AnyTags)
}

#[cfg(test)]
mod tests;
