//! What makes two requests equal, so that they may share one fetch.

use std::sync::Arc;

use http::HeaderMap;

use super::Query;
use crate::fetch::{Extras, FlightKey, Target};

/// The key of a request: selector, formats, what the caller wants to be sent, every instance asked with the Host and
/// the path it is asked under, and what it gets besides.
pub(super) fn of(query: &Query, targets: &[Arc<Target>]) -> FlightKey {
    let mut key = Key(Vec::new());
    key.add(query.selector.to_string());
    key.add(query.accepted.header());
    // Not all that differs here shows in the header.
    key.add(format!("{:?}", query.accepted.certain()));
    key.add(
        query
            .authorization
            .as_ref()
            .map_or(&b""[..], |value| value.as_bytes()),
    );
    key.headers(&query.headers);
    let mut last = None;
    for target in targets {
        let registration = target
            .instance
            .as_ref()
            .map_or(0, |located| located.registration);
        key.add(target.address.to_string());
        key.add(registration.to_ne_bytes());
        key.add(target.host.as_bytes());
        key.add(target.path_and_query.as_bytes());
        let generation = target.profile.as_ref().map(|profile| profile.generation());
        key.add(generation.map_or(Vec::new(), |number| number.to_ne_bytes().into()));
        // The instances of an app mostly stand together and share their extras.
        match &target.extras {
            None => key.add("none"),
            Some(extras) if last.is_some_and(|last| Arc::ptr_eq(last, extras)) => key.add("same"),
            Some(extras) => {
                key.add("some");
                key.extras(extras);
                last = Some(extras);
            }
        }
    }
    key.0.into()
}

/// Bytes in which each part stands with its length: no two lists of parts run together.
struct Key(Vec<u8>);

impl Key {
    fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.extend_from_slice(&part.len().to_ne_bytes());
        self.0.extend_from_slice(part);
    }

    fn headers(&mut self, headers: &HeaderMap) {
        self.add(headers.len().to_ne_bytes());
        for (name, value) in headers {
            self.add(name);
            self.add(value);
        }
    }

    fn extras(&mut self, extras: &Extras) {
        self.add(
            extras
                .authorization
                .as_ref()
                .map_or(&b""[..], |value| value.as_bytes()),
        );
        self.headers(&extras.headers);
        self.add(format!("{:?}", extras.timeout));
    }
}

#[cfg(test)]
mod tests;
