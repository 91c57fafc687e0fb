//! The table of keys: what each is called, what it may be, what it means. File, environment, options and
//! documentation all come from it.

use super::kind::Kind;
use super::path::{Path, Segment};

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted name. `[]` is a position in a list, `<name>` a key that the user chooses.
    pub name: &'static str,
    pub kind: Kind,
    pub default: Fallback,
    /// What a number counts; empty when there is nothing to count.
    pub unit: &'static str,
    /// One or two sentences.
    pub meaning: &'static str,
    /// A value as it would stand in the file.
    pub example: &'static str,
}

/// What holds when a key is absent or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This value, in the form of the file.
    Value(&'static str),
    /// Nothing: the text is empty, the list has no element.
    Empty,
    /// The key has to be there whenever its section is.
    Required,
    /// A value that depends on other keys; the text says how.
    Computed(&'static str),
}

/// What may stand at a path.
#[derive(Clone, Copy, Debug)]
pub enum Shape<'t> {
    /// A single value.
    Leaf(&'t Key),
    /// A list of single values.
    Values(&'t Key),
    /// A list of sections.
    Sections,
    /// A section, or a map with keys of the user's choice.
    Section,
    /// Nothing that the table knows.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(&'static str),
    Index,
    Any,
}

/// Keys of one or several parts of the program, with look-up by path.
#[derive(Clone, Debug)]
pub struct Table(Vec<(Vec<Part>, Key)>);

impl Table {
    /// A table of these keys, in this order.
    pub fn new(lists: &[&[Key]]) -> Self {
        Self(
            lists
                .iter()
                .flat_map(|keys| keys.iter())
                .map(|key| (parts(key.name), *key))
                .collect(),
        )
    }

    /// The same table with further keys at its end.
    #[must_use]
    pub fn with(mut self, keys: &[Key]) -> Self {
        self.0
            .extend(keys.iter().map(|key| (parts(key.name), *key)));
        self
    }

    /// The keys alone whose names begin with this.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.0.retain(|(_, key)| key.name.starts_with(prefix));
        self
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter().map(|(_, key)| key)
    }

    /// What may stand at this path.
    pub fn shape(&self, path: &Path) -> Shape<'_> {
        if path.segments().is_empty() {
            return Shape::Section;
        }
        let mut inner = Shape::Unknown;
        for (parts, key) in &self.0 {
            if !begins(parts, path) {
                continue;
            }
            match parts.get(path.segments().len()..).unwrap_or_default() {
                [] => return Shape::Leaf(key),
                [Part::Index] => return Shape::Values(key),
                [Part::Index, ..] => inner = Shape::Sections,
                _ => inner = Shape::Section,
            }
        }
        inner
    }

    /// The key of this path, when a single value or a list of them may stand there.
    pub fn key(&self, path: &Path) -> Option<&Key> {
        match self.shape(path) {
            Shape::Leaf(key) | Shape::Values(key) => Some(key),
            _ => None,
        }
    }

    /// The place that was probably meant by a path that is not in the table.
    ///
    /// In this order: the same letters with other separators (`nats_user`), the same word in another section,
    /// the closest word in the same section if at most a third of it differs.
    pub fn nearest(&self, path: &Path) -> Option<Path> {
        let (last, outer) = path.segments().split_last()?;
        let Segment::Key(word) = last else {
            return None;
        };
        // Beyond any key's length there is nothing to compare, and the comparison costs the product of the lengths.
        if word.len() > 64 {
            return None;
        }
        let parent = path.parent()?;
        let places = self.places();
        let flat = letters(path);
        if let Some(place) = places.iter().find(|place| letters(place) == flat) {
            return Some(place.clone());
        }
        let siblings: Vec<&str> = self
            .0
            .iter()
            .filter(|(parts, _)| parts.len() > outer.len() && begins(parts, &parent))
            .filter_map(|(parts, _)| {
                if let Some(Part::Key(sibling)) = parts.get(outer.len()) {
                    Some(*sibling)
                } else {
                    None
                }
            })
            .collect();
        let lower = word.to_lowercase();
        let closest = siblings
            .into_iter()
            .map(|sibling| {
                (
                    difference(&lower, sibling),
                    distance(&lower, sibling),
                    sibling,
                )
            })
            .filter(|(difference, _, sibling)| {
                *difference <= sibling.len().max(lower.len()).div_ceil(3)
            })
            .min();
        if let Some((0..=2, _, sibling)) = closest {
            return Some(parent.key(sibling));
        }
        let elsewhere: Vec<&Path> = places
            .iter()
            .filter(|place| {
                place
                    .segments()
                    .last()
                    .is_some_and(|end| *end == Segment::Key(lower.as_str().into()))
            })
            .collect();
        match (elsewhere.as_slice(), closest) {
            ([place], _) => Some((*place).clone()),
            (_, Some((_, _, sibling))) => Some(parent.key(sibling)),
            _ => None,
        }
    }

    /// All places of the table, sections included. Positions are 0.
    fn places(&self) -> Vec<Path> {
        let mut places = Vec::new();
        for (parts, _) in &self.0 {
            let mut place = Path::root();
            for part in parts {
                place = match part {
                    Part::Key(key) => place.key(*key),
                    Part::Index => place.index(0),
                    // The user's own keys are no suggestion.
                    Part::Any => break,
                };
                if !places.contains(&place) {
                    places.push(place.clone());
                }
            }
        }
        places
    }
}

