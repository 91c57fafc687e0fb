//! The body of `/routes`, read as it arrives.
//!
//! The body is one JSON object from route to endpoints, 72 MB for 100,000 of them. It is cut into its members
//! while it comes in and each member is read at once, so neither the text nor a tree of it is ever held whole.

use std::fmt;

use crate::discovery::message::Endpoint;
use crate::discovery::record::Record;
use crate::discovery::route;

/// Longest text of one route with its endpoints, in bytes: 80,000 endpoints.
const MAX_MEMBER: usize = 64 << 20;

/// What a router has answered: each endpoint under its route key.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) routes: Vec<(Box<str>, Vec<Record>)>,
    pub(super) endpoints: usize,
}

/// Why a body was not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BodyError(String);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the opening brace.
    Start,
    /// Inside the object: between members or in one.
    Members,
    /// After the closing brace.
    End,
}

/// Reads a body piece by piece.
#[derive(Debug)]
pub(super) struct Reader {
    place: Place,
    /// The member under way, without the commas around it.
    member: Vec<u8>,
    /// Open brackets inside the member.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Members read so far.
    members: usize,
    listing: Listing,
    max_endpoints: usize,
}

impl Reader {
    pub(super) fn new(max_endpoints: usize) -> Self {
        Self {
            place: Place::Start,
            member: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            members: 0,
            listing: Listing::default(),
            max_endpoints,
        }
    }

