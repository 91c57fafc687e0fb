//! Properties of scan and merge: pages that are made up, pages that are spoiled, pages that real programs print.

use std::sync::Arc;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Limits, Page, ScanError};
use promfetch_core::labels::{INSTANCE_LABELS, Labels};
use promfetch_core::merge::{Input, Merged, Options, merge};

mod corpus;
mod families;
mod lenient;
mod merged;
mod openmetrics;
mod protobuf;
mod quoted;
mod reader;
mod spoiled;
mod spoiler;
mod tape;
mod text;

const LIMITS: Limits = Limits {
    max_samples: 100_000,
    max_line: 64 << 10,
};

fn scan(body: impl Into<Vec<u8>>, format: Format) -> Result<Page, ScanError> {
    Page::scan(body.into().into(), format, &LIMITS)
}

/// The page, which must be good.
fn good(body: &str, format: Format) -> Arc<Page> {
    match scan(body, format) {
        Ok(page) => Arc::new(page),
        Err(error) => panic!("{error}\n---- the page ----\n{body}"),
    }
}

/// The labels of the instance with this index.
fn instance(index: usize) -> Labels {
    Labels::from_iter(INSTANCE_LABELS.map(|name| match name {
        "index" | "instance_id" => (name, index.to_string()),
        "instance" => (name, format!("10.0.0.{index}:61001")),
        _ => (name, format!("the \"{name}\"")),
    }))
}

/// The merged page of these, which have the instances' labels in order.
fn merge_pages(pages: &[Arc<Page>], format: Format) -> String {
    merge_counted(pages, format).0
}

/// The same, with the number of samples that were left out as duplicates.
fn merge_counted(pages: &[Arc<Page>], format: Format) -> (String, usize) {
    let inputs = pages.iter().enumerate().map(|(index, page)| Input {
        labels: instance(index),
        page: page.clone(),
    });
    let options = Options {
        format,
        label_conflict: LabelConflict::Export,
    };
    read_chunks(merge(inputs.collect(), None, &options))
}

fn read_chunks(mut merged: Merged) -> (String, usize) {
    let mut page = Vec::new();
    for chunk in merged.by_ref() {
        page.extend_from_slice(&chunk);
    }
    let page = String::from_utf8(page).expect("merged pages are UTF-8");
    (page, merged.stats().duplicates)
}
