//! Merges of real pages as they should be, byte by byte: `tests/corpus/expected`. `UPDATE=1` writes them anew.

use std::path::PathBuf;
use std::sync::Arc;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

use crate::LIMITS;
use crate::corpus::files;

/// Two instances that both have this page.
fn merged(page: &Arc<Page>, format: Format) -> Vec<u8> {
    let inputs = ["0", "1"].map(|index| Input {
        labels: Labels::from_iter([("index", index), ("app_name", "shop")]),
        page: page.clone(),
    });
    let options = Options {
        format,
        label_conflict: LabelConflict::Export,
    };
    merge(inputs.into(), None, &options).flatten().collect()
}

#[test]
fn merges_of_real_pages_are_as_they_were() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for folder in [corpus.clone(), corpus.join("utf8")] {
        for (file, format) in files(&folder) {
            let body = std::fs::read(&file).unwrap();
            let page = Page::scan(body.into(), format, &LIMITS)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let merged = merged(&Arc::new(page), format);
            let expected = corpus
                .join("expected")
                .join(file.strip_prefix(&corpus).unwrap());
            if update {
                std::fs::create_dir_all(expected.parent().unwrap()).unwrap();
                std::fs::write(&expected, merged).unwrap();
            } else if std::fs::read(&expected).ok() != Some(merged) {
                wrong.push(expected);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "`UPDATE=1 cargo test -p promfetch-core --test merge golden` writes them anew: {wrong:#?}"
    );
}
