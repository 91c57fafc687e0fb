//! Many pages to one.
//!
//! [`merge`] makes one page of many, family by family, and gives it out in chunks. What the result keeps to,
//! whatever the inputs were:
//!
//! - **Order.** Families stand by first appearance, within them the instances in the order of the inputs. The
//!   same input gives the same bytes.
//! - **Labels.** Those of the input are written after the sample's own. An own label of such a name becomes
//!   `exported_<name>` (`exported_exported_<name>` if that is taken too), or is left out ([`LabelConflict`]).
//!   Labels named `le`, `quantile` or with names that readers reserve are never added: they would change samples.
//! - **HELP** is the first that is not empty, and so is UNIT.
//! - **TYPE.** When inputs disagree, the type that most of them have keeps the family (of equals the first), and
//!   samples of another type go to a family of their own, `<name>_<type>`. An untyped family joins a gauge and,
//!   but for OpenMetrics, a counter of its name: its samples look the same.
//! - **Names.** A family reserves all names that its samples can have (`x`, `x_bucket`, `x_sum`, `x_count` for a
//!   histogram in text; in protobuf all that Prometheus makes of a metric). Another family with such a name becomes `<name>_<type>` too; when that is taken,
//!   `<name>_<type>_2` and so on. Histograms and the like come first, then other typed families, then untyped.
//! - **Reserved names.** `promfetch_up`, `promfetch_scrape_…`, `promfetcher_scrape_error` and
//!   `promfetcher_scrape_external_exporter_error` of an app become `exported_<name>`.
//! - **Duplicates** of one page pass through. Those that only the merge would make (two inputs with equal labels,
//!   a label that was left out) are left out, whole metrics at a time, and counted.
//! - A stateset that gets another name, or whose name is that of an added label, is written as a gauge, since its
//!   state label no longer has its name. Of each series the first sample stays, and the others count as duplicates.
//! - **Protobuf.** A metric keeps its bytes, with all that the format does not know, and gets the labels as further
//!   fields at its end. Only labels in conflict, and the values of untyped metrics that join others, are written anew.
//!   Of the family's own message no more is kept than the format has: name, HELP, type and unit.
//!
//! [`LabelConflict`]: crate::config::LabelConflict

mod append;
mod conflicts;
mod health;
mod overlap;
mod plan;
mod rewrite;
mod source;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::config::LabelConflict;
use crate::exposition::{Format, Page};
use crate::failure::Reason;
use crate::labels::Labels;

/// One page with the labels that its samples get, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Input {
    /// All added labels, those of the configuration included.
    pub labels: Labels,
    pub page: Arc<Page>,
}

/// How to merge.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The format of the result. Inputs in another format are left out and counted.
    pub format: Format,
    pub label_conflict: LabelConflict,
}

/// How one instance or exporter did. These become the health series at the end of the page.
#[derive(Clone, Debug)]
pub struct Health {
    pub labels: Labels,
    /// The name of an external exporter; it has no series but the one of its failure.
    pub exporter: Option<Box<str>>,
    pub up: bool,
    pub duration: Duration,
    /// Samples of its page; 0 when it failed.
    pub samples: usize,
    /// Bytes of its page after decompression; 0 when none came.
    pub body_bytes: usize,
    /// Why it failed.
    pub failure: Option<Reason>,
}

/// What the merge found. All but `duplicates` are known before the first chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Pages that are in the result.
    pub inputs: usize,
    /// Pages that were left out because their format is not that of the result.
    pub skipped_inputs: usize,
    /// Families of the result, without the health series.
    pub families: usize,
    /// Samples of the result, without the health series and before duplicates are left out.
    pub samples: usize,
    /// Names on which the inputs disagreed about the type.
    pub type_conflicts: usize,
    /// Families that got another name.
    pub renamed_families: usize,
    /// Labels that got another name or were left out, counted once per page.
    pub label_conflicts: usize,
    /// Samples left out so far because the merge would have made them equal to others.
    pub duplicates: usize,
}

/// Plans the merge of `inputs` and gives the page as an iterator over its chunks, of about 64 KiB each.
///
/// `health` is one row for each instance and exporter in page order; None leaves the health series out.
/// Memory beside the inputs is a few bytes per family and input, and one chunk.
pub fn merge(inputs: Vec<Input>, health: Option<&[Health]>, options: &Options) -> Merged {
    let plan = plan::Plan::new(inputs, options);
    let health = health.map_or_else(health::Rows::default, |health| {
        health::Rows::new(health, options.format)
    });
    Merged {
        writer: write::Writer::new(plan, health, *options),
    }
}

/// A merged page under way: an iterator over its chunks. Whoever drops it half-way stops the work.
#[derive(Debug)]
pub struct Merged {
    writer: write::Writer,
}

impl Merged {
    /// What the merge found.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    /// The next family in one piece: HELP, TYPE and all its samples. The last piece of an OpenMetrics page is its
    /// `# EOF`. All pieces one after the other are the page. None at the end.
    pub fn next_family(&mut self) -> Option<Vec<u8>> {
        let mut family = Vec::new();
        while family.is_empty() {
            if !self.writer.fill_family(&mut family) {
                break;
            }
        }
        (!family.is_empty()).then_some(family)
    }

    /// What is left of the page, in one piece.
    pub fn into_bytes(mut self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.writer.size_estimate());
        while self.writer.fill(&mut page, usize::MAX) {}
        page
    }
}

impl Iterator for Merged {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut chunk = Vec::with_capacity(write::CHUNK + write::SLACK);
        while self.writer.fill(&mut chunk, write::CHUNK) && chunk.len() < write::CHUNK {}
        (!chunk.is_empty()).then(|| Bytes::from(chunk))
    }
}
