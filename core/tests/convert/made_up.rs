//! What holds for the conversion of any good page, made up or from `tests/corpus`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use promfetch_core::exposition::{Dialect, Escaping, Format, MetricType, Page};
use proptest::prelude::*;

use crate::families::Names;
use crate::series::{Series, series};
use crate::tape::{Tape, tape};
use crate::{convert, good, openmetrics, protobuf, text};

const FORMATS: [Format; 3] = [Format::Text, Format::OpenMetrics, Format::Protobuf];

fn made_up(tape: &mut Tape, format: Format, names: Names) -> Page {
    let body = match format {
        Format::Text => text::page(tape, names).into_bytes(),
        Format::OpenMetrics => openmetrics::page(tape, names).into_bytes(),
        _ => protobuf::page(tape, names),
    };
    good(&body, format)
}

/// Any good page.
fn page() -> impl Strategy<Value = Page> {
    let format = prop::sample::select(FORMATS.to_vec());
    (format, any::<bool>(), tape(200)).prop_map(|(format, by_type, mut tape)| {
        let names = if by_type {
            Names::ByType
        } else {
            Names::Shared
        };
        made_up(&mut tape, format, names)
    })
}

fn shown(page: &Page) -> String {
    match page.format() {
        Format::Protobuf => crate::messages::show(page.body()),
        _ => crate::text_of(page).to_owned(),
    }
}

fn to(page: &Page, format: Format) -> Page {
    let any_name = Dialect {
        escaping: Some(Escaping::AllowUtf8),
        ..Dialect::plain(format)
    };
    convert(page, any_name)
}

/// The series that must be there after a conversion.
fn expected(source: &Page, target: Format) -> Vec<Series> {
    let mut series = series(source);
    if source.format() == target {
        return series;
    }
    match target {
        Format::Text => series.retain(|one| one.time.is_none_or(|time| time >= 0)),
        // What is said with and without a time counts without.
        Format::OpenMetrics => {
            let key = |one: &Series| (one.name.clone(), one.labels.clone());
            let present: BTreeSet<_> = series
                .iter()
                .filter(|one| one.time.is_none())
                .map(key)
                .collect();
            series.retain(|one| one.time.is_none() || !present.contains(&key(one)));
        }
        _ => {}
    }
    series
}

/// Checks that `found` has all of `want`, and beside it only counts of histograms and buckets for all.
fn check(found: &[Series], want: &[Series]) -> Result<(), String> {
    let mut left: BTreeMap<&Series, usize> = BTreeMap::new();
    for one in found {
        *left.entry(one).or_default() += 1;
    }
    for one in want {
        match left.get_mut(one) {
            Some(count) if *count > 0 => *count -= 1,
            _ => return Err(format!("not there: {one:?}")),
        }
    }
    left.retain(|_, count| *count > 0);
    let added = |one: &Series| {
        one.name.ends_with("_count")
            || (one.name.ends_with("_bucket")
                && one.labels.get("le").is_some_and(|bound| bound == "inf"))
    };
    match left.keys().find(|one| !added(one)) {
        Some(one) => Err(format!("nobody said this: {one:?}")),
        None => Ok(()),
    }
}

/// Checks all that holds for the conversion of a page.
fn check_all(page: &Page) -> Result<(), String> {
    // What native histograms become is a matter of tables: from here on they are classic.
    let classic = to(page, Format::Text);
    for first in [page, &classic] {
        for format in FORMATS {
            let second = to(first, format);
            let want = expected(first, format);
            let place = format!("{:?} to {format:?}", first.format());
            if first.format() != Format::Protobuf {
                check(&series(&second), &want).map_err(|why| format!("{place}: {why}"))?;
            }
            for again in FORMATS {
                let third = to(&second, again);
                if second.format() != Format::Protobuf || first.format() != Format::Protobuf {
                    let want = expected(&second, again);
                    check(&series(&third), &want)
                        .map_err(|why| format!("{place} to {again:?}: {why}"))?;
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_page_can_be_said_in_every_format_and_series_stay(page in page()) {
        if let Err(why) = check_all(&page) {
            prop_assert!(false, "{}\n{}", why, shown(&page));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_name_can_be_escaped_and_series_stay_apart(page in page()) {
        for format in FORMATS {
            let want = BTreeSet::from_iter(series(&to(&page, format)));
            for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                let dialect = Dialect {
                    escaping: Some(escaping),
                    ..Dialect::plain(format)
                };
                let escaped = convert(&page, dialect);
                prop_assert!(escaped.fits(dialect), "{}", shown(&escaped));
                let found = BTreeSet::from_iter(series(&escaped));
                // Otherwise there may be some bucket for all more or less, since other names meet.
                if page.format() == format {
                    prop_assert_eq!(found.len(), want.len(), "{:?}\n{}", escaping, shown(&escaped));
                }
            }
        }
    }
}

/// Pages that real programs print keep their types too.
#[test]
fn real_pages_keep_series_and_types() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => Format::Text,
            Some("om") => Format::OpenMetrics,
            _ => continue,
        };
        let page = good(&std::fs::read(&path).unwrap(), format);
        if let Err(why) = check_all(&page) {
            panic!("{}: {why}", path.display());
        }
        pages += 1;
        // Protobuf has no families without samples.
        let kept = |page: &Page, kind| {
            let families = page.families();
            families
                .filter(|family| family.kind() == kind && family.samples() > 0)
                .count()
        };
        // The first is made up of sloppy lines; the second says quantiles in percent, which OpenMetrics has not.
        let goes_loose = path.ends_with("sloppy.txt") || path.ends_with("redis_exporter.txt");
        for target in FORMATS {
            let converted = to(&page, target);
            for kind in [MetricType::Histogram, MetricType::Summary] {
                assert!(
                    kept(&converted, kind) >= kept(&page, kind) || goes_loose,
                    "{}: {kind:?} in {target:?}",
                    path.display()
                );
            }
        }
    }
    assert!(pages > 9);
}