    /// Takes the next piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            match self.place {
                Place::Start => match byte {
                    b'{' => self.place = Place::Members,
                    byte if byte.is_ascii_whitespace() => {}
                    _ => return Err(BodyError("the body is not a JSON object".into())),
                },
                Place::Members => {
                    rest = self.read_members(rest)?;
                    continue;
                }
                Place::End if byte.is_ascii_whitespace() => {}
                Place::End => return Err(BodyError("there is more after the JSON object".into())),
            }
            rest = after;
        }
        Ok(())
    }

    /// What the body has listed.
    ///
    /// # Errors
    /// When it has not come to its end.
    pub(super) fn finish(self) -> Result<Listing, BodyError> {
        if self.place == Place::End {
            Ok(self.listing)
        } else {
            Err(BodyError("the body was cut short".into()))
        }
    }

    /// Reads inside the object: takes bytes up to the end of the member or of the piece, and gives back what is left.
    fn read_members<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], BodyError> {
        let end = piece.iter().position(|byte| self.ends_member(*byte));
        let (text, rest) = piece.split_at(end.unwrap_or(piece.len()));
        if self.member.len() + text.len() > MAX_MEMBER {
            return Err(BodyError(format!(
                "one route takes more than {MAX_MEMBER} bytes"
            )));
        }
        self.member.extend_from_slice(text);
        let Some((separator, rest)) = rest.split_first() else {
            return Ok(rest);
        };
        let last = *separator == b'}';
        let blank = self.member.iter().all(u8::is_ascii_whitespace);
        // `{}` has no member; after a comma there must be one.
        if !(blank && last && self.members == 0) {
            self.members += 1;
            self.read_member()?;
        }
        self.member.clear();
        if last {
            self.place = Place::End;
        }
        Ok(rest)
    }

    /// Follows strings and brackets; true for the comma or brace behind a member.
    fn ends_member(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => self.depth -= 1,
            b'}' | b',' => return self.depth == 0,
            _ => {}
        }
        false
    }

    fn read_member(&mut self) -> Result<(), BodyError> {
        let broken =
            |error: serde_json::Error| BodyError(format!("route {}: {error}", self.members));
        let mut names = serde_json::Deserializer::from_slice(&self.member).into_iter::<String>();
        let name = names
            .next()
            .transpose()
            .map_err(broken)?
            .unwrap_or_default();
        let after = self
            .member
            .get(names.byte_offset()..)
            .unwrap_or_default()
            .trim_ascii_start();
        let value = after
            .strip_prefix(b":")
            .ok_or_else(|| BodyError(format!("route `{name}` has no value")))?;
        let endpoints = Endpoint::parse_all(value).map_err(broken)?;
        let records: Vec<_> = endpoints
            .iter()
            .filter_map(Endpoint::registration)
            .map(|registration| Record::of(&registration))
            .collect();
        self.listing.endpoints += records.len();
        if self.listing.endpoints > self.max_endpoints {
            return Err(BodyError(format!(
                "more than {} endpoints",
                self.max_endpoints
            )));
        }
        if let Some(key) = route::key(&name).filter(|_| !records.is_empty()) {
            self.listing.routes.push((key.into(), records));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<(String, usize)>, String> {
        let mut reader = Reader::new(100);
        for piece in pieces {
            reader.push(piece).map_err(|error| error.to_string())?;
        }
        let listing = reader.finish().map_err(|error| error.to_string())?;
        Ok(listing
            .routes
            .into_iter()
            .map(|(key, records)| (key.into(), records.len()))
            .collect())
    }

    #[test]
    fn members_are_cut_at_commas_outside_of_strings_and_brackets() {
        for (body, want, reason) in [
            ("{}", vec![], "no routes"),
            (" \n{ }\n", vec![], "blanks anywhere"),
            (r#"{"a":[{"address":"h:1"}]}"#, vec![("a", 1)], "one"),
            (
                r#"{"a":[{"address":"h:1"},{"address":"h:2"}],"B/c":[{"address":"h:1"}]}"#,
                vec![("a", 2), ("b/c", 1)],
                "two, keys normalised",
            ),
            (
                r#"{ "a" : [ { "address" : "h:1" , "x" : "},]{[\"\\" } ] }"#,
                vec![("a", 1)],
                "brackets and quotes in strings",
            ),
            (
                r#"{"a":[],"b":null,"c":[{"address":"h:1"}]}"#,
                vec![("c", 1)],
                "empty arrays are no route",
            ),
            (
                r#"{"a":[{"address":"h:0"},{"address":"h"},{"tags":null},{"address":7}]}"#,
                vec![],
                "unusable addresses are skipped",
            ),
            (
                r#"{"a":[null,17,"x",[],true,{"address":"h:1"}]}"#,
                vec![("a", 1)],
                "elements that are no objects are skipped",
            ),
            (
                r#"{"a\"\u002fb":[{"address":"h:1"}]}"#,
                vec![("a\"/b", 1)],
                "escapes in a key",
            ),
        ] {
            let want: Vec<_> = want
                .into_iter()
                .map(|(key, count)| (key.to_owned(), count))
                .collect();
            assert_eq!(
                read(&[body.as_bytes()]).as_ref(),
                Ok(&want),
                "{body}: {reason}"
            );
            let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), Ok(want), "{body}: byte by byte");
        }
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        for (body, want) in [
            ("", "the body was cut short"),
            ("{", "the body was cut short"),
            (r#"{"a":[{"address":"h:1"}]"#, "the body was cut short"),
            (r#"{"a":[{"address":"h:"#, "the body was cut short"),
            ("401 Unauthorized\n", "the body is not a JSON object"),
            ("[]", "the body is not a JSON object"),
            ("{} {}", "there is more after the JSON object"),
            (r#"{"a":[],}"#, "route `` has no value"),
            (r#"{"a"}"#, "route `a` has no value"),
            (r#"{a:[]}"#, "route 1: "),
            (r#"{"a":[{"address":"h:1"}],"b":[{]}}"#, "route 2: "),
            (r#"{"a":{}}"#, "route 1: "),
        ] {
            let error = read(&[body.as_bytes()]).unwrap_err();
            assert!(error.starts_with(want), "{body}: {error}");
        }
    }

    #[test]
    fn the_number_of_endpoints_is_bounded() {
        let endpoints = vec![r#"{"address":"h:1"}"#; 101].join(",");
        assert_eq!(
            read(&[format!("{{\"a\":[{endpoints}]}}").as_bytes()]).unwrap_err(),
            "more than 100 endpoints"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_read_alike(body in r#"[{}\[\]",:a\\ 0-9]{0,60}"#, at in 0usize..60) {
            let body = format!("{{{body}");
            let at = at.min(body.len());
            prop_assert_eq!(read(&[body.as_bytes()]), read(&[&body.as_bytes()[..at], &body.as_bytes()[at..]]));
        }
    }
}
