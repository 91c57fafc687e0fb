//! Reads a page for assertions: a second, slow and simple reader, so that promfetch is not checked with its own.

use std::collections::{BTreeMap, HashSet};

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    /// In the order of the page.
    pub labels: Vec<(String, String)>,
    pub value: f64,
    /// What follows the value: timestamp, exemplar.
    pub rest: String,
}

impl Sample {
    /// The value of a label, empty when absent.
    pub fn label(&self, name: &str) -> &str {
        self.labels
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The names of the labels, in order.
    pub fn label_names(&self) -> Vec<&str> {
        self.labels.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// A page as a list of samples and comments.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub text: String,
    pub samples: Vec<Sample>,
    /// Family → type.
    pub types: BTreeMap<String, String>,
    /// Family → help.
    pub helps: BTreeMap<String, String>,
}

impl Page {
    /// Reads text 0.0.4 or OpenMetrics 1.0.
    ///
    /// # Panics
    /// When a line cannot be read, or a family has two `TYPE` or `HELP` lines or stands in two places.
    pub fn read(text: &str) -> Self {
        let mut page = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let mut closed: HashSet<String> = HashSet::new();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (kind, family, rest) = (
                    words.next().unwrap_or(""),
                    words.next().unwrap_or(""),
                    words.next().unwrap_or(""),
                );
                let into = match kind {
                    "TYPE" => &mut page.types,
                    "HELP" => &mut page.helps,
                    _ => continue,
                };
                assert!(
                    into.insert(family.into(), rest.into()).is_none(),
                    "a second {kind} of {family}:\n{text}"
                );
                if family != current {
                    assert!(
                        !closed.contains(family),
                        "{family} stands in two places:\n{text}"
                    );
                    closed.insert(std::mem::replace(&mut current, family.into()));
                }
            } else {
                let sample =
                    sample(line).unwrap_or_else(|| panic!("cannot read the line {line:?}"));
                let family = page.family_of(&sample.name);
                if family != current {
                    assert!(
                        !closed.contains(&family),
                        "{family} stands in two places:\n{text}"
                    );
                    closed.insert(std::mem::replace(&mut current, family));
                }
                page.samples.push(sample);
            }
        }
        page
    }

    /// The family of a sample's name, by the types seen so far.
    fn family_of(&self, name: &str) -> String {
        const SUFFIXES: [(&str, &[&str]); 8] = [
            ("_total", &["counter"]),
            ("_created", &["counter", "histogram", "summary"]),
            ("_bucket", &["histogram", "gaugehistogram"]),
            ("_sum", &["histogram", "summary"]),
            ("_count", &["histogram", "summary"]),
            ("_gsum", &["gaugehistogram"]),
            ("_gcount", &["gaugehistogram"]),
            ("_info", &["info"]),
        ];
        if !self.types.contains_key(name) {
            for (suffix, kinds) in SUFFIXES {
                if let Some(family) = name.strip_suffix(suffix)
                    && self
                        .types
                        .get(family)
                        .is_some_and(|kind| kinds.contains(&kind.as_str()))
                {
                    return family.into();
                }
            }
        }
        name.into()
    }

    /// All samples of this name.
    pub fn all(&self, name: &str) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|sample| sample.name == name)
            .collect()
    }

    /// The one sample of this name with these labels.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn one(&self, name: &str, labels: &[(&str, &str)]) -> &Sample {
        let found: Vec<_> = self
            .all(name)
            .into_iter()
            .filter(|sample| {
                labels
                    .iter()
                    .all(|(key, value)| sample.label(key) == *value)
            })
            .collect();
        let [sample] = found[..] else {
            panic!("{} samples {name}{labels:?} in\n{}", found.len(), self.text)
        };
        sample
    }

    /// The value of that sample.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.one(name, labels).value
    }

    /// Whether there is any sample of this name.
    pub fn has(&self, name: &str) -> bool {
        self.samples.iter().any(|sample| sample.name == name)
    }

    /// `promfetch_up` by index.
    pub fn up(&self) -> BTreeMap<String, f64> {
        self.all("promfetch_up")
            .into_iter()
            .map(|sample| (sample.label("index").to_owned(), sample.value))
            .collect()
    }

    /// The reasons of `promfetcher_scrape_error` by index.
    pub fn errors(&self) -> BTreeMap<String, String> {
        self.all("promfetcher_scrape_error")
            .into_iter()
            .map(|sample| {
                (
                    sample.label("index").to_owned(),
                    sample.label("error").to_owned(),
                )
            })
            .collect()
    }
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((label.to_owned(), value));
            rest = after;
        }
    }
    let rest = rest.trim_start();
    let (value, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(Sample {
        name: name.into(),
        labels,
        value: value.parse().ok()?,
        rest: rest.into(),
    })
}

/// Reads up to the closing quote; gives the unescaped text and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_labels_values_and_what_follows() {
        let page = Page::read(
            "# TYPE a counter\na_total{x=\"1, \\\"}\\n\",y=\"\"} 2 # {t=\"1\"} 0.5\nb +Inf 1700000000000\nc{} 1e3\n",
        );
        let sample = page.one("a_total", &[]);
        assert_eq!(
            sample.labels,
            [
                ("x".to_owned(), "1, \"}\n".to_owned()),
                ("y".to_owned(), String::new())
            ]
        );
        assert_eq!(
            (sample.value, sample.rest.as_str()),
            (2.0, "# {t=\"1\"} 0.5")
        );
        assert_eq!(page.value("b", &[]), f64::INFINITY);
        assert_eq!(page.value("c", &[]), 1000.0);
    }

    #[test]
    #[should_panic(expected = "in two places")]
    fn a_family_in_two_places_is_an_error() {
        Page::read("a 1\nb 1\na{x=\"1\"} 1\n");
    }

    #[test]
    #[should_panic(expected = "a second TYPE")]
    fn a_second_type_is_an_error() {
        Page::read("# TYPE a counter\na 1\n# TYPE a counter\n");
    }
}
