//! Merges of real pages as they should be, byte by byte: `tests/corpus/expected`. `UPDATE=1` writes them anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Page};
use promfetch_core::failure::Reason;
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Health, Input, Merged, Options, merge};

use crate::LIMITS;
use crate::corpus::files;

/// Two instances that both have this page.
fn merged(page: &Arc<Page>, format: Format, health: Option<&[Health]>) -> Merged {
    let inputs = ["0", "1"].map(|index| Input {
        labels: Labels::from_iter([("index", index), ("app_name", "shop")]),
        page: page.clone(),
    });
    let options = Options {
        format,
        label_conflict: LabelConflict::Export,
    };
    merge(inputs.into(), health, &options)
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
            let merged: Vec<u8> = merged(&Arc::new(page), format, None).flatten().collect();
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

#[test]
fn families_one_by_one_are_the_page() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let health = ["0", "1"].map(|index| Health {
        labels: Labels::from_iter([("index", index)]),
        exporter: None,
        up: index == "0",
        duration: Duration::from_millis(5),
        samples: 1,
        body_bytes: 100,
        failure: (index == "1").then_some(Reason::Timeout),
    });
    for (file, format) in files(&corpus) {
        let body = std::fs::read(&file).unwrap();
        let page = Arc::new(Page::scan(body.into(), format, &LIMITS).unwrap());
        for health in [None, Some(&health[..])] {
            let whole = merged(&page, format, health).into_bytes();
            let mut one_by_one = merged(&page, format, health);
            let mut pieces = Vec::new();
            while let Some(piece) = one_by_one.next_family() {
                pieces.push(piece);
            }
            let name = file.display();
            assert_eq!(pieces.concat(), whole, "{name}");
            if format != Format::Protobuf {
                let types = |piece: &Vec<u8>| {
                    piece
                        .split(|byte| *byte == b'\n')
                        .filter(|line| line.starts_with(b"# TYPE "))
                        .count()
                };
                let end = usize::from(format == Format::OpenMetrics);
                let (families, last) = pieces.split_at(pieces.len() - end);
                assert!(
                    families.iter().all(|piece| types(piece) == 1),
                    "{name}: one family each"
                );
                assert!(
                    last.iter().all(|piece| piece == b"# EOF\n"),
                    "{name}: the end"
                );
            }
        }
    }
}
