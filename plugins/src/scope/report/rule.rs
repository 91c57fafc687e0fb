//! Rules that make metrics of Scope out of an instance's series.

use promfetch_core::config::reader::At;
use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr};

use crate::sample::Sample;

/// Most rules.
pub(super) const MAX_RULES: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Average,
    Minimum,
    Maximum,
}

/// One metric in Scope.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) label: String,
    /// As Scope has it: nothing for a plain number.
    pub(super) format: &'static str,
    pub(super) priority: f64,
    pub(super) max: Option<f64>,
    pub(super) aggregate: Aggregate,
    pub(super) is_rate: bool,
    series: Series,
}

/// A metric's name with matchers.
#[derive(Clone, Debug)]
struct Series {
    name: String,
    matchers: Vec<Matcher>,
}

/// Reads a finite number: Scope's JSON has no others.
pub(in crate::scope) fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("expected a number".into()),
    }
}

/// Whether a rule can pick series by this.
pub(in crate::scope) fn check_series(text: &str) -> Result<(), String> {
    Series::parse(text).map(drop)
}

impl Series {
    fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected a metric's name, with matchers if wanted: `http_requests_total{code=~\"5..\"}`";
        match parser::parse(text) {
            Ok(Expr::VectorSelector(selector)) => match selector.name {
                Some(name)
                    if selector.offset.is_none()
                        && selector.at.is_none()
                        && selector.matchers.or_matchers.is_empty() =>
                {
                    Ok(Self {
                        name,
                        matchers: selector.matchers.matchers,
                    })
                }
                _ => Err(expected.into()),
            },
            Ok(_) => Err(format!(
                "{expected}; `aggregate` and `rate` say what is made of the series"
            )),
            Err(error) => Err(format!("{expected}: {error}")),
        }
    }
}

impl Rule {
    /// Reads a rule. What is wrong is left as a problem; then there is none.
    pub(super) fn read(at: &At<'_>) -> Option<Self> {
        let id = at.text("id");
        let label = at.text_if_any("label").unwrap_or_else(|| id.clone());
        let priority = number(&at.text("priority"));
        let max = at.text_if_any("max").map(|text| number(&text));
        // Everything is read before anything is given up, so that all problems are told.
        let series = Series::parse(&at.text("series"));
        let is_rate = at.boolean("rate");
        let aggregate = match at.text("aggregate").as_str() {
            "avg" => Aggregate::Average,
            "min" => Aggregate::Minimum,
            "max" => Aggregate::Maximum,
            _ => Aggregate::Sum,
        };
        let format = match at.text("format").as_str() {
            "filesize" => "filesize",
            "integer" => "integer",
            "percent" => "percent",
            _ => "",
        };
        Some(Self {
            id,
            label,
            format,
            priority: priority.ok()?,
            max: max.transpose().ok()?,
            aggregate,
            is_rate,
            series: series.ok()?,
        })
    }

    /// The name of its samples.
    pub(super) fn name(&self) -> &str {
        &self.series.name
    }

    /// Whether the sample counts. A label that is not there is empty, as in PromQL.
    pub(super) fn takes(&self, sample: &Sample) -> bool {
        *sample.name == *self.series.name
            && self.series.matchers.iter().all(|matcher| {
                let value = sample.labels.get(matcher.name.as_str());
                matcher.is_match(value.map_or("", |value| value))
            })
    }

    /// One value of many; nothing of none, and nothing that is no number in JSON.
    pub(super) fn aggregate(&self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let (mut count, mut result) = (0_u32, 0.0);
        for value in values.filter(|value| value.is_finite()) {
            result = match (count, self.aggregate) {
                (0, _) => value,
                (_, Aggregate::Sum | Aggregate::Average) => result + value,
                (_, Aggregate::Minimum) => value.min(result),
                (_, Aggregate::Maximum) => value.max(result),
            };
            count += 1;
        }
        if self.aggregate == Aggregate::Average {
            result /= f64::from(count);
        }
        (count > 0 && result.is_finite()).then_some(result)
    }

