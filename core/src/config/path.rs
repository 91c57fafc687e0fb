//! Where a value stands: `nats.hosts[0].port`, and the same in the environment: `PROMFETCH_NATS__HOSTS__0__PORT`.

use std::fmt;

/// What every environment variable of promfetch begins with.
pub const ENVIRONMENT_PREFIX: &str = "PROMFETCH_";

/// How many characters of a key that nobody knows are shown.
const SHOWN: usize = 64;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a section or map.
    Key(Box<str>),
    /// A position in a list, from 0.
    Index(usize),
}

/// The place of a value. Paths sort by section, lists in order of their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The whole configuration.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path one key deeper.
    #[must_use]
    pub fn key(&self, key: impl Into<Box<str>>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// The path of the element at this position.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// The path one step deeper.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The steps from the outside in.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is `other` or something inside it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The path without its last step; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, outer) = self.0.split_last()?;
        Some(Self(outer.to_vec()))
    }

    /// Reads the dotted form. Positions are `[0]` or `.0`: both forms are in use, and no key of promfetch is a number.
    ///
    /// A part that is empty is kept as an empty key, which no table knows. A bracket that holds no number
    /// belongs to the key: `params.match[]`.
    pub fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        for part in text.split('.') {
            let (key, indexes) = split_indexes(part);
            match key.parse() {
                Ok(index) if is_number(key) => segments.push(Segment::Index(index)),
                _ if key.is_empty() && !indexes.is_empty() => {}
                _ => segments.push(Segment::Key(key.into())),
            }
            segments.extend(indexes.into_iter().map(Segment::Index));
        }
        Self(segments)
    }

    /// Reads the name of an environment variable: upper case, two underscores between the levels.
    /// `None` when it does not begin with [`ENVIRONMENT_PREFIX`].
    pub fn from_environment(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(ENVIRONMENT_PREFIX)?;
        let segment = |part: &str| match part.parse() {
            Ok(index) if is_number(part) => Segment::Index(index),
            _ => Segment::Key(part.to_ascii_lowercase().into()),
        };
        Some(Self(rest.split("__").map(segment).collect()))
    }

    /// The environment variable of this place.
    pub fn environment_name(&self) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.to_ascii_uppercase(),
                Segment::Index(index) => index.to_string(),
            })
            .collect();
        format!("{ENVIRONMENT_PREFIX}{}", parts.join("__"))
    }
}

/// `name[1][2]` → `name` and the positions.
fn split_indexes(part: &str) -> (&str, Vec<usize>) {
    let mut key = part;
    let mut indexes = Vec::new();
    while let Some((before, number)) = key.strip_suffix(']').and_then(|open| open.rsplit_once('['))
    {
        let Ok(index) = number.parse() else { break };
        if !is_number(number) {
            break;
        }
        indexes.push(index);
        key = before;
    }
    indexes.reverse();
    (key, indexes)
}

/// Digits only: `parse` alone would take `+1` too.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Path {
    /// The dotted form. Of a key with characters that no key of promfetch has, only what stands before them is
    /// shown: `{pass:secret}` without the space after the colon is a key called `pass:secret`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    let shown = key
                        .char_indices()
                        .take(SHOWN)
                        .take_while(|(_, character)| {
                            character.is_ascii_alphanumeric() || "_-.[]/".contains(*character)
                        })
                        .last()
                        .map_or(0, |(at, _)| at + 1);
                    f.write_str(key.get(..shown).unwrap_or_default())?;
                    if shown < key.len() {
                        f.write_str("…")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Segment {
        Segment::Key(text.into())
    }

    #[test]
    fn the_dotted_form_is_read_and_written() {
        use Segment::Index;
        for (text, segments, shown, why) in [
            ("port", vec![key("port")], "port", "one level"),
            (
                "nats.user",
                vec![key("nats"), key("user")],
                "nats.user",
                "two levels",
            ),
            (
                "nats.hosts[0].port",
                vec![key("nats"), key("hosts"), Index(0), key("port")],
                "nats.hosts[0].port",
                "brackets",
            ),
            (
                "nats.hosts.12.port",
                vec![key("nats"), key("hosts"), Index(12), key("port")],
                "nats.hosts[12].port",
                "a number between dots",
            ),
            (
                "a[1][2]",
                vec![key("a"), Index(1), Index(2)],
                "a[1][2]",
                "two positions",
            ),
            (
                "params.match[].0",
                vec![key("params"), key("match[]"), Index(0)],
                "params.match[][0]",
                "brackets of Prometheus' `match[]` belong to the key",
            ),
            ("a[+1]", vec![key("a[+1]")], "a[…", "a sign is no number"),
            ("", vec![key("")], "", "no key is called so"),
            (
                "a..b",
                vec![key("a"), key(""), key("b")],
                "a..b",
                "an empty part stays one",
            ),
            (
                "99999999999999999999",
                vec![key("99999999999999999999")],
                "99999999999999999999",
                "too large for a position",
            ),
        ] {
            let path = Path::parse(text);
            assert_eq!(path.segments(), segments, "{text}: {why}");
            assert_eq!(path.to_string(), shown, "{text}: {why}");
        }
    }

    #[test]
    fn environment_names_lead_to_the_same_place_and_back() {
        for (name, dotted) in [
            ("PROMFETCH_PORT", "port"),
            (
                "PROMFETCH_NATS__HOSTS__0__HOSTNAME",
                "nats.hosts[0].hostname",
            ),
            ("PROMFETCH_SQL_CNX_MAX_LIFE", "sql_cnx_max_life"),
            (
                "PROMFETCH_EXTRA_LABELS__FOUNDATION",
                "extra_labels.foundation",
            ),
        ] {
            let path = Path::from_environment(name).unwrap();
            assert_eq!(path.to_string(), dotted);
            assert_eq!(path.environment_name(), name);
        }
        assert_eq!(Path::from_environment("HOME"), None);
        assert_eq!(
            Path::from_environment("promfetch_port"),
            None,
            "the prefix is upper case"
        );
    }

    #[test]
    fn a_key_that_may_hold_a_secret_is_cut() {
        for (text, shown) in [
            ("pass:secret", "nats.pass…"),
            ("pass secret", "nats.pass…"),
            ("pässword", "nats.p…"),
            ("\u{1b}[31m", "nats.…"),
        ] {
            assert_eq!(Path::root().key("nats").key(text).to_string(), shown);
        }
        assert_eq!(
            Path::root()
                .key("k".repeat(1000))
                .to_string()
                .chars()
                .count(),
            SHOWN + 1
        );
    }

    #[test]
    fn paths_know_their_surroundings() {
        let path = Path::parse("nats.hosts[0].port");
        assert!(
            path.is_within(&Path::parse("nats.hosts"))
                && path.is_within(&path)
                && path.is_within(&Path::root())
        );
        assert!(!path.is_within(&Path::parse("nats.host")));
        assert_eq!(path.parent(), Some(Path::parse("nats.hosts[0]")));
        assert_eq!(Path::root().parent(), None);
        assert!(
            Path::parse("a[2]") < Path::parse("a[10]"),
            "positions sort as numbers"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_plain_paths_come_back(text in ".{0,80}", plain in "[a-z_]{1,9}(\\[[1-9][0-9]{0,2}\\])?(\\.[a-z_]{1,9}(\\[[1-9][0-9]{0,2}\\])?){0,4}") {
            let _ = Path::parse(&text).to_string();
            let _ = Path::from_environment(&format!("PROMFETCH_{text}")).map(|path| path.to_string());
            proptest::prop_assert_eq!(Path::parse(&plain).to_string(), plain);
        }
    }
}
