//! Protobuf, byte by byte: field numbers are those of `io.prometheus.client`.

use std::collections::BTreeMap;

use super::{Family, Kind, Metric, Metrics, Point};
use crate::oracle::{Exemplar, Format, Native};

/// A message as it grows.
#[derive(Clone, Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn uint(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// ZigZag.
    fn sint(self, field: u64, value: i64) -> Self {
        self.uint(field, (value << 1 ^ value >> 63) as u64)
    }

    fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    fn each<T>(
        self,
        values: impl IntoIterator<Item = T>,
        add: impl FnMut(Self, T) -> Self,
    ) -> Self {
        values.into_iter().fold(self, add)
    }
}

pub(super) fn page(metrics: &Metrics) -> Vec<u8> {
    let mut page = Message::default();
    for family in metrics.of(Format::Protobuf) {
        let message = family_of(family);
        page.varint(message.0.len() as u64);
        page.0.extend(message.0);
    }
    page.0
}

fn family_of(family: &Family) -> Message {
    let kind = match family.kind {
        Kind::Counter | Kind::BareCounter => 0,
        Kind::Gauge => 1,
        Kind::Summary => 2,
        Kind::Unknown => 3,
        Kind::Histogram | Kind::Native | Kind::NativeLoose => 4,
        Kind::GaugeHistogram => 5,
        Kind::Info | Kind::StateSet => unreachable!("protobuf does not have them"),
    };
    Message::default()
        .bytes(1, family.main().as_bytes())
        .maybe(family.help.as_ref(), |message, help| {
            message.bytes(2, help.as_bytes())
        })
        .uint(3, kind)
        .each(&family.metrics, |message, metric| {
            message.message(4, &metric_of(family.kind, metric))
        })
        .maybe(family.unit, |message, unit| {
            message.bytes(5, unit.as_bytes())
        })
}

fn metric_of(kind: Kind, metric: &Metric) -> Message {
    let message = Message::default().each(&metric.labels, |message, (name, value)| {
        message.message(1, &pair(name, value))
    });
    let created = |message: Message, field| {
        message.maybe(metric.created, |message, created| {
            message.message(field, &time(created))
        })
    };
    let (field, point) = match &metric.point {
        Point::Number(value, exemplar) => {
            let number = Message::default().double(1, *value);
            match kind {
                Kind::Gauge => (2, number),
                Kind::Unknown => (5, number),
                _ => {
                    let number = number.maybe(exemplar.as_ref(), |message, it| {
                        message.message(2, &example(it))
                    });
                    (3, created(number, 3))
                }
            }
        }
        Point::Summary {
            quantiles,
            sum,
            count,
        } => {
            let summary = Message::default().uint(1, *count).double(2, *sum);
            let summary = summary.each(quantiles, |message, (quantile, value)| {
                message.message(
                    3,
                    &Message::default().double(1, *quantile).double(2, *value),
                )
            });
            (4, created(summary, 4))
        }
        Point::Histogram {
            buckets,
            sum,
            count,
            native,
        } => {
            let histogram = Message::default().uint(1, *count).double(2, *sum);
            let histogram = histogram.each(buckets, |message, bucket| {
                let one = Message::default()
                    .uint(1, bucket.count)
                    .double(2, bucket.bound);
                message.message(
                    3,
                    &one.maybe(bucket.exemplar.as_ref(), |one, it| {
                        one.message(3, &example(it))
                    }),
                )
            });
            let histogram = histogram.maybe(native.as_ref(), native_of);
            (7, created(histogram, 15))
        }
        Point::Native(native, exemplars) => {
            let histogram = Message::default().double(2, native.sum);
            let histogram = if native.float {
                histogram.double(4, native.count)
            } else {
                histogram.uint(1, native.count as u64)
            };
            let histogram = native_of(histogram, native).each(exemplars, |message, exemplar| {
                message.message(16, &example(exemplar))
            });
            (7, created(histogram, 15))
        }
        Point::States(_) => unreachable!("protobuf does not have them"),
    };
    // The time stands before or after the value, by its number; readers take both.
    message
        .maybe(metric.timestamp, |message, timestamp| {
            message.uint(6, timestamp as u64)
        })
        .message(field, &point)
}

fn native_of(message: Message, native: &Native) -> Message {
    let message = message
        .sint(5, native.schema.into())
        .double(6, native.zero_threshold);
    let message = if native.float {
        message.double(8, native.zero_count)
    } else {
        message.uint(7, native.zero_count as u64)
    };
    let side = |message, spans, deltas, counts, buckets: &BTreeMap<i32, f64>| {
        let mut next = 0;
        let mut before = 0;
        buckets
            .iter()
            .fold(message, |message: Message, (index, count)| {
                // One span for each bucket, as far as they do not touch: the shortest form is not demanded.
                let span = Message::default().sint(1, (index - next).into()).uint(2, 1);
                next = index + 1;
                let message = message.message(spans, &span);
                if native.float {
                    message.double(counts, *count)
                } else {
                    let delta = *count as i64 - before;
                    before = *count as i64;
                    message.sint(deltas, delta)
                }
            })
    };
    let message = side(message, 9, 10, 11, &native.negative);
    side(message, 12, 13, 14, &native.positive)
}

fn pair(name: &str, value: &str) -> Message {
    Message::default()
        .bytes(1, name.as_bytes())
        .bytes(2, value.as_bytes())
}

fn time(millis: i64) -> Message {
    Message::default()
        .uint(1, (millis / 1000) as u64)
        .uint(2, (millis % 1000 * 1_000_000) as u64)
}

fn example(exemplar: &Exemplar) -> Message {
    Message::default()
        .each(&exemplar.labels, |message, (name, value)| {
            message.message(1, &pair(name, value))
        })
        .double(2, exemplar.value)
        .maybe(exemplar.timestamp, |message, timestamp| {
            message.message(3, &time(timestamp))
        })
}
