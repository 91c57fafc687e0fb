//! The label names of a page: each is checked once, and the merge asks which ones occur.
//!
//! Lines of a family mostly repeat the label names of the line before, so the scan compares with those first
//! ([`Known`]) and comes here only for a name that is new at its place.

use std::sync::LazyLock;

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::bytes::word;

/// One seed for the whole process: tables of different pages can share a hash that was computed once.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The process-wide hash of a name or value.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    HASHER.hash_one(bytes)
}

/// The bit that stands for a label name with this hash.
pub(super) fn bit(hash: u64) -> u64 {
    1 << (hash % 64)
}

/// Different label names in one page. More is no page that anybody could use, and would cost memory.
pub(super) const MAX_LABEL_NAMES: usize = 65_536;

/// Label names that readers keep for themselves: `__name__` and all others that begin with two underscores.
pub(super) fn is_reserved_label(name: &[u8]) -> bool {
    name.starts_with(b"__")
}

/// What a label name means in the families that give it a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// `le`: the bound of a histogram's bucket.
    Bound,
    /// `quantile` of a summary.
    Quantile,
}

/// A label name that occurs in the page, where it occurs first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The first bytes of the name and of `="` after it, as far as they fit; the others are zero.
    word: u64,
    mask: u64,
    start: u32,
    len: u32,
    /// Place in the page's list of names.
    pub(super) id: u32,
    /// The bit that stands for this name in [`FamilyEntry::labels`](super::FamilyEntry::labels).
    pub(super) bit: u64,
    pub(super) role: Role,
}

impl Known {
    fn new(bytes: &[u8], start: usize, end: usize, id: u32, hash: u64) -> Self {
        let len = end - start;
        let mask = if len + 2 >= 8 {
            u64::MAX
        } else {
            (1 << (8 * (len + 2))) - 1
        };
        let mut head = [0; 8];
        let name = bytes.get(start..end).unwrap_or_default();
        for (to, from) in head.iter_mut().zip(name.iter().chain(b"=\"")) {
            *to = *from;
        }
        let role = match name {
            b"le" => Role::Bound,
            b"quantile" => Role::Quantile,
            _ => Role::Plain,
        };
        Self {
            word: u64::from_le_bytes(head),
            mask,
            start: start as u32,
            len: len as u32,
            id,
            bit: bit(hash),
            role,
        }
    }

    /// The name as it stands in quotes at `start..end`, quotes included. A name that does not need them is never
    /// found alike in the next line, so that each such line is noticed.
    pub(super) fn in_quotes(self, bytes: &[u8], start: usize, end: usize, needed: bool) -> Self {
        let written = Self::new(bytes, start, end, self.id, 0);
        let (word, mask) = if needed {
            (written.word, written.mask)
        } else {
            (1, 0)
        };
        Self {
            word,
            mask,
            start: written.start,
            len: written.len,
            ..self
        }
    }

    /// What the check of a sample needs of it.
    #[inline]
    pub(super) fn parts(&self) -> (u32, u64, Role) {
        (self.id, self.bit, self.role)
    }

    /// When `name="` of this name stands at `at`: the offset after the quote.
    #[inline]
    pub(super) fn matches(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if word(bytes, at)? & self.mask != self.word {
            return None;
        }
        let value = at + self.len as usize + 2;
        if self.len <= 6 {
            return Some(value);
        }
        let rest = bytes.get(at + 8..value)?;
        let same = match rest.strip_suffix(b"=\"") {
            Some(tail) => {
                tail == bytes.get(self.start as usize + 8..(self.start + self.len) as usize)?
            }
            // A name of seven bytes: its `=` was in the word.
            None => self.len == 7 && rest == b"\"",
        };
        same.then_some(value)
    }
}

/// All label names of a page. Offsets point into its body.
#[derive(Debug, Default)]
pub(crate) struct LabelNames {
    names: Vec<(u32, u32)>,
    table: HashTable<u32>,
}

