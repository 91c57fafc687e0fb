//! Pages from one format to another, and to names that a reader can take.
//!
//! First the series stay what they are: names, labels, values, times. Then the type. What the structure of the
//! target cannot hold exactly (a histogram that lacks its count, a counter that is NaN) is written *loose*: as
//! untyped families that are named as the samples are, so that nothing is lost and nothing malformed gets through.
//! `docs/formats.md` has the table of what becomes what.

mod checks;
mod created;
mod decimal;
mod escape;
mod flat;
mod groups;
mod labels;
mod native;
mod output;
mod plan;
mod planned;
mod read_lines;
mod read_messages;
mod rename;
mod shape;
mod write_lines;
mod write_messages;

use std::collections::BTreeMap;

use self::labels::LabelNames;
pub(super) use self::labels::plain;
pub(crate) use self::output::Meter;
use self::output::Output;
use self::plan::Plan;
use self::shape::Piece;
use super::{Dialect, Escaping, Format, Limits, MetricType, Page, ScanError};

impl Page {
    /// Whether a reader of this dialect can have the page as it is.
    pub fn fits(&self, dialect: Dialect) -> bool {
        let takes_quotes = dialect.escaping() == Escaping::AllowUtf8;
        self.format() == dialect.format && (takes_quotes || !self.has_quoted_names())
    }

    /// The page in another dialect. It is scanned like any other page, so it keeps to the same rules.
    ///
    /// # Errors
    /// When the result would be over `limits`.
    pub fn convert(&self, dialect: Dialect, limits: &Limits) -> Result<Self, ScanError> {
        self.convert_metered(dialect, limits, Box::new(|_| true))
    }

    /// The same for pages that nobody trusts: `meter` is asked before the new page grows much over the old one, and
    /// at every step of its way, so that it can also stop work that nobody wants any more. A short native histogram with long labels makes thousands of long lines.
    ///
    /// # Errors
    /// As [`Self::convert`], and when the meter says no.
    pub(crate) fn convert_metered(
        &self,
        dialect: Dialect,
        limits: &Limits,
        meter: Meter,
    ) -> Result<Self, ScanError> {
        let labels = LabelNames::new(self, dialect);
        let plan = Plan::new(self, dialect, &labels, limits.max_samples);
        let (source, target) = (self.format(), dialect.format);
        let mut out = Output::new(self.len() + self.len() / 4, limits, meter);
        if (source, target) == (Format::Protobuf, Format::Protobuf) {
            for (planned, entry) in plan.families.iter().zip(self.entries()) {
                rename::write(self, entry, planned, &labels, &mut out)?;
            }
        } else {
            write_families(&plan, &labels, target, &mut out)?;
        }
        if target == Format::OpenMetrics {
            out.text("# EOF\n");
        }
        Self::scan(out.finish()?.into(), target, limits)
    }
}

/// What a sample takes beside its text, from the time that it is read until it is written; measured.
fn bytes_of_sample(target: Format) -> usize {
    match target {
        Format::Text | Format::OpenMetrics => 280,
        Format::Protobuf => 360,
    }
}

/// Writes family by family; those that share a name come last.
fn write_families(
    plan: &Plan<'_>,
    labels: &LabelNames,
    target: Format,
    out: &mut Output,
) -> Result<(), ScanError> {
    let mut shared: BTreeMap<String, Piece<'_>> = BTreeMap::new();
    for (place, planned) in plan.families.iter().enumerate() {
        if planned.folded {
            continue;
        }
        let (samples, each) = (plan.samples(place), bytes_of_sample(target));
        out.hold(samples, each)?;
        let Some(family) = plan.read(place, labels) else {
            continue;
        };
        // Those of shared names stay until the end.
        let mut stays = false;
        for mut piece in shape::pieces(family, planned, plan.source(), target) {
            if !plan.shared.contains(&piece.name) {
                shape::settle(&mut piece, target);
                write(&piece, target, out)?;
                continue;
            }
            // Samples of several families that have one name.
            stays = true;
            match shared.get_mut(&piece.name) {
                Some(all) => {
                    (all.kind, all.typed, all.unit) = (MetricType::Unknown, true, None);
                    all.loose = true;
                    all.samples.append(&mut piece.samples);
                }
                None => {
                    shared.insert(piece.name.clone(), piece);
                }
            }
        }
        if !stays {
            out.release(samples, each);
        }
    }
    for mut piece in shared.into_values() {
        shape::settle(&mut piece, target);
        write(&piece, target, out)?;
    }
    Ok(())
}

fn write(piece: &Piece<'_>, target: Format, out: &mut Output) -> Result<(), ScanError> {
    match target {
        Format::Text | Format::OpenMetrics => write_lines::write(piece, target, out),
        Format::Protobuf => write_messages::write(piece, out),
    }
}
