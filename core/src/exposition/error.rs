//! Why a page was refused, and where.

use std::fmt;

use crate::failure::{Failure, Reason};

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanErrorKind {
    /// The page does not follow its format.
    Syntax,
    /// A line, the number of samples or the page is over its limit.
    TooLarge,
}

/// A page that was refused. Lines and columns count from 1; columns count characters. Both are 0 in protobuf, which
/// has no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    pub line: usize,
    pub column: usize,
    /// Bytes of the page before the place.
    pub offset: usize,
    pub kind: ScanErrorKind,
    /// What is wrong, without the place. Quoted parts of the page are cut short.
    pub message: String,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { line: 0, .. } => write!(f, "byte {}: {}", self.offset, self.message),
            Self { line, column, .. } => {
                write!(f, "line {line}, column {column}: {}", self.message)
            }
        }
    }
}

impl std::error::Error for ScanError {}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let reason = match error.kind {
            ScanErrorKind::Syntax => Reason::Parse,
            ScanErrorKind::TooLarge => Reason::TooLarge,
        };
        Self::new(reason, error)
    }
}

/// An error under way: the place is still an offset, so that the hot path need not count lines.
#[derive(Debug)]
pub(super) struct Fault {
    at: usize,
    kind: ScanErrorKind,
    message: String,
}

/// OpenMetrics knows no other end of a line.
pub(super) const CARRIAGE_RETURN: &str = "a carriage return: lines end with a line feed alone";

/// The result of a step of the scan. The error is boxed to keep the good case in registers.
pub(super) type Step<T> = Result<T, Box<Fault>>;

impl Fault {
    /// The page breaks its format at this offset.
    #[cold]
    pub(super) fn syntax(at: usize, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            at,
            kind: ScanErrorKind::Syntax,
            message: message.into(),
        })
    }

    /// The page is over a limit at this offset.
    #[cold]
    pub(super) fn too_large(at: usize, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            at,
            kind: ScanErrorKind::TooLarge,
            message: message.into(),
        })
    }

    /// The error with its place in `body`.
    #[cold]
    pub(super) fn locate(self, body: &[u8]) -> ScanError {
        let before = body.get(..self.at).unwrap_or(body);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default())
            .chars()
            .count()
            + 1;
        ScanError {
            line,
            column,
            offset: self.at,
            kind: self.kind,
            message: self.message,
        }
    }

    /// The error with its place, in a body without lines.
    #[cold]
    pub(super) fn at_byte(self) -> ScanError {
        ScanError {
            line: 0,
            column: 0,
            offset: self.at,
            kind: self.kind,
            message: self.message,
        }
    }

    /// Says in front of the message what the place is part of.
    #[cold]
    pub(super) fn within(mut self: Box<Self>, what: impl fmt::Display) -> Box<Self> {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

/// Part of a page for a message: at most 40 characters, control characters escaped.
pub(super) fn quote(part: &[u8]) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(part.get(..part.len().min(4 * MOST)).unwrap_or_default());
    let cut = text.chars().count() > MOST;
    let head: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_default)
        .collect();
    if cut {
        format!("`{head}…`")
    } else {
        format!("`{head}`")
    }
}

/// The bytes from `at` up to the next blank or line feed.
pub(super) fn word(bytes: &[u8], at: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.split(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        for (body, at, line, column) in [
            ("abc", 0, 1, 1),
            ("abc", 3, 1, 4),
            ("a\nbc", 2, 2, 1),
            ("a\nbc", 3, 2, 2),
            ("é\"x", 3, 1, 3),
            ("a\n", 2, 2, 1),
            ("a", 9, 1, 2),
        ] {
            let error = Fault::syntax(at, "m").locate(body.as_bytes());
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{body:?} at {at}"
            );
        }
        assert_eq!(
            Fault::syntax(2, "broken").locate(b"a\nb").to_string(),
            "line 2, column 1: broken"
        );
    }

    #[test]
    fn quoted_parts_are_short_and_harmless() {
        assert_eq!(quote(b"a\tb"), r"`a\tb`");
        assert_eq!(
            quote("x".repeat(50).as_bytes()),
            format!("`{}…`", "x".repeat(40))
        );
    }

    #[test]
    fn a_refused_page_is_a_failure_with_its_reason() {
        let failure = Failure::from(*Box::new(Fault::too_large(0, "too long").locate(b"")));
        assert_eq!(
            (failure.reason, &*failure.detail),
            (Reason::TooLarge, "line 1, column 1: too long")
        );
    }
}
