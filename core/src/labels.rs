//! Ordered labels, the names promfetch itself gives, and how a value is escaped.

use std::borrow::Cow;

/// The nine labels of an app instance, in the order in which they are added to every sample.
pub const INSTANCE_LABELS: [&str; 9] = [
    "organization_id",
    "space_id",
    "app_id",
    "organization_name",
    "space_name",
    "app_name",
    "index",
    "instance_id",
    "instance",
];

/// What a sample's own label is prefixed with when promfetch adds one of the same name (Prometheus' convention).
pub const EXPORTED: &str = "exported_";

/// Labels in the order in which they are written. Names are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels(Vec<(Cow<'static, str>, Box<str>)>);

impl Labels {
    /// No labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a label at the end; a label of the same name gets the new value in its old place.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Box<str>>) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name, value.into())),
        }
    }

    /// The value of the label of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels as they stand between the braces of a text page: `a="1",b="2"`, values escaped.
    pub fn render(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(
            self.0
                .iter()
                .map(|(name, value)| name.len() + value.len() + 4)
                .sum(),
        );
        for (name, value) in self.iter() {
            if !block.is_empty() {
                block.push(b',');
            }
            block.extend_from_slice(name.as_bytes());
            block.extend_from_slice(b"=\"");
            escape_value(value, &mut block);
            block.push(b'"');
        }
        block
    }
}

impl<N: Into<Cow<'static, str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Self::new();
        for (name, value) in pairs {
            labels.push(name, value);
        }
        labels
    }
}

/// Appends `value` with backslash, double quote and line feed escaped, as text 0.0.4 and OpenMetrics both ask.
pub fn escape_value(value: &str, out: &mut Vec<u8>) {
    for &byte in value.as_bytes() {
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'"' => out.extend_from_slice(br#"\""#),
            b'\n' => out.extend_from_slice(br"\n"),
            _ => out.push(byte),
        }
    }
}

/// Whether `name` is a label name that every parser takes: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Why a label of this name has no place among others: it tells what a sample means.
pub const HAS_A_MEANING: &str =
    "has a meaning of its own in histograms, summaries or health series";

/// Whether a label of this name can be added to any sample.
///
/// # Errors
/// A clause that says why not. It follows the name.
pub fn check_added(name: &str) -> Result<(), &'static str> {
    if !is_label_name(name.as_bytes()) {
        Err("is no label name: letters, digits and `_` are allowed, with no digit in front")
    } else if matches!(name, "le" | "quantile") {
        Err(HAS_A_MEANING)
    } else if name.starts_with("__") {
        Err("begins with `__`, which Prometheus keeps for itself")
    } else {
        Ok(())
    }
}

/// Labels that the health series have of their own.
const OF_HEALTH: [&str; 2] = ["name", "error"];

/// Whether a label of this name can be added to the samples of an instance, which have the nine already.
///
/// # Errors
/// A clause that says why not. It follows the name.
pub fn check_further(name: &str) -> Result<(), &'static str> {
    if INSTANCE_LABELS.contains(&name) {
        Err("is one of the labels that promfetch gives to each instance")
    } else if OF_HEALTH.contains(&name) {
        Err(HAS_A_MEANING)
    } else {
        check_added(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_escapes_values_and_keeps_the_order() {
        let labels = Labels::from_iter([
            ("b", "plain"),
            ("a", "quote \" slash \\ line\nend"),
            ("c", "ünïcode, {}"),
        ]);
        let text = String::from_utf8(labels.render()).unwrap();
        assert_eq!(
            text,
            r#"b="plain",a="quote \" slash \\ line\nend",c="ünïcode, {}""#
        );
    }

    #[test]
    fn push_replaces_a_label_of_the_same_name_in_place() {
        let mut labels = Labels::from_iter([("a", "1"), ("b", "2")]);
        labels.push("a", "3");
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
        assert_eq!(labels.get("a"), Some("3"));
        assert_eq!(labels.get("missing"), None);
    }

    #[test]
    fn label_names_follow_the_data_model() {
        for (name, valid) in [
            ("a", true),
            ("_a9", true),
            ("", false),
            ("9a", false),
            ("a-b", false),
            ("a:b", false),
            ("é", false),
        ] {
            assert_eq!(is_label_name(name.as_bytes()), valid, "{name:?}");
        }
    }
}
