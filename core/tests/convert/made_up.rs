//! What holds for the conversion of any good page.

use promfetch_core::exposition::{Dialect, Format, Page};
use proptest::prelude::*;

use crate::families::Names;
use crate::tape::tape;
use crate::{convert, good, openmetrics, text};

/// Any good page of lines.
fn page() -> impl Strategy<Value = Page> {
    (any::<bool>(), any::<bool>(), tape(200)).prop_map(|(is_text, by_type, mut tape)| {
        let names = if by_type {
            Names::ByType
        } else {
            Names::Shared
        };
        match is_text {
            true => good(text::page(&mut tape, names).as_bytes(), Format::Text),
            false => good(
                openmetrics::page(&mut tape, names).as_bytes(),
                Format::OpenMetrics,
            ),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_page_can_be_said_in_every_format(page in page()) {
        for format in [Format::Text, Format::OpenMetrics] {
            convert(&page, Dialect::plain(format));
        }
    }
}
