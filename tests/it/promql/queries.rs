//! Queries of the subset by chance.

use promfetch_tests::pages::Random;

const COUNTERS: [&str; 3] = ["requests_total", "seconds_sum", "seconds_count"];
const GAUGES: [&str; 2] = ["in_flight", "odd"];
const FUNCTIONS: [&str; 7] = [
    "rate",
    "increase",
    "delta",
    "avg_over_time",
    "max_over_time",
    "min_over_time",
    "sum_over_time",
];
const AGGREGATIONS: [&str; 5] = ["sum", "avg", "min", "max", "count"];
const OPERATORS: [&str; 6] = ["+", "-", "*", "/", "%", "^"];
const RANGES: [&str; 10] = [
    "1ms", "10s", "20s", "1m", "60001ms", "1m30s", "5m", "10m", "1h", "1d",
];
const NUMBERS: [&str; 14] = [
    "2",
    "0.5",
    "3",
    "10",
    "1e3",
    "0",
    "0x10",
    "-1.5",
    "(1 + 2) * 3",
    "2 ^ 3 ^ 0.5",
    "-2 ^ 2",
    "7 % 4",
    "Inf",
    "NaN",
];
const MATCHERS: [&str; 14] = [
    "app_name=\"web\"",
    "app_name=\"web\"",
    "app_name=\"none\"",
    "app_name!=\"web\"",
    "app_name=~\"web|api\"",
    "app_name=~\"w.*\"",
    "app_name=~\"we\"",
    "app_name!~\".*b\"",
    "zone=\"\"",
    "zone!=\"\"",
    "zone=~\".+\"",
    "instance_index=~\"[0-2]\"",
    "code!~\"5[0-9]{2}\"",
    "code=\"200\"",
];
const GROUPINGS: [&str; 8] = [
    "",
    "",
    "by (app_name)",
    "by (app_name, zone)",
    "by ()",
    "by (zone, code)",
    "without (instance_index)",
    "without ()",
];

/// What is in a query for each construct, to see that all of them came up.
pub(super) fn constructs() -> impl Iterator<Item = &'static str> {
    FUNCTIONS
        .into_iter()
        .chain(AGGREGATIONS)
        .chain(OPERATORS)
        .chain([
            "by (",
            "without (",
            "=~",
            "!~",
            "!=",
            "[1ms]",
            "[1d]",
            "zone=\"\"",
            "odd",
        ])
}

/// Without remainders of powers: a power's last bit, in which libraries differ, may be all that a remainder is made of.
pub(super) fn query(random: &mut Random) -> String {
    loop {
        let query = any_query(random);
        if !(query.contains('^') && query.contains('%')) {
            return query;
        }
    }
}

fn any_query(random: &mut Random) -> String {
    match random.below(10) {
        0..3 => series(random, 2),
        3..8 => aggregates(random, 2),
        _ => {
            // What is divided must have partners more often than chance gives it.
            let grouping = random.pick(&GROUPINGS);
            let left = aggregate(random, grouping);
            let right = aggregate(random, grouping);
            format!("{left} {} {right}", random.pick(&OPERATORS))
        }
    }
}

fn selector(random: &mut Random, names: &[&str]) -> String {
    let mut matchers: Vec<&str> = (0..random.below(3))
        .map(|_| random.pick(&MATCHERS))
        .collect();
    let name = random.pick(names);
    if random.once_in(8) {
        let name = format!("__name__=\"{name}\"");
        matchers.insert(random.below(matchers.len() + 1), &name);
        return format!("{{{}}}", matchers.join(", "));
    }
    if matchers.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", matchers.join(","))
}

/// Not aggregated.
fn series(random: &mut Random, depth: usize) -> String {
    let all = [&COUNTERS[..], &GAUGES[..]].concat();
    match random.below(if depth > 0 { 10 } else { 6 }) {
        0 | 1 => selector(random, &all),
        2..6 => {
            let function = random.pick(&FUNCTIONS);
            let gauges_too = random.once_in(4);
            let selector = selector(random, if gauges_too { &all } else { &COUNTERS });
            format!("{function}({selector}[{}])", random.pick(&RANGES))
        }
        6 => format!("-{}", series(random, depth - 1)),
        7 => format!("({})", series(random, depth - 1)),
        _ => {
            let inner = series(random, depth - 1);
            with_number(random, &inner)
        }
    }
}

fn aggregate(random: &mut Random, grouping: &str) -> String {
    let aggregation = random.pick(&AGGREGATIONS);
    let inner = series(random, 1);
    if random.once_in(2) {
        format!("{aggregation} {grouping} ({inner})")
    } else {
        format!("{aggregation}({inner}) {grouping}")
    }
}

fn aggregates(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 0 { 10 } else { 5 }) {
        0..5 => {
            let grouping = random.pick(&GROUPINGS);
            aggregate(random, grouping)
        }
        5 => format!("-{}", aggregates(random, depth - 1)),
        6 => format!("({})", aggregates(random, depth - 1)),
        7 => {
            let left = aggregates(random, depth - 1);
            let right = aggregates(random, depth - 1);
            format!("{left} {} {right}", random.pick(&OPERATORS))
        }
        _ => {
            let inner = aggregates(random, depth - 1);
            with_number(random, &inner)
        }
    }
}

fn with_number(random: &mut Random, inner: &str) -> String {
    let (operator, number) = (random.pick(&OPERATORS), random.pick(&NUMBERS));
    if random.once_in(2) {
        format!("{number} {operator} {inner}")
    } else {
        format!("{inner} {operator} {number}")
    }
}
