//! Metrics by chance: the same seed gives the same.

use std::collections::BTreeMap;

use super::{Bucket, Family, Kind, Metric, Metrics, Point};
use crate::oracle::{Exemplar, Native};

/// Numbers of Marsaglia's xorshift.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Any seed will do.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() >> 33) as usize % limit
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }
}

const KINDS: [Kind; 11] = [
    Kind::Counter,
    Kind::Gauge,
    Kind::Histogram,
    Kind::Summary,
    Kind::Unknown,
    Kind::BareCounter,
    Kind::GaugeHistogram,
    Kind::Info,
    Kind::StateSet,
    Kind::Native,
    Kind::NativeLoose,
];
const HELPS: [&str; 6] = [
    "Plain words.",
    "",
    "a \\ and\na new line, a \"quote\"",
    "\\n is no line feed",
    "{x=\"1\"} 5 # EOF",
    "höhere Mächte 🦀",
];
const VALUES: [&str; 14] = [
    "plain",
    "",
    " with blanks ",
    "a\"b",
    "a\\b",
    "a\nb",
    "\\n",
    "}",
    "{},=#",
    "ünï 🦀",
    "\u{7f}\t",
    "# EOF",
    "\\\\",
    "\"",
];
/// Without quotes, which Python does not read in exemplars.
const EXAMPLES: [&str; 6] = ["plain", " with blanks ", "a\\b", "a\nb", "\\n", "{},=#"];
const NUMBERS: [f64; 14] = [
    0.0,
    1.0,
    -1.5,
    0.1,
    1e300,
    5e-324,
    -0.0,
    123_456_789.0,
    9_007_199_254_740_993.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e21,
    0.000_001,
];
const UTF8: [&str; 5] = ["http.server.requests", "größe", "a b", "1st", "mit\"und\\"];

impl Metrics {
    /// About a dozen families, one of each type at least; some with names that need quotes, if those are wanted.
    pub fn random(random: &mut Random, utf8: bool) -> Self {
        let extra = random.below(4);
        let families = (0..KINDS.len() + extra).map(|number| {
            let kind = KINDS[number % KINDS.len()];
            let mut name = format!("{}_{number}", random.pick(&["http", "a:b", "X", "queue"]));
            if utf8 && random.once_in(2) {
                name = format!("{} {number}", random.pick(&UTF8));
            }
            if kind == Kind::StateSet {
                // A label has that name too: it has no colon, and with a digit escaped in front it would be reserved.
                name = name.replace(':', "_").replace("1st", "first");
            }
            let unit = (!matches!(kind, Kind::Info | Kind::StateSet) && random.once_in(3))
                .then_some("seconds");
            if let Some(unit) = unit {
                name = format!("{name}_{unit}");
            }
            let mut family = Family {
                name,
                kind,
                help: random.once_in(2).then(|| random.pick(&HELPS).to_owned()),
                unit,
                metrics: Vec::new(),
            };
            family.metrics = metrics(random, &family, utf8);
            family
        });
        Self {
            families: families.collect(),
        }
    }

    /// The same families with other values, as another instance has them.
    #[must_use]
    pub fn another(&self, random: &mut Random, utf8: bool) -> Self {
        let families = self.families.iter().map(|family| Family {
            metrics: metrics(random, family, utf8),
            ..family.clone()
        });
        Self {
            families: families.collect(),
        }
    }
}

fn metrics(random: &mut Random, family: &Family, utf8: bool) -> Vec<Metric> {
    let count = 1 + random.below(3);
    let names = if utf8 {
        &["code", "index", "le_", "größe", "service.name", "a b"][..]
    } else {
        &["code", "index", "le_", "app_name", "_x"]
    };
    (0..count)
        .map(|number| {
            let mut labels: BTreeMap<String, String> = BTreeMap::new();
            if number > 0 || random.once_in(2) {
                labels.insert("n".into(), number.to_string());
            }
            for _ in 0..random.below(3) {
                labels.insert(
                    random.pick(names).to_owned(),
                    random.pick(&VALUES).to_owned(),
                );
            }
            // Info metrics are all one group to Python: with times, or without.
            let timed = family.kind != Kind::Info && random.once_in(4);
            let has_created = matches!(
                family.kind,
                Kind::Counter
                    | Kind::BareCounter
                    | Kind::Histogram
                    | Kind::Summary
                    | Kind::Native
                    | Kind::NativeLoose
            );
            Metric {
                labels: labels.into_iter().collect(),
                timestamp: timed.then(|| time(random)),
                created: (has_created && random.once_in(3)).then(|| time(random)),
                point: point(random, family),
            }
        })
        .collect()
}

