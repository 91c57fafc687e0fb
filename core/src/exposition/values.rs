//! The samples of one family of a page of lines, one by one: for people and programs that look at a page instead of
//! handing it on.

use std::borrow::Cow;

use super::convert::plain;
use super::page::FamilyRef;
use super::{Format, Line};

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its name, with the suffix that it has beside the name of its family.
    pub name: Cow<'a, str>,
    /// Its labels, without escapes.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The number as it stands on the page.
    pub value: &'a str,
}

impl<'a> FamilyRef<'a> {
    /// Its name without escapes.
    pub fn plain_name(&self) -> Cow<'a, str> {
        plain(self.name().as_bytes(), self.page().format())
    }

    /// Its HELP text without escapes.
    pub fn plain_help(&self) -> Option<Cow<'a, str>> {
        let format = self.page().format();
        self.help().map(|help| plain(help.as_bytes(), format))
    }

    /// The samples of the family in the order of the page. A protobuf page has none here: it must be converted to
    /// lines before.
    pub fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let page = self.page();
        let runs = page.runs_of(self.entry());
        let lines = runs
            .filter(move |_| page.format() != Format::Protobuf)
            .filter_map(move |run| Some(page.run(run)?.lines.of(page.body())))
            .flat_map(|lines| lines.split(|byte| *byte == b'\n'))
            .filter(|line| !line.trim_ascii().is_empty());
        lines.map(move |line| {
            let line = Line::read(line.trim_ascii_start());
            let text = |raw| plain(raw, page.format());
            let number = line.rest.split(u8::is_ascii_whitespace).next();
            Value {
                name: text(line.name),
                labels: line
                    .labels()
                    .map(|label| (text(label.name), text(label.value)))
                    .collect(),
                value: std::str::from_utf8(number.unwrap_or_default()).unwrap_or_default(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Limits, Page};

    #[test]
    fn names_and_help_lose_their_escapes() {
        let limits = Limits {
            max_line: 1000,
            max_samples: 100,
        };
        for (text, name, help, why) in [
            ("# HELP a b\\\\c\\nd\na 1\n", "a", Some("b\\c\nd"), "text"),
            ("a 1\n", "a", None, "no help"),
            (
                "# HELP \"a.\\\"b\" c\n{\"a.\\\"b\"} 1\n",
                "a.\"b",
                Some("c"),
                "a name in quotes",
            ),
        ] {
            let page = Page::scan(text.into(), Format::Text, &limits).expect(why);
            let family = page.families().next().expect(why);
            assert_eq!(family.plain_name(), name, "{why}");
            assert_eq!(family.plain_help().as_deref(), help, "{why}");
        }
    }

    #[test]
    fn samples_are_read_as_they_stand() {
        let limits = Limits {
            max_line: 1000,
            max_samples: 100,
        };
        for (text, format, want, why) in [
            (
                "# TYPE a counter\na{x=\"1\"} 2\na 3 1000\n",
                Format::Text,
                "a{x=1} 2|a{} 3",
                "with and without labels, a time",
            ),
            (
                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum NaN\nh_count 2\n",
                Format::Text,
                "h_bucket{le=+Inf} 2|h_sum{} NaN|h_count{} 2",
                "suffixes stay",
            ),
            (
                "a{x=\"q\\\"\\\\\\n}\"} -Inf\n",
                Format::Text,
                "a{x=q\"\\\n}} -Inf",
                "escapes are undone",
            ),
            (
                "a 1\nb 2\na{y=\"2\"} 3\n",
                Format::Text,
                "a{} 1|a{y=2} 3",
                "lines of one family apart",
            ),
            (
                "# TYPE a counter\na_total{x=\"1\"} 2 # {t=\"9\"} 1\n# EOF\n",
                Format::OpenMetrics,
                "a_total{x=1} 2",
                "an exemplar is left out",
            ),
            (
                "{\"a.b\", x=\"1\"} 2\n",
                Format::Text,
                "a.b{x=1} 2",
                "names in quotes",
            ),
        ] {
            let page = Page::scan(text.into(), format, &limits).expect(why);
            let family = page.families().next().expect(why);
            let values: Vec<String> = family
                .values()
                .map(|sample| {
                    let labels: Vec<String> = sample
                        .labels
                        .iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect();
                    format!("{}{{{}}} {}", sample.name, labels.join(","), sample.value)
                })
                .collect();
            assert_eq!(values.join("|"), want, "{why}");
        }
    }
}
