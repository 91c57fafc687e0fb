//! All values of a configuration as they were written, by path, with where each comes from.
//!
//! Sources are put in one after the other, the weakest first: file, environment, options. A later value replaces
//! an earlier one of the same path; a later list or section given as a whole replaces the earlier whole.

use std::collections::BTreeMap;
use std::fmt;

use super::path::{Path, Segment};
use super::problem::{Origin, Problem};
use super::table::{Shape, Table};

/// What stands at a path.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// The text of a single value, exactly as written: `010`, `yes`.
    Scalar(Box<str>),
    /// A key without a value: the same as no key.
    Null,
    /// A list; its elements are entries of their own.
    List,
    /// A section; its keys are entries of their own.
    Section,
}

impl fmt::Debug for Node {
    /// Only the kind: the text may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar(_) => "Scalar",
            Self::Null => "Null",
            Self::List => "List",
            Self::Section => "Section",
        })
    }
}

/// A node with where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub node: Node,
    pub origin: Origin,
}

/// The values by path.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<Path, Entry>);

impl Values {
    /// No values: everything has its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a node in. Used for sources that give all their nodes one by one, from the outside in.
    pub fn insert(&mut self, path: Path, node: Node, origin: Origin) {
        self.0.insert(path, Entry { node, origin });
    }

    /// Sets the value of a key in dotted form, such as `nats.hosts[0].port`. A list or a section may be given as a
    /// whole, as JSON. An empty text takes the value away, so that the default holds.
    ///
    /// # Errors
    /// A problem when the table does not know the key, or when a whole is not given as JSON.
    /// Whether a single value is allowed comes out when the configuration is read.
    pub fn set(&mut self, table: &Table, key: &str, text: &str) -> Result<(), Problem> {
        self.put(table, &Path::parse(key), text, Origin::Option(key.into()))
    }

    /// As [`set`](Self::set), for a path and an origin.
    ///
    /// # Errors
    /// The same.
    pub fn put(
        &mut self,
        table: &Table,
        path: &Path,
        text: &str,
        origin: Origin,
    ) -> Result<(), Problem> {
        let shape = table.shape(path);
        if matches!(shape, Shape::Unknown) || path.segments().is_empty() {
            return Err(unknown(table, path, origin));
        }
        if text.is_empty() {
            self.remove(path);
            return Ok(());
        }
        match shape {
            Shape::Leaf(_) => self.replace(path, Node::Scalar(text.into()), origin),
            // One value, or several with commas between, need no JSON.
            Shape::Values(_) if !text.trim_start().starts_with('[') => {
                self.replace(path, Node::Scalar(text.into()), origin)
            }
            _ => {
                let json: serde_json::Value = serde_json::from_str(text).map_err(|error| {
                    let whole = if matches!(shape, Shape::Section) {
                        "object"
                    } else {
                        "list"
                    };
                    let place = if error.is_eof() {
                        "it ends too early".to_owned()
                    } else {
                        format!("see column {}", error.column())
                    };
                    Problem::new(
                        path,
                        format!("expected a JSON {whole}: {place}"),
                        Some(origin.clone()),
                    )
                })?;
                self.replace_with_json(path, &json, &origin);
            }
        }
        Ok(())
    }

    /// What stands at this path.
    pub fn get(&self, path: &Path) -> Option<&Entry> {
        self.0.get(path)
    }

