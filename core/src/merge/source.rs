//! One input with everything that is computed once for all of its families.

use std::sync::Arc;

use super::Input;
use crate::exposition::protobuf::write::write_label;
use crate::exposition::{Format, Page, Splice, hash};
use crate::labels::{Labels, check_added};

/// Labels rendered for each way of splicing them in.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// `{a="1",b="2"}`, or empty when there are no labels.
    braces: Vec<u8>,
    /// `,a="1",b="2"`
    comma: Vec<u8>,
    /// Protobuf: the fields of a metric. The others are empty then.
    fields: Vec<u8>,
}

impl Block {
    pub(super) fn new(labels: &Labels, format: Format) -> Self {
        if format == Format::Protobuf {
            let mut fields = Vec::new();
            for (name, value) in labels.iter() {
                write_label(name.as_bytes(), value.as_bytes(), &mut fields);
            }
            return Self {
                fields,
                ..Self::default()
            };
        }
        let plain = labels.render();
        if plain.is_empty() {
            return Self::default();
        }
        Self {
            braces: [b"{", &plain[..], b"}"].concat(),
            comma: [b",", &plain[..]].concat(),
            fields: Vec::new(),
        }
    }

    /// What is written at a mark with this splice.
    #[inline]
    pub(super) fn piece(&self, splice: Splice) -> &[u8] {
        match splice {
            Splice::Comma => &self.comma,
            Splice::Braces => &self.braces,
            Splice::Plain => self.plain(),
            Splice::Irregular => &[],
        }
    }

    /// `a="1",b="2"`
    pub(super) fn plain(&self) -> &[u8] {
        self.comma.get(1..).unwrap_or_default()
    }

    /// `{a="1",b="2"}`, or nothing.
    pub(super) fn braces(&self) -> &[u8] {
        &self.braces
    }

    /// The labels as fields of a metric.
    #[inline]
    pub(super) fn fields(&self) -> &[u8] {
        &self.fields
    }

    /// What is added to a sample that has no labels of its own.
    pub(super) fn alone(&self, format: Format) -> &[u8] {
        match format {
            Format::Text | Format::OpenMetrics => &self.braces,
            Format::Protobuf => &self.fields,
        }
    }
}

/// One input page.
#[derive(Debug)]
pub(super) struct Source {
    /// None once its last family is written.
    pub(super) page: Option<Arc<Page>>,
    /// The added labels that may be added.
    pub(super) labels: Labels,
    /// Hash of them, whatever their order.
    pub(super) labels_hash: u64,
    pub(super) block: Block,
    /// Bits (as in `FamilyEntry::labels`) of the page's own labels that have the name of an added one.
    pub(super) conflict_bits: u64,
    /// How many such labels the page has.
    pub(super) conflicts: usize,
    /// Renaming or leaving out such labels may make two samples of this page equal.
    pub(super) folds: bool,
    /// Its samples may become equal to those of another input.
    pub(super) overlaps: bool,
    /// The last family that needs the page.
    pub(super) last_family: usize,
}

impl Source {
    pub(super) fn new(input: Input, drop_conflicts: bool) -> Self {
        let Input { labels, page } = input;
        let labels = addable(labels);
        let mut source = Self {
            block: Block::new(&labels, page.format()),
            labels_hash: labels.iter().fold(0, |sum, (name, value)| {
                sum.wrapping_add(label_hash(name.as_bytes(), value.as_bytes()))
            }),
            page: None,
            conflict_bits: 0,
            conflicts: 0,
            folds: false,
            overlaps: false,
            last_family: 0,
            labels,
        };
        for (name, _) in source.labels.iter() {
            let Some(bit) = page.label(name.as_bytes(), hash(name.as_bytes())) else {
                continue;
            };
            source.conflict_bits |= bit;
            source.conflicts += 1;
            let exported = format!("{}{name}", crate::labels::EXPORTED);
            source.folds |= drop_conflicts
                || page
                    .label(exported.as_bytes(), hash(exported.as_bytes()))
                    .is_some();
        }
        source.page = Some(page);
        source
    }
}

/// Hash of one label. The sum over all labels of a sample does not depend on their order.
pub(super) fn label_hash(name: &[u8], value: &[u8]) -> u64 {
    (hash(name).rotate_left(32) ^ hash(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The labels without those that would break samples: `le` and `quantile`, invalid and reserved names.
pub(super) fn addable(labels: Labels) -> Labels {
    let fits = |name: &str| check_added(name).is_ok();
    if labels.iter().all(|(name, _)| fits(name)) {
        return labels;
    }
    Labels::from_iter(
        labels
            .iter()
            .filter(|(name, _)| fits(name))
            .map(|(name, value)| (name.to_owned(), value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_break_samples_are_not_added() {
        let labels = Labels::from_iter([
            ("a", "1"),
            ("le", "2"),
            ("quantile", "3"),
            ("__x", "4"),
            ("b-c", "5"),
            ("d", "6"),
        ]);
        assert_eq!(
            Block::new(&addable(labels), Format::Text).braces(),
            br#"{a="1",d="6"}"#
        );
        assert_eq!(Block::new(&Labels::new(), Format::Text).braces(), b"");
    }
}
