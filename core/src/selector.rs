//! What names an app: `org/space/app`, an app GUID, or a route.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Error, Kind};

/// Longest selector accepted, in bytes, before decoding. Names are at most 250 characters each on the platform.
pub const MAX_SELECTOR: usize = 8192;

/// What a segment keeps unescaped when a selector is written back: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What names an app. One selector can lead to several apps: a route during a blue-green deployment, or a
/// name that a deleted app had before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// By the names of organization, space and app, exactly as typed by their owners.
    Name {
        organization: Box<str>,
        space: Box<str>,
        app: Box<str>,
    },
    /// By the app's GUID, in lower case.
    Guid(Box<str>),
    /// By a route as a client would request it: host, optionally with scheme, port and path.
    Route(Box<str>),
}

impl Selector {
    /// Reads a selector as it stands in a URL path or on the command line. Three segments are names, one is a
    /// GUID or a host; each segment is percent-decoded once, after splitting, so `%2F` is a slash inside a name.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for another number of segments, an empty one, or one that is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_SELECTOR {
            return Err(invalid(format!(
                "the selector is longer than {MAX_SELECTOR} bytes"
            )));
        }
        let segments = text.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(invalid(format!(
                "`{text}` has an empty part: write `org/space/app`, an app GUID or a route's host"
            )));
        }
        match <[_; 3]>::try_from(segments) {
            Ok([organization, space, app]) => Ok(Self::Name {
                organization,
                space,
                app,
            }),
            Err(mut segments) if segments.len() == 1 => Ok(Self::guid_or_route(segments.remove(0))),
            Err(segments) => Err(invalid(format!(
                "`{text}` has {} parts: write `org/space/app`, an app GUID or a route's host (routes with a path go into `route_url=`)",
                segments.len()
            ))),
        }
    }

    /// Reads the value of `?app=` or `?route_url=`, or a word on the command line: already decoded. With exactly
    /// three parts and no scheme it is a name when `names` is set; everything else that is no GUID is a route.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for an empty or overlong value.
    pub fn parse_decoded(text: &str, names: bool) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_SELECTOR {
            return Err(invalid(format!(
                "the selector must have 1 to {MAX_SELECTOR} bytes"
            )));
        }
        if names
            && !text.contains("://")
            && let [organization, space, app] = text.split('/').collect::<Vec<_>>()[..]
            && ![organization, space, app].contains(&"")
        {
            return Ok(Self::Name {
                organization: organization.into(),
                space: space.into(),
                app: app.into(),
            });
        }
        Ok(Self::guid_or_route(text.into()))
    }

    fn guid_or_route(text: Box<str>) -> Self {
        if is_guid(&text) {
            Self::Guid(text.to_ascii_lowercase().into())
        } else {
            Self::Route(text)
        }
    }
}

impl fmt::Display for Selector {
    /// The form that [`Selector::parse`] reads, except for routes with a path, which stand as they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name {
                organization,
                space,
                app,
            } => {
                let encode = |text| utf8_percent_encode(text, SEGMENT);
                write!(
                    f,
                    "{}/{}/{}",
                    encode(organization),
                    encode(space),
                    encode(app)
                )
            }
            Self::Guid(text) | Self::Route(text) => f.write_str(text),
        }
    }
}

fn decode(segment: &str) -> Result<Box<str>, Error> {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| invalid(format!("`{segment}` is not UTF-8 after percent-decoding")))
}

fn invalid(message: String) -> Error {
    Error::new(Kind::InvalidArgument, message)
}

/// Whether the text has the form 8-4-4-4-12 of hex digits, as app GUIDs have.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(organization: &str, space: &str, app: &str) -> Selector {
        Selector::Name {
            organization: organization.into(),
            space: space.into(),
            app: app.into(),
        }
    }

    #[test]
    fn segments_are_decoded_once_after_splitting() {
        for (text, want) in [
            ("acme/prod/shop", name("acme", "prod", "shop")),
            ("a%2Fb/c%20d/e%25f", name("a/b", "c d", "e%f")),
            ("a%252Fb/s/a", name("a%2Fb", "s", "a")),
            ("o/s/caf%C3%A9", name("o", "s", "café")),
            (
                "47D288F6-f9c1-5e3a-9546-5384018954e2",
                Selector::Guid("47d288f6-f9c1-5e3a-9546-5384018954e2".into()),
            ),
            (
                "shop.apps.example.org",
                Selector::Route("shop.apps.example.org".into()),
            ),
            (
                "47d288f6-f9c1-5e3a-9546-02e4",
                Selector::Route("47d288f6-f9c1-5e3a-9546-02e4".into()),
            ),
        ] {
            assert_eq!(Selector::parse(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn malformed_selectors_name_the_way_out() {
        for text in ["", "a/b", "a//b", "a/b/c/d", "a/b/", "%FF/a/b"] {
            let error = Selector::parse(text).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument, "{text}");
        }
        assert!(Selector::parse(&"x".repeat(MAX_SELECTOR + 1)).is_err());
    }

    #[test]
    fn query_values_tell_names_from_routes() {
        let route = |text: &str| Selector::Route(text.into());
        for (text, names, want) in [
            ("acme/prod/shop", true, name("acme", "prod", "shop")),
            ("shop.example.org/a/b", false, route("shop.example.org/a/b")),
            (
                "https://shop.example.org/a",
                true,
                route("https://shop.example.org/a"),
            ),
            (
                "shop.example.org/cart",
                true,
                route("shop.example.org/cart"),
            ),
            (
                "47d288f6-f9c1-5e3a-9546-5384018954e2",
                false,
                Selector::Guid("47d288f6-f9c1-5e3a-9546-5384018954e2".into()),
            ),
        ] {
            assert_eq!(
                Selector::parse_decoded(text, names).unwrap(),
                want,
                "{text}"
            );
        }
        assert!(Selector::parse_decoded("  ", true).is_err());
    }

    #[test]
    fn display_reads_back() {
        for selector in [
            name("a/b", "c d", "é%"),
            Selector::Guid("47d288f6-f9c1-5e3a-9546-5384018954e2".into()),
            Selector::Route("h.example".into()),
        ] {
            assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
        }
    }
}