    /// All entries, outer ones before inner ones.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.0.iter()
    }

    /// The entries one step inside this path, lists in order.
    pub fn children<'v>(
        &'v self,
        path: &'v Path,
    ) -> impl Iterator<Item = (&'v Segment, &'v Entry)> {
        let depth = path.segments().len();
        self.within(path)
            .filter_map(move |(inner, entry)| match inner.segments().get(depth..) {
                Some([segment]) => Some((segment, entry)),
                _ => None,
            })
    }

    /// Whether a value was given here or anywhere inside; empty ones do not count.
    pub fn is_given(&self, path: &Path) -> bool {
        self.within(path)
            .any(|(_, entry)| matches!(entry.node, Node::Scalar(ref text) if !text.is_empty()))
    }

    /// Takes everything at and inside the path away.
    pub fn remove(&mut self, path: &Path) {
        let gone: Vec<Path> = self.within(path).map(|(inner, _)| inner.clone()).collect();
        for path in &gone {
            self.0.remove(path);
        }
    }

    fn within<'v>(&'v self, path: &'v Path) -> impl Iterator<Item = (&'v Path, &'v Entry)> {
        self.0
            .range::<Path, _>(path..)
            .take_while(|(inner, _)| inner.is_within(path))
    }

    /// Sets one node, with the sections and lists round it.
    fn replace(&mut self, path: &Path, node: Node, origin: Origin) {
        self.remove(path);
        let mut outer = Path::root();
        for (segment, next) in path.segments().iter().zip(path.segments().iter().skip(1)) {
            outer = outer.with(segment.clone());
            let kind = if matches!(next, Segment::Index(_)) {
                Node::List
            } else {
                Node::Section
            };
            if self.get(&outer).is_none_or(|entry| entry.node != kind) {
                self.insert(outer.clone(), kind, origin.clone());
            }
        }
        self.insert(path.clone(), node, origin);
    }

    /// Sets everything at and inside the path to what the JSON says.
    pub(super) fn replace_with_json(
        &mut self,
        path: &Path,
        json: &serde_json::Value,
        origin: &Origin,
    ) {
        use serde_json::Value as Json;
        match json {
            Json::Null => self.replace(path, Node::Null, origin.clone()),
            Json::Bool(value) => {
                self.replace(path, Node::Scalar(value.to_string().into()), origin.clone())
            }
            Json::Number(number) => self.replace(
                path,
                Node::Scalar(number.to_string().into()),
                origin.clone(),
            ),
            Json::String(text) => {
                self.replace(path, Node::Scalar(text.as_str().into()), origin.clone())
            }
            Json::Array(elements) => {
                self.replace(path, Node::List, origin.clone());
                for (index, element) in elements.iter().enumerate() {
                    self.replace_with_json(&path.index(index), element, origin);
                }
            }
            Json::Object(members) => {
                self.replace(path, Node::Section, origin.clone());
                for (key, member) in members {
                    self.replace_with_json(&path.key(key.as_str()), member, origin);
                }
            }
        }
    }
}

