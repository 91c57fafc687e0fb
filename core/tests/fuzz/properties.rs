//! What must hold for every page.

use std::sync::Arc;

use bytes::Bytes;
use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Dialect, Escaping, Format, Limits, Page, ScanErrorKind, Version};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

use crate::corpus::{Corpus, FORMATS};
use crate::mutate;
use crate::random::Random;

const LIMITS: Limits = Limits {
    max_samples: 50_000,
    max_line: 64 << 10,
};

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) converted: u64,
}

impl Counts {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            refused: self.refused + other.refused,
            converted: self.converted + other.converted,
        }
    }
}

/// Scans a page and, if it is good, does with it all that can be done.
pub(crate) fn check(
    random: &mut Random,
    corpus: &Corpus,
    body: &[u8],
    format: Format,
    counts: &mut Counts,
) -> Result<(), String> {
    let Some(page) = scan(body, format) else {
        counts.refused += 1;
        return Ok(());
    };
    counts.accepted += 1;
    // Another one beside it, if there is one that is good.
    let (other, other_format) = mutate::page(random, corpus);
    let other = scan(&other, other_format).unwrap_or_else(|| page.clone());
    merged(&[&page, &page], format, "merged with itself")?;
    let dialect = any_dialect(random);
    let mut pages = Vec::new();
    for page in [&page, &other] {
        if page.fits(dialect) {
            pages.push(page.clone());
            continue;
        }
        match page.convert(dialect, &LIMITS) {
            Ok(converted) => {
                counts.converted += 1;
                if !converted.fits(dialect) {
                    return Err(format!("converted to {dialect:?} it does not fit it"));
                }
                pages.push(Arc::new(converted));
            }
            // A native histogram can become many samples.
            Err(error) if error.kind == ScanErrorKind::TooLarge => return Ok(()),
            Err(error) => return Err(format!("cannot be converted to {dialect:?}: {error}")),
        }
    }
    let pages: Vec<_> = pages.iter().collect();
    merged(
        &pages,
        dialect.format,
        &format!("merged as {dialect:?} with a page of {other_format:?}"),
    )
}

fn any_dialect(random: &mut Random) -> Dialect {
    let format = *random.pick(&FORMATS);
    let escapings = [
        Escaping::AllowUtf8,
        Escaping::Underscores,
        Escaping::Dots,
        Escaping::Values,
    ];
    Dialect {
        version: (format != Format::Protobuf).then_some(Version::V1_0_0),
        escaping: Some(*random.pick(&escapings)),
        ..Dialect::plain(format)
    }
}

fn scan(body: &[u8], format: Format) -> Option<Arc<Page>> {
    let page = Page::scan(Bytes::copy_from_slice(body), format, &LIMITS);
    page.ok().map(Arc::new)
}

/// The merged page is scanned as strictly as any other, and has all samples but the duplicates.
fn merged(pages: &[&Arc<Page>], format: Format, what: &str) -> Result<(), String> {
    let inputs = pages.iter().enumerate().map(|(index, page)| Input {
        labels: Labels::from_iter([
            ("index", index.to_string()),
            ("app_name", "a \"b\"\\\n".to_owned()),
        ]),
        page: Arc::clone(page),
    });
    let options = Options {
        format,
        label_conflict: LabelConflict::Export,
    };
    let mut merged = merge(inputs.collect(), None, &options);
    let mut body = Vec::new();
    for chunk in merged.by_ref() {
        body.extend_from_slice(&chunk);
    }
    let duplicates = merged.stats().duplicates;
    let again = Page::scan(body.clone().into(), format, &LIMITS).map_err(|error| {
        let body = String::from_utf8_lossy(&body);
        format!("{what}: {error}\n---- the merged page ----\n{body}")
    })?;
    let samples: usize = pages.iter().map(|page| page.samples()).sum();
    if again.samples() + duplicates != samples {
        return Err(format!(
            "{what}: {} samples and {duplicates} duplicates of {samples}",
            again.samples()
        ));
    }
    Ok(())
}