impl LabelNames {
    /// The entry of the name at `start..end`, made when it is new. None when there are too many names.
    pub(super) fn intern(&mut self, bytes: &[u8], start: usize, end: usize) -> Option<Known> {
        let name = bytes.get(start..end)?;
        let hash = hash(name);
        let found = self
            .table
            .find(hash, |id| self.name(bytes, *id) == name)
            .copied();
        let id = match found {
            Some(id) => id,
            None if self.names.len() >= MAX_LABEL_NAMES => return None,
            None => {
                let id = self.names.len() as u32;
                self.names.push((start as u32, end as u32));
                let names = &self.names;
                self.table
                    .insert_unique(hash, id, |id| rehash(names, bytes, *id));
                id
            }
        };
        Some(Known::new(bytes, start, end, id, hash))
    }

    /// The bit of this name in [`FamilyEntry::labels`](super::FamilyEntry::labels), when the page has such a label.
    pub(crate) fn find(&self, bytes: &[u8], name: &[u8], hash: u64) -> Option<u64> {
        self.table
            .find(hash, |id| self.name(bytes, *id) == name)
            .map(|_| bit(hash))
    }

    /// All names as they stand, by first appearance.
    pub(super) fn iter<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        (0..self.names.len() as u32).map(|id| self.name(bytes, id))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The bits of those names that `other`, the names of another body, does not have.
    pub(super) fn missing(&self, bytes: &[u8], other: &Self, other_bytes: &[u8]) -> u64 {
        // Asked once for each new name: with many of them that would be too often.
        if self.len() > 64 {
            return u64::MAX;
        }
        self.iter(bytes)
            .map(|name| (name, hash(name)))
            .filter(|(name, hash)| other.find(other_bytes, name, *hash).is_none())
            .fold(0, |bits, (_, hash)| bits | bit(hash))
    }

    /// The name with this place in the list.
    pub(super) fn name<'a>(&self, bytes: &'a [u8], id: u32) -> &'a [u8] {
        span(&self.names, bytes, id)
    }
}

fn span<'a>(names: &[(u32, u32)], bytes: &'a [u8], id: u32) -> &'a [u8] {
    names
        .get(id as usize)
        .and_then(|(start, end)| bytes.get(*start as usize..*end as usize))
        .unwrap_or_default()
}

fn rehash(names: &[(u32, u32)], bytes: &[u8], id: u32) -> u64 {
    hash(span(names, bytes, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_matches_itself_with_equal_sign_and_quote_only() {
        for length in 1..30 {
            let name: String = ('a'..='z').cycle().take(length).collect();
            let body = format!(
                "{name}=\"v\" {name}=\"w\" {name}x=\"v\" {name}='v' x{name}=\"v\" {name}= \"v\"        "
            );
            let bytes = body.as_bytes();
            let known = LabelNames::default().intern(bytes, 0, length).unwrap();
            let second = length + 5;
            assert_eq!(known.matches(bytes, 0), Some(length + 2), "{name}");
            assert_eq!(
                known.matches(bytes, second),
                Some(second + length + 2),
                "{name}"
            );
            let mut at = 2 * second;
            while at + 8 < bytes.len() {
                let expect = bytes[at..].starts_with(format!("{name}=\"").as_bytes());
                assert_eq!(known.matches(bytes, at).is_some(), expect, "{name} at {at}");
                at += 1;
            }
        }
    }

    #[test]
    fn equal_names_share_an_entry() {
        let bytes = b"path code path";
        let mut names = LabelNames::default();
        let ids: Vec<u32> = [(0, 4), (5, 9), (10, 14)]
            .iter()
            .map(|(start, end)| names.intern(bytes, *start, *end).unwrap().id)
            .collect();
        assert_eq!(ids, [0, 1, 0]);
        assert!(names.find(bytes, b"code", hash(b"code")).is_some());
        assert!(names.find(bytes, b"method", hash(b"method")).is_none());
        assert_eq!(
            (names.name(bytes, 0), names.name(bytes, 1)),
            (&b"path"[..], &b"code"[..])
        );
    }
}
