//! Names in quotes: `{"my.metric","my.label"="x"} 1`, `# TYPE "my.metric" counter`.
//!
//! Any UTF-8 can be a name there (prometheus/docs, "UTF-8 in Prometheus"). A name that needs no quotes is the same
//! with and without them. Of the escapes only `\\`, `\"` and `\n` are names' (prometheus/common, `expfmt`), so each
//! name is written in one way only, and names are compared and kept as they stand between the quotes.
//!
//! Nothing here is on the way of pages without such names: the scan comes here from where it would fail otherwise.

use super::bytes::{byte, skip_blanks, value_stop};
use super::error::{Fault, Step, quote};
use super::families::Owner;
use super::names::Known;
use super::page::Splice;
use super::sample_labels::{From, Labels};
use super::scanner::{Scanner, Told};
use crate::labels::is_label_name;

#[cfg(test)]
mod tests;

/// Whether this is a metric name that every reader takes without quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(crate) fn is_metric_name(name: &[u8]) -> bool {
    name.first().is_some_and(|first| !first.is_ascii_digit())
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// The part between the quotes of which the first is at `open`.
pub(super) fn name(bytes: &[u8], open: usize) -> Step<(usize, usize)> {
    let start = open + 1;
    let mut at = start;
    loop {
        at = value_stop(bytes, at);
        match (byte(bytes, at), byte(bytes, at + 1)) {
            (b'"', _) if at == start => return Err(Fault::syntax(open, "an empty name")),
            (b'"', _) => return Ok((start, at)),
            (b'\\', b'\\' | b'"' | b'n') => at += 2,
            (b'\\', next) if !matches!(next, b'\n' | 0) => {
                return Err(Fault::syntax(
                    at,
                    r#"a name has no other escapes than `\\`, `\"` and `\n`"#,
                ));
            }
            _ => {
                return Err(Fault::syntax(
                    open,
                    "the name in quotes does not end on this line",
                ));
            }
        }
    }
}

/// The offset of the quote that ends the part which begins at `start`.
#[inline]
pub(super) fn end(bytes: &[u8], start: usize) -> usize {
    let mut at = value_stop(bytes, start);
    while byte(bytes, at) == b'\\' {
        at = value_stop(bytes, at + 2);
    }
    at
}

impl Scanner<'_> {
    /// The metric name behind the brace at `open`: the offset after its quotes, whose it is, and where labels begin.
    #[cold]
    pub(super) fn braced_name<const OM: bool>(
        &mut self,
        open: usize,
    ) -> Step<(usize, Owner, Option<From>)> {
        let bytes = self.bytes;
        let blanks = |at| if OM { at } else { skip_blanks(bytes, at) };
        let first = blanks(open + 1);
        if byte(bytes, first) != b'"' {
            return Err(Fault::syntax(first, NAME_FIRST));
        }
        let (start, end) = name(bytes, first)?;
        let text = bytes.get(start..end).unwrap_or_default();
        let next = blanks(end + 1);
        let labels = match byte(bytes, next) {
            b'}' => end + 1,
            b',' if OM && byte(bytes, next + 1) == b'}' => {
                return Err(Fault::syntax(
                    next + 1,
                    "expected a label name, found the closing brace",
                ));
            }
            b',' => next + 1,
            b'=' => return Err(Fault::syntax(first, NAME_FIRST)),
            _ => {
                return Err(Fault::syntax(
                    next,
                    format!("expected `,` or `}}` after the metric name {}", quote(text)),
                ));
            }
        };
        let before = self.families.current();
        let member = before.and_then(|family| self.families.member(family, text));
        let owner = match member {
            Some(owner) => owner,
            None => self.families.owner(start, end)?,
        };
        if before != Some(owner.family) {
            self.groups.finish()?;
        }
        self.note_metric_name(owner.family, text);
        Ok((end + 1, owner, Some(From::Name(labels))))
    }

    /// Mends what the check of labels cannot know of a line that begins with a brace.
    #[cold]
    pub(super) fn finish_braced(&self, owner: Owner, labels: &mut Labels) {
        // Nothing but the name stands in the braces, without a comma.
        if labels.count == 0 && byte(self.bytes, labels.mark.saturating_sub(1)) == b'"' {
            labels.splice = Splice::Comma;
        }
        let needed = self
            .families
            .entry(owner.family)
            .is_some_and(|entry| entry.quoted_name);
        labels.told.irregular |= !needed;
    }

    /// Notes whether a family's name, found in quotes, needs them.
    pub(super) fn note_metric_name(&mut self, family: u32, name: &[u8]) {
        if is_metric_name(name) {
            return;
        }
        self.families.index.quoted = true;
        if let Some(entry) = self.families.entry_mut(family) {
            entry.quoted_name = true;
        }
    }

    /// Notes whether a label's name, found in quotes at `start..end`, needs them. Gives it as it stands there.
    #[cold]
    pub(super) fn note_label_name(
        &mut self,
        known: Known,
        (start, end): (usize, usize),
        told: &mut Told,
    ) -> Known {
        let needed = !is_label_name(self.bytes.get(start..end).unwrap_or_default());
        if needed {
            self.families.index.quoted = true;
            self.families.index.quoted_bits |= known.bit;
        } else {
            told.irregular = true;
        }
        known.in_quotes(self.bytes, start - 1, end + 1, needed)
    }
}

/// What is wrong when no `=` follows a label name.
#[cold]
pub(super) fn equals_fault(
    bytes: &[u8],
    equals: usize,
    name: &[u8],
    in_quotes: bool,
) -> Box<Fault> {
    let message = match byte(bytes, equals) {
        b',' | b'}' if in_quotes => format!("{} is a second metric name", quote(name)),
        _ => format!("expected `=` after the label name {}", quote(name)),
    };
    Fault::syntax(equals, message)
}

const NAME_FIRST: &str = "the metric name must be the first thing in the braces, in quotes";
