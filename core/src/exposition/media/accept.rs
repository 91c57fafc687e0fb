//! What a caller takes, best first.

use std::cmp::Reverse;
use std::fmt::Write;

use http::HeaderValue;

use super::media_type::MediaType;
use crate::exposition::{Dialect, Escaping, Format};

/// Dialects that one caller can have. Prometheus names five, and each makes the header for instances longer.
const MOST: usize = 8;

/// What instances are asked for on behalf of a caller that takes plain text alone: no instance answers then in a
/// format that has to be converted.
const TEXT_ALONE: &str = "text/plain;version=0.0.4,text/plain;q=0.9,*/*;q=0.1";

/// The dialects that a caller takes, best first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    first: Dialect,
    rest: Vec<Dialect>,
}

/// The dialects of the `offered` formats that an `Accept` header admits, by weight and then as the header names them.
///
/// A reader that takes any name in one format takes it in protobuf, too, unless it says otherwise there.
///
/// A wildcard admits the first of the offered formats that it covers and that is not refused with `q=0`, in the form
/// that every reader takes; it never admits protobuf, which people at a browser or curl cannot read. Unknown types
/// and versions and malformed elements are passed over. An absent header, or one that admits nothing that is offered,
/// gets plain text.
pub fn accepted(accept: Option<&str>, offered: &[Format]) -> Accepted {
    let ranges: Vec<(u16, MediaType<'_>)> = accept
        .unwrap_or_default()
        .split(',')
        .filter_map(weighed)
        .collect();
    // By name, or by all of its kind; `*/*;q=0` goes without saying.
    let refused = |format| {
        let names = |range: &MediaType<'_>| {
            range.dialect().is_some_and(|refused| {
                (refused.format, refused.version) == (format, Dialect::plain(format).version)
            })
        };
        ranges
            .iter()
            .filter(|(weight, range)| *weight == 0 && range.essence != "*/*")
            .any(|(_, range)| names(range) || range.covers(format))
    };
    let for_wildcards: Vec<Format> = offered
        .iter()
        .copied()
        .filter(|format| *format != Format::Protobuf && !refused(*format))
        .collect();
    let admitted = |range: &MediaType<'_>| {
        let covered = for_wildcards.iter().find(|format| range.covers(**format));
        range
            .dialect()
            .or_else(|| covered.map(|format| Dialect::plain(*format)))
            .filter(|dialect| offered.contains(&dialect.format))
    };
    let mut found: Vec<(u16, Dialect)> = ranges
        .iter()
        .filter(|(weight, _)| *weight > 0)
        .filter_map(|(weight, range)| Some((*weight, admitted(range)?)))
        .collect();
    // Stable: of equal weights the first named stays first.
    found.sort_by_key(|(weight, _)| Reverse(*weight));
    let mut dialects: Vec<Dialect> = Vec::new();
    let takes_utf8 = found
        .iter()
        .any(|(_, dialect)| dialect.escaping == Some(Escaping::AllowUtf8));
    for (_, mut dialect) in found {
        // Prometheus 3 names no escaping for protobuf. Names must not hang on which format the page has.
        if takes_utf8 && dialect.format == Format::Protobuf && dialect.escaping.is_none() {
            dialect.escaping = Some(Escaping::AllowUtf8);
        }
        if dialects.len() < MOST && !dialects.contains(&dialect) {
            dialects.push(dialect);
        }
    }
    let mut dialects = dialects.into_iter();
    match dialects.next() {
        Some(first) => Accepted {
            first,
            rest: dialects.collect(),
        },
        None => Accepted::from(Dialect::plain(Format::Text)),
    }
}

/// An element of the header with its weight in thousandths. None when it is malformed.
fn weighed(element: &str) -> Option<(u16, MediaType<'_>)> {
    let range = MediaType::parse(element);
    let weight = match range.parameter("q") {
        None => 1.0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|weight| (0.0..=1.0).contains(weight))?,
    };
    range
        .essence
        .contains('/')
        .then_some(((weight * 1000.0_f32).round() as u16, range))
}

/// A caller that takes this and nothing else.
impl From<Dialect> for Accepted {
    fn from(dialect: Dialect) -> Self {
        Self {
            first: dialect,
            rest: Vec::new(),
        }
    }
}

impl Accepted {
    /// The dialect that the caller likes best.
    pub fn first(&self) -> Dialect {
        self.first
    }

    /// All of them, best first.
    pub fn dialects(&self) -> impl Iterator<Item = Dialect> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// The dialect of a page for which bodies of these formats came: the best of which there is one, so that as much
    /// as possible stays as it is; else the best, to which all will be converted.
    pub fn choose(&self, came: impl IntoIterator<Item = Format>) -> Dialect {
        let came: Vec<Format> = came.into_iter().collect();
        self.dialects()
            .find(|dialect| came.contains(&dialect.format))
            .unwrap_or(self.first)
    }

    /// What [`Self::choose`] says whatever comes, if that is known: where all dialects are of one format.
    pub fn certain(&self) -> Option<Dialect> {
        let is_of_first = |dialect: &Dialect| dialect.format == self.first.format;
        self.rest.iter().all(is_of_first).then_some(self.first)
    }

    /// The `Accept` header for instances: all that the caller takes, in its order, and at the end whatever there is,
    /// as Prometheus writes it.
    pub fn header(&self) -> HeaderValue {
        if *self == Self::from(Dialect::plain(Format::Text)) {
            return HeaderValue::from_static(TEXT_ALONE);
        }
        let mut asked: Vec<Dialect> = self.dialects().collect();
        if asked
            .iter()
            .all(|dialect| dialect.format == Format::Protobuf)
        {
            // Many libraries have no protobuf. Of what they have, OpenMetrics loses less on the way there than text.
            asked.push(Dialect {
                escaping: self.first.escaping,
                ..Dialect::plain(Format::OpenMetrics)
            });
        }
        let mut header = String::new();
        // The last has 0.2; there are at most `MOST`, so the first has no more than 0.9.
        for (dialect, tenths) in asked.iter().zip((2..asked.len() + 2).rev()) {
            // Writing to a string does not fail.
            let _ = write!(header, "{};q=0.{tenths},", dialect.range());
        }
        header.push_str("*/*;q=0.1");
        HeaderValue::try_from(header).unwrap_or_else(|_| HeaderValue::from_static(TEXT_ALONE))
    }
}

#[cfg(test)]
mod tests;