/// The problem, or the text of a warning, for a key that the table does not know.
pub(crate) fn unknown(table: &Table, path: &Path, origin: Origin) -> Problem {
    let reason = match (table.nearest(path), &origin) {
        (None, _) => "is not a key of promfetch".to_owned(),
        (Some(near), Origin::Environment(_)) => format!(
            "is not a key of promfetch; did you mean {}?",
            near.environment_name()
        ),
        (Some(near), _) => format!("is not a key of promfetch; did you mean `{near}`?"),
    };
    Problem::new(path, reason, Some(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn table() -> Table {
        keys::table()
    }

    /// `path=text` of all single values.
    fn scalars(values: &Values) -> Vec<String> {
        values
            .iter()
            .filter_map(|(path, entry)| {
                if let Node::Scalar(text) = &entry.node {
                    Some(format!("{path}={text}"))
                } else {
                    None
                }
            })
            .collect()
    }

    fn set(steps: &[(&str, &str)]) -> Result<Values, Problem> {
        let mut values = Values::new();
        for (key, text) in steps {
            values.set(&table(), key, text)?;
        }
        Ok(values)
    }

    #[test]
    fn later_values_replace_earlier_ones() {
        for (steps, left, why) in [
            (
                &[("nats.user", "a"), ("nats.user", "b")][..],
                &["nats.user=b"][..],
                "the same key",
            ),
            (
                &[("nats.user", "a"), ("nats.pass", "b")],
                &["nats.pass=b", "nats.user=a"],
                "another key of the section",
            ),
            (
                &[(
                    "nats.hosts",
                    r#"[{"hostname":"a"},{"hostname":"b","port":1}]"#,
                )],
                &[
                    "nats.hosts[0].hostname=a",
                    "nats.hosts[1].hostname=b",
                    "nats.hosts[1].port=1",
                ],
                "a list as JSON",
            ),
            (
                &[
                    ("nats.hosts", r#"[{"hostname":"a"},{"hostname":"b"}]"#),
                    ("nats.hosts[1].hostname", "c"),
                ],
                &["nats.hosts[0].hostname=a", "nats.hosts[1].hostname=c"],
                "one element of it",
            ),
            (
                &[
                    ("nats.hosts[3].hostname", "a"),
                    ("nats.hosts", r#"[{"hostname":"b"}]"#),
                ],
                &["nats.hosts[0].hostname=b"],
                "a whole list replaces all elements",
            ),
            (
                &[("nats.user", "a"), ("nats", r#"{"pass":"b"}"#)],
                &["nats.pass=b"],
                "a whole section",
            ),
            (
                &[("nats.user", "a"), ("nats.user", "")],
                &[],
                "an empty text takes the value away",
            ),
            (
                &[("gorouters[0].host", "a"), ("gorouters", "[]")],
                &[],
                "an empty list",
            ),
            (
                &[("targets_allow", "10.0.0.0/8,127.0.0.1")],
                &["targets_allow=10.0.0.0/8,127.0.0.1"],
                "a list of values needs no JSON",
            ),
            (
                &[("targets_allow", r#"["10.0.0.0/8"]"#)],
                &["targets_allow[0]=10.0.0.0/8"],
                "but may be JSON",
            ),
            (
                &[("external_exporters[0].params.app", "{{.AppID}}")],
                &["external_exporters[0].params.app={{.AppID}}"],
                "a template is not JSON",
            ),
            (
                &[
                    ("skip_ssl_validation", "true"),
                    ("extra_labels", r#"{"a":1.50,"b":true,"c":null}"#),
                ],
                &[
                    "extra_labels.a=1.5",
                    "extra_labels.b=true",
                    "skip_ssl_validation=true",
                ],
                "numbers and truth values",
            ),
        ] {
            assert_eq!(scalars(&set(steps).unwrap()), left, "{why}");
        }
    }

    #[test]
    fn what_cannot_be_set_says_why() {
        for (key, text, message) in [
            (
                "nats.usr",
                "a",
                "`nats.usr`: is not a key of promfetch; did you mean `nats.user`? (option nats.usr)",
            ),
            ("", "a", "is not a key of promfetch (option )"),
            (
                "zzzzzzzzzzzz",
                "a",
                "`zzzzzzzzzzzz`: is not a key of promfetch (option zzzzzzzzzzzz)",
            ),
            (
                "nats.hosts",
                "localhost",
                "`nats.hosts`: expected a JSON list: see column 1 (option nats.hosts)",
            ),
            (
                "nats.hosts",
                "[{",
                "`nats.hosts`: expected a JSON list: it ends too early (option nats.hosts)",
            ),
            (
                "nats",
                "localhost:4222",
                "`nats`: expected a JSON object: see column 1 (option nats)",
            ),
        ] {
            assert_eq!(set(&[(key, text)]).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn children_and_given_look_one_step_and_all_steps_inside() {
        let values = set(&[
            ("nats.hosts[0].port", "1"),
            ("nats.hosts[10].port", "1"),
            ("nats.hosts[2].port", "1"),
        ])
        .unwrap();
        let positions: Vec<String> = values
            .children(&Path::parse("nats.hosts"))
            .map(|(segment, _)| format!("{segment:?}"))
            .collect();
        assert_eq!(positions, ["Index(0)", "Index(2)", "Index(10)"]);
        assert!(
            values.is_given(&Path::parse("nats")) && !values.is_given(&Path::parse("gorouters"))
        );
    }

    #[test]
    fn debug_output_shows_no_value() {
        let values = set(&[("nats.pass", "hush")]).unwrap();
        assert!(!format!("{values:?}").contains("hush"), "{values:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(key in ".{0,40}", text in ".{0,60}") {
            for key in [key.as_str(), "nats", "nats.hosts", "extra_labels", "targets_allow", "nats.hosts.0.port"] {
                let _ = set(&[(key, &text)]).map(|values| scalars(&values));
            }
        }
    }
}