    /// A rule for tests: `id` and `series`.
    #[cfg(test)]
    pub(super) fn example(series: &str, aggregate: Aggregate, is_rate: bool) -> Self {
        Self {
            id: "id".into(),
            label: "Label".into(),
            format: "",
            priority: 10.0,
            max: None,
            aggregate,
            is_rate,
            series: Series::parse(series).unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use promfetch_core::exposition::MetricType;

    use super::*;
    use crate::sample::LabelSet;

    #[test]
    fn series_are_a_name_and_matchers() {
        for (text, fits, why) in [
            ("a", true, "a name"),
            ("a{}", true, "no matcher"),
            ("a{x=\"1\",y!=\"\",z=~\"a|b\",w!~\"c\"}", true, "all kinds"),
            ("a:b_total", true, "a recording rule"),
            ("", false, "nothing"),
            ("{x=\"1\"}", false, "no name"),
            ("rate(a[5m])", false, "a function"),
            ("a[5m]", false, "a range"),
            ("a offset 5m", false, "another time"),
            ("a @ 5", false, "another time"),
            ("a{x=\"1\" or x=\"2\"}", false, "alternatives"),
            ("a{x=~\"(\"}", false, "no regular expression"),
            ("a b", false, "two words"),
        ] {
            let checked = check_series(text);
            assert_eq!(checked.is_ok(), fits, "{why}: {checked:?}");
        }
    }

    #[test]
    fn samples_are_taken_as_in_promql() {
        let sample = |name: &str, labels: &[(&str, &str)]| Sample {
            name: name.into(),
            kind: MetricType::Gauge,
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect::<LabelSet>(),
            value: 1.0,
        };
        for (series, name, labels, takes, why) in [
            ("a", "a", &[("x", "1")][..], true, "any labels"),
            ("a", "a_total", &[], false, "another name"),
            ("a{x=\"1\"}", "a", &[("x", "1")], true, "equal"),
            ("a{x=\"1\"}", "a", &[("x", "2")], false, "not equal"),
            ("a{x=\"\"}", "a", &[], true, "absent is empty"),
            ("a{x!=\"1\"}", "a", &[], true, "absent is not 1"),
            ("a{x=~\"5..\"}", "a", &[("x", "503")], true, "a pattern"),
            ("a{x=~\"5\"}", "a", &[("x", "503")], false, "of the whole"),
            (
                "a{x!~\"5..\"}",
                "a",
                &[("x", "503")],
                false,
                "not a pattern",
            ),
        ] {
            let rule = Rule::example(series, Aggregate::Sum, false);
            assert_eq!(rule.takes(&sample(name, labels)), takes, "{why}");
        }
    }

    #[test]
    fn values_become_one() {
        use Aggregate::{Average, Maximum, Minimum, Sum};
        let nan = f64::NAN;
        for (aggregate, values, result, why) in [
            (Sum, &[1.0, 2.0, 4.0][..], Some(7.0), "sum"),
            (Average, &[1.0, 2.0, 6.0], Some(3.0), "average"),
            (Minimum, &[3.0, -2.0, 4.0], Some(-2.0), "minimum"),
            (Maximum, &[-3.0, -2.0], Some(-2.0), "maximum below zero"),
            (Sum, &[], None, "nothing"),
            (Average, &[], None, "nothing to divide"),
            (
                Sum,
                &[nan, 1.0, f64::INFINITY],
                Some(1.0),
                "what is no number is left out",
            ),
            (Maximum, &[nan], None, "nothing is left"),
            (Sum, &[f64::MAX, f64::MAX], None, "the sum is infinite"),
        ] {
            let rule = Rule::example("a", aggregate, false);
            assert_eq!(rule.aggregate(values.iter().copied()), result, "{why}");
        }
    }
}