/// The path's words with nothing between them but underscores, and without positions.
fn letters(path: &Path) -> String {
    let words: Vec<String> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.to_lowercase().replace('-', "_")),
            Segment::Index(_) => None,
        })
        .collect();
    words.join("_")
}

fn parts(name: &'static str) -> Vec<Part> {
    let mut parts = Vec::new();
    for word in name.split('.') {
        let key = word.strip_suffix("[]").unwrap_or(word);
        parts.push(if key.starts_with('<') {
            Part::Any
        } else {
            Part::Key(key)
        });
        if key.len() < word.len() {
            parts.push(Part::Index);
        }
    }
    parts
}

/// Whether the path is the beginning of what the parts describe, or all of it.
fn begins(parts: &[Part], path: &Path) -> bool {
    path.segments().len() <= parts.len()
        && path
            .segments()
            .iter()
            .zip(parts)
            .all(|(segment, part)| match (segment, part) {
                (Segment::Key(key), Part::Key(known)) => &**key == *known,
                (Segment::Key(_), Part::Any) | (Segment::Index(_), Part::Index) => true,
                _ => false,
            })
}

/// How far two words are from each other. One that begins with the other is near, whatever follows,
/// and so is the end of a longer one: `host` means `hostname` and not `port`, `timeout` means `fetch_timeout`.
fn difference(from: &str, to: &str) -> usize {
    let shorter = from.len().min(to.len());
    let is_part = from.starts_with(to) || to.starts_with(from) || to.ends_with(from);
    if shorter >= 3 && from != to && is_part {
        return 1;
    }
    distance(from, to)
}

/// How many letters have to be changed, added or taken away to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (taken, letter) in from.chars().enumerate() {
        let mut left = taken + 1;
        let mut corner = taken;
        for (cell, other) in row.iter_mut().skip(1).zip(&to) {
            let above = *cell;
            left = (corner + usize::from(letter != *other))
                .min(above + 1)
                .min(left + 1);
            corner = above;
            *cell = left;
        }
    }
    // Without a letter to compare with, all letters of `from` go.
    if to.is_empty() {
        from.chars().count()
    } else {
        row.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn table() -> Table {
        keys::table()
    }

    #[test]
    fn paths_have_the_shape_that_the_names_say() {
        let table = table();
        for (path, shape) in [
            ("nats", "Section"),
            ("nats.hosts", "Sections"),
            ("nats.hosts[7]", "Section"),
            ("nats.hosts[7].port", "Leaf nats.hosts[].port"),
            ("targets_allow", "Values targets_allow[]"),
            ("targets_allow[3]", "Leaf targets_allow[]"),
            ("extra_labels", "Section"),
            ("extra_labels.anything", "Leaf extra_labels.<name>"),
            (
                "external_exporters[0].params.match[]",
                "Values external_exporters[].params.<name>[]",
            ),
            (
                "external_exporters[0].params.match[].0",
                "Leaf external_exporters[].params.<name>[]",
            ),
            ("nats.hosts.port", "Unknown"),
            ("nats[0]", "Unknown"),
            ("nats.user.name", "Unknown"),
            ("nothing", "Unknown"),
        ] {
            let found = match table.shape(&Path::parse(path)) {
                Shape::Leaf(key) => format!("Leaf {}", key.name),
                Shape::Values(key) => format!("Values {}", key.name),
                other => format!("{other:?}"),
            };
            assert_eq!(found, shape, "{path}");
        }
        assert!(matches!(table.shape(&Path::root()), Shape::Section));
    }

    #[test]
    fn a_mistyped_key_finds_the_nearest() {
        let table = table();
        for (path, nearest, why) in [
            ("gorouter", Some("gorouters"), "one letter missing"),
            ("Gorouters", Some("gorouters"), "upper case"),
            (
                "nats.hosts[3].host",
                Some("nats.hosts[3].hostname"),
                "in the same element",
            ),
            ("nats.password", Some("nats.pass"), "half of it"),
            (
                "nats_user",
                Some("nats.user"),
                "one underscore instead of a level",
            ),
            ("nats-user", Some("nats.user"), "a hyphen"),
            (
                "max_conns",
                Some("backends.max_conns"),
                "the word of another section",
            ),
            (
                "start_response_delay",
                Some("start_response_delay_interval"),
                "a part of the word",
            ),
            ("wholly_different_thing", None, "nothing is near"),
            ("extra_label", Some("extra_labels"), "a section"),
            ("x", None, "too short to be near to anything"),
            ("timeout", Some("fetch_timeout"), "the end of the word"),
            ("pool_max_idel", Some("pool_max_idle"), "letters swapped"),
            (
                "access",
                None,
                "not `backends`, although half of the letters fit",
            ),
            ("operators", None, "not `gorouters`"),
            ("all_cables", None, "not `ca_certs`"),
        ] {
            assert_eq!(
                table
                    .nearest(&Path::parse(path))
                    .map(|path| path.to_string())
                    .as_deref(),
                nearest,
                "{path}: {why}"
            );
        }
        assert_eq!(table.nearest(&Path::root()), None);
        assert_eq!(table.nearest(&Path::root().key("k".repeat(100_000))), None);
    }

    #[test]
    fn the_distance_is_levenshteins() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("gleich", "gleich", 0),
            ("ü", "u", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_panics(text in ".{0,80}") {
            let table = table();
            let path = Path::parse(&text);
            let _ = (table.shape(&path), table.nearest(&path));
        }
    }
}
