//! Pages of every format, merged into every format, read by parsers that are not ours.

mod http;
mod merge;
mod names;
mod negotiation;

use std::process::Command;

use promfetch_tests::oracle::{Format, Series};
use promfetch_tests::pages::{Metrics, Random};
use promfetch_tests::promfetch;

/// How many random sets of metrics: more by `FORMATS_SEEDS`, others from `FORMATS_FROM` on.
fn seeds() -> std::ops::Range<u64> {
    let number = |name, default| {
        std::env::var(name)
            .ok()
            .map_or(default, |value| value.parse().expect("a number"))
    };
    let from = number("FORMATS_FROM", 0);
    from..from + number("FORMATS_SEEDS", 6)
}

/// The same app on several instances: the same families with other values.
fn instances(seed: u64, count: usize, utf8: bool) -> Vec<Metrics> {
    let mut random = Random::new(seed);
    let first = Metrics::random(&mut random, utf8);
    let mut all = vec![first];
    while all.len() < count {
        all.push(all[0].another(&mut random, utf8));
    }
    all
}

/// `promfetch merge` of pages in these formats, and the series that the page must have.
fn merged(
    sources: &[(Format, &Metrics)],
    target: Format,
    options: &[&str],
) -> (Vec<u8>, Vec<Series>) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(promfetch::binary());
    command
        .args(["merge", "--format", target.word()])
        .args(options);
    for (number, (format, metrics)) in sources.iter().enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, metrics.page(*format)).unwrap();
        command.arg(file);
        for (name, value) in labels(&number.to_string()) {
            command.arg("--label").arg(format!("{name}={value}"));
        }
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{} of {:?}: {}\n{}",
        target.word(),
        sources
            .iter()
            .map(|(format, _)| *format)
            .collect::<Vec<_>>(),
        String::from_utf8_lossy(&output.stderr),
        sources
            .iter()
            .map(|(format, metrics)| String::from_utf8_lossy(&metrics.page(*format)).into_owned())
            .collect::<String>()
    );
    (output.stdout, wanted(sources, target))
}

/// The series that the page of these must have.
fn wanted(sources: &[(Format, &Metrics)], target: Format) -> Vec<Series> {
    let all = sources.iter().enumerate();
    all.flat_map(|(number, (format, metrics))| {
        metrics.series(*format, target, &labels(&number.to_string()))
    })
    .collect()
}

/// What is added to the page with this number: `index` and `app_name` are labels that some series have of their own.
fn labels(number: &str) -> [(&str, &str); 2] {
    [("index", number), ("app_name", "shop \"1\"")]
}