fn time(random: &mut Random) -> i64 {
    1_700_000_000_000 + random.below(1_000_000_000) as i64
}

fn exemplar(random: &mut Random, value: f64) -> Option<Exemplar> {
    random.once_in(3).then(|| {
        let mut labels = BTreeMap::new();
        for name in ["trace_id", "span_id"].iter().take(random.below(3)) {
            labels.insert((*name).to_owned(), random.pick(&EXAMPLES).to_owned() + "x");
        }
        Exemplar {
            labels,
            value,
            timestamp: random.once_in(2).then(|| time(random)),
        }
    })
}

fn point(random: &mut Random, family: &Family) -> Point {
    match family.kind {
        Kind::Counter | Kind::BareCounter => {
            let value = random.below(100_000) as f64 / 8.0;
            Point::Number(value, exemplar(random, 0.5))
        }
        Kind::Gauge | Kind::Unknown => Point::Number(random.pick(&NUMBERS), None),
        Kind::Info => Point::Number(1.0, None),
        Kind::StateSet => {
            Point::States(vec![("on", random.once_in(2)), ("a\"b", random.once_in(2))])
        }
        Kind::Summary => Point::Summary {
            quantiles: [(0.5, 0.25), (0.9, f64::NAN), (0.99, 1e9)][..random.below(4)].to_vec(),
            sum: random.below(1000) as f64 / 4.0,
            count: random.number() >> 20,
        },
        Kind::Histogram | Kind::GaugeHistogram => {
            let mut buckets = Vec::new();
            let mut count = 0;
            for bound in [0.005, 0.1, 1.0, 2.5, 1e6] {
                if random.once_in(2) {
                    count += random.below(1000) as u64;
                    let exemplar = exemplar(random, bound);
                    buckets.push(Bucket {
                        bound,
                        count,
                        exemplar,
                    });
                }
            }
            count += random.below(10) as u64;
            let exemplar = exemplar(random, 1e9);
            buckets.push(Bucket {
                bound: f64::INFINITY,
                count,
                exemplar,
            });
            let sum = random.below(100_000) as f64 / 16.0;
            // All metrics of a family have them, or none: readers may look at the first one alone.
            let native = family.name.len().is_multiple_of(2).then(|| Native {
                schema: 3,
                zero_threshold: 1e-9,
                zero_count: count as f64,
                count: count as f64,
                sum,
                ..Native::default()
            });
            Point::Histogram {
                buckets,
                sum,
                count,
                native,
            }
        }
        Kind::Native | Kind::NativeLoose => {
            let native = native(random, family.kind == Kind::NativeLoose);
            let exemplars =
                (0..random.below(3)).filter_map(|at| exemplar(random, 0.3 * (at as f64 + 1.0)));
            let exemplars = exemplars.collect();
            Point::Native(native, exemplars)
        }
    }
}

fn native(random: &mut Random, loose: bool) -> Native {
    let float = loose && random.once_in(2);
    let mut side = |least: usize, most: usize| -> BTreeMap<i32, f64> {
        (0..least + random.below(most))
            .map(|_| {
                let index = random.below(20) as i32 - 6;
                let count = 1.0 + random.below(100) as f64;
                (index, if float { count + 0.25 } else { count })
            })
            .collect()
    };
    let positive = side(usize::from(float), 7);
    let negative = if loose {
        side(usize::from(!float), 4)
    } else {
        BTreeMap::new()
    };
    let zero_count = random.below(3) as f64;
    let count = zero_count + positive.values().chain(negative.values()).sum::<f64>();
    Native {
        float,
        schema: random.below(4) as i32,
        zero_threshold: 1e-9,
        zero_count,
        count,
        sum: random.below(1000) as f64 / 4.0,
        positive,
        negative,
    }
}
