//! Pages in one format become pages in another: what becomes of each type, and that nothing is lost.

use promfetch_core::exposition::{Dialect, Format, Limits, Page};

mod from_protobuf;
mod limits;
mod lines;
mod messages;
mod names;
mod protobuf;
mod series;
mod to_protobuf;

/// The messages; how they are encoded is prost's business.
#[allow(dead_code, reason = "tests need not use every field")]
#[path = "../../src/exposition/protobuf/model.rs"]
mod model;

#[path = "../merge/families.rs"]
mod families;
#[path = "../merge/openmetrics.rs"]
mod openmetrics;
#[path = "../merge/reader.rs"]
mod reader;
#[path = "../merge/tape.rs"]
mod tape;
#[path = "../merge/text.rs"]
mod text;

mod made_up;

const LIMITS: Limits = Limits {
    max_samples: 100_000,
    max_line: 64 << 10,
};

/// The page, which must be good.
fn good(body: &[u8], format: Format) -> Page {
    match Page::scan(body.to_vec().into(), format, &LIMITS) {
        Ok(page) => page,
        Err(error) => panic!(
            "{error}\n---- the page ----\n{}",
            String::from_utf8_lossy(body)
        ),
    }
}

/// The page in another dialect, which must be good too.
fn convert(page: &Page, to: Dialect) -> Page {
    match page.convert(to, &LIMITS) {
        Ok(converted) => converted,
        Err(error) => panic!(
            "{error}\n---- the page, to {to:?} ----\n{}",
            match page.format() {
                Format::Protobuf => messages::show(page.body()),
                _ => text_of(page).to_owned(),
            }
        ),
    }
}

/// The text of a page of lines.
fn text_of(page: &Page) -> &str {
    std::str::from_utf8(page.body()).expect("lines are UTF-8")
}
