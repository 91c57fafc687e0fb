use promfetch_tests::check;
use promfetch_tests::oracle::{self, Format};
use promfetch_tests::pages::Metrics;

use super::{instances, merged, seeds};

#[test]
fn each_format_becomes_each_other_one() {
    for target in Format::ALL {
        let mut pages = Vec::new();
        for seed in seeds() {
            let metrics = instances(seed, 2, false);
            for source in Format::ALL {
                let sources: Vec<_> = metrics.iter().map(|metrics| (source, metrics)).collect();
                let (page, want) = merged(&sources, target, &[]);
                pages.push((format!("seed {seed}, from {source:?}"), page, want));
            }
        }
        oracle::judge(target, &pages);
        if target == Format::Text {
            for (what, page, _) in &pages {
                check::text(page).unwrap_or_else(|problem| panic!("{what}: {problem}"));
            }
        }
    }
}

#[test]
fn instances_of_all_formats_become_one_page() {
    for target in Format::ALL {
        let mut pages = Vec::new();
        for seed in seeds() {
            // Native buckets beside classic ones are only in some of them.
            let metrics = instances(seed + 1000, 3, false);
            let metrics: Vec<_> = metrics.iter().map(Metrics::classic).collect();
            // Each of them is the first once.
            for first in 0..3 {
                let format = |at: usize| Format::ALL[(first + at) % 3];
                let sources: Vec<_> = metrics
                    .iter()
                    .enumerate()
                    .map(|(at, metrics)| (format(at), metrics))
                    .collect();
                let (page, mut want) = merged(&sources, target, &[]);
                for series in &mut want {
                    // One family has one unit for all, which text does not know.
                    if series.unit.is_empty() && series.name.contains("_seconds") {
                        series.unit = unit_in(target, series);
                    }
                }
                pages.push((format!("seed {seed}, {:?} first", format(0)), page, want));
            }
        }
        oracle::judge(target, &pages);
    }
}

/// The unit that the family of this series has once pages of other formats are beside it.
fn unit_in(target: Format, series: &oracle::Series) -> String {
    let apart = series.kind == "gauge" && series.name.ends_with("_created");
    let loose = series.kind == "unknown" && !series.name.ends_with("_seconds");
    if target == Format::Text || apart || loose {
        ""
    } else {
        "seconds"
    }
    .into()
}
