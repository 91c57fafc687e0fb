use std::collections::HashMap;

use promfetch_tests::oracle::{self, Format};
use promfetch_tests::pages::Metrics;

use super::{instances, merged, seeds, wanted};

#[test]
fn names_of_any_characters_stay() {
    for target in Format::ALL {
        let mut pages = Vec::new();
        for seed in seeds() {
            let metrics = instances(seed + 2000, 2, true);
            for source in Format::ALL {
                let sources: Vec<_> = metrics.iter().map(|metrics| (source, metrics)).collect();
                let (page, want) = merged(&sources, target, &["--escaping", "allow-utf-8"]);
                pages.push((format!("seed {seed}, from {source:?}"), page, want));
            }
        }
        oracle::judge(target, &pages);
    }
}

#[test]
fn names_are_escaped_as_go_does_it() {
    for scheme in ["underscores", "dots", "values"] {
        for target in Format::ALL {
            let mut pages = Vec::new();
            for seed in seeds() {
                let metrics = instances(seed + 3000, 2, true);
                let renamed: Vec<_> = metrics
                    .iter()
                    .map(|metrics| escaped(metrics, scheme))
                    .collect();
                for source in Format::ALL {
                    let sources: Vec<_> = metrics.iter().map(|metrics| (source, metrics)).collect();
                    let (page, _) = merged(&sources, target, &["--escaping", scheme]);
                    let sources: Vec<_> = renamed.iter().map(|metrics| (source, metrics)).collect();
                    let want = wanted(&sources, target);
                    pages.push((
                        format!("seed {seed}, from {source:?}, {scheme}"),
                        page,
                        want,
                    ));
                }
            }
            oracle::judge(target, &pages);
        }
    }
}

/// The same metrics with names that Go's library has made.
fn escaped(metrics: &Metrics, scheme: &str) -> Metrics {
    let names = metrics.names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let escaped = oracle::escaped(scheme, &names);
    let names: HashMap<&str, &String> = names.iter().copied().zip(&escaped).collect();
    metrics.renamed(|name| names[name].clone())
}
