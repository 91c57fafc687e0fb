//! A format as one reader wants it: which version, and which names it can take.

use super::Format;

/// How a reader wants names that are not made of `[a-zA-Z0-9_:]`: the `escaping=` of Prometheus' media types
/// (prometheus/docs, "Content negotiation: escaping schemes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// As they are, in quotes: any UTF-8.
    AllowUtf8,
    /// Each character that is not allowed becomes `_`.
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, others `__`.
    Dots,
    /// `U__` before the name, each character that is not allowed becomes `_<code point in hexadecimal>_`.
    Values,
}

impl Escaping {
    /// The word of the `escaping` parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Reads the word of an `escaping` parameter.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values]
            .into_iter()
            .find(|escaping| escaping.as_str() == word)
    }
}

/// The versions of the text formats. Protobuf has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// OpenMetrics as drafts and old clients call it.
    V0_0_1,
    /// Prometheus text without quoted names.
    V0_0_4,
    /// Prometheus text with quoted names, or OpenMetrics.
    V1_0_0,
}

/// A format with all that a reader said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    pub format: Format,
    /// `None` for protobuf.
    pub version: Option<Version>,
    /// `None`: the reader said nothing, and gets underscores.
    pub escaping: Option<Escaping>,
}

impl Dialect {
    /// The form of a format that every reader of it takes.
    pub fn plain(format: Format) -> Self {
        Self {
            format,
            version: match format {
                Format::Text => Some(Version::V0_0_4),
                Format::OpenMetrics => Some(Version::V1_0_0),
                Format::Protobuf => None,
            },
            escaping: None,
        }
    }

    /// How names must be written.
    pub fn escaping(self) -> Escaping {
        self.escaping.unwrap_or(Escaping::Underscores)
    }
}
