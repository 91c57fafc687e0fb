//! What made-up pages of both formats have in common: names and labels.

use crate::tape::Tape;

/// Names of labels and their values as they are written, in order.
pub(crate) type LabelSet = Vec<(String, &'static str)>;

/// How families are called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// The name tells the type, so that pages never disagree.
    ByType,
    /// Few names for all types: pages disagree about types, and names meet those that other families reserve.
    Shared,
}

const SHARED: [&str; 18] = [
    "x",
    "y",
    "x_total",
    "x_sum",
    "x_count",
    "x_bucket",
    "x_created",
    "x_info",
    "x_gauge",
    "x_unknown",
    "promfetch_up",
    "promfetch_scrape_samples",
    "exported_promfetch_up",
    "index",
    "x.y",
    "x.y_total",
    "x.y_sum",
    r#"1 \"x\" \\ \n{},=#"#,
];

/// Some are as long as a machine word or a little shorter, with `="` or without: the scan compares words.
/// Those in quotes need them or not.
const LABEL_NAMES: [&str; 26] = [
    "a",
    "b",
    "code",
    "method",
    "sevench",
    "eightchr",
    "ninechars",
    "a_label_name_that_goes_on_and_on",
    "organization_id",
    "space_id",
    "app_id",
    "organization_name",
    "space_name",
    "app_name",
    "index",
    "instance_id",
    "instance",
    "exported_index",
    r#""a""#,
    r#""index""#,
    r#""exported_index""#,
    r#""a.b""#,
    r#""eight.ch""#,
    r#""http.request.method""#,
    r#""1 \"x\" \\ \n{},=#""#,
    r#""käse""#,
];

const VALUES: [&str; 14] = [
    "",
    "1",
    "2",
    "GET",
    "/api/customers/{id}/addresses",
    "/api/customers/{id}/orders",
    "0",
    r"C:\\dir\\",
    r#"say \"so\""#,
    r"two\nlines",
    r"C:\dir\é",
    "ünïcode, {}= #",
    "} 1",
    "a value that is longer than sixteen bytes",
];

impl Names {
    /// A name for a family of the type that `word` tells.
    pub(crate) fn pick(self, tape: &mut Tape, word: &str) -> String {
        match self {
            Self::ByType => match tape.below(6) {
                4 => format!("{word}.x"),
                5 => format!("{word} {}", r#"\"x\" \\ \n{},=#"#),
                number => format!("{word}_{number}"),
            },
            Self::Shared => tape.of(&SHARED).to_owned(),
        }
    }
}

/// Whether a metric of this name must be in quotes.
pub(crate) fn needs_quotes(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
        || name.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':'))
}

/// The name in quotes, when it needs them or `always`.
pub(crate) fn quoted(name: &str, always: bool) -> String {
    if always || needs_quotes(name) {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

/// Whether two label names are the same, in quotes or not.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name| str::strip_prefix(name, '"').and_then(|rest| rest.strip_suffix('"'));
    plain(one).unwrap_or(one) == plain(other).unwrap_or(other)
}

/// Labels of the first series of a family. `taken` is a name that they must not have.
pub(crate) fn first_labels(tape: &mut Tape, taken: &str) -> LabelSet {
    let mut labels: LabelSet = Vec::new();
    for _ in 0..tape.below(5) {
        let name = tape.of(&LABEL_NAMES);
        if !is_same(name, taken) && labels.iter().all(|(known, _)| !is_same(known, name)) {
            labels.push((name.to_owned(), value(tape)));
        }
    }
    labels
}

/// Labels that are like those of the series before, as on real pages. The label `n` keeps series apart, whatever
/// becomes of the other labels.
pub(crate) fn next_labels(tape: &mut Tape, before: &LabelSet, taken: &str) -> LabelSet {
    const NUMBERS: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let mut labels = before.clone();
    let mut number = 0;
    if let Some(at) = labels.iter().position(|(name, _)| name == "n") {
        let (_, old) = labels.remove(at);
        number = NUMBERS.iter().position(|known| *known == old).unwrap_or(0) + 1;
    }
    let at = tape.below(labels.len() + 1);
    match tape.below(4) {
        1 if at < labels.len() => labels[at].1 = value(tape),
        2 if at < labels.len() => drop(labels.remove(at)),
        3 => {
            let name = tape.of(&LABEL_NAMES);
            if !is_same(name, taken) && labels.iter().all(|(known, _)| !is_same(known, name)) {
                labels.insert(at, (name.to_owned(), value(tape)));
            }
        }
        _ => {}
    }
    let place = labels.len() - tape.below(labels.len() + 1);
    labels.insert(place, ("n".to_owned(), NUMBERS[number % NUMBERS.len()]));
    labels
}

/// These labels with one more, mostly at the end.
pub(crate) fn with(
    tape: &mut Tape,
    labels: &LabelSet,
    name: &str,
    value: &'static str,
) -> LabelSet {
    let mut labels = labels.clone();
    let place = if tape.rarely(6) { 0 } else { labels.len() };
    labels.insert(place, (name.to_owned(), value));
    labels
}

fn value(tape: &mut Tape) -> &'static str {
    VALUES[tape.below(VALUES.len())]
}

/// `a="1",b="2"`
pub(crate) fn plain(labels: &LabelSet) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    pairs.join(",")
}
