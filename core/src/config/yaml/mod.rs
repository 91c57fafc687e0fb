//! YAML, as promfetcher's files have it, into flat values with line and column.
//!
//! Every value keeps the text that was written: `yes` may be a password and `010` a number, and only the table of keys
//! knows. What Go's YAML reads and other parsers do not (merge keys, empty values) is read here too.

use std::fmt;
use std::io::Read;
use std::path::Path as FilePath;
use std::sync::Arc;

use crate::config::path::Path;
use crate::config::problem::{Origin, Problem};
use crate::config::values::{Node, Values};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    Error, Location, MessageFormatter, NonFiniteFloatPolicy, Spanned, UserMessageFormatter,
};

/// Bytes of a configuration file. The largest real ones hold a bundle of all public issuers: 250 KB.
const MAX_FILE: u64 = 4 << 20;

/// Nodes that aliases may multiply a file to.
const MAX_NODES: usize = 100_000;

/// Sections inside sections.
const MAX_DEPTH: usize = 32;

/// Reads a file into the values.
///
/// # Errors
/// One problem without a key when the file cannot be read or is not YAML. The text of the file is not shown:
/// it has passwords.
pub fn load(file: &FilePath, values: &mut Values) -> Result<(), Problem> {
    let name = file.display().to_string();
    let cannot = |reason: String| {
        Problem::new(
            "",
            format!("the configuration file `{name}` {reason}"),
            None,
        )
    };
    let opened =
        std::fs::File::open(file).map_err(|error| cannot(format!("cannot be opened: {error}")))?;
    let mut bytes = Vec::new();
    opened
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(cannot(format!("is larger than {} MiB", MAX_FILE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        cannot(format!("is not UTF-8 in line {line}"))
    })?;
    parse(&text, &name, values)
}

/// Reads a text into the values. `name` stands for the file in messages.
///
/// # Errors
/// One problem without a key when the text is not YAML.
pub fn parse(text: &str, name: &str, values: &mut Values) -> Result<(), Problem> {
    // A byte order mark is no part of the text; the positions of the parser start behind it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        // A snippet would show lines with passwords.
        with_snippet: false,
    };
    let source = Source {
        text,
        name: name.into(),
    };
    let tree: Spanned<Content> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| source.problem(&error))?;
    source.put(&Path::root(), tree, values)
}

/// What the parser found at a place.
enum Content {
    Null,
    /// A word that YAML takes for a number or truth value: its text stands in the source.
    Word,
    Text(String),
    List(Vec<Spanned<Content>>),
    Section(Vec<(Spanned<String>, Spanned<Content>)>),
}

struct Source<'t> {
    text: &'t str,
    name: Arc<str>,
}

impl Source<'_> {
    fn put(&self, path: &Path, node: Spanned<Content>, values: &mut Values) -> Result<(), Problem> {
        let origin = self.origin(node.defined);
        match node.value {
            // An empty file has no values.
            Content::Null if path.segments().is_empty() => {}
            Content::Null => values.insert(path.clone(), Node::Null, origin),
            Content::Word => {
                let text = self.written(node.defined).ok_or_else(|| {
                    Problem::new(
                        path,
                        "cannot be read; put the value in quotes",
                        Some(origin.clone()),
                    )
                })?;
                values.insert(path.clone(), Node::Scalar(text.into()), origin);
            }
            Content::Text(text) => values.insert(path.clone(), Node::Scalar(text.into()), origin),
            Content::List(elements) => {
                values.insert(path.clone(), Node::List, origin);
                for (index, element) in elements.into_iter().enumerate() {
                    self.put(&path.index(index), element, values)?;
                }
            }
            Content::Section(entries) => {
                if !path.segments().is_empty() {
                    values.insert(path.clone(), Node::Section, origin);
                }
                for (key, value) in entries {
                    self.put(&path.key(key.value), value, values)?;
                }
            }
        }
        Ok(())
    }

    fn origin(&self, location: Location) -> Origin {
        Origin::File {
            name: self.name.clone(),
            line: location.line(),
            column: location.column(),
        }
    }

    /// The text of a word as it stands in the source. Words stand on one line and have no escapes; with a tag
    /// in front (`!!int "5"`) they may have quotes.
    fn written(&self, location: Location) -> Option<&str> {
        let span = location.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        let word = self.text.get(start..start.checked_add(length)?)?;
        let inside = ['"', '\'']
            .into_iter()
            .find_map(|quote| word.strip_prefix(quote)?.strip_suffix(quote));
        Some(inside.unwrap_or(word)).filter(|word| !word.is_empty())
    }

    /// What is wrong with the text as a whole. Some of the parser's words are meant for programmers: those get others.
    fn problem(&self, error: &Error) -> Problem {
        let mut inner = error;
        while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = inner {
            inner = error;
        }
        let reason = match inner {
            Error::DuplicateMappingKey { key, .. } => {
                // Shown as a path, so that no secret in a mistyped key gets out.
                let key = Path::root().key(key.as_deref().unwrap_or_default());
                format!("the key `{key}` stands twice in one section")
            }
            Error::MultipleDocuments { .. } => "there is more than one document in it".to_owned(),
            Error::NullIntoString { .. } => "a key is empty".to_owned(),
            Error::Unexpected {
                expected: "string scalar",
                ..
            } => "a text is expected as key; a value that begins with `{` needs quotes".to_owned(),
            Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => {
                "it is too large, too deep, or its aliases multiply it too much".to_owned()
            }
            other => printable(&UserMessageFormatter.format_message(other)),
        };
        let origin = error.location().map(|location| self.origin(location));
        Problem::new(
            "",
            format!("the configuration file is not valid YAML: {reason}"),
            origin,
        )
    }
}

/// The parser names characters that it did not expect; those may be control characters of a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .collect()
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Content, E> {
        Ok(Content::Word)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Content, E> {
        Ok(Content::Word)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Content, E> {
        Ok(Content::Word)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Content, E> {
        Ok(Content::Word)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Content::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Section(entries))
    }
}

#[cfg(test)]
mod tests;
