//! Writing fields. All numbers of fields here are below 16, so that a tag is one byte.

use super::model::Type;
use crate::exposition::MetricType;

/// Bytes that a number takes as a varint.
#[inline]
pub(crate) fn varint_len(number: usize) -> usize {
    let bits = (usize::BITS - (number | 1).leading_zeros()) as usize;
    bits.div_ceil(7)
}

/// Appends a number as a varint.
#[inline]
pub(crate) fn write_varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a field of a number.
pub(crate) fn write_number(field: u8, number: usize, out: &mut Vec<u8>) {
    out.push(field << 3);
    write_varint(number, out);
}

/// Appends a field of a double.
pub(crate) fn write_double(field: u8, number: f64, out: &mut Vec<u8>) {
    out.push(field << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends the beginning of a field of so many bytes.
#[inline]
pub(crate) fn write_head(field: u8, length: usize, out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    write_varint(length, out);
}

/// Bytes that a field of so many bytes takes with its beginning.
#[inline]
pub(crate) fn field_len(length: usize) -> usize {
    1 + varint_len(length) + length
}

/// Appends a field of bytes.
#[inline]
pub(crate) fn write_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    write_head(field, bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Appends a label to a metric.
pub(crate) fn write_label(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    write_head(1, field_len(name.len()) + field_len(value.len()), out);
    write_bytes(1, name, out);
    write_bytes(2, value, out);
}

/// The field of a family that holds its metrics.
pub(crate) const METRIC: u8 = 4;

/// What the message of a family says beside its metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) name: &'a [u8],
    /// Empty where there is none, as is the unit.
    pub(crate) help: &'a [u8],
    pub(crate) unit: &'a [u8],
    pub(crate) kind: MetricType,
}

impl Head<'_> {
    /// Appends the beginning of the family's message, up to its metrics. Those take so many bytes, tags included.
    pub(crate) fn write(&self, metrics: usize, out: &mut Vec<u8>) {
        let mut head = Vec::with_capacity(64 + self.name.len() + self.help.len());
        write_bytes(1, self.name, &mut head);
        if !self.help.is_empty() {
            write_bytes(2, self.help, &mut head);
        }
        write_number(3, Type::from(self.kind) as usize, &mut head);
        if !self.unit.is_empty() {
            write_bytes(5, self.unit, &mut head);
        }
        write_varint(head.len() + metrics, out);
        out.extend_from_slice(&head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::protobuf::wire::Part;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 1, 127, 128, 16_383, 16_384, 1 << 30, usize::MAX] {
            let mut bytes = Vec::new();
            write_varint(number, &mut bytes);
            assert_eq!(bytes.len(), varint_len(number), "{number}");
            assert_eq!(Part::new(&bytes).varint().unwrap(), number as u64);
        }
    }

    #[test]
    fn a_label_is_a_pair_of_strings() {
        let mut bytes = Vec::new();
        write_label(b"a", b"", &mut bytes);
        assert_eq!(bytes, [0x0a, 5, 0x0a, 1, b'a', 0x12, 0]);
    }
}
