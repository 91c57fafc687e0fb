//! One instance's page: its format, and the validated index that the merge works on.
//!
//! [`Page::scan`] reads a body once, checks every line and notes where the families are and where labels go
//! into each sample. Nothing is copied: a [`Page`] is the body with an index of a few bytes per sample. A page
//! that was accepted stays acceptable to strict parsers after its lines are spliced with those of others.
//!
//! What is accepted:
//!
//! - *Text 0.0.4 and 1.0.0* as Prometheus reads them, lenient where exporters are sloppy: blanks and tabs between
//!   tokens, comments, blank lines, a trailing comma, no final line feed, lines that end with a carriage return too,
//!   a byte order mark, unknown escapes, lines of one family apart.
//!   Refused is also what `promtool` refuses: a second TYPE or HELP, a `le` that is no number.
//! - *OpenMetrics 1.0* with all rules of Python's `prometheus_client`, the strictest reader in use: groups of
//!   samples, order of buckets and timestamps, values that each type allows, names that clash.
//! - *Protobuf* as Prometheus reads and stores it: one bad histogram, unit or label name there costs it the whole
//!   page. Beside that no field may stand twice that can stand once only, and no metric has values of several types.
//!
//! Both may have names in quotes, which can be any UTF-8; whether a reader takes such names is another question,
//! see [`Page::fits`].

mod beside;
mod bytes;
mod convert;
mod dialect;
mod error;
mod exemplar;
mod families;
mod groups;
mod kind;
mod line;
pub mod media;
mod metadata;
mod names;
mod number;
mod page;
pub(crate) mod protobuf;
mod quoted;
mod sample;
mod sample_labels;
mod scan;
mod scanner;
mod sibling;
mod values;

use std::fmt;

pub use dialect::{Dialect, Escaping, Version};
pub use error::{ScanError, ScanErrorKind};
pub use kind::MetricType;
pub use page::{FamilyRef, Page};
pub use values::Value;

pub(crate) use line::{Label, Line, normalise_escapes, unescape};
pub(crate) use names::hash;
pub(crate) use page::{FamilyEntry, Run, Splice};
pub(crate) use quoted::is_metric_name;

/// An exposition format that promfetch reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
    /// Length-delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

impl Format {
    /// The Content-Type of a page in this format, in the form that every reader of it takes.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// The word of the configuration and of the command line.
impl Format {
    /// Reads the word by which the configuration and the command line name a format; see [`Format`]'s `Display`.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Text, Self::OpenMetrics, Self::Protobuf]
            .into_iter()
            .find(|format| format.to_string() == word)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        })
    }
}

/// Bounds of one page. What is over them is refused as [`ScanErrorKind::TooLarge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Samples of the page; also its families.
    pub max_samples: usize,
    /// Bytes of one line, without its line feed. In protobuf, of one metric or text.
    pub max_line: usize,
}
