//! What every format says, one family at a time: samples with their labels, values and times.

use std::borrow::Cow;
use std::rc::Rc;

use super::decimal;
use crate::exposition::number;
use crate::exposition::protobuf::SECONDS;

/// A family taken out of a page. Its name, and what that becomes, is known to the plan.
#[derive(Debug)]
pub(super) struct Family<'a> {
    /// Whether the page said of which type it is.
    pub(super) typed: bool,
    /// Without escapes.
    pub(super) help: Option<Cow<'a, str>>,
    pub(super) unit: Option<Cow<'a, str>>,
    pub(super) samples: Vec<Sample<'a>>,
}

/// Labels without escapes. Samples of one metric share them.
pub(super) type Labels<'a> = Rc<Vec<(Cow<'a, str>, Cow<'a, str>)>>;

/// One sample. Its name is that of the family with the suffix.
#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    pub(super) suffix: &'static str,
    pub(super) labels: Labels<'a>,
    /// The label that tells samples of one metric apart: `le`, `quantile` or the state.
    pub(super) apart: Option<Apart<'a>>,
    pub(super) value: Number<'a>,
    pub(super) time: Option<Time<'a>>,
    pub(super) exemplar: Option<Rc<Exemplar<'a>>>,
}

/// A label that tells samples of one metric apart.
#[derive(Clone, Debug)]
pub(super) struct Apart<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Bound<'a>,
}

/// The value of such a label.
#[derive(Clone, Debug)]
pub(super) enum Bound<'a> {
    /// As it stands in a page of lines, without escapes. It need not be a number.
    Text(Cow<'a, str>),
    Number(f64),
}

impl Bound<'_> {
    /// The number that it is, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => {
                number::is_number(text.as_bytes()).then(|| number::value(text.as_bytes()))
            }
            Self::Number(number) => Some(*number),
        }
        .filter(|number| !number.is_nan())
    }
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number<'a> {
    /// As it stands in a page of lines: text and OpenMetrics write numbers alike.
    Text(&'a str),
    Float(f64),
    Count(u64),
    /// Seconds since 1970 and nanoseconds after them.
    Seconds(i64, u32),
}

impl Number<'_> {
    /// The number itself.
    pub(super) fn value(self) -> f64 {
        match self {
            Self::Text(text) => number::value(text.as_bytes()),
            Self::Float(value) => value,
            Self::Count(count) => count as f64,
            Self::Seconds(seconds, nanos) => seconds as f64 + f64::from(nanos) / 1e9,
        }
    }

    /// The number, if it is whole and fits.
    pub(super) fn count(self) -> Option<u64> {
        match self {
            Self::Count(count) => return Some(count),
            // Exactly, also above 2^53.
            Self::Text(text) => {
                if let Ok(count) = text.parse() {
                    return Some(count);
                }
            }
            Self::Float(_) | Self::Seconds(..) => {}
        }
        let value = self.value();
        (value.fract() == 0.0 && (0.0..1.8e19).contains(&value)).then_some(value as u64)
    }

    /// Appends the number in decimal.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Float(value) => decimal::float(value, out),
            Self::Count(count) => {
                out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes())
            }
            Self::Seconds(seconds, nanos) => Time::Exact(seconds, nanos).write_seconds(out),
        }
    }
}

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time<'a> {
    /// Milliseconds since 1970, as in text and protobuf.
    Millis(i64),
    /// Seconds since 1970 as they stand in an OpenMetrics page.
    Seconds(&'a str),
    /// Seconds since 1970 and nanoseconds after them.
    Exact(i64, u32),
}

impl Time<'_> {
    /// In milliseconds; what is smaller is cut off. None beyond 63 bits.
    pub(super) fn millis(self) -> Option<i64> {
        match self {
            Self::Millis(millis) => Some(millis),
            Self::Seconds(text) => decimal::scaled(text, 3)?.try_into().ok(),
            Self::Exact(seconds, nanos) => seconds
                .checked_mul(1000)?
                .checked_add(i64::from(nanos / 1_000_000)),
        }
    }

    /// In nanoseconds, as far as readers keep them; only good for the order. `prometheus_client` takes `-0.5` for `0.5`
    /// there (its `_parse_timestamp` loses the sign of a zero), and so does the scan.
    pub(super) fn order(self) -> i128 {
        const NANOS: i128 = 1_000_000_000;
        let nanos = match self {
            Self::Millis(millis) => i128::from(millis) * 1_000_000,
            Self::Seconds(text) => decimal::scaled(text, 9).unwrap_or_default(),
            Self::Exact(seconds, nanos) => i128::from(seconds) * NANOS + i128::from(nanos),
        };
        if nanos / NANOS == 0 {
            nanos.abs()
        } else {
            nanos
        }
    }

    /// Seconds and nanoseconds, if that is a moment from 1970 to 9999, as `google.protobuf.Timestamp` demands.
    pub(super) fn exact(self) -> Option<(i64, u32)> {
        let nanos = match self {
            Self::Millis(millis) => i128::from(millis) * 1_000_000,
            Self::Seconds(text) => decimal::scaled(text, 9)?,
            Self::Exact(seconds, nanos) => return Some((seconds, nanos)),
        };
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
        let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
        (0..=*SECONDS.end())
            .contains(&seconds)
            .then_some((seconds, nanos))
    }

    /// Appends the seconds in decimal.
    pub(super) fn write_seconds(self, out: &mut Vec<u8>) {
        match self {
            Self::Millis(millis) => decimal::fraction(i128::from(millis), 3, out),
            Self::Seconds(text) => out.extend_from_slice(text.as_bytes()),
            Self::Exact(seconds, nanos) => decimal::fraction(
                i128::from(seconds) * 1_000_000_000 + i128::from(nanos),
                9,
                out,
            ),
        }
    }
}

/// An example of what was counted.
#[derive(Debug)]
pub(super) struct Exemplar<'a> {
    /// Names are as they are written; values have no escapes.
    pub(super) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) value: Number<'a>,
    pub(super) time: Option<Time<'a>>,
}
